//! Files that several commands read: matrices, labels, tables, and the embedded pictures.

pub(crate) mod class_names;
pub(crate) mod class_weight;
#[cfg(feature = "train")]
pub(crate) mod columns;
#[cfg(feature = "train")]
pub(crate) mod csv_table;
pub(crate) mod decision;
#[cfg(feature = "train")]
pub(crate) mod emoji;
pub(crate) mod hierarchy;
pub(crate) mod labels;
pub(crate) mod lines;
pub(crate) mod loss_files;
pub(crate) mod matrix;
pub(crate) mod npy;
#[cfg(all(feature = "train", feature = "parquet"))]
pub(crate) mod parquet_table;
#[cfg(feature = "train")]
pub(crate) mod pictures;
pub(crate) mod probability;
#[cfg(feature = "parquet")]
pub(crate) mod record_file;
pub(crate) mod replace;
#[cfg(feature = "train")]
pub(crate) mod table;
pub(crate) mod texts;
pub(crate) mod values;
