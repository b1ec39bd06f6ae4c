//! The list of documents and its export.

use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use kernel::permission::Permission;
use kernel::{Id, Refusal, Timestamp};
use platform::ReadTx;
use records::document::{self, DocumentKind, Filter, State as Stage};
use records::site::{self, Column, Site};
use serde_json::{Value, json};
use web::staff::Pages;
use web::{App, Fields, Outcome, Staff};

use super::kit;
use crate::content::queries::{self, Listed};

/// Lines of a page.
const PAGE: i64 = 40;
/// Lines of an export.
const EXPORT: i64 = 10_000;

/// What was asked for.
struct Asked {
    sites: Vec<Site>,
    site: Option<Site>,
    column: Option<Column>,
    columns: Vec<Column>,
    state: Option<Stage>,
    kind: Option<DocumentKind>,
    q: String,
    mine: bool,
    before: Option<(Timestamp, Id)>,
}

impl Asked {
    /// Reads the address. A site or column out of reach is one that does not exist.
    async fn read(tx: &mut ReadTx, staff: &Staff, query: &Fields) -> kernel::Result<Asked> {
        let sites = site::allowed(tx, staff.actor(), Permission::DocumentRead).await?;
        let odd =
            |what: &str| Refusal::invalid("filter.unknown", format!("没有这个{what}")).mend("请从页面上的选项中选择");
        let site = match query.get("site") {
            "" => None,
            slug => Some(sites.iter().find(|s| s.slug == slug).cloned().ok_or_else(site::unknown)?),
        };
        // Columns can be chosen once it is clear of which site.
        let columns = match site.as_ref().or(if sites.len() == 1 { sites.first() } else { None }) {
            Some(s) => site::columns(tx, s.id).await?,
            None => Vec::new(),
        };
        let column = match query.get("column") {
            "" => None,
            id => match id.parse::<Id>().ok().and_then(|id| columns.iter().find(|c| c.id == id)) {
                Some(c) => Some(c.clone()),
                // Another site was chosen in the same form: its columns are others.
                None if site.is_some() => {
                    let id = id.parse::<Id>().map_err(|_| site::unknown_column())?;
                    let there = site::get_column(tx, id).await?;
                    if sites.iter().any(|s| s.id == there.site) { None } else { return Err(site::unknown_column()) }
                }
                None => return Err(site::unknown_column()),
            },
        };
        let state = match query.get("state") {
            "" => None,
            code => Some(Stage::from_code(code).ok_or_else(|| odd("状态"))?),
        };
        let kind = match query.get("kind") {
            "" => None,
            code => Some(DocumentKind::from_code(code).ok_or_else(|| odd("类型"))?),
        };
        let before = match query.get("before") {
            "" => None,
            key => Some(
                key.split_once('-')
                    .and_then(|(at, id)| Some((Timestamp(at.parse().ok()?), id.parse().ok()?)))
                    .ok_or_else(|| odd("页"))?,
            ),
        };
        let q: String = query.get("q").chars().take(80).collect();
        Ok(Asked { sites, site, column, columns, state, kind, q, mine: query.ticked("mine"), before })
    }

    fn filter(&self, staff: &Staff) -> Filter {
        let columns = self.column.as_ref().map(|c| {
            let below = format!("{}/", c.path);
            self.columns.iter().filter(|x| x.id == c.id || x.path.starts_with(&below)).map(|x| x.id).collect()
        });
        Filter {
            sites: match &self.site {
                Some(s) => vec![s.id],
                None => self.sites.iter().map(|s| s.id).collect(),
            },
            columns: columns.unwrap_or_default(),
            states: self.state.into_iter().collect(),
            kind: self.kind,
            text: self.q.clone(),
            account: if self.mine { staff.ctx.actor.account } else { None },
            not_account: None,
            before: self.before,
        }
    }

    /// Whether anything but the state narrows the list.
    fn narrowed(&self) -> bool {
        self.site.is_some() || self.column.is_some() || self.kind.is_some() || !self.q.is_empty() || self.mine
    }

    /// The same question with another state and key.
    fn url(&self, path: &str, state: Option<&str>, before: Option<&str>) -> String {
        let mut out = url::form_urlencoded::Serializer::new(String::new());
        let column = self.column.as_ref().map(|c| c.id.to_string());
        for (k, v) in [
            ("site", self.site.as_ref().map(|s| s.slug.as_str())),
            ("column", column.as_deref()),
            ("state", state),
            ("kind", self.kind.map(DocumentKind::code)),
            ("q", (!self.q.is_empty()).then_some(self.q.as_str())),
            ("mine", self.mine.then_some("1")),
            ("before", before),
        ] {
            if let Some(v) = v {
                out.append_pair(k, v);
            }
        }
        let query = out.finish();
        if query.is_empty() { path.to_string() } else { format!("{path}?{query}") }
    }
}

/// The states that the list has a tab for.
const TABS: [Stage; 8] = [
    Stage::Draft,
    Stage::Submitted,
    Stage::Returned,
    Stage::Approved,
    Stage::Scheduled,
    Stage::Published,
    Stage::Withdrawn,
    Stage::Discarded,
];

