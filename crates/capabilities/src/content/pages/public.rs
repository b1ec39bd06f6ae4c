//! Application pages of the public side: search, and the way to another site of the city.

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use kernel::{Refusal, Result, text};
use records::document::{DocumentKind, Validity};
use records::site::{self, SiteKind};
use search::{Order, Piece, Query};
use serde_json::{Value, json};
use web::{App, Fields, Outcome};

use super::super::published::{date_value, thousands};
use crate::published::City;
use crate::sites::published::Chrome;

/// Hits of a page.
const PAGE: usize = 10;
/// Pages that can be turned to: nobody reads further, and the index need not count further.
const PAGES: usize = 500;

/// The public side's application pages.
pub fn public_pages() -> Router<App> {
    Router::new()
        .route("/search", get(search_page))
        .route("/go/{slug}", get(go_home))
        .route("/go/{slug}/", get(go_home))
        .route("/go/{slug}/{*rest}", get(go))
}

async fn go_home(app: State<App>, Path(slug): Path<String>) -> Outcome {
    go(app, Path((slug, String::new()))).await
}

/// To another site of the city, wherever it is served: published pages cannot know the port.
async fn go(State(app): State<App>, Path((slug, rest)): Path<(String, String)>) -> Outcome {
    let mut tx = app.db.read().await?;
    let Some(s) = site::find_slug(&mut tx, &slug).await? else {
        return Err(Refusal::not_found("site.unknown", "没有这个站点").into());
    };
    let rest: String = rest
        .bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"/-._~".contains(&b) {
                (b as char).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect();
    Ok(Redirect::temporary(&format!("{}/{rest}", app.site_url(&s))).into_response())
}

/// What was asked.
struct Asked {
    q: String,
    title_only: bool,
    site: String,
    organ: String,
    theme: String,
    kind: String,
    year: String,
    order: String,
    page: usize,
}

impl Asked {
    fn read(fields: &Fields, own: &str) -> Asked {
        Asked {
            q: fields.get("q").chars().take(2_000).collect(),
            title_only: fields.ticked("title"),
            // A site's search finds what is on it; the portal's finds the whole city.
            site: if fields.ticked("site") { fields.get("site").to_string() } else { own.to_string() },
            organ: fields.get("organ").to_string(),
            theme: fields.get("theme").to_string(),
            kind: fields.get("kind").to_string(),
            year: fields.get("year").to_string(),
            order: fields.get("order").to_string(),
            page: fields.get("p").parse().unwrap_or(1).clamp(1, PAGES),
        }
    }

    /// This search with some things changed; an empty value takes a condition away.
    fn url(&self, change: &[(&str, &str)]) -> String {
        let mut pairs: Vec<(&str, String)> = vec![("q", self.q.clone()), ("site", self.site.clone())];
        if self.title_only {
            pairs.push(("title", "1".into()));
        }
        let conditions = [
            ("organ", &self.organ),
            ("theme", &self.theme),
            ("kind", &self.kind),
            ("year", &self.year),
            ("order", &self.order),
        ];
        pairs.extend(conditions.into_iter().filter(|(_, v)| !v.is_empty()).map(|(k, v)| (k, v.clone())));
        for (k, v) in change {
            pairs.retain(|(have, _)| have != k);
            if !v.is_empty() || *k == "site" {
                pairs.push((k, (*v).to_string()));
            }
        }
        let mut out = url::form_urlencoded::Serializer::new(String::new());
        for (k, v) in pairs {
            out.append_pair(k, &v);
        }
        format!("/search?{}", out.finish())
    }

    fn query(&self) -> Query {
        Query {
            text: self.q.clone(),
            site: some(&self.site),
            organ: some(&self.organ),
            theme: some(&self.theme),
            kind: some(&self.kind),
            year: self.year.parse().ok(),
            order: if self.order == "new" || self.q.is_empty() { Order::Newest } else { Order::Relevance },
            page: self.page,
            page_size: PAGE,
            title_only: self.title_only,
        }
    }
}

fn some(v: &str) -> Option<String> {
    (!v.is_empty()).then(|| v.to_string())
}

async fn search_page(State(app): State<App>, RawQuery(raw): RawQuery, headers: HeaderMap) -> Outcome {
    let fields = Fields::parse(raw.unwrap_or_default().as_bytes());
    let unknown = || Refusal::not_found("site.unknown", "没有这个站点");
    let here = app.publisher.side().site_of(web::public::host(&headers)).ok_or_else(unknown)?;
    let mut tx = app.db.read().await?;
    let all = site::list(&mut tx).await?;
    let city = City::new(app.templates.clone(), app.assets.clone());
    let chrome = city.chrome(&mut tx, here).await?.ok_or_else(unknown)?;
    drop(tx);
    let own = if chrome.site.kind == SiteKind::Portal { "" } else { chrome.site.slug.as_str() };
    let asked = Asked::read(&fields, own);
    let (index, query) = (app.index.clone(), asked.query());
    let found = tokio::task::spawn_blocking(move || index.search(&query))
        .await
        .map_err(|e| Refusal::internal("search.task", e))?;
    let context = context(&chrome, &asked, found, &all);
    let html = app.templates.render("content/public/search.html", &context)?;
    let mut response = ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn kind_label(code: &str) -> String {
    DocumentKind::from_code(code).map_or_else(|| code.to_string(), |k| k.label().to_string())
}

fn pieces(p: &[Piece]) -> Value {
    Value::Array(p.iter().map(|p| json!({ "text": p.text, "hit": p.hit })).collect())
}

/// The validity that the index keeps as `valid/own` or `repealed/source`.
fn validity(note: &str) -> Value {
    let (code, basis) = note.split_once('/').unwrap_or((note, "own"));
    let Some(v) = Validity::from_code(code).filter(|v| *v != Validity::None) else { return Value::Null };
    if basis == "source" {
        return json!({ "word": format!("{}（来源标注）", v.label()), "tone": "mute", "icon": "info" });
    }
    let (tone, icon) = match v {
        Validity::Valid => ("ok", "ok"),
        Validity::Future => ("warn", "clock"),
        Validity::Amended => ("info", "info"),
        _ => ("mute", "stop"),
    };
    json!({ "word": v.label(), "tone": tone, "icon": icon })
}

/// Names for the values of the conditions.
struct Names<'a>(&'a [site::Site]);

impl Names<'_> {
    fn of(&self, key: &str, value: &str) -> String {
        match key {
            "site" => {
                self.0.iter().find(|s| s.slug == value).map_or_else(|| value.to_string(), |s| s.set.short_name.clone())
            }
            "kind" => kind_label(value),
            _ => value.to_string(),
        }
    }
}

