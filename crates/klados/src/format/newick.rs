//! Newick, the trees of phylogenetics: `((crow,robin)bird,bat)animal;`.

use std::borrow::Cow;

use super::clades;
use super::guess::{Confidence, Head};
use super::input::Input;
use super::scanner::Scanner;
use super::{Draft, Limits, ReadOptions};
use crate::{HierarchyError, HierarchyErrorKind as Kind};

/// Endings of names of files that hold such trees.
const EXTENSIONS: [&str; 8] = ["nwk", "newick", "tre", "tree", "trees", "treefile", "nh", "nhx"];

/// A parenthesis first and a semicolon last.
pub(super) fn looks_like(head: &Head<'_>) -> Option<Confidence> {
    if Scanner::new(head.text()).peek().ok()? != Some(b'(') {
        return None;
    }
    if EXTENSIONS.contains(&head.extension().as_str()) {
        return Some(Confidence::Certain);
    }
    (!head.is_whole() || head.bytes().trim_ascii_end().ends_with(b";")).then_some(Confidence::Likely)
}

pub(super) fn read(input: &Input, _options: &ReadOptions, draft: &mut Draft) -> Result<(), HierarchyError> {
    let mut scanner = Scanner::new(input.text()?);
    let tree = Tree::read(&mut scanner, draft)?;
    clades::add(&tree, draft);
    let more = scanner.peek()?;
    draft.at_line(Some(scanner.line()));
    match more {
        None => {}
        Some(b'(') => draft.warn("another tree begins here; only the first is read"),
        Some(_) => draft.problem(Kind::Format, format!("\"{}\" after the end of the tree", scanner.next_char())),
    }
    Ok(())
}

/// What the text says, node by node, each after its parent, children in order.
pub(super) struct Tree<'a> {
    pub(super) nodes: Vec<Node<'a>>,
}

pub(super) struct Node<'a> {
    pub(super) parent: Option<u32>,
    pub(super) children: u32,
    /// Empty where there is none.
    pub(super) name: Cow<'a, str>,
    pub(super) line: u64,
}

impl<'a> Tree<'a> {
    /// Reads up to the `;`. Branch lengths that are no numbers are problems of the draft.
    ///
    /// # Errors
    ///
    /// Parentheses that do not match, and what stands where nothing can; more nodes than the limit.
    pub(super) fn read(scanner: &mut Scanner<'a>, draft: &mut Draft) -> Result<Self, HierarchyError> {
        let mut tree = Self { nodes: Vec::new() };
        // The innermost node whose parenthesis is open.
        let mut open: Option<u32> = None;
        loop {
            let is_inner = scanner.take(b'(')?;
            let mut node = tree.add(open, scanner.line(), draft)?;
            if is_inner {
                open = Some(node);
                continue;
            }
            loop {
                tree.nodes[node as usize].name = scanner.name()?;
                if scanner.take(b':')? {
                    branch_length(scanner, draft)?;
                }
                match open {
                    Some(_) if scanner.take(b',')? => break,
                    Some(parent) if scanner.take(b')')? => {
                        node = parent;
                        open = tree.nodes[parent as usize].parent;
                    }
                    None if scanner.take(b';')? => return Ok(tree),
                    _ => return tree.end(open, scanner, draft),
                }
            }
        }
    }

    fn add(&mut self, parent: Option<u32>, line: u64, draft: &Draft) -> Result<u32, HierarchyError> {
        let limit = draft.limits().nodes.min(u32::MAX as usize);
        if self.nodes.len() >= limit {
            return Err(Limits::exceeded(limit, "nodes").at_line(Some(line)));
        }
        if let Some(parent) = parent {
            self.nodes[parent as usize].children += 1;
        }
        self.nodes.push(Node { parent, children: 0, name: Cow::Borrowed(""), line });
        Ok(self.nodes.len() as u32 - 1)
    }

    /// After a node where neither `,` nor `)` nor `;` is in its place: a tree that lacks its `;`, or an error.
    fn end(self, open: Option<u32>, scanner: &mut Scanner<'a>, draft: &mut Draft) -> Result<Self, HierarchyError> {
        let opened = open.map(|node| self.nodes[node as usize].line);
        let next = scanner.peek()?.map(|_| scanner.next_char());
        Err(match (next, opened) {
            (None, None) => {
                draft.at_line(Some(scanner.line())).warn("the tree ends without \";\"");
                return Ok(self);
            }
            (None, Some(line)) => scanner.error(format!("the text ends before the \")\" to the \"(\" in line {line}")),
            (Some(';'), Some(line)) => scanner.error(format!("\";\" before the \")\" to the \"(\" in line {line}")),
            (Some(next @ (')' | ',')), None) => scanner.error(format!("\"{next}\" outside of all parentheses")),
            (Some(next), _) => scanner
                .error(format!("\"{next}\" after a node; expected \",\", \")\" or \";\", or quotes around a name")),
        })
    }
}

/// They say nothing about which node is above which.
fn branch_length(scanner: &mut Scanner<'_>, draft: &mut Draft) -> Result<(), HierarchyError> {
    let length = scanner.name()?;
    if length.parse::<f64>().is_err() {
        draft.at_line(Some(scanner.line()));
        draft.problem(Kind::Format, format!("the branch length \"{length}\" is no number"));
    }
    Ok(())
}
