//! Document numbers in running text.

use std::ops::Range;

use super::{DocumentNumber, Family, KINDS, patterns, tidy_char};

/// A number and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The number.
    pub number: DocumentNumber,
    /// The bytes of the text that say it.
    pub range: Range<usize>,
}

/// Stricter than the pattern for a field: in running text a number must have its brackets or its 第 and its 号, or
/// every year would be one.
pub(super) fn source(year: &str, serial: &str) -> String {
    // Where the agency begins is decided afterwards, see `introduction`.
    format!(
        r"(?P<la>[\p{{Han}}A-Za-z]{{1,24}})(?:〔(?P<ly>{year})年?〕)第?(?P<ls>{serial})号|(?P<oa>[\p{{Han}}、0-9]{{0,80}}?(?:{KINDS}))(?:(?P<oy>{year})年?)?第(?P<os>{serial})号"
    )
}

/// All document numbers in a text, in order.
///
/// An agency word stands in a sentence without a space before it; what belongs to it is decided by the words that
/// usually introduce a number (根据, 按照, 《…》, 的, 和 …). Where a sentence gives no such sign, the agency may come out
/// too long: compare by [`DocumentNumber::key`] only what stands in brackets or after a title.
///
/// ```
/// let found = kernel::docnum::find_all("根据《指引》（国办发〔2017〕47号）和国务院令第711号");
/// let texts: Vec<String> = found.iter().map(|f| f.number.to_string()).collect();
/// assert_eq!(texts, ["国办发〔2017〕47号", "国务院令第711号"]);
/// ```
pub fn find_all(text: &str) -> Vec<Found> {
    let Some(patterns) = patterns() else { return Vec::new() };
    // The tidied text and, for each of its bytes, where that character stood.
    let mut tidy = String::with_capacity(text.len());
    let mut origin: Vec<usize> = Vec::with_capacity(text.len() + 1);
    let mut space = false;
    let characters = lines_with_numbers(text);
    for (at, c) in characters {
        // A space may stand inside a number, but between two words it separates. A line break always does.
        let Some(kept) = (if matches!(c, '\n' | '\r') { Some('\n') } else { tidy_char(c) }) else {
            space |= c.is_whitespace();
            continue;
        };
        let inside = !kept.is_alphabetic() || matches!(kept, '号' | '第' | '年');
        if space && !inside && tidy.ends_with(char::is_alphabetic) {
            tidy.push(' ');
        }
        space = false;
        tidy.push(kept);
        origin.resize(tidy.len(), at);
    }
    let mut found = Vec::new();
    for captures in patterns.running.captures_iter(&tidy) {
        let (agency, year, serial, family) = match captures.name("la") {
            Some(agency) => (agency, captures.name("ly"), captures.name("ls"), Family::Letter),
            None => match captures.name("oa") {
                Some(agency) => (agency, captures.name("oy"), captures.name("os"), Family::Order),
                None => continue,
            },
        };
        let Some(serial) = serial else { continue };
        let skip = introduction(agency.as_str());
        let word = agency.as_str().get(skip..).unwrap_or("");
        let written = match year {
            Some(year) if family == Family::Letter => format!("{word}〔{}〕{}号", year.as_str(), serial.as_str()),
            Some(year) => format!("{word}{}年第{}号", year.as_str(), serial.as_str()),
            None => format!("{word}第{}号", serial.as_str()),
        };
        let Ok(number) = written.parse::<DocumentNumber>() else { continue };
        if number.family != family {
            continue;
        }
        let Some(whole) = captures.get(0) else { continue };
        let start = origin.get(agency.start() + skip).copied();
        let last = origin.get(whole.end().saturating_sub(1)).copied();
        if let (Some(start), Some(last)) = (start, last) {
            let end = last + text.get(last..).and_then(|t| t.chars().next()).map_or(1, char::len_utf8);
            found.push(Found { number, range: start..end });
        }
    }
    found
}

/// The characters, with their places, of the lines that can hold a number: the search is thorough and therefore slow.
fn lines_with_numbers(text: &str) -> impl Iterator<Item = (usize, char)> + '_ {
    let mut base = 0;
    text.split_inclusive(['\n', '\r'])
        .map(move |line| {
            let start = base;
            base += line.len();
            (start, line)
        })
        .filter(|(_, line)| line.contains('号'))
        .flat_map(|(start, line)| line.char_indices().map(move |(at, c)| (start + at, c)))
}

/// Bytes at the beginning of a match that introduce the number and are no part of it.
fn introduction(agency: &str) -> usize {
    const BEFORE: &[&str] = &[
        "根据", "依据", "按照", "依照", "遵照", "参照", "执行", "印发", "转发", "废止", "修改", "修订", "参见", "详见",
        "见", "经", "以", "由", "和", "与", "及", "或", "的", "了", "是", "为", "在", "将", "对", "按", "即", "年",
        "月", "日", "文件", "文号", "字号", "附件", "贯彻", "落实", "替代", "取代", "发布", "公布", "引用", "关于",
        "通过", "符合", "属于", "、",
    ];
    /// Names that hold one of these.
    const INSIDE: &[&str] = &[
        "卫生和",
        "住房和",
        "工业和",
        "发展和",
        "资源和",
        "文化和",
        "保障和",
        "民族和",
        "宗教和",
        "新闻和",
        "共和",
        "和平",
        "和田",
        "和县",
        "和静",
        "呼和",
        "经济",
        "经贸",
        "经信",
        "经发",
        "外经",
        "财经",
        "对外",
        "对台",
        "日照",
        "日喀则",
        "将乐",
        "青年",
        "少年",
    ];
    let mut skip = 0;
    for (at, _) in agency.char_indices() {
        let rest = agency.get(at..).unwrap_or("");
        let Some(word) = BEFORE.iter().find(|b| rest.starts_with(**b)) else { continue };
        let after = at + word.len();
        let (before, upto) = (agency.get(..at).unwrap_or(""), agency.get(..after).unwrap_or(""));
        if after >= agency.len() {
            continue;
        }
        let named = INSIDE.iter().any(|i| upto.ends_with(i) || rest.starts_with(i));
        // The 、 of a joint order stands between two organs.
        let joint = *word == "、" && before.ends_with(['院', '部', '会', '局', '署', '委', '行', '厅', '府']);
        if !(named || joint) {
            skip = after;
        }
    }
    skip
}
