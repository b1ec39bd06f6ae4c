//! What may be done to accounts, roles and organs, and why not. Pure.

use kernel::permission::{Grant, Role, Scope, may_hold};
use kernel::text;
use kernel::{Date, Id, Refusal, Result, Timestamp};
use records::organ::OrganKind;

/// Wrong tries after which an account is locked.
pub const MAX_FAILURES: i64 = 5;
/// Minutes of the first lock.
pub const LOCK_MINUTES: i64 = 15;
/// Minutes of the longest lock: somebody who guesses on purpose must not keep the owner out for days.
const LONGEST_LOCK: i64 = 240;
/// Shortest password, in characters.
pub const MIN_PASSWORD: usize = 10;
/// Longest password, in characters: hashing takes longer with every character.
pub const MAX_PASSWORD: usize = 128;
/// Longest delegation, in days.
pub const MAX_DELEGATION_DAYS: i64 = 90;

/// For how long an account is locked after so many wrong tries in a row; each further one doubles it.
pub fn lock_minutes(failures: i64) -> Option<i64> {
    let over = failures - MAX_FAILURES;
    if over < 0 {
        return None;
    }
    Some(LOCK_MINUTES.saturating_mul(1 << over.min(10)).min(LONGEST_LOCK))
}

/// Whether a sign-in is to go on to this place: a path on this system, never another host.
pub fn local_path(next: &str) -> Option<&str> {
    let fits = next.starts_with('/')
        && !next.starts_with("//")
        && next.len() <= 500
        && !next.contains('\\')
        && next.bytes().all(|b| (0x21..0x7f).contains(&b))
        && !["/login", "/logout", "/mode", "/account/password", "/account/second"].iter().any(|p| next.starts_with(p));
    fits.then_some(next)
}

/// Whether these roles may not be used without a second factor.
pub fn needs_second(roles: &[Role]) -> bool {
    roles.iter().any(|r| r.is_administrator() || matches!(r, Role::Reviewer | Role::Publisher))
}

/// Passwords that everybody tries first. Compared in lower case, without spaces and hyphens.
const COMMON: [&str; 24] = [
    "1234567890",
    "0123456789",
    "0987654321",
    "12345678910",
    "123456789a",
    "a123456789",
    "1234567890a",
    "1122334455",
    "1212121212",
    "1314520520",
    "qwertyuiop",
    "asdfghjkl1",
    "1q2w3e4r5t",
    "1qaz2wsx3edc",
    "qazwsxedcrfv",
    "password123",
    "password1234",
    "passw0rd123",
    "admin12345",
    "administrator",
    "admin123456",
    "iloveyou1314",
    "woaini1314520",
    "gongkai2026",
];

/// What is wrong with a new password. `old` is empty where there is none to compare with.
pub fn password_faults(new: &str, username: &str, old: &str) -> Vec<Refusal> {
    let mut out = Vec::new();
    let refuse = |code, what: &str, mend: &str| Refusal::invalid(code, what).at("new").mend(mend);
    let length = new.chars().count();
    if length < MIN_PASSWORD {
        out.push(refuse("password.short", "密码太短", "至少 10 个字符，可以用一句话"));
    }
    if length > MAX_PASSWORD {
        out.push(refuse("password.long", "密码太长", "不超过 128 个字符"));
    }
    let plain: String = new.to_lowercase().chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    let mut distinct: Vec<char> = plain.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    if COMMON.contains(&plain.as_str()) || (length >= MIN_PASSWORD && distinct.len() < 4) {
        out.push(refuse("password.common", "这个密码太常见，很容易被猜到", "请换一个，例如几个不相干的词"));
    }
    if !username.is_empty() && plain.contains(&username.to_lowercase()) {
        out.push(refuse("password.username", "密码里有账号名", "请换一个和账号无关的密码"));
    }
    if !old.is_empty() && new == old {
        out.push(refuse("password.same", "新密码和现在的密码相同", "请换一个新的"));
    }
    out
}

