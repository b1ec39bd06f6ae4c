//! Large corpora for measurements and for the demonstration at city scale: readable Chinese documents made from patterns,
//! the same for the same number, taken over through the product's own command.
//!
//! Document `N` is a function of `N` and of the city's organs and sites alone: neither the clock nor the wanted total
//! decides what it says. So a corpus can grow, and a second run adds nothing.

use std::collections::{BTreeMap, HashMap, HashSet};

use capabilities::content::commands::{Imported, import};
use kernel::time::{Date, Month, chinese, iso};
use kernel::{Id, Refusal, Result, Timestamp};
use platform::Read as _;
use records::document::{Content, DocumentKind, Validity};
use records::organ::{self, Organ, OrganKind};
use records::site::{self, Column, Site, SiteKind, SiteStatus};
use serde::Deserialize;

use crate::house::House;

/// Items that the model city published in its year.
pub const CITY: u64 = 122_180;

/// Documents of one transaction: long enough that its commit costs little, short enough that others get their turn.
const BATCH: usize = 400;
/// From so many new documents on, making all pages and the index again is cheaper than following each event.
const BULK: usize = 2_000;
/// Generated documents end here, so that the newest on every page are those that people wrote.
const LAST_YEAR: i32 = 2026;
const LAST_MONTH: usize = 9;
/// Numbers of generated official documents begin above those that people wrote.
const FIRST_NUMBER: u64 = 101;

const PATTERNS: &str = include_str!("../demo/generator.json");
const WRITTEN: &str = include_str!("../demo/documents.json");

/// A small generator of well mixed numbers (SplitMix64): seeded with a document's number.
struct Dice(u64);

impl Dice {
    fn of(number: u64, part: u64) -> Dice {
        let mut d = Dice(0x6f4e_6b61_6967_6f6e ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (part << 56));
        d.next();
        d
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `a` to `b`, both possible.
    fn between(&mut self, a: u64, b: u64) -> u64 {
        if b <= a { a } else { a + self.next() % (b - a + 1) }
    }

    fn index(&mut self, len: usize) -> usize {
        if len == 0 { 0 } else { (self.next() % len as u64) as usize }
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let i = self.index(all.len());
        all.get(i)
    }

    fn word<'a>(&mut self, all: &'a [String]) -> &'a str {
        self.pick(all).map_or("", String::as_str)
    }

    /// The place of a weight among weights.
    fn weighted(&mut self, weights: impl Iterator<Item = u64> + Clone) -> usize {
        let total: u64 = weights.clone().sum();
        let mut left = if total == 0 { 0 } else { self.next() % total };
        for (i, w) in weights.enumerate() {
            if left < w {
                return i;
            }
            left -= w;
        }
        0
    }
}

#[derive(Deserialize)]
struct Object {
    noun: String,
    unit: String,
}

#[derive(Deserialize)]
struct Domain {
    organs: Vec<String>,
    theme: String,
    topics: Vec<String>,
    objects: Vec<Object>,
    actions: Vec<String>,
    problems: Vec<String>,
    measures: Vec<String>,
    people: Vec<String>,
    keywords: Vec<String>,
}

