//! The curves, as inline SVG whose colours are the page's: they follow its light and dark.

use kuva::backend::svg::SvgBackend;
use kuva::plot::LinePlot;
use kuva::render::layout::Layout;
use kuva::render::plots::Plot;
use kuva::render::render::render_multiple;
use kuva::render::theme::Theme;
use serde::Serialize;

use super::COLORS;
use crate::train::fit::Epoch;
use crate::train::run::RunResult;

/// Size of a chart in its own units.
const WIDTH: f64 = 340.0;
const HEIGHT: f64 = 240.0;

/// A chart with its title.
#[derive(Serialize)]
pub(super) struct Chart {
    title: String,
    svg: String,
}

/// One line of a chart.
struct Line {
    color: usize,
    dashed: bool,
    points: Vec<(f64, f64)>,
}

/// Training loss (dashed) and validation loss (solid) of each run. Runs with different losses are on one axis: compare
/// shapes, not heights.
pub(super) fn losses(runs: &[RunResult]) -> Option<Chart> {
    let lines = runs.iter().enumerate().flat_map(|(index, run)| {
        let line = |dashed, value: fn(&Epoch) -> Option<f64>| Line { color: index, dashed, points: points(run, value) };
        [line(true, |epoch| Some(epoch.train_loss)), line(false, |epoch| epoch.validation_loss)]
    });
    chart("Loss", lines.collect(), None)
}

/// Validation accuracy of each run, a chart a level, the finest first.
pub(super) fn accuracies(runs: &[RunResult]) -> Vec<Chart> {
    let scores = |epoch: &Epoch| epoch.validation.as_ref().map_or(0, |scores| scores.levels.len());
    let levels = runs.iter().flat_map(|run| run.epochs.first()).map(scores).max().unwrap_or(0);
    let level_name = |level: usize| {
        let first = runs.iter().flat_map(|run| run.epochs.first()).find_map(|epoch| epoch.validation.as_ref());
        first.map_or(String::new(), |scores| scores.levels[level].level.clone())
    };
    let mut scored = runs.iter().flat_map(|run| &run.epochs).filter_map(|epoch| epoch.validation.as_ref());
    let is_multi_label = scored.any(|scores| scores.is_multi_label);
    let mut charts = Vec::new();
    for level in (0..levels).rev() {
        let value = |epoch: &Epoch| Some(100.0 * epoch.validation.as_ref()?.levels.get(level)?.shown()?);
        let line = |(index, run)| Line { color: index, dashed: false, points: points(run, value) };
        let lines = runs.iter().enumerate().map(line).collect();
        let what = if is_multi_label { "Average precision at" } else { "Right at" };
        charts.extend(chart(&format!("{what} {}, %", level_name(level)), lines, Some(100.0)));
    }
    charts
}

fn points(run: &RunResult, value: impl Fn(&Epoch) -> Option<f64>) -> Vec<(f64, f64)> {
    let finite = |epoch: &Epoch| Some((epoch.epoch as f64, value(epoch).filter(|value| value.is_finite())?));
    run.epochs.iter().filter_map(finite).collect()
}

/// A chart over the epochs, or none where there is nothing to draw.
fn chart(title: &str, lines: Vec<Line>, top: Option<f64>) -> Option<Chart> {
    let plots: Vec<Plot> = lines.into_iter().filter(|line| !line.points.is_empty()).map(plot).collect();
    if plots.is_empty() {
        return None;
    }
    let theme = Theme {
        background: "none".into(),
        axis_color: "var(--muted)".into(),
        grid_color: "var(--line)".into(),
        tick_color: "var(--muted)".into(),
        text_color: "var(--muted)".into(),
        font_family: Some("inherit".into()),
        ..Theme::light()
    };
    let mut layout = Layout::auto_from_plots(&plots)
        .with_width(WIDTH)
        .with_height(HEIGHT)
        .with_x_label("epoch")
        .with_y_axis_min(0.0)
        .with_theme(theme);
    if let Some(top) = top {
        layout = layout.with_y_axis_max(top);
    }
    let svg = SvgBackend.render_scene(&render_multiple(plots, layout));
    // With a view box it scales to the width that the page gives it.
    let svg = svg.replacen("<svg ", &format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" "), 1);
    Some(Chart { title: title.to_owned(), svg })
}

fn plot(line: Line) -> Plot {
    let plot = LinePlot::new()
        .with_data(line.points)
        .with_color(format!("var(--run-{})", line.color % COLORS))
        .with_stroke_width(if line.dashed { 1.2 } else { 2.0 });
    Plot::Line(if line.dashed { plot.with_dashed() } else { plot })
}
