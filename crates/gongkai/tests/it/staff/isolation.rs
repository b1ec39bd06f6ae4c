//! Hard isolation: nothing of another site shows anywhere, whatever number is asked for.

use std::collections::BTreeMap;

use axum::http::Method;
use kernel::Id;
use kernel::permission::Role;

use super::routes;
use super::setup::{A, Answer, B, CHILD, DEPARTMENT, PORTAL, Person, Place, Setup, difference, encoded};

/// Numbers of requests and of what was asked for taken out: two answers that say the same are the same text then.
fn plain(a: &Answer, path: &str) -> String {
    let mut text = format!("{}\n{}\n{}", a.status, a.header("location"), a.text());
    for part in path.split(['/', '?', '=', '&']).filter(|p| p.len() > 6) {
        text = text.replace(part, "*");
    }
    let mut out = String::with_capacity(text.len());
    let mut run = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_hexdigit() {
            run.push(c);
            continue;
        }
        out.push_str(if run.len() == 16 { "#" } else { &run });
        run.clear();
        out.push(c);
    }
    out
}

/// Marks of every place that is not among these.
fn foreign(city: &Setup, own: &[usize]) -> Vec<(String, String)> {
    // What an office above one's own is called stands beside one's own in every list of offices; nothing else of it does.
    let above = |n: usize| (n == PORTAL && !own.contains(&PORTAL)) || (n == A && own.contains(&CHILD));
    let mut out = Vec::new();
    for (n, p) in city.places.iter().enumerate() {
        if !own.contains(&n) {
            out.extend(
                p.marks
                    .iter()
                    .filter(|(what, _)| **what != "office" || !above(n))
                    .map(|(what, m)| (format!("{} {what}", p.name), m.clone())),
            );
        }
    }
    out
}

fn clean(a: &Answer, marks: &[(String, String)], asked: &str, who: &Person, what: &str) {
    let all = a.everything();
    for (name, mark) in marks {
        if all.contains(mark.as_str()) && !asked.contains(mark.as_str()) {
            let at = all.find(mark.as_str()).unwrap_or_default();
            let from = all.get(..at).map_or(0, |t| t.char_indices().rev().nth(160).map_or(0, |(i, _)| i));
            panic!(
                "{what} {asked} as {} shows {name} ({}):\n…{}…",
                who.username,
                a.status,
                all.get(from..).unwrap_or_default().chars().take(260).collect::<String>()
            );
        }
    }
}

/// Whoever works for less than the city, with the places that are theirs.
fn viewers(city: &Setup) -> Vec<(Person, Vec<usize>)> {
    let mut out: Vec<(Person, Vec<usize>)> = Vec::new();
    out.extend(city.place(A).people.iter().map(|p| (p.clone(), vec![A])));
    out.push((city.place(CHILD).who(Role::Publisher).clone(), vec![CHILD]));
    out.push((city.place(CHILD).who(Role::SiteAdmin).clone(), vec![CHILD]));
    out.push((city.place(PORTAL).who(Role::Editor).clone(), vec![PORTAL]));
    // A role for an organ holds for everything below it.
    out.extend(city.county.iter().map(|p| (p.clone(), vec![A, CHILD])));
    out
}

#[tokio::test]
async fn no_page_shows_what_is_anothers() {
    let city = Setup::new(2).await;
    for (who, own) in viewers(&city) {
        let marks = foreign(&city, &own);
        for route in routes::of(&Method::GET) {
            if !routes::has_parameters(&route) {
                let a = city.get(Some(&who), route.path).await;
                assert!(a.status < 500, "{} {}", route.path, a.text());
                clean(&a, &marks, route.path, &who, "GET");
                continue;
            }
            let path = routes::unknown(route.path);
            let nothing = plain(&city.get(Some(&who), &path).await, &path);
            for (n, place) in city.places.iter().enumerate() {
                for path in routes::all(route.path, place) {
                    let a = city.get(Some(&who), &path).await;
                    assert!(a.status < 500, "{path} {}", a.text());
                    clean(&a, &marks, &path, &who, "GET");
                    if !own.contains(&n) && !is_common(route.path) {
                        assert_eq!(
                            plain(&a, &path),
                            nothing,
                            "{path} as {} is told from a number of nothing",
                            who.username
                        );
                    }
                }
                let mine = city.place(own.first().copied().unwrap_or_default());
                for path in
                    routes::mixed(route.path, mine, place).into_iter().chain(routes::mixed(route.path, place, mine))
                {
                    let a = city.get(Some(&who), &path).await;
                    assert!(a.status < 500, "{path} {}", a.text());
                    clean(&a, &marks, &path, &who, "GET");
                }
            }
        }
    }
}

