//! What pages about sites read.

use std::collections::HashMap;

use kernel::{Id, Result, Timestamp};
use platform::{Read, Sql, args};

/// Figures of one site.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// Documents of the site that are public.
    pub live: i64,
    /// The newest page date.
    pub updated: Option<Timestamp>,
    /// Open columns.
    pub columns: i64,
}

/// Figures of every site.
///
/// # Errors
/// `db.fault`.
pub async fn figures(tx: &mut impl Read) -> Result<HashMap<Id, Figures>> {
    let mut out: HashMap<Id, Figures> = HashMap::new();
    for r in tx
        .rows("SELECT site_id, COUNT(*) AS n FROM document WHERE live_edition IS NOT NULL AND withdrawn_at IS NULL GROUP BY site_id", vec![])
        .await?
    {
        out.entry(r.get("site_id")?).or_default().live = r.get("n")?;
    }
    for r in tx.rows("SELECT site_id, MAX(sort_at) AS n FROM placement GROUP BY site_id", vec![]).await? {
        out.entry(r.get("site_id")?).or_default().updated = r.get("n")?;
    }
    for r in
        tx.rows("SELECT site_id, COUNT(*) AS n FROM site_column WHERE status='open' GROUP BY site_id", vec![]).await?
    {
        out.entry(r.get("site_id")?).or_default().columns = r.get("n")?;
    }
    Ok(out)
}

/// What stands in each column of a site: `column → (how many, newest page date)`.
///
/// # Errors
/// `db.fault`.
pub async fn column_figures(tx: &mut impl Read, site: Id) -> Result<HashMap<Id, (i64, Option<Timestamp>)>> {
    tx.rows(
        "SELECT column_id, COUNT(*) AS n, MAX(sort_at) AS latest FROM placement WHERE site_id=$1 GROUP BY column_id",
        args![site],
    )
    .await?
    .iter()
    .map(|r| Ok((r.get("column_id")?, (r.get("n")?, r.get("latest")?))))
    .collect()
}

/// How many documents of a site wait for review.
///
/// # Errors
/// `db.fault`.
pub async fn submitted(tx: &mut impl Read, site: Id) -> Result<i64> {
    tx.scalar(
        "SELECT COUNT(*) AS n FROM document d JOIN edition e ON e.id=d.draft_edition WHERE d.site_id=$1 AND e.state='submitted'",
        args![site],
    )
    .await
}

/// How many published addresses a site has: as many pages are rendered again when its settings change.
///
/// # Errors
/// `db.fault`.
pub async fn pages(tx: &mut impl Read, site: Id) -> Result<i64> {
    tx.scalar("SELECT COUNT(*) AS n FROM route WHERE site_id=$1 AND until_seq IS NULL", args![site]).await
}

/// A step of a site's life, from the audit.
#[derive(Clone, Debug)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// The status that it came to.
    pub to: String,
}

/// Steps of a site's life, oldest first.
///
/// # Errors
/// `db.fault`.
pub async fn steps(tx: &mut impl Read, site: Id) -> Result<Vec<Step>> {
    let mut sql = Sql::new("SELECT at, actor, action, detail FROM audit_entry WHERE object_kind='site' AND object_id=");
    sql.bind(site).push(" AND action IN ('site.create','site.status') ORDER BY seq");
    tx.rows(sql, vec![])
        .await?
        .iter()
        .map(|r| {
            let action: String = r.get("action")?;
            let detail: serde_json::Value = r.json("detail")?;
            let key = if action == "site.create" { "status" } else { "to" };
            let to = detail.get(key).and_then(|v| v.as_str()).unwrap_or_default().to_string();
            Ok(Step { at: r.get("at")?, who: r.get("actor")?, to })
        })
        .collect()
}

/// Whether another site has the same identification code.
///
/// # Errors
/// `db.fault`.
pub async fn code_shared(tx: &mut impl Read, site: Id, code: &str) -> Result<bool> {
    let n: i64 = tx.scalar("SELECT COUNT(*) AS n FROM site WHERE id_code=$1 AND id<>$2", args![code, site]).await?;
    Ok(n > 0)
}

/// Whether a column was ever used: then it may be closed but not deleted.
///
/// # Errors
/// `db.fault`.
pub async fn column_used(tx: &mut impl Read, id: Id) -> Result<bool> {
    let n: i64 = tx
        .scalar(
            "SELECT (SELECT COUNT(*) FROM edition_column WHERE column_id=$1) + (SELECT COUNT(*) FROM placement WHERE column_id=$1) + (SELECT COUNT(*) FROM site_column WHERE parent_id=$1) + (SELECT COUNT(*) FROM column_address WHERE column_id=$1) AS n",
            args![id],
        )
        .await?;
    Ok(n > 0)
}
