//! 人员: accounts, their roles, their sessions.

use std::collections::HashMap;

use axum::extract::{Path, RawQuery, State};
use kernel::permission::{Grant, Role, Scope};
use kernel::{Id, Permission, Refusal, Result, Timestamp};
use platform::session;
use records::account::{self, Account};
use records::{organ, site};
use serde_json::{Value, json};
use web::App;
use web::error::Outcome;
use web::form::{Fields, FormErrors};
use web::staff::{Pages, Posted, Route, Staff, redirect_with};

use super::super::queries::{state, when};
use super::super::{commands, rules, secrets};
use super::account::{live_sessions, scope_label};
use super::organs::Tree;
use super::{crumb, csv_file, gather, option, query_string, refused_status};

/// Rows of one page.
const PAGE: usize = 100;

/// Routes with what they need.
pub fn routes() -> Vec<Route> {
    use Permission::{AccountRead as Look, AccountWrite as Write, RoleGrant as Grant};
    vec![
        Route::get("/users", Look, list),
        Route::get("/users.csv", Look, export),
        Route::get("/users/new", Write, new_form),
        Route::post("/users/new", Write, create),
        Route::get("/users/{id}", Look, show),
        Route::post("/users/{id}/reset", Write, reset),
        Route::post("/users/{id}/disable", Write, disable),
        Route::post("/users/{id}/enable", Write, enable),
        Route::post("/users/{id}/sessions/end", Write, end_sessions),
        Route::post("/users/{id}/unlock", Grant, unlock),
        Route::post("/users/{id}/totp/clear", Grant, clear_totp),
        Route::post("/users/{id}/grants", Grant, grant),
        Route::post("/users/{id}/grants/{grant}/revoke", Grant, revoke),
    ]
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Disabled,
    Locked,
    Never,
    Ok,
}

fn standing(a: &Account, now: Timestamp) -> Standing {
    if a.disabled_at.is_some() {
        Standing::Disabled
    } else if a.locked_until.is_some_and(|t| t > now) {
        Standing::Locked
    } else if a.signed_in_at.is_none() {
        Standing::Never
    } else {
        Standing::Ok
    }
}

fn standing_words(a: &Account, now: Timestamp) -> Value {
    match (standing(a, now), a.locked_until) {
        (Standing::Disabled, _) => state("mute", "stop", "已停用"),
        (Standing::Locked, Some(t)) => state("bad", "lock", &format!("锁定到 {}", t.minute_text())),
        (Standing::Never, _) => state("info", "clock", "从未登录"),
        _ => state("ok", "ok", "在用"),
    }
}

/// What the list shows, and how many accounts stand how.
struct Listed {
    accounts: Vec<Account>,
    roles: HashMap<Id, Vec<&'static str>>,
    tree: Tree,
    organs: HashMap<Id, String>,
    counts: [usize; 4],
}

async fn listed(app: &App, staff: &Staff, query: &Fields) -> Result<Listed> {
    commands::may_list(staff.actor())?;
    let now = staff.ctx.now;
    let mut tx = app.db.read().await?;
    let all = account::list(&mut tx).await?;
    let held = account::held(&mut tx, None).await?;
    let tree = Tree::read(&mut tx).await?;
    let organs = organ::list(&mut tx).await?.into_iter().map(|o| (o.id, o.short_name)).collect();
    let below = match query.get("organ").parse::<Id>() {
        Ok(id) => Some(organ::below(&mut tx, id).await?),
        Err(_) => None,
    };
    drop(tx);
    let mut roles: HashMap<Id, Vec<&'static str>> = HashMap::new();
    for h in &held {
        let of = roles.entry(h.account).or_default();
        if !of.contains(&h.grant.role.label()) {
            of.push(h.grant.role.label());
        }
    }
    let role = Role::from_code(query.get("role"));
    let q = query.get("q").to_lowercase();
    let counted = |s| all.iter().filter(|a| standing(a, now) == s).count();
    let counts = [all.len(), counted(Standing::Locked), counted(Standing::Disabled), counted(Standing::Never)];
    let wanted = match query.get("state") {
        "locked" => Some(Standing::Locked),
        "disabled" => Some(Standing::Disabled),
        "never" => Some(Standing::Never),
        _ => None,
    };
    let accounts = all
        .into_iter()
        .filter(|a| wanted.is_none_or(|w| standing(a, now) == w))
        .filter(|a| below.as_ref().is_none_or(|b| b.contains(&a.organ)))
        .filter(|a| role.is_none_or(|r| held.iter().any(|h| h.account == a.id && h.grant.role == r)))
        .filter(|a| q.is_empty() || a.name.to_lowercase().contains(&q) || a.username.contains(&q))
        .collect();
    Ok(Listed { accounts, roles, tree, organs, counts })
}

