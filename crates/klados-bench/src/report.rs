//! What the measurements say, as tables in Markdown and as charts.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::chart::{Chart, Point};
use crate::run::Row;

/// Prints the tables and writes the charts, of all rows that there are.
pub(crate) fn report(folder: &Path) -> Result<()> {
    let mut rows = read(&folder.join("rust.csv"))?;
    let python = folder.join("python.csv");
    if python.exists() {
        rows.extend(read(&python)?);
    } else {
        println!("SKIPPED the contenders in Python: there is no {}", python.display());
    }
    println!("{}", tables(&rows));
    fs::write(folder.join("contenders.svg"), contenders(&rows).svg())?;
    fs::write(folder.join("scaling.svg"), scaling(&rows).svg())?;
    Ok(())
}

fn read(path: &Path) -> Result<Vec<Row>> {
    let mut reader = csv::Reader::from_path(path).with_context(|| path.display().to_string())?;
    let rows: Vec<Row> = reader.deserialize().collect::<Result<_, _>>()?;
    ensure!(!rows.is_empty(), "{} has no measurements", path.display());
    Ok(rows)
}

fn tables(rows: &[Row]) -> String {
    let mut text = String::new();
    for threads in [1, 2] {
        let of = |row: &&Row| row.series == "speed" && row.threads == threads;
        text += &table(
            &format!("Times memcpy, {threads} thread(s)"),
            rows.iter().filter(of).map(|row| (who(row), shape(row), row.times_memcpy)),
        );
        let flat = |row: &Row| row.engine == "python" && row.contender == "flat";
        let flats: BTreeMap<String, f64> =
            rows.iter().filter(of).filter(|row| flat(row)).map(|row| (shape(row), row.milliseconds)).collect();
        let python = rows.iter().filter(of).filter(|row| row.engine == "python");
        text += &table(
            &format!("Times PyTorch's flat cross-entropy, {threads} thread(s)"),
            python.filter_map(|row| Some((who(row), shape(row), row.milliseconds / flats.get(&shape(row))?))),
        );
    }
    for series in ["order", "dtype", "instructions", "batch", "classes", "depth", "nodes"] {
        let of = rows.iter().filter(|row| row.series == series && row.contender != "memcpy");
        let nanoseconds = |row: &Row| row.milliseconds * 1e6 / (row.batch * row.classes) as f64;
        text += &format!(
            "\n{series}\n\n| what | logits | contender | ns a logit | times memcpy |\n|---|---|---|---|---|\n"
        );
        for row in of {
            let what =
                format!("{} {} {}, {} nodes, {} levels", row.hierarchy, row.order, row.dtype, row.nodes, row.depth);
            let size = format!("{} x {}", row.batch, row.classes);
            text +=
                &format!("| {what} | {size} | {} | {:.2} | {:.2} |\n", who(row), nanoseconds(row), row.times_memcpy);
        }
    }
    text
}

fn who(row: &Row) -> String {
    format!("{} ({})", row.contender, row.engine)
}

fn shape(row: &Row) -> String {
    format!("{} x {} {}", row.batch, row.classes, row.hierarchy)
}

/// A table of numbers by row and column, both in the order in which they come.
fn table(title: &str, cells: impl Iterator<Item = (String, String, f64)>) -> String {
    let (mut names, mut columns, mut values) = (Vec::new(), Vec::new(), BTreeMap::new());
    for (name, column, value) in cells {
        if !names.contains(&name) {
            names.push(name.clone());
        }
        if !columns.contains(&column) {
            columns.push(column.clone());
        }
        values.insert((name, column), value);
    }
    if names.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{title}\n\n| | {} |\n|---|{}\n", columns.join(" | "), "---|".repeat(columns.len()));
    for name in names {
        let cell = |column: &String| {
            let value = values.get(&(name.clone(), column.clone()));
            value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"))
        };
        text += &format!("| {name} | {} |\n", columns.iter().map(cell).collect::<Vec<_>>().join(" | "));
    }
    text
}

/// Each contender's times of memcpy over the cases of one thread.
fn contenders(rows: &[Row]) -> Chart {
    let of = rows.iter().filter(|row| row.series == "speed" && row.threads == 1 && row.contender != "memcpy");
    let point = |row: &Row| Point { line: who(row), x: row.classes as f64, y: row.times_memcpy };
    Chart {
        title: "Forward and backward, one thread, f32".to_owned(),
        x: "classes".to_owned(),
        y: "times memcpy of the same bytes".to_owned(),
        joined: false,
        points: of.map(point).collect(),
    }
}

/// What a logit costs by what grows.
fn scaling(rows: &[Row]) -> Chart {
    let at = |row: &Row| match row.series.as_str() {
        "classes" => Some(row.classes),
        "depth" => Some(row.depth),
        "nodes" => Some(row.nodes),
        _ => None,
    };
    let point = |row: &Row| {
        let x = at(row)? as f64;
        let y = row.milliseconds * 1e6 / (row.batch * row.classes) as f64;
        (row.contender == "klados").then(|| Point { line: format!("by {}", row.series), x, y })
    };
    Chart {
        title: "Klados, all levels with gradient, one thread, f32".to_owned(),
        x: "classes, levels, nodes".to_owned(),
        y: "nanoseconds a logit".to_owned(),
        joined: true,
        points: rows.iter().filter_map(point).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_a_dash_where_nothing_was_measured() {
        let cells = [("a", "x", 1.0), ("a", "y", 2.5), ("b", "y", 3.0)];
        let text = table("T", cells.iter().map(|&(name, column, value)| (name.to_owned(), column.to_owned(), value)));
        assert_eq!(text, "\nT\n\n| | x | y |\n|---|---|---|\n| a | 1.00 | 2.50 |\n| b | – | 3.00 |\n");
    }
}