fn chosen(asked: &Asked, names: &Names<'_>, portal: bool) -> Vec<Value> {
    [
        ("site", "站点", if portal { asked.site.as_str() } else { "" }),
        ("organ", "机关", asked.organ.as_str()),
        ("theme", "主题", &asked.theme),
        ("kind", "种类", &asked.kind),
        ("year", "年份", &asked.year),
    ]
    .into_iter()
    .filter(|(_, _, v)| !v.is_empty())
    .map(|(key, label, v)| {
        json!({ "name": format!("{label}：{}", names.of(key, v)), "url": asked.url(&[(key, ""), ("p", "")]) })
    })
    .collect()
}

fn facets(asked: &Asked, names: &Names<'_>, f: &search::Facets) -> Vec<Value> {
    let years: Vec<(String, u64)> = f.year.iter().map(|(y, n)| (y.to_string(), *n)).collect();
    [
        ("site", "站点", asked.site.as_str(), &f.site, true),
        ("kind", "种类", asked.kind.as_str(), &f.kind, true),
        ("year", "年份", asked.year.as_str(), &years, false),
        ("organ", "机关", asked.organ.as_str(), &f.organ, false),
        ("theme", "主题", asked.theme.as_str(), &f.theme, false),
    ]
    .into_iter()
    .filter_map(|(key, name, current, values, open)| {
        let items: Vec<Value> = values
            .iter()
            .filter(|(v, _)| !v.is_empty())
            .take(15)
            .map(|(v, n)| {
                let on = v == current;
                json!({
                    "name": names.of(key, v), "n": n, "current": on,
                    "url": asked.url(&[(key, if on { "" } else { v }), ("p", "")]),
                })
            })
            .collect();
        (!items.is_empty()).then(|| json!({ "name": name, "open": open || !current.is_empty(), "items": items }))
    })
    .collect()
}

