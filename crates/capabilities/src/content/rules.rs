//! What may be done to an edition, by whom, and why not. Pure; each rule returns every reason, not the first.

use kernel::{Actor, Id, Permission, Refusal, Timestamp, text};
use records::document::{Content, Edition, State};

/// Longest title, in characters. Longer ones break lists and are nearly always a paste into the wrong field.
pub const MAX_TITLE: usize = 200;
/// Longest body, in bytes of HTML.
pub const MAX_BODY: usize = 4 << 20;

/// What is wrong with a text at any time, draft or not. A classification mark is refused at every door.
pub fn faults(c: &Content) -> Vec<Refusal> {
    let mut out = Vec::new();
    let title = text::count(&c.title);
    if title > MAX_TITLE {
        out.push(
            Refusal::invalid("content.title_long", format!("标题有 {title} 个字，超过 {MAX_TITLE} 个字"))
                .at("title")
                .mend("请缩短标题，细节写进正文或摘要"),
        );
    }
    if c.title.chars().any(char::is_control) {
        out.push(
            Refusal::invalid("content.title_control", "标题里有换行或控制字符").at("title").mend("请把标题写成一行"),
        );
    }
    if c.body.len() > MAX_BODY {
        out.push(
            Refusal::new(kernel::refusal::Kind::TooLarge, "content.body_long", "正文超过 4 MB")
                .at("body")
                .mend("请把大段表格或附录改为附件"),
        );
    }
    let plain = text::strip_tags(&c.body);
    for (field, value) in [("title", c.title.as_str()), ("summary", &c.summary), ("body", &plain)] {
        if text::has_classification_mark(value) {
            out.push(
                Refusal::invalid("content.classified", "文中有国家秘密标志，系统不接收涉密内容")
                    .at(field)
                    .mend("请立即停止录入，按保密规定处理原件；确系误标的，删去标志后再录入")
                    .cite("保守国家秘密法第二十六条"),
            );
        }
    }
    for (field, value) in
        [("written_on", &c.written_on), ("effective_on", &c.effective_on), ("expires_on", &c.expires_on)]
    {
        if let Some(v) = value
            && let Err(e) = kernel::time::parse_date(v)
        {
            out.push(e.at(field));
        }
    }
    if let (Some(from), Some(until)) = (&c.effective_on, &c.expires_on)
        && from > until
    {
        out.push(Refusal::invalid("content.dates", "失效日期早于施行日期").at("expires_on").mend("请核对两个日期"));
    }
    out
}

/// What is still missing before an edition can be reviewed.
pub fn may_submit(c: &Content, columns: usize) -> Vec<Refusal> {
    let mut out = faults(c);
    if c.title.trim().is_empty() {
        out.push(Refusal::invalid("content.title_missing", "请写标题").at("title"));
    }
    if text::strip_tags(&c.body).trim().is_empty() {
        out.push(Refusal::invalid("content.body_missing", "请写正文").at("body"));
    }
    if columns == 0 {
        out.push(Refusal::invalid("content.column_missing", "请选择栏目").at("columns").mend("至少选择一个栏目"));
    }
    if c.source.trim().is_empty() {
        out.push(
            Refusal::invalid("content.source_missing", "请填写来源")
                .at("source")
                .mend("本单位原创的，填写本单位名称")
                .cite("国办发〔2017〕47号"),
        );
    }
    out
}

fn wrong_state(e: &Edition, want: &str) -> Refusal {
    Refusal::conflict("edition.state", format!("这一稿现在是“{}”，不能{want}", e.state.label()))
        .mend("请刷新页面，查看它的最新状态")
}

fn wrote_it(actor: &Actor, e: &Edition) -> bool {
    !actor.system && actor.account.is_some() && actor.account == e.created_account
}

/// Why an edition may not be changed now.
pub fn may_edit(e: &Edition) -> Vec<Refusal> {
    if e.state.editable() { Vec::new() } else { vec![wrong_state(e, "修改")] }
}

/// Why this actor may not review this edition now (起草人与审核人分离).
pub fn may_review(actor: &Actor, e: &Edition) -> Vec<Refusal> {
    let mut out = Vec::new();
    if e.state != State::Submitted {
        out.push(wrong_state(e, "审核"));
    }
    if wrote_it(actor, e) {
        out.push(
            Refusal::forbidden("edition.own", "这一稿是您起草的，应当由别人审核").mend("请联系本单位其他审核人员"),
        );
    }
    out
}

/// Why this actor may not release this edition now.
pub fn may_publish(actor: &Actor, e: &Edition) -> Vec<Refusal> {
    let mut out = Vec::new();
    if !matches!(e.state, State::Approved | State::Scheduled) {
        out.push(wrong_state(e, "发布"));
    }
    if wrote_it(actor, e) {
        out.push(
            Refusal::forbidden("edition.own", "这一稿是您起草的，应当由别人签发").mend("请联系本单位其他签发人员"),
        );
    }
    out
}

