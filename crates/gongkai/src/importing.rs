//! `gongkai import documents`: JSON Lines, gzip too. Good lines are kept, bad ones are told with line, place and mend;
//! a second import of the same file changes nothing.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use capabilities::content::commands::{Imported, import};
use capabilities::published::markdown;
use kernel::docnum::DocumentNumber;
use kernel::{Date, Refusal, Result, text};
use platform::audit::Entry;
use records::document::{Content, DocumentKind, Validity};
use records::site::{self, Column, NewColumn, Site};
use serde::{Deserialize, Serialize};

use crate::house::House;

/// Longest line that is read, in bytes; the rest of a longer one is skipped.
const MAX_LINE: usize = 16 << 20;
/// Documents of one transaction.
const BATCH: usize = 100;

/// A line of the file.
#[derive(Debug, Deserialize)]
struct Line {
    id: Option<String>,
    title: Option<String>,
    text: Option<String>,
    doc_number: Option<String>,
    issuer: Option<String>,
    level: Option<String>,
    category: Option<String>,
    region: Option<String>,
    publish_date: Option<String>,
    effective_date: Option<String>,
    expired: Option<bool>,
    #[serde(default)]
    history: Option<Vec<String>>,
    source: Option<String>,
}

/// A line that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BadLine {
    /// Its number, from 1.
    pub line: u64,
    /// Stable code.
    pub code: &'static str,
    /// What is wrong.
    pub what: String,
    /// Which field.
    pub place: Option<String>,
    /// How to mend it.
    pub mend: Option<String>,
}

/// What an import came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Lines read.
    pub read: u64,
    /// Documents taken over.
    pub imported: u64,
    /// Documents that had been taken over before.
    pub unchanged: u64,
    /// Lines refused.
    pub refused: Vec<BadLine>,
}

/// What to import where.
pub struct Order<'a> {
    /// The file.
    pub file: &'a Path,
    /// The site's address word.
    pub site: &'a str,
    /// The column's path.
    pub column: &'a str,
    /// At most so many lines.
    pub limit: Option<u64>,
    /// Make the column where it is missing.
    pub create: bool,
}

/// Imports a file and publishes what it brought.
///
/// # Errors
/// `import.file`, `site.unknown`, `column.unknown`; lines' own faults stand in the report.
pub async fn run(house: &House, order: &Order<'_>, progress: &(dyn Fn(u64, u64) + Send + Sync)) -> Result<Report> {
    let (site, column) = destination(house, order).await?;
    let raw = std::fs::File::open(order.file).map_err(|e| {
        Refusal::invalid("import.file", format!("打不开文件（{e}）"))
            .at(order.file.display().to_string())
            .mend("请检查路径和权限")
    })?;
    let size = raw.metadata().map(|m| m.len()).unwrap_or(0);
    let counted = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let mut reader = Lines::new(Counting { inner: raw, read: counted.clone() }).map_err(broken_file)?;
    let mut report = Report::default();
    let mut seen: HashMap<String, u64> = HashMap::new();
    let mut waiting: Vec<(u64, Imported)> = Vec::new();
    loop {
        if order.limit.is_some_and(|l| report.read >= l) {
            break;
        }
        match reader.next() {
            None => break,
            Some(Err(refusal)) => {
                // What follows a break in the file cannot be read; what came before it is kept.
                let fatal = refusal.code() == "import.broken";
                report.read += 1;
                report.refused.push(bad(report.read, &refusal));
                if fatal {
                    break;
                }
            }
            Some(Ok(line)) => {
                report.read += 1;
                if line.trim().is_empty() {
                    continue;
                }
                match parse(&line, &site, &column) {
                    Ok(i) => match seen.insert(i.key.clone(), report.read) {
                        Some(first) => report.refused.push(bad(
                            report.read,
                            &Refusal::conflict("import.duplicate", format!("与第 {first} 行的 id 相同"))
                                .at("id")
                                .mend("请删去其中一行，或者改正 id"),
                        )),
                        None => waiting.push((report.read, i)),
                    },
                    Err(e) => report.refused.push(bad(report.read, &e)),
                }
            }
        }
        if waiting.len() >= BATCH {
            store(house, &mut waiting, &mut report).await?;
            progress(counted.load(std::sync::atomic::Ordering::Relaxed), size);
        }
    }
    store(house, &mut waiting, &mut report).await?;
    house.settle(&|_, _| {}).await?;
    Ok(report)
}

