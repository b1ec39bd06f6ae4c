//! Publishing step by step shows exactly what publishing everything anew would show, byte for byte; what is withdrawn is
//! gone everywhere.

use std::collections::BTreeSet;
use std::path::Path;

use capabilities::content::commands;
use capabilities::content::model::{CHANGED, Changed};
use capabilities::office::commands::organ;
use capabilities::sites::commands as columns;
use capabilities::sites::rules::ColumnDraft;
use kernel::refusal::Kind;
use kernel::{Id, Result};
use platform::WriteTx;
use platform::publish::Exporter;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use records::organ::{NewOrgan, OrganKind};
use records::{document, site};

use crate::harness::{COLUMNS, Engine, TestCity, day, run, same, soak};

/// One act of an office.
#[derive(Clone, Debug)]
enum Op {
    /// So many new documents in columns, so many days ago, perhaps with a file.
    Publish {
        at: Vec<(usize, usize)>,
        n: usize,
        days: i64,
        file: bool,
    },
    /// A new edition: another title, perhaps other columns.
    Revise {
        doc: usize,
        to: Option<Vec<(usize, usize)>>,
    },
    Withdraw {
        doc: usize,
    },
    /// What was withdrawn is published again.
    Restore {
        doc: usize,
    },
    Relate {
        a: usize,
        b: usize,
        kind: usize,
        off: bool,
    },
    /// Another address word, or another place in the tree.
    Rename {
        site: usize,
        column: usize,
        word: usize,
        under: Option<usize>,
    },
    Shift {
        site: usize,
        column: usize,
        up: bool,
    },
    Close {
        site: usize,
        column: usize,
        into: usize,
    },
    Open {
        site: usize,
        column: usize,
    },
    RenameOrgan {
        organ: usize,
        word: usize,
    },
    RenameSite {
        site: usize,
        word: usize,
    },
    CatchUp,
}

fn place() -> impl Strategy<Value = (usize, usize)> {
    (0..3usize, 0..COLUMNS.len())
}

fn op() -> impl Strategy<Value = Op> {
    let places = || prop::collection::vec(place(), 1..3);
    prop_oneof![
        5 => (places(), 1..24usize, 0..90i64, any::<bool>())
            .prop_map(|(at, n, days, file)| Op::Publish { at, n, days, file }),
        3 => (any::<usize>(), prop::option::of(places())).prop_map(|(doc, to)| Op::Revise { doc, to }),
        3 => any::<usize>().prop_map(|doc| Op::Withdraw { doc }),
        1 => any::<usize>().prop_map(|doc| Op::Restore { doc }),
        2 => (any::<usize>(), any::<usize>(), 0..6usize, any::<bool>())
            .prop_map(|(a, b, kind, off)| Op::Relate { a, b, kind, off }),
        2 => (0..3usize, 0..COLUMNS.len(), 0..4usize, prop::option::of(0..COLUMNS.len()))
            .prop_map(|(site, column, word, under)| Op::Rename { site, column, word, under }),
        1 => (0..3usize, 0..COLUMNS.len(), any::<bool>()).prop_map(|(site, column, up)| Op::Shift { site, column, up }),
        1 => (0..3usize, 0..COLUMNS.len(), 0..COLUMNS.len()).prop_map(|(site, column, into)| Op::Close { site, column, into }),
        1 => (0..3usize, 0..COLUMNS.len()).prop_map(|(site, column)| Op::Open { site, column }),
        1 => (0..3usize, 0..4usize).prop_map(|(organ, word)| Op::RenameOrgan { organ, word }),
        1 => (0..3usize, 0..4usize).prop_map(|(site, word)| Op::RenameSite { site, word }),
        3 => Just(Op::CatchUp),
    ]
}

/// A city under change: its columns and documents so far.
struct Office {
    city: TestCity,
    columns: Vec<Vec<Id>>,
    docs: Vec<Id>,
    made: usize,
}

impl Office {
    async fn new(engine: Engine) -> Office {
        let city = TestCity::new(engine).await;
        let mut all = Vec::new();
        for s in city.sites {
            let mut of = Vec::new();
            for path in COLUMNS {
                of.push(city.column(s, path).await);
            }
            all.push(of);
        }
        Office { city, columns: all, docs: Vec::new(), made: 0 }
    }

    fn doc(&self, n: usize) -> Option<Id> {
        self.docs.get(n.checked_rem(self.docs.len())?).copied()
    }

