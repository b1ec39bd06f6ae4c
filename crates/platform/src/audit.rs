//! The audit: a hash chain over everything that was done.
//!
//! Each entry's hash covers the entry and the hash before it; the head (`chain_head`) holds the last number and hash, so
//! that neither a changed entry nor a cut tail goes unnoticed. Entries hold identities, codes and salted hashes, never
//! values. Refused attempts that concern security are entries too, with the refusal's code as outcome.

use kernel::crypto::Provider;
use kernel::id::Id;
use kernel::{Refusal, Result, Timestamp};
use serde::Serialize;

use crate::db::dialect::Tx;
use crate::db::{Row, Sql};
use crate::env::Ctx;
use crate::outbox::NewEvent;
use crate::tx::Read;
use crate::{ReadTx, args};

/// What is noted of one act.
#[derive(Clone, Debug)]
pub struct Entry {
    /// `document.publish`: what was done.
    pub action: &'static str,
    /// `document`: what kind of thing it was done to.
    pub object_kind: &'static str,
    /// Which one.
    pub object_id: Option<Id>,
    /// The site that it belongs to, for the isolation of the audit page.
    pub site_id: Option<Id>,
    /// `done`, or the code of the refusal.
    pub outcome: &'static str,
    /// Identities, codes, counts.
    pub detail: serde_json::Value,
}

impl Entry {
    /// Something was done to an object.
    pub fn done(action: &'static str, object_kind: &'static str, object_id: Id) -> Entry {
        Entry {
            action,
            object_kind,
            object_id: Some(object_id),
            site_id: None,
            outcome: "done",
            detail: serde_json::Value::Null,
        }
    }

    /// Something that concerns no single object, or a refused attempt.
    pub fn note(action: &'static str, object_kind: &'static str, outcome: &'static str) -> Entry {
        Entry { action, object_kind, object_id: None, site_id: None, outcome, detail: serde_json::Value::Null }
    }

    /// Adds the site.
    #[must_use]
    pub fn site(mut self, site: Id) -> Entry {
        self.site_id = Some(site);
        self
    }

    /// Adds details: identities, codes, counts; never what people typed.
    #[must_use]
    pub fn detail(mut self, detail: serde_json::Value) -> Entry {
        self.detail = detail;
        self
    }
}

/// The exact bytes that an entry's hash covers, in this order of fields.
#[derive(Serialize)]
struct Hashed<'a> {
    seq: i64,
    at: i64,
    account: Option<i64>,
    actor: &'a str,
    action: &'a str,
    object_kind: &'a str,
    object_id: Option<i64>,
    site_id: Option<i64>,
    outcome: &'a str,
    detail: &'a str,
    request: &'a str,
    previous: &'a str,
}

/// The hash before the first entry.
const GENESIS: &str = "genesis";

#[expect(clippy::useless_vec, reason = "`args!` makes a list everywhere")]
/// Numbers and writes entries and events as the last statements of a transaction; returns the number of the last event.
pub(crate) async fn append(
    tx: &mut Tx,
    ctx: &Ctx,
    crypto: &dyn Provider,
    entries: &[Entry],
    events: &[NewEvent],
) -> Result<i64> {
    if entries.is_empty() && events.is_empty() {
        let rows = tx.fetch(&"SELECT event_seq AS n FROM chain_head WHERE id=1".into(), &[]).await?;
        return rows.first().map_or(Ok(0), |r| r.get("n"));
    }
    let (na, ne) = (entries.len() as i64, events.len() as i64);
    // The row lock is held to commit: numbers follow commit order.
    let updated = tx
        .execute(
            &"UPDATE chain_head SET audit_seq=audit_seq+$1, event_seq=event_seq+$2 WHERE id=1".into(),
            &args![na, ne],
        )
        .await?;
    if updated != 1 {
        return Err(Refusal::internal("audit.head", "the audit head is missing"));
    }
    let head = tx
        .fetch(&"SELECT audit_seq, audit_hash, event_seq FROM chain_head WHERE id=1".into(), &[])
        .await?
        .into_iter()
        .next()
        .ok_or_else(|| Refusal::internal("audit.head", "the audit head is missing"))?;
    let mut seq: i64 = head.get::<i64>("audit_seq")? - na;
    let mut hash: String = head.get("audit_hash")?;
    let mut event_seq: i64 = head.get::<i64>("event_seq")? - ne;
    let account = ctx.actor.account.map(Id::as_i64);
    for e in entries {
        seq += 1;
        let detail = e.detail.to_string();
        let next = hash_of(
            crypto,
            &Hashed {
                seq,
                at: ctx.now.0,
                account,
                actor: &ctx.actor.name,
                action: e.action,
                object_kind: e.object_kind,
                object_id: e.object_id.map(Id::as_i64),
                site_id: e.site_id.map(Id::as_i64),
                outcome: e.outcome,
                detail: &detail,
                request: &ctx.request,
                previous: &hash,
            },
        )?;
        tx.execute(
            &"INSERT INTO audit_entry (seq, at, account_id, actor, action, object_kind, object_id, site_id, outcome, detail, request, hash)
              VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)"
                .into(),
            &args![
                seq, ctx.now, account, &ctx.actor.name, e.action, e.object_kind, e.object_id, e.site_id, e.outcome,
                detail, &ctx.request, &next
            ],
        )
        .await?;
        hash = next;
    }
    for e in events {
        event_seq += 1;
        tx.execute(
            &"INSERT INTO outbox (seq, at, kind, payload) VALUES ($1,$2,$3,$4)".into(),
            &args![event_seq, ctx.now, e.kind, &e.payload],
        )
        .await?;
    }
    if na > 0 {
        tx.execute(&"UPDATE chain_head SET audit_hash=$1 WHERE id=1".into(), &args![&hash]).await?;
    }
    Ok(event_seq)
}

