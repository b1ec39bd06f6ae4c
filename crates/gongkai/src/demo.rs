//! The demonstration city 云川市: fictional, written by us, filled through the product's own commands.

use std::collections::HashMap;

use capabilities::content::commands::{Imported, import, relate};
use capabilities::office::api::{self, NewAccount};
use capabilities::published::markdown;
use capabilities::sites::commands::{NewSite, create_columns, create_site};
use kernel::permission::{Grant, Role, Scope};
use kernel::secret::Secret;
use kernel::{Id, Refusal, Result, Timestamp, crypto::Sealed};
use platform::audit::Entry;
use platform::{Read as _, args};
use records::document::{Content, DocumentKind, Validity};
use records::organ::{self, NewOrgan, OrganKind};
use records::site::{self, SiteKind, SiteSettings, SiteStatus};
use serde::{Deserialize, Serialize};

use crate::house::House;
use crate::init::usual_columns;

const ORGANS: &str = include_str!("../demo/organs.json");
const POSTS: &str = include_str!("../demo/posts.json");
const SITES: &str = include_str!("../demo/sites.json");
const DOCUMENTS: &str = include_str!("../demo/documents.json");
const USERS: &str = include_str!("../demo/users.json");

/// How much of the city is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Scale {
    /// 53 sites with the documents that were written for them.
    Small,
    /// The same with 122,180 items, as many as the model city published in its year.
    City,
}

#[derive(Deserialize)]
struct OrganRow {
    slug: String,
    name: String,
    short_name: String,
    kind: OrganKind,
    parent: Option<String>,
    division: String,
    credit_code: Option<String>,
    from: String,
    until: Option<String>,
    #[serde(default)]
    phone: String,
    #[serde(default)]
    address: String,
    #[serde(default)]
    hours: String,
    #[serde(default)]
    duties: String,
    #[serde(default)]
    history: Vec<HistoryRow>,
}

#[derive(Deserialize)]
struct HistoryRow {
    on: String,
    what: String,
    #[serde(default)]
    from_name: Option<String>,
    #[serde(default)]
    predecessors: Vec<String>,
    #[serde(default)]
    successors: Vec<String>,
    #[serde(default)]
    basis: String,
}

#[derive(Deserialize)]
struct PostRow {
    organ: String,
    title: String,
    name: String,
    rank: i64,
    from: String,
    until: Option<String>,
}

#[derive(Deserialize)]
struct SiteRow {
    slug: String,
    organ: String,
    name: String,
    short_name: String,
    kind: SiteKind,
    theme: String,
    domain: String,
    id_code: String,
    icp: String,
    psb: String,
    psb_code: String,
    sponsor: String,
    operator: String,
    phone: String,
    hours: String,
    address: String,
    search_hint: String,
    sub: String,
}

#[derive(Deserialize)]
struct DocumentRow {
    key: String,
    site: String,
    columns: Vec<String>,
    organ: String,
    kind: DocumentKind,
    title: String,
    number: Option<String>,
    issuer: Option<String>,
    written_on: Option<String>,
    publish: String,
    effective_on: Option<String>,
    expires_on: Option<String>,
    validity: Option<Validity>,
    theme: Option<String>,
    genre: Option<String>,
    source: Option<String>,
    author: Option<String>,
    summary: Option<String>,
    #[serde(default)]
    keywords: Vec<String>,
    body: String,
    #[serde(default)]
    relations: Vec<RelationRow>,
    #[serde(default)]
    attachments: Vec<AttachmentRow>,
}

#[derive(Deserialize)]
struct RelationRow {
    kind: String,
    to: String,
}

#[derive(Deserialize)]
struct AttachmentRow {
    name: String,
    text: String,
}

#[derive(Deserialize)]
struct UserRow {
    username: String,
    name: String,
    organ: String,
    roles: Vec<RoleRow>,
}

#[derive(Deserialize)]
struct RoleRow {
    role: Role,
    scope: String,
}

fn rows<T: serde::de::DeserializeOwned>(text: &str) -> Result<Vec<T>> {
    serde_json::from_str(text).map_err(|e| Refusal::internal("demo.data", e))
}

fn day(text: &str) -> Result<kernel::Date> {
    kernel::time::parse_date(text)
}

/// A sample sign-in.
#[derive(Clone, Debug, Serialize)]
pub struct Login {
    /// Role code.
    pub role: &'static str,
    /// What the role is called.
    pub label: &'static str,
    /// Where.
    pub site: Option<String>,
    /// Name.
    pub username: String,
    /// Password, random per data folder.
    pub password: String,
    /// Secret of the second factor.
    pub totp_secret: String,
    /// Its present code.
    pub totp_code: String,
}

