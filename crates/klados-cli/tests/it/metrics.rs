//! `metrics.json`.

use serde_json::Value;

use crate::run::Folder;

/// The `metrics.json` of the output folder `out`.
pub(crate) fn read(folder: &Folder, out: &str) -> Value {
    let text = std::fs::read(folder.path(out).join("metrics.json")).expect("metrics.json");
    serde_json::from_slice(&text).expect("JSON")
}

/// The same without what differs from run to run.
pub(crate) fn without_times(mut value: Value) -> Value {
    match &mut value {
        Value::Object(map) => {
            map.remove("seconds");
            map.values_mut().for_each(|value| *value = without_times(value.take()));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| *value = without_times(value.take())),
        _ => {}
    }
    value
}
