//! The index as its callers see it.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use search::{Found, Index, Item, Order, Query};

fn item(key: &str, title: &str, body: &str) -> Item {
    Item { key: key.into(), site: "city".into(), title: title.into(), body: body.into(), year: 2020, ..Item::default() }
}

fn ask(text: &str) -> Query {
    Query { text: text.into(), ..Query::default() }
}

fn keys(found: &Found) -> Vec<&str> {
    found.hits.iter().map(|h| h.key.as_str()).collect()
}

fn filled(items: &[Item]) -> Index {
    let index = Index::in_memory().expect("index");
    index.put(items).expect("put");
    index.commit(1).expect("commit");
    index
}

#[track_caller]
fn search(index: &Index, query: &Query) -> Found {
    index.search(query).expect("search")
}

#[test]
fn document_numbers_typed_any_way_come_first() {
    let cites = "根据国办发〔2017〕47号、国办发〔2017〕47号文件的要求，国办发〔2017〕47号";
    let mut items = vec![
        item("cites", "转发国办发〔2017〕47号的通知", cites),
        Item {
            number: "国办发〔2017〕47号".into(), ..item("it", "政府网站发展指引", "为推进全国政府网站")
        },
        Item { number: "国办发〔2017〕147号".into(), ..item("other", "另一份通知", "正文") },
        Item { number: "国发〔2017〕47号".into(), ..item("near", "国务院的通知", "正文") },
        Item { number: "国务院令第711号".into(), ..item("order", "政府信息公开条例", "正文") },
    ];
    items.push(item("noise", "2017年工作要点47条", "国办发 2017 年 47 号 楼"));
    let index = filled(&items);
    for text in [
        "国办发〔2017〕47号",
        "国办发[2017]47号",
        "国办发2017 47",
        "国办发（2017）47号",
        "国办发【２０１７】４７号",
        "国办发2017年47号",
        "国办发 2017 47 号",
        "国办发〔2017〕第47号",
        "请看国办发〔2017〕47号文件",
    ] {
        let found = search(&index, &ask(text));
        assert_eq!(keys(&found).first(), Some(&"it"), "{text}: {:?}", keys(&found));
        assert!(!keys(&found).contains(&"other"), "{text}");
        assert!(!keys(&found).contains(&"near"), "{text}");
    }
    assert_eq!(keys(&search(&index, &ask("国务院令711号"))).first(), Some(&"order"));
    let short = search(&index, &ask("〔2017〕47号"));
    assert!(keys(&short).iter().take(2).all(|k| ["it", "near"].contains(k)), "{:?}", keys(&short));
    let only = search(&index, &Query { title_only: true, ..ask("国办发2017 47") });
    assert_eq!(keys(&only).first(), Some(&"it"));
}

#[test]
fn titles_before_bodies_exact_titles_first_newer_slightly() {
    let index = filled(&[
        item("body", "其他事项", "本文说到居住证办理"),
        item("long", "关于做好居住证办理工作有关事项的通知", "居住证办理居住证办理居住证办理"),
        item("title", "居住证办理", "指南"),
        Item { year: 2010, ..item("old", "公积金提取办法", "正文") },
        Item { year: 2024, ..item("new", "公积金提取办法", "正文") },
        Item { note: "废止".into(), year: 2024, ..item("void", "公积金缴存办法", "正文") },
    ]);
    assert_eq!(keys(&search(&index, &ask("居住证办理"))), ["title", "long", "body"]);
    assert_eq!(keys(&search(&index, &ask("公积金提取"))), ["new", "old"]);
    assert_eq!(keys(&search(&index, &ask("公积金缴存"))), ["void"]);
}

#[test]
fn words_apart_are_found_and_too_many_words_are_relaxed() {
    let index =
        filled(&[item("a", "居住证管理办法", "申请材料应当齐全。办理时限十五日。"), item("b", "通知", "放假安排")]);
    let found = search(&index, &ask("居住证 办理时限"));
    assert_eq!((keys(&found), found.relaxed), (vec!["a"], false));
    let found = search(&index, &ask("请问居住证怎么办理"));
    assert_eq!((keys(&found), found.relaxed), (vec!["a"], false));
    let found = search(&index, &ask("居住证 办理 打折优惠"));
    assert_eq!((keys(&found), found.relaxed), (vec!["a"], true));
    assert_eq!(search(&index, &ask("火星移民")).total, 0);
}

