//! What functions may do besides logging and reaching the database, and which code needs it.

use serde_json::{Value, json};
use shop::{
    port::queue::Queue::{self, Checkout, Default as Tickets, Mail, Notifications},
    worker::Worker,
};

use super::{
    base::queue_id,
    parts::{allow, arn, assume_role, reference, sub},
};

/// A right.
#[derive(Debug, Clone, Copy)]
pub enum Right {
    /// Send to a queue.
    Send(Queue),
    /// Read ticket files; signed download addresses use this right of their maker.
    ReadTickets,
    /// Store ticket files.
    WriteTickets,
    /// Read exports, for the same reason.
    ReadExports,
    /// Write exports, in parts.
    WriteExports,
    /// Remove exports that are not kept any longer.
    DeleteExports,
    /// Store files that programs send; forms that send them use this right of their maker.
    WriteUploads,
    /// Read them.
    ReadUploads,
    /// Remove them.
    DeleteUploads,
    /// Store files that buyers send.
    WriteAnswers,
    /// Read them; signed addresses use this right of their maker.
    ReadAnswers,
    /// Remove them.
    DeleteAnswers,
    /// Read what everybody may see.
    ReadPublic,
    /// Put something where everybody sees it.
    WritePublic,
    /// Remove what nobody is to see any more.
    DeletePublic,
    /// Hand mails to SES.
    SendMail,
}
use Right::{
    DeleteAnswers, DeleteExports, DeletePublic, DeleteUploads, ReadAnswers, ReadExports, ReadPublic, ReadTickets,
    ReadUploads, Send, SendMail, WriteAnswers, WriteExports, WritePublic, WriteTickets, WriteUploads,
};

/// Where in `functions/src` something is done that needs a right.
pub type Code = &'static str;

/// Whoever gets the lock of an event serves all who wait for it, and hands over what follows from their orders.
const SERVES_OTHERS: &[(Right, Code)] = &[
    (Send(Tickets), "boxoffice/submit.rs"),
    (Send(Mail), "boxoffice/submit.rs"),
    (Send(Notifications), "boxoffice/submit.rs"),
];

/// The rights of functions, each with the code that needs it. What is not listed has none.
pub const RIGHTS: &[(&str, &[(Right, Code)])] = &[
    ("api_bulk_actions", &[(Send(Checkout), "order/bulk/mod.rs"), (Send(Notifications), "order/bulk/mod.rs")]),
    (
        "api_exporters",
        &[
            (Send(Tickets), "export/mod.rs"),
            (Send(Notifications), "export/mod.rs"),
            (ReadExports, "endpoint/api_exporters.rs"),
        ],
    ),
    (
        "api_orders",
        &[
            (Send(Tickets), "order/settle.rs"),
            (Send(Mail), "order/act.rs"),
            (Send(Notifications), "order/create/mod.rs"),
            (ReadAnswers, "endpoint/api_orders/file.rs"),
            (ReadTickets, "endpoint/api_orders/download.rs"),
            (ReadUploads, "question/file/mod.rs"),
            (WriteAnswers, "question/file/mod.rs"),
        ],
    ),
    (
        "api_pictures",
        &[
            (Send(Tickets), "upload/mod.rs"),
            (Send(Notifications), "upload/mod.rs"),
            (DeletePublic, "upload/removal/mod.rs"),
        ],
    ),
    (
        "api_uploads",
        &[(WriteUploads, "upload/mod.rs"), (ReadUploads, "upload/mod.rs"), (DeleteUploads, "upload/mod.rs")],
    ),
    ("api_webhooks", &[(Send(Notifications), "endpoint/api_webhooks.rs")]),
    ("cart_add", SERVES_OTHERS),
    ("cart_answer_show", &[(ReadAnswers, "endpoint/answer.rs")]),
    ("cart_clear", SERVES_OTHERS),
    ("cart_extend", SERVES_OTHERS),
    ("cart_remove", SERVES_OTHERS),
    ("cart_voucher", SERVES_OTHERS),
    ("checkout_addons_save", SERVES_OTHERS),
    ("checkout_questions_save", &[(WriteAnswers, "question/file/mod.rs")]),
    ("form_again", SERVES_OTHERS),
    ("order_answer_show", &[(ReadAnswers, "endpoint/answer.rs")]),
    ("order_place", SERVES_OTHERS),
    ("ticket_request", &[(Send(Tickets), "endpoint/order.rs"), (Send(Notifications), "endpoint/order.rs")]),
    ("ticket_show", &[(ReadTickets, "endpoint/order.rs")]),
    // The relay sends what any function has left behind.
    (
        "worker_background",
        &[
            (Send(Checkout), "worker/background.rs"),
            (Send(Tickets), "worker/background.rs"),
            (Send(Mail), "worker/background.rs"),
            (Send(Notifications), "worker/background.rs"),
            (DeleteExports, "worker/background.rs"),
            (DeleteUploads, "worker/background.rs"),
            (WritePublic, "worker/publish.rs"),
            (DeletePublic, "worker/publish.rs"),
            (DeleteAnswers, "upload/removal/mod.rs"),
        ],
    ),
    ("worker_checkout", &[(Send(Checkout), "order/bulk/mod.rs"), (Send(Notifications), "worker/checkout.rs")]),
    (
        "worker_default",
        &[
            (Send(Mail), "worker/default.rs"),
            (Send(Notifications), "worker/default.rs"),
            (WriteTickets, "ticket/mod.rs"),
            (WriteExports, "export/make.rs"),
            (ReadUploads, "worker/default.rs"),
            (ReadPublic, "ticket/mod.rs"),
            (WritePublic, "worker/default.rs"),
            (DeletePublic, "upload/removal/mod.rs"),
        ],
    ),
    ("worker_mail", &[(ReadTickets, "worker/mail.rs"), (SendMail, "worker/mail.rs")]),
    // Deliveries of webhooks, and later tries of theirs, are messages of its own queue.
    ("worker_notifications", &[(Send(Mail), "worker/notifications.rs"), (Send(Notifications), "webhook/deliver.rs")]),
];

