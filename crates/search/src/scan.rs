//! Characters to tokens: the one reading of a text that indexing, queries and marking share.

use std::iter::Peekable;
use std::str::CharIndices;

/// Letters and digits of one token at most; a longer run goes on as the next token.
const MAX_RUN: usize = 40;

/// Where a token stands. Its folded text is in [`Scan::text`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// First byte in the text.
    pub from: usize,
    /// First byte after it.
    pub to: usize,
    /// One character of a script that is written without spaces.
    pub wide: bool,
    /// White space stands before it.
    pub spaced: bool,
    /// Nothing visible stands between it and the token before.
    pub joined: bool,
}

/// Reads tokens one after another: each Chinese character, each run of other letters and digits. The rest
/// (punctuation, symbols, pictures, control characters) only separates.
pub(crate) struct Scan<'a> {
    chars: Peekable<CharIndices<'a>>,
    /// The folded text of the token last read: half-width, lower case.
    pub text: String,
}

impl<'a> Scan<'a> {
    pub fn new(text: &'a str) -> Scan<'a> {
        Scan { chars: text.char_indices().peekable(), text: String::new() }
    }

    pub fn next(&mut self) -> Option<Place> {
        let (mut spaced, mut joined) = (false, true);
        self.text.clear();
        loop {
            let (from, raw) = self.chars.next()?;
            if is_invisible(raw) {
                continue;
            }
            let c = fold(raw);
            if !c.is_alphanumeric() {
                spaced |= c.is_whitespace() || c.is_control();
                joined = false;
                continue;
            }
            let mut to = from + raw.len_utf8();
            if is_wide(c) {
                self.text.push(c);
                return Some(Place { from, to, wide: true, spaced, joined });
            }
            self.text.extend(c.to_lowercase());
            let mut length = 1;
            while let Some(&(at, raw)) = self.chars.peek() {
                if is_invisible(raw) {
                    self.chars.next();
                    continue;
                }
                let c = fold(raw);
                if !c.is_alphanumeric() || is_wide(c) || length == MAX_RUN {
                    break;
                }
                self.text.extend(c.to_lowercase());
                length += 1;
                to = at + raw.len_utf8();
                self.chars.next();
            }
            return Some(Place { from, to, wide: false, spaced, joined });
        }
    }
}

/// Half-width forms, and one character for the zero of Chinese years. Character by character, unlike the kernel's
/// `normalise`, because marks in a snippet need places in the original text.
fn fold(c: char) -> char {
    match c {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '○' | '◯' => '〇',
        _ => c,
    }
}

/// Scripts whose characters are tokens by themselves: Chinese, kana, hangul, bopomofo.
fn is_wide(c: char) -> bool {
    matches!(c,
        '\u{3005}'..='\u{3007}' | '\u{3021}'..='\u{3029}' | '\u{3031}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Characters that take no room and that people copy without knowing.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<String> {
        let mut scan = Scan::new(text);
        let mut out = vec![];
        while scan.next().is_some() {
            out.push(scan.text.clone());
        }
        out
    }

    #[test]
    fn characters_and_runs() {
        assert_eq!(all("国办发〔２０１７〕47号"), ["国", "办", "发", "2017", "47", "号"]);
        assert_eq!(all("ＰＤＦ\u{200b}a文\u{200b}件😀𠮷二○"), ["pdfa", "文", "件", "𠮷", "二", "〇"]);
        assert!(all("，。 \u{0}\n😀").is_empty());
        assert_eq!(all(&"a".repeat(90)).iter().map(String::len).collect::<Vec<_>>(), [40, 40, 10]);
    }

    #[test]
    fn places_say_what_stands_between() {
        let mut scan = Scan::new("一二，三 4");
        let places: Vec<_> = std::iter::from_fn(|| scan.next()).map(|p| (p.joined, p.spaced, p.wide)).collect();
        assert_eq!(places, [(true, false, true), (true, false, true), (false, false, true), (false, true, false)]);
    }
}
