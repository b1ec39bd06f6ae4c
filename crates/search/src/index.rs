//! The index: opening, feeding, asking.

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use kernel::refusal::{Kind, Refusal, Result};
use tantivy::directory::error::{LockError, OpenReadError};
use tantivy::directory::{Directory, INDEX_WRITER_LOCK, MmapDirectory};
use tantivy::index::SegmentId;
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy, NoMergePolicy};
use tantivy::query::AllQuery;
use tantivy::schema::{
    Field, IndexRecordOption, NumericOptions, STRING, Schema, SchemaBuilder, TextFieldIndexing, TextOptions, Value,
};
use tantivy::tokenizer::TextAnalyzer;
use tantivy::{DocAddress, IndexReader, IndexWriter, ReloadPolicy, Searcher, TantivyDocument, TantivyError, Term};

use crate::gather::{Gather, Gathered, NAMED};
use crate::guard::Guarded;
use crate::snippet::Needles;
use crate::words::{Backlog, Characters, Words};
use crate::{Found, Hit, Item, MAX_DEPTH, MAX_PAGE_SIZE, Order, Query, ask, number};

/// Changed whenever what is written into the index changes its meaning; an index of another format is built again.
const FORMAT: &str = "gongkai_search_1";

/// Bytes of text that may wait for the indexing thread.
const MAX_BACKLOG: usize = 4 << 20;

/// Bytes of a key.
const MAX_KEY: usize = 200;

/// How an index is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// Memory of the one indexing thread, in bytes, before it writes a segment; at least 15 MB, by default 30 MB.
    pub memory: usize,
    /// Whether every byte of the index is checked at opening (by default yes: about as long as reading the files takes).
    /// Without it a flipped byte shows itself only when a search meets it.
    pub verify: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options { memory: 30_000_000, verify: true }
    }
}

/// An index that was opened.
#[derive(Debug)]
pub struct Opened {
    /// The index.
    pub index: Index,
    /// It is empty or was never fed to the end (its position is 0), so it must be built from the published documents.
    pub needs_rebuild: bool,
    /// What was wrong with the index that stood there and has been deleted; for the log.
    pub damage: Option<String>,
}

/// The fields of the index.
#[derive(Clone, Copy)]
pub(crate) struct Fields {
    key: Field,
    pub site: Field,
    organ: Field,
    theme: Field,
    kind: Field,
    year: Field,
    sort: Field,
    /// Normal forms of the document number and of the title.
    pub exact: Field,
    pub title_u: Field,
    pub title_j: Field,
    pub body_u: Field,
    pub body_j: Field,
    title: Field,
    number: Field,
    body: Field,
    url: Field,
    date: Field,
    column: Field,
    note: Field,
}

fn schema() -> (Schema, Fields) {
    let mut b: SchemaBuilder = Schema::builder();
    let stored = TextOptions::default().set_stored();
    let text = |tokenizer: &str, option| {
        let indexing = TextFieldIndexing::default().set_tokenizer(tokenizer).set_index_option(option);
        TextOptions::default().set_indexing_options(indexing)
    };
    let characters = text("characters", IndexRecordOption::WithFreqsAndPositions);
    let words = text("words", IndexRecordOption::WithFreqs);
    let named = || STRING.set_stored().set_fast("raw");
    let number = || NumericOptions::default().set_fast().set_stored();
    let [site, organ, theme, kind] = NAMED.map(|name| b.add_text_field(name, named()));
    let fields = Fields {
        key: b.add_text_field("key", STRING.set_stored()),
        site,
        organ,
        theme,
        kind,
        year: b.add_i64_field("year", number()),
        sort: b.add_i64_field("sort", number()),
        exact: b.add_text_field("exact", STRING),
        title_u: b.add_text_field("title_u", characters.clone()),
        title_j: b.add_text_field("title_j", words.clone()),
        body_u: b.add_text_field("body_u", characters),
        body_j: b.add_text_field("body_j", words),
        title: b.add_text_field("title", stored.clone()),
        number: b.add_text_field("number", stored.clone()),
        body: b.add_text_field("body", stored.clone()),
        url: b.add_text_field("url", stored.clone()),
        date: b.add_text_field("date", stored.clone()),
        column: b.add_text_field("column", stored.clone()),
        note: b.add_text_field("note", stored.clone()),
    };
    // Holds nothing: its name is the version of the format, which so becomes a part of the schema.
    b.add_text_field(FORMAT, stored);
    (b.build(), fields)
}

