//! What a site's settings, domains, life and columns may be. Pure; notices are advice, refusals are refusals.

use kernel::code::SiteCode;
use kernel::text;
use kernel::{Id, Refusal};
use records::site::{Column, SiteKind, SiteSettings, SiteStatus};

/// Words of the tag `ColumnType` (国办发〔2017〕47号 and its inspection guide).
pub const COLUMN_TYPES: &[&str] = &[
    "概况信息",
    "机构职能",
    "负责人信息",
    "政务动态",
    "文件资料/政策文件",
    "信息公开指南",
    "信息公开目录",
    "信息公开年报",
    "依申请公开",
    "数据发布",
    "政策解读",
    "回应关切",
    "办事服务",
    "咨询投诉",
    "征集调查",
    "在线访谈",
    "专题专栏",
    "其他",
];

/// What a home page uses a column for: `(code, what the form calls it)`.
pub const ROLES: &[(&str, &str)] = &[
    ("", "没有特别用途"),
    ("news", "首页要闻"),
    ("dynamics", "首页动态"),
    ("notice", "首页通知公告"),
    ("policy", "首页政策文件"),
    ("interpretation", "首页政策解读"),
    ("plan", "首页规划计划"),
    ("data", "首页数据发布"),
    ("leaders", "领导信息"),
    ("about", "概况"),
    ("towns", "乡镇街道"),
];

/// Looks that the templates know.
pub const THEMES: &[(&str, &str)] =
    &[("portal", "门户"), ("county", "县区"), ("department", "部门"), ("party", "党群")];

/// First words of an address that the server keeps for itself.
pub const RESERVED: &[&str] = &[
    "assets",
    "search",
    "go",
    "mode",
    "mode.css",
    "api",
    "about",
    "archive",
    "feed.xml",
    "sitemap",
    "sitemap.html",
    "sitemap.xml",
    "sites.html",
    "healthz",
    "readyz",
    "metrics",
    "robots.txt",
    "favicon.ico",
    "_",
    "files",
];

/// Deepest level of columns: more and an address is no longer short.
pub const MAX_DEPTH: usize = 4;

fn one_line(out: &mut Vec<Refusal>, field: &'static str, value: &str, max: usize) {
    let n = text::count(value);
    if n > max {
        out.push(Refusal::invalid("site.long", format!("有 {n} 个字，超过 {max} 个字")).at(field).mend("请缩短"));
    }
    if value.chars().any(char::is_control) {
        out.push(Refusal::invalid("site.control", "有换行或控制字符").at(field).mend("请写成一行"));
    }
}

/// What is wrong with settings: each reason at its field.
pub fn settings(s: &SiteSettings) -> Vec<Refusal> {
    let mut out = Vec::new();
    for (field, value) in [("name", &s.name), ("short_name", &s.short_name)] {
        if value.trim().is_empty() {
            out.push(Refusal::invalid("site.name", "这一项不能空着").at(field).mend("请填写"));
        }
    }
    for (field, value, max) in [
        ("name", &s.name, 60),
        ("short_name", &s.short_name, 20),
        ("sub", &s.sub, 60),
        ("icp", &s.icp, 60),
        ("psb", &s.psb, 60),
        ("psb_code", &s.psb_code, 20),
        ("conac", &s.conac, 200),
        ("sponsor", &s.sponsor, 60),
        ("operator", &s.operator, 60),
        ("phone", &s.phone, 40),
        ("hours", &s.hours, 80),
        ("address", &s.address, 100),
        ("search_hint", &s.search_hint, 40),
    ] {
        one_line(&mut out, field, value, max);
    }
    if !THEMES.iter().any(|(code, _)| *code == s.theme) {
        out.push(Refusal::invalid("site.theme", "没有这种外观").at("theme").mend("请从列表中选择"));
    }
    if !s.id_code.is_empty()
        && let Err(r) = s.id_code.parse::<SiteCode>()
    {
        out.push(r.at("id_code"));
    }
    let digits = s.psb_code.len() == 14 && s.psb_code.bytes().all(|b| b.is_ascii_digit());
    if !s.psb_code.is_empty() && !digits {
        out.push(
            Refusal::invalid("site.psb_code", "公安备案编码应为 14 位数字")
                .at("psb_code")
                .mend("即备案编号里的数字部分"),
        );
    }
    let address = s.conac.starts_with("https://") || s.conac.starts_with("http://");
    if !s.conac.is_empty() && !address {
        out.push(Refusal::invalid("site.conac", "党政机关网站标识应填链接地址").at("conac").mend("以 https:// 开头"));
    }
    out
}

