//! A small city for each test: a temporary folder, a clock that stands, chance from a seed.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use capabilities::content::commands::{self, Draft, Imported};
use capabilities::published::City;
use capabilities::sites::commands::{ColumnTree, NewSite, create_columns, create_site};
use gongkai::house::{self, Hold, House, Which};
use kernel::{Actor, Date, Id, Result, Timestamp};
use platform::env::{Seeded, StandingClock};
use platform::folder::Folder;
use platform::publish::{Address, Publisher};
use platform::{Ctx, Env, WriteTx};
use records::document::{self, Content, DocumentKind, Validity};
use records::organ::{self, NewOrgan, OrganKind};
use records::site::{self, SiteKind, SiteSettings, SiteStatus};
use sqlx::{AssertSqlSafe, Connection};
use tempfile::TempDir;

/// Where the truth lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// One body as two tests: `name` on SQLite, `name_postgres` on PostgreSQL.
macro_rules! both {
    ($($lite:ident, $pg:ident => $body:path;)*) => {$(
        #[test]
        fn $lite() {
            crate::harness::run($body(crate::harness::Engine::Sqlite));
        }

        #[test]
        fn $pg() {
            if crate::harness::postgres().is_some() {
                crate::harness::run($body(crate::harness::Engine::Postgres));
            }
        }
    )*};
}

/// Runs a test's body.
pub fn run(body: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(body);
}

/// The address of a PostgreSQL server for tests; `None` where they are switched off.
pub fn postgres() -> Option<&'static str> {
    static URL: OnceLock<Option<String>> = OnceLock::new();
    URL.get_or_init(|| match std::env::var("GONGKAI_TEST_PG") {
        Ok(v) if v == "off" => {
            eprintln!("skipped: GONGKAI_TEST_PG=off");
            None
        }
        Ok(v) if !v.is_empty() => Some(v),
        _ => {
            let out = std::process::Command::new(root().join("scripts/pg.sh"))
                .args(["start", "target/pg"])
                .current_dir(root())
                .output()
                .expect("scripts/pg.sh runs");
            assert!(
                out.status.success(),
                "PostgreSQL did not start (GONGKAI_TEST_PG=off leaves its tests out):\n{}",
                String::from_utf8_lossy(&out.stderr)
            );
            Some(String::from_utf8_lossy(&out.stdout).trim().to_string())
        }
    })
    .as_deref()
}

/// The root of the project.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// How many samples a long check takes.
pub fn soak(usual: u32) -> u32 {
    std::env::var("GONGKAI_SOAK_N").ok().and_then(|v| v.parse().ok()).unwrap_or(usual)
}

/// A name that no other test of this server has.
fn schema_name() -> String {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let n = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let marks = tempfile::Builder::new().rand_bytes(12).prefix("t").tempdir().expect("a name");
    let name = marks.path().file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    format!("{}_{}_{n}", name.replace(|c: char| !c.is_ascii_alphanumeric(), ""), std::process::id())
}

/// What is at an address: status, content type, target, and the bytes.
pub type Seen = (u16, String, Option<String>, Vec<u8>);
/// Everything that the public can see: `(site, path)` → what is there.
pub type Dump = BTreeMap<(String, String), Seen>;

/// A city of three sites: the portal, a county's, a department's.
pub struct TestCity {
    pub house: House,
    pub clock: Arc<StandingClock>,
    pub which: Which,
    /// The government, the county, the department.
    pub organs: [Id; 3],
    /// Their sites.
    pub sites: [Id; 3],
    pub dir: TempDir,
}

/// The columns of every site of the test city, parents first.
pub const COLUMNS: [&str; 6] = ["xinwen", "xinwen/yaowen", "xinwen/dongtai", "gonggao", "zhengce", "zhengce/wenjian"];

/// The first moment of a test.
pub fn start() -> Timestamp {
    Timestamp::at(day("2026-03-02"), 9, 0)
}

/// A day.
pub fn day(text: &str) -> Date {
    kernel::time::parse_date(text).expect("a day")
}

/// A clock and chance for tests.
pub fn env(seed: u8) -> (Env, Arc<StandingClock>) {
    let clock = Arc::new(StandingClock::at(start()));
    (Env { clock: clock.clone(), entropy: Arc::new(Seeded::new([seed; 32])) }, clock)
}

impl TestCity {
    /// Makes it, and publishes its empty sites.
    pub async fn new(engine: Engine) -> TestCity {
        TestCity::seeded(engine, 7).await
    }

