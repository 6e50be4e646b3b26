//! Handing mails over: Amazon SES, an SMTP server, or a folder on this machine.

use std::{path::Path, time::Duration};

use aws_sdk_sesv2::{
    error::DisplayErrorContext,
    primitives::Blob,
    types::{EmailContent, RawMessage},
};
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    address::AddressError,
    message::{
        Attachment, Mailbox, MultiPart, SinglePart,
        header::{ContentType, Header, HeaderName, HeaderValue},
    },
};

use crate::config::{Config, MailTransport};

/// A mail as it is to be handed over.
pub struct OutgoingMail {
    /// Stable name of the mail: becomes its Message-ID, so that a second copy could be recognised.
    pub id: String,
    /// Display name of the sender; the address is the configured one.
    pub from_name: String,
    /// Where answers go: an address, perhaps with a name; left out if it cannot be read.
    pub reply_to: Option<String>,
    /// Where the reader ends such mails, if that is for the reader to say.
    pub unsubscribe_url: Option<String>,
    /// One address.
    pub recipient: String,
    /// The subject line.
    pub subject: String,
    /// The plain text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
    /// Files.
    pub attachments: Vec<File>,
}

/// A file that goes with a mail.
pub struct File {
    /// What it is called.
    pub name: String,
    /// What it is: `application/pdf`.
    pub content_type: &'static str,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// Why a mail was not handed over.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// Trying again cannot help: the address or the message is refused.
    #[error("the mail is refused: {0}")]
    Permanent(String),
    /// The server is away or busy.
    #[error("the mail server did not take the mail: {0}")]
    Temporary(String),
}

enum Transport {
    Ses(aws_sdk_sesv2::Client),
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Folder(std::path::PathBuf),
}

/// How long the mail server may take for one command.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Hands mails over.
pub struct Mailer {
    transport: Transport,
    from: Address,
}

impl Mailer {
    /// A mailer; connects on first use. Fails on an unusable SMTP address, which somebody will correct: temporarily.
    pub fn new(config: &Config) -> Result<Self, MailError> {
        let transport = match &config.mail {
            MailTransport::Ses => {
                let mut builder = aws_sdk_sesv2::config::Builder::from(&super::aws::sdk_config(&config.aws));
                builder.set_endpoint_url(config.aws.endpoint_ses.clone());
                Transport::Ses(aws_sdk_sesv2::Client::from_conf(builder.build()))
            }
            MailTransport::Smtp(url) => {
                let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.reveal());
                Transport::Smtp(
                    builder.map_err(|error| MailError::Temporary(error.to_string()))?.timeout(Some(TIMEOUT)).build(),
                )
            }
            MailTransport::Folder(path) => Transport::Folder(path.clone()),
        };
        Ok(Self { transport, from: config.mail_from.clone() })
    }

    /// Hands one mail over. `Ok` means that the other side has taken responsibility for it, and says how it calls the mail
    /// if it will tell more about it.
    pub async fn send(&self, mail: &OutgoingMail) -> Result<Option<String>, MailError> {
        let message = self.build(mail)?;
        match &self.transport {
            Transport::Ses(client) => {
                let raw = RawMessage::builder().data(Blob::new(message.formatted())).build();
                let content = EmailContent::builder().raw(raw.expect("data is set")).build();
                let sent = client.send_email().content(content).send().await;
                sent.map(|answer| answer.message_id).map_err(|error| {
                    let refused = error
                        .as_service_error()
                        .is_some_and(|error| error.is_message_rejected() || error.is_bad_request_exception());
                    let text = DisplayErrorContext(&error).to_string();
                    if refused { MailError::Permanent(text) } else { MailError::Temporary(text) }
                })
            }
            Transport::Smtp(transport) => transport.send(message).await.map(|_| None).map_err(|error| {
                if error.is_permanent() {
                    MailError::Permanent(error.to_string())
                } else {
                    MailError::Temporary(error.to_string())
                }
            }),
            Transport::Folder(folder) => write_to_folder(folder, &mail.id, &message.formatted()).map(|()| None),
        }
    }

    fn build(&self, mail: &OutgoingMail) -> Result<Message, MailError> {
        let refused = |error: &dyn std::fmt::Display| MailError::Permanent(error.to_string());
        let recipient: Address = mail.recipient.parse().map_err(|error: AddressError| refused(&error))?;
        let mut builder = Message::builder()
            .message_id(Some(format!("<{}@{}>", mail.id, self.from.domain())))
            .from(Mailbox::new(Some(mail.from_name.clone()), self.from.clone()))
            .to(Mailbox::new(None, recipient))
            .subject(&mail.subject);
        match mail.reply_to.as_deref().map(str::parse::<Mailbox>) {
            Some(Ok(reply_to)) => builder = builder.reply_to(reply_to),
            Some(Err(_)) => tracing::warn!(mail.id = mail.id, "the mail has no Reply-To: contact_mail is no address"),
            None => {}
        }
        if let Some(url) = &mail.unsubscribe_url {
            builder = builder.header(ListUnsubscribe(format!("<{url}>"))).header(ListUnsubscribePost);
        }
        let body = MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone());
        let built = if mail.attachments.is_empty() {
            builder.multipart(body)
        } else {
            let files = mail.attachments.iter().map(|file| -> SinglePart {
                let content_type = ContentType::parse(file.content_type).expect("types are well-known");
                Attachment::new(file.name.clone()).body(file.bytes.clone(), content_type)
            });
            builder.multipart(files.fold(MultiPart::mixed().multipart(body), |parts, file| parts.singlepart(file)))
        };
        built.map_err(|error| refused(&error))
    }
}

/// One file a mail, whole or not at all; a mail with the same id replaces itself.
fn write_to_folder(folder: &Path, id: &str, message: &[u8]) -> Result<(), MailError> {
    let failed = |error: std::io::Error| MailError::Temporary(format!("{}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let unfinished = folder.join(format!("{id}.tmp"));
    std::fs::write(&unfinished, message).map_err(failed)?;
    std::fs::rename(&unfinished, folder.join(format!("{id}.eml"))).map_err(failed)
}

/// Where a mail program ends such mails (RFC 2369).
#[derive(Debug, Clone)]
struct ListUnsubscribe(String);

impl Header for ListUnsubscribe {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("List-Unsubscribe")
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(text.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.clone())
    }
}

/// With one form that it sends by itself (RFC 8058).
#[derive(Debug, Clone)]
struct ListUnsubscribePost;

impl Header for ListUnsubscribePost {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("List-Unsubscribe-Post")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "List-Unsubscribe=One-Click".to_owned())
    }
}
