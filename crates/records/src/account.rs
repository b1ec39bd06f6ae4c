//! Accounts, the roles they hold and for whom they stand in.

use kernel::permission::{Grant, Role, Scope};
use kernel::{Actor, Id, Refusal, Result, Timestamp};
use platform::{Read, Row, Sql, WriteTx, args};
use serde::Serialize;

/// An account. The password's hash and the second factor's ciphertext are read where they are needed only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)] // columns of the table
pub struct Account {
    pub id: Id,
    pub username: String,
    pub name: String,
    pub organ: Id,
    pub must_change: bool,
    pub has_totp: bool,
    pub failures: i64,
    pub locked_until: Option<Timestamp>,
    pub disabled_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub signed_in_at: Option<Timestamp>,
}

const SELECT: &str = "SELECT id, username, name, organ_id, must_change, CASE WHEN totp_secret IS NULL THEN FALSE ELSE TRUE END AS has_totp, failures, locked_until, disabled_at, created_at, signed_in_at FROM account";

fn account(r: &Row) -> Result<Account> {
    Ok(Account {
        id: r.get("id")?,
        username: r.get("username")?,
        name: r.get("name")?,
        organ: r.get("organ_id")?,
        must_change: r.get("must_change")?,
        has_totp: r.get("has_totp")?,
        failures: r.get("failures")?,
        locked_until: r.get("locked_until")?,
        disabled_at: r.get("disabled_at")?,
        created_at: r.get("created_at")?,
        signed_in_at: r.get("signed_in_at")?,
    })
}

/// An account by id.
///
/// # Errors
/// `account.unknown`.
pub async fn get(tx: &mut impl Read, id: Id) -> Result<Account> {
    let mut sql = Sql::new(SELECT);
    sql.push(" WHERE id=").bind(id);
    tx.optional(sql, vec![])
        .await?
        .as_ref()
        .map(account)
        .transpose()?
        .ok_or_else(|| Refusal::not_found("account.unknown", "没有这个账号").mend("请从账号列表重新进入"))
}

/// An account by its username.
///
/// # Errors
/// `db.fault`.
pub async fn find_username(tx: &mut impl Read, username: &str) -> Result<Option<Account>> {
    let mut sql = Sql::new(SELECT);
    sql.push(" WHERE username=").bind(username);
    tx.optional(sql, vec![]).await?.as_ref().map(account).transpose()
}

/// Every account, by username.
///
/// # Errors
/// `db.fault`.
pub async fn list(tx: &mut impl Read) -> Result<Vec<Account>> {
    let mut sql = Sql::new(SELECT);
    sql.push(" ORDER BY username");
    tx.rows(sql, vec![]).await?.iter().map(account).collect()
}

/// What a sign-in is checked against: hash of the password, ciphertext of the second factor, last step used.
///
/// # Errors
/// `record.unknown`.
pub async fn credentials(tx: &mut impl Read, id: Id) -> Result<(String, Option<String>, i64)> {
    let r = tx.one("SELECT password_hash, totp_secret, totp_step FROM account WHERE id=$1", args![id]).await?;
    Ok((r.get("password_hash")?, r.get("totp_secret")?, r.get("totp_step")?))
}

/// Adds an account.
///
/// # Errors
/// `account.taken` where the username is.
pub async fn insert(
    tx: &mut WriteTx,
    username: &str,
    name: &str,
    organ: Id,
    password_hash: &str,
    must_change: bool,
) -> Result<Id> {
    if find_username(tx, username).await?.is_some() {
        return Err(Refusal::conflict("account.taken", "这个用户名已经有人使用").at("username").mend("请换一个用户名"));
    }
    let id = tx.ctx().id();
    let now = tx.now();
    tx.exec_one(
        "INSERT INTO account (id, username, name, organ_id, password_hash, must_change, created_at) VALUES ($1,$2,$3,$4,$5,$6,$7)",
        args![id, username, name, organ, password_hash, must_change, now],
    )
    .await?;
    Ok(id)
}

/// Changes the password's hash; clears lock and failures.
///
/// # Errors
/// `db.inconsistent`.
pub async fn set_password(tx: &mut WriteTx, id: Id, hash: &str, must_change: bool) -> Result<()> {
    tx.exec_one(
        "UPDATE account SET password_hash=$1, must_change=$2, failures=0, locked_until=NULL WHERE id=$3",
        args![hash, must_change, id],
    )
    .await
}