async fn destination(house: &House, order: &Order<'_>) -> Result<(Site, Column)> {
    let mut tx = house.app.db.read().await?;
    let sites = site::list(&mut tx).await?;
    let Some(s) = sites.iter().find(|s| s.slug == order.site).cloned() else {
        return Err(Refusal::not_found("site.unknown", "没有这个站点").at(order.site.to_string()).mend(format!(
            "现有站点如：{}",
            sites.iter().take(8).map(|s| s.slug.as_str()).collect::<Vec<_>>().join("、")
        )));
    };
    let wanted = order.column.trim_matches('/');
    if let Some(c) = site::find_column(&mut tx, s.id, wanted).await? {
        return Ok((s, c));
    }
    let all = site::columns(&mut tx, s.id).await?;
    drop(tx);
    if !order.create {
        let near: Vec<&str> = all.iter().map(|c| c.path.as_str()).take(12).collect();
        return Err(Refusal::not_found("column.unknown", "没有这个栏目")
            .at(wanted.to_string())
            .mend(format!("请从现有栏目中选择（{}），或者加上 --create 新建", near.join("、"))));
    }
    let ctx = house.ctx("命令行");
    let mut tx = house.app.db.write(&ctx).await?;
    let mut parent: Option<Column> = None;
    for slug in wanted.split('/') {
        if !text::slug_ok(slug) {
            return Err(Refusal::invalid("column.slug", "栏目地址只能用小写字母、数字和连字符").at(slug.to_string()));
        }
        let path = parent.as_ref().map_or_else(|| slug.to_string(), |p| format!("{}/{slug}", p.path));
        parent = Some(match site::find_column(&mut tx, s.id, &path).await? {
            Some(c) => c,
            None => {
                let new = NewColumn {
                    slug: slug.into(),
                    name: slug.into(),
                    description: String::new(),
                    keywords: String::new(),
                    kind: "其他".into(),
                    role: String::new(),
                    sort: 900,
                };
                site::insert_column(&mut tx, s.id, parent.as_ref(), &new).await?
            }
        });
    }
    let column = parent.ok_or_else(site::unknown_column)?;
    tx.audit(Entry::done("column.create", "column", column.id).site(s.id));
    tx.event("site.changed", &serde_json::json!({ "site": s.id }))?;
    tx.commit().await?;
    Ok((s, column))
}

async fn store(house: &House, waiting: &mut Vec<(u64, Imported)>, report: &mut Report) -> Result<()> {
    if waiting.is_empty() {
        return Ok(());
    }
    let ctx = house.ctx("导入");
    let mut tx = house.app.db.write(&ctx).await?;
    let (mut imported, mut unchanged) = (0, 0);
    for (line, i) in waiting.drain(..) {
        match import(&mut tx, i).await {
            Ok((_, true)) => imported += 1,
            Ok((_, false)) => unchanged += 1,
            // The rules refuse before anything is written: the transaction goes on.
            Err(e) if e.kind() != kernel::refusal::Kind::Internal => report.refused.push(bad(line, &e)),
            Err(e) => return Err(e),
        }
    }
    if imported > 0 {
        tx.commit().await?;
    }
    report.imported += imported;
    report.unchanged += unchanged;
    Ok(())
}

fn bad(line: u64, r: &Refusal) -> BadLine {
    BadLine {
        line,
        code: r.code(),
        what: r.what().to_string(),
        place: r.place().map(str::to_string),
        mend: r.how().map(str::to_string),
    }
}

fn missing(field: &'static str) -> Refusal {
    Refusal::invalid("import.missing", format!("缺少 {field}")).at(field).mend("请补上这一项后重新导入")
}

fn parse(line: &str, s: &Site, column: &Column) -> Result<Imported> {
    let l: Line = serde_json::from_str(line).map_err(|e| {
        Refusal::invalid("import.json", format!("不是有效的 JSON（第 {} 个字节处）", e.column()))
            .mend("每行应当是一个完整的 JSON 对象；请检查引号、逗号和括号")
    })?;
    let id = l.id.filter(|v| !v.trim().is_empty()).ok_or_else(|| missing("id"))?;
    let title = l.title.filter(|v| !v.trim().is_empty()).ok_or_else(|| missing("title"))?;
    let body = l.text.filter(|v| !v.trim().is_empty()).ok_or_else(|| missing("text"))?;
    let date = |field: &'static str, v: Option<String>| -> Result<Option<Date>> {
        v.filter(|v| !v.trim().is_empty())
            // Sources mix full-width digits in.
            .map(|v| kernel::time::parse_date(&text::to_half_width(&v)).map_err(|e| e.at(field)))
            .transpose()
    };
    let published_on = date("publish_date", l.publish_date)?;
    let effective_on = date("effective_date", l.effective_date)?;
    let number = l.doc_number.unwrap_or_default();
    // Ways of typing a number are made one; what is no number of a known form stays as it was.
    let number = number.parse::<DocumentNumber>().map_or(number, |n| n.to_string());
    let keywords: Vec<String> =
        [l.level.clone(), l.category, l.region].into_iter().flatten().filter(|v| !v.is_empty()).collect();
    let mut keywords = keywords;
    keywords.dedup();
    let issuer = l.issuer.unwrap_or_default();
    Ok(Imported {
        key: format!("import:{id}"),
        organ: s.organ,
        site: s.id,
        columns: vec![column.id],
        kind: DocumentKind::Official,
        content: Content {
            title,
            summary: String::new(),
            body: markdown(&body),
            number,
            issuer: issuer.clone(),
            written_on: None,
            effective_on: effective_on.map(kernel::time::iso),
            expires_on: None,
            validity: match l.expired {
                Some(true) => Validity::Repealed,
                Some(false) => Validity::Valid,
                None => Validity::None,
            },
            validity_from_source: true,
            theme: String::new(),
            genre: l.level.unwrap_or_default(),
            source: l.source.filter(|v| !v.trim().is_empty()).unwrap_or(issuer),
            author: String::new(),
            keywords: keywords.join("，"),
            index_number: String::new(),
            history: l.history.unwrap_or_default(),
        },
        published_on,
        published_at: None,
        migrated: true,
        files: Vec::new(),
    })
}

