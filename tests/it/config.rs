//! The configuration: all mistakes at once, and no secret in a log.

use std::collections::HashMap;

use local::postgres::Cluster;
use shop::{
    config::{Config, ConfigErrors, MailTransport},
    ctx::Ctx,
    port::{
        clock::Clock,
        codes::Codes,
        db::{Db, Query as _},
        sign_in,
    },
};

const GOOD: &[(&str, &str)] = &[
    ("DATABASE_URL", "postgres://shop:hush1@db/shop"),
    ("DATABASE_REPLICA_URL", "postgres://shop:hush2@replica/shop"),
    ("AWS_REGION", "eu-central-1"),
    ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "hush3"),
    ("AWS_SESSION_TOKEN", "hush4"),
    ("QUEUE_URL_PREFIX", "https://sqs.eu-central-1.amazonaws.com/1/onsale-"),
    ("MEDIA_BUCKET", "media"),
    ("MAIL_URL", "smtp://shop:hush5@mail.example.org"),
    ("MAIL_FROM", "tickets@example.org"),
    ("PUBLIC_URL", "https://tickets.example.org/"),
    ("SECRET_KEY", "hush6 and some more letters up to 32"),
];

fn read(changes: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    let variables: HashMap<&str, &str> = GOOD.iter().chain(changes).copied().collect();
    Config::from_lookup(|name| variables.get(name).map(|value| (*value).to_owned()))
}

#[test]
fn a_good_configuration_is_read() {
    let config = read(&[]).unwrap();
    assert_eq!(config.database.url.reveal(), "postgres://shop:hush1@db/shop");
    assert_eq!(config.public_url, "https://tickets.example.org");
    assert!(matches!(config.mail, MailTransport::Smtp(_)));
    assert_eq!(read(&[("MAIL_URL", "ses:")]).unwrap().mail, MailTransport::Ses);
    assert_eq!(read(&[("MAIL_URL", "folder:/tmp/m")]).unwrap().mail, MailTransport::Folder("/tmp/m".into()));
}

#[test]
fn endpoints_of_a_service_win_over_the_common_one() {
    let config = read(&[("AWS_ENDPOINT_URL", "http://all"), ("AWS_ENDPOINT_URL_SQS", "http://sqs")]).unwrap();
    let endpoints = [config.aws.endpoint_s3, config.aws.endpoint_sqs, config.aws.endpoint_ses];
    assert_eq!(endpoints.map(Option::unwrap), ["http://all", "http://sqs", "http://all"]);
    let config = read(&[]).unwrap();
    assert_eq!((config.aws.endpoint_s3, config.aws.endpoint_sqs, config.aws.endpoint_ses), (None, None, None));
}

#[test]
fn all_mistakes_are_told_together() {
    let nothing = Config::from_lookup(|_| None).unwrap_err();
    let optional = ["DATABASE_REPLICA_URL", "AWS_SESSION_TOKEN"];
    let required: Vec<&str> = GOOD.iter().map(|(name, _)| *name).filter(|name| !optional.contains(name)).collect();
    let named: Vec<&str> = nothing.0.iter().map(|error| error.split_whitespace().next().unwrap()).collect();
    assert_eq!(named, required);
    assert!(nothing.0.iter().all(|error| error.contains("is missing")));
    assert!(required.iter().all(|name| nothing.to_string().contains(name)), "{nothing}");

    let wrong = [
        ("DATABASE_AUTH", "kerberos"),
        ("MAIL_URL", "carrier pigeon"),
        ("MAIL_FROM", "tickets at example.org"),
        ("PUBLIC_URL", "tickets.example.org"),
        ("SECRET_KEY", "short"),
    ];
    let errors = read(&[&wrong[..], &[("MEDIA_BUCKET", "")]].concat()).unwrap_err();
    let named: Vec<&str> = errors.0.iter().map(|error| error.split_whitespace().next().unwrap()).collect();
    assert_eq!(named, ["DATABASE_AUTH", "MEDIA_BUCKET", "MAIL_URL", "MAIL_FROM", "PUBLIC_URL", "SECRET_KEY"]);
}

#[test]
fn secrets_are_never_shown() {
    let config = read(&[]).unwrap();
    for shown in [format!("{config:?}"), format!("{config:#?}")] {
        assert!(!shown.contains("hush"), "{shown}");
        assert!(shown.contains("***") && shown.contains("tickets.example.org"));
    }
    // A refused value is not repeated either: it may be a secret in the wrong place.
    let refused = read(&[("SECRET_KEY", "hush7"), ("MAIL_URL", "hush8"), ("PUBLIC_URL", "hush9")]).unwrap_err();
    assert!(!refused.to_string().contains("hush") && !format!("{refused:?}").contains("hush"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_sign_in_without_a_password() {
    let cluster = Cluster::start_ephemeral().await.unwrap();
    cluster.create_database("shop").await.unwrap();
    let direct = cluster.url("shop");
    let (_, server) = direct.split_once('@').unwrap();
    let (host, port) = server.split_once('/').unwrap().0.split_once(':').unwrap();
    let clock: &'static Clock = Box::leak(Box::new(Clock::standing_at(Clock::default().now())));
    let url = format!("postgres://signed@{server}");
    let sandbox = |auth| {
        let config = read(&[("DATABASE_URL", &url), ("DATABASE_AUTH", auth)]).unwrap();
        Ctx::with(config, clock, Codes::random())
    };
    let (signs_in, does_not) = (sandbox("iam"), sandbox(""));
    // RDS works out what it expects; here it is a password like any other.
    let aws = &signs_in.config().aws;
    let password = sign_in::password(aws, host, port.parse().unwrap(), "signed", clock.now()).unwrap();
    let admin = Db::connect(&cluster.admin_url("shop"), None).await.unwrap();
    admin.script(&format!("create role signed login password '{password}'")).await.unwrap();
    let row = signs_in.db().await.unwrap().one("select current_user::text as name", &[]).await.unwrap();
    assert_eq!(row.get::<String>("name").unwrap(), "signed");
    assert!(does_not.db().await.is_err(), "it has no password");
}
