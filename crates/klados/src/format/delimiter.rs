//! What stands between the fields of a table.

/// In the order in which they are taken where the lines do not tell: a tab is hardly ever part of a name, a comma often is.
const DELIMITERS: [u8; 4] = [b'\t', b';', b',', b'|'];

/// So many lines are looked at.
const LINES: usize = 20;

/// What the header has between its fields, so that the most of the first lines have as many fields as it; of several that
/// with which these are more. `lines` begin with the header.
pub(super) fn delimiter<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Option<u8> {
    let lines: Vec<&[u8]> = lines.take(LINES).collect();
    let header = *lines.first()?;
    let mut found: Option<(u8, (usize, usize))> = None;
    for delimiter in DELIMITERS {
        let fields = count(header, delimiter);
        let even = lines.iter().filter(|line| count(line, delimiter) == fields).count();
        // Names and paths hold one here and there.
        let is_sure = delimiter != b'|' || even == lines.len();
        if fields > 0 && is_sure && found.is_none_or(|(_, best)| (even, fields) > best) {
            found = Some((delimiter, (even, fields)));
        }
    }
    found.map(|(delimiter, _)| delimiter)
}

/// How often a byte stands in a line outside of quotes.
fn count(line: &[u8], delimiter: u8) -> usize {
    let mut is_quoted = false;
    let is_one = |byte: &&u8| {
        is_quoted ^= **byte == b'"';
        !is_quoted && **byte == delimiter
    };
    line.iter().filter(is_one).count()
}

/// The delimiter that a first line `sep=;` states, as Excel has it, and the lines after it.
pub(super) fn stated(text: &[u8]) -> Option<(u8, &[u8])> {
    let (word, rest) = text.split_at_checked(4)?;
    let (&delimiter, rest) = rest.split_first()?;
    let rest = [&b"\r\n"[..], b"\n", b"\r"].into_iter().find_map(|end| rest.strip_prefix(end))?;
    let is_one =
        delimiter.is_ascii() && !delimiter.is_ascii_alphanumeric() && !matches!(delimiter, b'"' | b'\r' | b'\n');
    (word.eq_ignore_ascii_case(b"sep=") && is_one).then_some((delimiter, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_what_makes_lines_even() {
        let of = |text: &'static str| delimiter(text.lines().map(str::as_bytes)).map(char::from);
        assert_eq!(of("child,parent\ncrow,bird"), Some(','));
        // Commas in the header and in some of the names.
        assert_eq!(of("name, common;parent\ncrow;bird\nrook, black;bird\nbat;mammal"), Some(';'));
        assert_eq!(of("name, common\tparent\ncrow, c.\tbird\nrook, r.\tbird"), Some('\t'));
        assert_eq!(of("id;name,en;parent\n1;crow,c;3"), Some(';'), "more fields");
        assert_eq!(of("child,parent;x\n\"a;b\",c;d\n\"e;f\",g"), Some(','), "not within quotes");
        assert_eq!(of("genus|family\nCorvus|Corvidae"), Some('|'));
        assert_eq!(of("a|b c\nd e"), None, "not in all lines");
        assert_eq!(of("one column\nof names"), None);
        assert_eq!(of(""), None);
    }

    #[test]
    fn a_first_line_may_state_it() {
        assert_eq!(stated(b"sep=;\r\na;b"), Some((b';', &b"a;b"[..])));
        assert_eq!(stated(b"SEP=\t\na"), Some((b'\t', &b"a"[..])));
        for text in ["sep=", "sep=;", "sep=;x\na", "sep=a\nb", "step=;\n", "sep=\u{e9}\n", ""] {
            assert_eq!(stated(text.as_bytes()), None, "{text:?}");
        }
    }
}
