//! What differs between two texts: field by field, block by block, and character by character inside a changed block.

use kernel::text;
use serde_json::{Value, json};
use similar::{Algorithm, ChangeTag, DiffOp, TextDiff, capture_diff_slices};

/// One side of a comparison: named fields in the same order on both sides, and the body.
pub struct Side {
    /// `(label, value)`.
    pub fields: Vec<(&'static str, String)>,
    /// HTML.
    pub body: String,
}

/// What was found.
pub struct Difference {
    /// `{fields, blocks}` as the template wants it; `None` where both sides say the same.
    pub value: Option<Value>,
    /// Fields that differ.
    pub fields: usize,
    /// Blocks changed, added, removed.
    pub blocks: (usize, usize, usize),
}

impl Difference {
    /// `改 1 段，增 1 段`
    pub fn summary(&self) -> String {
        let (changed, added, removed) = self.blocks;
        let parts: Vec<String> =
            [(self.fields, "改", "项"), (changed, "改", "段"), (added, "增", "段"), (removed, "取消", "段")]
                .into_iter()
                .filter(|(n, _, _)| *n > 0)
                .map(|(n, verb, unit)| format!("{verb} {n} {unit}"))
                .collect();
        if parts.is_empty() { "没有改动".into() } else { parts.join("，") }
    }
}

/// Longest block that is compared character by character.
const MAX_CHARS: usize = 4_000;
/// Most blocks that are compared at all; what comes after them is shown as replaced if it differs.
const MAX_BLOCKS: usize = 3_000;

/// A block of a body: its element and its text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Block {
    tag: &'static str,
    text: String,
}

/// Compares two sides.
pub fn compare(old: &Side, new: &Side) -> Difference {
    let fields: Vec<Value> = old
        .fields
        .iter()
        .zip(&new.fields)
        .filter(|((_, a), (_, b))| a != b)
        .map(|((label, a), (_, b))| json!({ "label": label, "pieces": pieces(a, b) }))
        .collect();
    let (a, b) = (blocks(&old.body), blocks(&new.body));
    let (shown, counts) = between(&a, &b);
    let differs = !fields.is_empty() || counts != (0, 0, 0);
    Difference {
        fields: fields.len(),
        blocks: counts,
        value: differs.then(|| json!({ "fields": fields, "blocks": shown })),
    }
}

/// Element of a block as the template knows it.
fn block_tag(name: &str) -> Option<&'static str> {
    Some(match name {
        "p" | "blockquote" | "pre" | "caption" | "figcaption" | "dt" | "dd" | "div" | "hr" | "ul" | "ol" | "table" => {
            "p"
        }
        "h2" => "h2",
        "h3" | "h4" => "h3",
        "li" => "li",
        "tr" => "td",
        _ => return None,
    })
}

/// Blocks of cleaned HTML: paragraphs, headings, list items, table rows with their cells parted by ` | `.
fn blocks(html: &str) -> Vec<Block> {
    let mut out = Vec::new();
    let mut tag = "p";
    let mut inner = String::new();
    let mut rest = html;
    let flush = |inner: &mut String, tag: &'static str, out: &mut Vec<Block>| {
        let plain = text::strip_tags(inner);
        let plain = plain.trim().trim_end_matches('|').trim_end();
        if !plain.is_empty() {
            out.push(Block { tag, text: plain.to_string() });
        }
        inner.clear();
    };
    while let Some((before, from)) = rest.find('<').and_then(|at| rest.split_at_checked(at)) {
        inner.push_str(before);
        let Some((element, after)) = from.split_once('>') else {
            inner.push_str(from);
            rest = "";
            break;
        };
        let closes = element.starts_with("</");
        let name: String = element
            .chars()
            .skip(if closes { 2 } else { 1 })
            .take_while(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_ascii_lowercase();
        if let Some(t) = block_tag(&name) {
            flush(&mut inner, tag, &mut out);
            tag = if closes { "p" } else { t };
        } else if matches!(name.as_str(), "td" | "th") {
            if closes {
                inner.push_str(" | ");
            }
        } else if name == "br" {
            inner.push(' ');
        }
        rest = after;
    }
    inner.push_str(rest);
    flush(&mut inner, tag, &mut out);
    out
}

fn piece(op: &str, text: &str) -> Value {
    json!({ "op": op, "text": text })
}