/// What a page says of passwords.
pub const PASSWORD_RULES: [&str; 4] =
    ["至少 10 个字符", "不含账号名", "不是常见的密码（例如 1234567890）", "和现在的密码不同"];

/// Whether a text may be a username.
///
/// # Errors
/// `account.username`.
pub fn username(name: &str) -> Result<()> {
    let fits = (3..=32).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-')
        && name.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
        && !name.ends_with(['.', '-']);
    if fits {
        return Ok(());
    }
    Err(Refusal::invalid("account.username", "账号的写法不对")
        .at("account")
        .mend("用小写字母开头，3 到 32 个小写字母、数字、点或连字符，例如 shen.rushuang"))
}

/// Whether a text may be a person's name.
///
/// # Errors
/// `account.name`.
pub fn person_name(name: &str) -> Result<()> {
    let n = text::count(name.trim());
    if (2..=30).contains(&n) && !name.chars().any(char::is_control) {
        return Ok(());
    }
    Err(Refusal::invalid("account.name", "请写姓名").at("name").mend("2 到 30 个字"))
}

/// Whether a role may be given for a scope: the administrators and the office of openness of the whole city work for the
/// city; a site's roles do not make sense without a site or an organ.
///
/// # Errors
/// `grant.scope`.
pub fn scope_fits(role: Role, scope: Scope) -> Result<()> {
    if role.is_administrator() && scope != Scope::City {
        return Err(Refusal::invalid("grant.scope", format!("{}的范围只能是全市", role.label()))
            .at("scope")
            .mend("请把范围选为“全市”"));
    }
    Ok(())
}

/// Whether `by` may give a role to `to`, who holds `held` now.
///
/// # Errors
/// `grant.self`, `grant.scope`, `grant.held`, `role.separation`.
pub fn may_grant(by: Option<Id>, to: Id, held: &[Grant], new: Grant) -> Result<()> {
    if by == Some(to) {
        return Err(Refusal::forbidden("grant.self", "不能给自己授予或收回角色").mend("请由另一位安全保密管理员办理"));
    }
    scope_fits(new.role, new.scope)?;
    if held.contains(&new) {
        return Err(Refusal::conflict("grant.held", "已经有这个角色和范围").at("role").mend("不需要再次授予"));
    }
    let mut roles: Vec<Role> = held.iter().map(|g| g.role).collect();
    roles.push(new.role);
    may_hold(&roles).map_err(|r| r.at("role"))
}

/// What is wrong with a delegation: from a day to a day, both included.
pub fn delegation_faults(from: Id, to: Id, same_organ: bool, since: Date, until: Date, today: Date) -> Vec<Refusal> {
    let mut out = Vec::new();
    if from == to {
        out.push(Refusal::invalid("delegation.self", "不能委托自己").at("to").mend("请选一位同事"));
    } else if !same_organ {
        out.push(Refusal::invalid("delegation.organ", "只能委托同一机关的同事").at("to").mend("请从列表里选择"));
    }
    if since < today {
        out.push(Refusal::invalid("delegation.past", "开始日期已经过去").at("since").mend("请从今天或以后开始"));
    }
    if until < since {
        out.push(Refusal::invalid("delegation.dates", "结束日期早于开始日期").at("until").mend("请核对两个日期"));
    } else if i64::from(until.to_julian_day() - since.to_julian_day()) >= MAX_DELEGATION_DAYS {
        out.push(Refusal::invalid("delegation.long", "委托超过 90 日").at("until").mend("请改短，到期后可以再次委托"));
    }
    out
}

