//! Looks: style sheets and pictures, embedded, under names that hold their hash, so that they may be cached for ever.
//!
//! Modes (elder, contrast, grey) are style sheets of their own, written once; `/mode.css` answers with those that the
//! reader's cookie chooses, and a site in mourning has the grey one in its published pages' style sheet link.

use std::collections::HashMap;

use bytes::Bytes;

#[derive(rust_embed::RustEmbed)]
#[folder = "assets/"]
struct Files;

/// A file that is served.
#[derive(Clone, Debug)]
pub struct Asset {
    /// Content type.
    pub media: &'static str,
    /// Bytes.
    pub bytes: Bytes,
}

/// All style sheets and pictures.
pub struct Assets {
    by_path: HashMap<String, Asset>,
    /// Address of the public style sheet.
    pub css: String,
    /// Address of the staff side's addition.
    pub staff_css: String,
    /// Address of the grey style sheet.
    pub grey_css: String,
    images: HashMap<String, String>,
    elder: String,
    contrast: String,
    fingerprint: String,
}

fn file(name: &str) -> String {
    Files::get(name).and_then(|f| String::from_utf8(f.data.into_owned()).ok()).unwrap_or_default()
}

fn short_hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().chars().take(10).collect()
}

/// Takes comments and idle white space out of a style sheet.
fn compact(css: &str) -> String {
    let mut out = String::with_capacity(css.len());
    let mut rest = css;
    while let Some((before, after)) = rest.split_once("/*") {
        out.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, r)| r);
    }
    out.push_str(rest);
    out.lines().map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join("\n")
}

impl Default for Assets {
    fn default() -> Assets {
        Assets::new()
    }
}

impl Assets {
    /// Puts the style sheets together and names everything by its hash.
    pub fn new() -> Assets {
        let mut by_path = HashMap::new();
        let mut sheet = |name: &str, parts: &[&str]| {
            let css = compact(&parts.iter().map(|p| file(p)).collect::<Vec<_>>().join("\n"));
            let path = format!("/assets/{name}-{}.css", short_hash(css.as_bytes()));
            by_path.insert(path.clone(), Asset { media: "text/css; charset=utf-8", bytes: Bytes::from(css) });
            path
        };
        let css = sheet("gk", &["css/tokens.css", "css/base.css", "css/components.css", "css/print.css"]);
        let staff_css = sheet("staff", &["css/staff.css"]);
        let grey_css = sheet("grey", &["css/mode-grey.css"]);
        let mut images = HashMap::new();
        for name in Files::iter().filter(|n| n.starts_with("img/")) {
            let Some(f) = Files::get(&name) else { continue };
            let plain = name.trim_start_matches("img/");
            let Some((stem, extension)) = plain.rsplit_once('.') else { continue };
            let media = match extension {
                "svg" => "image/svg+xml",
                "png" => "image/png",
                "ico" => "image/x-icon",
                _ => continue,
            };
            let path = format!("/assets/{stem}-{}.{extension}", short_hash(&f.data));
            images.insert(plain.to_string(), path.clone());
            by_path.insert(path, Asset { media, bytes: Bytes::from(f.data.into_owned()) });
        }
        let mut names: Vec<&String> = by_path.keys().collect();
        names.sort();
        let fingerprint = short_hash(names.into_iter().cloned().collect::<Vec<_>>().join("\n").as_bytes());
        Assets {
            css,
            staff_css,
            grey_css,
            images,
            elder: compact(&file("css/mode-elder.css")),
            contrast: compact(&file("css/mode-contrast.css")),
            fingerprint,
            by_path,
        }
    }

    /// The file at an address.
    pub fn get(&self, path: &str) -> Option<&Asset> {
        self.by_path.get(path)
    }

    /// The address of a picture, by its plain name.
    pub fn image(&self, name: &str) -> &str {
        self.images.get(name).map_or("", String::as_str)
    }

    /// Every file, for exports.
    pub fn all(&self) -> impl Iterator<Item = (&String, &Asset)> {
        self.by_path.iter()
    }

    /// Changes when any file does.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// What `/mode.css` answers for a reader's choice.
    pub fn mode_css(&self, mode: Mode) -> String {
        let mut css = String::from("/* 显示方式 */\n");
        if mode.elder {
            css.push_str(&self.elder);
            css.push('\n');
        }
        if mode.contrast {
            css.push_str(&self.contrast);
            css.push('\n');
        }
        css
    }
}

/// How a reader wants pages shown; kept in a cookie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mode {
    /// 长辈版
    pub elder: bool,
    /// 高对比
    pub contrast: bool,
}

impl Mode {
    /// Reads the cookie's value: `elder`, `high`, `elder.high` or anything else.
    pub fn parse(value: &str) -> Mode {
        Mode { elder: value.split('.').any(|p| p == "elder"), contrast: value.split('.').any(|p| p == "high") }
    }

    /// The cookie's value.
    pub fn value(self) -> &'static str {
        match (self.elder, self.contrast) {
            (false, false) => "normal",
            (true, false) => "elder",
            (false, true) => "high",
            (true, true) => "elder.high",
        }
    }

    /// This mode after following a link such as `/mode?text=elder`.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Mode {
        match (key, value) {
            ("text", v) => self.elder = v == "elder",
            ("contrast", v) => self.contrast = v == "high",
            _ => {}
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_hashes_and_everything_is_there() {
        let assets = Assets::new();
        for path in [assets.css.as_str(), assets.staff_css.as_str(), assets.grey_css.as_str()] {
            assert!(assets.get(path).is_some_and(|a| a.bytes.len() > 20), "{path}");
        }
        assert!(!assets.image("mark.svg").is_empty());
        let elder = Mode::parse("elder");
        assert!(assets.mode_css(elder).len() > assets.mode_css(Mode::default()).len());
        assert_eq!(elder.with("contrast", "high").value(), "elder.high");
        assert_eq!(elder.with("text", "normal").value(), "normal");
    }

    #[test]
    fn no_sheet_fetches_anything() {
        for name in Files::iter().filter(|n| n.ends_with(".css")) {
            let css = file(&name);
            assert!(!css.contains("http:") && !css.contains("https:") && !css.contains("@import"), "{name}");
            assert!(!css.contains("@layer"), "{name}: old browsers drop everything inside a layer");
        }
    }
}
