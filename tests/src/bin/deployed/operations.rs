//! What somebody notices who runs the shop: `infra/deploy`, with everything that it refuses.

use std::{
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use shop::port::queue::Queue;
use tests::infra;

use crate::{
    checks::{Deployed, REGION, STAGE, depth},
    emulator::run,
    eventually,
};

impl Deployed {
    /// Writes the stage's parameters.
    fn write_stage(&self, further: &str) -> std::path::PathBuf {
        let file = self.folder.join("stage.toml");
        let text = format!(
            "region = \"{REGION}\"\nmail_from = \"tickets@example.org\"\nreceives_max = 2\n\
             {further}\n[database]\nkind = \"own\"\n"
        );
        std::fs::write(&file, text).unwrap();
        file
    }

    fn command(&self, words: &[&str], file: &std::path::Path) -> Command {
        let mut command = Command::new(self.tools.program("python"));
        command.arg(infra::path("deploy")).args(words).arg("--file").arg(file);
        command.arg("--built").arg(&self.functions).args(["--endpoint-url", &self.emulator.url]);
        command.env("PATH", self.tools.path()).env("ONSALE_DATABASE_URL", &self.pooled_url);
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test").env_remove("AWS_PROFILE");
        command
    }

    fn deploy(&self, words: &[&str], further: &str) -> Output {
        self.command(words, &self.write_stage(further)).output().unwrap()
    }

    /// Runs it, and expects success.
    fn done(&self, words: &[&str], further: &str) -> String {
        run(&mut self.command(words, &self.write_stage(further)))
    }

    /// Runs it, and expects that it is refused with these words.
    fn refused(&self, words: &[&str], further: &str, because: &str) {
        let output = self.deploy(words, further);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && said.contains(because),
            "{said}\n{}",
            String::from_utf8_lossy(&output.stdout)
        );
        assert!(!said.contains("Traceback"), "{said}");
    }

    /// What some lines of Python with a boto3 session find out.
    fn ask(&self, lines: &str) -> String {
        let url = &self.emulator.url;
        let text = format!(
            "import boto3\nsession = boto3.Session('test', 'test', region_name='{REGION}')\n\
             client = lambda name: session.client(name, endpoint_url='{url}')\n{lines}"
        );
        run(Command::new(self.tools.program("python")).args(["-c", &text])).trim().to_owned()
    }

    /// Which version of each function serves.
    fn versions(&self) -> String {
        self.ask(&format!(
            "c = client('lambda')\nnames = sorted(f['FunctionName'] for p in c.get_paginator('list_functions').paginate() for f in p['Functions'])\n\
             print(' '.join(n.removeprefix('onsale-{STAGE}-') + ':' + c.get_alias(FunctionName=n, Name='live')['FunctionVersion'] for n in names))"
        ))
    }
}

pub async fn wrong_parameters(deployed: &Deployed) -> String {
    deployed.refused(&[STAGE], "colour = \"red\"", "colour is not known here");
    deployed.refused(&[STAGE], "mails_per_second = \"many\"", "mails_per_second has the wrong type");
    deployed.refused(&["Trial"], "", "is no name of a stage");
    deployed.refused(&[STAGE, "logs", "cart_ad"], "", "`cart_ad` is no function");
    let nowhere = deployed.write_stage("");
    let output = deployed.command(&[STAGE], &nowhere).env_remove("ONSALE_DATABASE_URL").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("ONSALE_DATABASE_URL has to be set"), "{said}");
    assert_eq!(deployed.ask("print(len(client('cloudformation').list_stacks()['StackSummaries']))"), "0");
    String::new()
}

pub async fn taken_name(deployed: &Deployed) -> String {
    deployed.ask(&format!("client('sqs').create_queue(QueueName='onsale-{STAGE}-mail')"));
    deployed.refused(&[STAGE], "", &format!("the queue onsale-{STAGE}-mail"));
    assert_eq!(deployed.ask("print(len(client('cloudformation').list_stacks()['StackSummaries']))"), "0");
    deployed.ask("c = client('sqs')\n[c.delete_queue(QueueUrl=url) for url in c.list_queues()['QueueUrls']]");
    String::new()
}

pub async fn first_deploy(deployed: &Deployed) -> String {
    // What somebody has to do by hand, once.
    deployed.ask("client('sesv2').create_email_identity(EmailIdentity='tickets@example.org')");
    let begun = Instant::now();
    let output = deployed.deploy(&[STAGE], "");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{err}\n{out}");
    let url =
        out.lines().find(|line| line.contains(" serves after ")).and_then(|line| line.rsplit(' ').next()).unwrap();
    deployed.url.set(url.to_owned()).unwrap();
    let steps: Vec<&str> = err.lines().filter(|line| !line.is_empty()).collect();
    format!("{:.0} s\n{}", begun.elapsed().as_secs_f32(), steps.join("\n"))
}

