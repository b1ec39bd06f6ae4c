//! Plain text of simple HTML.

/// The text that a reader sees: tags, comments, scripts and styles gone, entities resolved, blocks on lines of their
/// own, white space collapsed. For summaries and the index; this is no sanitiser.
///
/// ```
/// assert_eq!(kernel::text::strip_tags("<p>一&nbsp;&lt;二&gt;</p><p>三<br>四</p>"), "一 <二>\n三\n四");
/// ```
pub fn strip_tags(html: &str) -> String {
    let mut out = Lines::default();
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        let (before, from) = rest.split_at(at);
        out.text(before);
        rest = if from.starts_with('<') { tag(from, &mut out) } else { entity(from, &mut out) };
    }
    out.text(rest);
    out.finish()
}

/// Text being collected: one space between words, one line per block.
#[derive(Default)]
struct Lines {
    done: String,
    space: bool,
    line: bool,
}

impl Lines {
    fn text(&mut self, text: &str) {
        for c in text.chars() {
            if c.is_whitespace() || (c.is_control() && c != '\u{fffd}') {
                self.space = true;
                continue;
            }
            if !self.done.is_empty() {
                if self.line {
                    self.done.push('\n');
                } else if self.space {
                    self.done.push(' ');
                }
            }
            self.space = false;
            self.line = false;
            self.done.push(c);
        }
    }

    fn finish(self) -> String {
        self.done
    }
}

/// Elements that stand on lines of their own.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "br",
    "caption",
    "center",
    "dd",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "legend",
    "li",
    "main",
    "nav",
    "ol",
    "option",
    "p",
    "pre",
    "section",
    "table",
    "tbody",
    "tfoot",
    "thead",
    "title",
    "tr",
    "ul",
];

/// Handles what begins with `<`; gives back what follows.
fn tag<'a>(from: &'a str, out: &mut Lines) -> &'a str {
    let after = from.strip_prefix('<').unwrap_or(from);
    if let Some(comment) = after.strip_prefix("!--") {
        return comment.split_once("-->").map_or("", |(_, rest)| rest);
    }
    let (closing, body) = match after.strip_prefix('/') {
        Some(body) => (true, body),
        None => (false, after),
    };
    let opens = body.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || (!closing && (c == '!' || c == '?')));
    if !opens {
        // An ordinary less-than sign.
        out.text("<");
        return after;
    }
    let end = body.find(|c: char| c.is_whitespace() || c == '/' || c == '>').unwrap_or(body.len());
    let (name, attributes) = body.split_at(end);
    let name = name.to_ascii_lowercase();
    let rest = after_tag(attributes);
    if !closing && matches!(name.as_str(), "script" | "style" | "template" | "noscript") {
        return after_element(rest, &name);
    }
    if BLOCKS.contains(&name.as_str()) {
        out.line = true;
    } else if matches!(name.as_str(), "td" | "th" | "img") {
        out.space = true;
    }
    rest
}

/// What follows the `>` of a tag; a `>` inside a quoted attribute does not count.
fn after_tag(attributes: &str) -> &str {
    let mut quote = None;
    let mut before = '=';
    for (i, c) in attributes.char_indices() {
        match (quote, c) {
            (None, '>') => return attributes.get(i + 1..).unwrap_or(""),
            (None, '"' | '\'') if before == '=' => quote = Some(c),
            (Some(q), _) if q == c => quote = None,
            _ => {}
        }
        if !c.is_whitespace() {
            before = c;
        }
    }
    ""
}

/// What follows `</name>`.
fn after_element<'a>(mut rest: &'a str, name: &str) -> &'a str {
    while let Some((_, after)) = rest.split_once("</") {
        let head = after.get(..name.len()).unwrap_or("");
        let tail = after.get(name.len()..).unwrap_or("");
        if head.eq_ignore_ascii_case(name) && !tail.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return tail.split_once('>').map_or("", |(_, rest)| rest);
        }
        rest = after;
    }
    ""
}

/// Handles what begins with `&`; gives back what follows.
fn entity<'a>(from: &'a str, out: &mut Lines) -> &'a str {
    let after = from.strip_prefix('&').unwrap_or(from);
    let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '#')).unwrap_or(after.len());
    let (name, rest) = after.split_at(end);
    let resolved = if name.len() <= 10 { resolve(name) } else { None };
    match resolved {
        Some(c) => {
            out.text(c.encode_utf8(&mut [0; 4]));
            rest.strip_prefix(';').unwrap_or(rest)
        }
        None => {
            out.text("&");
            after
        }
    }
}

fn resolve(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return Some(match code {
            0 => '\u{fffd}',
            _ => char::from_u32(code).unwrap_or('\u{fffd}'),
        });
    }
    Some(match name {
        "amp" | "AMP" => '&',
        "lt" | "LT" => '<',
        "gt" | "GT" => '>',
        "quot" | "QUOT" => '"',
        "apos" => '\'',
        "nbsp" | "ensp" | "emsp" | "thinsp" => ' ',
        "middot" => '·',
        "bull" => '•',
        "hellip" => '…',
        "mdash" => '—',
        "ndash" => '–',
        "ldquo" => '“',
        "rdquo" => '”',
        "lsquo" => '‘',
        "rsquo" => '’',
        "laquo" => '«',
        "raquo" => '»',
        "lang" => '〈',
        "rang" => '〉',
        "times" => '×',
        "divide" => '÷',
        "plusmn" => '±',
        "le" => '≤',
        "ge" => '≥',
        "ne" => '≠',
        "deg" => '°',
        "permil" => '‰',
        "sup2" => '²',
        "sup3" => '³',
        "frac12" => '½',
        "yen" => '¥',
        "copy" => '©',
        "reg" => '®',
        "sect" => '§',
        "rarr" => '→',
        "larr" => '←',
        "micro" => 'µ',
        "alpha" => 'α',
        "beta" => 'β',
        "zwnj" => '\u{200c}',
        "zwj" => '\u{200d}',
        "shy" => '\u{ad}',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn table() {
        for (html, text) in [
            ("", ""),
            ("平文", "平文"),
            ("<P CLASS='a'>第一条</P>\n  <p>第二条</p>", "第一条\n第二条"),
            ("<a title=\"a>b\" href='x'>通知</a>", "通知"),
            ("a &amp; b &AMP c &#20013;&#x56FD; &unknown; &", "a & b & c 中国 &unknown; &"),
            ("x<!-- <p>隐</p> -->y", "xy"),
            ("x<script>if (a<b) '</p>'</script>y<STYLE>p{}</Style >z", "xyz"),
            ("x<script>never closed", "x"),
            ("1 < 2 且 3<4", "1 < 2 且 3<4"),
            ("<table><tr><td>甲</td><td>乙</td></tr><tr><td>丙</td></tr></table>", "甲 乙\n丙"),
            ("国<b>务</b>院", "国务院"),
            ("a\r\n\t b&nbsp;&emsp;c", "a b c"),
            ("没有结束的<a href=\"", "没有结束的"),
            ("<?xml version='1.0'?><!DOCTYPE html><p>正文", "正文"),
            ("&lt;b&gt;", "<b>"),
            ("&#0;&#x110000;", "\u{fffd}\u{fffd}"),
        ] {
            assert_eq!(strip_tags(html), text, "{html}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_leaves_no_double_space(html in "([<>&;/!a-c\"'= \n-]|<p>|<b x='|<!--|-->|<script>|文|\\PC){0,60}") {
            let text = strip_tags(&html);
            prop_assert!(!text.contains("  ") && text.trim() == text, "{:?}", text);
        }
    }
}
