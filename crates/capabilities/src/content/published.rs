//! Pages of documents and columns as pure functions of published content: document, withdrawn document, list, channel,
//! archive month, feeds, home pages' blocks.
//!
//! Lists are numbered from the oldest: page `p1` holds the twenty oldest items and never changes when newer ones come; the
//! front page shows the newest. The number after the last whole page leads to the front page for now, so that the link
//! 更新的 on a whole page is true from its first day.

use std::collections::{BTreeMap, HashMap, HashSet};

use kernel::{Id, Result, Timestamp, text};
use platform::publish::{Output, media};
use platform::{Read, Sql, args};
use records::document::{self, Attachment, DateBasis, Document, DocumentKind, Edition, Validity};
use records::organ;
use records::site::{Column, SiteKind};
use serde_json::{Value, json};
use web::html::escape;

use super::commands::attachment_path;
use super::model::{RELATIONS, ground_label};
use crate::sites::published::{BLOCK, Chrome, canonical, column_meta, column_url, month_end, month_start, url_set};

/// Items of a numbered list page.
pub const PAGE: i64 = 20;
/// Items of a numbered feed.
pub const FEED: i64 = 100;

/// An item of a list, as a row has it.
#[derive(Clone, Debug)]
pub struct Item {
    /// The document.
    pub id: Id,
    title: String,
    number: String,
    issuer: String,
    kind: DocumentKind,
    validity: Validity,
    told: bool,
    effective_on: Option<String>,
    basis: DateBasis,
    summary: String,
    /// Path on this site.
    pub path: String,
    /// The page's date.
    pub at: Timestamp,
}

/// Loads list items of documents on a site, in the order of `ids`.
///
/// # Errors
/// `db.fault`.
pub async fn items(tx: &mut impl Read, site: Id, ids: &[Id]) -> Result<Vec<Item>> {
    let mut by_id: HashMap<Id, Item> = HashMap::with_capacity(ids.len());
    for part in ids.chunks(800) {
        let mut sql = Sql::new(
            "SELECT d.id, d.kind, e.title, e.number, e.issuer, e.validity, e.validity_basis, e.effective_on, e.page_basis, e.page_at, e.summary, a.path
             FROM document d JOIN edition e ON e.id=d.live_edition JOIN document_address a ON a.document_id=d.id AND a.current=TRUE WHERE a.site_id=",
        );
        sql.bind(site).push(" AND d.id IN ").bind_list(part.iter().copied());
        for r in tx.rows(sql, vec![]).await? {
            let id: Id = r.get("id")?;
            by_id.insert(
                id,
                Item {
                    id,
                    title: r.get("title")?,
                    number: r.get("number")?,
                    issuer: r.get("issuer")?,
                    kind: DocumentKind::from_code(&r.get::<String>("kind")?).unwrap_or(DocumentKind::News),
                    validity: Validity::from_code(&r.get::<String>("validity")?).unwrap_or_default(),
                    told: r.get::<String>("validity_basis")? == "source",
                    effective_on: r.get("effective_on")?,
                    basis: DateBasis::from_code(&r.get::<String>("page_basis")?).unwrap_or_default(),
                    summary: r.get("summary")?,
                    path: r.get("path")?,
                    at: r.get::<Option<Timestamp>>("page_at")?.unwrap_or(Timestamp(0)),
                },
            );
        }
    }
    Ok(ids.iter().filter_map(|id| by_id.remove(id)).collect())
}

/// A title that breaks between phrases only (GB/T 9704).
pub fn title_html(title: &str) -> String {
    text::phrases(title).iter().map(|p| escape(p)).collect::<Vec<_>>().join("<wbr>")
}

/// A day as templates show it.
pub fn date_value(iso: &str) -> Value {
    json!({ "iso": iso, "text": iso, "short": iso.get(5..).unwrap_or(iso) })
}

fn day_value(at: Timestamp) -> Value {
    date_value(&kernel::time::iso(at.day()))
}

/// Word, tone and icon of a validity; the colour is never the only sign.
fn validity_look(v: Validity, effective_on: Option<&str>) -> Option<(String, &'static str, &'static str)> {
    Some(match v {
        Validity::None => return None,
        Validity::Valid => ("有效".into(), "ok", "ok"),
        Validity::Future => {
            (effective_on.map_or_else(|| "尚未生效".to_string(), |d| format!("{d} 起施行")), "warn", "clock")
        }
        Validity::Amended => ("已修改".into(), "info", "info"),
        Validity::Repealed => ("已废止".into(), "mute", "stop"),
        Validity::Lapsed => ("已失效".into(), "mute", "stop"),
    })
}

/// Whether a document's validity is shown: official documents only.
fn shows_validity(kind: DocumentKind) -> bool {
    kind == DocumentKind::Official
}

impl Item {
    /// As templates show it.
    pub fn value(&self) -> Value {
        let validity = validity_look(self.validity, self.effective_on.as_deref())
            .filter(|_| shows_validity(self.kind))
            .map(|(word, tone, icon)| {
                // What a source told is never dressed as the city's own finding.
                let (word, tone) = if self.told { (format!("{word}（来源标注）"), "mute") } else { (word, tone) };
                json!({ "word": word, "tone": tone, "icon": if self.told { "info" } else { icon } })
            });
        let official = self.kind == DocumentKind::Official;
        json!({
            "title_html": title_html(&self.title),
            "url": self.path,
            "date": day_value(self.at),
            "number": if self.number.is_empty() { Value::Null } else { json!(self.number) },
            "issuer": if official && self.number.is_empty() && !self.issuer.is_empty() { json!(self.issuer) } else { Value::Null },
            "kind": null,
            "validity": validity,
            "migrated": match self.basis {
                DateBasis::Own => Value::Null,
                DateBasis::Source => json!("迁移信息"),
                DateBasis::Import => json!("来源未注明日期，以导入日期为准"),
            },
        })
    }
}

impl Item {
    /// As a home page shows it: month and day, with the year where it is not the newest one.
    fn on_home(&self, year: i32) -> Value {
        let mut v = self.value();
        if self.at.day().year() != year
            && let Some(date) = v.get_mut("date").and_then(Value::as_object_mut)
        {
            date.insert("short".into(), json!(kernel::time::iso(self.at.day())));
        }
        v
    }
}

