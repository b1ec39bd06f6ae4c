//! Search: whatever is typed, a page comes back, and nothing of it is taken for anything but words.

use super::pages::host;
use crate::staff::setup::{A, B, PORTAL, Setup, encoded};

#[tokio::test]
async fn hostile_questions_are_words() {
    let city = Setup::new(71).await;
    let host = host(&city, PORTAL);
    let long = "长".repeat(5_000);
    let wide = "a1".repeat(5_000);
    let deep = "(".repeat(5_000);
    let many = "a OR ".repeat(2_000);
    let questions = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' OR 1=1 --",
        "title:(a AND NOT b)^3~2 [a TO z] {x}",
        "AND",
        "OR NOT",
        "+",
        "-",
        "\"",
        "(",
        ")",
        ":",
        "*",
        "?",
        "~",
        "^",
        "\\",
        "/.*/",
        "site:secret",
        "state:draft",
        "%",
        "_",
        "\u{0}",
        "\u{202e}abc",
        "\u{feff}",
        "🀄🀄",
        "\r\nSet-Cookie: a=b",
        "{{ 7*7 }}",
        "${7*7}",
        &long,
        &wide,
        &deep,
        &many,
        "",
        "   ",
    ];
    for q in questions {
        for more in [
            "",
            "&title=1",
            "&order=new",
            "&year=abc",
            "&year=99999999999",
            "&p=0",
            "&p=99999999999999999999",
            "&p=-1",
            "&site=%3Czz%3E",
            "&organ=x&theme=y&kind=z",
            "&q=second",
        ] {
            if q.len() > 3_000 && !more.is_empty() {
                continue;
            }
            let path = format!("/search?q={}{more}", encoded(q));
            let a = city.public(&host, &path, &[]).await;
            let shown: String = q.chars().take(40).collect();
            assert_eq!(a.status, 200, "{shown:?}{more}: {}", a.text());
            let text = a.text();
            assert!(
                !text.contains("<script") && !text.contains("<img src=x") && !text.contains(" style="),
                "{shown:?}{more}"
            );
            assert!(!text.contains("<zz>"), "{shown:?}{more}");
            assert!(a.headers.get("set-cookie").is_none(), "{shown:?}");
            assert!(!text.contains(">49<"), "{shown:?}");
            for p in &city.places {
                for what in ["draft", "submitted", "withdrawn", "account"] {
                    assert!(!text.contains(p.mark(what)), "{shown:?} finds a {what} text");
                }
            }
        }
    }
    for raw in
        ["/search?q=%", "/search?q=%zz", "/search?q=%ff%fe", "/search?", "/search?=&&&=", "/search?q", "/search?q[]=1"]
    {
        assert_eq!(city.public(&host, raw, &[]).await.status, 200, "{raw}");
    }
}

#[tokio::test]
async fn what_is_public_is_found_and_nothing_else() {
    let city = Setup::new(72).await;
    let (a, b) = (city.place(A), city.place(B));
    let find = async |place: usize, q: &str| {
        city.public(&host(&city, place), &format!("/search?q={}", encoded(q)), &[]).await.text()
    };
    let title = |text: &str, mark: &str| text.matches(&format!("{mark}t")).count();
    let whole = |p: &crate::staff::setup::Place, what: &str| format!("{}t", p.mark(what));
    // The portal finds the whole city's, a site its own.
    let text = find(PORTAL, "统一").await;
    assert!(title(&text, a.mark("live")) > 0 && title(&text, b.mark("live")) > 0, "the portal finds every site's");
    let text = find(A, "统一").await;
    assert!(title(&text, a.mark("live")) > 0, "a site finds its own");
    assert_eq!(title(&text, b.mark("live")), 0, "a site's search shows another's");
    for what in ["draft", "submitted", "withdrawn"] {
        // What is typed stands on the page once more; a hit would link to it.
        let text = find(PORTAL, &whole(a, what)).await;
        let nothing = find(PORTAL, "z00112233aabbt").await;
        let same = |t: &str, typed: &str| t.replace(typed, "*");
        assert_eq!(same(&text, &whole(a, what)), same(&nothing, "z00112233aabbt"), "search tells of a {what} text");
    }
    // Withdrawn, it is found no more.
    let app = &city.house.app;
    let mut tx = app.db.write(&city.house.ctx("测试")).await.expect("tx");
    let id = a.documents.first().copied().expect("live");
    capabilities::content::commands::withdraw(&mut tx, id, "error", "数字有误").await.expect("withdraw");
    tx.commit().await.expect("commit");
    city.house.settle(&|_, _| {}).await.expect("settle");
    let text = find(PORTAL, "统一").await;
    assert_eq!(title(&text, a.mark("live")), 0);
    assert!(title(&text, b.mark("live")) > 0);
}
