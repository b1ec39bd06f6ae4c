//! Founding a site and changing its settings.

use axum::extract::{Path, State};
use kernel::{Id, Permission, Refusal, Result};
use records::organ::{self, Organ};
use records::site::{self, SiteKind, SiteSettings, SiteStatus};
use serde_json::{Value, json};
use web::app::App;
use web::error::Outcome;
use web::form::{Fields, FormErrors};
use web::staff::{Pages, Posted, Staff, redirect_with};

use super::super::{commands, queries, rules};
use super::{choice, crumbs, grouped, seen};

/// Fields of settings: name and what the page calls it.
const LABELS: &[(&str, &str)] = &[
    ("name", "网站名称"),
    ("short_name", "简称"),
    ("theme", "外观"),
    ("sponsor", "主办单位"),
    ("operator", "承办单位"),
    ("phone", "联系电话"),
    ("hours", "接听时间"),
    ("address", "地址"),
    ("id_code", "网站标识码"),
    ("icp", "ICP 备案编号"),
    ("psb", "公安备案编号"),
    ("psb_code", "公安备案编码"),
    ("conac", "党政机关网站标识地址"),
    ("sub", "名称下面的一行字"),
    ("search_hint", "搜索框里的提示"),
    ("slug", "拼音标识"),
    ("organ", "开办机关"),
    ("kind", "种类"),
    ("host", "主域名"),
];

fn label(field: &str) -> &'static str {
    LABELS.iter().find(|(f, _)| *f == field).map_or("", |(_, l)| l)
}

fn texts(s: &SiteSettings) -> [(&'static str, &str); 15] {
    [
        ("name", &s.name),
        ("short_name", &s.short_name),
        ("theme", &s.theme),
        ("sponsor", &s.sponsor),
        ("operator", &s.operator),
        ("phone", &s.phone),
        ("hours", &s.hours),
        ("address", &s.address),
        ("id_code", &s.id_code),
        ("icp", &s.icp),
        ("psb", &s.psb),
        ("psb_code", &s.psb_code),
        ("conac", &s.conac),
        ("sub", &s.sub),
        ("search_hint", &s.search_hint),
    ]
}

fn fields_of(s: &SiteSettings) -> Fields {
    let mut f = Fields::default();
    for (k, v) in texts(s) {
        f.push(k, v.to_string());
    }
    if s.grey {
        f.push("grey", "1".into());
    }
    f
}

fn settings_of(f: &Fields) -> SiteSettings {
    let get = |k: &str| f.get(k).to_string();
    let id_code = get("id_code");
    SiteSettings {
        name: get("name"),
        short_name: get("short_name"),
        theme: get("theme"),
        // As the register writes it (`bm…`, `N…`), where it can be read at all.
        id_code: id_code.parse::<kernel::code::SiteCode>().map_or(id_code, |c| c.as_str().to_string()),
        sub: get("sub"),
        icp: get("icp"),
        psb: get("psb"),
        psb_code: get("psb_code"),
        conac: get("conac"),
        sponsor: get("sponsor"),
        operator: get("operator"),
        phone: get("phone"),
        hours: get("hours"),
        address: get("address"),
        search_hint: get("search_hint"),
        grey: f.ticked("grey"),
    }
}

struct Show<'a> {
    title: &'a str,
    lede: &'a str,
    crumbs: Value,
    action: String,
    cancel: String,
    lock_version: i64,
    submit: &'a str,
    effect: String,
    /// Organs to choose from; none where the site exists.
    organs: Option<&'a [Organ]>,
    differences: Vec<Value>,
}

