//! Configuration from the environment, read once at start. All mistakes are reported together.

use std::{fmt, net::IpAddr};

/// A text that never shows up in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Where the database is.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// `DATABASE_URL`: the primary, the only one that decides.
    pub url: Secret,
    /// `DATABASE_REPLICA_URL`: optional, for reads that may be a little old.
    pub replica_url: Option<Secret>,
    /// `DATABASE_AUTH`: with `iam` functions sign in with their role, and the addresses have no password.
    pub signs_in: bool,
    /// `DATABASE_CA`: PEM text of further certificate authorities.
    pub ca_pem: Option<String>,
}

/// How AWS, or what stands for it on this machine, is reached.
#[derive(Debug, Clone)]
pub struct AwsConfig {
    /// `AWS_REGION`.
    pub region: String,
    /// `AWS_ENDPOINT_URL`: set for LocalStack and its kind; the service-specific `AWS_ENDPOINT_URL_S3`,
    /// `AWS_ENDPOINT_URL_SQS` and `AWS_ENDPOINT_URL_SESV2` win over it, as in the SDKs.
    pub endpoint_s3: Option<String>,
    /// See `endpoint_s3`.
    pub endpoint_sqs: Option<String>,
    /// See `endpoint_s3`.
    pub endpoint_ses: Option<String>,
    /// `AWS_ACCESS_KEY_ID`; Lambda sets it for the function's role.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: Secret,
    /// `AWS_SESSION_TOKEN`, for temporary credentials.
    pub session_token: Option<Secret>,
}

/// Who carries the mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailTransport {
    /// `ses:`: Amazon SES v2.
    Ses,
    /// `smtp://`, `smtps://`: any mail server; `?tls=required` for STARTTLS.
    Smtp(Secret),
    /// `folder:PATH`: one `.eml` file a mail, for development.
    Folder(std::path::PathBuf),
}

/// What SES allows an account that has left its sandbox, at first.
const MAILS_PER_SECOND: i64 = 14;

/// Everything a function needs to know about where it runs.
#[derive(Debug, Clone)]
pub struct Config {
    /// The databases.
    pub database: DatabaseConfig,
    /// The AWS services.
    pub aws: AwsConfig,
    /// `QUEUE_URL_PREFIX`: a queue's URL is this and its name.
    pub queue_url_prefix: String,
    /// `MEDIA_BUCKET`.
    pub media_bucket: String,
    /// `MAIL_URL`.
    pub mail: MailTransport,
    /// `MAIL_FROM`: the sender's address of mails.
    pub mail_from: lettre::Address,
    /// `MAILS_PER_SECOND`: how many mails the provider takes.
    pub mails_per_second: i64,
    /// `PUBLIC_URL`: what buyers type, without a slash at the end.
    pub public_url: String,
    /// `SECRET_KEY`: signs cookies and form tokens; at least 32 characters.
    pub secret_key: Secret,
    /// `WEBHOOK_PRIVATE_ADDRESSES`: where webhooks may go though it is not public. Only for development.
    pub webhook_private_addresses: Vec<IpAddr>,
}

/// All mistakes of a configuration.
#[derive(Debug, thiserror::Error)]
#[error("the configuration is not usable:\n{}", .0.join("\n"))]
pub struct ConfigErrors(pub Vec<String>);

/// Reads variables and collects what is wrong with them.
struct Reader<L> {
    lookup: L,
    errors: Vec<String>,
}

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    fn optional(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    fn required(&mut self, name: &str, what: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.errors.push(format!("  {name} is missing: {what}"));
            String::new()
        })
    }

    fn refuse(&mut self, name: &str, why: &str) {
        self.errors.push(format!("  {name} is wrong: {why}"));
    }

    fn endpoint(&self, service: &str) -> Option<String> {
        self.optional(&format!("AWS_ENDPOINT_URL_{service}")).or_else(|| self.optional("AWS_ENDPOINT_URL"))
    }
}

