//! Document numbers (发文字号) as they are typed, as they are printed, and as they are searched.
//!
//! Two families exist. A *letter number* is agency word, year and serial: 国办发〔2017〕47号. An *order number* is the issuer
//! with the kind of act and a serial, with or without a year: 国务院令第711号, 某某市人民政府公告2024年第3号. The canonical
//! print of a letter number has the year in full in hexagonal brackets 〔〕 and the serial without leading zeros
//! (GB/T 9704-2012, 7.2.5); people type nearly everything else.

mod find;

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use regex::{Captures, Regex};

use crate::refusal::{Refusal, Result};
use crate::text::{clip, parse_numeral, to_half_width};

pub use find::{Found, find_all};

/// A document number in parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentNumber {
    /// Agency word (国办发) or, for an order, issuer with kind (国务院令, 中华人民共和国主席令).
    pub agency: String,
    /// Year; an order may have none.
    pub year: Option<u16>,
    /// Serial number.
    pub serial: u32,
    /// Which family it belongs to.
    pub family: Family,
}

/// The family of a document number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// 国办发〔2017〕47号.
    Letter,
    /// 国务院令第711号, 公告2024年第3号. (公告〔2024〕3号 is printed as a letter number; its key is that of 公告2024年第3号.)
    Order,
}

/// Kinds of act that are numbered like orders.
const KINDS: &str = "令|公告|通告|决定|决议|公报";

struct Patterns {
    letter: Regex,
    order: Regex,
    running: Regex,
}

/// A number in Arabic or Chinese digits.
const SERIAL: &str = r"[0-9]{1,6}|[〇○零一二三四五六七八九十百千]{1,9}";
const YEAR: &str = r"(?:19|20)[0-9]{2}|[一二][〇○零一二三四五六七八九]{3}";

fn patterns() -> Option<&'static Patterns> {
    static CELL: OnceLock<Option<Patterns>> = OnceLock::new();
    CELL.get_or_init(|| {
        Some(Patterns {
            // After `tidy` brackets are 〔 〕 and no spaces are left.
            letter: Regex::new(&format!(
                r"^(?P<agency>[^0-9〔〕]{{1,40}}?)(?:〔(?P<y1>{YEAR})年?度?〕|(?P<y2>{YEAR})年|(?P<y3>{YEAR})[-_—–])第?(?P<serial>{SERIAL})号?$"
            ))
            .ok()?,
            order: Regex::new(&format!(
                r"^(?P<agency>[^〔〕]{{0,100}}?(?:{KINDS}))(?:(?P<y1>{YEAR})年(?P<m1>第)?|(?P<y2>{YEAR})[-—–]|(?P<y3>{YEAR})(?P<m2>第)|(?P<m3>第))?(?P<serial>{SERIAL})(?P<m4>号)?$"
            ))
            .ok()?,
            running: Regex::new(&find::source(YEAR, SERIAL)).ok()?,
        })
    })
    .as_ref()
}

/// One kind of bracket, half-width digits, no white space: what the patterns expect.
fn tidy_char(c: char) -> Option<char> {
    let c = to_half_width(c.encode_utf8(&mut [0; 4])).chars().next().unwrap_or(c);
    Some(match c {
        '[' | '(' | '【' | '﹝' | '〖' | '〘' | '﹙' | '<' | '{' | '「' | '〈' | '⦗' | '❲' => '〔',
        ']' | ')' | '】' | '﹞' | '〗' | '〙' | '﹚' | '>' | '}' | '」' | '〉' | '⦘' | '❳' => '〕',
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => return None,
        c if c.is_whitespace() => return None,
        c => c,
    })
}

/// The text of a field as the patterns expect it. A space between two digits separates year and serial.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut space = false;
    for c in text.chars() {
        match tidy_char(c) {
            Some(c) => {
                if space && c.is_ascii_digit() && out.ends_with(|p: char| p.is_ascii_digit()) {
                    out.push('-');
                }
                space = false;
                out.push(c);
            }
            None => space |= c.is_whitespace(),
        }
    }
    out
}

impl DocumentNumber {
    /// A letter number.
    ///
    /// # Errors
    /// `docnum.format` where a part is empty, holds digits or brackets, or is out of range.
    pub fn letter(agency: &str, year: u16, serial: u32) -> Result<DocumentNumber> {
        DocumentNumber { agency: agency.trim().into(), year: Some(year), serial, family: Family::Letter }.checked()
    }

