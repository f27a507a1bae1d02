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
/// In a tree one pass down, without a table of costs: `risk(child)` from `risk(parent)`, and only differences of risks are
/// added, so that nothing of a nearly certain row is lost. In a DAG a table of candidates times classes, of at most 2^27
/// entries of two bytes (11,500 classes among classes); a larger one is refused. Risks within 1e-12 of the largest possible one
/// are ties.
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
/// The most entries of a table of costs.
const MOST_ENTRIES: usize = 1 << 27;

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
        match hierarchy.is_tree() {
            true => Ok(Rule::Node(Arc::new(InTree::new(hierarchy, self.cost, candidates)))),
            false => Ok(Rule::Node(Arc::new(InDag::new(hierarchy, self.cost, candidates)?))),
        }
    }
}

#[derive(Debug)]
struct InTree {
    candidates: Order,
    /// By node but the root.
    steps: Vec<Step>,
    /// By node: 1 for a class, 0 else.
    is_class: Vec<f64>,
    slack: f64,
}

/// From a parent's risk to a child's: plus `constant` times all mass, minus `slope` times the mass at and below the child.
#[derive(Debug)]
struct Step {
    parent: u32,
    constant: f64,
    slope: f64,
}

impl InTree {
    fn new(hierarchy: &Hierarchy, cost: Cost, candidates: Order) -> Self {
        let step = |node| {
            let parent = hierarchy.parents(node)[0];
            let (constant, slope) = match cost {
                Cost::LcaHeight => (0.0, (hierarchy.height(parent) - hierarchy.height(node)) as f64),
                Cost::PathLength => (1.0, 2.0),
            };
            Step { parent: parent.0, constant, slope }
        };
        let is_class = |node| f64::from(u8::from(hierarchy.leaf_class(node).is_some()));
        Self {
            candidates,
            steps: hierarchy.nodes().skip(1).map(step).collect(),
            is_class: hierarchy.nodes().map(is_class).collect(),
            slack: SLACK * largest_cost(hierarchy, cost),
        }
    }
}

fn largest_cost(hierarchy: &Hierarchy, cost: Cost) -> f64 {
    let height = hierarchy.height(NodeId::ROOT) as f64;
    match cost {
        Cost::LcaHeight => height,
        Cost::PathLength => 2.0 * height,
    }
}

impl NodeRule for InTree {
    fn node(&self, log_p: &[f64], scratch: &mut Scratch) -> NodeId {
        let Scratch { first: mass, second: risk, .. } = scratch;
        mass.resize(log_p.len(), 0.0);
        risk.resize(log_p.len(), 0.0);
        f64::exp_sum(log_p, 0.0, Some(mass));
        mass.iter_mut().zip(&self.is_class).for_each(|(mass, is_class)| *mass *= is_class);
        for (node, step) in self.steps.iter().enumerate().rev() {
            mass[step.parent as usize] += mass[node + 1];
        }
        // Less the root's risk.
        risk[0] = 0.0;
        for (node, step) in self.steps.iter().enumerate() {
            risk[node + 1] = risk[step.parent as usize] + (step.constant * mass[0] - step.slope * mass[node + 1]);
        }
        least(&self.candidates, risk, self.slack * mass[0])
    }
}

/// The candidate with the least risk.
fn least(candidates: &Order, risk: &[f64], slack: f64) -> NodeId {
    let least = candidates.nodes().iter().map(|node| risk[node.index()]).fold(f64::INFINITY, f64::min);
    candidates.first(-least - slack, |node| -risk[node]).unwrap_or(NodeId::ROOT)
}

#[derive(Debug)]
struct InDag {
    candidates: Order,
    /// By class: the node that carries it.
    classes: Vec<NodeId>,
    /// By class, then by candidate: the cost.
    costs: Vec<u16>,
    slack: f64,
}

