//! Roles: given and taken by the security administrator, never to oneself.

use kernel::permission::{Grant, Scope, Target};
use kernel::{Id, Permission, Refusal, Result};
use platform::WriteTx;
use platform::audit::Entry;
use records::{account, organ, site};
use serde_json::{Value, json};

use super::super::rules;

fn scope_detail(scope: Scope) -> Value {
    match scope {
        Scope::City => json!("city"),
        Scope::Organ(id) => json!({ "organ": id }),
        Scope::Site(id) => json!({ "site": id }),
    }
}

/// Gives an account a role for a scope.
///
/// # Errors
/// `grant.self`, `grant.scope`, `grant.held`, `role.separation`, `account.disabled`, `permission.denied`.
pub async fn grant_role(tx: &mut WriteTx, id: Id, new: Grant) -> Result<Id> {
    let actor = tx.ctx().actor.clone();
    actor.check(Permission::RoleGrant, &Target::City)?;
    let a = account::get(tx, id).await?;
    if a.disabled_at.is_some() {
        return Err(Refusal::conflict("account.disabled", "账号已停用，不能授予角色").mend("请先由系统管理员恢复账号"));
    }
    match new.scope {
        Scope::City => {}
        Scope::Organ(o) => drop(organ::get(tx, o).await?),
        Scope::Site(s) => drop(site::get(tx, s).await?),
    }
    let held: Vec<Grant> = account::held(tx, Some(id)).await?.into_iter().map(|h| h.grant).collect();
    rules::may_grant(actor.account, id, &held, new)?;
    let grant = account::grant(tx, id, new).await?;
    tx.audit(
        Entry::done("role.grant", "account", id)
            .detail(json!({ "grant": grant, "role": new.role.code(), "scope": scope_detail(new.scope) })),
    );
    Ok(grant)
}

/// Takes a role back.
///
/// # Errors
/// `grant.self`, `grant.unknown`, `grant.last`, `permission.denied`.
pub async fn revoke_role(tx: &mut WriteTx, id: Id, grant: Id) -> Result<()> {
    let actor = tx.ctx().actor.clone();
    actor.check(Permission::RoleGrant, &Target::City)?;
    if actor.account == Some(id) {
        return Err(Refusal::forbidden("grant.self", "不能给自己授予或收回角色").mend("请由另一位安全保密管理员办理"));
    }
    let held = account::held(tx, None).await?;
    let Some(h) = held.iter().find(|h| h.id == grant && h.account == id) else {
        return Err(Refusal::not_found("grant.unknown", "这项授权不存在或已收回").mend("请刷新页面，查看最新状态"));
    };
    let role = h.grant.role;
    if role.is_administrator() && !held.iter().any(|o| o.id != grant && o.grant.role == role) {
        return Err(Refusal::conflict("grant.last", format!("这是唯一的{}，收回后无人履职", role.label()))
            .mend("请先给另一个账号授予这个角色"));
    }
    account::revoke(tx, id, grant).await?;
    tx.audit(Entry::done("role.revoke", "account", id).detail(json!({ "grant": grant, "role": role.code() })));
    Ok(())
}