    fn at(&self, places: &[(usize, usize)]) -> Vec<Id> {
        let mut out: Vec<Id> = Vec::new();
        for (s, c) in places {
            let id = self.columns[*s][*c];
            if !out.contains(&id) {
                out.push(id);
            }
        }
        out
    }

    /// Does one thing. What the rules refuse is not done; nothing may fail otherwise.
    async fn act(&mut self, op: &Op) {
        if let Op::CatchUp = op {
            self.city.house.app.publisher.catch_up().await.expect("published");
            return;
        }
        let mut tx = self.city.write().await;
        match self.command(&mut tx, op).await {
            Ok(()) => {
                tx.commit().await.expect("committed");
            }
            Err(r) => assert!(!matches!(r.kind(), Kind::Internal | Kind::Unavailable), "{op:?}: {r}"),
        }
    }

    async fn command(&mut self, tx: &mut WriteTx, op: &Op) -> Result<()> {
        match op {
            Op::CatchUp => {}
            Op::Publish { at, n, days, file } => {
                let columns = self.at(at);
                for _ in 0..*n {
                    self.made += 1;
                    let key = format!("doc{}", self.made);
                    let mut item = self.city.item(&key, &[], &format!("第{}号信息", self.made)).await;
                    item.site = self.city.sites[at[0].0];
                    item.organ = self.city.organs[at[0].0];
                    item.columns.clone_from(&columns);
                    item.published_at = Some(tx.now().plus_minutes(-days * 24 * 60 - (*n as i64)));
                    if *file {
                        let bytes = format!("附件 {key}").into_bytes();
                        let upload = web::upload::judge("附件.txt", bytes)?;
                        let hash = self.city.house.app.originals.put(&upload.bytes)?;
                        item.files.push((upload, hash));
                    }
                    self.docs.push(commands::import(tx, item).await?.0);
                }
            }
            Op::Revise { doc, to } => {
                let Some(id) = self.doc(*doc) else { return Ok(()) };
                let d = commands::revise(tx, id).await?;
                self.release(tx, id, d, to.as_ref().map(|p| self.at(p))).await?;
            }
            Op::Withdraw { doc } => {
                let Some(id) = self.doc(*doc) else { return Ok(()) };
                commands::withdraw(tx, id, "error", "内容有误，已核实").await?;
            }
            Op::Restore { doc } => {
                let Some(id) = self.doc(*doc) else { return Ok(()) };
                let editions = document::editions(tx, id).await?;
                let last = editions.iter().max_by_key(|e| e.no).map(|e| e.id);
                let Some(last) = last else { return Ok(()) };
                let d = commands::restore(tx, id, last).await?;
                self.release(tx, id, d, None).await?;
            }
            Op::Relate { a, b, kind, off } => {
                let (Some(a), Some(b)) = (self.doc(*a), self.doc(*b)) else { return Ok(()) };
                let kind = capabilities::content::model::RELATIONS[*kind].0;
                if *off {
                    commands::unrelate(tx, a, kind, b).await?;
                } else {
                    commands::relate(tx, a, kind, b).await?;
                }
            }
            Op::Rename { site, column, word, under } => {
                let c = site::get_column(tx, self.columns[*site][*column]).await?;
                let draft = ColumnDraft {
                    slug: format!("word{word}"),
                    name: format!("{}改", c.name.chars().take(6).collect::<String>()),
                    description: c.description.clone(),
                    keywords: c.keywords.clone(),
                    kind: c.kind.clone(),
                    role: c.role.clone(),
                    parent: under.map(|u| self.columns[*site][u]).filter(|u| *u != c.id).or(c.parent),
                };
                columns::change_column(tx, c.id, &columns::stamp(&c), &draft).await?;
            }
            Op::Shift { site, column, up } => columns::shift_column(tx, self.columns[*site][*column], *up).await?,
            Op::Close { site, column, into } => {
                let into = self.columns[*site][*into];
                columns::close_column(tx, self.columns[*site][*column], Some(into)).await?;
            }
            Op::Open { site, column } => columns::open_column(tx, self.columns[*site][*column]).await?,
            Op::RenameOrgan { organ: o, word } => {
                let today = tx.now().day();
                let name = format!("云川市第{word}改名局");
                organ::rename(tx, self.city.organs[*o], today, &name, &format!("改名{word}局"), "云编〔2026〕1号")
                    .await?;
            }
            Op::RenameSite { site: s, word } => {
                let s = site::get(tx, self.city.sites[*s]).await?;
                let mut set = s.set.clone();
                set.name = format!("第{word}网站");
                columns::change_settings(tx, s.id, s.lock_version, &set).await?;
            }
        }
        Ok(())
    }

