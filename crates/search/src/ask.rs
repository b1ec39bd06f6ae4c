//! From what was typed to a query. No text is an error.

use tantivy::Term;
use tantivy::query::{
    AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, EmptyQuery, Occur, PhraseQuery, Query, TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption};

use crate::index::Fields;
use crate::number::{Part, parts, recognise, squeezed};
use crate::words;

/// Characters of a query that are read; the rest is left out and [`crate::Found::shortened`] says so.
pub const MAX_CHARS: usize = 2_000;

/// Tokens (Chinese characters, runs of letters or digits) of a query that are searched. The longest titles have fewer.
pub const MAX_TOKENS: usize = 128;

/// Groups that white space parts.
const MAX_GROUPS: usize = 12;

/// Dictionary words that are required.
const MAX_WORDS: usize = 32;

/// Forms of document numbers that are looked for.
const MAX_KEYS: usize = 64;

/// So great that no sum of ordinary scores reaches it.
const EXACT_NUMBER: f32 = 1_000_000.0;
const SHORT_NUMBER: f32 = 500_000.0;
const EXACT_TITLE: f32 = 100_000.0;

/// One group of a query: everything between two spaces.
#[derive(Debug)]
pub(crate) struct Group {
    /// Its tokens, for the phrase.
    pub tokens: Vec<String>,
    /// Its dictionary words; empty where only the phrase counts.
    pub words: Vec<String>,
}

/// A query that was understood.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// The groups, all of which must be found.
    pub groups: Vec<Group>,
    /// Document numbers in it, in the forms of the index.
    numbers: Vec<String>,
    /// The whole of it as a title.
    title: Option<String>,
    /// Nothing was typed.
    pub blank: bool,
    /// Its end was left out.
    pub shortened: bool,
}

/// Reads what was typed.
pub(crate) fn read(text: &str) -> Asked {
    let text = text.trim();
    let end = text.char_indices().nth(MAX_CHARS).map(|(i, _)| i);
    let (mut tokens, more) = parts(end.and_then(|i| text.get(..i)).unwrap_or(text), MAX_TOKENS);
    let mut asked = Asked { blank: text.is_empty(), shortened: more || end.is_some(), ..Asked::default() };
    if tokens.len() > 1 && !asked.shortened {
        asked.title = Some(squeezed("t:", &tokens));
    }
    let whole = squeezed("x:", &tokens);
    let numbers = recognise(&tokens);
    let mut spans = vec![];
    for number in &numbers {
        asked.numbers.extend(number.wanted());
        // The spaces inside a number part nothing.
        for token in tokens.iter_mut().take(number.to + 1).skip(number.from + 1) {
            token.spaced = false;
        }
        spans.push((number.from, number.to));
    }
    if tokens.len() > 1 {
        asked.numbers.push(whole);
    }
    asked.numbers.truncate(MAX_KEYS);

    let mut n_words = 0;
    let mut from = 0;
    while from < tokens.len() && asked.groups.len() < MAX_GROUPS {
        let to = (from + 1..tokens.len()).find(|i| tokens.get(*i).is_some_and(|t| t.spaced)).unwrap_or(tokens.len());
        let slice = tokens.get(from..to).unwrap_or_default();
        let number = spans.iter().any(|(a, b)| *a <= from && to <= *b + 1);
        let mut words = if number { vec![] } else { words_of(slice) };
        words.truncate(MAX_WORDS - n_words);
        n_words += words.len();
        asked.groups.push(Group { tokens: slice.iter().map(|t| t.text.clone()).collect(), words });
        from = to;
    }
    asked.shortened |= from < tokens.len();
    asked
}

/// The words that must be found where the phrase is not. Single characters alone say nothing.
fn words_of(tokens: &[Part]) -> Vec<String> {
    let mut all = vec![];
    let mut run = String::new();
    for token in tokens {
        if token.wide && token.joined {
            run.push_str(&token.text);
            continue;
        }
        all.extend(words::cut(&std::mem::take(&mut run)));
        if token.wide {
            run.push_str(&token.text);
        } else {
            all.push(token.text.clone());
        }
    }
    all.extend(words::cut(&run));
    let mut telling: Vec<String> = vec![];
    for word in all {
        if !words::is_stop(&word) && !telling.contains(&word) {
            telling.push(word);
        }
    }
    if telling.iter().all(|w| w.chars().count() == 1) { vec![] } else { telling }
}

