//! Klados for Burn.