/// Characters taken out and put in. Where hardly anything stays, the whole is replaced: scattered characters say nothing.
fn pieces(a: &str, b: &str) -> Vec<Value> {
    let whole =
        || [("del", a), ("ins", b)].into_iter().filter(|(_, t)| !t.is_empty()).map(|(op, t)| piece(op, t)).collect();
    if a.is_empty() || b.is_empty() || text::count(a).max(text::count(b)) > MAX_CHARS {
        return whole();
    }
    let diff = TextDiff::from_chars(a, b);
    if diff.ratio() < 0.35 {
        return whole();
    }
    let mut out: Vec<(&'static str, String)> = Vec::new();
    for change in diff.iter_all_changes() {
        let op = match change.tag() {
            ChangeTag::Equal => "same",
            ChangeTag::Delete => "del",
            ChangeTag::Insert => "ins",
        };
        match out.last_mut() {
            Some((last, text)) if *last == op => text.push_str(change.value()),
            _ => out.push((op, change.value().to_string())),
        }
    }
    out.iter().map(|(op, t)| piece(op, t)).collect()
}

/// Blocks of both sides in reading order; long stretches that stay are told in one line.
fn between(a: &[Block], b: &[Block]) -> (Vec<Value>, (usize, usize, usize)) {
    let (head_a, tail_a) = a.split_at(a.len().min(MAX_BLOCKS));
    let (head_b, tail_b) = b.split_at(b.len().min(MAX_BLOCKS));
    let mut out: Vec<Value> = Vec::new();
    let mut counts = (0, 0, 0);
    let one = |op: &str, tag: &str, pieces: Vec<Value>| json!({ "op": op, "tag": tag, "pieces": pieces });
    let same = |run: &[Block], out: &mut Vec<Value>, first: bool, last: bool| {
        let (lead, trail) = (usize::from(!first), usize::from(!last));
        if run.len() > lead + trail + 1 {
            let hidden = run.len() - lead - trail;
            for x in run.iter().take(lead) {
                out.push(one("same", x.tag, vec![piece("same", &x.text)]));
            }
            out.push(one("skip", "p", vec![piece("same", &format!("此处 {hidden} 段没有改动"))]));
            for x in run.iter().skip(run.len() - trail) {
                out.push(one("same", x.tag, vec![piece("same", &x.text)]));
            }
        } else {
            for x in run {
                out.push(one("same", x.tag, vec![piece("same", &x.text)]));
            }
        }
    };
    let removed = |x: &Block, out: &mut Vec<Value>, counts: &mut (usize, usize, usize)| {
        counts.2 += 1;
        out.push(one("removed", x.tag, vec![piece("del", &x.text)]));
    };
    let added = |x: &Block, out: &mut Vec<Value>, counts: &mut (usize, usize, usize)| {
        counts.1 += 1;
        out.push(one("added", x.tag, vec![piece("ins", &x.text)]));
    };
    let ops = capture_diff_slices(Algorithm::Myers, head_a, head_b);
    let last = ops.len().saturating_sub(1);
    for (i, op) in ops.iter().enumerate() {
        let old = head_a.get(op.old_range()).unwrap_or_default();
        let new = head_b.get(op.new_range()).unwrap_or_default();
        match op {
            DiffOp::Equal { .. } => same(old, &mut out, i == 0, i == last && tail_a == tail_b),
            _ => {
                for (x, y) in old.iter().zip(new) {
                    counts.0 += 1;
                    out.push(one("changed", y.tag, pieces(&x.text, &y.text)));
                }
                for x in old.iter().skip(new.len()) {
                    removed(x, &mut out, &mut counts);
                }
                for y in new.iter().skip(old.len()) {
                    added(y, &mut out, &mut counts);
                }
            }
        }
    }
    if tail_a != tail_b {
        for x in tail_a {
            removed(x, &mut out, &mut counts);
        }
        for y in tail_b {
            added(y, &mut out, &mut counts);
        }
    }
    (out, counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(title: &str, body: &str) -> Side {
        Side { fields: vec![("标题", title.into())], body: body.into() }
    }

    #[test]
    fn the_same_text_has_no_difference() {
        let d = compare(&side("甲", "<p>一</p>"), &side("甲", "<p>一</p>\n"));
        assert!(d.value.is_none());
        assert_eq!(d.summary(), "没有改动");
    }

    #[test]
    fn characters_inside_a_changed_block_are_told() {
        let d = compare(
            &side("问答", "<h2>标准</h2><p>每部补贴 10 万元。</p><p>旧的一段</p>"),
            &side("问答", "<h2>标准</h2><p>每部补贴 12 万元。</p>"),
        );
        assert_eq!(d.blocks, (1, 0, 1));
        let v = d.value.expect("differs").to_string();
        assert!(v.contains(r#"{"op":"del","text":"0"}"#) && v.contains(r#"{"op":"ins","text":"2"}"#), "{v}");
        assert!(v.contains("旧的一段"), "{v}");
    }

    #[test]
    fn fields_differ_and_long_stretches_are_skipped() {
        let body: String = (0..30).map(|i| format!("<p>第{i}段</p>")).collect();
        let d = compare(&side("甲", &body), &side("乙", &format!("{body}<p>新的</p>")));
        assert_eq!((d.fields, d.blocks), (1, (0, 1, 0)));
        let v = d.value.expect("differs").to_string();
        assert!(v.contains("此处 29 段没有改动"), "{v}");
    }

    #[test]
    fn rows_keep_their_cells_together() {
        let b = blocks("<table><tr><th>甲</th><td>1 &lt; 2</td></tr></table><ul><li>项</li></ul>尾");
        assert_eq!(
            b,
            [
                Block { tag: "td", text: "甲 | 1 < 2".into() },
                Block { tag: "li", text: "项".into() },
                Block { tag: "p", text: "尾".into() }
            ]
        );
    }

    #[test]
    fn broken_html_and_huge_texts_end() {
        assert_eq!(blocks("<p>甲<").len(), 1);
        let long = format!("<p>{}</p>", "字".repeat(100_000));
        assert_eq!(compare(&side("", &long), &side("", "<p>短</p>")).blocks, (1, 0, 0));
    }
}