/// Ids of the documents in columns, newest first.
async fn newest(tx: &mut impl Read, columns: &[Id], limit: i64) -> Result<Vec<Id>> {
    let mut sql = Sql::new("SELECT DISTINCT sort_at, document_id FROM placement WHERE column_id IN ");
    sql.bind_list(columns.iter().copied()).push(" ORDER BY sort_at DESC, document_id DESC LIMIT ").bind(limit);
    tx.rows(sql, vec![]).await?.iter().map(|r| r.get("document_id")).collect()
}

/// As [`newest`], without what a migration brought undated: on a home page it would stand before the city's own news.
async fn newest_dated(tx: &mut impl Read, columns: &[Id], limit: i64) -> Result<Vec<Id>> {
    let mut sql = Sql::new(
        "SELECT DISTINCT p.sort_at, p.document_id FROM placement p JOIN document d ON d.id=p.document_id JOIN edition e ON e.id=d.live_edition WHERE e.page_basis<>'import' AND p.column_id IN ",
    );
    sql.bind_list(columns.iter().copied()).push(" ORDER BY p.sort_at DESC, p.document_id DESC LIMIT ").bind(limit);
    tx.rows(sql, vec![]).await?.iter().map(|r| r.get("document_id")).collect()
}

/// How many documents stand in a column.
///
/// # Errors
/// `db.fault`.
pub async fn count(tx: &mut impl Read, column: Id) -> Result<i64> {
    tx.scalar("SELECT COUNT(*) AS n FROM placement WHERE column_id=$1", args![column]).await
}

/// How many documents of a column stand before (older than) a place.
///
/// # Errors
/// `db.fault`.
pub async fn rank(tx: &mut impl Read, column: Id, at: Timestamp, id: Id) -> Result<i64> {
    tx.scalar(
        "SELECT COUNT(*) AS n FROM placement WHERE column_id=$1 AND (sort_at<$2 OR (sort_at=$2 AND document_id<$3))",
        args![column, at, id],
    )
    .await
}

/// Ids of a column from the oldest, a range.
async fn range(tx: &mut impl Read, column: Id, from: i64, len: i64) -> Result<Vec<Id>> {
    let mut sql = Sql::new("SELECT document_id FROM placement WHERE column_id=");
    sql.bind(column).push(" ORDER BY sort_at, document_id LIMIT ").bind(len).push(" OFFSET ").bind(from);
    tx.rows(sql, vec![]).await?.iter().map(|r| r.get("document_id")).collect()
}

/// What lists of a site need, loaded once for many pages.
#[derive(Default)]
pub struct Lists {
    counts: HashMap<Id, i64>,
    whole: HashMap<Id, Vec<Id>>,
}

impl Lists {
    /// Loads counts, and whole columns of which many pages are asked for.
    ///
    /// # Errors
    /// `db.fault`.
    pub async fn load(tx: &mut impl Read, wanted: &HashMap<Id, usize>) -> Result<Lists> {
        let mut lists = Lists::default();
        for (column, pages) in wanted {
            lists.counts.insert(*column, count(tx, *column).await?);
            if *pages > 3 {
                lists.whole.insert(*column, range(tx, *column, 0, i64::MAX).await?);
            }
        }
        Ok(lists)
    }

    async fn slice(&self, tx: &mut impl Read, column: Id, from: i64, len: i64) -> Result<Vec<Id>> {
        match self.whole.get(&column) {
            Some(all) => {
                let from = usize::try_from(from).unwrap_or(0).min(all.len());
                let until = (from + usize::try_from(len).unwrap_or(0)).min(all.len());
                Ok(all.get(from..until).unwrap_or_default().to_vec())
            }
            None => range(tx, column, from, len).await,
        }
    }
}

fn style(c: &Column) -> &'static str {
    if c.role == "policy" || c.kind.contains("政策文件") { "documents" } else { "news" }
}

fn side(chrome: &Chrome, c: &Column) -> Value {
    let top = chrome.top_of(c);
    let items: Vec<Value> = chrome
        .columns
        .iter()
        .filter(|k| k.parent == Some(top.id) && chrome.shows(k))
        .map(|k| {
            let children: Vec<Value> = chrome
                .columns
                .iter()
                .filter(|g| g.parent == Some(k.id) && chrome.shows(g))
                .map(|g| json!({ "name": g.name, "url": column_url(g), "current": g.id == c.id, "children": [] }))
                .collect();
            json!({ "name": k.name, "url": column_url(k), "current": k.id == c.id, "children": children })
        })
        .collect();
    if items.is_empty() { Value::Null } else { json!({ "title": top.name, "url": column_url(top), "items": items }) }
}

