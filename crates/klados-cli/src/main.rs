//! The `klados` command.
fn main() {}
