//! Events in commit order, and how far each follower has read.

use kernel::{Refusal, Result, Timestamp};
use serde::de::DeserializeOwned;

use crate::env::Ctx;
use crate::tx::Read;
use crate::{Db, ReadTx, WriteTx, args};

/// An event on its way into the outbox.
#[derive(Clone, Debug)]
pub struct NewEvent {
    pub(crate) kind: &'static str,
    pub(crate) payload: String,
}

/// An event that was committed.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its number: order of commits.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// `document.published`.
    pub kind: String,
    /// JSON.
    pub payload: String,
}

impl Event {
    /// The payload as a type.
    ///
    /// # Errors
    /// `event.payload` where it is of another shape.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(&self.payload)
            .map_err(|e| Refusal::internal("event.payload", format_args!("event {} {}: {e}", self.seq, self.kind)))
    }
}

/// Events after a number, oldest first.
///
/// # Errors
/// `db.fault`.
pub async fn after(tx: &mut impl Read, seq: i64, limit: i64) -> Result<Vec<Event>> {
    tx.rows("SELECT seq, at, kind, payload FROM outbox WHERE seq>$1 ORDER BY seq LIMIT $2", args![seq, limit])
        .await?
        .iter()
        .map(|r| Ok(Event { seq: r.get("seq")?, at: r.get("at")?, kind: r.get("kind")?, payload: r.get("payload")? }))
        .collect()
}

/// Number of the last event.
///
/// # Errors
/// `db.fault`.
pub async fn head(tx: &mut impl Read) -> Result<i64> {
    tx.scalar("SELECT event_seq AS n FROM chain_head WHERE id=1", vec![]).await
}

/// How far a follower has read.
///
/// # Errors
/// `db.fault`.
pub async fn cursor(tx: &mut ReadTx, follower: &'static str) -> Result<i64> {
    match tx.optional("SELECT seq AS n FROM outbox_cursor WHERE follower=$1", args![follower]).await? {
        Some(r) => r.get("n"),
        None => Ok(0),
    }
}

/// Notes how far a follower has read, in its own transaction.
///
/// # Errors
/// `db.fault`.
pub async fn advance(tx: &mut WriteTx, follower: &'static str, seq: i64) -> Result<()> {
    tx.exec(
        "INSERT INTO outbox_cursor (follower, seq) VALUES ($1,$2) ON CONFLICT (follower) DO UPDATE SET seq=excluded.seq",
        args![follower, seq],
    )
    .await?;
    Ok(())
}

/// Notes how far a follower has read, alone.
///
/// # Errors
/// `db.fault`.
pub async fn advance_alone(db: &Db, ctx: &Ctx, follower: &'static str, seq: i64) -> Result<()> {
    let mut tx = db.bookkeeping(ctx).await?;
    advance(&mut tx, follower, seq).await?;
    tx.commit().await?;
    Ok(())
}
