//! Coming in: password, then second factor. What was typed is never kept, refused or not.

use kernel::{Actor, Id, Refusal, Result};
use platform::audit::Entry;
use platform::session::{self, Session};
use platform::{Ctx, Read, WriteTx};
use records::account::{self, Account};
use serde_json::json;
use web::App;

use super::super::{rules, secrets};

/// The only thing that a refused sign-in says, whatever was wrong: a name that exists must not be told from one that
/// does not.
pub fn neutral() -> Refusal {
    Refusal::invalid("session.refused", "账号或密码不对，或者账号已锁定、停用")
        .at("password")
        .mend("连续 5 次不对会锁定；忘记密码请联系本单位的系统管理员")
}

/// What a right password came to.
pub struct Entered {
    /// Token of the session that began.
    pub token: String,
    /// Whose it is.
    pub account: Account,
    /// Whether a second factor is still wanted: the session is not complete.
    pub wants_second: bool,
}

/// Checks a password and begins a session. Failures are counted in the database, where every process sees them.
///
/// # Errors
/// `session.refused`, whatever was wrong.
pub async fn enter(app: &App, username: &str, password: &str) -> Result<Entered> {
    let mut tx = app.db.read().await?;
    let found = account::find_username(&mut tx, username).await?;
    let hash = match &found {
        Some(a) => Some(account::credentials(&mut tx, a.id).await?.0),
        None => None,
    };
    drop(tx);
    let right = secrets::verify_off_thread(password.to_string(), hash).await?;
    let stranger = app.env.ctx(Actor::system("登录页"));
    let Some(found) = found else {
        let mut tx = app.db.write(&stranger).await?;
        tx.audit(Entry::note("session.password", "account", "account.unknown"));
        tx.commit().await?;
        return Err(neutral());
    };
    // Decided again inside the transaction: tries that run at the same time are counted one after the other.
    let ctx = if right { app.env.ctx(own_actor(&found)) } else { stranger };
    let mut tx = app.db.write(&ctx).await?;
    let now_is = account::get(&mut tx, found.id).await?;
    let refusal = if now_is.disabled_at.is_some() {
        Some("account.disabled")
    } else if now_is.locked_until.is_some_and(|t| t > ctx.now) {
        Some("account.locked")
    } else if !right {
        failed(&mut tx, &now_is).await?;
        Some("session.refused")
    } else {
        None
    };
    if let Some(outcome) = refusal {
        tx.audit(Entry {
            outcome,
            detail: json!({ "failures": now_is.failures }),
            ..Entry::done("session.password", "account", found.id)
        });
        tx.commit().await?;
        return Err(neutral());
    }
    let actor = account::actor(&mut tx, found.id, ctx.now).await?;
    let roles: Vec<_> = actor.grants.iter().map(|g| g.role).collect();
    let wants_second = now_is.has_totp || rules::needs_second(&roles);
    if !wants_second {
        account::set_signed_in(&mut tx, found.id).await?;
    }
    tx.audit(Entry::done("session.password", "account", found.id));
    tx.commit().await?;
    let token = session::begin(&app.db, &ctx, found.id, !wants_second).await?;
    Ok(Entered { token, account: now_is, wants_second })
}

fn own_actor(a: &Account) -> Actor {
    Actor { account: Some(a.id), name: a.name.clone(), grants: Vec::new(), system: false }
}

/// Counts a wrong try and locks where there were too many.
async fn failed(tx: &mut WriteTx, a: &Account) -> Result<bool> {
    let failures = a.failures.saturating_add(1);
    let until = rules::lock_minutes(failures).map(|m| tx.now().plus_minutes(m));
    account::set_failures(tx, a.id, failures, until).await?;
    Ok(until.is_some())
}

/// What a second factor came to.
pub enum Second {
    /// Right: the token of the new, complete session.
    Entered(String),
    /// Wrong; may try again.
    Wrong,
    /// Wrong too often: the session is over.
    Locked,
}

/// Checks a code and begins the complete session; the one before ends, so that its token is worth nothing.
///
/// # Errors
/// `totp.none` where the account has no second factor.
pub async fn second(app: &App, ctx: &Ctx, before: &Session, code: &str) -> Result<Second> {
    let secret = own_secret(app, before.account).await?;
    let step = secrets::check_totp(&secret, code, ctx.now)?;
    let mut tx = app.db.write(ctx).await?;
    let a = account::get(&mut tx, before.account).await?;
    let locked = a.disabled_at.is_some() || a.locked_until.is_some_and(|t| t > ctx.now);
    let used = match step {
        Some(step) if !locked => match account::use_totp_step(&mut tx, a.id, step).await {
            Ok(()) => true,
            Err(r) if r.code() == "totp.replayed" => false,
            Err(r) => return Err(r),
        },
        _ => false,
    };
    if !used {
        let over = locked || failed(&mut tx, &a).await?;
        let outcome = if locked { "account.locked" } else { "totp.refused" };
        tx.audit(Entry { outcome, ..Entry::done("session.second", "account", a.id) });
        tx.commit().await?;
        if over {
            session::end(&app.db, ctx, &before.key).await?;
            return Ok(Second::Locked);
        }
        return Ok(Second::Wrong);
    }
    account::set_signed_in(&mut tx, a.id).await?;
    tx.audit(Entry::done("session.second", "account", a.id));
    tx.commit().await?;
    let token = session::begin(&app.db, ctx, a.id, true).await?;
    session::end(&app.db, ctx, &before.key).await?;
    Ok(Second::Entered(token))
}

