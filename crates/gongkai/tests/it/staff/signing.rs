//! Signing in, staying in, being put out.

use axum::body::Body;
use axum::http::{Method, header};
use capabilities::office::api;
use kernel::permission::Role;
use kernel::{Id, Timestamp};
use platform::session;

use super::setup::{A, Answer, B, PASSWORD, Person, Setup, TOTP, form, morning, request};

/// One browser at the sign-in page: keeps its cookies.
struct Browser<'a> {
    city: &'a Setup,
    pre: String,
    token: String,
}

impl<'a> Browser<'a> {
    async fn at(city: &'a Setup) -> Browser<'a> {
        let page = city.get(None, "/login").await;
        assert_eq!(page.status, 200, "{}", page.text());
        let pre = page.cookie("gk_pre").expect("a cookie for the form");
        assert!(page.text().contains(&pre), "the form holds the token of its cookie");
        Browser { city, pre, token: String::new() }
    }

    async fn send(&mut self, path: &str, body: &str) -> Answer {
        let cookies = format!("gk_pre={}; gk_staff={}", self.pre, self.token);
        let r = request(Method::POST, path, None)
            .header(header::COOKIE, cookies)
            .header(header::ORIGIN, format!("http://{}", super::setup::STAFF_HOST))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let a = self.city.staff(r.body(Body::from(body.to_string())).expect("request")).await;
        if let Some(t) = a.cookie("gk_staff") {
            self.token = t;
        }
        a
    }

    async fn password(&mut self, username: &str, password: &str) -> Answer {
        let body = form(&[("_csrf", &self.pre), ("account", username), ("password", password), ("next", "/documents")]);
        self.send("/login", &body).await
    }

    async fn csrf(&self) -> String {
        let mut tx = self.city.house.app.db.read().await.expect("tx");
        let now = self.city.house.app.env.now();
        session::find(&mut tx, &self.token, now).await.expect("find").map(|s| s.csrf).unwrap_or_default()
    }

    async fn code(&mut self, code: &str) -> Answer {
        let csrf = self.csrf().await;
        self.send("/login/second", &form(&[("_csrf", &csrf), ("code", code), ("next", "/documents")])).await
    }

    async fn see(&self, path: &str) -> Answer {
        let r = request(Method::GET, path, None).header(header::COOKIE, format!("gk_staff={}", self.token));
        self.city.staff(r.body(Body::empty()).expect("request")).await
    }
}

async fn sessions(city: &Setup, account: Id) -> usize {
    let mut tx = city.house.app.db.read().await.expect("tx");
    session::of_account(&mut tx, account).await.expect("sessions").len()
}

#[tokio::test]
async fn a_password_and_a_code_bring_one_in() {
    let city = Setup::new(21).await;
    let who = city.place(A).who(Role::Publisher);
    let now = city.house.app.env.now();
    let mut b = Browser::at(&city).await;
    let a = b.password(&who.username, PASSWORD).await;
    assert_eq!((a.status, a.header("location")), (303, "/login/second?next=%2Fdocuments"), "{}", a.text());
    let first = b.token.clone();
    let cookie = a.cookies().into_iter().find(|c| c.starts_with("gk_staff=")).expect("cookie");
    for flag in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=36000"] {
        assert!(cookie.contains(flag), "{cookie}");
    }
    assert!(!cookie.contains("Domain="), "{cookie}");
    // The password alone opens nothing.
    let a = b.see("/documents").await;
    assert_eq!((a.status, a.header("location")), (303, "/login/second"));
    let a = b.code("000000").await;
    assert_eq!(a.status, 422);
    assert_eq!(b.token, first);
    let a = b.code(&api::totp_code(TOTP, now)).await;
    assert_eq!((a.status, a.header("location")), (303, "/documents"), "{}", a.text());
    assert_ne!(b.token, first, "a new token once one is in");
    assert_eq!(b.see("/documents").await.status, 200);
    // The token of the way in is worth nothing now.
    let old = Person { token: first, ..who.clone() };
    let a = city.get(Some(&old), "/documents").await;
    assert_eq!((a.status, a.header("location")), (303, "/login?next=%2Fdocuments"));
    // The same code does not work twice, at whatever door.
    let mut again = Browser::at(&city).await;
    assert_eq!(again.password(&who.username, PASSWORD).await.status, 303);
    assert_eq!(again.code(&api::totp_code(TOTP, now)).await.status, 422, "a code works once");
    city.clock.set(now.plus_seconds(60));
    let later = city.house.app.env.now();
    assert_eq!(again.code(&api::totp_code(TOTP, later)).await.status, 303, "the next one works");
    // Out is out.
    let csrf = b.csrf().await;
    let a = b.send("/logout", &form(&[("_csrf", &csrf)])).await;
    assert_eq!(a.status, 303);
    assert!(a.cookies().iter().any(|c| c.starts_with("gk_staff=;") && c.contains("Max-Age=0")), "{:?}", a.cookies());
    // No token that was ever given leads anywhere but to the stores' hashes.
    let dump = city.dump().await;
    assert!(!dump.values().any(|t| t.contains(&again.token)), "a token is stored");
}

