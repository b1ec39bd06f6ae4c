//! Writing: the form, its preview, saving with files, submitting, and what happens when two people save.

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use kernel::docnum::DocumentNumber;
use kernel::refusal::Kind;
use kernel::{Actor, Id, Refusal, text};
use platform::{Read, WriteTx};
use records::document::{self, Content, DocumentKind};
use records::organ;
use records::site::{self, Column, Site};
use serde_json::{Value, json};
use web::staff::{Pages, Posted, redirect_with};
use web::upload::{self, Upload};
use web::{App, Fields, FormErrors, Outcome, Staff};

use super::{diff, kit, list, subjects};
use crate::content::commands;
use crate::content::queries::{self, Whole};
use crate::content::rules;

/// Names of the form's fields, for the summary of errors.
const LABELS: &[(&str, &str)] = &[
    ("title", "标题"),
    ("kind", "类型"),
    ("number", "发文字号"),
    ("issuer", "发文机关"),
    ("written_on", "成文日期"),
    ("effective_on", "施行日期"),
    ("expires_on", "有效期至"),
    ("theme", "主题分类"),
    ("genre", "文种"),
    ("source", "来源"),
    ("author", "责任编辑"),
    ("body", "正文"),
    ("summary", "摘要"),
    ("keywords", "关键词"),
    ("files", "附件"),
    ("main_column", "主栏目"),
    ("columns", "栏目"),
];

/// Longest value of the short fields.
const SHORT: &[(&str, usize)] =
    &[("number", 100), ("issuer", 200), ("source", 100), ("author", 60), ("summary", 500), ("keywords", 200)];

fn label(field: &str) -> &'static str {
    LABELS.iter().find(|(k, _)| *k == field).map_or("", |(_, l)| l)
}

fn refuse(errors: &mut FormErrors, r: &Refusal) {
    // Columns are chosen in two fields; what is missing is the first.
    let field = match (r.code(), r.place()) {
        ("content.column_missing", _) => "main_column",
        (_, place) => place.unwrap_or_default(),
    };
    let l = label(field);
    // A place that is no field of this form belongs to the form as a whole.
    errors.add(if l.is_empty() { "" } else { field }, l, r.what(), r.how());
}

/// Where this person may place documents.
struct Room {
    sites: Vec<(Site, Vec<Column>)>,
}

impl Room {
    fn find(&self, id: Id) -> Option<(&Site, &Column)> {
        self.sites.iter().find_map(|(s, all)| all.iter().find(|c| c.id == id).map(|c| (s, c)))
    }

    fn name(&self, id: Id) -> Option<String> {
        self.find(id).map(|(s, c)| format!("{} › {}", s.set.short_name, c.name))
    }
}

/// What the form says, read.
struct Typed {
    kind: DocumentKind,
    content: Content,
    columns: Vec<Id>,
    errors: FormErrors,
    /// What was changed on the way in, to be told.
    notices: Vec<String>,
}

