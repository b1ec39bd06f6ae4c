//! What people do to a document: submit, review, release, withdraw, relate.

use axum::extract::{Path, RawQuery, State};
use kernel::{Permission, Refusal, Timestamp, text};
use records::document::{self, State as Stage};
use records::site;
use serde_json::{Value, json};
use web::staff::{Pages, Posted, redirect_with};
use web::{App, Fields, FormErrors, Outcome, Staff};

use super::show::{self, Refused};
use super::{diff, kit};
use crate::content::commands;
use crate::content::model::GROUNDS;
use crate::content::queries::{self, Whole};
use crate::content::rules;

/// POST /documents/{id}/submit
pub async fn submit(State(app): State<App>, staff: Staff, Path(id): Path<String>, posted: Posted) -> Outcome {
    let id = kit::id(&id)?;
    let mut tx = kit::write(&app, &staff).await?;
    kit::unmoved(&mut tx, id, posted.fields.get("lock_version")).await?;
    commands::submit(&mut tx, id).await?;
    tx.commit().await?;
    Ok(redirect_with(&app, &format!("/documents/{id}"), "ok", "已提交审核", "审核期间不能再改；退回后可以继续修改"))
}

/// POST /documents/{id}/discard
pub async fn discard(State(app): State<App>, staff: Staff, Path(id): Path<String>, posted: Posted) -> Outcome {
    let id = kit::id(&id)?;
    let mut tx = kit::write(&app, &staff).await?;
    kit::unmoved(&mut tx, id, posted.fields.get("lock_version")).await?;
    commands::discard(&mut tx, id).await?;
    tx.commit().await?;
    Ok(redirect_with(&app, &format!("/documents/{id}"), "ok", "这一稿已作废", "它留在版本里，需要时可以恢复"))
}

/// POST /documents/{id}/revise
pub async fn revise(State(app): State<App>, staff: Staff, Path(id): Path<String>, posted: Posted) -> Outcome {
    let id = kit::id(&id)?;
    let mut tx = kit::write(&app, &staff).await?;
    kit::unmoved(&mut tx, id, posted.fields.get("lock_version")).await?;
    commands::revise(&mut tx, id).await?;
    tx.commit().await?;
    let text = "签发之前，公众看到的还是原来的内容";
    Ok(redirect_with(&app, &format!("/documents/{id}/edit"), "ok", "已开新稿", text))
}

/// POST /documents/{id}/editions/{no}/restore
pub async fn restore(
    State(app): State<App>,
    staff: Staff,
    Path((id, no)): Path<(String, String)>,
    posted: Posted,
) -> Outcome {
    let id = kit::id(&id)?;
    let mut tx = kit::write(&app, &staff).await?;
    kit::unmoved(&mut tx, id, posted.fields.get("lock_version")).await?;
    let unknown = || Refusal::not_found("edition.unknown", "没有这一稿").mend("请从版本列表重新选择");
    let no: i64 = no.parse().map_err(|_| unknown())?;
    let e = document::editions(&mut tx, id).await?.into_iter().find(|e| e.no == no).ok_or_else(unknown)?;
    commands::restore(&mut tx, id, e.id).await?;
    tx.commit().await?;
    let title = format!("已用第 {no} 稿的内容开新稿");
    Ok(redirect_with(&app, &format!("/documents/{id}/edit"), "ok", &title, "需要重新审核、签发"))
}

/// POST /documents/{id}/files/{attachment}/remove
pub async fn detach(
    State(app): State<App>,
    staff: Staff,
    Path((id, attachment)): Path<(String, String)>,
    _posted: Posted,
) -> Outcome {
    let id = kit::id(&id)?;
    let unknown = || Refusal::not_found("attachment.unknown", "这一稿没有这个附件").mend("请刷新页面，查看最新状态");
    let attachment = attachment.parse().map_err(|_| unknown())?;
    let mut tx = kit::write(&app, &staff).await?;
    let actor = staff.actor();
    let (d, _) = queries::readable(&mut tx, actor, id).await?;
    let there = match d.draft {
        Some(e) => document::attachments(&mut tx, &[e]).await?,
        None => Vec::new(),
    };
    if !there.iter().any(|a| a.id == attachment) {
        return Err(unknown().into());
    }
    commands::detach(&mut tx, id, attachment).await?;
    tx.commit().await?;
    Ok(redirect_with(&app, &format!("/documents/{id}#files"), "ok", "附件已移除", "以前各稿的附件不受影响"))
}

