//! One site: whether it is complete, its domains, its life.

use axum::extract::{Path, RawQuery, State};
use kernel::code::SiteCode;
use kernel::{Permission, Refusal};
use records::organ;
use records::site::{self, Site, SiteStatus};
use serde_json::{Value, json};
use web::app::App;
use web::error::Outcome;
use web::form::Fields;
use web::staff::{Pages, Posted, Staff, redirect_with};

use super::super::{commands, queries, rules};
use super::list::documents_url;
use super::{crumbs, day, grouped, moment, seen, state};

fn verb(from: SiteStatus, to: SiteStatus) -> (&'static str, &'static str, &'static str) {
    match (from, to) {
        (_, SiteStatus::Planned) => ("退回筹建", "检测没有通过，或者要重新准备。", "quiet"),
        (_, SiteStatus::Tested) => ("登记检测通过", "上线前的安全检测已经合格。", ""),
        (_, SiteStatus::Registered) => ("登记备案完成", "域名、ICP 备案、公安备案和网站标识码都已取得。", ""),
        (SiteStatus::Paused, SiteStatus::Running) => ("恢复运行", "公众重新看到这个网站。", ""),
        (_, SiteStatus::Running) => ("开通运行", "公众从此可以看到这个网站。", ""),
        (_, SiteStatus::Paused) => ("临时下线", "须先经主管单位同意并在首页公告；一年一次，最长 30 天。", "warn"),
        (_, SiteStatus::Closed) => ("关停", "须先在首页公告并移交内容。关停以后不能恢复。", "warn"),
    }
}

fn finding(tone: &str, title: impl Into<String>, text: Option<String>, link: Option<(String, &str)>) -> Value {
    let (url, label) = link.map_or((None, None), |(u, l)| (Some(u), Some(l)));
    json!({ "tone": tone, "title": title.into(), "text": text, "url": url, "label": label })
}

async fn checks(
    tx: &mut impl platform::Read,
    s: &Site,
    edit: Option<&str>,
    empty: &[String],
) -> kernel::Result<(Vec<Value>, usize, usize)> {
    let to = |field: &str| edit.map(|e| (format!("{e}#f-{field}"), "去填写"));
    let (mut bad, mut warn, mut ok) = (Vec::new(), Vec::new(), Vec::new());
    let mut full = Vec::new();
    for (field, name, there) in rules::footer(&s.set) {
        if there {
            full.push(name);
        } else if field == "id_code" && !s.set.id_code.is_empty() {
            bad.push(finding("bad", "网站标识码的格式不对", Some(format!("现在是“{}”。", s.set.id_code)), to(field)));
        } else {
            bad.push(finding(
                "bad",
                format!("没有{name}"),
                Some("这是每一页页脚的必备要素（国办发〔2017〕47号）。".into()),
                to(field),
            ));
        }
    }
    if let Ok(code) = s.set.id_code.parse::<SiteCode>() {
        if queries::code_shared(tx, s.id, code.as_str()).await? {
            bad.push(finding(
                "bad",
                format!("网站标识码 {} 与另一个站点相同", code.as_str()),
                Some("一个网站一个标识码。".into()),
                to("id_code"),
            ));
        } else {
            let text = match code.kind() {
                kernel::code::SiteKind::Local(d) => format!("10 位，前 6 位是行政区划代码 {}。", d.as_str()),
                kernel::code::SiteKind::Central => "10 位，中央单位网站。".to_string(),
                kernel::code::SiteKind::Other => "10 位，其他网站。".to_string(),
            };
            ok.push(finding("ok", format!("网站标识码 {}", code.as_str()), Some(text), None));
        }
    }
    for (field, text) in rules::advice(s.kind, &s.set) {
        warn.push(finding("warn", text, None, to(field).map(|(u, _)| (u, "去核对"))));
    }
    if let Some(text) = rules::host_advice(s.kind, &s.domain) {
        warn.push(finding("warn", text, Some(format!("现在是 {}。", s.domain)), None));
    }
    if !empty.is_empty() {
        let shown: Vec<&str> = empty.iter().take(5).map(String::as_str).collect();
        let more = if empty.len() > 5 { "等" } else { "" };
        warn.push(finding(
            "warn",
            format!("{} 个栏目还没有内容", empty.len()),
            Some(format!("{}{more}：没有内容的栏目不应开设，请尽快补充或者关闭。", shown.join("、"))),
            Some((format!("/sites/{}/columns", s.id), "看栏目")),
        ));
    }
    if !full.is_empty() {
        ok.push(finding("ok", format!("{}齐全", full.join("、")), None, None));
    }
    let (b, w) = (bad.len(), warn.len());
    bad.extend(warn);
    bad.extend(ok);
    Ok((bad, b, w))
}

