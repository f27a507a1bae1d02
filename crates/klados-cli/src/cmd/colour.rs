//! Colours, where people read.

use std::io::IsTerminal;

use clap::builder::styling::{AnsiColor, Style};

/// Whether what is printed has colours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Colours {
    are_on: bool,
}

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    /// What one looks for.
    Strong,
    /// What is above the numbers.
    Header,
    /// What is pushed up, or right.
    Up,
    /// What is pushed down, or wrong.
    Down,
}

impl Colours {
    /// On a terminal, unless `NO_COLOR` says otherwise (<https://no-color.org>) or the terminal has none.
    pub(crate) fn of_stdout() -> Self {
        let is = |name: &str, wanted: fn(&std::ffi::OsStr) -> bool| {
            std::env::var_os(name).is_some_and(|value| wanted(value.as_os_str()))
        };
        let is_refused = is("NO_COLOR", |value| !value.is_empty()) || is("TERM", |value| value == "dumb");
        Self { are_on: std::io::stdout().is_terminal() && !is_refused }
    }

    /// A text in its tone.
    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        let style = match tone {
            _ if !self.are_on => return text.to_owned(),
            Tone::Plain => return text.to_owned(),
            Tone::Strong => Style::new().bold(),
            Tone::Header => Style::new().dimmed(),
            Tone::Up => AnsiColor::Green.on_default(),
            Tone::Down => AnsiColor::Red.on_default(),
        };
        format!("{style}{text}{style:#}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_a_colour_where_there_are_colours() {
        let (on, off) = (Colours { are_on: true }, Colours { are_on: false });
        assert_eq!(on.paint(Tone::Up, "crow"), "\x1b[32mcrow\x1b[0m");
        assert_eq!(on.paint(Tone::Plain, "crow"), "crow");
        assert_eq!(off.paint(Tone::Up, "crow"), "crow");
    }
}