/// What a second factor's secret is bound to: a ciphertext moved to another account does not open.
pub fn totp_context(account: Id) -> String {
    format!("account:{account}")
}

async fn own_secret(app: &App, id: Id) -> Result<String> {
    let mut tx = app.db.read().await?;
    let (_, sealed, _) = account::credentials(&mut tx, id).await?;
    let sealed = sealed.ok_or_else(|| Refusal::conflict("totp.none", "还没有绑定验证器").mend("请先绑定验证器"))?;
    let secret = app.db.crypto().open(&kernel::crypto::Sealed(sealed), &totp_context(id))?;
    Ok(secret.reveal().to_string())
}

/// Signs out.
///
/// # Errors
/// `db.fault`.
pub async fn leave(app: &App, ctx: &Ctx, session: &Session) -> Result<()> {
    let mut tx = app.db.write(ctx).await?;
    tx.audit(Entry::done("session.end", "account", session.account));
    tx.commit().await?;
    session::end(&app.db, ctx, &session.key).await
}

/// Binds a new authenticator after a first code from it; every session ends and one begins.
///
/// # Errors
/// `totp.code` where the code is not the secret's.
pub async fn bind(app: &App, ctx: &Ctx, id: Id, secret: &str, code: &str) -> Result<String> {
    let step = secrets::check_totp(secret, code, ctx.now)?.ok_or_else(|| {
        Refusal::invalid("totp.code", "和验证器上的数字对不上")
            .at("code")
            .mend("请等下一个数字出现后再填，并核对手机的时间")
    })?;
    let mut tx = app.db.write(ctx).await?;
    super::set_totp(&mut tx, id, secret).await?;
    account::use_totp_step(&mut tx, id, step).await?;
    account::set_signed_in(&mut tx, id).await?;
    session::end_all(&mut tx, id).await?;
    tx.commit().await?;
    session::begin(&app.db, ctx, id, true).await
}

/// Whether this is the account's present password; a wrong one counts like a wrong sign-in.
///
/// # Errors
/// `password.old`, `account.locked`.
pub async fn confirm(app: &App, ctx: &Ctx, id: Id, password: &str, field: &str) -> Result<()> {
    let mut tx = app.db.read().await?;
    let hash = account::credentials(&mut tx, id).await?.0;
    drop(tx);
    let right = secrets::verify_off_thread(password.to_string(), Some(hash)).await?;
    let mut tx = app.db.write(ctx).await?;
    let a = account::get(&mut tx, id).await?;
    if a.locked_until.is_some_and(|t| t > ctx.now) {
        return Err(Refusal::conflict("account.locked", "密码连续不对，账号已锁定").at(field).mend("请过一会儿再试"));
    }
    if right {
        return Ok(());
    }
    failed(&mut tx, &a).await?;
    tx.audit(Entry { outcome: "password.old", ..Entry::done("account.confirm", "account", id) });
    tx.commit().await?;
    Err(Refusal::invalid("password.old", "现在的密码不对").at(field).mend("请重新输入；连续 5 次不对会锁定"))
}

/// Changes one's own password; every session ends and one begins.
///
/// # Errors
/// Whatever is wrong with the password, as a list; `password.hash`.
pub async fn change_password(app: &App, ctx: &Ctx, a: &Account, new: &str) -> Result<String> {
    let hash = secrets::hash_off_thread(new.to_string(), ctx.entropy.clone()).await?;
    let mut tx = app.db.write(ctx).await?;
    account::set_password(&mut tx, a.id, &hash, false).await?;
    session::end_all(&mut tx, a.id).await?;
    tx.audit(Entry::done("account.password", "account", a.id));
    tx.commit().await?;
    session::begin(&app.db, ctx, a.id, true).await
}

/// The last sign-ins of an account: `(outcome, action, when)`, newest first.
///
/// # Errors
/// `db.fault`.
pub async fn recent(tx: &mut impl Read, id: Id) -> Result<Vec<(String, String, kernel::Timestamp)>> {
    tx.rows(
        "SELECT outcome, action, at FROM audit_entry WHERE object_kind='account' AND object_id=$1 AND action IN ('session.password','session.second') ORDER BY seq DESC LIMIT 8",
        platform::args![id],
    )
    .await?
    .iter()
    .map(|r| Ok((r.get("outcome")?, r.get("action")?, r.get("at")?)))
    .collect()
}
