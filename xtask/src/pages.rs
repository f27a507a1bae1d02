//! The Rust examples of the repository's pages, as doctests: `cargo test -p xtask --doc`.
//!
//! A library of its own, because binaries have no doctests, and here, because no published crate holds these files.

/// The examples of `docs/tutorial.md`.
#[cfg(doctest)]
#[doc = include_str!("../../docs/tutorial.md")]
pub struct Tutorial;

/// The examples of `docs/decisions.md`.
#[cfg(doctest)]
#[doc = include_str!("../../docs/decisions.md")]
pub struct Decisions;

/// The examples of `docs/explain.md`.
#[cfg(doctest)]
#[doc = include_str!("../../docs/explain.md")]
pub struct Explain;

/// The examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
