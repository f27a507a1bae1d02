//! The JSON that Klados itself writes.

use super::Losses;
use crate::{Hierarchy, HierarchyError, HierarchyErrorKind as Kind};

pub(super) fn text(hierarchy: &Hierarchy, _lost: &mut Losses<'_>) -> Result<String, HierarchyError> {
    let json = serde_json::to_string(hierarchy);
    json.map(|json| json + "\n").map_err(|error| HierarchyError::new(Kind::Format, error.to_string()))
}