impl InDag {
    fn new(hierarchy: &Hierarchy, cost: Cost, candidates: Order) -> Result<Self, CriterionError> {
        let (width, count) = (candidates.nodes().len(), hierarchy.class_count());
        if width.saturating_mul(count) > MOST_ENTRIES || largest_cost(hierarchy, cost) > f64::from(u16::MAX) {
            let message = format!(
                "min_risk on a DAG takes a table of costs, here of {width} candidates times {count} classes; {MOST_ENTRIES} \
                 entries are the most, of costs up to {}",
                u16::MAX
            );
            return Err(CriterionError::new(CriterionErrorKind::NotATree, message));
        }
        let classes: Vec<NodeId> = (0..count).map(|class| hierarchy.class_node(class)).collect();
        let mut place = vec![0; hierarchy.node_count()];
        Order::new(hierarchy).nodes().iter().enumerate().for_each(|(index, node)| place[node.index()] = index as u32);
        let by_place = Order::new(hierarchy);
        let mut costs = Vec::with_capacity(width * count);
        for class in &classes {
            let to_class: Vec<u16> = match cost {
                Cost::LcaHeight => lca_heights(hierarchy, *class, &place, &by_place),
                Cost::PathLength => path_lengths(hierarchy, *class),
            };
            costs.extend(candidates.nodes().iter().map(|node| to_class[node.index()]));
        }
        Ok(Self { candidates, classes, costs, slack: SLACK * largest_cost(hierarchy, cost) })
    }
}

/// By node: the height of its lowest common ancestor with a class. `place` is that of nodes in the order of `by_place`, the most
/// specific first.
fn lca_heights(hierarchy: &Hierarchy, class: NodeId, place: &[u32], by_place: &Order) -> Vec<u16> {
    let mut lowest = vec![place[0]; hierarchy.node_count()];
    for node in hierarchy.ancestors(class).into_iter().chain([class]) {
        lowest[node.index()] = place[node.index()];
    }
    // What is common to a parent and the class is common to the child and the class.
    for node in hierarchy.nodes().skip(1) {
        for parent in hierarchy.parents(node) {
            lowest[node.index()] = lowest[node.index()].min(lowest[parent.index()]);
        }
    }
    lowest.into_iter().map(|place| hierarchy.height(by_place.nodes()[place as usize]) as u16).collect()
}

/// By node: the edges of the shortest way to a class, up and then down.
fn path_lengths(hierarchy: &Hierarchy, class: NodeId) -> Vec<u16> {
    let mut length = vec![u16::MAX; hierarchy.node_count()];
    length[class.index()] = 0;
    for node in [class].into_iter().chain(hierarchy.ancestors(class)) {
        for parent in hierarchy.parents(node) {
            length[parent.index()] = length[parent.index()].min(length[node.index()].saturating_add(1));
        }
    }
    for node in hierarchy.nodes().skip(1) {
        for parent in hierarchy.parents(node) {
            length[node.index()] = length[node.index()].min(length[parent.index()].saturating_add(1));
        }
    }
    length
}

impl NodeRule for InDag {
    fn node(&self, log_p: &[f64], scratch: &mut Scratch) -> NodeId {
        let Scratch { first: mass, second: risk, .. } = scratch;
        mass.resize(log_p.len(), 0.0);
        f64::exp_sum(log_p, 0.0, Some(mass));
        risk.clear();
        risk.resize(self.candidates.nodes().len(), 0.0);
        let mut total = 0.0;
        for (class, costs) in self.classes.iter().zip(self.costs.chunks_exact(risk.len())) {
            let mass = mass[class.index()];
            total += mass;
            if mass > 0.0 {
                risk.iter_mut().zip(costs).for_each(|(risk, cost)| *risk += mass * f64::from(*cost));
            }
        }
        let least = risk.iter().copied().fold(f64::INFINITY, f64::min) + self.slack * total;
        let best = risk.iter().position(|risk| *risk <= least);
        best.map_or(NodeId::ROOT, |best| self.candidates.nodes()[best])
    }
}
