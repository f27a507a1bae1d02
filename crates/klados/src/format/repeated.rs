//! Lines whose path an earlier line has.

use std::collections::HashMap;

use super::Draft;

/// So many are named each.
const NAMED: usize = 20;

/// The nodes at the ends of the paths so far, with their lines.
#[derive(Default)]
pub(super) struct Repeated {
    first: HashMap<usize, Option<u64>>,
    count: usize,
}

impl Repeated {
    /// Sees the node at the end of the path in the draft's current line.
    pub(super) fn see(&mut self, draft: &mut Draft, node: usize) {
        let line = draft.current_line();
        let first = *self.first.entry(node).or_insert(line);
        if first == line {
            return;
        }
        self.count += 1;
        if self.count <= NAMED {
            let place = first.map(|first| format!(", in line {first},")).unwrap_or_default();
            draft.warn(format!("\"{}\" is there already{place} and counts once", draft.label(node)));
        }
    }

    /// Says how many more there are, at the end.
    pub(super) fn tell(&self, draft: &mut Draft) {
        if let more @ 1.. = self.count.saturating_sub(NAMED) {
            draft.at_line(None).warn(format!("{more} more lines are there already and count once"));
        }
    }
}
