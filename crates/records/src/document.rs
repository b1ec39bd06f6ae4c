//! Document 信息 and Edition 版本: identity and lock in one, text and state in the other.
//!
//! One text may stand in many columns of many sites (placements). Every edition is kept. A document has at most one live
//! edition (what the public sees) and one working edition (what is being written or reviewed).

use std::collections::BTreeMap;

use kernel::{Date, Id, Refusal, Result, Timestamp};
use platform::{Read, Row, Sql, WriteTx, args};
use serde::{Deserialize, Serialize};

/// What sort of document it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DocumentKind {
    /// 动态
    News,
    /// 公告
    Notice,
    /// 文件 (公文)
    Official,
    /// 解读
    Interpretation,
    /// 概况
    Profile,
}

impl DocumentKind {
    /// Every kind.
    pub const ALL: [DocumentKind; 5] = [
        DocumentKind::Official,
        DocumentKind::Notice,
        DocumentKind::News,
        DocumentKind::Interpretation,
        DocumentKind::Profile,
    ];
    /// As stored.
    pub fn code(self) -> &'static str {
        match self {
            DocumentKind::News => "news",
            DocumentKind::Notice => "notice",
            DocumentKind::Official => "official",
            DocumentKind::Interpretation => "interpretation",
            DocumentKind::Profile => "profile",
        }
    }
    /// What pages call it.
    pub fn label(self) -> &'static str {
        match self {
            DocumentKind::News => "动态",
            DocumentKind::Notice => "公告",
            DocumentKind::Official => "文件",
            DocumentKind::Interpretation => "解读",
            DocumentKind::Profile => "概况",
        }
    }
    /// The kind of a stored code.
    pub fn from_code(code: &str) -> Option<DocumentKind> {
        DocumentKind::ALL.into_iter().find(|k| k.code() == code)
    }
}

/// Where an edition stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// 草稿
    Draft,
    /// 待审
    Submitted,
    /// 退回
    Returned,
    /// 待发
    Approved,
    /// 定时
    Scheduled,
    /// 已发布
    Published,
    /// 已被替换
    Superseded,
    /// 已撤回
    Withdrawn,
    /// 已作废
    Discarded,
}

impl State {
    /// Every state.
    pub const ALL: [State; 9] = [
        State::Draft,
        State::Submitted,
        State::Returned,
        State::Approved,
        State::Scheduled,
        State::Published,
        State::Superseded,
        State::Withdrawn,
        State::Discarded,
    ];
    /// As stored.
    pub fn code(self) -> &'static str {
        match self {
            State::Draft => "draft",
            State::Submitted => "submitted",
            State::Returned => "returned",
            State::Approved => "approved",
            State::Scheduled => "scheduled",
            State::Published => "published",
            State::Superseded => "superseded",
            State::Withdrawn => "withdrawn",
            State::Discarded => "discarded",
        }
    }
    /// What pages call it.
    pub fn label(self) -> &'static str {
        match self {
            State::Draft => "草稿",
            State::Submitted => "待审",
            State::Returned => "已退回",
            State::Approved => "待发布",
            State::Scheduled => "定时发布",
            State::Published => "已发布",
            State::Superseded => "已被替换",
            State::Withdrawn => "已撤回",
            State::Discarded => "已作废",
        }
    }
    /// The state of a stored code.
    pub fn from_code(code: &str) -> Option<State> {
        State::ALL.into_iter().find(|k| k.code() == code)
    }
    /// Whether its text may still be changed.
    pub fn editable(self) -> bool {
        matches!(self, State::Draft | State::Returned)
    }
}

/// Whether an official document is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Validity {
    /// Not said.
    #[default]
    None,
    /// 有效
    Valid,
    /// 尚未生效
    Future,
    /// 已修改
    Amended,
    /// 已废止
    Repealed,
    /// 已失效
    Lapsed,
}

