//! What every page of a site has in common (its chrome), and the site's own pages: home, site map, all sites, statements,
//! error pages, robots, sitemaps.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use kernel::{Id, Result, Timestamp};
use platform::publish::{Output, media};
use platform::{Read, Sql, args};
use records::organ::{self, OrganKind};
use records::site::{self, Column, Site, SiteKind, SiteStatus};
use serde_json::{Value, json};
use web::assets::Assets;
use web::html::escape;

/// Statement pages, with `{placeholders}` for the site's own data.
const STATEMENTS: &str = include_str!("statements.json");

/// A statement page.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct Statement {
    /// Address word: `/about/SLUG.html`.
    pub slug: String,
    /// 无障碍声明
    pub title: String,
    /// One sentence.
    pub summary: String,
    /// Markdown.
    pub body: String,
}

#[derive(serde::Deserialize)]
struct Statements {
    pages: Vec<Statement>,
}

/// The statement pages of every site.
pub fn statements() -> Vec<Statement> {
    serde_json::from_str::<Statements>(STATEMENTS).map(|s| s.pages).unwrap_or_default()
}

/// Items of a block on a home page.
pub const BLOCK: i64 = 8;

/// What every page of a site has in common.
pub struct Chrome {
    /// The site.
    pub site: Site,
    /// Its columns, parents first.
    pub columns: Vec<Column>,
    /// Columns with something in them or below them: only these are published.
    pub visible: BTreeSet<Id>,
    /// Former paths of columns.
    pub old_paths: BTreeMap<String, Id>,
    /// Columns by path.
    pub by_path: HashMap<String, usize>,
    /// The organ's contact data, posts and towns, for home pages.
    pub organ: Value,
    /// Months in which something was published, newest first.
    pub months: Vec<(i32, u8)>,
    /// All other sites, for the portal.
    pub all_sites: Vec<Site>,
    /// `site`, `links`, `assets`, `foot_sites` as template values: converted once.
    shared: Value,
    portal: Option<Site>,
}

/// The canonical address of a path.
pub fn canonical(domain: &str, path: &str) -> String {
    format!("https://{domain}{path}")
}

/// The address of a column's front page.
pub fn column_url(c: &Column) -> String {
    format!("/{}/", c.path)
}

impl Chrome {
    /// Loads what every page of a site has in common; `None` where the site is not running.
    ///
    /// # Errors
    /// `db.fault`.
    pub async fn load(tx: &mut impl Read, all: &[Site], assets: &Assets, id: Id) -> Result<Option<Chrome>> {
        let Some(s) = all.iter().find(|s| s.id == id && s.status == SiteStatus::Running).cloned() else {
            return Ok(None);
        };
        let columns = site::columns(tx, id).await?;
        let filled: BTreeSet<Id> = tx
            .rows(
                "SELECT c.id AS n FROM site_column c WHERE c.site_id=$1 AND c.status='open' AND EXISTS (SELECT 1 FROM placement p WHERE p.column_id=c.id)",
                args![id],
            )
            .await?
            .iter()
            .map(|r| r.get("n"))
            .collect::<Result<_>>()?;
        let mut visible = filled.clone();
        // Children come after their parents: walking backwards carries visibility upward.
        for c in columns.iter().rev() {
            if visible.contains(&c.id)
                && let Some(p) = c.parent
            {
                visible.insert(p);
            }
        }
        visible.retain(|v| columns.iter().any(|c| c.id == *v && c.open));
        let old_paths = site::old_paths(tx, id).await?.into_iter().collect();
        let by_path = columns.iter().enumerate().map(|(i, c)| (c.path.clone(), i)).collect();
        let organ = organ_value(tx, s.organ).await?;
        let months = months(tx, id).await?;
        let portal = all.iter().find(|s| s.kind == SiteKind::Portal && s.status == SiteStatus::Running).cloned();
        let running: Vec<Site> = all.iter().filter(|s| s.status == SiteStatus::Running).cloned().collect();
        let mut chrome = Chrome {
            site: s,
            columns,
            visible,
            old_paths,
            by_path,
            organ,
            months,
            all_sites: running,
            shared: Value::Null,
            portal,
        };
        chrome.shared = chrome.shared_value(assets);
        Ok(Some(chrome))
    }

