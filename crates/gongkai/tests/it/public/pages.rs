//! Pages, their headers, their tags.

use std::io::Read as _;

use axum::http::Method;
use records::document;
use scraper::{Html, Selector};

use crate::staff::setup::{A, Answer, B, CHILD, Setup};

/// The current address of a document on its own site.
pub async fn address(city: &Setup, place: usize, n: usize) -> String {
    let p = city.place(place);
    let id = p.documents.get(n).copied().expect("document");
    let mut tx = city.house.app.db.read().await.expect("tx");
    let all = document::addresses(&mut tx, &[id]).await.expect("addresses");
    all.iter().find(|a| a.site == p.site && a.current).expect("address").path.clone()
}

/// Where the first place's attachment is served.
async fn file(city: &Setup, page: &str) -> String {
    let host = host(city, A);
    let text = city.public(&host, page, &[]).await.text();
    let link = Selector::parse("a[href$=\".txt\"]").expect("selector");
    let href =
        Html::parse_document(&text).select(&link).next().and_then(|a| a.value().attr("href").map(str::to_string));
    href.expect("a link to the file")
}

pub fn host(city: &Setup, place: usize) -> String {
    format!("{}.localhost:8080", city.place(place).slug)
}

fn plain_secure(a: &Answer, path: &str) {
    assert!(a.header("content-security-policy").contains("default-src 'self'"), "{path}: {:?}", a.headers);
    assert!(!a.header("content-security-policy").contains("unsafe"), "{path}");
    assert_eq!(a.header("x-content-type-options"), "nosniff", "{path}");
    assert_eq!(a.header("referrer-policy"), "same-origin", "{path}");
    assert!(a.headers.get("server").is_none() && a.headers.get("x-powered-by").is_none(), "{path}");
    let text = a.text();
    assert!(!text.contains("<script") && !text.contains(" style="), "{path} has a script or a style in it");
    assert!(!text.contains("javascript:") && !text.contains(" onclick") && !text.contains(" onload"), "{path}");
}

async fn everything_public(city: &Setup) -> Vec<(String, u16)> {
    let p = city.place(A);
    let page = address(city, A, 0).await;
    let gone = address(city, A, 3).await;
    let column = p.column_path.clone();
    let file = file(city, &page).await;
    vec![
        ("/".into(), 200),
        (format!("/{column}/"), 200),
        (page, 200),
        (file, 200),
        ("/feed.xml".into(), 200),
        (format!("/{column}/feed.xml"), 200),
        ("/sitemap.xml".into(), 200),
        ("/sitemap-pages.xml".into(), 200),
        ("/sitemap-202609.xml".into(), 200),
        ("/sitemap.html".into(), 200),
        ("/robots.txt".into(), 200),
        ("/search?q=%E7%BB%9F%E4%B8%80".into(), 200),
        ("/search".into(), 200),
        ("/healthz".into(), 200),
        ("/readyz".into(), 200),
        ("/mode.css".into(), 200),
        (gone, 410),
        ("/no/such/page.html".into(), 404),
        ("/_/404.html".into(), 404),
    ]
}

#[tokio::test]
async fn pages_come_with_their_headers() {
    let city = Setup::new(51).await;
    let host = host(&city, A);
    for (path, status) in everything_public(&city).await {
        let a = city.public(&host, &path, &[]).await;
        assert_eq!(a.status, status, "{path}: {}", a.text());
        plain_secure(&a, &path);
        // A second time: from memory now, and not otherwise.
        let again = city.public(&host, &path, &[]).await;
        assert_eq!((again.status, again.bytes), (a.status, a.bytes), "{path}");
        assert_eq!(again.headers, a.headers, "{path}");
    }
    let p = city.place(A);
    let page = city.public(&host, &address(&city, A, 0).await, &[]).await;
    assert!(
        page.text().contains(&format!("{}t", p.mark("live"))) && page.text().contains(&format!("{}b", p.mark("live")))
    );
    for (path, status) in everything_public(&city).await {
        let a = city.public(&host, &path, &[]).await;
        for what in ["draft", "submitted", "withdrawn", "account"] {
            assert!(!a.everything().contains(p.mark(what)), "{path} ({status}) shows a {what} text");
        }
    }
    let gone = city.public(&host, &address(&city, A, 3).await, &[]).await;
    assert!(gone.text().contains("撤回"), "{}", gone.text());
}

