//! Exponentials and logarithms, the only place where they are taken.
//!
//! Rows are processed by the slice operations of [`Element`]; what is left of a row, a few numbers a level, is `f64` and
//! uses [`scalar`]. The row kernels know nothing below this trait, so a SIMD layer replaces only its methods.

mod element;
mod exp;
pub(crate) mod scalar;
mod sum;

pub use element::{Element, Float};
pub(crate) use sum::Sum;
