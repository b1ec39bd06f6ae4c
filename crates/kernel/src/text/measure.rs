//! Counting and cutting by characters, never by bytes.

/// Number of characters.
pub fn count(text: &str) -> usize {
    text.chars().count()
}

/// At most `n_chars` characters; a longer text ends in `…`, which counts as one of them.
///
/// ```
/// assert_eq!(kernel::text::clip("关于加快推进政务服务", 5), "关于加快…");
/// assert_eq!(kernel::text::clip("通知", 5), "通知");
/// ```
pub fn clip(text: &str, n_chars: usize) -> String {
    if text.chars().nth(n_chars).is_none() {
        return text.to_string();
    }
    let mut out: String = text.chars().take(n_chars.saturating_sub(1)).collect();
    if n_chars > 0 {
        out.truncate(out.trim_end().len());
        out.push('…');
    }
    out
}
