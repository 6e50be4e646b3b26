//! Files in S3: one bucket, `pub/` public, the rest only by short-lived signed URLs.

mod form;

use std::time::Duration;

use aws_sdk_s3::{
    error::DisplayErrorContext,
    operation::get_object::GetObjectError,
    presigning::PresigningConfig,
    primitives::ByteStream,
    types::{CompletedMultipartUpload, CompletedPart},
};

use form::Wanted;

pub use form::UploadForm;

use crate::{
    config::{AwsConfig, Config},
    time::Timestamp,
};

/// The bucket did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[error("the file store failed: {0}")]
pub struct MediaError(String);

impl MediaError {
    fn from_sdk<E: std::error::Error>(error: E) -> Self {
        Self(DisplayErrorContext(&error).to_string())
    }
}

/// What lets a browser save a file under a name. What is not ASCII comes a second time, for those who can read it (RFC 6266).
fn attachment(file_name: &str) -> String {
    let plain: String = file_name.chars().map(|c| if matches!(c, ' '..='~') { c } else { '_' }).collect();
    let mut disposition = format!("attachment; filename=\"{}\"", plain.replace(['"', '\\'], "_"));
    if !file_name.is_ascii() {
        disposition.push_str("; filename*=UTF-8''");
        for byte in file_name.bytes() {
            match byte {
                b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'.' | b'-' | b'_' => disposition.push(char::from(byte)),
                _ => disposition.push_str(&format!("%{byte:02X}")),
            }
        }
    }
    disposition
}

/// How long a signed download address works.
const DOWNLOAD_VALID: Duration = Duration::from_secs(300);

/// The bucket.
pub struct Media {
    client: aws_sdk_s3::Client,
    bucket: String,
    aws: AwsConfig,
}

impl Media {
    /// A client; connects on first use.
    pub fn new(config: &Config) -> Self {
        let mut builder = aws_sdk_s3::config::Builder::from(&super::aws::sdk_config(&config.aws));
        // Emulators have no host names per bucket.
        builder.set_force_path_style(config.aws.endpoint_s3.is_some().then_some(true));
        builder.set_endpoint_url(config.aws.endpoint_s3.clone());
        let (client, bucket) = (aws_sdk_s3::Client::from_conf(builder.build()), config.media_bucket.clone());
        Self { client, bucket, aws: config.aws.clone() }
    }

    /// Stores an object under `key`, replacing what was there.
    pub async fn put(&self, key: &str, content_type: &str, bytes: Vec<u8>) -> Result<(), MediaError> {
        let request = self.client.put_object().bucket(&self.bucket).key(key).content_type(content_type);
        request.body(ByteStream::from(bytes)).send().await.map_err(MediaError::from_sdk)?;
        Ok(())
    }

    /// Stores an object that everybody may see, under a key that changes with its content: it may be kept for ever.
    pub async fn publish(&self, key: &str, content_type: &str, bytes: Vec<u8>) -> Result<(), MediaError> {
        self.publish_for(key, content_type, bytes, "public, max-age=31536000, immutable").await
    }

    /// Stores an object that everybody may see, with how long it may be kept.
    pub async fn publish_for(
        &self,
        key: &str,
        content_type: &str,
        bytes: Vec<u8>,
        cache_control: &str,
    ) -> Result<(), MediaError> {
        let request = self.client.put_object().bucket(&self.bucket).key(key).content_type(content_type);
        let request = request.cache_control(cache_control).body(ByteStream::from(bytes));
        request.send().await.map(|_| ()).map_err(MediaError::from_sdk)
    }

    /// The bytes of an object, if it is there.
    pub async fn find(&self, key: &str) -> Result<Option<Vec<u8>>, MediaError> {
        Ok(self.find_with_type(key).await?.map(|(bytes, _)| bytes))
    }

    /// The bytes of an object and what it is stored as, if it is there.
    pub async fn find_with_type(&self, key: &str) -> Result<Option<(Vec<u8>, String)>, MediaError> {
        match self.client.get_object().bucket(&self.bucket).key(key).send().await {
            Ok(object) => {
                let content_type = object.content_type().unwrap_or("application/octet-stream").to_owned();
                let bytes = object.body.collect().await.map_err(MediaError::from_sdk)?.to_vec();
                Ok(Some((bytes, content_type)))
            }
            Err(error) if error.as_service_error().is_some_and(GetObjectError::is_no_such_key) => Ok(None),
            Err(error) => Err(MediaError::from_sdk(error)),
        }
    }

    /// A form that sends one file of a type to `key`, for the next ten minutes.
    pub fn upload_form(&self, key: &str, content_type: &str, bytes_max: usize, now: Timestamp) -> UploadForm {
        let url = match &self.aws.endpoint_s3 {
            Some(endpoint) => format!("{}/{}", endpoint.trim_end_matches('/'), self.bucket),
            None => format!("https://{}.s3.{}.amazonaws.com/", self.bucket, self.aws.region),
        };
        form::sign(&self.aws, url, &Wanted { bucket: &self.bucket, key, content_type, bytes_max }, now)
    }

