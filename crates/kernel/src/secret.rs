//! Values that must not be printed.
//!
//! Neither type implements `Display`, and `Debug` shows a mark instead of the value, so that a log line, an error text
//! or a page cannot hold one by accident. Reading the value is a named act that a reviewer can search for.

use std::fmt;

/// A secret: password, key, token. Compare with [`Secret::matches`], which takes the same time whatever differs.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(value: impl Into<String>) -> Secret {
        Secret(value.into())
    }

    /// The value itself, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether both are equal, in time that depends on the length only.
    pub fn matches(&self, other: &Secret) -> bool {
        let (a, b) = (self.0.as_bytes(), other.0.as_bytes());
        if a.len() != b.len() {
            return false;
        }
        a.iter().zip(b).fold(0u8, |acc, (x, y)| acc | (x ^ y)) == 0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("〔秘密〕")
    }
}

/// Personal data: a name, a number, an address of a natural person outside their office.
#[derive(Clone, PartialEq, Eq)]
pub struct Personal<T>(T);

impl<T> Personal<T> {
    /// Wraps personal data.
    pub fn new(value: T) -> Personal<T> {
        Personal(value)
    }

    /// The value itself. Whoever calls this must write the audit entry that says so.
    pub fn disclose(&self) -> &T {
        &self.0
    }
}

impl Personal<String> {
    /// The first and, in longer values, the last character, the rest masked: `张*`, `1****5`.
    pub fn masked(&self) -> String {
        let chars: Vec<char> = self.0.chars().collect();
        match chars.as_slice() {
            [] => String::new(),
            [_] => "*".into(),
            [first, _] => format!("{first}*"),
            [first, middle @ .., last] => format!("{first}{}{last}", "*".repeat(middle.len())),
        }
    }
}

impl<T> fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("〔个人信息〕")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_can_be_printed() {
        let secret = Secret::new("hunter2");
        let name = Personal::new("欧阳小明".to_string());
        let printed = format!("{secret:?} {name:?} {:?}", Some(&name));
        assert!(!printed.contains("hunter2") && !printed.contains("欧阳"), "{printed}");
        assert_eq!(name.masked(), "欧**明");
        assert_eq!(Personal::new("李四".to_string()).masked(), "李*");
    }

    #[test]
    fn matching() {
        assert!(Secret::new("a").matches(&Secret::new("a")));
        assert!(!Secret::new("a").matches(&Secret::new("b")));
        assert!(!Secret::new("a").matches(&Secret::new("ab")));
    }
}