/// A part of a document's structure: pool, at least, at most, and `first` where it is the pool's opening.
#[derive(Deserialize)]
#[serde(untagged)]
enum Part {
    Opening(String, usize, usize, #[expect(dead_code, reason = "told apart by being there")] String),
    Some(String, usize, usize),
}

#[derive(Deserialize)]
struct Shape {
    shares: HashMap<String, u64>,
    years: BTreeMap<String, u64>,
    months: Vec<u64>,
}

#[derive(Deserialize)]
struct Names {
    surnames: Vec<String>,
    given: Vec<String>,
}

#[derive(Deserialize)]
struct Seasons {
    spring: String,
    summer: String,
    autumn: String,
    winter: String,
}

#[derive(Deserialize)]
struct Patterns {
    domains: Vec<Domain>,
    seasons: Seasons,
    periods: Vec<String>,
    shares: Vec<String>,
    quarters: Vec<String>,
    titles: HashMap<String, Vec<String>>,
    sentences: HashMap<String, Vec<String>>,
    structures: HashMap<String, Vec<Part>>,
    mix: HashMap<String, BTreeMap<String, u64>>,
    city: Shape,
    names: Names,
}

#[derive(Deserialize)]
struct Numbered {
    organ: String,
    number: Option<String>,
}

/// A site as the generator needs it.
struct Place {
    site: Site,
    organ: Organ,
    columns: Vec<Column>,
    towns: Vec<String>,
    domains: Vec<usize>,
    /// What stands before the year of its documents' numbers.
    prefix: String,
    weight: u64,
    name: String,
}

/// What is decided before a word is written.
struct Plan {
    number: u64,
    place: usize,
    kind: DocumentKind,
    at: Timestamp,
    /// Running number of its organ and year, official documents only.
    running: u64,
}

/// Adds documents until the city has `total`.
///
/// # Errors
/// `demo.data`, `db.fault`.
pub async fn fill(house: &House, total: u64, progress: &(dyn Fn(u64, u64) + Send + Sync)) -> Result<()> {
    let patterns: Patterns = read(PATTERNS)?;
    let (places, known, standing) = look(house, &patterns).await?;
    let wanted = usize::try_from(total.saturating_sub(standing)).unwrap_or(usize::MAX);
    if wanted == 0 || places.is_empty() {
        return Ok(());
    }
    let now = house.app.env.now();
    let plans = plan(&patterns, &places, &known, wanted, now);
    let mut done = standing;
    for batch in plans.chunks(BATCH) {
        let ctx = house.ctx("演示数据");
        let mut tx = house.app.db.write(&ctx).await?;
        for p in batch {
            let Some(place) = places.get(p.place) else { continue };
            if let Some(document) = write(&patterns, place, p) {
                import(&mut tx, document).await.map_err(|e| e.at(format!("corpus:{}", p.number)))?;
            }
            done += 1;
            progress(done, total);
        }
        tx.commit().await?;
    }
    if plans.len() >= BULK && house.lock.is_some() {
        house.app.publisher.rebuild(None, progress).await?;
        capabilities::indexing::rebuild(&house.app, progress).await?;
    }
    Ok(())
}

fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|e| Refusal::internal("demo.data", e))
}

/// The city's running sites, the numbers of generated documents that are there, and how many documents there are.
async fn look(house: &House, patterns: &Patterns) -> Result<(Vec<Place>, HashSet<u64>, u64)> {
    let mut tx = house.app.db.read().await?;
    let standing: i64 = tx.scalar("SELECT COUNT(*) AS n FROM document", vec![]).await?;
    let known = tx
        .rows("SELECT source_key AS n FROM document WHERE source_key LIKE 'corpus:%'", vec![])
        .await?
        .iter()
        .map(|r| r.get::<String>("n"))
        .collect::<Result<Vec<_>>>()?
        .iter()
        .filter_map(|k| k.strip_prefix("corpus:")?.parse().ok())
        .collect();
    let organs = organ::list(&mut tx).await?;
    let mut prefixes: HashMap<String, String> = HashMap::new();
    for d in read::<Vec<Numbered>>(WRITTEN)? {
        if let Some((prefix, _)) = d.number.as_deref().and_then(|n| n.split_once('〔')) {
            // Of an organ's series, the plain one: others belong to rules and prices.
            let better = prefix.ends_with('发') || !prefixes.contains_key(&d.organ);
            if better {
                prefixes.insert(d.organ.clone(), prefix.to_string());
            }
        }
    }
    let all_towns: Vec<String> =
        organs.iter().filter(|o| o.kind == OrganKind::Town).map(|o| o.short_name.clone()).collect();
    let mut places = Vec::new();
    let sites: Vec<Site> = site::list(&mut tx).await?.into_iter().filter(|s| s.status == SiteStatus::Running).collect();
    for s in &sites {
        let same = sites.iter().filter(|o| o.kind == s.kind).count() as u64;
        let share = patterns.city.shares.get(s.kind.code()).copied().unwrap_or(0);
        // Some offices write more than others.
        let busy = 70 + Dice::of(s.slug.bytes().fold(7, |h, b| h * 31 + u64::from(b)), 9).between(0, 60);
        let Some(owner) = organs.iter().find(|o| o.id == s.organ) else { continue };
        // A government's texts are signed by its office.
        let office = organs.iter().find(|o| {
            matches!(s.kind, SiteKind::Portal | SiteKind::County)
                && (o.slug == format!("{}-bgs", owner.slug) || o.slug == format!("{}b", owner.slug))
        });
        let organ = office.unwrap_or(owner).clone();
        let county = s.kind == SiteKind::County;
        let towns: Vec<String> = organs
            .iter()
            .filter(|o| county && o.kind == OrganKind::Town && o.parent == Some(owner.id))
            .map(|o| o.short_name.clone())
            .collect();
        let own: Vec<usize> = patterns
            .domains
            .iter()
            .enumerate()
            .filter(|(_, d)| d.organs.contains(&owner.slug))
            .map(|(i, _)| i)
            .collect();
        let prefix = prefixes.get(&organ.slug).or_else(|| prefixes.get(&owner.slug)).cloned().unwrap_or_default();
        places.push(Place {
            columns: site::columns(&mut tx, s.id).await?,
            towns: if towns.is_empty() { all_towns.clone() } else { towns },
            domains: if own.is_empty() { (0..patterns.domains.len()).collect() } else { own },
            prefix,
            weight: share * busy / same.max(1),
            name: if county { s.set.short_name.clone() } else { "云川市".into() },
            site: s.clone(),
            organ,
        });
    }
    Ok((places, known, standing.unsigned_abs()))
}

