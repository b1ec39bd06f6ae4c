//! Files of other systems: what is wrong is told with its line, what is right is kept, a second time changes nothing.

use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use gongkai::importing::{self, Order, Report};
use kernel::Result;

use crate::harness::{Engine, TestCity, run, same};

/// A good line.
fn line(id: &str, title: &str) -> String {
    serde_json::json!({
        "id": id, "title": title, "text": format!("{title}的正文。\n\n第二段。"), "doc_number": "云政发〔2025〕3号",
        "issuer": "云川市人民政府", "publish_date": "2025-03-04", "effective_date": "2025-04-01", "expired": false,
        "history": ["2025年3月1日通过"], "source": "云川市人民政府公报",
    })
    .to_string()
}

fn file(city: &TestCity, name: &str, bytes: &[u8]) -> PathBuf {
    let path = city.dir.path().join(name);
    std::fs::write(&path, bytes).expect("a file");
    path
}

async fn import_to(city: &TestCity, file: &Path, site: &str, column: &str) -> Result<Report> {
    let order = Order { file, site, column, limit: None, create: false };
    importing::run(&city.house, &order, &|_, _| {}).await
}

async fn import(city: &TestCity, file: &Path) -> Report {
    import_to(city, file, "portal", "zhengce/wenjian").await.expect("it is read")
}

fn told(report: &Report) -> Vec<(u64, &'static str)> {
    report.refused.iter().map(|b| (b.line, b.code)).collect()
}

both! {
    bad_lines_are_told_and_good_ones_kept, bad_lines_are_told_and_good_ones_kept_postgres => bad_lines;
}

