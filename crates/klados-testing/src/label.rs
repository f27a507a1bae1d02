//! Labels: as plain data, and resolved against a hierarchy.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::hierarchy::{Hierarchy, Node};

/// A label as a user writes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LabelSpec {
    /// A node `crow`, a class alone `=dog`, a union `bat|bear`, a path `animal > bird > crow`, a set of which all hold
    /// `crow;bat` (`crow;` is that of one, `;` the empty one), or empty: ignored.
    Text(String),
    /// A class by its column.
    Class {
        /// The column.
        class: usize,
    },
    /// A distribution over the classes.
    Soft {
        /// One probability a class.
        soft: Vec<f64>,
    },
    /// A multi-label label with nodes of which nothing is known.
    Set {
        /// Nodes that hold, each as in a text.
        set: Vec<String>,
        /// Nodes without a term, each as in a text.
        masked: Vec<String>,
    },
}

impl From<&str> for LabelSpec {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

/// A label of one sample.
#[derive(Clone, Debug, PartialEq)]
pub enum Label {
    /// The sample takes no part.
    Ignored,
    /// One node, or a union of nodes. A class alone is the node that carries it.
    Nodes(Vec<Node>),
    /// A distribution over the classes.
    Soft(Vec<f64>),
    /// A multi-label label.
    Multi {
        /// Nodes that hold, without the root; their ancestors do too, nothing else does.
        nodes: Vec<Node>,
        /// Nodes without a term.
        masked: Vec<Node>,
    },
}

impl Label {
    /// Resolves a label.
    ///
    /// # Errors
    ///
    /// An unknown name, or a distribution of the wrong length or sum.
    pub fn resolve(spec: &LabelSpec, hierarchy: &Hierarchy) -> Result<Self, String> {
        let classes = hierarchy.classes().len();
        match spec {
            LabelSpec::Text(text) => Self::parse(text, hierarchy),
            &LabelSpec::Class { class } if class < classes => Ok(Self::Nodes(vec![hierarchy.class_node(class)])),
            LabelSpec::Class { class } => Err(format!("class {class} of {classes}")),
            LabelSpec::Soft { soft } => {
                let sum: f64 = soft.iter().sum();
                if soft.len() != classes || soft.iter().any(|&q| q.is_nan() || q < 0.0) || (sum - 1.0).abs() > 1e-6 {
                    return Err(format!("{soft:?} is no distribution over {classes} classes"));
                }
                Ok(Self::Soft(soft.clone()))
            }
            LabelSpec::Set { set, masked } => Self::multi(set, masked, hierarchy),
        }
    }

    fn parse(text: &str, hierarchy: &Hierarchy) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::Ignored);
        }
        // A whole string that is a node's name is that node before it is taken apart.
        if let Some(node) = hierarchy.node(text) {
            return Ok(Self::Nodes(vec![node]));
        }
        if text.contains(';') {
            let text = text.trim();
            let text = text.strip_suffix(';').unwrap_or(text);
            let parts = if text.is_empty() { Vec::new() } else { text.split(';').map(str::to_string).collect() };
            return Self::multi(&parts, &[], hierarchy);
        }
        let parts = text.split('|').map(|part| parse_one(part.trim(), hierarchy));
        let parts: BTreeSet<Node> = parts.collect::<Result<_, _>>()?;
        // What is below another named node adds nothing; a union that leaves one node is that node.
        let above = |&node: &Node| hierarchy.ancestors(node).iter().filter(|above| parts.contains(above)).count();
        Ok(Self::Nodes(parts.iter().copied().filter(|node| above(node) == 1).collect()))
    }

    fn multi(set: &[String], masked: &[String], hierarchy: &Hierarchy) -> Result<Self, String> {
        let resolve = |names: &[String]| -> Result<Vec<Node>, String> {
            let nodes: BTreeSet<Node> =
                names.iter().map(|name| parse_one(name.trim(), hierarchy)).collect::<Result<_, _>>()?;
            Ok(nodes.into_iter().filter(|&node| node != hierarchy.root()).collect())
        };
        Ok(Self::Multi { nodes: resolve(set)?, masked: resolve(masked)? })
    }

    /// The classes at or below the label's nodes, ascending; for a union that is `S`. A distribution has none, an
    /// ignored sample neither.
    pub fn classes(&self, hierarchy: &Hierarchy) -> Vec<usize> {
        let nodes: &[Node] = match self {
            Self::Nodes(nodes) | Self::Multi { nodes, .. } => nodes,
            Self::Ignored | Self::Soft(_) => &[],
        };
        let union: BTreeSet<usize> = nodes.iter().flat_map(|&node| hierarchy.classes_below(node)).collect();
        union.into_iter().collect()
    }
}

fn parse_one(text: &str, hierarchy: &Hierarchy) -> Result<Node, String> {
    if let Some(node) = hierarchy.node(text) {
        return Ok(node);
    }
    if let Some(name) = text.strip_prefix('=') {
        let class = hierarchy.classes().iter().position(|class| class == name);
        return class.map(|class| hierarchy.class_node(class)).ok_or_else(|| format!("no class {name:?}"));
    }
    // A path: each name is a child of the one before it.
    let steps: Vec<&str> = text.split(" > ").collect();
    let nodes: Option<Vec<Node>> = steps.iter().map(|name| hierarchy.node(name)).collect();
    let nodes = nodes.filter(|nodes| nodes.windows(2).all(|pair| hierarchy.children(pair[0]).contains(&pair[1])));
    nodes.and_then(|nodes| nodes.last().copied()).ok_or_else(|| format!("no node {text:?}"))
}