/// POST /documents/{id}/relations
pub async fn relate(
    State(app): State<App>,
    staff: Staff,
    pages: Pages,
    Path(id): Path<String>,
    posted: Posted,
) -> Outcome {
    let id = kit::id(&id)?;
    let (kind, to) = (posted.fields.get("kind").to_string(), posted.fields.get("to").to_string());
    let mut tx = kit::write(&app, &staff).await?;
    queries::readable(&mut tx, staff.actor(), id).await?;
    let done = match queries::named(&mut tx, staff.actor(), &to).await {
        Ok(other) => commands::relate(&mut tx, id, &kind, other).await,
        Err(r) => Err(r),
    };
    match done {
        Ok(()) => {
            tx.commit().await?;
            Ok(redirect_with(&app, &format!("/documents/{id}#relations"), "ok", "关联已登记", ""))
        }
        Err(r) if r.place().is_some() => {
            drop(tx);
            let to = text::clip(&to, 300);
            show::view(&app, &staff, &pages, id, None, Some(Refused { kind, to, refusal: r })).await
        }
        Err(r) => Err(r.into()),
    }
}

/// POST /documents/{id}/relations/remove
pub async fn unrelate(State(app): State<App>, staff: Staff, Path(id): Path<String>, posted: Posted) -> Outcome {
    let id = kit::id(&id)?;
    let unknown = || Refusal::not_found("relation.unknown", "没有这项关联").mend("请刷新页面，查看最新状态");
    let to = posted.fields.get("to").parse().map_err(|_| unknown())?;
    let kind = posted.fields.get("kind");
    let mut tx = kit::write(&app, &staff).await?;
    queries::readable(&mut tx, staff.actor(), id).await?;
    if !document::relations(&mut tx, &[id]).await?.iter().any(|r| r.from == id && r.to == to && r.kind == kind) {
        return Err(unknown().into());
    }
    commands::unrelate(&mut tx, id, kind, to).await?;
    tx.commit().await?;
    Ok(redirect_with(&app, &format!("/documents/{id}#relations"), "ok", "关联已取消", ""))
}

/// The document of a page that decides about it; whoever may not decide is told so.
async fn decided(app: &App, staff: &Staff, id: &str, what: Permission) -> Result<Whole, web::Failure> {
    let id = kit::id(id)?;
    let mut tx = kit::read(app).await?;
    let w = queries::whole(&mut tx, staff.actor(), id, None).await?;
    staff.actor().check(what, &w.target)?;
    Ok(w)
}

fn form(action: String, errors: &FormErrors, fields: Value) -> Value {
    json!({ "action": action, "errors": errors.0, "fields": fields })
}