impl Config {
    /// Reads the process environment.
    pub fn from_env() -> Result<Self, ConfigErrors> {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// Reads variables from `lookup`, so that the local stack and tests need no process environment.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigErrors> {
        let mut reader = Reader { lookup, errors: Vec::new() };
        let database = DatabaseConfig {
            url: Secret::new(reader.required("DATABASE_URL", "a URL such as postgres://user:password@host/database")),
            replica_url: reader.optional("DATABASE_REPLICA_URL").map(Secret::new),
            signs_in: match reader.optional("DATABASE_AUTH").as_deref() {
                None => false,
                Some("iam") => true,
                Some(_) => {
                    reader.refuse("DATABASE_AUTH", "it is iam, or nothing if the address has a password");
                    false
                }
            },
            // Where variables are lines of a file, a text of several lines is written as one.
            ca_pem: reader.optional("DATABASE_CA").map(|pem| pem.replace("\\n", "\n")),
        };
        let aws = AwsConfig {
            region: reader.required("AWS_REGION", "a region such as eu-central-1"),
            endpoint_s3: reader.endpoint("S3"),
            endpoint_sqs: reader.endpoint("SQS"),
            endpoint_ses: reader.endpoint("SESV2"),
            access_key_id: reader.required("AWS_ACCESS_KEY_ID", "the key id; Lambda sets it by itself"),
            secret_access_key: Secret::new(
                reader.required("AWS_SECRET_ACCESS_KEY", "the key; Lambda sets it by itself"),
            ),
            session_token: reader.optional("AWS_SESSION_TOKEN").map(Secret::new),
        };
        let queue_url_prefix = reader.required("QUEUE_URL_PREFIX", "the queues' URL up to the queue's own name");
        let media_bucket = reader.required("MEDIA_BUCKET", "the name of the bucket for files");
        let mail_url = reader.required("MAIL_URL", "ses: or smtp://host or folder:/path");
        let mail = match parse_mail_url(&mail_url) {
            Some(mail) => mail,
            None => {
                if !mail_url.is_empty() {
                    reader.refuse("MAIL_URL", "it begins with ses:, smtp://, smtps:// or folder:");
                }
                MailTransport::Ses
            }
        };
        let mail_from_text = reader.required("MAIL_FROM", "the sender's address of mails");
        let mail_from: Option<lettre::Address> = mail_from_text.parse().ok();
        if !mail_from_text.is_empty() && mail_from.is_none() {
            reader.refuse("MAIL_FROM", "it is an address such as tickets@example.org");
        }
        let mails_per_second = reader.optional("MAILS_PER_SECOND").unwrap_or_else(|| MAILS_PER_SECOND.to_string());
        let mails_per_second = mails_per_second.parse().ok().filter(|rate| (1..=1_000_000).contains(rate));
        if mails_per_second.is_none() {
            reader.refuse("MAILS_PER_SECOND", "it is a whole number from 1 to 1000000");
        }
        let public_url = reader.required("PUBLIC_URL", "the shop's address, such as https://tickets.example.org");
        let is_web_address = public_url.starts_with("https://") || public_url.starts_with("http://");
        if !public_url.is_empty() && !is_web_address {
            reader.refuse("PUBLIC_URL", "it begins with https:// or http://");
        }
        let secret_key = reader.required("SECRET_KEY", "at least 32 random characters");
        if !secret_key.is_empty() && secret_key.len() < 32 {
            reader.refuse("SECRET_KEY", "it has at least 32 characters");
        }
        let private = reader.optional("WEBHOOK_PRIVATE_ADDRESSES").unwrap_or_default();
        let private: Result<Vec<IpAddr>, _> =
            private.split(',').map(str::trim).filter(|it| !it.is_empty()).map(str::parse).collect();
        let webhook_private_addresses = private.unwrap_or_else(|_| {
            reader.refuse("WEBHOOK_PRIVATE_ADDRESSES", "it is a list of IP addresses with commas in between");
            Vec::new()
        });
        let (Some(mail_from), true) = (mail_from, reader.errors.is_empty()) else {
            return Err(ConfigErrors(reader.errors));
        };
        Ok(Self {
            database,
            aws,
            queue_url_prefix,
            media_bucket,
            mail,
            mail_from,
            mails_per_second: mails_per_second.unwrap_or(MAILS_PER_SECOND),
            public_url: public_url.trim_end_matches('/').to_owned(),
            secret_key: Secret::new(secret_key),
            webhook_private_addresses,
        })
    }
}

fn parse_mail_url(url: &str) -> Option<MailTransport> {
    if url.trim_end_matches('/') == "ses:" {
        return Some(MailTransport::Ses);
    }
    if let Some(path) = url.strip_prefix("folder:") {
        return Some(MailTransport::Folder(path.into()));
    }
    (url.starts_with("smtp://") || url.starts_with("smtps://")).then(|| MailTransport::Smtp(Secret::new(url)))
}
