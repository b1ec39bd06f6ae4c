//! Accounts: founding, passwords for one use, disabling, unlocking, ending sessions.

use kernel::permission::Target;
use kernel::secret::Secret;
use kernel::{Id, Permission, Refusal, Result};
use platform::audit::Entry;
use platform::{Read, WriteTx, session};
use records::account::{self, Account};
use records::organ;
use serde_json::json;

use super::super::rules;
use super::sign_in::totp_context;

/// What is needed to make an account.
pub struct NewAccount {
    /// `shen.rushuang`
    pub username: String,
    /// 沈如霜
    pub name: String,
    /// Where the person works.
    pub organ: Id,
    /// See `api::hash_password`.
    pub password_hash: String,
    /// Whether the password is for one use.
    pub must_change: bool,
}

/// Loads an account that the actor may do something to. What they may not even see does not exist for them.
async fn authorised(tx: &mut WriteTx, id: Id, what: Permission) -> Result<Account> {
    let a = account::get(tx, id).await?;
    let target = organ::target(tx, a.organ).await?;
    let actor = tx.ctx().actor.clone();
    if !actor.may(Permission::AccountRead, &target) {
        return Err(Refusal::not_found("account.unknown", "没有这个账号").mend("请从账号列表重新进入"));
    }
    actor.check(what, &target)?;
    Ok(a)
}

/// Makes an account without roles.
///
/// # Errors
/// `account.username`, `account.name`, `account.taken`, `organ.ended`, `permission.denied`.
pub async fn create_account(tx: &mut WriteTx, new: &NewAccount) -> Result<Id> {
    let organ = organ::get(tx, new.organ).await?;
    let target = organ::target(tx, organ.id).await?;
    tx.ctx().actor.check(Permission::AccountWrite, &target)?;
    rules::username(&new.username)?;
    rules::person_name(&new.name)?;
    if organ.until_on.is_some() {
        return Err(Refusal::invalid("organ.ended", "这个机关已经撤销").at("organ").mend("请改选在用的机关"));
    }
    let id = account::insert(tx, &new.username, new.name.trim(), organ.id, &new.password_hash, new.must_change)
        .await
        .map_err(|r| if r.code() == "account.taken" { r.at("account") } else { r })?;
    tx.audit(Entry::done("account.create", "account", id).detail(json!({ "organ": organ.id })));
    Ok(id)
}

/// Gives an account a password for one use and ends its sessions.
///
/// # Errors
/// `account.self`, `permission.denied`.
pub async fn reset_password(tx: &mut WriteTx, id: Id, hash: &str) -> Result<()> {
    let a = authorised(tx, id, Permission::AccountWrite).await?;
    if tx.ctx().actor.account == Some(id) {
        return Err(Refusal::conflict("account.self", "自己的密码请在“我的账号”里修改").mend("点右上角的姓名进入"));
    }
    // A lock is the security administrator's to lift: resetting the password must not be a way round it.
    account::set_password(tx, id, hash, true).await?;
    account::set_failures(tx, id, a.failures, a.locked_until).await?;
    session::end_all(tx, id).await?;
    tx.audit(Entry::done("account.reset", "account", id));
    Ok(())
}

/// Disables an account and ends its sessions, or enables it again.
///
/// # Errors
/// `account.self`, `account.state`, `permission.denied`.
pub async fn set_disabled(tx: &mut WriteTx, id: Id, disabled: bool) -> Result<()> {
    let a = authorised(tx, id, Permission::AccountWrite).await?;
    if tx.ctx().actor.account == Some(id) {
        return Err(Refusal::conflict("account.self", "不能停用自己的账号").mend("请由另一位系统管理员办理"));
    }
    if a.disabled_at.is_some() == disabled {
        return Err(Refusal::conflict("account.state", if disabled { "账号已经停用" } else { "账号已经在用" })
            .mend("请刷新页面，查看最新状态"));
    }
    let at = disabled.then(|| tx.now());
    account::set_disabled(tx, id, at).await?;
    if disabled {
        session::end_all(tx, id).await?;
    }
    let action = if disabled { "account.disable" } else { "account.enable" };
    tx.audit(Entry::done(action, "account", id));
    Ok(())
}

