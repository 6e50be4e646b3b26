//! One HTTP client and one set of credentials for all AWS clients.

use std::time::Duration;

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_types::{SdkConfig, region::Region};

use crate::config::AwsConfig;

/// How long an operation may take with all its tries, unless its client says otherwise.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(10);

/// A limit for an operation with all its tries.
pub(super) fn within(time: Duration) -> TimeoutConfig {
    TimeoutConfig::builder().operation_timeout(time).build()
}

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
        .timeout_config(within(OPERATION_TIMEOUT))
        .behavior_version(aws_smithy_runtime_api::client::behavior_version::BehaviorVersion::latest())
        .build()
}
