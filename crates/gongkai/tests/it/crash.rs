//! Killed at any moment, the city stands again: what was committed is there, nothing is there by half.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use gongkai::house::{self, Hold, House, Which};
use platform::audit;
use sqlx::{Connection, SqliteConnection};

use crate::harness::{dump, env, run, same, soak};

const DOCUMENTS: u64 = 600;

fn gongkai(folder: &Path, args: &[&str]) -> Command {
    let mut c = Command::new(env!("CARGO_BIN_EXE_gongkai"));
    c.args(args).arg("--data").arg(folder.join("data")).arg("--key-file").arg(folder.join("key"));
    c.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null());
    c
}

fn import(folder: &Path, file: &Path) -> Command {
    gongkai(
        folder,
        &[
            "import",
            "documents",
            &file.display().to_string(),
            "--site",
            "portal",
            "--column",
            "ceshi/daoru",
            "--create",
        ],
    )
}

fn corpus(folder: &Path) -> PathBuf {
    let path = folder.join("documents.jsonl");
    let lines: Vec<String> = (0..DOCUMENTS)
        .map(|n| {
            let day = kernel::Timestamp::at(crate::harness::day("2025-01-01"), 0, 0).plus_minutes(n as i64 * 700).day();
            serde_json::json!({
                "id": format!("c{n}"), "title": format!("第{n}号文件"), "text": format!("第{n}号文件的正文。"),
                "publish_date": kernel::time::iso(day), "source": "云川市人民政府",
            })
            .to_string()
        })
        .collect();
    std::fs::write(&path, lines.join("\n")).expect("a file");
    path
}

/// A number of the database of a running process; 0 while it is not there yet.
async fn number(folder: &Path, sql: &'static str) -> i64 {
    let file = format!("sqlite://{}?mode=ro", folder.join("data/city.db").display());
    let Ok(mut c) = SqliteConnection::connect(&file).await else { return 0 };
    let n: i64 = sqlx::query_scalar(sql).fetch_one(&mut c).await.unwrap_or(0);
    let _ = c.close().await;
    n
}

async fn keys(house: &House) -> BTreeSet<String> {
    let mut tx = house.app.db.read().await.expect("a view");
    platform::Read::rows(&mut tx, "SELECT source_key FROM document WHERE live_edition IS NOT NULL", vec![])
        .await
        .expect("documents")
        .iter()
        .map(|r| r.get::<String>("source_key").expect("a key"))
        .collect()
}

/// Ends the process at once, as a power cut would.
fn kill(child: &mut Child) -> bool {
    let running = child.try_wait().expect("its state").is_none();
    child.kill().expect("killed");
    child.wait().expect("ended");
    running
}

async fn open(folder: &Path, seed: u8) -> House {
    let which = Which { key_file: Some(folder.join("key")), ..Which::folder(&folder.join("data")) };
    let (env, clock) = env(seed);
    clock.set(kernel::Timestamp::at(crate::harness::day("2027-01-01"), 8, 0));
    house::open(&which, env, Hold::Alone, false).await.expect("it opens after a crash")
}

async fn whole(house: &House) {
    let mut tx = house.app.db.read().await.expect("a view");
    let verdict = audit::verify(&mut tx, house.app.db.crypto(), |_| {}).await.expect("the audit is read");
    drop(tx);
    assert_eq!(verdict.broken, None);
    house.settle(&|_, _| {}).await.expect("it is published");
    let steps = dump(&house.app.publisher).await;
    house.app.publisher.rebuild(None, &|_, _| {}).await.expect("rebuilt");
    same("after the crash | a rebuild", &steps, &dump(&house.app.publisher).await);
    let verified = house.app.publisher.verify(false, &|_, _| {}).await.expect("verified");
    assert!(verified.bad.is_empty(), "{:?}", verified.bad);
}

/// Waits until so many documents are committed (or so many pages stored), then kills; returns what was committed then.
async fn strike(folder: &Path, file: &Path, documents: i64, pages: bool) -> (i64, bool) {
    let mut child = import(folder, file).spawn().expect("the program starts");
    let until = Instant::now() + Duration::from_secs(60);
    let routes = number(folder, "SELECT version FROM publisher_state").await;
    loop {
        let seen = number(folder, "SELECT COUNT(*) FROM document WHERE source_key IS NOT NULL").await;
        let published = number(folder, "SELECT version FROM publisher_state").await;
        if (seen >= documents && (!pages || published > routes))
            || Instant::now() > until
            || child.try_wait().expect("its state").is_some()
        {
            let running = kill(&mut child);
            return (seen, running);
        }
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}

fn rounds(n: u32) {
    run(async {
        let chance = rand_numbers(n);
        let mut struck = 0;
        let mut base: Option<tempfile::TempDir> = None;
        for (round, r) in chance.into_iter().enumerate() {
            // A city is founded once; every round has a copy.
            let first = base.get_or_insert_with(|| {
                let dir = tempfile::tempdir().expect("a folder");
                let done = gongkai(dir.path(), &["init", "--name", "云川市"]).status().expect("the program runs");
                assert!(done.success(), "init");
                dir
            });
            let dir = tempfile::tempdir().expect("a folder");
            copy(first.path(), dir.path());
            let file = corpus(dir.path());
            // In the middle of the writing, at its end, or in the middle of the publishing.
            let (documents, pages) = match r % 4 {
                3 => (DOCUMENTS as i64, true),
                _ => ((r / 4 % DOCUMENTS) as i64, false),
            };
            let (seen, running) = strike(dir.path(), &file, documents, pages).await;
            struck += u32::from(running);
            let house = open(dir.path(), round as u8).await;
            whole(&house).await;
            let there = keys(&house).await;
            assert!(
                there.len() as i64 >= seen,
                "round {round}: {} of {seen} committed documents are there",
                there.len()
            );
            assert_eq!(there.len() % 100, 0, "a transaction is there whole or not at all");
            // A second import finishes what the first began.
            let order = gongkai::importing::Order {
                file: &file,
                site: "portal",
                column: "ceshi/daoru",
                limit: None,
                create: true,
            };
            let report = gongkai::importing::run(&house, &order, &|_, _| {}).await.expect("imported");
            assert_eq!((report.unchanged, report.imported), (there.len() as u64, DOCUMENTS - there.len() as u64));
            assert_eq!(keys(&house).await.len() as u64, DOCUMENTS);
            whole(&house).await;
            house.close().await;
        }
        assert!(struck > 0, "no round killed a running process");
    });
}

fn rand_numbers(n: u32) -> Vec<u64> {
    use kernel::id::Entropy;
    let chance = platform::env::Seeded::new([n as u8; 32]);
    (0..n)
        .map(|_| {
            let mut b = [0u8; 8];
            chance.fill(&mut b);
            u64::from_le_bytes(b)
        })
        .collect()
}

fn copy(from: &Path, to: &Path) {
    for e in std::fs::read_dir(from).expect("a folder") {
        let e = e.expect("an entry");
        let target = to.join(e.file_name());
        if e.path().is_dir() {
            std::fs::create_dir_all(&target).expect("a folder");
            copy(&e.path(), &target);
        } else {
            std::fs::copy(e.path(), &target).expect("a copy");
        }
    }
}

#[test]
fn a_killed_import_leaves_a_whole_city() {
    rounds(3);
}

mod soak {
    #[test]
    fn a_killed_import_leaves_a_whole_city() {
        super::rounds(super::soak(4));
    }
}
