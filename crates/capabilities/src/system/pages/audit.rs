//! The audit: reading, exporting and verifying the chain.

use axum::extract::{RawQuery, State};
use kernel::permission::Target;
use kernel::{Permission, Refusal};
use platform::audit::{Entry, Stored};
use serde_json::{Value, json};
use web::app::App;
use web::error::Outcome;
use web::form::{Fields, FormErrors};
use web::staff::{Pages, Posted, Staff, redirect_with};

use super::super::rules::{self, AuditFilter};
use super::super::{export, queries};
use super::{grouped, moment};

const PAGE: i64 = 50;
/// Most entries that one file holds.
const MOST: usize = 100_000;

fn filter(q: &Fields) -> (AuditFilter, FormErrors) {
    let mut errors = FormErrors::default();
    let mut f = AuditFilter { actor: q.get("actor").into(), action: q.get("action").into(), ..AuditFilter::default() };
    match rules::object(q.get("object")) {
        Ok((kind, id)) => (f.kind, f.object) = (kind, id),
        Err(r) => errors.refuse("对象", &r),
    }
    match rules::range(q.get("from"), q.get("until")) {
        Ok((from, until)) => (f.from, f.until) = (from, until),
        Err(r) => errors.refuse(if r.place() == Some("from") { "自" } else { "至" }, &r),
    }
    (f, errors)
}

fn query_of(q: &Fields, more: Option<i64>) -> String {
    let mut s = url::form_urlencoded::Serializer::new(String::new());
    for k in ["actor", "action", "object", "from", "until"] {
        if !q.get(k).is_empty() {
            s.append_pair(k, q.get(k));
        }
    }
    if let Some(before) = more {
        s.append_pair("before", &before.to_string());
    }
    let query = s.finish();
    if query.is_empty() { query } else { format!("?{query}") }
}

/// Outcome and details in one line: identities, codes and counts, as the entry holds them.
fn detail(e: &Stored) -> Option<String> {
    let mut parts = Vec::new();
    if e.outcome != "done" {
        parts.push(format!("未完成：{}", e.outcome));
    }
    if e.detail != "null" && e.detail != "{}" {
        parts.push(kernel::text::clip(&e.detail, 160));
    }
    (!parts.is_empty()).then(|| parts.join("　"))
}

fn object(e: &Stored) -> String {
    let kind = rules::kind_label(&e.object_kind);
    e.object_id.map_or_else(|| kind.clone(), |id| format!("{kind} {id}"))
}

async fn chain(tx: &mut impl platform::Read) -> kernel::Result<Value> {
    let (head, hash) = queries::chain_head(tx).await?;
    let last = queries::last_verification(tx).await?;
    let short = hash.split(':').next_back().map(|h| kernel::text::clip(h, 16)).unwrap_or_default();
    let (tone, title, text) = match &last {
        None => ("info", "审计链还没有核对过".to_string(), format!("现有 {} 条记录，请核对一次。", grouped(head))),
        Some(e) => {
            let d: Value = serde_json::from_str(&e.detail).unwrap_or(Value::Null);
            let checked = d.get("checked").and_then(Value::as_i64).unwrap_or(0);
            if e.outcome == "done" {
                ("ok", "审计链完整".to_string(), format!("上次核对了 {} 条，从第一条起逐条相符。", grouped(checked)))
            } else {
                let broken = d.get("broken").and_then(Value::as_str).unwrap_or("不相符").to_string();
                (
                    "bad",
                    format!("审计链断开：{broken}"),
                    "请保护现场，不要删除数据，立即报告安全保密管理员。".to_string(),
                )
            }
        }
    };
    Ok(json!({
        "tone": tone, "title": title, "text": text, "head": format!("{} / {short}", grouped(head)),
        "checked": moment(last.map(|e| e.at)), "verify_url": "/audit/verify",
    }))
}