#[tokio::test]
async fn cookies_are_secure_where_the_city_is_served_over_tls() {
    let city = Setup::new(22).await;
    let mut app = city.house.app.clone();
    app.place = std::sync::Arc::new(web::app::Place {
        public_port: 8080,
        staff_port: 8081,
        addresses: platform::config::Addresses::Domains,
        secure: true,
    });
    let v = web::staff::set_cookie(&app, "gk_staff", "x", 60);
    assert!(v.to_str().expect("text").contains("; Secure"));
}

#[tokio::test]
async fn sign_in_leads_only_to_places_of_ours() {
    let city = Setup::new(23).await;
    let who = city.place(A).who(Role::Editor);
    for next in [
        "https://evil.test/",
        "//evil.test",
        "/\\evil.test",
        "javascript:alert(1)",
        "/login",
        "/%0d%0aX: y",
        "/a\r\nX: y",
    ] {
        let mut b = Browser::at(&city).await;
        let body = form(&[("_csrf", &b.pre), ("account", &who.username), ("password", PASSWORD), ("next", next)]);
        let a = b.send("/login", &body).await;
        assert_eq!(a.status, 303, "{next:?}");
        let to = a.header("location");
        assert!(to.starts_with('/') && !to.starts_with("//") && !to.contains("evil"), "{next:?} leads to {to}");
        let page = city.get(None, &format!("/login?next={}", super::setup::encoded(next))).await;
        assert!(!page.text().contains("evil") && !page.text().contains("javascript:"), "{next:?}");
    }
}

#[tokio::test]
async fn a_session_ends_when_idle_and_in_any_case() {
    let city = Setup::new(24).await;
    let who = city.place(A).who(Role::Editor);
    let step = |minutes: i64| city.clock.set(morning().plus_minutes(minutes));
    step(29);
    assert_eq!(city.get(Some(who), "/documents").await.status, 200);
    step(58);
    assert_eq!(city.get(Some(who), "/documents").await.status, 200, "used in between");
    step(58 + 31);
    let a = city.get(Some(who), "/documents?state=draft").await;
    assert_eq!((a.status, a.header("location")), (303, "/login?next=%2Fdocuments%3Fstate%3Ddraft"));
    // What was typed is not lost by an ended session: the answer tells so instead of leading away.
    let a = city.post(who, "/documents/new", &[("title", "写了很久")]).await;
    assert_eq!(a.status, 401);
    assert!(a.text().contains("上一页"), "{}", a.text());
    // Ten hours are the end for whoever never rests.
    let other = city.place(A).who(Role::SiteAdmin);
    city.clock.set(morning());
    let (token, csrf) = city.session(other.account, true).await;
    let busy = Person { token, csrf, ..other.clone() };
    let mut minutes = 0;
    while minutes < 10 * 60 {
        assert_eq!(city.get(Some(&busy), "/documents").await.status, 200, "after {minutes} minutes");
        minutes += 20;
        step(minutes);
    }
    step(10 * 60);
    assert_eq!(city.get(Some(&busy), "/documents").await.status, 303, "after ten hours");
}