/// Reads the form. `base` is the edition that is written over: what the form does not edit stays as it was.
fn read(fields: &Fields, room: &Room, base: Option<&Content>, kept: &[Id]) -> Typed {
    let mut errors = FormErrors::default();
    let mut notices = Vec::new();
    let line = |key: &str| fields.get(key).to_string();
    let day = |key: &str| Some(line(key)).filter(|v| !v.is_empty());
    for (key, max) in SHORT {
        let n = text::count(fields.get(key));
        if n > *max {
            errors.add(key, label(key), format!("有 {n} 个字，超过 {max} 个字"), Some("请缩短"));
        }
        if *key != "summary" && fields.get(key).chars().any(char::is_control) {
            errors.add(key, label(key), "里面有换行或控制字符", Some("请写成一行"));
        }
    }
    let kind = DocumentKind::from_code(fields.get("kind")).unwrap_or_else(|| {
        errors.add("kind", label("kind"), "请选择类型", None);
        DocumentKind::News
    });
    for (key, known, before) in [
        ("theme", subjects::THEMES.as_slice(), base.map(|b| b.theme.as_str())),
        ("genre", subjects::GENRES.as_slice(), base.map(|b| b.genre.as_str())),
    ] {
        let v = fields.get(key);
        if !v.is_empty() && !known.contains(&v) && before != Some(v) {
            errors.add(key, label(key), "没有这个选项", Some("请重新选择"));
        }
    }
    let typed_number = fields.get("number");
    let number = match typed_number.parse::<DocumentNumber>() {
        _ if typed_number.is_empty() => String::new(),
        Ok(n) => {
            let canonical = n.to_string();
            if canonical != typed_number {
                notices.push(format!("发文字号按规范写法改为“{canonical}”"));
            }
            canonical
        }
        Err(_) => {
            notices.push(format!(
                "发文字号“{}”认不出机关代字、年份和序号，已照原样保存，请核对",
                text::clip(typed_number, 40)
            ));
            typed_number.to_string()
        }
    };
    let raw = fields.raw("body");
    if web::html::is_hostile(raw) {
        notices.push("正文里的脚本或者嵌入的外部页面已经去掉，其余内容保留".into());
    }
    let mut columns: Vec<Id> = Vec::new();
    for (key, value) in std::iter::once(("main_column", fields.get("main_column")))
        .chain(fields.all("columns").iter().map(|v| ("columns", v.trim())))
    {
        if value.is_empty() {
            continue;
        }
        match value.parse::<Id>().ok().filter(|id| room.find(*id).is_some() || kept.contains(id)) {
            Some(id) if !columns.contains(&id) => columns.push(id),
            Some(_) => {}
            None => {
                let r = site::unknown_column();
                errors.add(key, label(key), r.what(), r.how());
            }
        }
    }
    for id in kept {
        if !columns.contains(id) {
            columns.push(*id);
        }
    }
    let content = Content {
        title: line("title"),
        summary: line("summary"),
        body: web::html::body_of(raw),
        number,
        issuer: line("issuer"),
        written_on: day("written_on"),
        effective_on: day("effective_on"),
        expires_on: day("expires_on"),
        theme: line("theme"),
        genre: line("genre"),
        source: line("source"),
        author: line("author"),
        keywords: line("keywords"),
        ..base.cloned().unwrap_or_default()
    };
    for r in rules::faults(&content) {
        refuse(&mut errors, &r);
    }
    Typed { kind, content, columns, errors, notices }
}

/// The form's fields as they would be typed for an edition.
fn fields_of(kind: DocumentKind, c: &Content, columns: &[Id]) -> Fields {
    let mut f = Fields::default();
    let day = |d: &Option<String>| d.clone().unwrap_or_default();
    for (k, v) in [
        ("title", c.title.clone()),
        ("kind", kind.code().to_string()),
        ("number", c.number.clone()),
        ("issuer", c.issuer.clone()),
        ("written_on", day(&c.written_on)),
        ("effective_on", day(&c.effective_on)),
        ("expires_on", day(&c.expires_on)),
        ("theme", c.theme.clone()),
        ("genre", c.genre.clone()),
        ("source", c.source.clone()),
        ("author", c.author.clone()),
        ("body", kit::body_for_form(&c.body)),
        ("summary", c.summary.clone()),
        ("keywords", c.keywords.clone()),
        ("main_column", columns.first().map(Id::to_string).unwrap_or_default()),
    ] {
        f.push(k, v);
    }
    for c in columns.iter().skip(1) {
        f.push("columns", c.to_string());
    }
    f
}

/// What the page is rendered from.
struct Shown<'a> {
    whole: Option<&'a Whole>,
    room: &'a Room,
    fields: &'a Fields,
    errors: FormErrors,
    notices: Vec<String>,
    saved: Option<String>,
    preview: Option<String>,
    conflict: Value,
    findings: Vec<Value>,
    kept: &'a [Id],
    drops: &'a [String],
}