/// Advice on settings that may still be saved: forms of numbers that are known from practice, not from a published rule.
pub fn advice(kind: SiteKind, s: &SiteSettings) -> Vec<(&'static str, String)> {
    let mut out = Vec::new();
    if !s.icp.is_empty() && !icp_ok(&s.icp) {
        out.push(("icp", "ICP 备案编号通常形如“陇ICP备2021000001号-1”，请核对".to_string()));
    }
    if !s.psb.is_empty() && !psb_ok(&s.psb) {
        out.push(("psb", "公安备案编号通常形如“甘公网安备 62110202000001号”（14 位数字），请核对".to_string()));
    }
    let digits: String = s.psb.chars().filter(char::is_ascii_digit).collect();
    if !s.psb_code.is_empty() && !digits.is_empty() && digits != s.psb_code {
        out.push(("psb_code", "公安备案编码与备案编号里的数字不一致，请核对".to_string()));
    }
    if !s.conac.is_empty() && !s.conac.contains("bszs.conac.cn/") {
        out.push(("conac", "党政机关网站标识的链接通常在 bszs.conac.cn，请核对".to_string()));
    }
    if kind != SiteKind::Party && s.id_code.parse::<SiteCode>().is_ok_and(|c| c.as_str().starts_with('N')) {
        out.push(("id_code", "N 开头的标识码一般不用于地方政府网站，请核对".to_string()));
    }
    out
}

/// `陇ICP备2021000001号-1`, `陇ICP备2021000001号`.
pub fn icp_ok(t: &str) -> bool {
    let Some((province, rest)) = t.trim().split_once("ICP备") else { return false };
    let Some((number, tail)) = rest.split_once('号') else { return false };
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    text::count(province) == 1
        && digits(number)
        && (6..=12).contains(&number.len())
        && (tail.is_empty() || tail.strip_prefix('-').is_some_and(digits))
}

/// `甘公网安备 62110202000001号`.
pub fn psb_ok(t: &str) -> bool {
    let Some((province, rest)) = t.trim().split_once("公网安备") else { return false };
    let number = rest.trim().trim_end_matches('号').trim();
    text::count(province) == 1 && number.len() == 14 && number.bytes().all(|b| b.is_ascii_digit())
}

/// Footer elements of 国办发〔2017〕47号 that a site has or lacks: `(field, name, there)`.
pub fn footer(s: &SiteSettings) -> Vec<(&'static str, &'static str, bool)> {
    vec![
        ("id_code", "网站标识码", s.id_code.parse::<SiteCode>().is_ok()),
        ("sponsor", "主办单位", !s.sponsor.trim().is_empty()),
        ("phone", "联系电话", !s.phone.trim().is_empty()),
        ("icp", "ICP 备案编号", !s.icp.trim().is_empty()),
        ("psb", "公安备案编号", !s.psb.trim().is_empty()),
        ("conac", "党政机关网站标识", !s.conac.trim().is_empty()),
    ]
}

/// Where a site may go from a status: planned → tested → registered → running ⇄ paused, closed from anywhere for good.
pub fn next(from: SiteStatus) -> &'static [SiteStatus] {
    use SiteStatus::*;
    match from {
        Planned => &[Tested, Closed],
        Tested => &[Registered, Planned, Closed],
        Registered => &[Running, Closed],
        Running => &[Paused, Closed],
        Paused => &[Running, Closed],
        Closed => &[],
    }
}

