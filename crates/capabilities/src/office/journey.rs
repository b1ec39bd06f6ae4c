//! The staff door from outside: a small city over HTTP, as a browser without scripts meets it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use futures_util::future::BoxFuture;
use kernel::permission::{Grant, Role, Scope};
use kernel::{Actor, Id, Timestamp};
use platform::env::{Seeded, StandingClock};
use platform::folder::Folder;
use platform::originals::Originals;
use platform::outbox::Event;
use platform::publish::{Address, Finish, Hosts, Publisher, Renderer, Touched};
use platform::{Db, Env, Read, ReadTx};
use records::organ::{NewOrgan, OrganKind};
use records::{account, organ, site};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use web::App;

use super::api;

struct Nothing;

impl Renderer for Nothing {
    fn fingerprint(&self) -> String {
        String::new()
    }
    fn touched<'a>(&'a self, _: &'a mut ReadTx, _: &'a [Event]) -> BoxFuture<'a, kernel::Result<Touched>> {
        Box::pin(async { Ok(Touched::default()) })
    }
    fn all<'a>(&'a self, _: &'a mut ReadTx, _: Option<Id>) -> BoxFuture<'a, kernel::Result<Vec<Address>>> {
        Box::pin(async { Ok(Vec::new()) })
    }
    fn prepare<'a>(&'a self, _: &'a mut ReadTx, _: &'a [Address]) -> BoxFuture<'a, kernel::Result<Finish>> {
        Box::pin(async { Ok(Box::new(|| Ok(Vec::new())) as Finish) })
    }
    fn hosts<'a>(&'a self, _: &'a mut ReadTx) -> BoxFuture<'a, kernel::Result<Hosts>> {
        Box::pin(async { Ok(Hosts::default()) })
    }
}

const PASSWORD: &str = "云川的天空很蓝很蓝呀";

struct City {
    app: App,
    clock: Arc<StandingClock>,
    address: std::net::SocketAddr,
    folder: std::path::PathBuf,
    organ: Id,
}