#[tokio::test]
async fn guessing_locks_and_tells_nothing() {
    let city = Setup::new(25).await;
    let who = city.place(A).who(Role::Editor);
    let mut b = Browser::at(&city).await;
    let plain = |a: &Answer, b: &Browser<'_>, name: &str| a.text().replace(&b.pre, "*").replace(name, "*");
    let nobody = b.password("no-such-person", "wrong-password").await;
    let nobody = plain(&nobody, &b, "no-such-person");
    for _ in 0..5 {
        let a = b.password(&who.username, "wrong-password").await;
        assert_eq!(a.status, 422);
        assert_eq!(plain(&a, &b, &who.username), nobody, "a wrong password tells whether there is such an account");
    }
    let a = b.password(&who.username, PASSWORD).await;
    assert_eq!(a.status, 422, "locked");
    assert_eq!(plain(&a, &b, &who.username), nobody, "a lock tells whether there is such an account");
    assert!(a.cookie("gk_staff").is_none());
    // Whoever is in already stays in, and may go on working.
    assert_eq!(city.get(Some(who), "/documents").await.status, 200);
    // Somebody else is not locked out with them.
    let other = city.place(B).who(Role::Editor);
    assert_eq!(b.password(&other.username, PASSWORD).await.status, 303);
    // The system administrator may not lift a lock; the security administrator may.
    let path = format!("/users/{}/unlock", who.account);
    assert_eq!(city.post(city.citywide(Role::SystemAdmin), &path, &[]).await.status, 403);
    assert_eq!(city.post(city.citywide(Role::SecurityAdmin), &path, &[]).await.status, 303);
    let mut c = Browser::at(&city).await;
    assert_eq!(c.password(&who.username, PASSWORD).await.status, 303, "unlocked");
    // A lock ends by itself.
    for _ in 0..5 {
        c.password(&who.username, "wrong-password").await;
    }
    assert_eq!(c.password(&who.username, PASSWORD).await.status, 422);
    city.clock.set(morning().plus_minutes(16));
    let mut d = Browser::at(&city).await;
    assert_eq!(d.password(&who.username, PASSWORD).await.status, 303, "after a quarter of an hour");
}

#[tokio::test]
async fn codes_cannot_be_guessed_either() {
    let city = Setup::new(26).await;
    let who = city.place(A).who(Role::Reviewer);
    let mut b = Browser::at(&city).await;
    assert_eq!(b.password(&who.username, PASSWORD).await.status, 303);
    let mut last = None;
    for n in 0..5 {
        last = Some(b.code(&format!("00000{n}")).await);
    }
    let last = last.expect("five");
    assert_eq!((last.status, last.header("location")), (303, "/login?state=locked"), "{}", last.text());
    let mut c = Browser::at(&city).await;
    assert_eq!(c.password(&who.username, PASSWORD).await.status, 422, "locked");
}

#[tokio::test]
async fn a_disabled_account_is_out_at_once() {
    let city = Setup::new(27).await;
    let who = city.place(A).who(Role::Editor);
    assert_eq!(city.get(Some(who), "/documents").await.status, 200);
    let a =
        city.post(city.citywide(Role::SystemAdmin), &format!("/users/{}/disable", who.account), &[("sure", "1")]).await;
    assert_eq!(a.status, 303, "{}", a.text());
    assert_eq!(sessions(&city, who.account).await, 0);
    assert_eq!(city.get(Some(who), "/documents").await.status, 303);
    let mut b = Browser::at(&city).await;
    assert_eq!(b.password(&who.username, PASSWORD).await.status, 422);
}