fn role_options(none: &str, roles: impl Iterator<Item = Role>) -> Vec<Value> {
    let mut out = vec![option("", none)];
    out.extend(roles.map(|r| option(r.code(), r.label())));
    out
}

async fn list(State(app): State<App>, staff: Staff, pages: Pages, RawQuery(raw): RawQuery) -> Outcome {
    let query = Fields::parse(raw.unwrap_or_default().as_bytes());
    let l = listed(&app, &staff, &query).await?;
    let now = staff.ctx.now;
    let actor = staff.actor();
    let after = query.get("after");
    let found = l.accounts.len();
    // By key: whoever is added meanwhile moves nobody to another page.
    let start = l.accounts.iter().position(|a| a.username.as_str() > after).unwrap_or(found);
    let shown: Vec<&Account> = l.accounts.iter().skip(start).take(PAGE).collect();
    let rows: Vec<Value> = shown
        .iter()
        .map(|a| {
            let totp = if a.has_totp { state("ok", "ok", "已绑定") } else { state("mute", "minus", "没有绑定") };
            json!({
                "name": a.name, "account": a.username, "url": format!("/users/{}", a.id),
                "organ": l.organs.get(&a.organ), "roles": l.roles.get(&a.id).map_or("—".to_string(), |r| r.join("、")),
                "totp": totp, "last": a.signed_in_at.map(when), "state": standing_words(a, now),
            })
        })
        .collect();
    let filter = |state: &str, after: &str| {
        query_string(&[
            ("state", state),
            ("q", query.get("q")),
            ("organ", query.get("organ")),
            ("role", query.get("role")),
            ("after", after),
        ])
    };
    let now_state = query.get("state");
    let tab = |name: &str, code: &str, n: usize| {
        let url = if code.is_empty() { "/users".to_string() } else { format!("/users?state={code}") };
        json!({ "name": name, "url": url, "count": n, "current": now_state == code })
    };
    let [all, locked, disabled, never] = l.counts;
    let next = shown
        .last()
        .filter(|_| start + shown.len() < found)
        .map(|a| format!("/users{}", filter(now_state, &a.username)));
    let text =
        (found > PAGE).then(|| format!("第 {}-{} 个，共 {found} 个", (start + 1).min(found), start + shown.len()));
    let context = json!({
        "title": "人员",
        "crumbs": [crumb("人员", None)],
        "summary": format!("{found} 个账号"),
        "export_url": format!("/users.csv{}", filter(now_state, "")),
        "create_url": actor.may_somewhere(Permission::AccountWrite).then_some("/users/new"),
        "tabs": [
            tab("全部", "", all), tab("锁定", "locked", locked), tab("已停用", "disabled", disabled),
            tab("从未登录", "never", never),
        ],
        "filters": {
            "action": "/users",
            "clear_url": (!filter("", "").is_empty()).then_some("/users"),
            "fields": {
                "q": { "value": query.get("q"), "error": null },
                "organ": {
                    "value": query.get("organ"), "error": null,
                    "options": l.tree.options(actor, Permission::OrganRead, "全市", |_| true),
                },
                "role": {
                    "value": query.get("role"), "error": null,
                    "options": role_options("全部角色", Role::ALL.into_iter()),
                },
            },
        },
        "rows": rows,
        "paging": {
            "text": text, "first": (start > 0).then(|| format!("/users{}", filter(now_state, ""))), "prev": null, "next": next,
        },
        "empty": {
            "icon": "users", "title": "没有符合条件的人员", "text": "可以少选一个条件。", "url": "/users", "label": "清除条件",
        },
    });
    Ok(pages.page("office/staff/users.html", context).await)
}