/// A full-text index. Any number of threads may search while one feeds it; what was fed is seen after
/// [`Index::commit`].
///
/// When feeding fails (a full disk), everything since the last commit is forgotten: feed again from
/// [`Index::position`].
pub struct Index {
    inner: tantivy::Index,
    fields: Fields,
    reader: IndexReader,
    writer: Mutex<Option<IndexWriter>>,
    position: AtomicI64,
    backlog: Backlog,
    options: Options,
    /// Where it lies; none in memory.
    dir: Option<PathBuf>,
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("dir", &self.dir).field("position", &self.position()).finish()
    }
}

/// Why an index could not be opened.
enum Bad {
    /// It can be deleted and built again.
    Damaged(String),
    /// It may be whole; something around it is wrong.
    Refused(Refusal),
}

impl From<TantivyError> for Bad {
    fn from(error: TantivyError) -> Bad {
        if is_damage(&error) { Bad::Damaged(error.to_string()) } else { Bad::Refused(around(&error)) }
    }
}

impl Index {
    /// Opens the index in a folder with the usual options, see [`Index::open_with`].
    ///
    /// # Errors
    /// See [`Index::open_with`].
    pub fn open(dir: &Path) -> Result<Opened> {
        Index::open_with(dir, Options::default())
    }

    /// Opens the index in a folder of its own, or makes an empty one. An index that is damaged or of another format is
    /// deleted and made anew: [`Opened::needs_rebuild`] tells. Only files that an index has are ever deleted.
    ///
    /// # Errors
    /// `search.locked` where another process has it open; `search.io` where the folder cannot be read or written.
    pub fn open_with(dir: &Path, options: Options) -> Result<Opened> {
        fs::create_dir_all(dir).map_err(|e| Refusal::internal("search.io", e))?;
        // Before anything is judged damaged: another process that is merging would look like it.
        let guard = mmap(dir)?.acquire_lock(&INDEX_WRITER_LOCK).map_err(|e| match e {
            LockError::LockBusy => locked(),
            LockError::IoError(e) => Refusal::internal("search.io", e),
        })?;
        let found = if dir.join("meta.json").exists() {
            catch_unwind(AssertUnwindSafe(|| Index::try_open(dir, &options)))
                .unwrap_or_else(|_| Err(Bad::Damaged("panic while opening".into())))
        } else {
            Err(Bad::Damaged(String::new()))
        };
        let (index, damage) = match found {
            Ok(index) => (index, None),
            Err(Bad::Refused(refusal)) => return Err(refusal),
            Err(Bad::Damaged(why)) => {
                wipe(dir).map_err(|e| Refusal::internal("search.io", e))?;
                let (schema, _) = schema();
                let inner = tantivy::Index::create(Guarded(mmap(dir)?), schema, tantivy::IndexSettings::default())
                    .map_err(|e| around(&e))?;
                let index = Index::on(inner, Some(dir), &options).map_err(|e| around(&e))?;
                (index, Some(why).filter(|w| !w.is_empty()))
            }
        };
        drop(guard);
        // Taken at once, so that no second process feeds the same folder.
        index.with_writer(|_| Ok(()))?;
        Ok(Opened { needs_rebuild: index.position() == 0, index, damage })
    }

    /// An index that lives in memory, for tests and tools.
    ///
    /// # Errors
    /// `search.io` where memory or threads cannot be had.
    pub fn in_memory() -> Result<Index> {
        Index::on(tantivy::Index::create_in_ram(schema().0), None, &Options::default()).map_err(|e| around(&e))
    }

    fn try_open(dir: &Path, options: &Options) -> std::result::Result<Index, Bad> {
        let inner = tantivy::Index::open(Guarded(mmap(dir).map_err(Bad::Refused)?))?;
        if inner.schema() != schema().0 {
            return Err(Bad::Damaged("another format".into()));
        }
        if options.verify {
            check(&inner, &inner.searchable_segment_ids()?)?;
        }
        let index = Index::on(inner, Some(dir), options)?;
        let metas = index.inner.load_metas()?;
        let position = metas.payload.as_deref().map(str::parse::<i64>);
        match position {
            Some(Ok(position)) => index.position.store(position, Ordering::Release),
            None if metas.segments.is_empty() => {}
            _ => return Err(Bad::Damaged("no position".into())),
        }
        Ok(index)
    }