/// A page that is still to be rendered: template and context.
pub type Draft = (&'static str, Value);

/// The front page of a column: a list, or sections of its children.
///
/// # Errors
/// `db.fault`.
pub async fn front(tx: &mut impl Read, chrome: &Chrome, lists: &Lists, c: &Column) -> Result<Draft> {
    let children: Vec<&Column> = chrome.columns.iter().filter(|k| k.parent == Some(c.id) && chrome.shows(k)).collect();
    let total = lists.counts.get(&c.id).copied().unwrap_or(0);
    if children.is_empty() {
        return list(tx, chrome, lists, c, None).await;
    }
    let mut sections = Vec::new();
    for k in children {
        let ids = newest(tx, &chrome.below(k), 6).await?;
        let list: Vec<Value> = items(tx, chrome.site.id, &ids).await?.iter().map(Item::value).collect();
        sections.push(json!({ "name": k.name, "url": column_url(k), "items": list, "style": style(k) }));
    }
    let own = lists.slice(tx, c.id, (total - PAGE).max(0), PAGE).await?;
    let mut own: Vec<Value> = items(tx, chrome.site.id, &own).await?.iter().map(Item::value).collect();
    own.reverse();
    let line = chrome.line_of(c);
    let path = column_url(c);
    Ok((
        "content/public/channel.html",
        chrome.page(
            Some(c),
            chrome.meta(&c.name, &c.description, &path, Some(c)),
            chrome.crumbs(&line, None),
            json!({
                "column": { "name": c.name, "description": c.description, "style": style(c), "feed": format!("{path}feed.xml") },
                "side": side(chrome, c),
                "sections": sections,
                "items": own,
                "paging": paging(&path, total, None),
            }),
        ),
    ))
}

/// Links between the pages of a list. `page` is `None` on the front page.
fn paging(path: &str, total: i64, page: Option<i64>) -> Value {
    let whole = total / PAGE;
    match page {
        None => {
            // The front page repeats the newest whole page, so the next older is the one before it.
            let older = whole - 1;
            if older < 1 {
                return Value::Null;
            }
            let mut pages = vec![json!({ "n": null, "url": path, "current": true, "gap": false })];
            let near: Vec<i64> = (0..3).map(|i| older - i).filter(|n| *n >= 1).collect();
            for n in &near {
                pages.push(json!({ "n": n, "url": format!("{path}p{n}.html"), "current": false, "gap": false }));
            }
            if near.last().is_some_and(|n| *n > 1) {
                pages.push(json!({ "n": 1, "url": format!("{path}p1.html"), "current": false, "gap": true }));
            }
            json!({ "newer": null, "older": { "url": format!("{path}p{older}.html"), "n": older }, "pages": pages })
        }
        Some(n) => {
            // Nothing here may depend on how many pages follow.
            let mut pages = vec![json!({ "n": null, "url": path, "current": false, "gap": false })];
            pages.push(json!({ "n": n, "url": format!("{path}p{n}.html"), "current": true, "gap": true }));
            for k in [n - 1, n - 2] {
                if k >= 1 {
                    pages.push(json!({ "n": k, "url": format!("{path}p{k}.html"), "current": false, "gap": false }));
                }
            }
            if n > 3 {
                pages.push(json!({ "n": 1, "url": format!("{path}p1.html"), "current": false, "gap": n > 4 }));
            }
            let older =
                if n > 1 { json!({ "url": format!("{path}p{}.html", n - 1), "n": n - 1 }) } else { Value::Null };
            json!({ "newer": { "url": format!("{path}p{}.html", n + 1), "n": n + 1 }, "older": older, "pages": pages })
        }
    }
}

/// A list page: the front page, or a numbered one.
async fn list(tx: &mut impl Read, chrome: &Chrome, lists: &Lists, c: &Column, page: Option<i64>) -> Result<Draft> {
    let total = lists.counts.get(&c.id).copied().unwrap_or(0);
    let (from, len) = match page {
        Some(n) => ((n - 1) * PAGE, PAGE),
        None => (((total / PAGE - 1) * PAGE).max(0), PAGE * 2),
    };
    let ids = lists.slice(tx, c.id, from, len).await?;
    let mut shown: Vec<Value> = items(tx, chrome.site.id, &ids).await?.iter().map(Item::value).collect();
    shown.reverse();
    let path = column_url(c);
    let (title, here, range) = match page {
        None => (c.name.clone(), path.clone(), format!("最新 {} 条，从新到旧", shown.len())),
        Some(n) => {
            (format!("{}（第 {n} 页）", c.name), format!("{path}p{n}.html"), format!("第 {n} 页，页码从最早的信息数起"))
        }
    };
    let line = chrome.line_of(c);
    Ok((
        "content/public/list.html",
        chrome.page(
            Some(c),
            chrome.meta(&title, &c.description, &here, Some(c)),
            chrome.crumbs(&line, None),
            json!({
                "column": { "name": c.name, "description": c.description, "style": style(c), "feed": format!("{path}feed.xml") },
                "side": side(chrome, c),
                "total": if page.is_none() { json!(thousands(total)) } else { Value::Null },
                "range": range,
                "items": shown,
                "paging": paging(&path, total, page),
            }),
        ),
    ))
}

/// A number with separators: 3,436.
pub fn thousands(n: i64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, d) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) && d != '-' {
            out.push(',');
        }
        out.push(d);
    }
    out
}

/// A numbered list page; `None` beyond the last whole page.
///
/// # Errors
/// `db.fault`.
pub async fn numbered(
    tx: &mut impl Read,
    chrome: &Chrome,
    lists: &Lists,
    c: &Column,
    n: i64,
) -> Result<Result<Draft, Output>> {
    let whole = lists.counts.get(&c.id).copied().unwrap_or(0) / PAGE;
    if n >= 1 && n <= whole {
        Ok(Ok(list(tx, chrome, lists, c, Some(n)).await?))
    } else if n == whole + 1 && whole >= 1 {
        Ok(Err(Output::Alias(column_url(c))))
    } else {
        Ok(Err(Output::Absent))
    }
}

/// Numbers of the pages that a column has, the one that leads to its front page included.
pub fn numbers(total: i64) -> std::ops::RangeInclusive<i64> {
    let whole = total / PAGE;
    // Without a whole page there is no number at all: the range is then empty.
    1..=if whole >= 1 { whole + 1 } else { 0 }
}

/// Numbers of the archived feeds that a column has.
pub fn feed_numbers(total: i64) -> std::ops::RangeInclusive<i64> {
    1..=(total / FEED)
}