fn paging(asked: &Asked, total: usize) -> Value {
    let pages = total.div_ceil(PAGE).min(PAGES);
    if pages < 2 {
        return Value::Null;
    }
    let url = |n: usize| asked.url(&[("p", &n.to_string())]);
    let from = asked.page.saturating_sub(2).max(1);
    let until = (from + 4).min(pages);
    let numbers: Vec<Value> =
        (from..=until).map(|n| json!({ "n": n, "url": url(n), "current": n == asked.page, "gap": false })).collect();
    let turn = |there: bool, n: usize| if there { json!({ "url": url(n), "n": n }) } else { Value::Null };
    json!({
        "newer": turn(asked.page > 1, asked.page.saturating_sub(1)),
        "older": turn(asked.page < pages, asked.page + 1),
        "pages": numbers,
    })
}

fn context(chrome: &Chrome, asked: &Asked, found: Result<search::Found>, all: &[site::Site]) -> Value {
    let names = Names(all);
    let (found, mut problem) = match found {
        Ok(f) => (f, None),
        Err(e) => {
            tracing::error!(error = %e, "a search failed");
            (search::Found::default(), Some("搜索暂时不可用，请稍后再试；也可以从网站地图进入栏目查找。"))
        }
    };
    if problem.is_none() && !found.hits.is_empty() {
        if found.shortened {
            problem = Some("您输入的文字很长，只用了前面的部分来查找。");
        } else if found.relaxed {
            problem = Some("没有信息同时含有全部词语，下面是含有其中多数词语的信息。");
        }
    }
    let hits: Vec<Value> = found
        .hits
        .iter()
        .map(|h| {
            let other = h.site != chrome.site.slug;
            let url = if other { format!("/go/{}{}", h.site, h.url) } else { h.url.clone() };
            json!({
                "title": pieces(&h.title_marked), "snippet": pieces(&h.snippet), "url": url,
                "kind": kind_label(&h.kind), "number": some(&h.number), "issuer": some(&h.organ),
                "site": other.then(|| names.of("site", &h.site)), "date": date_value(&h.date),
                "validity": validity(&h.note),
            })
        })
        .collect();
    let first = (asked.page - 1) * PAGE + 1;
    let range = if hits.is_empty() { String::new() } else { format!("第 {first}—{} 条", first + hits.len() - 1) };
    let hidden: Vec<Value> = [
        ("site", &asked.site),
        ("organ", &asked.organ),
        ("theme", &asked.theme),
        ("kind", &asked.kind),
        ("year", &asked.year),
        ("order", &asked.order),
    ]
    .into_iter()
    .filter(|(k, v)| !v.is_empty() || *k == "site")
    .map(|(k, v)| json!({ "name": k, "value": v }))
    .collect();
    let title =
        if asked.q.is_empty() { "搜索".to_string() } else { format!("搜索：{}", text::clip(&asked.q, 40)) };
    let mut meta = chrome.meta(&title, &format!("在{}搜索", chrome.site.set.name), "/search", None);
    if let Some(o) = meta.as_object_mut() {
        o.insert("canonical".into(), Value::Null);
    }
    let portal = chrome.site.kind == SiteKind::Portal;
    chrome.page(
        None,
        meta,
        json!([]),
        json!({
            "q": asked.q, "title_only": asked.title_only, "problem": problem, "hidden": hidden,
            "chosen": chosen(asked, &names, portal), "total": thousands(found.total as i64), "range": range,
            "widen": asked.url(&[("organ", ""), ("theme", ""), ("kind", ""), ("year", ""), ("p", ""), ("title", "")]),
            "sort": [
                { "name": "最相关", "url": asked.url(&[("order", ""), ("p", "")]), "current": asked.order != "new" },
                { "name": "最新", "url": asked.url(&[("order", "new"), ("p", "")]), "current": asked.order == "new" },
            ],
            "suggestions": [], "facets": facets(asked, &names, &found.facets), "hits": hits,
            "paging": paging(asked, found.total),
        }),
    )
}
