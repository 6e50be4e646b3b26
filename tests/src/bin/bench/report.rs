//! Tables for the terminal, and the same as JSON.

use std::{path::PathBuf, process::Stdio, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::process::Command;

use crate::{meter::Figures, shop::Failure};

/// Levels to be measured, with a name each.
pub struct Plan(pub Vec<(String, Vec<String>)>);

impl Plan {
    /// Measures all levels, one after the other, each in a process of its own.
    pub fn run(&self, seconds: u64) -> Result<Vec<Figures>, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let bar = ProgressBar::new(self.0.len() as u64 * (seconds + 5))
            .with_style(ProgressStyle::with_template("{bar:40} {elapsed} {msg}").expect("a valid template"));
        let mut all = Vec::new();
        println!("{}", heading());
        for (number, (name, words)) in self.0.iter().enumerate() {
            bar.set_position(number as u64 * (seconds + 5));
            bar.set_message(name.clone());
            let figures = runtime.block_on(level(words, seconds, &bar))?;
            bar.suspend(|| println!("{}", line(&figures)));
            all.push(figures);
        }
        bar.finish_and_clear();
        Ok(all)
    }
}

async fn level(words: &[String], seconds: u64, bar: &ProgressBar) -> Result<Figures, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("level").args(words).args(["--seconds", &seconds.to_string()]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn()?;
    let mut done = std::pin::pin!(child.wait_with_output());
    loop {
        tokio::select! {
            output = &mut done => {
                let output = output?;
                if !output.status.success() {
                    return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
                }
                return Ok(serde_json::from_slice(&output.stdout)?);
            }
            () = tokio::time::sleep(Duration::from_secs(1)) => bar.inc(1),
        }
    }
}

fn heading() -> String {
    format!(
        "{:<10} {:>6} {:>6} {:>9} {:>7} {:>7} {:>7} {:>7} {:>7} {:>6} {:>6} {:>6} {:>7} {:>6} {:>6} {:>5}",
        "mode",
        "buyers",
        "rtt ms",
        "orders/m",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "add p50",
        "add p99",
        "batch",
        "stmts",
        "WAL B",
        "db µs",
        "own µs",
        "orders",
        "busy"
    )
}

fn line(it: &Figures) -> String {
    let statements = if it.statements > 0.0 { format!("{:.1}", it.statements) } else { "–".to_owned() };
    format!(
        "{:<10} {:>6} {:>6.1} {:>9.0} {:>7.1} {:>7.1} {:>7.1} {:>7.1} {:>7.1} {:>6.1} {statements:>6} {:>6.0} {:>7.0} {:>6.0} {:>6} {:>5}",
        it.mode,
        it.buyers,
        it.delay_ms,
        it.per_minute,
        it.p50_ms,
        it.p95_ms,
        it.p99_ms,
        it.add_p50_ms,
        it.add_p99_ms,
        it.batch,
        it.wal_bytes,
        it.database_us,
        it.shop_us,
        it.orders,
        it.busy
    )
}

/// Writes figures beside the local stack's data, and says where.
pub fn save(name: &str, figures: &[Figures]) -> Result<(), Failure> {
    let folder = PathBuf::from(".onsale/bench");
    std::fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{name}.json"));
    std::fs::write(&file, serde_json::to_string_pretty(figures)?)?;
    println!("figures in {}", file.display());
    Ok(())
}
