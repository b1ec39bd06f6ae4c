//! The staff pages as a person meets them: real requests through the staff door, on a city in a folder of its own.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::body::{Body, to_bytes};
use axum::handler::Handler;
use axum::http::{Request, header};
use futures_util::future::BoxFuture;
use kernel::permission::{Grant, Role, Scope};
use kernel::{Actor, Id, Result, Timestamp};
use platform::audit::Entry;
use platform::env::{Seeded, StandingClock};
use platform::folder::Folder;
use platform::publish::{Address, Finish, Hosts, Publisher, Renderer, Touched};
use platform::{Db, Env, ReadTx};
use records::site::{NewColumn, SiteKind, SiteSettings, SiteStatus};
use records::{account, document, organ, site};
use web::App;

struct Nothing;

impl Renderer for Nothing {
    fn fingerprint(&self) -> String {
        "nothing".into()
    }
    fn touched<'a>(&'a self, _: &'a mut ReadTx, _: &'a [platform::outbox::Event]) -> BoxFuture<'a, Result<Touched>> {
        Box::pin(async { Ok(Touched::default()) })
    }
    fn all<'a>(&'a self, _: &'a mut ReadTx, _: Option<Id>) -> BoxFuture<'a, Result<Vec<Address>>> {
        Box::pin(async { Ok(Vec::new()) })
    }
    fn prepare<'a>(&'a self, _: &'a mut ReadTx, _: &'a [Address]) -> BoxFuture<'a, Result<Finish>> {
        Box::pin(async { Ok(Box::new(|| Ok(Vec::new())) as Finish) })
    }
    fn hosts<'a>(&'a self, _: &'a mut ReadTx) -> BoxFuture<'a, Result<Hosts>> {
        Box::pin(async { Ok(Hosts::default()) })
    }
}

struct Person {
    cookie: String,
    csrf: String,
}

struct City {
    router: axum::Router,
    app: App,
    dir: std::path::PathBuf,
    editor: Person,
    second: Person,
    reviewer: Person,
    publisher: Person,
    stranger: Person,
    column: Id,
    foreign: Id,
}

