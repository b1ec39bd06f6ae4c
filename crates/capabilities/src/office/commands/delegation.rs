//! 委托代理: one's own roles for a colleague of the same organ, for some days.

use kernel::{Date, Id, Permission, Refusal, Result, Timestamp, text};
use platform::WriteTx;
use platform::audit::Entry;
use records::account;
use serde_json::json;

use super::super::rules;

/// Lends one's roles from a day to a day, both included. Administrators' roles are never lent.
///
/// # Errors
/// `delegation.*`.
pub async fn delegate(tx: &mut WriteTx, to: Id, since: Date, until: Date, reason: &str) -> Result<Id> {
    let Some(from) = tx.ctx().actor.account else {
        return Err(kernel::permission::denied(Permission::Work));
    };
    let own = account::get(tx, from).await?;
    let other = account::get(tx, to)
        .await
        .map_err(|_| Refusal::invalid("delegation.to", "请选择代理人").at("to").mend("请从列表里选择一位同事"))?;
    let today = tx.now().day();
    let faults = rules::delegation_faults(from, to, own.organ == other.organ, since, until, today);
    if let Some(first) = faults.into_iter().next() {
        return Err(first);
    }
    if other.disabled_at.is_some() {
        return Err(Refusal::invalid("delegation.disabled", "这位同事的账号已停用").at("to").mend("请选别的同事"));
    }
    if text::count(reason) > 100 {
        return Err(Refusal::invalid("delegation.reason", "原因太长").at("reason").mend("不超过 100 个字"));
    }
    let lent: Vec<_> =
        account::held(tx, Some(from)).await?.into_iter().filter(|h| !h.grant.role.is_administrator()).collect();
    if lent.is_empty() {
        return Err(Refusal::conflict("delegation.nothing", "您没有可以委托的角色").mend("三类管理员的角色不能委托"));
    }
    let others = account::held(tx, Some(to)).await?;
    if others.iter().any(|h| h.grant.role.is_administrator()) {
        return Err(Refusal::conflict("delegation.administrator", "不能委托给三类管理员")
            .at("to")
            .mend("请选别的同事"));
    }
    let (from_at, until_at) = (Timestamp::start_of(since), Timestamp::start_of(until).plus_minutes(24 * 60));
    let overlapping = account::delegations(tx)
        .await?
        .iter()
        .any(|d| d.from == from && d.to == to && d.ended_at.is_none() && d.from_at < until_at && from_at < d.until_at);
    if overlapping {
        return Err(Refusal::conflict("delegation.twice", "这段时间已经委托过这位同事")
            .at("since")
            .mend("请先结束原来的委托"));
    }
    let id = account::insert_delegation(tx, from, to, from_at, until_at, reason.trim()).await?;
    tx.audit(Entry::done("delegation.create", "delegation", id).detail(json!({ "from": from, "to": to })));
    Ok(id)
}

/// Ends a delegation before its time: whoever gave it, whoever got it, or the security administrator.
///
/// # Errors
/// `delegation.unknown`.
pub async fn end_delegation(tx: &mut WriteTx, id: Id) -> Result<()> {
    let actor = tx.ctx().actor.clone();
    let unknown =
        || Refusal::not_found("delegation.unknown", "这项委托不存在或已结束").mend("请刷新页面，查看最新状态");
    let d = account::delegations(tx).await?.into_iter().find(|d| d.id == id).ok_or_else(unknown)?;
    let own = actor.account == Some(d.from) || actor.account == Some(d.to);
    if !own && !actor.may_somewhere(Permission::RoleGrant) {
        return Err(unknown());
    }
    if d.until_at <= tx.now() {
        return Err(unknown());
    }
    account::end_delegation(tx, id).await?;
    tx.audit(Entry::done("delegation.end", "delegation", id));
    Ok(())
}
