//! What must be true in the end.

use std::{collections::HashMap, path::Path};

use shop::{
    boxoffice, event,
    port::db::{Query as _, Row},
};

use super::{Failure, stack::Stack};

/// What was found.
#[derive(Debug, Default)]
pub struct Verdict {
    /// How much there was, by what it is.
    pub figures: Vec<(String, u64)>,
    /// Promises, with how often each was broken.
    pub promises: Vec<(String, u64)>,
}

impl Verdict {
    /// A promise, and how often it was broken.
    pub fn expect(&mut self, promise: &str, broken: u64) {
        self.promises.push((promise.to_owned(), broken));
    }

    /// Whether all promises were kept.
    pub fn is_kept(&self) -> bool {
        self.promises.iter().all(|(_, broken)| *broken == 0)
    }

    fn count(&mut self, what: &str, count: usize) {
        self.figures.push((what.to_owned(), count as u64));
    }
}

/// Promise, and a statement that counts the orders (or other things) for which it was broken.
const PROMISES: &[(&str, &str)] = &[
    (
        "an order has exactly one confirmation, and it was sent",
        "select count(*) as number from orders o
          where (select count(*) filter (where state = 'sent') * 1000 + count(*) from mail m
                  where m.order_id = o.id and m.kind = 'order_paid') <> 1001",
    ),
    (
        "nobody has two mails about the same thing",
        "select count(*) as number from (select from mail group by order_id, kind, recipient having count(*) > 1) twice",
    ),
    (
        "a position has exactly one ticket file",
        "select count(*) as number from order_position p
          where (select count(*) from ticket_file f where f.position_id = p.id) <> 1",
    ),
    (
        "an order is told of exactly once as placed and once as paid",
        "select count(*) as number
           from orders o cross join unnest(array['pretix.event.order.placed', 'pretix.event.order.paid']) wanted
          where (select count(*) filter (where d.state = 'delivered') * 1000 + count(*)
                   from action_log a join webhook_delivery d on d.action_id = a.id
                  where a.object_type = 'order' and a.object_id = o.id and a.action = wanted) <> 1001",
    ),
    ("no message is left in the outbox", "select count(*) as number from outbox"),
];

/// Looks at everything.
pub async fn judge(stack: &Stack, orders: u64) -> Result<Verdict, Failure> {
    let mut verdict = Verdict::default();
    let db = stack.ctx.db().await?;
    let made: i64 = db.one("select count(*) as number from orders where status = 'p'", &[]).await?.get("number")?;
    verdict.expect("all orders are there and paid", orders.abs_diff(u64::try_from(made)?));
    for (promise, sql) in PROMISES {
        verdict.expect(promise, u64::try_from(db.one(sql, &[]).await?.get::<i64>("number")?)?);
    }
    let gig = event::find(&*db, "org", "gig").await?.ok_or("no event")?;
    verdict.expect("counters are what they count", boxoffice::audit::drifted_quotas(&*db, gig.id).await?.len() as u64);

    let name = |row: &Row| row.get::<String>("name");
    let mails = "select 'mail-' || lpad(id::text, 12, '0') as name from mail";
    let mails = db.query(mails, &[]).await?.iter().map(name).collect::<Result<Vec<_>, _>>()?;
    let calls = "select 'msg_' || id as name from webhook_delivery";
    let calls = db.query(calls, &[]).await?.iter().map(name).collect::<Result<Vec<_>, _>>()?;
    let files = db.query("select object_key as name from ticket_file", &[]).await?;
    let files = files.iter().map(name).collect::<Result<Vec<_>, _>>()?;
    drop(db);

    let taken = stack.mails.taken.lock().map_err(|_| "the mail server panicked")?.clone();
    let heard = stack.receiver.heard.lock().map_err(|_| "the receiver panicked")?.clone();
    verdict.expect("every mail reached the mail server, and no other one", differences(&mails, &taken));
    verdict.expect("every call reached the receiver, and no other one", differences(&calls, &heard));
    let stored = stored(&stack.bucket())?;
    verdict.expect("every ticket file is in the bucket, whole, and no other one", differences(&files, &stored));
    verdict.expect("nothing is in a dead-letter queue", stack.messages(local::sqs::DEAD_LETTERS).await?);
    verdict.count("orders", usize::try_from(made)?);
    verdict.count("mails", mails.len());
    verdict.count("ticket files", files.len());
    verdict.count("webhook calls", calls.len());
    // A worker that dies between the other side's "taken" and its commit leaves no trace: the only window that there is.
    // Both copies have the same Message-ID or webhook-id.
    verdict.count("mails handed over again after a kill, same Message-ID", repeated(&taken));
    verdict.count("calls made again after a kill, same webhook-id", repeated(&heard));
    Ok(verdict)
}

/// How many names are only on one side.
fn differences(wanted: &[String], found: &HashMap<String, u64>) -> u64 {
    let missing = wanted.iter().filter(|name| !found.contains_key(*name)).count();
    let wanted: std::collections::HashSet<_> = wanted.iter().collect();
    (missing + found.keys().filter(|name| !wanted.contains(name)).count()) as u64
}

fn repeated(counts: &HashMap<String, u64>) -> usize {
    counts.values().filter(|count| **count > 1).count()
}

/// Keys of the whole PDF files in the bucket; a broken one has another name.
fn stored(bucket: &Path) -> Result<HashMap<String, u64>, Failure> {
    let mut found = HashMap::new();
    let mut open = vec![bucket.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|ending| ending == "pdf") {
                let key = path.strip_prefix(bucket)?.display().to_string();
                let bytes = std::fs::read(&path)?;
                let whole = bytes.starts_with(b"%PDF-") && bytes.trim_ascii_end().ends_with(b"%%EOF");
                *found.entry(if whole { key } else { format!("broken {key}") }).or_default() += 1;
            }
        }
    }
    Ok(found)
}
