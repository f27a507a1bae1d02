//! NCBI's taxonomy: `nodes.dmp`, with `names.dmp` and `merged.dmp` beside it.

use super::guess::{Confidence, Head};
use super::input::Input;
use super::lines::Lines;
use super::{Draft, ReadOptions};
use crate::{HierarchyError, HierarchyErrorKind as Kind};

const NODES: &str = "nodes.dmp";
const NAMES: &str = "names.dmp";
const MERGED: &str = "merged.dmp";

/// The ranks of NCBI, from the top. `clade` and `no rank` are none: they stand anywhere, and often below each other.
const RANKS: [&str; 49] = [
    "acellular root",
    "cellular root",
    "domain",
    "superkingdom",
    "realm",
    "kingdom",
    "subkingdom",
    "superphylum",
    "phylum",
    "subphylum",
    "infraphylum",
    "superclass",
    "class",
    "subclass",
    "infraclass",
    "cohort",
    "subcohort",
    "superorder",
    "order",
    "suborder",
    "infraorder",
    "parvorder",
    "superfamily",
    "family",
    "subfamily",
    "tribe",
    "subtribe",
    "genus",
    "subgenus",
    "section",
    "subsection",
    "series",
    "subseries",
    "species group",
    "species subgroup",
    "species",
    "forma specialis",
    "subspecies",
    "varietas",
    "subvariety",
    "forma",
    "pathogroup",
    "serogroup",
    "biotype",
    "genotype",
    "serotype",
    "morph",
    "strain",
    "isolate",
];
const NO_RANKS: [&str; 2] = ["clade", "no rank"];

/// Kinds of names that are other names of the same taxon. The others are authors, specimens, and taxa that it was split
/// from or that are now part of it.
const SYNONYMS: [&str; 7] = [
    "synonym",
    "equivalent name",
    "common name",
    "genbank common name",
    "genbank synonym",
    "acronym",
    "genbank acronym",
];

/// Kinds of names, of which the others end in "name".
const OTHER_KINDS: [&str; 7] =
    ["synonym", "authority", "type material", "includes", "in-part", "acronym", "genbank acronym"];

/// A folder with the file, or a line of it: numbers of a node and its parent, and a rank.
pub(super) fn looks_like(head: &Head<'_>) -> Option<Confidence> {
    let is_so = match head.folder() {
        Some(folder) => folder.join(NODES).is_file(),
        None => {
            let line = head.text().lines().find(|line| !line.trim().is_empty())?;
            let is_number = |field: &str| !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_digit());
            matches!(fields(line), [Some(id), Some(parent), Some(_), _] if is_number(id) && is_number(parent))
        }
    };
    is_so.then_some(Confidence::Certain)
}

/// Whether the first line is one of `names.dmp`: a number, two names, and the kind of the first.
pub(super) fn are_names(head: &Head<'_>) -> bool {
    let is_number = |field: &str| !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_digit());
    let line = head.text().lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    matches!(fields(line), [Some(id), Some(name), Some(_), Some(kind)]
        if is_number(id) && !is_number(name) && (kind.ends_with("name") || OTHER_KINDS.contains(&kind)))
}

pub(super) fn read(input: &Input, _options: &ReadOptions, draft: &mut Draft) -> Result<(), HierarchyError> {
    let inner;
    let nodes = if input.is_folder() {
        inner = input
            .beside(NODES)?
            .ok_or_else(|| HierarchyError::new(Kind::Io, format!("there is no {NODES} in this folder")))?;
        &inner
    } else {
        input
    };
    each(nodes, read_nodes, draft)?;
    draft.set_file(nodes.path());
    match input.beside(NAMES)? {
        Some(names) => each(&names, read_names, draft)?,
        None => draft.warn(format!("there is no {NAMES} beside {NODES}: the ids are the names")),
    }
    if let Some(merged) = input.beside(MERGED)? {
        each(&merged, read_merged, draft)?;
    }
    Ok(())
}

/// Reads one of the files, which is that of its problems.
fn each(
    file: &Input,
    read: fn(&Input, &mut Draft) -> Result<(), HierarchyError>,
    draft: &mut Draft,
) -> Result<(), HierarchyError> {
    let result = read(file, draft);
    draft.of_file(file.path());
    result.map_err(|error| match file.path() {
        Some(path) => error.in_file(path),
        None => error,
    })
}

/// `id | parent | rank | ...`; the root is its own parent.
fn read_nodes(input: &Input, draft: &mut Draft) -> Result<(), HierarchyError> {
    let mut lines = Lines::new(input)?;
    let mut ranks: Vec<(usize, &str)> = Vec::new();
    draft.expect_declarations();
    while let Some((_, line)) = lines.next(draft) {
        let [Some(id), Some(parent), Some(rank), _] = fields(line) else {
            problem(line, "a node, its parent and a rank", draft);
            continue;
        };
        let Some(node) = draft.declare(id, "") else { continue };
        if parent == id {
            draft.set_root(node);
        } else if let Some(parent) = draft.by_id(parent) {
            draft.add_edge(parent, node);
        }
        if !rank.is_empty() && !NO_RANKS.contains(&rank) {
            ranks.push((node, rank));
        }
    }
    // Ranks that nothing has would be levels without nodes.
    let mut used = [false; RANKS.len()];
    for place in ranks.iter().filter_map(|(_, rank)| RANKS.iter().position(|known| known == rank)) {
        used[place] = true;
    }
    draft.set_rank_names(RANKS.iter().zip(used).filter(|(_, used)| *used).map(|(rank, _)| *rank));
    for (node, rank) in ranks {
        draft.set_rank(node, rank);
    }
    Ok(())
}

/// `id | name | unique name | kind of name`.
fn read_names(input: &Input, draft: &mut Draft) -> Result<(), HierarchyError> {
    let mut lines = Lines::new(input)?;
    let mut unknown = 0;
    while let Some((_, line)) = lines.next(draft) {
        let [Some(id), Some(name), Some(_), Some(kind)] = fields(line) else {
            problem(line, "a node, a name, a unique name and the kind of the name", draft);
            continue;
        };
        match draft.node_of_id(id) {
            Some(node) if kind == "scientific name" => draft.set_name(node, name),
            Some(node) if SYNONYMS.contains(&kind) => draft.add_synonym(node, name),
            Some(_) => {}
            None => unknown += 1,
        }
    }
    if unknown > 0 {
        draft.warn(format!("{unknown} names are of nodes that are not in {NODES}"));
    }
    Ok(())
}

/// `old id | new id`.
fn read_merged(input: &Input, draft: &mut Draft) -> Result<(), HierarchyError> {
    let mut lines = Lines::new(input)?;
    while let Some((_, line)) = lines.next(draft) {
        let [Some(old), Some(new), _, _] = fields(line) else {
            problem(line, "an old and a new id", draft);
            continue;
        };
        // A part of the taxonomy has but a part of these.
        if let Some(node) = draft.node_of_id(new) {
            draft.add_alternative_id(node, old);
        }
    }
    Ok(())
}

/// The first fields, those between `\t|\t`, without the `\t|` at the end of the line.
fn fields(line: &str) -> [Option<&str>; 4] {
    let mut fields = line.trim_end().strip_suffix("\t|").unwrap_or(line).split("\t|\t").map(str::trim);
    std::array::from_fn(|_| fields.next())
}

fn problem(line: &str, expected: &str, draft: &mut Draft) {
    if !line.trim().is_empty() {
        let count = fields(line).iter().flatten().count();
        let message = format!("the line has {count} fields; expected {expected}, with a tab, \"|\" and a tab between");
        draft.problem(Kind::Format, message);
    }
}
