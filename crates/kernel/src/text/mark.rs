//! Marks and faults that decide whether a text may enter.

use std::sync::OnceLock;

use regex::Regex;

use super::width::is_invisible;

fn pattern(cell: &'static OnceLock<Option<Regex>>, source: &str) -> Option<&'static Regex> {
    cell.get_or_init(|| Regex::new(source).ok()).as_ref()
}

/// Whether the text bears a classification mark (密级标志): 绝密, 机密 or 秘密 with ★ (`机密★`, `秘密 ★ 5年`), alone on its
/// line with a period (`机密 长期`), or after `密级：`. Such a text must not enter the system at all.
///
/// Prose about 国家秘密, 商业秘密 or the duty of secrecy is no mark. A sentence that quotes a complete mark
/// (`标注“机密★10年”`) counts as one: here a false alarm costs a question, a miss costs a leak.
///
/// ```
/// use kernel::text::has_classification_mark;
/// assert!(has_classification_mark("秘密★5年\n关于……的请示"));
/// assert!(!has_classification_mark("不得泄露国家秘密，保守秘密5年"));
/// ```
pub fn has_classification_mark(text: &str) -> bool {
    static STAR: OnceLock<Option<Regex>> = OnceLock::new();
    static LINE: OnceLock<Option<Regex>> = OnceLock::new();
    static LEVEL: OnceLock<Option<Regex>> = OnceLock::new();
    const MARK: &str = r"(?:绝[ \t]*密|机[ \t]*密|秘[ \t]*密)";
    const PERIOD: &str = r"(?:(?:[0-9]{1,3}|[一二三四五六七八九十]{1,3})[ \t]*(?:年|个?月|日|天)|长[ \t]*期|永[ \t]*久|启[ \t]*[封用][ \t]*前|解[ \t]*密[ \t]*前|公[ \t]*[布开][ \t]*前)";
    // Spaces of every width and invisible characters must not hide a mark.
    let text: String = text
        .chars()
        .filter(|c| !is_invisible(*c))
        .map(|c| match super::width::half(c) {
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => '\n',
            h if h.is_whitespace() => ' ',
            h => h,
        })
        .collect();
    // An asterisk is also Markdown's, hence only with a period after it.
    let star = pattern(&STAR, &format!(r"{MARK}\s*(?:[★☆⭐✩✪✭✯]|\*\s*{PERIOD})"));
    let line = pattern(
        &LINE,
        &format!(r"(?m)^[ \t]*(?:(?:密级|保密期限)?[:\s]*)?[\[(]?{MARK}[ \t,:.·—-]*[\[(]?{PERIOD}[\])]*[ \t]*$"),
    );
    // 密级：机密 is a mark; 密级：绝密、机密、秘密 is an explanation.
    let level = pattern(
        &LEVEL,
        &format!(r"密[ \t]*级(?:[ \t]*[:][ \t]*|[ \t]+){MARK}[ \t]*(?:$|[^、,/或和及以级 \t]|[ \t][^、,/或和及以级])"),
    );
    match (star, line, level) {
        (Some(star), Some(line), Some(level)) => star.is_match(&text) || line.is_match(&text) || level.is_match(&text),
        // The patterns are constants that the tests compile; were one broken, nothing may slip through.
        _ => true,
    }
}

/// Whether the text was damaged on its way: replacement characters, control characters, private-use characters, or UTF-8
/// that was read as Latin-1 or as GBK.
///
/// ```
/// use kernel::text::looks_broken;
/// assert!(looks_broken("鍏充簬鍗板彂銆婇氱煡銆"));
/// assert!(!looks_broken("关于印发《通知》"));
/// ```
pub fn looks_broken(text: &str) -> bool {
    /// Rare characters that common ones turn into when UTF-8 is read as GBK.
    const AS_GBK: &str = "锛銆鐨鍏鍙浜浠鍒浣缁鍗鏈杩鍚涔鏂瀹鍐璁鍥鍔鍘閫鍦骞璇閲寮鏀瑙灞鎴鏃鐢绉闈鎵寰鍖鏍绾鏁鐪鍛鏋鐭鏄鏉鍑瀛鑰姘搴璧鐗鐜涓";
    if text.contains("锟斤拷") || text.contains("烫烫烫") || text.contains("屯屯屯") {
        return true;
    }
    let (mut all, mut odd, mut latin) = (0usize, 0usize, 0usize);
    let mut before = ' ';
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => {}
            '\u{fffd}' | '\u{fffe}' | '\u{ffff}' | '\u{e000}'..='\u{f8ff}' => return true,
            c if c.is_control() => return true,
            _ => {}
        }
        all += 1;
        if AS_GBK.contains(c) {
            odd += 1;
        }
        // ä¸­, Ã©, â€œ: a lead byte followed by what was a continuation byte.
        let continuation = matches!(
            c,
            '\u{a0}'
                ..='\u{bf}'
                    | '€'
                    | '‚'
                    | 'ƒ'
                    | '„'
                    | '…'
                    | '†'
                    | '‡'
                    | 'ˆ'
                    | '‰'
                    | 'Š'
                    | '‹'
                    | 'Œ'
                    | 'Ž'
                    | '‘'
                    | '’'
                    | '“'
                    | '”'
                    | '•'
                    | '–'
                    | '—'
                    | '˜'
                    | '™'
                    | 'š'
                    | '›'
                    | 'œ'
                    | 'ž'
                    | 'Ÿ'
        );
        if continuation && matches!(before, '\u{c2}'..='\u{f4}') {
            latin += 1;
        }
        before = c;
    }
    (odd >= 3 && odd * 5 >= all) || latin >= 2 || (latin >= 1 && all <= 20)
}