fn site_name(asked: &Asked, site: Id) -> String {
    asked.sites.iter().find(|s| s.id == site).map_or_else(|| "其他站点".into(), |s| s.set.short_name.clone())
}

/// What this person would do next with a line.
fn next(l: &Listed, staff: &Staff, own: bool) -> Value {
    let actor = staff.actor();
    let id = l.line.document;
    let may = |p| actor.may_somewhere(p);
    let (label, url) = match l.line.state {
        Stage::Draft if may(Permission::DocumentWrite) => ("继续写", format!("/documents/{id}/edit")),
        Stage::Returned if may(Permission::DocumentWrite) => ("修改", format!("/documents/{id}/edit")),
        Stage::Submitted if may(Permission::DocumentReview) && !own => ("审核", format!("/documents/{id}/review")),
        Stage::Approved if may(Permission::DocumentPublish) && !own => ("签发", format!("/documents/{id}/publish")),
        _ => ("查看", format!("/documents/{id}")),
    };
    json!({ "label": label, "url": url })
}

/// GET /documents
pub async fn page(State(app): State<App>, staff: Staff, pages: Pages, RawQuery(query): RawQuery) -> Outcome {
    let query = Fields::parse(query.unwrap_or_default().as_bytes());
    let mut tx = kit::read(&app).await?;
    let asked = Asked::read(&mut tx, &staff, &query).await?;
    let filter = asked.filter(&staff);
    let mut rows = queries::list(&mut tx, &filter, PAGE + 1).await?;
    let more = rows.len() as i64 > PAGE;
    rows.truncate(PAGE as usize);
    let total = document::count(&mut tx, &Filter { before: None, ..filter.clone() }).await?;
    // Counts beside the tabs are those of the sites as a whole: they are shown only where nothing else narrows the list.
    let counts = if asked.column.is_none() && asked.kind.is_none() && asked.q.is_empty() && !asked.mine {
        Some(queries::under_way(&mut tx, &filter.sites).await?)
    } else {
        None
    };
    let writes = staff.actor().may_somewhere(Permission::DocumentWrite);
    // Which lines are one's own: those cannot be reviewed or released by oneself.
    let ids: Vec<Id> = rows.iter().map(|r| r.line.edition).collect();
    let own: Vec<Id> = document::get_editions(&mut tx, &ids)
        .await?
        .into_values()
        .filter(|e| e.created_account.is_some() && e.created_account == staff.ctx.actor.account)
        .map(|e| e.id)
        .collect();
    drop(tx);

    let mut tabs = vec![json!({
        "name": "全部", "url": asked.url("/documents", None, None), "count": null, "current": asked.state.is_none(),
    })];
    for s in TABS {
        let under_way = !matches!(s, Stage::Published | Stage::Withdrawn | Stage::Discarded);
        let count = counts.as_ref().filter(|_| under_way).map(|c| c.get(s.code()).copied().unwrap_or_default());
        tabs.push(json!({
            "name": s.label(), "url": asked.url("/documents", Some(s.code()), None), "count": count,
            "current": asked.state == Some(s),
        }));
    }
    let option = |value: &str, label: &str| json!({ "value": value, "label": label, "hint": null });
    let mut sites = vec![option("", "全部站点")];
    sites.extend(asked.sites.iter().map(|s| option(&s.slug, &s.set.name)));
    let mut columns = vec![option("", if asked.columns.is_empty() { "全部栏目（先选站点）" } else { "全部栏目" })];
    columns.extend(asked.columns.iter().map(|c| option(&c.id.to_string(), &indented(c))));
    let mut kinds = vec![option("", "全部类型")];
    kinds.extend(DocumentKind::ALL.iter().map(|k| option(k.code(), k.label())));
    let state = asked.state.map(Stage::code);
    let next_url = rows
        .last()
        .filter(|_| more)
        .map(|last| asked.url("/documents", state, Some(&format!("{}-{}", last.line.saved_at.0, last.line.document))));
    let lines: Vec<Value> = rows
        .iter()
        .map(|r| {
            let l = &r.line;
            let mut marks: Vec<&str> = Vec::new();
            if l.live && l.state != Stage::Published {
                marks.push("上一稿公开中");
            }
            if r.migrated {
                marks.push("迁移");
            }
            let who = match (l.state, l.publish_at) {
                (Stage::Scheduled, Some(at)) => format!("{}　定于 {}", l.created_by, at.minute_text()),
                _ => l.created_by.clone(),
            };
            let home = r.places.first();
            json!({
                "state": kit::stage(l.state),
                "title": if l.title.trim().is_empty() { "（没有标题）" } else { &l.title },
                "url": format!("/documents/{}", l.document),
                "kind": DocumentKind::from_code(&l.kind).map(DocumentKind::label),
                "number": (!l.number.is_empty()).then_some(&l.number),
                "mark": (!marks.is_empty()).then(|| marks.join("，")),
                "site": home.map_or_else(|| site_name(&asked, l.site), |p| site_name(&asked, p.site)),
                "column": home.map_or("还没有选栏目", |p| p.name.as_str()),
                "more": r.places.len().saturating_sub(1),
                "who": who,
                "when": kit::moment(l.saved_at),
                "next": next(r, &staff, own.contains(&l.edition)),
            })
        })
        .collect();
    let filtered = asked.narrowed() || asked.state.is_some();
    let empty = if filtered {
        json!({ "icon": "doc", "title": "没有符合条件的信息", "text": "可以少选一个条件，或者换一个站点看看。", "url": "/documents", "label": "清除条件" })
    } else if asked.sites.is_empty() {
        json!({ "icon": "doc", "title": "没有您可以查看的站点", "text": "需要时请联系本单位的安全保密管理员授权。", "url": null, "label": null })
    } else {
        json!({
            "icon": "doc", "title": "还没有信息", "text": "您所在的站点还没有起草过信息。",
            "url": writes.then_some("/documents/new"), "label": writes.then_some("起草第一条"),
        })
    };
    let summary = if total > EXPORT { format!("{total} 条，导出前 {EXPORT} 条") } else { format!("{total} 条") };
    Ok(pages
        .page(
            "content/staff/documents.html",
            json!({
                "title": "信息",
                "crumbs": [],
                "search": { "action": "/documents", "value": asked.q },
                "summary": summary,
                "export_url": (total > 0).then(|| asked.url("/documents.csv", state, None)),
                "create_url": writes.then(|| match &asked.site {
                    Some(s) => format!("/documents/new?site={}", s.slug),
                    None => "/documents/new".to_string(),
                }),
                "tabs": tabs,
                "filters": {
                    "action": "/documents",
                    "state": state,
                    "clear_url": asked.narrowed().then_some("/documents"),
                    "fields": {
                        "q": { "value": asked.q, "error": null },
                        "site": { "value": asked.site.as_ref().map_or("", |s| s.slug.as_str()), "error": null, "options": sites },
                        "column": {
                            "value": asked.column.as_ref().map(|c| c.id.to_string()).unwrap_or_default(),
                            "error": null, "options": columns,
                        },
                        "kind": { "value": asked.kind.map_or("", DocumentKind::code), "error": null, "options": kinds },
                        "mine": { "checked": asked.mine, "error": null },
                    },
                },
                "rows": lines,
                "paging": {
                    "text": null,
                    "first": asked.before.map(|_| asked.url("/documents", state, None)),
                    "prev": null,
                    "next": next_url,
                },
                "empty": empty,
            }),
        )
        .await)
}