async fn export(State(app): State<App>, staff: Staff, RawQuery(raw): RawQuery) -> Outcome {
    let query = Fields::parse(raw.unwrap_or_default().as_bytes());
    let l = listed(&app, &staff, &query).await?;
    let rows = l
        .accounts
        .iter()
        .map(|a| {
            vec![
                a.name.clone(),
                a.username.clone(),
                l.organs.get(&a.organ).cloned().unwrap_or_default(),
                l.roles.get(&a.id).map(|r| r.join("、")).unwrap_or_default(),
                if a.has_totp { "已绑定" } else { "没有绑定" }.to_string(),
                a.signed_in_at.map(Timestamp::minute_text).unwrap_or_default(),
                standing_words(a, staff.ctx.now).get("text").and_then(Value::as_str).unwrap_or_default().to_string(),
            ]
        })
        .collect();
    Ok(csv_file("users.csv", &["姓名", "账号", "机关", "角色", "验证器", "最近登录", "状态"], rows)?)
}

async fn form_page(app: &App, staff: &Staff, pages: &Pages, fields: &Fields, refusals: Vec<Refusal>) -> Outcome {
    let status = if refusals.is_empty() { 200 } else { refused_status(&refusals) };
    let mut e = FormErrors::default();
    gather(&mut e, &[("name", "姓名"), ("account", "账号"), ("organ", "机关")], refusals)?;
    let mut tx = app.db.read().await?;
    let tree = Tree::read(&mut tx).await?;
    drop(tx);
    let organs = tree.options(staff.actor(), Permission::AccountWrite, "请选择", |_| true);
    let context = json!({
        "title": "新建账号",
        "crumbs": [crumb("人员", Some("/users")), crumb("新建账号", None)],
        "lede": "保存后显示一次性密码。角色由安全保密管理员另行授予。",
        "submit_label": "建立账号",
        "cancel_url": "/users",
        "form": {
            "action": "/users/new",
            "errors": e.0,
            "fields": {
                "name": e.field(fields, "name"), "account": e.field(fields, "account"),
                "organ": { "value": fields.raw("organ"), "error": e.of("organ"), "options": organs },
            },
        },
    });
    Ok(pages.page_with(status, "office/staff/user-form.html", context).await)
}

async fn new_form(State(app): State<App>, staff: Staff, pages: Pages) -> Outcome {
    form_page(&app, &staff, &pages, &Fields::default(), Vec::new()).await
}

async fn create(State(app): State<App>, staff: Staff, pages: Pages, posted: Posted) -> Outcome {
    let fields = &posted.fields;
    let mut refusals = Vec::new();
    refusals.extend(rules::person_name(fields.get("name")).err());
    refusals.extend(rules::username(fields.get("account")).err());
    let organ = fields.get("organ").parse::<Id>();
    if organ.is_err() {
        refusals.push(Refusal::invalid("organ.choose", "还没有选机关").at("organ").mend("请从列表里选择"));
    }
    if let (Ok(organ), true) = (organ, refusals.is_empty()) {
        let password = secrets::new_password(app.env.entropy.as_ref());
        let new = commands::NewAccount {
            username: fields.get("account").to_string(),
            name: fields.get("name").to_string(),
            organ,
            password_hash: secrets::hash_off_thread(password.clone(), app.env.entropy.clone()).await?,
            must_change: true,
        };
        let mut tx = app.db.write(&staff.ctx).await?;
        match commands::create_account(&mut tx, &new).await {
            Ok(id) => {
                tx.commit().await?;
                return page(&app, &staff, &pages, id, Some(password), &Fields::default(), Vec::new()).await;
            }
            Err(r) => refusals.push(r),
        }
    }
    form_page(&app, &staff, &pages, fields, refusals).await
}

fn unknown() -> Refusal {
    Refusal::not_found("account.unknown", "没有这个账号").mend("请从账号列表重新进入")
}

fn act(label: &str, url: String, text: &str, tone: &str) -> Value {
    json!({ "label": label, "url": url, "text": text, "post": true, "tone": tone, "fields": [] })
}

