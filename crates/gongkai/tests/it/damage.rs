//! Bytes that are changed on disk: never served, found, made again where they can be.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use kernel::id::Entropy;
use platform::env::Seeded;
use platform::publish::{Publisher, VerifyReport};

use crate::harness::{Dump, Engine, TestCity, dump, run, same};

/// A published city, opened by a publisher that has nothing in memory.
async fn city() -> (TestCity, Dump) {
    let city = TestCity::new(Engine::Sqlite).await;
    for n in 0..45 {
        let mut item =
            city.item(&format!("d{n}"), &[(n % 3, "gonggao"), (0, "xinwen/yaowen")], &format!("第{n}号公告")).await;
        if n % 9 == 0 {
            let upload = web::upload::judge("附件.txt", format!("第{n}号附件").into_bytes()).expect("a file");
            let hash = city.house.app.originals.put(&upload.bytes).expect("kept");
            item.files.push((upload, hash));
        }
        city.import(item).await;
        if n % 5 == 0 {
            city.settle().await;
        }
    }
    city.settle().await;
    let seen = city.dump().await;
    (city, seen)
}

/// A publisher of the same city without a cache worth the name.
async fn cold(city: &TestCity) -> std::sync::Arc<Publisher> {
    let app = &city.house.app;
    let renderer = std::sync::Arc::new(capabilities::published::City::new(app.templates.clone(), app.assets.clone()));
    Publisher::open(app.db.clone(), app.env.clone(), &city.house.folder, renderer, 0).await.expect("a publisher")
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for e in std::fs::read_dir(dir).expect("a folder") {
        let path = e.expect("an entry").path();
        if path.is_dir() { out.extend(files(&path)) } else { out.push(path) }
    }
    out.sort();
    out
}

/// Numbers that repeat.
struct Chance(Seeded);

impl Chance {
    fn below(&self, n: usize) -> usize {
        let mut b = [0u8; 8];
        self.0.fill(&mut b);
        (u64::from_le_bytes(b) % n as u64) as usize
    }
}

fn quiet(r: &VerifyReport) -> bool {
    r.bad.is_empty()
}

#[test]
fn a_thousand_changed_bytes_are_never_served() {
    run(async {
        let (city, seen) = city().await;
        let all = files(&city.house.folder.blobs());
        assert!(all.len() > 5, "{}", all.len());
        let chance = Chance(Seeded::new([9; 32]));
        let mut held: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
        for p in &all {
            held.insert(p.clone(), std::fs::read(p).expect("a blob"));
        }
        for _ in 0..1_000 {
            let p = &all[chance.below(all.len())];
            let bytes = held.get_mut(p).expect("a blob");
            let at = chance.below(bytes.len());
            bytes[at] ^= 1 << chance.below(8);
        }
        for (p, bytes) in &held {
            std::fs::write(p, bytes).expect("damaged");
        }
        let publisher = cold(&city).await;
        same("served | published", &dump(&publisher).await, &seen);
        assert!(publisher.health().healed > 0, "pages were made again");
        // And through the door that readers use.
        city.house.app.publisher.reload().await.expect("reloaded");
        let portal = city.sites[0].to_string();
        for ((_, path), (status, _, target, bytes)) in seen.iter().filter(|((s, _), _)| *s == portal) {
            if target.is_none() && !path.starts_with("/_/") {
                let (got, _, body) = city.get("portal", path).await;
                assert_eq!((got, body == *bytes), (*status, true), "{path}");
            }
        }
        city.house.app.publisher.verify(true, &|_, _| {}).await.expect("repaired");
        assert!(quiet(&city.house.app.publisher.verify(false, &|_, _| {}).await.expect("verified")));
        same("after the repair", &dump(&*cold(&city).await).await, &seen);
        city.end().await;
    });
}

#[test]
fn missing_and_unreadable_blobs_are_found_and_made_again() {
    run(async {
        let (city, seen) = city().await;
        let publisher = city.house.app.publisher.clone();
        let clean = publisher.verify(false, &|_, _| {}).await.expect("verified");
        assert!(quiet(&clean) && clean.checked > 5);
        let all = files(&city.house.folder.blobs());
        let (gone, closed, cut) = (&all[0], &all[all.len() / 2], &all[all.len() - 1]);
        std::fs::remove_file(gone).expect("deleted");
        std::fs::set_permissions(closed, std::fs::Permissions::from_mode(0o000)).expect("closed");
        // Root may read anything: for root a folder in its place is what cannot be read.
        if std::fs::read(closed).is_ok() {
            std::fs::remove_file(closed).expect("deleted");
            std::fs::create_dir(closed).expect("a folder");
        }
        let short = std::fs::read(cut).expect("a blob");
        std::fs::write(cut, &short[..short.len() / 2]).expect("cut");
        let found = publisher.verify(false, &|_, _| {}).await.expect("verified");
        let names = |r: &VerifyReport| r.bad.iter().map(|b| b.blob.clone()).collect::<Vec<_>>();
        let name = |p: &Path| p.file_name().expect("a name").to_string_lossy().into_owned();
        let mut wanted = vec![name(gone), name(closed), name(cut)];
        wanted.sort();
        let mut got = names(&found);
        got.sort();
        assert_eq!(got, wanted, "each is told once");
        assert_eq!((found.checked, found.repaired), (clean.checked, 0));
        assert!(found.bad.iter().all(|b| b.pages > 0 && !b.path.is_empty()));
        if closed.is_dir() {
            std::fs::remove_dir(closed).expect("removed");
        }
        let repaired = publisher.verify(true, &|_, _| {}).await.expect("repaired");
        assert_eq!(repaired.repaired, 3);
        let after = publisher.verify(false, &|_, _| {}).await.expect("verified");
        assert!(quiet(&after), "{:?}", after.bad);
        same("after the repair", &dump(&*cold(&city).await).await, &seen);
        let noted = city.count("SELECT COUNT(*) AS n FROM audit_entry WHERE action='publish.repair'").await;
        assert_eq!(noted, 1);
        city.end().await;
    });
}

#[test]
fn a_changed_original_is_refused() {
    run(async {
        let (city, seen) = city().await;
        let portal = city.sites[0].to_string();
        let paths: Vec<&String> = seen
            .iter()
            .filter(|((s, _), v)| *s == portal && v.0 == 200 && v.2.is_some())
            .map(|((_, p), _)| p)
            .collect();
        assert!(paths.len() >= 5, "{paths:?}");
        let wholes: Vec<_> = files(&city.house.folder.originals());
        for p in &wholes {
            let mut bytes = std::fs::read(p).expect("an original");
            bytes[0] ^= 1;
            std::fs::write(p, &bytes).expect("damaged");
        }
        for path in &paths {
            let (status, _, body) = city.get("portal", path).await;
            assert_eq!(status, 500, "{path}");
            assert!(!String::from_utf8_lossy(&body).contains("号附件"), "{path} was served");
        }
        for p in &wholes {
            std::fs::remove_file(p).expect("deleted");
        }
        assert_eq!(city.get("portal", paths[0]).await.0, 500);
        // Pages do not depend on them.
        assert_eq!(city.get("portal", "/gonggao/").await.0, 200);
        city.end().await;
    });
}
