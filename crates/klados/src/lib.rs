//! The losses, see below.