impl Validity {
    /// Every value.
    pub const ALL: [Validity; 6] =
        [Validity::None, Validity::Valid, Validity::Future, Validity::Amended, Validity::Repealed, Validity::Lapsed];
    /// As stored.
    pub fn code(self) -> &'static str {
        match self {
            Validity::None => "none",
            Validity::Valid => "valid",
            Validity::Future => "future",
            Validity::Amended => "amended",
            Validity::Repealed => "repealed",
            Validity::Lapsed => "lapsed",
        }
    }
    /// What pages call it.
    pub fn label(self) -> &'static str {
        match self {
            Validity::None => "未标注",
            Validity::Valid => "有效",
            Validity::Future => "尚未生效",
            Validity::Amended => "已修改",
            Validity::Repealed => "已废止",
            Validity::Lapsed => "已失效",
        }
    }
    /// The value of a stored code.
    pub fn from_code(code: &str) -> Option<Validity> {
        Validity::ALL.into_iter().find(|k| k.code() == code)
    }
}

/// What the date on the page rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum DateBasis {
    /// The moment of release here.
    #[default]
    Own,
    /// The source's date: the page says that it was migrated.
    Source,
    /// The source had none: the day of import, marked.
    Import,
}

impl DateBasis {
    /// As stored.
    pub fn code(self) -> &'static str {
        match self {
            DateBasis::Own => "own",
            DateBasis::Source => "source",
            DateBasis::Import => "import",
        }
    }
    /// The value of a stored code.
    pub fn from_code(code: &str) -> Option<DateBasis> {
        [DateBasis::Own, DateBasis::Source, DateBasis::Import].into_iter().find(|k| k.code() == code)
    }
}

/// What people write: everything of an edition that a form edits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // columns of the table
pub struct Content {
    pub title: String,
    pub summary: String,
    /// Sanitised HTML.
    pub body: String,
    pub number: String,
    pub issuer: String,
    pub written_on: Option<String>,
    pub effective_on: Option<String>,
    pub expires_on: Option<String>,
    pub validity: Validity,
    /// Told by a source (来源标注) rather than found by the city.
    pub validity_from_source: bool,
    pub theme: String,
    pub genre: String,
    pub source: String,
    pub author: String,
    pub keywords: String,
    pub index_number: String,
    /// Lines on passing, publication and amendment, as a source told them.
    pub history: Vec<String>,
}

