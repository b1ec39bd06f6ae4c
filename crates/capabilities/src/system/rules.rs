//! How codes of the machinery are said in words, and what the audit's filters mean. Pure.

use kernel::{Date, Id, Refusal, Result, Timestamp};

/// Acts in the audit: `(code, what pages say)`.
pub const ACTIONS: &[(&str, &str)] = &[
    ("document.save", "保存信息"),
    ("document.submit", "提交审核"),
    ("document.approve", "审核通过"),
    ("document.return", "退回修改"),
    ("document.publish", "发布"),
    ("document.schedule", "安排定时发布"),
    ("document.unschedule", "取消定时发布"),
    ("document.withdraw", "撤回"),
    ("document.discard", "放弃草稿"),
    ("document.import", "迁移导入"),
    ("document.attach", "添加附件"),
    ("document.detach", "移除附件"),
    ("document.relate", "建立关联"),
    ("document.unrelate", "取消关联"),
    ("site.create", "新建站点"),
    ("site.settings", "修改站点设置"),
    ("site.status", "变更站点状态"),
    ("site.domain_add", "添加域名"),
    ("site.domain_main", "更换主域名"),
    ("site.domain_remove", "移除域名"),
    ("column.create", "新建栏目"),
    ("column.change", "修改栏目"),
    ("column.order", "调整栏目顺序"),
    ("column.close", "关闭栏目"),
    ("column.open", "重新开放栏目"),
    ("column.delete", "删除栏目"),
    ("city.create", "初始化"),
    ("organ.create", "新建机关"),
    ("organ.correct", "修改机关资料"),
    ("organ.rename", "机关更名"),
    ("organ.merge", "机关合并"),
    ("organ.split", "机关分设"),
    ("organ.abolish", "机关撤销"),
    ("account.create", "新建账号"),
    ("account.password", "修改密码"),
    ("account.reset", "重置密码"),
    ("account.totp", "设置动态口令"),
    ("account.totp_clear", "清除动态口令"),
    ("account.confirm", "完成首次登录"),
    ("account.disable", "停用账号"),
    ("account.enable", "启用账号"),
    ("account.unlock", "解除锁定"),
    ("account.sessions_end", "结束全部登录"),
    ("role.grant", "授予角色"),
    ("role.revoke", "收回角色"),
    ("delegation.create", "建立委托"),
    ("delegation.end", "结束委托"),
    ("session.password", "密码登录"),
    ("session.second", "动态口令登录"),
    ("session.end", "退出登录"),
    ("calendar.load", "载入放假通知"),
    ("job.retry", "重试后台任务"),
    ("publish.rebuild", "重新生成网站"),
    ("publish.repair", "修复页面文件"),
    ("audit.verify", "核对审计链"),
    ("audit.export", "导出审计记录"),
];

/// Kinds of things in the audit.
pub const KINDS: &[(&str, &str)] = &[
    ("document", "信息"),
    ("site", "站点"),
    ("column", "栏目"),
    ("organ", "机关"),
    ("account", "账号"),
    ("delegation", "委托"),
    ("calendar", "工作日历"),
    ("job", "后台任务"),
    ("blob", "页面文件"),
    ("audit", "审计链"),
];

fn say(list: &[(&'static str, &'static str)], code: &str) -> String {
    list.iter().find(|(c, _)| *c == code).map_or_else(|| code.to_string(), |(_, l)| (*l).to_string())
}

/// What an act is called.
pub fn action_label(code: &str) -> String {
    say(ACTIONS, code)
}

/// What a kind of thing is called.
pub fn kind_label(code: &str) -> String {
    say(KINDS, code)
}

/// What a job is called.
pub fn job_label(kind: &str) -> String {
    match kind {
        "document.publish_due" => "定时发布".into(),
        other => other.to_string(),
    }
}

/// What an event is called.
pub fn event_label(kind: &str) -> String {
    match kind {
        "document.changed" => "信息变动".into(),
        "site.changed" => "站点设置或栏目变动".into(),
        "sites.changed" => "站点名单变动".into(),
        "organ.changed" => "机关变动".into(),
        "calendar.changed" => "工作日历变动".into(),
        other => other.to_string(),
    }
}