/// What a change of status is decided from.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// Its kind.
    pub kind: SiteKind,
    /// Its settings.
    pub set: &'a SiteSettings,
    /// Whether it has a domain.
    pub domain: bool,
    /// Columns that are open.
    pub columns: usize,
    /// Editions that wait for somebody (submitted, passed, planned).
    pub waiting: i64,
    /// Whether its organ has another running site.
    pub sibling: bool,
}

/// Every reason against a change of status.
pub fn may_move(from: SiteStatus, to: SiteStatus, s: &Standing<'_>) -> Vec<Refusal> {
    let mut out = Vec::new();
    if !next(from).contains(&to) {
        out.push(
            Refusal::conflict("site.status", format!("站点是“{}”，不能直接变为“{}”", from.label(), to.label()))
                .mend("请按筹建、检测、备案、运行的顺序办理")
                .cite("国办发〔2017〕47号"),
        );
        return out;
    }
    let lacks = |what: &str| {
        Refusal::conflict("site.incomplete", format!("还没有{what}")).mend("请先补齐").cite("国办发〔2017〕47号")
    };
    if matches!(to, SiteStatus::Registered | SiteStatus::Running) {
        for (field, name, there) in footer(s.set) {
            // The mark of CONAC comes after opening in practice; a party unit's site has no code of the register.
            let needed = field != "conac" && !(field == "id_code" && s.kind == SiteKind::Party);
            if needed && !there {
                out.push(lacks(name));
            }
        }
        if !s.domain {
            out.push(lacks("主域名"));
        }
    }
    if to == SiteStatus::Running {
        if s.columns == 0 {
            out.push(lacks("栏目"));
        }
        if s.sibling {
            out.push(
                Refusal::conflict("site.second", "这个机关已有一个运行的站点")
                    .mend("一个单位只开办一个网站，请先关停原来的")
                    .cite("国办发〔2017〕47号"),
            );
        }
    }
    if to == SiteStatus::Closed && s.waiting > 0 {
        out.push(
            Refusal::conflict("site.waiting", format!("还有 {} 条信息在审核或等待发布", s.waiting)).mend("请先处理完"),
        );
    }
    out
}

/// A host name in lower case, if it is one.
///
/// # Errors
/// `domain.syntax`.
pub fn host(given: &str) -> kernel::Result<String> {
    let h = text::to_half_width(given.trim()).to_lowercase();
    let bad = |what: &str| {
        Err(Refusal::invalid("domain.syntax", what.to_string()).at("host").mend("例如 zhujian.yunchuan.gov.cn"))
    };
    if h.is_empty() {
        return bad("没有填写域名");
    }
    if h.contains("://") || h.contains('/') || h.contains(':') {
        return bad("只填域名，不带 http://、端口和路径");
    }
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && l.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    let labels: Vec<&str> = h.split('.').collect();
    let numeric = labels.last().is_some_and(|l| l.bytes().all(|b| b.is_ascii_digit()));
    if h.len() > 253 || labels.len() < 2 || numeric || !labels.iter().all(|l| label(l)) {
        return bad("这不是一个完整的域名");
    }
    Ok(h)
}

/// Advice on a host name: 47号 wants `.gov.cn` (or `.政务`, which is written `.xn--zfr164b`).
pub fn host_advice(kind: SiteKind, host: &str) -> Option<&'static str> {
    let official = host.ends_with(".gov.cn") || host.ends_with(".xn--zfr164b");
    (!official && kind != SiteKind::Party).then_some("政府网站应使用 .gov.cn 域名（国办发〔2017〕47号），请核对")
}

/// What a column is to become.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)] // fields of the form
pub struct ColumnDraft {
    pub slug: String,
    pub name: String,
    pub description: String,
    pub keywords: String,
    pub kind: String,
    pub role: String,
    pub parent: Option<Id>,
}

