//! Full-width and half-width forms, and the one form that search compares.

/// Maps full-width forms (`Ａ`, `１`, `（`, the ideographic space) to their ASCII counterparts. Chinese punctuation of
/// that block (`，` `：` `！`) is mapped too: for text that people read use [`half_width_alphanumerics`].
///
/// ```
/// assert_eq!(kernel::text::to_half_width("（ＧＢ／Ｔ　２２６０）"), "(GB/T 2260)");
/// ```
pub fn to_half_width(text: &str) -> String {
    text.chars().map(half).collect()
}

/// Maps printable ASCII to full-width forms, the space to the ideographic space.
///
/// ```
/// assert_eq!(kernel::text::to_full_width("A1 (b)"), "Ａ１　（ｂ）");
/// ```
pub fn to_full_width(text: &str) -> String {
    text.chars().map(full).collect()
}

/// Maps full-width letters and digits to ASCII and leaves punctuation as it is: what a title or a number typed by a
/// person needs before it is stored.
///
/// ```
/// assert_eq!(kernel::text::half_width_alphanumerics("２０２６年（Ａ类），"), "2026年（A类），");
/// ```
pub fn half_width_alphanumerics(text: &str) -> String {
    text.chars()
        .map(|c| match half(c) {
            h if h.is_ascii_alphanumeric() => h,
            _ => c,
        })
        .collect()
}

pub(super) fn half(c: char) -> char {
    match c {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{ffe5}' => '¥',
        _ => c,
    }
}

fn full(c: char) -> char {
    match c {
        ' ' => '\u{3000}',
        '!'..='~' => char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c),
        '¥' => '\u{ffe5}',
        _ => c,
    }
}

/// The form in which search compares texts: half-width, ASCII in lower case, brackets, quotation marks, dashes and dots
/// of one kind each, invisible characters gone, every run of white space one space, none at the ends.
///
/// It works like NFKC where Chinese official text needs it and nowhere else; normalising twice changes nothing.
///
/// ```
/// use kernel::text::normalise;
/// assert_eq!(normalise(" 国办发【２０１７】４７ 号\n"), "国办发[2017]47 号");
/// assert_eq!(normalise("ＰＤＦ　文件"), normalise("pdf 文件"));
/// ```
pub fn normalise(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let c = half(c);
        if is_invisible(c) {
            continue;
        }
        if c.is_whitespace() || c.is_control() {
            if !out.is_empty() && !out.ends_with(' ') {
                out.push(' ');
            }
            continue;
        }
        out.push(plain(c).to_ascii_lowercase());
    }
    out.truncate(out.trim_end().len());
    out
}

/// Characters that take no room and that people copy without knowing.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// One character for all that look and mean alike.
fn plain(c: char) -> char {
    match c {
        '〔' | '【' | '﹝' | '〖' | '〘' | '〚' | '⟦' | '❲' | '「' | '『' | '﹁' | '﹃' | '︹' | '︻' => {
            '['
        }
        '〕' | '】' | '﹞' | '〗' | '〙' | '〛' | '⟧' | '❳' | '」' | '』' | '﹂' | '﹄' | '︺' | '︼' => {
            ']'
        }
        '﹙' | '︵' | '⦅' => '(',
        '﹚' | '︶' | '⦆' => ')',
        '﹛' => '{',
        '﹜' => '}',
        '〈' | '«' | '‹' | '\u{2329}' | '\u{27e8}' | '︽' | '︿' => '《',
        '〉' | '»' | '›' | '\u{232a}' | '\u{27e9}' | '︾' | '﹀' => '》',
        '“' | '”' | '„' | '‟' | '〝' | '〞' | '＂' => '"',
        '‘' | '’' | '‚' | '‛' | '′' => '\'',
        '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' | '﹣' | '─' => '-',
        '〜' | '∼' | '～' => '~',
        '•' | '‧' | '∙' | '⋅' | '・' | '･' => '·',
        '○' | '◯' => '〇',
        '。' | '｡' => '.',
        '、' | '､' => ',',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_people_type_compares_equal() {
        for (a, b) in [
            ("国办发〔2017〕47号", "国办发［２０１７］４７号"),
            ("国办发〔2017〕47号", "国办发﹝2017﹞47号"),
            ("（试行）", "(试行)"),
            ("“放管服”", "\"放管服\""),
            ("GB/T 2260", "gb／t　2260"),
            ("政务\u{200b}公开", "政务公开"),
            ("二○二六", "二〇二六"),
        ] {
            assert_eq!(normalise(a), normalise(b));
        }
        assert_ne!(normalise("政务 公开"), normalise("政务公开"));
    }

    #[test]
    fn titles_keep_their_punctuation() {
        assert_eq!(half_width_alphanumerics("关于《ＡＢ》：１，２"), "关于《AB》：1，2");
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in "\\PC{0,40}|[\u{3000}-\u{303f}\u{ff00}-\u{ffef} \t\n]{0,20}") {
            let once = normalise(&text);
            prop_assert_eq!(normalise(&once), once.clone());
            prop_assert!(!once.contains("  ") && once.trim() == once);
        }

        #[test]
        fn widths_come_back(text in "[ -~]{0,40}") {
            prop_assert_eq!(to_half_width(&to_full_width(&text)), text);
        }
    }
}
