//! Tables for a spreadsheet: UTF-8 with a mark, and nothing that a spreadsheet would take for a formula.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use kernel::{Refusal, Result};

/// A cell that a spreadsheet shows and does not run.
pub(crate) fn cell(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_string() }
}

/// A CSV file for download. `name` is ours: letters, digits, hyphens, dots.
///
/// # Errors
/// `export.csv` where it cannot be written.
pub(crate) fn csv_response(name: &str, head: &[&str], rows: &[Vec<String>]) -> Result<Response> {
    let fault = |e: String| Refusal::internal("export.csv", e);
    let mut w = csv::Writer::from_writer("\u{feff}".as_bytes().to_vec());
    w.write_record(head).map_err(|e| fault(e.to_string()))?;
    for r in rows {
        w.write_record(r.iter().map(|c| cell(c))).map_err(|e| fault(e.to_string()))?;
    }
    let bytes = w.into_inner().map_err(|e| fault(e.to_string()))?;
    Ok((
        [
            (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_string()),
            (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        ],
        bytes,
    )
        .into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_text() {
        for (given, shown) in [("=1+1", "'=1+1"), ("@a", "'@a"), ("-5", "'-5"), ("正文", "正文"), ("", "")] {
            assert_eq!(cell(given), shown);
        }
    }
}
