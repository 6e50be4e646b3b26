//! One HTTP client and one set of credentials for all AWS clients.

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_types::{SdkConfig, region::Region};

use crate::config::AwsConfig;

/// Settings that every client starts from. Lambda hands credentials to the process; nothing is looked up.
pub fn sdk_config(config: &AwsConfig) -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let credentials = Credentials::new(
        &config.access_key_id,
        config.secret_access_key.reveal(),
        config.session_token.as_ref().map(|token| token.reveal().to_owned()),
        None,
        "environment",
    );
    SdkConfig::builder()
        .http_client(http)
        .region(Region::new(config.region.clone()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .sleep_impl(aws_smithy_async::rt::sleep::SharedAsyncSleep::new(aws_smithy_async::rt::sleep::TokioSleep::new()))
        .behavior_version(aws_smithy_runtime_api::client::behavior_version::BehaviorVersion::latest())
        .build()
}
