//! A browser without a window, driven through chromedriver.

use std::{
    net::TcpListener,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use fantoccini::{Client, ClientBuilder, Locator, elements::Element, wd::WebDriverCompatibleCommand};
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::Url;
use serde_json::{Value, json};

/// Names under which distributions install the browser.
const BROWSERS: &[&str] = &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/// Nothing of the developer's own, nothing from the network but the pages of the test.
const FLAGS: &[&str] = &[
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--lang=en",
];
/// How long a page or a process may take.
const SOON: Duration = Duration::from_secs(20);

/// Whether pages may run scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    /// As in most browsers.
    On,
    /// Refused by the browser's settings.
    Off,
}

/// A browser with one window and an empty profile. It ends when this is dropped.
pub struct Browser {
    client: Client,
    // Ends before its profile is removed.
    driver: Driver,
}

/// chromedriver and the browsers that it started, in a process group of their own.
struct Driver {
    process: Child,
    profile: PathBuf,
}

impl Driver {
    fn downloads(&self) -> PathBuf {
        self.profile.join("downloads")
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let group = format!("-{}", self.process.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

/// The first program of that name in the search path.
fn find(name: &str) -> Option<PathBuf> {
    local::environment::search_path().into_iter().map(|folder| folder.join(name)).find(|file| file.is_file())
}

impl Browser {
    /// Opens a browser. Says why not, if the programs for it are not installed.
    pub async fn open(script: Script) -> Result<Self, &'static str> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let driver = find("chromedriver").ok_or("chromedriver is not installed")?;
        let browser = BROWSERS.iter().find_map(|name| find(name)).ok_or("chromium is not installed")?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let profile = std::env::temp_dir().join(format!("onsale-browser-{}-{number}", std::process::id()));
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let process = Command::new(driver)
            .arg(format!("--port={port}"))
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let driver = Driver { process, profile };
        let mut flags: Vec<String> = FLAGS.iter().map(|flag| (*flag).to_owned()).collect();
        flags.push(format!("--user-data-dir={}", driver.profile.display()));
        let mut prefs = json!({"download.default_directory": driver.downloads(), "download.prompt_for_download": false, "plugins.always_open_pdf_externally": true});
        if script == Script::Off {
            prefs["profile.managed_default_content_settings.javascript"] = json!(2);
        }
        let Value::Object(capabilities) = json!({
            "browserName": "chrome",
            "goog:loggingPrefs": {"browser": "ALL"},
            "goog:chromeOptions": {"binary": browser, "args": flags, "prefs": prefs},
        }) else {
            unreachable!("an object is written above")
        };
        let begun = Instant::now();
        let client = loop {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            match builder.capabilities(capabilities.clone()).connect(&format!("http://127.0.0.1:{port}")).await {
                Ok(client) => break client,
                Err(error) if begun.elapsed() > SOON => panic!("chromedriver does not start a browser: {error}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        };
        Ok(Self { client, driver })
    }

    /// Opens a page.
    pub async fn go(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// The address of the page.
    pub async fn url(&self) -> String {
        self.client.current_url().await.unwrap().to_string()
    }

    /// The element at an XPath, when it is there.
    pub async fn at(&self, path: &str) -> Element {
        let found = self.client.wait().at_most(SOON).for_element(Locator::XPath(path)).await;
        match found {
            Ok(element) => element,
            Err(error) => panic!("{path}: {error}\n{}\n{}", self.url().await, self.text().await),
        }
    }

    /// Clicks on the element at an XPath, in the middle of the screen, where nothing lies above it.
    pub async fn click(&self, path: &str) {
        let element = self.at(path).await;
        let arguments = vec![serde_json::to_value(&element).unwrap()];
        self.client.execute("arguments[0].scrollIntoView({block: 'center'})", arguments).await.unwrap();
        element.click().await.unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// Replaces the text of the field at an XPath.
    pub async fn fill(&self, path: &str, text: &str) {
        let field = self.at(path).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Chooses a file in the field at an XPath.
    pub async fn choose(&self, path: &str, file: &Path) {
        self.at(path).await.send_keys(file.to_str().unwrap()).await.unwrap();
    }

    /// Fills every field whose label begins with a text; returns how many there are.
    pub async fn fill_labelled(&self, label: &str, text: &str) -> usize {
        let labels = format!("//label[starts-with(normalize-space(), \"{label}\")]");
        let labels = self.client.find_all(Locator::XPath(&labels)).await.unwrap();
        for label in &labels {
            let id = label.attr("for").await.unwrap().unwrap();
            self.fill(&format!("//*[@id=\"{id}\"]"), text).await;
        }
        labels.len()
    }

    /// What the page says.
    pub async fn text(&self) -> String {
        self.client.find(Locator::Css("body")).await.unwrap().text().await.unwrap()
    }

    /// The result of a function's body in JavaScript, which the test may run even where pages may not.
    pub async fn ask(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// Presses keys where the focus is.
    pub async fn press(&self, keys: &str) {
        self.client.active_element().await.unwrap().send_keys(keys).await.unwrap();
    }

    /// The PDF files that were downloaded completely.
    pub fn downloads(&self) -> Vec<Vec<u8>> {
        let Ok(folder) = std::fs::read_dir(self.driver.downloads()) else { return Vec::new() };
        let files = folder.map(|entry| entry.unwrap().path());
        files
            .filter(|file| file.extension().is_some_and(|kind| kind == "pdf"))
            .map(|file| std::fs::read(file).unwrap())
            .filter(|bytes| !bytes.is_empty())
            .collect()
    }

    /// Shows the page on a screen of that size.
    pub async fn resize(&self, width: u64, height: u64) {
        let screen = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("goog/cdp/execute", json!({"cmd": "Emulation.setDeviceMetricsOverride", "params": screen})).await;
    }

    /// A picture of the screen as PNG.
    pub async fn picture(&self) -> Vec<u8> {
        self.client.screenshot().await.unwrap()
    }

    /// What the browser has complained about since the last call.
    pub async fn complaints(&self) -> Vec<String> {
        let entries = self.call("se/log", json!({"type": "browser"})).await;
        let bad =
            entries.as_array().unwrap().iter().filter(|entry| entry["level"] != "INFO" && entry["level"] != "DEBUG");
        bad.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    async fn call(&self, path: &'static str, body: Value) -> Value {
        self.client.issue_cmd(Extension { path, body }).await.unwrap()
    }
}

/// A command that only chromedriver knows.
#[derive(Debug)]
struct Extension {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, <Url as std::str::FromStr>::Err> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}
