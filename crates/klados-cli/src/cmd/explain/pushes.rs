//! Which logits a step of training pushes up and down, and whose shares that is.

use std::io::Write;

use anyhow::Result;

use super::table::{Side, Table};
use crate::cmd::colour::{Colours, Tone};
use crate::cmd::format::rounded;

/// So many columns are shown each way; programs get all.
const SHOWN: usize = 10;

/// So many shares of a column are shown for and against.
const SHARES: usize = 3;

/// So wide are the shares of a column where name and gradient beside them are to fit into a narrow terminal.
const LINE: usize = 56;

/// What " and 123 more" takes of it.
const MORE: usize = 13;

/// A column, and what terms add to its gradient, by what they are called.
pub(super) struct Push {
    pub(super) name: String,
    pub(super) gradient: f64,
    pub(super) shares: Vec<(String, f64)>,
}

/// Writes the columns with the largest gradients either way. `gradients` is by column, and `push` describes one.
pub(super) fn write(
    gradients: &[f64],
    push: impl Fn(usize) -> Push,
    colours: Colours,
    out: &mut dyn Write,
) -> Result<()> {
    let up = sorted(gradients, |gradient| gradient < 0.0);
    let down = sorted(gradients, |gradient| gradient > 0.0);
    if up.is_empty() && down.is_empty() {
        return Ok(writeln!(out, "\nno logit is pushed up or down: the gradient is 0")?);
    }
    for (title, tone, columns) in [("pushed up", Tone::Up, up), ("pushed down", Tone::Down, down)] {
        if columns.is_empty() {
            continue;
        }
        let mut table = Table::new(&[(title, Side::Left), ("gradient", Side::Right), ("by", Side::Left)]);
        for push in columns.iter().take(SHOWN).map(|&column| push(column)) {
            let [shares, against] = described(&push);
            table.push(tone, vec![push.name, signed(push.gradient), shares]);
            if !against.is_empty() {
                table.push(Tone::Plain, vec![String::new(), String::new(), against]);
            }
        }
        if columns.len() > SHOWN {
            table.push(Tone::Plain, vec![format!("... and {} more", columns.len() - SHOWN)]);
        }
        writeln!(out)?;
        table.write(colours, out)?;
    }
    Ok(())
}

/// The columns whose gradient goes a way, the largest first.
fn sorted(gradients: &[f64], goes: impl Fn(f64) -> bool) -> Vec<usize> {
    let mut columns: Vec<usize> = (0..gradients.len()).filter(|&column| goes(gradients[column])).collect();
    columns.sort_by(|&a, &b| gradients[b].abs().total_cmp(&gradients[a].abs()));
    columns
}

/// The shares that go the column's way with those against it; apart where both are too long for a line.
fn described(push: &Push) -> [String; 2] {
    let goes_up = push.gradient < 0.0;
    let (shares, against) = (listed("", &push.shares, goes_up), listed("against it ", &push.shares, !goes_up));
    match (shares, against) {
        (shares, None) => [shares.unwrap_or_default(), String::new()],
        (Some(shares), Some(against)) if shares.chars().count() + against.chars().count() + 2 <= LINE => {
            [format!("{shares}; {against}"), String::new()]
        }
        (shares, Some(against)) => [shares.unwrap_or_default(), against],
    }
}

/// The shares that push up, or down, the largest first, as far as they fit into a line; none where there are none.
fn listed(lead: &str, shares: &[(String, f64)], up: bool) -> Option<String> {
    let goes = |share: f64| share != 0.0 && (share < 0.0) == up;
    let mut shares: Vec<&(String, f64)> = shares.iter().filter(|(_, share)| goes(*share)).collect();
    // Those that differ by rounding alone stay as they are.
    shares.sort_by(|(_, a), (_, b)| (b.abs() as f32).total_cmp(&(a.abs() as f32)));
    let (mut text, mut shown) = (lead.to_owned(), 0);
    for (by, share) in shares.iter().take(SHARES) {
        let next = format!("{}{by} {}", if shown == 0 { "" } else { ", " }, signed(*share));
        let limit = if shown + 1 == shares.len() { LINE } else { LINE - MORE };
        if shown > 0 && text.chars().count() + next.chars().count() > limit {
            break;
        }
        text += &next;
        shown += 1;
    }
    if shares.len() > shown {
        text += &format!(" and {} more", shares.len() - shown);
    }
    (shown > 0).then_some(text)
}

/// A number whose sign matters.
fn signed(number: f64) -> String {
    let plus = if number > 0.0 { "+" } else { "" };
    format!("{plus}{}", rounded(number))
}
