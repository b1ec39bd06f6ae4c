//! Prints time and memory at a number of documents (20 000 by default):
//! `cargo run --release -p gongkai-search --example measure -- 120000`. Memory is read from `/proc`, on Linux only.

use std::fs;
use std::time::Instant;

use search::{Index, Item, Query};

/// Anonymous memory of the process and its greatest resident size, in MB.
fn memory() -> (u64, u64) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let read = |name: &str| {
        let line = status.lines().find_map(|l| l.strip_prefix(name)).unwrap_or_default();
        line.split_whitespace().next().and_then(|n| n.parse::<u64>().ok()).unwrap_or_default() / 1024
    };
    (read("RssAnon:"), read("VmHWM:"))
}

/// Sentences of official prose, put together by a small generator so that every run is the same.
const WORDS: &[&str] = &[
    "政府",
    "信息",
    "公开",
    "条例",
    "办法",
    "通知",
    "关于",
    "印发",
    "居住证",
    "办理",
    "申请",
    "材料",
    "窗口",
    "企业",
    "群众",
    "服务",
    "一网通办",
    "行政",
    "许可",
    "处罚",
    "财政",
    "预算",
    "决算",
    "教育",
    "医疗",
    "养老",
    "保险",
    "公积金",
    "不动产",
    "登记",
    "规划",
    "建设",
    "工程",
    "招标",
    "采购",
    "环境",
    "保护",
    "水利",
    "农业",
    "乡村振兴",
    "项目",
    "资金",
    "管理",
    "监督",
    "检查",
    "的",
    "和",
    "应当",
    "依法",
    "按照",
    "规定",
    "工作",
    "组织",
    "实施",
    "部门",
    "单位",
    "人民",
    "市",
    "县",
    "区",
    "乡镇",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let n: u64 = std::env::args().nth(1).map_or(Ok(20_000), |a| a.parse())?;
    let dir = tempfile::tempdir()?;
    let mut seed = 7u64;
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    println!("start: anonymous {} MB", memory().0);
    search::add_words(&["定西市人民政府办公室".to_string()]);
    println!("with the dictionary: anonymous {} MB", memory().0);
    let index = Index::open(dir.path())?.index;
    println!("with the writer: anonymous {} MB", memory().0);

    let start = Instant::now();
    let (mut batch, mut peak, mut characters) = (vec![], 0, 0);
    for i in 0..n {
        let mut text = |words: usize| {
            let mut out = String::new();
            for w in 0..words {
                out.push_str(WORDS.get(next(WORDS.len())).copied().unwrap_or_default());
                if w % 11 == 10 {
                    out.push('，');
                }
                // Rare characters, as names have.
                if w % 17 == 16 {
                    out.extend(char::from_u32(0x4e00 + next(8000) as u32));
                }
            }
            out
        };
        let (title, body) = (text(9), text(380));
        characters += body.chars().count();
        batch.push(Item {
            key: format!("site{}/{i}", i % 80),
            site: format!("site{}", i % 80),
            organ: format!("第{}局", i % 300),
            theme: format!("主题{}", i % 22),
            kind: format!("文种{}", i % 15),
            year: 2005 + (i % 20) as i32,
            title,
            number: format!("云政办发〔{}〕{i}号", 2005 + i % 20),
            body,
            url: format!("/a/{i}.html"),
            date: "2020-01-01".into(),
            sort: i as i64,
            ..Item::default()
        });
        if batch.len() == 200 {
            index.put(&batch)?;
            batch.clear();
            peak = peak.max(memory().0);
        }
        if i % 10_000 == 9_999 {
            index.commit(0)?;
        }
    }
    index.put(&batch)?;
    index.commit(n as i64)?;
    println!(
        "{n} documents of {} characters built in {:.1?}; anonymous: {} MB now, {peak} MB at most; resident at most {} MB",
        characters as u64 / n.max(1),
        start.elapsed(),
        memory().0,
        memory().1,
    );
    let start = Instant::now();
    index.put(&[Item { key: "one".into(), title: "新的".into(), ..Item::default() }])?;
    index.commit(n as i64 + 1)?;
    println!("one more document committed in {:.1?}", start.elapsed());
    let start = Instant::now();
    index.purge()?;
    println!("purged in {:.1?}; anonymous {} MB", start.elapsed(), memory().0);
    let size: u64 = fs::read_dir(dir.path())?.flatten().filter_map(|e| e.metadata().ok()).map(|m| m.len()).sum();
    println!("{} MB on the disk", size >> 20);
    drop(index);
    let start = Instant::now();
    let index = Index::open(dir.path())?.index;
    println!("opened and checked in {:.1?}; anonymous {} MB", start.elapsed(), memory().0);

    let site = Some("site7".to_string());
    let organ = Some("第7局".to_string());
    let long = WORDS.concat();
    let queries = [
        ("blank", Query::default()),
        ("blank, one organ", Query { organ: organ.clone(), ..Query::default() }),
        ("政府", Query { text: "政府".into(), ..Query::default() }),
        ("政府信息公开", Query { text: "政府信息公开".into(), ..Query::default() }),
        ("the same, one site", Query { text: "政府信息公开".into(), site, ..Query::default() }),
        ("the same, one organ", Query { text: "政府信息公开".into(), organ, ..Query::default() }),
        ("居住证 办理 材料", Query { text: "居住证 办理 材料".into(), ..Query::default() }),
        ("a number", Query { text: "云政办发2012 107".into(), ..Query::default() }),
        ("市", Query { text: "市".into(), ..Query::default() }),
        ("nothing, relaxed", Query { text: "居住证火星移民政府采购优惠".into(), ..Query::default() }),
        ("10 000 characters", Query { text: long.repeat(100), ..Query::default() }),
        ("128 words apart", Query { text: WORDS.join(" ").repeat(3), ..Query::default() }),
        ("page 400", Query { text: "政府".into(), page: 400, ..Query::default() }),
    ];
    for (name, query) in queries {
        let mut best = None;
        let mut total = 0;
        for _ in 0..5 {
            let start = Instant::now();
            total = index.search(&query)?.total;
            let took = start.elapsed();
            best = Some(best.map_or(took, |b: std::time::Duration| b.min(took)));
        }
        println!("{name}: {total} found, {:.1?}", best.unwrap_or_default());
    }
    println!("after searching: anonymous {} MB", memory().0);
    Ok(())
}
