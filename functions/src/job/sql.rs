//! Statements about runs of periodic jobs.

use super::{Last, Run};
use crate::{
    outbox::Job,
    port::db::{DbError, Query, p},
    time::Timestamp,
};

const BEGIN: &str = "
    insert into job_run as j (job, run, started_at, busy_until) values ($1, 1, $2, $3)
    on conflict (job) do update set run = j.run + 1, started_at = $2, busy_until = $3
     where j.busy_until is null or j.busy_until <= $2
    returning run";

/// The number of the run, unless another one is at it.
pub(super) async fn begin(
    q: &impl Query,
    job: Job,
    now: Timestamp,
    busy_until: Timestamp,
) -> Result<Option<i64>, DbError> {
    let job = job.name();
    q.opt(BEGIN, &[p(&job), p(&now), p(&busy_until)]).await?.map(|row| row.get("run")).transpose()
}

const END: &str = "
    update job_run set busy_until = null, ended_at = $3, last_error = $4,
           succeeded_at = case when $4::text is null then $3 else succeeded_at end
     where job = $1 and run = $2";

pub(super) async fn end(q: &impl Query, run: &Run, error: Option<&str>, now: Timestamp) -> Result<(), DbError> {
    let job = run.job.name();
    q.execute(END, &[p(&job), p(&run.number), p(&now), p(&error)]).await.map(|_| ())
}

const LAST_RUNS: &str = "
    select job, run, started_at, ended_at, succeeded_at, busy_until, last_error from job_run order by job";

pub(super) async fn last_runs(q: &impl Query) -> Result<Vec<Last>, DbError> {
    let rows = q.query(LAST_RUNS, &[]).await?;
    let read = rows.iter().map(|row| {
        Ok(Last {
            job: row.get("job")?,
            runs: row.get("run")?,
            started_at: row.get("started_at")?,
            ended_at: row.get("ended_at")?,
            succeeded_at: row.get("succeeded_at")?,
            busy_until: row.get("busy_until")?,
            last_error: row.get("last_error")?,
        })
    });
    read.collect()
}

/// Every statement of this file, for the test that prepares them all.
pub const ALL: &[&str] = &[BEGIN, END, LAST_RUNS];
