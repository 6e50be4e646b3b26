//! S3 in this process, on a folder: the real protocol with signatures, path style.

use std::path::Path;

use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use s3s_fs::FileSystem;
use tokio::net::TcpListener;

use crate::server::Server;

/// The only key that is let in. Local: it protects nothing, but a wrong signature is found here and not in the cloud.
pub const ACCESS_KEY_ID: &str = "onsale-local";
/// Its secret.
pub const SECRET_ACCESS_KEY: &str = "onsale-local-secret";
/// The bucket for files.
pub const BUCKET: &str = "onsale-media";

/// Serves the buckets in `folder` on a free port and makes the bucket [`BUCKET`].
pub async fn start(folder: &Path) -> std::io::Result<Server> {
    // A bucket is a folder.
    std::fs::create_dir_all(folder.join(BUCKET))?;
    let files = FileSystem::new(folder).map_err(|error| std::io::Error::other(format!("{error:?}")))?;
    let mut builder = S3ServiceBuilder::new(files);
    builder.set_auth(SimpleAuth::from_single(ACCESS_KEY_ID, SECRET_ACCESS_KEY));
    Server::start(TcpListener::bind(("127.0.0.1", 0)).await?, builder.build())
}
