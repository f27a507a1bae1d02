//! NumPy's `.npy` files: two-dimensional arrays of floats.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek, Write};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use npyz::{DType, Endianness, NpyFile, Order, TypeChar, WriterBuilder};

use super::matrix::block::Block;
use super::values::{Kind, Values};

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

/// Finds the `rows x columns` array of `float16`, `float32` or `float64`, in C or Fortran order, in either byte order.
///
/// # Errors
///
/// When the file cannot be read, is no `.npy`, has another type or shape, or ends early.
pub(crate) fn open(path: &Path) -> Result<Block> {
    let name = path.display();
    let file = File::open(path).with_context(|| format!("cannot read {name}"))?;
    let length = file.metadata().with_context(|| format!("cannot read {name}"))?.len();
    let npy = NpyFile::new(BufReader::new(file)).with_context(|| format!("{name} is not a whole .npy file"))?;
    let (shape, dtype, is_fortran) = (npy.shape().to_vec(), npy.dtype(), npy.order() == Order::Fortran);
    let &[rows, columns] = shape.as_slice() else {
        bail!("{name} has shape {shape:?}, expected two dimensions: [rows, columns]");
    };
    let (kind, is_big_endian) = match &dtype {
        DType::Plain(plain) if plain.type_char() == TypeChar::Float => {
            let kind = match plain.size_field() {
                2 => Some(Kind::F16),
                4 => Some(Kind::F32),
                8 => Some(Kind::F64),
                _ => None,
            };
            (kind, plain.endianness() == Endianness::Big)
        }
        _ => (None, false),
    };
    let Some(kind) = kind else {
        bail!("{name} has dtype {}, expected float16, float32 or float64", described(&dtype))
    };
    let bytes = kind.bytes() as u64;
    let mut file = npy.into_inner();
    let offset = file.stream_position().with_context(|| format!("cannot read {name}"))?;
    // Before anything is allocated: a header can promise more than there is memory.
    let data = length.saturating_sub(offset);
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
    Ok(Block { file: file.into_inner(), offset, rows, columns, kind, is_big_endian, is_fortran })
}

/// Reads the whole of such an array.
///
/// # Errors
///
/// As [`open`].
#[cfg(feature = "train")]
pub(crate) fn read(path: &Path) -> Result<Matrix> {
    let mut block = open(path)?;
    let values = block.read(0, block.rows).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Matrix { rows: block.rows, columns: block.columns, values })
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

/// Writes `matrix` beside `path` and renames it, so that a reader never sees half a file. `.npy` has no `bfloat16`: it is
/// written as `float32`.
///
/// # Errors
///
/// When the file cannot be written.
pub(crate) fn write(path: &Path, matrix: &Matrix) -> Result<()> {
    let shape = [matrix.rows as u64, matrix.columns as u64];
    super::replace::replace(path, |file| match &matrix.values {
        Values::F16(values) => write_values(file, &shape, values.iter().copied()),
        Values::Bf16(values) => write_values(file, &shape, values.iter().map(|value| value.to_f32())),
        Values::F32(values) => write_values(file, &shape, values.iter().copied()),
        Values::F64(values) => write_values(file, &shape, values.iter().copied()),
    })
}

fn write_values<T: npyz::AutoSerialize>(
    file: &mut File,
    shape: &[u64],
    values: impl Iterator<Item = T>,
) -> std::io::Result<()> {
    let mut out = BufWriter::new(file);
    let mut writer = npyz::WriteOptions::new().default_dtype().shape(shape).writer(&mut out).begin_nd()?;
    writer.extend(values)?;
    writer.finish()?;
    out.flush()
}

#[cfg(all(test, feature = "train"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("m.npy");
        let halves = Values::F16([1.0, 2.0, 3.0, 4.0, 5.0, 6.0].map(half::f16::from_f32).to_vec());
        for values in [Values::F32(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), Values::F64(vec![0.5; 6]), halves] {
            let matrix = Matrix { rows: 2, columns: 3, values };
            write(&path, &matrix).expect("written");
            assert_eq!(read(&path).expect("read"), matrix);
        }
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