/// Whether the demonstration city is there.
///
/// # Errors
/// `db.fault`.
pub async fn exists(house: &House) -> Result<bool> {
    let mut tx = house.app.db.read().await?;
    Ok(tx.optional("SELECT id FROM city WHERE id=1", vec![]).await?.is_some())
}

/// Makes the demonstration city.
///
/// # Errors
/// `demo.data` where its files are not what they should be.
pub async fn build(house: &House, scale: Scale, say: &(dyn Fn(&str) + Send + Sync)) -> Result<()> {
    say("正在建立机关、站点和栏目");
    let (organs, sites) = place(house).await?;
    say("正在发布信息");
    publish(house, &organs, &sites).await?;
    if scale == Scale::City {
        crate::corpus::fill(house, crate::corpus::CITY, &|n, of| {
            if n % 5_000 == 0 {
                say(&format!("正在生成信息 {n} / {of}"));
            }
        })
        .await?;
    }
    say("正在生成网页");
    house.settle(&|_, _| {}).await
}

async fn place(house: &House) -> Result<(HashMap<String, Id>, HashMap<String, Id>)> {
    let ctx = house.ctx("演示数据");
    let mut tx = house.app.db.write(&ctx).await?;
    let mut organs: HashMap<String, Id> = HashMap::new();
    let organ_rows: Vec<OrganRow> = rows(ORGANS)?;
    let mut waiting: Vec<&OrganRow> = organ_rows.iter().collect();
    let mut sort = 0;
    // Parents first, whatever the order of the file.
    while !waiting.is_empty() {
        let before = waiting.len();
        let mut rest = Vec::new();
        for o in waiting {
            let parent = match &o.parent {
                None => None,
                Some(p) => match organs.get(p) {
                    Some(id) => Some(*id),
                    None => {
                        rest.push(o);
                        continue;
                    }
                },
            };
            sort += 10;
            let first_name = o
                .history
                .iter()
                .filter(|h| h.on > o.from)
                .find_map(|h| h.from_name.clone())
                .unwrap_or_else(|| o.name.clone());
            let id = organ::insert(
                &mut tx,
                &NewOrgan {
                    slug: o.slug.clone(),
                    kind: o.kind,
                    parent,
                    name: first_name.clone(),
                    short_name: if first_name == o.name { o.short_name.clone() } else { first_name.clone() },
                    division: o.division.clone(),
                    credit_code: o.credit_code.clone(),
                    phone: o.phone.clone(),
                    address: o.address.clone(),
                    hours: o.hours.clone(),
                    duties: o.duties.clone(),
                    sort,
                    from_on: day(&o.from)?,
                },
            )
            .await?;
            organs.insert(o.slug.clone(), id);
        }
        if rest.len() == before {
            return Err(Refusal::internal("demo.data", "an organ's parent is missing"));
        }
        waiting = rest;
    }
    let find = |slug: &str| {
        organs.get(slug).copied().ok_or_else(|| Refusal::internal("demo.data", format_args!("no organ {slug}")))
    };
    for o in &organ_rows {
        let id = find(&o.slug)?;
        for h in &o.history {
            let mut pairs = Vec::new();
            for p in &h.predecessors {
                pairs.push((find(p)?, id));
            }
            for s in &h.successors {
                pairs.push((id, find(s)?));
            }
            if h.what == "rename" && h.from_name.is_some() && h.on > o.from {
                organ::insert_name(&mut tx, id, day(&h.on)?, &o.name, &o.short_name).await?;
            }
            organ::insert_change(&mut tx, id, day(&h.on)?, &h.what, &h.basis, &pairs).await?;
        }
        if let Some(until) = &o.until {
            organ::end(&mut tx, id, day(until)?).await?;
        }
    }
    for p in rows::<PostRow>(POSTS)? {
        let until = p.until.as_deref().map(day).transpose()?;
        organ::insert_post(&mut tx, find(&p.organ)?, &p.title, p.rank, Some((&p.name, day(&p.from)?, until))).await?;
    }
    let root = find("shizf")?;
    site::insert_city(&mut tx, "云川市", true, root).await?;
    let seed = kernel::id::token::<16>(ctx.entropy.as_ref());
    let sealed = tx.crypto().seal(&Secret::new(seed.clone()), "city:demo")?;
    tx.exec_one("UPDATE city SET demo_seed=$1 WHERE id=1", args![sealed.0]).await?;
    let mut sites: HashMap<String, Id> = HashMap::new();
    for (i, s) in rows::<SiteRow>(SITES)?.into_iter().enumerate() {
        let set = SiteSettings {
            name: s.name,
            short_name: s.short_name.clone(),
            theme: if s.kind == SiteKind::Party { "party".into() } else { s.theme },
            id_code: s.id_code,
            sub: s.sub,
            icp: s.icp,
            psb: s.psb,
            psb_code: s.psb_code,
            conac: String::new(),
            sponsor: s.sponsor,
            operator: s.operator,
            phone: s.phone,
            hours: s.hours,
            address: s.address,
            search_hint: s.search_hint,
            grey: false,
        };
        let organ = find(&s.organ)?;
        let new = NewSite {
            slug: s.slug.clone(),
            organ,
            kind: s.kind,
            settings: set,
            domains: vec![s.domain],
            demo: true,
            sort: (i as i64 + 1) * 10,
            status: SiteStatus::Running,
        };
        let id = create_site(&mut tx, new).await.map_err(|e| e.because(&s.slug))?;
        let place: String = s.short_name.trim_end_matches(['县', '区']).to_string();
        create_columns(&mut tx, id, &usual_columns(s.kind, &place)?).await?;
        sites.insert(s.slug, id);
    }
    for u in rows::<UserRow>(USERS)? {
        let password = password_of(house, &seed, &u.username);
        let hash = api::hash_password(&password, ctx.entropy.as_ref())?;
        let new = NewAccount {
            username: u.username.clone(),
            name: u.name.clone(),
            organ: find(&u.organ)?,
            password_hash: hash,
            must_change: false,
        };
        let id = api::create_account(&mut tx, &new).await?;
        let secret = api::new_totp_secret(ctx.entropy.as_ref());
        api::set_totp(&mut tx, id, &secret).await?;
        for r in &u.roles {
            let scope = match r.scope.split_once(':') {
                Some(("organ", slug)) => Scope::Organ(find(slug)?),
                Some(("site", slug)) => Scope::Site(
                    sites
                        .get(slug)
                        .copied()
                        .ok_or_else(|| Refusal::internal("demo.data", format_args!("no site {slug}")))?,
                ),
                _ => Scope::City,
            };
            api::grant_role(&mut tx, id, Grant { role: r.role, scope }).await?;
        }
    }
    tx.audit(Entry::done("city.create", "organ", root));
    tx.event("sites.changed", &serde_json::json!({}))?;
    tx.commit().await?;
    Ok((organs, sites))
}

