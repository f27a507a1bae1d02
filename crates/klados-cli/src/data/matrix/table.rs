//! A matrix in a Parquet or Arrow file: a column of numbers for each class, or one column of lists.

use std::path::Path;

use anyhow::{Context, Result, bail};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{ArrowPrimitiveType, DataType, Float16Type, Float32Type, Float64Type};

use crate::data::record_file::{Batches, RecordFile};
use crate::data::values::{Kind, Values};

/// A table of which some columns are a matrix.
pub(crate) struct Table {
    shown: String,
    file: RecordFile,
    /// The numbers: places of columns in the file.
    chosen: Vec<usize>,
    is_list: bool,
    kind: Kind,
    batches: Option<Batches>,
    /// What has been read and not handed out.
    pending: Option<RecordBatch>,
    /// The number of rows that have been handed out.
    done: usize,
}

impl Table {
    /// Finds the numbers: the column of this name, else the only column of lists of numbers, else all columns of numbers.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or has no such columns.
    pub(crate) fn open(path: &Path, name: Option<&str>) -> Result<Self> {
        let shown = path.display().to_string();
        let file = RecordFile::open(path)?;
        let fields = file.schema.fields();
        let lists: Vec<usize> = (0..fields.len())
            .filter(|&index| item(fields[index].data_type()).is_some_and(DataType::is_numeric))
            .collect();
        let numbers = || (0..fields.len()).filter(|&index| fields[index].data_type().is_numeric());
        let names = |places: &[usize]| {
            let names = places.iter().map(|&place| fields[place].name().as_str());
            names.collect::<Vec<_>>().join(", ")
        };
        let (chosen, is_list) = match (name, &lists[..]) {
            (Some(name), _) => match lists.iter().find(|&&place| fields[place].name() == name) {
                Some(place) => (vec![*place], true),
                None => bail!("{shown} has no column of lists of numbers that is named \"{name}\""),
            },
            (None, [only]) => (vec![*only], true),
            (None, []) => (numbers().collect(), false),
            (None, several) => {
                bail!("{shown} has several columns of lists: write {shown}:NAME for one of {}", names(several))
            }
        };
        if chosen.is_empty() {
            let all: Vec<usize> = (0..fields.len()).collect();
            bail!("{shown} has no columns of numbers; its columns are {}", names(&all));
        }
        let kinds = chosen.iter().map(|&place| {
            let kind = fields[place].data_type();
            item(kind).unwrap_or(kind).clone()
        });
        let kind = if kinds.clone().all(|kind| kind == DataType::Float16) {
            Kind::F16
        } else if kinds.clone().all(|kind| kind == DataType::Float32) {
            Kind::F32
        } else {
            Kind::F64
        };
        Ok(Self { shown, file, chosen, is_list, kind, batches: None, pending: None, done: 0 })
    }

    /// How many rows there are, where the file says that beforehand.
    pub(crate) fn rows(&self) -> Option<usize> {
        self.file.rows
    }

    /// How many columns the matrix has; of lists whose length varies that of the first one.
    pub(crate) fn columns(&mut self) -> Result<usize> {
        if !self.is_list {
            return Ok(self.chosen.len());
        }
        if let DataType::FixedSizeList(_, size) = self.file.schema.field(self.chosen[0]).data_type() {
            return Ok((*size).max(0) as usize);
        }
        for batch in self.file.batches(&self.chosen, 64)? {
            let batch = batch?;
            let lists = Lists::new(batch.column(0));
            if let Some(length) = (0..batch.num_rows()).find_map(|row| lists.range(row).map(|range| range.len())) {
                return Ok(length);
            }
        }
        Ok(0)
    }

    /// The names of the columns, where there is one a number.
    pub(crate) fn names(&self) -> Option<Vec<String>> {
        let names = self.chosen.iter().map(|&place| self.file.schema.field(place).name().clone());
        (!self.is_list).then(|| names.collect())
    }

    /// Takes these of the columns, in this order.
    pub(crate) fn choose(&mut self, columns: &[usize]) {
        self.chosen = columns.iter().map(|&column| self.chosen[column]).collect();
    }