impl<'a> Shown<'a> {
    fn new(room: &'a Room, whole: Option<&'a Whole>, fields: &'a Fields, kept: &'a [Id]) -> Shown<'a> {
        Shown {
            whole,
            room,
            fields,
            errors: FormErrors::default(),
            notices: Vec::new(),
            saved: None,
            preview: None,
            conflict: Value::Null,
            findings: Vec::new(),
            kept,
            drops: &[],
        }
    }
}

fn choice(errors: &FormErrors, fields: &Fields, key: &str, empty: &str, known: &[&str]) -> Value {
    let value = fields.get(key);
    let mut options = vec![json!({ "value": "", "label": empty, "hint": null })];
    // A word that a source brought along stays choosable.
    if !value.is_empty() && !known.contains(&value) {
        options.push(json!({ "value": value, "label": value, "hint": null }));
    }
    options.extend(known.iter().map(|k| json!({ "value": k, "label": k, "hint": null })));
    json!({ "value": value, "error": errors.of(key), "options": options })
}

fn context(s: Shown<'_>) -> Value {
    let (f, e) = (s.fields, &s.errors);
    let kinds: Vec<Value> =
        DocumentKind::ALL.iter().map(|k| json!({ "value": k.code(), "label": k.label(), "hint": null })).collect();
    let main = f.get("main_column");
    let mut mains = vec![json!({ "value": "", "label": "请选择", "hint": null })];
    let mut groups = Vec::new();
    for (site, columns) in &s.room.sites {
        let mut options = Vec::new();
        let mut count = 0;
        for c in columns {
            let id = c.id.to_string();
            mains.push(json!({
                "value": id, "label": format!("{} › {}", site.set.short_name, list::indented(c).trim_end()), "hint": null,
            }));
            let checked = f.all("columns").contains(&id);
            count += usize::from(checked);
            options.push(json!({ "value": id, "label": list::indented(c), "checked": checked }));
        }
        let open = count > 0 || s.room.sites.len() == 1;
        groups.push(json!({ "label": site.set.short_name, "open": open, "count": count, "options": options }));
    }
    // The home column of a document may lie on a site that is not this person's: it stays what it is.
    if let (Some(w), Ok(id)) = (s.whole, main.parse::<Id>())
        && s.room.find(id).is_none()
        && s.kept.contains(&id)
    {
        let name = w.columns(w.shown.id).iter().find(|p| p.column == id).map(|p| w.place_text(p)).unwrap_or_default();
        mains.push(json!({ "value": main, "label": name, "hint": null }));
    }
    let foreign: Vec<String> = s
        .whole
        .map(|w| w.columns(w.shown.id).iter().filter(|p| s.kept.contains(&p.column)).map(|p| w.place_text(p)).collect())
        .unwrap_or_default();
    let returned = s.whole.filter(|w| w.shown.state == document::State::Returned).and_then(|w| {
        w.steps
            .iter()
            .rev()
            .find(|x| x.edition == w.shown.id && x.act == "return")
            .map(|x| json!({ "who": x.actor, "when": kit::moment(x.at), "text": x.comment }))
    });
    let attachments: Vec<Value> = s
        .whole
        .map(|w| {
            kit::files(w.document.id, &w.files(w.shown.id), false)
                .into_iter()
                .map(|mut v| {
                    if let Some(o) = v.as_object_mut() {
                        let dropped =
                            o.get("id").and_then(Value::as_str).is_some_and(|id| s.drops.iter().any(|d| d == id));
                        o.insert("drop".into(), json!(dropped));
                    }
                    v
                })
                .collect()
        })
        .unwrap_or_default();
    let count = |key: &str| match text::count(f.get(key)) {
        0 => String::new(),
        n => format!("{n} 字"),
    };
    let heading = match s.whole {
        Some(w) => format!("修改：{}", kit::title_of(&w.shown.content)),
        None => "起草信息".into(),
    };
    let crumbs = match s.whole {
        Some(w) => kit::crumbs(w, "修改"),
        None => json!([{ "name": "信息", "url": "/documents" }, { "name": "起草", "url": null }]),
    };
    json!({
        "title": heading,
        "crumbs": crumbs,
        "form": {
            "action": s.whole.map_or_else(|| "/documents/new".to_string(), |w| format!("/documents/{}/edit", w.document.id)),
            "errors": e.0,
            "fields": {
                "title": e.field(f, "title"),
                "kind": { "value": f.get("kind"), "error": e.of("kind"), "options": kinds },
                "number": e.field(f, "number"),
                "issuer": e.field(f, "issuer"),
                "written_on": e.field(f, "written_on"),
                "effective_on": e.field(f, "effective_on"),
                "expires_on": e.field(f, "expires_on"),
                "theme": choice(e, f, "theme", "不分类", &subjects::THEMES),
                "genre": choice(e, f, "genre", "不是公文", &subjects::GENRES),
                "source": e.field(f, "source"),
                "author": e.field(f, "author"),
                "body": e.field(f, "body"),
                "summary": e.field(f, "summary"),
                "keywords": e.field(f, "keywords"),
                "files": { "error": e.of("files") },
                "main_column": { "value": main, "error": e.of("main_column"), "options": mains },
                "columns": { "error": e.of("columns"), "groups": groups },
            },
        },
        "lock_version": s.whole.map_or(0, |w| w.document.lock_version),
        "saved_text": s.saved.or_else(|| s.whole.map(|w| {
            format!("{}，{} 保存", kit::edition_label(&w.shown), w.shown.saved_at.minute_text())
        })),
        "submit_label": "提交审核",
        "title_hint": count("title"),
        "body_hint": count("body"),
        "files_hint": format!(
            "可一次选多个；PDF、DOCX、XLSX、OFD、CSV、TXT、JPG、PNG，每个不超过 {} MB，一次合计不超过 {} MB",
            upload::MAX_FILE >> 20, upload::MAX_REQUEST >> 20
        ),
        "files_accept": upload::ACCEPT,
        "notices": s.notices,
        "conflict": s.conflict,
        "preview_html": s.preview,
        "attachments": attachments,
        "foreign": foreign,
        "findings": s.findings,
        "returned": returned,
        "cancel_url": s.whole.map_or_else(|| "/documents".to_string(), |w| format!("/documents/{}", w.document.id)),
    })
}

