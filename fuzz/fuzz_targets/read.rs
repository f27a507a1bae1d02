//! Any bytes in the format that the variable KLADOS_FORMAT names; without it, in that which is guessed.
#![no_main]

use std::sync::LazyLock;

use klados::format::Format;

static FORMAT: LazyLock<Option<Format>> = LazyLock::new(|| {
    let name = std::env::var("KLADOS_FORMAT").ok()?;
    Some(name.parse().expect("KLADOS_FORMAT is the name of a format"))
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| klados_fuzz::read(bytes, *FORMAT));
