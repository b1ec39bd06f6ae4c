//! Indicators 指标: a number with a definition, whose query also lists the records that it counts.

use std::collections::BTreeMap;

use kernel::{Id, Result};
use platform::{Read, Sql};
use serde::Serialize;

/// A figure's definition.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Indicator {
    /// `items.published`.
    pub code: &'static str,
    /// 主动公开信息
    pub name: &'static str,
    /// What exactly is counted.
    pub definition: &'static str,
    /// 条
    pub unit: &'static str,
}

/// The figures that the city keeps.
pub const ALL: &[Indicator] = &[ITEMS_PUBLISHED];

/// Items published.
pub const ITEMS_PUBLISHED: Indicator = Indicator {
    code: "items.published",
    name: "主动公开信息",
    definition: "统计期内公开、现在仍然公开的信息条数。以页面日期归入月份；同一条信息放在几个栏目或几个站点，只计一次；已撤回的不计。",
    unit: "条",
};

/// A figure by its code.
pub fn find(code: &str) -> Option<&'static Indicator> {
    ALL.iter().find(|i| i.code == code)
}

/// What is counted: organs (none: every organ), from a day to a day, both included.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Only these organs' records.
    pub organs: Option<Vec<Id>>,
    /// ISO.
    pub from: String,
    /// ISO.
    pub until: String,
}

fn published(select: &'static str, scope: &Scope) -> Sql {
    let mut sql = Sql::new(select);
    sql.push(" FROM document d JOIN edition e ON e.id=d.live_edition WHERE d.published_on>=").bind(&scope.from);
    sql.push(" AND d.published_on<=").bind(&scope.until);
    if let Some(organs) = &scope.organs {
        sql.push(" AND d.organ_id IN ").bind_list(organs.iter().copied());
    }
    sql
}

/// Counts by organ and month: `(organ, "2026-10") → n`.
///
/// # Errors
/// `db.fault`.
pub async fn published_by_organ_and_month(tx: &mut impl Read, scope: &Scope) -> Result<BTreeMap<(Id, String), i64>> {
    let mut sql = published("SELECT d.organ_id, SUBSTR(d.published_on,1,7) AS month, COUNT(*) AS n", scope);
    sql.push(" GROUP BY d.organ_id, SUBSTR(d.published_on,1,7)");
    tx.rows(sql, vec![]).await?.iter().map(|r| Ok(((r.get("organ_id")?, r.get("month")?), r.get("n")?))).collect()
}

/// The figure itself.
///
/// # Errors
/// `db.fault`.
pub async fn published_count(tx: &mut impl Read, scope: &Scope) -> Result<i64> {
    tx.scalar(published("SELECT COUNT(*) AS n", scope), vec![]).await
}

/// A record that a figure counts.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)] // columns of the tables
pub struct Record {
    pub document: Id,
    pub organ: Id,
    pub site: Id,
    pub title: String,
    pub number: String,
    pub on: String,
}

/// Exactly the records that [`published_count`] counts, oldest first, after a key.
///
/// # Errors
/// `db.fault`.
pub async fn published_records(
    tx: &mut impl Read,
    scope: &Scope,
    after: Option<(String, Id)>,
    limit: i64,
) -> Result<Vec<Record>> {
    let mut sql = published("SELECT d.id, d.organ_id, d.site_id, e.title, e.number, d.published_on", scope);
    if let Some((on, id)) = after {
        sql.push(" AND (d.published_on>").bind(&on).push(" OR (d.published_on=").bind(&on);
        sql.push(" AND d.id>").bind(id).push("))");
    }
    sql.push(" ORDER BY d.published_on, d.id LIMIT ").bind(limit);
    tx.rows(sql, vec![])
        .await?
        .iter()
        .map(|r| {
            Ok(Record {
                document: r.get("id")?,
                organ: r.get("organ_id")?,
                site: r.get("site_id")?,
                title: r.get("title")?,
                number: r.get("number")?,
                on: r.get("published_on")?,
            })
        })
        .collect()
}