impl Asked {
    /// The query that finds documents with everything that was asked for.
    pub fn strict(&self, fields: &Fields, title_only: bool) -> Box<dyn Query> {
        if self.blank {
            return Box::new(AllQuery);
        }
        if self.groups.is_empty() {
            return Box::new(EmptyQuery);
        }
        let every: Vec<Box<dyn Query>> = self.groups.iter().map(|g| group(fields, g, title_only)).collect();
        self.with_exact(fields, all(every))
    }

    /// The query that finds documents with at least half of the words, if there are words to choose from.
    pub fn relaxed(&self, fields: &Fields, title_only: bool) -> Option<Box<dyn Query>> {
        let mut words: Vec<&str> = vec![];
        for word in self.groups.iter().flat_map(|g| &g.words) {
            if !words.contains(&word.as_str()) {
                words.push(word);
            }
        }
        if words.len() < 2 {
            return None;
        }
        let clauses = words.iter().map(|w| word(fields, w, title_only)).collect();
        Some(Box::new(BooleanQuery::union_with_minimum_required_clauses(clauses, words.len().div_ceil(2))))
    }

    fn with_exact(&self, fields: &Fields, text: Box<dyn Query>) -> Box<dyn Query> {
        let exact = |key: &str, score| -> Box<dyn Query> {
            let term = TermQuery::new(Term::from_field_text(fields.exact, key), IndexRecordOption::Basic);
            Box::new(ConstScoreQuery::new(Box::new(term), score))
        };
        let mut any = vec![text];
        for key in &self.numbers {
            any.push(exact(key, if key.starts_with("y:") { SHORT_NUMBER } else { EXACT_NUMBER }));
        }
        any.extend(self.title.iter().map(|key| exact(key, EXACT_TITLE)));
        if any.len() == 1 {
            any.pop().unwrap_or_else(|| Box::new(EmptyQuery))
        } else {
            Box::new(BooleanQuery::union(any))
        }
    }
}

fn group(fields: &Fields, group: &Group, title_only: bool) -> Box<dyn Query> {
    let mut any = vec![boost(phrase(fields.title_u, &group.tokens), 9.0)];
    if !title_only {
        any.push(boost(phrase(fields.body_u, &group.tokens), 3.0));
    }
    if !group.words.is_empty() {
        any.push(all(group.words.iter().map(|w| word(fields, w, title_only)).collect()));
    }
    Box::new(BooleanQuery::union(any))
}

fn word(fields: &Fields, word: &str, title_only: bool) -> Box<dyn Query> {
    let title = term(fields.title_j, word);
    if title_only {
        return title;
    }
    Box::new(BooleanQuery::union(vec![boost(title, 3.0), term(fields.body_j, word)]))
}

fn phrase(field: Field, tokens: &[String]) -> Box<dyn Query> {
    match tokens {
        [] => Box::new(EmptyQuery),
        [one] => term(field, one),
        many => Box::new(PhraseQuery::new(many.iter().map(|t| Term::from_field_text(field, t)).collect())),
    }
}

fn term(field: Field, text: &str) -> Box<dyn Query> {
    Box::new(TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::WithFreqs))
}

fn boost(query: Box<dyn Query>, by: f32) -> Box<dyn Query> {
    Box::new(BoostQuery::new(query, by))
}

fn all(mut queries: Vec<Box<dyn Query>>) -> Box<dyn Query> {
    match queries.pop() {
        Some(one) if queries.is_empty() => one,
        Some(last) => {
            queries.push(last);
            Box::new(BooleanQuery::intersection(queries))
        }
        None => Box::new(EmptyQuery),
    }
}

/// Narrows a query to one site.
pub(crate) fn within(fields: &Fields, site: Option<&str>, query: Box<dyn Query>) -> Box<dyn Query> {
    let Some(site) = site else { return query };
    let term = TermQuery::new(Term::from_field_text(fields.site, site), IndexRecordOption::Basic);
    Box::new(BooleanQuery::new(vec![
        (Occur::Must, query),
        (Occur::Must, Box::new(ConstScoreQuery::new(Box::new(term), 0.0))),
    ]))
}