/// Routes whose parameter is no number of anybody's: an indicator, a year.
fn is_common(path: &str) -> bool {
    path.starts_with("/indicators") || path.starts_with("/calendar") || path.starts_with("/jobs")
}

#[tokio::test]
async fn questions_find_only_what_is_ones_own() {
    let city = Setup::new(3).await;
    let other = city.place(B);
    for (who, own) in viewers(&city) {
        let marks = foreign(&city, &own);
        let first = other.documents.first().map(Id::to_string).unwrap_or_default();
        let column = other.columns.first().map(Id::to_string).unwrap_or_default();
        for path in [
            "/documents?q=统一".to_string(),
            format!("/documents?q={}", other.mark("live")),
            format!("/documents?q={}", other.mark("draft")),
            format!("/documents?site={}", other.slug),
            format!("/documents?column={column}"),
            format!("/documents?site={}&column={column}", city.place(A).slug),
            "/documents?state=draft".into(),
            "/documents?state=withdrawn".into(),
            format!("/documents?before=99999999999999-{first}"),
            "/documents.csv".into(),
            "/documents.csv?q=统一".into(),
            format!("/documents.csv?site={}", other.slug),
            format!("/documents/new?site={}", other.slug),
            "/worklist?tab=review".into(),
            "/worklist?tab=drafts".into(),
            "/delegations?all=1".into(),
            "/sites?q=网站".into(),
            format!("/sites?q={}", other.mark("site")),
            "/sites.csv".into(),
            format!("/organs?q={}", other.mark("organ")),
            format!("/users?q={}", other.mark("account")),
            format!("/audit?q={}", other.mark("account")),
            "/release".into(),
            "/indicators".into(),
        ] {
            let path = path.replace("统一", &encoded("统一")).replace("网站", &encoded("网站"));
            let a = city.get(Some(&who), &path).await;
            assert!(a.status < 500, "{path} {}", a.text());
            // What was typed is shown again; whether anything answers to it must not be.
            let typed: Vec<(String, String)> =
                marks.iter().filter(|(_, m)| !path.contains(m.as_str())).cloned().collect();
            clean(&a, &typed, &path, &who, "GET");
        }
        // A word that stands in another site's titles is answered like one that stands nowhere.
        let there = format!("/documents?q={}", other.mark("live"));
        let nowhere = format!("/documents?q={}", "z00112233aabb");
        let (a, b) = (city.get(Some(&who), &there).await, city.get(Some(&who), &nowhere).await);
        assert_eq!(plain(&a, &there), plain(&b, &nowhere), "a search tells {} what is elsewhere", who.username);
        let there = format!("/documents?site={}", other.slug);
        let nowhere = "/documents?site=z00112233aabb";
        let (a, b) = (city.get(Some(&who), &there).await, city.get(Some(&who), nowhere).await);
        assert_eq!(plain(&a, &there), plain(&b, nowhere), "a filter tells {} what is elsewhere", who.username);
        // Counts are of one's own: four documents a place.
        let a = city.get(Some(&who), "/documents").await;
        if a.status == 200 {
            let n = own.len() * 4;
            assert!(a.text().contains(&format!("{n} 条")), "{} should count {n}", who.username);
            let csv = city.get(Some(&who), "/documents.csv").await.text();
            assert_eq!(csv.trim_end().lines().count(), n + 1, "{csv}");
        }
    }
}

/// The truth without what every refused request may leave: audit entries of refusals, sign-ins.
async fn truth(city: &Setup) -> BTreeMap<String, String> {
    let mut all = city.dump().await;
    for t in ["session", "audit_entry", "chain_head", "sqlite_sequence"] {
        all.remove(t);
    }
    all
}