/// A document: identity, owner, lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)] // columns of the table
pub struct Document {
    pub id: Id,
    pub organ: Id,
    /// The site whose office writes it: what permissions are checked against.
    pub site: Id,
    pub kind: DocumentKind,
    pub source_key: Option<String>,
    pub lock_version: i64,
    pub live: Option<Id>,
    pub draft: Option<Id>,
    pub published_on: Option<String>,
    pub withdrawn_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

/// An edition: text and state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)] // columns of the table
pub struct Edition {
    pub id: Id,
    pub document: Id,
    pub no: i64,
    pub state: State,
    pub content: Content,
    pub page_at: Option<Timestamp>,
    pub page_basis: DateBasis,
    pub imported_on: Option<String>,
    pub created_by: String,
    pub created_account: Option<Id>,
    pub created_at: Timestamp,
    pub saved_at: Timestamp,
    pub publish_at: Option<Timestamp>,
    pub released_by: Option<String>,
    pub released_at: Option<Timestamp>,
    pub withdraw_ground: Option<String>,
    pub withdraw_reason: Option<String>,
}

const DOCUMENT: &str = "SELECT id, organ_id, site_id, kind, source_key, lock_version, live_edition, draft_edition, published_on, withdrawn_at, created_at FROM document";
const EDITION: &str = "SELECT id, document_id, no, state, title, summary, body, number, issuer, written_on, effective_on, expires_on, validity, validity_basis, theme, genre, source, author, keywords, index_number, history, page_at, page_basis, imported_on, created_by, created_account, created_at, saved_at, publish_at, released_by, released_at, withdraw_ground, withdraw_reason FROM edition";

fn bad(what: &str) -> Refusal {
    Refusal::internal("db.inconsistent", format_args!("document {what}"))
}

fn document(r: &Row) -> Result<Document> {
    let kind: String = r.get("kind")?;
    Ok(Document {
        id: r.get("id")?,
        organ: r.get("organ_id")?,
        site: r.get("site_id")?,
        kind: DocumentKind::from_code(&kind).ok_or_else(|| bad(&kind))?,
        source_key: r.get("source_key")?,
        lock_version: r.get("lock_version")?,
        live: r.get("live_edition")?,
        draft: r.get("draft_edition")?,
        published_on: r.get("published_on")?,
        withdrawn_at: r.get("withdrawn_at")?,
        created_at: r.get("created_at")?,
    })
}

fn edition(r: &Row) -> Result<Edition> {
    let (state, validity, basis): (String, String, String) =
        (r.get("state")?, r.get("validity")?, r.get("page_basis")?);
    Ok(Edition {
        id: r.get("id")?,
        document: r.get("document_id")?,
        no: r.get("no")?,
        state: State::from_code(&state).ok_or_else(|| bad(&state))?,
        content: Content {
            title: r.get("title")?,
            summary: r.get("summary")?,
            body: r.get("body")?,
            number: r.get("number")?,
            issuer: r.get("issuer")?,
            written_on: r.get("written_on")?,
            effective_on: r.get("effective_on")?,
            expires_on: r.get("expires_on")?,
            validity: Validity::from_code(&validity).ok_or_else(|| bad(&validity))?,
            validity_from_source: r.get::<String>("validity_basis")? == "source",
            theme: r.get("theme")?,
            genre: r.get("genre")?,
            source: r.get("source")?,
            author: r.get("author")?,
            keywords: r.get("keywords")?,
            index_number: r.get("index_number")?,
            history: r.json("history")?,
        },
        page_at: r.get("page_at")?,
        page_basis: DateBasis::from_code(&basis).ok_or_else(|| bad(&basis))?,
        imported_on: r.get("imported_on")?,
        created_by: r.get("created_by")?,
        created_account: r.get("created_account")?,
        created_at: r.get("created_at")?,
        saved_at: r.get("saved_at")?,
        publish_at: r.get("publish_at")?,
        released_by: r.get("released_by")?,
        released_at: r.get("released_at")?,
        withdraw_ground: r.get("withdraw_ground")?,
        withdraw_reason: r.get("withdraw_reason")?,
    })
}

/// The refusal where a document does not exist or may not be known.
pub fn unknown() -> Refusal {
    Refusal::not_found("document.unknown", "没有这条信息").mend("请从信息列表重新进入")
}

/// A document by id.
///
/// # Errors
/// `document.unknown`.
pub async fn get(tx: &mut impl Read, id: Id) -> Result<Document> {
    let mut sql = Sql::new(DOCUMENT);
    sql.push(" WHERE id=").bind(id);
    tx.optional(sql, vec![]).await?.as_ref().map(document).transpose()?.ok_or_else(unknown)
}

/// A document by what its source calls it.
///
/// # Errors
/// `db.fault`.
pub async fn find_source(tx: &mut impl Read, key: &str) -> Result<Option<Document>> {
    let mut sql = Sql::new(DOCUMENT);
    sql.push(" WHERE source_key=").bind(key);
    tx.optional(sql, vec![]).await?.as_ref().map(document).transpose()
}

/// Documents by id.
///
/// # Errors
/// `db.fault`.
pub async fn get_many(tx: &mut impl Read, ids: &[Id]) -> Result<BTreeMap<Id, Document>> {
    let mut sql = Sql::new(DOCUMENT);
    sql.push(" WHERE id IN ").bind_list(ids.iter().copied());
    tx.rows(sql, vec![]).await?.iter().map(|r| document(r).map(|d| (d.id, d))).collect()
}

/// An edition by id.
///
/// # Errors
/// `edition.unknown`.
pub async fn get_edition(tx: &mut impl Read, id: Id) -> Result<Edition> {
    let mut sql = Sql::new(EDITION);
    sql.push(" WHERE id=").bind(id);
    tx.optional(sql, vec![])
        .await?
        .as_ref()
        .map(edition)
        .transpose()?
        .ok_or_else(|| Refusal::not_found("edition.unknown", "没有这一稿"))
}

/// Editions by id.
///
/// # Errors
/// `db.fault`.
pub async fn get_editions(tx: &mut impl Read, ids: &[Id]) -> Result<BTreeMap<Id, Edition>> {
    let mut sql = Sql::new(EDITION);
    sql.push(" WHERE id IN ").bind_list(ids.iter().copied());
    tx.rows(sql, vec![]).await?.iter().map(|r| edition(r).map(|e| (e.id, e))).collect()
}

/// Every edition of a document, newest first.
///
/// # Errors
/// `db.fault`.
pub async fn editions(tx: &mut impl Read, document: Id) -> Result<Vec<Edition>> {
    let mut sql = Sql::new(EDITION);
    sql.push(" WHERE document_id=").bind(document).push(" ORDER BY no DESC");
    tx.rows(sql, vec![]).await?.iter().map(edition).collect()
}

/// Adds a document.
///
/// # Errors
/// `db.duplicate` where the source key is known.
pub async fn insert(tx: &mut WriteTx, organ: Id, site: Id, kind: DocumentKind, source_key: Option<&str>) -> Result<Id> {
    let id = tx.ctx().id();
    let now = tx.now();
    tx.exec_one(
        "INSERT INTO document (id, organ_id, site_id, kind, source_key, lock_version, created_at) VALUES ($1,$2,$3,$4,$5,1,$6)",
        args![id, organ, site, kind.code(), source_key, now],
    )
    .await?;
    Ok(id)
}

/// Writes down a document's changed pointers, if nobody changed it since `lock_version` was read; counts the lock up.
///
/// # Errors
/// `document.stale` where somebody did.
pub async fn save(tx: &mut WriteTx, d: &Document) -> Result<()> {
    let n = tx
        .exec(
            "UPDATE document SET kind=$1, live_edition=$2, draft_edition=$3, published_on=$4, withdrawn_at=$5, lock_version=lock_version+1 WHERE id=$6 AND lock_version=$7",
            args![d.kind.code(), d.live, d.draft, d.published_on.clone(), d.withdrawn_at, d.id, d.lock_version],
        )
        .await?;
    if n == 1 { Ok(()) } else { Err(stale()) }
}

/// The refusal where somebody else was faster.
pub fn stale() -> Refusal {
    Refusal::conflict("document.stale", "在您编辑期间，别人修改了这条信息")
        .mend("您填写的内容没有丢失，请对照下面的差异合并后再保存")
}

/// Adds an edition in state draft.
///
/// # Errors
/// `db.fault`.
pub async fn insert_edition(tx: &mut WriteTx, document: Id, c: &Content) -> Result<Id> {
    let id = tx.ctx().id();
    let (now, actor) = (tx.now(), tx.ctx().actor.clone());
    let no: i64 =
        tx.scalar("SELECT COALESCE(MAX(no),0)+1 AS n FROM edition WHERE document_id=$1", args![document]).await?;
    let history = serde_json::to_string(&c.history).map_err(|e| Refusal::internal("db.json", e))?;
    tx.exec_one(
        "INSERT INTO edition (id, document_id, no, state, title, summary, body, number, issuer, written_on, effective_on, expires_on, validity, validity_basis, theme, genre, source, author, keywords, index_number, history, page_basis, created_by, created_account, created_at, saved_at)
         VALUES ($1,$2,$3,'draft',$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,'own',$21,$22,$23,$23)",
        args![
            id, document, no, &c.title, &c.summary, &c.body, &c.number, &c.issuer, c.written_on.clone(),
            c.effective_on.clone(), c.expires_on.clone(), c.validity.code(),
            if c.validity_from_source { "source" } else { "own" }, &c.theme, &c.genre, &c.source, &c.author,
            &c.keywords, &c.index_number, history, &actor.name, actor.account, now
        ],
    )
    .await?;
    Ok(id)
}

/// Changes an edition's text.
///
/// # Errors
/// `db.inconsistent`.
pub async fn update_edition(tx: &mut WriteTx, id: Id, c: &Content) -> Result<()> {
    let now = tx.now();
    let history = serde_json::to_string(&c.history).map_err(|e| Refusal::internal("db.json", e))?;
    tx.exec_one(
        "UPDATE edition SET title=$1, summary=$2, body=$3, number=$4, issuer=$5, written_on=$6, effective_on=$7, expires_on=$8, validity=$9, validity_basis=$10, theme=$11, genre=$12, source=$13, author=$14, keywords=$15, index_number=$16, history=$17, saved_at=$18 WHERE id=$19",
        args![
            &c.title, &c.summary, &c.body, &c.number, &c.issuer, c.written_on.clone(), c.effective_on.clone(),
            c.expires_on.clone(), c.validity.code(), if c.validity_from_source { "source" } else { "own" }, &c.theme,
            &c.genre, &c.source, &c.author, &c.keywords, &c.index_number, history, now, id
        ],
    )
    .await
}

/// Moves an edition to a state.
///
/// # Errors
/// `db.inconsistent`.
pub async fn set_state(tx: &mut WriteTx, id: Id, state: State) -> Result<()> {
    tx.exec_one("UPDATE edition SET state=$1 WHERE id=$2", args![state.code(), id]).await
}

/// When it is to be released.
///
/// # Errors
/// `db.inconsistent`.
pub async fn set_schedule(tx: &mut WriteTx, id: Id, at: Option<Timestamp>) -> Result<()> {
    tx.exec_one("UPDATE edition SET publish_at=$1 WHERE id=$2", args![at, id]).await
}

/// Writes down a release: the date on the page with its basis, who and when.
///
/// # Errors
/// `db.inconsistent`.
pub async fn set_release(
    tx: &mut WriteTx,
    id: Id,
    page_at: Timestamp,
    basis: DateBasis,
    imported_on: Option<Date>,
) -> Result<()> {
    let (now, by) = (tx.now(), tx.ctx().actor.name.clone());
    tx.exec_one(
        "UPDATE edition SET state='published', page_at=$1, page_basis=$2, imported_on=$3, released_by=$4, released_at=$5, publish_at=NULL WHERE id=$6",
        args![page_at, basis.code(), imported_on, by, now, id],
    )
    .await
}

/// Writes down a withdrawal's ground.
///
/// # Errors
/// `db.inconsistent`.
pub async fn set_withdrawal(tx: &mut WriteTx, id: Id, ground: &str, reason: &str) -> Result<()> {
    tx.exec_one(
        "UPDATE edition SET state='withdrawn', withdraw_ground=$1, withdraw_reason=$2 WHERE id=$3",
        args![ground, reason, id],
    )
    .await
}

/// Columns in which an edition is to stand; the first of a site is its home there and gives its address.
///
/// # Errors
/// `db.fault`.
pub async fn edition_columns(tx: &mut impl Read, edition: Id) -> Result<Vec<Id>> {
    tx.rows("SELECT column_id AS n FROM edition_column WHERE edition_id=$1 ORDER BY sort", args![edition])
        .await?
        .iter()
        .map(|r| r.get("n"))
        .collect()
}

/// Says in which columns an edition is to stand.
///
/// # Errors
/// `db.fault`.
pub async fn set_edition_columns(tx: &mut WriteTx, edition: Id, columns: &[Id]) -> Result<()> {
    tx.exec("DELETE FROM edition_column WHERE edition_id=$1", args![edition]).await?;
    for (i, c) in columns.iter().enumerate() {
        if columns.iter().take(i).any(|d| d == c) {
            continue;
        }
        tx.exec_one(
            "INSERT INTO edition_column (edition_id, column_id, sort) VALUES ($1,$2,$3)",
            args![edition, *c, i as i64],
        )
        .await?;
    }
    Ok(())
}

/// Where a live document stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)] // columns of the table
pub struct Placement {
    pub site: Id,
    pub column: Id,
    pub sort_at: Timestamp,
    pub document: Id,
}

/// Where documents stand.
///
/// # Errors
/// `db.fault`.
pub async fn placements(tx: &mut impl Read, documents: &[Id]) -> Result<Vec<Placement>> {
    let mut sql = Sql::new("SELECT site_id, column_id, sort_at, document_id FROM placement WHERE document_id IN ");
    sql.bind_list(documents.iter().copied()).push(" ORDER BY document_id, site_id, column_id");
    tx.rows(sql, vec![])
        .await?
        .iter()
        .map(|r| {
            Ok(Placement {
                site: r.get("site_id")?,
                column: r.get("column_id")?,
                sort_at: r.get("sort_at")?,
                document: r.get("document_id")?,
            })
        })
        .collect()
}

/// Puts a live document into columns, and out of all others.
///
/// # Errors
/// `db.fault`.
pub async fn set_placements(tx: &mut WriteTx, document: Id, all: &[Placement]) -> Result<()> {
    tx.exec("DELETE FROM placement WHERE document_id=$1", args![document]).await?;
    for p in all {
        tx.exec_one(
            "INSERT INTO placement (column_id, sort_at, document_id, site_id) VALUES ($1,$2,$3,$4)",
            args![p.column, p.sort_at, p.document, p.site],
        )
        .await?;
    }
    Ok(())
}

/// An address that a document has or had.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs)] // columns of the table
pub struct DocumentAddress {
    pub site: Id,
    pub path: String,
    pub document: Id,
    pub current: bool,
}

fn document_address(r: &Row) -> Result<DocumentAddress> {
    Ok(DocumentAddress {
        site: r.get("site_id")?,
        path: r.get("path")?,
        document: r.get("document_id")?,
        current: r.get("current")?,
    })
}

/// Addresses of documents, present and former.
///
/// # Errors
/// `db.fault`.
pub async fn addresses(tx: &mut impl Read, documents: &[Id]) -> Result<Vec<DocumentAddress>> {
    let mut sql = Sql::new("SELECT site_id, path, document_id, current FROM document_address WHERE document_id IN ");
    sql.bind_list(documents.iter().copied()).push(" ORDER BY document_id, site_id, path");
    tx.rows(sql, vec![]).await?.iter().map(document_address).collect()
}

/// Whose addresses these are.
///
/// # Errors
/// `db.fault`.
pub async fn by_paths(tx: &mut impl Read, site: Id, paths: &[&str]) -> Result<Vec<DocumentAddress>> {
    let mut sql = Sql::new("SELECT site_id, path, document_id, current FROM document_address WHERE site_id=");
    sql.bind(site).push(" AND path IN ").bind_list(paths.iter().copied());
    tx.rows(sql, vec![]).await?.iter().map(document_address).collect()
}

/// Makes an address a document's current one on its site; its former ones lead there. An address once used is never
/// given to another document.
///
/// # Errors
/// `address.taken`.
pub async fn set_address(tx: &mut WriteTx, a: &DocumentAddress) -> Result<()> {
    tx.exec(
        "UPDATE document_address SET current=FALSE WHERE document_id=$1 AND site_id=$2 AND path<>$3 AND current=TRUE",
        args![a.document, a.site, &a.path],
    )
    .await?;
    let there = tx
        .optional("SELECT document_id AS n FROM document_address WHERE site_id=$1 AND path=$2", args![a.site, &a.path])
        .await?;
    match there {
        Some(r) if r.get::<Id>("n")? == a.document => {
            tx.exec("UPDATE document_address SET current=TRUE WHERE site_id=$1 AND path=$2", args![a.site, &a.path])
                .await?;
            Ok(())
        }
        Some(_) => Err(Refusal::conflict("address.taken", "这个地址已属于另一条信息").at(a.path.clone())),
        None => {
            tx.exec_one(
                "INSERT INTO document_address (site_id, path, document_id, current) VALUES ($1,$2,$3,TRUE)",
                args![a.site, &a.path, a.document],
            )
            .await
        }
    }
}

/// An attachment of an edition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // columns of the table
pub struct Attachment {
    pub id: Id,
    pub edition: Id,
    /// Hash of the original.
    pub original: String,
    pub name: String,
    pub media: String,
    pub extension: String,
    pub size: i64,
    /// The same through all editions: part of the public address.
    pub file: Id,
    pub sort: i64,
}

/// Attachments of editions, in order.
///
/// # Errors
/// `db.fault`.
pub async fn attachments(tx: &mut impl Read, editions: &[Id]) -> Result<Vec<Attachment>> {
    let mut sql = Sql::new(
        "SELECT id, edition_id, original, name, media, extension, size, file_id, sort FROM attachment WHERE edition_id IN ",
    );
    sql.bind_list(editions.iter().copied()).push(" ORDER BY edition_id, sort, id");
    tx.rows(sql, vec![])
        .await?
        .iter()
        .map(|r| {
            Ok(Attachment {
                id: r.get("id")?,
                edition: r.get("edition_id")?,
                original: r.get("original")?,
                name: r.get("name")?,
                media: r.get("media")?,
                extension: r.get("extension")?,
                size: r.get("size")?,
                file: r.get("file_id")?,
                sort: r.get("sort")?,
            })
        })
        .collect()
}

/// Adds an attachment; `file` is given where an edition takes over its predecessor's.
///
/// # Errors
/// `db.fault`.
pub async fn insert_attachment(tx: &mut WriteTx, a: &Attachment) -> Result<()> {
    tx.exec_one(
        "INSERT INTO attachment (id, edition_id, original, name, media, extension, size, file_id, sort) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)",
        args![a.id, a.edition, &a.original, &a.name, &a.media, &a.extension, a.size, a.file, a.sort],
    )
    .await
}

/// Takes an attachment out of an edition.
///
/// # Errors
/// `db.inconsistent`.
pub async fn delete_attachment(tx: &mut WriteTx, edition: Id, id: Id) -> Result<()> {
    tx.exec_one("DELETE FROM attachment WHERE id=$1 AND edition_id=$2", args![id, edition]).await
}

/// A relation between two documents.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs)] // columns of the table
pub struct Relation {
    pub from: Id,
    pub kind: String,
    pub to: Id,
}

/// Relations of documents, in both directions.
///
/// # Errors
/// `db.fault`.
pub async fn relations(tx: &mut impl Read, documents: &[Id]) -> Result<Vec<Relation>> {
    let mut out = Vec::new();
    for column in ["from_document IN ", "to_document IN "] {
        let mut sql = Sql::new("SELECT from_document, kind, to_document FROM relation WHERE ");
        sql.push(column).bind_list(documents.iter().copied());
        for r in tx.rows(sql, vec![]).await? {
            out.push(Relation { from: r.get("from_document")?, kind: r.get("kind")?, to: r.get("to_document")? });
        }
    }
    out.sort();
    out.dedup();
    Ok(out)
}

/// Adds a relation; adding it twice adds it once.
///
/// # Errors
/// `db.fault`.
pub async fn insert_relation(tx: &mut WriteTx, r: &Relation) -> Result<()> {
    tx.exec(
        "INSERT INTO relation (from_document, kind, to_document) VALUES ($1,$2,$3) ON CONFLICT DO NOTHING",
        args![r.from, &r.kind, r.to],
    )
    .await?;
    Ok(())
}

/// Takes a relation away.
///
/// # Errors
/// `db.fault`.
pub async fn delete_relation(tx: &mut WriteTx, r: &Relation) -> Result<()> {
    tx.exec("DELETE FROM relation WHERE from_document=$1 AND kind=$2 AND to_document=$3", args![r.from, &r.kind, r.to])
        .await?;
    Ok(())
}

/// A step in an edition's way: who did what when, with which comment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)] // columns of the table
pub struct Step {
    pub edition: Id,
    pub at: Timestamp,
    pub account: Option<Id>,
    pub actor: String,
    pub act: String,
    pub comment: String,
}

/// Notes a step.
///
/// # Errors
/// `db.fault`.
pub async fn insert_step(tx: &mut WriteTx, edition: Id, act: &str, comment: &str) -> Result<()> {
    let id = tx.ctx().id();
    let (now, actor) = (tx.now(), tx.ctx().actor.clone());
    tx.exec_one(
        "INSERT INTO edition_step (id, edition_id, at, account_id, actor, act, comment) VALUES ($1,$2,$3,$4,$5,$6,$7)",
        args![id, edition, now, actor.account, &actor.name, act, comment],
    )
    .await
}

/// Steps of a document's editions, oldest first.
///
/// # Errors
/// `db.fault`.
pub async fn steps(tx: &mut impl Read, document: Id) -> Result<Vec<Step>> {
    tx.rows(
        "SELECT s.edition_id, s.at, s.account_id, s.actor, s.act, s.comment FROM edition_step s JOIN edition e ON e.id=s.edition_id WHERE e.document_id=$1 ORDER BY s.at, s.id",
        args![document],
    )
    .await?
    .iter()
    .map(|r| {
        Ok(Step {
            edition: r.get("edition_id")?,
            at: r.get("at")?,
            account: r.get("account_id")?,
            actor: r.get("actor")?,
            act: r.get("act")?,
            comment: r.get("comment")?,
        })
    })
    .collect()
}

/// What a staff list filters by.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Sites whose documents the actor may see: always given.
    pub sites: Vec<Id>,
    /// Columns, if only these.
    pub columns: Vec<Id>,
    /// State of the working or live edition.
    pub states: Vec<State>,
    /// Kind.
    pub kind: Option<DocumentKind>,
    /// Words in the title or number.
    pub text: String,
    /// Written by this account.
    pub account: Option<Id>,
    /// Not by this account (a reviewer's list).
    pub not_account: Option<Id>,
    /// Only after this key (older).
    pub before: Option<(Timestamp, Id)>,
}

