//! The column tree of a site.

use axum::extract::{Path, RawQuery, State};
use kernel::{Id, Permission, Refusal, Result};
use records::site::{self, Column, Site};
use serde_json::{Value, json};
use web::app::App;
use web::error::Outcome;
use web::form::{Fields, FormErrors};
use web::staff::{Pages, Posted, Staff, redirect_with};

use super::super::rules::{self, ColumnDraft};
use super::super::{commands, queries};
use super::{choice, crumbs, day, grouped, seen};

/// Whether a column is open, closed, or open and empty (with what stands below it).
pub(super) fn column_state(c: &Column, documents: i64) -> Value {
    match (c.open, documents) {
        (false, _) => json!({ "tone": "mute", "icon": "stop", "text": "已关闭" }),
        (true, 0) => json!({ "tone": "warn", "icon": "clock", "text": "空" }),
        _ => json!({ "tone": "ok", "icon": "ok", "text": "开放" }),
    }
}

pub(super) async fn list(State(app): State<App>, staff: Staff, pages: Pages, Path(id): Path<String>) -> Outcome {
    let mut tx = app.db.read().await?;
    let (s, writes) = seen(&mut tx, &staff, &id).await?;
    let all = site::columns(&mut tx, s.id).await?;
    let placed = queries::column_figures(&mut tx, s.id).await?;
    drop(tx);
    let reads = staff.actor().may_somewhere(Permission::DocumentRead);
    let mut empty = 0;
    let rows: Vec<Value> = all
        .iter()
        .map(|c| {
            let (n, latest) = placed.get(&c.id).copied().unwrap_or_default();
            let under: i64 = rules::below(c.id, &all).iter().filter_map(|b| placed.get(b)).map(|(n, _)| *n).sum();
            if c.open && under == 0 {
                empty += 1;
            }
            let siblings: Vec<Id> = all.iter().filter(|o| o.parent == c.parent).map(|o| o.id).collect();
            let first = siblings.first() == Some(&c.id);
            let last = siblings.last() == Some(&c.id);
            let level = rules::ancestors(c.parent, &all).len() + 1;
            let to = |act: &str| format!("/columns/{}/{act}", c.id);
            json!({
                "level": level.min(4), "name": c.name, "path": format!("/{}/", c.path),
                "url": writes.then(|| to("edit")), "type": c.kind, "documents": grouped(n),
                "documents_url": reads.then(|| format!("/documents?site={}&column={}&state=published", s.id, c.id)),
                "updated": day(latest), "state": column_state(c, under),
                "up_url": (writes && !first).then(|| to("up")), "down_url": (writes && !last).then(|| to("down")),
                "edit_url": writes.then(|| to("edit")),
                "add_url": (writes && c.open && level < rules::MAX_DEPTH)
                    .then(|| format!("/sites/{}/columns/new?parent={}", s.id, c.id)),
            })
        })
        .collect();
    let create = writes.then(|| format!("/sites/{}/columns/new", s.id));
    let context = json!({
        "title": format!("栏目：{}", s.set.name),
        "crumbs": crumbs(&[("站点", Some("/sites".into())), (&s.set.name, Some(format!("/sites/{}", s.id))), ("栏目", None)]),
        "site": { "name": s.set.name, "url": format!("/sites/{}", s.id) },
        "summary": format!("{} 个，{empty} 个空", all.len()),
        "create_url": create,
        "notice": if empty == 0 { Value::Null } else { json!({
            "tone": "warn", "title": format!("{empty} 个栏目还没有内容"),
            "text": "没有内容的栏目不应开设（国办发〔2017〕47号），请尽快补充或者关闭。", "url": null, "label": null,
        }) },
        "rows": rows,
        "empty": {
            "icon": "columns", "title": "还没有栏目", "text": "先建一级栏目。",
            "url": create, "label": create.is_some().then_some("新建一级栏目"),
        },
    });
    Ok(pages.page("sites/staff/columns.html", context).await)
}

fn label(field: &str) -> &'static str {
    match field {
        "name" => "名称",
        "parent" => "上级栏目",
        "slug" => "地址中的一段",
        "type" => "类别",
        "role" => "用途",
        "description" => "说明",
        "keywords" => "关键词",
        "into" => "转到",
        _ => "",
    }
}

fn draft_of(f: &Fields) -> Result<ColumnDraft> {
    let parent =
        match f.get("parent") {
            "" => None,
            id => Some(id.parse::<Id>().map_err(|_| {
                Refusal::invalid("column.parent", "没有这个上级栏目").at("parent").mend("请从列表中选择")
            })?),
        };
    Ok(ColumnDraft {
        slug: f.get("slug").to_string(),
        name: f.get("name").to_string(),
        description: f.get("description").to_string(),
        keywords: f.get("keywords").to_string(),
        kind: f.get("type").to_string(),
        role: f.get("role").to_string(),
        parent,
    })
}

