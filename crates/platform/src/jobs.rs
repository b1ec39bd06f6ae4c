//! Work for later: leased rows of the same database.
//!
//! A job is put into the queue by the transaction that wants it done, so that it exists exactly if the change does. A
//! worker takes a lease; a worker that dies loses it, and another takes over: every job must be safe to run twice. A job
//! that fails comes back later, up to `max_attempts`, then stands as failed on the staff page, where it can be retried.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use kernel::{Actor, Id, Refusal, Result, Timestamp};
use serde::Serialize;

use crate::audit::Entry;
use crate::tx::Read;
use crate::{Ctx, Db, Env, WriteTx, args};

/// How long a worker may hold a job before another may take it.
const LEASE_SECONDS: i64 = 120;

/// A job on its way into the queue.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Which handler.
    pub kind: &'static str,
    /// JSON for the handler.
    pub payload: String,
    /// Not before.
    pub run_at: Timestamp,
    /// At most one unfinished job has this key.
    pub dedupe: Option<String>,
    /// Tries before it stands as failed.
    pub max_attempts: u32,
}

impl NewJob {
    /// A job with the usual number of tries.
    ///
    /// # Errors
    /// `job.payload` where the payload cannot be written as JSON.
    pub fn new(kind: &'static str, payload: &impl Serialize, run_at: Timestamp) -> Result<NewJob> {
        let payload = serde_json::to_string(payload).map_err(|e| Refusal::internal("job.payload", e))?;
        Ok(NewJob { kind, payload, run_at, dedupe: None, max_attempts: 6 })
    }

    /// At most one unfinished job with this key.
    #[must_use]
    pub fn once(mut self, key: impl Into<String>) -> NewJob {
        self.dedupe = Some(key.into());
        self
    }
}

pub(crate) async fn insert(tx: &mut WriteTx, job: NewJob) -> Result<()> {
    let id = tx.ctx().id();
    let now = tx.now();
    if let Some(key) = &job.dedupe {
        let there =
            tx.optional("SELECT id FROM job WHERE dedupe=$1 AND state IN ('queued','running')", args![key]).await?;
        if there.is_some() {
            return Ok(());
        }
    }
    tx.exec(
        "INSERT INTO job (id, kind, payload, dedupe, state, run_at, attempts, max_attempts, created_at) VALUES ($1,$2,$3,$4,'queued',$5,0,$6,$7)",
        args![id, job.kind, job.payload, job.dedupe, job.run_at, job.max_attempts, now],
    )
    .await?;
    Ok(())
}

/// A job as it stands, for the staff page.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)] // columns of the table
pub struct Job {
    pub id: Id,
    pub kind: String,
    pub state: String,
    pub run_at: Timestamp,
    pub attempts: i64,
    pub max_attempts: i64,
    pub last_error: Option<String>,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

/// Jobs of a state (or all), newest first, before an id.
///
/// # Errors
/// `db.fault`.
pub async fn list(tx: &mut impl Read, state: Option<&str>, before: Option<Id>, limit: i64) -> Result<Vec<Job>> {
    let mut sql = crate::Sql::new(
        "SELECT id, kind, state, run_at, attempts, max_attempts, last_error, created_at, finished_at FROM job WHERE 1=1",
    );
    if let Some(state) = state {
        sql.push(" AND state=").bind(state);
    }
    if let Some(before) = before {
        sql.push(" AND id<").bind(before);
    }
    sql.push(" ORDER BY id DESC LIMIT ").bind(limit);
    tx.rows(sql, vec![])
        .await?
        .iter()
        .map(|r| {
            Ok(Job {
                id: r.get("id")?,
                kind: r.get("kind")?,
                state: r.get("state")?,
                run_at: r.get("run_at")?,
                attempts: r.get("attempts")?,
                max_attempts: r.get("max_attempts")?,
                last_error: r.get("last_error")?,
                created_at: r.get("created_at")?,
                finished_at: r.get("finished_at")?,
            })
        })
        .collect()
}

/// How many jobs are in each state.
///
/// # Errors
/// `db.fault`.
pub async fn counts(tx: &mut impl Read) -> Result<Vec<(String, i64)>> {
    tx.rows("SELECT state, COUNT(*) AS n FROM job GROUP BY state ORDER BY state", vec![])
        .await?
        .iter()
        .map(|r| Ok((r.get("state")?, r.get("n")?)))
        .collect()
}

/// Puts a failed job back into the queue.
///
/// # Errors
/// `job.state` where it is not a failed one.
pub async fn retry(tx: &mut WriteTx, id: Id) -> Result<()> {
    let now = tx.now();
    let n = tx
        .exec(
            "UPDATE job SET state='queued', attempts=0, run_at=$1, finished_at=NULL WHERE id=$2 AND state='failed'",
            args![now, id],
        )
        .await?;
    if n != 1 {
        return Err(Refusal::conflict("job.state", "这个任务不在失败状态，不能重试").mend("请刷新页面查看它的最新状态"));
    }
    tx.audit(Entry::done("job.retry", "job", id));
    Ok(())
}

/// What runs one kind of job: gets the payload, may be run twice.
pub type Handler = Arc<dyn Fn(Ctx, String) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// Takes and runs jobs.
pub struct Worker {
    db: Db,
    env: Env,
    owner: String,
    handlers: HashMap<&'static str, Handler>,
}

impl Worker {
    /// A worker with its handlers.
    pub fn new(db: Db, env: Env, handlers: HashMap<&'static str, Handler>) -> Worker {
        let owner = kernel::id::token::<8>(env.entropy.as_ref());
        Worker { db, env, owner, handlers }
    }

