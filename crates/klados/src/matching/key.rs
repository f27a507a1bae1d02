//! What is left of a name when all that does not tell names apart is taken away.

use unicode_normalization::UnicodeNormalization;

/// A name in lower case and in Unicode's normal form KC, with one space for each run of spaces, `_` and dashes, and
/// without apostrophes and characters that nobody sees. Empty where nothing else is in the name.
pub(crate) fn key(name: &str) -> String {
    let mut key = String::with_capacity(name.len());
    let mut is_between = false;
    let seen = name.nfkc().filter(|&char| !is_invisible(char) && !is_apostrophe(char));
    for char in seen.flat_map(char::to_lowercase) {
        if is_separator(char) {
            is_between = true;
            continue;
        }
        if std::mem::take(&mut is_between) && !key.is_empty() {
            key.push(' ');
        }
        key.push(char);
    }
    key
}

/// A key without what stands in brackets at its end: `dog` of `dog (animal)`.
pub(crate) fn without_brackets(key: &str) -> Option<&str> {
    let (open, rest) = match key.strip_suffix(')') {
        Some(rest) => ('(', rest),
        None => ('[', key.strip_suffix(']')?),
    };
    let before = rest[..rest.rfind(open)?].trim_end();
    (!before.is_empty()).then_some(before)
}

/// The words of a key in alphabetical order: `warbler yellow` of `yellow warbler` and of `warbler, yellow`.
pub(super) fn sorted_words(key: &str) -> String {
    let mut words: Vec<&str> = key.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    words.sort_unstable();
    words.join(" ")
}

/// Whether a character is not seen and says nothing: controls, marks of direction, spaces of no width. The joiners U+200C
/// and U+200D are none of these: scripts and emoji need them.
pub(crate) fn is_invisible(char: char) -> bool {
    let is_formatting = matches!(
        char,
        '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
    );
    is_formatting || (char.is_control() && !char.is_whitespace())
}

fn is_separator(char: char) -> bool {
    char.is_whitespace() || matches!(char, '_' | '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

fn is_apostrophe(char: char) -> bool {
    matches!(char, '\'' | '\u{2018}' | '\u{2019}' | '\u{2bc}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_in_nothing_that_counts_have_one_key() {
        for name in ["Brewer's Black-bird", "brewers_black_bird", "  BREWER\u{2019}S\u{a0}black\u{2013}bird\u{200b} "] {
            assert_eq!(key(name), "brewers black bird", "{name:?}");
        }
        // The ligature and the wide letters are in UAX #15 as examples of compatibility; e and the accent compose.
        assert_eq!(key("\u{fb01}sh \u{ff21}"), "fish a");
        assert_eq!(key("Caf\u{65}\u{301}"), key("caf\u{e9}"));
        assert_ne!(key("caf\u{e9}"), key("cafe"));
        assert_eq!(key("-_ "), "");
        assert_eq!(key("\u{1f469}\u{200d}\u{1f33e}"), "\u{1f469}\u{200d}\u{1f33e}");
    }

    #[test]
    fn brackets_are_taken_from_the_end_alone() {
        assert_eq!(without_brackets("crane (bird)"), Some("crane"));
        assert_eq!(without_brackets("crane [1]"), Some("crane"));
        for key in ["crane", "(bird)", "(a) crane", "crane )", ")"] {
            assert_eq!(without_brackets(key), None, "{key}");
        }
    }

    #[test]
    fn words_are_sorted() {
        assert_eq!(sorted_words("warbler, yellow"), "warbler yellow");
    }
}
