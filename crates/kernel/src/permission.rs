//! Who may do what, and where.
//!
//! A [`Role`] is a fixed set of [`Permission`]s; a [`Grant`] gives a role to an account for a [`Scope`]: the whole city,
//! one organ with everything below it, or one site. An [`Actor`] is an account with its grants as they stand at the
//! start of a request. Whether an actor may do something to an object is decided here and nowhere else.
//!
//! The three administrators (三员: system, security, audit) are separate people by rule: no account may hold two of
//! these roles, and none of them edits content (GB/T 22239-2019, 管理员分立).

use serde::{Deserialize, Serialize};

use crate::id::Id;
use crate::refusal::{Refusal, Result};

macro_rules! permissions {
    ($($(#[doc = $doc:literal])* $name:ident => $code:literal, $label:literal;)*) => {
        /// One thing that can be allowed. The code stands beside each route and in the audit.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Permission { $($(#[doc = $doc])* $name,)* }
        impl Permission {
            /// Every permission there is.
            pub const ALL: &'static [Permission] = &[$(Permission::$name,)*];
            /// Stable code.
            pub fn code(self) -> &'static str { match self { $(Permission::$name => $code,)* } }
            /// What it is called on a page.
            pub fn label(self) -> &'static str { match self { $(Permission::$name => $label,)* } }
        }
    };
}

permissions! {
    /// See one's own work list and account.
    Work => "work", "使用工作台";
    /// See documents of a site, drafts included.
    DocumentRead => "document.read", "查看信息";
    /// Write and submit documents.
    DocumentWrite => "document.write", "起草和修改信息";
    /// Review what others have written.
    DocumentReview => "document.review", "审核信息";
    /// Release and withdraw.
    DocumentPublish => "document.publish", "发布和撤回信息";
    /// See a site's settings and columns.
    SiteRead => "site.read", "查看站点";
    /// Change a site's settings and columns.
    SiteWrite => "site.write", "管理站点和栏目";
    /// See organs.
    OrganRead => "organ.read", "查看机关";
    /// Create and change organs and sites.
    OrganWrite => "organ.write", "管理机关";
    /// See accounts.
    AccountRead => "account.read", "查看账号";
    /// Create accounts, reset passwords, disable.
    AccountWrite => "account.write", "管理账号";
    /// Give and take roles, unlock.
    RoleGrant => "role.grant", "授予和收回角色";
    /// See jobs and retry them.
    Jobs => "jobs", "查看和重试后台任务";
    /// Read the audit.
    AuditRead => "audit.read", "查看审计日志";
    /// Load a holiday notice.
    CalendarWrite => "calendar.write", "维护工作日历";
    /// See the figures of every organ.
    IndicatorRead => "indicator.read", "查看统计";
}

/// A fixed set of permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// 系统管理员: organs, sites, accounts, jobs; no content, no roles.
    SystemAdmin,
    /// 安全保密管理员: roles, unlocking; no content, no accounts.
    SecurityAdmin,
    /// 安全审计员: reads the audit; changes nothing.
    AuditAdmin,
    /// 政务公开办: sees the whole city, changes nothing in content.
    OpenOffice,
    /// 站点管理员: a site's settings and columns.
    SiteAdmin,
    /// 编辑.
    Editor,
    /// 审核.
    Reviewer,
    /// 签发.
    Publisher,
}

impl Role {
    /// Every role there is.
    pub const ALL: [Role; 8] = [
        Role::SystemAdmin,
        Role::SecurityAdmin,
        Role::AuditAdmin,
        Role::OpenOffice,
        Role::SiteAdmin,
        Role::Editor,
        Role::Reviewer,
        Role::Publisher,
    ];

    /// Stable code, as stored.
    pub fn code(self) -> &'static str {
        match self {
            Role::SystemAdmin => "system_admin",
            Role::SecurityAdmin => "security_admin",
            Role::AuditAdmin => "audit_admin",
            Role::OpenOffice => "open_office",
            Role::SiteAdmin => "site_admin",
            Role::Editor => "editor",
            Role::Reviewer => "reviewer",
            Role::Publisher => "publisher",
        }
    }

    /// The role of a stored code.
    pub fn from_code(code: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|r| r.code() == code)
    }

    /// What it is called on a page.
    pub fn label(self) -> &'static str {
        match self {
            Role::SystemAdmin => "系统管理员",
            Role::SecurityAdmin => "安全保密管理员",
            Role::AuditAdmin => "安全审计员",
            Role::OpenOffice => "政务公开办",
            Role::SiteAdmin => "站点管理员",
            Role::Editor => "编辑",
            Role::Reviewer => "审核",
            Role::Publisher => "签发",
        }
    }

    /// One of the three administrators, who must be three people.
    pub fn is_administrator(self) -> bool {
        matches!(self, Role::SystemAdmin | Role::SecurityAdmin | Role::AuditAdmin)
    }

    /// What this role may do within its scope.
    pub fn permissions(self) -> &'static [Permission] {
        use Permission::*;
        match self {
            Role::SystemAdmin => {
                &[Work, SiteRead, SiteWrite, OrganRead, OrganWrite, AccountRead, AccountWrite, Jobs, CalendarWrite]
            }
            Role::SecurityAdmin => &[Work, OrganRead, AccountRead, RoleGrant],
            Role::AuditAdmin => &[Work, AuditRead],
            Role::OpenOffice => &[Work, DocumentRead, SiteRead, OrganRead, IndicatorRead],
            Role::SiteAdmin => &[Work, DocumentRead, SiteRead, SiteWrite],
            Role::Editor => &[Work, DocumentRead, DocumentWrite, SiteRead],
            Role::Reviewer => &[Work, DocumentRead, DocumentReview, SiteRead],
            Role::Publisher => &[Work, DocumentRead, DocumentReview, DocumentPublish, SiteRead],
        }
    }
}

