//! The two doors to the truth.
//!
//! A [`ReadTx`] has no method that writes. A [`WriteTx`] gathers audit entries, events and jobs beside its changes and
//! commits them together; the last thing it does is to take the audit head, number its entries and events from it and
//! hold it to commit, so that numbers follow the order of commits on both engines. A change without an audit entry
//! cannot be committed.

use futures_util::future::BoxFuture;
use kernel::{Refusal, Result, Timestamp};
use serde::Serialize;

use crate::audit::{self, Entry};
use crate::db::dialect::Tx;
use crate::db::{Cell, Db, Row, Sql, Value};
use crate::env::Ctx;
use crate::jobs::NewJob;
use crate::outbox::NewEvent;

/// What both kinds of transaction can do: read.
///
/// The futures are boxed so that their types do not carry the text's: the compiler can then see that they may move
/// between threads.
pub trait Read: Send {
    /// Every row.
    fn fetch(&mut self, sql: Sql, args: Vec<Value>) -> BoxFuture<'_, Result<Vec<Row>>>;

    /// Every row.
    fn rows(&mut self, sql: impl Into<Sql>, args: Vec<Value>) -> BoxFuture<'_, Result<Vec<Row>>> {
        self.fetch(sql.into(), args)
    }

    /// The only row, or none.
    fn optional(&mut self, sql: impl Into<Sql>, args: Vec<Value>) -> BoxFuture<'_, Result<Option<Row>>> {
        let rows = self.fetch(sql.into(), args);
        Box::pin(async move { Ok(rows.await?.into_iter().next()) })
    }

    /// The only row.
    fn one(&mut self, sql: impl Into<Sql>, args: Vec<Value>) -> BoxFuture<'_, Result<Row>> {
        let row = self.optional(sql, args);
        Box::pin(async move { row.await?.ok_or_else(|| Refusal::not_found("record.unknown", "没有找到这条记录")) })
    }

    /// The column `n` of the only row.
    fn scalar<T: Cell>(&mut self, sql: impl Into<Sql>, args: Vec<Value>) -> BoxFuture<'_, Result<T>> {
        let row = self.one(sql, args);
        Box::pin(async move { row.await?.get("n") })
    }
}

/// A consistent view that cannot write.
pub struct ReadTx(Tx);

impl ReadTx {
    pub(crate) async fn begin(db: &Db) -> Result<ReadTx> {
        Ok(ReadTx(Tx::begin_read(db).await?))
    }
}

impl Read for ReadTx {
    fn fetch(&mut self, sql: Sql, args: Vec<Value>) -> BoxFuture<'_, Result<Vec<Row>>> {
        Box::pin(async move { self.0.fetch(&sql, &args).await })
    }
}

/// A transaction that writes. Dropped without [`WriteTx::commit`], it leaves nothing.
pub struct WriteTx {
    tx: Tx,
    db: Db,
    ctx: Ctx,
    machinery: bool,
    dirty: bool,
    entries: Vec<Entry>,
    events: Vec<NewEvent>,
}

/// What a commit came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Number of the last event, or of the last one before if this transaction had none.
    pub event_seq: i64,
}

impl WriteTx {
    pub(crate) async fn begin(db: &Db, ctx: &Ctx, machinery: bool) -> Result<WriteTx> {
        Ok(WriteTx {
            tx: Tx::begin_write(db).await?,
            db: db.clone(),
            ctx: ctx.clone(),
            machinery,
            dirty: false,
            entries: Vec::new(),
            events: Vec::new(),
        })
    }

    /// Who acts, when.
    pub fn ctx(&self) -> &Ctx {
        &self.ctx
    }

    /// The present of this transaction.
    pub fn now(&self) -> Timestamp {
        self.ctx.now
    }

    /// The provider of hashes and ciphertexts.
    pub fn crypto(&self) -> &dyn kernel::crypto::Provider {
        self.db.crypto()
    }

    /// Changes rows; returns how many.
    ///
    /// # Errors
    /// `db.duplicate`, `db.busy` or `db.fault`.
    pub fn exec(&mut self, sql: impl Into<Sql>, args: Vec<Value>) -> BoxFuture<'_, Result<u64>> {
        self.dirty = true;
        let sql = sql.into();
        Box::pin(async move { self.tx.execute(&sql, &args).await })
    }

    /// Changes exactly one row.
    ///
    /// # Errors
    /// `db.inconsistent` where it was none or several; the change is then not kept.
    pub fn exec_one(&mut self, sql: impl Into<Sql>, args: Vec<Value>) -> BoxFuture<'_, Result<()>> {
        let changed = self.exec(sql, args);
        Box::pin(async move {
            match changed.await? {
                1 => Ok(()),
                n => Err(Refusal::internal("db.inconsistent", format_args!("{n} rows instead of 1"))),
            }
        })
    }

    pub(crate) async fn claim_jobs(&mut self, args: Vec<Value>) -> Result<Vec<Row>> {
        self.dirty = true;
        let sql = Sql::from(self.tx.claim_jobs());
        self.tx.fetch(&sql, &args).await
    }

    /// Notes what was done. Details hold identities, codes and salted hashes, never values that people typed.
    pub fn audit(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Announces what happened to whoever follows the outbox.
    ///
    /// # Errors
    /// `event.payload` where the payload cannot be written as JSON.
    pub fn event(&mut self, kind: &'static str, payload: &impl Serialize) -> Result<()> {
        let payload = serde_json::to_string(payload).map_err(|e| Refusal::internal("event.payload", e))?;
        self.events.push(NewEvent { kind, payload });
        Ok(())
    }

    /// Puts a job into the queue, in this transaction. A second job with the same key is not added.
    ///
    /// # Errors
    /// `db.fault`.
    pub async fn enqueue(&mut self, job: NewJob) -> Result<()> {
        crate::jobs::insert(self, job).await
    }

    /// Makes everything true at once.
    ///
    /// # Errors
    /// `audit.missing` where rows changed and nothing was noted; else the engine's.
    pub async fn commit(mut self) -> Result<Committed> {
        if self.dirty && self.entries.is_empty() && !self.machinery {
            return Err(Refusal::internal("audit.missing", "a change without an audit entry"));
        }
        let head = audit::append(&mut self.tx, &self.ctx, self.db.crypto.as_ref(), &self.entries, &self.events).await?;
        self.tx.commit().await?;
        self.db.committed.send_modify(|n| *n += 1);
        Ok(Committed { event_seq: head })
    }
}

impl Read for WriteTx {
    fn fetch(&mut self, sql: Sql, args: Vec<Value>) -> BoxFuture<'_, Result<Vec<Row>>> {
        Box::pin(async move { self.tx.fetch(&sql, &args).await })
    }
}
