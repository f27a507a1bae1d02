//! The answer that costs the least in expectation.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Order;
use super::rule::{NodeRule, Parameters, Rule, Scratch};
use crate::criterion::{CriterionError, CriterionErrorKind};
use crate::numeric::Float;
use crate::{Hierarchy, NodeId};

/// What an answer costs, by the true class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cost {
    /// The height of their lowest common ancestor.
    #[default]
    LcaHeight,
    /// The edges between them, by a common ancestor.
    PathLength,
}

/// What may be answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Over {
    /// The classes.
    #[default]
    Classes,
    /// All nodes.
    Nodes,
}

/// The answer with the least expected cost `sum_k p_k cost(v, k)`, `p_k` the probabilities of the classes (conditional risk
/// minimization: Karthik et al. 2021, "No Cost Likelihood Manipulation at Test Time"). Those of inner nodes are not looked at,
/// and the `p_k` need not add up to 1.
///
/// - `cost`: `"lca_height"` (default), the height of the lowest common ancestor, of which the mean over a data set is the metric
///   of Bertinetto et al. 2020; `"path_length"`, the edges between the two.
/// - `over`: `"classes"` (default) or `"nodes"`.
///
/// By `lca_height` the risk of a child in a tree is that of its parent less `(height(parent) - height(child)) P(child)`. So a
/// class is never worse than a node above it, and among all nodes the answer is a class too: this cost knows no price for
/// being specific. By `path_length` the risk of a child is that of its parent plus `1 - 2 P(child)`, so over nodes the answer
/// is where the path of the nodes of more than half ends: here inner nodes win. On a DAG neither holds in general.
///
/// A class of more than half has the least risk of all classes in a tree.
///
/// # Cost
///
/// One pass up and one down, without a table of costs: `risk(child)` from `risk(parent)`, and only differences of risks are
/// added, so that nothing of a nearly certain row is lost. Where nodes of a DAG have several parents, the classes for which the
/// step from one parent is not right are corrected one by one. That takes a look at every node for every class when the rule
/// is compiled, of which there may be 2^30, and up to 2^25 corrections; a larger DAG is refused. Risks within 1e-12 of the
/// largest possible one are ties.
///
/// # What published code does differently
///
/// A table of classes times classes and a product with it for every row, over classes only.
///
/// # Example
///
/// ```
/// use klados::{Decision, Hierarchy, decide::{Cost, MinRisk, Over}};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("bird", "crow"), ("bird", "robin")])?;
/// let log_p = [1.0f64, 0.4, 0.4, 0.6, 0.3, 0.3].map(f64::ln); // root, mammal, bat, bird, crow, robin
/// let mut answer = [klados::NodeId::ROOT];
/// let mut with = |rule: MinRisk| {
///     Decision::from(rule).compile(&hierarchy)?.decide(&log_p, &mut answer)?;
///     Ok::<_, Box<dyn std::error::Error>>(hierarchy.name(answer[0]).to_owned())
/// };
/// // The bat costs 2 * 0.6 = 1.2; the crow 1 * 0.3 + 2 * 0.4 = 1.1.
/// assert_eq!(with(MinRisk::new())?, "crow");
/// // By edges: the crow 2 * 0.3 + 4 * 0.4 = 2.2, the bird 1 * 0.6 + 3 * 0.4 = 1.8, the root 2.
/// assert_eq!(with(MinRisk::new().cost(Cost::PathLength).over(Over::Nodes))?, "bird");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MinRisk {
    cost: Cost,
    over: Over,
}

/// Risks that differ by less, relative to the largest possible one, are ties of which rounding made a difference.
const SLACK: f64 = 1e-12;
/// The most nodes times classes of a DAG.
const MOST_PAIRS: usize = 1 << 30;
/// The most costs in a DAG that do not follow from those of a parent.
const MOST_CORRECTIONS: usize = 1 << 25;

impl MinRisk {
    /// By the height of the lowest common ancestor, over classes.
    pub fn new() -> Self {
        Self::default()
    }

    /// What an answer costs.
    #[must_use]
    pub fn cost(mut self, cost: Cost) -> Self {
        self.cost = cost;
        self
    }

    /// What may be answered.
    #[must_use]
    pub fn over(mut self, over: Over) -> Self {
        self.over = over;
        self
    }
}

impl Parameters for MinRisk {
    fn rule(&self, hierarchy: &Hierarchy) -> Result<Rule, CriterionError> {
        let candidates = match self.over {
            Over::Classes => Order::of_classes(hierarchy),
            Over::Nodes => Order::new(hierarchy),
        };
        let height = hierarchy.height(NodeId::ROOT) as f64;
        let largest = match self.cost {
            Cost::LcaHeight => height,
            Cost::PathLength => 2.0 * height,
        };
        let (above, corrections) = match hierarchy.is_tree() {
            true => (hierarchy.nodes().skip(1).map(|node| hierarchy.parents(node)[0]).collect(), Vec::new()),
            false => corrections(hierarchy, self.cost)?,
        };
        let steps = hierarchy.nodes().skip(1).zip(above);
        let steps = steps.map(|(node, parent)| Step::new(hierarchy, self.cost, node, parent)).collect();
        let is_class = hierarchy.nodes().map(|node| hierarchy.leaf_class(node).is_some()).collect();
        Ok(Rule::Node(Arc::new(Compiled { candidates, steps, corrections, is_class, slack: SLACK * largest })))
    }
}

