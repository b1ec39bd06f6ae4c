//! Which host is which site, and what a host or a path that is not ours can do: nothing.

use axum::http::Method;

use super::pages::{address, host};
use crate::staff::setup::{A, B, PORTAL, Setup};

#[tokio::test]
async fn a_host_is_a_site() {
    let city = Setup::new(61).await;
    let (a, portal) = (city.place(A), city.place(PORTAL));
    let name = async |host: &str| city.public(host, "/", &[]).await.text();
    for host in [
        format!("{}.localhost", a.slug),
        format!("{}.localhost:8080", a.slug),
        format!("{}.LOCALHOST:9999", a.slug.to_uppercase()),
        a.domain.clone(),
        format!("{}:443", a.domain),
        a.domain.to_uppercase(),
    ] {
        assert!(name(&host).await.contains(&format!("甲县网站{}", a.mark("site"))), "{host}");
    }
    for host in
        ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "[::1]", "evil.test", "", ":", "a b", "xn--55qx5d.test"]
    {
        assert!(name(host).await.contains(&format!("市政府网站{}", portal.mark("site"))), "{host:?} is the portal");
    }
    // A page of one site is no page of another.
    let page = address(&city, A, 0).await;
    assert_eq!(city.public(&host(&city, A), &page, &[]).await.status, 200);
    for other in [PORTAL, B] {
        let r = city.public(&host(&city, other), &page, &[]).await;
        assert_eq!(r.status, 404);
        assert!(!r.everything().contains(a.mark("live")));
    }
}

#[tokio::test]
async fn a_host_is_never_believed() {
    let city = Setup::new(62).await;
    let evil = "evil-host-8d1f.test";
    let page = address(&city, PORTAL, 0).await;
    let paths = [
        "/".to_string(),
        page,
        "/search?q=a".into(),
        "/mode?text=elder".into(),
        format!("/go/{}/", city.place(A).slug),
        "/feed.xml".into(),
        "/sitemap.xml".into(),
        "/robots.txt".into(),
        "/no/such".into(),
        "/favicon.ico".into(),
    ];
    for path in paths {
        for headers in [
            vec![],
            vec![
                ("x-forwarded-host", evil),
                ("forwarded", "host=evil-host-8d1f.test"),
                ("x-original-url", "/worklist"),
            ],
        ] {
            for h in [evil.to_string(), format!("{evil}:99"), format!("a@{evil}"), format!("localhost\"><b>{evil}")] {
                let a = city.public(&h, &path, &headers).await;
                assert!(!a.everything().contains("evil-host"), "{path} with {h} gives the host back");
                assert!(a.status < 500, "{path}");
            }
        }
    }
}

#[tokio::test]
async fn modes_lead_back_and_nowhere_else() {
    let city = Setup::new(63).await;
    let own = host(&city, A);
    for (referer, to) in [
        (format!("http://{own}/a/b.html"), "/a/b.html"),
        (format!("http://{own}/search?q=%E4%B8%AD"), "/search?q=%E4%B8%AD"),
        (format!("http://{own}"), "/"),
        (format!("http://{own}//evil.test/"), "/"),
        (format!("http://{own}/\\evil.test/"), "/"),
        (format!("http://{own}.evil.test/x"), "/"),
        (format!("http://{own}@evil.test/x"), "/"),
        ("https://evil.test/x".into(), "/"),
        (format!("http://{own}/mode?text=elder"), "/"),
        ("nonsense".into(), "/"),
        (String::new(), "/"),
    ] {
        let a = city.public(&own, "/mode?text=elder", &[("referer", referer.as_str())]).await;
        assert!(matches!(a.status, 302 | 303 | 307), "{}", a.status);
        assert_eq!(a.header("location"), to, "{referer}");
        let cookie = a.cookies().into_iter().find(|c| c.starts_with("gk_mode=")).expect("cookie");
        assert!(
            cookie.contains("Path=/") && cookie.contains("SameSite=Lax") && !cookie.contains("Domain="),
            "{cookie}"
        );
    }
    for odd in ["/mode", "/mode?text=%3Cscript%3E", "/mode?text=elder%0d%0aX:y", "/mode?contrast=high&contrast=high"] {
        let a = city.public(&own, odd, &[]).await;
        assert!(a.status < 500, "{odd}");
        assert!(!a.everything().contains("<script"), "{odd}");
        assert!(a.headers.get("x").is_none());
    }
    let css = city.public(&own, "/mode.css", &[("cookie", "gk_mode=elder")]).await;
    assert_eq!(css.header("vary"), "cookie");
    assert!(css.header("cache-control").contains("private"), "one reader's mode is not another's");
}

