//! A dense array somewhere in a file, read some rows at a time.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use crate::data::values::{Kind, Values};

/// A dense two-dimensional array in a file.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) file: File,
    /// Where its first number is.
    pub(crate) offset: u64,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) kind: Kind,
    pub(crate) is_big_endian: bool,
    /// Whether it lies column after column, not row after row.
    pub(crate) is_fortran: bool,
}

impl Block {
    /// The rows from `first` on, row after row; they are there. Of an array in Fortran order a piece of every column is read:
    /// memory is that of the rows in either order.
    pub(crate) fn read(&mut self, first: usize, count: usize) -> io::Result<Values> {
        let size = self.kind.bytes();
        let mut bytes = vec![0; count * self.columns * size];
        if !self.is_fortran {
            self.file.seek(SeekFrom::Start(self.offset + (first * self.columns * size) as u64))?;
            self.file.read_exact(&mut bytes)?;
        } else {
            let mut column = vec![0; count * size];
            for index in 0..self.columns {
                self.file.seek(SeekFrom::Start(self.offset + ((index * self.rows + first) * size) as u64))?;
                self.file.read_exact(&mut column)?;
                for (row, number) in column.chunks_exact(size).enumerate() {
                    bytes[(row * self.columns + index) * size..][..size].copy_from_slice(number);
                }
            }
        }
        Ok(Values::from_bytes(self.kind, self.is_big_endian, &bytes))
    }
}