/// Where a delegation stands: `(tone, icon, what pages say)`.
pub fn delegation_state(
    from_at: Timestamp,
    until_at: Timestamp,
    ended_at: Option<Timestamp>,
    now: Timestamp,
) -> (&'static str, &'static str, &'static str) {
    match ended_at {
        Some(_) => ("mute", "stop", "已提前结束"),
        None if until_at <= now => ("mute", "stop", "已到期"),
        None if from_at > now => ("info", "clock", "未开始"),
        None => ("ok", "ok", "生效中"),
    }
}

/// Whether a site's duties fit below a parent: a party unit has no duty of disclosure and stands below no government
/// organ's disclosure; only a government or a department has others below it, and a government stands below a government.
///
/// # Errors
/// `organ.parent_kind`.
pub fn parent_fits(kind: OrganKind, parent: Option<OrganKind>) -> Result<()> {
    let refuse = |what: &str, mend: &str| Err(Refusal::invalid("organ.parent_kind", what).at("parent").mend(mend));
    match (kind, parent) {
        (OrganKind::Government, None | Some(OrganKind::Government)) => Ok(()),
        (OrganKind::Government, Some(_)) => refuse("人民政府只能隶属于上级人民政府", "请改选上级人民政府"),
        (_, None) => refuse("请选择隶属的机关", "只有市人民政府没有上级"),
        (OrganKind::Town, Some(OrganKind::Government)) => Ok(()),
        (OrganKind::Town, Some(_)) => refuse("乡镇街道只能隶属于人民政府", "请改选县区人民政府"),
        (_, Some(OrganKind::PublicUtility)) => refuse("公共企事业单位之下不能再设机关", "请改选它的主管机关"),
        (OrganKind::PartyUnit, Some(OrganKind::Government | OrganKind::PartyUnit)) => Ok(()),
        (OrganKind::PartyUnit, Some(_)) => refuse("党群单位不隶属于政府部门", "请改选同级人民政府或上级党群单位"),
        (_, Some(OrganKind::PartyUnit)) => refuse("党群单位之下只能设党群单位", "请核对类别和隶属"),
        (_, Some(_)) => Ok(()),
    }
}

/// Whether an organ may stand below a parent: `chain` is the parent with its ancestors.
///
/// # Errors
/// `organ.loop`.
pub fn no_loop(organ: Id, chain: &[Id]) -> Result<()> {
    if chain.contains(&organ) {
        return Err(Refusal::invalid("organ.loop", "机关不能隶属于自己或自己的下级")
            .at("parent")
            .mend("请改选别的机关"));
    }
    Ok(())
}

/// Whether an organ may change on a day.
///
/// # Errors
/// `organ.ended`, `organ.before_start`, `organ.before_change`, `organ.future`.
pub fn change_day(on: Date, from: Date, until: Option<Date>, last_change: Option<Date>, today: Date) -> Result<()> {
    if until.is_some() {
        return Err(Refusal::conflict("organ.ended", "已经撤销的机关不能再变动").mend("请到承接它的机关办理"));
    }
    if on <= from {
        return Err(Refusal::invalid(
            "organ.before_start",
            format!("变动日期不能早于设立日期（{}）", kernel::time::iso(from)),
        )
        .at("on")
        .mend("请核对批准文件上的日期"));
    }
    if last_change.is_some_and(|l| on <= l) {
        return Err(Refusal::invalid("organ.before_change", "变动日期不能早于上一次变动")
            .at("on")
            .mend("请核对名称沿革里的日期"));
    }
    if on > today {
        return Err(Refusal::invalid("organ.future", "变动日期还没有到").at("on").mend("请在生效当天或以后登记"));
    }
    Ok(())
}

/// Whether an organ's basis is said: the document that approved it.
///
/// # Errors
/// `organ.basis`.
pub fn basis(value: &str) -> Result<()> {
    if text::count(value.trim()) >= 2 && text::count(value) <= 200 {
        return Ok(());
    }
    Err(Refusal::invalid("organ.basis", "请写依据").at("basis").mend("批准文件的名称和文号，不超过 200 个字"))
}

