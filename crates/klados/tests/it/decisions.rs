//! The decision rules against their definitions, by brute force over nodes and classes.
#![allow(clippy::disallowed_methods, reason = "tests compute by hand with the functions of the platform")]

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use klados::{Decision, Hierarchy, NodeId, NodeLogProbs};
use klados_testing::strategies::{self, LogitScale};
use proptest::prelude::*;
use proptest::sample::select;

use crate::losses::hierarchy;
use crate::terms::{dag, tree};

/// A hierarchy by its edges alone.
pub(crate) struct Naive<'a> {
    pub(crate) hierarchy: &'a Hierarchy,
    nodes: Vec<NodeId>,
    class_nodes: Vec<NodeId>,
    /// `D(v)`.
    below: Vec<BTreeSet<usize>>,
    /// The nodes at or above, the root included, with the least number of steps up.
    above: Vec<BTreeMap<NodeId, usize>>,
    depth: Vec<usize>,
    height: Vec<usize>,
}

impl<'a> Naive<'a> {
    pub(crate) fn new(hierarchy: &'a Hierarchy) -> Self {
        let nodes: Vec<NodeId> = hierarchy.nodes().collect();
        let class_nodes: Vec<NodeId> = (0..hierarchy.class_count()).map(|class| hierarchy.class_node(class)).collect();
        let mut naive = Self {
            hierarchy,
            class_nodes,
            below: Vec::new(),
            above: nodes.iter().map(|node| steps_up(hierarchy, *node)).collect(),
            depth: nodes.iter().map(|node| longest(hierarchy, *node, Hierarchy::parents)).collect(),
            height: nodes.iter().map(|node| longest(hierarchy, *node, Hierarchy::children)).collect(),
            nodes,
        };
        let is_below = |naive: &Self, node: NodeId, class: &usize| {
            naive.above[naive.class_nodes[*class].index()].contains_key(&node)
        };
        let below =
            |node: &NodeId| (0..naive.class_nodes.len()).filter(|class| is_below(&naive, *node, class)).collect();
        naive.below = naive.nodes.iter().map(below).collect();
        naive
    }

    pub(crate) fn classes(&self, node: NodeId) -> &BTreeSet<usize> {
        &self.below[node.index()]
    }

    /// Which of two equally good nodes wins: the smaller one.
    fn key(&self, node: NodeId) -> (usize, Reverse<usize>, NodeId) {
        (self.below[node.index()].len(), Reverse(self.depth[node.index()]), node)
    }

    pub(crate) fn information(&self, node: NodeId) -> f64 {
        (self.class_nodes.len() as f64 / self.below[node.index()].len() as f64).log2()
    }

    /// The best of some nodes by a number that is compared exactly.
    fn best(&self, nodes: &[NodeId], number: impl Fn(NodeId) -> f64) -> NodeId {
        let largest = nodes.iter().map(|node| number(*node)).fold(f64::NEG_INFINITY, f64::max);
        let tied = nodes.iter().copied().filter(|node| number(*node) == largest);
        tied.min_by_key(|node| self.key(*node)).unwrap()
    }

    fn lca(&self, a: NodeId, b: NodeId) -> NodeId {
        let common = self.above[a.index()].keys().filter(|node| self.above[b.index()].contains_key(node));
        common.copied().min_by_key(|node| self.key(*node)).unwrap()
    }

    fn cost(&self, cost: &str, node: NodeId, class: usize) -> usize {
        let class = self.class_nodes[class];
        if cost == "lca_height" {
            return self.height[self.lca(node, class).index()];
        }
        let of_class = &self.above[class.index()];
        let ways = self.above[node.index()].iter().filter_map(|(above, steps)| Some(steps + of_class.get(above)?));
        ways.min().unwrap()
    }

    pub(crate) fn way_up(&self, log_p: &[f64]) -> Vec<NodeId> {
        let mut way = vec![self.best(&self.class_nodes, |node| log_p[node.index()])];
        while let Some(next) = self.hierarchy.parents(way[way.len() - 1]).iter().min_by_key(|node| self.key(**node)) {
            way.push(*next);
        }
        way
    }