fn context(show: Show<'_>, f: &Fields, errors: &FormErrors) -> Value {
    let mut fields = serde_json::Map::new();
    for (k, _) in LABELS {
        fields.insert((*k).to_string(), errors.field(f, k));
    }
    let mut options = |k: &str, list: Vec<Value>| {
        if let Some(o) = fields.get_mut(k).and_then(Value::as_object_mut) {
            o.insert("options".into(), json!(list));
        }
    };
    options("theme", rules::THEMES.iter().map(|(c, l)| choice(*c, *l)).collect());
    let mut kinds = vec![choice("", "请选择")];
    kinds.extend(SiteKind::ALL.iter().map(|k| choice(k.code(), k.label())));
    options("kind", kinds);
    let mut organs = vec![choice("", "请选择")];
    organs.extend(show.organs.unwrap_or_default().iter().map(|o| choice(o.id.to_string(), &o.name)));
    options("organ", organs);
    fields.insert("grey".into(), json!({ "checked": f.ticked("grey"), "error": null }));
    json!({
        "title": show.title, "crumbs": show.crumbs, "lede": show.lede, "lock_version": show.lock_version,
        "creating": show.organs.is_some(), "differences": show.differences,
        "form": { "action": show.action, "errors": errors.0, "fields": fields },
        "submit_label": show.submit, "cancel_url": show.cancel, "effect": show.effect,
    })
}

async fn edit_page(
    app: &App,
    staff: &Staff,
    pages: &Pages,
    id: &str,
    typed: Option<(&Fields, FormErrors, u16)>,
) -> Outcome {
    let mut tx = app.db.read().await?;
    let (s, writes) = seen(&mut tx, staff, id).await?;
    if !writes {
        return Err(kernel::permission::denied(Permission::SiteWrite).into());
    }
    let n = queries::pages(&mut tx, s.id).await?;
    drop(tx);
    let now = fields_of(&s.set);
    let (f, errors, status) = match &typed {
        Some((f, e, status)) => (*f, e.clone(), *status),
        None => (&now, FormErrors::default(), 200),
    };
    // After a conflict: what stands there now and differs from what was typed.
    let mut differences = Vec::new();
    if status == 409 {
        for (k, v) in texts(&s.set) {
            if f.get(k) != v {
                let shown = if v.is_empty() { "（空）" } else { v };
                differences.push(json!({ "tone": "info", "title": format!("{}现在是：{shown}", label(k)), "text": null, "url": null, "label": null }));
            }
        }
    }
    let base = format!("/sites/{}", s.id);
    let show = Show {
        title: "修改站点设置",
        lede: "改好后，全站页面的页头、页脚和标签自动重新发布。",
        crumbs: crumbs(&[("站点", Some("/sites".into())), (&s.set.name, Some(base.clone())), ("修改设置", None)]),
        action: format!("{base}/edit"),
        cancel: base,
        lock_version: s.lock_version,
        submit: "保存设置",
        effect: format!("{} 个页面会重新生成。", grouped(n)),
        organs: None,
        differences,
    };
    Ok(pages.page_with(status, "sites/staff/site-form.html", context(show, f, &errors)).await)
}

pub(super) async fn edit(State(app): State<App>, staff: Staff, pages: Pages, Path(id): Path<String>) -> Outcome {
    edit_page(&app, &staff, &pages, &id, None).await
}

fn noted(errors: &mut FormErrors, refusals: &[Refusal]) {
    for r in refusals {
        errors.refuse(label(r.place().unwrap_or_default()), r);
    }
}

pub(super) async fn save(
    State(app): State<App>,
    staff: Staff,
    pages: Pages,
    Path(id): Path<String>,
    posted: Posted,
) -> Outcome {
    let set = settings_of(&posted.fields);
    let mut errors = FormErrors::default();
    noted(&mut errors, &rules::settings(&set));
    if !errors.is_empty() {
        return edit_page(&app, &staff, &pages, &id, Some((&posted.fields, errors, 422))).await;
    }
    let site_id: Id = id.parse().map_err(|_| site::unknown())?;
    let version = posted.fields.number("lock_version")?;
    let mut tx = app.db.write(&staff.ctx).await?;
    match commands::change_settings(&mut tx, site_id, version, &set).await {
        Ok(()) => {
            tx.commit().await?;
        }
        Err(r) if r.code() == "site.stale" => {
            drop(tx);
            errors.refuse("", &r);
            return edit_page(&app, &staff, &pages, &id, Some((&posted.fields, errors, 409))).await;
        }
        Err(r) => return Err(r.into()),
    }
    let kind = site::get(&mut app.db.read().await?, site_id).await?.kind;
    let advice: Vec<String> = rules::advice(kind, &set).into_iter().map(|(_, t)| t).collect();
    let tone = if advice.is_empty() { "ok" } else { "warn" };
    Ok(redirect_with(&app, &format!("/sites/{site_id}"), tone, "设置已保存", &advice.join("；")))
}