/// Decides site, kind and moment of every missing document, oldest first: lists then only grow at their new end.
fn plan(patterns: &Patterns, places: &[Place], known: &HashSet<u64>, wanted: usize, now: Timestamp) -> Vec<Plan> {
    let mut plans: Vec<Plan> = Vec::new();
    let mut series: HashMap<(usize, i32), u64> = HashMap::new();
    for number in 0.. {
        if plans.len() >= wanted {
            break;
        }
        let mut dice = Dice::of(number, 0);
        let place = dice.weighted(places.iter().map(|p| p.weight));
        let Some(p) = places.get(place) else { break };
        let mix = patterns.mix.get(p.site.kind.code());
        let kind = mix
            .and_then(|m| m.keys().nth(dice.weighted(m.values().copied())))
            .and_then(|k| DocumentKind::from_code(k))
            .unwrap_or(DocumentKind::News);
        let at = moment(patterns, &mut dice, now);
        // Counted for known ones too: a document's number does not depend on when it was generated.
        let running = if kind == DocumentKind::Official {
            let n = series.entry((place, at.day().year())).or_insert(FIRST_NUMBER);
            *n += 1;
            *n - 1
        } else {
            0
        };
        if !known.contains(&number) {
            plans.push(Plan { number, place, kind, at, running });
        }
    }
    plans.sort_by_key(|p| (p.at, p.number));
    plans
}

/// A working hour of a day in the corpus' years; earlier by whole years where the clock has not come so far.
fn moment(patterns: &Patterns, dice: &mut Dice, now: Timestamp) -> Timestamp {
    let years = &patterns.city.years;
    let mut year: i32 =
        years.keys().nth(dice.weighted(years.values().copied())).and_then(|y| y.parse().ok()).unwrap_or(LAST_YEAR);
    let months = if year >= LAST_YEAR { LAST_MONTH } else { 12 };
    let month = Month::January.nth_next(dice.weighted(patterns.city.months.iter().copied().take(months)) as u8);
    let day = dice.between(1, 28) as u8;
    let (hour, minute) = (dice.between(9, 17) as u8, dice.between(0, 59) as u8);
    loop {
        let at = Date::from_calendar_date(year, month, day).map_or(now, |d| Timestamp::at(d, hour, minute));
        if at <= now || year < 1990 {
            return at.min(now);
        }
        year -= 1;
    }
}