    /// An order number; the agency ends with its kind (`国务院令`).
    ///
    /// # Errors
    /// `docnum.format` where a part is empty, the kind is missing, or a part is out of range.
    pub fn order(agency: &str, year: Option<u16>, serial: u32) -> Result<DocumentNumber> {
        DocumentNumber { agency: agency.trim().into(), year, serial, family: Family::Order }.checked()
    }

    /// What is built must be read back as the same, or it could not be found again.
    fn checked(self) -> Result<DocumentNumber> {
        let text = self.to_string();
        match text.parse::<DocumentNumber>() {
            Ok(back) if back == self => Ok(self),
            _ => Err(refused(&text)),
        }
    }

    /// The normalised form that an exact search compares: equal for everything that is the same number, however typed.
    /// `国办发2017-47`, `国务院令711`.
    pub fn key(&self) -> String {
        let agency = self.agency.to_ascii_lowercase();
        match (self.year, self.family) {
            (Some(year), _) => format!("{agency}{year}-{}", self.serial),
            (None, _) => format!("{agency}{}", self.serial),
        }
    }
}

fn refused(text: &str) -> Refusal {
    Refusal::invalid("docnum.format", format!("“{}”不是有效的发文字号", clip(text.trim(), 40)))
        .mend("请按“国办发〔2017〕47号”或“国务院令第711号”的形式填写")
        .cite("GB/T 9704-2012 7.2.5")
}

/// The canonical print: `国办发〔2017〕47号`, `国务院令第711号`, `商务部公告2024年第3号`.
impl fmt::Display for DocumentNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.family, self.year) {
            (Family::Letter, Some(year)) => write!(f, "{}〔{year}〕{}号", self.agency, self.serial),
            (Family::Order, Some(year)) => write!(f, "{}{year}年第{}号", self.agency, self.serial),
            (_, None) => write!(f, "{}第{}号", self.agency, self.serial),
        }
    }
}

impl FromStr for DocumentNumber {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<DocumentNumber> {
        let bad = || refused(text);
        if text.chars().count() > 160 {
            return Err(bad());
        }
        let tidy = tidy(text);
        let tidy = tidy.trim_matches(|c| matches!(c, '《' | '》' | '“' | '”' | '"' | '。' | '，' | ',' | '；'));
        let patterns = patterns().ok_or_else(|| Refusal::internal("docnum.pattern", "pattern"))?;
        // 某部令2024年第3号 would also fit the letter pattern: orders first.
        if let Some(found) = patterns.order.captures(tidy) {
            let number = part(&found, Family::Order).ok_or_else(bad)?;
            let marked = ["m1", "m2", "m3", "m4"].iter().any(|m| found.name(m).is_some());
            // 公告2024 may be the year as well as the serial.
            if number.year.is_none() && !marked && (1900..2100).contains(&number.serial) {
                return Err(bad());
            }
            return Ok(number);
        }
        // (国办发〔2017〕47号) in brackets of its own.
        let inner = tidy.strip_prefix('〔').and_then(|t| t.strip_suffix('〕')).unwrap_or(tidy);
        let found = patterns.letter.captures(inner).ok_or_else(bad)?;
        part(&found, Family::Letter).ok_or_else(bad)
    }
}

/// Reads the parts of a match.
fn part(found: &Captures<'_>, family: Family) -> Option<DocumentNumber> {
    let year = match ["y1", "y2", "y3"].iter().find_map(|y| found.name(y)) {
        Some(year) => Some(u16::try_from(read_number(year.as_str())?).ok()?),
        None => None,
    };
    let serial = u32::try_from(read_number(found.name("serial")?.as_str())?).ok().filter(|s| *s > 0)?;
    let agency = found.name("agency")?.as_str();
    let words = agency.chars().all(|c| match family {
        Family::Letter => c.is_alphabetic() || c == '〇',
        Family::Order => c.is_alphanumeric() || matches!(c, '、' | '·' | '〇'),
    });
    let number = DocumentNumber { agency: agency.to_string(), year, serial, family };
    (words && !agency.is_ascii()).then_some(number)
}

fn read_number(text: &str) -> Option<u64> {
    if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { parse_numeral(text) }
}

#[cfg(test)]
mod tests;
