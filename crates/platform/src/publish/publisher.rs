//! Follows the outbox, renders what it touches, swaps the route table.

use std::collections::{BTreeSet, VecDeque};
use std::io::Write;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use kernel::{Actor, Id, Refusal, Result, Timestamp};
use tokio::task::JoinHandle;

use super::routes::{self, Entry, RouteTable};
use super::serve::ReadSide;
use super::{Address, Output, Renderer, media};
use crate::blobs::{Blobs, Hash, Place};
use crate::folder::Folder;
use crate::originals::Originals;
use crate::tx::Read;
use crate::{Db, Env, ReadTx, Sql, WriteTx, args, outbox};

/// Name of the publisher among the followers of the outbox.
pub(crate) const FOLLOWER: &str = "publisher";
/// Events taken into one step. A step takes all that wait: what an event touches is told from the change in numbers that
/// the step brings, which half a queue does not know. Where more wait, everything is rendered again.
const EVENTS: usize = 2_000;
/// Addresses prepared at once.
const CHUNK: usize = 256;
/// Bytes after which a rebuild begins a new blob.
const BLOB_BYTES: usize = 4 << 20;
/// Rows of one `INSERT`: 14 values each, far below both engines' limits.
const ROWS: usize = 120;

/// What a publishing step came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Stats {
    /// Addresses looked at.
    pub rendered: u64,
    /// Addresses whose bytes changed, came or went.
    pub changed: u64,
}

/// How the publisher is, for the health page.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// Last event published.
    pub position: i64,
    /// What went wrong last, if the last try failed.
    pub last_error: Option<String>,
    /// Pages rendered again because their bytes on disk were wrong.
    pub healed: u64,
}

/// One rendered address on its way into the table.
struct Made {
    address: Address,
    status: u16,
    media: Arc<str>,
    target: Option<Arc<str>>,
    hash: Hash,
    bytes: Bytes,
}

/// Addresses with what is at them now, `None` for nothing.
type Rendered = Vec<(Address, Option<Made>)>;

/// See the module.
pub struct Publisher {
    pub(super) db: Db,
    pub(super) env: Env,
    renderer: Arc<dyn Renderer>,
    side: Arc<ReadSide>,
    /// One step at a time: event steps, rebuilds and repairs take turns.
    turn: tokio::sync::Mutex<()>,
    health: Mutex<Health>,
}

impl Publisher {
    /// Opens the publisher of a data folder and loads the route table.
    ///
    /// # Errors
    /// `db.fault`.
    pub async fn open(
        db: Db,
        env: Env,
        folder: &Folder,
        renderer: Arc<dyn Renderer>,
        cache_bytes: u64,
    ) -> Result<Arc<Publisher>> {
        let side = ReadSide::new(Blobs::new(folder.blobs()), Originals::new(folder.originals()), cache_bytes);
        let publisher = Publisher {
            db,
            env,
            renderer,
            side: Arc::new(side),
            turn: tokio::sync::Mutex::new(()),
            health: Mutex::new(Health::default()),
        };
        publisher.reload().await?;
        Ok(Arc::new(publisher))
    }

    /// The read side.
    pub fn side(&self) -> &Arc<ReadSide> {
        &self.side
    }

    /// How it is.
    pub fn health(&self) -> Health {
        self.health.lock().unwrap_or_else(|p| p.into_inner()).clone()
    }

    /// Reads routes and hosts anew, after another process changed them.
    ///
    /// # Errors
    /// `db.fault`.
    pub async fn reload(&self) -> Result<()> {
        let mut tx = self.db.read().await?;
        let table = routes::load(&mut tx).await?;
        let hosts = self.renderer.hosts(&mut tx).await?;
        let position = outbox::cursor(&mut tx, FOLLOWER).await?;
        self.side.routes.store(Arc::new(table));
        self.side.hosts.store(Arc::new(hosts));
        self.note(|h| h.position = position);
        Ok(())
    }

    /// Whether what is published was made by another program version or other templates.
    ///
    /// # Errors
    /// `db.fault`.
    pub async fn is_stale(&self) -> Result<bool> {
        let mut tx = self.db.read().await?;
        let made: String = tx.scalar("SELECT fingerprint AS n FROM publisher_state WHERE id=1", vec![]).await?;
        Ok(made != self.renderer.fingerprint())
    }

