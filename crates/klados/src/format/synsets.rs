//! Lists of synsets, as ImageNet's `n01440764`, a line a class: with the nouns of WordNet they are a hierarchy.

use std::collections::{HashMap, VecDeque};

use super::input::Input;
use super::lines::Lines;
use super::wordnet::{INSTANCE, NO_SYNSET, NOUNS, Synset, is_licence, is_offset, nouns_in};
use super::{Draft, ReadOptions};
use crate::{HierarchyError, HierarchyErrorKind as Kind};

/// Whether each line begins with the id of a noun, without a second one, which makes an edge, or the number of its parent.
pub(super) fn is_list(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
    lines.peek().is_some()
        && lines.all(|line| {
            let mut words = words(line);
            words.next().is_some_and(is_id)
                && words.next().is_none_or(|word| !is_id(word) && word.parse::<i64>().is_err())
        })
}

/// After the id there may be names, with a blank, a tab or a comma between.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split([' ', '\t', ',']).filter(|word| !word.is_empty())
}

fn is_id(word: &str) -> bool {
    word.strip_prefix('n').is_some_and(is_offset)
}

/// The synsets of the list, which are the classes in its order, and what is above them.
pub(super) fn read(input: &Input, options: &ReadOptions, draft: &mut Draft) -> Result<(), HierarchyError> {
    let nouns = nouns(input, options)?;
    let synsets = by_offset(&nouns, draft)?;
    draft.of_file(nouns.path());
    let mut relationships = options.relationships.clone();
    relationships.push(INSTANCE.to_owned()); // an instance that is listed is below what it is an instance of
    let mut open = VecDeque::new();
    let mut lines = Lines::new(input)?;
    while let Some((_, line)) = lines.next(draft) {
        let Some(id) = words(line.trim()).next() else { continue };
        let Some(synset) = id.get(1..).and_then(|offset| synsets.get(offset)) else {
            draft.problem(Kind::MissingNode, format!("\"{id}\" is no synset of this {NOUNS}; is it of WordNet 3.0?"));
            continue;
        };
        let is_new = draft.node_of_id(id).is_none();
        if let Some(node) = synset.declare(draft).filter(|_| is_new) {
            draft.set_class(node);
            open.push_back((node, synset));
        }
    }
    while let Some((child, synset)) = open.pop_front() {
        for id in synset.parents(&relationships) {
            let Some(parent) = synsets.get(&id[1..]) else {
                let message = format!("\"{id}\", which is above \"{}\", is not in {NOUNS}", draft.label(child));
                draft.problem(Kind::MissingNode, message);
                continue;
            };
            let known = draft.node_of_id(&id);
            if let Some(node) = known.or_else(|| parent.declare(draft)) {
                draft.add_edge(node, child);
                if known.is_none() {
                    open.push_back((node, parent));
                }
            }
        }
    }
    Ok(())
}

/// The nouns that are asked for, or those beside the list.
fn nouns(input: &Input, options: &ReadOptions) -> Result<Input, HierarchyError> {
    if let Some(path) = &options.wordnet {
        let given = Input::open(path, input.limits()).map_err(|error| error.in_file(path))?;
        return if given.is_folder() { nouns_in(&given).map_err(|error| error.in_file(path)) } else { Ok(given) };
    }
    input.beside(NOUNS)?.ok_or_else(|| {
        let message = format!(
            "a list of synsets needs WordNet's {NOUNS}: put it beside the list, or say where it is with --wordnet on the \
             command line, wordnet= in Python, ReadOptions::wordnet in Rust"
        );
        HierarchyError::new(Kind::Format, message)
    })
}

/// All synsets by their offset.
fn by_offset<'a>(nouns: &'a Input, draft: &mut Draft) -> Result<HashMap<&'a str, Synset<'a>>, HierarchyError> {
    let mut synsets = HashMap::new();
    let mut lines = Lines::new(nouns)?;
    while let Some((_, line)) = lines.next(draft) {
        match Synset::parse(line) {
            _ if is_licence(line) => {}
            Some(synset) => drop(synsets.insert(synset.offset(), synset)),
            None => draft.problem(Kind::Format, NO_SYNSET),
        }
    }
    Ok(synsets)
}
