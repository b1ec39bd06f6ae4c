//! What the city publishes, as the publisher asks for it: which addresses there are, which an event touches, what is at
//! each. The one place that knows how public addresses are made.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use kernel::{Id, Result};
use platform::outbox::{self, Event};
use platform::publish::{Address, Finish, Hosts, Output, Renderer, Touched, media};
use platform::{Read, ReadTx, Sql};
use records::document;
use records::site::{self, Column, Site, SiteKind, SiteStatus};
use web::assets::Assets;
use web::templates::Templates;

use crate::content::model::{CHANGED, Changed, Standing};
use crate::content::published::{self as pages, Documents, Draft, Lists};
use crate::sites::published::{Chrome, column_url};

/// The city as a renderer.
pub struct City {
    templates: Arc<Templates>,
    assets: Arc<Assets>,
    /// Chromes as of an event's number: nothing of what they show changes without an event.
    chromes: Mutex<(i64, Chromes)>,
}

/// What every page of each site has in common; `None` where the site is not running.
type Chromes = HashMap<Id, Option<Arc<Chrome>>>;

/// What a path of a site is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Page {
    Home,
    Feed,
    Robots,
    SitemapIndex,
    SitemapPages,
    SitemapMonth(i32, u8),
    Map,
    AllSites,
    Statement(String),
    Error(String),
    Archive(i32, u8),
    Front(usize),
    /// Without its last slash.
    FrontMoved(usize),
    Numbered(usize, i64),
    ColumnFeed(usize, Option<i64>),
    /// Below a path that a column had before.
    OldColumn(String),
    /// Perhaps a document, perhaps a file of one.
    Other,
}

fn read_page(chrome: &Chrome, path: &str) -> Page {
    let month = |text: &str| -> Option<(i32, u8)> {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let (y, m) = digits.split_at_checked(4)?;
        let (y, m) = (y.parse().ok()?, m.parse().ok()?);
        (digits.len() == 6 && (1..=12).contains(&m)).then_some((y, m))
    };
    match path {
        "/" => return Page::Home,
        "/feed.xml" => return Page::Feed,
        "/robots.txt" => return Page::Robots,
        "/sitemap.xml" => return Page::SitemapIndex,
        "/sitemap-pages.xml" => return Page::SitemapPages,
        "/sitemap.html" => return Page::Map,
        "/sites.html" => return Page::AllSites,
        _ => {}
    }
    if let Some(slug) = path.strip_prefix("/about/").and_then(|p| p.strip_suffix(".html")) {
        return Page::Statement(slug.into());
    }
    if let Some(code) = path.strip_prefix("/_/").and_then(|p| p.strip_suffix(".html")) {
        return Page::Error(code.into());
    }
    if let Some((y, m)) = path.strip_prefix("/archive/").and_then(|p| p.strip_suffix(".html")).and_then(month) {
        return Page::Archive(y, m);
    }
    if let Some((y, m)) = path.strip_prefix("/sitemap-").and_then(|p| p.strip_suffix(".xml")).and_then(month) {
        return Page::SitemapMonth(y, m);
    }
    let inner = path.trim_start_matches('/');
    if let Some(i) = chrome.by_path.get(inner) {
        return Page::FrontMoved(*i);
    }
    let Some((folder, file)) = inner.rsplit_once('/') else { return Page::Other };
    if let Some(i) = chrome.by_path.get(folder) {
        if file.is_empty() {
            return Page::Front(*i);
        }
        if file == "feed.xml" {
            return Page::ColumnFeed(*i, None);
        }
        if let Some(n) = file.strip_prefix("feed-").and_then(|f| f.strip_suffix(".xml")).and_then(|n| n.parse().ok()) {
            return Page::ColumnFeed(*i, Some(n));
        }
        if let Some(n) = file.strip_prefix('p').and_then(|f| f.strip_suffix(".html")).and_then(|n| n.parse().ok()) {
            return Page::Numbered(*i, n);
        }
    }
    if chrome.old_paths.contains_key(folder) || chrome.old_paths.contains_key(inner) {
        return Page::OldColumn(inner.into());
    }
    Page::Other
}

