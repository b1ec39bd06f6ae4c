//! A small city of its own for the tests of both doors: a portal, county 甲 with a department below it, county 乙, a
//! department of the city. Everything that belongs to a site carries marks that nothing else carries, so that a leak is
//! a plain search in what was answered. The clock stands, chance is seeded; requests go to the services in process.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, header};
use capabilities::content::commands::{self, Draft, Imported};
use capabilities::office::api;
use gongkai::house::{self, Hold, House, Which};
use gongkai::serve;
use kernel::permission::{Grant, Role, Scope};
use kernel::time::parse_date;
use kernel::{Actor, Id, Timestamp};
use platform::audit::Entry;
use platform::env::{Seeded, StandingClock};
use platform::{Env, Read, Sql, session};
use records::document::{self, Content, DocumentKind};
use records::organ::{self, NewOrgan, OrganKind};
use records::site::{self, NewColumn, SiteKind, SiteSettings, SiteStatus};
use tower::ServiceExt;

/// The password of every account.
pub const PASSWORD: &str = "云川-四月-的雨-57";
/// The secret of every second factor (base 32).
pub const TOTP: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
/// The host of the staff side in these tests.
pub const STAFF_HOST: &str = "127.0.0.1:8081";
/// Roles that are held for a site.
pub const SITE_ROLES: [Role; 4] = [Role::SiteAdmin, Role::Editor, Role::Reviewer, Role::Publisher];

/// Where the clock stands: a Monday morning.
pub fn morning() -> Timestamp {
    Timestamp::at(parse_date("2026-09-14").expect("a day"), 9, 30)
}

/// What was answered.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it was sent.
    pub bytes: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// A header as text, empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }

    /// Every `Set-Cookie`.
    pub fn cookies(&self) -> Vec<String> {
        self.headers.get_all(header::SET_COOKIE).iter().filter_map(|v| v.to_str().ok()).map(str::to_string).collect()
    }

    /// The value of a cookie that was set.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies().iter().find_map(|c| {
            let (k, rest) = c.split_once('=')?;
            (k == name).then(|| rest.split(';').next().unwrap_or_default().to_string())
        })
    }

    /// Headers and body together: everything in which a leak could hide.
    pub fn everything(&self) -> String {
        let mut out = String::new();
        for (k, v) in &self.headers {
            let v = String::from_utf8_lossy(v.as_bytes()).into_owned();
            // What stands percent-encoded in a redirect or a cookie is as readable as what does not.
            out.push_str(&format!("{k}: {v}\n{}\n", percent_decoded(&v)));
        }
        out.push_str(&self.text());
        out
    }

    /// The refusal's code, of an answer that was asked for as JSON.
    pub fn code(&self) -> String {
        serde_json::from_slice::<serde_json::Value>(&self.bytes)
            .ok()
            .and_then(|v| v.get("code").and_then(|c| c.as_str().map(str::to_string)))
            .unwrap_or_default()
    }
}

/// `%E4%BD%A0` as text.
pub fn percent_decoded(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        let pair = (b == b'%').then(|| bytes.clone().take(2).collect::<Vec<u8>>());
        match pair.and_then(|p| u8::from_str_radix(std::str::from_utf8(&p).ok()?, 16).ok()) {
            Some(v) => {
                out.push(v);
                bytes.nth(1);
            }
            None => out.push(b),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Percent-encodes a form value.
pub fn encoded(text: &str) -> String {
    text.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"-._".contains(&b) { (b as char).to_string() } else { format!("%{b:02X}") }
        })
        .collect()
}

/// A form as a browser posts it.
pub fn form(pairs: &[(&str, &str)]) -> String {
    pairs.iter().map(|(k, v)| format!("{}={}", encoded(k), encoded(v))).collect::<Vec<_>>().join("&")
}

