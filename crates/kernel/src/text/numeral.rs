//! Chinese numerals, both ways.

const DIGITS: [char; 10] = ['〇', '一', '二', '三', '四', '五', '六', '七', '八', '九'];

fn digit(c: char) -> Option<u64> {
    Some(match c {
        '〇' | '零' | '○' | '◯' => 0,
        '一' | '壹' => 1,
        '二' | '贰' | '两' => 2,
        '三' | '叁' => 3,
        '四' | '肆' => 4,
        '五' | '伍' => 5,
        '六' | '陆' => 6,
        '七' | '柒' => 7,
        '八' | '捌' => 8,
        '九' | '玖' => 9,
        _ => return None,
    })
}

/// Reads a Chinese numeral: `一千二百三十四`, `十`, `两万零五`, `二〇二六`, `壹佰`, `廿一`.
///
/// Refused (`None`) is whatever could be read in two ways or is no numeral: `一百二` (102 or 120), `一二百`, `万`.
///
/// ```
/// use kernel::text::parse_numeral;
/// assert_eq!(parse_numeral("一千二百三十四"), Some(1234));
/// assert_eq!(parse_numeral("二〇二六"), Some(2026));
/// assert_eq!(parse_numeral("一百二"), None);
/// ```
pub fn parse_numeral(text: &str) -> Option<u64> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 40 {
        return None;
    }
    if let Some(digits) = text.chars().map(digit).collect::<Option<Vec<u64>>>() {
        if text.contains('两') {
            return (text == "两").then_some(2);
        }
        return digits.into_iter().try_fold(0u64, |n, d| n.checked_mul(10)?.checked_add(d));
    }
    let plain = canonical(text);
    let value = with_units(&plain)?;
    // Whoever writes a numeral the regular way gets it back; everything else is a guess.
    (canonical(&number_to_numeral(value)) == plain).then_some(value)
}

/// The one spelling in which numerals are compared: ordinary characters, `二` for `两`, no `一` before `十`.
fn canonical(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '十' | '拾' => {
                if out.ends_with('一') {
                    out.pop();
                }
                out.push('十');
            }
            '廿' => out.push_str("二十"),
            '卅' => out.push_str("三十"),
            '佰' => out.push('百'),
            '仟' => out.push('千'),
            '萬' => out.push('万'),
            '億' => out.push('亿'),
            _ => match digit(c) {
                Some(0) => out.push('零'),
                Some(d) => out.push(DIGITS.get(d as usize).copied().unwrap_or(c)),
                None => out.push(c),
            },
        }
    }
    out
}

fn with_units(text: &str) -> Option<u64> {
    for (unit, value) in [('亿', 100_000_000u64), ('万', 10_000)] {
        // The last 亿 splits 一万亿零五; a section before 万 is below ten thousand.
        if let Some((high, low)) = text.rsplit_once(unit) {
            let high = with_units(high)?;
            let low = if low.is_empty() { 0 } else { with_units(low)? };
            return high.checked_mul(value)?.checked_add(low);
        }
    }
    if text.is_empty() {
        return None;
    }
    let (mut total, mut pending) = (0u64, None);
    for c in text.chars() {
        let unit = match c {
            '十' => 10,
            '百' => 100,
            '千' => 1000,
            _ => {
                if pending.is_some_and(|p| p != 0) {
                    return None;
                }
                pending = Some(digit(c)?);
                continue;
            }
        };
        let factor = match pending.take() {
            None | Some(0) => 1,
            Some(d) => d,
        };
        total += factor * unit;
    }
    Some(total + pending.unwrap_or(0))
}

/// Writes a number with units: `一千二百三十四`, `十二`, `一百一十`, `十万零一`.
///
/// ```
/// assert_eq!(kernel::text::number_to_numeral(10_305), "一万零三百零五");
/// ```
pub fn number_to_numeral(n: u64) -> String {
    if n == 0 {
        return "零".into();
    }
    let text = grouped(n);
    match text.strip_prefix("一十") {
        Some(rest) => format!("十{rest}"),
        None => text,
    }
}

fn grouped(n: u64) -> String {
    for (unit, value) in [('亿', 100_000_000u64), ('万', 10_000)] {
        if n >= value {
            let (high, low) = (n / value, n % value);
            let mut out = grouped(high);
            out.push(unit);
            if low > 0 {
                if low < value / 10 {
                    out.push('零');
                }
                out.push_str(&grouped(low));
            }
            return out;
        }
    }
    let (mut out, mut rest, mut gap) = (String::new(), n, false);
    for (unit, value) in [("千", 1000u64), ("百", 100), ("十", 10), ("", 1)] {
        let d = rest / value;
        rest %= value;
        if d == 0 {
            gap = !out.is_empty();
            continue;
        }
        if gap {
            out.push('零');
            gap = false;
        }
        out.extend(DIGITS.get(d as usize));
        out.push_str(unit);
    }
    out
}

/// Writes digits one by one, as years and document numbers are: `2026` is `二〇二六`. Other characters stay.
pub fn digits_to_numeral(digits: &str) -> String {
    digits.chars().map(|c| c.to_digit(10).and_then(|d| DIGITS.get(d as usize).copied()).unwrap_or(c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn table() {
        for (n, text) in [
            (0, "零"),
            (5, "五"),
            (10, "十"),
            (12, "十二"),
            (20, "二十"),
            (100, "一百"),
            (101, "一百零一"),
            (110, "一百一十"),
            (1001, "一千零一"),
            (1010, "一千零一十"),
            (1234, "一千二百三十四"),
            (10_000, "一万"),
            (10_005, "一万零五"),
            (100_001, "十万零一"),
            (101_000, "十万一千"),
            (20_260_000, "二千零二十六万"),
            (100_000_000, "一亿"),
            (100_010_000, "一亿零一万"),
            (1_000_000_000_000, "一万亿"),
        ] {
            assert_eq!(number_to_numeral(n), text);
            assert_eq!(parse_numeral(text), Some(n), "{text}");
        }
    }

    #[test]
    fn other_spellings() {
        for (text, n) in [
            ("二〇二六", 2026),
            ("二○一九", 2019),
            ("一九九七", 1997),
            ("〇", 0),
            ("两", 2),
            ("两千", 2000),
            ("两万零五", 20_005),
            ("一十二", 12),
            ("一百十二", 112),
            ("壹仟贰佰叁拾肆", 1234),
            ("廿一", 21),
            ("卅", 30),
            (" 十 ", 10),
        ] {
            assert_eq!(parse_numeral(text), Some(n), "{text}");
        }
    }

    #[test]
    fn whatever_is_doubtful_is_refused() {
        for text in
            ["", "一百二", "一万二", "一二百", "百", "万", "亿万", "十百", "一百零", "一点五", "三个", "两两", "12"]
        {
            assert_eq!(parse_numeral(text), None, "{text}");
        }
        assert_eq!(parse_numeral(&"九".repeat(21)), None);
    }

    #[test]
    fn years() {
        assert_eq!(digits_to_numeral("2026年"), "二〇二六年");
    }

    proptest! {
        #[test]
        fn written_numbers_are_read_back(n in prop_oneof![0u64..200_000, 0u64..10_000_000_000, any::<u64>()]) {
            prop_assert_eq!(parse_numeral(&number_to_numeral(n)), Some(n));
            prop_assert_eq!(parse_numeral(&digits_to_numeral(&n.to_string())), Some(n));
        }

        #[test]
        fn never_panics(text in "[〇零一二两三九十百千万亿廿壹拾a]{0,30}") {
            let _ = parse_numeral(&text);
        }
    }
}