impl Drop for City {
    fn drop(&mut self) {
        // The folder is the test's own; what cannot be removed is left to the system.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn settings(name: &str) -> SiteSettings {
    let none = String::new;
    SiteSettings {
        name: name.into(),
        short_name: name.into(),
        theme: none(),
        id_code: none(),
        sub: none(),
        icp: none(),
        psb: none(),
        psb_code: none(),
        conac: none(),
        sponsor: none(),
        operator: none(),
        phone: none(),
        hours: none(),
        address: none(),
        search_hint: none(),
        grey: false,
    }
}

async fn city(name: &str) -> City {
    let dir = std::env::temp_dir().join(format!("gongkai-flow-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("dir");
    let folder = Folder::open(&dir).expect("folder");
    let entropy = Arc::new(Seeded::new([7; 32]));
    let now = Timestamp(1_790_000_000_000);
    let env = Env { clock: Arc::new(StandingClock::at(now)), entropy: entropy.clone() };
    let crypto = Arc::new(platform::crypto::Standard::without_key(entropy));
    let db = Db::sqlite(&folder.database(), crypto).await.expect("db");
    let ctx = env.ctx(Actor::system("测试"));
    let mut tx = db.write(&ctx).await.expect("tx");
    let from_on = now.day();
    let mut organs = Vec::new();
    for (slug, name) in [("zhujian", "市住建局"), ("jiaoyu", "市教育局")] {
        let o = organ::NewOrgan {
            slug: slug.into(),
            kind: organ::OrganKind::Department,
            parent: None,
            name: name.into(),
            short_name: name.into(),
            division: "000000".into(),
            credit_code: None,
            phone: String::new(),
            address: String::new(),
            hours: String::new(),
            duties: String::new(),
            sort: 0,
            from_on,
        };
        organs.push(organ::insert(&mut tx, &o).await.expect("organ"));
    }
    let (home, other) = (organs[0], organs[1]);
    site::insert_city(&mut tx, "云川市", true, home).await.expect("city");
    let mut places = Vec::new();
    for (slug, organ, name) in [("zhujian", home, "市住建局"), ("jiaoyu", other, "市教育局")] {
        let s = site::insert(&mut tx, slug, organ, SiteKind::Department, SiteStatus::Running, &settings(name), true, 0)
            .await
            .expect("site");
        let c = NewColumn {
            slug: "gonggao".into(),
            name: "通知公告".into(),
            description: String::new(),
            keywords: String::new(),
            kind: String::new(),
            role: String::new(),
            sort: 0,
        };
        places.push((s, site::insert_column(&mut tx, s, None, &c).await.expect("column").id));
    }
    let mut people = Vec::new();
    for (i, (role, at)) in
        [(Role::Editor, 0), (Role::Editor, 0), (Role::Reviewer, 0), (Role::Publisher, 0), (Role::Editor, 1)]
            .into_iter()
            .enumerate()
    {
        let id = account::insert(&mut tx, &format!("u{i}"), &format!("人员{i}"), organs[at], "x", false)
            .await
            .expect("account");
        account::grant(&mut tx, id, Grant { role, scope: Scope::Site(places[at].0) }).await.expect("grant");
        people.push(id);
    }
    // The first editor is a reviewer and publisher too: separation must hold within one person.
    for role in [Role::Reviewer, Role::Publisher] {
        account::grant(&mut tx, people[0], Grant { role, scope: Scope::Site(places[0].0) }).await.expect("grant");
    }
    tx.audit(Entry::note("test.city", "city", "done"));
    tx.commit().await.expect("commit");
    let mut signed = Vec::new();
    for id in &people {
        let token = platform::session::begin(&db, &ctx, *id, true).await.expect("session");
        let mut tx = db.read().await.expect("read");
        let s = platform::session::find(&mut tx, &token, now).await.expect("find").expect("session");
        signed.push(Person { cookie: format!("{}={token}", web::staff::COOKIE), csrf: s.csrf });
    }
    let publisher = Publisher::open(db.clone(), env.clone(), &folder, Arc::new(Nothing), 1 << 20).await.expect("pub");
    let app = App {
        db,
        env,
        publisher,
        originals: platform::originals::Originals::new(folder.originals()),
        index: Arc::new(search::Index::in_memory().expect("index")),
        templates: Arc::new(crate::templates()),
        assets: Arc::new(web::assets::Assets::new()),
        place: Arc::new(web::app::Place {
            public_port: 8080,
            staff_port: 8081,
            addresses: platform::config::Addresses::Local,
            secure: false,
        }),
        ready: Arc::new(AtomicBool::new(true)),
    };
    let router = web::staff::router(app.clone(), super::routes(), super::menu());
    let mut signed = signed.into_iter();
    let mut next = || signed.next().expect("person");
    City {
        router,
        app,
        dir,
        editor: next(),
        second: next(),
        reviewer: next(),
        publisher: next(),
        stranger: next(),
        column: places[0].1,
        foreign: places[1].1,
    }
}

struct Answer {
    status: u16,
    to: String,
    text: String,
}

impl City {
    async fn send(&self, r: Request<Body>) -> Answer {
        let r = Handler::<_, ()>::call(axum::routing::any_service(self.router.clone()), r, ()).await;
        let status = r.status().as_u16();
        let to = r.headers().get(header::LOCATION).and_then(|v| v.to_str().ok()).unwrap_or_default().to_string();
        let bytes = to_bytes(r.into_body(), usize::MAX).await.expect("body");
        // Templates write slashes as entities; what a browser reads is compared.
        Answer { status, to, text: String::from_utf8_lossy(&bytes).replace("&#x2f;", "/") }
    }

    async fn get(&self, who: &Person, path: &str) -> Answer {
        let r = Request::get(path).header(header::COOKIE, &who.cookie).body(Body::empty()).expect("request");
        self.send(r).await
    }

    async fn post(&self, who: &Person, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.append_pair("_csrf", &who.csrf).extend_pairs(fields);
        let r = Request::post(path)
            .header(header::COOKIE, &who.cookie)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body.finish()))
            .expect("request");
        self.send(r).await
    }

    async fn upload(&self, who: &Person, path: &str, fields: &[(&str, &str)], files: &[(&str, &[u8])]) -> Answer {
        let mut body: Vec<u8> = Vec::new();
        for (k, v) in [("_csrf", who.csrf.as_str())].iter().chain(fields) {
            body.extend(format!("--B\r\nContent-Disposition: form-data; name=\"{k}\"\r\n\r\n{v}\r\n").bytes());
        }
        for (name, bytes) in files {
            body.extend(
                format!("--B\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{name}\"\r\n\r\n").bytes(),
            );
            body.extend_from_slice(bytes);
            body.extend(b"\r\n");
        }
        body.extend(b"--B--\r\n");
        let r = Request::post(path)
            .header(header::COOKIE, &who.cookie)
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=B")
            .body(Body::from(body))
            .expect("request");
        self.send(r).await
    }

    async fn document(&self, id: &str) -> document::Document {
        let mut tx = self.app.db.read().await.expect("read");
        document::get(&mut tx, id.parse().expect("id")).await.expect("document")
    }

    /// A draft of the first editor.
    async fn draft(&self) -> String {
        let column = self.column.to_string();
        let a = self.upload(&self.editor, "/documents/new", &text(&column, "0", "save"), &[]).await;
        assert_eq!(a.status, 303, "{}", a.text);
        a.to.trim_start_matches("/documents/").trim_end_matches("/edit").to_string()
    }

    /// A document of the second editor, released by the publisher.
    async fn released(&self) -> String {
        let column = self.column.to_string();
        let a = self.upload(&self.second, "/documents/new", &text(&column, "0", "submit"), &[]).await;
        assert_eq!(a.status, 303, "{}", a.text);
        let path = a.to.clone();
        for (who, act, fields) in [
            (&self.reviewer, "review", [("do", "pass"), ("comment", "同意")]),
            (&self.publisher, "publish", [("when", "now"), ("note", "")]),
        ] {
            let a = self.post(who, &format!("{path}/{act}"), &fields).await;
            assert_eq!(a.status, 303, "{act}: {}", a.text);
        }
        path.trim_start_matches("/documents/").to_string()
    }
}

fn text<'a>(column: &'a str, lock: &'a str, act: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("lock_version", lock),
        ("do", act),
        ("title", "关于供暖的公告"),
        ("kind", "notice"),
        ("number", "云建发[2026]05号"),
        ("source", "市住建局"),
        ("body", "十一月一日起供暖。"),
        ("main_column", column),
    ]
}