async fn bad_lines(engine: Engine) {
    let city = TestCity::new(engine).await;
    let mut bytes = Vec::new();
    let mut push = |line: &[u8]| {
        bytes.extend_from_slice(line);
        bytes.push(b'\n');
    };
    push(format!("\u{feff}{}", line("1", "第一份文件")).as_bytes()); // 1: with a byte order mark
    push(b"{\"id\":\"2\",\"title\":\"\xb9\xab\xb8\xe6\",\"text\":\"x\"}"); // 2: GBK
    push(b"not json"); // 3
    push(b"[1,2]"); // 4: JSON, but no object
    push(br#"{"id":"5","text":"x"}"#); // 5: no title
    push(br#"{"id":"6","title":"x","text":"  "}"#); // 6: an empty text
    push(br#"{"title":"x","text":"y"}"#); // 7: no id
    push(line("1", "又是第一份").as_bytes()); // 8: the same id
    push(b""); // 9: an empty line is nothing
    push(line("10", &"长".repeat(10_000)).as_bytes()); // 10
    push(line("11", "日期不对").replace("2025-03-04", "2025-02-30").as_bytes()); // 11
    push(line("12", "全角日期").replace("2025-03-04", "２０２５－０３－０５").as_bytes()); // 12
    push(br#"{"id":13,"title":"x","text":"y"}"#); // 13: an id of another type
    push(line("14", "机密★5年的文件").replace("的正文", "机密★5年").as_bytes()); // 14
    push(b"{\"id\":\"15\",\"title\":\"\\u0000\",\"text\":\"x\"}"); // 15
    bytes.extend_from_slice(line("16", "没有换行的最后一份").as_bytes()); // 16
    let path = file(&city, "a.jsonl", &bytes);
    let report = import(&city, &path).await;
    let told = told(&report);
    for (at, code) in [
        (2, "import.encoding"),
        (3, "import.json"),
        (4, "import.json"),
        (5, "import.missing"),
        (6, "import.missing"),
        (7, "import.missing"),
        (8, "import.duplicate"),
        (10, "content.title_long"),
        (13, "import.json"),
        (14, "content.classified"),
    ] {
        assert!(told.contains(&(at, code)), "line {at} {code}: {told:?}");
    }
    assert!(told.iter().any(|(l, _)| *l == 11) && told.iter().any(|(l, _)| *l == 15), "{told:?}");
    assert_eq!(told.len(), 12, "{told:?}");
    assert_eq!((report.read, report.imported, report.unchanged), (16, 3, 0));
    for b in &report.refused {
        assert!(!b.what.is_empty() && b.mend.as_ref().is_some_and(|m| !m.is_empty()), "line {} has no mend", b.line);
    }
    let places: Vec<_> =
        report.refused.iter().filter(|b| b.code == "import.missing").map(|b| b.place.clone()).collect();
    assert_eq!(places, [Some("title".into()), Some("text".into()), Some("id".into())]);
    assert_eq!(city.count("SELECT COUNT(*) AS n FROM document").await, 3, "nothing of a refused line is left");
    assert_eq!(city.count("SELECT COUNT(*) AS n FROM document WHERE published_on='2025-03-05'").await, 1);
    let seen = city.dump().await;
    let again = import(&city, &path).await;
    assert_eq!((again.imported, again.unchanged, again.refused.len()), (0, 3, 12));
    same("a second import", &seen, &city.dump().await);
    city.end().await;
}

#[test]
fn a_broken_archive_keeps_what_came_before() {
    run(async {
        let city = TestCity::new(Engine::Sqlite).await;
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        for n in 0..400 {
            // Chance does not compress: the cut falls between lines that are there whole.
            let noise = kernel::id::token::<32>(city.house.app.env.entropy.as_ref());
            writeln!(gz, "{}", line(&format!("g{n}"), &format!("文件{n} {noise}"))).expect("written");
        }
        let whole = gz.finish().expect("finished");
        let cut = file(&city, "cut.jsonl.gz", &whole[..whole.len() * 2 / 3]);
        let report = import(&city, &cut).await;
        assert_eq!(told(&report), [(report.read, "import.broken")]);
        assert!(report.imported > 100 && report.imported < 400, "{}", report.imported);
        assert_eq!(report.imported + 1, report.read);
        let full = file(&city, "full.jsonl.gz", &whole);
        let rest = import(&city, &full).await;
        assert_eq!((rest.imported, rest.unchanged, told(&rest).len()), (400 - report.imported, report.imported, 0));
        // Bytes that are changed in the middle are no valid lines either.
        let mut changed = whole.clone();
        let middle = changed.len() / 2;
        changed[middle..middle + 64].fill(0x55);
        let report = import(&city, &file(&city, "changed.jsonl.gz", &changed)).await;
        assert!(!report.refused.is_empty() && report.imported == 0, "{:?}", told(&report));
        let nothing = import(&city, &file(&city, "empty.jsonl", b"")).await;
        assert_eq!(nothing, Report::default());
        city.end().await;
    });
}

#[test]
fn a_line_without_end_is_skipped_not_kept_in_memory() {
    run(async {
        let city = TestCity::new(Engine::Sqlite).await;
        let path = city.dir.path().join("long.jsonl");
        let mut f = std::fs::File::create(&path).expect("a file");
        writeln!(f, "{}", line("1", "前面的")).expect("written");
        // Mostly a hole: it takes no room on the disk.
        f.seek(SeekFrom::Start(48 << 20)).expect("sought");
        writeln!(f).expect("written");
        writeln!(f, "{}", line("2", "后面的")).expect("written");
        drop(f);
        let report = import(&city, &path).await;
        assert_eq!(told(&report), [(2, "import.line_long")]);
        assert_eq!((report.read, report.imported), (3, 2));
        city.end().await;
    });
}

#[test]
fn a_script_in_a_text_never_reaches_a_page() {
    run(async {
        let city = TestCity::new(Engine::Sqlite).await;
        let mut v: serde_json::Value = serde_json::from_str(&line("1", "<script>alert(1)</script>标题")).expect("json");
        v["text"] = "正文<script>alert(2)</script>\n\n<img src=x onerror=alert(3)>\n\n[链接](javascript:alert(4))\n\n<iframe src=\"https://example.com\"></iframe><style>body{}</style>".into();
        v["issuer"] = "\"><script>alert(5)</script>".into();
        v["source"] = "<svg onload=alert(6)>".into();
        v["doc_number"] = "<b onclick=alert(7)>1</b>".into();
        let path = file(&city, "script.jsonl", v.to_string().as_bytes());
        let report = import(&city, &path).await;
        assert_eq!(report.imported, 1, "{:?}", report.refused);
        let mut pages = 0;
        for ((_, path), (_, media, _, bytes)) in city.dump().await {
            let text = String::from_utf8_lossy(&bytes).to_lowercase();
            if !text.contains("alert(") {
                continue;
            }
            pages += 1;
            // Escaped as text it may stand there; as a tag or an address it may not.
            for bad in [
                "<script>alert",
                "<img src",
                "<iframe",
                "<svg onload",
                "<b onclick",
                "href=\"javascript:",
                "<style>body",
            ] {
                assert!(!text.contains(bad), "{path} ({media}): {bad}");
            }
        }
        assert!(pages > 3, "{pages}");
        city.end().await;
    });
}

#[test]
fn nowhere_to_put_it_is_told_before_anything_is_read() {
    run(async {
        let city = TestCity::new(Engine::Sqlite).await;
        let path = file(&city, "a.jsonl", line("1", "文件").as_bytes());
        for (site, column, code) in [
            ("nowhere", "gonggao", "site.unknown"),
            ("portal", "no/such", "column.unknown"),
            ("portal", "", "column.unknown"),
        ] {
            let r = import_to(&city, &path, site, column).await.expect_err("refused");
            assert_eq!(r.code(), code);
            assert!(r.how().is_some_and(|m| !m.is_empty()), "{code} tells how to mend it");
        }
        let r = import_to(&city, &city.dir.path().join("none.jsonl"), "portal", "gonggao").await.expect_err("refused");
        assert_eq!(r.code(), "import.file");
        let r = import_to(&city, city.dir.path(), "portal", "gonggao").await.expect_err("a folder is no file");
        assert!(matches!(r.code(), "import.file" | "import.broken"), "{r}");
        assert_eq!(city.count("SELECT COUNT(*) AS n FROM document").await, 0);
        // With leave to make it, the column is made; of a word that is no address it is not.
        let order = Order { file: &path, site: "portal", column: "ziliao/guizhang", limit: None, create: true };
        assert_eq!(importing::run(&city.house, &order, &|_, _| {}).await.expect("imported").imported, 1);
        assert_eq!(city.get("portal", "/ziliao/guizhang/").await.0, 200);
        let order = Order { column: "规章/Ａ", ..order };
        assert_eq!(importing::run(&city.house, &order, &|_, _| {}).await.expect_err("refused").code(), "column.slug");
        city.end().await;
    });
}

#[test]
fn a_limit_reads_no_further() {
    run(async {
        let city = TestCity::new(Engine::Sqlite).await;
        let text: Vec<String> = (0..7).map(|n| line(&format!("l{n}"), &format!("文件{n}"))).collect();
        let path = file(&city, "a.jsonl", text.join("\n").as_bytes());
        let order = Order { file: &path, site: "portal", column: "gonggao", limit: Some(5), create: false };
        let report = importing::run(&city.house, &order, &|_, _| {}).await.expect("imported");
        assert_eq!((report.read, report.imported), (5, 5));
        city.end().await;
    });
}
