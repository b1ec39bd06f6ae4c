//! One pass over the matching documents: the best of them, how many there are, and how they are spread.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::io;

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::{Column, StrColumn};
use tantivy::{DocAddress, DocId, Score, SegmentOrdinal, SegmentReader, TantivyError};

use crate::{Facets, Query};

/// The four named dimensions, in this order everywhere here; the year is the fifth.
pub(crate) const NAMED: [&str; 4] = ["site", "organ", "theme", "kind"];

/// What to gather. A document that fails exactly one filter is not a hit, yet it counts in the facet of that dimension:
/// so each facet shows what another choice would give, in the same pass.
pub(crate) struct Gather {
    wanted: [Option<String>; 4],
    year: Option<i64>,
    /// By score (with a slight preference of newer years), or by `sort` alone.
    scored: bool,
    /// How many of the best are kept.
    limit: usize,
}

impl Gather {
    pub fn new(query: &Query, scored: bool, limit: usize) -> Gather {
        // The site is part of the query itself, so it needs no filter here.
        let wanted = [None, query.organ.clone(), query.theme.clone(), query.kind.clone()];
        Gather { wanted, year: query.year.map(i64::from), scored, limit }
    }
}

/// What was gathered.
#[derive(Default)]
pub(crate) struct Gathered {
    pub total: usize,
    pub best: Vec<DocAddress>,
    pub facets: Facets,
}

#[derive(Clone, Copy)]
struct Entry {
    score: Score,
    sort: i64,
    doc: DocAddress,
}

/// Best first; equal ones newest first, then in the order of the index, so that pages do not overlap.
fn order(a: &Entry, b: &Entry) -> Ordering {
    b.score.total_cmp(&a.score).then(b.sort.cmp(&a.sort)).then(a.doc.cmp(&b.doc))
}

struct Named {
    column: Option<StrColumn>,
    /// The wanted value in this segment; `Some(None)` where the segment does not know it.
    wanted: Option<Option<u64>>,
    counts: Vec<u64>,
}

impl Named {
    fn new(segment: &SegmentReader, name: &str, wanted: Option<&str>) -> tantivy::Result<Named> {
        let column = segment.fast_fields().str(name)?;
        let ord = |value: &str| -> io::Result<Option<u64>> {
            column.as_ref().map_or(Ok(None), |c| c.dictionary().term_ord(value))
        };
        let wanted = wanted.map(ord).transpose()?;
        let size = column.as_ref().map_or(0, |c| c.num_terms());
        Ok(Named { column, wanted, counts: vec![0; size] })
    }

    fn of(&self, doc: DocId) -> Option<u64> {
        self.column.as_ref().and_then(|c| c.ords().first(doc))
    }

    fn fits(&self, value: Option<u64>) -> bool {
        self.wanted.is_none_or(|w| w.is_some() && w == value)
    }

    fn count(&mut self, value: Option<u64>) {
        let slot = value.and_then(|v| usize::try_from(v).ok()).and_then(|v| self.counts.get_mut(v));
        if let Some(n) = slot {
            *n += 1;
        }
    }

    fn values(&self) -> io::Result<Vec<(String, u64)>> {
        let mut out = vec![];
        let Some(column) = &self.column else { return Ok(out) };
        for (ord, n) in self.counts.iter().enumerate().filter(|(_, n)| **n > 0) {
            let mut value = String::new();
            column.ord_to_str(ord as u64, &mut value)?;
            if !value.is_empty() {
                out.push((value, *n));
            }
        }
        Ok(out)
    }
}

/// The part of one segment.
pub(crate) struct Child {
    segment: SegmentOrdinal,
    named: [Named; 4],
    years: Column<i64>,
    year: Option<i64>,
    year_counts: HashMap<i64, u64>,
    sort: Column<i64>,
    scored: bool,
    limit: usize,
    total: usize,
    best: Vec<Entry>,
}

/// What one segment gives.
pub(crate) struct Fruit {
    total: usize,
    best: Vec<Entry>,
    named: io::Result<[Vec<(String, u64)>; 4]>,
    years: HashMap<i64, u64>,
}

impl SegmentCollector for Child {
    type Fruit = Fruit;