/// A feed (RSS 2.0). A column's older items stand in numbered feeds that never change, linked as RFC 5005 has it.
///
/// # Errors
/// `db.fault`.
pub async fn feed(
    tx: &mut impl Read,
    chrome: &Chrome,
    lists: &Lists,
    column: Option<&Column>,
    page: Option<i64>,
) -> Result<Output> {
    let domain = &chrome.site.domain;
    let (ids, title, home, own, older) = match column {
        None => {
            let mut sql = Sql::new("SELECT DISTINCT sort_at, document_id FROM placement WHERE site_id=");
            sql.bind(chrome.site.id).push(" ORDER BY sort_at DESC, document_id DESC LIMIT ").bind(FEED);
            let ids = tx.rows(sql, vec![]).await?.iter().map(|r| r.get("document_id")).collect::<Result<Vec<Id>>>()?;
            (ids, chrome.site.set.name.clone(), "/".to_string(), "/feed.xml".to_string(), None)
        }
        Some(c) => {
            let path = column_url(c);
            let title = format!("{} - {}", c.name, chrome.site.set.name);
            let below = chrome.below(c);
            if below.len() > 1 {
                // A channel's feed shows what is newest in all its columns; each of them has its own archive.
                (newest(tx, &below, FEED).await?, title, path.clone(), format!("{path}feed.xml"), None)
            } else {
                let total = lists.counts.get(&c.id).copied().unwrap_or(0);
                let whole = total / FEED;
                let (from, len, own, older) = match page {
                    Some(n) if n >= 1 && n <= whole => ((n - 1) * FEED, FEED, format!("{path}feed-{n}.xml"), n - 1),
                    Some(_) => return Ok(Output::Absent),
                    None => (((whole - 1) * FEED).max(0), FEED * 2, format!("{path}feed.xml"), whole - 1),
                };
                let mut ids = lists.slice(tx, c.id, from, len).await?;
                ids.reverse();
                (ids, title, path.clone(), own, (older >= 1).then(|| format!("{path}feed-{older}.xml")))
            }
        }
    };
    let list = items(tx, chrome.site.id, &ids).await?;
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\" xmlns:atom=\"http://www.w3.org/2005/Atom\" xmlns:fh=\"http://purl.org/syndication/history/1.0\"><channel>\n",
    );
    out.push_str(&format!(
        "<title>{}</title>\n<link>{}</link>\n<description>{}</description>\n<language>zh-cn</language>\n<atom:link rel=\"self\" type=\"application/rss+xml\" href=\"{}\"/>\n",
        escape(&title),
        escape(&canonical(domain, &home)),
        escape(&format!("{}最新公开的信息", title)),
        escape(&canonical(domain, &own)),
    ));
    if page.is_some() {
        out.push_str("<fh:archive/>\n");
    }
    if let Some(older) = older {
        out.push_str(&format!("<atom:link rel=\"prev-archive\" href=\"{}\"/>\n", escape(&canonical(domain, &older))));
    }
    for i in &list {
        let url = escape(&canonical(domain, &i.path));
        out.push_str(&format!(
            "<item><title>{}</title><link>{url}</link><guid isPermaLink=\"true\">{url}</guid><pubDate>{}</pubDate>",
            escape(&i.title),
            i.at.http_date(),
        ));
        if !i.summary.is_empty() {
            out.push_str(&format!("<description>{}</description>", escape(&i.summary)));
        }
        out.push_str("</item>\n");
    }
    out.push_str("</channel></rss>\n");
    Ok(Output::Page { status: 200, media: media::FEED, body: out.into_bytes() })
}

/// Documents of one month of a site, newest first.
async fn of_month(tx: &mut impl Read, site: Id, year: i32, month: u8) -> Result<Vec<Id>> {
    let mut sql = Sql::new("SELECT DISTINCT sort_at, document_id FROM placement WHERE site_id=");
    sql.bind(site).push(" AND sort_at>=").bind(month_start(year, month));
    sql.push(" AND sort_at<").bind(month_end(year, month)).push(" ORDER BY sort_at DESC, document_id DESC");
    tx.rows(sql, vec![]).await?.iter().map(|r| r.get("document_id")).collect()
}

/// How many documents of one month a site shows.
async fn month_count(tx: &mut impl Read, site: Id, year: i32, month: u8) -> Result<i64> {
    tx.scalar(
        "SELECT COUNT(DISTINCT document_id) AS n FROM placement WHERE site_id=$1 AND sort_at>=$2 AND sort_at<$3",
        args![site, month_start(year, month), month_end(year, month)],
    )
    .await
}

/// All items of one month: the records behind a figure.
///
/// # Errors
/// `db.fault`.
pub async fn archive(tx: &mut impl Read, chrome: &Chrome, year: i32, month: u8) -> Result<Option<Draft>> {
    let ids = of_month(tx, chrome.site.id, year, month).await?;
    if ids.is_empty() {
        return Ok(None);
    }
    let list = items(tx, chrome.site.id, &ids).await?;
    let mut per_column: BTreeMap<usize, i64> = BTreeMap::new();
    let set: HashSet<Id> = ids.iter().copied().collect();
    let mut sql = Sql::new("SELECT column_id, document_id FROM placement WHERE site_id=");
    sql.bind(chrome.site.id).push(" AND sort_at>=").bind(month_start(year, month));
    sql.push(" AND sort_at<").bind(month_end(year, month));
    for r in tx.rows(sql, vec![]).await? {
        let (column, id): (Id, Id) = (r.get("column_id")?, r.get("document_id")?);
        if set.contains(&id)
            && let Some(i) = chrome.columns.iter().position(|c| c.id == column)
        {
            *per_column.entry(i).or_default() += 1;
        }
    }
    let columns: Vec<Value> = per_column
        .iter()
        .filter_map(|(i, n)| chrome.columns.get(*i).map(|c| json!({ "name": c.name, "url": column_url(c), "n": n })))
        .collect();
    let title = format!("{year}年{month}月公开的信息");
    let path = format!("/archive/{year}-{month:02}.html");
    Ok(Some((
        "content/public/archive.html",
        chrome.page(
            None,
            chrome.meta(&title, &format!("{}{title}", chrome.site.set.name), &path, None),
            chrome.crumbs(&[], Some(&title)),
            json!({
                "archive": {
                    "title_html": format!("{year}年{month}月<wbr>公开的信息"),
                    "n": list.len(),
                    "text": "本站这个月公开、现在仍然公开的全部信息，从新到旧。首页“公开的数字”里这个月的条数，数的就是下面这些。",
                    "prev": null, "next": null, "columns": columns,
                },
                "items": list.iter().map(Item::value).collect::<Vec<_>>(),
            }),
        ),
    )))
}

/// The sitemap of one month.
///
/// # Errors
/// `db.fault`.
pub async fn sitemap_month(tx: &mut impl Read, chrome: &Chrome, year: i32, month: u8) -> Result<Output> {
    let ids = of_month(tx, chrome.site.id, year, month).await?;
    if ids.is_empty() {
        return Ok(Output::Absent);
    }
    let list = items(tx, chrome.site.id, &ids).await?;
    Ok(url_set(&chrome.site.domain, list.into_iter().map(|i| (i.path, Some(i.at)))))
}