fn fields_of(c: &Column) -> Fields {
    let mut f = Fields::default();
    for (k, v) in [
        ("slug", c.slug.clone()),
        ("name", c.name.clone()),
        ("description", c.description.clone()),
        ("keywords", c.keywords.clone()),
        ("type", c.kind.clone()),
        ("role", c.role.clone()),
        ("parent", c.parent.map(|p| p.to_string()).unwrap_or_default()),
    ] {
        f.push(k, v);
    }
    f
}

fn indented(c: &Column, all: &[Column]) -> String {
    format!("{}{}", "　".repeat(rules::ancestors(c.parent, all).len()), c.name)
}

fn form(action: String, f: &Fields, errors: &FormErrors, parents: Vec<Value>) -> Value {
    let mut fields = serde_json::Map::new();
    for k in ["name", "parent", "slug", "type", "role", "description", "keywords"] {
        fields.insert(k.to_string(), errors.field(f, k));
    }
    let mut options = |k: &str, list: Vec<Value>| {
        if let Some(o) = fields.get_mut(k).and_then(Value::as_object_mut) {
            o.insert("options".into(), json!(list));
        }
    };
    options("parent", parents);
    let mut types = vec![choice("", "请选择")];
    types.extend(rules::COLUMN_TYPES.iter().map(|t| choice(*t, *t)));
    options("type", types);
    options("role", rules::ROLES.iter().map(|(c, l)| choice(*c, *l)).collect());
    json!({ "action": action, "errors": errors.0, "fields": fields })
}

fn parents(all: &[Column], not: &[Id]) -> Vec<Value> {
    let mut out = vec![choice("", "（一级栏目）")];
    out.extend(
        all.iter().filter(|c| c.open && !not.contains(&c.id)).map(|c| choice(c.id.to_string(), indented(c, all))),
    );
    out
}

async fn writable(app: &App, staff: &Staff, id: &str) -> Result<(Site, Vec<Column>)> {
    let mut tx = app.db.read().await?;
    let (s, writes) = seen(&mut tx, staff, id).await?;
    if !writes {
        return Err(kernel::permission::denied(Permission::SiteWrite));
    }
    let all = site::columns(&mut tx, s.id).await?;
    Ok((s, all))
}

async fn new_page(
    app: &App,
    staff: &Staff,
    pages: &Pages,
    id: &str,
    f: &Fields,
    errors: &FormErrors,
    status: u16,
) -> Outcome {
    let (s, all) = writable(app, staff, id).await?;
    let base = format!("/sites/{}", s.id);
    let context = json!({
        "title": "新建栏目",
        "crumbs": crumbs(&[
            ("站点", Some("/sites".into())), (&s.set.name, Some(base.clone())),
            ("栏目", Some(format!("{base}/columns"))), ("新建", None),
        ]),
        "stamp": "", "submit_label": "新建栏目", "cancel_url": format!("{base}/columns"),
        "effects": [{
            "tone": "info", "title": "建好后尽快放进第一条信息", "text": "没有内容的栏目不应开设（国办发〔2017〕47号）。",
            "url": null, "label": null,
        }],
        "close": null, "acts": [],
        "form": form(format!("{base}/columns/new"), f, errors, parents(&all, &[])),
    });
    Ok(pages.page_with(status, "sites/staff/column-form.html", context).await)
}

