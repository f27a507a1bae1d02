//! Losses and decisions as text: a name, or a name with parameters.

use serde_json::{Map, Value};

use super::{CriterionError, CriterionErrorKind};

pub(crate) fn syntax(message: impl Into<String>) -> CriterionError {
    CriterionError::new(CriterionErrorKind::Syntax, message)
}

/// The name and the parameters of a `what`, "loss" say, in the forms `"name"`, `{"name": {parameters}}` and
/// `{"name": "name", parameters}`.
pub(crate) fn name_and_parameters(what: &str, value: Value) -> Result<(String, Value), CriterionError> {
    let expected = format!("expected a name, or {{\"name of the {what}\": {{parameters}}}}");
    match value {
        Value::String(name) => Ok((name, Value::Object(Map::new()))),
        Value::Object(mut map) => match map.remove("name") {
            Some(Value::String(name)) => Ok((name, Value::Object(map))),
            Some(other) => Err(syntax(format!("the name of a {what} is a string, got {other}"))),
            None if map.len() == 1 => map.into_iter().next().ok_or_else(|| syntax(expected)),
            None => Err(syntax(format!("{expected}, got {} keys", map.len()))),
        },
        other => Err(syntax(format!("{expected}, got {other}"))),
    }
}

/// The same of text: a bare name, also in quotes, or JSON.
pub(crate) fn parse_named(what: &str, text: &str) -> Result<(String, Value), CriterionError> {
    let text = text.trim();
    if !text.starts_with('{') {
        return Ok((text.trim_matches('"').to_owned(), Value::Object(Map::new())));
    }
    let value = serde_json::from_str(text).map_err(|error| syntax(format!("the {what} is not JSON: {error}")))?;
    name_and_parameters(what, value)
}