    fn shared_value(&self, assets: &Assets) -> Value {
        let s = &self.site;
        let parent = match (&self.portal, s.kind) {
            (Some(p), k) if k != SiteKind::Portal => {
                json!({ "name": p.set.name, "url": format!("/go/{}/", p.slug) })
            }
            _ => Value::Null,
        };
        let sites = match &self.portal {
            Some(p) if p.id != s.id => format!("/go/{}/sites.html", p.slug),
            _ => "/sites.html".to_string(),
        };
        let foot_sites = if s.kind == SiteKind::Portal { self.site_groups(false) } else { json!([]) };
        json!({
            "assets": {
                "css": assets.css,
                "mark": null,
                "favicon": assets.image("favicon.svg"),
            },
            "site": {
                "slug": s.slug, "name": s.set.name, "short_name": s.set.short_name, "kind": s.kind.code(),
                "theme": s.set.theme, "sub": s.set.sub, "domain": s.domain, "id_code": s.set.id_code,
                "sponsor": s.set.sponsor, "operator": s.set.operator, "phone": s.set.phone, "hours": s.set.hours,
                "address": s.set.address, "search_hint": s.set.search_hint, "parent": parent, "icp": s.set.icp,
                "psb": s.set.psb, "psb_code": s.set.psb_code,
                "conac_url": if s.set.conac.is_empty() { Value::Null } else { json!(s.set.conac) },
                "demo": s.demo, "grey": s.set.grey, "landscape": true,
            },
            "links": {
                "home": "/", "search": "/search", "sitemap": "/sitemap.html", "sites": sites, "feed": "/feed.xml",
                "accessibility": "/about/wuzhangai.html", "privacy": "/about/yinsi.html",
                "contact": "/about/lianxi.html", "find_error": "/about/zhaocuo.html",
            },
            "foot_sites": foot_sites,
        })
    }

    /// The other sites by kind.
    fn site_groups(&self, with_domain: bool) -> Value {
        let mut groups = Vec::new();
        for kind in [SiteKind::County, SiteKind::Department, SiteKind::Party] {
            let items: Vec<Value> = self
                .all_sites
                .iter()
                .filter(|s| s.kind == kind)
                .map(|s| {
                    let mut v = json!({ "name": s.set.short_name, "url": format!("/go/{}/", s.slug) });
                    if with_domain {
                        v["domain"] = json!(s.domain);
                        v["name"] = json!(s.set.name);
                    }
                    v
                })
                .collect();
            if !items.is_empty() {
                groups.push(json!({ "title": format!("{}（{}）", kind.label(), items.len()), "items": items }));
            }
        }
        Value::Array(groups)
    }

    /// A page's context: what it has in common with all, and its own.
    pub fn page(&self, current: Option<&Column>, meta: Value, crumbs: Value, own: Value) -> Value {
        let top = current.map(|c| self.top_of(c).id);
        let mut nav = vec![json!({ "name": "首页", "url": "/", "current": false })];
        for c in self.columns.iter().filter(|c| c.parent.is_none() && self.visible.contains(&c.id)) {
            nav.push(json!({ "name": c.name, "url": column_url(c), "current": Some(c.id) == top }));
        }
        let mut page = self.shared.clone();
        if let Some(o) = page.as_object_mut() {
            o.insert("nav".into(), Value::Array(nav));
            o.insert("crumbs".into(), crumbs);
            o.insert("meta".into(), meta);
            if let Value::Object(own) = own {
                o.extend(own);
            }
        }
        page
    }

    /// The top column above a column.
    pub fn top_of<'a>(&'a self, c: &'a Column) -> &'a Column {
        let mut at = c;
        while let Some(p) = at.parent.and_then(|p| self.columns.iter().find(|c| c.id == p)) {
            at = p;
        }
        at
    }

    /// A column and its ancestors, from the top.
    pub fn line_of<'a>(&'a self, c: &'a Column) -> Vec<&'a Column> {
        let mut line = vec![c];
        while let Some(p) = line.last().and_then(|c| c.parent).and_then(|p| self.columns.iter().find(|c| c.id == p)) {
            line.push(p);
        }
        line.reverse();
        line
    }

    /// Everything below a column, itself included.
    pub fn below(&self, c: &Column) -> Vec<Id> {
        let mut ids = vec![c.id];
        for other in &self.columns {
            if other.parent.is_some_and(|p| ids.contains(&p)) {
                ids.push(other.id);
            }
        }
        ids
    }

    /// A column by its id.
    pub fn column(&self, id: Id) -> Option<&Column> {
        self.columns.iter().find(|c| c.id == id)
    }

    /// Whether a column is published.
    pub fn shows(&self, c: &Column) -> bool {
        self.visible.contains(&c.id)
    }

