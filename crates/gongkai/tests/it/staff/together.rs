//! Two people at one document: the second is told, and nothing is lost.

use kernel::Id;
use kernel::permission::Role;

use super::setup::{A, Answer, Person, Setup};

async fn lock(city: &Setup, id: Id) -> (String, records::document::Document) {
    let mut tx = city.house.app.db.read().await.expect("tx");
    let d = records::document::get(&mut tx, id).await.expect("document");
    (d.lock_version.to_string(), d)
}

async fn save(city: &Setup, who: &Person, id: Id, lock: &str, title: &str, body: &str) -> Answer {
    let column = city.place(A).columns.first().map(ToString::to_string).unwrap_or_default();
    city.post(
        who,
        &format!("/documents/{id}/edit"),
        &[
            ("lock_version", lock),
            ("title", title),
            ("kind", "notice"),
            ("body", body),
            ("source", "县教育局"),
            ("main_column", &column),
            ("do", "save"),
        ],
    )
    .await
}

#[tokio::test]
async fn the_second_loses_nothing() {
    let city = Setup::new(41).await;
    let place = city.place(A);
    let id = place.documents.get(1).copied().expect("draft");
    let (first, second) =
        (place.who(Role::Editor), city.county.iter().find(|p| p.role == Role::Editor).expect("editor"));
    let (version, _) = lock(&city, id).await;
    // Both have the page open.
    let a = save(&city, first, id, &version, "赵钱孙李周吴", "甲乙丙丁戊己庚辛").await;
    assert_eq!(a.status, 303, "{}", a.text());
    let b = save(&city, second, id, &version, "天地玄黄宇宙", "春夏秋冬东西南北").await;
    assert_eq!(b.status, 409);
    let text = b.text();
    for kept in ["天地玄黄宇宙", "春夏秋冬东西南北", "赵钱孙李周吴", "甲乙丙丁戊己庚辛"] {
        let bare: String = kraft(&text);
        assert!(bare.contains(kept), "“{kept}” is not on the page");
    }
    assert!(text.contains("编辑"), "who was faster");
    // Nothing of the second is stored yet, everything of the first is.
    let stored = async || {
        let (_, d) = lock(&city, id).await;
        let mut tx = city.house.app.db.read().await.expect("tx");
        records::document::get_edition(&mut tx, d.draft.expect("draft")).await.expect("edition").content
    };
    let now = stored().await;
    assert_eq!(now.title, "赵钱孙李周吴");
    assert!(now.body.contains("甲乙丙丁戊己庚辛"));
    // The page holds the new lock version: saved knowingly, the second's text is stored.
    let (version, _) = lock(&city, id).await;
    assert!(text.contains(&format!("name=\"lock_version\" value=\"{version}\"")), "the form holds the new version");
    let c = save(&city, second, id, &version, "天地玄黄宇宙", "春夏秋冬东西南北").await;
    assert_eq!(c.status, 303, "{}", c.text());
    assert_eq!(stored().await.title, "天地玄黄宇宙");
    // A form without a version, or with one of nowhere, is no way round.
    for odd in ["", "0", "-1", "99999999999999999999", "x"] {
        let a = save(&city, first, id, odd, "绕过", "绕过").await;
        assert_eq!(a.status, 409, "version {odd:?}");
    }
    assert_eq!(stored().await.title, "天地玄黄宇宙");
}

/// The page's words without its markup: a comparison marks changed words in the middle of a sentence.
fn kraft(html: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    out
}

#[tokio::test]
async fn a_decision_is_about_what_was_read() {
    let city = Setup::new(42).await;
    let place = city.place(A);
    let id = place.documents.get(2).copied().expect("submitted");
    let (version, _) = lock(&city, id).await;
    let reviewer = place.who(Role::Reviewer);
    let path = format!("/documents/{id}/review");
    let back =
        city.post(reviewer, &path, &[("lock_version", &version), ("do", "return"), ("comment", "请补充依据")]).await;
    assert_eq!(back.status, 303, "{}", back.text());
    // The publisher had the same page open.
    let late = city
        .post(place.who(Role::Publisher), &path, &[("lock_version", &version), ("do", "approve"), ("comment", "")])
        .await;
    assert_eq!(late.status, 409, "{}", late.text());
    // Nobody reviews what they wrote, whatever roles they hold.
    let editor = place.who(Role::Editor);
    let a = city.post(editor, &path, &[("lock_version", &version), ("do", "approve")]).await;
    assert_eq!(a.status, 403);
}

#[tokio::test]
async fn two_saves_at_the_same_moment_leave_one() {
    let city = Setup::new(43).await;
    let place = city.place(A);
    let id = place.documents.get(1).copied().expect("draft");
    let (first, second) =
        (place.who(Role::Editor), city.county.iter().find(|p| p.role == Role::Editor).expect("editor"));
    let (version, _) = lock(&city, id).await;
    let (a, b) = tokio::join!(
        save(&city, first, id, &version, "甲的标题", "甲的正文"),
        save(&city, second, id, &version, "乙的标题", "乙的正文")
    );
    let mut both = [a.status, b.status];
    both.sort_unstable();
    assert_eq!(both, [303, 409], "{} {}", a.text(), b.text());
}