/// What stays the same throughout one text.
struct Pen<'a> {
    patterns: &'a Patterns,
    place: &'a Place,
    dice: Dice,
    at: Date,
    topic: &'a str,
    object: &'a str,
    unit: &'a str,
    people: &'a str,
    domain: &'a Domain,
    town: &'a str,
    town2: &'a str,
    /// Groups of figures that depend on each other, drawn once: total, done · before, more · rate, count.
    t: (u64, u64),
    y: (u64, u64),
    k: (u64, u64),
    /// Groups that a sentence has used: each stands in one sentence only.
    used: Vec<&'static str>,
}

const GROUPS: [&str; 3] = ["{t.", "{y.", "{k."];

/// One decimal, rounded, of `a` of `b` in a hundred.
fn percent(a: u64, b: u64) -> String {
    let tenths = (a * 2000 + b) / (b * 2).max(1);
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// Which days a sentence speaks of: what has been done, or what is announced.
#[derive(Clone, Copy, PartialEq)]
enum Tense {
    Told,
    Announced,
}

impl<'a> Pen<'a> {
    fn new(patterns: &'a Patterns, place: &'a Place, number: u64, at: Date) -> Option<Pen<'a>> {
        let mut dice = Dice::of(number, 1);
        let domain = patterns.domains.get(*dice.pick(&place.domains)?)?;
        let object = dice.pick(&domain.objects)?;
        let total = dice.between(20, 400);
        let done = dice.between(total / 2, total - 1);
        let before = dice.between(30, 900);
        let more = dice.between((before * 2 / 100).max(1), (before * 18 / 100).max(1));
        let k = (dice.between(2, 40) * 50, dice.between(2, 20));
        let first = dice.index(place.towns.len());
        let second = first + 1 + dice.index(place.towns.len().saturating_sub(1));
        let town = |i: usize| place.towns.get(i % place.towns.len().max(1)).map_or("城关镇", String::as_str);
        Some(Pen {
            topic: dice.word(&domain.topics),
            object: &object.noun,
            unit: &object.unit,
            people: dice.word(&domain.people),
            town: town(first),
            town2: town(second),
            t: (total, done),
            y: (before, more),
            k,
            used: Vec::new(),
            patterns,
            place,
            dice,
            at,
            domain,
        })
    }

    /// Whether a sentence's figures are still to be had.
    fn free(&self, sentence: &str) -> bool {
        !GROUPS.iter().any(|g| sentence.contains(g) && self.used.contains(g))
    }

    fn take(&mut self, sentence: &str) {
        for g in GROUPS {
            if sentence.contains(g) && !self.used.contains(&g) {
                self.used.push(g);
            }
        }
    }

    /// Fills a sentence's slots.
    fn fill(&mut self, sentence: &str, tense: Tense) -> String {
        // Two days in order; what is told lies before the page's day, what is announced after it.
        let (from, until) = match tense {
            Tense::Told => {
                let back = self.dice.between(2, 20) as i64;
                let near = if sentence.contains("{date}至{date2}") {
                    -(self.dice.between(0, back as u64 - 1) as i64)
                } else {
                    self.dice.between(20, 75) as i64
                };
                (-back, near)
            }
            Tense::Announced => (self.dice.between(2, 12) as i64, self.dice.between(15, 50) as i64),
        };
        let day = |offset: i64| {
            let d = Timestamp::at(self.at, 12, 0).plus_minutes(offset * 24 * 60).day();
            format!("{}月{}日", u8::from(d.month()), d.day())
        };
        let (date, date2) = (day(from), day(until));
        let mut out = String::with_capacity(sentence.len() * 2);
        let mut rest = sentence;
        let mut action = "";
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let Some((slot, after)) = after.split_once('}') else { break };
            match slot {
                "date" => out.push_str(&date),
                "date2" => out.push_str(&date2),
                "action" => {
                    action = self.dice.word(&self.domain.actions);
                    out.push_str(action);
                }
                "action2" => {
                    let others: Vec<&String> = self.domain.actions.iter().filter(|a| *a != action).collect();
                    out.push_str(self.dice.pick(&others).map_or("", |a| a.as_str()));
                }
                _ => self.slot(slot, &mut out),
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }

    fn slot(&mut self, slot: &str, out: &mut String) {
        let (p, o) = (self.place, &self.place.organ);
        let month = u8::from(self.at.month());
        match slot {
            "place" => out.push_str(&p.name),
            "organ" | "issuer" => out.push_str(&o.name),
            "short" => out.push_str(&o.short_name),
            "site" => out.push_str(&p.site.set.name),
            "town" => out.push_str(self.town),
            "town2" => out.push_str(self.town2),
            "phone" => out.push_str(if o.phone.is_empty() { &p.site.set.phone } else { &o.phone }),
            "address" => out.push_str(if o.address.is_empty() { &p.site.set.address } else { &o.address }),
            "topic" => out.push_str(self.topic),
            "object" => out.push_str(self.object),
            "unit" => out.push_str(self.unit),
            "people" => out.push_str(self.people),
            "problem" => out.push_str(self.dice.word(&self.domain.problems)),
            "measure" => out.push_str(self.dice.word(&self.domain.measures)),
            "share" => out.push_str(self.dice.word(&self.patterns.shares)),
            "year" => out.push_str(&self.at.year().to_string()),
            "q" => {
                let q = usize::from((month - 1) / 3);
                out.push_str(self.patterns.quarters.get(q).map_or("一", String::as_str));
            }
            "period" => {
                // What is told covers the months before this one; in the first two, the year before.
                let i = if month <= 2 { 10 } else { usize::from(month) - 3 };
                out.push_str(self.patterns.periods.get(i).map_or("全年", String::as_str));
            }
            "season" => {
                let s = &self.patterns.seasons;
                out.push_str(match month {
                    3..=5 => &s.spring,
                    6..=8 => &s.summer,
                    9..=11 => &s.autumn,
                    _ => &s.winter,
                });
            }
            "t.total" => out.push_str(&self.t.0.to_string()),
            "t.done" => out.push_str(&self.t.1.to_string()),
            "t.left" => out.push_str(&(self.t.0 - self.t.1).to_string()),
            "t.rate" => out.push_str(&percent(self.t.1, self.t.0)),
            "y.prev" => out.push_str(&self.y.0.to_string()),
            "y.diff" => out.push_str(&self.y.1.to_string()),
            "y.now" => out.push_str(&(self.y.0 + self.y.1).to_string()),
            "y.pct" => out.push_str(&percent(self.y.1, self.y.0)),
            "k.rate" => out.push_str(&self.k.0.to_string()),
            "k.n" => out.push_str(&self.k.1.to_string()),
            "k.sum" => out.push_str(&(self.k.0 * self.k.1).to_string()),
            _ => {
                let Some((what, range)) = slot.split_once(':') else { return };
                let Some((a, b)) = range.split_once('-') else { return };
                let (Ok(a), Ok(b)) = (a.parse::<u64>(), b.parse::<u64>()) else { return };
                if what == "p" {
                    let tenths = self.dice.between(a * 10, b * 10);
                    out.push_str(&format!("{}.{}", tenths / 10, tenths % 10));
                } else {
                    out.push_str(&self.dice.between(a, b).to_string());
                }
            }
        }
    }

    /// Chooses sentences of a pool: none twice, none whose figures are taken, none that answers one that is missing.
    fn choose(&mut self, pool: &'a [String], wanted: usize, seen: &mut Vec<&'a str>) -> Vec<&'a str> {
        let mut out: Vec<&str> = Vec::new();
        let mut tries = 0;
        while out.len() < wanted && tries < 40 {
            tries += 1;
            let i = self.dice.index(pool.len());
            let Some(s) = pool.get(i).map(String::as_str) else { break };
            let leans = ["其余{", "不满意的意见", "针对这一问题", "意见可以寄送"].iter().any(|w| s.starts_with(w));
            let stands = !leans || pool.get(i.wrapping_sub(1)).is_some_and(|b| out.last() == Some(&b.as_str()));
            if seen.contains(&s) || !self.free(s) || !stands {
                continue;
            }
            self.take(s);
            seen.push(s);
            out.push(s);
        }
        out
    }
}

