//! Files that are not what they say, and files that are too much.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::{Body, Bytes};
use axum::http::{Method, header};
use kernel::permission::Role;
use platform::Read as _;

use super::setup::{A, Answer, Person, Setup, request};

const BOUNDARY: &str = "----gongkai-test-7d1";

fn part(name: &str, value: &str) -> Vec<u8> {
    format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").into_bytes()
}

fn file_head(file: &str) -> Vec<u8> {
    format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{file}\"\r\nContent-Type: application/pdf\r\n\r\n")
        .into_bytes()
}

const TITLE: &str = "关于附件的通知";
const BODY: &str = "写了半天的正文，不能丢。";

fn head(city: &Setup, who: &Person) -> Vec<u8> {
    let column = city.place(A).columns.first().map(ToString::to_string).unwrap_or_default();
    [
        ("_csrf", who.csrf.as_str()),
        ("title", TITLE),
        ("kind", "notice"),
        ("body", BODY),
        ("source", "县教育局"),
        ("main_column", column.as_str()),
        ("do", "save"),
    ]
    .iter()
    .flat_map(|(k, v)| part(k, v))
    .collect()
}

async fn send(city: &Setup, who: &Person, body: Body) -> Answer {
    let r = request(Method::POST, "/documents/new", Some(who))
        .header(header::CONTENT_TYPE, format!("multipart/form-data; boundary={BOUNDARY}"));
    city.staff(r.body(body).expect("request")).await
}

async fn upload(city: &Setup, who: &Person, files: &[(&str, &[u8])]) -> Answer {
    let mut body = head(city, who);
    for (name, bytes) in files {
        body.extend(file_head(name));
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    send(city, who, Body::from(body)).await
}

async fn stored(city: &Setup) -> Vec<String> {
    let mut tx = city.house.app.db.read().await.expect("tx");
    let rows = tx.rows("SELECT name FROM attachment ORDER BY id", vec![]).await.expect("rows");
    rows.iter().map(|r| r.get("name").expect("name")).collect()
}

/// A zip whose directory promises to swell: a small real one with a lie in it.
fn bomb(member: &str, size: u32) -> Vec<u8> {
    let mut out = b"PK\x03\x04".to_vec();
    out.extend_from_slice(&[0; 26]);
    let start = out.len() as u32;
    out.extend_from_slice(b"PK\x01\x02");
    out.extend_from_slice(&[0; 20]);
    out.extend_from_slice(&size.to_le_bytes());
    out.extend_from_slice(&(member.len() as u16).to_le_bytes());
    out.extend_from_slice(&[0; 16]);
    out.extend_from_slice(member.as_bytes());
    let length = out.len() as u32 - start;
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&start.to_le_bytes());
    out.extend_from_slice(&[0, 0]);
    out
}

#[tokio::test]
async fn what_is_no_document_is_refused_and_the_text_kept() {
    let city = Setup::new(31).await;
    let who = city.place(A).who(Role::Editor);
    let before = stored(&city).await.len();
    let swelling = bomb("word/document.xml", 4_000_000_000);
    let stacked = bomb("word/document.xml", 300 << 20);
    let outside = bomb("word/../../../etc/passwd", 10);
    let cases: Vec<(&str, &[u8])> = vec![
        ("通知.pdf", b"MZ\x90\x00\x03 a program"),
        ("通知.exe", b"MZ\x90\x00\x03 a program"),
        ("通知.html", b"<script>alert(1)</script>"),
        ("图.svg", b"<svg onload=alert(1)>"),
        ("通知.docm", b"PK\x03\x04"),
        ("通知.pdf.exe", b"%PDF-1.7"),
        ("通知.docx", b"PK\x03\x04 cut off"),
        ("通知.docx", &swelling),
        ("通知.docx", &stacked),
        ("通知.docx", &outside),
        ("空.pdf", b""),
        ("..", b"%PDF-1.7"),
        ("表.csv", b"\xd6\xd0\xce\xc4"),
    ];
    for (name, bytes) in cases {
        let a = upload(&city, who, &[(name, bytes)]).await;
        assert_eq!(a.status, 422, "{name}: {}", a.text());
        let text = a.text();
        assert!(text.contains(TITLE) && text.contains(BODY), "{name}: what was typed is gone");
        assert!(text.contains("附件"), "{name}");
        assert!(!text.contains("<script>alert"), "{name}");
    }
    assert_eq!(stored(&city).await.len(), before, "something was taken");
}