fn broken_file(e: std::io::Error) -> Refusal {
    Refusal::invalid("import.broken", format!("文件读到这里中断（{e}）"))
        .mend("文件不完整或已损坏，请重新取得后再导入；前面的内容已经保留，重新导入不会重复")
}

struct Counting<R> {
    inner: R,
    read: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.read.fetch_add(n as u64, std::sync::atomic::Ordering::Relaxed);
        Ok(n)
    }
}

/// Lines of a file, plain or gzip, of bounded length, in UTF-8.
struct Lines {
    reader: Box<dyn BufRead + Send>,
    over: bool,
}

impl Lines {
    fn new(raw: impl Read + Send + 'static) -> std::io::Result<Lines> {
        let mut buffered = BufReader::with_capacity(1 << 16, raw);
        let gzip = buffered.fill_buf()?.starts_with(&[0x1f, 0x8b]);
        let reader: Box<dyn BufRead + Send> = if gzip {
            Box::new(BufReader::with_capacity(1 << 16, flate2::read::MultiGzDecoder::new(buffered)))
        } else {
            Box::new(buffered)
        };
        Ok(Lines { reader, over: false })
    }

    fn next(&mut self) -> Option<Result<String>> {
        if self.over {
            return None;
        }
        let mut line: Vec<u8> = Vec::new();
        let mut too_long = false;
        let mut any = false;
        loop {
            let chunk = match self.reader.fill_buf() {
                Ok(c) => c,
                Err(e) => {
                    self.over = true;
                    return Some(Err(broken_file(e)));
                }
            };
            if chunk.is_empty() {
                self.over = true;
                if !any {
                    return None;
                }
                break;
            }
            any = true;
            let end = chunk.iter().position(|b| *b == b'\n');
            let take = end.map_or(chunk.len(), |e| e + 1);
            if line.len() + take > MAX_LINE {
                too_long = true;
                line.clear();
            } else if !too_long {
                line.extend_from_slice(chunk.get(..take).unwrap_or_default());
            }
            self.reader.consume(take);
            if end.is_some() {
                break;
            }
        }
        if too_long {
            return Some(Err(Refusal::new(
                kernel::refusal::Kind::TooLarge,
                "import.line_long",
                format!("这一行超过 {} MB", MAX_LINE >> 20),
            )
            .mend("请检查是否缺少换行；确实很长的正文请拆成附件")));
        }
        let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&line).to_vec();
        Some(String::from_utf8(line).map_err(|_| {
            Refusal::invalid("import.encoding", "这一行不是 UTF-8 编码（可能是 GBK）")
                .mend("请把文件另存为 UTF-8 后重新导入，例如 iconv -f GB18030 -t UTF-8")
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn all(bytes: &[u8]) -> Vec<std::result::Result<String, &'static str>> {
        let mut lines = Lines::new(std::io::Cursor::new(bytes.to_vec())).expect("reader");
        let mut out = Vec::new();
        while let Some(l) = lines.next() {
            out.push(l.map(|l| l.trim().to_string()).map_err(|e| e.code()));
        }
        out
    }

    #[test]
    fn lines_of_any_kind() {
        assert_eq!(all("\u{feff}a\nb".as_bytes()), [Ok("a".into()), Ok("b".into())]);
        assert_eq!(all(b"\xd6\xd0\nb\n"), [Err("import.encoding"), Ok("b".into())]);
        let mut long = vec![b'x'; MAX_LINE + 1];
        long.extend_from_slice(b"\nb");
        assert_eq!(all(&long), [Err("import.line_long"), Ok("b".into())]);
    }

    #[test]
    fn a_broken_archive_keeps_what_came_before() {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        let mut text = String::from("first\n");
        for i in 0..20_000 {
            text.push_str(&format!("{}\n", i * 7919));
        }
        gz.write_all(text.as_bytes()).expect("write");
        let whole = gz.finish().expect("finish");
        let cut = whole.get(..whole.len() / 2).expect("half").to_vec();
        let lines = all(&cut);
        assert_eq!(lines.first(), Some(&Ok("first".into())));
        assert_eq!(lines.last(), Some(&Err("import.broken")));
    }
}
