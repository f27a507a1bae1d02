//! Parquet and Arrow files as batches of records.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::{FileReader, StreamReader};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// The formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Parquet,
    /// An Arrow IPC file, also known as Feather.
    ArrowFile,
    /// An Arrow IPC stream.
    ArrowStream,
}

/// A Parquet or Arrow file.
#[derive(Debug)]
pub(crate) struct RecordFile {
    path: PathBuf,
    format: Format,
    /// Its columns.
    pub(crate) schema: SchemaRef,
    /// How many rows it has, where its header says that.
    pub(crate) rows: Option<usize>,
}

/// Batches of records in the order of the file.
pub(crate) type Batches = Box<dyn Iterator<Item = Result<RecordBatch>> + Send>;

impl RecordFile {
    /// Whether a file's name says that it is one of these.
    pub(crate) fn is_one(path: &Path) -> bool {
        extension(path).is_some_and(|name| is_parquet(&name) || is_arrow(&name))
    }

    /// Opens a file by its extension: `.parquet` or `.pq`; `.arrow`, `.arrows`, `.feather` or `.ipc`.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is not what its name says.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let shown = path.display();
        let mut file = File::open(path).with_context(|| format!("cannot read {shown}"))?;
        let path = path.to_owned();
        if extension(&path).is_some_and(|name| is_parquet(&name)) {
            let builder = ParquetRecordBatchReaderBuilder::try_new(file)
                .with_context(|| format!("{shown} is not a Parquet file"))?;
            let rows = usize::try_from(builder.metadata().file_metadata().num_rows()).ok();
            return Ok(Self { schema: builder.schema().clone(), path, format: Format::Parquet, rows });
        }
        let mut magic = [0; 6];
        let is_file = file.read_exact(&mut magic).is_ok() && magic == *b"ARROW1";
        let format = if is_file { Format::ArrowFile } else { Format::ArrowStream };
        let schema = match is_file {
            true => FileReader::try_new(file, None).map(|reader| reader.schema()),
            false => File::open(&path).map_err(Into::into).and_then(|file| {
                let reader = StreamReader::try_new(BufReader::new(file), None)?;
                Ok(reader.schema())
            }),
        };
        let schema = schema.with_context(|| format!("{shown} is not a whole Arrow file"))?;
        Ok(Self { path, format, schema, rows: None })
    }

    /// Reads these columns, which are ascending places in the schema. Batches have at most `rows` rows of Parquet; of Arrow
    /// as many as in the file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read; so do the batches.
    pub(crate) fn batches(&self, columns: &[usize], rows: usize) -> Result<Batches> {
        let shown = self.path.display().to_string();
        let file = File::open(&self.path).with_context(|| format!("cannot read {shown}"))?;
        let cannot = || format!("cannot read {shown}");
        let columns = columns.to_vec();
        Ok(match self.format {
            Format::Parquet => {
                let builder = ParquetRecordBatchReaderBuilder::try_new(file).with_context(cannot)?;
                let mask = ProjectionMask::roots(builder.parquet_schema(), columns);
                let reader = builder.with_projection(mask).with_batch_size(rows).build().with_context(cannot)?;
                Box::new(reader.map(move |batch| batch.with_context(|| format!("cannot read {shown}"))))
            }
            Format::ArrowFile => {
                let reader = FileReader::try_new(BufReader::new(file), Some(columns)).with_context(cannot)?;
                Box::new(reader.map(move |batch| batch.with_context(|| format!("cannot read {shown}"))))
            }
            Format::ArrowStream => {
                let reader = StreamReader::try_new(BufReader::new(file), Some(columns)).with_context(cannot)?;
                Box::new(reader.map(move |batch| batch.with_context(|| format!("cannot read {shown}"))))
            }
        })
    }
}

fn extension(path: &Path) -> Option<String> {
    Some(path.extension()?.to_str()?.to_ascii_lowercase())
}

fn is_parquet(extension: &str) -> bool {
    matches!(extension, "parquet" | "pq")
}

fn is_arrow(extension: &str) -> bool {
    matches!(extension, "arrow" | "arrows" | "feather" | "ipc")
}
