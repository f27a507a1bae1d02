//! Label files: one label a line, as text.

use std::path::Path;

use anyhow::{Context, Result};

/// A label as it was written, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LabelRow {
    /// The line, counted from 1.
    pub(crate) line: u64,
    /// The text; empty means ignored.
    pub(crate) text: String,
}

/// Reads a text file with one label a line. A final newline does not add a label; an empty line is an ignored sample.
///
/// # Errors
///
/// When the file cannot be read or is not UTF-8 (the line is named).
pub(crate) fn read_lines(path: &Path) -> Result<Vec<LabelRow>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let mut rows = Vec::new();
    for (index, line) in body.split(|&byte| byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let number = index as u64 + 1;
        let text = std::str::from_utf8(line)
            .with_context(|| format!("{}:{number}: the line is not UTF-8 text", path.display()))?;
        rows.push(LabelRow { line: number, text: text.to_owned() });
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<String> {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("labels.txt");
        std::fs::write(&path, bytes).expect("written");
        read_lines(&path).expect("read").into_iter().map(|row| row.text).collect()
    }

    #[test]
    fn a_final_newline_adds_no_label_and_an_empty_line_is_one() {
        assert_eq!(read(b"crow\n\ndog\n"), ["crow", "", "dog"]);
        assert_eq!(read(b"\xef\xbb\xbfcrow\r\ndog"), ["crow", "dog"]);
        assert_eq!(read(b"\n"), [""]);
        assert!(read(b"").is_empty());
    }
}