/// Somebody at the staff side.
#[derive(Clone, Debug)]
pub struct Person {
    /// The account.
    pub account: Id,
    /// The role.
    pub role: Role,
    /// Its name at sign-in.
    pub username: String,
    /// The session's token.
    pub token: String,
    /// The session's form token.
    pub csrf: String,
}

/// A site with all that is marked as its own.
pub struct Place {
    /// A word for messages: 甲
    pub name: &'static str,
    /// The site.
    pub site: Id,
    /// Its address word.
    pub slug: String,
    /// Its host name.
    pub domain: String,
    /// The organ.
    pub organ: Id,
    /// Columns.
    pub columns: Vec<Id>,
    /// The first column's path.
    pub column_path: String,
    /// Published, draft, submitted, withdrawn.
    pub documents: Vec<Id>,
    /// Files of the documents.
    pub attachments: Vec<Id>,
    /// People with a role for this site.
    pub people: Vec<Person>,
    /// Their grants.
    pub grants: Vec<Id>,
    /// A delegation among them.
    pub delegation: Id,
    /// Marks by what they mark.
    pub marks: BTreeMap<&'static str, String>,
}

impl Place {
    /// The person with a role here.
    pub fn who(&self, role: Role) -> &Person {
        self.people.iter().find(|p| p.role == role).expect("role")
    }

    /// A mark.
    pub fn mark(&self, what: &str) -> &str {
        self.marks.get(what).expect("mark")
    }
}

/// The city.
pub struct Setup {
    /// The open city.
    pub house: House,
    /// Its clock.
    pub clock: Arc<StandingClock>,
    /// The staff side.
    pub router: axum::Router,
    /// Portal, 甲, 甲's department, 乙, department.
    pub places: Vec<Place>,
    /// The three administrators and the office of openness, for the whole city.
    pub city: Vec<Person>,
    /// An editor and an office of openness for all of county 甲.
    pub county: Vec<Person>,
    _dir: tempfile::TempDir,
}

/// Portal.
pub const PORTAL: usize = 0;
/// County 甲.
pub const A: usize = 1;
/// A department below county 甲.
pub const CHILD: usize = 2;
/// County 乙.
pub const B: usize = 3;
/// A department of the city.
pub const DEPARTMENT: usize = 4;

fn settings(name: &str, m: &dyn Fn(&str) -> String) -> SiteSettings {
    SiteSettings {
        name: format!("{name}网站{}", m("site")),
        short_name: format!("{name}{}", m("site")),
        theme: String::new(),
        id_code: "9901000001".into(),
        sub: m("site"),
        icp: format!("云ICP备{}", m("site")),
        psb: m("site"),
        psb_code: "99010002000001".into(),
        conac: String::new(),
        sponsor: format!("主办{}", m("site")),
        operator: format!("承办{}", m("site")),
        phone: format!("0990-{}", m("site")),
        hours: "工作日 9:00-17:30".into(),
        address: format!("街{}", m("site")),
        search_hint: "搜政策".into(),
        grey: false,
    }
}

/// A text with the mark of a document in each of its parts.
pub fn content(word: &str, mark: &str) -> Content {
    Content {
        title: format!("统一事项{word} {mark}t"),
        summary: format!("摘要 {mark}s"),
        body: format!("<p>正文统一内容 {mark}b</p>"),
        source: format!("来源{mark}"),
        author: format!("责任编辑{mark}"),
        keywords: format!("关键词{mark}"),
        theme: "综合政务".into(),
        ..Content::default()
    }
}

impl Setup {
    /// Makes the city; `seed` makes its chance its own.
    pub async fn new(seed: u8) -> Setup {
        let dir = tempfile::tempdir().expect("folder");
        let clock = Arc::new(StandingClock::at(morning()));
        let env = Env { clock: clock.clone(), entropy: Arc::new(Seeded::new([seed; 32])) };
        let which = Which {
            key_file: Some(dir.path().join("city.key")),
            cache: 8 << 20,
            ..Which::folder(&dir.path().join("data"))
        };
        let house = house::open(&which, env.clone(), Hold::Alone, true).await.expect("open");
        let mut setup = Setup {
            router: serve::staff(&house.app),
            house,
            clock,
            places: Vec::new(),
            city: Vec::new(),
            county: Vec::new(),
            _dir: dir,
        };
        setup.found().await;
        setup.house.settle(&|_, _| {}).await.expect("settle");
        setup.house.app.set_ready();
        setup
    }

