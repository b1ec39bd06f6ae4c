//! Uploaded files are judged before anything else sees them: size, name, content. They are stored, never executed, and
//! never opened in this process.

use kernel::refusal::Kind;
use kernel::{Refusal, Result};

/// Largest file that is taken.
pub const MAX_FILE: usize = 50 << 20;
/// Largest request with files.
pub const MAX_REQUEST: usize = 60 << 20;

/// A file that was judged.
#[derive(Clone, Debug)]
pub struct Upload {
    /// The name to show: no path, no control characters.
    pub name: String,
    /// Lower-case extension without dot.
    pub extension: &'static str,
    /// Content type, from the content.
    pub media: &'static str,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// What may be published: extension, content type, what the bytes must look like.
const ALLOWED: &[(&str, &str, Looks)] = &[
    ("pdf", "application/pdf", Looks::Starts(b"%PDF-")),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", Looks::Zip("word/")),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", Looks::Zip("xl/")),
    ("ofd", "application/ofd", Looks::Zip("OFD.xml")),
    ("png", "image/png", Looks::Starts(b"\x89PNG\r\n\x1a\n")),
    ("jpg", "image/jpeg", Looks::Starts(b"\xff\xd8\xff")),
    ("jpeg", "image/jpeg", Looks::Starts(b"\xff\xd8\xff")),
    ("csv", "text/csv; charset=utf-8", Looks::Text),
    ("txt", "text/plain; charset=utf-8", Looks::Text),
];