/// Page and file of an attachment's path: `/a/b/202611/DOC/FILE.ext` → `/a/b/202611/DOC.html`, FILE, ext.
fn read_file(path: &str) -> Option<(String, Id, String)> {
    let (folder, file) = path.rsplit_once('/')?;
    let (stem, extension) = file.rsplit_once('.')?;
    Some((format!("{folder}.html"), stem.parse().ok()?, extension.to_string()))
}

/// Which column an address under a former path belongs to, and what of it: the whole path first, for a column may have
/// stood below another one's former path.
fn old_place<'a, 'b>(chrome: &'a Chrome, inner: &'b str) -> Option<(&'a Column, &'b str)> {
    let (id, file) = match chrome.old_paths.get(inner) {
        Some(id) => (id, ""),
        None => {
            let (folder, file) = inner.rsplit_once('/')?;
            (chrome.old_paths.get(folder)?, file)
        }
    };
    Some((chrome.column(*id).filter(|c| chrome.shows(c))?, file))
}

/// Whether a column with so many documents has such a page. What was never there does not lead anywhere.
fn has_file(chrome: &Chrome, c: &Column, total: i64, file: &str) -> bool {
    let number =
        |before: &str, after: &str| -> Option<i64> { file.strip_prefix(before)?.strip_suffix(after)?.parse().ok() };
    match file {
        "" | "feed.xml" => true,
        _ => {
            number("p", ".html").is_some_and(|n| pages::numbers(total).contains(&n))
                || number("feed-", ".xml")
                    .is_some_and(|n| archives_feed(chrome, c) && pages::feed_numbers(total).contains(&n))
        }
    }
}

/// Whether a column's older items stand in numbered feeds: a channel's feed shows what is newest below it, and has none.
fn archives_feed(chrome: &Chrome, c: &Column) -> bool {
    chrome.below(c).len() == 1
}

impl City {
    /// A renderer with these words and looks.
    pub fn new(templates: Arc<Templates>, assets: Arc<Assets>) -> City {
        City { templates, assets, chromes: Mutex::new((-1, HashMap::new())) }
    }

    /// What every page of a site has in common, as of this transaction.
    ///
    /// # Errors
    /// `db.fault`.
    pub async fn chrome(&self, tx: &mut ReadTx, site: Id) -> Result<Option<Arc<Chrome>>> {
        let head = outbox::head(tx).await?;
        {
            let mut kept = self.chromes.lock().unwrap_or_else(|p| p.into_inner());
            if kept.0 != head {
                *kept = (head, HashMap::new());
            }
            if let Some(c) = kept.1.get(&site) {
                return Ok(c.clone());
            }
        }
        let all = site::list(tx).await?;
        let chrome = Chrome::load(tx, &all, &self.assets, site).await?.map(Arc::new);
        let mut kept = self.chromes.lock().unwrap_or_else(|p| p.into_inner());
        if kept.0 == head {
            kept.1.insert(site, chrome.clone());
        }
        Ok(chrome)
    }

    /// What a changed standing touches on one site.
    async fn touch_standing(
        &self,
        tx: &mut ReadTx,
        s: &Standing,
        id: Id,
        batch: &Batch,
        out: &mut Touched,
    ) -> Result<()> {
        for (site, path) in &s.paths {
            out.addresses.insert(Address::new(*site, path.clone()));
        }
        let Some(at) = s.sort_at else { return Ok(()) };
        let day = at.day();
        let (y, m) = (day.year(), u8::from(day.month()));
        let sites: BTreeSet<Id> = s.columns.iter().map(|(s, _)| *s).collect();
        for site in sites {
            let Some(chrome) = self.chrome(tx, site).await? else { continue };
            for path in ["/", "/feed.xml", "/sitemap.xml"] {
                out.addresses.insert(Address::new(site, path));
            }
            out.addresses.insert(Address::new(site, format!("/archive/{y}-{m:02}.html")));
            out.addresses.insert(Address::new(site, format!("/sitemap-{y}{m:02}.xml")));
            for (_, column) in s.columns.iter().filter(|(s, _)| *s == site) {
                let Some(c) = chrome.column(*column) else { continue };
                for above in chrome.line_of(c) {
                    let url = column_url(above);
                    out.addresses.insert(Address::new(site, format!("{url}feed.xml")));
                    out.addresses.insert(Address::new(site, url));
                }
                let old: Vec<&str> =
                    chrome.old_paths.iter().filter(|(_, id)| **id == c.id).map(|(path, _)| path.as_str()).collect();
                // A column that fills or empties changes the menus of every page of its site.
                let total = pages::count(tx, c.id).await?;
                let moved = batch.per_column.get(column).copied().unwrap_or(1);
                if total <= moved {
                    out.sites.insert(site);
                    continue;
                }
                let url = column_url(c);
                let rank = pages::rank(tx, c.id, at, id).await?;
                // One item more or fewer shifts everything newer; `moved` of them may have come or gone in this step.
                for n in rank / pages::PAGE + 1..=(total + moved) / pages::PAGE + 1 {
                    out.addresses.insert(Address::new(site, format!("{url}p{n}.html")));
                    out.addresses.extend(old.iter().map(|o| Address::new(site, format!("/{o}/p{n}.html"))));
                }
                for n in rank / pages::FEED + 1..=(total + moved) / pages::FEED + 1 {
                    out.addresses.insert(Address::new(site, format!("{url}feed-{n}.xml")));
                    out.addresses.extend(old.iter().map(|o| Address::new(site, format!("/{o}/feed-{n}.xml"))));
                }
            }
        }
        Ok(())
    }