    async fn found(&mut self) {
        let app = self.house.app.clone();
        let ctx = self.house.ctx("测试");
        let hash = api::hash_password(PASSWORD, ctx.entropy.as_ref()).expect("hash");
        let mut tx = app.db.write(&ctx).await.expect("tx");
        let mut organs: Vec<Id> = Vec::new();
        let rows: [(&str, OrganKind, Option<usize>, SiteKind); 5] = [
            ("市政府", OrganKind::Government, None, SiteKind::Portal),
            ("甲县", OrganKind::Government, Some(PORTAL), SiteKind::County),
            ("甲县教育局", OrganKind::Department, Some(A), SiteKind::Department),
            ("乙县", OrganKind::Government, Some(PORTAL), SiteKind::County),
            ("市住建局", OrganKind::Department, Some(PORTAL), SiteKind::Department),
        ];
        let mut people: Vec<(usize, Id, Role, String)> = Vec::new();
        for (i, (name, kind, parent, site_kind)) in rows.into_iter().enumerate() {
            let mut marks: BTreeMap<&'static str, String> = BTreeMap::new();
            for what in [
                "organ",
                "office",
                "site",
                "slug",
                "column",
                "live",
                "draft",
                "submitted",
                "withdrawn",
                "file",
                "account",
            ] {
                marks.insert(what, format!("z{}", kernel::id::token::<6>(ctx.entropy.as_ref())));
            }
            let m = |what: &str| marks.get(what).cloned().unwrap_or_default();
            let organ = organ::insert(
                &mut tx,
                &NewOrgan {
                    slug: m("slug"),
                    kind,
                    parent: parent.and_then(|p| organs.get(p).copied()),
                    name: format!("{name}{}", m("office")),
                    short_name: format!("{name}{}", m("office")),
                    division: "990100".into(),
                    credit_code: None,
                    phone: format!("0990-{}", m("organ")),
                    address: format!("路{}", m("organ")),
                    hours: format!("工作日{}", m("organ")),
                    duties: format!("职责{}", m("organ")),
                    sort: i as i64,
                    from_on: parse_date("2019-03-01").expect("day"),
                },
            )
            .await
            .expect("organ");
            organs.push(organ);
            if i == 0 {
                site::insert_city(&mut tx, "云川市", false, organ).await.expect("city");
            }
            let slug = m("slug");
            let site = site::insert(
                &mut tx,
                &slug,
                organ,
                site_kind,
                SiteStatus::Running,
                &settings(name, &m),
                false,
                i as i64,
            )
            .await
            .expect("site");
            let domain = format!("www.{slug}.test");
            site::insert_domain(&mut tx, site, &domain, true).await.expect("domain");
            let mut columns = Vec::new();
            let mut column_path = String::new();
            for (j, word) in ["gonggao", "zhengce"].into_iter().enumerate() {
                let c = site::insert_column(
                    &mut tx,
                    site,
                    None,
                    &NewColumn {
                        slug: format!("{word}-{}", m("column")),
                        name: format!("栏目{}{}", j + 1, m("column")),
                        description: format!("这里发布{}", m("column")),
                        keywords: format!("公告，{}", m("column")),
                        kind: "政务动态".into(),
                        role: String::new(),
                        sort: (j as i64 + 1) * 10,
                    },
                )
                .await
                .expect("column");
                if j == 0 {
                    column_path = c.path.clone();
                }
                columns.push(c.id);
            }
            let mut accounts = Vec::new();
            let mut grants = Vec::new();
            for role in SITE_ROLES {
                let username = format!("{}-{}", m("account"), role.code().replace('_', "-"));
                let id = api::create_account(
                    &mut tx,
                    &api::NewAccount {
                        username: username.clone(),
                        name: format!("{}{}", role.label(), m("account")),
                        organ,
                        password_hash: hash.clone(),
                        must_change: false,
                    },
                )
                .await
                .expect("account");
                if role != Role::Editor {
                    api::set_totp(&mut tx, id, TOTP).await.expect("totp");
                }
                grants
                    .push(api::grant_role(&mut tx, id, Grant { role, scope: Scope::Site(site) }).await.expect("grant"));
                accounts.push(id);
                people.push((i, id, role, username));
            }
            let (from, to) = (*accounts.first().expect("one"), *accounts.get(1).expect("two"));
            let week = ctx.now.plus_minutes(7 * 24 * 60);
            // It begins tomorrow: nobody has more roles today than their own.
            let delegation = records::account::insert_delegation(
                &mut tx,
                from,
                to,
                ctx.now.plus_minutes(24 * 60),
                week,
                &format!("休假{}", m("account")),
            )
            .await
            .expect("delegation");
            self.places.push(Place {
                name,
                site,
                slug,
                domain,
                organ,
                columns,
                column_path,
                documents: Vec::new(),
                attachments: Vec::new(),
                people: Vec::new(),
                grants,
                delegation,
                marks,
            });
        }
        let root = *organs.first().expect("root");
        for role in [Role::SystemAdmin, Role::SecurityAdmin, Role::AuditAdmin, Role::OpenOffice] {
            let username = role.code().replace('_', "-");
            let id =
                self.account(&mut tx, &username, role.label(), root, &hash, Grant { role, scope: Scope::City }).await;
            people.push((100, id, role, username));
        }
        let county = *organs.get(A).expect("county");
        for role in [Role::Editor, Role::OpenOffice] {
            let username = format!("county-{}", role.code().replace('_', "-"));
            let grant = Grant { role, scope: Scope::Organ(county) };
            let id = self.account(&mut tx, &username, role.label(), county, &hash, grant).await;
            people.push((101, id, role, username));
        }
        tx.audit(Entry::done("city.create", "organ", root));
        tx.event("sites.changed", &serde_json::json!({})).expect("event");
        tx.commit().await.expect("commit");
        for (at, account, role, username) in people {
            let person = self.person(account, role, &username).await;
            match at {
                100 => self.city.push(person),
                101 => self.county.push(person),
                n => self.places.get_mut(n).expect("place").people.push(person),
            }
        }
        self.write_documents().await;
    }