#[test]
fn digits_are_whole_and_widths_do_not_matter() {
    let index = filled(&[item("a", "ＧＢ／Ｔ ２２６０", "共147号"), item("b", "别的", "第47号")]);
    assert_eq!(keys(&search(&index, &ask("gb/t 2260"))), ["a"]);
    assert_eq!(keys(&search(&index, &ask("47号"))), ["b"]);
}

#[test]
fn filters_and_facets() {
    let mut items = vec![];
    for i in 0..60 {
        items.push(Item {
            site: if i % 2 == 0 { "city" } else { "town" }.into(),
            organ: format!("organ{}", i % 3),
            theme: if i % 5 == 0 { String::new() } else { "theme".into() },
            kind: ["通知", "公告"][i % 2].into(),
            year: 2020 + (i % 4) as i32,
            sort: i as i64,
            ..item(&i.to_string(), "放假通知", "安排")
        });
    }
    let index = filled(&items);
    let all = search(&index, &Query::default());
    assert_eq!((all.total, all.hits.len()), (60, 20));
    assert_eq!(keys(&all).first(), Some(&"59"));
    assert_eq!(all.facets.site, [("city".to_string(), 30), ("town".to_string(), 30)]);
    assert_eq!(all.facets.theme, [("theme".to_string(), 48)]);
    assert_eq!(all.facets.year.first(), Some(&(2023, 15)));

    let city = search(&index, &Query { site: Some("city".into()), ..ask("放假") });
    assert_eq!((city.total, city.facets.site), (30, vec![("city".to_string(), 30)]));
    assert_eq!(city.facets.kind, [("通知".to_string(), 30)]);

    let organ = search(&index, &Query { organ: Some("organ1".into()), ..ask("放假") });
    assert_eq!(organ.total, 20);
    assert_eq!(organ.facets.organ.len(), 3, "its own filter does not narrow a dimension");
    assert_eq!(organ.facets.kind.iter().map(|(_, n)| n).sum::<u64>(), 20, "the others are narrowed");

    let both = search(&index, &Query { organ: Some("organ1".into()), year: Some(2021), ..Query::default() });
    assert_eq!(both.total, 5);
    assert_eq!(both.facets.year.iter().map(|(_, n)| n).sum::<u64>(), 20);
    assert_eq!(both.facets.organ.iter().map(|(_, n)| n).sum::<u64>(), 15);

    let none = search(&index, &Query { organ: Some("nobody".into()), ..ask("放假") });
    assert_eq!((none.total, none.relaxed, none.facets.organ.len()), (0, false, 3));

    let mut seen = vec![];
    for page in 1..=4 {
        let found = search(&index, &Query { page, order: Order::Newest, ..ask("放假") });
        seen.extend(found.hits.into_iter().map(|h| h.sort));
    }
    assert_eq!(seen, (0..60).rev().collect::<Vec<i64>>());
    for page in [0, 1] {
        assert_eq!(search(&index, &Query { page, ..Query::default() }).hits.len(), 20);
    }
    let beyond = search(&index, &Query { page: usize::MAX, page_size: usize::MAX, ..Query::default() });
    assert_eq!((beyond.total, beyond.hits.len()), (60, 0));
    assert!(search(&index, &Query { page_size: 0, ..ask("放假") }).hits.is_empty());
}

#[test]
fn marks_stand_in_title_and_snippet() {
    let index = filled(&[item("a", "政府信息公开条例", "为了保障公民依法获取政府信息。")]);
    let found = search(&index, &ask("政府信息"));
    let hit = found.hits.first().expect("hit");
    let marked = |pieces: &[search::Piece]| {
        pieces.iter().filter(|p| p.hit).map(|p| p.text.clone()).collect::<Vec<_>>().join("|")
    };
    assert_eq!(marked(&hit.title_marked), "政府信息");
    assert_eq!(marked(&hit.snippet), "政府信息");
}

