//! A tree, and sums along its paths: from what each node has given its parent to what it has in all, and back.

/// The indices of a tree; nodes come after their parents.
#[derive(Debug)]
pub(crate) struct Tree {
    /// By node; the root's is itself.
    pub(crate) parent: Vec<u32>,
    /// Into `children`, by node.
    pub(crate) offsets: Vec<u32>,
    pub(crate) children: Vec<u32>,
}

impl Tree {
    pub(crate) fn children(&self, node: usize) -> &[u32] {
        &self.children[self.offsets[node] as usize..self.offsets[node + 1] as usize]
    }
}

/// By node of a tree in depth-first order: the first after it that is not below it.
pub(crate) fn ends(parent: &[u32]) -> Vec<u32> {
    let mut end: Vec<u32> = (1..=parent.len() as u32).collect();
    for node in (1..parent.len()).rev() {
        let parent = parent[node] as usize;
        end[parent] = end[parent].max(end[node]);
    }
    end
}

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
