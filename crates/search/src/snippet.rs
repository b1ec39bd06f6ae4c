//! Marks in titles and the passage of a text that answers a query best.

use std::collections::HashMap;

use crate::Piece;
use crate::ask::Asked;
use crate::scan::Scan;

/// Characters of a snippet, about.
const LENGTH: usize = 110;

/// Characters before the first hit, at most.
const LEAD: usize = 24;

/// Characters of a body that are looked through.
const MAX_LOOKED: usize = 300_000;

/// Hits that are compared.
const MAX_SPANS: usize = 1_000;

/// What is marked: rows of tokens.
pub(crate) struct Needles {
    all: Vec<Needle>,
    /// By first token.
    by_first: HashMap<u64, Vec<usize>>,
}

struct Needle {
    tokens: Vec<u64>,
    weight: usize,
}

#[derive(Clone, Copy)]
struct Span {
    from: usize,
    to: usize,
    needle: usize,
}

fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3))
}

impl Needles {
    pub fn new(asked: &Asked) -> Needles {
        let mut needles = Needles { all: vec![], by_first: HashMap::new() };
        for group in &asked.groups {
            let tokens: Vec<u64> = group.tokens.iter().map(|t| hash(t)).collect();
            needles.add(tokens, if group.tokens.len() > 1 { 6 } else { 2 });
            for word in &group.words {
                let mut scan = Scan::new(word);
                let mut tokens = vec![];
                while scan.next().is_some() {
                    tokens.push(hash(&scan.text));
                }
                needles.add(tokens, if word.chars().count() > 1 { 2 } else { 1 });
            }
        }
        needles
    }

    fn add(&mut self, tokens: Vec<u64>, weight: usize) {
        let Some(first) = tokens.first() else { return };
        if self.all.iter().all(|n| n.tokens != tokens) {
            self.by_first.entry(*first).or_default().push(self.all.len());
            self.all.push(Needle { tokens, weight });
        }
    }

    /// Where needles stand in a text, by bytes, in order.
    fn find(&self, text: &str) -> Vec<Span> {
        let mut out = vec![];
        if self.all.is_empty() {
            return out;
        }
        let mut scan = Scan::new(text);
        let mut tokens = vec![];
        while let Some(place) = scan.next() {
            tokens.push((hash(&scan.text), place.from, place.to));
        }
        for (i, (first, from, _)) in tokens.iter().enumerate() {
            for &needle in self.by_first.get(first).into_iter().flatten() {
                let Some(wanted) = self.all.get(needle).map(|n| &n.tokens) else { continue };
                let Some(here) = tokens.get(i..i + wanted.len()) else { continue };
                if here.iter().zip(wanted).all(|(a, b)| a.0 == *b) {
                    out.push(Span { from: *from, to: here.last().map_or(*from, |t| t.2), needle });
                }
            }
            if out.len() >= MAX_SPANS {
                break;
            }
        }
        out
    }

    /// The whole text in pieces.
    pub fn mark(&self, text: &str) -> Vec<Piece> {
        cut(text, 0, text.len(), &self.find(text))
    }

    /// The best passage of a body in pieces. The body need not be clean: white space of any kind becomes one space.
    pub fn snippet(&self, body: &str) -> Vec<Piece> {
        let text = collapse(body);
        let spans = self.find(&text);
        // Byte at which each character begins, and the end.
        let starts: Vec<usize> = text.char_indices().map(|(i, _)| i).chain([text.len()]).collect();
        let nth = |byte: usize| starts.partition_point(|s| *s < byte);
        let at = |n: usize| starts.get(n).copied().unwrap_or(text.len());
        let begins: Vec<(usize, usize)> = spans.iter().map(|s| (nth(s.from), nth(s.to))).collect();

        let mut best = (0, None);
        let mut last = None;
        for (i, (from, _)) in begins.iter().enumerate() {
            if last.replace(from) == Some(from) {
                continue;
            }
            let mut seen: Vec<usize> = vec![];
            let (mut score, mut count) = (0, 0);
            for (span, (_, to)) in spans.iter().zip(&begins).skip(i).take_while(|(_, b)| b.0 < from + LENGTH) {
                if *to > from + LENGTH - LEAD {
                    continue;
                }
                count += 1;
                if !seen.contains(&span.needle) {
                    seen.push(span.needle);
                    score += 10 * self.all.get(span.needle).map_or(0, |n| n.weight);
                }
            }
            score += count.min(9);
            if best.1.is_none() || score > best.0 {
                best = (score, Some(*from));
            }
        }
        let first = best.1.unwrap_or(0);
        let total = starts.len() - 1;
        let mut start = first.saturating_sub(LEAD);
        if start > 0 {
            // After the end of a sentence where there is one, never inside a word or a composed character.
            let lead = text.get(at(start)..at(first)).unwrap_or_default();
            let ends = lead.chars().enumerate().filter(|(_, c)| matches!(c, '。' | '！' | '？' | '；' | ' '));
            match ends.last() {
                Some((n, _)) => start += n + 1,
                None => {
                    while start < first && sticks(&text, at(start)) {
                        start += 1;
                    }
                }
            }
        }
        let mut end = (start + LENGTH).min(total);
        for (from, to) in &begins {
            if *from < end && *to > end && to - end <= LENGTH {
                end = *to;
            }
        }
        let furthest = (end + 20).min(total);
        while end < furthest && sticks(&text, at(end)) {
            end += 1;
        }
        let mut pieces = cut(&text, at(start), at(end), &spans);
        if start > 0 {
            ellipsis(&mut pieces, true);
        }
        if end < total {
            ellipsis(&mut pieces, false);
        }
        pieces
    }
}