/// The home page.
///
/// # Errors
/// `db.fault`.
pub async fn home(tx: &mut impl Read, chrome: &Chrome, image: &(dyn Fn(&str) -> String + Sync)) -> Result<Draft> {
    let site = &chrome.site;
    let template = match site.kind {
        SiteKind::Portal => "sites/public/home-portal.html",
        SiteKind::County => "sites/public/home-county.html",
        SiteKind::Department => "sites/public/home-department.html",
        SiteKind::Party => "sites/public/home-party.html",
    };
    let year = chrome.months.first().map_or(0, |m| m.0);
    let mut blocks = serde_json::Map::new();
    let mut used: Vec<Id> = Vec::new();
    let mut lead = Value::Null;
    let mut story = Value::Null;
    // The newest of the main news column leads the page.
    let main = ["news", "dynamics"].into_iter().find_map(|r| with_role(chrome, r));
    if let Some(c) = main {
        used.push(c.id);
        let ids = newest_dated(tx, &chrome.below(c), BLOCK + 1).await?;
        let list = items(tx, site.id, &ids).await?;
        if let Some(first) = list.first() {
            lead = json!({ "title_html": title_html(&first.title), "url": first.path, "links": [] });
        }
        let mut rest: Vec<&Item> = list.iter().skip(1).collect();
        if site.kind != SiteKind::Party && !rest.is_empty() {
            // A department's page shows the picture beside its duties: its list keeps every item.
            let second = match (site.kind, rest.first()) {
                (SiteKind::Department, Some(first)) => *first,
                _ => rest.remove(0),
            };
            let (file, alt) = match site.kind {
                SiteKind::Portal => ("landscape-city.svg", "云川河上的廊桥、江边楼阁与远山"),
                SiteKind::County => ("landscape-county.svg", "梯田、村落与远山"),
                _ => ("landscape-department.svg", "城市公共建筑与街区"),
            };
            story = json!({
                "title_html": title_html(&second.title), "url": second.path,
                "summary": if second.summary.is_empty() { Value::Null } else { json!(text::clip(&second.summary, 60)) },
                "image": { "url": image(file), "alt": alt, "width": 1200, "height": 675 },
            });
        }
        let block = json!({ "name": c.name, "url": column_url(c), "items": rest.iter().map(|i| i.on_home(year)).collect::<Vec<_>>() });
        let role = if site.kind == SiteKind::Department { "dynamics" } else { "news" };
        blocks.insert(role.into(), if rest.is_empty() { Value::Null } else { block });
    }
    for (role, n) in [("notice", 6), ("policy", 4), ("interpretation", 4), ("dynamics", 4), ("news", 6)] {
        if blocks.contains_key(role) {
            continue;
        }
        let block = match with_role(chrome, role).filter(|c| !used.contains(&c.id)) {
            Some(c) => {
                used.push(c.id);
                let ids = newest_dated(tx, &chrome.below(c), n).await?;
                let list: Vec<Value> = items(tx, site.id, &ids).await?.iter().map(|i| i.on_home(year)).collect();
                if list.is_empty() {
                    Value::Null
                } else {
                    json!({ "name": c.name, "url": column_url(c), "items": list })
                }
            }
            None => Value::Null,
        };
        blocks.insert(role.into(), block);
    }
    blocks.insert("about".into(), about(chrome));
    blocks.insert("leaders".into(), leaders(chrome));
    blocks.insert("towns".into(), towns(chrome));
    let mut more = Vec::new();
    for c in chrome.columns.iter().filter(|c| {
        chrome.shows(c)
            && !used.contains(&c.id)
            && !matches!(c.role.as_str(), "about" | "leaders" | "towns")
            && !chrome.columns.iter().any(|k| k.parent == Some(c.id))
            && (matches!(c.role.as_str(), "data" | "plan") || (c.parent.is_some() && c.kind != "概况信息"))
    }) {
        let ids = newest_dated(tx, &[c.id], 4).await?;
        let list: Vec<Value> = items(tx, site.id, &ids).await?.iter().map(|i| i.on_home(year)).collect();
        if !list.is_empty() && more.len() < 6 {
            more.push(json!({ "name": c.name, "url": column_url(c), "items": list }));
        }
    }
    let (chart, figures) = chart(tx, chrome).await?;
    let counties = if site.kind == SiteKind::Portal {
        let items: Vec<Value> = chrome
            .all_sites
            .iter()
            .filter(|s| s.kind == SiteKind::County)
            .map(|s| json!({ "name": s.set.short_name, "url": format!("/go/{}/", s.slug) }))
            .collect();
        if items.is_empty() {
            Value::Null
        } else {
            json!({ "name": "县区政府", "url": "/sites.html", "items": items })
        }
    } else {
        Value::Null
    };
    let suffix = match site.kind {
        SiteKind::Portal => "门户网站",
        _ => "网站",
    };
    let open_links: Vec<Value> =
        [("policy", "doc"), ("interpretation", "book"), ("leaders", "users"), ("plan", "list"), ("data", "chart")]
            .iter()
            .filter_map(|(role, icon)| {
                with_role(chrome, role).map(|c| json!({ "name": c.name, "url": column_url(c), "icon": icon }))
            })
            .collect();
    let know = chrome.columns.iter().find(|c| c.slug == "zoujin" && chrome.shows(c)).map(|c| c.name.clone());
    let description = format!("{}{suffix}", site.set.name);
    Ok((
        template,
        chrome.page(
            None,
            chrome.meta("首页", &description, "/", None),
            json!([]),
            json!({
                "home": {
                    "h1_suffix": suffix, "lead": lead, "story": story, "open_links": open_links, "chart": chart,
                    "figures": figures, "counties": counties, "more": more,
                    "know": know.unwrap_or_else(|| format!("了解{}", site.set.short_name)),
                },
                "blocks": blocks,
            }),
        ),
    ))
}

fn with_role<'a>(chrome: &'a Chrome, role: &str) -> Option<&'a Column> {
    chrome.columns.iter().find(|c| c.role == role && chrome.shows(c))
}

fn text_of<'a>(v: &'a Value, key: &str) -> &'a str {
    v.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn about(chrome: &Chrome) -> Value {
    let Some(c) = with_role(chrome, "about") else { return Value::Null };
    let o = &chrome.organ;
    let facts: Vec<Value> = [("地址", "address"), ("电话", "phone"), ("办公时间", "hours")]
        .iter()
        .filter(|(_, k)| !text_of(o, k).is_empty())
        .map(|(name, k)| json!({ "name": name, "value": text_of(o, k) }))
        .collect();
    json!({ "name": c.name, "url": column_url(c), "text": text_of(o, "duties"), "facts": facts })
}

