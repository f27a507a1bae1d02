//! A rule that is typed: by its name, as JSON, or in a file.

use std::path::Path;

use anyhow::{Context, Result};
use klados::Decision;

/// Reads a rule: JSON from a file, where `text` ends in `.json`.
///
/// # Errors
///
/// A name or a parameter that is unknown, or a file that cannot be read; the message says where it was typed.
pub(crate) fn read(text: &str) -> Result<Decision> {
    let of_option = || format!("--decision {text}");
    let path = Path::new(text);
    if text.trim_start().starts_with('{') || path.extension().is_none_or(|extension| extension != "json") {
        return text.parse().with_context(of_option);
    }
    let content = std::fs::read_to_string(path).with_context(|| format!("cannot read {text}"))?;
    content.parse().with_context(|| text.to_owned())
}
