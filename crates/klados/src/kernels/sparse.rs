//! A sparse matrix of weights in compressed rows.

/// Rows of `(column, weight)`.
#[derive(Clone, Debug)]
pub(crate) struct Sparse {
    offsets: Vec<u32>,
    entries: Vec<(u32, f64)>,
}

impl Sparse {
    /// From `(row, column, weight)`, in any order; within a row the order stays.
    pub(crate) fn new(rows: usize, triples: &[(u32, u32, f64)]) -> Self {
        let mut offsets = vec![0u32; rows + 1];
        triples.iter().for_each(|(row, ..)| offsets[*row as usize + 1] += 1);
        (0..rows).for_each(|row| offsets[row + 1] += offsets[row]);
        let mut next = offsets.clone();
        let mut entries = vec![(0, 0.0); triples.len()];
        for &(row, column, weight) in triples {
            entries[next[row as usize] as usize] = (column, weight);
            next[row as usize] += 1;
        }
        Self { offsets, entries }
    }

    /// The number of rows.
    pub(crate) fn row_count(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The entries of a row.
    pub(crate) fn row(&self, row: usize) -> &[(u32, f64)] {
        &self.entries[self.offsets[row] as usize..self.offsets[row + 1] as usize]
    }
}