    fn on(mut inner: tantivy::Index, dir: Option<&Path>, options: &Options) -> tantivy::Result<Index> {
        let backlog = Backlog::default();
        inner.tokenizers().register("characters", TextAnalyzer::from(Characters));
        inner.tokenizers().register("words", TextAnalyzer::from(Words(backlog.clone())));
        inner.settings_mut().docstore_compress_dedicated_thread = false;
        let reader =
            inner.reader_builder().reload_policy(ReloadPolicy::Manual).doc_store_cache_num_blocks(16).try_into()?;
        Ok(Index {
            inner,
            fields: schema().1,
            reader,
            writer: Mutex::new(None),
            position: AtomicI64::new(0),
            backlog,
            options: options.clone(),
            dir: dir.map(Path::to_path_buf),
        })
    }

    /// Runs something with the writer, which is made where there is none. After a failure the writer is given up: what
    /// was not committed is forgotten.
    fn with_writer(&self, run: impl FnOnce(&mut IndexWriter) -> tantivy::Result<()>) -> Result<()> {
        let mut slot = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let done = match slot.take() {
            Some(writer) => Ok(writer),
            None => self.new_writer(),
        }
        .and_then(|mut writer| {
            let done = run(&mut writer);
            if done.is_ok() {
                *slot = Some(writer);
            }
            done
        });
        done.map_err(|error| {
            self.backlog.reset();
            writing(&error)
        })
    }

    fn new_writer(&self) -> tantivy::Result<IndexWriter> {
        let options = IndexWriterOptions::builder()
            .num_worker_threads(1)
            .num_merge_threads(1)
            .memory_budget_per_thread(self.options.memory.max(15_000_000))
            .build();
        let writer = self.inner.writer_with_options(options)?;
        writer.set_merge_policy(merging());
        Ok(writer)
    }

    /// Adds documents, or replaces those with the same key. Waits while the indexing thread is behind, so that memory
    /// stays bounded. Seen after [`Index::commit`].
    ///
    /// # Errors
    /// `search.key` where a key is empty or too long, and nothing is added; `search.write` where the disk refuses.
    pub fn put(&self, items: &[Item]) -> Result<()> {
        if let Some(item) = items.iter().find(|i| i.key.is_empty() || i.key.len() > MAX_KEY) {
            return Err(Refusal::invalid("search.key", "检索条目的标识为空或者过长").at(clip(&item.key, 60)));
        }
        self.with_writer(|writer| {
            for item in items {
                writer.delete_term(Term::from_field_text(self.fields.key, &item.key));
                self.backlog.add(item.title.len() + item.body.len());
                writer.add_document(self.document(item))?;
                self.wait();
            }
            Ok(())
        })
    }

