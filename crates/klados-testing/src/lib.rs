//! Test support for Klados.