/// The role of a function.
pub fn role(id: &str, function: &str, worker: Option<&Worker>) -> Value {
    let log_streams = sub(&format!("${{{id}Log.Arn}}:*"));
    let mut statements = vec![
        allow(&["logs:CreateLogStream", "logs:PutLogEvents"], log_streams),
        // What Lambda itself needs to attach a function to a network; these actions know no resource.
        allow(
            &[
                "ec2:AssignPrivateIpAddresses",
                "ec2:CreateNetworkInterface",
                "ec2:DeleteNetworkInterface",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSubnets",
                "ec2:UnassignPrivateIpAddresses",
            ],
            json!("*"),
        ),
        // The database, where its address has no password.
        json!({ "Fn::If": ["SignsIn", allow(&["rds-db:connect"], reference("DatabaseUserArn")), reference("AWS::NoValue")] }),
        // Traces, if the stage wants them; these actions know no resource either.
        allow(&["xray:PutTelemetryRecords", "xray:PutTraceSegments"], json!("*")),
    ];
    if let Some(worker) = worker {
        let receive =
            ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"];
        statements.push(allow(&receive, arn(&queue_id(worker.queue))));
    }
    let rights = RIGHTS.iter().filter(|(name, _)| *name == function).flat_map(|(_, rights)| *rights);
    for (right, _) in rights {
        statements.push(statement(*right));
        statements.extend(find(*right));
    }
    assume_role("lambda.amazonaws.com", statements)
}

/// Without it S3 says of an object that is not there that nobody may see it.
fn find(right: Right) -> Option<Value> {
    let folder = match right {
        ReadTickets => "tickets/*",
        ReadUploads => "uploads/*",
        ReadPublic => "pub/*",
        _ => return None,
    };
    let mut statement = allow(&["s3:ListBucket"], sub("${MediaBucket.Arn}"));
    statement["Condition"] = json!({ "StringLike": { "s3:prefix": folder } });
    Some(statement)
}

fn statement(right: Right) -> Value {
    let folder = |name: &str| sub(&format!("${{MediaBucket.Arn}}/{name}/*"));
    let (tickets, exports) = (|| folder("tickets"), || folder("exports"));
    let (uploads, answers, public) = (|| folder("uploads"), || folder("answers"), || folder("pub"));
    match right {
        Send(queue) => allow(&["sqs:SendMessage"], arn(&queue_id(queue))),
        ReadTickets => allow(&["s3:GetObject"], tickets()),
        WriteTickets => allow(&["s3:PutObject"], tickets()),
        ReadExports => allow(&["s3:GetObject"], exports()),
        WriteExports => allow(&["s3:PutObject", "s3:AbortMultipartUpload"], exports()),
        DeleteExports => allow(&["s3:DeleteObject"], exports()),
        WriteUploads => allow(&["s3:PutObject"], uploads()),
        ReadUploads => allow(&["s3:GetObject"], uploads()),
        DeleteUploads => allow(&["s3:DeleteObject"], uploads()),
        WriteAnswers => allow(&["s3:PutObject"], answers()),
        ReadAnswers => allow(&["s3:GetObject"], answers()),
        DeleteAnswers => allow(&["s3:DeleteObject"], answers()),
        ReadPublic => allow(&["s3:GetObject"], public()),
        WritePublic => allow(&["s3:PutObject"], public()),
        DeletePublic => allow(&["s3:DeleteObject"], public()),
        SendMail => {
            let identities = sub("arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:identity/*");
            let mut statement = allow(&["ses:SendEmail", "ses:SendRawEmail"], identities);
            statement["Condition"] = json!({ "StringEquals": { "ses:FromAddress": reference("MailFrom") } });
            statement
        }
    }
}