#[test]
fn what_is_replaced_removed_or_cleared_is_not_found() {
    let index = filled(&[item("a", "第一版", "旧文"), item("b", "乙", "文")]);
    index.put(&[item("a", "第二版", "新文")]).expect("put");
    assert_eq!(search(&index, &ask("第一版")).total, 1, "seen after the commit only");
    index.commit(2).expect("commit");
    assert_eq!(search(&index, &ask("第一版")).total, 0);
    assert_eq!(keys(&search(&index, &ask("第二版"))), ["a"]);
    assert_eq!((index.count(), index.position()), (2, 2));
    index.put(&[Item { site: "town".into(), ..item("c", "丙", "文") }]).expect("put");
    index.remove_site("city").expect("remove");
    index.commit(3).expect("commit");
    assert_eq!(keys(&search(&index, &Query::default())), ["c"]);
    index.clear().expect("clear");
    index.put(&[item("d", "丁", "文")]).expect("put");
    assert_eq!(keys(&search(&index, &Query::default())), ["c"]);
    index.commit(4).expect("commit");
    assert_eq!(keys(&search(&index, &Query::default())), ["d"]);
    assert_eq!(index.put(&[item("", "x", "y")]).expect_err("no key").code(), "search.key");
}

#[test]
fn reopening_keeps_documents_and_position() {
    let dir = tempfile::tempdir().expect("dir");
    let opened = Index::open(dir.path()).expect("open");
    assert!(opened.needs_rebuild && opened.damage.is_none());
    opened.index.put(&[item("a", "标题", "正文")]).expect("put");
    opened.index.commit(42).expect("commit");
    opened.index.put(&[item("b", "没有提交", "正文")]).expect("put");
    assert_eq!(Index::open(dir.path()).expect_err("two at once").code(), "search.locked");
    drop(opened);
    let opened = Index::open(dir.path()).expect("open");
    assert!(!opened.needs_rebuild);
    assert_eq!((opened.index.position(), opened.index.count()), (42, 1));
    opened.index.verify().expect("sound");
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut out: Vec<_> = fs::read_dir(dir).expect("dir").map(|e| e.expect("entry").path()).collect();
    out.sort();
    out
}

fn contains(dir: &Path, what: &[u8]) -> bool {
    files(dir).iter().any(|f| fs::read(f).expect("file").windows(what.len()).any(|w| w == what))
}

#[test]
fn purging_takes_the_text_off_the_disk() {
    let dir = tempfile::tempdir().expect("dir");
    let index = Index::open(dir.path()).expect("open").index;
    let secret = "qzxjkvw7731";
    for i in 0..5 {
        index.put(&[item(&i.to_string(), "通知", "普通的正文")]).expect("put");
        index.commit(i + 1).expect("commit");
    }
    index.put(&[item("secret", "通知", &format!("{secret} 里的内容"))]).expect("put");
    index.commit(7).expect("commit");
    assert!(contains(dir.path(), secret.as_bytes()));
    index.remove(&["secret".into()]).expect("remove");
    index.commit(8).expect("commit");
    assert_eq!(search(&index, &ask(secret)).total, 0);
    index.purge().expect("purge");
    assert!(!contains(dir.path(), secret.as_bytes()));
    assert_eq!((search(&index, &ask("正文")).total, index.position()), (5, 8));
    // It goes on as before.
    index.put(&[item("later", "后来", "正文")]).expect("put");
    index.commit(9).expect("commit");
    drop(index);
    let opened = Index::open(dir.path()).expect("open");
    assert_eq!((opened.needs_rebuild, opened.index.count(), opened.index.position()), (false, 6, 9));
    opened.index.clear().expect("clear");
    opened.index.commit(10).expect("commit");
    opened.index.purge().expect("purge an empty index");
    assert_eq!(opened.index.count(), 0);
}

fn small(dir: &Path) {
    let index = Index::open(dir).expect("open").index;
    index
        .put(&[item("a", "居住证管理办法", "正文一"), item("b", "通知", "正文二"), item("c", "丙", "三")])
        .expect("put");
    index.commit(5).expect("commit");
    index.remove(&["c".into()]).expect("remove");
    index.commit(6).expect("commit");
    index.close().expect("close");
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        fs::copy(&file, to.join(file.file_name().expect("name"))).expect("copy");
    }
}