/// Lifts a lock.
///
/// # Errors
/// `account.state`, `permission.denied`.
pub async fn unlock(tx: &mut WriteTx, id: Id) -> Result<()> {
    let a = authorised(tx, id, Permission::RoleGrant).await?;
    if a.failures == 0 && a.locked_until.is_none() {
        return Err(Refusal::conflict("account.state", "账号没有锁定").mend("请刷新页面，查看最新状态"));
    }
    account::set_failures(tx, id, 0, None).await?;
    tx.audit(Entry::done("account.unlock", "account", id));
    Ok(())
}

/// Binds an authenticator's secret: its owner after a first code, or the system.
///
/// # Errors
/// `permission.denied` where it is somebody else's.
pub async fn set_totp(tx: &mut WriteTx, id: Id, secret: &str) -> Result<()> {
    let actor = tx.ctx().actor.clone();
    if !actor.system && actor.account != Some(id) {
        return Err(kernel::permission::denied(Permission::AccountWrite));
    }
    let sealed = tx.crypto().seal(&Secret::new(secret), &totp_context(id))?;
    account::set_totp(tx, id, Some(sealed.0)).await?;
    tx.audit(Entry::done("account.totp", "account", id));
    Ok(())
}

/// Takes a lost authenticator away: its owner binds another at the next sign-in.
///
/// # Errors
/// `account.self`, `totp.none`, `permission.denied`.
pub async fn clear_totp(tx: &mut WriteTx, id: Id) -> Result<()> {
    let a = authorised(tx, id, Permission::RoleGrant).await?;
    if tx.ctx().actor.account == Some(id) {
        return Err(Refusal::conflict("account.self", "不能解除自己的绑定").mend("请在“我的账号”里重新绑定"));
    }
    if !a.has_totp {
        return Err(Refusal::conflict("totp.none", "这个账号没有绑定验证器").mend("请刷新页面，查看最新状态"));
    }
    account::set_totp(tx, id, None).await?;
    session::end_all(tx, id).await?;
    tx.audit(Entry::done("account.totp_clear", "account", id));
    Ok(())
}

/// Ends every session of somebody else.
///
/// # Errors
/// `permission.denied`.
pub async fn end_sessions(tx: &mut WriteTx, id: Id) -> Result<u64> {
    authorised(tx, id, Permission::AccountWrite).await?;
    let n = session::end_all(tx, id).await?;
    tx.audit(Entry::done("account.sessions_end", "account", id).detail(json!({ "sessions": n })));
    Ok(n)
}

/// Ends some of one's own sessions.
///
/// # Errors
/// `session.unknown` where there is none such.
pub async fn end_own_sessions(tx: &mut WriteTx, keys: &[String]) -> Result<()> {
    let Some(id) = tx.ctx().actor.account else {
        return Err(Refusal::not_found("session.unknown", "这次登录已经结束"));
    };
    let mut ended = 0;
    for key in keys {
        ended += tx.exec("DELETE FROM session WHERE key=$1 AND account_id=$2", platform::args![key, id]).await?;
    }
    if ended == 0 {
        return Err(Refusal::not_found("session.unknown", "这次登录已经结束").mend("请刷新页面，查看最新状态"));
    }
    tx.audit(Entry::done("account.sessions_end", "account", id).detail(json!({ "sessions": ended })));
    Ok(())
}

/// Refuses unless the actor may see accounts somewhere: for lists.
///
/// # Errors
/// `permission.denied`.
pub fn may_list(actor: &kernel::Actor) -> Result<()> {
    actor.check(Permission::AccountRead, &Target::City)
}

/// How many accounts belong to each organ.
///
/// # Errors
/// `db.fault`.
pub async fn per_organ(tx: &mut impl Read) -> Result<std::collections::HashMap<Id, i64>> {
    tx.rows("SELECT organ_id, COUNT(*) AS n FROM account WHERE disabled_at IS NULL GROUP BY organ_id", vec![])
        .await?
        .iter()
        .map(|r| Ok((r.get("organ_id")?, r.get("n")?)))
        .collect()
}
