//! Forged requests: each form, without its token, with another's, from another page of the world.

use axum::http::Method;
use kernel::permission::Role;
use web::staff::Access;

use super::routes;
use super::setup::{A, Person, Setup, difference, form};

#[tokio::test]
async fn no_form_can_be_posted_by_another_page() {
    let city = Setup::new(11).await;
    let place = city.place(A);
    let half = {
        let who = place.who(Role::Publisher);
        let (token, csrf) = city.session(who.account, false).await;
        Person { token, csrf, ..who.clone() }
    };
    let other = city.place(super::setup::B).who(Role::Editor).clone();
    let before = city.dump().await;
    for route in routes::of(&Method::POST) {
        let who = match route.access {
            Access::Begun | Access::Open => &half,
            Access::Needs(p) => {
                place.people.iter().chain(&city.city).find(|x| x.role.permissions().contains(&p)).expect("somebody may")
            }
        };
        let path = routes::own(route.path, place);
        let fields = routes::plausible(&city, place);
        let with = |token: Option<&str>| {
            let mut all: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
            all.extend(token.map(|t| ("_csrf", t)));
            form(&all)
        };
        let good = if route.access == Access::Open { "00112233445566778899aabbccddeeff" } else { who.csrf.as_str() };
        let json = ("accept", "application/json");
        let cookie = format!("gk_pre={good}");
        let open = route.access == Access::Open;
        let cases: Vec<(&str, String, Vec<(&str, &str)>, &str)> = vec![
            ("no token", with(None), vec![json], "form.token"),
            ("an empty token", with(Some("")), vec![json], "form.token"),
            ("another's token", with(Some(&other.csrf)), vec![json], "form.token"),
            ("another origin", with(Some(good)), vec![json, ("origin", "https://evil.test")], "form.origin"),
            (
                "no origin at all, as a sandboxed frame says",
                with(Some(good)),
                vec![json, ("origin", "null")],
                "form.origin",
            ),
            (
                "the same host, another port",
                with(Some(good)),
                vec![json, ("origin", "http://127.0.0.1:8080")],
                "form.origin",
            ),
            ("cross-site", with(Some(good)), vec![json, ("sec-fetch-site", "cross-site")], "form.origin"),
            ("same-site", with(Some(good)), vec![json, ("sec-fetch-site", "same-site")], "form.origin"),
        ];
        for (what, body, mut headers, code) in cases {
            if open && code == "form.origin" {
                headers.push(("cookie", cookie.as_str()));
            }
            let a = city.post_raw((!open).then_some(who), &path, &body, &headers).await;
            assert_eq!((a.status, a.code().as_str()), (403, code), "{path} with {what}: {}", a.text());
        }
        // As a browser that was led there sees it: a page that tells what to do.
        let a = city.post_raw((!open).then_some(who), &path, &with(None), &[]).await;
        assert_eq!(a.status, 403, "{path}");
        assert!(a.text().contains("没有保存") && a.text().contains("</html>"), "{path}: {}", a.text());
    }
    assert_eq!(difference(&before, &city.dump().await), Vec::<String>::new());
}

#[tokio::test]
async fn changes_are_not_made_by_looking() {
    let city = Setup::new(12).await;
    let place = city.place(A);
    // A link must change nothing: no form's address answers to GET unless it has a page of its own.
    let pages: Vec<&str> = routes::of(&Method::GET).iter().map(|r| r.path).collect();
    let before = city.dump().await;
    for route in routes::of(&Method::POST) {
        let who = match route.access {
            Access::Begun | Access::Open => place.who(Role::Publisher),
            Access::Needs(p) => {
                place.people.iter().chain(&city.city).find(|x| x.role.permissions().contains(&p)).expect("somebody")
            }
        };
        let path = routes::own(route.path, place);
        let a = city.get(Some(who), &path).await;
        if !pages.contains(&route.path) {
            assert!(matches!(a.status, 404 | 405), "{path} answers {} to GET", a.status);
        }
        assert!(a.status < 500, "{path}");
    }
    assert_eq!(difference(&before, &city.dump().await), Vec::<String>::new());
}

#[tokio::test]
async fn every_answer_has_its_headers() {
    let city = Setup::new(13).await;
    let who = city.place(A).who(Role::Editor);
    for path in
        ["/login", "/worklist", "/documents", "/documents/unknown", "/no/such/page", "/healthz", "/jobs", "/mode.css"]
    {
        for w in [None, Some(who)] {
            let a = city.get(w, path).await;
            assert!(a.header("content-security-policy").contains("default-src 'self'"), "{path}");
            assert!(!a.header("content-security-policy").contains("unsafe"), "{path}");
            assert_eq!(a.header("x-content-type-options"), "nosniff", "{path}");
            assert_eq!(a.header("x-frame-options"), "DENY", "{path}");
            assert_eq!(a.header("referrer-policy"), "same-origin", "{path}");
            if a.header("content-type").starts_with("text/html") {
                assert_eq!(a.header("cache-control"), "no-store", "{path}");
                let text = a.text();
                assert!(!text.contains("<script") && !text.contains(" style=\""), "{path}");
            }
        }
    }
}