    /// As [`TestCity::new`], with another seed.
    pub async fn seeded(engine: Engine, seed: u8) -> TestCity {
        let dir = tempfile::tempdir().expect("a folder");
        let mut which = Which { key_file: Some(dir.path().join("key")), ..Which::folder(&dir.path().join("data")) };
        which.cache = 8 << 20;
        if engine == Engine::Postgres {
            let url = postgres().expect("PostgreSQL");
            let schema = schema_name();
            let mut c = sqlx::PgConnection::connect(url).await.expect("PostgreSQL answers");
            sqlx::query(AssertSqlSafe(format!("CREATE SCHEMA {schema}"))).execute(&mut c).await.expect("a schema");
            c.close().await.expect("closed");
            which.database = Some(url.to_string());
            which.schema = Some(schema);
        }
        let (env, clock) = env(seed);
        let house = house::open(&which, env, Hold::Alone, true).await.expect("the house opens");
        let nobody = [Id::from_i64(0); 3];
        let mut city = TestCity { house, clock, which, organs: nobody, sites: nobody, dir };
        city.found().await.expect("the city is founded");
        city.settle().await;
        city
    }

    async fn found(&mut self) -> Result<()> {
        let mut tx = self.write().await;
        let mut organs = Vec::new();
        for (i, (slug, kind, name)) in [
            ("shizf", OrganKind::Government, "云川市人民政府"),
            ("heqiao", OrganKind::Government, "河桥县人民政府"),
            ("fagai", OrganKind::Department, "云川市发展和改革委员会"),
        ]
        .into_iter()
        .enumerate()
        {
            organs.push(
                organ::insert(
                    &mut tx,
                    &NewOrgan {
                        slug: slug.into(),
                        kind,
                        parent: organs.first().copied(),
                        name: name.into(),
                        short_name: name.chars().skip(2).take(6).collect(),
                        division: "990100".into(),
                        credit_code: None,
                        phone: "0990-1234567".into(),
                        address: "云川市人民路1号".into(),
                        hours: "工作日 9:00-17:30".into(),
                        duties: "负责全市的有关工作。".into(),
                        sort: i as i64 + 1,
                        from_on: day("2020-01-01"),
                    },
                )
                .await?,
            );
        }
        site::insert_city(&mut tx, "云川市", false, organs[0]).await?;
        let mut sites = Vec::new();
        for (i, (slug, kind, theme)) in [
            ("portal", SiteKind::Portal, "portal"),
            ("heqiao", SiteKind::County, "county"),
            ("fagai", SiteKind::Department, "department"),
        ]
        .into_iter()
        .enumerate()
        {
            let name = organ::get(&mut tx, organs[i]).await?.name;
            let new = NewSite {
                slug: slug.into(),
                organ: organs[i],
                kind,
                settings: settings(&name, theme, i),
                domains: vec![format!("{slug}.example.cn")],
                demo: false,
                sort: i as i64 + 1,
                status: SiteStatus::Running,
            };
            let id = create_site(&mut tx, new).await?;
            create_columns(&mut tx, id, &columns()).await?;
            sites.push(id);
        }
        tx.audit(platform::audit::Entry::done("city.create", "organ", organs[0]));
        tx.event("sites.changed", &serde_json::json!({}))?;
        tx.commit().await?;
        self.organs = [organs[0], organs[1], organs[2]];
        self.sites = [sites[0], sites[1], sites[2]];
        Ok(())
    }

    /// What the system itself does a command with; every command has its own minute.
    pub fn ctx(&self) -> Ctx {
        let now = self.house.app.env.now();
        self.clock.set(now.plus_seconds(61));
        self.house.app.env.ctx(Actor::system("测试"))
    }

    /// A transaction that writes.
    pub async fn write(&self) -> WriteTx {
        self.house.app.db.write(&self.ctx()).await.expect("a transaction")
    }

    /// Publishes and indexes everything so far.
    pub async fn settle(&self) {
        self.house.settle(&|_, _| {}).await.expect("everything is published");
    }

    /// A column of a site.
    pub async fn column(&self, site: Id, path: &str) -> Id {
        let mut tx = self.house.app.db.read().await.expect("a view");
        site::find_column(&mut tx, site, path).await.expect("columns").unwrap_or_else(|| panic!("no column {path}")).id
    }

    /// A document to be taken over into columns (site number, path).
    pub async fn item(&self, key: &str, at: &[(usize, &str)], title: &str) -> Imported {
        let mut columns = Vec::new();
        for (s, path) in at {
            columns.push(self.column(self.sites[*s], path).await);
        }
        let home = at.first().map_or(0, |(s, _)| *s);
        Imported {
            key: key.into(),
            organ: self.organs[home],
            site: self.sites[home],
            columns,
            kind: DocumentKind::News,
            content: content(title),
            published_on: None,
            published_at: Some(self.house.app.env.now()),
            migrated: false,
            files: Vec::new(),
        }
    }

