//! What can be wrong with the characters of a name.

use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::matching::is_invisible;

/// Whether spaces are several in a row, or other white space than a space.
pub(super) fn has_odd_space(name: &str) -> bool {
    let mut before = ' ';
    name.chars().any(|char| {
        let is_odd = char.is_whitespace() && (char != ' ' || before == ' ');
        before = char;
        is_odd
    })
}

/// The first character that is not seen.
pub(super) fn invisible(name: &str) -> Option<char> {
    name.chars().find(|&char| is_invisible(char))
}

/// Whether the name is in normal form C.
pub(super) fn is_composed(name: &str) -> bool {
    is_nfc(name)
}

/// The name in normal form C, with one space for white space, and without characters that nobody sees.
pub(super) fn cleaned(name: &str) -> String {
    let seen: String = name.chars().filter(|&char| !is_invisible(char)).nfc().collect();
    seen.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The characters of the Windows code page 1252 from 0x80 on, where they are not those of Latin-1.
const WINDOWS: [(char, u8); 27] = [
    ('€', 0x80),
    ('‚', 0x82),
    ('ƒ', 0x83),
    ('„', 0x84),
    ('…', 0x85),
    ('†', 0x86),
    ('‡', 0x87),
    ('ˆ', 0x88),
    ('‰', 0x89),
    ('Š', 0x8a),
    ('‹', 0x8b),
    ('Œ', 0x8c),
    ('Ž', 0x8e),
    ('\u{2018}', 0x91),
    ('\u{2019}', 0x92),
    ('\u{201c}', 0x93),
    ('\u{201d}', 0x94),
    ('•', 0x95),
    ('–', 0x96),
    ('—', 0x97),
    ('˜', 0x98),
    ('™', 0x99),
    ('š', 0x9a),
    ('›', 0x9b),
    ('œ', 0x9c),
    ('ž', 0x9e),
    ('Ÿ', 0x9f),
];

/// The name as it was before its UTF-8 was read as Latin-1 or Windows-1252: `Käfer` of `KÃ¤fer`. None where it is no such
/// text: other characters have no byte there, and those that do are hardly ever UTF-8 by chance.
pub(super) fn before_garbling(name: &str) -> Option<String> {
    if name.is_ascii() {
        return None;
    }
    let byte = |char: char| match u8::try_from(u32::from(char)) {
        Ok(byte) => Some(byte),
        Err(_) => WINDOWS.iter().find(|(other, _)| *other == char).map(|(_, byte)| *byte),
    };
    String::from_utf8(name.chars().map(byte).collect::<Option<Vec<u8>>>()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_was_decoded_wrongly_is_told_from_text_that_was_not() {
        // The UTF-8 of each of these, read as Windows-1252.
        assert_eq!(before_garbling("KÃ¤fer").as_deref(), Some("Käfer"));
        assert_eq!(before_garbling("Ã‰tat").as_deref(), Some("État"));
        assert_eq!(before_garbling("Brewerâ€™s").as_deref(), Some("Brewer\u{2019}s"));
        for name in ["Käfer", "État", "Brewer\u{2019}s", "plain", "ворона", "Ã", "naïve café"] {
            assert_eq!(before_garbling(name), None, "{name}");
        }
    }

    #[test]
    fn names_are_cleaned_of_what_is_not_seen() {
        assert_eq!(cleaned("a\u{a0} b\u{200b}\tc\u{65}\u{301}"), "a b c\u{e9}");
        assert_eq!(cleaned("\u{1f469}\u{200d}\u{1f33e}"), "\u{1f469}\u{200d}\u{1f33e}");
        assert!(has_odd_space("a  b") && has_odd_space("a\u{a0}b") && has_odd_space("a\nb") && !has_odd_space("a b c"));
        assert_eq!((invisible("a\u{feff}"), invisible("a b")), (Some('\u{feff}'), None));
        assert!(!is_composed("\u{65}\u{301}") && is_composed("\u{e9}"));
    }
}