const TEMPLATE: &str = "content/staff/document-form.html";

async fn room(tx: &mut impl Read, actor: &Actor) -> kernel::Result<Room> {
    Ok(Room { sites: queries::writable(tx, actor).await? })
}

/// GET /documents/new
pub async fn new(State(app): State<App>, staff: Staff, pages: Pages, RawQuery(query): RawQuery) -> Outcome {
    let query = Fields::parse(query.unwrap_or_default().as_bytes());
    let mut tx = kit::read(&app).await?;
    let mut room = room(&mut tx, staff.actor()).await?;
    let organ = organ::get(&mut tx, staff.account.organ).await?;
    drop(tx);
    // The site that was asked for, or the own organ's, comes first and is open.
    let first = |s: &Site| if query.get("site").is_empty() { s.organ == organ.id } else { s.slug == query.get("site") };
    room.sites.sort_by_key(|(s, _)| !first(s));
    let c = Content { source: organ.name, author: staff.account.name.clone(), ..Content::default() };
    let fields = fields_of(DocumentKind::News, &c, &[]);
    Ok(pages.page(TEMPLATE, context(Shown::new(&room, None, &fields, &[]))).await)
}

/// Columns of the shown edition that are not this person's to choose: they stay.
fn kept(w: &Whole, room: &Room) -> Vec<Id> {
    w.columns(w.shown.id).iter().map(|p| p.column).filter(|c| room.find(*c).is_none()).collect()
}

