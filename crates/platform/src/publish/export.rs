//! A site as plain files that any web server can serve.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

use kernel::{Id, Refusal, Result};
use serde::Serialize;

use super::publisher::Publisher;
use super::{Address, media};
use crate::originals::write_whole;

/// What an export wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ExportStats {
    /// Pages.
    pub pages: u64,
    /// Uploaded files.
    pub files: u64,
    /// Addresses that lead elsewhere.
    pub redirects: u64,
}

/// Writes a site's live pages into a folder.
pub struct Exporter<'a> {
    /// Where from.
    pub publisher: &'a Publisher,
    /// Where to.
    pub out: &'a Path,
    /// Changes a page's text on the way, such as links between sites.
    pub rewrite: &'a (dyn Fn(String) -> String + Send + Sync),
}

impl Exporter<'_> {
    /// Writes the site. Pages that are gone (410) are not written.
    ///
    /// # Errors
    /// `export.write`, or what reading a page refuses.
    pub async fn site(&self, site: Id, progress: &(dyn Fn(u64, u64) + Send + Sync)) -> Result<ExportStats> {
        let table = self.publisher.side().table();
        let mut routes: Vec<_> = table.of_site(site).map(|(p, e)| (p.to_string(), e.clone())).collect();
        routes.sort_by(|a, b| a.0.cmp(&b.0));
        let folders: HashSet<&str> = routes
            .iter()
            .flat_map(|(p, _)| p.char_indices().filter(|(_, c)| *c == '/').filter_map(|(i, _)| p.get(..i)))
            .collect();
        let mut stats = ExportStats::default();
        for (i, (path, entry)) in routes.iter().enumerate() {
            progress(i as u64 + 1, routes.len() as u64);
            let address = Address::new(site, path.clone());
            match (entry.status, &entry.target) {
                // A name cannot be a file and a folder; web servers lead from a folder's bare name into it themselves.
                (301 | 302, Some(_)) if folders.contains(path.as_str()) => {}
                (301 | 302, Some(to)) => {
                    self.write(path, redirect_page(to).as_bytes())?;
                    stats.redirects += 1;
                }
                (200, Some(_)) => {
                    self.write(path, &self.publisher.side().original(entry)?)?;
                    stats.files += 1;
                }
                (200, None) => {
                    let Some(bytes) = self.publisher.page(&address).await? else { continue };
                    let is_text = entry.media.as_ref() == media::HTML;
                    let bytes = match String::from_utf8(bytes) {
                        Ok(text) if is_text => (self.rewrite)(text).into_bytes(),
                        Ok(text) => text.into_bytes(),
                        Err(e) => e.into_bytes(),
                    };
                    self.write(path, &bytes)?;
                    stats.pages += 1;
                }
                _ => {}
            }
        }
        Ok(stats)
    }

    /// Writes one file below the folder.
    ///
    /// # Errors
    /// `export.write`.
    pub fn write(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let file = self.out.join(file_of(path)?);
        let fault = |e: std::io::Error| {
            Refusal::internal("export.write", e).at(file.display().to_string()).mend("请检查导出目录的磁盘空间和权限")
        };
        if let Some(dir) = file.parent() {
            std::fs::create_dir_all(dir).map_err(fault)?;
        }
        write_whole(&file, bytes).map_err(fault)
    }
}

/// The file of a path; never outside the folder.
fn file_of(path: &str) -> Result<PathBuf> {
    let relative = path.trim_start_matches('/');
    let relative =
        if relative.is_empty() || relative.ends_with('/') { format!("{relative}index.html") } else { relative.into() };
    let relative = PathBuf::from(relative);
    if relative.components().all(|c| matches!(c, Component::Normal(_))) {
        Ok(relative)
    } else {
        Err(Refusal::internal("export.path", format_args!("not a path below the folder: {path}")))
    }
}

fn redirect_page(to: &str) -> String {
    let to = to.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
    format!(
        "<!doctype html><html lang=\"zh-CN\"><head><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"0; url={to}\"><title>页面已移动</title><link rel=\"canonical\" href=\"{to}\"></head><body><p>页面已移动到<a href=\"{to}\">{to}</a>。</p></body></html>\n"
    )
}