    /// The next rows, at most `limit`, and how many they are: a null is a NaN. None at the end.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or a list has another length than `columns`.
    pub(crate) fn next(&mut self, limit: usize, columns: usize) -> Result<Option<(Values, usize)>> {
        let mut places = self.chosen.clone();
        places.sort_unstable();
        if self.batches.is_none() {
            self.batches = Some(self.file.batches(&places, limit)?);
        }
        while self.pending.as_ref().is_none_or(|batch| batch.num_rows() == 0) {
            match self.batches.as_mut().and_then(Iterator::next) {
                Some(batch) => self.pending = Some(batch?),
                None => return Ok(None),
            }
        }
        let Some(batch) = self.pending.take() else { return Ok(None) };
        let rows = batch.num_rows().min(limit);
        self.pending = Some(batch.slice(rows, batch.num_rows() - rows));
        let batch = batch.slice(0, rows);
        let values = match self.kind {
            Kind::F16 => Values::F16(self.numbers::<Float16Type>(&batch, &places, columns, half::f16::NAN)?),
            Kind::F32 => Values::F32(self.numbers::<Float32Type>(&batch, &places, columns, f32::NAN)?),
            _ => Values::F64(self.numbers::<Float64Type>(&batch, &places, columns, f64::NAN)?),
        };
        self.done += rows;
        Ok(Some((values, rows)))
    }

    fn numbers<T: ArrowPrimitiveType>(
        &self,
        batch: &RecordBatch,
        places: &[usize],
        columns: usize,
        missing: T::Native,
    ) -> Result<Vec<T::Native>> {
        let rows = batch.num_rows();
        let mut values = vec![missing; rows * columns];
        let of_column = |place: usize| self.file.schema.field(place).name();
        if self.is_list {
            let lists = Lists::new(batch.column(0));
            let context = || format!("{}: column \"{}\"", self.shown, of_column(self.chosen[0]));
            let items = cast(&lists.items, &T::DATA_TYPE).with_context(context)?;
            let items = items.as_primitive::<T>();
            for (row, values) in values.chunks_exact_mut(columns.max(1)).enumerate() {
                let Some(range) = lists.range(row) else { continue };
                if range.len() != columns {
                    bail!(
                        "{}: row {} (from 0): column \"{}\" has a list of {} numbers, expected {columns}",
                        self.shown,
                        self.done + row,
                        of_column(self.chosen[0]),
                        range.len()
                    );
                }
                values.copy_from_slice(&items.values()[range.clone()]);
                if items.null_count() > 0 {
                    let nulls = range.enumerate().filter(|(_, item)| items.is_null(*item));
                    nulls.for_each(|(column, _)| values[column] = missing);
                }
            }
            return Ok(values);
        }
        for (column, place) in self.chosen.iter().enumerate() {
            let Ok(found) = places.binary_search(place) else { continue };
            let context = || format!("{}: column \"{}\"", self.shown, of_column(*place));
            let numbers = cast(batch.column(found), &T::DATA_TYPE).with_context(context)?;
            let numbers = numbers.as_primitive::<T>();
            for (row, number) in numbers.values().iter().enumerate() {
                if numbers.is_valid(row) {
                    values[row * columns + column] = *number;
                }
            }
        }
        Ok(values)
    }
}

/// What the lists of a type hold.
fn item(kind: &DataType) -> Option<&DataType> {
    match kind {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => Some(item.data_type()),
        _ => None,
    }
}

/// A column of lists: the numbers of all of them, and which are a row's.
struct Lists<'a> {
    column: &'a ArrayRef,
    items: ArrayRef,
}

impl<'a> Lists<'a> {
    fn new(column: &'a ArrayRef) -> Self {
        let items = match column.data_type() {
            DataType::List(_) => column.as_list::<i32>().values().clone(),
            DataType::LargeList(_) => column.as_list::<i64>().values().clone(),
            _ => column.as_fixed_size_list().values().clone(),
        };
        Self { column, items }
    }

    /// Where the items of a row are; none where it is null.
    fn range(&self, row: usize) -> Option<std::ops::Range<usize>> {
        if self.column.is_null(row) {
            return None;
        }
        Some(match self.column.data_type() {
            DataType::List(_) => {
                let offsets = self.column.as_list::<i32>().value_offsets();
                offsets[row] as usize..offsets[row + 1] as usize
            }
            DataType::LargeList(_) => {
                let offsets = self.column.as_list::<i64>().value_offsets();
                offsets[row] as usize..offsets[row + 1] as usize
            }
            _ => {
                let list = self.column.as_fixed_size_list();
                let (start, length) = (list.value_offset_at(row), list.value_length() as usize);
                start..start + length
            }
        })
    }
}