pub(super) async fn show(
    State(app): State<App>,
    staff: Staff,
    pages: Pages,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Outcome {
    let q = Fields::parse(query.unwrap_or_default().as_bytes());
    let mut tx = app.db.read().await?;
    let (s, writes) = seen(&mut tx, &staff, &id).await?;
    let owner = organ::get(&mut tx, s.organ).await?;
    let base = format!("/sites/{}", s.id);
    let edit = writes.then(|| format!("{base}/edit"));
    let columns = site::columns(&mut tx, s.id).await?;
    let placed = queries::column_figures(&mut tx, s.id).await?;
    let sum = |id| {
        rules::below(id, &columns)
            .iter()
            .filter_map(|c| placed.get(c))
            .fold((0, None), |(n, latest), (m, at)| (n + m, std::cmp::max(latest, *at)))
    };
    // A column without content of its own and without columns below it.
    let empty: Vec<String> = columns
        .iter()
        .filter(|c| c.open && !columns.iter().any(|o| o.parent == Some(c.id)) && !placed.contains_key(&c.id))
        .map(|c| c.name.clone())
        .collect();
    let tops: Vec<Value> = columns
        .iter()
        .filter(|c| c.parent.is_none())
        .map(|c| {
            let (n, latest) = sum(c.id);
            json!({
                "name": c.name, "url": if writes { json!(format!("/columns/{}/edit", c.id)) } else { Value::Null },
                "documents": grouped(n), "updated": day(latest), "state": super::columns::column_state(c, n),
            })
        })
        .collect();
    let (checks, bad, warn) = checks(&mut tx, &s, edit.as_deref(), &empty).await?;
    let figures = queries::figures(&mut tx).await?.get(&s.id).copied().unwrap_or_default();
    let submitted = queries::submitted(&mut tx, s.id).await?;
    let reads = staff.actor().may_somewhere(Permission::DocumentRead);
    let domains: Vec<Value> = site::domains(&mut tx)
        .await?
        .into_iter()
        .filter(|d| d.site == s.id)
        .map(|d| {
            json!({
                "name": d.host, "main": d.main, "use": if d.main { "主域名" } else { "转到主域名" },
                "text": if d.main { "页面和标签里用它" } else { "访问时自动转到主域名" },
            })
        })
        .collect();
    let mut steps: Vec<Value> = queries::steps(&mut tx, s.id)
        .await?
        .iter()
        .map(|p| {
            let label = SiteStatus::from_code(&p.to).map_or("建立", SiteStatus::label);
            json!({ "is": "done", "label": label, "who": p.who, "when": moment(Some(p.at)), "comment": null })
        })
        .collect();
    if let Some(last) = steps.last_mut().and_then(Value::as_object_mut) {
        last.insert("is".into(), json!("now"));
    }
    let stands = commands::standing(&mut tx, &s).await?;
    let (mut can, mut cannot) = (Vec::new(), Vec::new());
    let mut ask = Value::Null;
    if let Some(edit) = &edit {
        can.push(
            json!({ "label": "修改设置", "url": edit, "text": null, "post": false, "tone": "quiet", "fields": [] }),
        );
    }
    can.push(json!({ "label": if writes { "管理栏目" } else { "查看栏目" }, "url": format!("{base}/columns"), "text": null, "post": false, "tone": "quiet", "fields": [] }));
    if writes {
        for to in rules::next(s.status) {
            let (label, text, tone) = verb(s.status, *to);
            let why = rules::may_move(s.status, *to, &stands);
            if !why.is_empty() {
                let mut whys: Vec<&str> = why.iter().map(Refusal::what).collect();
                whys.dedup();
                cannot.push(json!({ "label": label, "why": format!("{}。", whys.join("；")) }));
                continue;
            }
            let fields = json!([{ "name": "to", "value": to.code() }]);
            // What takes a site from the public is asked twice.
            if matches!(to, SiteStatus::Closed | SiteStatus::Paused) {
                can.push(json!({ "label": label, "url": format!("{base}?ask={}", to.code()), "text": text, "post": false, "tone": tone, "fields": [] }));
                if q.get("ask") == to.code() {
                    ask = json!({
                        "title": format!("确认要{label}“{}”吗", s.set.name), "text": text, "cancel_url": base,
                        "act": { "label": format!("确认{label}"), "text": null, "url": format!("{base}/status"), "post": true, "tone": "warn", "fields": fields },
                    });
                }
            } else {
                can.push(json!({ "label": label, "url": format!("{base}/status"), "text": text, "post": true, "tone": tone, "fields": fields }));
            }
        }
        cannot.push(json!({ "label": "删除", "why": "站点不能删除；关停以后记录仍然保留。" }));
    }
    let fact = |label: &str, value: &str, url: Option<String>| json!({ "label": label, "value": if value.is_empty() { "没有填写" } else { value }, "url": url });
    let theme = rules::THEMES.iter().find(|(c, _)| *c == s.set.theme).map_or("", |(_, l)| l);
    let organ_url = staff.actor().may_somewhere(Permission::OrganRead).then(|| format!("/organs/{}", owner.id));
    let notice = match s.status {
        SiteStatus::Running => Value::Null,
        SiteStatus::Paused => {
            json!({ "tone": "warn", "title": "临时下线中", "text": "一年一次，最长 30 天，到期请恢复运行。", "url": null, "label": null })
        }
        SiteStatus::Closed => {
            json!({ "tone": "warn", "title": "这个站点已经关停", "text": null, "url": null, "label": null })
        }
        _ => {
            json!({ "tone": "info", "title": format!("这个站点是“{}”，还没有开通", s.status.label()), "text": "通过安全检测、取得备案和标识码之后才能开通。", "url": null, "label": null })
        }
    };
    let summary = match (bad, warn) {
        (0, 0) => "没有问题".to_string(),
        (b, 0) => format!("{b} 处要改"),
        (0, w) => format!("{w} 处请留意"),
        (b, w) => format!("{b} 处要改，{w} 处请留意"),
    };
    let context = json!({
        "title": s.set.name,
        "crumbs": crumbs(&[("站点", Some("/sites".into())), (&s.set.name, None)]),
        "site": { "name": s.set.name, "slug": s.slug, "kind": s.kind.label(), "state": state(s.status), "public_url": app.site_url(&s) },
        "notice": notice, "ask": ask,
        "figures": [
            { "label": "公开的信息", "value": grouped(figures.live), "url": documents_url(&staff, s.id), "note": null },
            { "label": "待审核", "value": grouped(submitted), "url": reads.then(|| format!("/documents?site={}&state=submitted", s.id)), "note": null },
            { "label": "开放的栏目", "value": grouped(figures.columns), "url": format!("{base}/columns"), "note": null },
            { "label": "空栏目", "value": empty.len().to_string(), "url": format!("{base}/columns"), "note": null },
        ],
        "checks_summary": summary, "checks": checks, "edit_url": edit,
        "facts": [
            fact("开办机关", &owner.name, organ_url), fact("主办单位", &s.set.sponsor, None),
            fact("承办单位", &s.set.operator, None), fact("联系电话", &s.set.phone, None),
            fact("接听时间", &s.set.hours, None), fact("地址", &s.set.address, None),
            fact("网站标识码", &s.set.id_code, None), fact("ICP 备案", &s.set.icp, None),
            fact("公安备案", &s.set.psb, None), fact("公安备案编码", &s.set.psb_code, None),
            fact("党政机关网站标识", &s.set.conac, None), fact("外观", theme, None),
            fact("全站灰色", if s.set.grey { "是" } else { "否" }, None),
        ],
        "domains": domains,
        "domains_url": writes.then(|| format!("{base}/domains")),
        "host": { "value": q.get("host"), "error": null },
        "columns_url": format!("{base}/columns"), "columns": tops, "steps": steps,
        "acts": { "can": can, "cannot": cannot },
    });
    drop(tx);
    Ok(pages.page("sites/staff/site.html", context).await)
}

pub(super) async fn status(State(app): State<App>, staff: Staff, Path(id): Path<String>, posted: Posted) -> Outcome {
    let id: kernel::Id = id.parse().map_err(|_| site::unknown())?;
    let to = SiteStatus::from_code(posted.fields.get("to"))
        .ok_or_else(|| Refusal::invalid("site.status", "没有这种状态").mend("请从站点页面的按钮操作"))?;
    let mut tx = app.db.write(&staff.ctx).await?;
    commands::change_status(&mut tx, id, to).await?;
    tx.commit().await?;
    Ok(redirect_with(&app, &format!("/sites/{id}"), "ok", &format!("站点现在是“{}”", to.label()), ""))
}

pub(super) async fn domains(State(app): State<App>, staff: Staff, Path(id): Path<String>, posted: Posted) -> Outcome {
    let id: kernel::Id = id.parse().map_err(|_| site::unknown())?;
    let back = format!("/sites/{id}");
    let host = posted.fields.get("host");
    let mut tx = app.db.write(&staff.ctx).await?;
    let done = match posted.fields.get("act") {
        "add" => commands::add_domain(&mut tx, id, host).await.map(|()| "域名已经添加"),
        "remove" => commands::remove_domain(&mut tx, id, host).await.map(|()| "域名已经移除"),
        "main" => commands::set_main_domain(&mut tx, id, host).await.map(|()| "主域名已经更换"),
        _ => Err(Refusal::invalid("domain.act", "没有这种操作").mend("请从站点页面的按钮操作")),
    };
    match done {
        Ok(title) => {
            tx.commit().await?;
            let s = site::get(&mut app.db.read().await?, id).await?;
            let advice =
                if posted.fields.get("act") == "remove" { None } else { rules::host_advice(s.kind, &s.domain) };
            Ok(redirect_with(
                &app,
                &back,
                if advice.is_some() { "warn" } else { "ok" },
                title,
                advice.unwrap_or_default(),
            ))
        }
        // Said on the page where it was typed, with what was typed.
        Err(r) if r.code().starts_with("domain.") => {
            let query: String = url::form_urlencoded::byte_serialize(host.as_bytes()).collect();
            Ok(redirect_with(
                &app,
                &format!("{back}?host={query}#f-host"),
                "bad",
                r.what(),
                r.how().unwrap_or_default(),
            ))
        }
        Err(r) => Err(r.into()),
    }
}