/// What is wrong with a column, new (`id` none) or changed, among the columns of its site.
pub fn column(id: Option<Id>, c: &ColumnDraft, all: &[Column]) -> Vec<Refusal> {
    let mut out = Vec::new();
    for (field, value, what) in [
        ("name", &c.name, "请写名称"),
        ("description", &c.description, "请写一句说明，它是页面标签的必填项"),
        ("keywords", &c.keywords, "请写关键词，它是页面标签的必填项"),
    ] {
        if value.trim().is_empty() {
            out.push(Refusal::invalid("column.empty", what).at(field));
        }
    }
    one_line(&mut out, "name", &c.name, 30);
    one_line(&mut out, "keywords", &c.keywords, 120);
    one_line(&mut out, "description", &c.description, 200);
    if !COLUMN_TYPES.contains(&c.kind.as_str()) {
        out.push(Refusal::invalid("column.type", "请选择类别").at("type").mend("请从列表中选择"));
    }
    if !ROLES.iter().any(|(code, _)| *code == c.role) {
        out.push(Refusal::invalid("column.role", "没有这种用途").at("role").mend("请从列表中选择"));
    }
    if !c.role.is_empty() && all.iter().any(|o| o.open && Some(o.id) != id && o.role == c.role) {
        out.push(
            Refusal::invalid("column.role_taken", "这个站点已有一个栏目作此用途")
                .at("role")
                .mend("请先改那个栏目的用途"),
        );
    }
    if !text::slug_ok(&c.slug) {
        out.push(
            Refusal::invalid("column.slug", "只能用小写字母、数字和连字符，1 到 40 个，首尾不用连字符")
                .at("slug")
                .mend("例如 zhengce"),
        );
    }
    if c.parent.is_none() && RESERVED.contains(&c.slug.as_str()) {
        out.push(
            Refusal::invalid("column.reserved", format!("“{}”是系统保留的地址", c.slug)).at("slug").mend("请换一个词"),
        );
    }
    if all.iter().any(|o| Some(o.id) != id && o.parent == c.parent && o.slug == c.slug) {
        out.push(Refusal::invalid("column.slug_taken", "同一级已有栏目用这段地址").at("slug").mend("请换一个词"));
    }
    let chain = ancestors(c.parent, all);
    if let Some(parent) = c.parent {
        if !all.iter().any(|o| o.id == parent) {
            out.push(Refusal::invalid("column.parent", "没有这个上级栏目").at("parent").mend("请从列表中选择"));
        } else if id.is_some_and(|id| chain.contains(&id)) {
            out.push(
                Refusal::invalid("column.loop", "不能移到自己或自己的下级之下").at("parent").mend("请选择另一个上级"),
            );
        } else if chain.len() + id.map_or(1, |id| height(id, all)) > MAX_DEPTH {
            out.push(
                Refusal::invalid("column.deep", format!("栏目最多 {MAX_DEPTH} 级"))
                    .at("parent")
                    .mend("请选择更高一级的栏目"),
            );
        }
    }
    out
}

/// A column's parent with its ancestors, nearest first.
pub fn ancestors(mut parent: Option<Id>, all: &[Column]) -> Vec<Id> {
    let mut chain = Vec::new();
    while let Some(p) = parent {
        if chain.contains(&p) {
            break;
        }
        chain.push(p);
        parent = all.iter().find(|c| c.id == p).and_then(|c| c.parent);
    }
    chain
}

/// A column with everything below it.
pub fn below(root: Id, all: &[Column]) -> Vec<Id> {
    let mut out = vec![root];
    let mut i = 0;
    while let Some(at) = out.get(i).copied() {
        for c in all.iter().filter(|c| c.parent == Some(at)) {
            if !out.contains(&c.id) {
                out.push(c.id);
            }
        }
        i += 1;
    }
    out
}

fn height(root: Id, all: &[Column]) -> usize {
    let base = ancestors(Some(root), all).len();
    below(root, all).into_iter().map(|id| ancestors(Some(id), all).len() + 1 - base).max().unwrap_or(1)
}

/// The path of a column below a parent.
pub fn path(parent: Option<&Column>, slug: &str) -> String {
    parent.map_or_else(|| slug.to_string(), |p| format!("{}/{slug}", p.path))
}

/// The address of a document after its column's path changed: only the column's part changes, so that month and
/// identity, which make it unique, stay. `None` where the address does not lie directly in that column.
pub fn moved_address(address: &str, from: &str, to: &str) -> Option<String> {
    let rest = address.strip_prefix('/')?.strip_prefix(from)?.strip_prefix('/')?;
    (rest.split('/').count() == 2).then(|| format!("/{to}/{rest}"))
}