/// Whether an edition can be written over or begun from here; otherwise where to go.
fn writable(app: &App, w: &Whole) -> Option<Response> {
    let to = format!("/documents/{}", w.document.id);
    match w.working() {
        Some(e) => {
            let why = rules::may_edit(e);
            (!why.is_empty()).then(|| redirect_with(app, &to, "warn", "现在不能修改", &kit::sentences(&why)))
        }
        None if w.document.live.is_some() => None,
        None => {
            Some(redirect_with(app, &to, "warn", "现在不能修改", "这条信息没有正在办理的稿件，请先在版本里恢复一稿"))
        }
    }
}

/// GET /documents/{id}/edit
pub async fn edit(State(app): State<App>, staff: Staff, pages: Pages, Path(id): Path<String>) -> Outcome {
    let mut tx = kit::read(&app).await?;
    let w = queries::whole(&mut tx, staff.actor(), kit::id(&id)?, None).await?;
    staff.actor().check(kernel::Permission::DocumentWrite, &w.target)?;
    let room = room(&mut tx, staff.actor()).await?;
    drop(tx);
    if let Some(elsewhere) = writable(&app, &w) {
        return Ok(elsewhere);
    }
    let columns: Vec<Id> = w.columns(w.shown.id).iter().map(|p| p.column).collect();
    let kept = kept(&w, &room);
    let fields = fields_of(w.document.kind, &w.shown.content, &columns);
    let mut shown = Shown::new(&room, Some(&w), &fields, &kept);
    shown.findings = kit::findings(&rules::may_submit(&w.shown.content, columns.len()));
    Ok(pages.page(TEMPLATE, context(shown)).await)
}

/// POST /documents/new
pub async fn create(State(app): State<App>, staff: Staff, pages: Pages, posted: Posted) -> Outcome {
    write(&app, &staff, &pages, None, posted).await
}

/// POST /documents/{id}/edit
pub async fn update(
    State(app): State<App>,
    staff: Staff,
    pages: Pages,
    Path(id): Path<String>,
    posted: Posted,
) -> Outcome {
    write(&app, &staff, &pages, Some(kit::id(&id)?), posted).await
}

/// What was saved, and what of it was refused.
struct Saved {
    document: Id,
    errors: FormErrors,
    submitted: bool,
}

