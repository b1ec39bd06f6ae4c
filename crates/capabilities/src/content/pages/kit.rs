//! Small shapes that the pages share.

use kernel::{Actor, Id, Permission, Refusal, Timestamp, text};
use platform::{ReadTx, WriteTx};
use records::document::{self, Attachment, Content, Document, Edition, State};
use serde_json::{Value, json};
use web::{App, Staff};

use super::diff::Side;
use crate::content::queries::Whole;

/// `{iso, text}`.
pub fn moment(t: Timestamp) -> Value {
    json!({ "iso": t.rfc3339(), "text": t.minute_text() })
}

/// A stage: word, icon, tone.
pub fn stage(s: State) -> Value {
    let (tone, icon) = match s {
        State::Draft => ("mute", "pen"),
        State::Submitted => ("warn", "clock"),
        State::Returned => ("bad", "undo"),
        State::Approved | State::Scheduled => ("info", "clock"),
        State::Published => ("ok", "ok"),
        State::Superseded | State::Withdrawn | State::Discarded => ("mute", "stop"),
    };
    json!({ "tone": tone, "icon": icon, "text": s.label() })
}

/// `28 KB`
pub fn size(bytes: i64) -> String {
    match bytes {
        b if b >= 1 << 20 => format!("{:.1} MB", b as f64 / f64::from(1 << 20)),
        b if b >= 1 << 10 => format!("{} KB", b >> 10),
        b => format!("{b} 字节"),
    }
}

/// A refusal in one sentence, with how to mend it and what it rests on.
pub fn sentence(r: &Refusal) -> String {
    let mut out = r.what().to_string();
    if let Some(how) = r.how() {
        out.push('，');
        out.push_str(how);
    }
    if let Some(c) = r.citation() {
        out.push_str(&format!("（{c}）"));
    }
    out
}

/// Several refusals.
pub fn sentences(all: &[Refusal]) -> String {
    all.iter().map(sentence).collect::<Vec<_>>().join("；")
}

/// A finding.
pub fn finding(tone: &str, title: impl Into<String>, text: Option<String>) -> Value {
    json!({ "tone": tone, "title": title.into(), "text": text, "url": null, "label": null })
}

/// Refusals as findings.
pub fn findings(all: &[Refusal]) -> Vec<Value> {
    all.iter()
        .map(|r| {
            let mut more: Vec<String> = r.how().map(str::to_string).into_iter().collect();
            more.extend(r.citation().map(|c| format!("依据：{c}")));
            finding("bad", r.what(), (!more.is_empty()).then(|| more.join("。")))
        })
        .collect()
}

/// A fact.
pub fn fact(label: &str, value: impl Into<String>) -> Value {
    json!({ "label": label, "value": value.into(), "url": null })
}

/// `第 7 稿`
pub fn edition_label(e: &Edition) -> String {
    format!("第 {} 稿", e.no)
}

/// A title that can stand in a heading or a crumb, even where the draft has none.
pub fn title_of(c: &Content) -> String {
    if c.title.trim().is_empty() { "（没有标题）".into() } else { text::clip(&c.title, 200) }
}

/// Crumbs of a page below a document.
pub fn crumbs(w: &Whole, here: &str) -> Value {
    json!([
        { "name": "信息", "url": "/documents" },
        { "name": text::clip(&title_of(&w.shown.content), 30), "url": format!("/documents/{}", w.document.id) },
        { "name": here, "url": null },
    ])
}

/// Files for the template; with `removable` each has the form that takes it away.
pub fn files(document: Id, all: &[Attachment], removable: bool) -> Vec<Value> {
    all.iter()
        .map(|a| {
            json!({
                "id": a.file.to_string(),
                "name": a.name,
                "url": format!("/documents/{document}/files/{}", a.id),
                "type": a.extension.to_uppercase(),
                "size": size(a.size),
                "note": null,
                "remove_url": removable.then(|| format!("/documents/{document}/files/{}/remove", a.id)),
            })
        })
        .collect()
}

