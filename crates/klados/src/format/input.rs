//! The bytes of an input, within the limits, and how text is taken from them.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::Limits;
use crate::{HierarchyError, HierarchyErrorKind as Kind};

/// A file that was read whole, or a folder, or text from elsewhere.
pub(crate) struct Input {
    path: Option<PathBuf>,
    is_folder: bool,
    bytes: Vec<u8>,
    limits: Limits,
}

impl Input {
    pub(super) fn open(path: &Path, limits: &Limits) -> Result<Self, HierarchyError> {
        let is_folder = path.is_dir();
        let bytes = if is_folder { Vec::new() } else { read_file(path, limits.bytes)? };
        Ok(Self { path: Some(path.to_owned()), is_folder, bytes, limits: limits.clone() })
    }

    pub(super) fn from_reader(reader: impl Read, limits: &Limits) -> Result<Self, HierarchyError> {
        let bytes = read_all(reader, limits.bytes)?;
        Ok(Self { path: None, is_folder: false, bytes, limits: limits.clone() })
    }

    /// What a file of this name would hold.
    pub(super) fn named(name: impl Into<PathBuf>, bytes: &[u8]) -> Self {
        Self { path: Some(name.into()), is_folder: false, bytes: bytes.to_vec(), limits: Limits::default() }
    }

    /// The file or folder, where the input came from one.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    pub(crate) fn is_folder(&self) -> bool {
        self.is_folder
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Another file, by its name: in the folder that is read, or beside the file. `None` where it is not there. Its errors
    /// are [said to be in it](HierarchyError::in_file) by the reader.
    pub(crate) fn beside(&self, name: &str) -> Result<Option<Self>, HierarchyError> {
        let Some(path) = &self.path else { return Ok(None) };
        let folder = if self.is_folder { Some(path.as_path()) } else { path.parent() };
        let Some(path) = folder.map(|folder| folder.join(name)).filter(|path| path.is_file()) else { return Ok(None) };
        let left = self.limits.bytes.saturating_sub(self.bytes.len() as u64);
        let bytes = read_file(&path, left).map_err(|error| error.in_file(&path))?;
        Ok(Some(Self { path: Some(path), is_folder: false, bytes, limits: self.limits.clone() }))
    }

    /// The bytes without a byte order mark.
    ///
    /// # Errors
    ///
    /// UTF-16, which has zeros where readers of bytes see names, and a folder.
    pub(crate) fn bytes(&self) -> Result<&[u8], HierarchyError> {
        if self.is_folder {
            return Err(HierarchyError::new(Kind::Format, "this is a folder; expected a file"));
        }
        if self.bytes.starts_with(&[0xff, 0xfe]) || self.bytes.starts_with(&[0xfe, 0xff]) {
            let message = "the text is UTF-16; expected UTF-8 (a spreadsheet exports it as \"CSV UTF-8\")";
            return Err(HierarchyError::new(Kind::Encoding, message).at_line(Some(1)));
        }
        Ok(self.bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&self.bytes))
    }

    /// The whole text, for formats that do not go by lines.
    ///
    /// # Errors
    ///
    /// With the line: text that is not UTF-8.
    pub(crate) fn text(&self) -> Result<&str, HierarchyError> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|error| not_utf8(&bytes[..error.valid_up_to()], bytes))
    }
}

/// What to do about text in another encoding.
pub(crate) const SAVE_AS_UTF8: &str = "the text is likely in Latin-1 or Windows-1252: save it as UTF-8, from a \
    spreadsheet as \"CSV UTF-8\", or with iconv -f WINDOWS-1252 -t UTF-8";

/// The error for text that is UTF-8 up to the end of `valid`.
fn not_utf8(valid: &[u8], bytes: &[u8]) -> HierarchyError {
    let line = 1 + valid.iter().filter(|&&byte| byte == b'\n').count() as u64;
    let message = match bytes.get(valid.len()) {
        Some(byte) => format!("byte 0x{byte:02x} is not valid UTF-8; {SAVE_AS_UTF8}"),
        None => "the text is not valid UTF-8".to_owned(),
    };
    HierarchyError::new(Kind::Encoding, message).at_line(Some(line))
}

pub(super) fn invalid_line(line: u64, bytes: &[u8]) -> HierarchyError {
    let valid = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
    let mut error = not_utf8(&[], &bytes[valid..]);
    error = HierarchyError::new(Kind::Encoding, error.message());
    error.at_line(Some(line))
}

/// An error of a JSON text, with its line and without serde's second mention of it.
pub(crate) fn json_error(error: &serde_json::Error) -> HierarchyError {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let message = text.strip_suffix(&place).unwrap_or(&text);
    let line = Some(error.line() as u64).filter(|&line| line > 0);
    HierarchyError::new(Kind::Format, message).at_line(line)
}

fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, HierarchyError> {
    let file = File::open(path).map_err(|error| HierarchyError::new(Kind::Io, error.to_string()))?;
    read_all(file, limit)
}

fn read_all(reader: impl Read, limit: u64) -> Result<Vec<u8>, HierarchyError> {
    let mut bytes = Vec::new();
    let read = reader.take(limit.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|error| HierarchyError::new(Kind::Io, error.to_string()))?;
    if bytes.len() as u64 > limit {
        return Err(Limits::exceeded(limit, "bytes"));
    }
    Ok(bytes)
}