async fn write(app: &App, staff: &Staff, pages: &Pages, id: Option<Id>, posted: Posted) -> Outcome {
    let fields = posted.fields;
    let mut tx = kit::read(app).await?;
    let whole = match id {
        Some(id) => {
            let w = queries::whole(&mut tx, staff.actor(), id, None).await?;
            staff.actor().check(kernel::Permission::DocumentWrite, &w.target)?;
            Some(w)
        }
        None => None,
    };
    let room = room(&mut tx, staff.actor()).await?;
    let last = match id {
        Some(id) => queries::last_change(&mut tx, id).await?,
        None => None,
    };
    drop(tx);
    let kept = whole.as_ref().map(|w| kept(w, &room)).unwrap_or_default();
    let base = whole.as_ref().map(|w| &w.shown.content);
    let typed = read(&fields, &room, base, &kept);
    let drops = fields.all("drop");

    if fields.get("do") == "preview" {
        let mut s = Shown::new(&room, whole.as_ref(), &fields, &kept);
        s.preview = Some(typed.content.body.clone());
        s.findings = kit::findings(&rules::may_submit(&typed.content, typed.columns.len()));
        s.notices = typed.notices;
        if !posted.files.is_empty() {
            s.notices.push("预览不上传文件，保存前请重新选择附件".into());
        }
        s.drops = drops;
        s.errors = typed.errors;
        return Ok(pages.page(TEMPLATE, stay(context(s), &fields, &whole)).await);
    }

    // Somebody else saved in between: nothing is written, both texts are shown.
    let lock: Option<i64> = fields.get("lock_version").parse().ok();
    if let Some(w) = whole.as_ref().filter(|w| lock != Some(w.document.lock_version)) {
        return conflict(pages, w, &room, &fields, &kept, typed, last).await;
    }

    let mut errors = typed.errors.clone();
    let mut uploads = Vec::new();
    for file in posted.files {
        match file {
            Ok(up) => uploads.push(up),
            Err(r) => errors.add("files", label("files"), r.what(), r.how()),
        }
    }
    // Faults of the text keep it from being saved; a refused file does not.
    if errors.0.iter().any(|e| e.field != "files") {
        let mut s = Shown::new(&room, whole.as_ref(), &fields, &kept);
        if !uploads.is_empty() {
            errors.add(
                "files",
                label("files"),
                format!("选好的 {} 个文件还没有上传", uploads.len()),
                Some("改正后请重新选择"),
            );
        }
        s.errors = errors;
        s.notices = typed.notices;
        s.drops = drops;
        return Ok(pages.page_with(422, TEMPLATE, context(s)).await);
    }

    // Files are kept before the transaction: a file that nothing points to harms nobody, a pointer to nothing would.
    let mut stored = Vec::new();
    for up in uploads {
        let originals = app.originals.clone();
        let (up, hash) = tokio::task::spawn_blocking(move || originals.put(&up.bytes).map(|hash| (up, hash)))
            .await
            .map_err(|e| Refusal::internal("original.write", e))??;
        stored.push((up, hash));
    }
    let draft = commands::Draft {
        document: id,
        lock_version: lock.unwrap_or_default(),
        site: home(&room, &typed.columns, whole.as_ref(), staff),
        kind: typed.kind,
        content: typed.content.clone(),
        columns: typed.columns.clone(),
    };
    let wants_submit = fields.get("do") == "submit";
    let mut tx = kit::write(app, staff).await?;
    let outcome = save(&mut tx, draft, &typed, drops, &stored, wants_submit, errors).await;
    let saved = match outcome {
        Ok(saved) => {
            tx.commit().await?;
            saved
        }
        Err(r) if r.code() == "document.stale" => {
            drop(tx);
            let id = id.ok_or_else(|| r.clone())?;
            let mut tx = kit::read(app).await?;
            let w = queries::whole(&mut tx, staff.actor(), id, None).await?;
            let last = queries::last_change(&mut tx, id).await?;
            drop(tx);
            let typed = read(&fields, &room, base, &kept);
            return conflict(pages, &w, &room, &fields, &kept, typed, last).await;
        }
        Err(r) if matches!(r.kind(), Kind::Invalid | Kind::Conflict | Kind::TooLarge) || r.place().is_some() => {
            drop(tx);
            let mut s = Shown::new(&room, whole.as_ref(), &fields, &kept);
            let status = if r.kind() == Kind::NotFound { 422 } else { r.status() };
            refuse(&mut s.errors, &r);
            s.notices = typed.notices;
            return Ok(pages.page_with(status, TEMPLATE, context(s)).await);
        }
        Err(r) => return Err(r.into()),
    };

    let to = format!("/documents/{}", saved.document);
    if saved.errors.is_empty() {
        let notices = typed.notices.join("；");
        let tone = if notices.is_empty() { "ok" } else { "warn" };
        let title = if saved.submitted { "已保存并提交审核" } else { "已保存" };
        let to = if saved.submitted { to } else { format!("{to}/edit") };
        return Ok(redirect_with(app, &to, tone, title, &notices));
    }
    // The text is safe; what was refused is told on the form of what is stored now.
    let mut tx = kit::read(app).await?;
    let w = queries::whole(&mut tx, staff.actor(), saved.document, None).await?;
    drop(tx);
    let mut s = Shown::new(&room, Some(&w), &fields, &kept);
    s.saved = Some(format!(
        "文字已保存为{}，{}；下面几处还要改",
        kit::edition_label(&w.shown),
        w.shown.saved_at.minute_text()
    ));
    s.findings = kit::findings(&rules::may_submit(&typed.content, typed.columns.len()));
    s.errors = saved.errors;
    s.notices = typed.notices;
    Ok(pages.page_with(422, TEMPLATE, context(s)).await)
}