/// Which number word an official sentence begins with, from 1.
fn ordinal(sentence: &str) -> Option<usize> {
    let (word, _) = sentence.split_once('、')?;
    ["一", "二", "三", "四", "五", "六", "七"].iter().position(|w| *w == word).map(|i| i + 1)
}

/// Writes one document.
fn write(patterns: &Patterns, place: &Place, plan: &Plan) -> Option<Imported> {
    let day = plan.at.day();
    let mut pen = Pen::new(patterns, place, plan.number, day)?;
    let kind = plan.kind;
    let pattern = {
        let all = patterns.titles.get(kind.code())?;
        pen.dice.pick(all)?
    };
    let figures = pattern.contains("{t.");
    let mut seen: Vec<&str> = Vec::new();
    let mut paragraphs: Vec<String> = Vec::new();
    for part in patterns.structures.get(kind.code())? {
        let (pool_name, least, most, opening) = match part {
            Part::Opening(p, a, b, _) => (p, *a, *b, true),
            Part::Some(p, a, b) => (p, *a, *b, false),
        };
        let pool = patterns.sentences.get(pool_name)?;
        let wanted = pen.dice.between(least as u64, most as u64) as usize;
        let chosen: Vec<&str> = if opening {
            // Official texts have two ways to begin.
            let ways = if kind == DocumentKind::Official { 2 } else { 1 };
            let first = pool.get(pen.dice.index(ways))?;
            seen.extend(pool.iter().take(ways).map(String::as_str));
            vec![first.as_str()]
        } else if pool_name == "lead" && figures {
            // A title with figures is told by the one lead that has them.
            let first = pool.first()?;
            seen.push(first);
            pen.take(first);
            vec![first.as_str()]
        } else if kind == DocumentKind::Official {
            let numbered = pen.dice.between(3, (wanted as u64).clamp(3, 7)) as usize;
            let mut list: Vec<&str> =
                pool.iter().map(String::as_str).filter(|s| ordinal(s).is_some_and(|n| n <= numbered)).collect();
            list.sort_by_key(|s| ordinal(s));
            seen.extend(pool.iter().map(String::as_str).filter(|s| ordinal(s).is_some()));
            list.extend(pen.choose(pool, wanted.saturating_sub(numbered), &mut seen));
            list
        } else {
            pen.choose(pool, wanted, &mut seen)
        };
        let tense = match pool_name.as_str() {
            "notice" | "official" => Tense::Announced,
            _ => Tense::Told,
        };
        let filled: Vec<String> = chosen.iter().map(|s| pen.fill(s, tense)).collect();
        if kind == DocumentKind::News {
            if !filled.is_empty() {
                paragraphs.push(filled.concat());
            }
        } else {
            paragraphs.extend(filled);
        }
    }
    let title = pen.fill(pattern, Tense::Told);
    let official = kind == DocumentKind::Official;
    let organ = &place.organ;
    let summary = paragraphs.first().filter(|_| kind == DocumentKind::News).cloned().unwrap_or_default();
    let mut body = String::new();
    if official {
        body.push_str("<p class=\"gk-to\">各有关单位：</p>");
    }
    for p in &paragraphs {
        body.push_str("<p>");
        body.push_str(&web::html::escape(p));
        body.push_str("</p>");
    }
    if official {
        body.push_str(&format!("<p class=\"gk-right\">{}</p><p class=\"gk-right\">{}</p>", organ.name, chinese(day)));
    }
    let genre = if official {
        let named = ["意见", "决定", "通告", "办法", "细则"].into_iter().find(|g| title.ends_with(g));
        named.unwrap_or("通知")
    } else {
        ""
    };
    let validity = match pen.dice.between(0, 99) {
        _ if !official => Validity::None,
        0..=5 if day.year() < LAST_YEAR => Validity::Repealed,
        6..=9 if day.year() < LAST_YEAR => Validity::Amended,
        10..=12 if day.year() < LAST_YEAR - 1 => Validity::Lapsed,
        _ => Validity::Valid,
    };
    let author = if kind == DocumentKind::News {
        format!("{}{}", pen.dice.word(&patterns.names.surnames), pen.dice.word(&patterns.names.given))
    } else {
        String::new()
    };
    let mut keywords = vec![pen.topic.to_string()];
    keywords.extend(pen.domain.keywords.iter().cloned());
    let year = day.year();
    let column = column(place, kind, &mut pen.dice)?;
    Some(Imported {
        key: format!("corpus:{}", plan.number),
        organ: organ.id,
        site: place.site.id,
        columns: vec![column],
        kind,
        content: Content {
            title,
            summary,
            body,
            number: if official && !place.prefix.is_empty() {
                format!("{}〔{year}〕{}号", place.prefix, plan.running)
            } else {
                String::new()
            },
            issuer: if official { organ.name.clone() } else { String::new() },
            written_on: official.then(|| iso(day)),
            effective_on: official.then(|| iso(day)),
            expires_on: None,
            validity,
            validity_from_source: false,
            theme: if matches!(kind, DocumentKind::Official | DocumentKind::Interpretation) {
                pen.domain.theme.clone()
            } else {
                String::new()
            },
            genre: genre.into(),
            source: organ.name.clone(),
            author,
            keywords: keywords.join("，"),
            index_number: match &organ.credit_code {
                Some(c) if official => format!("{c}/{year}-{:05}", 10_000 + plan.running),
                _ => String::new(),
            },
            history: Vec::new(),
        },
        published_on: None,
        published_at: Some(plan.at),
        migrated: false,
        files: Vec::new(),
    })
}