/// What an act of the history is called.
fn act_label(act: &str) -> &str {
    match act {
        "submit" => "提交审核",
        "approve" => "审核通过",
        "return" => "退回",
        "publish" => "发布",
        "schedule" => "安排定时发布",
        "unschedule" => "取消定时发布",
        "withdraw" => "撤回",
        "discard" => "作废",
        "import" => "从原系统迁移",
        other => other,
    }
}

/// The way of a document so far, and what is still ahead of its working edition.
pub fn steps(w: &Whole) -> Vec<Value> {
    let mut out: Vec<(Timestamp, Value)> = Vec::new();
    for e in &w.editions {
        let imported = w.steps.iter().any(|s| s.edition == e.id && s.act == "import");
        if !imported {
            out.push((
                e.created_at,
                json!({ "is": "done", "label": format!("起草{}", edition_label(e)), "who": e.created_by, "when": moment(e.created_at), "comment": null }),
            ));
        }
    }
    for s in &w.steps {
        let is = if matches!(s.act.as_str(), "return" | "withdraw" | "discard") { "bad" } else { "done" };
        let no = w.editions.iter().find(|e| e.id == s.edition).map(edition_label).unwrap_or_default();
        let comment = (!s.comment.is_empty()).then_some(&s.comment);
        out.push((
            s.at,
            json!({ "is": is, "label": format!("{}{no}", act_label(&s.act)), "who": s.actor, "when": moment(s.at), "comment": comment }),
        ));
    }
    out.sort_by_key(|(at, _)| *at);
    let mut out: Vec<Value> = out.into_iter().map(|(_, v)| v).collect();
    let ahead =
        |is: &str, label: String| json!({ "is": is, "label": label, "who": null, "when": null, "comment": null });
    if let Some(e) = w.working() {
        let rest: &[&str] = match e.state {
            State::Draft | State::Returned => &["提交审核", "审核", "签发"],
            State::Submitted => &["审核", "签发"],
            State::Approved => &["签发"],
            _ => &[],
        };
        for (i, label) in rest.iter().enumerate() {
            out.push(ahead(if i == 0 { "now" } else { "todo" }, format!("等待{label}")));
        }
        if let (State::Scheduled, Some(at)) = (e.state, e.publish_at) {
            out.push(ahead("now", format!("定于 {} 自动发布", at.minute_text())));
        }
    }
    out
}

/// What the pages say of an edition beside its text.
pub fn facts(w: &Whole, e: &Edition) -> Vec<Value> {
    let c = &e.content;
    let mut out = Vec::new();
    let mut add = |label: &str, value: &str| {
        if !value.trim().is_empty() {
            out.push(fact(label, value));
        }
    };
    add("类型", w.document.kind.label());
    add("发文字号", &c.number);
    add("发文机关", &c.issuer);
    add("文种", &c.genre);
    add("主题分类", &c.theme);
    add("成文日期", c.written_on.as_deref().unwrap_or_default());
    add("施行日期", c.effective_on.as_deref().unwrap_or_default());
    add("有效期至", c.expires_on.as_deref().unwrap_or_default());
    if c.validity != document::Validity::None {
        add(if c.validity_from_source { "效力（来源标注）" } else { "效力" }, c.validity.label());
    }
    add("来源", &c.source);
    add("责任编辑", &c.author);
    add("关键词", &c.keywords);
    add("摘要", &c.summary);
    add("索引号", &c.index_number);
    let columns: Vec<String> = w.columns(e.id).iter().map(|p| w.place_text(p)).collect();
    add("发布到", &columns.join("；"));
    if let Some(at) = e.page_at {
        let basis = match e.page_basis {
            document::DateBasis::Own => "",
            document::DateBasis::Source => "（来源日期，已迁移）",
            document::DateBasis::Import => "（来源没有日期，为导入日期）",
        };
        add("页面日期", &format!("{}{basis}", at.minute_text()));
    }
    add("导入日期", e.imported_on.as_deref().unwrap_or_default());
    add("签发", e.released_by.as_deref().unwrap_or_default());
    add("来源编号", w.document.source_key.as_deref().unwrap_or_default());
    add("编号", &w.document.id.to_string());
    out
}

