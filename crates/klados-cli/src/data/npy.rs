//! NumPy's `.npy` files: two-dimensional arrays of floats.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use npyz::{DType, NpyFile, Order, WriterBuilder};

/// The values of a matrix in the precision of their file, row-major.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Values {
    /// `float32`.
    F32(Vec<f32>),
    /// `float64`.
    F64(Vec<f64>),
}

/// A two-dimensional array.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Matrix {
    /// How many rows.
    pub(crate) rows: usize,
    /// How many columns.
    pub(crate) columns: usize,
    /// The values, row after row.
    pub(crate) values: Values,
}

/// Reads a `rows x columns` array of `float32` or `float64`, in C or Fortran order.
///
/// # Errors
///
/// When the file cannot be read, is no `.npy`, has another type or shape, or ends early.
pub(crate) fn read(path: &Path) -> Result<Matrix> {
    let name = path.display();
    let file = File::open(path).with_context(|| format!("cannot read {name}"))?;
    let npy = NpyFile::new(BufReader::new(file)).with_context(|| format!("{name} is not a .npy file"))?;
    let shape = npy.shape().to_vec();
    let &[rows, columns] = shape.as_slice() else {
        bail!("{name}: expected an array of two dimensions [rows, columns], found shape {shape:?}");
    };
    let size = |n: u64| usize::try_from(n).map_err(|_| anyhow!("{name}: shape {shape:?} is too large"));
    let (rows, columns) = (size(rows)?, size(columns)?);
    let fortran = npy.order() == Order::Fortran;
    let dtype = npy.dtype();
    let truncated = || format!("{name}: the file ends before {rows} x {columns} values");
    let values = match &dtype {
        DType::Plain(kind) if kind.to_string().ends_with("f4") => {
            let values = npy.into_vec::<f32>().with_context(truncated)?;
            Values::F32(if fortran { transposed(&values, rows, columns) } else { values })
        }
        DType::Plain(kind) if kind.to_string().ends_with("f8") => {
            let values = npy.into_vec::<f64>().with_context(truncated)?;
            Values::F64(if fortran { transposed(&values, rows, columns) } else { values })
        }
        other => bail!("{name}: expected float32 or float64, found dtype {}", other.descr()),
    };
    Ok(Matrix { rows, columns, values })
}

/// Writes `matrix` beside `path` and renames it, so that a reader never sees half a file.
///
/// # Errors
///
/// When the file cannot be written.
pub(crate) fn write(path: &Path, matrix: &Matrix) -> Result<()> {
    let shape = [matrix.rows as u64, matrix.columns as u64];
    super::replace::replace(path, |file| {
        let mut out = BufWriter::new(file);
        let builder = npyz::WriteOptions::new().default_dtype().shape(&shape);
        match &matrix.values {
            Values::F32(values) => {
                let mut writer = builder.writer(&mut out).begin_nd()?;
                writer.extend(values)?;
                writer.finish()?;
            }
            Values::F64(values) => {
                let mut writer = npyz::WriteOptions::new().default_dtype().shape(&shape).writer(&mut out).begin_nd()?;
                writer.extend(values)?;
                writer.finish()?;
            }
        }
        out.flush()
    })
}

/// Fortran order into C order.
fn transposed<T: Copy>(values: &[T], rows: usize, columns: usize) -> Vec<T> {
    (0..rows).flat_map(|row| (0..columns).map(move |column| values[column * rows + row])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("m.npy");
        for values in [Values::F32(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), Values::F64(vec![0.5; 6])] {
            let matrix = Matrix { rows: 2, columns: 3, values };
            write(&path, &matrix).expect("written");
            assert_eq!(read(&path).expect("read"), matrix);
        }
    }

    #[test]
    fn fortran_order_is_turned() {
        assert_eq!(transposed(&[1, 4, 2, 5, 3, 6], 2, 3), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn a_truncated_file_says_how_many_values_were_expected() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("m.npy");
        write(&path, &Matrix { rows: 2, columns: 3, values: Values::F32(vec![0.0; 6]) }).expect("written");
        let bytes = std::fs::read(&path).expect("read");
        std::fs::write(&path, &bytes[..bytes.len() - 4]).expect("written");
        let message = format!("{:#}", read(&path).expect_err("an error"));
        assert!(message.contains("ends before 2 x 3 values"), "{message}");
    }
}