    async fn release(&mut self, tx: &mut WriteTx, id: Id, d: document::Document, to: Option<Vec<Id>>) -> Result<()> {
        let edition = d.draft.expect("a draft");
        let mut content = document::get_edition(tx, edition).await?.content;
        self.made += 1;
        content.title = format!("{}改{}", content.title.chars().take(12).collect::<String>(), self.made);
        let columns = match to {
            Some(c) => c,
            None => document::edition_columns(tx, edition).await?,
        };
        let draft = commands::Draft {
            document: Some(id),
            lock_version: d.lock_version,
            site: d.site,
            kind: d.kind,
            content,
            columns,
        };
        commands::save(tx, draft).await?;
        commands::submit(tx, id).await?;
        commands::approve(tx, id, "").await?;
        commands::publish(tx, id, "").await
    }
}

/// What stands now is what a full rebuild gives, and what a publisher gives that begins with nothing.
async fn steps_equal_whole(city: &TestCity) {
    let app = &city.house.app;
    app.publisher.catch_up().await.expect("published");
    let steps = city.dump().await;
    app.publisher.rebuild(None, &|_, _| {}).await.expect("rebuilt");
    same("step by step | a full rebuild", &steps, &city.dump().await);
    same("step by step | from nothing", &steps, &city.from_nothing().await);
    for ((_, path), (status, _, target, _)) in steps.iter().filter(|(_, s)| s.0 == 301) {
        let to = target.as_deref().unwrap_or_default();
        let there = steps.iter().any(|((_, p), s)| p == to && matches!(s.0, 200 | 302));
        assert!(there, "{path} leads ({status}) to {to}, which is not there");
    }
}

fn sequences(engine: Engine, cases: u32, longest: usize) {
    let mut runner = TestRunner::new(Config {
        cases,
        max_shrink_iters: 40,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(20_260_302),
        ..Config::default()
    });
    let outcome = runner.run(&prop::collection::vec(op(), 6..longest), |ops| {
        run(async {
            let mut office = Office::new(engine).await;
            for op in &ops {
                office.act(op).await;
            }
            steps_equal_whole(&office.city).await;
            office.city.end().await;
        });
        Ok(())
    });
    if let Err(e) = outcome {
        panic!("{e}");
    }
}

#[test]
fn any_sequence_of_acts_equals_a_rebuild() {
    sequences(Engine::Sqlite, 12, 24);
}

#[test]
fn any_sequence_of_acts_equals_a_rebuild_postgres() {
    if crate::harness::postgres().is_some() {
        sequences(Engine::Postgres, 3, 24);
    }
}

mod soak {
    use super::*;

    #[test]
    fn any_sequence_of_acts_equals_a_rebuild() {
        let n = soak(2);
        sequences(Engine::Sqlite, n, 60);
    }
}