/// Organs for which the person may found a site: of a kind that may have one, living, without one yet.
async fn candidates(app: &App, staff: &Staff) -> Result<Vec<Organ>> {
    let mut tx = app.db.read().await?;
    let sites = site::list(&mut tx).await?;
    let mut out = Vec::new();
    for o in organ::list(&mut tx).await? {
        let taken = sites.iter().any(|s| s.organ == o.id && s.status != SiteStatus::Closed);
        if o.kind.may_have_site() && o.until_on.is_none() && !taken {
            let target = organ::target(&mut tx, o.id).await?;
            if staff.actor().may(Permission::OrganWrite, &target) {
                out.push(o);
            }
        }
    }
    Ok(out)
}

async fn new_page(app: &App, staff: &Staff, pages: &Pages, f: &Fields, errors: &FormErrors, status: u16) -> Outcome {
    let organs = candidates(app, staff).await?;
    let show = Show {
        title: "新建站点",
        lede: "先建为筹建状态；检测、备案完成并有栏目以后再开通。",
        crumbs: crumbs(&[("站点", Some("/sites".into())), ("新建", None)]),
        action: "/sites/new".into(),
        cancel: "/sites".into(),
        lock_version: 0,
        submit: "新建站点",
        effect: "新站点从“筹建”开始。".into(),
        organs: Some(&organs),
        differences: Vec::new(),
    };
    Ok(pages.page_with(status, "sites/staff/site-form.html", context(show, f, errors)).await)
}

pub(super) async fn new(State(app): State<App>, staff: Staff, pages: Pages) -> Outcome {
    let mut f = Fields::default();
    f.push("theme", "department".into());
    new_page(&app, &staff, &pages, &f, &FormErrors::default(), 200).await
}

pub(super) async fn create(State(app): State<App>, staff: Staff, pages: Pages, posted: Posted) -> Outcome {
    let f = &posted.fields;
    let set = settings_of(f);
    let mut errors = FormErrors::default();
    noted(&mut errors, &rules::settings(&set));
    let kind = SiteKind::from_code(f.get("kind"));
    if kind.is_none() {
        errors.add("kind", label("kind"), "请选择种类", None);
    }
    let organ_id: Option<Id> = f.get("organ").parse().ok();
    if organ_id.is_none() {
        errors.add("organ", label("organ"), "请选择开办机关", None);
    }
    if !kernel::text::slug_ok(f.get("slug")) {
        errors.add("slug", label("slug"), "只能用小写字母、数字和连字符", Some("例如 zhujian"));
    }
    let mut domains = Vec::new();
    if !f.get("host").is_empty() {
        match rules::host(f.get("host")) {
            Ok(h) => domains.push(h),
            Err(r) => errors.refuse(label("host"), &r),
        }
    }
    let (Some(kind), Some(organ_id), true) = (kind, organ_id, errors.is_empty()) else {
        return new_page(&app, &staff, &pages, f, &errors, 422).await;
    };
    let mut tx = app.db.write(&staff.ctx).await?;
    let demo = site::city(&mut tx).await?.demo;
    let sort = site::list(&mut tx).await?.iter().map(|s| s.sort).max().unwrap_or(0) + 10;
    let new = commands::NewSite {
        slug: f.get("slug").to_string(),
        organ: organ_id,
        kind,
        settings: set,
        domains,
        demo,
        sort,
        status: SiteStatus::Planned,
    };
    match commands::create_site(&mut tx, new).await {
        Ok(id) => {
            tx.commit().await?;
            let text = "下一步：建立栏目。";
            Ok(redirect_with(&app, &format!("/sites/{id}"), "ok", "站点已建立，现在是“筹建”", text))
        }
        Err(r) if r.place().is_some() => {
            drop(tx);
            errors.refuse(label(r.place().unwrap_or_default()), &r);
            new_page(&app, &staff, &pages, f, &errors, r.status()).await
        }
        Err(r) => Err(r.into()),
    }
}
