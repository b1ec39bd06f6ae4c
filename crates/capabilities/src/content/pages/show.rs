//! One document: its page, its editions, what differs between two of them, its files.

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use kernel::permission::denied;
use kernel::{Actor, Id, Permission, Refusal};
use records::document::{Edition, State as Stage};
use serde_json::{Value, json};
use web::staff::Pages;
use web::{App, Fields, Outcome, Staff};

use super::diff::compare as difference;
use super::kit::{self, May};
use crate::content::commands::attachment_path;
use crate::content::model::{RELATIONS, ground_label};
use crate::content::queries::{self, Related, Whole};
use crate::content::rules;

/// An act that is offered or, with its reasons, refused.
struct Act {
    label: String,
    text: &'static str,
    url: String,
    post: bool,
    tone: &'static str,
    why: Vec<Refusal>,
}

/// Everything that may be done to a document, or why not.
fn acts(actor: &Actor, w: &Whole) -> Value {
    let may = kit::may(actor, w);
    let id = w.document.id;
    let (working, live) = (w.working(), w.live());
    let none = || Refusal::conflict("edition.none", "这条信息没有正在办理的稿件").mend("先修改或者恢复一稿");
    let want = |held: bool, what: Permission| if held { Vec::new() } else { vec![denied(what)] };
    let mut all: Vec<Act> = Vec::new();
    let mut add = |label: &str, text: &'static str, path: &str, post: bool, tone: &'static str, why: Vec<Refusal>| {
        all.push(Act { label: label.into(), text, url: format!("/documents/{id}/{path}"), post, tone, why });
    };
    let columns = working.map_or(0, |e| w.columns(e.id).len());
    match working {
        Some(e) => {
            let mut why = want(may.write, Permission::DocumentWrite);
            why.extend(rules::may_edit(e));
            let editable = why.is_empty();
            let mut ready = why.clone();
            ready.extend(rules::may_submit(&e.content, columns));
            if e.state.editable() {
                add("提交审核", "交给审核人员，期间不能再改。", "submit", true, "", ready);
            }
            add("修改", "在这一稿上继续写。", "edit", false, "quiet", why);
            if editable {
                add("作废这一稿", "稿子留在版本里，不影响公开的内容。", "discard", true, "warn", Vec::new());
            }
        }
        None if live.is_some() => {
            let why = want(may.write, Permission::DocumentWrite);
            add("修订", "用公开的内容开一个新稿，审核签发后替换。", "revise", true, "quiet", why);
        }
        None => {
            let why = want(may.write, Permission::DocumentWrite);
            add("恢复一稿", "从版本里选一稿重新办理。", "history", false, "quiet", why);
        }
    }
    let mut why = want(may.review, Permission::DocumentReview);
    match working {
        Some(e) => why.extend(rules::may_review(actor, e)),
        None => why.push(none()),
    }
    add("审核", "看正文和改动，通过或者退回。", "review", false, "", why);
    if let Some(e) = working.filter(|e| matches!(e.state, Stage::Approved | Stage::Scheduled)) {
        if may.review {
            add("退回", "审核已经通过，但还需要修改的，退给起草人。", "review", false, "quiet", Vec::new());
        }
        if e.state == Stage::Scheduled {
            let why = want(may.publish, Permission::DocumentPublish);
            add("取消定时发布", "回到待发布，等候重新签发。", "unschedule", true, "quiet", why);
        }
    }
    let mut why = want(may.publish, Permission::DocumentPublish);
    match working {
        Some(e) => {
            why.extend(rules::may_publish(actor, e));
            why.extend(rules::may_submit(&e.content, columns));
        }
        None => why.push(none()),
    }
    add("签发", "马上发布，或者定一个时间。", "publish", false, "", why);
    let mut why = want(may.publish, Permission::DocumentPublish);
    if live.is_none() {
        why.push(Refusal::conflict("document.not_live", "这条信息没有公开，不需要撤回"));
    }
    add("撤回", "页面、列表、附件和搜索一起停止。", "withdraw", false, "warn", why);
    let lock = json!([{ "name": "lock_version", "value": w.document.lock_version }]);
    let (can, cannot): (Vec<Act>, Vec<Act>) = all.into_iter().partition(|a| a.why.is_empty());
    json!({
        "can": can.iter().map(|a| json!({
            "label": a.label, "text": a.text, "url": a.url, "post": a.post, "tone": a.tone, "fields": lock,
        })).collect::<Vec<_>>(),
        "cannot": cannot.iter().map(|a| json!({ "label": a.label, "why": kit::sentences(&a.why) })).collect::<Vec<_>>(),
    })
}