fn ellipsis(pieces: &mut Vec<Piece>, front: bool) {
    let edge = if front { pieces.first_mut() } else { pieces.last_mut() };
    match edge {
        Some(piece) if !piece.hit && front => piece.text.insert(0, '…'),
        Some(piece) if !piece.hit => piece.text.push('…'),
        _ => {
            let at = if front { 0 } else { pieces.len() };
            pieces.insert(at, Piece { text: "…".into(), hit: false });
        }
    }
}

/// One space for every run of white space and control characters.
fn collapse(body: &str) -> String {
    let mut out = String::new();
    let mut length = 0;
    for c in body.chars() {
        let blank = c.is_whitespace() || c.is_control();
        if blank && (out.is_empty() || out.ends_with(' ')) {
            continue;
        }
        out.push(if blank { ' ' } else { c });
        length += 1;
        if length == MAX_LOOKED {
            break;
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// Whether a cut here would part a word, a number or a composed character.
fn sticks(text: &str, at: usize) -> bool {
    let before = text.get(..at).and_then(|t| t.chars().next_back());
    let Some(after) = text.get(at..).and_then(|t| t.chars().next()) else { return false };
    matches!(after, '\u{300}'..='\u{36f}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0100}'..='\u{e01ef}')
        || before == Some('\u{200d}')
        || (after.is_ascii_alphanumeric() && before.is_some_and(|b| b.is_ascii_alphanumeric()))
}

/// `text[from..to]` in pieces; marks that touch or overlap are one.
fn cut(text: &str, from: usize, to: usize, spans: &[Span]) -> Vec<Piece> {
    let mut pieces = vec![];
    let mut push = |from: usize, to: usize, hit: bool| {
        if let Some(text) = text.get(from..to).filter(|t| !t.is_empty()) {
            pieces.push(Piece { text: text.to_string(), hit });
        }
    };
    let mut marks: Vec<(usize, usize)> = vec![];
    for span in spans {
        let (a, b) = (span.from.max(from), span.to.min(to));
        match marks.last_mut() {
            _ if a >= b => {}
            Some(last) if a <= last.1 => last.1 = last.1.max(b),
            _ => marks.push((a, b)),
        }
    }
    let mut done = from;
    for (a, b) in marks {
        push(done, a, false);
        push(a, b, true);
        done = b;
    }
    push(done, to, false);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ask::read;
    use proptest::prelude::*;

    fn show(pieces: &[Piece]) -> String {
        pieces.iter().map(|p| if p.hit { format!("[{}]", p.text) } else { p.text.clone() }).collect()
    }

    #[test]
    fn marks_are_joined() {
        let needles = Needles::new(&read("政府信息公开"));
        assert_eq!(show(&needles.mark("关于政府信息公开的通知")), "关于[政府信息公开]的通知");
        let needles = Needles::new(&read("国办发2017 47"));
        assert_eq!(show(&needles.mark("见国办发〔2017〕47号")), "见[国办发〔2017〕47]号");
    }

    #[test]
    fn the_densest_passage_is_shown() {
        let filler = "这里说的是别的事情没有什么关系。".repeat(40);
        let body = format!("居住证。{filler}\n\n申请人办理居住证应当提交材料。{filler}");
        let shown = show(&Needles::new(&read("办理 居住证")).snippet(&body));
        assert!(shown.contains("[办理居住证]"), "{shown}");
        assert!(shown.starts_with("…申请人") && shown.ends_with('…'), "{shown}");
        let n = shown.chars().count();
        assert!((100..=125).contains(&n), "{n}");
    }

    #[test]
    fn without_a_hit_the_beginning() {
        let needles = Needles::new(&read("没有"));
        assert_eq!(show(&needles.snippet(" 一\n\n二 ")), "一 二");
        assert!(needles.snippet("").is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn pieces_are_the_text(text in "\\PC{0,80}", query in "\\PC{0,10}") {
            let needles = Needles::new(&read(&query));
            let whole: String = needles.mark(&text).into_iter().map(|p| p.text).collect();
            prop_assert_eq!(whole, text);
        }

        #[test]
        fn snippets_are_passages(text in "([一二三四五六]|[ab]|。|\u{301}|😀|\n){0,400}", query in "[一二三四五六ab]{0,6}") {
            let needles = Needles::new(&read(&query));
            let shown: String = needles.snippet(&text).into_iter().map(|p| p.text).collect();
            let clean = collapse(&text);
            prop_assert!(clean.contains(shown.trim_matches('…')));
            prop_assert!(shown.chars().count() <= LENGTH + LENGTH);
        }
    }
}
