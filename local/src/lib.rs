//! The development stack: the whole shop in one process, with a real Postgres, S3 and SQS, and no account anywhere.

pub mod cost;
pub mod data;
pub mod demo;
pub mod environment;
pub mod functions;
pub mod gateway;
pub mod mailbox;
pub mod poller;
pub mod pooler;
pub mod postgres;
pub mod queues;
pub mod s3;
pub mod scheduler;
pub mod seed;
pub mod server;
pub mod sqs;
pub mod stack;
