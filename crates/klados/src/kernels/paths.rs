//! Sums along the paths of a tree: from what each node has given its parent to what it has in all, and back.

/// Adds to each node what its parent has. Nodes come after their parents.
pub(crate) fn accumulate(parent: &[u32], values: &mut [f64]) {
    for node in 1..values.len() {
        values[node] += values[parent[node] as usize];
    }
}

/// Adds to each node what its children have; the transpose of [`accumulate`].
pub(crate) fn gather(parent: &[u32], values: &mut [f64]) {
    for node in (1..values.len()).rev() {
        values[parent[node] as usize] += values[node];
    }
}
