//! Names of what a list of edges has by number: `classes.txt` beside it, as NABirds has it.

use std::collections::HashMap;

use super::Draft;
use super::input::Input;
use super::table::Table;
use crate::HierarchyError;

const FILE: &str = "classes.txt";

/// Names by id. Each line of the file has an id, a space and a name that may hold spaces.
pub(super) struct ClassNames(HashMap<Box<str>, Box<str>>);

impl ClassNames {
    /// The file beside a list of pairs with spaces between, where it has both nodes of the first.
    pub(super) fn beside(input: &Input, table: &Table<'_>) -> Result<Option<Self>, HierarchyError> {
        let Some(pair) = table.peek().next().filter(|_| table.is_spaced()) else { return Ok(None) };
        let Some(file) = input.beside(FILE)? else { return Ok(None) };
        let text = file.text().map_err(|error| match file.path() {
            Some(path) => error.in_file(path),
            None => error,
        })?;
        let lines = text.lines().filter_map(|line| line.trim().split_once(char::is_whitespace));
        let names: HashMap<_, _> = lines.map(|(id, name)| (id.into(), name.trim_start().into())).collect();
        Ok(pair.iter().all(|id| names.contains_key(id)).then_some(Self(names)))
    }

    /// Names the nodes that it has the ids of.
    pub(super) fn give(&self, draft: &mut Draft) {
        for node in 0..draft.node_count() {
            if let Some(name) = draft.id(node).and_then(|id| self.0.get(id)) {
                draft.set_name(node, name);
            }
        }
    }
}