#[test]
fn a_flipped_byte_anywhere_is_noticed_or_harmless() {
    let source = tempfile::tempdir().expect("dir");
    small(source.path());
    let mut rebuilt = 0;
    for file in files(source.path()) {
        let size = fs::read(&file).expect("file").len();
        for at in (0..size).step_by((size / 6).max(1)) {
            let dir = tempfile::tempdir().expect("dir");
            copy(source.path(), dir.path());
            let path = dir.path().join(file.file_name().expect("name"));
            let mut bytes = fs::read(&path).expect("file");
            if let Some(b) = bytes.get_mut(at) {
                *b ^= 0x04;
            }
            fs::write(&path, bytes).expect("write");
            let opened = Index::open(dir.path()).expect("open");
            if opened.needs_rebuild {
                rebuilt += 1;
                assert!(opened.damage.is_some());
                assert_eq!((opened.index.count(), opened.index.position()), (0, 0));
                opened.index.put(&[item("a", "居住证管理办法", "正文一")]).expect("put");
                opened.index.commit(1).expect("commit");
            } else {
                assert_eq!((opened.index.count(), opened.index.position()), (2, 6), "{}", path.display());
                assert_eq!(search(&opened.index, &ask("丙")).total, 0);
            }
            assert_eq!(keys(&search(&opened.index, &ask("居住证"))), ["a"]);
        }
    }
    assert!(rebuilt > 25, "{rebuilt}");
}

#[test]
fn a_missing_or_cut_file_is_noticed() {
    let source = tempfile::tempdir().expect("dir");
    small(source.path());
    for file in files(source.path()) {
        if file.extension().is_some_and(|e| e == "lock") {
            continue;
        }
        for cut in [None, Some(0), Some(20)] {
            let dir = tempfile::tempdir().expect("dir");
            copy(source.path(), dir.path());
            fs::write(dir.path().join("mine.txt"), "not of the index").expect("write");
            let path = dir.path().join(file.file_name().expect("name"));
            match cut {
                None => fs::remove_file(&path).expect("remove"),
                Some(n) => fs::write(&path, &fs::read(&path).expect("read")[..n]).expect("write"),
            }
            let opened = Index::open(dir.path()).expect("open");
            if opened.needs_rebuild {
                assert_eq!(opened.index.count(), 0);
                assert!(dir.path().join("mine.txt").exists());
            } else {
                assert_eq!((opened.index.count(), opened.index.position()), (2, 6), "{} {cut:?}", path.display());
            }
            drop(opened);
            assert!(Index::open(dir.path()).expect("again").damage.is_none());
        }
    }
}

#[test]
fn another_format_is_built_again() {
    let dir = tempfile::tempdir().expect("dir");
    let mut b = tantivy::schema::Schema::builder();
    b.add_text_field("other", tantivy::schema::TEXT);
    drop(tantivy::Index::create_in_dir(dir.path(), b.build()).expect("index"));
    let opened = Index::open(dir.path()).expect("open");
    assert!(opened.needs_rebuild && opened.damage.is_some());
}

#[test]
fn damage_while_running_is_an_error_not_a_crash() {
    let dir = tempfile::tempdir().expect("dir");
    let index = Index::open(dir.path()).expect("open").index;
    let items: Vec<Item> = (0..50).map(|i| item(&i.to_string(), "通知", &format!("正文{i}").repeat(200))).collect();
    index.put(&items).expect("put");
    index.commit(1).expect("commit");
    for file in files(dir.path()).iter().filter(|f| f.extension().is_some_and(|e| e == "store")) {
        use std::io::{Seek, SeekFrom, Write};
        let size = fs::metadata(file).expect("file").len() as usize;
        let mut open = fs::OpenOptions::new().write(true).open(file).expect("file");
        open.seek(SeekFrom::Start(0)).expect("seek");
        open.write_all(&vec![0xff; size.saturating_sub(300)]).expect("write");
    }
    assert_eq!(index.search(&ask("通知")).expect_err("damaged").code(), "search.damaged");
    assert_eq!(index.verify().expect_err("damaged").code(), "search.damaged");
    drop(index);
    assert!(Index::open(dir.path()).expect("open").needs_rebuild);
}