#[tokio::test]
async fn no_form_changes_what_is_anothers() {
    let city = Setup::new(4).await;
    let before = truth(&city).await;
    for (who, own) in viewers(&city) {
        let marks = foreign(&city, &own);
        for route in routes::of(&Method::POST).iter().filter(|r| routes::has_parameters(r)) {
            let path = routes::unknown(route.path);
            let mine = city.place(own.first().copied().unwrap_or_default());
            let fields = routes::plausible(&city, mine);
            let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
            let nothing = plain(&city.post(&who, &path, &fields).await, &path);
            for (n, place) in city.places.iter().enumerate() {
                if own.contains(&n) {
                    continue;
                }
                for path in routes::all(route.path, place).into_iter().chain(routes::mixed(route.path, place, mine)) {
                    let a = city.post(&who, &path, &fields).await;
                    assert!((300..500).contains(&a.status), "{path} {} {}", a.status, a.text());
                    clean(&a, &marks, &path, &who, "POST");
                    assert_eq!(
                        plain(&a, &path),
                        nothing,
                        "{path} as {} is told from a number of nothing",
                        who.username
                    );
                }
            }
        }
        assert_eq!(
            difference(&before, &truth(&city).await),
            Vec::<String>::new(),
            "{} changed another's",
            who.username
        );
    }
}

