//! The list of sites.

use std::collections::HashMap;

use axum::extract::{RawQuery, State};
use kernel::{Id, Permission, Result};
use records::site::{Site, SiteKind, SiteStatus};
use serde_json::{Value, json};
use web::app::App;
use web::error::Outcome;
use web::form::Fields;
use web::staff::{Pages, Staff, sites_for};

use super::super::queries::{self, Figures};
use super::{choice, grouped, moment, state};

struct Found {
    all: Vec<Site>,
    rows: Vec<Site>,
    figures: HashMap<Id, Figures>,
}

async fn find(app: &App, staff: &Staff, q: &Fields) -> Result<Found> {
    let mut tx = app.db.read().await?;
    let all = sites_for(&mut tx, staff, Permission::SiteRead).await?;
    let figures = queries::figures(&mut tx).await?;
    let (text, kind, status) =
        (q.get("q").to_lowercase(), SiteKind::from_code(q.get("kind")), SiteStatus::from_code(q.get("state")));
    let rows = all
        .iter()
        .filter(|s| kind.is_none_or(|k| s.kind == k) && status.is_none_or(|k| s.status == k))
        .filter(|s| {
            text.is_empty()
                || [&s.set.name, &s.set.short_name, &s.slug, &s.domain, &s.set.id_code]
                    .iter()
                    .any(|v| v.to_lowercase().contains(&text))
        })
        .cloned()
        .collect();
    Ok(Found { all, rows, figures })
}

fn address(path: &str, q: &str, kind: &str, state: &str) -> String {
    let mut s = url::form_urlencoded::Serializer::new(String::new());
    for (k, v) in [("q", q), ("kind", kind), ("state", state)] {
        if !v.is_empty() {
            s.append_pair(k, v);
        }
    }
    let query = s.finish();
    if query.is_empty() { path.to_string() } else { format!("{path}?{query}") }
}

pub(super) async fn list(State(app): State<App>, staff: Staff, pages: Pages, RawQuery(query): RawQuery) -> Outcome {
    let q = Fields::parse(query.unwrap_or_default().as_bytes());
    let f = find(&app, &staff, &q).await?;
    let (text, kind, status) = (q.get("q"), q.get("kind"), q.get("state"));
    let mut tabs = vec![json!({
        "name": "全部", "url": address("/sites", text, "", status), "count": f.all.len(), "current": kind.is_empty(),
    })];
    for k in SiteKind::ALL {
        let n = f.all.iter().filter(|s| s.kind == k).count();
        if n > 0 {
            tabs.push(json!({
                "name": k.label(), "url": address("/sites", text, k.code(), status), "count": n,
                "current": kind == k.code(),
            }));
        }
    }
    let mut states = vec![choice("", "全部状态")];
    states.extend(SiteStatus::ALL.iter().map(|s| choice(s.code(), s.label())));
    let rows: Vec<Value> = f
        .rows
        .iter()
        .map(|s| {
            let fig = f.figures.get(&s.id).copied().unwrap_or_default();
            json!({
                "name": s.set.name, "url": format!("/sites/{}", s.id), "kind": s.kind.label(), "domain": s.domain,
                "id_code": if s.set.id_code.is_empty() { Value::Null } else { json!(s.set.id_code) },
                "columns": fig.columns, "columns_url": format!("/sites/{}/columns", s.id),
                "documents": grouped(fig.live),
                "documents_url": documents_url(&staff, s.id),
                "updated": moment(fig.updated), "state": state(s.status),
            })
        })
        .collect();
    let running = f.all.iter().filter(|s| s.status == SiteStatus::Running).count();
    let filtered = !(text.is_empty() && kind.is_empty() && status.is_empty());
    let context = json!({
        "title": "站点", "crumbs": [],
        "summary": format!("{} 个，{running} 个运行", f.all.len()),
        "export_url": address("/sites.csv", text, kind, status),
        "create_url": staff.actor().may_somewhere(Permission::OrganWrite).then_some("/sites/new"),
        "tabs": tabs,
        "filters": {
            "action": "/sites", "kind": if kind.is_empty() { Value::Null } else { json!(kind) },
            "clear_url": filtered.then_some("/sites"),
            "fields": {
                "q": { "value": text, "error": null },
                "state": { "value": status, "error": null, "options": states },
            },
        },
        "paging": {
            "text": filtered.then(|| format!("符合条件的 {} 个", rows.len())),
            "first": null, "prev": null, "next": null,
        },
        "rows": rows,
        "empty": {
            "icon": "globe", "title": "没有符合条件的站点", "text": "请换一个状态或种类。",
            "url": filtered.then_some("/sites"), "label": filtered.then_some("清除条件"),
        },
    });
    Ok(pages.page("sites/staff/sites.html", context).await)
}

/// The list of a site's public documents, for whoever may see it.
pub(super) fn documents_url(staff: &Staff, site: Id) -> Option<String> {
    staff.actor().may_somewhere(Permission::DocumentRead).then(|| format!("/documents?site={site}&state=published"))
}

pub(super) async fn export(State(app): State<App>, staff: Staff, RawQuery(query): RawQuery) -> Outcome {
    let q = Fields::parse(query.unwrap_or_default().as_bytes());
    let f = find(&app, &staff, &q).await?;
    let rows: Vec<Vec<String>> = f
        .rows
        .iter()
        .map(|s| {
            let fig = f.figures.get(&s.id).copied().unwrap_or_default();
            vec![
                s.set.name.clone(),
                s.slug.clone(),
                s.kind.label().to_string(),
                s.domain.clone(),
                s.set.id_code.clone(),
                s.status.label().to_string(),
                fig.columns.to_string(),
                fig.live.to_string(),
                fig.updated.map(|t| t.minute_text()).unwrap_or_default(),
                s.set.sponsor.clone(),
                s.set.phone.clone(),
            ]
        })
        .collect();
    let head = [
        "名称",
        "拼音标识",
        "种类",
        "主域名",
        "网站标识码",
        "状态",
        "栏目",
        "公开的信息",
        "最近更新",
        "主办单位",
        "联系电话",
    ];
    Ok(crate::system::export::csv_response("sites.csv", &head, &rows)?)
}