/// The column of a kind of document: by the column's role, else by its name, and only where no others stand below it.
fn column(place: &Place, kind: DocumentKind, dice: &mut Dice) -> Option<Id> {
    let leaf = |c: &&Column| c.open && !place.columns.iter().any(|k| k.parent == Some(c.id));
    // Words are roles or address words; the number is how often, in a hundred.
    let wanted: &[(&str, u64)] = match (kind, place.site.kind) {
        (DocumentKind::News, SiteKind::Portal) => &[("news", 50), ("dynamics", 30), ("xianqu", 20)],
        (DocumentKind::News, SiteKind::County) => &[("news", 45), ("dynamics", 35), ("towns", 20)],
        (DocumentKind::News, SiteKind::Department) => &[("dynamics", 100)],
        (DocumentKind::News, SiteKind::Party) => &[("dynamics", 80), ("xuexi", 20)],
        (DocumentKind::Notice, _) => &[("notice", 100)],
        (DocumentKind::Official, _) => &[("policy", 100)],
        (DocumentKind::Interpretation, _) => &[("interpretation", 100)],
        (DocumentKind::Profile, _) => &[("about", 100)],
    };
    let there: Vec<(Id, u64)> = wanted
        .iter()
        .filter_map(|(word, weight)| {
            let c = place.columns.iter().filter(leaf).find(|c| c.role == *word || c.slug == *word)?;
            Some((c.id, *weight))
        })
        .collect();
    match there.get(dice.weighted(there.iter().map(|(_, w)| *w))) {
        Some((id, _)) => Some(*id),
        None => place.columns.iter().find(leaf).map(|c| c.id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_whole() {
        let p: Patterns = read(PATTERNS).expect("patterns");
        for kind in ["news", "notice", "official", "interpretation", "profile"] {
            assert!(p.titles.contains_key(kind) && p.structures.contains_key(kind), "{kind}");
        }
        for parts in p.structures.values() {
            for part in parts {
                let (Part::Opening(pool, ..) | Part::Some(pool, ..)) = part;
                assert!(p.sentences.contains_key(pool), "{pool}");
            }
        }
    }

    #[test]
    fn figures_agree() {
        assert_eq!(percent(1, 3), "33.3");
        assert_eq!(percent(2, 3), "66.7");
        assert_eq!(percent(399, 400), "99.8");
        assert_eq!(ordinal("三、规范程序。"), Some(3));
        assert_eq!(ordinal("各单位、各部门"), None);
    }

    #[test]
    fn the_same_number_gives_the_same_dice() {
        let roll = |n| (0..4).map(|_| 0).scan(Dice::of(n, 0), |d, _: i32| Some(d.next())).collect::<Vec<_>>();
        assert_eq!(roll(7), roll(7));
        assert_ne!(roll(7), roll(8));
    }
}