fn leaders(chrome: &Chrome) -> Value {
    let Some(all) = chrome.organ.get("leaders").and_then(Value::as_array).filter(|l| !l.is_empty()) else {
        return Value::Null;
    };
    let c = with_role(chrome, "leaders");
    let items: Vec<&Value> = all.iter().take(8).collect();
    json!({
        "name": c.map_or("领导信息", |c| c.name.as_str()),
        "url": c.map(column_url),
        "items": items,
    })
}

fn towns(chrome: &Chrome) -> Value {
    let Some(c) = with_role(chrome, "towns") else { return Value::Null };
    let Some(names) = chrome.organ.get("towns").and_then(Value::as_array).filter(|l| !l.is_empty()) else {
        return Value::Null;
    };
    let items: Vec<Value> = names.iter().map(|n| json!({ "name": n, "url": column_url(c) })).collect();
    json!({ "name": c.name, "url": column_url(c), "items": items })
}

/// Published items of the last twelve months that have ended or begun, up to the newest: every bar opens its list.
async fn chart(tx: &mut impl Read, chrome: &Chrome) -> Result<(Value, Value)> {
    let Some((y, m)) = chrome.months.first().copied() else { return Ok((Value::Null, json!([]))) };
    let mut months = Vec::new();
    for back in (0..12).rev() {
        let n = y * 12 + i32::from(m) - 1 - back;
        let (year, month) = (n.div_euclid(12), u8::try_from(n.rem_euclid(12) + 1).unwrap_or(1));
        if chrome.months.contains(&(year, month)) {
            let count = month_count(tx, chrome.site.id, year, month).await?;
            months.push((year, month, count));
        }
    }
    if months.len() < 3 {
        return Ok((Value::Null, json!([])));
    }
    let most = months.iter().map(|m| m.2).max().unwrap_or(1).max(1);
    let slot = 100.0 / months.len() as f64;
    let (height, base, tall) = (172.0, 146.0, 118.0);
    let bars: Vec<Value> = months
        .iter()
        .enumerate()
        .map(|(i, (year, month, n))| {
            let h = (*n as f64 / most as f64 * tall * 10.0).round() / 10.0;
            let x = slot * i as f64;
            let label = if i == 0 || *month == 1 { format!("{year}.{month}") } else { format!("{month}月") };
            json!({
                "label": label, "n": n, "url": format!("/archive/{year}-{month:02}.html"),
                "x": format!("{:.2}%", x + slot * 0.2), "w": format!("{:.2}%", slot * 0.6),
                "tx": format!("{:.2}%", x + slot / 2.0), "sx": format!("{x:.2}%"), "slot": format!("{slot:.2}%"),
                "y": ((base - h) * 10.0f64).round() / 10.0, "h": h,
            })
        })
        .collect();
    let figures: Vec<Value> = months
        .iter()
        .rev()
        .take(4)
        .map(|(year, month, n)| {
            json!({
                "name": format!("{year}年{month}月公开信息"), "value": thousands(*n), "unit": "条",
                "url": format!("/archive/{year}-{month:02}.html"), "note": null,
            })
        })
        .collect();
    Ok((
        json!({
            "title": "各月主动公开信息", "note": "单位：条　以页面日期计", "height": height, "base": base, "months": bars,
        }),
        Value::Array(figures),
    ))
}

/// What document pages need, loaded once for many.
#[derive(Default)]
pub struct Documents {
    documents: BTreeMap<Id, Document>,
    editions: BTreeMap<Id, Edition>,
    attachments: HashMap<Id, Vec<Attachment>>,
    columns: HashMap<Id, Vec<Id>>,
    relations: Vec<document::Relation>,
    related: HashMap<(Id, Id), Item>,
    organs: HashMap<Id, String>,
    withdrawn: HashMap<Id, (String, Timestamp)>,
}

impl Documents {
    /// Loads documents for pages of a site.
    ///
    /// # Errors
    /// `db.fault`.
    pub async fn load(tx: &mut impl Read, site: Id, ids: &[Id]) -> Result<Documents> {
        let mut out = Documents::default();
        if ids.is_empty() {
            return Ok(out);
        }
        out.documents = document::get_many(tx, ids).await?;
        let live: Vec<Id> = out.documents.values().filter_map(|d| d.live).collect();
        out.editions = document::get_editions(tx, &live).await?;
        for a in document::attachments(tx, &live).await? {
            out.attachments.entry(a.edition).or_default().push(a);
        }
        let mut sql = Sql::new("SELECT document_id, column_id FROM placement WHERE site_id=");
        sql.bind(site).push(" AND document_id IN ").bind_list(ids.iter().copied());
        for r in tx.rows(sql, vec![]).await? {
            out.columns.entry(r.get("document_id")?).or_default().push(r.get("column_id")?);
        }
        out.relations = document::relations(tx, ids).await?;
        let others: Vec<Id> = out.relations.iter().flat_map(|r| [r.from, r.to]).collect();
        if !others.is_empty() {
            // What left this site and stays on another still has its address here, but no page.
            let mut sql = Sql::new("SELECT DISTINCT document_id FROM placement WHERE site_id=");
            sql.bind(site).push(" AND document_id IN ").bind_list(others.iter().copied());
            let there: HashSet<Id> =
                tx.rows(sql, vec![]).await?.iter().map(|r| r.get("document_id")).collect::<Result<_>>()?;
            for i in items(tx, site, &others).await? {
                if there.contains(&i.id) {
                    out.related.insert((site, i.id), i);
                }
            }
        }
        if out.documents.values().any(|d| d.live.is_none()) {
            for o in organ::list(tx).await? {
                out.organs.insert(o.id, o.name);
            }
            let gone: Vec<Id> = out.documents.values().filter(|d| d.live.is_none()).map(|d| d.id).collect();
            let mut sql = Sql::new(
                "SELECT document_id, withdraw_ground, no FROM edition WHERE state='withdrawn' AND document_id IN ",
            );
            sql.bind_list(gone).push(" ORDER BY no");
            for r in tx.rows(sql, vec![]).await? {
                let id: Id = r.get("document_id")?;
                let at = out.documents.get(&id).and_then(|d| d.withdrawn_at).unwrap_or(Timestamp(0));
                out.withdrawn.insert(id, (r.get::<Option<String>>("withdraw_ground")?.unwrap_or_default(), at));
            }
        }
        Ok(out)
    }