    /// 首页 › … as crumbs; the last has no link.
    pub fn crumbs(&self, line: &[&Column], last: Option<&str>) -> Value {
        let mut out = vec![json!({ "name": "首页", "url": "/" })];
        for (i, c) in line.iter().enumerate() {
            let end = i + 1 == line.len() && last.is_none();
            out.push(json!({ "name": c.name, "url": if end { Value::Null } else { json!(column_url(c)) } }));
        }
        if let Some(last) = last {
            out.push(json!({ "name": last, "url": null }));
        }
        Value::Array(out)
    }

    /// The page tags of a plain page.
    pub fn meta(&self, title: &str, description: &str, path: &str, column: Option<&Column>) -> Value {
        json!({
            "title": title,
            "description": if description.is_empty() { title } else { description },
            "column": column.map(column_meta),
            "article": null,
            "canonical": canonical(&self.site.domain, path),
        })
    }

    /// The site's own pages, save home: path → template and context.
    pub fn own_paths(&self) -> Vec<String> {
        let mut out: Vec<String> =
            ["/", "/sitemap.html", "/robots.txt", "/sitemap.xml", "/sitemap-pages.xml", "/feed.xml"]
                .into_iter()
                .map(String::from)
                .collect();
        if self.site.kind == SiteKind::Portal {
            out.push("/sites.html".into());
        }
        out.extend(statements().iter().map(|s| format!("/about/{}.html", s.slug)));
        out.extend(ERRORS.iter().map(|(code, ..)| format!("/_/{code}.html")));
        out.extend(self.months.iter().map(|(y, m)| format!("/archive/{y}-{m:02}.html")));
        out.extend(self.months.iter().map(|(y, m)| format!("/sitemap-{y}{m:02}.xml")));
        out
    }

    /// The site map page.
    pub fn sitemap_page(&self) -> (&'static str, Value) {
        let groups: Vec<Value> = self
            .columns
            .iter()
            .filter(|c| c.parent.is_none() && self.shows(c))
            .map(|c| {
                let items: Vec<Value> = self
                    .columns
                    .iter()
                    .filter(|k| k.parent == Some(c.id) && self.shows(k))
                    .map(|k| json!({ "name": k.name, "url": column_url(k) }))
                    .collect();
                json!({ "name": c.name, "url": column_url(c), "items": items })
            })
            .collect();
        let mut groups = groups;
        let about: Vec<Value> =
            statements().iter().map(|s| json!({ "name": s.title, "url": format!("/about/{}.html", s.slug) })).collect();
        groups.push(json!({ "name": "关于本站", "url": about.first().and_then(|a| a.get("url")), "items": about }));
        (
            "sites/public/sitemap.html",
            self.page(
                None,
                self.meta("网站地图", &format!("{}的全部栏目", self.site.set.name), "/sitemap.html", None),
                self.crumbs(&[], Some("网站地图")),
                json!({ "groups": groups }),
            ),
        )
    }

    /// The page of all sites (portal only).
    pub fn sites_page(&self) -> (&'static str, Value) {
        let lede = format!(
            "{}各县区、部门和单位的网站，在同一个平台上运行。",
            self.site.set.short_name.trim_end_matches("政府")
        );
        (
            "sites/public/sites.html",
            self.page(
                None,
                self.meta("网站群", &lede, "/sites.html", None),
                self.crumbs(&[], Some("网站群")),
                json!({ "lede": lede, "groups": self.site_groups(true) }),
            ),
        )
    }

    /// A statement page.
    pub fn statement_page(&self, slug: &str, to_html: fn(&str) -> String) -> Option<(&'static str, Value)> {
        let all = statements();
        let s = all.iter().find(|s| s.slug == slug)?;
        let side: Vec<Value> = all
            .iter()
            .map(|o| {
                json!({ "name": o.title, "url": format!("/about/{}.html", o.slug), "current": o.slug == slug, "children": [] })
            })
            .collect();
        let facts = if slug == "lianxi" {
            let set = &self.site.set;
            let fact = |name: &str, value: &str| json!({ "name": name, "value": value, "url": null });
            vec![
                fact("主办单位", &set.sponsor),
                fact("承办单位", &set.operator),
                fact("联系电话", &format!("{}（{}）", set.phone, set.hours)),
                fact("地址", &set.address),
            ]
        } else {
            Vec::new()
        };
        let path = format!("/about/{slug}.html");
        Some((
            "sites/public/page.html",
            self.page(
                None,
                self.meta(&s.title, &self.filled(&s.summary), &path, None),
                self.crumbs(&[], Some(&s.title)),
                json!({
                    "side": { "title": "关于本站", "url": null, "items": side },
                    "page": {
                        "title": s.title, "lede": self.filled(&s.summary), "facts": facts,
                        "body_html": to_html(&self.filled(&s.body)), "updated": null,
                    },
                }),
            ),
        ))
    }