    /// Loads what the addresses of one site need and returns their drafts.
    async fn drafts(&self, tx: &mut ReadTx, site: Id, paths: &[&str]) -> Result<Vec<Ready>> {
        let Some(chrome) = self.chrome(tx, site).await? else {
            return Ok(paths.iter().map(|_| Ready::Done(Output::Absent)).collect());
        };
        let read: Vec<Page> = paths.iter().map(|p| read_page(&chrome, p)).collect();
        let mut wanted: HashMap<Id, usize> = HashMap::new();
        for p in &read {
            if let Page::Front(i) | Page::Numbered(i, _) | Page::ColumnFeed(i, _) = p
                && let Some(c) = chrome.columns.get(*i)
            {
                *wanted.entry(c.id).or_default() += 1;
            }
        }
        let lists = Lists::load(tx, &wanted).await?;
        let by_path = self.document_paths(tx, site, paths, &read).await?;
        let ids: Vec<Id> = by_path.values().map(|a| a.document).collect::<BTreeSet<_>>().into_iter().collect();
        let documents = Documents::load(tx, site, &ids).await?;
        let current: HashMap<Id, String> = document::addresses(tx, &ids)
            .await?
            .into_iter()
            .filter(|a| a.site == site && a.current)
            .map(|a| (a.document, a.path))
            .collect();
        let mut out = Vec::with_capacity(paths.len());
        for (path, page) in paths.iter().zip(read) {
            out.push(self.draft(tx, &chrome, &lists, &documents, &by_path, &current, path, page).await?);
        }
        Ok(out)
    }

    async fn document_paths(
        &self,
        tx: &mut ReadTx,
        site: Id,
        paths: &[&str],
        read: &[Page],
    ) -> Result<HashMap<String, document::DocumentAddress>> {
        let mut ask: HashSet<String> = HashSet::new();
        for (path, page) in paths.iter().zip(read) {
            if matches!(page, Page::Other | Page::OldColumn(_)) {
                ask.insert((*path).to_string());
                if let Some((page, ..)) = read_file(path) {
                    ask.insert(page);
                }
            }
        }
        let ask: Vec<&str> = ask.iter().map(String::as_str).collect();
        let mut out = HashMap::new();
        for part in ask.chunks(800) {
            for a in document::by_paths(tx, site, part).await? {
                out.insert(a.path.clone(), a);
            }
        }
        Ok(out)
    }

