//! What a running city shares.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kernel::Id;
use platform::config::Addresses;
use platform::originals::Originals;
use platform::publish::Publisher;
use platform::{Db, Env};
use records::site::Site;

use crate::assets::Assets;
use crate::templates::Templates;

/// What a running city shares. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The truth.
    pub db: Db,
    /// Clock and chance.
    pub env: Env,
    /// Publisher and read side.
    pub publisher: Arc<Publisher>,
    /// Uploaded files.
    pub originals: Originals,
    /// Full-text index of published documents.
    pub index: Arc<search::Index>,
    /// Words.
    pub templates: Arc<Templates>,
    /// Looks.
    pub assets: Arc<Assets>,
    /// Where it listens and how links between sites are written.
    pub place: Arc<Place>,
    /// Whether it serves already.
    pub ready: Arc<AtomicBool>,
}

/// Where a city listens.
#[derive(Clone, Debug)]
pub struct Place {
    /// Port of the public side.
    pub public_port: u16,
    /// Port of the staff side.
    pub staff_port: u16,
    /// How links between sites are written.
    pub addresses: Addresses,
    /// Cookies only over TLS.
    pub secure: bool,
}

impl App {
    /// The address of a site as a person can open it now.
    pub fn site_url(&self, site: &Site) -> String {
        match self.place.addresses {
            Addresses::Local => format!("http://{}.localhost:{}", site.slug, self.place.public_port),
            Addresses::Domains => format!("https://{}", site.domain),
        }
    }

    /// Whether it serves already.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// Says that it serves.
    pub fn set_ready(&self) {
        self.ready.store(true, Ordering::Release);
    }

    /// What index entries of a document on a site are called.
    pub fn index_key(document: Id, site: Id) -> String {
        format!("{document}@{site}")
    }
}