    fn collect(&mut self, doc: DocId, score: Score) {
        let values: [Option<u64>; 4] = [0, 1, 2, 3].map(|i: usize| self.named.get(i).and_then(|n| n.of(doc)));
        let year = self.years.first(doc);
        let mut failed = None;
        let mut n_failed = 0;
        for (i, (named, value)) in self.named.iter().zip(values).enumerate() {
            if !named.fits(value) {
                failed = Some(i);
                n_failed += 1;
            }
        }
        if self.year.is_some() && self.year != year {
            failed = Some(NAMED.len());
            n_failed += 1;
        }
        if n_failed > 1 {
            return;
        }
        for (i, (named, value)) in self.named.iter_mut().zip(values).enumerate() {
            if failed.is_none_or(|f| f == i) {
                named.count(value);
            }
        }
        if failed.is_none_or(|f| f == NAMED.len())
            && let Some(year) = year
        {
            *self.year_counts.entry(year).or_default() += 1;
        }
        if failed.is_some() {
            return;
        }
        self.total += 1;
        if self.limit == 0 {
            return;
        }
        // One hundredth a year: enough to part two equals, too little to lift a poor match.
        let score =
            if self.scored { score * (1.0 + 0.01 * (year.unwrap_or(0) - 2000).clamp(0, 50) as f32) } else { 0.0 };
        let sort = self.sort.first(doc).unwrap_or(i64::MIN);
        self.best.push(Entry { score, sort, doc: DocAddress::new(self.segment, doc) });
        if self.best.len() >= 2 * self.limit + 256 {
            self.best.select_nth_unstable_by(self.limit, order);
            self.best.truncate(self.limit);
        }
    }

    fn harvest(mut self) -> Fruit {
        self.best.sort_unstable_by(order);
        self.best.truncate(self.limit);
        let [site, organ, theme, kind] = &self.named;
        let named = (|| Ok([site.values()?, organ.values()?, theme.values()?, kind.values()?]))();
        Fruit { total: self.total, best: self.best, named, years: self.year_counts }
    }
}

impl Collector for Gather {
    type Fruit = Gathered;
    type Child = Child;

    fn for_segment(&self, ordinal: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<Child> {
        let named = |i: usize| {
            let name = NAMED.get(i).copied().unwrap_or_default();
            Named::new(segment, name, self.wanted.get(i).and_then(|w| w.as_deref()))
        };
        Ok(Child {
            segment: ordinal,
            named: [named(0)?, named(1)?, named(2)?, named(3)?],
            years: segment.fast_fields().i64("year")?,
            year: self.year,
            year_counts: HashMap::new(),
            sort: segment.fast_fields().i64("sort")?,
            scored: self.scored,
            limit: self.limit,
            total: 0,
            best: vec![],
        })
    }

    fn requires_scoring(&self) -> bool {
        self.scored && self.limit > 0
    }

    fn merge_fruits(&self, fruits: Vec<Fruit>) -> tantivy::Result<Gathered> {
        let mut out = Gathered::default();
        let mut best = vec![];
        let mut named: [HashMap<String, u64>; 4] = Default::default();
        let mut years: HashMap<i64, u64> = HashMap::new();
        for fruit in fruits {
            out.total += fruit.total;
            best.extend(fruit.best);
            for (all, values) in named.iter_mut().zip(fruit.named.map_err(TantivyError::from)?) {
                for (value, n) in values {
                    *all.entry(value).or_default() += n;
                }
            }
            for (year, n) in fruit.years {
                *years.entry(year).or_default() += n;
            }
        }
        best.sort_unstable_by(order);
        best.truncate(self.limit);
        out.best = best.into_iter().map(|e| e.doc).collect();
        let [site, organ, theme, kind] = named.map(|map| {
            let mut values: Vec<_> = map.into_iter().collect();
            values.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            values
        });
        let mut year: Vec<_> = years.into_iter().filter_map(|(y, n)| Some((i32::try_from(y).ok()?, n))).collect();
        year.sort_unstable_by_key(|(y, _)| std::cmp::Reverse(*y));
        out.facets = Facets { site, organ, theme, kind, year };
        Ok(out)
    }
}