    /// The file at an attachment's address.
    pub fn file(&self, id: Id, file: Id, extension: &str) -> Output {
        self.documents
            .get(&id)
            .and_then(|d| d.live)
            .and_then(|e| self.attachments.get(&e))
            .and_then(|all| all.iter().find(|a| a.file == file && a.extension == extension))
            .map_or(Output::Absent, |a| Output::File { original: a.original.clone(), media: a.media.clone() })
    }

    /// The page of a document, or the page that says that it was withdrawn.
    pub fn page(&self, chrome: &Chrome, id: Id, path: &str) -> Option<(u16, Draft)> {
        let d = self.documents.get(&id)?;
        let Some(e) = d.live.and_then(|e| self.editions.get(&e)) else {
            return self.gone(chrome, d).map(|page| (410, page));
        };
        // Withdrawn from this site only.
        let Some(column) = self.column_of(chrome, id, path) else {
            return self.gone(chrome, d).map(|page| (410, page));
        };
        Some((200, self.live(chrome, d, e, column, path)))
    }

    fn column_of<'a>(&self, chrome: &'a Chrome, id: Id, path: &str) -> Option<&'a Column> {
        let placed = self.columns.get(&id)?;
        let home = path.rsplitn(3, '/').last().unwrap_or_default().trim_start_matches('/');
        placed
            .iter()
            .filter_map(|c| chrome.column(*c))
            .find(|c| c.path == home)
            .or_else(|| placed.iter().find_map(|c| chrome.column(*c)))
    }

    fn gone(&self, chrome: &Chrome, d: &Document) -> Option<Draft> {
        let (ground, at) = self.withdrawn.get(&d.id)?;
        let organ = self.organs.get(&d.organ).cloned().unwrap_or_default();
        let set = &chrome.site.set;
        let error = json!({
            "status": 410, "code": "PAGE_WITHDRAWN", "title_html": "这条信息<wbr>已经撤回",
            "what": "您要看的内容曾在这个地址公开，现在不再提供。", "fault": "地址没有错，是我们撤回了内容。",
            "safe": null, "call": format!("对撤回有疑问，请拨打 {}（{}）。", set.phone, set.hours), "retry": null,
            "withdrawn": {
                // The title itself may be the reason: it is not shown.
                "title": "已撤回的信息", "date": day_value(*at), "reason": ground_label(ground), "organ": organ,
            },
            "id": null, "time": null, "ways": chrome.ways(),
        });
        Some((
            "sites/public/error.html",
            chrome.page(None, chrome.meta("这条信息已经撤回", "", "/", None), json!([]), json!({ "error": error })),
        ))
    }

    fn live(&self, chrome: &Chrome, d: &Document, e: &Edition, column: &Column, path: &str) -> Draft {
        let c = &e.content;
        let official = d.kind == DocumentKind::Official;
        let at = e.page_at.unwrap_or(e.created_at);
        let migrated = e.imported_on.as_deref().map(|on| match e.page_basis {
            DateBasis::Import => format!("来源未注明日期，以导入日期 {on} 为准。"),
            _ => format!("原发布日期 {}，导入日期 {on}。", kernel::time::iso(at.day())),
        });
        let validity = validity_look(c.validity, c.effective_on.as_deref()).filter(|_| shows_validity(d.kind)).map(
            |(word, tone, icon)| {
                let mut says = Vec::new();
                if let Some(on) = &c.effective_on {
                    says.push(format!("自 {on} 起施行"));
                }
                if let Some(on) = &c.expires_on {
                    says.push(format!("有效期至 {on}"));
                }
                let text = if says.is_empty() { Value::Null } else { json!(format!("{}。", says.join("，"))) };
                let (basis, source) = if c.validity_from_source {
                    let on = e.imported_on.as_deref().map(|on| format!("（{on} 导入时的标注）")).unwrap_or_default();
                    ("told", json!(format!("{}{on}", c.source)))
                } else {
                    ("own", Value::Null)
                };
                let word = if word == "有效" { "现行有效".to_string() } else { word };
                json!({ "word": word, "tone": tone, "icon": icon, "basis": basis, "text": text, "source": source })
            },
        );
        let (body, toc) = dressed(&c.body);
        let attachments: Vec<Value> = self
            .attachments
            .get(&e.id)
            .into_iter()
            .flatten()
            .map(|a| {
                json!({
                    "name": a.name, "url": attachment_path(path, a), "kind": a.extension.to_uppercase(),
                    "size": size(a.size), "note": null,
                })
            })
            .collect();
        let own = official && !c.number.is_empty() && !c.issuer.is_empty() && e.imported_on.is_none();
        let redhead = own.then(|| json!({ "organ": format!("{}文件", c.issuer), "number": c.number }));
        let mut byline = vec![format!("来源：{}", c.source), format!("发布：{}", at.minute_text())];
        if e.page_basis != DateBasis::Own {
            byline.pop();
            byline.push(format!("发布：{}", kernel::time::iso(at.day())));
        }
        let canonical_url = canonical(&chrome.site.domain, path);
        let line = chrome.line_of(column);
        let description = if c.summary.is_empty() { c.title.clone() } else { c.summary.clone() };
        let or_null = |v: &str| if v.trim().is_empty() { Value::Null } else { json!(v) };
        let meta = json!({
            "title": c.title,
            "description": text::clip(&description, 120),
            "column": column_meta(column),
            "article": {
                "title": c.title, "pub_date": at.minute_text(), "source": c.source, "keywords": or_null(&c.keywords),
                "author": or_null(&c.author), "description": or_null(&c.summary), "image": null, "url": canonical_url,
            },
            "canonical": canonical_url,
        });
        let history: Vec<Value> = c
            .history
            .iter()
            .map(|h| json!({ "name": h, "url": null, "note": null, "date": null, "number": null, "mark": null }))
            .collect();
        (
            "content/public/document.html",
            chrome.page(
                Some(column),
                meta,
                chrome.crumbs(&line, Some("正文")),
                json!({
                    "doc": {
                        "title_html": title_html(&c.title), "redhead": redhead, "validity": validity,
                        "migrated": migrated,
                        "byline": if own { Value::Null } else { json!(byline) },
                        "toc": toc, "body_html": body, "attachments": attachments,
                        "source": { "name": c.source, "url": null }, "editor": or_null(&c.author),
                        "permanent": canonical_url, "facts": self.facts(d, e, at), "relations": self.groups(chrome, d.id),
                        "history": history,
                    },
                }),
            ),
        )
    }

    fn facts(&self, d: &Document, e: &Edition, at: Timestamp) -> Vec<Value> {
        let c = &e.content;
        let mut out = Vec::new();
        let mut fact = |name: &str, value: &str, look: Option<(&str, &str)>| {
            if !value.is_empty() {
                out.push(json!({
                    "name": name, "value": value, "url": null, "tone": look.map(|l| l.0), "icon": look.map(|l| l.1),
                }));
            }
        };
        let official = d.kind == DocumentKind::Official;
        if !official && c.number.is_empty() {
            return out;
        }
        fact("索引号", &c.index_number, None);
        fact("发文字号", &c.number, None);
        fact(if e.imported_on.is_some() { "制定机关" } else { "发布机构" }, &c.issuer, None);
        fact("主题分类", &c.theme, None);
        fact("体裁", &c.genre, None);
        fact("成文日期", c.written_on.as_deref().unwrap_or_default(), None);
        let shown = if e.page_basis == DateBasis::Own { at.minute_text() } else { kernel::time::iso(at.day()) };
        if e.page_basis == DateBasis::Import {
            fact("公布日期", "来源未注明", None);
        } else {
            fact("公布日期", &shown, None);
        }
        fact("施行日期", c.effective_on.as_deref().unwrap_or_default(), None);
        fact("失效日期", c.expires_on.as_deref().unwrap_or_default(), None);
        if let Some((word, tone, icon)) = validity_look(c.validity, c.effective_on.as_deref()) {
            if c.validity_from_source {
                fact("有效性", &format!("{word}（来源标注）"), None);
            } else {
                fact("有效性", &word, Some((tone, icon)));
            }
        }
        if let Some(on) = &e.imported_on {
            fact("导入日期", on, None);
        }
        out
    }

    fn groups(&self, chrome: &Chrome, id: Id) -> Vec<Value> {
        let mut out = Vec::new();
        for (kind, forth, back) in RELATIONS {
            for (title, forward) in [(forth, true), (back, false)] {
                let items: Vec<Value> = self
                    .relations
                    .iter()
                    .filter(|r| r.kind == *kind)
                    .filter_map(|r| match forward {
                        true if r.from == id => Some(r.to),
                        false if r.to == id => Some(r.from),
                        _ => None,
                    })
                    .filter_map(|other| self.related.get(&(chrome.site.id, other)))
                    .map(Item::value)
                    .collect();
                if !items.is_empty() {
                    out.push(json!({ "title": title, "items": items }));
                }
            }
        }
        out
    }
}

