//! Signing in to the database with the role of a function instead of a password: RDS takes a signed address, good for a quarter
//! of an hour, in its place. It is made here, without asking anybody, so nothing secret is stored and nothing is to be rotated.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign},
    sign::v4,
};

use crate::{config::AwsConfig, time::Timestamp};

/// The longest that RDS takes one.
const VALID_SECONDS: u64 = 900;
/// What RDS leaves away from the address that is signed.
const SCHEME: &str = "https://";

/// The password of `user` at the database `host:port` from `now` on. The role needs `rds-db:connect` for that user.
pub fn password(config: &AwsConfig, host: &str, port: u16, user: &str, now: Timestamp) -> Result<String, String> {
    let identity = Credentials::new(
        &config.access_key_id,
        config.secret_access_key.reveal(),
        config.session_token.as_ref().map(|token| token.reveal().to_owned()),
        None,
        "environment",
    )
    .into();
    let mut settings = SigningSettings::default();
    settings.expires_in = Some(Duration::from_secs(VALID_SECONDS));
    settings.signature_location = SignatureLocation::QueryParams;
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(&config.region)
        .name("rds-db")
        .time(SystemTime::UNIX_EPOCH + Duration::from_micros(now.as_micros().unsigned_abs()))
        .settings(settings)
        .build()
        .map_err(|error| error.to_string())?;
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("Action", "connect"), ("DBUser", user)])
        .finish();
    let address = format!("{SCHEME}{host}:{port}/?{query}");
    let request = SignableRequest::new("GET", &address, std::iter::empty(), SignableBody::empty());
    let signed =
        sign(request.map_err(|error| error.to_string())?, &params.into()).map_err(|error| error.to_string())?;
    let mut request = http::Request::get(&address).body(()).map_err(|error| error.to_string())?;
    signed.into_parts().0.apply_to_request_http1x(&mut request);
    Ok(request.uri().to_string().trim_start_matches(SCHEME).to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::config::Secret;

    #[test]
    fn it_is_signed_as_the_tools_of_aws_do() {
        let host = "onsale-x.proxy-abc.eu-central-1.rds.amazonaws.com";
        // Made by botocore's `generate_db_auth_token`, for the same credentials and moment.
        for (session, parts, signature) in [
            (None, "", "9faa993deb6cd4b746dcc2d74489932e9c94a410b4e93ed3eb23759682166e41"),
            (
                Some("session/token+1="),
                "&X-Amz-Security-Token=session%2Ftoken%2B1%3D",
                "cda0de10f5b074f2d73716eb434f291b6966b0cef57700ce2a542b9eab7df969",
            ),
        ] {
            let config = AwsConfig {
                region: "eu-central-1".to_owned(),
                endpoint_s3: None,
                endpoint_sqs: None,
                endpoint_ses: None,
                access_key_id: "AKIDEXAMPLE".to_owned(),
                secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
                session_token: session.map(Secret::new),
            };
            let now: Timestamp = Timestamp::parse("2026-11-27T12:00:00Z").unwrap();
            let password = password(&config, host, 5432, "onsale", now).unwrap();
            let expected = format!(
                "{host}:5432/?Action=connect&DBUser=onsale&X-Amz-Algorithm=AWS4-HMAC-SHA256\
                 &X-Amz-Credential=AKIDEXAMPLE%2F20261127%2Feu-central-1%2Frds-db%2Faws4_request\
                 &X-Amz-Date=20261127T120000Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host{parts}&X-Amz-Signature={signature}"
            );
            let fields = |text: &str| text.split(['?', '&']).map(str::to_owned).collect::<BTreeSet<_>>();
            assert_eq!(fields(&password), fields(&expected));
        }
    }
}
