//! Lists of lists of nodes in two flat arrays (compressed sparse rows).

use super::NodeId;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Csr {
    offsets: Vec<u32>,
    items: Vec<NodeId>,
}

impl Csr {
    /// Groups `(row, item)` pairs by row; within a row the items keep the order of the pairs.
    pub(crate) fn from_pairs(rows: usize, pairs: impl Iterator<Item = (u32, u32)> + Clone) -> Self {
        let mut offsets = vec![0u32; rows + 1];
        for (row, _) in pairs.clone() {
            offsets[row as usize + 1] += 1;
        }
        for row in 0..rows {
            offsets[row + 1] += offsets[row];
        }
        let mut next = offsets.clone();
        let mut items = vec![NodeId(0); offsets[rows] as usize];
        for (row, item) in pairs {
            items[next[row as usize] as usize] = NodeId(item);
            next[row as usize] += 1;
        }
        Self { offsets, items }
    }

    pub(crate) fn row(&self, row: usize) -> &[NodeId] {
        &self.items[self.offsets[row] as usize..self.offsets[row + 1] as usize]
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }
}
