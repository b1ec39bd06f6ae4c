//! The truth: transactions, the audit chain, the outbox, jobs.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use capabilities::content::commands::{self, Draft, PUBLISH_DUE};
use kernel::{Id, Refusal};
use platform::audit::{self, Entry};
use platform::jobs::{self, Handler, NewJob, Worker};
use platform::{Read, args};
use records::document::{self, DocumentKind, State};

use crate::harness::{Engine, TestCity, content};

both! {
    nothing_without_audit, nothing_without_audit_postgres => unaudited;
    a_dropped_transaction_leaves_nothing, a_dropped_transaction_leaves_nothing_postgres => dropped;
    the_audit_chain_tells, the_audit_chain_tells_postgres => chain;
    a_job_exists_if_its_change_does, a_job_exists_if_its_change_does_postgres => enqueued;
    a_failing_job_comes_back_then_stands, a_failing_job_comes_back_then_stands_postgres => failing;
    a_dead_workers_job_is_taken_over, a_dead_workers_job_is_taken_over_postgres => leases;
    a_release_run_twice_is_one_release, a_release_run_twice_is_one_release_postgres => released_once;
}

async fn unaudited(engine: Engine) {
    let city = TestCity::new(engine).await;
    let mut tx = city.write().await;
    tx.exec("UPDATE city SET name='别名' WHERE id=1", vec![]).await.expect("it is changed");
    assert_eq!(tx.commit().await.expect_err("no entry").code(), "audit.missing");
    assert_eq!(city.count("SELECT COUNT(*) AS n FROM city WHERE name='别名'").await, 0);
    // An event alone changes no row and asks for no entry; a job does.
    let mut tx = city.write().await;
    tx.enqueue(NewJob::new("x", &1, city.house.app.env.now()).expect("a job")).await.expect("enqueued");
    assert_eq!(tx.commit().await.expect_err("no entry").code(), "audit.missing");
    assert_eq!(city.count("SELECT COUNT(*) AS n FROM job").await, 0);
    city.end().await;
}

async fn dropped(engine: Engine) {
    let city = TestCity::new(engine).await;
    let tables = ["audit_entry", "outbox", "document", "edition", "placement", "document_address", "job"];
    let mut before = Vec::new();
    for sql in counts(&tables) {
        before.push(city.count(sql).await);
    }
    let item = city.item("a", &[(0, "gonggao")], "不会留下").await;
    let mut tx = city.write().await;
    commands::import(&mut tx, item).await.expect("imported");
    tx.enqueue(NewJob::new("x", &1, city.house.app.env.now()).expect("a job")).await.expect("enqueued");
    drop(tx);
    for (sql, before) in counts(&tables).into_iter().zip(before) {
        assert_eq!(city.count(sql).await, before, "{sql}");
    }
    // The connection is free again.
    city.publish("b", &[(0, "gonggao")], "会留下").await;
    city.end().await;
}

fn counts(tables: &[&str]) -> Vec<&'static str> {
    const ALL: [&str; 7] = [
        "SELECT COUNT(*) AS n FROM audit_entry",
        "SELECT COUNT(*) AS n FROM outbox",
        "SELECT COUNT(*) AS n FROM document",
        "SELECT COUNT(*) AS n FROM edition",
        "SELECT COUNT(*) AS n FROM placement",
        "SELECT COUNT(*) AS n FROM document_address",
        "SELECT COUNT(*) AS n FROM job",
    ];
    tables.iter().filter_map(|t| ALL.into_iter().find(|s| s.ends_with(&format!(" {t}")))).collect()
}

async fn verdict(city: &TestCity) -> audit::Verdict {
    let db = &city.house.app.db;
    let mut tx = db.read().await.expect("a view");
    audit::verify(&mut tx, db.crypto(), |_| {}).await.expect("it can be read")
}