    /// A text with the site's own data in place of `{placeholders}`.
    fn filled(&self, text: &str) -> String {
        let s = &self.site.set;
        let portal = self.portal.as_ref().unwrap_or(&self.site);
        [
            ("{site_name}", s.name.as_str()),
            ("{sponsor}", &s.sponsor),
            ("{operator}", &s.operator),
            ("{phone}", &s.phone),
            ("{hours}", &s.hours),
            ("{address}", &s.address),
            ("{domain}", &self.site.domain),
            ("{id_code}", &s.id_code),
            ("{portal_name}", &portal.set.name),
            ("{portal_domain}", &portal.domain),
            ("{search_hint}", &s.search_hint),
        ]
        .iter()
        .fold(text.to_string(), |t, (from, to)| t.replace(from, to))
    }

    /// An error page: published like any other, so that an answer to a wrong address costs no query.
    pub fn error_page(&self, code: &str) -> Option<(&'static str, Value)> {
        let (_, status, stable, title, what, fault, safe) = ERRORS.iter().find(|e| e.0 == code)?;
        let call = format!("网站问题请拨打 {}（{}）。", self.site.set.phone, self.site.set.hours);
        let error = json!({
            "status": status, "code": stable, "title_html": title, "what": what, "fault": fault,
            "safe": if safe.is_empty() { Value::Null } else { json!(safe) },
            "call": if *status == 404 { Value::Null } else { json!(call) },
            "retry": null, "withdrawn": null, "id": null, "time": null, "ways": self.ways(),
        });
        let plain = title.replace("<wbr>", "");
        Some((
            "sites/public/error.html",
            self.page(None, self.meta(&plain, what, "/", None), json!([]), json!({ "error": error })),
        ))
    }

    /// Ways on from a dead end.
    pub fn ways(&self) -> Value {
        let mut ways = vec![
            json!({ "name": "回到首页", "url": "/", "icon": "home" }),
            json!({ "name": "搜索", "url": "/search", "icon": "search" }),
            json!({ "name": "网站地图", "url": "/sitemap.html", "icon": "list" }),
        ];
        ways.push(json!({ "name": "我为政府网站找错", "url": "/about/zhaocuo.html", "icon": "flag" }));
        Value::Array(ways)
    }

    /// `robots.txt`.
    pub fn robots(&self) -> Output {
        let text = format!(
            "User-agent: *\nDisallow: /search\nDisallow: /mode\nSitemap: {}\n",
            canonical(&self.site.domain, "/sitemap.xml")
        );
        Output::Page { status: 200, media: media::TEXT, body: text.into_bytes() }
    }

    /// The index of sitemaps: one of pages, one a month.
    pub fn sitemap_index(&self) -> Output {
        let mut out = String::from(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<sitemapindex xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
        );
        let mut add = |path: String| {
            out.push_str(&format!("<sitemap><loc>{}</loc></sitemap>\n", escape(&canonical(&self.site.domain, &path))));
        };
        add("/sitemap-pages.xml".into());
        for (y, m) in &self.months {
            add(format!("/sitemap-{y}{m:02}.xml"));
        }
        out.push_str("</sitemapindex>\n");
        Output::Page { status: 200, media: media::XML, body: out.into_bytes() }
    }

    /// The sitemap of columns and statements.
    pub fn sitemap_pages(&self) -> Output {
        let mut paths: Vec<String> = vec!["/".into(), "/sitemap.html".into()];
        if self.site.kind == SiteKind::Portal {
            paths.push("/sites.html".into());
        }
        paths.extend(self.columns.iter().filter(|c| self.shows(c)).map(column_url));
        paths.extend(statements().iter().map(|s| format!("/about/{}.html", s.slug)));
        url_set(&self.site.domain, paths.into_iter().map(|p| (p, None)))
    }
}

/// A sitemap of addresses with the day of their last change.
pub fn url_set(domain: &str, urls: impl Iterator<Item = (String, Option<Timestamp>)>) -> Output {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
    );
    for (path, at) in urls {
        out.push_str("<url><loc>");
        out.push_str(&escape(&canonical(domain, &path)));
        out.push_str("</loc>");
        if let Some(at) = at {
            out.push_str(&format!("<lastmod>{}</lastmod>", at.rfc3339()));
        }
        out.push_str("</url>\n");
    }
    out.push_str("</urlset>\n");
    Output::Page { status: 200, media: media::XML, body: out.into_bytes() }
}

