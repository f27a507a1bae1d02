//! What a row of each decision rule costs, from 100 to 100,000 classes: nanoseconds a node, which stay about the same where
//! the time grows linearly.
//!
//! A tree of branching 10, and a DAG in which every tenth class has a second parent. Batches of some 100,000 numbers, which are
//! too few for a second thread; a row is a softmax of random logits.
#![expect(clippy::print_stdout, reason = "a measurement is printed")]

use std::error::Error;
use std::time::Instant;

use klados::{Decider, Decision, Hierarchy, NodeId, NodeLogProbs};

const CLASSES: [usize; 4] = [100, 1_000, 10_000, 100_000];
/// The numbers of a batch, unless a row has more.
const BATCH: usize = 100_000;
/// The time to spend on each cell, of which the best batch counts.
const SECONDS: f64 = 0.1;

const RULES: [&str; 13] = [
    "argmax_leaf",
    "top_down",
    r#"{"top_down": {"threshold": 0.5}}"#,
    "threshold",
    r#"{"threshold": {"tau": 0.1}}"#,
    "plurality",
    "expected_information",
    "min_risk",
    r#"{"min_risk": {"cost": "path_length", "over": "nodes"}}"#,
    "rollup",
    r#"{"hedge": {"lambda": 3}}"#,
    r#"{"conformal": {"log_q": -0.5}}"#,
    "consistent",
];

fn main() -> Result<(), Box<dyn Error>> {
    for (shape, is_dag) in [("tree", false), ("DAG", true)] {
        let heads: Vec<String> = CLASSES.iter().map(|classes| format!("{classes:>9}")).collect();
        println!("{:58} {}   ns a node, by classes, {shape}", "", heads.join(" "));
        let hierarchies: Vec<Hierarchy> = CLASSES.iter().map(|&n| hierarchy(n, is_dag)).collect::<Result<_, _>>()?;
        for rule in RULES {
            let mut cells = Vec::new();
            for hierarchy in &hierarchies {
                let Ok(decider) = rule.parse::<Decision>()?.compile(hierarchy) else { break };
                cells.push(format!("{:>9.2}", nanoseconds(&decider)?));
            }
            println!("{rule:58} {}", cells.join(" "));
        }
    }
    Ok(())
}

/// Every ten nodes of a level have a parent; in the DAG every tenth class has a second one.
fn hierarchy(classes: usize, is_dag: bool) -> Result<Hierarchy, Box<dyn Error>> {
    let name = |level: usize, index: usize| format!("{level}.{index}");
    let (mut edges, mut width, mut level) = (Vec::new(), classes, 0);
    while width > 1 {
        let above = width.div_ceil(10);
        for index in 0..width {
            edges.push((name(level + 1, index / 10), name(level, index)));
            if is_dag && level == 0 && index % 10 == 0 && above > 1 {
                edges.push((name(level + 1, (index / 10 + 1) % above), name(level, index)));
            }
        }
        (width, level) = (above, level + 1);
    }
    Ok(Hierarchy::from_edges(edges.iter().map(|(parent, child)| (parent.as_str(), child.as_str())))?)
}

/// The time of the best batch, over its nodes.
fn nanoseconds(decider: &Decider) -> Result<f64, Box<dyn Error>> {
    let hierarchy = decider.hierarchy();
    let (classes, nodes) = (hierarchy.class_count(), hierarchy.node_count());
    let rows = (BATCH / nodes).max(1);
    let logits: Vec<f64> = (0..rows * classes).map(|k| ((k * 7919) % 1009) as f64 / 100.0).collect();
    let mut log_probs = vec![0.0; rows * nodes];
    NodeLogProbs::new(hierarchy).forward(&logits, &mut log_probs)?;
    let mut answers = vec![NodeId::ROOT; rows];
    let mut sets = vec![false; rows * nodes];
    let (begin, mut best) = (Instant::now(), f64::INFINITY);
    while best.is_infinite() || begin.elapsed().as_secs_f64() < SECONDS {
        let start = Instant::now();
        match decider.is_multi_label() {
            true => decider.decide_sets(&log_probs, &mut sets)?,
            false => decider.decide(&log_probs, &mut answers)?,
        }
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(best * 1e9 / (rows * nodes) as f64)
}