pub async fn plan_is_empty(deployed: &Deployed) -> String {
    let plan = deployed.done(&[STAGE, "--plan"], "");
    for part in ["base:", "edge:", "migrations:"] {
        let after = plan.split_once(part).unwrap_or_else(|| panic!("{plan}")).1;
        assert_eq!(after.lines().nth(1).map(str::trim), Some("no change"), "{plan}");
    }
    String::new()
}

pub async fn redrive(deployed: &Deployed) -> String {
    let queues = deployed.queues();
    let dead = format!("{}-dead", queues.url(Queue::Background));
    assert_eq!(depth(&queues, &dead).await, 1);
    deployed.done(&[STAGE, "redrive", "background"], "");
    eventually("it left", Duration::from_secs(30), async || (depth(&queues, &dead).await == 0).then_some(())).await;
    eventually("it came back", Duration::from_secs(120), async || (depth(&queues, &dead).await == 1).then_some(()))
        .await;
    deployed.refused(&[STAGE, "redrive", "males"], "", "`males` is no queue");
    String::new()
}

/// Asks pages and sells while something runs; returns how many requests there were, and what went wrong.
async fn under_traffic(deployed: &Deployed, run: impl FnOnce() + Send + 'static) -> (u64, u64, Vec<String>) {
    let stop = Arc::new(AtomicBool::new(false));
    let (requests, orders) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let failures = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let (stop, requests, failures) = (stop.clone(), requests.clone(), failures.clone());
        let client = deployed.client().build().unwrap();
        let url = deployed.url.get().unwrap().clone();
        tasks.spawn(async move {
            for path in ["/", "/org/gig/", "/api/v1/organizers/org/webhooks/"].into_iter().cycle() {
                if stop.load(Relaxed) {
                    return;
                }
                requests.fetch_add(1, Relaxed);
                match client.get(format!("{url}{path}")).send().await {
                    Ok(answer) if matches!(answer.status().as_u16(), 200 | 401) => {}
                    Ok(answer) => failures.lock().unwrap().push(format!("{path}: {}", answer.status())),
                    Err(error) => failures.lock().unwrap().push(format!("{path}: {error}")),
                }
            }
        });
    }
    let (selling, sold, asked) = (stop.clone(), orders.clone(), requests.clone());
    let buyers: Vec<_> = (0..500).map(|_| deployed.buyer()).collect();
    tasks.spawn(async move {
        for buyer in buyers {
            if selling.load(Relaxed) {
                return;
            }
            // Panics if a step is not what a buyer expects.
            buyer.buy(&[("Seat", 1)], None).await;
            sold.fetch_add(1, Relaxed);
            asked.fetch_add(5, Relaxed);
        }
    });
    tokio::task::spawn_blocking(run).await.unwrap();
    // What was switched last is asked as well.
    tokio::time::sleep(Duration::from_secs(3)).await;
    stop.store(true, Relaxed);
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            failures.lock().unwrap().push(error.to_string());
        }
    }
    let failures = failures.lock().unwrap().clone();
    (requests.load(Relaxed), orders.load(Relaxed), failures)
}

pub async fn update_under_traffic(deployed: &Deployed) -> String {
    let before = deployed.versions();
    let mut command = deployed.command(&[STAGE], &deployed.write_stage("mails_per_second = 15"));
    let (requests, orders, failures) = under_traffic(deployed, move || drop(run(&mut command))).await;
    assert!(failures.is_empty(), "{} of {requests}: {failures:?}", failures.len());
    assert_ne!(deployed.versions(), before, "other versions serve");
    assert!(requests > 50 && orders > 0, "{requests} requests, {orders} orders");
    format!("{requests} requests, {orders} of them orders with all their steps, 0 failed")
}

pub async fn rollback_under_traffic(deployed: &Deployed) -> String {
    let before = deployed.versions();
    let mut command = deployed.command(&[STAGE, "rollback"], &deployed.write_stage("mails_per_second = 15"));
    let (requests, orders, failures) = under_traffic(deployed, move || drop(run(&mut command))).await;
    assert!(failures.is_empty(), "{} of {requests}: {failures:?}", failures.len());
    assert_ne!(deployed.versions(), before);
    deployed.refused(&[STAGE, "rollback", "77"], "", "There is no release 77");
    format!("{requests} requests, {orders} orders, 0 failed")
}

