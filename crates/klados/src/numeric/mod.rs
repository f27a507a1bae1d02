//! Exponentials and logarithms, the only place where they are taken.
//!
//! Rows are processed by the slice operations of [`Element`]; what is left of a row, a few numbers a level, is `f64` and
//! uses [`scalar`]. The row kernels know nothing below this trait: `simd` and its neighbours are behind it, and are the only files
//! that name the crate of vectors.

pub(crate) mod doubles;
mod element;
mod exact_sum;
mod largest;
mod level;
mod runs;
pub(crate) mod scalar;
mod simd;
mod spans;
mod sum;
mod weights;

pub use element::{Element, Float};
pub use exact_sum::ExactSum;
pub(crate) use largest::first_largest;
pub use level::on_each_instruction_set;
pub(crate) use runs::{Run, Span};
pub(crate) use sum::Sum;