/// A line of a staff list: a document with its newest edition that counts.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)] // columns of the tables
pub struct Line {
    pub document: Id,
    pub site: Id,
    pub kind: String,
    pub edition: Id,
    pub no: i64,
    pub state: State,
    pub title: String,
    pub number: String,
    pub created_by: String,
    pub saved_at: Timestamp,
    pub publish_at: Option<Timestamp>,
    pub live: bool,
}

/// A page of a staff list, newest change first.
///
/// # Errors
/// `db.fault`.
pub async fn list(tx: &mut impl Read, f: &Filter, limit: i64) -> Result<Vec<Line>> {
    let mut sql = Sql::new(
        "SELECT d.id, d.site_id, d.kind, d.live_edition, e.id AS edition_id, e.no, e.state, e.title, e.number, e.created_by, e.saved_at, e.publish_at
         FROM document d JOIN edition e ON e.id=COALESCE(d.draft_edition, d.live_edition, (SELECT m.id FROM edition m WHERE m.document_id=d.id AND m.no=(SELECT MAX(k.no) FROM edition k WHERE k.document_id=d.id)))",
    );
    conditions(&mut sql, f);
    sql.push(" ORDER BY e.saved_at DESC, d.id DESC LIMIT ").bind(limit);
    tx.rows(sql, vec![])
        .await?
        .iter()
        .map(|r| {
            let state: String = r.get("state")?;
            let (edition, live): (Id, Option<Id>) = (r.get("edition_id")?, r.get("live_edition")?);
            Ok(Line {
                document: r.get("id")?,
                site: r.get("site_id")?,
                kind: r.get("kind")?,
                edition,
                no: r.get("no")?,
                state: State::from_code(&state).ok_or_else(|| bad(&state))?,
                title: r.get("title")?,
                number: r.get("number")?,
                created_by: r.get("created_by")?,
                saved_at: r.get("saved_at")?,
                publish_at: r.get("publish_at")?,
                live: live.is_some(),
            })
        })
        .collect()
}

