//! Arrays that a thread reuses from row to row.

/// Takes arrays out and gets them back, so that what a row takes from it is allocated once.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    floats: Vec<Vec<f64>>,
    indices: Vec<Vec<u32>>,
}

impl Pool {
    /// `length` times `value`.
    pub(crate) fn floats(&mut self, length: usize, value: f64) -> Vec<f64> {
        let mut array = self.floats.pop().unwrap_or_default();
        array.clear();
        array.resize(length, value);
        array
    }

    /// Puts an array back.
    pub(crate) fn keep(&mut self, array: Vec<f64>) {
        self.floats.push(array);
    }

    /// `length` times `value`.
    pub(crate) fn indices(&mut self, length: usize, value: u32) -> Vec<u32> {
        let mut array = self.indices.pop().unwrap_or_default();
        array.clear();
        array.resize(length, value);
        array
    }

    /// Puts an array back.
    pub(crate) fn keep_indices(&mut self, array: Vec<u32>) {
        self.indices.push(array);
    }
}