/// The column tags of spec §1.6: no value may be empty.
pub fn column_meta(c: &Column) -> Value {
    let or = |v: &str, alternative: &str| if v.trim().is_empty() { alternative.to_string() } else { v.to_string() };
    json!({
        "name": c.name,
        "description": or(&c.description, &c.name),
        "keywords": or(&c.keywords, &c.name),
        "type": or(&c.kind, "其他"),
    })
}

/// `(address word, status, code, title, what, whose fault, is my text safe)`.
const ERRORS: &[(&str, u16, &str, &str, &str, &str, &str)] = &[
    (
        "404",
        404,
        "PAGE_NOT_FOUND",
        "没有找到这个页面",
        "这个地址没有内容，也没有撤下的记录：撤下的内容会在原地址说明理由。",
        "地址可能抄错或不完整；如果您是从本站的链接来的，那是我们的差错，请用“找错”告诉我们。",
        "",
    ),
    (
        "429",
        429,
        "TOO_MANY_REQUESTS",
        "请求太频繁，<wbr>请稍候再试",
        "同一个网络短时间内发来了太多请求，系统暂时没有处理这一次。",
        "这是为了让所有人都能正常使用；几秒钟后重试即可。",
        "您没有填写的东西丢失。",
    ),
    (
        "500",
        500,
        "INTERNAL",
        "系统出了问题，<wbr>不是您的错",
        "服务器没有完成这次请求，故障已经记录。",
        "这是我们的故障，与您的操作和设备无关。",
        "您只是在查看内容，没有填写的东西丢失。请过几分钟再试。",
    ),
    (
        "503",
        503,
        "BUSY",
        "现在访问的人很多，<wbr>请稍候再来",
        "系统正忙，暂时没有处理这次请求。",
        "这是我们的问题，与您的操作无关；几秒钟后重试即可。",
        "您只是在查看内容，没有填写的东西丢失。",
    ),
];

/// An organ's contact data, present leaders and towns.
async fn organ_value(tx: &mut impl Read, id: Id) -> Result<Value> {
    let o = organ::get(tx, id).await?;
    let posts = organ::posts(tx, id).await?;
    let leaders: Vec<Value> = posts
        .iter()
        .filter(|p| p.until.is_none() && p.holder.is_some())
        .map(|p| json!({ "name": p.holder, "post": p.title, "url": null }))
        .collect();
    let towns: Vec<String> = tx
        .rows(
            "SELECT n.short_name AS n FROM organ o JOIN organ_name n ON n.organ_id=o.id AND n.until_on IS NULL WHERE o.parent_id=$1 AND o.kind=$2 AND o.until_on IS NULL ORDER BY o.sort, o.id",
            args![id, OrganKind::Town.code()],
        )
        .await?
        .iter()
        .map(|r| r.get("n"))
        .collect::<Result<_>>()?;
    Ok(json!({
        "name": o.name, "duties": o.duties, "phone": o.phone, "address": o.address, "hours": o.hours,
        "leaders": leaders, "towns": towns,
    }))
}

/// Months in which a site has something, newest first: jumps from month to month along the index.
async fn months(tx: &mut impl Read, id: Id) -> Result<Vec<(i32, u8)>> {
    let mut out = Vec::new();
    let mut before = i64::MAX;
    loop {
        let mut sql = Sql::new("SELECT MAX(sort_at) AS n FROM placement WHERE site_id=");
        sql.bind(id).push(" AND sort_at<").bind(before);
        let Some(at) = tx.scalar::<Option<Timestamp>>(sql, vec![]).await? else { return Ok(out) };
        let day = at.day();
        out.push((day.year(), u8::from(day.month())));
        before = month_start(day.year(), u8::from(day.month())).0;
    }
}

/// The first instant of a month.
pub fn month_start(year: i32, month: u8) -> Timestamp {
    let month = kernel::time::Month::try_from(month).unwrap_or(kernel::time::Month::January);
    kernel::Date::from_calendar_date(year, month, 1).map_or(Timestamp(0), Timestamp::start_of)
}

/// The first instant of the month after.
pub fn month_end(year: i32, month: u8) -> Timestamp {
    if month == 12 { month_start(year + 1, 1) } else { month_start(year, month + 1) }
}