/// Whether a word may stand in an address: 1 to 40 of `a-z`, `0-9` and `-`, with no hyphen at either end.
pub fn slug_ok(slug: &str) -> bool {
    (1..=40).contains(&slug.len())
        && slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !slug.starts_with('-')
        && !slug.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found() {
        for text in [
            "秘密★5年",
            "机密 ★ 长期",
            "绝密★",
            "机　密　★　２０年",
            "秘 密★一年",
            "绝密★启用前",
            "000001\n机密★10年\n特急",
            "秘密*5年",
            "秘密☆3年",
            "机\u{200b}密★1年",
            "机密 长期",
            "  秘密  10 年  ",
            "秘密（5年）",
            "密级：机密",
            "密级: 秘密 \n",
            "密级：绝密。",
            "密 级：秘密  编号：1",
            "正文\r\n秘密 6个月\r\n正文",
        ] {
            assert!(has_classification_mark(text), "{text}");
        }
    }

    #[test]
    fn prose_is_no_mark() {
        for text in [
            "依法确定为国家秘密的政府信息，不予公开",
            "应当保守秘密5年",
            "保守国家秘密，人人有责",
            "国家秘密的密级分为绝密、机密、秘密三级",
            "密级：绝密、机密、秘密",
            "密级为“绝密”“机密”“秘密”三级",
            "泄露商业秘密的，处三年以下有期徒刑",
            "**国家秘密**",
            "- **秘密** 是指",
            "绝密级国家秘密保密期限不超过三十年，机密级不超过二十年，秘密级不超过十年",
            "机密性、完整性、可用性",
            "保守秘密 ★★★★★",
            "★国家秘密",
            "",
        ] {
            let starred = text.contains("秘密 ★");
            assert_eq!(has_classification_mark(text), starred, "{text}");
        }
    }

    #[test]
    fn damage_is_seen() {
        for text in [
            "关于\u{fffd}的通知",
            "a\u{0}b",
            "a\u{8}b",
            "锟斤拷锟斤拷",
            "鍏充簬鍗板彂銆婇氱煡銆嬶紝鏀垮姟鍏寮",
            "ä¸\u{ad}å›½",
            "â€œæ”¿åŠ¡â€",
            "cafÃ©",
            "\u{e123}",
        ] {
            assert!(looks_broken(text), "{text}");
        }
    }

    #[test]
    fn sound_text_is_not_broken() {
        for text in [
            "",
            "关于加快推进全国一体化在线政务服务平台建设的指导意见\r\n\t第一条",
            "涓涓细流",
            "café, naïve, Ürümqi, Côte d’Ivoire",
            "25℃ ± 2 × 3 ÷ 4 · ©2026 ¥100",
            "璁、鑫、森、淼、鐢",
            "𠮷野家 🇨🇳",
        ] {
            assert!(!looks_broken(text), "{text}");
        }
    }

    #[test]
    fn address_words() {
        for ok in ["a", "zwgk", "2026-1", &"x".repeat(40)] {
            assert!(slug_ok(ok), "{ok}");
        }
        for bad in ["", "A", "政务", "a_b", "a/b", "..", "-a", "a-", "a b", &"x".repeat(41)] {
            assert!(!slug_ok(bad), "{bad}");
        }
    }
}
