//! Relations between documents: interprets, repeals, amends, replaces.

use kernel::{Id, Permission, Refusal, Result};
use platform::WriteTx;
use platform::audit::Entry;
use records::document::{self, Relation};

use super::super::model::{CHANGED, Changed, RELATIONS};
use super::authorised;
use super::standing::standing;

/// Adds a relation from a document to another.
///
/// # Errors
/// `relation.kind`, `relation.self`, `document.unknown`.
pub async fn relate(tx: &mut WriteTx, from: Id, kind: &str, to: Id) -> Result<()> {
    let d = authorised(tx, from, Permission::DocumentWrite).await?;
    if !RELATIONS.iter().any(|(k, _, _)| *k == kind) {
        return Err(Refusal::invalid("relation.kind", "没有这种关联").at("kind"));
    }
    if from == to {
        return Err(Refusal::invalid("relation.self", "信息不能与自己关联").at("to"));
    }
    let other = document::get(tx, to).await?;
    document::insert_relation(tx, &Relation { from, kind: kind.to_string(), to }).await?;
    announce(tx, &[from, other.id]).await?;
    tx.audit(
        Entry::done("document.relate", "document", from)
            .site(d.site)
            .detail(serde_json::json!({ "kind": kind, "to": to })),
    );
    Ok(())
}

/// Takes a relation away.
///
/// # Errors
/// `document.unknown`.
pub async fn unrelate(tx: &mut WriteTx, from: Id, kind: &str, to: Id) -> Result<()> {
    let d = authorised(tx, from, Permission::DocumentWrite).await?;
    document::delete_relation(tx, &Relation { from, kind: kind.to_string(), to }).await?;
    announce(tx, &[from, to]).await?;
    tx.audit(
        Entry::done("document.unrelate", "document", from)
            .site(d.site)
            .detail(serde_json::json!({ "kind": kind, "to": to })),
    );
    Ok(())
}

/// Both ends show the relation: both pages are rendered again.
async fn announce(tx: &mut WriteTx, ids: &[Id]) -> Result<()> {
    for id in ids {
        let now = standing(tx, *id).await?;
        if !now.columns.is_empty() {
            tx.event(CHANGED, &Changed { document: *id, before: now.clone(), after: now })?;
        }
    }
    Ok(())
}