    /// Follows the outbox until told to stop. Wakes at once for commits of this process, and now and then for others'.
    pub async fn run(self: Arc<Self>, mut stop: tokio::sync::watch::Receiver<bool>) {
        let mut commits = self.db.commits();
        let mut pause = std::time::Duration::from_millis(400);
        loop {
            match self.catch_up().await {
                Ok(()) => pause = std::time::Duration::from_millis(400),
                Err(e) => {
                    tracing::error!(error = %e, "publishing failed and will be tried again");
                    self.note(|h| h.last_error = Some(e.to_string()));
                    pause = (pause * 2).min(std::time::Duration::from_secs(20));
                }
            }
            tokio::select! {
                _ = stop.changed() => return,
                changed = commits.changed() => if changed.is_err() { return },
                // Another process of the same city may have committed.
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Publishes everything that has happened so far.
    ///
    /// # Errors
    /// `db.fault`, `blob.write`, or what a page's rendering refused.
    pub async fn catch_up(&self) -> Result<()> {
        while self.step().await? {}
        Ok(())
    }

    /// One step: a batch of events. `false` where nothing was waiting.
    async fn step(&self) -> Result<bool> {
        let turn = self.turn.lock().await;
        let mut tx = self.db.read().await?;
        let from = outbox::cursor(&mut tx, FOLLOWER).await?;
        let events = outbox::after(&mut tx, from, EVENTS as i64 + 1).await?;
        if events.len() > EVENTS {
            drop(tx);
            drop(turn);
            self.reload().await?;
            self.rebuild(None, &|_, _| {}).await?;
            return Ok(true);
        }
        let Some(last) = events.last().map(|e| e.seq) else {
            self.note(|h| {
                h.position = from;
                h.last_error = None;
            });
            return Ok(false);
        };
        if events.iter().any(|e| e.kind == "publish.reload") {
            drop(tx);
            self.reload().await?;
            tx = self.db.read().await?;
        }
        let touched = self.renderer.touched(&mut tx, &events).await?;
        let mut addresses = touched.addresses;
        for site in &touched.sites {
            addresses.retain(|a| a.site != *site);
            addresses.extend(self.whole(&mut tx, Some(*site)).await?);
        }
        if touched.hosts {
            let hosts = self.renderer.hosts(&mut tx).await?;
            self.side.hosts.store(Arc::new(hosts));
        }
        let addresses: Vec<Address> = addresses.into_iter().collect();
        let made = self.render(&mut tx, &addresses, &|_, _| {}).await?;
        drop(tx);
        self.store(made, Some(last)).await?;
        self.note(|h| {
            h.position = last;
            h.last_error = None;
        });
        Ok(true)
    }

    /// Renders every address again; what is unchanged stays where it is.
    ///
    /// # Errors
    /// As [`Publisher::catch_up`].
    pub async fn rebuild(&self, site: Option<Id>, progress: &(dyn Fn(u64, u64) + Send + Sync)) -> Result<Stats> {
        let _turn = self.turn.lock().await;
        let mut tx = self.db.read().await?;
        let seq = outbox::head(&mut tx).await?;
        let hosts = self.renderer.hosts(&mut tx).await?;
        self.side.hosts.store(Arc::new(hosts));
        let addresses: Vec<Address> = self.whole(&mut tx, site).await?.into_iter().collect();
        let total = addresses.len() as u64;
        let mut stats = Stats::default();
        // Stored in portions, so that a large city does not wait in memory; the last portion moves the cursor.
        let mut portions = addresses.chunks(CHUNK * 16).peekable();
        if portions.peek().is_none() && site.is_none() {
            self.store(Vec::new(), Some(seq)).await?;
        }
        while let Some(portion) = portions.next() {
            let done = stats.rendered;
            let made = self.render(&mut tx, portion, &|n, _| progress(done + n, total)).await?;
            stats.rendered += portion.len() as u64;
            let last = portions.peek().is_none() && site.is_none();
            stats.changed += self.store(made, last.then_some(seq)).await?;
        }
        drop(tx);
        if site.is_none() {
            let ctx = self.env.ctx(Actor::system("发布器"));
            let mut tx = self.db.bookkeeping(&ctx).await?;
            tx.exec("UPDATE publisher_state SET fingerprint=$1 WHERE id=1", args![self.renderer.fingerprint()]).await?;
            tx.commit().await?;
        }
        self.note(|h| h.last_error = None);
        Ok(stats)
    }

    /// Every address of a site (or of all) that has something or had.
    async fn whole(&self, tx: &mut ReadTx, site: Option<Id>) -> Result<BTreeSet<Address>> {
        let mut all: BTreeSet<Address> = self.renderer.all(tx, site).await?.into_iter().collect();
        let table = self.side.table();
        for s in table.sites().filter(|s| site.is_none_or(|wanted| wanted == *s)) {
            all.extend(table.of_site(s).map(|(path, _)| Address::new(s, path)));
        }
        Ok(all)
    }

    /// Renders addresses: loads in this task, computes on other threads.
    async fn render(
        &self,
        tx: &mut ReadTx,
        addresses: &[Address],
        progress: &(dyn Fn(u64, u64) + Send + Sync),
    ) -> Result<Vec<(Address, Option<Made>)>> {
        let mut out = Vec::with_capacity(addresses.len());
        let mut under_way: VecDeque<JoinHandle<Result<Rendered>>> = VecDeque::new();
        for chunk in addresses.chunks(CHUNK) {
            let finish = self.renderer.prepare(tx, chunk).await?;
            let chunk = chunk.to_vec();
            under_way.push_back(tokio::task::spawn_blocking(move || {
                let outputs = finish()?;
                if outputs.len() != chunk.len() {
                    return Err(Refusal::internal("publish.render", "as many outputs as addresses are expected"));
                }
                chunk.into_iter().zip(outputs).map(|(a, o)| Ok((a.clone(), make(a, o)?))).collect()
            }));
            if under_way.len() >= 2
                && let Some(first) = under_way.pop_front()
            {
                out.extend(joined(first.await)?);
                progress(out.len() as u64, addresses.len() as u64);
            }
        }
        for rest in under_way {
            out.extend(joined(rest.await)?);
            progress(out.len() as u64, addresses.len() as u64);
        }
        Ok(out)
    }

    /// Stores what changed and swaps the table; returns how many addresses changed.
    async fn store(&self, made: Vec<(Address, Option<Made>)>, cursor: Option<i64>) -> Result<u64> {
        let before = self.side.table();
        let mut changed: Vec<(Address, Option<Made>)> = Vec::new();
        for (address, new) in made {
            let old = before.get(address.site, &address.path);
            let same = match (&new, old) {
                (None, None) => true,
                (Some(n), Some(o)) => {
                    n.status == o.status && n.hash == o.hash && n.media == o.media && n.target == o.target
                }
                _ => false,
            };
            if !same {
                changed.push((address, new));
            }
        }
        let count = changed.len() as u64;
        if changed.is_empty() && cursor.is_none() {
            return Ok(0);
        }
        let ctx = self.env.ctx(Actor::system("发布器"));
        let entries = self.write_blobs(changed, ctx.now)?;
        let mut tx = self.db.bookkeeping(&ctx).await?;
        let version: i64 = tx.scalar::<i64>("SELECT version AS n FROM publisher_state WHERE id=1", vec![]).await? + 1;
        tx.exec("UPDATE publisher_state SET version=$1 WHERE id=1", args![version]).await?;
        close_routes(&mut tx, &before, &entries, version, ctx.now).await?;
        open_routes(&mut tx, &entries, version, ctx.now).await?;
        if let Some(seq) = cursor {
            outbox::advance(&mut tx, FOLLOWER, seq).await?;
        }
        tx.commit().await?;
        let mut table = RouteTable::clone(&before);
        table.version = version;
        for (address, entry) in entries {
            table.set(address.site, &address.path, entry);
        }
        self.side.routes.store(Arc::new(table));
        Ok(count)
    }

    fn write_blobs(
        &self,
        changed: Vec<(Address, Option<Made>)>,
        now: Timestamp,
    ) -> Result<Vec<(Address, Option<Arc<Entry>>)>> {
        let mut entries: Vec<(Address, Option<Arc<Entry>>)> = Vec::with_capacity(changed.len());
        let mut buffer: Vec<u8> = Vec::new();
        let mut waiting: Vec<(Made, u32)> = Vec::new();
        // A page that the public is looking at stays in memory; a bulk of thousands would only push others out.
        let few = changed.len() <= 64;
        let flush = |buffer: &mut Vec<u8>, waiting: &mut Vec<(Made, u32)>, entries: &mut Vec<_>| -> Result<()> {
            let blob = if buffer.is_empty() { [0; 32] } else { self.side.blobs.write(buffer)? };
            for (m, offset) in waiting.drain(..) {
                let length = u32::try_from(m.bytes.len()).unwrap_or(u32::MAX);
                if few && length > 0 {
                    self.side.keep(m.hash, m.bytes.clone());
                }
                let entry = Entry {
                    status: m.status,
                    media: m.media,
                    target: m.target,
                    hash: m.hash,
                    place: Place { blob: if length == 0 { [0; 32] } else { blob }, offset, length },
                    since: now,
                };
                entries.push((m.address, Some(Arc::new(entry))));
            }
            buffer.clear();
            Ok(())
        };
        for (address, made) in changed {
            match made {
                None => entries.push((address, None)),
                Some(m) => {
                    let offset = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
                    buffer.extend_from_slice(&m.bytes);
                    waiting.push((m, offset));
                    if buffer.len() >= BLOB_BYTES {
                        flush(&mut buffer, &mut waiting, &mut entries)?;
                    }
                }
            }
        }
        flush(&mut buffer, &mut waiting, &mut entries)?;
        Ok(entries)
    }

    /// A page's bytes: from memory, from the disk if they are what was published, else rendered again from the truth.
    ///
    /// # Errors
    /// What rendering refuses; `blob.damaged` where the truth no longer has the page.
    pub async fn bytes(&self, address: &Address, entry: &Arc<Entry>) -> Result<Bytes> {
        if let Some(bytes) = self.side.cached(entry) {
            return Ok(bytes);
        }
        let (side, e) = (self.side.clone(), entry.clone());
        match tokio::task::spawn_blocking(move || side.read(&e)).await {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(damage)) => {
                tracing::error!(path = %address.path, error = %damage, "a published page was changed on disk; rendering it again");
                self.heal(address, damage).await
            }
            Err(e) => Err(Refusal::internal("publish.read", e)),
        }
    }

    /// Renders one address again and stores it anew.
    async fn heal(&self, address: &Address, damage: Refusal) -> Result<Bytes> {
        let _turn = self.turn.lock().await;
        // Somebody else may have healed it while this one waited.
        if let Some(entry) = self.side.table().get(address.site, &address.path)
            && let Ok(bytes) = self.side.read(entry)
        {
            return Ok(bytes);
        }
        let mut tx = self.db.read().await?;
        let made = self.render(&mut tx, std::slice::from_ref(address), &|_, _| {}).await?;
        drop(tx);
        let Some((address, Some(m))) = made.into_iter().next() else { return Err(damage) };
        let bytes = m.bytes.clone();
        self.replace(address, m).await?;
        self.note(|h| h.healed += 1);
        Ok(bytes)
    }

    /// Puts bytes for a live address into a new blob: the same bytes in the same version, other bytes as a new version.
    pub(super) async fn replace_with(&self, address: Address) -> Result<bool> {
        let mut tx = self.db.read().await?;
        let made = self.render(&mut tx, std::slice::from_ref(&address), &|_, _| {}).await?;
        drop(tx);
        match made.into_iter().next() {
            Some((address, Some(m))) => {
                self.replace(address, m).await?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn replace(&self, address: Address, m: Made) -> Result<()> {
        let old = self.side.table().get(address.site, &address.path).cloned();
        match old {
            Some(old) if old.hash == m.hash && !m.bytes.is_empty() => {
                let blob = self.side.blobs.write(&m.bytes)?;
                let place = Place { blob, offset: 0, length: old.place.length };
                let ctx = self.env.ctx(Actor::system("发布器"));
                let mut tx = self.db.bookkeeping(&ctx).await?;
                tx.exec(
                    "UPDATE route SET blob=$1, seg_start=0 WHERE site_id=$2 AND path=$3 AND hash=$4",
                    args![hex::encode(blob), address.site, &address.path, hex::encode(m.hash)],
                )
                .await?;
                tx.commit().await?;
                let mut table = RouteTable::clone(&self.side.table());
                table.set(address.site, &address.path, Some(Arc::new(Entry { place, ..Entry::clone(&old) })));
                self.side.routes.store(Arc::new(table));
                self.side.keep(m.hash, m.bytes);
            }
            _ => {
                self.store(vec![(address, Some(m))], None).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    fn note(&self, change: impl FnOnce(&mut Health)) {
        change(&mut self.health.lock().unwrap_or_else(|p| p.into_inner()));
    }
}

fn joined<T>(r: Result<Result<T>, tokio::task::JoinError>) -> Result<T> {
    r.map_err(|e| Refusal::internal("publish.render", e))?
}

/// Compresses and hashes an output.
fn make(address: Address, output: Output) -> Result<Option<Made>> {
    let redirect = |status: u16, to: String| Made {
        address: address.clone(),
        status,
        media: Arc::from(media::HTML),
        target: Some(Arc::from(to)),
        hash: [0; 32],
        bytes: Bytes::new(),
    };
    Ok(match output {
        Output::Absent => None,
        Output::Moved(to) => Some(redirect(301, to)),
        Output::Alias(to) => Some(redirect(302, to)),
        Output::File { original, media } => {
            Some(Made { status: 200, media: Arc::from(media), ..redirect(200, original) })
        }
        Output::Page { status, media, body } => {
            let bytes = gzip(&body)?;
            let hash = *blake3::hash(&bytes).as_bytes();
            Some(Made { address, status, media: Arc::from(media), target: None, hash, bytes: Bytes::from(bytes) })
        }
    })
}

/// Deterministic gzip: no name, no time. Level 4 is where a page's processor time and its size meet.
fn gzip(body: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::with_capacity(body.len() / 3), flate2::Compression::new(4));
    encoder.write_all(body).and_then(|()| encoder.finish()).map_err(|e| Refusal::internal("publish.gzip", e))
}

/// Closes the live versions of what changed.
async fn close_routes(
    tx: &mut WriteTx,
    before: &RouteTable,
    entries: &[(Address, Option<Arc<Entry>>)],
    version: i64,
    now: Timestamp,
) -> Result<()> {
    let closing: Vec<&Address> =
        entries.iter().map(|(a, _)| a).filter(|a| before.get(a.site, &a.path).is_some()).collect();
    for a in closing {
        tx.exec(
            "UPDATE route SET until_seq=$1, until_at=$2 WHERE site_id=$3 AND path=$4 AND until_seq IS NULL",
            args![version, now, a.site, &a.path],
        )
        .await?;
    }
    Ok(())
}

/// Opens the new versions.
async fn open_routes(
    tx: &mut WriteTx,
    entries: &[(Address, Option<Arc<Entry>>)],
    version: i64,
    now: Timestamp,
) -> Result<()> {
    let opening: Vec<(&Address, &Arc<Entry>)> =
        entries.iter().filter_map(|(a, e)| e.as_ref().map(|e| (a, e))).collect();
    for rows in opening.chunks(ROWS) {
        let mut sql = Sql::new(
            "INSERT INTO route (site_id, path, from_seq, from_at, status, media, target, hash, blob, seg_start, seg_len) VALUES ",
        );
        for (i, (a, e)) in rows.iter().enumerate() {
            sql.push(if i == 0 { "(" } else { ",(" });
            sql.bind(a.site).push(",").bind(&a.path).push(",").bind(version).push(",").bind(now).push(",");
            sql.bind(i64::from(e.status)).push(",").bind(&*e.media).push(",").bind(e.target.as_deref()).push(",");
            let (hash, blob) = if e.place.length == 0 {
                (String::new(), String::new())
            } else {
                (hex::encode(e.hash), hex::encode(e.place.blob))
            };
            sql.bind(hash).push(",").bind(blob).push(",");
            sql.bind(i64::from(e.place.offset)).push(",").bind(i64::from(e.place.length)).push(")");
        }
        tx.exec(sql, vec![]).await?;
    }
    Ok(())
}
