//! Figures for pages and for the command line.

use kernel::permission::Scope as Reach;
use kernel::{Actor, Id, Permission, Refusal, Result};
use platform::Read;
use records::indicator::{self, Indicator, Scope};
use records::{organ, site};
use serde_json::{Value, json};

/// The refusal where there is no such figure.
pub fn unknown() -> Refusal {
    Refusal::not_found("indicator.unknown", "没有这个指标").mend("请从统计页面重新选择")
}

/// Organs whose figures somebody may see; none where it is all.
///
/// # Errors
/// `db.fault`.
pub async fn visible(tx: &mut impl Read, actor: &Actor) -> Result<Option<Vec<Id>>> {
    let mut out = Vec::new();
    for scope in actor.scopes(Permission::IndicatorRead) {
        match scope {
            Reach::City => return Ok(None),
            Reach::Organ(id) => out.extend(organ::below(tx, id).await?),
            Reach::Site(id) => out.push(site::get(tx, id).await?.organ),
        }
    }
    out.sort_unstable();
    out.dedup();
    Ok(Some(out))
}

/// The days of a year or of one of its months.
///
/// # Errors
/// `indicator.period`.
pub fn period(year: i32, month: Option<u8>) -> Result<(String, String)> {
    if !(1949..=9998).contains(&year) || month.is_some_and(|m| !(1..=12).contains(&m)) {
        return Err(Refusal::invalid("indicator.period", "没有这个期间").at("year").mend("请从列表中选择年份"));
    }
    // Days are compared as text: the 31st closes every month.
    Ok(match month {
        Some(m) => (format!("{year:04}-{m:02}-01"), format!("{year:04}-{m:02}-31")),
        None => (format!("{year:04}-01-01"), format!("{year:04}-12-31")),
    })
}

async fn scope_of(
    tx: &mut impl Read,
    slug: &str,
    year: i32,
    code: &str,
) -> Result<(&'static Indicator, organ::Organ, Scope)> {
    let i = indicator::find(code).ok_or_else(unknown)?;
    let o = organ::find_slug(tx, slug)
        .await?
        .ok_or_else(|| Refusal::not_found("organ.unknown", "没有这个机关").mend("请核对机关的拼音标识"))?;
    let (from, until) = period(year, None)?;
    let scope = Scope { organs: Some(vec![o.id]), from, until };
    Ok((i, o, scope))
}

/// A figure of an organ and a year, with its months.
///
/// # Errors
/// `indicator.unknown`, `organ.unknown`, `indicator.period`.
pub async fn figure(tx: &mut impl Read, organ_slug: &str, year: i32, code: &str) -> Result<Value> {
    let (i, o, scope) = scope_of(tx, organ_slug, year, code).await?;
    let value = indicator::published_count(tx, &scope).await?;
    let counts = indicator::published_by_organ_and_month(tx, &scope).await?;
    let months: Vec<Value> = (1..=12)
        .map(|m| {
            let key = format!("{year:04}-{m:02}");
            json!({ "month": key, "value": counts.get(&(o.id, key.clone())).copied().unwrap_or(0) })
        })
        .collect();
    Ok(json!({
        "code": i.code, "name": i.name, "unit": i.unit, "organ": { "slug": o.slug, "name": o.name }, "year": year,
        "value": value, "months": months, "definition": i.definition,
    }))
}

/// The same with every record that it counts.
///
/// # Errors
/// As [`figure`].
pub async fn figure_with_records(tx: &mut impl Read, organ_slug: &str, year: i32, code: &str) -> Result<Value> {
    let mut out = figure(tx, organ_slug, year, code).await?;
    let (_, _, scope) = scope_of(tx, organ_slug, year, code).await?;
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let some = indicator::published_records(tx, &scope, after, 1000).await?;
        after = some.last().map(|r| (r.on.clone(), r.document));
        let n = some.len();
        all.extend(some);
        if n < 1000 {
            break;
        }
    }
    if let Some(o) = out.as_object_mut() {
        o.insert("records".into(), json!(all));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::period;

    #[test]
    fn periods() {
        assert_eq!(period(2026, Some(2)).expect("month"), ("2026-02-01".to_string(), "2026-02-31".to_string()));
        assert_eq!(period(2026, None).expect("year").1, "2026-12-31");
        for (y, m) in [(0, None), (2026, Some(13)), (2026, Some(0)), (99999, None)] {
            assert_eq!(period(y, m).expect_err("period").code(), "indicator.period");
        }
    }
}
