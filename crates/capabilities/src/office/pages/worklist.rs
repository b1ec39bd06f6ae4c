//! 待办: what waits for this person.

use axum::extract::{RawQuery, State};
use kernel::{Id, Permission, Result, Timestamp};
use platform::Read;
use records::document::{self, Filter, Line, State as Stage};
use records::site;
use serde_json::{Value, json};
use web::App;
use web::error::Outcome;
use web::form::Fields;
use web::staff::{Pages, Route, Staff};

use super::one_page;

/// Most rows of one kind on the page.
const MOST: i64 = 200;

/// Routes with what they need.
pub fn routes() -> Vec<Route> {
    vec![Route::get("/worklist", Permission::Work, show)]
}

/// One kind of waiting: code, tab, word in the list, what to do next, where.
struct Pile {
    code: &'static str,
    tab: &'static str,
    kind: &'static str,
    next: &'static str,
    path: &'static str,
    filter: Filter,
}

async fn piles(tx: &mut impl Read, staff: &Staff) -> Result<Vec<Pile>> {
    let me = staff.account.id;
    let mut out = Vec::new();
    for (what, code, tab, kind, next, path, stage, own) in [
        (Permission::DocumentWrite, "returned", "退回给我的", "退回", "修改", "/edit", Stage::Returned, true),
        (Permission::DocumentReview, "review", "待我审核", "审核", "审核", "/review", Stage::Submitted, false),
        (Permission::DocumentPublish, "release", "待发布", "签发", "发布", "/publish", Stage::Approved, false),
        (Permission::DocumentPublish, "scheduled", "定时发布", "定时", "查看", "", Stage::Scheduled, false),
        (Permission::DocumentWrite, "drafts", "我的草稿", "草稿", "继续写", "/edit", Stage::Draft, true),
    ] {
        if !staff.actor().may_somewhere(what) {
            continue;
        }
        let sites: Vec<Id> = site::allowed(tx, staff.actor(), what).await?.into_iter().map(|s| s.id).collect();
        // Nobody reviews or releases what they wrote; what is timed already is shown to whoever may stop it.
        let others = !own && stage != Stage::Scheduled;
        let filter = Filter {
            sites,
            states: vec![stage],
            account: own.then_some(me),
            not_account: others.then_some(me),
            ..Filter::default()
        };
        out.push(Pile { code, tab, kind, next, path, filter });
    }
    Ok(out)
}

/// How long something has waited, in words.
fn waited(since: Timestamp, now: Timestamp) -> String {
    match now.day().to_julian_day() - since.day().to_julian_day() {
        ..=0 => "今天".into(),
        1 => "昨天起".into(),
        n => format!("已等 {n} 天"),
    }
}

fn row(p: &Pile, l: &Line, note: Option<String>, now: Timestamp) -> Value {
    let wait = match l.publish_at {
        Some(at) if l.state == Stage::Scheduled => format!("{} 发布", at.minute_text()),
        _ => waited(l.saved_at, now),
    };
    let name = if l.title.is_empty() { "（还没有标题）" } else { l.title.as_str() };
    json!({
        "wait": wait, "kind": p.kind, "name": name, "note": note,
        "url": format!("/documents/{}", l.document),
        "who": l.created_by, "state": l.state.label(),
        "next": { "label": p.next, "url": format!("/documents/{}{}", l.document, p.path) },
    })
}

/// What may be done behind an entry of the menu, in a sentence.
fn door(url: &str) -> &'static str {
    match url {
        "/organs" => "机关和它们的沿革：设立、改名、并入、分设、撤销。",
        "/users" => "账号、角色和登录状态。",
        "/sites" => "站点设置和栏目。",
        "/documents" => "查找和查看信息。",
        "/calendar" => "放假安排和工作日。",
        "/indicators" => "各单位的数字和它们背后的记录。",
        _ => "",
    }
}

