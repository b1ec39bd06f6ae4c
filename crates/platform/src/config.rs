//! What an operator may set, in TOML. `gongkai.example.toml` documents every key.

use std::path::{Path, PathBuf};

use kernel::{Refusal, Result};
use serde::Deserialize;

/// The configuration file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Folder for blobs, originals, index (and the database, where it is SQLite).
    pub data: PathBuf,
    /// The key file; by default under the user's configuration folder.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
    /// The truth.
    #[serde(default)]
    pub database: Database,
    /// Where to listen.
    #[serde(default)]
    pub listen: Listen,
}

/// The truth.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `postgres://…`; absent: SQLite in the data folder.
    #[serde(default)]
    pub url: Option<String>,
    /// A schema of that database; absent: the database's default.
    #[serde(default)]
    pub schema: Option<String>,
}

/// Where to listen.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// Address of the public side.
    pub public: String,
    /// Address of the staff side.
    pub staff: String,
    /// How links between sites are written: `local` (`http://SLUG.localhost:PORT/`) or `domains` (each site's main
    /// domain, https).
    pub addresses: Addresses,
}

/// How links between sites are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Addresses {
    /// `http://SLUG.localhost:PORT/`
    Local,
    /// `https://MAIN-DOMAIN/`
    Domains,
}

impl Default for Listen {
    fn default() -> Listen {
        Listen { public: "127.0.0.1:8080".into(), staff: "127.0.0.1:8081".into(), addresses: Addresses::Local }
    }
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// `config.file` with the line that is wrong.
    pub fn read(file: &Path) -> Result<Config> {
        let at = file.display().to_string();
        let text = std::fs::read_to_string(file).map_err(|e| {
            Refusal::invalid("config.file", format!("读不了配置文件（{e}）")).at(at.clone()).mend("请检查路径和权限")
        })?;
        toml::from_str(&text).map_err(|e| {
            Refusal::invalid("config.file", format!("配置文件有误：{e}"))
                .at(at)
                .mend("每一项的含义见 gongkai.example.toml")
        })
    }
}
