//! What pages of the system read.

use kernel::permission::Scope;
use kernel::{Actor, Id, Permission, Result, Timestamp};
use platform::audit::{self, Stored};
use platform::{Db, Read, Sql};
use records::site;

use super::rules::AuditFilter;

const ENTRIES: &str = "SELECT seq, at, account_id, actor, action, object_kind, object_id, site_id, outcome, detail, request, hash FROM audit_entry WHERE 1=1";

/// Sites to which somebody's reading of the audit is confined; none where it is the whole city's.
///
/// # Errors
/// `db.fault`.
pub async fn audit_sites(tx: &mut impl Read, actor: &Actor) -> Result<Option<Vec<Id>>> {
    if actor.scopes(Permission::AuditRead).contains(&Scope::City) {
        return Ok(None);
    }
    Ok(Some(site::allowed(tx, actor, Permission::AuditRead).await?.into_iter().map(|s| s.id).collect()))
}

/// Entries of the audit, newest first, before a number.
///
/// # Errors
/// `db.fault`.
pub async fn entries(
    tx: &mut impl Read,
    sites: Option<&[Id]>,
    f: &AuditFilter,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Stored>> {
    let mut sql = Sql::new(ENTRIES);
    if let Some(sites) = sites {
        sql.push(" AND site_id IN ").bind_list(sites.iter().copied());
    }
    if !f.actor.is_empty() {
        let escaped = f.actor.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        sql.push(" AND actor LIKE ").bind(format!("%{escaped}%")).push(" ESCAPE '\\'");
    }
    if !f.action.is_empty() {
        sql.push(" AND action=").bind(&f.action);
    }
    if let Some(kind) = &f.kind {
        sql.push(" AND object_kind=").bind(kind);
    }
    if let Some(id) = f.object {
        sql.push(" AND object_id=").bind(id);
    }
    if let Some(at) = f.from_at() {
        sql.push(" AND at>=").bind(at);
    }
    if let Some(at) = f.until_at() {
        sql.push(" AND at<").bind(at);
    }
    if let Some(before) = before {
        sql.push(" AND seq<").bind(before);
    }
    sql.push(" ORDER BY seq DESC LIMIT ").bind(limit);
    tx.rows(sql, vec![]).await?.iter().map(audit::stored).collect()
}

/// Number and hash of the chain's head.
///
/// # Errors
/// `db.fault`.
pub async fn chain_head(tx: &mut impl Read) -> Result<(i64, String)> {
    let r = tx.one("SELECT audit_seq, audit_hash FROM chain_head WHERE id=1", vec![]).await?;
    Ok((r.get("audit_seq")?, r.get("audit_hash")?))
}

/// The last verification of the chain.
///
/// # Errors
/// `db.fault`.
pub async fn last_verification(tx: &mut impl Read) -> Result<Option<Stored>> {
    let mut sql = Sql::new(ENTRIES);
    sql.push(" AND object_kind='audit' AND action='audit.verify' ORDER BY seq DESC LIMIT 1");
    tx.optional(sql, vec![]).await?.as_ref().map(audit::stored).transpose()
}

/// Size of the database in bytes.
///
/// # Errors
/// `db.fault`.
pub async fn database_size(tx: &mut impl Read, db: &Db) -> Result<i64> {
    let sql = match db.engine_name() {
        "sqlite" => "SELECT c.page_count * s.page_size AS n FROM pragma_page_count() c, pragma_page_size() s",
        _ => "SELECT pg_database_size(current_database()) AS n",
    };
    tx.scalar(sql, vec![]).await
}

/// A planned release.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // columns of the tables
pub struct Planned {
    pub document: Id,
    pub site: Id,
    pub title: String,
    pub at: Timestamp,
}

/// Planned releases of some sites, soonest first.
///
/// # Errors
/// `db.fault`.
pub async fn planned(tx: &mut impl Read, sites: &[Id]) -> Result<Vec<Planned>> {
    let mut sql = Sql::new(
        "SELECT d.id, d.site_id, e.title, e.publish_at FROM document d JOIN edition e ON e.id=d.draft_edition WHERE e.state='scheduled' AND e.publish_at IS NOT NULL AND d.site_id IN ",
    );
    sql.bind_list(sites.iter().copied()).push(" ORDER BY e.publish_at, d.id LIMIT 200");
    tx.rows(sql, vec![])
        .await?
        .iter()
        .map(|r| {
            Ok(Planned {
                document: r.get("id")?,
                site: r.get("site_id")?,
                title: r.get("title")?,
                at: r.get("publish_at")?,
            })
        })
        .collect()
}