/// A kept error of a job, `what，mend [code]：cause`, as `(what it means, technical detail)`.
pub fn job_error(text: &str) -> (String, Option<String>) {
    match text.split_once(" [") {
        Some((what, rest)) => (what.to_string(), Some(format!("[{rest}"))),
        None => (text.to_string(), None),
    }
}

/// Filters of the audit page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Part of the actor's name.
    pub actor: String,
    /// An action's code.
    pub action: String,
    /// A kind of thing.
    pub kind: Option<String>,
    /// One thing.
    pub object: Option<Id>,
    /// From this day.
    pub from: Option<Date>,
    /// To this day, included.
    pub until: Option<Date>,
}

impl AuditFilter {
    /// The first instant that counts.
    pub fn from_at(&self) -> Option<Timestamp> {
        self.from.map(Timestamp::start_of)
    }

    /// The first instant that does not count any more.
    pub fn until_at(&self) -> Option<Timestamp> {
        self.until.and_then(|d| d.next_day()).map(Timestamp::start_of)
    }
}

/// Reads what was typed for the object: a kind by its code or name, or an identity.
///
/// # Errors
/// `audit.object`.
pub fn object(text: &str) -> Result<(Option<String>, Option<Id>)> {
    if text.is_empty() {
        return Ok((None, None));
    }
    if let Some((code, _)) = KINDS.iter().find(|(c, l)| *c == text || *l == text) {
        return Ok((Some((*code).to_string()), None));
    }
    match text.parse::<Id>() {
        Ok(id) => Ok((None, Some(id))),
        Err(_) => Err(Refusal::invalid("audit.object", "不认识这个对象")
            .at("object")
            .mend("请填种类（信息、站点、栏目、机关、账号……）或者编号")),
    }
}

/// Reads a range of days.
///
/// # Errors
/// `time.date`, `audit.range`.
pub fn range(from: &str, until: &str) -> Result<(Option<Date>, Option<Date>)> {
    let day = |text: &str, field: &'static str| {
        if text.is_empty() { Ok(None) } else { kernel::time::parse_date(text).map(Some).map_err(|r| r.at(field)) }
    };
    let (from, until) = (day(from, "from")?, day(until, "until")?);
    if let (Some(f), Some(u)) = (from, until)
        && f > u
    {
        return Err(Refusal::invalid("audit.range", "截止日早于起始日").at("until").mend("请换过来"));
    }
    Ok((from, until))
}

/// A size as people read it.
pub fn size(bytes: i64) -> String {
    match bytes {
        b if b >= 1 << 30 => format!("{:.1} GB", b as f64 / f64::from(1 << 30)),
        b if b >= 1 << 20 => format!("{:.1} MB", b as f64 / f64::from(1 << 20)),
        b => format!("{} KB", (b + 1023) / 1024),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_jobs_are_split() {
        assert_eq!(
            job_error("文件打不开，请另存 [file.open]：zip"),
            ("文件打不开，请另存".to_string(), Some("[file.open]：zip".to_string()))
        );
        assert_eq!(job_error("坏了"), ("坏了".to_string(), None));
    }

    #[test]
    fn filters_are_read() {
        assert_eq!(object("信息").expect("kind").0.as_deref(), Some("document"));
        assert_eq!(object("job").expect("kind").0.as_deref(), Some("job"));
        assert_eq!(object("1hk3").expect("id").1, "1hk3".parse().ok());
        assert_eq!(object("？").expect_err("no").code(), "audit.object");
        assert_eq!(range("2026-10-22", "2026-10-20").expect_err("order").code(), "audit.range");
        assert_eq!(range("x", "").expect_err("day").place(), Some("from"));
        let (from, until) = range("2026-10-20", "2026-10-20").expect("a day");
        let f = AuditFilter { from, until, ..AuditFilter::default() };
        assert_eq!(f.until_at().expect("end").0 - f.from_at().expect("start").0, 86_400_000);
    }

    #[test]
    fn codes_are_unique() {
        for list in [ACTIONS, KINDS] {
            let mut codes: Vec<_> = list.iter().map(|(c, _)| *c).collect();
            codes.sort_unstable();
            let n = codes.len();
            codes.dedup();
            assert_eq!(codes.len(), n);
        }
        assert_eq!((size(10), size(3 << 20), size(3 << 30)), ("1 KB".into(), "3.0 MB".into(), "3.0 GB".into()));
    }
}
