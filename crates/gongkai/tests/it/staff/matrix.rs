//! Every route × every role. The result is a text that people read and agree to: `snapshots/route_matrix.txt`.
//! `GONGKAI_SNAP=1` writes it again; a route without a line, or a line that changed, fails.

use axum::http::Method;
use kernel::permission::Role;
use web::staff::Access;

use super::routes;
use super::setup::{A, Answer, DEPARTMENT, Person, Setup};

fn outcome(a: &Answer, own: &[String]) -> String {
    match a.status {
        200..=299 => "yes".into(),
        300..=399 => {
            let to = a.header("location").split('?').next().unwrap_or_default().to_string();
            let to = own.iter().fold(to, |t, id| t.replace(id.as_str(), "*"));
            format!("→{to}")
        }
        _ => match a.code().as_str() {
            "permission.denied" => "no".into(),
            // The door let it in; the form's token, which is left out here, is asked for next.
            "form.token" => "yes".into(),
            "session.ended" => "→401".into(),
            code => format!("{}:{code}", a.status),
        },
    }
}

#[tokio::test]
async fn every_route_for_every_role() {
    let city = Setup::new(1).await;
    let place = city.place(A);
    let editor = place.who(Role::Editor);
    let (token, csrf) = city.session(editor.account, false).await;
    let half = Person { token, csrf, ..editor.clone() };
    // Somebody whose password was set by another person.
    let fresh = city.place(DEPARTMENT).who(Role::Editor).clone();
    {
        let app = &city.house.app;
        let mut tx = app.db.write(&city.house.ctx("测试")).await.expect("tx");
        let hash = records::account::credentials(&mut tx, fresh.account).await.expect("hash").0;
        records::account::set_password(&mut tx, fresh.account, &hash, true).await.expect("set");
        tx.audit(platform::audit::Entry::done("account.reset", "account", fresh.account));
        tx.commit().await.expect("commit");
    }
    let people: Vec<(&str, Option<&Person>)> = vec![
        ("nobody", None),
        ("half", Some(&half)),
        ("fresh", Some(&fresh)),
        ("system", Some(city.citywide(Role::SystemAdmin))),
        ("security", Some(city.citywide(Role::SecurityAdmin))),
        ("audit", Some(city.citywide(Role::AuditAdmin))),
        ("office", Some(city.citywide(Role::OpenOffice))),
        ("site", Some(place.who(Role::SiteAdmin))),
        ("editor", Some(editor)),
        ("reviewer", Some(place.who(Role::Reviewer))),
        ("publisher", Some(place.who(Role::Publisher))),
    ];
    let mut text = String::from(
        "# Who gets into which staff route: method, path, what it needs, then each kind of person.\n\
         # yes: in (a POST then wants its form token); no: without the permission; →: sent elsewhere. Objects are those of\n\
         # the person's own site; nobody: not signed in; half: password only; fresh: must change the password first.\n",
    );
    let mut seen = Vec::new();
    for route in capabilities::staff_routes() {
        let key = format!("{} {}", route.method, route.path);
        assert!(!seen.contains(&key), "{key} stands twice");
        seen.push(key);
        let path = routes::own(route.path, place);
        let ids: Vec<String> =
            path.split('/').filter(|p| p.len() > 8 && !route.path.contains(p)).map(Into::into).collect();
        let needs = match route.access {
            Access::Open => "open",
            Access::Begun => "begun",
            Access::Needs(p) => p.code(),
        };
        text.push_str(&format!("{:<4} {} [{needs}]\n    ", route.method, route.path));
        for (name, who) in &people {
            let a = if route.method == Method::GET {
                city.get_json(*who, &path).await
            } else {
                city.post_raw(*who, &path, "", &[("accept", "application/json")]).await
            };
            assert!(a.status < 500, "{} {path} as {name}: {} {}", route.method, a.status, a.text());
            let what = outcome(&a, &ids);
            if let Access::Needs(p) = route.access {
                // Whatever else is said: a person without the permission never gets in.
                let may = who.is_some_and(|x| x.role.permissions().contains(&p)) && !["half", "fresh"].contains(name);
                assert!(may || what != "yes", "{} {path} let {name} in", route.method);
                assert!(!may || what != "no", "{} {path} kept {name} out", route.method);
            }
            text.push_str(&format!(" {name}={what}"));
        }
        text.push('\n');
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/snapshots/route_matrix.txt");
    if std::env::var_os("GONGKAI_SNAP").is_some() {
        std::fs::write(file, &text).expect("written");
    }
    let agreed = std::fs::read_to_string(file).unwrap_or_default();
    for (n, (was, is)) in agreed.lines().zip(text.lines()).enumerate() {
        assert_eq!(was, is, "line {} of route_matrix.txt (GONGKAI_SNAP=1 writes it again)", n + 1);
    }
    assert_eq!(agreed.lines().count(), text.lines().count(), "routes without an agreed line, or lines without a route");
}

#[tokio::test]
async fn every_menu_entry_is_a_route() {
    let routes = capabilities::staff_routes();
    for m in capabilities::menu() {
        let route = routes.iter().find(|r| r.method == Method::GET && r.path == m.url);
        let route = route.unwrap_or_else(|| panic!("the menu leads to {}, which nothing answers", m.url));
        match route.access {
            Access::Needs(p) => assert_eq!(p, m.needs, "{}", m.url),
            // One's own account is open to whoever is signed in.
            Access::Begun => assert_eq!(m.url, "/account"),
            Access::Open => panic!("{} is open", m.url),
        }
    }
}