    /// Waits until little text is left to index; no longer than ten seconds without progress, since a thread that died
    /// makes the next call fail by itself.
    #[expect(
        clippy::disallowed_methods,
        reason = "feeding runs on a blocking thread; the tokenizer has no event to give"
    )]
    fn wait(&self) {
        let (mut idle, mut last) = (0, usize::MAX);
        while self.backlog.bytes() > MAX_BACKLOG && idle < 10_000 {
            thread::sleep(Duration::from_millis(1));
            let now = self.backlog.bytes();
            idle = if now == last { idle + 1 } else { 0 };
            last = now;
        }
    }

    fn document(&self, item: &Item) -> TantivyDocument {
        let f = &self.fields;
        let mut d = TantivyDocument::default();
        d.add_text(f.key, &item.key);
        for (field, value) in
            [(f.site, &item.site), (f.organ, &item.organ), (f.theme, &item.theme), (f.kind, &item.kind)]
        {
            if !value.is_empty() {
                d.add_text(field, clip(value, 300));
            }
        }
        d.add_i64(f.year, i64::from(item.year));
        d.add_i64(f.sort, item.sort);
        let mut exact = HashSet::new();
        let (printed, _) = number::parts(&item.number, ask::MAX_TOKENS);
        if !printed.is_empty() {
            exact.insert(number::squeezed("x:", &printed));
        }
        for number in number::recognise(&printed) {
            exact.insert(number.key());
            exact.extend(number.short_key());
        }
        let (title, more) = number::parts(&item.title, ask::MAX_TOKENS);
        if !title.is_empty() && !more {
            exact.insert(number::squeezed("t:", &title));
        }
        for form in &exact {
            d.add_text(f.exact, form);
        }
        for (field, value) in [
            (f.title_u, &item.title),
            (f.title_j, &item.title),
            (f.body_u, &item.body),
            (f.body_j, &item.body),
            (f.title, &item.title),
            (f.number, &item.number),
            (f.body, &item.body),
            (f.url, &item.url),
            (f.date, &item.date),
            (f.column, &item.column),
            (f.note, &item.note),
        ] {
            d.add_text(field, value);
        }
        d
    }

    /// Takes documents out. Not found any more after [`Index::commit`]; their text leaves the disk with
    /// [`Index::purge`].
    ///
    /// # Errors
    /// `search.write`.
    pub fn remove(&self, keys: &[String]) -> Result<()> {
        self.with_writer(|writer| {
            for key in keys {
                writer.delete_term(Term::from_field_text(self.fields.key, key));
            }
            Ok(())
        })
    }

    /// Takes every document of a site out. Seen after [`Index::commit`].
    ///
    /// # Errors
    /// `search.write`.
    pub fn remove_site(&self, site: &str) -> Result<()> {
        self.with_writer(|writer| {
            writer.delete_term(Term::from_field_text(self.fields.site, site));
            Ok(())
        })
    }

    /// Takes everything out. Like every change it is seen after [`Index::commit`], so an index can be cleared, filled and
    /// committed while searches still see the old one.
    ///
    /// # Errors
    /// `search.write`.
    pub fn clear(&self) -> Result<()> {
        self.with_writer(|writer| writer.delete_query(Box::new(AllQuery)).map(|_| ()))
    }

    /// Makes every change visible and durable, together with the number of the last outbox event that it holds. Commit
    /// with position 0 during a rebuild that is not finished: an index at 0 says at opening that it must be built.
    ///
    /// # Errors
    /// `search.write`: nothing since the last commit was kept.
    pub fn commit(&self, position: i64) -> Result<()> {
        self.with_writer(|writer| {
            let mut prepared = writer.prepare_commit()?;
            prepared.set_payload(&position.to_string());
            prepared.commit()?;
            self.position.store(position, Ordering::Release);
            self.backlog.reset();
            Ok(())
        })?;
        self.reader.reload().map_err(|e| asking(&e))
    }

    /// The outbox event up to which the index was committed; 0 before the first.
    pub fn position(&self) -> i64 {
        self.position.load(Ordering::Acquire)
    }

    /// How many documents can be found.
    pub fn count(&self) -> u64 {
        self.reader.searcher().num_docs()
    }

    /// Commits what is pending at the present position and writes the whole index anew without what was removed, so that
    /// deleted text leaves the files. Takes as long as copying the index; searches go on meanwhile.
    ///
    /// # Errors
    /// `search.write` where the disk refuses (it needs room for a second copy); `search.io` where an old file cannot be
    /// deleted.
    pub fn purge(&self) -> Result<()> {
        self.commit(self.position())?;
        let mut slot = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(writer) = slot.take() {
            // A merge in the background would hold some of the segments.
            writer.wait_merging_threads().map_err(|e| writing(&e))?;
        }
        let mut writer = self.new_writer().map_err(|e| writing(&e))?;
        writer.set_merge_policy(Box::new(NoMergePolicy));
        let mut merge = || -> tantivy::Result<()> {
            let metas = self.inner.searchable_segment_metas()?;
            if metas.len() > 1 || metas.iter().any(|m| m.has_deletes()) {
                let ids: Vec<_> = metas.iter().map(|m| m.id()).collect();
                drop(metas);
                writer.merge(&ids).wait()?;
            }
            self.reader.reload()?;
            writer.garbage_collect_files().wait()?;
            Ok(())
        };
        merge().map_err(|e| writing(&e))?;
        if let Some(dir) = &self.dir {
            // Searches that are still running keep old files in the list of living ones; so do crashes.
            let metas = self.inner.searchable_segment_metas().map_err(|e| writing(&e))?;
            let keep: HashSet<String> = metas.iter().map(|m| m.id().uuid_string()).collect();
            wipe_segments(dir, &keep).map_err(|e| Refusal::internal("search.io", e))?;
        }
        writer.set_merge_policy(merging());
        *slot = Some(writer);
        Ok(())
    }

    /// Waits for merging in the background and closes. Dropping an index leaves a merge to end by itself; so use this
    /// before the same process opens the folder again. What was not committed is forgotten.
    ///
    /// # Errors
    /// `search.write` where the merge failed; what was committed stands.
    pub fn close(self) -> Result<()> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        writer.map_or(Ok(()), |w| w.wait_merging_threads().map_err(|e| writing(&e)))
    }

    /// Checks every byte against its checksum, for a check by night.
    ///
    /// # Errors
    /// `search.damaged`: delete the folder's index by opening it again, and rebuild.
    pub fn verify(&self) -> Result<()> {
        // What a searcher holds is not deleted by a merge that ends meanwhile.
        let searcher = self.reader.searcher();
        let ids: Vec<SegmentId> = searcher.segment_readers().iter().map(|s| s.segment_id()).collect();
        let checked = check(&self.inner, &ids);
        drop(searcher);
        checked.map_err(|bad| match bad {
            Bad::Damaged(why) => damaged(why),
            Bad::Refused(refusal) => refusal,
        })
    }

    /// Searches. Any text is a query; see the limits in [`crate::MAX_TOKENS`].
    ///
    /// # Errors
    /// `search.damaged` where the index on the disk is broken: it must be opened again, which rebuilds it.
    pub fn search(&self, query: &Query) -> Result<Found> {
        // The library panics on some broken bytes; that must not take a request's thread with it.
        match catch_unwind(AssertUnwindSafe(|| self.find(query))) {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(error)) => Err(asking(&error)),
            Err(_) => Err(damaged("panic while searching")),
        }
    }

    fn find(&self, query: &Query) -> tantivy::Result<Found> {
        let asked = ask::read(&query.text);
        let searcher = self.reader.searcher();
        let scored = query.order == Order::Relevance && !asked.blank;
        let size = query.page_size.min(MAX_PAGE_SIZE);
        let skip = query.page.saturating_sub(1).saturating_mul(size);
        let limit = if skip >= MAX_DEPTH { 0 } else { (skip + size).min(MAX_DEPTH) };
        let gather = Gather::new(query, scored, limit);
        let run = |text| -> tantivy::Result<Gathered> {
            searcher.search(&*ask::within(&self.fields, query.site.as_deref(), text), &gather)
        };
        let mut gathered = run(asked.strict(&self.fields, query.title_only))?;
        let mut relaxed = false;
        let nothing = gathered.total == 0 && gathered.facets == crate::Facets::default();
        if nothing && let Some(loose) = asked.relaxed(&self.fields, query.title_only) {
            gathered = run(loose)?;
            relaxed = gathered.total > 0;
        }
        let needles = Needles::new(&asked);
        let hits = gathered.best.iter().skip(skip).map(|at| self.hit(&searcher, *at, &needles));
        let hits = hits.collect::<tantivy::Result<Vec<_>>>()?;
        Ok(Found { total: gathered.total, hits, facets: gathered.facets, relaxed, shortened: asked.shortened })
    }

    fn hit(&self, searcher: &Searcher, at: DocAddress, needles: &Needles) -> tantivy::Result<Hit> {
        let f = &self.fields;
        let d: TantivyDocument = searcher.doc(at)?;
        let text = |field| d.get_first(field).and_then(|v| v.as_str()).unwrap_or_default();
        let int = |field| d.get_first(field).and_then(|v| v.as_i64()).unwrap_or_default();
        let owned = |field| text(field).to_string();
        Ok(Hit {
            key: owned(f.key),
            site: owned(f.site),
            organ: owned(f.organ),
            theme: owned(f.theme),
            kind: owned(f.kind),
            year: i32::try_from(int(f.year)).unwrap_or_default(),
            title: owned(f.title),
            number: owned(f.number),
            url: owned(f.url),
            date: owned(f.date),
            sort: int(f.sort),
            column: owned(f.column),
            note: owned(f.note),
            title_marked: needles.mark(text(f.title)),
            snippet: needles.snippet(text(f.body)),
        })
    }
}

