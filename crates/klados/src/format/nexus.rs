//! NEXUS: blocks of commands, one of them with trees in Newick.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::guess::{Confidence, Head};
use super::input::Input;
use super::newick::Tree;
use super::scanner::Scanner;
use super::{Draft, ReadOptions, clades};
use crate::{HierarchyError, HierarchyErrorKind as Kind};

const FIRST: &str = "#NEXUS";

pub(super) fn looks_like(head: &Head<'_>) -> Option<Confidence> {
    after_first(head.text()).map(|_| Confidence::Certain)
}

fn after_first(text: &str) -> Option<usize> {
    let start = text.len() - text.trim_start().len();
    let first = text.get(start..start + FIRST.len())?;
    first.eq_ignore_ascii_case(FIRST).then_some(start + FIRST.len())
}

pub(super) fn read(input: &Input, _options: &ReadOptions, draft: &mut Draft) -> Result<(), HierarchyError> {
    let mut scanner = Scanner::new(input.text()?);
    if !scanner.word()?.eq_ignore_ascii_case(FIRST) {
        return Err(scanner.error(format!("the text does not begin with \"{FIRST}\"")));
    }
    let mut file = File::default();
    while scanner.peek()?.is_some() {
        file.command(&mut scanner, draft)?;
    }
    if file.trees > 1 {
        let line = file.tree.as_ref().and_then(|tree| tree.nodes.first()).map_or(0, |root| root.line);
        draft.warn(format!("the file has {} trees; the one in line {line} is read", file.trees));
    }
    let Some(tree) = &mut file.tree else {
        return Err(HierarchyError::new(Kind::Empty, "the file has no tree; expected a TREES block with one"));
    };
    for node in &mut tree.nodes {
        if let Some(name) = file.names.of(&node.name) {
            node.name = name;
        }
    }
    clades::add(tree, draft);
    Ok(())
}

/// What has been read.
#[derive(Default)]
struct File<'a> {
    /// The block that is open, in lower case.
    block: String,
    names: Names<'a>,
    tree: Option<Tree<'a>>,
    trees: usize,
}

impl<'a> File<'a> {
    fn command(&mut self, scanner: &mut Scanner<'a>, draft: &mut Draft) -> Result<(), HierarchyError> {
        let command = scanner.word()?.to_ascii_lowercase();
        match (self.block.as_str(), command.as_str()) {
            (_, "begin") => self.block = scanner.word()?.to_ascii_lowercase(),
            (_, "end" | "endblock") => self.block.clear(),
            ("taxa", "taxlabels") => self.names.labels(scanner)?,
            ("trees", "translate") => self.names.translate(scanner)?,
            ("trees", "tree" | "utree") => {
                self.trees += 1;
                // The star is that of the tree to take.
                if scanner.take(b'*')? || self.tree.is_none() {
                    scanner.word()?;
                    if !scanner.take(b'=')? {
                        return Err(scanner.error("a tree without \"=\"; expected TREE name = (a,b);"));
                    }
                    self.tree = Some(Tree::read(scanner, draft)?);
                    return Ok(());
                }
            }
            _ => {}
        }
        scanner.skip_command()
    }
}

/// What the names in trees stand for.
#[derive(Default)]
struct Names<'a> {
    translated: HashMap<Cow<'a, str>, Cow<'a, str>>,
    labels: Vec<Cow<'a, str>>,
    known: HashSet<Cow<'a, str>>,
}

impl<'a> Names<'a> {
    /// The name as TRANSLATE has it, else of a number that is no name the taxon of that number.
    fn of(&self, name: &str) -> Option<Cow<'a, str>> {
        let by_number = || {
            let number = name.parse::<usize>().ok().filter(|_| !self.known.contains(name))?;
            self.labels.get(number.checked_sub(1)?)
        };
        self.translated.get(name).or_else(by_number).cloned()
    }

    /// `TAXLABELS crow robin;`
    fn labels(&mut self, scanner: &mut Scanner<'a>) -> Result<(), HierarchyError> {
        loop {
            let label = scanner.word()?;
            if label.is_empty() {
                return Ok(());
            }
            self.known.insert(label.clone());
            self.labels.push(label);
        }
    }

    /// `TRANSLATE 1 crow, 2 robin;`
    fn translate(&mut self, scanner: &mut Scanner<'a>) -> Result<(), HierarchyError> {
        while scanner.peek()? != Some(b';') {
            let (key, name) = (scanner.word()?, scanner.word()?);
            if key.is_empty() || name.is_empty() {
                return Err(
                    scanner.error(format!("\"{key}\" and \"{name}\" in TRANSLATE; expected a key and its name"))
                );
            }
            self.translated.insert(key, name);
            if !scanner.take(b',')? && scanner.peek()? != Some(b';') {
                let next = scanner.next_char();
                return Err(scanner.error(format!("\"{next}\" in TRANSLATE; expected \",\" or \";\"")));
            }
        }
        Ok(())
    }
}