/// Why an edition may not be released at this time.
pub fn may_schedule(now: Timestamp, at: Timestamp) -> Vec<Refusal> {
    if at <= now {
        return vec![
            Refusal::invalid("publish.past", "定时发布的时间已经过去").at("at").mend("请选择以后的时间，或者立即发布"),
        ];
    }
    if at > now.plus_minutes(60 * 24 * 366) {
        return vec![Refusal::invalid("publish.far", "定时发布的时间在一年以后").at("at").mend("请核对年份")];
    }
    Vec::new()
}

/// Why a document may not be withdrawn now.
pub fn may_withdraw(live: Option<Id>, ground: &str, reason: &str) -> Vec<Refusal> {
    let mut out = Vec::new();
    if live.is_none() {
        out.push(
            Refusal::conflict("document.not_live", "这条信息没有公开，不需要撤回").mend("请刷新页面，查看它的最新状态"),
        );
    }
    if !super::model::GROUNDS.iter().any(|(c, _)| *c == ground) {
        out.push(Refusal::invalid("withdraw.ground", "请选择撤回理由").at("ground"));
    }
    if text::count(reason.trim()) < 4 {
        out.push(
            Refusal::invalid("withdraw.reason", "请写明撤回的具体情况")
                .at("text")
                .mend("至少四个字；只供内部查阅，不向公众显示"),
        );
    }
    out
}

/// What each act needs.
pub fn needs(act: &str) -> Permission {
    match act {
        "review" | "return" => Permission::DocumentReview,
        "publish" | "schedule" | "withdraw" => Permission::DocumentPublish,
        "read" => Permission::DocumentRead,
        _ => Permission::DocumentWrite,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use records::document::DateBasis;

    fn content() -> Content {
        Content {
            title: "关于供暖的公告".into(),
            body: "<p>十一月一日起供暖。</p>".into(),
            source: "市住建局".into(),
            ..Content::default()
        }
    }

    fn edition(state: State, author: i64) -> Edition {
        Edition {
            id: Id::from_i64(1),
            document: Id::from_i64(2),
            no: 1,
            state,
            content: content(),
            page_at: None,
            page_basis: DateBasis::Own,
            imported_on: None,
            created_by: "甲".into(),
            created_account: Some(Id::from_i64(author)),
            created_at: Timestamp(0),
            saved_at: Timestamp(0),
            publish_at: None,
            released_by: None,
            released_at: None,
            withdraw_ground: None,
            withdraw_reason: None,
        }
    }

    fn actor(id: i64) -> Actor {
        Actor { account: Some(Id::from_i64(id)), name: "乙".into(), grants: Vec::new(), system: false }
    }

    fn codes(r: &[Refusal]) -> Vec<&'static str> {
        r.iter().map(Refusal::code).collect()
    }

    #[test]
    fn a_whole_text_may_be_submitted_and_every_gap_is_told_at_once() {
        assert!(may_submit(&content(), 1).is_empty());
        assert_eq!(
            codes(&may_submit(&Content::default(), 0)),
            ["content.title_missing", "content.body_missing", "content.column_missing", "content.source_missing"]
        );
    }

    #[test]
    fn long_titles_bad_dates_and_marks_are_refused() {
        let c = Content {
            title: "长".repeat(10_000),
            body: "<p>机密★5年</p>".into(),
            written_on: Some("2026-02-30".into()),
            ..content()
        };
        assert_eq!(codes(&faults(&c)), ["content.title_long", "content.classified", "time.date"]);
        let c = Content { effective_on: Some("2026-02-02".into()), expires_on: Some("2026-02-01".into()), ..content() };
        assert_eq!(codes(&faults(&c)), ["content.dates"]);
    }

    #[test]
    fn nobody_reviews_or_releases_their_own() {
        assert_eq!(codes(&may_review(&actor(7), &edition(State::Submitted, 7))), ["edition.own"]);
        assert!(may_review(&actor(8), &edition(State::Submitted, 7)).is_empty());
        assert_eq!(codes(&may_publish(&actor(7), &edition(State::Approved, 7))), ["edition.own"]);
        assert!(may_publish(&actor(8), &edition(State::Scheduled, 7)).is_empty());
    }

    #[test]
    fn only_the_named_transitions_exist() {
        for state in State::ALL {
            let e = edition(state, 7);
            assert_eq!(may_edit(&e).is_empty(), matches!(state, State::Draft | State::Returned), "{state:?}");
            assert_eq!(may_review(&actor(8), &e).is_empty(), state == State::Submitted, "{state:?}");
            let publishable = matches!(state, State::Approved | State::Scheduled);
            assert_eq!(may_publish(&actor(8), &e).is_empty(), publishable, "{state:?}");
        }
    }

    #[test]
    fn withdrawing_needs_a_ground_and_a_reason() {
        assert_eq!(codes(&may_withdraw(None, "", "")), ["document.not_live", "withdraw.ground", "withdraw.reason"]);
        assert!(may_withdraw(Some(Id::from_i64(1)), "error", "金额写错一位").is_empty());
    }

    #[test]
    fn schedules_lie_ahead() {
        let now = Timestamp(1_000_000);
        assert_eq!(codes(&may_schedule(now, now)), ["publish.past"]);
        assert!(may_schedule(now, now.plus_minutes(5)).is_empty());
        assert_eq!(codes(&may_schedule(now, now.plus_minutes(60 * 24 * 400))), ["publish.far"]);
    }
}