/// Segments of like size are merged; one of which three tenths are deleted is written anew.
fn merging() -> Box<LogMergePolicy> {
    let mut policy = LogMergePolicy::default();
    policy.set_del_docs_ratio_before_merge(0.3);
    Box::new(policy)
}

fn clip(text: &str, n_chars: usize) -> String {
    text.chars().take(n_chars).collect()
}

fn mmap(dir: &Path) -> Result<MmapDirectory> {
    MmapDirectory::open(dir).map_err(|e| Refusal::internal("search.io", e))
}

/// Reads every file of these segments and compares its checksum.
fn check(index: &tantivy::Index, segments: &[SegmentId]) -> std::result::Result<(), Bad> {
    let directory = index.directory();
    let ids: HashSet<String> = segments.iter().map(|id| id.uuid_string()).collect();
    for path in directory.list_managed_files() {
        if !path.to_str().and_then(|p| p.split_once('.')).is_some_and(|(id, _)| ids.contains(id)) {
            continue;
        }
        match directory.validate_checksum(&path) {
            Ok(true) => {}
            Ok(false) => return Err(Bad::Damaged(format!("checksum of {}", path.display()))),
            // The list keeps names of files that were given up. A file that is needed and missing shows itself when the
            // segment is opened.
            Err(OpenReadError::FileDoesNotExist(_)) => {}
            Err(error) => return Err(TantivyError::from(error).into()),
        }
    }
    Ok(())
}

