//! Parquet tables.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::columns::{BadRow, Column, Columns, Request, Values, finite};

/// Reads a Parquet file: numbers and booleans as numbers, lists of numbers as that many numbers a row, text as text.
///
/// # Errors
///
/// When the file cannot be read or is not Parquet.
pub(crate) fn read(path: &Path, request: &Request) -> Result<Columns> {
    let shown = path.display();
    let file = File::open(path).with_context(|| format!("cannot read {shown}"))?;
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(file).with_context(|| format!("{shown} is not a Parquet file"))?;
    let fields = builder.schema().fields().clone();
    let mut columns: Vec<Column> = fields
        .iter()
        .map(|field| Column { name: field.name().clone(), values: start(field.name(), field.data_type(), request) })
        .collect();
    let mut rows = 0;
    for batch in builder.build().with_context(|| format!("cannot read {shown}"))? {
        let batch: RecordBatch = batch.with_context(|| format!("cannot read {shown} after row {rows}"))?;
        for (column, array) in columns.iter_mut().zip(batch.columns()) {
            push(column, array, rows).with_context(|| format!("{shown}: column \"{}\"", column.name))?;
        }
        rows += batch.num_rows();
    }
    Ok(Columns { columns, positions: (1..=rows as u64).collect(), unit: "row", bad: Vec::new() })
}

fn start(name: &str, kind: &DataType, request: &Request) -> Values {
    let text = || Values::Text(Vec::new());
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => text(),
        DataType::Dictionary(_, value) if value.is_string() => text(),
        _ if request.text.contains(name) => text(),
        kind if kind.is_numeric() || *kind == DataType::Boolean => {
            Values::Numbers { width: 1, numbers: Vec::new(), bad: Vec::new() }
        }
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _)
            if item.data_type().is_numeric() =>
        {
            // A width of 0 means not known yet: the first list tells.
            Values::Numbers { width: 0, numbers: Vec::new(), bad: Vec::new() }
        }
        other => Values::Other(other.to_string()),
    }
}

/// Adds one batch to a column; `first` is the number of rows before it.
fn push(column: &mut Column, array: &ArrayRef, first: usize) -> Result<()> {
    match &mut column.values {
        Values::Other(_) => {}
        Values::Text(texts) => {
            let array = cast(array, &DataType::Utf8)?;
            let strings = array.as_string::<i32>();
            texts.extend(strings.iter().map(|text| text.unwrap_or_default().trim().to_owned()));
        }
        Values::Numbers { width, numbers, bad } => {
            for row in 0..array.len() {
                let list = match array.data_type() {
                    DataType::List(_) => array.is_valid(row).then(|| array.as_list::<i32>().value(row)),
                    DataType::LargeList(_) => array.is_valid(row).then(|| array.as_list::<i64>().value(row)),
                    DataType::FixedSizeList(..) => array.is_valid(row).then(|| array.as_fixed_size_list().value(row)),
                    _ => Some(array.slice(row, 1)),
                };
                let read = list
                    .ok_or_else(|| format!("column \"{}\" has no value", column.name))
                    .and_then(|list| values(&column.name, *width, &list));
                match read {
                    Ok(values) => {
                        if *width == 0 {
                            // Rows before the first list are bad, and get their places now.
                            *width = values.len();
                            numbers.resize((first + row) * *width, f32::NAN);
                        }
                        numbers.extend(values);
                    }
                    Err(reason) => {
                        numbers.resize((first + row + 1) * *width, f32::NAN);
                        bad.push(BadRow { row: first + row, reason });
                    }
                }
            }
        }
    }
    Ok(())
}

/// The numbers of one row, or why they cannot be features. A `width` of 0 takes any length but 0.
fn values(name: &str, width: usize, list: &ArrayRef) -> Result<Vec<f32>, String> {
    if list.is_empty() || (width != 0 && list.len() != width) {
        return Err(format!("column \"{name}\" has a list of {} numbers, expected {width}", list.len()));
    }
    let list = cast(list, &DataType::Float64).map_err(|error| format!("column \"{name}\": {error}"))?;
    let list = list.as_primitive::<Float64Type>();
    if list.null_count() > 0 {
        return Err(format!("column \"{name}\" has no value"));
    }
    list.values().iter().map(|&value| finite(name, value)).collect()
}