pub(super) async fn list(State(app): State<App>, staff: Staff, pages: Pages, RawQuery(query): RawQuery) -> Outcome {
    let q = Fields::parse(query.unwrap_or_default().as_bytes());
    let (f, errors) = filter(&q);
    let before: Option<i64> = q.get("before").parse().ok();
    let mut tx = app.db.read().await?;
    let sites = queries::audit_sites(&mut tx, staff.actor()).await?;
    let mut found = if errors.is_empty() {
        queries::entries(&mut tx, sites.as_deref(), &f, before, PAGE + 1).await?
    } else {
        Vec::new()
    };
    let mut chain = chain(&mut tx).await?;
    if sites.is_some()
        && let Some(c) = chain.as_object_mut()
    {
        c.insert("verify_url".into(), Value::Null);
    }
    let (head, _) = queries::chain_head(&mut tx).await?;
    drop(tx);
    let more = found.len() as i64 > PAGE;
    found.truncate(PAGE as usize);
    let rows: Vec<Value> = found
        .iter()
        .map(|e| {
            json!({
                "n": grouped(e.seq), "when": moment(Some(e.at)), "who": e.actor, "action": rules::action_label(&e.action),
                "detail": detail(e), "object": object(e), "request": e.request,
                "hash": kernel::text::clip(e.hash.split(':').next_back().unwrap_or_default(), 10),
            })
        })
        .collect();
    let mut actions = vec![json!({ "value": "", "label": "全部", "hint": null })];
    actions.extend(rules::ACTIONS.iter().map(|(c, l)| json!({ "value": c, "label": l, "hint": null })));
    let filtered = !query_of(&q, None).is_empty();
    let mut action = errors.field(&q, "action");
    if let Some(a) = action.as_object_mut() {
        a.insert("options".into(), json!(actions));
    }
    let status = if errors.is_empty() { 200 } else { 422 };
    let context = json!({
        "title": "审计", "crumbs": [], "summary": format!("{} 条", grouped(head)),
        "export_url": format!("/audit.csv{}", query_of(&q, None)), "chain": chain,
        "form": {
            "action": "/audit", "errors": errors.0,
            "fields": {
                "actor": errors.field(&q, "actor"), "action": action, "object": errors.field(&q, "object"),
                "from": errors.field(&q, "from"), "until": errors.field(&q, "until"),
            },
        },
        "clear_url": filtered.then_some("/audit"), "rows": rows,
        "paging": {
            "text": null, "first": before.map(|_| format!("/audit{}", query_of(&q, None))), "prev": null,
            "next": found.last().filter(|_| more).map(|e| format!("/audit{}", query_of(&q, Some(e.seq)))),
        },
        "empty": {
            "icon": "shield", "title": "没有符合条件的记录", "text": "请放宽日期或者少选一个条件。",
            "url": filtered.then_some("/audit"), "label": filtered.then_some("清除条件"),
        },
    });
    Ok(pages.page_with(status, "system/staff/audit.html", context).await)
}

pub(super) async fn export(State(app): State<App>, staff: Staff, RawQuery(query): RawQuery) -> Outcome {
    let q = Fields::parse(query.unwrap_or_default().as_bytes());
    let (f, errors) = filter(&q);
    if let Some(e) = errors.0.first() {
        return Err(Refusal::invalid("audit.filter", format!("{}：{}", e.label, e.text))
            .mend("请回到审计页面改正条件")
            .into());
    }
    let mut tx = app.db.read().await?;
    let sites = queries::audit_sites(&mut tx, staff.actor()).await?;
    let (mut rows, mut before) = (Vec::new(), None);
    loop {
        let found = queries::entries(&mut tx, sites.as_deref(), &f, before, 2000).await?;
        before = found.last().map(|e| e.seq);
        for e in &found {
            rows.push(vec![
                e.seq.to_string(),
                e.at.second_text(),
                e.actor.clone(),
                e.account.map(|a| a.to_string()).unwrap_or_default(),
                e.action.clone(),
                rules::action_label(&e.action),
                e.object_kind.clone(),
                e.object_id.map(|a| a.to_string()).unwrap_or_default(),
                e.site_id.map(|a| a.to_string()).unwrap_or_default(),
                e.outcome.clone(),
                e.detail.clone(),
                e.request.clone(),
                e.hash.clone(),
            ]);
        }
        if rows.len() > MOST {
            return Err(Refusal::invalid("audit.large", format!("符合条件的记录超过 {MOST} 条"))
                .mend("请用日期分段导出")
                .into());
        }
        if found.len() < 2000 {
            break;
        }
    }
    drop(tx);
    let mut tx = app.db.write(&staff.ctx).await?;
    tx.audit(Entry::note("audit.export", "audit", "done").detail(json!({ "entries": rows.len() })));
    tx.commit().await?;
    let head = [
        "序号",
        "时间",
        "谁",
        "账号编号",
        "动作代码",
        "动作",
        "对象种类",
        "对象编号",
        "站点编号",
        "结果",
        "细节",
        "请求编号",
        "摘要",
    ];
    Ok(export::csv_response("audit.csv", &head, &rows)?)
}

pub(super) async fn verify(State(app): State<App>, staff: Staff, _: Posted) -> Outcome {
    staff.actor().check(Permission::AuditRead, &Target::City)?;
    let mut read = app.db.read().await?;
    let verdict = platform::audit::verify(&mut read, app.db.crypto(), |_| {}).await?;
    drop(read);
    let outcome = if verdict.broken.is_none() { "done" } else { "audit.broken" };
    let mut tx = app.db.write(&staff.ctx).await?;
    tx.audit(
        Entry::note("audit.verify", "audit", outcome)
            .detail(json!({ "checked": verdict.checked, "head": verdict.head, "broken": verdict.broken })),
    );
    tx.commit().await?;
    Ok(match verdict.broken {
        None => redirect_with(
            &app,
            "/audit",
            "ok",
            "审计链完整",
            &format!("核对了 {} 条，逐条相符。", grouped(verdict.checked)),
        ),
        Some(broken) => redirect_with(&app, "/audit", "bad", "审计链断开", &broken),
    })
}
