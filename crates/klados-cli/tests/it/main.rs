//! The `klados` binary, run as a user runs it.

#[cfg(feature = "train")]
mod animals;
mod check;
#[cfg(feature = "train")]
mod compare;
mod decide;
mod evaluate;
mod explain;
mod explain_page;
mod hierarchy;
mod loss;
mod matching;
mod matrix;
#[cfg(feature = "train")]
mod metrics;
mod npy;
#[cfg(feature = "train")]
mod predict;
#[cfg(feature = "train")]
mod resume;
mod run;
#[cfg(feature = "train")]
mod story;
#[cfg(feature = "train")]
mod train;