fn with<'a>(mut fields: Vec<(&'a str, &'a str)>, key: &str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    fields.retain(|(k, _)| *k != key);
    if let Some(k) =
        ["title", "body", "written_on", "main_column", "columns", "kind", "drop"].iter().find(|k| **k == key)
    {
        fields.push((k, value));
    }
    fields
}

#[tokio::test]
async fn a_text_goes_its_whole_way() {
    let c = city("way").await;
    assert!(c.get(&c.editor, "/documents").await.text.contains("还没有信息"));
    let id = c.released().await;
    let page = c.get(&c.publisher, &format!("/documents/{id}")).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.text.contains("http://zhujian.localhost:8080/gonggao/"), "{}", page.text);
    assert!(page.text.contains("云建发〔2026〕5号"), "canonical number");
    let list = c.get(&c.second, "/documents?state=published&mine=1&kind=notice&site=zhujian").await;
    assert!(list.status == 200 && list.text.contains("关于供暖的公告"), "{}", list.text);
    let csv = c.get(&c.second, "/documents.csv").await;
    assert!(csv.text.starts_with('\u{feff}') && csv.text.contains("关于供暖的公告"), "{}", csv.text);

    // A second edition, compared, scheduled, taken back, discarded, restored.
    let path = format!("/documents/{id}");
    assert_eq!(c.post(&c.second, &format!("{path}/revise"), &[]).await.status, 303);
    let lock = c.document(&id).await.lock_version.to_string();
    let column = c.column.to_string();
    let changed = with(text(&column, &lock, "submit"), "body", "十月二十日起供暖。");
    let a = c.upload(&c.second, &format!("{path}/edit"), &changed, &[]).await;
    assert_eq!(a.status, 303, "{}", a.text);
    let diff = c.get(&c.reviewer, &format!("{path}/diff?a=1&b=2")).await;
    assert!(diff.status == 200 && diff.text.contains("<del>") && diff.text.contains("<ins>"), "{}", diff.text);
    let review = c.get(&c.reviewer, &format!("{path}/review?view=diff")).await;
    assert!(review.status == 200 && review.text.contains("<ins>"), "{}", review.text);
    let a = c.post(&c.reviewer, &format!("{path}/review"), &[("do", "return"), ("comment", "")]).await;
    assert!(a.status == 422 && a.text.contains("退回的原因"), "{}", a.text);
    assert_eq!(c.post(&c.reviewer, &format!("{path}/review"), &[("do", "pass"), ("comment", "")]).await.status, 303);
    let past = [("when", "at"), ("at", "2020-01-01T09:00")];
    assert_eq!(c.post(&c.publisher, &format!("{path}/publish"), &past).await.status, 422);
    let day = kernel::time::iso(c.app.env.now().plus_minutes(3 * 24 * 60).day());
    let later = [("when", "at"), ("at", &format!("{day}T09:30") as &str)];
    assert_eq!(c.post(&c.publisher, &format!("{path}/publish"), &later).await.status, 303);
    assert!(c.get(&c.publisher, &path).await.text.contains("取消定时发布"));
    assert_eq!(c.post(&c.publisher, &format!("{path}/unschedule"), &[]).await.status, 303);
    let back = [("do", "return"), ("comment", "日期再核对")];
    assert_eq!(c.post(&c.reviewer, &format!("{path}/review"), &back).await.status, 303);
    assert!(c.get(&c.second, &format!("{path}/edit")).await.text.contains("日期再核对"));
    assert_eq!(c.post(&c.second, &format!("{path}/discard"), &[]).await.status, 303);
    let history = c.get(&c.second, &format!("{path}/history")).await;
    assert!(history.status == 200 && history.text.contains("恢复这一稿"), "{}", history.text);
    assert_eq!(c.post(&c.second, &format!("{path}/editions/2/restore"), &[]).await.status, 303);
    assert_eq!(c.get(&c.second, &format!("{path}/editions/1")).await.status, 200);
    assert_eq!(c.get(&c.second, &format!("{path}/editions/99")).await.status, 404);

    // Withdrawal: every gap is told, then it is done, once.
    let a = c.post(&c.publisher, &format!("{path}/withdraw"), &[("ground", ""), ("text", "")]).await;
    assert!(a.status == 422 && a.text.contains("请选择撤回理由") && a.text.contains("打勾"), "{}", a.text);
    let sure = [("ground", "error"), ("text", "日期写错"), ("sure", "1")];
    assert_eq!(c.get(&c.publisher, &format!("{path}/withdraw")).await.status, 200);
    assert_eq!(c.post(&c.publisher, &format!("{path}/withdraw"), &sure).await.status, 303);
    assert_eq!(c.post(&c.publisher, &format!("{path}/withdraw"), &sure).await.status, 409);
    assert!(c.document(&id).await.live.is_none());
}

