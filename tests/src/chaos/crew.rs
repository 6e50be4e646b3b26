//! The worker processes.

use std::process::Stdio;

use rand::{RngExt as _, rngs::StdRng};
use tokio::process::{Child, Command};

use super::{Failure, Plan, stack::Stack};

/// All of them.
pub struct Crew<'a> {
    plan: &'a Plan,
    stack: &'a Stack,
    workers: Vec<Child>,
    deaths: u64,
}

impl<'a> Crew<'a> {
    /// Starts as many as planned.
    pub fn start(plan: &'a Plan, stack: &'a Stack) -> Result<Self, Failure> {
        let workers = (0..plan.workers).map(|_| start_one(plan, stack)).collect::<Result<_, _>>()?;
        Ok(Self { plan, stack, workers, deaths: 0 })
    }

    /// SIGKILL for one of them, and another one in its place.
    pub async fn kill_one(&mut self, random: &mut StdRng) -> Result<(), Failure> {
        let victim = random.random_range(0..self.workers.len());
        // One that has ended before has failed.
        self.deaths += u64::from(self.workers[victim].try_wait()?.is_some());
        self.workers[victim].kill().await?;
        self.workers[victim] = start_one(self.plan, self.stack)?;
        Ok(())
    }

    /// Ends all; returns how many had ended by themselves.
    pub async fn stop(mut self) -> u64 {
        for worker in &mut self.workers {
            self.deaths += u64::from(matches!(worker.try_wait(), Ok(Some(_))));
            // It may have ended.
            let _ = worker.kill().await;
        }
        self.deaths
    }
}

fn start_one(plan: &Plan, stack: &Stack) -> Result<Child, Failure> {
    let mut command = Command::new(&plan.program);
    command.args(["worker", &stack.origin.to_string(), &plan.hurry.to_string()]);
    for name in local::stack::VARIABLES {
        command.env_remove(name);
    }
    command.envs(&stack.variables).stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    Ok(command.spawn()?)
}