    async fn account(
        &self,
        tx: &mut platform::WriteTx,
        username: &str,
        name: &str,
        organ: Id,
        hash: &str,
        grant: Grant,
    ) -> Id {
        let new = api::NewAccount {
            username: username.into(),
            name: name.into(),
            organ,
            password_hash: hash.into(),
            must_change: false,
        };
        let id = api::create_account(tx, &new).await.expect("account");
        api::set_totp(tx, id, TOTP).await.expect("totp");
        api::grant_role(tx, id, grant).await.expect("grant");
        id
    }

    async fn write_documents(&mut self) {
        let app = self.house.app.clone();
        for n in 0..self.places.len() {
            let p = self.places.get(n).expect("place");
            let (site, organ, columns) = (p.site, p.organ, p.columns.clone());
            let editor = p.who(Role::Editor).account;
            let marks = p.marks.clone();
            let m = |what: &str| marks.get(what).cloned().unwrap_or_default();
            let upload =
                web::upload::judge(&format!("附件{}.txt", m("file")), format!("附件内容 {}", m("file")).into_bytes())
                    .expect("file");
            let hash = app.originals.put(&upload.bytes).expect("stored");
            let mut documents = Vec::new();
            let ctx = self.house.ctx("测试");
            let mut tx = app.db.write(&ctx).await.expect("tx");
            for what in ["live", "withdrawn"] {
                let (id, _) = commands::import(
                    &mut tx,
                    Imported {
                        key: format!("test:{}", m(what)),
                        organ,
                        site,
                        columns: columns.clone(),
                        kind: DocumentKind::Notice,
                        content: content("公开", &m(what)),
                        published_on: None,
                        published_at: Some(ctx.now.plus_minutes(-60)),
                        migrated: false,
                        files: vec![(upload.clone(), hash.clone())],
                    },
                )
                .await
                .expect("import");
                documents.push(id);
            }
            tx.commit().await.expect("commit");
            let withdrawn = documents.pop().expect("withdrawn");
            let actor = {
                let mut tx = app.db.read().await.expect("tx");
                records::account::actor(&mut tx, editor, ctx.now).await.expect("actor")
            };
            for what in ["draft", "submitted"] {
                let ctx = app.env.ctx(actor.clone());
                let mut tx = app.db.write(&ctx).await.expect("tx");
                let d = commands::save(
                    &mut tx,
                    Draft {
                        document: None,
                        lock_version: 0,
                        site,
                        kind: DocumentKind::News,
                        content: content("办理", &m(what)),
                        columns: columns.clone(),
                    },
                )
                .await
                .expect("save");
                commands::attach(&mut tx, d.id, &upload, &hash).await.expect("attach");
                if what == "submitted" {
                    commands::submit(&mut tx, d.id).await.expect("submit");
                }
                tx.commit().await.expect("commit");
                documents.push(d.id);
            }
            // It stood in public first, so that there is something to be taken away.
            self.house.settle(&|_, _| {}).await.expect("settle");
            let ctx = self.house.ctx("测试");
            let mut tx = app.db.write(&ctx).await.expect("tx");
            commands::withdraw(&mut tx, withdrawn, "error", "数字有误").await.expect("withdraw");
            tx.commit().await.expect("commit");
            documents.push(withdrawn);
            let mut tx = app.db.read().await.expect("tx");
            let mut attachments = Vec::new();
            for d in &documents {
                let editions: Vec<Id> =
                    document::editions(&mut tx, *d).await.expect("editions").iter().map(|e| e.id).collect();
                let files = document::attachments(&mut tx, &editions).await.expect("files");
                attachments.extend(files.iter().map(|a| a.id));
            }
            drop(tx);
            let p = self.places.get_mut(n).expect("place");
            p.documents = documents;
            p.attachments = attachments;
        }
    }