/// Where a role holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// Everywhere.
    City,
    /// One organ and everything below it.
    Organ(Id),
    /// One site.
    Site(Id),
}

/// A role for a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Grant {
    /// What.
    pub role: Role,
    /// Where.
    pub scope: Scope,
}

/// What something is done to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The city as a whole.
    City,
    /// An organ, with itself and its ancestors.
    Organ(Vec<Id>),
    /// A site, with its organ and that organ's ancestors.
    Site {
        /// The site.
        site: Id,
        /// The organ that owns it, and that organ's ancestors.
        organs: Vec<Id>,
    },
}

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The account, or `None` for the system itself (imports, jobs, the command line).
    pub account: Option<Id>,
    /// The name shown in histories.
    pub name: String,
    /// Roles as they stood when the request began.
    pub grants: Vec<Grant>,
    /// The system acts on its own: may do everything, and the audit says so.
    pub system: bool,
}

impl Actor {
    /// The system itself: the command line, a job. The audit names it.
    pub fn system(name: impl Into<String>) -> Actor {
        Actor { account: None, name: name.into(), grants: Vec::new(), system: true }
    }

    /// Whether this actor may do `what` to `target`.
    pub fn may(&self, what: Permission, target: &Target) -> bool {
        self.system || self.grants.iter().any(|g| g.role.permissions().contains(&what) && covers(g.scope, target))
    }

    /// Whether this actor may do `what` anywhere at all: decides menus and whether a route answers.
    pub fn may_somewhere(&self, what: Permission) -> bool {
        self.system || self.grants.iter().any(|g| g.role.permissions().contains(&what))
    }

    /// The scopes in which this actor may do `what`, for list queries.
    pub fn scopes(&self, what: Permission) -> Vec<Scope> {
        if self.system {
            return vec![Scope::City];
        }
        let mut scopes: Vec<Scope> = Vec::new();
        for g in &self.grants {
            if g.role.permissions().contains(&what) && !scopes.contains(&g.scope) {
                scopes.push(g.scope);
            }
        }
        scopes
    }

    /// `Ok` if this actor may.
    ///
    /// # Errors
    /// `permission.denied`, naming what was wanted.
    pub fn check(&self, what: Permission, target: &Target) -> Result<()> {
        if self.may(what, target) { Ok(()) } else { Err(denied(what)) }
    }
}

