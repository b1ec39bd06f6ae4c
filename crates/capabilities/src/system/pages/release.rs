//! The publisher's queue: what waits, what is planned.

use axum::extract::State;
use kernel::{Id, Permission};
use platform::outbox;
use serde_json::{Value, json};
use web::app::App;
use web::error::Outcome;
use web::staff::{Pages, Staff, sites_for};

use super::super::{queries, rules};
use super::{grouped, moment};

pub(super) async fn show(State(app): State<App>, staff: Staff, pages: Pages) -> Outcome {
    let mut tx = app.db.read().await?;
    let health = app.publisher.health();
    let head = outbox::head(&mut tx).await?;
    let waiting = outbox::after(&mut tx, health.position, 100).await?;
    let done = outbox::after(&mut tx, (health.position - 20).max(0), 20).await?;
    let sites = sites_for(&mut tx, &staff, Permission::DocumentRead).await?;
    let ids: Vec<Id> = sites.iter().map(|s| s.id).collect();
    let planned = queries::planned(&mut tx, &ids).await?;
    drop(tx);
    // Events name no record here: they may concern sites that this person may not see.
    let row = |e: &outbox::Event| json!({ "n": grouped(e.seq), "what": rules::event_label(&e.kind), "when": moment(Some(e.at)) });
    let behind = head - health.position;
    let state = match (&health.last_error, behind) {
        (Some(_), _) => json!({ "tone": "bad", "icon": "bad", "text": "发布出错" }),
        (None, n) if n > 0 => json!({ "tone": "warn", "icon": "clock", "text": format!("落后 {} 个事件", grouped(n)) }),
        _ => json!({ "tone": "ok", "icon": "ok", "text": "跟上了" }),
    };
    let notice = health.last_error.as_ref().map(|_| {
        json!({
            "tone": "bad", "title": "发布出错，公众看到的是出错以前的页面", "text": "系统会自动再试；请告诉系统管理员查看“系统健康”。",
            "url": null, "label": null,
        })
    });
    let scheduled: Vec<Value> = planned
        .iter()
        .map(|p| {
            let site = sites.iter().find(|s| s.id == p.site).map_or("", |s| s.set.short_name.as_str());
            json!({ "subject": p.title, "url": format!("/documents/{}", p.document), "site": site, "when": moment(Some(p.at)) })
        })
        .collect();
    let context = json!({
        "title": "发布队列", "crumbs": [], "state": state, "notice": notice,
        "figures": [
            { "label": "等待", "value": grouped(behind.max(0)), "url": null, "note": "事件" },
            { "label": "发布到", "value": grouped(health.position), "url": null, "note": "事件号" },
            { "label": "定时发布", "value": planned.len().to_string(), "url": null, "note": "条" },
        ],
        "waiting": waiting.iter().map(row).collect::<Vec<_>>(),
        "scheduled": scheduled,
        "done": done.iter().rev().filter(|e| e.seq <= health.position).map(row).collect::<Vec<_>>(),
    });
    Ok(pages.page("system/staff/release.html", context).await)
}
