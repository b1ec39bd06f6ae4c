//! Sign-in sessions: rows that hold the hash of a token, never the token.
//!
//! A session ends when it is idle for [`IDLE_MINUTES`], after [`ABSOLUTE_HOURS`] in any case, and at sign-out. Each has a
//! secret of its own from which its forms' CSRF tokens come.

use kernel::{Id, Result, Timestamp};

use crate::tx::Read;
use crate::{Ctx, Db, args};

/// Minutes without a request after which a session ends.
pub const IDLE_MINUTES: i64 = 30;
/// Hours after which a session ends in any case.
pub const ABSOLUTE_HOURS: i64 = 10;

/// A session as it stands.
#[derive(Clone, Debug)]
pub struct Session {
    /// Hash of its token.
    pub key: String,
    /// Whose it is.
    pub account: Id,
    /// Whether the second factor was given.
    pub complete: bool,
    /// Secret of its forms.
    pub csrf: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used.
    pub seen_at: Timestamp,
}

fn key_of(token: &str) -> String {
    blake3::derive_key("gongkai 2026 session", token.as_bytes()).iter().map(|b| format!("{b:02x}")).collect()
}

/// Begins a session and returns its token. The token is new at every sign-in and after the second factor.
///
/// # Errors
/// `db.fault`.
pub async fn begin(db: &Db, ctx: &Ctx, account: Id, complete: bool) -> Result<String> {
    let token = kernel::id::token::<24>(ctx.entropy.as_ref());
    let csrf = kernel::id::token::<16>(ctx.entropy.as_ref());
    let mut tx = db.bookkeeping(ctx).await?;
    tx.exec(
        "INSERT INTO session (key, account_id, complete, csrf, created_at, seen_at) VALUES ($1,$2,$3,$4,$5,$6)",
        args![key_of(&token), account, complete, csrf, ctx.now, ctx.now],
    )
    .await?;
    tx.exec(
        "DELETE FROM session WHERE seen_at<$1 OR created_at<$2",
        args![ctx.now.plus_minutes(-IDLE_MINUTES), ctx.now.plus_minutes(-ABSOLUTE_HOURS * 60)],
    )
    .await?;
    tx.commit().await?;
    Ok(token)
}

/// The session of a token, if it still holds.
///
/// # Errors
/// `db.fault`.
pub async fn find(tx: &mut impl Read, token: &str, now: Timestamp) -> Result<Option<Session>> {
    let key = key_of(token);
    let Some(r) = tx
        .optional("SELECT key, account_id, complete, csrf, created_at, seen_at FROM session WHERE key=$1", args![&key])
        .await?
    else {
        return Ok(None);
    };
    let s = Session {
        key,
        account: r.get("account_id")?,
        complete: r.get("complete")?,
        csrf: r.get("csrf")?,
        created_at: r.get("created_at")?,
        seen_at: r.get("seen_at")?,
    };
    let holds = s.seen_at.plus_minutes(IDLE_MINUTES) > now && s.created_at.plus_minutes(ABSOLUTE_HOURS * 60) > now;
    Ok(holds.then_some(s))
}

/// Notes that a session was used; at most once a minute, so that reading pages writes little.
///
/// # Errors
/// `db.fault`.
pub async fn touch(db: &Db, ctx: &Ctx, session: &Session) -> Result<()> {
    if session.seen_at.plus_minutes(1) > ctx.now {
        return Ok(());
    }
    let mut tx = db.bookkeeping(ctx).await?;
    tx.exec("UPDATE session SET seen_at=$1 WHERE key=$2", args![ctx.now, &session.key]).await?;
    tx.commit().await?;
    Ok(())
}

/// Ends one session.
///
/// # Errors
/// `db.fault`.
pub async fn end(db: &Db, ctx: &Ctx, key: &str) -> Result<()> {
    let mut tx = db.bookkeeping(ctx).await?;
    tx.exec("DELETE FROM session WHERE key=$1", args![key]).await?;
    tx.commit().await?;
    Ok(())
}

/// Ends every session of an account, inside the transaction that disables it or changes its password.
///
/// # Errors
/// `db.fault`.
pub async fn end_all(tx: &mut crate::WriteTx, account: Id) -> Result<u64> {
    tx.exec("DELETE FROM session WHERE account_id=$1", args![account]).await
}

/// Sessions of an account.
///
/// # Errors
/// `db.fault`.
pub async fn of_account(tx: &mut impl Read, account: Id) -> Result<Vec<Session>> {
    tx.rows(
        "SELECT key, account_id, complete, csrf, created_at, seen_at FROM session WHERE account_id=$1 ORDER BY seen_at DESC",
        args![account],
    )
    .await?
    .iter()
    .map(|r| {
        Ok(Session {
            key: r.get("key")?,
            account,
            complete: r.get("complete")?,
            csrf: r.get("csrf")?,
            created_at: r.get("created_at")?,
            seen_at: r.get("seen_at")?,
        })
    })
    .collect()
}
