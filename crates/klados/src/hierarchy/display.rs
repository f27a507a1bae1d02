//! A hierarchy as an indented tree.

use std::fmt;

use super::{Hierarchy, NodeId};

/// One node a line, indented by two spaces a level, without an added root. A node of a DAG with several parents is
/// printed whole below the first; below the others it is marked `(above)` where it has children.
impl fmt::Display for Hierarchy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let top: Vec<NodeId> =
            if self.root_is_added() { self.children(NodeId::ROOT).to_vec() } else { vec![NodeId::ROOT] };
        let mut printed = vec![false; self.node_count()];
        let mut stack: Vec<(NodeId, usize)> = top.into_iter().rev().map(|node| (node, 0)).collect();
        while let Some((node, indent)) = stack.pop() {
            let again = std::mem::replace(&mut printed[node.index()], true) && !self.children(node).is_empty();
            let mark = if again { " (above)" } else { "" };
            // In parts, as a width is limited to 65,535.
            for _ in 0..indent / 100 {
                write!(f, "{:200}", "")?;
            }
            writeln!(f, "{:width$}{}{mark}", "", self.name(node), width = 2 * (indent % 100))?;
            if !again {
                stack.extend(self.children(node).iter().rev().map(|&child| (child, indent + 1)));
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Hierarchy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hierarchy")
            .field("nodes", &self.node_count())
            .field("classes", &self.class_count())
            .field("height", &self.height(NodeId::ROOT))
            .field("is_tree", &self.is_tree())
            .finish_non_exhaustive()
    }
}