/// An edition as one side of a comparison.
pub fn side(c: &Content, columns: &str, files: &str) -> Side {
    let day = |d: &Option<String>| d.clone().unwrap_or_default();
    Side {
        fields: vec![
            ("标题", c.title.clone()),
            ("发文字号", c.number.clone()),
            ("发文机关", c.issuer.clone()),
            ("成文日期", day(&c.written_on)),
            ("施行日期", day(&c.effective_on)),
            ("有效期至", day(&c.expires_on)),
            ("主题分类", c.theme.clone()),
            ("文种", c.genre.clone()),
            ("来源", c.source.clone()),
            ("责任编辑", c.author.clone()),
            ("摘要", c.summary.clone()),
            ("关键词", c.keywords.clone()),
            ("发布到", columns.to_string()),
            ("附件", files.to_string()),
        ],
        body: c.body.clone(),
    }
}

/// A kept edition as one side of a comparison.
pub fn side_of(w: &Whole, e: &Edition) -> Side {
    let columns: Vec<String> = w.columns(e.id).iter().map(|p| w.place_text(p)).collect();
    let files: Vec<String> = w.files(e.id).into_iter().map(|a| a.name).collect();
    side(&e.content, &columns.join("；"), &files.join("；"))
}

/// What the actor may do to a document, by permission alone.
#[derive(Clone, Copy, Debug)]
pub struct May {
    /// Write.
    pub write: bool,
    /// Review.
    pub review: bool,
    /// Release and withdraw.
    pub publish: bool,
}

/// What the actor may do to this document.
pub fn may(actor: &Actor, w: &Whole) -> May {
    May {
        write: actor.may(Permission::DocumentWrite, &w.target),
        review: actor.may(Permission::DocumentReview, &w.target),
        publish: actor.may(Permission::DocumentPublish, &w.target),
    }
}

/// Reads a number of the address; what is none is a document that does not exist.
///
/// # Errors
/// `document.unknown`.
pub fn id(text: &str) -> kernel::Result<Id> {
    text.parse().map_err(|_| document::unknown())
}

/// A view for a page.
///
/// # Errors
/// `db.busy`.
pub async fn read(app: &App) -> kernel::Result<ReadTx> {
    app.db.read().await
}

/// A transaction of whoever is signed in.
///
/// # Errors
/// `db.busy`.
pub async fn write(app: &App, staff: &Staff) -> kernel::Result<WriteTx> {
    app.db.write(&staff.ctx).await
}

/// Refuses an act on something that has changed since its page was shown. What was decided on must be what was read.
///
/// # Errors
/// `document.moved`; `document.unknown`.
pub async fn unmoved(tx: &mut WriteTx, id: Id, lock_version: &str) -> kernel::Result<Document> {
    let actor = tx.ctx().actor.clone();
    let (d, _) = crate::content::queries::readable(tx, &actor, id).await?;
    if !lock_version.is_empty() && lock_version.parse() != Ok(d.lock_version) {
        return Err(Refusal::conflict("document.moved", "在您查看期间，这条信息有了变化，这次操作没有执行")
            .mend("请返回这条信息，看过最新内容后再操作"));
    }
    Ok(d)
}

/// Takes back the body's paragraphs to the plain lines that an editor typed, where it holds nothing else.
pub fn body_for_form(html: &str) -> String {
    let lines: Option<Vec<String>> = html
        .lines()
        .filter(|l| !l.trim().is_empty())
        .map(|l| {
            let inner = l.trim().strip_prefix("<p>")?.strip_suffix("</p>")?;
            (!inner.contains('<')).then(|| text::strip_tags(inner))
        })
        .collect();
    match lines {
        // Text that would be read as HTML again must stay HTML.
        Some(lines) if !lines.iter().any(|l| l.contains('<')) => lines.join("\n\n"),
        _ => html.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_paragraphs_come_back_as_they_were_typed() {
        let typed = "一、对象\n\n四层及以上 & 没有电梯的住宅。";
        assert_eq!(body_for_form(&web::html::body_of(typed)), typed);
        for kept in ["<h2>一</h2>\n<p>二</p>", "<p>甲<b>乙</b></p>", "<p>a &lt; b</p>"] {
            assert_eq!(body_for_form(kept), kept);
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(size(12), "12 字节");
        assert_eq!(size(28 << 10), "28 KB");
        assert_eq!(size(3 << 19), "1.5 MB");
    }
}