#[tokio::test]
async fn nobody_decides_about_their_own() {
    let c = city("own").await;
    let id = c.draft().await;
    let path = format!("/documents/{id}");
    let page = c.get(&c.editor, &path).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert_eq!(c.post(&c.editor, &format!("{path}/submit"), &[]).await.status, 303);
    let page = c.get(&c.editor, &path).await;
    assert!(page.text.contains("应当由别人审核"), "{}", page.text);
    assert_eq!(c.post(&c.editor, &format!("{path}/review"), &[("do", "pass")]).await.status, 403);
    assert_eq!(c.post(&c.reviewer, &format!("{path}/review"), &[("do", "pass")]).await.status, 303);
    assert_eq!(c.post(&c.editor, &format!("{path}/publish"), &[("when", "now")]).await.status, 403);
    let page = c.get(&c.editor, &format!("{path}/publish")).await;
    assert!(page.status == 200 && page.text.contains("应当由别人签发"), "{}", page.text);
    assert_eq!(c.post(&c.reviewer, &format!("{path}/publish"), &[("when", "now")]).await.status, 403);
}

#[tokio::test]
async fn two_who_save_lose_nothing() {
    let c = city("stale").await;
    let id = c.draft().await;
    let (path, column) = (format!("/documents/{id}/edit"), c.column.to_string());
    let lock = c.document(&id).await.lock_version.to_string();
    let theirs = with(text(&column, &lock, "save"), "body", "对方写的一段。");
    assert_eq!(c.upload(&c.second, &path, &theirs, &[]).await.status, 303);
    let mine = with(text(&column, &lock, "save"), "body", "我写的一段。");
    let a = c.upload(&c.editor, &path, &mine, &[]).await;
    assert_eq!(a.status, 409, "{}", a.text);
    assert!(a.text.contains("人员1") && a.text.contains("我写的一段"), "{}", a.text);
    let new = c.document(&id).await.lock_version.to_string();
    assert!(a.text.contains(&format!("name=\"lock_version\" value=\"{new}\"")), "{}", a.text);
    let mine = with(text(&column, &new, "save"), "body", "我写的一段。");
    assert_eq!(c.upload(&c.editor, &path, &mine, &[]).await.status, 303);
    // A decision on something that has changed since is not taken.
    let a = c.post(&c.editor, &format!("/documents/{id}/submit"), &[("lock_version", &lock)]).await;
    assert_eq!(a.status, 409, "{}", a.text);
}