#[tokio::test]
async fn compressed_or_not_it_is_the_same() {
    let city = Setup::new(52).await;
    let host = host(&city, A);
    for (path, status) in everything_public(&city).await.into_iter().filter(|(p, _)| !p.starts_with("/search")) {
        let plain = city.public(&host, &path, &[]).await;
        assert!(plain.headers.get("content-encoding").is_none(), "{path}");
        let packed = city.public(&host, &path, &[("accept-encoding", "br, gzip;q=0.8")]).await;
        assert_eq!(packed.status, status);
        if packed.header("content-encoding") == "gzip" {
            let mut out = Vec::new();
            flate2::read::GzDecoder::new(packed.bytes.as_slice()).read_to_end(&mut out).expect("gzip");
            assert_eq!(out, plain.bytes, "{path}");
            assert_eq!(packed.header("vary"), "accept-encoding", "{path}");
        } else {
            assert_eq!(packed.bytes, plain.bytes, "{path}");
        }
        for refused in ["gzip;q=0", "identity", "br", "gzip; q=0.000", "*;q=0"] {
            let a = city.public(&host, &path, &[("accept-encoding", refused)]).await;
            assert!(a.headers.get("content-encoding").is_none(), "{path} with {refused}");
        }
    }
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let city = Setup::new(53).await;
    let host = host(&city, A);
    let path = address(&city, A, 0).await;
    let a = city.public(&host, &path, &[]).await;
    let tag = a.header("etag").to_string();
    assert!(tag.starts_with('"') && tag.len() > 10, "{tag}");
    assert_eq!(a.header("cache-control"), "no-cache");
    for sent in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}")] {
        let b = city.public(&host, &path, &[("if-none-match", &sent)]).await;
        assert_eq!((b.status, b.bytes.len()), (304, 0), "{sent}");
        assert_eq!(b.header("etag"), tag);
        plain_secure(&b, &path);
    }
    let b = city.public(&host, &path, &[("if-none-match", "\"other\"")]).await;
    assert_eq!(b.status, 200);
    // A withdrawn page is never “not changed”.
    let gone = address(&city, A, 3).await;
    let b = city.public(&host, &gone, &[("if-none-match", "*")]).await;
    assert_eq!(b.status, 410);
    // The same status and headers; the server leaves the body away on the wire.
    for path in [path.as_str(), "/", "/robots.txt", "/no/such", gone.as_str(), "/search?q=a", "/healthz"] {
        let get = city.public(&host, path, &[]).await;
        let head = city.public_with(Method::HEAD, &host, path, &[]).await;
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        assert_eq!(head.header("etag"), get.header("etag"), "{path}");
    }
    // Nothing is changed from this side.
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS, Method::TRACE] {
        for path in ["/", path.as_str(), "/search", "/mode", "/worklist"] {
            let a = city.public_with(method.clone(), &host, path, &[]).await;
            assert!(matches!(a.status, 404 | 405 | 410), "{method} {path}: {}", a.status);
            assert!(!a.text().contains("<script"), "{method} {path}");
        }
    }
}

fn meta(html: &str, name: &str) -> Vec<String> {
    let doc = Html::parse_document(html);
    let Ok(s) = Selector::parse("head meta[name]") else { return Vec::new() };
    doc.select(&s)
        .filter(|m| m.value().attr("name") == Some(name))
        .map(|m| m.value().attr("content").unwrap_or_default().to_string())
        .collect()
}