#[tokio::test]
async fn a_password_for_one_use_must_be_changed_first() {
    let city = Setup::new(28).await;
    let who = city.place(A).who(Role::Editor);
    let a = city.post(city.citywide(Role::SystemAdmin), &format!("/users/{}/reset", who.account), &[]).await;
    assert!(a.status < 400, "{}", a.text());
    assert_eq!(sessions(&city, who.account).await, 0, "a new password ends every session");
    // The page that shows it is no place to read it from here: it is set to a known one.
    let app = &city.house.app;
    let mut tx = app.db.write(&city.house.ctx("测试")).await.expect("tx");
    let hash = api::hash_password(PASSWORD, app.env.entropy.as_ref()).expect("hash");
    records::account::set_password(&mut tx, who.account, &hash, true).await.expect("set");
    tx.audit(platform::audit::Entry::done("account.reset", "account", who.account));
    tx.commit().await.expect("commit");
    let mut b = Browser::at(&city).await;
    let a = b.password(&who.username, PASSWORD).await;
    assert_eq!((a.status, a.header("location")), (303, "/account/password"));
    for path in ["/documents", "/worklist", "/", "/account"] {
        let a = b.see(path).await;
        assert_eq!((a.status, a.header("location")), (303, "/account/password"), "{path}");
    }
    let csrf = b.csrf().await;
    let new = "换成-另一句-话-2026";
    let mut change = async |old: &str, new: &str, again: &str| {
        let body = form(&[("_csrf", &csrf), ("old", old), ("new", new), ("again", again)]);
        b.send("/account/password", &body).await
    };
    assert_eq!(change(PASSWORD, PASSWORD, PASSWORD).await.status, 422, "the same again");
    assert_eq!(change("not it", new, new).await.status, 422);
    assert_eq!(change(PASSWORD, new, "另一句").await.status, 422);
    assert_eq!(change(PASSWORD, "1234567890", "1234567890").await.status, 422);
    let before = who.token.clone();
    let a = change(PASSWORD, new, new).await;
    assert_eq!(a.status, 303, "{}", a.text());
    assert_ne!(b.token, before);
    assert_eq!(b.see("/documents").await.status, 200);
}

#[tokio::test]
async fn the_three_administrators_are_three_people() {
    let city = Setup::new(29).await;
    let security = city.citywide(Role::SecurityAdmin);
    let held = async || {
        let mut tx = city.house.app.db.read().await.expect("tx");
        records::account::held(&mut tx, None).await.expect("held").len()
    };
    let before = held().await;
    let system = city.citywide(Role::SystemAdmin).account;
    let editor = city.place(A).who(Role::Editor).account;
    for (to, role, status) in [
        (system, "audit_admin", 409),
        (system, "security_admin", 409),
        (system, "editor", 409),
        (editor, "audit_admin", 409),
        (security.account, "editor", 403),
        (security.account, "audit_admin", 403),
    ] {
        let a = city.post(security, &format!("/users/{to}/grants"), &[("role", role), ("scope", "city")]).await;
        assert_eq!(a.status, status, "{role}: {}", a.text());
    }
    assert_eq!(held().await, before);
    // No administrator may do another's work.
    let other = city.place(B).who(Role::Editor).account;
    for (who, path) in [
        (Role::SystemAdmin, format!("/users/{other}/grants")),
        (Role::SystemAdmin, format!("/users/{other}/totp/clear")),
        (Role::SecurityAdmin, format!("/users/{other}/reset")),
        (Role::SecurityAdmin, "/users/new".into()),
        (Role::AuditAdmin, format!("/users/{other}/disable")),
        (Role::AuditAdmin, "/jobs/retry".into()),
        (Role::SystemAdmin, "/audit/verify".into()),
        (Role::SecurityAdmin, "/audit/verify".into()),
    ] {
        assert_eq!(city.post(city.citywide(who), &path, &[]).await.status, 403, "{who:?} {path}");
    }
    let _: Timestamp = morning();
}