#[derive(Debug)]
struct Compiled {
    candidates: Order,
    /// By node but the root.
    steps: Vec<Step>,
    corrections: Vec<Correction>,
    is_class: Vec<bool>,
    slack: f64,
}

/// From the risk of a node to that of a node below it: plus `constant` times all mass, minus `slope` times the mass at and below
/// the latter. The nodes above make a tree; in a tree it is the tree.
#[derive(Debug)]
struct Step {
    above: u32,
    constant: f64,
    slope: f64,
}

/// What the costs of a node and the one above it differ by for a class, less what its step says.
#[derive(Debug)]
struct Correction {
    node: u32,
    class_node: u32,
    cost: f32,
}

impl Step {
    fn new(hierarchy: &Hierarchy, cost: Cost, node: NodeId, above: NodeId) -> Self {
        let (constant, slope) = match cost {
            Cost::LcaHeight => (0.0, (hierarchy.height(above) - hierarchy.height(node)) as f64),
            Cost::PathLength => (1.0, 2.0),
        };
        Self { above: above.0, constant, slope }
    }
}

impl NodeRule for Compiled {
    fn node(&self, log_p: &[f64], scratch: &mut Scratch) -> NodeId {
        let Scratch { first: mass, second: risk, .. } = scratch;
        mass.resize(log_p.len(), 0.0);
        // Relative to the most probable class: those of sigmoids may all be far below what an `f64` has as a mass.
        risk.clear();
        let class_log_p = |(log_p, is_class): (&f64, &bool)| if *is_class { *log_p } else { f64::NEG_INFINITY };
        risk.extend(log_p.iter().zip(&self.is_class).map(class_log_p));
        let top = f64::max_of(risk);
        f64::exp_sum(risk, if top == f64::NEG_INFINITY { 0.0 } else { top }, Some(mass));
        for (node, step) in self.steps.iter().enumerate().rev() {
            mass[step.above as usize] += mass[node + 1];
        }
        // Less the root's risk.
        risk.clear();
        risk.resize(log_p.len(), 0.0);
        for Correction { node, class_node, cost } in &self.corrections {
            risk[*node as usize] += f64::from(*cost) * mass[*class_node as usize];
        }
        for (node, step) in self.steps.iter().enumerate() {
            risk[node + 1] += risk[step.above as usize] + (step.constant * mass[0] - step.slope * mass[node + 1]);
        }
        let least = self.candidates.nodes().iter().map(|node| risk[node.index()]).fold(f64::INFINITY, f64::min);
        let most = least + self.slack * mass[0];
        self.candidates.first(-most, |node| -risk[node]).unwrap_or(NodeId::ROOT)
    }
}

/// In a DAG: by node but the root the parent that the step to it starts from, the one that needs the fewest corrections; and the
/// corrections.
fn corrections(hierarchy: &Hierarchy, cost: Cost) -> Result<(Vec<NodeId>, Vec<Correction>), CriterionError> {
    let (nodes, classes) = (hierarchy.node_count(), hierarchy.class_count());
    if nodes.saturating_mul(classes) > MOST_PAIRS {
        let what = format!("{nodes} nodes times {classes} classes are more than {MOST_PAIRS}");
        return Err(too_large(&what));
    }
    let costs = Costs::new(hierarchy, cost);
    // How often the step from a parent would be wrong, edge by edge, if it spoke of all classes below the node.
    let edges: Vec<(NodeId, NodeId)> =
        hierarchy.nodes().flat_map(|node| hierarchy.parents(node).iter().map(move |parent| (node, *parent))).collect();
    let shared: Vec<usize> = (0..edges.len()).filter(|edge| hierarchy.parents(edges[*edge].0).len() > 1).collect();
    let mut wrong = vec![0u32; edges.len()];
    let (mut to_class, mut below) = (Vec::new(), vec![u32::MAX; nodes]);
    for class in 0..classes {
        let class_node = hierarchy.class_node(class);
        hierarchy.walk_up(class_node, &mut below, class as u32, |_| {});
        costs.fill(class_node, &mut to_class);
        for &edge in &shared {
            let (node, parent) = edges[edge];
            let is_below = below[node.index()] == class as u32;
            wrong[edge] += u32::from(costs.correction(node, parent, is_below, &to_class) != 0.0);
        }
    }
    let mut above: Vec<Option<(u32, NodeId)>> = vec![None; nodes];
    for ((node, parent), wrong) in edges.iter().zip(&wrong) {
        let best = &mut above[node.index()];
        if best.is_none_or(|best| *wrong < best.0) {
            *best = Some((*wrong, *parent));
        }
    }
    let above: Vec<NodeId> = above.into_iter().skip(1).flatten().map(|(_, parent)| parent).collect();
    let mut corrections = Vec::new();
    below.fill(u32::MAX);
    for class in 0..classes {
        let class_node = hierarchy.class_node(class);
        let mut at = class_node;
        while at != NodeId::ROOT {
            below[at.index()] = class as u32;
            at = above[at.index() - 1];
        }
        costs.fill(class_node, &mut to_class);
        for (node, parent) in hierarchy.nodes().skip(1).zip(&above) {
            let is_below = below[node.index()] == class as u32;
            let cost = costs.correction(node, *parent, is_below, &to_class);
            if cost != 0.0 {
                corrections.push(Correction { node: node.0, class_node: class_node.0, cost });
            }
        }
        if corrections.len() > MOST_CORRECTIONS {
            let what = format!("its nodes share so much that more than {MOST_CORRECTIONS} costs stand for themselves");
            return Err(too_large(&what));
        }
    }
    Ok((above, corrections))
}