pub(super) async fn new(
    State(app): State<App>,
    staff: Staff,
    pages: Pages,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Outcome {
    let f = Fields::parse(query.unwrap_or_default().as_bytes());
    new_page(&app, &staff, &pages, &id, &f, &FormErrors::default(), 200).await
}

pub(super) async fn create(
    State(app): State<App>,
    staff: Staff,
    pages: Pages,
    Path(id): Path<String>,
    posted: Posted,
) -> Outcome {
    let f = &posted.fields;
    let (s, all) = writable(&app, &staff, &id).await?;
    let mut errors = FormErrors::default();
    let draft = draft_of(f)?;
    for r in rules::column(None, &draft, &all) {
        errors.refuse(label(r.place().unwrap_or_default()), &r);
    }
    if !errors.is_empty() {
        return new_page(&app, &staff, &pages, &id, f, &errors, 422).await;
    }
    let mut tx = app.db.write(&staff.ctx).await?;
    match commands::add_column(&mut tx, s.id, &draft).await {
        Ok(_) => {
            tx.commit().await?;
            let title = format!("栏目“{}”已建立", draft.name);
            Ok(redirect_with(&app, &format!("/sites/{}/columns", s.id), "ok", &title, ""))
        }
        Err(r) if r.place().is_some() => {
            drop(tx);
            errors.refuse(label(r.place().unwrap_or_default()), &r);
            new_page(&app, &staff, &pages, &id, f, &errors, r.status()).await
        }
        Err(r) => Err(r.into()),
    }
}

/// A column that the person may change, with its site and all columns there.
async fn own(app: &App, staff: &Staff, id: &str) -> Result<(Column, Site, Vec<Column>)> {
    let id: Id = id.parse().map_err(|_| site::unknown_column())?;
    let c = site::get_column(&mut app.db.read().await?, id).await?;
    match writable(app, staff, &c.site.to_string()).await {
        Ok((s, all)) => Ok((c, s, all)),
        Err(r) if r.code() == "site.unknown" => Err(site::unknown_column()),
        Err(r) => Err(r),
    }
}

async fn edit_page(
    app: &App,
    staff: &Staff,
    pages: &Pages,
    id: &str,
    typed: Option<(&Fields, &FormErrors, u16)>,
) -> Outcome {
    let (c, s, all) = own(app, staff, id).await?;
    let mut tx = app.db.read().await?;
    let placed = queries::column_figures(&mut tx, s.id).await?;
    let used = queries::column_used(&mut tx, c.id).await?;
    drop(tx);
    let live = placed.get(&c.id).map_or(0, |(n, _)| *n);
    let under: i64 = rules::below(c.id, &all).iter().filter_map(|b| placed.get(b)).map(|(n, _)| *n).sum();
    let now = fields_of(&c);
    let none = FormErrors::default();
    let (f, errors, status) = typed.unwrap_or((&now, &none, 200));
    let base = format!("/sites/{}", s.id);
    let own_path = format!("/columns/{}", c.id);
    let mut effects = vec![json!({
        "tone": "info", "title": "改名以后，全站页面重新发布", "text": null, "url": null, "label": null,
    })];
    if under > 0 {
        effects.push(json!({
            "tone": "info", "title": format!("改地址或者上级，{} 条信息换到新地址", grouped(under)),
            "text": "旧地址自动转到新地址，不会失效。", "url": null, "label": null,
        }));
    }
    if status == 409 {
        for (k, v) in [
            ("name", &c.name),
            ("slug", &c.slug),
            ("type", &c.kind),
            ("description", &c.description),
            ("keywords", &c.keywords),
        ] {
            if f.get(k) != v.as_str() {
                effects.push(json!({ "tone": "warn", "title": format!("{}现在是：{v}", label(k)), "text": null, "url": null, "label": null }));
            }
        }
    }
    let mut into = vec![choice("", if live > 0 { "请选择" } else { "没有信息，不用选" })];
    into.extend(all.iter().filter(|o| o.open && o.id != c.id).map(|o| choice(o.id.to_string(), indented(o, &all))));
    let children: Vec<Refusal> = rules::may_close(&c, &all, 0, None);
    let close = c.open.then(|| {
        json!({
            "text": if live > 0 {
                format!("栏目里有 {} 条公开的信息，要先选择把它们转到哪个栏目。关闭后不能再放新信息，旧地址自动转到新地址。", grouped(live))
            } else {
                "关闭后网站上不再显示这个栏目，也不能再放新信息。".to_string()
            },
            "why": children.first().map(|r| format!("{}，{}。", r.what(), r.how().unwrap_or_default())),
            "action": format!("{own_path}/close"),
            "into": { "value": f.get("into"), "error": errors.of("into"), "options": into },
        })
    });
    let mut acts = Vec::new();
    let act = |label: &str, url: String, tone: &str, text: &str| json!({ "label": label, "text": text, "url": url, "post": true, "tone": tone, "fields": [] });
    if !c.open {
        acts.push(act("重新开放", format!("{own_path}/open"), "quiet", "网站上重新显示这个栏目。"));
    }
    if !used {
        acts.push(act("删除栏目", format!("{own_path}/delete"), "warn", "从没有用过的栏目可以删除。"));
    }
    let mut not = rules::below(c.id, &all);
    not.retain(|id| Some(*id) != c.parent);
    let context = json!({
        "title": format!("修改栏目：{}", c.name),
        "crumbs": crumbs(&[
            ("站点", Some("/sites".into())), (&s.set.name, Some(base.clone())),
            ("栏目", Some(format!("{base}/columns"))), (&c.name, None),
        ]),
        "stamp": commands::stamp(&c), "submit_label": "保存栏目", "cancel_url": format!("{base}/columns"),
        "effects": effects, "close": close, "acts": acts,
        "form": form(format!("{own_path}/edit"), f, errors, parents(&all, &not)),
    });
    Ok(pages.page_with(status, "sites/staff/column-form.html", context).await)
}

pub(super) async fn edit(State(app): State<App>, staff: Staff, pages: Pages, Path(id): Path<String>) -> Outcome {
    edit_page(&app, &staff, &pages, &id, None).await
}

pub(super) async fn save(
    State(app): State<App>,
    staff: Staff,
    pages: Pages,
    Path(id): Path<String>,
    posted: Posted,
) -> Outcome {
    let f = &posted.fields;
    let (c, s, all) = own(&app, &staff, &id).await?;
    let mut errors = FormErrors::default();
    let draft = draft_of(f)?;
    for r in rules::column(Some(c.id), &draft, &all) {
        errors.refuse(label(r.place().unwrap_or_default()), &r);
    }
    if !errors.is_empty() {
        return edit_page(&app, &staff, &pages, &id, Some((f, &errors, 422))).await;
    }
    let mut tx = app.db.write(&staff.ctx).await?;
    match commands::change_column(&mut tx, c.id, f.get("stamp"), &draft).await {
        Ok(moved) => {
            tx.commit().await?;
            let text = if moved > 0 {
                format!("{} 条信息换到新地址，旧地址自动转过去。", grouped(moved as i64))
            } else {
                String::new()
            };
            Ok(redirect_with(&app, &format!("/sites/{}/columns", s.id), "ok", "栏目已保存", &text))
        }
        Err(r) if r.place().is_some() || r.code() == "column.stale" => {
            drop(tx);
            errors.refuse(label(r.place().unwrap_or_default()), &r);
            edit_page(&app, &staff, &pages, &id, Some((f, &errors, r.status()))).await
        }
        Err(r) => Err(r.into()),
    }
}

async fn shift(app: &App, staff: &Staff, id: &str, up: bool) -> Outcome {
    let (c, s, _) = own(app, staff, id).await?;
    let mut tx = app.db.write(&staff.ctx).await?;
    commands::shift_column(&mut tx, c.id, up).await?;
    tx.commit().await?;
    let title = format!("“{}”已{}", c.name, if up { "上移" } else { "下移" });
    Ok(redirect_with(app, &format!("/sites/{}/columns", s.id), "ok", &title, ""))
}

pub(super) async fn up(State(app): State<App>, staff: Staff, Path(id): Path<String>, _: Posted) -> Outcome {
    shift(&app, &staff, &id, true).await
}

pub(super) async fn down(State(app): State<App>, staff: Staff, Path(id): Path<String>, _: Posted) -> Outcome {
    shift(&app, &staff, &id, false).await
}

pub(super) async fn close(
    State(app): State<App>,
    staff: Staff,
    pages: Pages,
    Path(id): Path<String>,
    posted: Posted,
) -> Outcome {
    let (c, s, _) = own(&app, &staff, &id).await?;
    let into: Option<Id> = posted.fields.get("into").parse().ok();
    let mut tx = app.db.write(&staff.ctx).await?;
    match commands::close_column(&mut tx, c.id, into).await {
        Ok(n) => {
            tx.commit().await?;
            let text = if n > 0 {
                format!("{} 条信息已经转走，旧地址自动转过去。", grouped(n as i64))
            } else {
                String::new()
            };
            let title = format!("栏目“{}”已关闭", c.name);
            Ok(redirect_with(&app, &format!("/sites/{}/columns", s.id), "ok", &title, &text))
        }
        Err(r) if r.place() == Some("into") => {
            drop(tx);
            let mut errors = FormErrors::default();
            errors.refuse("转到", &r);
            let mut f = fields_of(&c);
            f.push("into", posted.fields.raw("into").to_string());
            edit_page(&app, &staff, &pages, &id, Some((&f, &errors, r.status()))).await
        }
        Err(r) => Err(r.into()),
    }
}

pub(super) async fn open(State(app): State<App>, staff: Staff, Path(id): Path<String>, _: Posted) -> Outcome {
    let (c, s, _) = own(&app, &staff, &id).await?;
    let mut tx = app.db.write(&staff.ctx).await?;
    commands::open_column(&mut tx, c.id).await?;
    tx.commit().await?;
    Ok(redirect_with(&app, &format!("/sites/{}/columns", s.id), "ok", &format!("栏目“{}”重新开放", c.name), ""))
}

pub(super) async fn delete(State(app): State<App>, staff: Staff, Path(id): Path<String>, _: Posted) -> Outcome {
    let (c, _, _) = own(&app, &staff, &id).await?;
    let mut tx = app.db.write(&staff.ctx).await?;
    let site_id = commands::delete_column(&mut tx, c.id).await?;
    tx.commit().await?;
    Ok(redirect_with(&app, &format!("/sites/{site_id}/columns"), "ok", &format!("栏目“{}”已删除", c.name), ""))
}
