//! The categories of data sets in the format of COCO, and of iNaturalist's with a key a rank.

use std::borrow::Cow;
use std::collections::HashMap;

use super::guess::{Confidence, Head};
use super::input::Input;
use super::json::{Event, Json, expected};
use super::json_kind::kind;
use super::{Draft, Format, ReadOptions};
use crate::hierarchy::error::list;
use crate::{HierarchyError, HierarchyErrorKind as Kind};

/// The keys that are ranks, from the top. Below them is the category, a species.
const RANKS: [&str; 6] = ["kingdom", "phylum", "class", "order", "family", "genus"];
const SPECIES: &str = "species";

pub(super) fn looks_like(head: &Head<'_>) -> Option<Confidence> {
    (kind(head) == Some(Format::Categories)).then_some(Confidence::Certain)
}

pub(super) fn read(input: &Input, _options: &ReadOptions, draft: &mut Draft) -> Result<(), HierarchyError> {
    let mut json = Json::new(input.text()?, input.limits());
    let mut categories = Vec::new();
    match json.next()? {
        Event::StartArray => read_list(&mut json, &mut categories, draft)?,
        Event::StartObject => {
            while let Some(key) = json.key()? {
                if key != "categories" {
                    json.skip_value()?;
                } else if json.list(&key, draft)? {
                    read_list(&mut json, &mut categories, draft)?;
                }
            }
        }
        other => return Err(expected("the text", "a list of categories", &other).at_line(Some(json.line()))),
    }
    json.next()?; // nothing follows
    sort_by_id(&mut categories);
    if categories.iter().any(Category::has_ranks) {
        add_by_ranks(&categories, draft);
    } else {
        add_by_supercategory(&categories, draft);
    }
    Ok(())
}

#[derive(Default)]
struct Category<'a> {
    line: u64,
    id: Option<Cow<'a, str>>,
    name: Cow<'a, str>,
    supercategory: Option<Cow<'a, str>>,
    ranks: [Option<Cow<'a, str>>; RANKS.len()],
    synonyms: Vec<Cow<'a, str>>,
}

/// Whether a key means nothing but a rank.
pub(super) fn is_rank(key: &str) -> bool {
    RANKS.contains(&key) && !matches!(key, "class" | "order")
}

impl Category<'_> {
    fn has_ranks(&self) -> bool {
        RANKS.iter().zip(&self.ranks).any(|(rank, name)| is_rank(rank) && name.is_some())
    }
}

/// Reads the categories of the list that is open.
fn read_list<'a>(
    json: &mut Json<'a>,
    categories: &mut Vec<Category<'a>>,
    draft: &mut Draft,
) -> Result<(), HierarchyError> {
    while json.object("a category", draft)? {
        let mut category = Category { line: json.line(), ..Category::default() };
        while let Some(key) = json.key()? {
            match &*key {
                "id" => category.id = json.text("the id", draft)?,
                "name" => category.name = json.text("the name", draft)?.unwrap_or_default(),
                "supercategory" => category.supercategory = json.text("the supercategory", draft)?,
                "common_name" => category.synonyms.extend(json.text("the common name", draft)?),
                "synonyms" => {
                    let synonyms = json.texts("a synonym", draft)?.into_iter().map(|(synonym, _)| synonym);
                    category.synonyms.extend(synonyms);
                }
                key => match RANKS.iter().position(|rank| *rank == key) {
                    Some(rank) => category.ranks[rank] = json.text(key, draft)?.filter(|name| !name.trim().is_empty()),
                    None => json.skip_value()?,
                },
            }
        }
        if category.name.trim().is_empty() {
            draft.at_line(Some(category.line)).problem(Kind::EmptyName, "a category without \"name\"");
        } else {
            categories.push(category);
        }
    }
    Ok(())
}

/// Models number their classes so, whatever the order of the file. Ids that are no numbers leave the order as it is.
fn sort_by_id(categories: &mut [Category<'_>]) {
    let number = |category: &Category<'_>| category.id.as_deref().and_then(|id| id.trim().parse::<u64>().ok());
    if categories.iter().all(|category| number(category).is_some()) {
        categories.sort_by_key(number);
    }
}

fn add_by_ranks(categories: &[Category<'_>], draft: &mut Draft) {
    draft.set_rank_names(RANKS.iter().chain([&SPECIES]).copied());
    for category in categories {
        let above = category.ranks.iter().enumerate();
        let above = above.filter_map(|(rank, name)| Some((name.as_deref()?, Some(rank))));
        let known = draft.node_count();
        draft.at_line(Some(category.line));
        let Some(node) = draft.add_path(above.chain([(&*category.name, Some(RANKS.len()))])) else { continue };
        if node < known {
            let message = format!("the category \"{}\" is there already", category.name);
            draft.problem(Kind::DuplicateNode, message);
            continue;
        }
        if let Some(id) = &category.id {
            draft.set_id(node, id);
        }
        add_synonyms(category, node, draft);
    }
}

fn add_by_supercategory(categories: &[Category<'_>], draft: &mut Draft) {
    // Categories first: their order is that of the classes.
    let mut by_name: HashMap<&str, usize> = HashMap::new();
    let mut nodes = Vec::with_capacity(categories.len());
    for category in categories {
        draft.at_line(Some(category.line));
        let known = draft.node_count();
        let node = match &category.id {
            Some(id) => draft.declare(id, &category.name),
            None => draft.by_name(&category.name),
        };
        if category.id.is_none() && node.is_some_and(|node| node < known) {
            draft.problem(Kind::DuplicateNode, format!("the category \"{}\" is there already", category.name.trim()));
        }
        if let Some(node) = node {
            by_name.entry(category.name.trim()).or_insert(node);
            add_synonyms(category, node, draft);
        }
        nodes.push(node);
    }
    let mut has_others_below = vec![false; draft.node_count()];
    for (category, node) in categories.iter().zip(nodes) {
        let (Some(node), Some(above)) = (node, category.supercategory.as_deref().map(str::trim)) else { continue };
        // What is its own supercategory, as COCO's person, has none.
        if above.is_empty() || above.eq_ignore_ascii_case("none") || above == category.name.trim() {
            continue;
        }
        draft.at_line(Some(category.line));
        let parent = by_name.get(above).copied().or_else(|| draft.by_name(above));
        let Some(parent) = parent else { continue };
        if let Some(category) = has_others_below.get_mut(parent) {
            *category = true;
        }
        draft.add_edge(parent, node);
    }
    let internal: Vec<usize> = (0..has_others_below.len()).filter(|&node| has_others_below[node]).collect();
    if !internal.is_empty() {
        let message = format!(
            "{} categories are the supercategory of others, and no classes: {}",
            internal.len(),
            list(internal.iter().map(|&node| draft.name(node)), 5)
        );
        draft.at_line(None).warn(message);
    }
}

fn add_synonyms(category: &Category<'_>, node: usize, draft: &mut Draft) {
    for synonym in category.synonyms.iter().filter(|synonym| !synonym.trim().is_empty()) {
        draft.add_synonym(node, synonym);
    }
}