/// The segment a file belongs to: its name is 32 hexadecimal digits and an ending.
fn segment_of(name: &str) -> Option<&str> {
    let (id, _) = name.split_once('.')?;
    (id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())).then_some(id)
}

/// Deletes the files of all segments but those to keep.
fn wipe_segments(dir: &Path, keep: &HashSet<String>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(id) = name.to_str().and_then(segment_of) else { continue };
        if entry.file_type()?.is_file() && !keep.contains(id) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Deletes an index and nothing else that may lie in the folder. The list of segments goes first: a power cut in between
/// leaves an index that is plainly none.
fn wipe(dir: &Path) -> io::Result<()> {
    for name in ["meta.json", ".managed.json"] {
        match fs::remove_file(dir.join(name)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    wipe_segments(dir, &HashSet::new())
}

fn is_damage(error: &TantivyError) -> bool {
    let by_kind = |e: &io::Error| {
        use io::ErrorKind::{InvalidData, InvalidInput, NotFound, Other, UnexpectedEof};
        matches!(e.kind(), InvalidData | InvalidInput | NotFound | Other | UnexpectedEof)
    };
    match error {
        TantivyError::IoError(e) => by_kind(e),
        TantivyError::OpenReadError(OpenReadError::IoError { io_error, .. }) => by_kind(io_error),
        TantivyError::LockFailure(..)
        | TantivyError::OpenDirectoryError(_)
        | TantivyError::OpenWriteError(_)
        | TantivyError::SystemError(_) => false,
        _ => true,
    }
}

fn damaged(cause: impl fmt::Display) -> Refusal {
    Refusal::internal("search.damaged", cause)
}

fn locked() -> Refusal {
    Refusal::new(Kind::Conflict, "search.locked", "检索索引正被另一个进程使用")
        .mend("请先停止那个进程，或者给这个进程另设数据目录")
}

/// What went wrong around an index that may be whole.
fn around(error: &TantivyError) -> Refusal {
    match error {
        TantivyError::LockFailure(LockError::LockBusy, _) => locked(),
        _ => Refusal::internal("search.io", error),
    }
}

fn writing(error: &TantivyError) -> Refusal {
    match error {
        TantivyError::LockFailure(LockError::LockBusy, _) => locked(),
        _ => Refusal::internal("search.write", error),
    }
}

fn asking(error: &TantivyError) -> Refusal {
    if is_damage(error) { damaged(error) } else { Refusal::internal("search.io", error) }
}