/// GET /documents/{id}/review
pub async fn review_page(
    State(app): State<App>,
    staff: Staff,
    pages: Pages,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Outcome {
    let query = Fields::parse(query.unwrap_or_default().as_bytes());
    let w = decided(&app, &staff, &id, Permission::DocumentReview).await?;
    let context = review_context(&staff, &w, query.get("view"), &Fields::default(), &FormErrors::default());
    Ok(pages.page("content/staff/review.html", context).await)
}

fn review_context(staff: &Staff, w: &Whole, view: &str, fields: &Fields, errors: &FormErrors) -> Value {
    let id = w.document.id;
    let e = &w.shown;
    let before = w.before(e);
    let compared = before.map(|b| diff::compare(&kit::side_of(w, b), &kit::side_of(w, e)));
    let shows_diff = view == "diff" && compared.as_ref().is_some_and(|d| d.value.is_some());
    let url = format!("/documents/{id}/review");
    let mut tabs = vec![json!({ "name": "正文", "url": url, "count": null, "current": !shows_diff })];
    if let (Some(b), Some(d)) = (before, &compared)
        && d.value.is_some()
    {
        tabs.push(json!({
            "name": format!("与{}比较：{}", kit::edition_label(b), d.summary()),
            "url": format!("{url}?view=diff"), "count": null, "current": shows_diff,
        }));
    }
    let gaps = rules::may_submit(&e.content, w.columns(e.id).len());
    let mut checks = kit::findings(&gaps);
    if let Some(d) = &compared {
        let title = format!("和{}相比：{}", before.map(kit::edition_label).unwrap_or_default(), d.summary());
        checks.push(kit::finding("info", title, None));
    }
    if gaps.is_empty() {
        checks.push(kit::finding("ok", "标题、正文、栏目、来源齐全，没有国家秘密标志", None));
    }
    let why = match w.working() {
        Some(e) => rules::may_review(staff.actor(), e),
        None => vec![Refusal::conflict("edition.none", "这条信息没有正在办理的稿件")],
    };
    // What a reviewer has passed may still be sent back.
    let returns = why.is_empty() || w.working().is_some_and(|e| matches!(e.state, Stage::Approved | Stage::Scheduled));
    let submitted = w.steps.iter().rev().find(|s| s.edition == e.id && s.act == "submit");
    json!({
        "title": format!("审核：{}", kit::title_of(&e.content)),
        "crumbs": kit::crumbs(w, "审核"),
        "form": form(url, errors, json!({ "comment": errors.field(fields, "comment") })),
        "doc": {
            "title": kit::title_of(&e.content),
            "kind": w.document.kind.label(), "edition": kit::edition_label(e),
            "who": submitted.map_or(e.created_by.as_str(), |s| s.actor.as_str()),
            "when": kit::moment(submitted.map_or(e.saved_at, |s| s.at)),
            "submitted": submitted.is_some(),
            "body_html": web::html::clean(&e.content.body),
        },
        "due": null,
        "notice": null,
        "tabs": tabs,
        "view": if shows_diff { "diff" } else { "text" },
        "diff": compared.and_then(|d| d.value).filter(|_| shows_diff),
        "attachments": kit::files(id, &w.files(e.id), false),
        "lock_version": w.document.lock_version,
        "checks_summary": if gaps.is_empty() { "没有发现问题".to_string() } else { format!("{} 处要改", gaps.len()) },
        "checks": checks,
        "pass_label": why.is_empty().then_some("通过，送签发"),
        "return_label": returns.then_some("退回起草人"),
        "no_pass": (!why.is_empty()).then(|| kit::sentences(&why)),
        "steps": kit::steps(w),
        "facts": kit::facts(w, e),
    })
}

/// POST /documents/{id}/review
pub async fn review(
    State(app): State<App>,
    staff: Staff,
    pages: Pages,
    Path(id): Path<String>,
    posted: Posted,
) -> Outcome {
    let key = kit::id(&id)?;
    let f = &posted.fields;
    let mut tx = kit::write(&app, &staff).await?;
    kit::unmoved(&mut tx, key, f.get("lock_version")).await?;
    let long = text::count(f.get("comment")) > 1000;
    let done = match f.get("do") {
        _ if long => Err(Refusal::invalid("review.long", "意见超过 1000 个字").at("comment").mend("请缩短")),
        "pass" => commands::approve(&mut tx, key, f.get("comment")).await.map(|()| "审核已通过，等待签发"),
        "return" => commands::send_back(&mut tx, key, f.get("comment")).await.map(|()| "已退回起草人"),
        _ => Err(Refusal::invalid("review.do", "请选择通过或者退回").at("comment")),
    };
    match done {
        Ok(said) => {
            tx.commit().await?;
            Ok(redirect_with(&app, &format!("/documents/{key}"), "ok", said, ""))
        }
        Err(r) if r.place().is_some() => {
            drop(tx);
            let w = decided(&app, &staff, &id, Permission::DocumentReview).await?;
            let mut errors = FormErrors::default();
            errors.refuse("意见", &r);
            let context = review_context(&staff, &w, "text", f, &errors);
            Ok(pages.page_with(r.status(), "content/staff/review.html", context).await)
        }
        Err(r) => Err(r.into()),
    }
}

/// GET /documents/{id}/publish
pub async fn publish_page(State(app): State<App>, staff: Staff, pages: Pages, Path(id): Path<String>) -> Outcome {
    let w = decided(&app, &staff, &id, Permission::DocumentPublish).await?;
    let context = publish_context(&app, &staff, &w, &Fields::default(), &FormErrors::default()).await?;
    Ok(pages.page("content/staff/publish.html", context).await)
}

async fn publish_context(
    app: &App,
    staff: &Staff,
    w: &Whole,
    f: &Fields,
    errors: &FormErrors,
) -> kernel::Result<Value> {
    let id = w.document.id;
    let e = &w.shown;
    let mut why = match w.working() {
        Some(e) => rules::may_publish(staff.actor(), e),
        None => vec![Refusal::conflict("edition.none", "这条信息没有正在办理的稿件")],
    };
    why.extend(rules::may_submit(&e.content, w.columns(e.id).len()));
    // Each column's site must be the actor's to release on.
    let mut tx = kit::read(app).await?;
    let mut foreign: Vec<&str> = Vec::new();
    for p in w.columns(e.id) {
        let target = site::target(&mut tx, p.site).await?;
        if !staff.actor().may(Permission::DocumentPublish, &target) && !foreign.contains(&w.site_name(p.site)) {
            foreign.push(w.site_name(p.site));
        }
    }
    drop(tx);
    if !foreign.is_empty() {
        why.push(
            Refusal::forbidden("permission.denied", format!("您没有在“{}”发布信息的权限", foreign.join("”“")))
                .mend("请由有权限的人签发，或者去掉那里的栏目"),
        );
    }
    let mut checks = Vec::new();
    if let Some(s) = w.steps.iter().rev().find(|s| s.edition == e.id && s.act == "approve") {
        let comment = (!s.comment.is_empty()).then(|| s.comment.clone());
        checks.push(kit::finding("ok", format!("{} {} 审核通过", s.actor, s.at.minute_text()), comment));
    }
    if let Some(live) = w.live() {
        let text = "页面日期、地址和在列表中的位置不变，原来的一稿留在版本里。";
        checks.push(kit::finding("warn", format!("会替换公众正在看的{}", kit::edition_label(live)), Some(text.into())));
    }
    if let Some(at) = e.publish_at {
        checks.push(kit::finding("info", format!("现在定于 {} 自动发布", at.minute_text()), None));
    }
    if checks.is_empty() {
        checks.push(kit::finding("info", "还没有审核记录", None));
    }
    let mut seen = Vec::new();
    let placements: Vec<Value> = w
        .columns(e.id)
        .iter()
        .map(|p| {
            let main = !seen.contains(&p.site);
            seen.push(p.site);
            let path = w.address(p.site).map_or("地址在发布时生成", |a| a.path.as_str());
            json!({ "site": w.site_name(p.site), "column": p.name, "main": main, "path": path })
        })
        .collect();
    let when = if f.get("when") == "at" { "at" } else { "now" };
    Ok(json!({
        "title": format!("签发：{}", kit::title_of(&e.content)),
        "crumbs": kit::crumbs(w, "签发"),
        "form": form(format!("/documents/{id}/publish"), errors, json!({
            "when": { "value": when, "error": errors.of("when"), "options": [
                { "value": "now", "label": "马上发布", "hint": "页面、列表、订阅源和搜索随即更新" },
                { "value": "at", "label": "定时发布", "hint": "到时间自动发布，之前可以取消" },
            ] },
            "at": errors.field(f, "at"),
            "note": errors.field(f, "note"),
        })),
        "placements": placements,
        "blocked": kit::findings(&why),
        "lock_version": w.document.lock_version,
        "cancel_url": format!("/documents/{id}"),
        "checks": checks,
        "facts": kit::facts(w, e),
    }))
}

/// Reads `2026-11-22T09:30`, a moment in Asia/Shanghai.
fn moment(text: &str) -> kernel::Result<Timestamp> {
    let bad = || {
        Refusal::invalid("publish.at", "请填写定时发布的日期和时间").at("at").mend("例如 2026-11-22 09:30，北京时间")
    };
    let (day, clock) = text.split_once(['T', ' ']).ok_or_else(bad)?;
    let day = kernel::time::parse_date(day).map_err(|e| e.at("at"))?;
    let mut parts = clock.trim().split(':');
    let mut part = |max: u8| parts.next().and_then(|p| p.parse::<u8>().ok()).filter(|n| *n <= max);
    let (hour, minute) = (part(23).ok_or_else(bad)?, part(59).ok_or_else(bad)?);
    Ok(Timestamp::at(day, hour, minute))
}

/// POST /documents/{id}/publish
pub async fn publish(
    State(app): State<App>,
    staff: Staff,
    pages: Pages,
    Path(id): Path<String>,
    posted: Posted,
) -> Outcome {
    let key = kit::id(&id)?;
    let f = &posted.fields;
    let mut tx = kit::write(&app, &staff).await?;
    kit::unmoved(&mut tx, key, f.get("lock_version")).await?;
    let done = match f.get("when") {
        _ if text::count(f.get("note")) > 500 => {
            Err(Refusal::invalid("publish.note", "签发意见超过 500 个字").at("note").mend("请缩短"))
        }
        "now" => commands::publish(&mut tx, key, f.get("note")).await.map(|()| "已发布".to_string()),
        "at" => match moment(f.get("at")) {
            Ok(at) => commands::schedule(&mut tx, key, at, f.get("note"))
                .await
                .map(|()| format!("已定于 {} 发布", at.minute_text())),
            Err(r) => Err(r),
        },
        _ => Err(Refusal::invalid("publish.when", "请选择马上发布或者定时发布").at("when")),
    };
    match done {
        Ok(said) => {
            tx.commit().await?;
            Ok(redirect_with(&app, &format!("/documents/{key}"), "ok", &said, ""))
        }
        Err(r) if r.place().is_some_and(|p| matches!(p, "at" | "when" | "note")) => {
            drop(tx);
            let w = decided(&app, &staff, &id, Permission::DocumentPublish).await?;
            let mut errors = FormErrors::default();
            let label = match r.place() {
                Some("at") => "定时发布的时间",
                Some("note") => "签发意见",
                _ => "什么时候发布",
            };
            errors.refuse(label, &r);
            let context = publish_context(&app, &staff, &w, f, &errors).await?;
            Ok(pages.page_with(r.status(), "content/staff/publish.html", context).await)
        }
        Err(r) => Err(r.into()),
    }
}

/// POST /documents/{id}/unschedule
pub async fn unschedule(State(app): State<App>, staff: Staff, Path(id): Path<String>, posted: Posted) -> Outcome {
    let id = kit::id(&id)?;
    let mut tx = kit::write(&app, &staff).await?;
    kit::unmoved(&mut tx, id, posted.fields.get("lock_version")).await?;
    commands::unschedule(&mut tx, id).await?;
    tx.commit().await?;
    Ok(redirect_with(&app, &format!("/documents/{id}"), "ok", "已取消定时发布", "这一稿回到待发布"))
}

/// GET /documents/{id}/withdraw
pub async fn withdraw_page(State(app): State<App>, staff: Staff, pages: Pages, Path(id): Path<String>) -> Outcome {
    let w = decided(&app, &staff, &id, Permission::DocumentPublish).await?;
    if w.document.live.is_none() {
        let to = format!("/documents/{}", w.document.id);
        return Ok(redirect_with(&app, &to, "warn", "这条信息没有公开，不需要撤回", ""));
    }
    let context = withdraw_context(&app, &staff, &w, &Fields::default(), &FormErrors::default()).await?;
    Ok(pages.page("content/staff/withdraw.html", context).await)
}

async fn withdraw_context(
    app: &App,
    staff: &Staff,
    w: &Whole,
    f: &Fields,
    errors: &FormErrors,
) -> kernel::Result<Value> {
    let id = w.document.id;
    let mut tx = kit::read(app).await?;
    let related = queries::related(&mut tx, staff.actor(), id).await?;
    drop(tx);
    let mut addresses: Vec<Value> = show::all_addresses(w)
        .into_iter()
        .map(|(what, site, path)| json!({ "what": what, "path": format!("{site}　{path}") }))
        .collect();
    let mut columns: Vec<String> = Vec::new();
    for p in w.document.live.map(|e| w.columns(e)).unwrap_or_default() {
        columns.push(w.place_text(p));
    }
    addresses.push(json!({ "what": "列表和订阅源", "path": columns.join("；") }));
    addresses.push(json!({ "what": "其他", "path": "网站地图、搜索、数据导出" }));
    let mut effects: Vec<Value> = related
        .iter()
        .map(|r| {
            json!({
                "tone": "warn", "title": "有信息和它关联", "text": format!("《{}》的页面上不再列出它。", r.title),
                "url": r.opens.then(|| format!("/documents/{}", r.other)), "label": r.opens.then_some("看看"),
            })
        })
        .collect();
    if let Some(e) = w.working() {
        effects.push(kit::finding(
            "info",
            format!("{}还在办理", kit::edition_label(e)),
            Some("撤回不影响这一稿，签发后会重新公开。".into()),
        ));
    }
    let grounds: Vec<Value> = GROUNDS.iter().map(|(k, l)| json!({ "value": k, "label": l, "hint": null })).collect();
    Ok(json!({
        "title": format!("撤回：{}", kit::title_of(&w.shown.content)),
        "crumbs": kit::crumbs(w, "撤回"),
        "form": form(format!("/documents/{id}/withdraw"), errors, json!({
            "ground": { "value": f.get("ground"), "error": errors.of("ground"), "options": grounds },
            "text": errors.field(f, "text"),
            "sure": { "checked": f.ticked("sure"), "error": errors.of("sure") },
        })),
        "lock_version": w.document.lock_version,
        "cancel_url": format!("/documents/{id}"),
        "addresses": addresses,
        "effects": effects,
    }))
}

/// POST /documents/{id}/withdraw
pub async fn withdraw(
    State(app): State<App>,
    staff: Staff,
    pages: Pages,
    Path(id): Path<String>,
    posted: Posted,
) -> Outcome {
    let f = &posted.fields;
    let w = decided(&app, &staff, &id, Permission::DocumentPublish).await?;
    let key = w.document.id;
    let mut errors = FormErrors::default();
    let mut whole: Vec<Refusal> = Vec::new();
    for r in rules::may_withdraw(w.document.live, f.get("ground"), f.get("text")) {
        match r.place() {
            Some("ground") => errors.refuse("撤回理由", &r),
            Some(_) => errors.refuse("具体情况", &r),
            None => whole.push(r),
        }
    }
    if let Some(r) = whole.into_iter().next() {
        return Err(r.into());
    }
    if text::count(f.get("text")) > 500 {
        errors.add("text", "具体情况", "超过 500 个字", Some("请缩短"));
    }
    if !f.ticked("sure") {
        errors.add("sure", "确认", "请核对要停止的地址并打勾", None);
    }
    if !errors.is_empty() {
        let context = withdraw_context(&app, &staff, &w, f, &errors).await?;
        return Ok(pages.page_with(422, "content/staff/withdraw.html", context).await);
    }
    let mut tx = kit::write(&app, &staff).await?;
    kit::unmoved(&mut tx, key, f.get("lock_version")).await?;
    commands::withdraw(&mut tx, key, f.get("ground"), f.get("text")).await?;
    tx.commit().await?;
    Ok(redirect_with(
        &app,
        &format!("/documents/{key}"),
        "ok",
        "已撤回",
        "原地址显示“已撤回”，列表、附件和搜索随即停止",
    ))
}

#[cfg(test)]
mod tests {
    #[test]
    fn moments_are_those_of_the_legal_day() {
        assert_eq!(super::moment("2026-11-22T09:30").expect("moment").minute_text(), "2026-11-22 09:30");
        assert_eq!(super::moment("2026-11-22T09:30:00").expect("seconds").minute_text(), "2026-11-22 09:30");
        for bad in ["", "2026-11-22", "2026-02-30T09:30", "2026-11-22T25:00", "T", "2026-11-22T9"] {
            assert_eq!(super::moment(bad).expect_err(bad).place(), Some("at"), "{bad}");
        }
    }
}