/// A preview saves nothing: the form keeps the lock version that it came with.
fn stay(mut context: Value, fields: &Fields, whole: &Option<Whole>) -> Value {
    if let (Some(o), Some(_), Ok(lock)) = (context.as_object_mut(), whole, fields.get("lock_version").parse::<i64>()) {
        o.insert("lock_version".into(), json!(lock));
    }
    context
}

/// The site whose office writes a new document: that of its home column, else the person's own, else the first.
fn home(room: &Room, columns: &[Id], whole: Option<&Whole>, staff: &Staff) -> Id {
    if let Some(w) = whole {
        return w.document.site;
    }
    columns
        .first()
        .and_then(|c| room.find(*c))
        .map(|(s, _)| s.id)
        .or_else(|| room.sites.iter().find(|(s, _)| s.organ == staff.account.organ).map(|(s, _)| s.id))
        .or_else(|| room.sites.first().map(|(s, _)| s.id))
        .unwrap_or(Id::from_i64(0))
}

/// Saves text, takes files out, puts files in, and submits if nothing was refused; all in one transaction.
async fn save(
    tx: &mut WriteTx,
    draft: commands::Draft,
    typed: &Typed,
    drops: &[String],
    stored: &[(Upload, String)],
    wants_submit: bool,
    mut errors: FormErrors,
) -> kernel::Result<Saved> {
    let d = commands::save(tx, draft).await?;
    if !drops.is_empty()
        && let Some(edition) = d.draft
    {
        for a in document::attachments(tx, &[edition]).await? {
            if drops.contains(&a.file.to_string()) {
                commands::detach(tx, d.id, a.id).await?;
            }
        }
    }
    for (up, hash) in stored {
        match commands::attach(tx, d.id, up, hash).await {
            Ok(_) => {}
            // These are found before anything is written.
            Err(r) if matches!(r.code(), "attachment.many" | "attachment.classified") => {
                errors.add("files", label("files"), format!("“{}”：{}", text::clip(&up.name, 40), r.what()), r.how());
            }
            Err(r) => return Err(r),
        }
    }
    let mut submitted = false;
    if wants_submit {
        for r in rules::may_submit(&typed.content, typed.columns.len()) {
            refuse(&mut errors, &r);
        }
        if errors.is_empty() {
            commands::submit(tx, d.id).await?;
            submitted = true;
        }
    }
    Ok(Saved { document: d.id, errors, submitted })
}

/// Somebody else saved in between: their text against the one that was typed, which stays in the form with the new lock
/// version, so that the next save is a knowing one.
async fn conflict(
    pages: &Pages,
    w: &Whole,
    room: &Room,
    fields: &Fields,
    kept: &[Id],
    typed: Typed,
    last: Option<(String, kernel::Timestamp)>,
) -> Outcome {
    let e = &w.shown;
    let files: Vec<String> = w.files(e.id).into_iter().map(|a| a.name).collect();
    let names: Vec<String> = typed
        .columns
        .iter()
        .filter_map(|c| {
            room.name(*c).or_else(|| w.columns(e.id).iter().find(|p| p.column == *c).map(|p| w.place_text(p)))
        })
        .collect();
    let mine = kit::side(&typed.content, &names.join("；"), &files.join("；"));
    let d = diff::compare(&kit::side_of(w, e), &mine);
    let (who, when) = last.unwrap_or_else(|| (e.created_by.clone(), e.saved_at));
    let mut s = Shown::new(room, Some(w), fields, kept);
    s.saved = Some("您的内容还没有保存".into());
    s.errors = typed.errors;
    s.notices = typed.notices;
    s.conflict = json!({
        "who": who,
        "when": kit::moment(when),
        "edition": kit::edition_label(e),
        "state": e.state.label(),
        "blocked": w.working().map(rules::may_edit).filter(|why| !why.is_empty()).map(|why| kit::sentences(&why)),
        "url": format!("/documents/{}/editions/{}", w.document.id, e.no),
        "discard_url": format!("/documents/{}/edit", w.document.id),
        "summary": d.summary(),
        "diff": d.value,
    });
    Ok(pages.page_with(409, TEMPLATE, context(s)).await)
}