#[test]
fn strange_queries_are_ordinary() {
    let index = filled(&[item("a", "居住证管理办法 C++", "正文 AND OR NOT")]);
    for text in [
        "C++ AND (",
        "title:\"",
        "*",
        "[a TO b]",
        "\u{0}\u{1}\u{7f}",
        "😀👨‍👩‍👧",
        "'; DROP TABLE x; --",
        "~^\\/",
        "第",
        "号",
        "年",
        "2017",
        "〔〕",
        "47 47 47",
        "\u{202e}居住证",
        "的",
        "的 了",
        "〔2017〕",
        "第0号",
        "国办发〔2017〕0号",
    ] {
        search(&index, &ask(text));
    }
    assert_eq!(search(&index, &ask("！？…😀")).total, 0);
    assert_eq!(keys(&search(&index, &ask("居\u{200b}住证"))), ["a"]);
    for long in ["居住证".repeat(5_000), "国办发〔2017〕47号".repeat(2_000), "a b ".repeat(5_000), "1".repeat(10_000)]
    {
        let found = search(&index, &ask(&long));
        assert!(found.shortened);
    }
    assert!(!search(&index, &ask("居住证管理办法")).shortened);
    assert_eq!(search(&index, &ask(&" ".repeat(10_000))).total, 1, "blank lists everything");
}

#[test]
fn a_very_long_text_is_searched_to_its_end() {
    let body = format!("{}末尾的话", "政府信息公开工作情况。".repeat(60_000));
    let index = filled(&[item("a", "年报", &body)]);
    assert_eq!(keys(&search(&index, &ask("末尾的话"))), ["a"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever stands in a text is found, wherever it is cut out.
    #[test]
    fn every_substring_is_found(
        texts in prop::collection::vec("([一-龥]|[政府信息公开条例的一二]|，|〔|\n|𠮷){1,60}", 1..8),
        cuts in prop::collection::vec((0usize..8, 0usize..60, 1usize..20), 12),
        in_title: bool,
    ) {
        let items: Vec<Item> = texts.iter().enumerate().map(|(i, text)| {
            if in_title { item(&i.to_string(), text, "") } else { item(&i.to_string(), "", text) }
        }).collect();
        let index = filled(&items);
        for (which, from, length) in cuts {
            let which = which % texts.len();
            let part: String = texts[which].chars().skip(from).take(length).collect();
            if !part.chars().any(char::is_alphanumeric) {
                continue;
            }
            let found = search(&index, &ask(&part));
            prop_assert!(!found.relaxed);
            for (i, text) in texts.iter().enumerate().filter(|(_, t)| t.contains(&part)) {
                prop_assert!(keys(&found).contains(&i.to_string().as_str()), "{part:?} in {text:?}");
            }
        }
    }

    /// After a commit nothing that was removed is found, and everything else is.
    #[test]
    fn removed_is_gone(steps in prop::collection::vec((0u8..6, any::<bool>(), any::<bool>()), 1..25)) {
        let index = Index::in_memory().expect("index");
        let mut model = std::collections::BTreeMap::new();
        for (n, (key, put, commit)) in steps.into_iter().enumerate() {
            let key = key.to_string();
            if put {
                index.put(&[item(&key, &format!("标题 v{n}"), "正文")]).expect("put");
                model.insert(key, format!("标题 v{n}"));
            } else {
                index.remove(std::slice::from_ref(&key)).expect("remove");
                model.remove(&key);
            }
            if commit {
                index.commit(n as i64 + 1).expect("commit");
                let mut seen: Vec<_> =
                    search(&index, &Query::default()).hits.into_iter().map(|h| (h.key, h.title)).collect();
                seen.sort();
                prop_assert_eq!(seen, model.clone().into_iter().collect::<Vec<_>>());
            }
        }
    }

    /// No text is an error.
    #[test]
    fn any_text_is_a_query(text in "(\\PC|\\p{C}|[国办发〔2017〕47号第年令 的]){0,60}", title_only: bool) {
        thread_local!(static INDEX: Index = filled(&[item("a", "国办发〔2017〕47号 的", "第1号令 47 2017年")]));
        INDEX.with(|index| search(index, &Query { text, title_only, ..Query::default() }));
    }
}