/// Changes the ciphertext of the second factor; `None` takes it away.
///
/// # Errors
/// `db.inconsistent`.
pub async fn set_totp(tx: &mut WriteTx, id: Id, sealed: Option<String>) -> Result<()> {
    tx.exec_one("UPDATE account SET totp_secret=$1, totp_step=0 WHERE id=$2", args![sealed, id]).await
}

/// Uses a step of the second factor, once.
///
/// # Errors
/// `totp.replayed` where it was used before.
pub async fn use_totp_step(tx: &mut WriteTx, id: Id, step: i64) -> Result<()> {
    let n = tx.exec("UPDATE account SET totp_step=$1 WHERE id=$2 AND totp_step<$1", args![step, id]).await?;
    if n == 1 {
        Ok(())
    } else {
        Err(Refusal::invalid("totp.replayed", "这个动态码已经用过").at("code").mend("请等下一个动态码出现后再填写"))
    }
}

/// Writes down failures and lock.
///
/// # Errors
/// `db.inconsistent`.
pub async fn set_failures(tx: &mut WriteTx, id: Id, failures: i64, locked_until: Option<Timestamp>) -> Result<()> {
    tx.exec_one("UPDATE account SET failures=$1, locked_until=$2 WHERE id=$3", args![failures, locked_until, id]).await
}

/// Writes down a sign-in.
///
/// # Errors
/// `db.inconsistent`.
pub async fn set_signed_in(tx: &mut WriteTx, id: Id) -> Result<()> {
    let now = tx.now();
    tx.exec_one("UPDATE account SET failures=0, locked_until=NULL, signed_in_at=$1 WHERE id=$2", args![now, id]).await
}

/// Disables or enables an account.
///
/// # Errors
/// `db.inconsistent`.
pub async fn set_disabled(tx: &mut WriteTx, id: Id, at: Option<Timestamp>) -> Result<()> {
    tx.exec_one("UPDATE account SET disabled_at=$1 WHERE id=$2", args![at, id]).await
}

/// A role that an account holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)] // columns of the table
pub struct Held {
    pub id: Id,
    pub account: Id,
    pub grant: Grant,
    pub granted_at: Timestamp,
    pub granted_by: String,
}

fn scope_of(kind: &str, id: Option<Id>) -> Result<Scope> {
    match (kind, id) {
        ("city", _) => Ok(Scope::City),
        ("organ", Some(id)) => Ok(Scope::Organ(id)),
        ("site", Some(id)) => Ok(Scope::Site(id)),
        _ => Err(Refusal::internal("db.inconsistent", format_args!("scope {kind}"))),
    }
}

/// Roles that are held now, of one account or of all.
///
/// # Errors
/// `db.fault`.
pub async fn held(tx: &mut impl Read, account: Option<Id>) -> Result<Vec<Held>> {
    let mut sql = Sql::new(
        "SELECT id, account_id, role, scope_kind, scope_id, granted_at, granted_by FROM role_grant WHERE revoked_at IS NULL",
    );
    if let Some(a) = account {
        sql.push(" AND account_id=").bind(a);
    }
    sql.push(" ORDER BY granted_at, id");
    tx.rows(sql, vec![])
        .await?
        .iter()
        .map(|r| {
            let role: String = r.get("role")?;
            Ok(Held {
                id: r.get("id")?,
                account: r.get("account_id")?,
                grant: Grant {
                    role: Role::from_code(&role)
                        .ok_or_else(|| Refusal::internal("db.inconsistent", format_args!("role {role}")))?,
                    scope: scope_of(&r.get::<String>("scope_kind")?, r.get("scope_id")?)?,
                },
                granted_at: r.get("granted_at")?,
                granted_by: r.get("granted_by")?,
            })
        })
        .collect()
}

/// Grants a role.
///
/// # Errors
/// `db.fault`.
pub async fn grant(tx: &mut WriteTx, account: Id, g: Grant) -> Result<Id> {
    let id = tx.ctx().id();
    let (now, by) = (tx.now(), tx.ctx().actor.name.clone());
    let (kind, scope) = match g.scope {
        Scope::City => ("city", None),
        Scope::Organ(o) => ("organ", Some(o)),
        Scope::Site(s) => ("site", Some(s)),
    };
    tx.exec_one(
        "INSERT INTO role_grant (id, account_id, role, scope_kind, scope_id, granted_at, granted_by) VALUES ($1,$2,$3,$4,$5,$6,$7)",
        args![id, account, g.role.code(), kind, scope, now, by],
    )
    .await?;
    Ok(id)
}