    #[allow(clippy::too_many_arguments)]
    async fn draft(
        &self,
        tx: &mut ReadTx,
        chrome: &Chrome,
        lists: &Lists,
        documents: &Documents,
        by_path: &HashMap<String, document::DocumentAddress>,
        current: &HashMap<Id, String>,
        path: &str,
        page: Page,
    ) -> Result<Ready> {
        let shown = |i: &usize| chrome.columns.get(*i).filter(|c| chrome.shows(c));
        Ok(match page {
            Page::Home => Ready::page(pages::home(tx, chrome, &|n| self.assets.image(n).to_string()).await?),
            Page::Feed => Ready::Done(pages::feed(tx, chrome, lists, None, None).await?),
            Page::Robots => Ready::Done(chrome.robots()),
            Page::SitemapIndex => Ready::Done(chrome.sitemap_index()),
            Page::SitemapPages => Ready::Done(chrome.sitemap_pages()),
            Page::SitemapMonth(y, m) => Ready::Done(pages::sitemap_month(tx, chrome, y, m).await?),
            Page::Map => Ready::page(chrome.sitemap_page()),
            Page::AllSites if chrome.site.kind == SiteKind::Portal => Ready::page(chrome.sites_page()),
            Page::AllSites => Ready::Done(Output::Absent),
            Page::Statement(slug) => Ready::maybe(chrome.statement_page(&slug, markdown)),
            Page::Error(code) => Ready::maybe(chrome.error_page(&code)),
            Page::Archive(y, m) => Ready::maybe(pages::archive(tx, chrome, y, m).await?),
            Page::Front(i) => match shown(&i) {
                Some(c) => Ready::page(pages::front(tx, chrome, lists, c).await?),
                None => Ready::Done(Output::Absent),
            },
            Page::FrontMoved(i) => Ready::Done(shown(&i).map_or(Output::Absent, |c| Output::Moved(column_url(c)))),
            Page::Numbered(i, n) => match shown(&i) {
                Some(c) => match pages::numbered(tx, chrome, lists, c, n).await? {
                    Ok(d) => Ready::page(d),
                    Err(o) => Ready::Done(o),
                },
                None => Ready::Done(Output::Absent),
            },
            Page::ColumnFeed(i, n) => match shown(&i) {
                Some(c) if n.is_some() && !archives_feed(chrome, c) => Ready::Done(Output::Absent),
                Some(c) => Ready::Done(pages::feed(tx, chrome, lists, Some(c), n).await?),
                None => Ready::Done(Output::Absent),
            },
            Page::OldColumn(inner) if !by_path.contains_key(path) => Ready::Done(match old_place(chrome, &inner) {
                Some((c, file)) if has_file(chrome, c, pages::count(tx, c.id).await?, file) => {
                    Output::Moved(format!("{}{file}", column_url(c)))
                }
                _ => Output::Absent,
            }),
            Page::OldColumn(_) | Page::Other => {
                if let Some(a) = by_path.get(path) {
                    match current.get(&a.document) {
                        // Only while it is there to go to: an old address of something withdrawn says so itself.
                        Some(to)
                            if to != path && documents.page(chrome, a.document, to).is_some_and(|p| p.0 == 200) =>
                        {
                            Ready::Done(Output::Moved(to.clone()))
                        }
                        _ => match documents.page(chrome, a.document, path) {
                            Some((status, draft)) => Ready::Page(status, draft),
                            None => Ready::Done(Output::Absent),
                        },
                    }
                } else if let Some((page, file, extension)) = read_file(path)
                    && let Some(a) = by_path.get(&page)
                    && current.get(&a.document) == Some(&page)
                    && documents.page(chrome, a.document, &page).is_some_and(|p| p.0 == 200)
                {
                    Ready::Done(documents.file(a.document, file, &extension))
                } else {
                    Ready::Done(Output::Absent)
                }
            }
        })
    }