async fn chain(engine: Engine) {
    let city = TestCity::new(engine).await;
    for i in 0..5 {
        city.publish(&format!("d{i}"), &[(0, "gonggao")], &format!("公告{i}")).await;
    }
    let whole = verdict(&city).await;
    assert_eq!(whole.broken, None);
    assert!(whole.head >= 6 && whole.checked == whole.head, "{whole:?}");
    let middle = whole.head - 2;
    // Each damage is undone before the next, and the chain then holds again.
    let keep = "CREATE TABLE kept AS SELECT * FROM audit_entry";
    let kept_head = "CREATE TABLE kept_head AS SELECT * FROM chain_head";
    city.raw(&[keep, kept_head]).await;
    let set_detail = format!("UPDATE audit_entry SET detail='{{}}' WHERE seq={middle}");
    let set_actor = format!("UPDATE audit_entry SET actor='别人' WHERE seq={middle}");
    let set_time = format!("UPDATE audit_entry SET at=at+1 WHERE seq={middle}");
    let cut_middle = format!("DELETE FROM audit_entry WHERE seq={middle}");
    let cut_tail = format!("DELETE FROM audit_entry WHERE seq>{middle}");
    let cut_first = "DELETE FROM audit_entry WHERE seq=1".to_string();
    let head_hash = "UPDATE chain_head SET audit_hash='blake3:00'".to_string();
    // A clever one cuts the tail and moves the head's number back: the head's hash still tells.
    let head_back = format!("UPDATE chain_head SET audit_seq={middle}");
    for (damage, told) in [
        (vec![set_detail], "被改动"),
        (vec![set_actor], "被改动"),
        (vec![set_time], "被改动"),
        (vec![cut_middle], "缺失"),
        (vec![cut_first], "缺失"),
        (vec![cut_tail.clone()], "末尾缺失"),
        (vec![head_hash], "摘要不一致"),
        (vec![cut_tail, head_back], "摘要不一致"),
        (vec!["DELETE FROM audit_entry".to_string()], "末尾缺失"),
    ] {
        let statements: Vec<&str> = damage.iter().map(String::as_str).collect();
        city.raw(&statements).await;
        let broken = verdict(&city).await.broken.unwrap_or_default();
        assert!(broken.contains(told), "{damage:?}: {broken}");
        city.raw(&[
            "DELETE FROM audit_entry",
            "INSERT INTO audit_entry SELECT * FROM kept",
            "DELETE FROM chain_head",
            "INSERT INTO chain_head SELECT * FROM kept_head",
        ])
        .await;
        assert_eq!(verdict(&city).await.broken, None, "after {damage:?} was undone");
    }
    city.end().await;
}

/// Two transactions that begin crosswise: numbers follow the order of commits. SQLite has one writer at a time.
#[test]
fn numbers_follow_commits_postgres() {
    if crate::harness::postgres().is_none() {
        return;
    }
    crate::harness::run(async {
        let city = TestCity::new(Engine::Postgres).await;
        let mut first = city.write().await;
        first.exec("UPDATE organ SET phone='1' WHERE slug='heqiao'", vec![]).await.expect("changed");
        let mut second = city.write().await;
        second.exec("UPDATE organ SET phone='2' WHERE slug='fagai'", vec![]).await.expect("changed");
        for (tx, mark) in [(&mut first, "begun.first"), (&mut second, "begun.second")] {
            tx.audit(Entry::note(mark, "organ", "done"));
            tx.event(mark, &serde_json::json!({})).expect("an event");
        }
        let b = second.commit().await.expect("committed").event_seq;
        let a = first.commit().await.expect("committed").event_seq;
        assert_eq!(a, b + 1);
        let mut tx = city.house.app.db.read().await.expect("a view");
        let rows = tx
            .rows("SELECT action FROM audit_entry WHERE action LIKE 'begun.%' ORDER BY seq", vec![])
            .await
            .expect("entries");
        let order: Vec<String> = rows.iter().map(|r| r.get("action").expect("text")).collect();
        assert_eq!(order, ["begun.second", "begun.first"]);
        drop(tx);
        // Many at once: no number is given twice, none is left out, the chain holds.
        let before = city.count("SELECT audit_seq AS n FROM chain_head WHERE id=1").await;
        let mut tasks = Vec::new();
        for _ in 0..8 {
            let (db, ctx) = (city.house.app.db.clone(), city.ctx());
            tasks.push(tokio::spawn(async move {
                for _ in 0..5 {
                    let mut tx = db.write(&ctx).await.expect("a transaction");
                    tx.audit(Entry::note("many", "organ", "done"));
                    tx.event("many", &1).expect("an event");
                    tx.commit().await.expect("committed");
                }
            }));
        }
        for t in tasks {
            t.await.expect("it ends");
        }
        assert_eq!(city.count("SELECT audit_seq AS n FROM chain_head WHERE id=1").await, before + 40);
        assert_eq!(verdict(&city).await.broken, None);
        city.end().await;
    });
}