/// Takes a role back.
///
/// # Errors
/// `grant.unknown`.
pub async fn revoke(tx: &mut WriteTx, account: Id, grant: Id) -> Result<()> {
    let now = tx.now();
    let n = tx
        .exec(
            "UPDATE role_grant SET revoked_at=$1 WHERE id=$2 AND account_id=$3 AND revoked_at IS NULL",
            args![now, grant, account],
        )
        .await?;
    if n == 1 { Ok(()) } else { Err(Refusal::not_found("grant.unknown", "这项授权不存在或已收回")) }
}

/// Somebody stands in for somebody else for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)] // columns of the table
pub struct Delegation {
    pub id: Id,
    pub from: Id,
    pub to: Id,
    pub from_at: Timestamp,
    pub until_at: Timestamp,
    pub reason: String,
    pub ended_at: Option<Timestamp>,
}

/// Delegations, newest first.
///
/// # Errors
/// `db.fault`.
pub async fn delegations(tx: &mut impl Read) -> Result<Vec<Delegation>> {
    tx.rows(
        "SELECT id, from_account, to_account, from_at, until_at, reason, ended_at FROM delegation ORDER BY from_at DESC, id DESC",
        vec![],
    )
    .await?
    .iter()
    .map(|r| {
        Ok(Delegation {
            id: r.get("id")?,
            from: r.get("from_account")?,
            to: r.get("to_account")?,
            from_at: r.get("from_at")?,
            until_at: r.get("until_at")?,
            reason: r.get("reason")?,
            ended_at: r.get("ended_at")?,
        })
    })
    .collect()
}

/// Adds a delegation.
///
/// # Errors
/// `db.fault`.
pub async fn insert_delegation(
    tx: &mut WriteTx,
    from: Id,
    to: Id,
    from_at: Timestamp,
    until_at: Timestamp,
    reason: &str,
) -> Result<Id> {
    let id = tx.ctx().id();
    tx.exec_one(
        "INSERT INTO delegation (id, from_account, to_account, from_at, until_at, reason) VALUES ($1,$2,$3,$4,$5,$6)",
        args![id, from, to, from_at, until_at, reason],
    )
    .await?;
    Ok(id)
}

/// Ends a delegation.
///
/// # Errors
/// `delegation.unknown`.
pub async fn end_delegation(tx: &mut WriteTx, id: Id) -> Result<()> {
    let now = tx.now();
    let n = tx.exec("UPDATE delegation SET ended_at=$1 WHERE id=$2 AND ended_at IS NULL", args![now, id]).await?;
    if n == 1 { Ok(()) } else { Err(Refusal::not_found("delegation.unknown", "这项代理不存在或已结束")) }
}

/// The actor of an account, with the roles that it holds now, by itself and for others. An administrator's role is never
/// lent.
///
/// # Errors
/// `account.unknown`, `account.disabled`.
pub async fn actor(tx: &mut impl Read, id: Id, now: Timestamp) -> Result<Actor> {
    let a = get(tx, id).await?;
    if a.disabled_at.is_some() {
        return Err(Refusal::forbidden("account.disabled", "这个账号已停用").mend("请联系本单位的系统管理员"));
    }
    let mut grants: Vec<Grant> = held(tx, Some(id)).await?.into_iter().map(|h| h.grant).collect();
    let lenders = tx
        .rows(
            "SELECT d.from_account AS n FROM delegation d JOIN account a ON a.id=d.from_account WHERE d.to_account=$1 AND d.from_at<=$2 AND d.until_at>$2 AND d.ended_at IS NULL AND a.disabled_at IS NULL",
            args![id, now],
        )
        .await?;
    for r in &lenders {
        for h in held(tx, Some(r.get("n")?)).await? {
            if !h.grant.role.is_administrator() && !grants.contains(&h.grant) {
                grants.push(h.grant);
            }
        }
    }
    Ok(Actor { account: Some(id), name: a.name, grants, system: false })
}