async fn show(State(app): State<App>, staff: Staff, pages: Pages, RawQuery(raw): RawQuery) -> Outcome {
    let query = Fields::parse(raw.unwrap_or_default().as_bytes());
    let now = staff.ctx.now;
    let mut tx = app.db.read().await?;
    let piles = piles(&mut tx, &staff).await?;
    let wanted = query.get("tab");
    let wanted = piles.iter().find(|p| p.code == wanted).map(|p| p.code);
    let mut tabs = Vec::new();
    let mut found: Vec<(Timestamp, Value)> = Vec::new();
    let (mut total, mut shown) = (0, 0);
    for p in &piles {
        let n = document::count(&mut tx, &p.filter).await?;
        total += n;
        tabs.push(json!({
            "name": p.tab, "url": format!("/worklist?tab={}", p.code), "count": n, "current": wanted == Some(p.code),
        }));
        if n == 0 || wanted.is_some_and(|w| w != p.code) {
            continue;
        }
        shown += n;
        for l in document::list(&mut tx, &p.filter, MOST).await? {
            let note = match l.state {
                Stage::Returned => last_words(&mut tx, &l).await?,
                _ => None,
            };
            found.push((l.saved_at, row(p, &l, note, now)));
        }
    }
    drop(tx);
    found.sort_by_key(|(at, _)| *at);
    let more = shown - found.len() as i64;
    let text = (more > 0).then(|| format!("每类最多显示最近的 {MOST} 件，还有 {more} 件没有列出，请到信息列表里查找"));
    let actor = staff.actor();
    let doors: Vec<Value> = crate::menu()
        .into_iter()
        .filter(|m| m.group != "我的" && actor.may_somewhere(m.needs))
        .map(|m| json!({ "url": m.url, "name": m.name, "text": door(m.url) }))
        .collect();
    let works = !piles.is_empty();
    if works {
        tabs.insert(0, json!({ "name": "全部", "url": "/worklist", "count": total, "current": wanted.is_none() }));
    }
    let create =
        actor.may_somewhere(Permission::DocumentWrite).then(|| json!({ "url": "/documents/new", "label": "起草信息" }));
    let empty = if works {
        json!({
            "icon": "inbox", "title": "现在没有待办", "text": "别人提交给您审核、退回给您修改的信息会出现在这里。",
            "url": create.as_ref().map(|_| "/documents/new"), "label": create.as_ref().map(|_| "起草信息"),
        })
    } else {
        json!({
            "icon": "inbox", "title": "您的角色不办理信息", "text": "起草、审核、发布由业务角色办理；您可以做的事列在下面。",
            "url": null, "label": null,
        })
    };
    let context = json!({
        "title": "待办",
        "crumbs": [],
        "summary": if works { format!("{total} 件") } else { String::new() },
        "create": create,
        "tabs": tabs,
        "rows": found.into_iter().map(|(_, r)| r).collect::<Vec<Value>>(),
        "paging": one_page(text),
        "empty": empty,
        "doors_title": "您可以做的事",
        "doors": if works { Vec::new() } else { doors },
    });
    Ok(pages.page("office/staff/worklist.html", context).await)
}

/// Who sent an edition back, and why.
async fn last_words(tx: &mut impl Read, l: &Line) -> Result<Option<String>> {
    let steps = document::steps(tx, l.document).await?;
    let last = steps.iter().filter(|s| s.edition == l.edition && s.act == "return").max_by_key(|s| s.at);
    Ok(last.map(|s| format!("{}：{}", s.actor, kernel::text::clip(&s.comment, 80))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_counted_in_legal_days() {
        let day = |s: &str| kernel::time::parse_date(s).expect("day");
        let now = Timestamp::at(day("2026-11-22"), 0, 5);
        assert_eq!(waited(Timestamp::at(day("2026-11-22"), 0, 1), now), "今天");
        assert_eq!(waited(Timestamp::at(day("2026-11-21"), 23, 59), now), "昨天起");
        assert_eq!(waited(Timestamp::at(day("2026-11-12"), 23, 59), now), "已等 10 天");
    }
}