    /// Signs an account in without its pages.
    pub async fn person(&self, account: Id, role: Role, username: &str) -> Person {
        let (token, csrf) = self.session(account, true).await;
        Person { account, role, username: username.into(), token, csrf }
    }

    /// A session and its form token.
    pub async fn session(&self, account: Id, complete: bool) -> (String, String) {
        let app = &self.house.app;
        let ctx = app.env.ctx(Actor::system("测试"));
        let token = session::begin(&app.db, &ctx, account, complete).await.expect("session");
        let mut tx = app.db.read().await.expect("tx");
        let csrf = session::find(&mut tx, &token, ctx.now).await.expect("find").expect("fresh").csrf;
        (token, csrf)
    }

    /// A place.
    pub fn place(&self, n: usize) -> &Place {
        self.places.get(n).expect("place")
    }

    /// Somebody of the whole city.
    pub fn citywide(&self, role: Role) -> &Person {
        self.city.iter().find(|p| p.role == role).expect("role")
    }

    /// Asks the staff side.
    pub async fn staff(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("infallible");
        answer(response).await
    }

    /// A page as a browser asks for it.
    pub async fn get(&self, who: Option<&Person>, path: &str) -> Answer {
        self.staff(request(Method::GET, path, who).body(Body::empty()).expect("request")).await
    }

    /// A page, or its refusal as JSON.
    pub async fn get_json(&self, who: Option<&Person>, path: &str) -> Answer {
        let request = request(Method::GET, path, who).header(header::ACCEPT, "application/json");
        self.staff(request.body(Body::empty()).expect("request")).await
    }