fn size(bytes: i64) -> String {
    if bytes >= 1 << 20 {
        format!("{:.1} MB", bytes as f64 / 1_048_576.0)
    } else {
        format!("{} KB", (bytes / 1024).max(1))
    }
}

/// Gives headings their anchors and wide tables a box that scrolls; returns the table of contents of long texts.
fn dressed(body: &str) -> (String, Vec<Value>) {
    let mut out = String::with_capacity(body.len() + 256);
    let mut toc = Vec::new();
    let mut rest = body;
    let mut tables = 0;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        let heading = [("h2>", 1), ("h3>", 2)].into_iter().find(|(tag, _)| after.starts_with(tag));
        if let Some((tag, level)) = heading {
            let id = format!("s{}", toc.len() + 1);
            let name = tag.trim_end_matches('>');
            let inner = after.strip_prefix(tag).unwrap_or_default();
            let title = inner.split_once(&format!("</{name}>")).map_or("", |(t, _)| t);
            toc.push(json!({ "id": id, "text": text::strip_tags(title).trim(), "level": level }));
            out.push_str(&format!("<{name} id=\"{id}\">"));
            rest = inner;
        } else if after.starts_with("table>") || after.starts_with("table ") {
            tables += 1;
            out.push_str(&format!(
                "<div class=\"gk-scroll\" role=\"region\" aria-label=\"表格 {tables}\" tabindex=\"0\"><"
            ));
            rest = after;
        } else if let Some(r) = after.strip_prefix("/table>") {
            out.push_str("</table></div>");
            rest = r;
        } else {
            out.push('<');
            rest = after;
        }
    }
    out.push_str(rest);
    // A short text needs no table of contents.
    if toc.len() < 4 {
        toc.clear();
    }
    (out, toc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_numbered_from_the_oldest() {
        assert!(numbers(19).is_empty());
        assert_eq!(numbers(20), 1..=2);
        assert_eq!(numbers(39), 1..=2);
        assert_eq!(numbers(40), 1..=3);
        assert_eq!(paging("/a/", 39, None), Value::Null);
        assert_eq!(paging("/a/", 45, None)["older"]["n"], 1);
        // A whole page says the same whatever follows it.
        assert_eq!(paging("/a/", 60, Some(2)), paging("/a/", 6_000, Some(2)));
    }

    #[test]
    fn thousands_are_separated() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(3_436), "3,436");
        assert_eq!(thousands(1_234_567), "1,234,567");
    }

    #[test]
    fn headings_get_anchors_and_tables_a_box() {
        let (html, toc) =
            dressed("<h2>一</h2><p>甲</p><h3>（一）</h3><table><tr><td>1</td></tr></table><h2>二</h2><h2>三</h2>");
        assert_eq!(toc.len(), 4);
        assert!(html.contains("<h2 id=\"s1\">一</h2>") && html.contains("<h3 id=\"s2\">"));
        assert_eq!(html.matches("gk-scroll").count(), 1);
        assert_eq!(html.matches("</div>").count(), 1);
        assert_eq!(dressed("<p>a < b</p>").0, "<p>a < b</p>");
    }
}