/// The account's page; `once` is a password that is shown this time only and stands in no address, cookie or log.
async fn page(
    app: &App,
    staff: &Staff,
    pages: &Pages,
    id: Id,
    once: Option<String>,
    fields: &Fields,
    refusals: Vec<Refusal>,
) -> Outcome {
    let (actor, now) = (staff.actor(), staff.ctx.now);
    let status = if refusals.is_empty() { 200 } else { refused_status(&refusals) };
    let first = refusals.first().cloned();
    let mut e = FormErrors::default();
    gather(&mut e, &[("role", "角色"), ("scope", "范围")], refusals)?;
    let mut tx = app.db.read().await?;
    let a = account::get(&mut tx, id).await?;
    let target = organ::target(&mut tx, a.organ).await?;
    if !actor.may(Permission::AccountRead, &target) {
        return Err(unknown().into());
    }
    let own = organ::get(&mut tx, a.organ).await?;
    let (grants_here, writes) =
        (actor.may(Permission::RoleGrant, &target), actor.may(Permission::AccountWrite, &target));
    let own_page = staff.account.id == id;
    let held = account::held(&mut tx, Some(id)).await?;
    let mut grants = Vec::new();
    for h in &held {
        grants.push(json!({
            "role": h.grant.role.label(), "scope": scope_label(&mut tx, h.grant.scope).await?,
            "since": when(h.granted_at), "by": h.granted_by,
            "revoke_url": (grants_here && !own_page).then(|| format!("/users/{id}/grants/{}/revoke", h.id)),
        }));
    }
    let sessions: Vec<Value> = live_sessions(&mut tx, id, now)
        .await?
        .iter()
        .map(|s| {
            json!({
                "since": when(s.created_at), "last": when(s.seen_at),
                "ends": when(s.created_at.plus_minutes(session::ABSOLUTE_HOURS * 60)),
            })
        })
        .collect();
    let form = if grants_here && !own_page && a.disabled_at.is_none() {
        let tree = Tree::read(&mut tx).await?;
        let mut scopes = vec![option("", "请选择"), option("city", "全市")];
        for s in site::list(&mut tx).await? {
            scopes.push(option(format!("site:{}", s.id), format!("网站：{}", s.set.name)));
        }
        for o in tree.options(actor, Permission::OrganRead, "", |_| true).into_iter().skip(1) {
            let text = |k: &str| o.get(k).and_then(Value::as_str).unwrap_or_default().to_string();
            scopes.push(option(
                format!("organ:{}", text("value")),
                format!("机关：{}（含下级）", text("label").trim_start_matches('　')),
            ));
        }
        Some(json!({
            "action": format!("/users/{id}/grants"),
            "errors": e.0,
            "fields": {
                "role": { "value": fields.raw("role"), "error": e.of("role"), "options": role_options("请选择", Role::ALL.into_iter()) },
                "scope": { "value": fields.raw("scope"), "error": e.of("scope"), "options": scopes },
            },
        }))
    } else {
        None
    };
    if let (None, Some(r)) = (&form, first) {
        // There is no form to show it in.
        return Err(r.into());
    }
    drop(tx);
    let (mut can, mut cannot) = (Vec::new(), Vec::new());
    let no = |label: &str, why: &str| json!({ "label": label, "why": why });
    let locked = standing(&a, now) == Standing::Locked;
    if grants_here && (locked || a.failures > 0) {
        can.push(act("解锁", format!("/users/{id}/unlock"), "清除输错的次数，马上可以再登录。", ""));
    }
    if writes && !own_page {
        can.push(act("重置密码", format!("/users/{id}/reset"), "生成新的一次性密码，原来的马上失效。", "quiet"));
        if !sessions.is_empty() {
            can.push(act("强制退出", format!("/users/{id}/sessions/end"), "结束这个账号的全部登录。", "quiet"));
        }
        if a.disabled_at.is_some() {
            can.push(act("恢复账号", format!("/users/{id}/enable"), "恢复后，原来的角色继续有效。", ""));
        } else {
            can.push(act(
                "停用账号",
                format!("/users/{id}/disable"),
                "马上退出，不能再登录；做过的事仍在记录里。",
                "warn",
            ));
        }
    }
    if grants_here && !own_page && a.has_totp {
        can.push(act("解除验证器绑定", format!("/users/{id}/totp/clear"), "手机丢失时用；下次登录重新绑定。", "quiet"));
    }
    if own_page {
        cannot.push(no("停用、重置和授权", "不能办理自己的账号，请由别人办理。"));
    } else if writes && !grants_here {
        cannot.push(no("授予角色、解锁", "由安全保密管理员办理。"));
    } else if grants_here && !writes {
        cannot.push(no("重置密码、停用", "由系统管理员办理。"));
        if a.disabled_at.is_some() {
            cannot.push(no("授予角色", "账号已停用。"));
        }
    }
    let notice = if locked {
        let until = a.locked_until.map(Timestamp::minute_text).unwrap_or_default();
        json!({
            "tone": "bad", "title": format!("连续 {} 次密码或动态口令不对，锁定到 {until}", a.failures),
            "text": "确认是本人，可以由安全保密管理员提前解锁。", "url": null, "label": null,
        })
    } else if a.disabled_at.is_some() {
        json!({ "tone": "warn", "title": "账号已停用", "text": null, "url": null, "label": null })
    } else {
        Value::Null
    };
    let fact = |label: &str, value: String| json!({ "label": label, "value": value, "url": null });
    let organ_url = actor.may(Permission::OrganRead, &target).then(|| format!("/organs/{}", own.id));
    let context = json!({
        "title": a.name,
        "crumbs": [crumb("人员", Some("/users")), crumb(&a.name, None)],
        "user": { "name": a.name, "account": a.username, "organ": own.short_name, "state": standing_words(&a, now) },
        "notice": notice,
        "once": once.map(|value| json!({
            "title": "一次性密码，只显示这一次", "value": value,
            "text": "请当面或者打电话告诉本人，不要发在群里。首次登录必须改密码。",
        })),
        "facts": [
            { "label": "机关", "value": own.name, "url": organ_url },
            fact("验证器", if a.has_totp { "已绑定" } else { "没有绑定" }.into()),
            fact("密码", if a.must_change { "一次性密码，还没有改" } else { "本人设定" }.into()),
            fact("最近登录", a.signed_in_at.map_or("从未登录".into(), Timestamp::minute_text)),
            fact("建立", a.created_at.minute_text()),
        ],
        "grants": grants,
        "form": form,
        "sessions": sessions,
        "acts": { "can": can, "cannot": cannot },
    });
    Ok(pages.page_with(status, "office/staff/user.html", context).await)
}