/// Whether an organ may take over what another one did.
///
/// # Errors
/// `organ.self_successor`, `organ.ended_successor`, `organ.young_successor`, `organ.below_successor`.
pub fn successor_fits(
    organ: Id,
    successor: Id,
    successor_from: Date,
    successor_until: Option<Date>,
    successor_chain: &[Id],
    on: Date,
    field: &str,
) -> Result<()> {
    if organ == successor {
        return Err(Refusal::invalid("organ.self_successor", "不能由自己承接").at(field).mend("请改选别的机关"));
    }
    if successor_until.is_some() {
        return Err(Refusal::invalid("organ.ended_successor", "承接的机关已经撤销").at(field).mend("请改选在用的机关"));
    }
    if successor_from > on {
        return Err(Refusal::invalid("organ.young_successor", "承接的机关在这一天还没有设立")
            .at(field)
            .mend("请核对日期"));
    }
    if successor_chain.contains(&organ) {
        return Err(Refusal::invalid("organ.below_successor", "不能由自己的下级承接")
            .at(field)
            .mend("请先调整下级的隶属"));
    }
    Ok(())
}

/// One organ that a split makes, as typed: 全称，简称，拼音标识.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// 云川市医疗保障局
    pub name: String,
    /// 市医保局
    pub short_name: String,
    /// `yibao`
    pub slug: String,
}

/// Reads what a split makes: one organ a line.
///
/// # Errors
/// `organ.parts`, naming the line.
pub fn parts(typed: &str) -> Result<Vec<Part>> {
    let mut out: Vec<Part> = Vec::new();
    for (i, line) in typed.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
        let bad = |what: &str| {
            Refusal::invalid("organ.parts", format!("第 {} 行{what}", i + 1))
                .at("parts")
                .mend("一行一个：全称，简称，拼音标识")
        };
        let mut fields = line.split(['，', ',']).map(str::trim);
        let (Some(name), Some(short), Some(slug), None) = (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(bad("不是三项"));
        };
        organ_name(name, short).map_err(|_| bad("的名称不对"))?;
        if !text::slug_ok(slug) {
            return Err(bad("的拼音标识不对"));
        }
        if out.iter().any(|p| p.slug == slug || p.name == name) {
            return Err(bad("和前面重复"));
        }
        out.push(Part { name: name.into(), short_name: short.into(), slug: slug.into() });
    }
    if out.is_empty() {
        return Err(Refusal::invalid("organ.parts", "请写分成哪些机关")
            .at("parts")
            .mend("一行一个：全称，简称，拼音标识"));
    }
    Ok(out)
}