fn too_large(what: &str) -> CriterionError {
    let message = format!("min_risk does not take this DAG, it is too large: {what}");
    CriterionError::new(CriterionErrorKind::NotATree, message)
}

/// Costs in a DAG, for one class at a time.
struct Costs<'a> {
    hierarchy: &'a Hierarchy,
    cost: Cost,
    /// The nodes, the most specific first, and the place of each among them.
    order: Order,
    place: Vec<u32>,
}

impl<'a> Costs<'a> {
    fn new(hierarchy: &'a Hierarchy, cost: Cost) -> Self {
        let order = Order::new(hierarchy);
        let mut place = vec![0; hierarchy.node_count()];
        order.nodes().iter().zip(0..).for_each(|(node, index)| place[node.index()] = index);
        Self { hierarchy, cost, order, place }
    }

    /// What a node costs a class more than a parent, less what the step from the parent says.
    fn correction(&self, node: NodeId, parent: NodeId, is_below: bool, to_class: &[u32]) -> f32 {
        let step = Step::new(self.hierarchy, self.cost, node, parent);
        let said = step.constant - if is_below { step.slope } else { 0.0 };
        (f64::from(to_class[node.index()]) - f64::from(to_class[parent.index()]) - said) as f32
    }

    /// By node: its cost if this is the class.
    fn fill(&self, class: NodeId, costs: &mut Vec<u32>) {
        costs.clear();
        match self.cost {
            Cost::LcaHeight => self.fill_lca_heights(class, costs),
            Cost::PathLength => self.fill_path_lengths(class, costs),
        }
    }

    fn fill_lca_heights(&self, class: NodeId, costs: &mut Vec<u32>) {
        // The place of the most specific common ancestor.
        costs.resize(self.place.len(), self.place[0]);
        for node in self.hierarchy.ancestors(class).into_iter().chain([class]) {
            costs[node.index()] = self.place[node.index()];
        }
        // What is common to a parent and the class is common to the child and the class.
        for node in self.hierarchy.nodes().skip(1) {
            for parent in self.hierarchy.parents(node) {
                costs[node.index()] = costs[node.index()].min(costs[parent.index()]);
            }
        }
        costs.iter_mut().for_each(|cost| *cost = self.hierarchy.height(self.order.nodes()[*cost as usize]) as u32);
    }

    /// The edges of the shortest way, up and then down.
    fn fill_path_lengths(&self, class: NodeId, costs: &mut Vec<u32>) {
        costs.resize(self.place.len(), u32::MAX);
        costs[class.index()] = 0;
        for node in [class].into_iter().chain(self.hierarchy.ancestors(class)) {
            for parent in self.hierarchy.parents(node) {
                costs[parent.index()] = costs[parent.index()].min(costs[node.index()].saturating_add(1));
            }
        }
        for node in self.hierarchy.nodes().skip(1) {
            for parent in self.hierarchy.parents(node) {
                costs[node.index()] = costs[node.index()].min(costs[parent.index()].saturating_add(1));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Decision;

    #[test]
    fn classes_that_are_all_improbable_are_told_apart() {
        let edges = [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow")];
        let hierarchy = Hierarchy::from_edges(edges).unwrap();
        let log_p = |name: &str| match name {
            "bat" => -800.0,
            "dog" => -790.0,
            _ => -900.0,
        };
        let row: Vec<f64> = hierarchy.nodes().map(|node| log_p(hierarchy.name(node))).collect();
        let mut answer = [NodeId::ROOT];
        let decider = Decision::from(MinRisk::new()).compile(&hierarchy).unwrap();
        decider.decide(&row, &mut answer).unwrap();
        assert_eq!(hierarchy.name(answer[0]), "dog");
        // Nothing is possible: any class will do.
        decider.decide(&vec![f64::NEG_INFINITY; row.len()], &mut answer).unwrap();
        assert!(hierarchy.leaf_class(answer[0]).is_some());
    }
}