enum Looks {
    Starts(&'static [u8]),
    Zip(&'static str),
    Text,
}

/// The extensions, as an `accept` attribute wants them.
pub const ACCEPT: &str = ".pdf,.docx,.xlsx,.ofd,.jpg,.jpeg,.png,.csv,.txt";

fn wrong_type(name: &str) -> Refusal {
    Refusal::invalid("upload.type", format!("“{}”不是可以公开的文件类型", kernel::text::clip(name, 40)))
        .at("files")
        .mend("请换成 PDF、DOCX、XLSX、OFD、CSV、TXT 或 JPG、PNG 图片后重新选择")
}

/// The refusal of a file that is too large.
pub fn too_large(name: &str) -> Refusal {
    Refusal::new(Kind::TooLarge, "upload.size", format!("“{}”超过 {} MB", kernel::text::clip(name, 40), MAX_FILE >> 20))
        .at("files")
        .mend("请压缩、拆分后重新选择")
}

/// Judges a file.
///
/// # Errors
/// `upload.empty`, `upload.size`, `upload.name`, `upload.type`, `upload.bomb`.
pub fn judge(name: &str, bytes: Vec<u8>) -> Result<Upload> {
    let shown: String = name
        .rsplit(['/', '\\'])
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_control() && !matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*' | '\u{202a}'..='\u{202e}'))
        .collect();
    let shown = shown.trim().trim_start_matches('.').to_string();
    if shown.is_empty() || shown.chars().count() > 120 {
        return Err(Refusal::invalid("upload.name", "文件名为空或过长")
            .at("files")
            .mend("请改名后重新选择，文件名不超过 120 个字"));
    }
    if bytes.is_empty() {
        return Err(Refusal::invalid("upload.empty", format!("“{}”是空文件", kernel::text::clip(&shown, 40)))
            .at("files")
            .mend("请检查文件是否保存完整"));
    }
    if bytes.len() > MAX_FILE {
        return Err(too_large(&shown));
    }
    let extension = shown.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase()).unwrap_or_default();
    let (extension, media, looks) = ALLOWED
        .iter()
        .find(|(e, _, _)| *e == extension)
        .map(|(e, m, l)| (*e, *m, l))
        .ok_or_else(|| wrong_type(&shown))?;
    let fits = match looks {
        Looks::Starts(magic) => bytes.starts_with(magic),
        Looks::Zip(member) => zip_holds(&bytes, member, &shown)?,
        Looks::Text => std::str::from_utf8(&bytes).is_ok_and(|t| !t.contains('\0')),
    };
    if !fits {
        return Err(Refusal::invalid(
            "upload.type",
            format!("“{}”的内容与扩展名 .{extension} 不符", kernel::text::clip(&shown, 40)),
        )
        .at("files")
        .mend(if matches!(looks, Looks::Text) {
            "文本文件请另存为 UTF-8 编码后重新选择"
        } else {
            "请用原来的软件另存后重新选择，不要只改扩展名"
        }));
    }
    Ok(Upload { name: shown, extension, media, bytes })
}

/// Reads a zip's central directory only (nothing is unpacked) and refuses one that promises to swell.
fn zip_holds(bytes: &[u8], member: &str, name: &str) -> Result<bool> {
    if !bytes.starts_with(b"PK\x03\x04") {
        return Ok(false);
    }
    let u16_at = |at: usize| bytes.get(at..at + 2).and_then(|b| b.try_into().ok()).map(u16::from_le_bytes);
    let u32_at = |at: usize| bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
    let tail = bytes.len().saturating_sub(66_000);
    let Some(end) = bytes.get(tail..).and_then(|t| t.windows(4).rposition(|w| w == b"PK\x05\x06")).map(|i| i + tail)
    else {
        return Ok(false);
    };
    let (Some(count), Some(start)) = (u16_at(end + 10), u32_at(end + 16)) else { return Ok(false) };
    let mut at = start as usize;
    let mut swollen: u64 = 0;
    let mut holds = false;
    for _ in 0..count {
        if bytes.get(at..at + 4) != Some(b"PK\x01\x02") {
            return Ok(false);
        }
        let (Some(size), Some(n), Some(x), Some(c)) =
            (u32_at(at + 24), u16_at(at + 28), u16_at(at + 30), u16_at(at + 32))
        else {
            return Ok(false);
        };
        swollen += u64::from(size);
        let entry = bytes.get(at + 46..at + 46 + usize::from(n)).unwrap_or_default();
        let entry = String::from_utf8_lossy(entry);
        if entry.contains("..") || entry.starts_with('/') || entry.contains('\\') {
            return Err(Refusal::invalid("upload.bomb", format!("“{}”的内部路径异常", kernel::text::clip(name, 40)))
                .at("files")
                .mend("请用办公软件另存后重新选择"));
        }
        holds |= entry.starts_with(member);
        at += 46 + usize::from(n) + usize::from(x) + usize::from(c);
    }
    if swollen > 400 << 20 || swollen > (bytes.len() as u64).saturating_mul(200).max(10 << 20) {
        return Err(Refusal::invalid("upload.bomb", format!("“{}”解开后异常庞大", kernel::text::clip(name, 40)))
            .at("files")
            .mend("请检查文件来源，用办公软件另存后重新选择"));
    }
    Ok(holds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides() {
        assert_eq!(judge("a.pdf", b"%PDF-1.7 ...".to_vec()).expect("pdf").media, "application/pdf");
        assert_eq!(judge("a.pdf", b"MZ\x90".to_vec()).expect_err("exe").code(), "upload.type");
        assert_eq!(judge("a.exe", b"MZ".to_vec()).expect_err("exe").code(), "upload.type");
        assert_eq!(judge("a.html", b"<html>".to_vec()).expect_err("html").code(), "upload.type");
        assert_eq!(judge("a.svg", b"<svg/>".to_vec()).expect_err("svg").code(), "upload.type");
        assert_eq!(judge("a.txt", vec![0xd6, 0xd0]).expect_err("gbk").code(), "upload.type");
        assert_eq!(judge("a.txt", Vec::new()).expect_err("empty").code(), "upload.empty");
        assert_eq!(judge("a.docx", b"PK\x03\x04garbage".to_vec()).expect_err("zip").code(), "upload.type");
    }

    #[test]
    fn names_lose_their_paths() {
        let up = judge("..\\..\\etc/表 1\u{202e}.txt", "文".into()).expect("text");
        assert_eq!(up.name, "表 1.txt");
        for bad in ["", "/", "..", "\u{0}"] {
            assert!(judge(bad, b"x".to_vec()).is_err(), "{bad:?}");
        }
    }

    fn zip(entries: &[(&str, u32)]) -> Vec<u8> {
        let mut out = b"PK\x03\x04".to_vec();
        let start = out.len() as u32;
        for (name, size) in entries {
            out.extend_from_slice(b"PK\x01\x02");
            out.extend_from_slice(&[0; 20]);
            out.extend_from_slice(&size.to_le_bytes());
            out.extend_from_slice(&(name.len() as u16).to_le_bytes());
            out.extend_from_slice(&[0; 16]);
            out.extend_from_slice(name.as_bytes());
        }
        out.extend_from_slice(b"PK\x05\x06");
        out.extend_from_slice(&[0; 6]);
        out.extend_from_slice(&(entries.len() as u16).to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&start.to_le_bytes());
        out.extend_from_slice(&[0; 2]);
        out
    }

    #[test]
    fn archives_are_read_by_their_directory() {
        assert_eq!(judge("a.docx", zip(&[("word/document.xml", 900)])).expect("docx").extension, "docx");
        assert_eq!(judge("a.docx", zip(&[("xl/workbook.xml", 900)])).expect_err("xlsx").code(), "upload.type");
        assert_eq!(
            judge("a.docx", zip(&[("word/document.xml", 4_000_000_000)])).expect_err("bomb").code(),
            "upload.bomb"
        );
        assert_eq!(judge("a.docx", zip(&[("word/../../x", 9)])).expect_err("path").code(), "upload.bomb");
    }
}