async fn show(State(app): State<App>, staff: Staff, pages: Pages, Path(id): Path<String>) -> Outcome {
    let id = id.parse().map_err(|_| unknown())?;
    page(&app, &staff, &pages, id, None, &Fields::default(), Vec::new()).await
}

async fn reset(State(app): State<App>, staff: Staff, pages: Pages, Path(id): Path<String>, _posted: Posted) -> Outcome {
    let id: Id = id.parse().map_err(|_| unknown())?;
    let password = secrets::new_password(app.env.entropy.as_ref());
    let hash = secrets::hash_off_thread(password.clone(), app.env.entropy.clone()).await?;
    let mut tx = app.db.write(&staff.ctx).await?;
    commands::reset_password(&mut tx, id, &hash).await?;
    tx.commit().await?;
    page(&app, &staff, &pages, id, Some(password), &Fields::default(), Vec::new()).await
}

async fn switch(app: &App, staff: &Staff, id: &str, disabled: bool) -> Outcome {
    let id: Id = id.parse().map_err(|_| unknown())?;
    let mut tx = app.db.write(&staff.ctx).await?;
    commands::set_disabled(&mut tx, id, disabled).await?;
    tx.commit().await?;
    let (title, text) =
        if disabled { ("已停用", "这个账号的登录已全部退出。") } else { ("已恢复", "") };
    Ok(redirect_with(app, &format!("/users/{id}"), "ok", title, text))
}

async fn disable(State(app): State<App>, staff: Staff, Path(id): Path<String>, _posted: Posted) -> Outcome {
    switch(&app, &staff, &id, true).await
}

async fn enable(State(app): State<App>, staff: Staff, Path(id): Path<String>, _posted: Posted) -> Outcome {
    switch(&app, &staff, &id, false).await
}