    /// Every address of a site that has something.
    async fn all_of(&self, tx: &mut ReadTx, s: &Site, out: &mut Vec<Address>) -> Result<()> {
        let Some(chrome) = self.chrome(tx, s.id).await? else { return Ok(()) };
        let mut add = |path: String| out.push(Address::new(s.id, path));
        for path in chrome.own_paths() {
            add(path);
        }
        for c in chrome.columns.iter().filter(|c| chrome.shows(c)) {
            let url = column_url(c);
            let total = pages::count(tx, c.id).await?;
            add(url.trim_end_matches('/').to_string());
            add(format!("{url}feed.xml"));
            if archives_feed(&chrome, c) {
                for n in pages::feed_numbers(total) {
                    add(format!("{url}feed-{n}.xml"));
                }
            }
            for n in pages::numbers(total) {
                add(format!("{url}p{n}.html"));
            }
            add(url);
        }
        for (old, id) in &chrome.old_paths {
            if let Some(c) = chrome.column(*id).filter(|c| chrome.shows(c)) {
                let total = pages::count(tx, c.id).await?;
                add(format!("/{old}"));
                add(format!("/{old}/"));
                add(format!("/{old}/feed.xml"));
                for n in pages::numbers(total) {
                    add(format!("/{old}/p{n}.html"));
                }
                if archives_feed(&chrome, c) {
                    for n in pages::feed_numbers(total) {
                        add(format!("/{old}/feed-{n}.xml"));
                    }
                }
            }
        }
        let mut after = String::new();
        loop {
            let mut sql = Sql::new("SELECT path, document_id, current FROM document_address WHERE site_id=");
            sql.bind(s.id).push(" AND path>").bind(&after).push(" ORDER BY path LIMIT 5000");
            let rows = tx.rows(sql, vec![]).await?;
            let Some(last) = rows.last() else { break };
            after = last.get("path")?;
            for r in &rows {
                out.push(Address::new(s.id, r.get::<String>("path")?));
            }
        }
        let mut sql = Sql::new(
            "SELECT a.path, t.file_id, t.extension FROM document_address a JOIN document d ON d.id=a.document_id JOIN attachment t ON t.edition_id=d.live_edition WHERE a.current=TRUE AND a.site_id=",
        );
        sql.bind(s.id);
        for r in tx.rows(sql, vec![]).await? {
            let (path, file, extension): (String, Id, String) =
                (r.get("path")?, r.get("file_id")?, r.get("extension")?);
            out.push(Address::new(s.id, format!("{}/{file}.{extension}", path.trim_end_matches(".html"))));
        }
        Ok(())
    }
}

/// Changes in one publishing step.
#[derive(Default)]
struct Batch {
    per_column: HashMap<Id, i64>,
}

/// A page on its way: what is left needs no database.
enum Ready {
    Page(u16, Draft),
    Done(Output),
}

impl Ready {
    fn page(draft: Draft) -> Ready {
        Ready::Page(200, draft)
    }
    fn maybe(draft: Option<Draft>) -> Ready {
        draft.map_or(Ready::Done(Output::Absent), Ready::page)
    }
}

/// Statement texts and imported Markdown as clean HTML.
pub fn markdown(text: &str) -> String {
    let mut options = comrak::Options::default();
    options.extension.table = true;
    options.extension.strikethrough = true;
    options.extension.autolink = false;
    options.extension.cjk_friendly_emphasis = true;
    web::html::clean(&comrak::markdown_to_html(text, &options))
}

impl Renderer for City {
    fn fingerprint(&self) -> String {
        format!("{}-{}-{}", env!("CARGO_PKG_VERSION"), self.templates.fingerprint(), self.assets.fingerprint())
    }

