//! Fixtures of all formats, changed at random, are read or refused: what fuzzing does, in seconds and the same each time.
//!
//! `KLADOS_MUTATIONS` says how many, and `KLADOS_SEED` which; `cargo xtask nightly` takes new ones, and libFuzzer's.

use std::panic::catch_unwind;

use klados::format::Format;

#[allow(unreachable_pub, reason = "it is a library for libFuzzer")]
#[path = "../../../../fuzz/src/lib.rs"]
mod any_bytes;

/// How many inputs where nobody says.
const MUTATIONS: u64 = 1_000;

#[test]
fn fixtures_changed_at_random_are_read_or_refused() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seed = number("KLADOS_SEED").unwrap_or(1);
    let mutations = number("KLADOS_MUTATIONS").unwrap_or(MUTATIONS);
    #[allow(clippy::print_stderr, reason = "a failing test says how to see it again")]
    {
        eprintln!("KLADOS_SEED={seed} KLADOS_MUTATIONS={mutations}");
    }
    let fixtures = fixtures();
    let mut random = Random(seed ^ 0x9e37_79b9_7f4a_7c15);
    for round in 0..mutations {
        let (format, bytes) = &fixtures[random.below(fixtures.len())];
        let (format_of_other, other) = &fixtures[random.below(fixtures.len())];
        let bytes = changed(bytes, other, &mut random);
        // As what it was, as what the other was, and as what it seems to be.
        let format = [Some(*format), Some(*format_of_other), None][random.below(3)];
        if catch_unwind(|| any_bytes::read(&bytes, format)).is_err() {
            let path = std::env::temp_dir().join(format!("klados-mutation-{seed}-{round}"));
            std::fs::write(&path, &bytes).unwrap();
            panic!("round {round} of seed {seed}, read as {format:?}, is in {}", path.display());
        }
    }
}

/// The files of all formats, and of folders that are read.
fn fixtures() -> Vec<(Format, Vec<u8>)> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/hierarchies");
    let mut found = Vec::new();
    for &format in Format::ALL {
        let mut open = vec![root.join(format.name())];
        while let Some(path) = open.pop() {
            if path.is_dir() {
                open.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
                open.sort();
            } else {
                found.push((format, std::fs::read(path).unwrap()));
            }
        }
    }
    found
}

/// One to four changes, one after the other.
fn changed(bytes: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let end = at + random.below((bytes.len() - at).min(40) + 1);
        match random.below(9) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => bytes.splice(at..at, [b"\0\n\r\t\"#\xff;,:|/>-{}[]()='"[random.below(22)]]).for_each(drop),
            3 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << random.below(8)),
            // What is there, again, once or many times.
            4 => bytes.splice(at..at, bytes[at..end].to_vec()).for_each(drop),
            5 => bytes.splice(at..at, bytes[at..end].repeat(random.below(300))).for_each(drop),
            6 => {
                let piece = words(&bytes);
                let word = piece.get(random.below(piece.len().max(1))).map_or(Vec::new(), |word| word.to_vec());
                bytes.splice(at..end, word).for_each(drop);
            }
            7 => {
                let from = random.below(other.len() + 1);
                bytes.splice(at..end, other[from..].iter().copied()).for_each(drop);
            }
            _ => {
                let words = words(other);
                let word = words.get(random.below(words.len().max(1))).map_or(Vec::new(), |word| word.to_vec());
                bytes.splice(at..at, word).for_each(drop);
            }
        }
    }
    bytes
}

/// Runs of letters and digits, and what stands between them: the tokens of most formats.
fn words(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.chunk_by(|a, b| a.is_ascii_alphanumeric() == b.is_ascii_alphanumeric()).collect()
}

/// Xorshift: the same numbers from the same seed, everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }
}
