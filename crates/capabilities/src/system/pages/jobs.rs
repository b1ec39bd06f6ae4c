//! Jobs with their failures in words.

use axum::extract::{Path, RawQuery, State};
use kernel::permission::Target;
use kernel::{Id, Permission, Refusal};
use platform::jobs;
use serde_json::{Value, json};
use web::app::App;
use web::error::Outcome;
use web::form::Fields;
use web::staff::{Pages, Posted, Staff, redirect_with};

use super::super::rules;
use super::{grouped, moment};

const PAGE: i64 = 50;
/// Most that one click retries: more would hold the database for too long.
const AT_ONCE: i64 = 500;

const STATES: [(&str, &str); 4] = [("failed", "失败"), ("queued", "等待"), ("running", "正在运行"), ("done", "完成")];

pub(super) async fn list(State(app): State<App>, staff: Staff, pages: Pages, RawQuery(query): RawQuery) -> Outcome {
    staff.actor().check(Permission::Jobs, &Target::City)?;
    let q = Fields::parse(query.unwrap_or_default().as_bytes());
    let state = STATES.iter().find(|(c, _)| *c == q.get("state")).map_or("failed", |(c, _)| *c);
    let before: Option<Id> = q.get("before").parse().ok();
    let mut tx = app.db.read().await?;
    let counts = jobs::counts(&mut tx).await?;
    let mut found = jobs::list(&mut tx, Some(state), before, PAGE + 1).await?;
    drop(tx);
    let more = found.len() as i64 > PAGE;
    found.truncate(PAGE as usize);
    let count = |s: &str| counts.iter().find(|(c, _)| c == s).map_or(0, |(_, n)| *n);
    let tabs: Vec<Value> = STATES
        .iter()
        .map(
            |(c, l)| json!({ "name": l, "url": format!("/jobs?state={c}"), "count": count(c), "current": *c == state }),
        )
        .collect();
    let rows: Vec<Value> = found
        .iter()
        .map(|j| {
            let (tone, icon) = match j.state.as_str() {
                "failed" => ("bad", "bad"),
                "running" => ("warn", "clock"),
                "done" => ("ok", "ok"),
                _ => ("info", "clock"),
            };
            let label = STATES.iter().find(|(c, _)| *c == j.state).map_or("", |(_, l)| *l);
            let error = j.last_error.as_deref().map(|e| {
                let (text, detail) = rules::job_error(e);
                json!({ "text": text, "detail": detail })
            });
            json!({
                "state": { "tone": tone, "icon": icon, "text": label }, "kind": rules::job_label(&j.kind), "id": j.id,
                "error": error, "tries": format!("{} / {}", j.attempts, j.max_attempts),
                "since": moment(Some(j.created_at)),
                "next": moment((j.state == "queued").then_some(j.run_at)),
                "finished": moment(j.finished_at),
                "retry_url": (j.state == "failed").then(|| format!("/jobs/{}/retry", j.id)),
            })
        })
        .collect();
    let failed = count("failed");
    let last = found.last().filter(|_| more).map(|j| format!("/jobs?state={state}&before={}", j.id));
    let (icon, title) =
        if state == "failed" { ("ok", "没有失败的任务") } else { ("list", "没有这种状态的任务") };
    let context = json!({
        "title": "后台任务", "crumbs": [],
        "summary": if failed == 0 { "没有失败".to_string() } else { format!("{} 个失败，{} 个等待", grouped(failed), grouped(count("queued"))) },
        "retry_all_url": (failed > 0).then_some("/jobs/retry"),
        "tabs": tabs, "rows": rows,
        "paging": { "text": null, "first": before.map(|_| format!("/jobs?state={state}")), "prev": null, "next": last },
        "empty": { "icon": icon, "title": title, "text": "后台任务失败了会出现在“失败”一栏，写明原因。", "url": null, "label": null },
    });
    Ok(pages.page("system/staff/jobs.html", context).await)
}

pub(super) async fn retry(State(app): State<App>, staff: Staff, Path(id): Path<String>, _: Posted) -> Outcome {
    staff.actor().check(Permission::Jobs, &Target::City)?;
    let id: Id =
        id.parse().map_err(|_| Refusal::not_found("job.unknown", "没有这个任务").mend("请从任务列表重新进入"))?;
    let mut tx = app.db.write(&staff.ctx).await?;
    jobs::retry(&mut tx, id).await?;
    tx.commit().await?;
    Ok(redirect_with(&app, "/jobs?state=queued", "ok", "任务已放回队列", "稍后刷新查看结果。"))
}

pub(super) async fn retry_all(State(app): State<App>, staff: Staff, _: Posted) -> Outcome {
    staff.actor().check(Permission::Jobs, &Target::City)?;
    let mut tx = app.db.write(&staff.ctx).await?;
    let failed = jobs::list(&mut tx, Some("failed"), None, AT_ONCE).await?;
    for j in &failed {
        jobs::retry(&mut tx, j.id).await?;
    }
    tx.commit().await?;
    Ok(redirect_with(
        &app,
        "/jobs?state=queued",
        "ok",
        &format!("{} 个任务已放回队列", failed.len()),
        "稍后刷新查看结果。",
    ))
}