async fn end_sessions(State(app): State<App>, staff: Staff, Path(id): Path<String>, _posted: Posted) -> Outcome {
    let id: Id = id.parse().map_err(|_| unknown())?;
    let mut tx = app.db.write(&staff.ctx).await?;
    let n = commands::end_sessions(&mut tx, id).await?;
    tx.commit().await?;
    Ok(redirect_with(&app, &format!("/users/{id}"), "ok", &format!("已退出 {n} 个登录"), ""))
}

async fn unlock(State(app): State<App>, staff: Staff, Path(id): Path<String>, _posted: Posted) -> Outcome {
    let id: Id = id.parse().map_err(|_| unknown())?;
    let mut tx = app.db.write(&staff.ctx).await?;
    commands::unlock(&mut tx, id).await?;
    tx.commit().await?;
    Ok(redirect_with(&app, &format!("/users/{id}"), "ok", "已解锁", ""))
}

async fn clear_totp(State(app): State<App>, staff: Staff, Path(id): Path<String>, _posted: Posted) -> Outcome {
    let id: Id = id.parse().map_err(|_| unknown())?;
    let mut tx = app.db.write(&staff.ctx).await?;
    commands::clear_totp(&mut tx, id).await?;
    tx.commit().await?;
    Ok(redirect_with(&app, &format!("/users/{id}"), "ok", "已解除绑定", "本人下次登录时重新绑定。"))
}

/// Reads `city`, `organ:ID`, `site:ID`.
fn scope_of(typed: &str) -> Option<Scope> {
    match typed.split_once(':') {
        None if typed == "city" => Some(Scope::City),
        Some(("organ", id)) => id.parse().ok().map(Scope::Organ),
        Some(("site", id)) => id.parse().ok().map(Scope::Site),
        _ => None,
    }
}

async fn grant(State(app): State<App>, staff: Staff, pages: Pages, Path(id): Path<String>, posted: Posted) -> Outcome {
    let id: Id = id.parse().map_err(|_| unknown())?;
    let fields = &posted.fields;
    let mut refusals = Vec::new();
    let role = Role::from_code(fields.get("role"));
    let scope = scope_of(fields.get("scope"));
    if role.is_none() {
        refusals.push(Refusal::invalid("grant.role", "还没有选角色").at("role"));
    }
    if scope.is_none() {
        refusals.push(Refusal::invalid("grant.scope", "还没有选范围").at("scope"));
    }
    if let (Some(role), Some(scope)) = (role, scope) {
        let mut tx = app.db.write(&staff.ctx).await?;
        match commands::grant_role(&mut tx, id, Grant { role, scope }).await {
            Ok(_) => {
                tx.commit().await?;
                let text = "对方下一次打开页面时生效。";
                return Ok(redirect_with(
                    &app,
                    &format!("/users/{id}"),
                    "ok",
                    &format!("已授予“{}”", role.label()),
                    text,
                ));
            }
            Err(r) => refusals.push(r),
        }
    }
    page(&app, &staff, &pages, id, None, fields, refusals).await
}

async fn revoke(
    State(app): State<App>,
    staff: Staff,
    Path((id, grant)): Path<(String, String)>,
    _posted: Posted,
) -> Outcome {
    let id: Id = id.parse().map_err(|_| unknown())?;
    let grant: Id = grant.parse().map_err(|_| unknown())?;
    let mut tx = app.db.write(&staff.ctx).await?;
    commands::revoke_role(&mut tx, id, grant).await?;
    tx.commit().await?;
    Ok(redirect_with(&app, &format!("/users/{id}"), "ok", "已收回", "对方下一次打开页面时生效。"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read() {
        let id = Id::from_i64(77);
        assert_eq!(scope_of("city"), Some(Scope::City));
        assert_eq!(scope_of(&format!("organ:{id}")), Some(Scope::Organ(id)));
        assert_eq!(scope_of(&format!("site:{id}")), Some(Scope::Site(id)));
        for bad in ["", "city:1", "organ:", "organ:!", "everything", "site"] {
            assert_eq!(scope_of(bad), None, "{bad}");
        }
    }
}
