//! `--format`: for people or for programs.

use serde::{Serialize, Serializer};

/// How a result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

/// A number in JSON, which has no word for `NaN` and the infinities: they are the strings `"nan"`, `"inf"`, `"-inf"`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number<T>(pub(crate) T);

impl<T: Copy + Into<f64> + Serialize> Serialize for Number<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value: f64 = self.0.into();
        match value.is_finite() {
            // In its own precision: the shortest decimal that reads back as the same `f32` or `f64`.
            true => self.0.serialize(serializer),
            false => serializer.serialize_str(match value {
                f64::INFINITY => "inf",
                f64::NEG_INFINITY => "-inf",
                _ => "nan",
            }),
        }
    }
}

/// A number for people: four decimals, or an exponent where they would not show it.
pub(crate) fn rounded(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size.is_nan() => "nan".to_owned(),
        size if size.is_finite() && !(1e-3..1e6).contains(&size) => format!("{value:.3e}"),
        _ => format!("{value:.4}"),
    }
}