/// Every reason against closing a column.
pub fn may_close(c: &Column, all: &[Column], live: i64, into: Option<&Column>) -> Vec<Refusal> {
    let mut out = Vec::new();
    if !c.open {
        out.push(Refusal::conflict("column.closed", "这个栏目已经关闭").mend("请刷新页面"));
    }
    let open: Vec<&str> = all.iter().filter(|o| o.parent == Some(c.id) && o.open).map(|o| o.name.as_str()).collect();
    if !open.is_empty() {
        out.push(
            Refusal::conflict("column.children", format!("下面还有 {} 个子栏目：{}", open.len(), open.join("、")))
                .mend("请先关闭或者移走它们"),
        );
    }
    match into {
        None if live > 0 => out.push(
            Refusal::conflict("column.documents", format!("栏目里有 {live} 条公开的信息"))
                .at("into")
                .mend("请选择把它们转到哪个栏目"),
        ),
        Some(to) if to.id == c.id || to.site != c.site || !to.open => out.push(
            Refusal::invalid("column.into", "不能转到这个栏目").at("into").mend("请选择同一站点的另一个开放栏目"),
        ),
        _ => {}
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn col(id: i64, parent: Option<i64>, slug: &str) -> Column {
        Column {
            id: Id::from_i64(id),
            site: Id::from_i64(1),
            parent: parent.map(Id::from_i64),
            slug: slug.into(),
            path: slug.into(),
            name: slug.into(),
            description: "说明".into(),
            keywords: "词".into(),
            kind: "其他".into(),
            role: String::new(),
            sort: 0,
            open: true,
        }
    }

    fn draft(slug: &str, parent: Option<i64>) -> ColumnDraft {
        ColumnDraft {
            slug: slug.into(),
            name: "名称".into(),
            description: "说明".into(),
            keywords: "词".into(),
            kind: "政策解读".into(),
            role: String::new(),
            parent: parent.map(Id::from_i64),
        }
    }

    fn codes(r: &[Refusal]) -> Vec<&'static str> {
        r.iter().map(Refusal::code).collect()
    }

    fn set() -> SiteSettings {
        SiteSettings {
            name: "云川市住房和城乡建设局".into(),
            short_name: "市住建局".into(),
            theme: "department".into(),
            id_code: "9901000001".into(),
            sub: String::new(),
            icp: "演ICP备2026000001号-1".into(),
            psb: "演公网安备 99010002000001号".into(),
            psb_code: "99010002000001".into(),
            conac: String::new(),
            sponsor: "云川市住房和城乡建设局".into(),
            operator: String::new(),
            phone: "0990-8213300".into(),
            hours: String::new(),
            address: String::new(),
            search_hint: String::new(),
            grey: false,
        }
    }

    #[test]
    fn columns_keep_a_tree_with_unique_addresses() {
        let all = [col(1, None, "a"), col(2, Some(1), "b"), col(3, Some(2), "c"), col(4, None, "d")];
        let id = |n| Some(Id::from_i64(n));
        for (who, d, want) in [
            (None, draft("e", None), vec![]),
            (None, draft("a", None), vec!["column.slug_taken"]),
            (None, draft("a", Some(1)), vec![]),
            (id(1), draft("a", None), vec![]),
            (None, draft("search", None), vec!["column.reserved"]),
            (None, draft("search", Some(1)), vec![]),
            (None, draft("A b", None), vec!["column.slug"]),
            (None, draft("robots.txt", None), vec!["column.slug", "column.reserved"]),
            (id(1), draft("a", Some(3)), vec!["column.loop"]),
            (id(1), draft("a", Some(1)), vec!["column.loop"]),
            (id(1), draft("a", Some(4)), vec![]),
            (id(4), draft("d", Some(3)), vec![]),
            (id(1), draft("x", Some(9)), vec!["column.parent"]),
        ] {
            assert_eq!(codes(&column(who, &d, &all)), want, "{d:?}");
        }
        let deep = [col(1, None, "a"), col(2, Some(1), "b"), col(3, Some(2), "c"), col(4, Some(3), "d")];
        assert_eq!(codes(&column(None, &draft("e", Some(4)), &deep)), ["column.deep"]);
        let mut taken = col(7, None, "n");
        taken.role = "news".into();
        let mut d = draft("m", None);
        d.role = "news".into();
        assert_eq!(codes(&column(None, &d, &[taken])), ["column.role_taken"]);
    }

    #[test]
    fn addresses_move_with_their_column_only() {
        assert_eq!(moved_address("/a/b/202611/x.html", "a/b", "c/b").as_deref(), Some("/c/b/202611/x.html"));
        assert_eq!(moved_address("/a/b/202611/x.html", "a", "c"), None);
        assert_eq!(moved_address("/ab/202611/x.html", "a", "c"), None);
    }

    #[test]
    fn a_column_with_content_is_not_just_closed() {
        let all = [col(1, None, "a"), col(2, Some(1), "b"), col(3, None, "c")];
        assert_eq!(codes(&may_close(&all[0], &all, 0, None)), ["column.children"]);
        assert_eq!(codes(&may_close(&all[1], &all, 5, None)), ["column.documents"]);
        assert!(may_close(&all[1], &all, 5, Some(&all[2])).is_empty());
        assert_eq!(codes(&may_close(&all[1], &all, 5, Some(&all[1]))), ["column.into"]);
        assert!(may_close(&all[2], &all, 0, None).is_empty());
    }

    #[test]
    fn a_site_lives_in_order() {
        use SiteStatus::*;
        let full = set();
        let mut bare = set();
        bare.id_code.clear();
        bare.icp.clear();
        let s =
            |set| Standing { kind: SiteKind::Department, set, domain: true, columns: 3, waiting: 0, sibling: false };
        for (from, to, st, want) in [
            (Planned, Running, s(&full), vec!["site.status"]),
            (Planned, Tested, s(&bare), vec![]),
            (Tested, Registered, s(&bare), vec!["site.incomplete", "site.incomplete"]),
            (Registered, Running, s(&full), vec![]),
            (
                Registered,
                Running,
                Standing { columns: 0, sibling: true, ..s(&full) },
                vec!["site.incomplete", "site.second"],
            ),
            (Running, Closed, Standing { waiting: 2, ..s(&full) }, vec!["site.waiting"]),
            (Running, Paused, s(&full), vec![]),
            (Closed, Running, s(&full), vec!["site.status"]),
        ] {
            assert_eq!(codes(&may_move(from, to, &st)), want, "{from:?} {to:?}");
        }
    }

    #[test]
    fn hosts_are_hosts() {
        assert_eq!(host(" WWW.Yunchuan.gov.cn ").expect("host"), "www.yunchuan.gov.cn");
        for bad in [
            "",
            "yunchuan",
            "http://a.gov.cn",
            "a.gov.cn/x",
            "a.gov.cn:80",
            "-a.gov.cn",
            "a..cn",
            "1.2.3.4",
            "市.gov.cn",
        ] {
            assert_eq!(host(bad).expect_err(bad).code(), "domain.syntax", "{bad}");
        }
        assert!(host_advice(SiteKind::Department, "a.com").is_some());
        assert!(host_advice(SiteKind::Department, "a.gov.cn").is_none());
    }

    #[test]
    fn numbers_in_the_footer() {
        assert!(settings(&set()).is_empty() && advice(SiteKind::Department, &set()).is_empty());
        for (t, ok) in
            [("陇ICP备2021000001号-1", true), ("陇ICP备2021000001号", true), ("ICP备1号", false), ("", false)]
        {
            assert_eq!(icp_ok(t), ok, "{t}");
        }
        assert!(psb_ok("甘公网安备 62110202000001号") && !psb_ok("甘公网安备 6211号"));
        let mut s = set();
        s.id_code = "130400000".into();
        s.psb_code = "12".into();
        s.name.clear();
        assert_eq!(codes(&settings(&s)), ["site.name", "code.site", "site.psb_code"]);
    }
}
