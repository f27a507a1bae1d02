//! The weights of the nodes in a marginal cross-entropy.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::options::not_negative;
use crate::criterion::{CriterionError, CriterionErrorKind};
use crate::{Hierarchy, Level, NodeId};

/// The weight `w_u` of each node in [`MarginalCrossEntropy`](super::MarginalCrossEntropy).
///
/// Under `Balanced`, `Lazy`, `Greedy` and `Power` the weights on every path from the root to a class sum to the total;
/// they are defined on trees (Urbani et al. 2024).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Weights {
    /// 1 each: a term a level, the sum of the losses at every level.
    #[default]
    Uniform,
    /// 1 on the classes, 0 above: plain cross-entropy, and marginal likelihood for coarse labels.
    Leaves,
    /// `Power` with `q = 1` and total 1.
    Balanced,
    /// `1 / H` on each internal node of a path, the rest on the class.
    Lazy,
    /// As much as possible as early as possible: a node with `R` left takes `R - height / H`.
    Greedy,
    /// A node `u` takes `R / (1 + q + ... + q^height(u))` of the `R` that is left on its path, a class all of it.
    Power {
        /// The ratio; below 1 favours the top, above 1 the classes.
        q: f64,
        /// The sum of the weights on every path.
        #[serde(default = "one")]
        total: f64,
    },
    /// A number a level.
    Levels(LevelWeights),
}

/// The weights of [`Weights::Levels`]; a level that is not named has weight 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LevelWeights {
    /// By depth from the top: the first is for depth 1.
    Depths(Vec<f64>),
    /// By the name of the rank.
    Ranks(BTreeMap<String, f64>),
}

fn one() -> f64 {
    1.0
}

impl Weights {
    /// By depth from the top.
    ///
    /// ```
    /// use klados::loss::Weights;
    ///
    /// let superclass_only = Weights::depths([1.0, 0.0]);
    /// assert_eq!(serde_json::to_string(&superclass_only)?, r#"{"levels":[1.0,0.0]}"#);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn depths(weights: impl IntoIterator<Item = f64>) -> Self {
        Self::Levels(LevelWeights::Depths(weights.into_iter().collect()))
    }

    /// By the name of the rank.
    pub fn ranks<S: Into<String>>(weights: impl IntoIterator<Item = (S, f64)>) -> Self {
        Self::Levels(LevelWeights::Ranks(weights.into_iter().map(|(rank, weight)| (rank.into(), weight)).collect()))
    }

    /// The weight of each node of a hierarchy, by [`NodeId::index`]; 0 for the root.
    ///
    /// # Errors
    ///
    /// A negative weight, a rank that the hierarchy does not have, or a path-sum weighting on a DAG.
    ///
    /// ```
    /// use klados::{Hierarchy, loss::Weights};
    ///
    /// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "bear"), ("bird", "crow")])?;
    /// let weights = Weights::Balanced.by_node(&hierarchy)?;
    /// for class in 0..3 {
    ///     let path = hierarchy.lineage(hierarchy.class_node(class));
    ///     assert_eq!(path.iter().map(|node| weights[node.index()]).sum::<f64>(), 1.0);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn by_node(&self, hierarchy: &Hierarchy) -> Result<Vec<f64>, CriterionError> {
        let mut weights = vec![0.0; hierarchy.node_count()];
        match self {
            Self::Uniform => weights[1..].fill(1.0),
            Self::Leaves => {
                for class in 0..hierarchy.class_count() {
                    weights[hierarchy.class_node(class).index()] = 1.0;
                }
            }
            Self::Levels(levels) => levels.fill(hierarchy, &mut weights)?,
            Self::Balanced => fill_power(hierarchy, 1.0, 1.0, &mut weights)?,
            Self::Power { q, total } => {
                not_negative("weights: power: q", *q)?;
                not_negative("weights: power: total", *total)?;
                fill_power(hierarchy, *q, *total, &mut weights)?;
            }
            Self::Lazy => {
                let step = 1.0 / hierarchy.height(NodeId::ROOT) as f64;
                fill_paths(hierarchy, "lazy", 1.0, &mut weights, |height, left| if height == 0 { left } else { step })?;
            }
            Self::Greedy => {
                let step = 1.0 / hierarchy.height(NodeId::ROOT) as f64;
                fill_paths(hierarchy, "greedy", 1.0, &mut weights, |height, left| left - height as f64 * step)?;
            }
        }
        weights[0] = 0.0; // the root is certain, also where it has a rank
        Ok(weights)
    }
}

impl Weights {
    /// What is legal but surprising about the weights on a hierarchy.
    pub(super) fn surprise(&self, hierarchy: &Hierarchy, by_node: &[f64]) -> Option<String> {
        let deepest = hierarchy.height(NodeId::ROOT);
        match self {
            Self::Levels(LevelWeights::Depths(list)) if list.len() > deepest => {
                Some(format!("weights: levels: {} weights, but the deepest node has depth {deepest}", list.len()))
            }
            _ if by_node.iter().all(|&weight| weight == 0.0) => {
                Some("weights: all are 0, so the loss is 0 for every input".to_owned())
            }
            _ => None,
        }
    }
}

impl LevelWeights {
    fn fill(&self, hierarchy: &Hierarchy, weights: &mut [f64]) -> Result<(), CriterionError> {
        let levels: Vec<(Level, f64)> = match self {
            // Depths that no node has are legal: `surprise` reports them.
            Self::Depths(list) => {
                let deepest = hierarchy.height(NodeId::ROOT);
                list.iter().enumerate().take(deepest).map(|(i, &w)| (Level::Depth(i + 1), w)).collect()
            }
            Self::Ranks(map) => map.iter().map(|(rank, &w)| (Level::from(rank.as_str()), w)).collect(),
        };
        for (level, weight) in levels {
            not_negative("weights: levels: a weight", weight)?;
            let nodes = hierarchy.level_nodes(&level).map_err(|error| {
                CriterionError::new(CriterionErrorKind::Mismatch, format!("weights: levels: {}", error.message()))
            })?;
            for node in nodes {
                weights[node.index()] = weight;
            }
        }
        Ok(())
    }
}

fn fill_power(hierarchy: &Hierarchy, q: f64, total: f64, weights: &mut [f64]) -> Result<(), CriterionError> {
    let mut sums = vec![1.0; hierarchy.height(NodeId::ROOT) + 1];
    let mut power = 1.0;
    for height in 1..sums.len() {
        power *= q;
        sums[height] = sums[height - 1] + power;
    }
    fill_paths(hierarchy, "power", total, weights, |height, left| left / sums[height])
}

/// Goes down every path with what is left of the total; `take(height, left)` is what a node takes.
fn fill_paths(
    hierarchy: &Hierarchy,
    name: &str,
    total: f64,
    weights: &mut [f64],
    take: impl Fn(usize, f64) -> f64,
) -> Result<(), CriterionError> {
    if !hierarchy.is_tree() {
        let message =
            format!("the weights \"{name}\" divide a total over each path, which needs a tree; this is a DAG");
        return Err(CriterionError::new(CriterionErrorKind::NotATree, message));
    }
    let mut left = vec![total; weights.len()];
    for node in hierarchy.nodes().skip(1) {
        let above = left[hierarchy.parents(node)[0].index()];
        let weight = take(hierarchy.height(node), above);
        weights[node.index()] = weight;
        left[node.index()] = above - weight;
    }
    Ok(())
}