    /// A form as its own page posts it, with its token.
    pub async fn post(&self, who: &Person, path: &str, pairs: &[(&str, &str)]) -> Answer {
        let mut all = vec![("_csrf", who.csrf.as_str())];
        all.extend_from_slice(pairs);
        self.post_raw(Some(who), path, &form(&all), &[]).await
    }

    /// A body with whatever headers.
    pub async fn post_raw(&self, who: Option<&Person>, path: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
        let mut r = request(Method::POST, path, who).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (k, v) in headers {
            r = r.header(*k, *v);
        }
        self.staff(r.body(Body::from(body.to_string())).expect("request")).await
    }

    /// Asks the public side.
    pub async fn public(&self, host: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.public_with(Method::GET, host, path, headers).await
    }

    /// Asks the public side with any method.
    pub async fn public_with(&self, method: Method, host: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut r = Request::builder().method(method).uri(path).header(header::HOST, host);
        for (k, v) in headers {
            r = r.header(*k, *v);
        }
        let request: Request<Body> = r.body(Body::empty()).expect("request");
        let service = serve::public(&self.house.app);
        let response = ServiceExt::<Request<Body>>::oneshot(service, request).await.expect("infallible");
        answer(response).await
    }

    /// Every row of the truth but those of sign-ins and of the machinery.
    pub async fn dump(&self) -> BTreeMap<String, String> {
        let mut tx = self.house.app.db.read().await.expect("tx");
        let mut out = BTreeMap::new();
        let tables = tx
            .rows("SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE '\\_sqlx%' ESCAPE '\\' ORDER BY name", vec![])
            .await
            .expect("tables");
        for t in tables {
            let name: String = t.get("name").expect("name");
            let sql = format!(
                "SELECT group_concat('quote(\"' || name || '\")', '||\"|\"||') AS n FROM pragma_table_info('{name}')"
            );
            let columns: String = tx.scalar(fixed(sql), vec![]).await.expect("columns");
            let columns = columns.replace("||\"|\"||", "||'|'||");
            let sql = format!(
                "SELECT COALESCE(group_concat(r, char(10)), '') AS n FROM (SELECT {columns} AS r FROM \"{name}\" ORDER BY 1)"
            );
            out.insert(name, tx.scalar(fixed(sql), vec![]).await.expect("rows"));
        }
        out
    }
}

/// A statement of a test, made at run time.
pub fn fixed(sql: String) -> Sql {
    Sql::new(Box::leak(sql.into_boxed_str()))
}

/// The tables in which two dumps differ, and how.
pub fn difference(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    let mut out = Vec::new();
    for (table, rows) in after {
        let old = before.get(table).map(String::as_str).unwrap_or_default();
        if old != rows {
            let was: std::collections::BTreeSet<&str> = old.lines().collect();
            let now: std::collections::BTreeSet<&str> = rows.lines().collect();
            let clip = |s: &&&str| s.chars().take(200).collect::<String>();
            out.push(format!(
                "{table}: -{:?} +{:?}",
                was.difference(&now).map(|s| clip(&s)).collect::<Vec<_>>(),
                now.difference(&was).map(|s| clip(&s)).collect::<Vec<_>>()
            ));
        }
    }
    out
}

/// A request of somebody to the staff side.
pub fn request(method: Method, path: &str, who: Option<&Person>) -> axum::http::request::Builder {
    let mut r = Request::builder().method(method).uri(path).header(header::HOST, STAFF_HOST);
    if let Some(p) = who {
        r = r.header(header::COOKIE, format!("gk_staff={}", p.token));
    }
    r
}

async fn answer(response: axum::http::Response<Body>) -> Answer {
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, 64 << 20).await.expect("body").to_vec();
    Answer { status: parts.status.as_u16(), headers: parts.headers, bytes }
}
