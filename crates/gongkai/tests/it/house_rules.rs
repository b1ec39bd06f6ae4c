//! Rules of the house that the compiler does not keep: which room may use which, who may read the clock, that templates
//! and their samples agree.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::harness::root;

/// Rooms, ground floor first, and what each may use.
const ROOMS: [(&str, &[&str]); 7] = [
    ("kernel", &[]),
    ("platform", &["kernel"]),
    ("search", &["kernel"]),
    ("records", &["kernel", "platform"]),
    ("web", &["kernel", "platform", "records", "search"]),
    ("capabilities", &["kernel", "platform", "records", "search", "web"]),
    ("gongkai", &["kernel", "platform", "records", "search", "web", "capabilities"]),
];

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Names under a table of a manifest.
fn table(manifest: &str, name: &str) -> BTreeSet<String> {
    let mut inside = false;
    let mut out = BTreeSet::new();
    for line in manifest.lines() {
        let line = line.trim();
        if line.starts_with('[') {
            inside = line == format!("[{name}]");
        } else if inside && let Some((key, _)) = line.split_once('=') {
            out.insert(key.trim().trim_end_matches(".workspace").to_string());
        }
    }
    out
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for e in std::fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())) {
        let path = e.expect("an entry").path();
        if path.is_dir() {
            out.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
    out.sort();
    out
}

/// A source without comments, strings aside: `// …` to the end of a line.
fn code(path: &Path) -> String {
    read(path).lines().map(|l| l.split_once("//").map_or(l, |(code, _)| code)).collect::<Vec<_>>().join("\n")
}

fn uses(code: &str, name: &str) -> bool {
    let mut rest = code;
    while let Some((before, after)) = rest.split_once(name) {
        let starts = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
        if starts && after.starts_with("::") {
            return true;
        }
        rest = after;
    }
    false
}

#[test]
fn every_room_uses_only_those_below_it() {
    let mut there: Vec<String> = std::fs::read_dir(root().join("crates"))
        .expect("crates")
        .map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    there.sort();
    let mut known: Vec<&str> = ROOMS.iter().map(|(r, _)| *r).collect();
    known.sort_unstable();
    assert_eq!(there, known, "a new room needs its place in this list");
    for (room, may) in ROOMS {
        let used = table(&read(&root().join("crates").join(room).join("Cargo.toml")), "dependencies");
        assert!(!used.is_empty(), "{room} uses nothing? the manifest was not understood");
        for other in ROOMS.iter().map(|(r, _)| *r).filter(|r| used.contains(*r)) {
            assert!(may.contains(&other), "{room} may not use {other}");
        }
    }
}

#[test]
fn rules_and_models_know_no_database_and_no_network() {
    let forbidden = ["sqlx", "axum", "tokio", "hyper", "tower"];
    let kernel = table(&read(&root().join("crates/kernel/Cargo.toml")), "dependencies");
    for name in forbidden {
        assert!(!kernel.contains(name), "kernel may not use {name}");
    }
    let mut checked = 0;
    for path in sources(&root().join("crates")) {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let in_kernel = path.components().any(|c| c.as_os_str() == "kernel");
        if in_kernel || name == "rules.rs" || name == "model.rs" {
            checked += 1;
            for word in forbidden {
                assert!(!uses(&code(&path), word), "{} may not use {word}", path.display());
            }
        }
    }
    assert!(checked > 20, "{checked}");
}

#[test]
fn only_the_platform_speaks_to_a_database() {
    for room in ["kernel", "search", "records", "web", "capabilities", "gongkai"] {
        let manifest = read(&root().join("crates").join(room).join("Cargo.toml"));
        assert!(!table(&manifest, "dependencies").contains("sqlx"), "{room} may not use sqlx");
        for path in sources(&root().join("crates").join(room).join("src")) {
            assert!(!uses(&code(&path), "sqlx"), "{} may not use sqlx", path.display());
        }
    }
}

#[test]
fn one_file_reads_the_clock() {
    let words = ["SystemTime::now", "Utc::now", "now_utc", "now_local", "Local::now"];
    let allowed = root().join("crates/gongkai/src/system.rs");
    let mut seen_there = false;
    for (room, _) in ROOMS {
        for path in sources(&root().join("crates").join(room).join("src")) {
            let code = code(&path);
            for w in words {
                if path == allowed {
                    seen_there |= code.contains(w);
                } else {
                    assert!(!code.contains(w), "{} reads the clock ({w})", path.display());
                }
            }
        }
    }
    assert!(seen_there, "the search found not even the one place that may");
}

/// Strict: a name that a template wants and its sample lacks is a fault.
#[test]
fn every_sample_renders() {
    let templates = capabilities::templates();
    let names: BTreeSet<String> = capabilities::template_names().into_iter().collect();
    let mut rendered: BTreeMap<String, u32> = BTreeMap::new();
    let mut faults = Vec::new();
    for capability in std::fs::read_dir(root().join("crates/capabilities/src")).expect("capabilities") {
        let capability = capability.expect("an entry").path();
        let dir = capability.join("templates/samples");
        if !dir.is_dir() {
            continue;
        }
        let folder = capability.file_name().expect("a name").to_string_lossy().into_owned();
        for sample in std::fs::read_dir(&dir).expect("samples") {
            let path = sample.expect("an entry").path();
            let file = path.file_name().expect("a name").to_string_lossy().into_owned();
            let mut parts = file.split('.');
            let (Some(side), Some(page)) = (parts.next(), parts.next()) else { continue };
            let name = format!("{folder}/{side}/{page}.html");
            if !names.contains(&name) {
                faults.push(format!("{folder}/{file}: there is no template {name}"));
                continue;
            }
            let context: serde_json::Value = match serde_json::from_str(&read(&path)) {
                Ok(v) => v,
                Err(e) => {
                    faults.push(format!("{folder}/{file}: {e}"));
                    continue;
                }
            };
            match templates.render(&name, &context) {
                Ok(html) if html.contains("</html>") => *rendered.entry(name).or_default() += 1,
                Ok(_) => faults.push(format!("{folder}/{file}: no whole page")),
                Err(e) => faults.push(format!("{folder}/{file}: {e}")),
            }
        }
    }
    assert!(faults.is_empty(), "{} samples:\n{}", faults.len(), faults.join("\n"));
    assert!(rendered.keys().filter(|n| n.contains("/public/")).count() >= 5, "{rendered:?}");
}
