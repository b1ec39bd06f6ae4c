//! Document numbers: one normal form, whichever way they are typed.

use crate::scan::Scan;

/// A token of a query or of a printed number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub text: String,
    pub wide: bool,
    pub spaced: bool,
    pub joined: bool,
}

/// The first `limit` tokens of a text; the flag says that there were more.
pub(crate) fn parts(text: &str, limit: usize) -> (Vec<Part>, bool) {
    let mut scan = Scan::new(text);
    let mut out = vec![];
    while let Some(place) = scan.next() {
        if out.len() == limit {
            return (out, true);
        }
        out.push(Part { text: scan.text.clone(), wide: place.wide, spaced: place.spaced, joined: place.joined });
    }
    (out, false)
}

/// A number that was recognised in a row of tokens.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Number {
    /// The characters before the year, nearest last.
    agency: Vec<String>,
    year: Option<String>,
    serial: String,
    /// First token and last token of it.
    pub from: usize,
    pub to: usize,
}

impl Number {
    /// The form in the index: everything that was printed.
    pub fn key(&self) -> String {
        self.key_of(&self.agency)
    }

    /// Year and serial alone, for people who leave the agency out.
    pub fn short_key(&self) -> Option<String> {
        self.year.as_ref().map(|year| format!("y:{year} {}", self.serial))
    }

    /// The forms to look for. Words may stand before the agency without a space (请查国办发…), so each shorter agency is
    /// tried too; without an agency the short form.
    pub fn wanted(&self) -> Vec<String> {
        if self.agency.is_empty() {
            return self.short_key().into_iter().collect();
        }
        (0..self.agency.len()).map(|i| self.key_of(self.agency.get(i..).unwrap_or_default())).collect()
    }

    fn key_of(&self, agency: &[String]) -> String {
        let agency = agency.concat();
        match &self.year {
            Some(year) => format!("n:{agency} {year} {}", self.serial),
            None => format!("n:{agency} {}", self.serial),
        }
    }
}

/// Characters of an agency at most.
const MAX_AGENCY: usize = 16;

/// Recognises `国办发〔2017〕47号`, `国办发2017 47`, `公告2017年第47号`, `国务院令第711号`, `〔2017〕47号`.
pub(crate) fn recognise(parts: &[Part]) -> Vec<Number> {
    let mut out = vec![];
    for (at, part) in parts.iter().enumerate() {
        let serial = part.text.trim_start_matches('0');
        if part.wide || serial.is_empty() || part.text.len() > 5 || !part.text.bytes().all(|b| b.is_ascii_digit()) {
            continue;
        }
        // Walks backwards over what may stand between.
        let mut before = at;
        let mut ordinal = false;
        while let Some(p) = before.checked_sub(1).and_then(|i| parts.get(i)) {
            if !matches!(p.text.as_str(), "第" | "年") {
                break;
            }
            ordinal |= p.text == "第";
            before -= 1;
        }
        let year =
            before.checked_sub(1).and_then(|i| parts.get(i)).filter(|p| is_year(&p.text)).map(|p| p.text.clone());
        if year.is_some() {
            before -= 1;
        } else if is_year(&part.text) && !ordinal {
            continue;
        }
        // The agency ends where a space or a mark stands before one of its characters.
        let mut agency = vec![];
        let mut from = before;
        while let Some(p) = from.checked_sub(1).and_then(|i| parts.get(i)) {
            if !p.wide || agency.len() == MAX_AGENCY {
                break;
            }
            agency.push(p.text.clone());
            from -= 1;
            if p.spaced || !p.joined {
                break;
            }
        }
        agency.reverse();
        let order = agency.last().is_some_and(|c| ordinal || matches!(c.as_str(), "令" | "告"));
        if year.is_none() && !order {
            continue;
        }
        let to = if parts.get(at + 1).is_some_and(|p| p.text == "号") { at + 1 } else { at };
        out.push(Number { agency, year, serial: serial.to_string(), from, to });
    }
    out
}

fn is_year(text: &str) -> bool {
    text.len() == 4 && (text.starts_with("19") || text.starts_with("20")) && text.bytes().all(|b| b.is_ascii_digit())
}

/// The form of any text in which everything but letters and digits is left out.
pub(crate) fn squeezed(prefix: &str, parts: &[Part]) -> String {
    let mut out = String::from(prefix);
    let mut narrow = false;
    for part in parts.iter().filter(|p| !matches!(p.text.as_str(), "第" | "号")) {
        if narrow && !part.wide {
            out.push(' ');
        }
        out.push_str(&part.text);
        narrow = !part.wide;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<String> {
        recognise(&parts(text, 100).0).iter().map(Number::key).collect()
    }

    #[test]
    fn one_form_for_every_way_of_typing() {
        for text in [
            "国办发〔2017〕47号",
            "国办发[2017]47号",
            "国办发2017 47",
            "国办发（２０１７）４７ 号",
            "国办发【2017】第047号",
            "国办发 2017 47号",
            "国办发2017年47号",
            "国办发 〔2017〕 47 号",
        ] {
            assert_eq!(keys(text), ["n:国办发 2017 47"], "{text}");
        }
        assert_eq!(keys("国务院令第711号"), ["n:国务院令 711"]);
        assert_eq!(keys("公告2017年第3号"), ["n:公告 2017 3"]);
    }

    #[test]
    fn ordinary_text_is_no_number() {
        for text in ["2017年", "47号文件", "三公经费2017", "", "第三条", "12345热线", "国办发〔2017〕123456号"]
        {
            assert!(keys(text).is_empty(), "{text}: {:?}", keys(text));
        }
    }

    #[test]
    fn words_before_the_agency_do_not_hide_it() {
        let found = recognise(&parts("请看国办发〔2017〕47号文件", 100).0);
        assert!(found.iter().any(|n| n.wanted().contains(&"n:国办发 2017 47".to_string())));
        let found = recognise(&parts("〔2017〕47号", 100).0);
        assert_eq!(found.first().map(Number::wanted), Some(vec!["y:2017 47".to_string()]));
    }
}