    fn touched<'a>(&'a self, tx: &'a mut ReadTx, events: &'a [Event]) -> BoxFuture<'a, Result<Touched>> {
        Box::pin(async move {
            let mut out = Touched::default();
            let mut changes: Vec<Changed> = Vec::new();
            for e in events {
                match e.kind.as_str() {
                    CHANGED => changes.push(e.read()?),
                    "site.changed" => {
                        let of: SiteEvent = e.read()?;
                        out.sites.insert(of.site);
                    }
                    "sites.changed" => {
                        // Every site may name the portal, the portal names every site.
                        out.hosts = true;
                        out.sites.extend(site::list(tx).await?.iter().map(|s| s.id));
                    }
                    "organ.changed" => {
                        let of: OrganEvent = e.read()?;
                        let parent = records::organ::get(tx, of.organ).await?.parent;
                        for s in site::list(tx).await? {
                            let chain = records::organ::chain(tx, s.organ).await?;
                            // A home page also names the towns right below its organ.
                            if chain.contains(&of.organ) || Some(s.organ) == parent {
                                out.sites.insert(s.id);
                            }
                        }
                        // Whose document it was stands on the page of a withdrawn one, on every site where it was.
                        let mut sql = Sql::new(
                            "SELECT a.site_id, a.path FROM document_address a JOIN document d ON d.id=a.document_id WHERE d.live_edition IS NULL AND d.organ_id=",
                        );
                        sql.bind(of.organ);
                        for r in tx.rows(sql, vec![]).await? {
                            out.addresses.insert(Address::new(r.get("site_id")?, r.get::<String>("path")?));
                        }
                    }
                    _ => {}
                }
            }
            let mut batch = Batch::default();
            for c in &changes {
                let columns: BTreeSet<Id> =
                    c.before.columns.iter().chain(&c.after.columns).map(|(_, column)| *column).collect();
                for column in columns {
                    *batch.per_column.entry(column).or_default() += 1;
                }
            }
            let mut near: BTreeSet<Id> = BTreeSet::new();
            for c in &changes {
                for s in [&c.before, &c.after] {
                    self.touch_standing(tx, s, c.document, &batch, &mut out).await?;
                }
                near.insert(c.document);
            }
            // Pages that name a changed document: both ends of its relations.
            let near: Vec<Id> = near.into_iter().collect();
            for part in near.chunks(800) {
                let others: Vec<Id> = document::relations(tx, part)
                    .await?
                    .iter()
                    .flat_map(|r| [r.from, r.to])
                    .collect::<BTreeSet<_>>()
                    .into_iter()
                    .collect();
                for a in document::addresses(tx, &others).await? {
                    out.addresses.insert(Address::new(a.site, a.path));
                }
            }
            Ok(out)
        })
    }

    fn all<'a>(&'a self, tx: &'a mut ReadTx, only: Option<Id>) -> BoxFuture<'a, Result<Vec<Address>>> {
        Box::pin(async move {
            let mut out = Vec::new();
            for s in site::list(tx).await? {
                if s.status == SiteStatus::Running && only.is_none_or(|o| o == s.id) {
                    self.all_of(tx, &s, &mut out).await?;
                }
            }
            Ok(out)
        })
    }

    fn prepare<'a>(&'a self, tx: &'a mut ReadTx, addresses: &'a [Address]) -> BoxFuture<'a, Result<Finish>> {
        Box::pin(async move {
            let mut per_site: BTreeMap<Id, Vec<(usize, &str)>> = BTreeMap::new();
            for (i, a) in addresses.iter().enumerate() {
                per_site.entry(a.site).or_default().push((i, a.path.as_str()));
            }
            let mut ready: Vec<(usize, Ready)> = Vec::with_capacity(addresses.len());
            for (site, list) in per_site {
                let paths: Vec<&str> = list.iter().map(|(_, p)| *p).collect();
                let drafts = self.drafts(tx, site, &paths).await?;
                ready.extend(list.iter().map(|(i, _)| *i).zip(drafts));
            }
            ready.sort_by_key(|(i, _)| *i);
            let templates = self.templates.clone();
            let finish: Finish = Box::new(move || {
                ready
                    .into_iter()
                    .map(|(_, r)| match r {
                        Ready::Done(o) => Ok(o),
                        Ready::Page(status, (template, context)) => {
                            let body = templates.render(template, &context)?.into_bytes();
                            Ok(Output::Page { status, media: media::HTML, body })
                        }
                    })
                    .collect()
            });
            Ok(finish)
        })
    }

    fn hosts<'a>(&'a self, tx: &'a mut ReadTx) -> BoxFuture<'a, Result<Hosts>> {
        Box::pin(async move {
            let mut hosts = Hosts::default();
            let sites = site::list(tx).await?;
            for s in sites.iter().filter(|s| s.status == SiteStatus::Running) {
                hosts.by_name.insert(format!("{}.localhost", s.slug), s.id);
                if s.kind == SiteKind::Portal && hosts.fallback.is_none() {
                    hosts.fallback = Some(s.id);
                }
            }
            for d in site::domains(tx).await? {
                if sites.iter().any(|s| s.id == d.site && s.status == SiteStatus::Running) {
                    hosts.by_name.insert(d.host, d.site);
                }
            }
            Ok(hosts)
        })
    }
}

/// Payload of `site.changed`.
#[derive(serde::Deserialize)]
struct SiteEvent {
    site: Id,
}

/// Payload of `organ.changed`.
#[derive(serde::Deserialize)]
struct OrganEvent {
    organ: Id,
}

/// The column of a document's page, for the index.
pub fn home_column<'a>(columns: &'a [Column], placed: &[Id]) -> Option<&'a Column> {
    columns.iter().find(|c| placed.contains(&c.id))
}