/// A fact about the whole document that its page opens with.
fn notice(w: &Whole, asked: bool) -> Value {
    let id = w.document.id;
    let e = &w.shown;
    if asked {
        let current = w.document.draft.or(w.document.live) == Some(e.id);
        if !current {
            return json!({
                "tone": "info", "title": format!("您看的是{}", kit::edition_label(e)),
                "text": "这不是现在办理或者公开的一稿。", "url": format!("/documents/{id}"), "label": "看现在的",
            });
        }
    }
    if let (None, None, Some(at)) = (w.document.live, w.document.draft, w.document.withdrawn_at) {
        let e = w.editions.iter().find(|e| e.withdraw_ground.is_some());
        let ground = e.and_then(|e| e.withdraw_ground.as_deref()).map_or("其他原因", ground_label);
        let reason = e.and_then(|e| e.withdraw_reason.clone()).unwrap_or_default();
        return json!({
            "tone": "warn", "title": format!("已撤回：{ground}"),
            "text": format!("{}　{reason}（具体情况只供内部查阅）", at.minute_text()), "url": null, "label": null,
        });
    }
    match (w.live(), w.working()) {
        (Some(l), Some(d)) => json!({
            "tone": "info",
            "title": format!("公众现在看到的是{}，{}{}", kit::edition_label(l), kit::edition_label(d), match d.state {
                Stage::Draft => "还没有提交",
                Stage::Returned => "被退回修改",
                Stage::Submitted => "正在审核",
                Stage::Approved => "等待签发",
                _ => "等待定时发布",
            }),
            "text": null, "url": format!("/documents/{id}/diff?a={}&b={}", l.no, d.no), "label": "比较两稿",
        }),
        _ => Value::Null,
    }
}

/// Where the shown edition stands or will stand.
fn placements(app: &App, w: &Whole) -> Vec<Value> {
    let e = &w.shown;
    let mut seen = Vec::new();
    w.columns(e.id)
        .iter()
        .map(|p| {
            let main = !seen.contains(&p.site);
            seen.push(p.site);
            let placed = w.placements.iter().find(|x| x.column == p.column);
            let address = w.address(p.site);
            let url = match (placed, address, w.sites.get(&p.site)) {
                (Some(_), Some(a), Some(site)) => Some(format!("{}{}", app.site_url(site), a.path)),
                _ => None,
            };
            let state = match (placed.is_some(), w.document.withdrawn_at.is_some() && w.document.live.is_none()) {
                (true, _) => kit::stage(Stage::Published),
                (false, true) => kit::stage(Stage::Withdrawn),
                (false, false) => json!({ "tone": "mute", "icon": "clock", "text": "签发后公开" }),
            };
            json!({
                "site": w.site_name(p.site), "column": p.name, "main": main, "state": state, "url": url,
                "path": address.map_or("发布时生成", |a| a.path.as_str()),
                "when": placed.map(|x| kit::moment(x.sort_at)),
            })
        })
        .collect()
}

fn relations(w: &Whole, all: &[Related], may: May) -> Vec<Value> {
    all.iter()
        .map(|r| {
            let ours = r.relation.from == w.document.id;
            let how = RELATIONS
                .iter()
                .find(|(k, _, _)| *k == r.relation.kind)
                .map_or("相关信息", |(_, there, back)| if ours { there } else { back });
            json!({
                "how": how, "title": r.title, "url": r.opens.then(|| format!("/documents/{}", r.other)),
                "number": (!r.number.is_empty()).then_some(&r.number),
                "when": r.day.map(kit::moment),
                "remove": (ours && may.write).then(|| json!({ "kind": r.relation.kind, "to": r.other.to_string() })),
            })
        })
        .collect()
}

/// How an edition differs from the one before it.
fn changed(w: &Whole, e: &Edition) -> (String, Option<String>) {
    if w.steps.iter().any(|s| s.edition == e.id && s.act == "import") {
        return ("从原系统迁移".into(), None);
    }
    let Some(before) = w.editions.iter().find(|o| o.no < e.no) else { return ("起草".into(), None) };
    let d = difference(&kit::side_of(w, before), &kit::side_of(w, e));
    (d.summary(), Some(format!("/documents/{}/diff?a={}&b={}", w.document.id, before.no, e.no)))
}

/// Editions whose changes are counted on one page; older ones only link to the comparison.
const COUNTED: usize = 12;

fn editions(w: &Whole) -> Vec<Value> {
    w.editions
        .iter()
        .enumerate()
        .map(|(i, e)| {
            let (what, diff) = if i < COUNTED { changed(w, e) } else { ("较早的一稿".into(), None) };
            json!({
                "n": e.no,
                "label": kit::edition_label(e),
                "url": format!("/documents/{}/editions/{}", w.document.id, e.no),
                "who": e.created_by, "what": what, "diff_url": diff,
                "when": kit::moment(e.saved_at), "state": kit::stage(e.state), "current": e.id == w.shown.id,
            })
        })
        .collect()
}