impl Drop for City {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn noon() -> Timestamp {
    Timestamp::at(kernel::time::parse_date("2026-11-22").expect("day"), 12, 0)
}

fn new_organ(slug: &str, kind: OrganKind, parent: Option<Id>, name: &str, short: &str) -> NewOrgan {
    NewOrgan {
        slug: slug.into(),
        kind,
        parent,
        name: name.into(),
        short_name: short.into(),
        division: "990100".into(),
        credit_code: None,
        phone: String::new(),
        address: String::new(),
        hours: String::new(),
        duties: String::new(),
        sort: 1,
        from_on: kernel::time::parse_date("2002-03-01").expect("day"),
    }
}

async fn city(name: &str) -> City {
    let root = std::env::temp_dir().join(format!("gongkai-office-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&root);
    let folder = Folder::open(&root).expect("folder");
    let clock = Arc::new(StandingClock::at(noon()));
    let env = Env { clock: clock.clone(), entropy: Arc::new(Seeded::new([7; 32])) };
    let crypto = Arc::new(platform::crypto::Standard::with_key([3; 32], env.entropy.clone()));
    let db = Db::sqlite(&folder.database(), crypto).await.expect("database");
    let publisher =
        Publisher::open(db.clone(), env.clone(), &folder, Arc::new(Nothing), 1 << 20).await.expect("publisher");
    let app = App {
        db,
        env: env.clone(),
        publisher,
        originals: Originals::new(folder.originals()),
        index: Arc::new(search::Index::open(&folder.index()).expect("index").index),
        templates: Arc::new(crate::templates()),
        assets: Arc::new(web::assets::Assets::new()),
        place: Arc::new(web::app::Place {
            public_port: 1,
            staff_port: 2,
            addresses: platform::config::Addresses::Local,
            secure: false,
        }),
        ready: Arc::new(AtomicBool::new(true)),
    };
    let mut tx = app.db.write(&env.ctx(Actor::system("测试"))).await.expect("write");
    let top = new_organ("yunchuan", OrganKind::Government, None, "云川市人民政府", "市政府");
    let top = super::commands::organ::found(&mut tx, &top, "测试依据").await.expect("city");
    let bureau = new_organ("zhujian", OrganKind::Department, Some(top), "云川市住房和城乡建设局", "市住建局");
    let organ = super::commands::organ::found(&mut tx, &bureau, "测试依据").await.expect("bureau");
    site::insert_city(&mut tx, "云川市", true, top).await.expect("city");
    for (username, name, role) in [
        ("editor", "顾北辰", Some(Role::Editor)),
        ("colleague", "沈如霜", Some(Role::Editor)),
        ("system", "许慎之", Some(Role::SystemAdmin)),
        ("security", "方致远", Some(Role::SecurityAdmin)),
        ("nobody", "周予安", None),
    ] {
        let new = api::NewAccount {
            username: username.into(),
            name: name.into(),
            organ,
            password_hash: api::hash_password(PASSWORD, env.entropy.as_ref()).expect("hash"),
            must_change: false,
        };
        let id = api::create_account(&mut tx, &new).await.expect("account");
        if let Some(role) = role {
            let scope = if role.is_administrator() { Scope::City } else { Scope::Organ(organ) };
            api::grant_role(&mut tx, id, Grant { role, scope }).await.expect("grant");
        }
        if name == "许慎之" || name == "方致远" {
            api::set_totp(&mut tx, id, SECRET).await.expect("totp");
        }
    }
    tx.commit().await.expect("commit");
    let router = web::staff::router(app.clone(), super::routes(), crate::menu());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("port");
    let address = listener.local_addr().expect("address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    City { app, clock, address, folder: root, organ }
}

const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// A browser: cookies, and the last page.
struct Browser {
    address: std::net::SocketAddr,
    cookies: BTreeMap<String, String>,
    status: u16,
    location: String,
    body: String,
}

impl Browser {
    fn new(city: &City) -> Browser {
        Browser {
            address: city.address,
            cookies: BTreeMap::new(),
            status: 0,
            location: String::new(),
            body: String::new(),
        }
    }

    async fn send(&mut self, head: String, body: &str) {
        let mut stream = tokio::net::TcpStream::connect(self.address).await.expect("connect");
        let cookies: Vec<String> = self.cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let request = format!(
            "{head}Host: office.test\r\nOrigin: http://office.test\r\nCookie: {}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            cookies.join("; "),
            body.len()
        );
        stream.write_all(request.as_bytes()).await.expect("send");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.expect("receive");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").expect("head and body");
        self.status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("status");
        self.location.clear();
        for line in head.lines().skip(1) {
            let Some((k, v)) = line.split_once(": ") else { continue };
            match k {
                "location" => self.location = v.to_string(),
                "set-cookie" => {
                    let (pair, rest) = v.split_once(';').expect("cookie");
                    let (name, value) = pair.split_once('=').expect("cookie");
                    assert!(rest.contains("HttpOnly") && rest.contains("SameSite=Strict"), "{v}");
                    if value.is_empty() {
                        self.cookies.remove(name);
                    } else {
                        self.cookies.insert(name.to_string(), value.to_string());
                    }
                }
                _ => {}
            }
        }
        self.body = body.replace("&#x2f;", "/").replace("&amp;", "&");
    }

    async fn get(&mut self, path: &str) -> u16 {
        self.send(format!("GET {path} HTTP/1.1\r\n"), "").await;
        self.status
    }

    /// Posts with the token of the last page; goes nowhere by itself.
    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> u16 {
        let token = self.hidden("_csrf");
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.append_pair("_csrf", &token);
        for (k, v) in fields {
            body.append_pair(k, v);
        }
        let head = format!("POST {path} HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n");
        self.send(head, &body.finish()).await;
        self.status
    }

    fn hidden(&self, name: &str) -> String {
        let mark = format!("name=\"{name}\" value=\"");
        self.body.split(&mark).nth(1).and_then(|r| r.split('"').next()).unwrap_or_default().to_string()
    }

    /// Follows redirections to a page.
    async fn follow(&mut self) -> u16 {
        for _ in 0..6 {
            if !(300..400).contains(&self.status) {
                break;
            }
            let to = self.location.clone();
            self.get(&to).await;
        }
        self.status
    }

    async fn sign_in(&mut self, city: &City, username: &str) {
        assert_eq!(self.get("/login").await, 200, "{}", self.body);
        let status = self.post("/login", &[("account", username), ("password", PASSWORD)]).await;
        assert_eq!(status, 303, "{}", self.body);
        if self.location.starts_with("/login/second") {
            assert_eq!(self.follow().await, 200, "{}", self.body);
            let code = api::totp_code(SECRET, city.app.env.now());
            let before = self.cookies.get("gk_staff").cloned();
            assert_eq!(self.post("/login/second", &[("code", &code)]).await, 303, "{}", self.body);
            assert_ne!(before, self.cookies.get("gk_staff").cloned(), "the token is new after the second factor");
        }
        assert_eq!(self.follow().await, 200, "{}", self.body);
    }
}

async fn outcomes(city: &City, action: &'static str) -> Vec<String> {
    let mut tx = city.app.db.read().await.expect("read");
    let rows = tx.rows("SELECT outcome FROM audit_entry WHERE action=$1 ORDER BY seq", platform::args![action]).await;
    rows.expect("rows").iter().map(|r| r.get("outcome").expect("outcome")).collect()
}

async fn id_of(city: &City, username: &str) -> Id {
    let mut tx = city.app.db.read().await.expect("read");
    account::find_username(&mut tx, username).await.expect("read").expect("account").id
}

#[tokio::test]
async fn coming_in_and_going_out() {
    let city = city("in").await;
    let mut b = Browser::new(&city);
    assert_eq!(b.get("/worklist?tab=review").await, 303);
    assert_eq!(b.location, "/login?next=%2Fworklist%3Ftab%3Dreview");
    assert_eq!(b.follow().await, 200);
    assert_eq!(b.hidden("next"), "/worklist?tab=review");
    // The same words for a wrong name and a wrong password.
    assert_eq!(b.post("/login", &[("account", "editor"), ("password", "wrong")]).await, 422);
    let wrong = b.body.replace("editor", "");
    assert_eq!(b.post("/login", &[("account", "editxx"), ("password", "wrong")]).await, 422);
    assert_eq!(wrong, b.body.replace("editxx", ""));
    assert!(!b.body.contains("wrong"), "nothing secret is written back");
    // In, to where one wanted to go; an outside address is not gone to.
    b.post("/login", &[("account", "editor"), ("password", PASSWORD), ("next", "//evil.example/")]).await;
    assert_eq!((b.status, b.location.as_str()), (303, "/"));
    assert_eq!(b.follow().await, 200);
    assert!(b.body.contains("我的草稿") && b.body.contains("建议绑定验证器"), "{}", b.body);
    for path in ["/account", "/delegations", "/worklist?tab=drafts", "/account/password", "/account/second"] {
        assert_eq!(b.get(path).await, 200, "{path}: {}", b.body);
    }
    for path in ["/users", "/organs", "/users/new", "/organs/new"] {
        assert_eq!(b.get(path).await, 403, "{path}");
    }
    b.get("/account").await;
    let token = b.cookies.get("gk_staff").cloned().expect("cookie");
    assert_eq!(b.post("/logout", &[]).await, 303);
    assert_eq!(b.follow().await, 200);
    assert!(b.body.contains("您已退出"));
    b.cookies.insert("gk_staff".into(), token);
    assert_eq!(b.get("/account").await, 303, "the old token is worth nothing");
    assert_eq!(b.follow().await, 200);
    assert!(b.body.contains("登录已经结束"));
    assert_eq!(outcomes(&city, "session.password").await, ["session.refused", "account.unknown", "done"]);
}

#[tokio::test]
async fn five_wrong_tries_lock() {
    let city = city("lock").await;
    let mut b = Browser::new(&city);
    b.get("/login").await;
    for _ in 0..5 {
        assert_eq!(b.post("/login", &[("account", "editor"), ("password", "wrong wrong")]).await, 422);
    }
    assert_eq!(b.post("/login", &[("account", "editor"), ("password", PASSWORD)]).await, 422, "locked");
    city.clock.set(noon().plus_minutes(14));
    assert_eq!(b.post("/login", &[("account", "editor"), ("password", PASSWORD)]).await, 422, "still locked");
    city.clock.set(noon().plus_minutes(15));
    assert_eq!(b.post("/login", &[("account", "editor"), ("password", PASSWORD)]).await, 303, "open again");
    let said = outcomes(&city, "session.password").await;
    assert_eq!(said.iter().filter(|o| *o == "account.locked").count(), 2);
}

#[tokio::test]
async fn a_code_works_once_and_the_password_alone_opens_nothing() {
    let city = city("totp").await;
    let mut b = Browser::new(&city);
    b.get("/login").await;
    b.post("/login", &[("account", "system"), ("password", PASSWORD)]).await;
    for path in ["/users", "/worklist", "/account", "/account/password", "/account/second"] {
        assert_eq!(b.get(path).await, 303, "{path}");
        assert!(b.location.starts_with("/login/second"), "{path} → {}", b.location);
    }
    b.get("/login/second").await;
    assert_eq!(b.post("/login/second", &[("code", "000000")]).await, 422);
    let code = api::totp_code(SECRET, noon());
    assert_eq!(b.post("/login/second", &[("code", &code)]).await, 303);
    let mut c = Browser::new(&city);
    c.get("/login").await;
    c.post("/login", &[("account", "system"), ("password", PASSWORD)]).await;
    c.get("/login/second").await;
    assert_eq!(c.post("/login/second", &[("code", &code)]).await, 422, "the code was used");
    city.clock.set(noon().plus_minutes(1));
    c.get("/login/second").await;
    let next = api::totp_code(SECRET, noon().plus_minutes(1));
    assert_eq!(c.post("/login/second", &[("code", &next)]).await, 303);
}

#[tokio::test]
async fn a_reviewer_must_bind_an_authenticator_first() {
    let city = city("bind").await;
    let id = id_of(&city, "nobody").await;
    let mut tx = city.app.db.write(&city.app.env.ctx(Actor::system("测试"))).await.expect("write");
    let reviewer = Grant { role: Role::Reviewer, scope: Scope::Organ(city.organ) };
    api::grant_role(&mut tx, id, reviewer).await.expect("grant");
    tx.commit().await.expect("commit");
    let mut b = Browser::new(&city);
    b.get("/login").await;
    b.post("/login", &[("account", "nobody"), ("password", PASSWORD)]).await;
    assert_eq!(b.follow().await, 200);
    assert!(b.body.contains("绑定验证器"), "{}", b.body);
    let sealed = b.hidden("sealed");
    let shown = b.body.split("gks-secret\">").nth(1).and_then(|r| r.split('<').next()).expect("secret");
    let secret: String = shown.chars().filter(|c| *c != ' ').collect();
    assert_eq!(b.post("/account/second", &[("sealed", &sealed), ("code", "123")]).await, 422);
    let sealed = b.hidden("sealed");
    let code = api::totp_code(&secret, noon());
    assert_eq!(b.post("/account/second", &[("sealed", &sealed), ("code", &code)]).await, 303, "{}", b.body);
    assert_eq!(b.follow().await, 200);
    assert!(b.body.contains("待我审核"), "{}", b.body);
}

#[tokio::test]
async fn accounts_and_roles() {
    let city = city("roles").await;
    let (mut system, mut security) = (Browser::new(&city), Browser::new(&city));
    system.sign_in(&city, "system").await;
    security.sign_in(&city, "security").await;
    for path in
        ["/users", "/users?state=never&q=x", "/users/new", "/organs", "/organs?state=all&kind=department", "/worklist"]
    {
        assert_eq!(system.get(path).await, 200, "{path}: {}", system.body);
    }
    assert_eq!(system.get("/users.csv").await, 200);
    assert!(system.body.contains("顾北辰"));
    // Refused forms keep what was typed.
    system.get("/users/new").await;
    assert_eq!(system.post("/users/new", &[("name", "许青禾"), ("account", "Xu Qinghe"), ("organ", "")]).await, 422);
    assert!(system.body.contains("Xu Qinghe") && system.body.contains("有 2 处要改"), "{}", system.body);
    let organ = city.organ.to_string();
    let typed = [("name", "许青禾"), ("account", "xu.qinghe"), ("organ", organ.as_str())];
    assert_eq!(system.post("/users/new", &typed).await, 200, "{}", system.body);
    let once =
        system.body.split("gks-secret\">").nth(1).and_then(|r| r.split('<').next()).expect("password").to_string();
    assert_eq!(system.post("/users/new", &typed).await, 409, "the name is taken");
    let id = id_of(&city, "xu.qinghe").await;
    assert_eq!(system.get(&format!("/users/{id}")).await, 200);
    assert!(!system.body.contains(&once), "shown once");
    // The first sign-in changes the password before anything else.
    let mut b = Browser::new(&city);
    b.get("/login").await;
    b.post("/login", &[("account", "xu.qinghe"), ("password", &once)]).await;
    assert_eq!(b.follow().await, 200);
    assert!(b.body.contains("请先换掉一次性密码"), "{}", b.body);
    let change = |new: &'static str| vec![("old", once.clone()), ("new", new.to_string()), ("again", new.to_string())];
    for (new, status) in [("short", 422), ("1234567890", 422), ("xu.qinghe-2026", 422), ("松坪县的秋天有点凉了", 303)]
    {
        let fields = change(new);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
        assert_eq!(b.post("/account/password", &fields).await, status, "{new}: {}", b.body);
    }
    assert_eq!(b.follow().await, 200);
    assert!(b.body.contains("密码已修改") && b.body.contains("还没有角色"), "{}", b.body);
    assert_eq!(b.get("/worklist").await, 403);
    // Roles come from the security administrator, who may not make accounts, and never from oneself.
    security.get(&format!("/users/{id}")).await;
    assert_eq!(system.post(&format!("/users/{id}/grants"), &[("role", "editor"), ("scope", "city")]).await, 403);
    security.get(&format!("/users/{id}")).await;
    assert_eq!(security.post(&format!("/users/{id}/grants"), &[("role", ""), ("scope", "")]).await, 422);
    let scope = format!("organ:{}", city.organ);
    assert_eq!(
        security.post(&format!("/users/{id}/grants"), &[("role", "system_admin"), ("scope", &scope)]).await,
        422
    );
    assert_eq!(security.post(&format!("/users/{id}/grants"), &[("role", "editor"), ("scope", &scope)]).await, 303);
    security.follow().await;
    assert!(security.body.contains("已授予"), "{}", security.body);
    assert_eq!(security.post(&format!("/users/{id}/grants"), &[("role", "audit_admin"), ("scope", "city")]).await, 409);
    let own = id_of(&city, "security").await;
    security.get(&format!("/users/{own}")).await;
    assert_eq!(security.status, 200);
    security.get("/account").await;
    assert_eq!(security.post(&format!("/users/{own}/grants"), &[("role", "editor"), ("scope", "city")]).await, 403);
    assert_eq!(security.get("/users/new").await, 403);
    assert_eq!(b.get("/worklist").await, 200, "the role holds at once");
    // Disabling ends what is signed in.
    system.get(&format!("/users/{id}")).await;
    assert_eq!(system.post(&format!("/users/{id}/disable"), &[]).await, 303);
    assert_eq!(b.get("/worklist").await, 303);
    assert_eq!(b.follow().await, 200);
    assert_eq!(system.get("/users/zzzz").await, 404);
}

#[tokio::test]
async fn organs_through_time() {
    let city = city("organs").await;
    let mut b = Browser::new(&city);
    b.sign_in(&city, "system").await;
    let id = city.organ;
    for path in ["", "/edit", "/change", "/change?kind=merge", "/change?kind=split", "/change?kind=abolish"] {
        assert_eq!(b.get(&format!("/organs/{id}{path}")).await, 200, "{path}: {}", b.body);
    }
    assert_eq!(b.get("/organs/new").await, 200);
    let parent = {
        let mut tx = city.app.db.read().await.expect("read");
        organ::get(&mut tx, id).await.expect("organ").parent.expect("parent").to_string()
    };
    let typed = [
        ("name", "云川市数据局"),
        ("short_name", "市数据局"),
        ("slug", "shuju"),
        ("kind", "department"),
        ("parent", parent.as_str()),
        ("division", "990100"),
        ("since", "2024-03-01"),
        ("basis", "云编发〔2024〕1号"),
    ];
    let mut wrong = typed;
    wrong[2] = ("slug", "zhujian");
    assert_eq!(b.post("/organs/new", &wrong).await, 409, "{}", b.body);
    assert_eq!(b.post("/organs/new", &typed).await, 303, "{}", b.body);
    let data = b.location.rsplit('/').next().expect("id").to_string();
    assert_eq!(b.follow().await, 200);
    let path = format!("/organs/{id}/edit");
    assert_eq!(b.post(&path, &[("phone", "0990-1"), ("order", "x")]).await, 422);
    assert_eq!(b.post(&path, &[("phone", "0990-1"), ("order", "5")]).await, 303);
    b.follow().await;
    assert!(b.body.contains("0990-1"));
    let path = format!("/organs/{id}/change");
    let rename = |on: &'static str| {
        [
            ("kind", "rename"),
            ("on", on),
            ("name", "云川市住房城乡建设局"),
            ("short_name", "市住建局"),
            ("basis", "云编发〔2025〕2号"),
            ("sure", "1"),
        ]
    };
    assert_eq!(b.post(&path, &rename("1999-01-01")).await, 422);
    assert!(b.body.contains("不能早于设立日期"), "{}", b.body);
    assert_eq!(b.post(&path, &rename("2025-01-01")).await, 303, "{}", b.body);
    b.follow().await;
    assert!(b.body.contains("云川市住房城乡建设局") && b.body.contains("云川市住房和城乡建设局"), "both names stand");
    let merge = |into: &str| {
        [
            ("kind", "merge".to_string()),
            ("on", "2026-01-01".into()),
            ("into", into.into()),
            ("basis", "云编发〔2026〕3号".into()),
            ("sure", "1".into()),
        ]
    };
    for (into, status) in [(id.to_string(), 422), (data.clone(), 303)] {
        let fields = merge(&into);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
        assert_eq!(b.post(&path, &fields).await, status, "{}", b.body);
    }
    assert_eq!(b.follow().await, 200);
    assert!(b.body.contains("到 2025-12-31 为止") && b.body.contains("云川市数据局"), "{}", b.body);
    assert_eq!(b.get(&format!("/organs/{data}")).await, 200);
    assert!(b.body.contains("承接"), "{}", b.body);
    assert_eq!(b.get(&path).await, 409);
    assert_eq!(b.get("/organs.csv?state=all").await, 200);
    assert!(b.body.contains("2025-12-31"));
}

#[tokio::test]
async fn standing_in() {
    let city = city("lend").await;
    let mut b = Browser::new(&city);
    b.sign_in(&city, "editor").await;
    assert_eq!(b.get("/delegations").await, 200);
    let to = id_of(&city, "nobody").await;
    let typed = |until: &'static str| {
        vec![
            ("to", to.to_string()),
            ("since", "2026-11-22".into()),
            ("until", until.to_string()),
            ("reason", "出差".into()),
        ]
    };
    for (until, status) in [("2026-11-21", 422), ("2027-11-22", 422), ("2026-11-23", 303)] {
        let fields = typed(until);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
        assert_eq!(b.post("/delegations", &fields).await, status, "{until}: {}", b.body);
    }
    assert_eq!(b.follow().await, 200);
    assert!(b.body.contains("生效中") && b.body.contains("周予安"), "{}", b.body);
    let mut c = Browser::new(&city);
    c.sign_in(&city, "nobody").await;
    assert_eq!(c.get("/worklist").await, 200, "works with what was lent");
    let end = b.body.split("action=\"/delegations/").nth(1).and_then(|r| r.split('"').next()).expect("end").to_string();
    assert_eq!(b.post(&format!("/delegations/{end}"), &[]).await, 303);
    assert_eq!(c.get("/worklist").await, 403, "and no longer");
}

#[tokio::test]
async fn the_worklist_shows_what_waits() {
    use records::document::{self, Content, DocumentKind, State};
    let city = city("wait").await;
    let mut tx = city.app.db.write(&city.app.env.ctx(Actor::system("测试"))).await.expect("write");
    let set = site::SiteSettings {
        name: "云川市住房和城乡建设局网站".into(),
        short_name: "市住建局".into(),
        theme: "department".into(),
        id_code: "9901000001".into(),
        sub: String::new(),
        icp: String::new(),
        psb: String::new(),
        psb_code: String::new(),
        conac: String::new(),
        sponsor: String::new(),
        operator: String::new(),
        phone: String::new(),
        hours: String::new(),
        address: String::new(),
        search_hint: String::new(),
        grey: false,
    };
    let (kind, status) = (site::SiteKind::Department, site::SiteStatus::Running);
    let s = site::insert(&mut tx, "zhujian", city.organ, kind, status, &set, true, 1).await.expect("site");
    let reviewer = account::find_username(&mut tx, "nobody").await.expect("read").expect("account").id;
    let role = Grant { role: Role::Publisher, scope: Scope::Site(s) };
    api::grant_role(&mut tx, reviewer, role).await.expect("grant");
    api::set_totp(&mut tx, reviewer, SECRET).await.expect("totp");
    tx.commit().await.expect("commit");
    let editor = {
        let id = id_of(&city, "editor").await;
        let mut tx = city.app.db.read().await.expect("read");
        account::actor(&mut tx, id, noon()).await.expect("actor")
    };
    let mut tx = city.app.db.write(&city.app.env.ctx(editor)).await.expect("write");
    for (title, state) in [
        ("公租房配租公告", State::Submitted),
        ("加装电梯问答", State::Returned),
        ("还在写的通知", State::Draft),
        ("可以发布的公告", State::Approved),
    ] {
        let d = document::insert(&mut tx, city.organ, s, DocumentKind::Notice, None).await.expect("document");
        let text = Content { title: title.into(), ..Content::default() };
        let e = document::insert_edition(&mut tx, d, &text).await.expect("edition");
        document::set_state(&mut tx, e, state).await.expect("state");
        if state == State::Returned {
            document::insert_step(&mut tx, e, "return", "时限与清单不一致").await.expect("step");
        }
        let mut d = document::get(&mut tx, d).await.expect("document");
        d.draft = Some(e);
        document::save(&mut tx, &d).await.expect("save");
        tx.audit(platform::audit::Entry::done("test.document", "document", d.id));
    }
    tx.commit().await.expect("commit");
    city.clock.set(noon().plus_minutes(3 * 24 * 60));
    let mut b = Browser::new(&city);
    b.sign_in(&city, "editor").await;
    b.get("/worklist").await;
    assert!(b.body.contains("2 件") && b.body.contains("已等 3 天"), "{}", b.body);
    assert!(b.body.contains("加装电梯问答") && b.body.contains("时限与清单不一致"), "{}", b.body);
    assert!(b.body.contains("还在写的通知") && !b.body.contains("公租房配租公告"));
    b.get("/worklist?tab=returned").await;
    assert!(b.body.contains("加装电梯问答") && !b.body.contains("还在写的通知"));
    let mut r = Browser::new(&city);
    r.sign_in(&city, "nobody").await;
    r.get("/worklist").await;
    assert!(r.body.contains("公租房配租公告") && r.body.contains("可以发布的公告"), "{}", r.body);
    assert!(!r.body.contains("还在写的通知") && !r.body.contains("加装电梯问答"), "{}", r.body);
    // An organ whose site still runs cannot end.
    let mut a = Browser::new(&city);
    a.sign_in(&city, "system").await;
    assert_eq!(a.get(&format!("/organs/{}/change?kind=abolish", city.organ)).await, 200);
    assert!(a.body.contains("还没有关停"), "{}", a.body);
    let end =
        [("kind", "abolish"), ("on", "2026-01-01"), ("basis", "云编发〔2026〕3号"), ("sure", "1"), ("successor", "")];
    assert_eq!(a.post(&format!("/organs/{}/change", city.organ), &end).await, 409, "{}", a.body);
    assert_eq!(a.get(&format!("/organs/{}", city.organ)).await, 200, "{}", a.body);
    assert_eq!(a.get("/organs").await, 200, "{}", a.body);
}
