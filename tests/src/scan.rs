//! A program at a door, as organisers' scan apps behave: it becomes a device, loads what it needs page by page, and scans.

use serde_json::{Value, json};

use crate::shop::http_client;

/// A device with its token.
pub struct App {
    url: String,
    token: String,
    /// The slug of the organiser.
    pub organizer: String,
    http: reqwest::Client,
}

impl App {
    /// Uses an initialization code: the device, or the status and what the shop says against it.
    pub async fn initialize(url: &str, code: &str) -> Result<Self, (u16, Value)> {
        let mut app = Self {
            url: url.trim_end_matches('/').to_owned(),
            token: String::new(),
            organizer: String::new(),
            http: http_client().build().unwrap(),
        };
        let mut about = Self::about();
        about["token"] = json!(code);
        let (status, told) = app.call("POST", "device/initialize", Some(about)).await;
        match (told["api_token"].as_str(), told["organizer"].as_str()) {
            (Some(token), Some(organizer)) => {
                app.token = token.to_owned();
                app.organizer = organizer.to_owned();
                Ok(app)
            }
            _ => Err((status, told)),
        }
    }

    /// What the device says about itself.
    pub fn about() -> Value {
        json!({ "hardware_brand": "Demo", "hardware_model": "Door 1", "os_name": "Linux", "os_version": "6",
                "software_brand": "Onsale scan", "software_version": "1.0" })
    }

    /// A call below `/api/v1/`.
    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.http.request(method, format!("{}/api/v1/{path}", self.url));
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Device {}", self.token));
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_str(&response.text().await.unwrap()).unwrap_or(Value::Null))
    }

    /// A call below the organiser.
    pub async fn ours(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        self.call(method, &format!("organizers/{}/{path}", self.organizer), body).await
    }

    /// Every row of a list below the organiser, page by page.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let (mut rows, mut page) = (Vec::new(), 1);
        loop {
            let sign = if path.contains('?') { '&' } else { '?' };
            let (status, body) = self.ours("GET", &format!("{path}{sign}page={page}"), None).await;
            assert_eq!(status, 200, "{path}: {body}");
            rows.extend(body["results"].as_array().cloned().unwrap_or_default());
            if body["next"].is_null() {
                return rows;
            }
            page += 1;
        }
    }

    /// Scans a code for some lists; `more` is what is said besides.
    pub async fn redeem(&self, lists: &[i64], secret: &str, nonce: &str, more: Value) -> (u16, Value) {
        let mut body = json!({ "lists": lists, "secret": secret, "nonce": nonce });
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        self.ours("POST", "checkinrpc/redeem/", Some(body)).await
    }

    /// Takes a new token for the old one.
    pub async fn roll(&mut self) {
        let (_, told) = self.call("POST", "device/roll", None).await;
        self.token = told["api_token"].as_str().unwrap().to_owned();
    }
}
