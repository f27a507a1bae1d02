//! NumPy's `.npy` files: two-dimensional arrays of floats.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek, Write};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use npyz::{DType, NpyFile, Order, TypeChar, WriterBuilder};

/// The values of a matrix in the precision of their file, row-major.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Values {
    /// `float32`.
    F32(Vec<f32>),
    /// `float64`.
    F64(Vec<f64>),
}

impl From<Vec<f32>> for Values {
    fn from(values: Vec<f32>) -> Self {
        Self::F32(values)
    }
}

impl From<Vec<f64>> for Values {
    fn from(values: Vec<f64>) -> Self {
        Self::F64(values)
    }
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

/// Reads a `rows x columns` array of `float32` or `float64`, in C or Fortran order, in either byte order.
///
/// # Errors
///
/// When the file cannot be read, is no `.npy`, has another type or shape, or ends early.
pub(crate) fn read(path: &Path) -> Result<Matrix> {
    let name = path.display();
    let file = File::open(path).with_context(|| format!("cannot read {name}"))?;
    let length = file.metadata().with_context(|| format!("cannot read {name}"))?.len();
    let npy = NpyFile::new(BufReader::new(file)).with_context(|| format!("{name} is not a whole .npy file"))?;
    let (shape, dtype, fortran) = (npy.shape().to_vec(), npy.dtype(), npy.order() == Order::Fortran);
    let &[rows, columns] = shape.as_slice() else {
        bail!("{name} has shape {shape:?}, expected two dimensions: [rows, columns]");
    };
    let bytes = match &dtype {
        DType::Plain(kind) if kind.type_char() == TypeChar::Float && matches!(kind.size_field(), 4 | 8) => {
            kind.size_field()
        }
        other => bail!("{name} has dtype {}, expected float32 or float64", described(other)),
    };
    let cannot = || format!("cannot read {name}");
    // Before anything is allocated: a header can promise more than there is memory.
    let header = npy.header().clone();
    let mut file = npy.into_inner();
    let data = length.saturating_sub(file.stream_position().with_context(cannot)?);
    let wanted = rows.checked_mul(columns).and_then(|values| values.checked_mul(bytes));
    if wanted.is_none_or(|wanted| data < wanted) {
        let found = data / bytes;
        bail!(
            "{name} is truncated: its shape {shape:?} promises {rows} x {columns} values of {bytes} bytes, but there \
               are only {found}"
        );
    }
    let size = |n: u64| usize::try_from(n).map_err(|_| anyhow!("{name}: shape {shape:?} is too large"));
    let (rows, columns) = (size(rows)?, size(columns)?);
    let npy = NpyFile::with_header(header, file);
    let values = if bytes == 4 {
        Values::F32(in_c_order(npy.into_vec().with_context(cannot)?, fortran, rows, columns))
    } else {
        Values::F64(in_c_order(npy.into_vec().with_context(cannot)?, fortran, rows, columns))
    };
    Ok(Matrix { rows, columns, values })
}

/// A dtype by the name that NumPy prints, and as the file spells it.
fn described(dtype: &DType) -> String {
    let DType::Plain(kind) = dtype else { return dtype.descr() };
    let bits = 8 * kind.size_field();
    let word = match kind.type_char() {
        TypeChar::Float => "float",
        TypeChar::Int => "int",
        TypeChar::Uint => "uint",
        TypeChar::Complex => "complex",
        TypeChar::Bool => return format!("bool ({})", dtype.descr()),
        _ => return dtype.descr(),
    };
    format!("{word}{bits} ({})", dtype.descr())
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

fn in_c_order<T: Copy>(values: Vec<T>, fortran: bool, rows: usize, columns: usize) -> Vec<T> {
    if !fortran {
        return values;
    }
    (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))).map(|(r, c)| values[c * rows + r]).collect()
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
        assert_eq!(in_c_order(vec![1, 4, 2, 5, 3, 6], true, 2, 3), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn a_truncated_file_says_how_many_values_were_expected() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("m.npy");
        write(&path, &Matrix { rows: 2, columns: 3, values: Values::F32(vec![0.0; 6]) }).expect("written");
        let bytes = std::fs::read(&path).expect("read");
        std::fs::write(&path, &bytes[..bytes.len() - 4]).expect("written");
        let message = format!("{:#}", read(&path).expect_err("an error"));
        assert!(message.contains("promises 2 x 3 values of 4 bytes, but there are only 5"), "{message}");
    }
}