/// Lists cross 20, 40, 60 …, feeds cross 100, forwards one by one and backwards out of the middle.
#[test]
fn lists_and_feeds_cross_their_pages() {
    run(async {
        let city = TestCity::new(Engine::Sqlite).await;
        let publisher = city.house.app.publisher.clone();
        let portal = city.sites[0].to_string();
        let mut ids = Vec::new();
        let shows = async |path: &str| city.dump().await.get(&(portal.clone(), path.to_string())).map(|s| s.0);
        for n in 1..=130usize {
            ids.push(city.publish(&format!("d{n}"), &[(0, "gonggao")], &format!("第{n}号公告")).await);
            publisher.catch_up().await.expect("published");
            if matches!(n, 1 | 19 | 20 | 21 | 40 | 60 | 99 | 100 | 101 | 130) {
                steps_equal_whole(&city).await;
            }
            match n {
                19 => assert_eq!(shows("/gonggao/p1.html").await, None),
                20 => {
                    assert_eq!(shows("/gonggao/p1.html").await, Some(200));
                    assert_eq!(shows("/gonggao/p2.html").await, Some(302), "更新的 leads to the front page for now");
                }
                40 => assert_eq!(shows("/gonggao/p2.html").await, Some(200)),
                99 => assert_eq!(shows("/gonggao/feed-1.xml").await, None),
                100 => assert_eq!(shows("/gonggao/feed-1.xml").await, Some(200)),
                _ => {}
            }
        }
        let one = city.dump().await.get(&(portal.clone(), "/gonggao/p1.html".to_string())).cloned();
        for (i, id) in ids.iter().enumerate().skip(25).take(35) {
            city.withdraw(*id).await.expect("withdrawn");
            publisher.catch_up().await.expect("published");
            if matches!(i, 25 | 34 | 35 | 55 | 59) {
                steps_equal_whole(&city).await;
            }
        }
        let after = city.dump().await;
        assert_eq!(
            after.get(&(portal.clone(), "/gonggao/p1.html".to_string())),
            one.as_ref(),
            "older pages stay as they were"
        );
        assert_eq!(after.get(&(portal.clone(), "/gonggao/p6.html".to_string())), None);
        assert_eq!(after.get(&(portal, "/gonggao/feed-1.xml".to_string())), None, "95 are left");
        for id in ids {
            // Some are withdrawn already.
            let _ = city.withdraw(id).await;
        }
        steps_equal_whole(&city).await;
        let left = city.dump().await;
        assert!(
            !left.keys().any(|(_, p)| p.starts_with("/gonggao/") && !p.ends_with(".html")),
            "an empty column is not published"
        );
        city.end().await;
    });
}

/// Long queues: a column that was empty and then is again, page numbers that come and go, and more events than are taken
/// one by one.
#[test]
fn a_long_queue_of_events_is_published_whole() {
    run(async {
        let city = TestCity::new(Engine::Sqlite).await;
        let mut ids = Vec::new();
        for part in 0..5 {
            let template = city.item("", &[(0, "zhengce/wenjian")], "").await;
            let mut tx = city.write().await;
            for n in 0..100 {
                let mut item = template.clone();
                item.key = format!("q{part}-{n}");
                item.content = crate::harness::content(&format!("文件{part}-{n}"));
                ids.push(commands::import(&mut tx, item).await.expect("imported").0);
            }
            tx.commit().await.expect("committed");
        }
        steps_equal_whole(&city).await;
        let (status, _, home) = city.get("portal", "/").await;
        assert_eq!(status, 200);
        assert!(String::from_utf8_lossy(&home).contains("政策</a>"), "the column stands in the menu");
        let mut tx = city.write().await;
        for id in ids.iter().skip(1) {
            commands::withdraw(&mut tx, *id, "error", "内容有误，已核实").await.expect("withdrawn");
        }
        tx.commit().await.expect("committed");
        steps_equal_whole(&city).await;
        // The last thing of the column goes, a first one comes elsewhere, between thousands of events that say little.
        city.withdraw(ids[0]).await.expect("withdrawn");
        let mut tx = city.write().await;
        for _ in 0..2_100 {
            let now = commands::standing(&mut tx, ids[1]).await.expect("where it stands");
            let said = Changed { document: ids[1], before: now.clone(), after: now };
            tx.event(CHANGED, &said).expect("an event");
        }
        tx.audit(platform::audit::Entry::note("test.events", "document", "done"));
        tx.commit().await.expect("committed");
        city.publish("last", &[(1, "gonggao")], "最后一条").await;
        steps_equal_whole(&city).await;
        let (_, _, home) = city.get("portal", "/").await;
        assert!(!String::from_utf8_lossy(&home).contains("政策</a>"), "the column is empty and stands in no menu");
        city.end().await;
    });
}

async fn rename(city: &TestCity, site: usize, path: &str, slug: &str) {
    let id = city.column(city.sites[site], path).await;
    let mut tx = city.write().await;
    let c = site::get_column(&mut tx, id).await.expect("the column");
    let draft = ColumnDraft {
        slug: slug.into(),
        name: c.name.clone(),
        description: c.description.clone(),
        keywords: c.keywords.clone(),
        kind: c.kind.clone(),
        role: c.role.clone(),
        parent: c.parent,
    };
    columns::change_column(&mut tx, id, &columns::stamp(&c), &draft).await.expect("renamed");
    tx.commit().await.expect("committed");
}

