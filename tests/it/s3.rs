//! The local S3 does what the shop asks of S3, and refuses who has no right.

use aws_sdk_s3::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
};
use local::{s3, server::Server};
use shop::port::media::Media;

use crate::sqs::config;

struct S3 {
    media: Media,
    url: String,
    folder: std::path::PathBuf,
    _server: Server,
}

impl Drop for S3 {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

async fn start() -> S3 {
    let folder = std::env::temp_dir().join(format!("onsale-s3-{:08x}", rand::random::<u32>()));
    let server = s3::start(&folder).await.unwrap();
    S3 { media: Media::new(&config("AWS_ENDPOINT_URL", server.url())), url: server.url(), folder, _server: server }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_comes_back_as_it_was_stored() {
    let s3 = start().await;
    let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    s3.media.put("tickets/1/a b.pdf", "application/pdf", bytes.clone()).await.unwrap();
    assert_eq!(s3.media.get("tickets/1/a b.pdf").await.unwrap(), bytes);
    s3.media.put("tickets/1/a b.pdf", "application/pdf", b"newer".to_vec()).await.unwrap();
    assert_eq!(s3.media.get("tickets/1/a b.pdf").await.unwrap(), b"newer");
    assert!(s3.media.get("tickets/2/none.pdf").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_address_downloads_without_credentials() {
    let s3 = start().await;
    s3.media.put("tickets/1/t.pdf", "application/pdf", b"%PDF".to_vec()).await.unwrap();
    let url = s3.media.download_url("tickets/1/t.pdf", "ticket.pdf").await.unwrap();
    let client = crate::shop::http_client().build().unwrap();
    let answer = client.get(&url).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/pdf");
    assert_eq!(answer.headers()["content-disposition"], "inline; filename=\"ticket.pdf\"");
    assert_eq!(answer.bytes().await.unwrap(), "%PDF");

    let forged = url.replace("tickets/1/t.pdf", "tickets/1/u.pdf");
    assert_eq!(client.get(forged).send().await.unwrap().status(), 403, "the signature is for one file");
    let unsigned = format!("{}/{}/tickets/1/t.pdf", s3.url, s3::BUCKET);
    assert_eq!(client.get(unsigned).send().await.unwrap().status(), 403);
    let missing = s3.media.download_url("tickets/1/none.pdf", "ticket.pdf").await.unwrap();
    assert_eq!(client.get(missing).send().await.unwrap().status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_file_is_gone_and_a_wrong_key_is_refused() {
    let s3 = start().await;
    s3.media.put("a", "text/plain", b"a".to_vec()).await.unwrap();
    let client = |secret: &str| {
        let credentials = Credentials::new(s3::ACCESS_KEY_ID, secret, None, None, "test");
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(credentials)
            .endpoint_url(&s3.url)
            .force_path_style(true)
            .http_client(shops_http_client());
        Client::from_conf(config.build())
    };
    let refused = client("wrong").delete_object().bucket(s3::BUCKET).key("a").send().await;
    assert_eq!(refused.unwrap_err().raw_response().unwrap().status().as_u16(), 403);
    let right = client(s3::SECRET_ACCESS_KEY);
    right.delete_object().bucket(s3::BUCKET).key("a").send().await.unwrap();
    let gone = right.get_object().bucket(s3::BUCKET).key("a").send().await.unwrap_err();
    assert!(gone.as_service_error().unwrap().is_no_such_key());
}

/// The HTTP client that the shop's own clients use.
fn shops_http_client() -> aws_sdk_s3::config::SharedHttpClient {
    let queues = shop::port::queue::Queues::new(&config("AWS_ENDPOINT_URL", String::new()));
    queues.client().config().http_client().unwrap()
}