/// Whether these may be an organ's names.
///
/// # Errors
/// `organ.name`, `organ.short_name`.
pub fn organ_name(name: &str, short_name: &str) -> Result<()> {
    let fits = |v: &str, max: usize| (2..=max).contains(&text::count(v.trim())) && !v.chars().any(char::is_control);
    if !fits(name, 60) {
        return Err(Refusal::invalid("organ.name", "请写全称").at("name").mend("2 到 60 个字，和印章一致"));
    }
    if !fits(short_name, 20) {
        return Err(Refusal::invalid("organ.short_name", "请写简称").at("short_name").mend("2 到 20 个字"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: i64) -> Id {
        Id::from_i64(n)
    }
    fn day(s: &str) -> Date {
        kernel::time::parse_date(s).expect("day")
    }
    fn codes(r: &[Refusal]) -> Vec<&'static str> {
        r.iter().map(Refusal::code).collect()
    }

    #[test]
    fn locks_grow_and_end() {
        let minutes: Vec<_> = (0..12).map(lock_minutes).collect();
        assert_eq!(minutes[..5], [None; 5]);
        assert_eq!(minutes[5..], [15, 30, 60, 120, 240, 240, 240].map(Some));
        assert_eq!(lock_minutes(i64::MAX), Some(240));
    }

    #[test]
    fn only_paths_of_ours() {
        for good in ["/", "/documents/1?x=1&y=%E4", "/worklist"] {
            assert_eq!(local_path(good), Some(good));
        }
        for bad in [
            "",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "javascript:1",
            "/a\r\nb",
            "/a b",
            "/login",
            "/logout",
            "/中",
            "\t//x",
        ] {
            assert_eq!(local_path(bad), None, "{bad}");
        }
    }

    #[test]
    fn passwords() {
        assert!(password_faults("云川的天空很蓝很蓝呀", "shen", "").is_empty());
        for (new, name, old, code) in [
            ("short1", "shen", "", "password.short"),
            ("1234567890", "shen", "", "password.common"),
            ("Pass-word123", "shen", "", "password.common"),
            ("aaaaaaaaaaaa", "shen", "", "password.common"),
            ("my-Shen.RuShuang-1", "shen.rushuang", "", "password.username"),
            ("correct horse bat", "shen", "correct horse bat", "password.same"),
        ] {
            assert_eq!(codes(&password_faults(new, name, old)), [code], "{new}");
        }
        assert!(codes(&password_faults(&"好坏大小".repeat(40), "shen", "")).contains(&"password.long"));
    }

    #[test]
    fn usernames() {
        for good in ["abc", "shen.rushuang", "li-4", "a".repeat(32).as_str()] {
            assert!(username(good).is_ok(), "{good}");
        }
        for bad in ["", "ab", "Abc", "4li", "沈如霜", "a b c", "abc.", "-abc", "a".repeat(33).as_str()] {
            assert!(username(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn granting() {
        let editor = Grant { role: Role::Editor, scope: Scope::Site(id(5)) };
        let system = Grant { role: Role::SystemAdmin, scope: Scope::City };
        let security = Grant { role: Role::SecurityAdmin, scope: Scope::City };
        assert!(may_grant(Some(id(1)), id(2), &[], editor).is_ok());
        assert!(may_grant(None, id(2), &[], system).is_ok());
        let code = |by, held: &[Grant], g| may_grant(by, id(2), held, g).expect_err("refused").code();
        assert_eq!(code(Some(id(2)), &[], editor), "grant.self");
        assert_eq!(code(Some(id(1)), &[editor], editor), "grant.held");
        assert_eq!(code(Some(id(1)), &[editor], system), "role.separation");
        assert_eq!(code(Some(id(1)), &[system], security), "role.separation");
        assert_eq!(code(Some(id(1)), &[system], editor), "role.separation");
        let below = Grant { role: Role::AuditAdmin, scope: Scope::Organ(id(9)) };
        assert_eq!(code(Some(id(1)), &[], below), "grant.scope");
    }

    #[test]
    fn who_needs_a_second_factor() {
        assert!(!needs_second(&[]) && !needs_second(&[Role::Editor, Role::OpenOffice, Role::SiteAdmin]));
        for r in [Role::SystemAdmin, Role::SecurityAdmin, Role::AuditAdmin, Role::Reviewer, Role::Publisher] {
            assert!(needs_second(&[Role::Editor, r]), "{r:?}");
        }
    }

    #[test]
    fn delegations_end() {
        let today = day("2026-11-22");
        let faults = |to, same, s: &str, u: &str| {
            codes(&delegation_faults(id(1), id(to), same, day(s), day(u), today)).join(" ")
        };
        assert_eq!(faults(2, true, "2026-11-22", "2026-11-22"), "");
        assert_eq!(faults(2, true, "2026-11-22", "2027-02-19"), "");
        assert_eq!(faults(2, true, "2026-11-22", "2027-02-20"), "delegation.long");
        assert_eq!(faults(1, true, "2026-11-22", "2026-11-23"), "delegation.self");
        assert_eq!(faults(2, false, "2026-11-21", "2026-11-20"), "delegation.organ delegation.past delegation.dates");
        let (a, b) = (Timestamp(100), Timestamp(200));
        assert_eq!(delegation_state(a, b, None, Timestamp(50)).2, "未开始");
        assert_eq!(delegation_state(a, b, None, Timestamp(100)).2, "生效中");
        assert_eq!(delegation_state(a, b, None, Timestamp(200)).2, "已到期");
        assert_eq!(delegation_state(a, b, Some(a), Timestamp(150)).2, "已提前结束");
    }

    #[test]
    fn where_organs_stand() {
        use OrganKind::*;
        for (kind, parent, fits) in [
            (Government, None, true),
            (Government, Some(Government), true),
            (Government, Some(Department), false),
            (Department, None, false),
            (Department, Some(Government), true),
            (Authorised, Some(Department), true),
            (Town, Some(Government), true),
            (Town, Some(Department), false),
            (PartyUnit, Some(Government), true),
            (PartyUnit, Some(Department), false),
            (Department, Some(PartyUnit), false),
            (PublicUtility, Some(Department), true),
            (Department, Some(PublicUtility), false),
        ] {
            assert_eq!(parent_fits(kind, parent).is_ok(), fits, "{kind:?} below {parent:?}");
        }
        assert_eq!(no_loop(id(1), &[id(2), id(1)]).expect_err("loop").code(), "organ.loop");
        assert_eq!(no_loop(id(1), &[id(1)]).expect_err("itself").code(), "organ.loop");
        assert!(no_loop(id(1), &[id(2), id(3)]).is_ok());
    }

    #[test]
    fn days_of_change() {
        let (from, today) = (day("2019-01-10"), day("2026-11-22"));
        let code = |on: &str, until: Option<&str>, last: Option<&str>| {
            change_day(day(on), from, until.map(day), last.map(day), today).err().map(|r| r.code())
        };
        assert_eq!(code("2024-03-01", None, None), None);
        assert_eq!(code("2026-11-22", None, Some("2024-03-01")), None);
        assert_eq!(code("2019-01-10", None, None), Some("organ.before_start"));
        assert_eq!(code("2018-01-01", None, None), Some("organ.before_start"));
        assert_eq!(code("2024-03-01", None, Some("2024-03-01")), Some("organ.before_change"));
        assert_eq!(code("2026-11-23", None, None), Some("organ.future"));
        assert_eq!(code("2024-03-01", Some("2023-01-01"), None), Some("organ.ended"));
    }

    #[test]
    fn successors() {
        let on = day("2024-03-01");
        let code = |who: i64, from: &str, until: Option<&str>, chain: &[Id]| {
            successor_fits(id(1), id(who), day(from), until.map(day), chain, on, "into").err().map(|r| r.code())
        };
        assert_eq!(code(2, "2024-03-01", None, &[id(2), id(9)]), None);
        assert_eq!(code(1, "2000-01-01", None, &[]), Some("organ.self_successor"));
        assert_eq!(code(2, "2000-01-01", Some("2020-01-01"), &[]), Some("organ.ended_successor"));
        assert_eq!(code(2, "2024-03-02", None, &[]), Some("organ.young_successor"));
        assert_eq!(code(2, "2000-01-01", None, &[id(2), id(1)]), Some("organ.below_successor"));
    }

    #[test]
    fn parts_of_a_split() {
        let typed = "云川市医疗保障局，市医保局，yibao\n\n 云川市卫生健康委员会,市卫健委,weijian\n";
        let read = parts(typed).expect("two");
        assert_eq!(read.len(), 2);
        assert_eq!(read[1].short_name, "市卫健委");
        for bad in
            ["", "云川市医疗保障局，市医保局", "云川市医疗保障局，市医保局，Yi Bao", "甲局，甲甲，a\n甲局，甲甲，b"]
        {
            assert_eq!(parts(bad).expect_err(bad).code(), "organ.parts");
        }
    }
}