    /// The answer of a rule that compares probabilities as they are.
    fn compared(&self, rule: &str, log_p: &[f64], log_tau: f64) -> NodeId {
        let p = |node: NodeId| log_p[node.index()];
        match rule {
            "argmax_leaf" => self.best(&self.class_nodes, p),
            "top_down" => {
                let mut at = NodeId::ROOT;
                while !self.hierarchy.children(at).is_empty() {
                    let child = self.best(self.hierarchy.children(at), p);
                    if p(child) <= log_tau {
                        break;
                    }
                    at = child;
                }
                at
            }
            "threshold" => {
                let passing: Vec<NodeId> = self.nodes.iter().copied().filter(|node| p(*node) > log_tau).collect();
                let fewest = passing.iter().map(|node| self.below[node.index()].len()).min();
                let most_specific: Vec<NodeId> =
                    passing.into_iter().filter(|node| Some(self.below[node.index()].len()) == fewest).collect();
                if most_specific.is_empty() { NodeId::ROOT } else { self.best(&most_specific, p) }
            }
            "plurality" => {
                let excludes = |a: NodeId, b: NodeId| self.below[a.index()].is_disjoint(&self.below[b.index()]);
                let beats_all = |v: &NodeId| self.nodes.iter().all(|u| !excludes(*v, *u) || p(*v) > p(*u));
                self.nodes.iter().copied().filter(beats_all).min_by_key(|node| self.key(*node)).unwrap()
            }
            "rollup" => {
                let deepest = self.depth.iter().max().unwrap();
                for depth in (1..=*deepest).rev() {
                    let level: Vec<NodeId> =
                        self.nodes.iter().copied().filter(|node| self.depth[node.index()] == depth).collect();
                    let best = self.best(&level, p);
                    if p(best) > log_tau {
                        return best;
                    }
                }
                NodeId::ROOT
            }
            "conformal" => self.way_up(log_p).into_iter().find(|node| p(*node) > log_tau).unwrap_or(NodeId::ROOT),
            _ => unreachable!(),
        }
    }
}

fn steps_up(hierarchy: &Hierarchy, node: NodeId) -> BTreeMap<NodeId, usize> {
    let mut above = BTreeMap::from([(node, 0)]);
    for parent in hierarchy.parents(node) {
        for (at, steps) in steps_up(hierarchy, *parent) {
            let least = above.entry(at).or_insert(usize::MAX);
            *least = (*least).min(steps + 1);
        }
    }
    above
}

fn longest(hierarchy: &Hierarchy, node: NodeId, next: impl Fn(&Hierarchy, NodeId) -> &[NodeId] + Copy) -> usize {
    next(hierarchy, node).iter().map(|at| longest(hierarchy, *at, next) + 1).max().unwrap_or(0)
}

pub(crate) fn decide(decision: &str, hierarchy: &Hierarchy, log_p: &[f64]) -> NodeId {
    let mut answer = [NodeId::ROOT];
    decision.parse::<Decision>().unwrap().compile(hierarchy).unwrap().decide(log_p, &mut answer).unwrap();
    answer[0]
}

fn log_probs(hierarchy: &Hierarchy, logits: &[f64]) -> Vec<f64> {
    let mut log_p = vec![0.0; hierarchy.node_count()];
    NodeLogProbs::new(hierarchy).forward(logits, &mut log_p).unwrap();
    log_p
}

