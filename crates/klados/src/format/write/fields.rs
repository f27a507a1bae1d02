//! A line of CSV.

/// Adds a line of these fields, with quotes where a field needs them.
pub(super) fn push_line<'a>(text: &mut String, fields: impl IntoIterator<Item = &'a str>) {
    for (place, field) in fields.into_iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        if field.contains(['"', ',', '\n', '\r']) {
            text.push('"');
            text.push_str(&field.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(field);
        }
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    #[test]
    fn fields_with_separators_are_quoted() {
        let mut text = String::new();
        super::push_line(&mut text, ["a b", "", "c,d", "the \"e\"", "f\ng"]);
        assert_eq!(text, "a b,,\"c,d\",\"the \"\"e\"\"\",\"f\ng\"\n");
    }
}