/// A column's name, moved in by its depth.
pub(super) fn indented(c: &Column) -> String {
    format!("{}{}", "　".repeat(c.path.matches('/').count()), c.name)
}

/// A cell that no spreadsheet takes for a formula.
fn cell(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_string() }
}

/// GET /documents.csv
pub async fn csv(State(app): State<App>, staff: Staff, RawQuery(query): RawQuery) -> Outcome {
    let query = Fields::parse(query.unwrap_or_default().as_bytes());
    let mut tx = kit::read(&app).await?;
    let asked = Asked::read(&mut tx, &staff, &query).await?;
    let rows = queries::list(&mut tx, &asked.filter(&staff), EXPORT).await?;
    drop(tx);
    Ok(csv_response(&asked, &rows)?)
}

fn csv_response(asked: &Asked, rows: &[Listed]) -> kernel::Result<Response> {
    let fault = |e: csv::Error| Refusal::internal("csv.write", e);
    let mut out = csv::Writer::from_writer("\u{feff}".as_bytes().to_vec());
    out.write_record([
        "编号",
        "标题",
        "发文字号",
        "类型",
        "状态",
        "公开中",
        "站点",
        "栏目",
        "起草人",
        "最近改动",
        "定时发布",
    ])
    .map_err(fault)?;
    for r in rows {
        let l = &r.line;
        let columns: Vec<String> =
            r.places.iter().map(|p| format!("{} › {}", site_name(asked, p.site), p.name)).collect();
        let cells = [
            l.document.to_string(),
            l.title.clone(),
            l.number.clone(),
            DocumentKind::from_code(&l.kind).map_or("", DocumentKind::label).to_string(),
            l.state.label().to_string(),
            if l.live { "是" } else { "否" }.to_string(),
            site_name(asked, l.site),
            columns.join("；"),
            l.created_by.clone(),
            l.saved_at.minute_text(),
            l.publish_at.map(Timestamp::minute_text).unwrap_or_default(),
        ];
        out.write_record(cells.iter().map(|c| cell(c))).map_err(fault)?;
    }
    let bytes = out.into_inner().map_err(|e| Refusal::internal("csv.write", e.error()))?;
    Ok((
        [
            (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
            (header::CONTENT_DISPOSITION, "attachment; filename=\"documents.csv\""),
        ],
        bytes,
    )
        .into_response())
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_cell_is_a_formula() {
        for bad in ["=HYPERLINK(\"x\")", "+1", "-1", "@x", "\tx"] {
            assert!(super::cell(bad).starts_with('\''), "{bad}");
        }
        assert_eq!(super::cell("关于供暖的公告"), "关于供暖的公告");
    }
}