    /// Runs whatever is due now; returns how many jobs it ran.
    ///
    /// # Errors
    /// `db.fault`; a job's own failure is kept with the job.
    pub async fn run_due(&self) -> Result<usize> {
        let mut ran = 0;
        loop {
            let ctx = self.env.ctx(Actor::system("后台任务"));
            let waiting: i64 = {
                let mut tx = self.db.read().await?;
                tx.scalar(
                    "SELECT COUNT(*) AS n FROM job WHERE run_at<=$1 AND (state='queued' OR (state='running' AND lease_until<$1))",
                    args![ctx.now],
                )
                .await?
            };
            if waiting == 0 {
                return Ok(ran);
            }
            let mut tx = self.db.bookkeeping(&ctx).await?;
            let rows = tx.claim_jobs(args![ctx.now.plus_seconds(LEASE_SECONDS), &self.owner, ctx.now, 4_i64]).await?;
            let taken: Vec<(Id, String, String, i64, i64)> = rows
                .iter()
                .map(|r| {
                    Ok((r.get("id")?, r.get("kind")?, r.get("payload")?, r.get("attempts")?, r.get("max_attempts")?))
                })
                .collect::<Result<_>>()?;
            tx.commit().await?;
            if taken.is_empty() {
                return Ok(ran);
            }
            for (id, kind, payload, attempts, max) in taken {
                let outcome = match self.handlers.get(kind.as_str()) {
                    Some(h) => h(self.env.ctx(Actor::system("后台任务")), payload).await,
                    None => Err(Refusal::internal("job.kind", format_args!("no handler for {kind}"))),
                };
                self.finish(id, &kind, attempts, max, outcome).await?;
                ran += 1;
            }
        }
    }

    async fn finish(&self, id: Id, kind: &str, attempts: i64, max: i64, outcome: Result<()>) -> Result<()> {
        let ctx = self.env.ctx(Actor::system("后台任务"));
        let mut tx = self.db.bookkeeping(&ctx).await?;
        match outcome {
            Ok(()) => {
                tx.exec(
                    "UPDATE job SET state='done', finished_at=$1, last_error=NULL, lease_until=NULL WHERE id=$2 AND lease_owner=$3",
                    args![ctx.now, id, &self.owner],
                )
                .await?;
            }
            Err(e) => {
                tracing::warn!(job.id = %id, job.kind = kind, job.attempt = attempts, error = %e, "a job failed");
                let (state, finished) = if attempts >= max { ("failed", Some(ctx.now)) } else { ("queued", None) };
                // 10 s, 40 s, 90 s, …: quick enough for a hiccup, slow enough for a repair.
                let next = ctx.now.plus_seconds(10 * attempts * attempts);
                tx.exec(
                    "UPDATE job SET state=$1, run_at=$2, finished_at=$3, last_error=$4, lease_until=NULL WHERE id=$5 AND lease_owner=$6",
                    args![state, next, finished, e.to_string(), id, &self.owner],
                )
                .await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }
}