/// The rules that compare probabilities as they are, with what they compare with.
fn compared(tau: f64) -> [(&'static str, String, f64); 9] {
    let named = |name: &'static str, key: &str| (name, format!(r#"{{"{name}": {{"{key}": {tau:?}}}}}"#), tau.ln());
    let log_q = if tau == 0.0 { f64::MIN } else { tau.ln() };
    let never = f64::NEG_INFINITY;
    [
        ("argmax_leaf", "argmax_leaf".into(), never),
        named("top_down", "threshold"),
        named("threshold", "tau"),
        ("threshold", "threshold".into(), 0.5f64.ln()),
        ("plurality", "plurality".into(), never),
        ("plurality", r#"{"name": "plurality"}"#.into(), never),
        ("conformal", format!(r#"{{"conformal": {{"log_q": {log_q:?}}}}}"#), log_q),
        ("rollup", format!(r#"{{"rollup": {{"tau": {tau:?}, "levels": LEVELS}}}}"#), tau.ln()),
        ("top_down", r#"{"top_down": {"threshold": 0.5}}"#.into(), 0.5f64.ln()),
    ]
}

fn check_compared(hierarchy: &Hierarchy, log_p: &[f64], tau: f64) -> Result<(), TestCaseError> {
    let naive = Naive::new(hierarchy);
    let depths: Vec<usize> = (1..=hierarchy.height(NodeId::ROOT)).rev().collect();
    for (rule, json, log_tau) in compared(tau) {
        let json = json.replace("LEVELS", &format!("{depths:?}"));
        let (found, expected) = (decide(&json, hierarchy, log_p), naive.compared(rule, log_p, log_tau));
        prop_assert_eq!(hierarchy.path(found), hierarchy.path(expected), "{}", json);
    }
    Ok(())
}

/// The numbers that the other rules make as large as they can, and the nodes that they choose from.
fn objectives(naive: &Naive<'_>, log_p: &[f64], lambda: f64) -> Vec<(String, Vec<(NodeId, f64)>)> {
    let p = |node: NodeId| log_p[node.index()].exp();
    let gain = |lambda: f64| -> Vec<(NodeId, f64)> {
        naive.nodes.iter().map(|node| (*node, p(*node) * (naive.information(*node) + lambda))).collect()
    };
    let mut all = vec![
        ("expected_information".to_owned(), gain(0.0)),
        (format!(r#"{{"hedge": {{"lambda": {lambda:?}}}}}"#), gain(lambda)),
    ];
    for (over, nodes) in [("classes", &naive.class_nodes), ("nodes", &naive.nodes)] {
        for cost in ["lca_height", "path_length"] {
            let risk = |node: NodeId| -> f64 {
                (0..naive.class_nodes.len()).map(|k| p(naive.class_nodes[k]) * naive.cost(cost, node, k) as f64).sum()
            };
            let values = nodes.iter().map(|node| (*node, -risk(*node))).collect();
            all.push((format!(r#"{{"min_risk": {{"cost": "{cost}", "over": "{over}"}}}}"#), values));
        }
    }
    all
}

/// The answer's number is the largest, up to rounding; of ties up to rounding the most specific node wins.
fn check_objectives(hierarchy: &Hierarchy, log_p: &[f64], lambda: f64) -> Result<(), TestCaseError> {
    let naive = Naive::new(hierarchy);
    for (json, values) in objectives(&naive, log_p, lambda) {
        let answer = decide(&json, hierarchy, log_p);
        let largest = values.iter().map(|(_, value)| *value).fold(f64::NEG_INFINITY, f64::max);
        let size = values.iter().map(|(_, value)| value.abs()).fold(0.0, f64::max);
        let within = |slack: f64| values.iter().filter(move |(_, value)| *value >= largest - slack * size);
        let is_best = within(1e-11).any(|(node, _)| *node == answer);
        prop_assert!(is_best, "{json} answers {}", hierarchy.path(answer));
        // Between what is a tie for sure and what is none for sure, nothing is asked.
        let ties: Vec<NodeId> = within(1e-15).map(|(node, _)| *node).collect();
        if within(1e-11).count() == ties.len() {
            let first = ties.into_iter().min_by_key(|node| naive.key(*node)).unwrap();
            prop_assert_eq!(hierarchy.path(answer), hierarchy.path(first), "{}", json);
        }
    }
    Ok(())
}

/// Logits of any size, some masked; or few different ones, so that there are ties.
fn logits(classes: usize) -> impl Strategy<Value = Vec<f64>> {
    let few = prop::collection::vec(select(vec![0.0, 0.0, 1.0, f64::NEG_INFINITY]), classes);
    prop_oneof![
        strategies::logits(classes, LogitScale::Ordinary),
        strategies::logits(classes, LogitScale::Masked),
        few,
        Just(vec![0.0; classes]),
    ]
    .prop_filter("a row without NaN", |row| row.iter().any(|z| z.is_finite()))
}

fn batch() -> impl Strategy<Value = (Hierarchy, Vec<f64>)> {
    strategies::hierarchy(12).prop_flat_map(|spec| {
        let hierarchy = hierarchy(&spec);
        logits(hierarchy.class_count()).prop_map(move |logits| (hierarchy.clone(), log_probs(&hierarchy, &logits)))
    })
}

/// Probabilities that contradict the hierarchy, some of them the same. The root is certain, whatever a row says of it.
fn contradicting() -> impl Strategy<Value = (Hierarchy, Vec<f64>)> {
    strategies::hierarchy(12).prop_flat_map(|spec| {
        let hierarchy = hierarchy(&spec);
        let p = prop_oneof![0.0..=1.0, select(vec![0.0, 0.25, 0.5, 1.0])];
        prop::collection::vec(p, hierarchy.node_count()).prop_map(move |p| {
            (hierarchy.clone(), [1.0].into_iter().chain(p.into_iter().skip(1)).map(f64::ln).collect())
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn probabilities_are_compared_as_defined((hierarchy, log_p) in batch(), tau in 0.0..1.0) {
        check_compared(&hierarchy, &log_p, tau)?;
        check_compared(&hierarchy, &log_p, 0.0)?;
    }

    #[test]
    fn contradicting_probabilities_are_compared_as_defined((hierarchy, log_p) in contradicting(), tau in 0.0..1.0) {
        check_compared(&hierarchy, &log_p, tau)?;
        check_compared(&hierarchy, &log_p, 0.25)?;
    }

    #[test]
    fn what_is_maximised_is_maximal((hierarchy, log_p) in batch(), lambda in prop_oneof![0.0..10.0, Just(0.0), 0.0..1e6]) {
        check_objectives(&hierarchy, &log_p, lambda)?;
    }

    #[test]
    fn sets_violate_no_edge((hierarchy, log_p) in contradicting(), threshold in 0.0..1.0) {
        for by in ["max", "min"] {
            let json = format!(r#"{{"consistent": {{"by": "{by}", "threshold": {threshold:?}}}}}"#);
            let decider = json.parse::<Decision>().unwrap().compile(&hierarchy).unwrap();
            let mut set = vec![false; log_p.len()];
            decider.decide_sets(&log_p, &mut set).unwrap();
            let naive = Naive::new(&hierarchy);
            for node in hierarchy.nodes().skip(1) {
                let p = |node: NodeId| log_p[node.index()].exp();
                let above = |low: NodeId, high: NodeId| naive.above[low.index()].contains_key(&high);
                let others = hierarchy.nodes().skip(1);
                let expected = match by {
                    "max" => others.filter(|other| above(*other, node)).map(p).fold(0.0, f64::max),
                    _ => others.filter(|other| above(node, *other)).map(p).fold(1.0, f64::min),
                };
                prop_assert_eq!(set[node.index()], expected > threshold, "{} {}", by, hierarchy.path(node));
                for parent in hierarchy.parents(node) {
                    prop_assert!(!set[node.index()] || set[parent.index()]);
                }
            }
            prop_assert!(set[0]);
        }
    }

    #[test]
    fn rules_meet_where_they_should((hierarchy, log_p) in batch()) {
        let answer = |json: &str| decide(json, &hierarchy, &log_p);
        prop_assert_eq!(answer(r#"{"hedge": {"lambda": 0}}"#), answer("expected_information"));
        prop_assert!(hierarchy.children(answer("top_down")).is_empty());
        let is_tree = hierarchy.is_tree();
        if is_tree {
            // The nodes of more than half are one path, and it ends in the answer.
            let on_path: Vec<NodeId> = hierarchy.nodes().filter(|node| log_p[node.index()] > 0.5f64.ln()).collect();
            let majority = answer("threshold");
            for node in on_path {
                prop_assert!(hierarchy.is_at_or_above(node, majority));
            }
            prop_assert_eq!(majority, answer(r#"{"top_down": {"threshold": 0.5}}"#));
            prop_assert!(hierarchy.is_at_or_above(majority, answer("plurality")));
            let least = answer(r#"{"min_risk": {"over": "nodes"}}"#);
            prop_assert!(hierarchy.children(least).is_empty());
        }
        // A batch is its rows; f32 is widened.
        let narrow: Vec<f32> = log_p.iter().map(|log_p| *log_p as f32).collect();
        let wide: Vec<f64> = narrow.iter().copied().map(f64::from).collect();
        for name in ["argmax_leaf", "threshold", "plurality", "min_risk", "expected_information"] {
            let decider = name.parse::<Decision>().unwrap().compile(&hierarchy).unwrap();
            let mut answers = [NodeId::ROOT; 3];
            decider.decide(&[&log_p[..], &wide, &log_p].concat(), &mut answers).unwrap();
            prop_assert_eq!(answers, [answer(name), decide(name, &hierarchy, &wide), answer(name)]);
            decider.decide(&narrow, &mut answers[..1]).unwrap();
            prop_assert_eq!(answers[0], answers[1]);
        }
    }
}

#[test]
fn on_a_star_the_classes_compete() {
    // The height of the lowest common ancestor is 0 or 1.
    let names: Vec<String> = (0..9).map(|k| format!("n{k}")).collect();
    let hierarchy = Hierarchy::from_edges(names.iter().map(|name| ("root", name.as_str()))).unwrap();
    let argmax = |k: usize| {
        let logits: Vec<f64> = (0..9).map(|j| if j == k { 0.3 } else { ((j * 7) % 5) as f64 * 0.05 }).collect();
        let log_p = log_probs(&hierarchy, &logits);
        let rules = ["argmax_leaf", "min_risk", "expected_information", "top_down", "plurality"];
        rules.map(|rule| decide(rule, &hierarchy, &log_p))
    };
    for k in 0..9 {
        assert_eq!(argmax(k), [hierarchy.class_node(k); 5]);
    }
}

#[test]
fn nearly_certain_rows_keep_what_is_left() {
    for hierarchy in [tree(), dag()] {
        let classes = hierarchy.class_count();
        for certain in 0..classes {
            // P of the others is below 1e-20, so that P of the certain one is 1 to all digits; its logarithm is not 0.
            let logits: Vec<f64> = (0..classes).map(|k| if k == certain { 48.0 } else { -0.1 * k as f64 }).collect();
            let log_p = log_probs(&hierarchy, &logits);
            let node = hierarchy.class_node(certain);
            assert!(log_p[node.index()] < 0.0 && log_p[node.index()].exp() == 1.0);
            for rule in ["argmax_leaf", "top_down", "threshold", "plurality", "expected_information", "min_risk"] {
                assert_eq!(decide(rule, &hierarchy, &log_p), node, "{rule}");
            }
            for cost in ["lca_height", "path_length"] {
                let json = format!(r#"{{"min_risk": {{"cost": "{cost}", "over": "nodes"}}}}"#);
                assert_eq!(decide(&json, &hierarchy, &log_p), node, "{json}");
            }
            // The price at which the class is given up for the node above it is about I / (1 - P), some 1e21.
            let hedge = |lambda: f64| decide(&format!(r#"{{"hedge": {{"lambda": {lambda:e}}}}}"#), &hierarchy, &log_p);
            assert_eq!(hedge(1e18), node);
            assert_ne!(hedge(1e23), node);
            assert_eq!(hierarchy.count_classes_below(hedge(1e300)), classes);
        }
    }
}

#[test]
fn equal_classes_tie_by_the_rule() {
    // Four classes of 1/4, in two pairs: 1/4 * 2 bits = 1/2 * 1 bit. The classes tell more, and the first has the lowest index.
    let hierarchy = Hierarchy::from_edges([("a", "w"), ("a", "x"), ("b", "y"), ("b", "z")]).unwrap();
    let log_p = log_probs(&hierarchy, &[0.7; 4]);
    let answer = |json: &str| hierarchy.name(decide(json, &hierarchy, &log_p)).to_owned();
    assert_eq!(answer("expected_information"), "w");
    assert_eq!(answer("argmax_leaf"), "w");
    assert_eq!(answer("top_down"), "w");
    // Nothing has more than half, and nothing beats what it excludes.
    assert_eq!(decide("threshold", &hierarchy, &log_p), NodeId::ROOT);
    assert_eq!(decide("plurality", &hierarchy, &log_p), NodeId::ROOT);
    // Heights: w costs (0 + 1 + 2 + 2) / 4, and so do all; a costs (1 + 1 + 2 + 2) / 4.
    assert_eq!(answer("min_risk"), "w");
    // Edges: w costs (0 + 2 + 4 + 4) / 4 = 2.5, a costs (1 + 1 + 3 + 3) / 4 = 2, the root 2. a has fewer classes.
    assert_eq!(answer(r#"{"min_risk": {"cost": "path_length", "over": "nodes"}}"#), "a");
    // Above a quarter: the pairs. Above less: the classes.
    assert_eq!(answer(r#"{"threshold": {"tau": 0.3}}"#), "a");
    assert_eq!(answer(r#"{"rollup": {"tau": 0.3}}"#), "a");
    assert_eq!(answer(r#"{"rollup": {"tau": 0.2}}"#), "w");
}

#[test]
fn one_class_and_chains() {
    let one = Hierarchy::from_edges([("animal", "bird"), ("bird", "crow")]).unwrap();
    let crow = one.node("crow").unwrap();
    let mut names: Vec<String> =
        ["argmax_leaf", "top_down", "threshold", "plurality", "expected_information", "min_risk", "rollup"]
            .map(str::to_owned)
            .into();
    names.push(r#"{"min_risk": {"cost": "path_length", "over": "nodes"}}"#.into());
    names.push(r#"{"hedge": {"lambda": 3}}"#.into());
    names.push(r#"{"conformal": {"log_q": -1}}"#.into());
    for name in names {
        // All nodes have P = 1 and tell nothing: the deepest wins.
        assert_eq!(decide(&name, &one, &vec![0.0; one.node_count()]), crow, "{name}");
    }
}

#[test]
fn a_dag_that_is_too_large_is_refused() {
    let classes = 33_000;
    let names: Vec<String> = (0..classes).map(|k| format!("n{k}")).collect();
    let edges = names.iter().flat_map(|name| [("a", name.as_str()), ("b", name.as_str())]);
    let hierarchy = Hierarchy::from_edges(edges).unwrap();
    let error = "min_risk".parse::<Decision>().unwrap().compile(&hierarchy).unwrap_err();
    assert_eq!(
        error.to_string(),
        "min_risk does not take this DAG, it is too large: 33003 nodes times 33000 classes are more than 1073741824"
    );
}

#[test]
fn every_rule_is_read_back_from_its_json() {
    for name in Decision::NAMES {
        let decision: Decision = name.parse().unwrap();
        assert_eq!(decision.name(), *name);
        let json = serde_json::to_string(&decision).unwrap();
        assert_eq!(json.parse::<Decision>().unwrap(), decision);
        assert_eq!(decision.needs_calibration(), ["hedge", "conformal"].contains(name));
        assert_eq!(decision.is_multi_label(), *name == "consistent");
        let compiled = decision.compile(&tree());
        assert_eq!(compiled.is_ok(), decision.is_calibrated());
    }
    let error = "hedge".parse::<Decision>().unwrap().compile(&tree()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "hedge is not calibrated: calibrate it on validation data (in Rust `Decision::calibrate`), or give `lambda`"
    );
    for (json, message) in [
        (r#"{"hedge": {"accuracy": 0}}"#, "accuracy is 0, expected a number in (0, 1]"),
        (r#"{"hedge": {"lambda": -1}}"#, "lambda is -1, expected a finite number of at least 0"),
        (r#"{"conformal": {"alpha": 1}}"#, "alpha is 1, expected a number in (0, 1)"),
        (r#"{"conformal": {"log_q": 0.5}}"#, "log_q is 0.5, expected a finite number of at most 0"),
        (r#"{"consistent": {"threshold": 1}}"#, "threshold is 1, expected a number in [0, 1)"),
        (r#"{"top_down": {"threshold": -0.5}}"#, "threshold is -0.5, expected a number in [0, 1)"),
    ] {
        assert_eq!(json.parse::<Decision>().unwrap().compile(&tree()).unwrap_err().to_string(), message);
    }
}

#[cfg(feature = "rayon")]
#[test]
fn threads_answer_the_same() {
    let hierarchy = tree();
    let (classes, nodes) = (hierarchy.class_count(), hierarchy.node_count());
    let rows = klados::PARALLEL_ELEMENTS / nodes + 100;
    let logits: Vec<f32> = (0..rows * classes).map(|k| ((k * 7919) % 1009) as f32 / 300.0).collect();
    let mut log_probs = vec![0f32; rows * nodes];
    NodeLogProbs::new(&hierarchy).forward(&logits, &mut log_probs).unwrap();
    for rule in ["threshold", "plurality", "min_risk", "consistent"] {
        let decider = rule.parse::<Decision>().unwrap().compile(&hierarchy).unwrap();
        let decide = || {
            let (mut answers, mut sets) = (vec![NodeId::ROOT; rows], vec![false; rows * nodes]);
            match decider.is_multi_label() {
                true => decider.decide_sets(&log_probs, &mut sets).unwrap(),
                false => decider.decide(&log_probs, &mut answers).unwrap(),
            }
            (answers, sets)
        };
        assert!(decide() == klados::on_one_thread(decide), "{rule}");
    }
}