    /// The bytes of an object.
    pub async fn get(&self, key: &str) -> Result<Vec<u8>, MediaError> {
        let object =
            self.client.get_object().bucket(&self.bucket).key(key).send().await.map_err(MediaError::from_sdk)?;
        Ok(object.body.collect().await.map_err(MediaError::from_sdk)?.to_vec())
    }

    /// A file that comes in pieces, of any length: they leave as they come.
    pub fn begin_upload<'a>(&'a self, key: &'a str, content_type: &'a str) -> Upload<'a> {
        Upload { media: self, key, content_type, waiting: Vec::new(), begun: None }
    }

    /// Removes an object. That it is not there is fine.
    pub async fn delete(&self, key: &str) -> Result<(), MediaError> {
        let deleted = self.client.delete_object().bucket(&self.bucket).key(key).send().await;
        deleted.map(|_| ()).map_err(MediaError::from_sdk)
    }

    /// An address that shows the object, called `file_name`, for the next five minutes.
    pub async fn download_url(&self, key: &str, file_name: &str) -> Result<String, MediaError> {
        self.signed_url(key, &format!("inline; filename=\"{file_name}\"")).await
    }

    /// An address that saves the object as `file_name`, for the next five minutes.
    pub async fn attachment_url(&self, key: &str, file_name: &str) -> Result<String, MediaError> {
        self.signed_url(key, &attachment(file_name)).await
    }

    async fn signed_url(&self, key: &str, disposition: &str) -> Result<String, MediaError> {
        let valid = PresigningConfig::expires_in(DOWNLOAD_VALID).map_err(MediaError::from_sdk)?;
        let request = self.client.get_object().bucket(&self.bucket).key(key);
        let request = request.response_content_disposition(disposition);
        Ok(request.presigned(valid).await.map_err(MediaError::from_sdk)?.uri().to_owned())
    }
}

/// Bytes of one part: S3 wants at least 5 MB, except of the last.
const PART_BYTES: usize = 8 << 20;

/// A file on its way into the bucket. Nothing is there before [`Upload::finish`].
pub struct Upload<'a> {
    media: &'a Media,
    key: &'a str,
    content_type: &'a str,
    waiting: Vec<u8>,
    begun: Option<Begun>,
}

/// An upload in several parts.
struct Begun {
    id: String,
    parts: Vec<CompletedPart>,
}

impl Upload<'_> {
    /// Adds to the file.
    pub async fn push(&mut self, bytes: Vec<u8>) -> Result<(), MediaError> {
        self.waiting.extend(bytes);
        if self.waiting.len() >= PART_BYTES { self.send_part().await } else { Ok(()) }
    }

    async fn send_part(&mut self) -> Result<(), MediaError> {
        let (client, bucket) = (&self.media.client, &self.media.bucket);
        let begun = match &mut self.begun {
            Some(begun) => begun,
            slot => {
                let create = client.create_multipart_upload().bucket(bucket).key(self.key);
                let created = create.content_type(self.content_type).send().await.map_err(MediaError::from_sdk)?;
                let id = created.upload_id.ok_or_else(|| MediaError("an upload without an id".to_owned()))?;
                slot.insert(Begun { id, parts: Vec::new() })
            }
        };
        let number = i32::try_from(begun.parts.len() + 1).expect("S3 takes at most 10000 parts");
        let part = client.upload_part().bucket(bucket).key(self.key).upload_id(&begun.id).part_number(number);
        let body = ByteStream::from(std::mem::take(&mut self.waiting));
        let sent = part.body(body).send().await.map_err(MediaError::from_sdk)?;
        begun.parts.push(CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag).build());
        Ok(())
    }

    /// Ends the file: now it is there.
    pub async fn finish(mut self) -> Result<(), MediaError> {
        if self.begun.is_none() {
            return self.media.put(self.key, self.content_type, self.waiting).await;
        }
        if !self.waiting.is_empty() {
            self.send_part().await?;
        }
        let Some(Begun { id, parts }) = self.begun else { return Ok(()) };
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let complete = self.media.client.complete_multipart_upload().bucket(&self.media.bucket).key(self.key);
        let completed = complete.upload_id(id).multipart_upload(parts).send().await;
        completed.map(|_| ()).map_err(MediaError::from_sdk)
    }

    /// Leaves nothing behind, if that can be said to the bucket; its lifecycle rule removes what cannot.
    pub async fn abandon(self) {
        let Some(begun) = self.begun else { return };
        let abort = self.media.client.abort_multipart_upload().bucket(&self.media.bucket).key(self.key);
        if let Err(error) = abort.upload_id(begun.id).send().await {
            tracing::warn!(error = %DisplayErrorContext(&error), "parts of a file were left in the bucket");
        }
    }
}