/// A column that was renamed and then grows and shrinks: its old addresses follow.
#[test]
fn a_renamed_column_keeps_its_old_addresses() {
    run(async {
        let city = TestCity::new(Engine::Sqlite).await;
        let mut ids = Vec::new();
        for n in 0..20 {
            ids.push(city.publish(&format!("d{n}"), &[(0, "gonggao")], &format!("公告{n}")).await);
        }
        city.settle().await;
        let old = city.path(ids[0], city.sites[0]).await;
        rename(&city, 0, "gonggao", "tongzhi").await;
        steps_equal_whole(&city).await;
        let new = city.path(ids[0], city.sites[0]).await;
        assert!(new.starts_with("/tongzhi/"), "{new}");
        for (from, to) in
            [(old.as_str(), new.as_str()), ("/gonggao/", "/tongzhi/"), ("/gonggao/p1.html", "/tongzhi/p1.html")]
        {
            let (status, headers, _) = city.get("portal", from).await;
            assert_eq!((status, headers.get("location").map(String::as_str)), (301, Some(to)), "{from}");
        }
        for n in 20..41 {
            ids.push(city.publish(&format!("d{n}"), &[(0, "tongzhi")], &format!("公告{n}")).await);
            city.settle().await;
        }
        steps_equal_whole(&city).await;
        for id in ids.iter().take(3) {
            city.withdraw(*id).await.expect("withdrawn");
            city.settle().await;
        }
        steps_equal_whole(&city).await;
        // Back to its first word: the second one leads to it.
        rename(&city, 0, "tongzhi", "gonggao").await;
        steps_equal_whole(&city).await;
        let (status, headers, _) = city.get("portal", &new).await;
        // The first document is withdrawn by now: its old address says so itself.
        assert_eq!((status, headers.get("location")), (410, None));
        city.end().await;
    });
}

/// Documents that stand in a column which has columns below it.
#[test]
fn a_channel_with_documents_of_its_own() {
    run(async {
        let city = TestCity::new(Engine::Sqlite).await;
        for n in 0..21 {
            city.publish(&format!("a{n}"), &[(0, "xinwen")], &format!("新闻{n}")).await;
            city.settle().await;
        }
        city.publish("b", &[(0, "xinwen/yaowen")], "要闻").await;
        steps_equal_whole(&city).await;
        city.end().await;
    });
}

/// What a page shows of an organ changes with it, wherever it is shown.
#[test]
fn a_renamed_organ_is_renamed_everywhere() {
    run(async {
        let city = TestCity::new(Engine::Sqlite).await;
        let mut tx = city.write().await;
        let town = NewOrgan {
            slug: "shiqiao".into(),
            kind: OrganKind::Town,
            parent: Some(city.organs[1]),
            name: "河桥县石桥镇人民政府".into(),
            short_name: "石桥镇".into(),
            division: "990101".into(),
            credit_code: None,
            phone: String::new(),
            address: String::new(),
            hours: String::new(),
            duties: String::new(),
            sort: 9,
            from_on: day("2020-01-01"),
        };
        let town = records::organ::insert(&mut tx, &town).await.expect("a town");
        let column = site::NewColumn {
            slug: "xiangzhen".into(),
            name: "乡镇街道".into(),
            description: "乡镇街道".into(),
            keywords: "乡镇".into(),
            kind: "其他".into(),
            role: "towns".into(),
            sort: 90,
        };
        site::insert_column(&mut tx, city.sites[1], None, &column).await.expect("a column");
        tx.audit(platform::audit::Entry::done("organ.create", "organ", town));
        tx.event("site.changed", &serde_json::json!({ "site": city.sites[1] })).expect("an event");
        tx.commit().await.expect("committed");
        city.publish("t", &[(1, "xiangzhen")], "石桥镇办事指南").await;
        // The county's document stands on the portal too; withdrawn, both say whose it was.
        let id = city.publish("d", &[(1, "gonggao"), (0, "gonggao")], "两处都有").await;
        city.publish("e", &[(1, "gonggao"), (0, "gonggao")], "留下的").await;
        city.settle().await;
        let path = city.path(id, city.sites[0]).await;
        city.withdraw(id).await.expect("withdrawn");
        city.settle().await;
        let (_, _, home) = city.get("heqiao", "/").await;
        assert!(String::from_utf8_lossy(&home).contains("石桥镇"));
        for (organ_id, name, short) in
            [(town, "河桥县新石桥镇人民政府", "新石桥镇"), (city.organs[1], "新河桥县人民政府", "新河桥县政府")]
        {
            let mut tx = city.write().await;
            let today = tx.now().day();
            organ::rename(&mut tx, organ_id, today, name, short, "云编〔2026〕1号").await.expect("renamed");
            tx.commit().await.expect("committed");
        }
        steps_equal_whole(&city).await;
        let (_, _, home) = city.get("heqiao", "/").await;
        assert!(String::from_utf8_lossy(&home).contains("新石桥镇"));
        let (status, _, gone) = city.get("portal", &path).await;
        assert_eq!(status, 410);
        assert!(String::from_utf8_lossy(&gone).contains("新河桥县人民政府"));
        city.end().await;
    });
}