async fn enqueue(city: &TestCity, kind: &'static str, once: Option<&str>) {
    let mut tx = city.write().await;
    let mut job = NewJob::new(kind, &serde_json::json!({ "n": 1 }), city.house.app.env.now()).expect("a job");
    job.max_attempts = 3;
    if let Some(key) = once {
        job = job.once(key);
    }
    tx.enqueue(job).await.expect("enqueued");
    tx.audit(Entry::note("test.enqueue", "job", "done"));
    tx.commit().await.expect("committed");
}

async fn enqueued(engine: Engine) {
    let city = TestCity::new(engine).await;
    enqueue(&city, "x", Some("key")).await;
    enqueue(&city, "x", Some("key")).await;
    assert_eq!(city.count("SELECT COUNT(*) AS n FROM job").await, 1, "one unfinished job a key");
    enqueue(&city, "x", Some("other")).await;
    enqueue(&city, "x", None).await;
    assert_eq!(city.count("SELECT COUNT(*) AS n FROM job").await, 3);
    let ran = Arc::new(AtomicUsize::new(0));
    assert_eq!(worker(&city, "x", ran.clone(), |_| None).run_due().await.expect("it runs"), 3);
    assert_eq!(ran.load(Ordering::SeqCst), 3);
    // What is finished does not stand in the way of the next.
    enqueue(&city, "x", Some("key")).await;
    assert_eq!(city.count("SELECT COUNT(*) AS n FROM job WHERE state='queued'").await, 1);
    city.end().await;
}

/// A worker whose handler notes its runs and fails as told for its n-th run.
fn worker(
    city: &TestCity,
    kind: &'static str,
    ran: Arc<AtomicUsize>,
    fails: impl Fn(usize) -> Option<Refusal> + Send + Sync + 'static,
) -> Worker {
    let fails = Arc::new(fails);
    let handler: Handler = Arc::new(move |_, _| {
        let (ran, fails) = (ran.clone(), fails.clone());
        Box::pin(async move {
            let n = ran.fetch_add(1, Ordering::SeqCst);
            fails(n).map_or(Ok(()), Err)
        })
    });
    Worker::new(city.house.app.db.clone(), city.house.app.env.clone(), HashMap::from([(kind, handler)]))
}

async fn the_job(city: &TestCity) -> jobs::Job {
    let mut tx = city.house.app.db.read().await.expect("a view");
    jobs::list(&mut tx, None, None, 10).await.expect("jobs").remove(0)
}

async fn failing(engine: Engine) {
    let city = TestCity::new(engine).await;
    enqueue(&city, "x", None).await;
    let ran = Arc::new(AtomicUsize::new(0));
    let w = worker(&city, "x", ran.clone(), |n| (n < 3).then(|| Refusal::internal("test.fails", "on purpose")));
    assert_eq!(w.run_due().await.expect("it runs"), 1);
    let j = the_job(&city).await;
    assert_eq!((j.state.as_str(), j.attempts), ("queued", 1));
    assert!(j.last_error.is_some_and(|e| e.contains("test.fails")), "the error is kept");
    assert!(j.run_at > city.house.app.env.now(), "it waits before the next try");
    assert_eq!(w.run_due().await.expect("it runs"), 0, "not before its time");
    let mut waits = Vec::new();
    for attempt in 2..=3 {
        let j = the_job(&city).await;
        waits.push(j.run_at.0 - city.house.app.env.now().0);
        city.clock.set(j.run_at);
        assert_eq!(w.run_due().await.expect("it runs"), 1);
        assert_eq!(the_job(&city).await.attempts, attempt);
    }
    assert!(waits[0] < waits[1], "each wait is longer: {waits:?}");
    let j = the_job(&city).await;
    assert_eq!(j.state, "failed");
    assert!(j.finished_at.is_some());
    city.clock.set(city.house.app.env.now().plus_seconds(86_400));
    assert_eq!(w.run_due().await.expect("it runs"), 0, "what failed for good waits for a person");
    let mut tx = city.write().await;
    jobs::retry(&mut tx, j.id).await.expect("it is retried");
    tx.commit().await.expect("committed");
    assert_eq!(w.run_due().await.expect("it runs"), 1);
    assert_eq!((the_job(&city).await.state.as_str(), ran.load(Ordering::SeqCst)), ("done", 4));
    let mut tx = city.write().await;
    assert_eq!(jobs::retry(&mut tx, j.id).await.expect_err("it is done").code(), "job.state");
    // A kind that no handler knows fails and does not stop the others.
    drop(tx);
    enqueue(&city, "unknown", None).await;
    enqueue(&city, "x", None).await;
    assert_eq!(w.run_due().await.expect("it runs"), 2);
    assert_eq!(city.count("SELECT COUNT(*) AS n FROM job WHERE state='done'").await, 2);
    city.end().await;
}