/// One's own object with something of another's inside the form.
#[tokio::test]
async fn no_form_reaches_through_its_fields() {
    let city = Setup::new(5).await;
    let before = truth(&city).await;
    let (a, b) = (city.place(A), city.place(B));
    let (editor, admin) = (a.who(Role::Editor), a.who(Role::SiteAdmin));
    let marks = foreign(&city, &[A]);
    let id = |ids: &[Id], n: usize| ids.get(n).map(Id::to_string).unwrap_or_default();
    let (live, draft) = (id(&a.documents, 0), id(&a.documents, 1));
    let (column, inner) = (id(&b.columns, 0), id(&a.columns, 0));
    let colleague = b.who(Role::Editor).account.to_string();
    let draft_there = id(&b.documents, 1);
    let nothing = Id::from_i64(4_000_000_000_000_000_077).to_string();
    let file_there = id(&b.attachments, 0);
    let whole = |main: &str, more: &str| {
        vec![
            ("title", "一个标题".to_string()),
            ("kind", "notice".into()),
            ("body", "正文".into()),
            ("source", "来源".into()),
            ("lock_version", "999".into()),
            ("main_column", main.into()),
            ("columns", more.into()),
            ("do", "save".into()),
        ]
    };
    let pairs = |v: &[(&'static str, &str)]| v.iter().map(|(k, v)| (*k, v.to_string())).collect::<Vec<_>>();
    let cases: Vec<(&Person, String, Vec<(&'static str, String)>, Vec<(&'static str, String)>)> = vec![
        (editor, "/documents/new".into(), whole(&column, ""), whole(&nothing, "")),
        (editor, "/documents/new".into(), whole(&inner, &column), whole(&inner, &nothing)),
        (
            editor,
            format!("/documents/{draft}/relations"),
            pairs(&[("kind", "see"), ("to", &draft_there)]),
            pairs(&[("kind", "see"), ("to", &nothing)]),
        ),
        (
            editor,
            format!("/documents/{live}/relations/remove"),
            pairs(&[("kind", "see"), ("to", &draft_there)]),
            pairs(&[("kind", "see"), ("to", &nothing)]),
        ),
        (editor, format!("/documents/{draft}/files/{file_there}/remove"), vec![], vec![]),
        (
            editor,
            "/delegations".into(),
            pairs(&[("to", &colleague), ("since", "2026-09-15"), ("until", "2026-09-16"), ("reason", "休假")]),
            vec![],
        ),
        (
            admin,
            format!("/sites/{}/columns/new", a.site),
            pairs(&[
                ("parent", &column),
                ("name", "名"),
                ("slug", "abc"),
                ("description", "说明"),
                ("keywords", "词"),
                ("type", "政务动态"),
            ]),
            vec![],
        ),
        (admin, format!("/columns/{inner}/close"), pairs(&[("into", &column)]), vec![]),
        (admin, format!("/columns/{inner}/delete"), pairs(&[("into", &column)]), vec![]),
        (admin, format!("/sites/{}/domains", a.site), pairs(&[("act", "remove"), ("host", &b.domain)]), vec![]),
        (admin, format!("/sites/{}/domains", a.site), pairs(&[("act", "add"), ("host", &b.domain)]), vec![]),
    ];
    for (who, path, foreign_fields, unknown_fields) in cases {
        let f: Vec<(&str, &str)> = foreign_fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let answer = city.post(who, &path, &f).await;
        assert!(answer.status < 500, "{path} {}", answer.text());
        // What was typed comes back in the form; nothing beside it.
        let typed: Vec<&str> = f.iter().map(|(_, v)| *v).collect();
        clean(&answer, &marks, &format!("{path} {}", typed.join(" ")), who, "POST");
        if !unknown_fields.is_empty() {
            let f: Vec<(&str, &str)> = unknown_fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
            let other = city.post(who, &path, &f).await;
            let mask = |a: &Answer| {
                [column.as_str(), draft_there.as_str(), nothing.as_str()]
                    .iter()
                    .fold(plain(a, &path), |t, id| t.replace(id, "*"))
            };
            assert_eq!(mask(&answer), mask(&other), "{path} tells what is elsewhere");
        }
        assert_eq!(difference(&before, &truth(&city).await), Vec::<String>::new(), "{path} with {f:?}");
    }
}

/// A published text of another site may be related to; what is not published may not be known of, nor become known later.
#[tokio::test]
async fn a_related_text_shows_no_more_than_the_public_sees() {
    let city = Setup::new(6).await;
    let (a, b) = (city.place(A), city.place(B));
    let editor = a.who(Role::Editor);
    let id = |p: &Place, n: usize| p.documents.get(n).map(Id::to_string).unwrap_or_default();
    let (draft, there) = (id(a, 1), id(b, 0));
    let path = format!("/documents/{draft}/relations");
    let r = city.post(editor, &path, &[("kind", "see"), ("to", &there)]).await;
    assert_eq!(r.status, 303, "{}", r.text());
    let page = city.get(Some(editor), &format!("/documents/{draft}")).await;
    assert!(page.text().contains(&format!("{}t", b.mark("live"))), "the title of a public text is public");
    for (what, mark) in b.marks.iter().filter(|(w, _)| !["live", "slug"].contains(w)) {
        assert!(!page.everything().contains(mark.as_str()), "{what}");
    }
    assert!(!page.everything().contains(&format!("{}b", b.mark("live"))), "its body is not this page's");
    // Withdrawn there, it disappears here.
    let publisher = b.who(Role::Publisher);
    let w = city
        .post(
            publisher,
            &format!("/documents/{there}/withdraw"),
            &[("ground", "error"), ("text", "数字有误"), ("sure", "1")],
        )
        .await;
    assert_eq!(w.status, 303, "{}", w.text());
    let page = city.get(Some(editor), &format!("/documents/{draft}")).await;
    assert!(!page.everything().contains(b.mark("live")), "withdrawn there, it still shows here");
}

/// Administrators work on accounts, roles and machinery; no text that is not public is theirs to see.
#[tokio::test]
async fn administrators_see_no_texts() {
    let city = Setup::new(7).await;
    for who in [Role::SystemAdmin, Role::SecurityAdmin, Role::AuditAdmin].map(|r| city.citywide(r)) {
        let mut marks = Vec::new();
        for p in &city.places {
            for what in ["live", "draft", "submitted", "withdrawn", "file"] {
                marks.push((format!("{} {what}", p.name), p.mark(what).to_string()));
            }
        }
        for route in routes::of(&Method::GET) {
            for path in routes::all(route.path, city.place(B)) {
                let a = city.get(Some(who), &path).await;
                assert!(a.status < 500, "{path} {}", a.text());
                clean(&a, &marks, &path, who, "GET");
            }
        }
    }
    let _ = DEPARTMENT;
}

/// The same over the 53 sites of the demonstration city; long, so only when asked for.
mod soak {
    use std::sync::Arc;

    use axum::body::{Body, to_bytes};
    use axum::http::{Method, Request, header};
    use gongkai::house::{self, Hold, Which};
    use gongkai::{demo, serve};
    use kernel::permission::{Grant, Role, Scope};
    use kernel::{Actor, Id};
    use platform::audit::Entry;
    use platform::env::{Seeded, StandingClock};
    use platform::{Env, Read as _, args, session};
    use records::{account, site};
    use tower::ServiceExt;

    use super::super::setup;

    #[tokio::test]
    async fn fifty_three_sites() {
        if std::env::var_os("GONGKAI_SOAK").is_none() {
            return;
        }
        let dir = tempfile::tempdir().expect("folder");
        let env =
            Env { clock: Arc::new(StandingClock::at(setup::morning())), entropy: Arc::new(Seeded::new([53; 32])) };
        let which = Which { key_file: Some(dir.path().join("city.key")), ..Which::folder(&dir.path().join("data")) };
        let house = house::open(&which, env.clone(), Hold::Alone, true).await.expect("open");
        demo::build(&house, demo::Scale::Small, &|_| {}).await.expect("demo");
        let app = house.app.clone();
        let ctx = app.env.ctx(Actor::system("测试"));
        let mut tx = app.db.write(&ctx).await.expect("tx");
        let sites = site::list(&mut tx).await.expect("sites");
        let mut all: Vec<(site::Site, String, Id, Vec<Id>)> = Vec::new();
        for s in &sites {
            let mark = format!("z{}", kernel::id::token::<6>(ctx.entropy.as_ref()));
            // The mark goes into every text of the site's records, in place.
            for sql in [
                "UPDATE edition SET title=title||$1, summary=summary||$2, body=body||$3 WHERE document_id IN (SELECT id FROM document WHERE site_id=$4)",
                "UPDATE site_column SET name=name||$1, description=description||$2, keywords=keywords||$3 WHERE site_id=$4",
                "UPDATE site SET name=name||$1, sponsor=sponsor||$2, phone=phone||$3 WHERE id=$4",
            ] {
                tx.exec(sql, args![&mark, &mark, &mark, s.id]).await.expect("marked");
            }
            tx.exec(
                "UPDATE attachment SET name=$1||name WHERE edition_id IN (SELECT e.id FROM edition e JOIN document d ON d.id=e.document_id WHERE d.site_id=$2)",
                args![&mark, s.id],
            )
            .await
            .expect("marked");
            let person =
                account::insert(&mut tx, &format!("soak-{}", s.slug), &format!("人{mark}"), s.organ, "none", false)
                    .await
                    .expect("account");
            for role in [Role::SiteAdmin, Role::Editor, Role::Publisher] {
                account::grant(&mut tx, person, Grant { role, scope: Scope::Site(s.id) }).await.expect("grant");
            }
            let rows = tx
                .rows("SELECT id FROM document WHERE site_id=$1 ORDER BY id LIMIT 3", args![s.id])
                .await
                .expect("rows");
            let documents = rows.iter().map(|r| r.get("id").expect("id")).collect();
            all.push((s.clone(), mark, person, documents));
        }
        tx.audit(Entry::done("test.mark", "city", sites.first().expect("site").id));
        tx.commit().await.expect("commit");
        let router = serve::staff(&app);
        // A text may stand on another site too: there its marks are that site's own to show.
        let shared = {
            let mut tx = app.db.read().await.expect("tx");
            let rows = tx
                .rows("SELECT DISTINCT c.site_id AS there, d.site_id AS home FROM edition_column x JOIN edition e ON e.id=x.edition_id JOIN document d ON d.id=e.document_id JOIN site_column c ON c.id=x.column_id", vec![])
                .await
                .expect("rows");
            rows.iter()
                .map(|r| (r.get::<Id>("there").expect("id"), r.get::<Id>("home").expect("id")))
                .collect::<Vec<_>>()
        };
        for (s, own, person, _) in &all {
            let ctx = app.env.ctx(Actor::system("测试"));
            let token = session::begin(&app.db, &ctx, *person, true).await.expect("session");
            let mut paths: Vec<String> = super::routes::of(&Method::GET)
                .iter()
                .filter(|r| !super::routes::has_parameters(r))
                .map(|r| r.path.to_string())
                .collect();
            for (o, _, other, documents) in &all {
                paths.push(format!("/sites/{}", o.id));
                paths.push(format!("/sites/{}/columns", o.id));
                paths.push(format!("/organs/{}", o.organ));
                paths.push(format!("/users/{other}"));
                for d in documents {
                    paths.push(format!("/documents/{d}"));
                    paths.push(format!("/documents/{d}/edit"));
                }
            }
            for path in paths {
                let request = Request::builder()
                    .uri(&path)
                    .header(header::HOST, setup::STAFF_HOST)
                    .header(header::COOKIE, format!("gk_staff={token}"))
                    .body(Body::empty())
                    .expect("request");
                let response = router.clone().oneshot(request).await.expect("infallible");
                let headers = format!("{:?}", response.headers());
                let bytes = to_bytes(response.into_body(), 64 << 20).await.expect("body");
                let text = String::from_utf8_lossy(&bytes);
                for (o, mark, ..) in all.iter().filter(|(o, mark, ..)| mark != own && o.id != s.id) {
                    let lent = shared.contains(&(o.id, s.id)) || shared.contains(&(s.id, o.id));
                    let leak = text.contains(mark.as_str()) || headers.contains(mark.as_str());
                    assert!(!leak || lent, "{path} for {} shows something of {}", s.slug, o.slug);
                }
            }
        }
    }
}
