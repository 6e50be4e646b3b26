//! Files in S3: one bucket, `pub/` public, the rest only by short-lived signed URLs.

use std::time::Duration;

use aws_sdk_s3::{error::DisplayErrorContext, presigning::PresigningConfig, primitives::ByteStream};

use crate::config::Config;

/// The bucket did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[error("the file store failed: {0}")]
pub struct MediaError(String);

impl MediaError {
    fn from_sdk<E: std::error::Error>(error: E) -> Self {
        Self(DisplayErrorContext(&error).to_string())
    }
}

/// How long a signed download address works.
const DOWNLOAD_VALID: Duration = Duration::from_secs(300);

/// The bucket.
pub struct Media {
    client: aws_sdk_s3::Client,
    bucket: String,
}

impl Media {
    /// A client; connects on first use.
    pub fn new(config: &Config) -> Self {
        let mut builder = aws_sdk_s3::config::Builder::from(&super::aws::sdk_config(&config.aws));
        // Emulators have no host names per bucket.
        builder.set_force_path_style(config.aws.endpoint_s3.is_some().then_some(true));
        builder.set_endpoint_url(config.aws.endpoint_s3.clone());
        Self { client: aws_sdk_s3::Client::from_conf(builder.build()), bucket: config.media_bucket.clone() }
    }

    /// Stores an object under `key`, replacing what was there.
    pub async fn put(&self, key: &str, content_type: &str, bytes: Vec<u8>) -> Result<(), MediaError> {
        let request = self.client.put_object().bucket(&self.bucket).key(key).content_type(content_type);
        request.body(ByteStream::from(bytes)).send().await.map_err(MediaError::from_sdk)?;
        Ok(())
    }

    /// The bytes of an object.
    pub async fn get(&self, key: &str) -> Result<Vec<u8>, MediaError> {
        let object =
            self.client.get_object().bucket(&self.bucket).key(key).send().await.map_err(MediaError::from_sdk)?;
        Ok(object.body.collect().await.map_err(MediaError::from_sdk)?.to_vec())
    }

    /// An address that downloads the object under `file_name` for the next five minutes.
    pub async fn download_url(&self, key: &str, file_name: &str) -> Result<String, MediaError> {
        let valid = PresigningConfig::expires_in(DOWNLOAD_VALID).map_err(MediaError::from_sdk)?;
        let request = self.client.get_object().bucket(&self.bucket).key(key);
        let request = request.response_content_disposition(format!("inline; filename=\"{file_name}\""));
        Ok(request.presigned(valid).await.map_err(MediaError::from_sdk)?.uri().to_owned())
    }
}