pub async fn broken_version(deployed: &Deployed) -> String {
    let before = deployed.versions();
    let file = deployed.functions.join("order_show/bootstrap");
    let good = std::fs::read(&file).unwrap();
    std::fs::copy("/bin/false", &file).unwrap();
    deployed.refused(&[STAGE], "", "order_show failed");
    std::fs::write(&file, good).unwrap();
    assert_eq!(deployed.versions(), before, "the old versions serve");
    assert_eq!(deployed.buyer().get("/org/gig/").await.status, 200);
    String::new()
}

pub async fn older_schema(deployed: &Deployed) -> String {
    let (before, db) = (deployed.versions(), deployed.db().await);
    db.script("insert into schema_migration (version, name, checksum) values (9999, '9999_later', '')").await.unwrap();
    deployed.refused(&[STAGE], "", "9999_later");
    db.script("delete from schema_migration where version = 9999").await.unwrap();
    assert_eq!(deployed.versions(), before);
    String::new()
}

pub async fn status_and_logs(deployed: &Deployed) -> String {
    let status = deployed.done(&[STAGE, "status"], "");
    for word in ["CREATE_COMPLETE", "release 1", "background", deployed.url.get().unwrap()] {
        assert!(status.contains(word), "{word}: {status}");
    }
    let log = deployed.done(&[STAGE, "logs", "worker_mail", "--minutes", "60"], "");
    format!("{} lines of worker_mail", log.lines().count())
}

/// Nothing that a function asked of AWS was refused for want of a right: they say so in their logs.
pub async fn nothing_denied(deployed: &Deployed) -> String {
    let denied = deployed.ask(
        "c = client('logs')\nfor g in c.describe_log_groups()['logGroups']:\n\
         \x20   for p in c.get_paginator('filter_log_events').paginate(logGroupName=g['logGroupName']):\n\
         \x20       for e in p['events']:\n\
         \x20           if 'AccessDenied' in e['message'] or 'not authorized' in e['message']: print(g['logGroupName'], e['message'][:400])",
    );
    assert!(denied.is_empty(), "{denied}");
    String::new()
}

/// What the functions have done so far, by their own reports.
pub async fn usage(deployed: &Deployed) -> String {
    let orders = deployed.number("select count(*) as number from orders").await;
    let lines = deployed.ask(&format!(
        "import re\nc = client('logs')\nfor g in c.describe_log_groups()['logGroups']:\n\
         \x20   events = [e for p in c.get_paginator('filter_log_events').paginate(logGroupName=g['logGroupName']) for e in p['events']]\n\
         \x20   times = [int(m[1]) for e in events if (m := re.search('\\\\bDuration: (\\\\d+) ms', e['message']))]\n\
         \x20   size = sum(len(e['message']) + 26 for e in events)\n\
         \x20   if times: print('       ', g['logGroupName'].removeprefix('/aws/lambda/onsale-{STAGE}-'), len(times), 'invocations,', sorted(times)[len(times) // 2], 'ms in the middle,', size // len(times), 'bytes of log each')"
    ));
    format!("{orders} orders\n{lines}")
}

pub async fn destroy(deployed: &Deployed) -> String {
    deployed.refused(&[STAGE, "destroy"], "", "--yes");
    let said = deployed.done(&[STAGE, "destroy", "--yes"], "");
    let left = deployed.ask(
        "left = []\n\
         left += [s['StackName'] for s in client('cloudformation').describe_stacks()['Stacks']]\n\
         left += [f['FunctionName'] for p in client('lambda').get_paginator('list_functions').paginate() for f in p['Functions']]\n\
         left += client('sqs').list_queues().get('QueueUrls', [])\n\
         left += [g['logGroupName'] for g in client('logs').describe_log_groups()['logGroups']]\n\
         left += [r['RoleName'] for p in client('iam').get_paginator('list_roles').paginate() for r in p['Roles'] if 'onsale' in r['RoleName']]\n\
         left += [a['ApiId'] for a in client('apigatewayv2').get_apis()['Items']]\n\
         left += [s['Name'] for s in client('scheduler').list_schedules()['Schedules']]\n\
         left += [s['Name'] for s in client('secretsmanager').list_secrets()['SecretList']]\n\
         left += [e['UUID'] for e in client('lambda').list_event_source_mappings()['EventSourceMappings']]\n\
         left += [a['AlarmName'] for a in client('cloudwatch').describe_alarms()['MetricAlarms']]\n\
         left += ['bucket' for b in client('s3').list_buckets()['Buckets']]\n\
         print(' '.join(left))",
    );
    assert_eq!(left, "bucket", "{said}");
    said.trim().to_owned()
}