fn hash_of(crypto: &dyn Provider, h: &Hashed<'_>) -> Result<String> {
    Ok(crypto.hash(&bytes_of(h)?).to_string())
}

fn bytes_of(h: &Hashed<'_>) -> Result<Vec<u8>> {
    serde_json::to_vec(h).map_err(|e| Refusal::internal("audit.entry", e))
}

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Entries read.
    pub checked: i64,
    /// The first thing that does not hold, in Chinese; `None` where the chain holds.
    pub broken: Option<String>,
    /// Number of the last entry.
    pub head: i64,
}

/// An entry as it is stored, for the audit page.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)] // columns of the table
pub struct Stored {
    pub seq: i64,
    pub at: Timestamp,
    pub account: Option<Id>,
    pub actor: String,
    pub action: String,
    pub object_kind: String,
    pub object_id: Option<Id>,
    pub site_id: Option<Id>,
    pub outcome: String,
    pub detail: String,
    pub request: String,
    pub hash: String,
}

/// The columns that [`stored`] reads.
pub const COLUMNS: &str =
    "seq, at, account_id, actor, action, object_kind, object_id, site_id, outcome, detail, request, hash";

/// Reads an entry.
///
/// # Errors
/// `db.inconsistent`.
pub fn stored(r: &Row) -> Result<Stored> {
    Ok(Stored {
        seq: r.get("seq")?,
        at: r.get("at")?,
        account: r.get("account_id")?,
        actor: r.get("actor")?,
        action: r.get("action")?,
        object_kind: r.get("object_kind")?,
        object_id: r.get("object_id")?,
        site_id: r.get("site_id")?,
        outcome: r.get("outcome")?,
        detail: r.get("detail")?,
        request: r.get("request")?,
        hash: r.get("hash")?,
    })
}

/// Reads the whole chain and tells the first thing that does not hold.
///
/// # Errors
/// `db.fault` where it cannot be read at all.
pub async fn verify(tx: &mut ReadTx, crypto: &dyn Provider, mut progress: impl FnMut(i64)) -> Result<Verdict> {
    let head = tx
        .optional("SELECT audit_seq, audit_hash FROM chain_head WHERE id=1", vec![])
        .await?
        .ok_or_else(|| Refusal::internal("audit.head", "the audit head is missing"))?;
    let (last, last_hash): (i64, String) = (head.get("audit_seq")?, head.get("audit_hash")?);
    let mut previous = GENESIS.to_string();
    let mut seq = 0;
    let broken = 'chain: loop {
        let mut sql = Sql::new(
            "SELECT seq, at, account_id, actor, action, object_kind, object_id, site_id, outcome, detail, request, hash FROM audit_entry WHERE seq>",
        );
        sql.bind(seq).push(" ORDER BY seq LIMIT 2000");
        let rows = tx.rows(sql, vec![]).await?;
        if rows.is_empty() {
            break if seq != last {
                Some(format!("应有 {last} 条记录，只读到第 {seq} 条：末尾缺失"))
            } else if last > 0 && previous != last_hash {
                Some(format!("链头与第 {seq} 条记录的摘要不一致"))
            } else {
                None
            };
        }
        for r in &rows {
            let Ok(e) = stored(r) else { break 'chain Some(format!("第 {} 条记录无法读取", seq + 1)) };
            if e.seq != seq + 1 {
                break 'chain Some(format!("第 {} 条记录缺失", seq + 1));
            }
            let bytes = bytes_of(&Hashed {
                seq: e.seq,
                at: e.at.0,
                account: e.account.map(Id::as_i64),
                actor: &e.actor,
                action: &e.action,
                object_kind: &e.object_kind,
                object_id: e.object_id.map(Id::as_i64),
                site_id: e.site_id.map(Id::as_i64),
                outcome: &e.outcome,
                detail: &e.detail,
                request: &e.request,
                previous: &previous,
            })?;
            let holds = e.hash.parse().is_ok_and(|d| crypto.verify(&d, &bytes).unwrap_or(false));
            if !holds {
                break 'chain Some(format!("第 {} 条记录被改动（摘要不符）", e.seq));
            }
            previous = e.hash;
            seq = e.seq;
        }
        progress(seq);
    };
    Ok(Verdict { checked: seq, broken, head: last })
}