/// A document that moves leaves a way to its new address.
#[test]
fn what_moves_leads_on() {
    run(async {
        let city = TestCity::new(Engine::Sqlite).await;
        let id = city.publish("d", &[(0, "xinwen/yaowen")], "会搬家的信息").await;
        city.publish("e", &[(0, "xinwen/yaowen"), (0, "gonggao")], "别的").await;
        city.settle().await;
        let from = city.path(id, city.sites[0]).await;
        assert_eq!(city.get("portal", &from).await.0, 200);
        let gonggao = city.column(city.sites[0], "gonggao").await;
        city.revise(id, None, Some(vec![gonggao])).await.expect("moved");
        city.settle().await;
        let to = city.path(id, city.sites[0]).await;
        assert_ne!(from, to);
        let (status, headers, _) = city.get("portal", &from).await;
        assert_eq!((status, headers.get("location")), (301, Some(&to)));
        assert_eq!(city.get("portal", &to).await.0, 200);
        steps_equal_whole(&city).await;
        // And back: the first address shows it again, the second leads there.
        let yaowen = city.column(city.sites[0], "xinwen/yaowen").await;
        city.revise(id, None, Some(vec![yaowen])).await.expect("moved back");
        steps_equal_whole(&city).await;
        assert_eq!(city.get("portal", &from).await.0, 200);
        assert_eq!(city.get("portal", &to).await.0, 301);
        city.end().await;
    });
}

/// Nothing of what is withdrawn is left: page, file, lists, feeds, sitemap, archive, home, search, export, relations.
#[test]
fn what_is_withdrawn_is_gone() {
    run(withdrawn(Engine::Sqlite));
}

#[test]
fn what_is_withdrawn_is_gone_postgres() {
    if crate::harness::postgres().is_some() {
        run(withdrawn(Engine::Postgres));
    }
}