#[tokio::test]
async fn ways_to_other_sites_stay_in_the_city() {
    let city = Setup::new(64).await;
    let (own, b) = (host(&city, A), city.place(B));
    for (path, to) in [
        (format!("/go/{}", b.slug), format!("http://{}.localhost:8080/", b.slug)),
        (format!("/go/{}/a/b.html", b.slug), format!("http://{}.localhost:8080/a/b.html", b.slug)),
        (format!("/go/{}/%E4%B8%AD", b.slug), format!("http://{}.localhost:8080/%E4%B8%AD", b.slug)),
        (format!("/go/{}//evil.test/", b.slug), format!("http://{}.localhost:8080//evil.test/", b.slug)),
        (format!("/go/{}/%0d%0aX:y", b.slug), format!("http://{}.localhost:8080/%0D%0AX%3Ay", b.slug)),
    ] {
        let a = city.public(&own, &path, &[]).await;
        assert!(matches!(a.status, 302 | 303 | 307), "{path}: {}", a.status);
        assert_eq!(a.header("location"), to, "{path}");
    }
    for path in ["/go/evil.test", "/go/evil.test/x", "/go/@evil.test", "/go//evil.test", "/go/%2F%2Fevil.test", "/go/"]
    {
        let a = city.public(&own, path, &[]).await;
        assert_eq!(a.status, 404, "{path}");
        assert_eq!(a.header("location"), "", "{path}");
    }
}

#[tokio::test]
async fn odd_paths_are_no_pages() {
    let city = Setup::new(65).await;
    let own = host(&city, A);
    let page = address(&city, A, 0).await;
    // The same page, written with percent signs.
    let percent: String = page.bytes().map(|b| if b == b'/' { "/".to_string() } else { format!("%{b:02x}") }).collect();
    assert_eq!(city.public(&own, &percent, &[]).await.bytes, city.public(&own, &page, &[]).await.bytes);
    for path in [
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2fetc/passwd",
        "/assets/../../../etc/passwd",
        "/assets/%2e%2e/%2e%2e/Cargo.toml",
        "/assets/..%5c..%5cx",
        "/%00",
        "/a%00.html",
        "/%",
        "/%4",
        "/%zz",
        "/%ff%fe",
        "/%c0%ae%c0%ae/",
        "//",
        "/./",
        "/_/404.html",
        "/_/500.html",
        "/%5f/404.html",
        "/assets/",
        "/.env",
        "/.git/config",
        "/wp-login.php",
        "/data/gongkai.db",
        "/gongkai.sqlite",
    ] {
        let a = city.public(&own, path, &[]).await;
        assert!(matches!(a.status, 400 | 404), "{path}: {}", a.status);
        assert!(!a.text().contains("root:") && !a.text().contains("[workspace]"), "{path}");
    }
    let long = format!("/{}", "a".repeat(30_000));
    let a = city.public(&own, &long, &[]).await;
    assert!(matches!(a.status, 404 | 414), "{}", a.status);
    assert!(a.bytes.len() < 200_000, "a long address is not sent back");
}

#[tokio::test]
async fn the_two_doors_lead_to_two_places() {
    let city = Setup::new(66).await;
    let publisher = city.place(A).who(kernel::permission::Role::Publisher);
    let cookie = format!("gk_staff={}", publisher.token);
    // No staff page is served at the public door, not even to whoever is signed in.
    for route in capabilities::staff_routes() {
        if route.path == "/" {
            continue;
        }
        let path = route.path.replace(['{', '}'], "");
        for host in [host(&city, PORTAL), host(&city, A), "127.0.0.1:8081".into()] {
            let a = city.public_with(route.method.clone(), &host, &path, &[("cookie", &cookie)]).await;
            assert!(
                a.status == 404 || (route.method == Method::POST && a.status == 405),
                "{} {path}: {}",
                route.method,
                a.status
            );
            assert!(!a.text().contains("_csrf"), "{path}");
        }
    }
    for path in ["/metrics"] {
        assert_eq!(city.public(&host(&city, PORTAL), path, &[]).await.status, 404, "{path}");
    }
    // And no public page at the staff door.
    for path in ["/search?q=a", "/feed.xml", "/sitemap.xml", "/robots.txt", "/go/x"] {
        assert_eq!(city.get(Some(publisher), path).await.status, 404, "{path}");
    }
    let page = address(&city, A, 0).await;
    let a = city.get(Some(publisher), &page).await;
    assert_eq!(a.status, 404);
}
