//! The labels of SpeciesNet: seven parts a line, an id, five ranks and a common name.

use super::guess::{Confidence, Head};
use super::input::Input;
use super::lines::Lines;
use super::{Draft, ReadOptions};
use crate::{HierarchyError, HierarchyErrorKind as Kind};

/// From the top. The kingdom has no part of its own: it is the line of `animal`, without any of the others.
const RANKS: [&str; 6] = ["kingdom", "class", "order", "family", "genus", "species"];

pub(super) fn looks_like(head: &Head<'_>) -> Option<Confidence> {
    let mut first = head.text().lines().filter(|line| !line.trim().is_empty()).take(2).peekable();
    first.peek()?;
    first.all(|line| Label::of(line).is_some_and(|label| is_uuid(label.id))).then_some(Confidence::Certain)
}

pub(super) fn read(input: &Input, _options: &ReadOptions, draft: &mut Draft) -> Result<(), HierarchyError> {
    draft.set_rank_names(RANKS);
    let mut lines = Lines::new(input)?;
    let (mut kingdom, mut classes) = (None, Vec::new());
    while let Some((_, line)) = lines.next(draft) {
        if line.trim().is_empty() {
            continue;
        }
        let Some(label) = Label::of(line) else {
            let parts = line.split(';').count();
            let message = format!("{parts} parts; expected 7: id;class;order;family;genus;species;common name");
            draft.problem(Kind::Format, message);
            continue;
        };
        let known = draft.node_count();
        let path = label.path();
        let Some(node) = draft.add_path(path.iter().map(|(name, rank)| (name.as_str(), *rank))) else { continue };
        if label.is_animal() {
            kingdom = Some(node);
        } else if label.has_taxon() {
            classes.extend(draft.add_below(None, &path[0].0).filter(|&class| class >= known));
        }
        label.describe(node, draft);
    }
    // In `animal` is all that lives; `blank` and `vehicle` are beside it.
    if let Some(kingdom) = kingdom {
        for class in classes {
            draft.at_line(draft.line(class)).add_edge(kingdom, class);
        }
        draft.at_line(None);
    }
    Ok(())
}

struct Label<'a> {
    id: &'a str,
    /// From class to species, empty where there is none.
    ranks: [&'a str; 5],
    common_name: &'a str,
}

impl<'a> Label<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let mut parts = line.split(';').map(str::trim);
        let id = parts.next()?;
        let mut ranks = [""; 5];
        for rank in &mut ranks {
            *rank = parts.next()?;
        }
        let common_name = parts.next()?;
        parts.next().is_none().then_some(Self { id, ranks, common_name })
    }

    /// Whether it is a label of something that lives: `blank` has no ranks, and `no cv result` is each of them.
    fn has_taxon(&self) -> bool {
        !self.ranks.iter().all(|rank| rank.is_empty() || *rank == self.common_name)
    }

    fn is_animal(&self) -> bool {
        !self.has_taxon() && self.common_name == "animal"
    }

    /// The names from the top, with their rank. The species has the name of its genus before its own.
    fn path(&self) -> Vec<(String, Option<usize>)> {
        if !self.has_taxon() {
            return vec![(self.common_name.to_owned(), self.is_animal().then_some(0))];
        }
        let [_, _, _, genus, species] = self.ranks;
        let mut path: Vec<_> =
            self.ranks.iter().enumerate().map(|(rank, name)| ((*name).to_owned(), Some(rank + 1))).collect();
        if !genus.is_empty() && !species.is_empty() {
            path[4].0 = format!("{genus} {species}");
        }
        path.retain(|(name, _)| !name.is_empty());
        path
    }

    /// Gives its node the id and the common name.
    fn describe(&self, node: usize, draft: &mut Draft) {
        match draft.id(node) {
            Some(id) if id != self.id => {
                let message = format!("\"{}\" has a second id here, \"{}\"", draft.label(node), self.id);
                draft.warn(message);
                draft.add_alternative_id(node, self.id);
            }
            _ => draft.set_id(node, self.id),
        }
        if !self.common_name.is_empty() && self.common_name != draft.name(node) {
            draft.add_synonym(node, self.common_name);
        }
    }
}

/// Whether a text is 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12.
fn is_uuid(text: &str) -> bool {
    let groups =
        text.split('-').map(|group| Some(group.len()).filter(|_| group.bytes().all(|byte| byte.is_ascii_hexdigit())));
    groups.eq([8, 4, 4, 4, 12].map(Some))
}
