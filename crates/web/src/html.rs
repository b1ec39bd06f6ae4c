//! Clean HTML. What an editor, an import or a paste brings is cleaned on the way in; allowed looks become classes, since
//! the content security policy allows no `style`.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// Headings keep their order below the page's one `h1`: the body's own headings begin at `h2`.
static BODY: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let mut b = ammonia::Builder::empty();
    b.tags(HashSet::from([
        "p",
        "br",
        "h2",
        "h3",
        "h4",
        "strong",
        "b",
        "em",
        "i",
        "u",
        "s",
        "sub",
        "sup",
        "ul",
        "ol",
        "li",
        "blockquote",
        "table",
        "caption",
        "thead",
        "tbody",
        "tfoot",
        "tr",
        "th",
        "td",
        "a",
        "hr",
        "figure",
        "figcaption",
        "ins",
        "del",
        "pre",
        "code",
        "dl",
        "dt",
        "dd",
        "abbr",
        "time",
    ]))
    .clean_content_tags(HashSet::from(["script", "style", "iframe", "object", "noscript", "template", "title"]))
    .tag_attributes(HashMap::from([
        ("a", HashSet::from(["href", "title"])),
        ("td", HashSet::from(["colspan", "rowspan"])),
        ("th", HashSet::from(["colspan", "rowspan", "scope"])),
        ("ol", HashSet::from(["start"])),
        ("abbr", HashSet::from(["title"])),
        ("time", HashSet::from(["datetime"])),
    ]))
    .allowed_classes(HashMap::from([
        ("p", HashSet::from(["gk-to", "gk-flush", "gk-center", "gk-right"])),
        ("td", HashSet::from(["gk-n"])),
        ("th", HashSet::from(["gk-n"])),
    ]))
    .url_schemes(HashSet::from(["http", "https", "mailto", "tel"]))
    .link_rel(Some("noopener noreferrer"));
    b
});

/// Cleans a document's body: scripts, styles, event handlers and unknown elements go, text stays.
pub fn clean(html: &str) -> String {
    let cleaned = BODY.clean(html).to_string();
    // A heading of the page's own level would break the page's order.
    cleaned.trim().to_string()
}

/// Whether cleaning would take something out that could have been executed.
pub fn is_hostile(html: &str) -> bool {
    let lower = html.to_ascii_lowercase();
    lower.contains("<script")
        || lower.contains("javascript:")
        || lower.contains("<iframe")
        || lower.contains("onerror=")
}

/// Escapes text for HTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Plain text as paragraphs; text that already is HTML is cleaned.
pub fn body_of(text: &str) -> String {
    let looks_like_html = ["<p", "<h2", "<h3", "<table", "<ul", "<ol", "<br", "<div", "<blockquote"]
        .iter()
        .any(|t| text.to_ascii_lowercase().contains(t));
    if looks_like_html {
        return clean(text);
    }
    let mut out = String::new();
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty()) {
        out.push_str("<p>");
        out.push_str(&escape(line));
        out.push_str("</p>\n");
    }
    clean(&out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_executable_passes() {
        for hostile in [
            "<script>alert(1)</script>",
            "<p onclick=\"x()\">文</p>",
            "<a href=\"javascript:alert(1)\">文</a>",
            "<img src=x onerror=alert(1)>",
            "<svg><script>alert(1)</script></svg>",
            "<iframe src=//e></iframe>",
            "<p style=\"position:fixed\">文</p>",
            "<form action=//e><input></form>",
        ] {
            let clean = clean(hostile).to_ascii_lowercase();
            for bad in ["script", "onclick", "onerror", "javascript", "iframe", "style", "<form", "<svg", "<img"] {
                assert!(!clean.contains(bad), "{hostile} → {clean}");
            }
        }
    }

    #[test]
    fn structure_stays() {
        let html =
            "<h2>一、目的</h2><p class=\"gk-to x\">各县区：</p><table><tr><td colspan=\"2\">甲</td></tr></table>";
        let out = clean(html);
        assert!(out.contains("<h2>") && out.contains("colspan=\"2\"") && out.contains("class=\"gk-to\""), "{out}");
    }

    #[test]
    fn plain_text_becomes_paragraphs() {
        assert_eq!(body_of("甲 < 乙\n\n丙"), "<p>甲 &lt; 乙</p>\n<p>丙</p>");
    }
}