/// GET /documents/{id}
pub async fn page(State(app): State<App>, staff: Staff, pages: Pages, Path(id): Path<String>) -> Outcome {
    view(&app, &staff, &pages, kit::id(&id)?, None, None).await
}

/// GET /documents/{id}/editions/{no}
pub async fn edition(
    State(app): State<App>,
    staff: Staff,
    pages: Pages,
    Path((id, no)): Path<(String, String)>,
) -> Outcome {
    let no = no.parse().map_err(|_| Refusal::not_found("edition.unknown", "没有这一稿"))?;
    view(&app, &staff, &pages, kit::id(&id)?, Some(no), None).await
}

/// What was typed into the form for a new relation, and why it was refused.
pub(super) struct Refused {
    pub kind: String,
    pub to: String,
    pub refusal: Refusal,
}

/// The page of a document.
pub(super) async fn view(
    app: &App,
    staff: &Staff,
    pages: &Pages,
    id: Id,
    no: Option<i64>,
    refused: Option<Refused>,
) -> Outcome {
    let mut tx = kit::read(app).await?;
    let w = queries::whole(&mut tx, staff.actor(), id, no).await?;
    let related = queries::related(&mut tx, staff.actor(), id).await?;
    drop(tx);
    let may = kit::may(staff.actor(), &w);
    let e = &w.shown;
    let editable = w.working().is_some_and(|d| d.id == e.id && d.state.editable()) && may.write;
    let title = kit::title_of(&e.content);
    let mut errors = web::FormErrors::default();
    if let Some(r) = &refused {
        errors.refuse("关联", &r.refusal);
    }
    let relation = may.write.then(|| {
        let options: Vec<Value> =
            RELATIONS.iter().map(|(k, label, _)| json!({ "value": k, "label": label, "hint": null })).collect();
        let kind = refused.as_ref().map_or("interprets", |r| r.kind.as_str());
        json!({
            "action": format!("/documents/{id}/relations"),
            "remove": format!("/documents/{id}/relations/remove"),
            "kind": { "value": kind, "error": errors.of("kind"), "options": options },
            "to": { "value": refused.as_ref().map_or("", |r| r.to.as_str()), "error": errors.of("to") },
        })
    });
    let home = w.columns(e.id).first();
    let context = json!({
        "title": title,
        "crumbs": [
            { "name": "信息", "url": "/documents" },
            {
                "name": home.map_or_else(|| w.site_name(w.document.site).to_string(), |p| w.place_text(p)),
                "url": format!("/documents?site={}", w.site.slug),
            },
            { "name": kernel::text::clip(&title, 30), "url": null },
        ],
        "form": { "errors": errors.0 },
        "doc": {
            "title": title, "kind": w.document.kind.label(),
            "number": (!e.content.number.is_empty()).then_some(&e.content.number),
            "edition": kit::edition_label(e), "who": e.created_by, "when": kit::moment(e.saved_at),
            "state": kit::stage(e.state), "body_html": web::html::clean(&e.content.body),
        },
        "notice": notice(&w, no.is_some()),
        "placements": placements(app, &w),
        "attach_url": editable.then(|| format!("/documents/{id}/edit#f-files")),
        "attachments": kit::files(id, &w.files(e.id), editable),
        "relations": relations(&w, &related, may),
        "relation": relation,
        "history_url": format!("/documents/{id}/history"),
        "editions": editions(&w),
        "acts": acts(staff.actor(), &w),
        "steps": kit::steps(&w),
        "facts": kit::facts(&w, e),
        "lock_version": w.document.lock_version,
    });
    let status = refused.map_or(200, |r| r.refusal.status());
    Ok(pages.page_with(status, "content/staff/document.html", context).await)
}

/// GET /documents/{id}/history
pub async fn history(State(app): State<App>, staff: Staff, pages: Pages, Path(id): Path<String>) -> Outcome {
    let id = kit::id(&id)?;
    let mut tx = kit::read(&app).await?;
    let w = queries::whole(&mut tx, staff.actor(), id, None).await?;
    drop(tx);
    let writes = kit::may(staff.actor(), &w).write;
    let free = w.document.draft.is_none();
    let newest = w.editions.first().map(|e| e.no);
    let before = w.editions.first().and_then(|e| w.before(e)).map(|e| e.no);
    let rows: Vec<Value> = editions(&w)
        .into_iter()
        .zip(&w.editions)
        .map(|(mut v, e)| {
            let restores = writes && free && w.document.live != Some(e.id);
            if let Some(o) = v.as_object_mut() {
                o.insert("a".into(), json!(Some(e.no) == before));
                o.insert("b".into(), json!(Some(e.no) == newest));
                o.insert("restore_id".into(), json!(restores.then(|| format!("restore-{}", e.no))));
                let url = restores.then(|| format!("/documents/{id}/editions/{}/restore", e.no));
                o.insert("restore_url".into(), json!(url));
            }
            v
        })
        .collect();
    let blocked = (writes && !free).then_some("已有一稿正在办理，办完或者作废之后才能恢复别的稿子。");
    Ok(pages
        .page(
            "content/staff/history.html",
            json!({
                "title": format!("版本：{}", kit::title_of(&w.shown.content)),
                "crumbs": kit::crumbs(&w, "版本"),
                "compare_url": format!("/documents/{id}/diff"),
                "back_url": format!("/documents/{id}"),
                "lock_version": w.document.lock_version,
                "blocked": blocked,
                "rows": rows,
            }),
        )
        .await)
}