async fn withdrawn(engine: Engine) {
    const MARKS: [&str; 4] = ["玄鹤标题", "丹霞正文", "青鸾文件", "赤水摘要"];
    let city = TestCity::new(engine).await;
    let other = city.publish("other", &[(0, "gonggao"), (1, "gonggao")], "留下的信息").await;
    let mut item = city.item("d", &[(0, "gonggao"), (0, "xinwen"), (1, "gonggao")], MARKS[0]).await;
    item.content.body = format!("<p>{}</p>", MARKS[1]);
    item.content.summary = MARKS[3].into();
    let upload = web::upload::judge(&format!("{}.txt", MARKS[2]), "附件的内容".into()).expect("a file");
    let hash = city.house.app.originals.put(&upload.bytes).expect("kept");
    item.files.push((upload, hash));
    let id = city.import(item).await;
    let mut tx = city.write().await;
    commands::relate(&mut tx, other, "see", id).await.expect("related");
    tx.commit().await.expect("committed");
    city.settle().await;
    let marked = |dump: &crate::harness::Dump| -> BTreeSet<String> {
        // A title may break between phrases.
        let hit = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).replace("<wbr>", "");
            MARKS.iter().any(|m| text.contains(m))
        };
        dump.iter().filter(|(k, s)| hit(&s.3) || hit(k.1.as_bytes())).map(|(k, _)| k.1.clone()).collect()
    };
    let page = city.path(id, city.sites[0]).await;
    let before = city.dump().await;
    let shown = marked(&before);
    for path in ["/", "/feed.xml", "/gonggao/", "/gonggao/feed.xml", "/archive/2026-03.html", page.as_str()] {
        assert!(shown.contains(path), "{path} should have shown it: {shown:?}");
    }
    let sitemap = |dump: &crate::harness::Dump| {
        dump.iter().any(|(k, s)| k.1.starts_with("/sitemap-") && String::from_utf8_lossy(&s.3).contains(&page))
    };
    assert!(sitemap(&before));
    let file = before
        .iter()
        .find(|((s, p), v)| {
            *s == city.sites[0].to_string()
                && p.starts_with(page.trim_end_matches("html").trim_end_matches('.'))
                && v.0 == 200
                && v.2.is_some()
        })
        .map(|(k, _)| k.1.clone())
        .expect("the file's address");
    assert_eq!(city.get("portal", &file).await.2, "附件的内容".as_bytes());
    let found = |text: &str| {
        let q = search::Query { text: text.into(), ..search::Query::default() };
        city.house
            .app
            .index
            .search(&q)
            .expect("a search")
            .hits
            .iter()
            .filter(|h| h.key.starts_with(&id.to_string()))
            .count()
    };
    assert!(found(MARKS[0]) > 0 && found(MARKS[1]) > 0);

    city.withdraw(id).await.expect("withdrawn");
    city.settle().await;
    let after = city.dump().await;
    assert_eq!(marked(&after), BTreeSet::new(), "it is still told of");
    assert!(!sitemap(&after));
    for (slug, site) in [("portal", city.sites[0]), ("heqiao", city.sites[1])] {
        let (status, _, body) = city.get(slug, &city.path(id, site).await).await;
        let body = String::from_utf8_lossy(&body).into_owned();
        assert_eq!(status, 410, "{slug}");
        assert!(body.contains("内容有误") && !body.contains("已核实"), "the ground is told, the reason is not");
    }
    let (status, _, body) = city.get("portal", &file).await;
    assert_eq!(status, 404);
    assert!(!String::from_utf8_lossy(&body).contains("附件的内容"));
    assert_eq!(MARKS.map(found), [0; 4]);
    let (status, _, body) = city.get("portal", "/search?q=%E7%8E%84%E9%B9%A4%E6%A0%87%E9%A2%98").await;
    assert_eq!(status, 200);
    assert!(!String::from_utf8_lossy(&body).contains(&id.to_string()));
    for site in [city.sites[0], city.sites[1]] {
        let out = tempfile::tempdir().expect("a folder");
        let exporter = Exporter { publisher: &city.house.app.publisher, out: out.path(), rewrite: &|t| t };
        let stats = exporter.site(site, &|_, _| {}).await.expect("exported");
        assert!(stats.pages > 10, "{stats:?}");
        let mut read = 0;
        each_file(out.path(), &mut |name, bytes| {
            read += 1;
            let text = String::from_utf8_lossy(bytes).replace("<wbr>", "");
            assert!(!MARKS.iter().any(|m| text.contains(m)) && !text.contains("附件的内容"), "{name}");
            assert!(!name.contains(&id.to_string()), "{name}");
        });
        assert_eq!(read, stats.pages + stats.files + stats.redirects);
        assert!(out.path().join("gonggao/index.html").is_file());
    }
    steps_equal_whole(&city).await;
    city.end().await;
}

/// A document that leaves one site and stays on another is not linked to where it no longer is.
#[test]
fn what_left_one_site_is_not_linked_there() {
    run(async {
        let city = TestCity::new(Engine::Sqlite).await;
        let other = city.publish("other", &[(0, "gonggao")], "提到别人的信息").await;
        let id = city.publish("d", &[(1, "gonggao"), (0, "gonggao")], "只留在县里").await;
        let mut tx = city.write().await;
        commands::relate(&mut tx, other, "see", id).await.expect("related");
        tx.commit().await.expect("committed");
        city.settle().await;
        let path = city.path(id, city.sites[0]).await;
        let shows = async || {
            String::from_utf8_lossy(&city.get("portal", &city.path(other, city.sites[0]).await).await.2)
                .contains(&id.to_string())
        };
        assert!(shows().await);
        let county = city.column(city.sites[1], "gonggao").await;
        city.revise(id, None, Some(vec![county])).await.expect("moved");
        city.settle().await;
        assert!(matches!(city.get("portal", &path).await.0, 404 | 410));
        assert!(!shows().await, "a link to a page that is not there");
        steps_equal_whole(&city).await;
        city.end().await;
    });
}

fn each_file(dir: &Path, f: &mut dyn FnMut(&str, &[u8])) {
    for entry in std::fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            each_file(&path, f);
        } else {
            f(&path.display().to_string(), &std::fs::read(&path).expect("a file"));
        }
    }
}