/// The refusal for want of a permission.
pub fn denied(what: Permission) -> Refusal {
    Refusal::forbidden("permission.denied", format!("您没有“{}”的权限", what.label()))
        .mend("需要时请联系本单位的安全保密管理员授权")
}

/// Whether these roles may be held together.
///
/// # Errors
/// `role.separation` where one account would hold two of the three administrators' roles.
pub fn may_hold(roles: &[Role]) -> Result<()> {
    let mut administrators: Vec<Role> = roles.iter().copied().filter(|r| r.is_administrator()).collect();
    administrators.sort_unstable();
    administrators.dedup();
    let works = roles.iter().any(|r| !r.is_administrator());
    if administrators.len() > 1 || (!administrators.is_empty() && works) {
        return Err(Refusal::conflict(
            "role.separation",
            "系统、安全、审计三类管理员必须是不同的人，且不得兼任业务角色",
        )
        .mend("请为另一个账号授予此角色")
        .cite("GB/T 22239-2019"));
    }
    Ok(())
}

fn covers(scope: Scope, target: &Target) -> bool {
    match (scope, target) {
        (Scope::City, _) => true,
        (Scope::Organ(o), Target::Organ(chain)) => chain.contains(&o),
        (Scope::Organ(o), Target::Site { organs, .. }) => organs.contains(&o),
        (Scope::Site(s), Target::Site { site, .. }) => s == *site,
        (Scope::Organ(_) | Scope::Site(_), Target::City) | (Scope::Site(_), Target::Organ(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actor(role: Role, scope: Scope) -> Actor {
        Actor { account: Some(Id::from_i64(1)), name: "甲".into(), grants: vec![Grant { role, scope }], system: false }
    }

    #[test]
    fn a_role_ends_at_its_scope() {
        let own = Target::Site { site: Id::from_i64(10), organs: vec![Id::from_i64(100), Id::from_i64(1)] };
        let sibling = Target::Site { site: Id::from_i64(11), organs: vec![Id::from_i64(101), Id::from_i64(1)] };
        let editor = actor(Role::Editor, Scope::Site(Id::from_i64(10)));
        assert!(editor.may(Permission::DocumentWrite, &own));
        assert!(!editor.may(Permission::DocumentWrite, &sibling));
        assert!(!editor.may(Permission::DocumentPublish, &own));
        assert!(!editor.may(Permission::DocumentWrite, &Target::City));
        let above = actor(Role::Reviewer, Scope::Organ(Id::from_i64(1)));
        assert!(above.may(Permission::DocumentReview, &own) && above.may(Permission::DocumentReview, &sibling));
        let beside = actor(Role::Reviewer, Scope::Organ(Id::from_i64(101)));
        assert!(!beside.may(Permission::DocumentReview, &own));
    }

    #[test]
    fn three_administrators_are_three_people() {
        assert!(may_hold(&[Role::Editor, Role::Reviewer]).is_ok());
        assert!(may_hold(&[Role::SystemAdmin, Role::SystemAdmin]).is_ok());
        for pair in [
            [Role::SystemAdmin, Role::SecurityAdmin],
            [Role::SecurityAdmin, Role::AuditAdmin],
            [Role::AuditAdmin, Role::Editor],
        ] {
            assert_eq!(may_hold(&pair).expect_err("pair").code(), "role.separation");
        }
    }

    #[test]
    fn no_administrator_touches_content() {
        for role in Role::ALL.into_iter().filter(|r| r.is_administrator()) {
            for p in role.permissions() {
                assert!(!p.code().starts_with("document."), "{role:?} {p:?}");
            }
        }
        assert!(!Role::SystemAdmin.permissions().contains(&Permission::RoleGrant));
        assert!(!Role::SecurityAdmin.permissions().contains(&Permission::AccountWrite));
    }

    #[test]
    fn codes_are_unique() {
        let mut codes: Vec<_> = Permission::ALL.iter().map(|p| p.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Permission::ALL.len());
    }
}