#[tokio::test]
async fn pages_carry_the_tags_that_are_asked_of_government_sites() {
    let city = Setup::new(54).await;
    let site = ["SiteName", "SiteDomain", "SiteIDCode"];
    let column = ["ColumnName", "ColumnDescription", "ColumnKeywords", "ColumnType"];
    let article = ["ArticleTitle", "PubDate", "ContentSource"];
    for place in 0..city.places.len() {
        let p = city.place(place);
        let host = host(&city, place);
        let page = address(&city, place, 0).await;
        let list = format!("/{}/", p.column_path);
        for (path, names) in [
            ("/".to_string(), site.to_vec()),
            (list, [site.as_slice(), &column].concat()),
            (page, [site.as_slice(), &column, &article].concat()),
        ] {
            let text = city.public(&host, &path, &[]).await.text();
            for name in names {
                let values = meta(&text, name);
                assert_eq!(values.len(), 1, "{path}: {name} stands {} times", values.len());
                let value = values.into_iter().next().unwrap_or_default();
                assert!(!value.trim().is_empty() && value != "null", "{path}: {name} is empty");
                match name {
                    "SiteDomain" => assert_eq!(value, p.domain),
                    "SiteName" => assert!(value.contains(p.mark("site"))),
                    "ArticleTitle" => assert!(value.ends_with(&format!("{}t", p.mark("live"))), "{value}"),
                    "PubDate" => assert_eq!(value, "2026-09-14 08:30"),
                    "ColumnName" => assert!(value.contains(p.mark("column"))),
                    _ => {}
                }
            }
        }
        // A home page is no article.
        let home = city.public(&host, "/", &[]).await.text();
        assert!(meta(&home, "ArticleTitle").is_empty());
    }
}

#[tokio::test]
async fn lists_name_only_what_is_public() {
    let city = Setup::new(55).await;
    let p = city.place(A);
    let host = host(&city, A);
    for path in
        ["/".to_string(), format!("/{}/", p.column_path), "/feed.xml".into(), format!("/{}/feed.xml", p.column_path)]
    {
        let text = city.public(&host, &path, &[]).await.text();
        // A home page shows the columns that it was told to: here none.
        assert!(path == "/" || text.contains(&format!("{}t", p.mark("live"))), "{path} does not name the public text");
        for other in [B, CHILD] {
            for what in ["draft", "submitted", "withdrawn"] {
                assert!(!text.contains(city.place(other).mark(what)), "{path}");
            }
        }
    }
    let page = address(&city, A, 0).await;
    let map = city.public(&host, "/sitemap-202609.xml", &[]).await.text();
    assert!(map.contains(&page), "{map}");
    assert!(!map.contains(&address(&city, A, 3).await));
    // Files of what was withdrawn have stopped.
    let file = file(&city, &page).await;
    let a = city.public(&host, &file, &[]).await;
    assert_eq!(a.status, 200);
    assert!(a.header("content-disposition").starts_with("attachment"), "{:?}", a.headers);
    let app = &city.house.app;
    let mut tx = app.db.write(&city.house.ctx("测试")).await.expect("tx");
    let id = p.documents.first().copied().expect("live");
    capabilities::content::commands::withdraw(&mut tx, id, "personal", "涉及个人信息").await.expect("withdraw");
    tx.commit().await.expect("commit");
    city.house.settle(&|_, _| {}).await.expect("settle");
    for (path, status) in [(page.as_str(), 410), (file.as_str(), 410)] {
        let a = city.public(&host, path, &[]).await;
        assert!(a.status == status || a.status == 404, "{path}: {}", a.status);
        assert!(!a.everything().contains(p.mark("live")), "{path}");
    }
    for path in [
        "/".to_string(),
        format!("/{}/", p.column_path),
        "/feed.xml".into(),
        "/sitemap-202609.xml".into(),
        "/search?q=%E7%BB%9F%E4%B8%80".into(),
    ] {
        let text = city.public(&host, &path, &[]).await.text();
        assert!(!text.contains(p.mark("live")) && !text.contains(&page), "{path} still names what was withdrawn");
    }
}