/// GET /documents/{id}/diff?a=&b=
pub async fn compare(
    State(app): State<App>,
    staff: Staff,
    pages: Pages,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Outcome {
    let id = kit::id(&id)?;
    let query = Fields::parse(query.unwrap_or_default().as_bytes());
    let mut tx = kit::read(&app).await?;
    let w = queries::whole(&mut tx, staff.actor(), id, None).await?;
    drop(tx);
    let chosen = |key: &str| query.get(key).parse::<i64>().ok().and_then(|no| w.numbered(no));
    let (Some(a), Some(b)) = (chosen("a"), chosen("b")) else {
        return Err(Refusal::not_found("edition.unknown", "没有选中两稿").mend("请从版本列表选择旧稿和新稿").into());
    };
    let d = difference(&kit::side_of(&w, a), &kit::side_of(&w, b));
    let end = |e: &Edition| {
        json!({
            "label": kit::edition_label(e), "url": format!("/documents/{id}/editions/{}", e.no),
            "who": e.created_by, "when": kit::moment(e.saved_at),
        })
    };
    Ok(pages
        .page(
            "content/staff/diff.html",
            json!({
                "title": format!("{}和{}：{}", kit::edition_label(a), kit::edition_label(b), kit::title_of(&b.content)),
                "crumbs": kit::crumbs(&w, "比较"),
                "history_url": format!("/documents/{id}/history"),
                "summary": d.summary(),
                "diff": d.value,
                "empty": { "icon": "compare", "title": "两稿内容相同", "text": "正文和各项都没有改动。", "url": null, "label": null },
                "from": end(a),
                "to": end(b),
            }),
        )
        .await)
}

/// A header value that names a file in any script (RFC 6266, RFC 5987).
fn attachment_header(name: &str, extension: &str) -> HeaderValue {
    let mut star = String::new();
    for b in name.bytes() {
        if b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_') {
            star.push(char::from(b));
        } else {
            star.push_str(&format!("%{b:02X}"));
        }
    }
    HeaderValue::from_str(&format!("attachment; filename=\"attachment.{extension}\"; filename*=UTF-8''{star}"))
        .unwrap_or(HeaderValue::from_static("attachment"))
}

/// GET /documents/{id}/files/{attachment}
pub async fn file(State(app): State<App>, staff: Staff, Path((id, attachment)): Path<(String, String)>) -> Outcome {
    let unknown = || Refusal::not_found("attachment.unknown", "没有这个附件").mend("请从信息页面重新进入");
    let attachment: Id = attachment.parse().map_err(|_| unknown())?;
    let mut tx = kit::read(&app).await?;
    let w = queries::whole(&mut tx, staff.actor(), kit::id(&id)?, None).await?;
    drop(tx);
    let a = w.attachments.into_iter().find(|a| a.id == attachment).ok_or_else(unknown)?;
    let (originals, hash) = (app.originals.clone(), a.original.clone());
    let bytes = tokio::task::spawn_blocking(move || originals.get(&hash))
        .await
        .map_err(|e| Refusal::internal("original.read", e))??;
    let media = HeaderValue::from_str(&a.media).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let named = attachment_header(&a.name, &a.extension);
    Ok(([(header::CONTENT_TYPE, media), (header::CONTENT_DISPOSITION, named)], bytes).into_response())
}

/// Every present address of a document, files included: `(what, site name, path)`.
pub(super) fn all_addresses(w: &Whole) -> Vec<(&'static str, String, String)> {
    let mut out = Vec::new();
    let files = w.document.live.map(|e| w.files(e)).unwrap_or_default();
    for a in &w.addresses {
        let site = w.site_name(a.site).to_string();
        if !w.placements.iter().any(|p| p.site == a.site) {
            continue;
        }
        out.push((if a.current { "正文" } else { "旧地址" }, site.clone(), a.path.clone()));
        out.extend(files.iter().map(|f| ("附件", site.clone(), attachment_path(&a.path, f))));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_cannot_break_the_header() {
        let h = attachment_header("申请表\"\r\nX: y.docx", "docx");
        let text = h.to_str().expect("ascii");
        assert!(!text.contains('\n') && text.contains("%E7%94%B3"), "{text}");
    }
}
