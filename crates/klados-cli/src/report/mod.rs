//! `report.html`: one page without a network, for a desk and for a phone, light and dark.

mod charts;

use std::path::Path;

use anyhow::{Context, Result};
use minijinja::{Environment, value::Serde};
use serde::Serialize;

use crate::data::replace::replace;
use crate::train::run::RunResult;

/// The file's name.
pub(crate) const FILE: &str = "report.html";
/// More runs than there are colours share them.
const COLORS: usize = 8;

/// What is on the page.
pub(crate) struct Page<'a> {
    /// What was trained on.
    pub(crate) title: String,
    /// Paragraphs below the title.
    pub(crate) notes: Vec<String>,
    /// The runs; the first set of rows of each is that of the table.
    pub(crate) runs: &'a [RunResult],
    /// Mistakes worth looking at, by run.
    pub(crate) mistakes: &'a [Mistakes],
}

/// The most confident mistakes of a run.
#[derive(Serialize)]
pub(crate) struct Mistakes {
    /// The run.
    pub(crate) run: String,
    /// The most confident first.
    pub(crate) pictures: Vec<Mistake>,
}

/// A picture that was taken for something else.
#[derive(Serialize)]
pub(crate) struct Mistake {
    /// The picture as a `data:` URI.
    pub(crate) picture: String,
    /// What it is, from the top.
    pub(crate) truth: Vec<String>,
    /// A drawing of what it was taken for, as a `data:` URI.
    pub(crate) taken_for: String,
    /// What it was taken for, from the top; each node with its probability in per cent, and whether it is right.
    pub(crate) predicted: Vec<Step>,
}

/// A node on a predicted path.
#[derive(Serialize)]
pub(crate) struct Step {
    /// Its name.
    pub(crate) name: String,
    /// Its probability in per cent.
    pub(crate) percent: String,
    /// Whether the true path goes through it.
    pub(crate) right: bool,
}

/// What the template is filled with.
#[derive(Serialize)]
struct Content<'a> {
    title: &'a str,
    notes: &'a [String],
    set: Option<&'a str>,
    set_rows: Option<usize>,
    levels: Vec<&'a str>,
    is_multi_label: bool,
    rows: Vec<Row>,
    losses: Option<charts::Chart>,
    accuracies: Vec<charts::Chart>,
    mistakes: &'a [Mistakes],
    version: &'static str,
}

/// A row of the table.
#[derive(Serialize)]
struct Row {
    name: String,
    about: String,
    color: usize,
    /// From the finest level up: per cent, and whether it is the column's best.
    cells: Vec<Cell>,
    severity: Cell,
    /// The average precision over all nodes.
    micro: Cell,
    seconds: String,
    /// Accuracies of the ancestors of the most probable class.
    of_class: Vec<String>,
}

#[derive(Serialize, Clone)]
struct Cell {
    text: String,
    best: bool,
}

/// Writes the page into `folder`.
///
/// # Errors
///
/// When it cannot be written.
pub(crate) fn write(folder: &Path, page: &Page<'_>) -> Result<()> {
    let html = render(page).context("the report")?;
    replace(&folder.join(FILE), |file| std::io::Write::write_all(file, html.as_bytes()))
}

fn render(page: &Page<'_>) -> Result<String> {
    let mut environment = Environment::new();
    environment.add_template(FILE, include_str!("report.html"))?;
    let scored = page.runs.iter().find_map(|run| run.evaluations.first());
    let levels: Vec<&str> =
        scored.iter().flat_map(|evaluation| evaluation.scores.levels.iter().rev().map(|level| &*level.level)).collect();
    let content = Content {
        title: &page.title,
        notes: &page.notes,
        set: scored.map(|evaluation| &*evaluation.set),
        set_rows: scored.map(|evaluation| evaluation.rows),
        levels,
        is_multi_label: scored.is_some_and(|evaluation| evaluation.scores.is_multi_label),
        rows: rows(page.runs),
        losses: charts::losses(page.runs),
        accuracies: charts::accuracies(page.runs),
        mistakes: page.mistakes,
        version: env!("CARGO_PKG_VERSION"),
    };
    Ok(environment.get_template(FILE)?.render(Serde(&content))?)
}

fn rows(runs: &[RunResult]) -> Vec<Row> {
    let percent = |share: Option<f64>| share.map_or("–".to_owned(), |share| format!("{:.1}", 100.0 * share));
    let mut rows: Vec<Row> = Vec::new();
    for (index, run) in runs.iter().enumerate() {
        let scores = run.evaluations.first().map(|evaluation| &evaluation.scores);
        let levels = || scores.into_iter().flat_map(|scores| scores.levels.iter().rev());
        let severity = scores.and_then(|scores| scores.mistake_severity);
        rows.push(Row {
            name: run.name.clone(),
            about: run.about.clone(),
            color: index % COLORS,
            cells: levels().map(|level| Cell { text: percent(level.shown()), best: false }).collect(),
            micro: Cell { text: percent(scores.and_then(|scores| scores.average_precision)), best: false },
            severity: Cell { text: severity.map_or("–".to_owned(), |height| format!("{height:.2}")), best: false },
            seconds: format!("{:.1}", run.seconds),
            of_class: levels().map(|level| percent(level.accuracy_of_class)).collect(),
        });
    }
    // Ties are all best: the comparison is of what is printed.
    let number = |cell: &Cell| cell.text.parse::<f64>().ok();
    for column in 0..rows.first().map_or(0, |row| row.cells.len()) {
        let best = rows.iter().filter_map(|row| number(&row.cells[column])).fold(f64::NEG_INFINITY, f64::max);
        rows.iter_mut().for_each(|row| row.cells[column].best = number(&row.cells[column]) == Some(best));
    }
    let least = rows.iter().filter_map(|row| number(&row.severity)).fold(f64::INFINITY, f64::min);
    rows.iter_mut().for_each(|row| row.severity.best = number(&row.severity) == Some(least));
    let most = rows.iter().filter_map(|row| number(&row.micro)).fold(f64::NEG_INFINITY, f64::max);
    rows.iter_mut().for_each(|row| row.micro.best = number(&row.micro) == Some(most));
    if let [only] = &mut rows[..] {
        only.cells.iter_mut().chain([&mut only.severity, &mut only.micro]).for_each(|cell| cell.best = false);
    }
    rows
}