/// A sample password: readable, from the folder's own seed.
fn password_of(house: &House, seed: &str, username: &str) -> String {
    const SYLLABLES: [&str; 16] = [
        "yun", "chuan", "he", "qiao", "lu", "ming", "qing", "lan", "song", "ping", "liu", "wan", "shi", "du", "wang",
        "xi",
    ];
    let digest = house.app.db.crypto().hash(format!("demo password {seed} {username}").as_bytes()).hex;
    let bytes: Vec<usize> = digest.chars().filter_map(|c| c.to_digit(16)).map(|d| d as usize).collect();
    let at = |i: usize| bytes.get(i).copied().unwrap_or(0);
    let word = |i: usize| SYLLABLES.get(at(i)).copied().unwrap_or("yun");
    format!("{}-{}-{}{}{}{}", word(0), word(1), word(2), at(3) % 10, at(4) % 10, at(5) % 10)
}

async fn publish(house: &House, organs: &HashMap<String, Id>, sites: &HashMap<String, Id>) -> Result<()> {
    let mut all: Vec<DocumentRow> = rows(DOCUMENTS)?;
    all.sort_by(|a, b| a.publish.cmp(&b.publish).then_with(|| a.key.cmp(&b.key)));
    let ctx = house.ctx("演示数据");
    let mut tx = house.app.db.write(&ctx).await?;
    let mut ids: HashMap<String, Id> = HashMap::new();
    let mut relations: Vec<(String, RelationRow)> = Vec::new();
    for d in all {
        let fault = |what: &str| Refusal::internal("demo.data", format_args!("{}: {what}", d.key));
        let own = *sites.get(&d.site).ok_or_else(|| fault("site"))?;
        let mut columns = Vec::new();
        for c in &d.columns {
            let (s, path) = match c.split_once(':') {
                Some((slug, path)) => (*sites.get(slug).ok_or_else(|| fault("site"))?, path),
                None => (own, c.as_str()),
            };
            columns.push(site::find_column(&mut tx, s, path).await?.ok_or_else(|| fault(path))?.id);
        }
        let (date, time) = d.publish.split_once(' ').ok_or_else(|| fault("publish"))?;
        let (h, m) = time.split_once(':').ok_or_else(|| fault("publish"))?;
        let at = Timestamp::at(
            day(date)?,
            h.parse().map_err(|_| fault("publish"))?,
            m.parse().map_err(|_| fault("publish"))?,
        );
        let mut files = Vec::new();
        for a in &d.attachments {
            let file = web::upload::judge(&a.name, a.text.clone().into_bytes())?;
            let hash = house.app.originals.put(&file.bytes)?;
            files.push((file, hash));
        }
        let some = |v: &Option<String>| v.clone().unwrap_or_default();
        let organ = *organs.get(&d.organ).ok_or_else(|| fault("organ"))?;
        let index_number = if d.kind == DocumentKind::Official {
            index_number(&mut tx, organ, at, ids.len()).await?
        } else {
            String::new()
        };
        let (id, _) = import(
            &mut tx,
            Imported {
                key: format!("demo:{}", d.key),
                organ,
                site: own,
                columns,
                kind: d.kind,
                content: Content {
                    title: d.title.clone(),
                    summary: some(&d.summary),
                    body: markdown(&d.body),
                    number: some(&d.number),
                    issuer: some(&d.issuer),
                    written_on: d.written_on.clone(),
                    effective_on: d.effective_on.clone(),
                    expires_on: d.expires_on.clone(),
                    validity: d.validity.unwrap_or_default(),
                    validity_from_source: false,
                    theme: some(&d.theme),
                    genre: some(&d.genre),
                    source: some(&d.source),
                    author: some(&d.author),
                    keywords: d.keywords.join("，"),
                    index_number,
                    history: Vec::new(),
                },
                published_on: None,
                published_at: Some(at),
                migrated: false,
                files,
            },
        )
        .await
        .map_err(|e| e.at(d.key.clone()))?;
        ids.insert(d.key.clone(), id);
        relations.extend(d.relations.into_iter().map(|r| (d.key.clone(), r)));
    }
    for (from, r) in relations {
        let (Some(a), Some(b)) = (ids.get(&from), ids.get(&r.to)) else {
            return Err(Refusal::internal("demo.data", format_args!("relation {from} → {}", r.to)));
        };
        relate(&mut tx, *a, &r.kind, *b).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// An index number of the demonstration: the organ's credit code, year, running number.
async fn index_number(tx: &mut platform::WriteTx, id: Id, at: Timestamp, n: usize) -> Result<String> {
    let o = organ::get(tx, id).await?;
    Ok(o.credit_code.map(|c| format!("{c}/{}-{:05}", at.day().year(), n + 1)).unwrap_or_default())
}

/// One sample sign-in a role and scope, with present codes.
///
/// # Errors
/// `demo.none` where the folder is no demonstration.
pub async fn logins(house: &House) -> Result<Vec<Login>> {
    let mut tx = house.app.db.read().await?;
    let sealed: Option<String> = tx
        .optional("SELECT demo_seed AS n FROM city WHERE id=1", vec![])
        .await?
        .map(|r| r.get("n"))
        .transpose()?
        .flatten();
    let Some(sealed) = sealed else {
        return Err(Refusal::conflict("demo.none", "这个数据目录不是演示城市").mend("请用 gongkai serve 运行它"));
    };
    let crypto = house.app.db.crypto();
    let seed = crypto.open(&Sealed(sealed), "city:demo")?;
    let now = house.app.env.now();
    let mut out = Vec::new();
    for u in rows::<UserRow>(USERS)? {
        let Some(account) = records::account::find_username(&mut tx, &u.username).await? else { continue };
        let (_, totp, _) = records::account::credentials(&mut tx, account.id).await?;
        let Some(totp) = totp else { continue };
        let secret = crypto.open(&Sealed(totp), &format!("account:{}", account.id))?;
        let Some(first) = u.roles.first() else { continue };
        out.push(Login {
            role: first.role.code(),
            label: first.role.label(),
            site: first.scope.strip_prefix("site:").map(str::to_string),
            password: password_of(house, seed.reveal(), &u.username),
            username: u.username,
            totp_code: api::totp_code(secret.reveal(), now),
            totp_secret: secret.reveal().to_string(),
        });
    }
    // Whoever reads the list wants each role once, the portal's first.
    Ok(out)
}