    /// Takes a document over and releases it.
    pub async fn import(&self, item: Imported) -> Id {
        let mut tx = self.write().await;
        let (id, _) = commands::import(&mut tx, item).await.expect("it is imported");
        tx.commit().await.expect("committed");
        id
    }

    /// A live document of its own, in columns of sites.
    pub async fn publish(&self, key: &str, at: &[(usize, &str)], title: &str) -> Id {
        let item = self.item(key, at, title).await;
        self.import(item).await
    }

    /// Writes, reviews and releases a new edition; `None` leaves title or columns as they are.
    pub async fn revise(&self, id: Id, title: Option<&str>, columns: Option<Vec<Id>>) -> Result<()> {
        let mut tx = self.write().await;
        let mut d = commands::revise(&mut tx, id).await?;
        let edition = d.draft.expect("a draft");
        let mut content = document::get_edition(&mut tx, edition).await?.content;
        if let Some(title) = title {
            content.title = title.into();
        }
        let columns = match columns {
            Some(c) => c,
            None => document::edition_columns(&mut tx, edition).await?,
        };
        let draft =
            Draft { document: Some(id), lock_version: d.lock_version, site: d.site, kind: d.kind, content, columns };
        d = commands::save(&mut tx, draft).await?;
        commands::submit(&mut tx, d.id).await?;
        commands::approve(&mut tx, id, "").await?;
        commands::publish(&mut tx, id, "").await?;
        tx.commit().await?;
        Ok(())
    }

    /// Withdraws a document.
    pub async fn withdraw(&self, id: Id) -> Result<()> {
        let mut tx = self.write().await;
        commands::withdraw(&mut tx, id, "error", "内容有误，已核实").await?;
        tx.commit().await?;
        Ok(())
    }

    /// The current address of a document on a site.
    pub async fn path(&self, id: Id, site: Id) -> String {
        let mut tx = self.house.app.db.read().await.expect("a view");
        let all = document::addresses(&mut tx, &[id]).await.expect("addresses");
        all.into_iter().find(|a| a.current && a.site == site).expect("an address").path
    }

    /// Everything that the public can see now.
    pub async fn dump(&self) -> Dump {
        dump(&self.house.app.publisher).await
    }

    /// What a publisher makes from nothing but the truth: no routes, no pages, an empty folder.
    pub async fn from_nothing(&self) -> Dump {
        self.raw(&["DELETE FROM route"]).await;
        let dir = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(dir.path()).expect("a folder");
        let app = &self.house.app;
        let renderer = Arc::new(City::new(app.templates.clone(), app.assets.clone()));
        // Uploaded files are part of the truth; only what can be made again is left behind.
        let publisher =
            Publisher::open(app.db.clone(), app.env.clone(), &folder, renderer, 8 << 20).await.expect("a publisher");
        publisher.rebuild(None, &|_, _| {}).await.expect("rebuilt");
        dump(&publisher).await
    }

    /// Changes the database behind the product's back.
    pub async fn raw(&self, statements: &[&str]) {
        match &self.which.database {
            None => {
                let file = format!("sqlite://{}", self.house.folder.database().display());
                let mut c = sqlx::SqliteConnection::connect(&file).await.expect("a connection");
                for s in statements {
                    sqlx::query(AssertSqlSafe((*s).to_string())).execute(&mut c).await.expect("a statement");
                }
                c.close().await.expect("closed");
            }
            Some(url) => {
                let mut c = sqlx::PgConnection::connect(url).await.expect("a connection");
                let schema = self.which.schema.as_deref().unwrap_or("public");
                sqlx::query(AssertSqlSafe(format!("SET search_path TO {schema}")))
                    .execute(&mut c)
                    .await
                    .expect("a path");
                for s in statements {
                    sqlx::query(AssertSqlSafe((*s).to_string())).execute(&mut c).await.expect("a statement");
                }
                c.close().await.expect("closed");
            }
        }
    }

    /// A count.
    pub async fn count(&self, sql: &'static str) -> i64 {
        let mut tx = self.house.app.db.read().await.expect("a view");
        platform::Read::scalar(&mut tx, sql, vec![]).await.expect("a number")
    }

    /// Asks the public side as a browser would.
    pub async fn get(&self, slug: &str, path: &str) -> (u16, BTreeMap<String, String>, Vec<u8>) {
        use http_body_util::BodyExt;
        use tower::ServiceExt;
        let request = axum::http::Request::builder()
            .uri(path)
            .header("host", format!("{slug}.localhost:8080"))
            .body(axum::body::Body::empty())
            .expect("a request");
        let service = gongkai::serve::public(&self.house.app);
        let answer = service.oneshot(request).await.expect("an answer");
        let status = answer.status().as_u16();
        let headers = answer
            .headers()
            .iter()
            .map(|(k, v)| (k.as_str().to_string(), v.to_str().unwrap_or_default().to_string()))
            .collect();
        let body = answer.into_body().collect().await.expect("a body").to_bytes().to_vec();
        (status, headers, body)
    }

