//! The `klados` binary, run as a user runs it.

mod hierarchy;
mod loss;
mod npy;
mod run;