#[tokio::test]
async fn names_lose_their_paths_and_good_files_beside_bad_ones_stay() {
    let city = Setup::new(32).await;
    let who = city.place(A).who(Role::Editor);
    let a = upload(
        &city,
        who,
        &[
            ("../../../etc/cron.d/通知.pdf", b"%PDF-1.7 one"),
            ("C:\\\\Users\\\\x\\\\表.txt", "内容".as_bytes()),
            ("坏.exe", b"MZ"),
        ],
    )
    .await;
    assert_eq!(a.status, 422, "{}", a.text());
    assert!(a.text().contains("坏.exe"), "which one was refused");
    let names = stored(&city).await;
    assert!(names.iter().any(|n| n == "通知.pdf") && names.iter().any(|n| n == "表.txt"), "{names:?}");
    assert!(names.iter().all(|n| !n.contains('/') && !n.contains('\\') && !n.contains("..")), "{names:?}");
    // Served as a file to be saved, never as a page.
    let id = {
        let mut tx = city.house.app.db.read().await.expect("tx");
        let r = tx
            .one("SELECT a.id, e.document_id FROM attachment a JOIN edition e ON e.id=a.edition_id WHERE a.name='表.txt'", vec![])
            .await
            .expect("row");
        (r.get::<kernel::Id>("document_id").expect("id"), r.get::<kernel::Id>("id").expect("id"))
    };
    let a = city.get(Some(who), &format!("/documents/{}/files/{}", id.0, id.1)).await;
    assert_eq!(a.status, 200);
    assert!(a.header("content-disposition").starts_with("attachment"), "{:?}", a.headers);
    assert_eq!(a.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn a_gigabyte_is_cut_early() {
    let city = Setup::new(33).await;
    let who = city.place(A).who(Role::Editor);
    let taken = Arc::new(AtomicUsize::new(0));
    let chunk = Bytes::from(vec![b'a'; 1 << 20]);
    let mut first = head(&city, who);
    first.extend(file_head("大.pdf"));
    first.extend_from_slice(b"%PDF-1.7 ");
    let count = taken.clone();
    let stream = futures_util::stream::unfold(0usize, move |n| {
        let (chunk, first, count) = (chunk.clone(), first.clone(), count.clone());
        async move {
            if n > 1024 {
                return None;
            }
            let bytes = if n == 0 { Bytes::from(first) } else { chunk };
            count.fetch_add(bytes.len(), Ordering::Relaxed);
            Some((Ok::<_, std::io::Error>(bytes), n + 1))
        }
    });
    let a = send(&city, who, Body::from_stream(stream)).await;
    assert_eq!(a.status, 413, "{}", a.text());
    let text = a.text();
    assert!(text.contains("50 MB") && text.contains("</html>"), "{text}");
    let read = taken.load(Ordering::Relaxed);
    assert!(read <= 62 << 20, "{} MB were read before it was refused", read >> 20);
    assert!(!stored(&city).await.iter().any(|n| n == "大.pdf"));
}

#[tokio::test]
async fn bodies_that_are_no_forms_are_refused_in_words() {
    let city = Setup::new(34).await;
    let who = city.place(A).who(Role::Editor);
    // More than any text.
    let long = format!("_csrf={}&title=a&body={}", who.csrf, "x".repeat(61 << 20));
    let a = city.post_raw(Some(who), "/documents/new", &long, &[]).await;
    assert_eq!(a.status, 413, "{}", a.text());
    let long = format!("_csrf={}&comment={}", who.csrf, "x".repeat(9 << 20));
    let draft = city.place(A).documents.get(1).map(ToString::to_string).unwrap_or_default();
    let a = city.post_raw(Some(who), &format!("/documents/{draft}/submit"), &long, &[]).await;
    assert_eq!(a.status, 413, "{}", a.text());
    assert!(a.text().contains("</html>"));
    // A multipart form that breaks off.
    let mut body = head(&city, who);
    body.extend(file_head("断.pdf"));
    body.extend_from_slice(b"%PDF-1.7 and then the line was cut");
    let a = send(&city, who, Body::from(body)).await;
    assert!((400..=422).contains(&a.status), "{} {}", a.status, a.text());
    assert!(a.text().contains("</html>"));
    // A multipart form without a boundary, and bytes that are no text.
    let r = request(Method::POST, "/documents/new", Some(who)).header(header::CONTENT_TYPE, "multipart/form-data");
    let a = city.staff(r.body(Body::from("nothing")).expect("request")).await;
    assert!((400..=422).contains(&a.status), "{}", a.status);
    let a =
        city.post_raw(Some(who), "/documents/new", &format!("_csrf={}&title=%FF%FE%00&body=%00", who.csrf), &[]).await;
    assert!(a.status < 500, "{} {}", a.status, a.text());
    assert!(!stored(&city).await.iter().any(|n| n == "断.pdf"));
}
