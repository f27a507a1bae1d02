//! Cells in columns.

use std::io::Write;

use anyhow::Result;

use crate::cmd::colour::{Colours, Tone};

/// Lines of cells below a header.
pub(super) struct Table {
    sides: Vec<Side>,
    lines: Vec<(Tone, Vec<String>)>,
}

/// On which side of its column a cell stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

impl Table {
    pub(super) fn new(header: &[(&str, Side)]) -> Self {
        let names = header.iter().map(|(name, _)| (*name).to_owned()).collect();
        Self { sides: header.iter().map(|(_, side)| *side).collect(), lines: vec![(Tone::Header, names)] }
    }

    /// A line, whose first cell has the tone. One that has no other cell is as wide as it is.
    pub(super) fn push(&mut self, tone: Tone, cells: Vec<String>) {
        self.lines.push((tone, cells));
    }

    pub(super) fn write(&self, colours: Colours, out: &mut dyn Write) -> Result<()> {
        let width = |column: usize| {
            let lines = self.lines.iter().filter(|(_, cells)| cells.len() > 1);
            let cells = lines.filter_map(|(_, cells)| cells.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.sides.len()).map(width).collect();
        for (tone, cells) in &self.lines {
            let last = cells.iter().rposition(|cell| !cell.is_empty()).unwrap_or(0);
            for (column, cell) in cells.iter().enumerate().take(last + 1) {
                let pad = " ".repeat(widths[column].saturating_sub(cell.chars().count()));
                let toned = if column == 0 || *tone == Tone::Header { *tone } else { Tone::Plain };
                let cell = colours.paint(toned, cell);
                let gap = if column == 0 { "" } else { "  " };
                match self.sides[column] {
                    Side::Left if column == last => write!(out, "{gap}{cell}")?,
                    Side::Left => write!(out, "{gap}{cell}{pad}")?,
                    Side::Right => write!(out, "{gap}{pad}{cell}")?,
                }
            }
            writeln!(out)?;
        }
        Ok(())
    }
}
