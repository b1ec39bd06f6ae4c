//! 委托代理: who stands in for whom, from when to when.

use std::collections::HashMap;

use axum::extract::{Path, RawQuery, State};
use kernel::{Id, Permission, Refusal};
use records::account::{self, Account};
use serde_json::{Value, json};
use web::App;
use web::error::Outcome;
use web::form::{Fields, FormErrors};
use web::staff::{Pages, Posted, Route, Staff, redirect_with};

use super::super::queries::{day, state};
use super::super::{commands, rules};
use super::{crumb, gather, one_page, option, refused_status};

/// Most rows of the page.
const MOST: usize = 200;

/// Routes with what they need.
pub fn routes() -> Vec<Route> {
    vec![
        Route::get("/delegations", Permission::Work, show),
        Route::post("/delegations", Permission::Work, create),
        Route::post("/delegations/{id}/end", Permission::Work, end),
    ]
}

async fn page(
    app: &App,
    staff: &Staff,
    pages: &Pages,
    everyone: bool,
    fields: &Fields,
    refusals: Vec<Refusal>,
) -> Outcome {
    let me = staff.account.id;
    let (actor, now) = (staff.actor(), staff.ctx.now);
    let status = if refusals.is_empty() { 200 } else { refused_status(&refusals) };
    let first = refusals.first().cloned();
    let mut e = FormErrors::default();
    gather(&mut e, &[("to", "请谁代理"), ("since", "从哪天起"), ("until", "到哪天止"), ("reason", "原因")], refusals)?;
    let mut tx = app.db.read().await?;
    let all = account::delegations(&mut tx).await?;
    let accounts = account::list(&mut tx).await?;
    let held = account::held(&mut tx, None).await?;
    drop(tx);
    let names: HashMap<Id, &Account> = accounts.iter().map(|a| (a.id, a)).collect();
    let name = |id: Id| names.get(&id).map_or("", |a| a.name.as_str());
    let supervises = actor.may_somewhere(Permission::AccountRead);
    let everyone = everyone && supervises;
    let own = |d: &account::Delegation| d.from == me || d.to == me;
    let mine = all.iter().filter(|d| own(d)).count();
    let rows: Vec<Value> = all
        .iter()
        .filter(|d| everyone || own(d))
        .take(MOST)
        .map(|d| {
            let (tone, icon, text) = rules::delegation_state(d.from_at, d.until_at, d.ended_at, now);
            let mut roles: Vec<&str> = Vec::new();
            for h in held.iter().filter(|h| h.account == d.from && !h.grant.role.is_administrator()) {
                if !roles.contains(&h.grant.role.label()) {
                    roles.push(h.grant.role.label());
                }
            }
            let open = d.ended_at.is_none() && d.until_at > now;
            json!({
                "state": state(tone, icon, text), "from": name(d.from), "to": name(d.to), "reason": d.reason,
                "what": if roles.is_empty() { "—".to_string() } else { roles.join("、") },
                "since": day(d.from_at.day()), "until": day(d.until_at.plus_seconds(-1).day()),
                "end_url": (open && (own(d) || actor.may_somewhere(Permission::RoleGrant)))
                    .then(|| format!("/delegations/{}/end", d.id)),
            })
        })
        .collect();
    let mut tabs = vec![json!({ "name": "我的", "url": "/delegations", "count": mine, "current": !everyone })];
    if supervises {
        tabs.push(json!({ "name": "全市", "url": "/delegations?all=1", "count": all.len(), "current": everyone }));
    }
    let lends = held.iter().any(|h| h.account == me && !h.grant.role.is_administrator());
    let form = lends.then(|| {
        let mut people = vec![option("", "请选择")];
        for a in accounts.iter().filter(|a| {
            a.organ == staff.account.organ
                && a.id != me
                && a.disabled_at.is_none()
                && !held.iter().any(|h| h.account == a.id && h.grant.role.is_administrator())
        }) {
            people.push(option(a.id.to_string(), a.name.as_str()));
        }
        json!({
            "action": "/delegations",
            "errors": e.0,
            "fields": {
                "to": { "value": fields.raw("to"), "error": e.of("to"), "options": people },
                "since": e.field(fields, "since"), "until": e.field(fields, "until"), "reason": e.field(fields, "reason"),
            },
        })
    });
    if let (None, Some(r)) = (&form, first) {
        // There is no form to show it in.
        return Err(r.into());
    }
    let text = if form.is_some() {
        "您休假或出差前，可以请别人代理。"
    } else {
        "您没有可以委托的业务角色。"
    };
    let shown = rows.len();
    let total = if everyone { all.len() } else { mine };
    let context = json!({
        "title": "委托代理",
        "crumbs": [crumb("委托代理", None)],
        "tabs": tabs,
        "rows": rows,
        "paging": one_page((total > shown).then(|| format!("最近的 {shown} 项，共 {total} 项"))),
        "empty": { "icon": "send", "title": "没有委托", "text": text, "url": null, "label": null },
        "form": form,
    });
    Ok(pages.page_with(status, "office/staff/delegations.html", context).await)
}

async fn show(State(app): State<App>, staff: Staff, pages: Pages, RawQuery(raw): RawQuery) -> Outcome {
    let query = Fields::parse(raw.unwrap_or_default().as_bytes());
    page(&app, &staff, &pages, query.ticked("all"), &Fields::default(), Vec::new()).await
}

async fn create(State(app): State<App>, staff: Staff, pages: Pages, posted: Posted) -> Outcome {
    let fields = &posted.fields;
    let mut refusals = Vec::new();
    let to = fields
        .get("to")
        .parse::<Id>()
        .map_err(|_| refusals.push(Refusal::invalid("delegation.to", "还没有选代理人").at("to")))
        .ok();
    let since = kernel::time::parse_date(fields.get("since")).map_err(|r| refusals.push(r.at("since"))).ok();
    let until = kernel::time::parse_date(fields.get("until")).map_err(|r| refusals.push(r.at("until"))).ok();
    if let (Some(to), Some(since), Some(until)) = (to, since, until) {
        let mut tx = app.db.write(&staff.ctx).await?;
        match commands::delegate(&mut tx, to, since, until, fields.get("reason")).await {
            Ok(_) => {
                tx.commit().await?;
                return Ok(redirect_with(&app, "/delegations", "ok", "已委托", "到期自动停止，也可以提前结束。"));
            }
            Err(r) => refusals.push(r),
        }
    }
    page(&app, &staff, &pages, false, fields, refusals).await
}

async fn end(State(app): State<App>, staff: Staff, Path(id): Path<String>, _posted: Posted) -> Outcome {
    let id: Id = id.parse().map_err(|_| Refusal::not_found("delegation.unknown", "这项委托不存在或已结束"))?;
    let mut tx = app.db.write(&staff.ctx).await?;
    commands::end_delegation(&mut tx, id).await?;
    tx.commit().await?;
    Ok(redirect_with(&app, "/delegations", "ok", "已结束", "代理人下一次打开页面时失去这些角色。"))
}