#[tokio::test]
async fn hostile_input_meets_the_right_refusal() {
    let c = city("hostile").await;
    let (column, foreign) = (c.column.to_string(), c.foreign.to_string());
    let fine = || text(&column, "0", "save");
    let long = "长".repeat(10_000);
    for (key, value, want) in [
        ("title", long.as_str(), "超过 200 个字"),
        ("written_on", "2026-02-30", "不是有效日期"),
        ("main_column", "nonsense", "没有这个栏目"),
        ("main_column", foreign.as_str(), "没有这个栏目"),
        ("columns", foreign.as_str(), "没有这个栏目"),
        ("kind", "evil", "请选择类型"),
        ("body", "机密★5年", "国家秘密标志"),
    ] {
        let a = c.upload(&c.editor, "/documents/new", &with(fine(), key, value), &[]).await;
        assert!(a.status == 422 && a.text.contains(want), "{key}: {} {}", a.status, a.text);
        assert!(a.text.contains("市住建局"), "typed fields stay");
    }
    let a =
        c.upload(&c.editor, "/documents/new", &with(fine(), "body", "<p>文</p><script>alert(1)</script>"), &[]).await;
    assert_eq!(a.status, 303, "{}", a.text);
    let page = c.get(&c.editor, &a.to).await;
    assert!(page.status == 200 && !page.text.contains("alert(1)"), "{}", page.text);
    let preview: Vec<_> = with(fine(), "body", "<p>文</p><script>alert(1)</script>")
        .into_iter()
        .map(|(k, v)| (k, if k == "do" { "preview" } else { v }))
        .collect();
    let a = c.upload(&c.editor, "/documents/new", &preview, &[]).await;
    assert!(a.status == 200 && a.text.contains("脚本") && !a.text.contains("<script>"), "{}", a.text);

    // Another office's document does not exist; neither do strange ids.
    let id = c.draft().await;
    for path in ["", "/edit", "/history", "/diff?a=1&b=1", "/editions/1"] {
        assert_eq!(c.get(&c.stranger, &format!("/documents/{id}{path}")).await.status, 404, "{path}");
    }
    for act in ["submit", "discard", "revise", "relations", "editions/1/restore"] {
        assert_eq!(c.post(&c.stranger, &format!("/documents/{id}/{act}"), &[]).await.status, 404, "{act}");
    }
    assert_eq!(c.get(&c.editor, "/documents/..%2f").await.status, 404);
    assert_eq!(c.get(&c.stranger, "/documents?site=zhujian").await.status, 404);
    assert_eq!(c.get(&c.editor, "/documents?state=x").await.status, 422);
    let mut no_token = Request::post(format!("/documents/{id}/submit"));
    no_token = no_token.header(header::COOKIE, &c.editor.cookie);
    assert_eq!(c.send(no_token.body(Body::from("")).expect("request")).await.status, 403);
}

#[tokio::test]
async fn files_and_relations() {
    let c = city("files").await;
    let column = c.column.to_string();
    let files: [(&str, &[u8]); 2] = [("表.pdf", b"%PDF-1.7 x"), ("坏.exe", b"MZ")];
    let a = c.upload(&c.editor, "/documents/new", &text(&column, "0", "save"), &files).await;
    assert_eq!(a.status, 422, "{}", a.text);
    assert!(a.text.contains("坏.exe") && a.text.contains("表.pdf") && a.text.contains("文字已保存"), "{}", a.text);
    let start = a.text.find("/files/").expect("file link");
    let href = a.text.get(..start).and_then(|t| t.rfind("/documents/")).expect("href");
    let url: String = a.text.get(href..).unwrap_or_default().chars().take_while(|c| *c != '"').collect();
    let file = c.get(&c.editor, &url).await;
    assert!(file.status == 200 && file.text.starts_with("%PDF"), "{url} {}", file.status);
    assert_eq!(c.get(&c.stranger, &url).await.status, 404);
    let big = vec![b'%'; 9 << 20];
    let mut pdf = b"%PDF-1.7 ".to_vec();
    pdf.extend(big);
    let a = c.upload(&c.editor, "/documents/new", &text(&column, "0", "save"), &[("大.pdf", &pdf)]).await;
    assert_eq!(a.status, 303, "nine megabytes: {}", a.text);

    let (one, two) = (c.draft().await, c.released().await);
    let path = format!("/documents/{one}/relations");
    let a = c.post(&c.editor, &path, &[("kind", "interprets"), ("to", "https://example.org/x")]).await;
    assert!(a.status == 422 && a.text.contains("没有找到这条信息"), "{} {}", a.status, a.text);
    let a = c.post(&c.editor, &path, &[("kind", "interprets"), ("to", &two)]).await;
    assert_eq!(a.status, 303, "{}", a.text);
    assert!(c.get(&c.editor, &format!("/documents/{one}")).await.text.contains("取消关联"));
    let gone = [("kind", "interprets"), ("to", two.as_str())];
    assert_eq!(c.post(&c.editor, &format!("{path}/remove"), &gone).await.status, 303);
    assert_eq!(c.post(&c.editor, &format!("{path}/remove"), &gone).await.status, 404);
}