/// How many documents a filter finds.
///
/// # Errors
/// `db.fault`.
pub async fn count(tx: &mut impl Read, f: &Filter) -> Result<i64> {
    let mut sql = Sql::new(
        "SELECT COUNT(*) AS n FROM document d JOIN edition e ON e.id=COALESCE(d.draft_edition, d.live_edition, (SELECT m.id FROM edition m WHERE m.document_id=d.id AND m.no=(SELECT MAX(k.no) FROM edition k WHERE k.document_id=d.id)))",
    );
    conditions(&mut sql, f);
    tx.scalar(sql, vec![]).await
}

fn conditions(sql: &mut Sql, f: &Filter) {
    sql.push(" WHERE d.site_id IN ").bind_list(f.sites.iter().copied());
    if !f.columns.is_empty() {
        sql.push(" AND EXISTS (SELECT 1 FROM edition_column c WHERE c.edition_id=e.id AND c.column_id IN ")
            .bind_list(f.columns.iter().copied())
            .push(")");
    }
    if !f.states.is_empty() {
        sql.push(" AND e.state IN ").bind_list(f.states.iter().map(|s| s.code()));
    }
    if let Some(kind) = f.kind {
        sql.push(" AND d.kind=").bind(kind.code());
    }
    if !f.text.is_empty() {
        let like = format!("%{}%", f.text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
        sql.push(" AND (e.title LIKE ").bind(&like).push(" ESCAPE '\\' OR e.number LIKE ").bind(&like);
        sql.push(" ESCAPE '\\')");
    }
    if let Some(a) = f.account {
        sql.push(" AND e.created_account=").bind(a);
    }
    if let Some(a) = f.not_account {
        sql.push(" AND (e.created_account IS NULL OR e.created_account<>").bind(a).push(")");
    }
    if let Some((at, id)) = f.before {
        sql.push(" AND (e.saved_at<").bind(at).push(" OR (e.saved_at=").bind(at).push(" AND d.id<").bind(id);
        sql.push("))");
    }
}