async fn leases(engine: Engine) {
    let city = TestCity::new(engine).await;
    enqueue(&city, "x", None).await;
    // A worker took it and died.
    let now = city.house.app.env.now();
    let until = now.plus_seconds(120);
    city.raw(&[&format!("UPDATE job SET state='running', attempts=1, lease_owner='dead', lease_until={}", until.0)])
        .await;
    let ran = Arc::new(AtomicUsize::new(0));
    let w = worker(&city, "x", ran.clone(), |_| None);
    assert_eq!(w.run_due().await.expect("it runs"), 0, "the lease holds");
    city.clock.set(until.plus_seconds(1));
    assert_eq!(w.run_due().await.expect("it runs"), 1, "the lease has ended");
    assert_eq!((the_job(&city).await.state.as_str(), ran.load(Ordering::SeqCst)), ("done", 1));
    // Two workers at once run each job once.
    for _ in 0..12 {
        enqueue(&city, "x", None).await;
    }
    let a = worker(&city, "x", ran.clone(), |_| None);
    let b = worker(&city, "x", ran.clone(), |_| None);
    let (a, b) = tokio::join!(a.run_due(), b.run_due());
    assert_eq!(a.expect("it runs") + b.expect("it runs"), 12);
    assert_eq!(ran.load(Ordering::SeqCst), 13);
    city.end().await;
}

async fn scheduled(city: &TestCity) -> (Id, kernel::Timestamp) {
    let column = city.column(city.sites[0], "gonggao").await;
    let mut tx = city.write().await;
    let draft = Draft {
        document: None,
        lock_version: 0,
        site: city.sites[0],
        kind: DocumentKind::Notice,
        content: content("定时公告"),
        columns: vec![column],
    };
    let d = commands::save(&mut tx, draft).await.expect("saved");
    commands::submit(&mut tx, d.id).await.expect("submitted");
    commands::approve(&mut tx, d.id, "").await.expect("approved");
    let at = tx.now().plus_minutes(60);
    commands::schedule(&mut tx, d.id, at, "").await.expect("scheduled");
    tx.commit().await.expect("committed");
    (d.id, at)
}

async fn released_once(engine: Engine) {
    let city = TestCity::new(engine).await;
    let (id, at) = scheduled(&city).await;
    let w =
        Worker::new(city.house.app.db.clone(), city.house.app.env.clone(), gongkai::serve::handlers(&city.house.app));
    assert_eq!(w.run_due().await.expect("it runs"), 0);
    city.clock.set(at);
    assert_eq!(w.run_due().await.expect("it runs"), 1);
    let released = city.count("SELECT COUNT(*) AS n FROM audit_entry WHERE action='document.publish'").await;
    assert_eq!(released, 1);
    city.settle().await;
    let (seen, head) = (city.dump().await, city.count("SELECT event_seq AS n FROM chain_head WHERE id=1").await);
    // The worker died after the work and before the note: the job is run again.
    let now = city.house.app.env.now().0;
    city.raw(&[&format!("UPDATE job SET state='running', lease_owner='dead', lease_until={}", now - 1)]).await;
    assert_eq!(w.run_due().await.expect("it runs"), 1);
    assert_eq!(city.count("SELECT event_seq AS n FROM chain_head WHERE id=1").await, head, "nothing happened");
    assert_eq!(city.count("SELECT COUNT(*) AS n FROM job WHERE state='done'").await, 1);
    city.settle().await;
    crate::harness::same("the second run", &seen, &city.dump().await);
    // A plan that was taken back is not carried out; the job ends quietly.
    let (other, at) = scheduled(&city).await;
    let mut tx = city.write().await;
    commands::unschedule(&mut tx, other).await.expect("taken back");
    tx.commit().await.expect("committed");
    city.clock.set(at);
    assert_eq!(w.run_due().await.expect("it runs"), 1);
    let mut tx = city.house.app.db.read().await.expect("a view");
    let d = document::get(&mut tx, other).await.expect("the document");
    let e = document::get_edition(&mut tx, d.draft.expect("a draft")).await.expect("the edition");
    assert_eq!((d.live, e.state), (None, State::Approved));
    assert!(document::get(&mut tx, id).await.expect("the document").live.is_some());
    let kinds = tx.rows("SELECT kind FROM job WHERE kind=$1", args![PUBLISH_DUE]).await.expect("jobs");
    assert_eq!(kinds.len(), 2);
    drop(tx);
    city.end().await;
}
