//! One's own account.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect};
use kernel::permission::{Permission, Scope};
use kernel::{Id, Refusal, Result};
use platform::{Read, session};
use records::{account, organ, site};
use serde_json::{Value, json};
use web::App;
use web::error::Outcome;
use web::staff::{Access, Pages, Posted, Route, Staff, redirect_with};

use super::super::commands::{self, sign_in};
use super::super::queries::{state, when};
use super::{crumb, not_in_yet, open_get, open_post};

/// Routes with what they need.
pub fn routes() -> Vec<Route> {
    vec![
        open_get("/", Access::Begun, home),
        open_get("/account", Access::Begun, show),
        open_post("/account/sessions/end-others", Access::Begun, end_others),
        open_post("/account/sessions/{key}/end", Access::Begun, end_one),
    ]
}

async fn home(staff: Staff) -> Outcome {
    if let Some(first) = not_in_yet(&staff) {
        return Ok(first);
    }
    // Whoever holds no role yet sees their own account and nothing else.
    let to = if staff.actor().may_somewhere(Permission::Work) { "/worklist" } else { "/account" };
    Ok(Redirect::to(to).into_response())
}

/// What pages call a scope.
pub(super) async fn scope_label(tx: &mut impl Read, scope: Scope) -> Result<String> {
    Ok(match scope {
        Scope::City => "全市".into(),
        Scope::Organ(id) => format!("{}（含下级）", organ::get(tx, id).await?.short_name),
        Scope::Site(id) => site::get(tx, id).await?.set.name,
    })
}

/// The part of a session's key that stands in addresses: enough to tell one's own sessions apart.
fn short(key: &str) -> String {
    key.chars().take(16).collect()
}

async fn show(State(app): State<App>, staff: Staff, pages: Pages) -> Outcome {
    if let Some(first) = not_in_yet(&staff) {
        return Ok(first);
    }
    let a = &staff.account;
    let now = staff.ctx.now;
    let mut tx = app.db.read().await?;
    let own = organ::get(&mut tx, a.organ).await?;
    let mut grants = Vec::new();
    for h in account::held(&mut tx, Some(a.id)).await? {
        let may: Vec<&str> =
            h.grant.role.permissions().iter().filter(|p| **p != Permission::Work).map(|p| p.label()).collect();
        grants.push(json!({
            "role": h.grant.role.label(), "scope": scope_label(&mut tx, h.grant.scope).await?,
            "may": may.join("、"), "since": when(h.granted_at),
        }));
    }
    let mut sessions = Vec::new();
    let mut others = 0;
    for s in live_sessions(&mut tx, a.id, now).await? {
        let current = s.key == staff.session.key;
        others += usize::from(!current);
        sessions.push(json!({
            "since": when(s.created_at), "last": when(s.seen_at),
            "ends": when(s.created_at.plus_minutes(session::ABSOLUTE_HOURS * 60)),
            "current": current,
            "end_url": (!current).then(|| format!("/account/sessions/{}/end", short(&s.key))),
        }));
    }
    let logins: Vec<Value> = sign_in::recent(&mut tx, a.id)
        .await?
        .iter()
        .map(|(outcome, action, at)| {
            let step = if action == "session.second" { "动态口令" } else { "密码" };
            let (tone, icon, text) = match outcome.as_str() {
                "done" => ("ok", "ok", "通过"),
                "account.locked" => ("bad", "lock", "锁定中"),
                "account.disabled" => ("bad", "stop", "已停用"),
                _ => ("bad", "bad", "不对"),
            };
            json!({ "state": state(tone, icon, text), "text": step, "when": when(*at) })
        })
        .collect();
    drop(tx);
    let context = json!({
        "title": "我的账号",
        "crumbs": [crumb("我的账号", None)],
        "password_url": "/account/password",
        "totp_url": "/account/second",
        "totp_label": if a.has_totp { "重新绑定验证器" } else { "绑定验证器" },
        "facts": [
            { "label": "姓名", "value": a.name, "url": null },
            { "label": "账号", "value": a.username, "url": null },
            { "label": "机关", "value": own.name, "url": null },
            { "label": "验证器", "value": if a.has_totp { "已绑定" } else { "没有绑定" }, "url": null },
            { "label": "建立", "value": a.created_at.minute_text(), "url": null },
        ],
        "grants": grants,
        "sessions": sessions,
        "end_others_url": (others > 0).then_some("/account/sessions/end-others"),
        "session_rule": format!("{} 分钟没有操作自动退出；一次登录最长 {} 小时。", session::IDLE_MINUTES, session::ABSOLUTE_HOURS),
        "logins": logins,
    });
    Ok(pages.page("office/staff/account.html", context).await)
}

/// Sessions that still hold.
pub(super) async fn live_sessions(tx: &mut impl Read, id: Id, now: kernel::Timestamp) -> Result<Vec<session::Session>> {
    let mut all = session::of_account(tx, id).await?;
    all.retain(|s| {
        s.seen_at.plus_minutes(session::IDLE_MINUTES) > now
            && s.created_at.plus_minutes(session::ABSOLUTE_HOURS * 60) > now
    });
    Ok(all)
}

async fn end(app: &App, staff: &Staff, which: impl Fn(&str) -> bool) -> Outcome {
    let mut tx = app.db.write(&staff.ctx).await?;
    let keys: Vec<String> = session::of_account(&mut tx, staff.account.id)
        .await?
        .into_iter()
        .map(|s| s.key)
        .filter(|k| *k != staff.session.key && which(k))
        .collect();
    commands::end_own_sessions(&mut tx, &keys).await?;
    tx.commit().await?;
    Ok(redirect_with(app, "/account", "ok", "已退出", "那台设备要重新登录才能使用。"))
}

async fn end_one(State(app): State<App>, staff: Staff, Path(key): Path<String>, _posted: Posted) -> Outcome {
    if let Some(first) = not_in_yet(&staff) {
        return Ok(first);
    }
    if key.len() != 16 {
        return Err(Refusal::not_found("session.unknown", "这次登录已经结束").into());
    }
    end(&app, &staff, |k| short(k) == key).await
}

async fn end_others(State(app): State<App>, staff: Staff, _posted: Posted) -> Outcome {
    if let Some(first) = not_in_yet(&staff) {
        return Ok(first);
    }
    end(&app, &staff, |_| true).await
}