    /// Closes it and takes its schema away.
    pub async fn end(self) {
        let TestCity { house, which, .. } = self;
        house.close().await;
        if let (Some(url), Some(schema)) = (&which.database, &which.schema) {
            let mut c = sqlx::PgConnection::connect(url).await.expect("a connection");
            // Thousands of rows of a few tables: dropping them one by one would take longer than the test.
            sqlx::query(AssertSqlSafe(format!("DROP SCHEMA {schema} CASCADE"))).execute(&mut c).await.expect("dropped");
            c.close().await.expect("closed");
        }
    }
}

/// Everything that a publisher shows.
pub async fn dump(publisher: &Publisher) -> Dump {
    let table = publisher.side().table();
    let mut out = Dump::new();
    for site in table.sites() {
        for (path, entry) in table.of_site(site) {
            let bytes = publisher.page(&Address::new(site, path)).await.expect("its bytes").unwrap_or_default();
            let seen = (entry.status, entry.media.to_string(), entry.target.as_deref().map(str::to_string), bytes);
            out.insert((site.to_string(), path.to_string()), seen);
        }
    }
    out
}

/// Fails with the first difference, told so that a person sees it.
pub fn same(what: &str, a: &Dump, b: &Dump) {
    let mut told = Vec::new();
    for key in a.keys().chain(b.keys()).collect::<std::collections::BTreeSet<_>>() {
        let (x, y) = (a.get(key), b.get(key));
        if x == y {
            continue;
        }
        let short = |s: Option<&Seen>| match s {
            None => "nothing".to_string(),
            Some((status, media, target, bytes)) => format!("{status} {media} {target:?} {} bytes", bytes.len()),
        };
        let mut line = format!("{} {}: {} | {}", key.0, key.1, short(x), short(y));
        if let (Some(x), Some(y)) = (x, y) {
            let (x, y) = (String::from_utf8_lossy(&x.3), String::from_utf8_lossy(&y.3));
            if let Some((l, r)) = x.lines().zip(y.lines()).find(|(l, r)| l != r) {
                line.push_str(&format!(
                    "\n    {}\n    {}",
                    kernel::text::clip(l.trim(), 300),
                    kernel::text::clip(r.trim(), 300)
                ));
            }
        }
        told.push(line);
    }
    assert!(told.is_empty(), "{what}: {} addresses differ\n{}", told.len(), told[..told.len().min(8)].join("\n"));
}

/// An ordinary text.
pub fn content(title: &str) -> Content {
    Content {
        title: title.into(),
        summary: format!("{title}的摘要"),
        body: format!("<p>{title}的正文。</p><p>第二段。</p>"),
        source: "云川市人民政府办公室".into(),
        validity: Validity::None,
        ..Content::default()
    }
}

fn settings(name: &str, theme: &str, n: usize) -> SiteSettings {
    SiteSettings {
        name: name.into(),
        short_name: name.chars().take(3).collect(),
        theme: theme.into(),
        id_code: format!("990100000{}", n + 1),
        sub: "网站".into(),
        icp: String::new(),
        psb: String::new(),
        psb_code: String::new(),
        conac: String::new(),
        sponsor: format!("{name}办公室"),
        operator: format!("{name}办公室"),
        phone: "0990-1234567".into(),
        hours: "工作日 9:00-17:30".into(),
        address: "云川市人民路1号".into(),
        search_hint: "搜政策、公告、新闻".into(),
        grey: false,
    }
}

fn columns() -> Vec<ColumnTree> {
    serde_json::from_value(serde_json::json!([
        { "slug": "xinwen", "name": "新闻", "description": "新闻动态", "keywords": "新闻", "type": "政务动态", "role": "news", "children": [
            { "slug": "yaowen", "name": "要闻", "description": "本地要闻", "keywords": "要闻", "type": "政务动态" },
            { "slug": "dongtai", "name": "部门动态", "description": "部门动态", "keywords": "动态", "type": "政务动态" },
        ]},
        { "slug": "gonggao", "name": "公告", "description": "通知公告", "keywords": "公告", "type": "其他", "role": "notice" },
        { "slug": "zhengce", "name": "政策", "description": "政策", "keywords": "政策", "type": "文件资料/政策文件", "role": "policy", "children": [
            { "slug": "wenjian", "name": "文件", "description": "政策文件", "keywords": "文件", "type": "文件资料/政策文件" },
        ]},
    ]))
    .expect("columns")
}
