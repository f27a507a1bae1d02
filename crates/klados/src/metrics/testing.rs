//! Random batches, and what every accumulator has to keep. Everything here is stated from the definitions, by sets of classes
//! and steps up, so that it can stand against the tables.

use std::collections::BTreeSet;
use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{ExactSum, Levels, Metric, Ratio, Truths};
use crate::criterion::InputError;
use crate::numeric::scalar::ln;
use crate::{Hierarchy, Label, NodeId};

/// Random numbers from a seed: SplitMix64.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// Below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// In `[0, 1)`.
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 * 2f64.powi(-53)
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// A random hierarchy, tree or DAG, and a batch on it.
pub(super) struct Batch {
    pub(super) levels: Levels,
    /// Of one class each: classes, nodes, unions, ignored ones.
    pub(super) labels: Vec<Label>,
    /// Multi-label, with masks, and ignored ones.
    pub(super) sets: Vec<Label>,
    /// Classes and internal nodes.
    pub(super) predictions: Vec<NodeId>,
    /// `[batch, nodes]`: the root's column and what is above a predicted node may be false.
    pub(super) predicted_sets: Vec<bool>,
    /// `[batch, nodes]`, mostly of a softmax; some classes have the same probability, some 0, some 1, and some rows contradict
    /// the hierarchy.
    pub(super) log_probs: Vec<f64>,
    /// Whether none of them contradicts the hierarchy.
    pub(super) agrees: bool,
    pub(super) weights: Vec<f64>,
    /// By node: the classes below it.
    below: Vec<BTreeSet<usize>>,
}

/// Some rows of a batch.
pub(super) struct Part<'a> {
    pub(super) truths: &'a Truths<'a>,
    pub(super) set_truths: &'a Truths<'a>,
    pub(super) predictions: &'a [NodeId],
    pub(super) predicted_sets: &'a [bool],
    pub(super) log_probs: &'a [f64],
    pub(super) weights: Option<&'a [f64]>,
}

impl Batch {
    pub(super) fn random(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let hierarchy = hierarchy(&mut random);
        let levels = Levels::new(&hierarchy);
        let (nodes, rows) = (hierarchy.node_count(), random.below(25));
        let mut any = {
            let mut random = Random::new(random.next());
            move || NodeId(random.below(nodes) as u32)
        };
        let label = |random: &mut Random, any: &mut dyn FnMut() -> NodeId| match random.below(8) {
            0 => Label::Ignored,
            1 | 2 => Label::Node(any()),
            3 => Label::Union(vec![any(), any()]),
            4 => Label::Union(vec![any(), any(), any()]),
            _ => Label::Class(random.below(hierarchy.class_count())),
        };
        let set = |random: &mut Random, any: &mut dyn FnMut() -> NodeId| match random.below(8) {
            0 => Label::Ignored,
            many => Label::Set {
                positive: (0..many / 2).map(|_| any()).collect(),
                masked: (0..random.below(3)).map(|_| any()).collect(),
            },
        };
        let labels = (0..rows).map(|_| label(&mut random, &mut any)).collect();
        let sets = (0..rows).map(|_| set(&mut random, &mut any)).collect();
        let predictions = (0..rows).map(|_| any()).collect();
        let predicted_sets = (0..rows * nodes).map(|_| random.below(4) == 0).collect();
        let weights = (0..rows).map(|row| if row % 5 == 3 { 0.0 } else { random.unit() * 3.0 }).collect();
        let below: Vec<BTreeSet<usize>> =
            hierarchy.nodes().map(|node| hierarchy.classes_below(node).into_iter().collect()).collect();
        let agrees = random.below(2) == 0;
        let log_probs = (0..rows).flat_map(|_| {
            let kind = random.below(8);
            if kind == 0 && !agrees {
                // What no hierarchy says: a child above its parent, what is certain below what cannot be, a root in doubt.
                let any = |_: &BTreeSet<usize>| match random.below(6) {
                    0 => f64::NEG_INFINITY,
                    1 => 0.0,
                    _ => ln((random.below(9) + 1) as f64 / 10.0),
                };
                return below.iter().map(any).collect::<Vec<_>>();
            }
            let mut weights: Vec<f64> = (0..hierarchy.class_count())
                .map(|_| if kind == 1 { random.below(2) } else { random.below(6) + 1 } as f64)
                .collect();
            if kind == 2 {
                weights.fill(0.0);
            }
            // With that, one class is certain where all others cannot be.
            weights[random.below(hierarchy.class_count())] += 1.0;
            let total: f64 = weights.iter().sum();
            let of = |classes: &BTreeSet<usize>| ln(classes.iter().map(|class| weights[*class]).sum::<f64>() / total);
            below.iter().map(of).collect::<Vec<_>>()
        });
        let log_probs = log_probs.collect();
        Self { levels, labels, sets, predictions, predicted_sets, log_probs, agrees, weights, below }
    }

    pub(super) fn hierarchy(&self) -> &Hierarchy {
        self.levels.hierarchy()
    }

    /// The classes below a node.
    pub(super) fn below(&self, node: NodeId) -> &BTreeSet<usize> {
        &self.below[node.index()]
    }

    /// The classes that a label stands for; none where it takes no part.
    pub(super) fn classes_of(&self, label: &Label) -> Option<BTreeSet<usize>> {
        let of = |nodes: &[NodeId]| nodes.iter().flat_map(|node| self.below(*node)).copied().collect();
        let classes: BTreeSet<usize> = match label {
            Label::Class(class) => [*class].into(),
            Label::Node(node) => of(&[*node]),
            Label::Union(nodes) => of(nodes),
            _ => return None,
        };
        let holds = |node: &NodeId| self.below(*node).is_superset(&classes);
        let says_something = classes.len() < self.hierarchy().class_count() || self.nodes().any(|node| holds(&node));
        says_something.then_some(classes)
    }

    /// The nodes but the root.
    pub(super) fn nodes(&self) -> impl Iterator<Item = NodeId> {
        self.hierarchy().nodes().skip(1)
    }

    /// Whether a prediction says a node: it is at or above the lowest node that has the prediction's classes below it.
    pub(super) fn is_said_by(&self, node: NodeId, prediction: NodeId) -> bool {
        self.steps_up(self.levels.lowest(prediction)).contains(&node)
    }

    /// A node and all above it.
    pub(super) fn steps_up(&self, node: NodeId) -> BTreeSet<NodeId> {
        let mut found = BTreeSet::from([node]);
        for parent in self.hierarchy().parents(node) {
            found.append(&mut self.steps_up(*parent));
        }
        found
    }
}

fn hierarchy(random: &mut Random) -> Hierarchy {
    let (nodes, is_tree) = (2 + random.below(14), random.below(2) == 0);
    let name = |node: usize| format!("n{node}");
    let mut edges: Vec<(String, String)> = (1..nodes).map(|node| (name(random.below(node)), name(node))).collect();
    if !is_tree {
        for _ in 0..random.below(6) {
            let child = 1 + random.below(nodes - 1);
            edges.push((name(random.below(child)), name(child)));
        }
    }
    let hierarchy = Hierarchy::from_edges(edges).unwrap();
    // Now and then an internal node is a class too.
    let mut classes: Vec<String> = hierarchy.class_names().map(str::to_owned).collect();
    if random.below(3) == 0 {
        classes.push(name(random.below(nodes)));
        classes.sort();
        classes.dedup();
    }
    let hierarchy = hierarchy.with_classes(classes).unwrap();
    let named = random.below(hierarchy.height(NodeId::ROOT) + 1);
    if random.below(6) == 0 {
        return with_ranks_that_nest(&hierarchy, random);
    }
    if random.below(3) > 0 || named == 0 {
        return hierarchy;
    }
    hierarchy.with_level_names((0..named).map(|level| format!("level {level}"))).unwrap()
}

/// The same nodes and classes, with ranks of which nodes have any, and so may their descendants.
fn with_ranks_that_nest(hierarchy: &Hierarchy, random: &mut Random) -> Hierarchy {
    let mut form = serde_json::to_value(hierarchy).unwrap();
    let nodes = form["nodes"].as_array().unwrap().len();
    form["rank_names"] = ["clade", "class", "species"].as_slice().into();
    let rank = |random: &mut Random| Some(random.below(4) as u64).filter(|rank| *rank < 3);
    form["ranks"] = (0..nodes).map(|_| rank(random)).collect::<Vec<_>>().into();
    serde_json::from_value(form).unwrap()
}

/// Calls with many random batches.
pub(super) fn many(check: impl Fn(&Batch)) {
    (0..150).for_each(|seed| check(&Batch::random(seed)));
}

/// Asserts that numbers are the same but for roundings.
#[track_caller]
pub(super) fn assert_close(found: Option<f64>, expected: Option<f64>) {
    match (found, expected) {
        (Some(found), Some(expected)) => {
            assert!(
                found == expected || (found - expected).abs() <= 1e-13 * expected.abs().max(1.0),
                "{found} is not {expected}"
            );
        }
        _ => assert_eq!(found, expected),
    }
}

/// Asserts that what rows add to metrics, `[batch, metrics]`, makes their values, to the bit.
#[track_caller]
pub(super) fn assert_ratios(ratios: &[Ratio], values: &[Option<f64>]) {
    for (at, value) in values.iter().enumerate() {
        let rows = ratios.iter().skip(at).step_by(values.len());
        let denominator: ExactSum = rows.clone().map(|ratio| ratio.denominator).collect();
        let numerator: ExactSum = rows.map(|ratio| ratio.numerator).collect();
        assert_eq!(super::share(&numerator, &denominator), *value, "of metric {at}");
    }
}

/// Asserts that any split of the rows, merged in any order, serialized between or not, gives the same bits, with sample
/// weights and without; that weights of 1 are no weights; that an empty part changes nothing; and that an accumulator of
/// another hierarchy is refused.
pub(super) fn merging<M>(new: impl Fn(&Batch) -> M, update: impl Fn(&mut M, &Part<'_>) -> Result<(), InputError>)
where
    M: Metric + Serialize + DeserializeOwned,
    M::Value: Debug,
{
    merging_where(|_| true, new, update);
}

/// The same for metrics that are not of all hierarchies.
pub(super) fn merging_where<M>(
    is_defined: impl Fn(&Batch) -> bool,
    new: impl Fn(&Batch) -> M,
    update: impl Fn(&mut M, &Part<'_>) -> Result<(), InputError>,
) where
    M: Metric + Serialize + DeserializeOwned,
    M::Value: Debug,
{
    let print = |metric: &M| format!("{:?}", metric.compute());
    for seed in 0..100 {
        let batch = Batch::random(seed);
        if !is_defined(&batch) {
            continue;
        }
        let mut random = Random::new(seed);
        let nodes = batch.hierarchy().node_count();
        let of = |rows: &[usize], weights: Option<&[f64]>| {
            let pick = |labels: &[Label]| rows.iter().map(|row| labels[*row].clone()).collect::<Vec<_>>();
            let (labels, sets) = (pick(&batch.labels), pick(&batch.sets));
            let predictions: Vec<NodeId> = rows.iter().map(|row| batch.predictions[*row]).collect();
            let wide = |row: &usize| row * nodes..(row + 1) * nodes;
            let predicted_sets: Vec<bool> =
                rows.iter().flat_map(|row| &batch.predicted_sets[wide(row)]).copied().collect();
            let log_probs: Vec<f64> = rows.iter().flat_map(|row| &batch.log_probs[wide(row)]).copied().collect();
            let weights: Option<Vec<f64>> = weights.map(|weights| rows.iter().map(|row| weights[*row]).collect());
            let mut metric = new(&batch);
            let part = Part {
                truths: &batch.levels.truths(&labels).unwrap(),
                set_truths: &batch.levels.truths(&sets).unwrap(),
                predictions: &predictions,
                predicted_sets: &predicted_sets,
                log_probs: &log_probs,
                weights: weights.as_deref(),
            };
            update(&mut metric, &part).unwrap();
            metric
        };
        let mut rows: Vec<usize> = (0..batch.labels.len()).collect();
        let ones = vec![1.0; rows.len()];
        assert_eq!(print(&of(&rows, Some(&ones))), print(&of(&rows, None)));
        for weights in [None, Some(&batch.weights[..])] {
            let whole = print(&of(&rows, weights));
            random.shuffle(&mut rows);
            let mut parts = vec![of(&[], weights)];
            let mut rest = &rows[..];
            while !rest.is_empty() {
                let (part, more) = rest.split_at(1 + random.below(rest.len()));
                parts.push(of(part, weights));
                rest = more;
            }
            while parts.len() > 1 {
                random.shuffle(&mut parts);
                let (Some(mut one), Some(other)) = (parts.pop(), parts.pop()) else { unreachable!() };
                if random.below(2) == 0 {
                    one = serde_json::from_str(&serde_json::to_string(&one).unwrap()).unwrap();
                }
                one.merge(&other).unwrap();
                parts.push(one);
            }
            assert_eq!(print(&parts[0]), whole, "of seed {seed}");
        }
    }
    let batches = (0..).map(Batch::random).filter(|batch| is_defined(batch) && batch.labels.len() > 5);
    for batch in batches.take(4) {
        altered(&batch, &new, &update);
    }
    let mut defined = (0..).map(Batch::random).filter(|batch| is_defined(batch)).map(|batch| new(&batch));
    let (Some(mut one), Some(other)) = (defined.next(), defined.next()) else { unreachable!() };
    assert!(one.merge(&other).is_err());
}

/// Whatever is changed in a stored accumulator: it is refused, or it is read and takes part in all that accumulators do.
fn altered<M>(batch: &Batch, new: &impl Fn(&Batch) -> M, update: &impl Fn(&mut M, &Part<'_>) -> Result<(), InputError>)
where
    M: Metric + Serialize + DeserializeOwned,
    M::Value: Debug,
{
    let part = Part {
        truths: &batch.levels.truths(&batch.labels).unwrap(),
        set_truths: &batch.levels.truths(&batch.sets).unwrap(),
        predictions: &batch.predictions,
        predicted_sets: &batch.predicted_sets,
        log_probs: &batch.log_probs,
        weights: Some(&batch.weights),
    };
    let mut whole = new(batch);
    update(&mut whole, &part).unwrap();
    let stored = serde_json::to_value(&whole).unwrap();
    let mut refused = [0; 2];
    for changed in changes(&stored, &mut Random::new(1), 400) {
        let Ok(read) = serde_json::from_value::<M>(changed) else {
            refused[0] += 1;
            continue;
        };
        read.compute();
        for (mut one, other) in [(read.clone(), &whole), (read.clone(), &read), (new(batch), &read)] {
            match one.merge(other) {
                Ok(()) => _ = serde_json::to_string(&one).unwrap(),
                Err(_) => refused[1] += 1,
            }
            one.compute();
        }
        let mut one = read;
        if update(&mut one, &part).is_err() {
            refused[1] += 1;
        }
        one.compute();
    }
    assert!(refused.iter().all(|refused| *refused > 10), "{refused:?}");
}

/// Some of the changes that can be made to JSON: an element or a field less, an element twice, an empty array, a number that
/// is huge, negative or not whole, a value of another type.
pub(super) fn changes(stored: &Value, random: &mut Random, count: usize) -> Vec<Value> {
    let mut places = Vec::new();
    pointers(stored, String::new(), &mut places);
    let of = |_| {
        let mut changed = stored.clone();
        // Half of them near the root, where there are fewer.
        let near: Vec<&String> = places.iter().filter(|place| place.matches('/').count() < 4).collect();
        let place =
            if random.below(2) == 0 { near[random.below(near.len())] } else { &places[random.below(places.len())] };
        let value = changed.pointer_mut(place).unwrap();
        match value {
            Value::Array(items) if random.below(4) > 0 => match (random.below(3), items.len()) {
                (0, 1..) => _ = items.remove(random.below(items.len())),
                (1, 1..) => items.push(items[random.below(items.len())].clone()),
                _ => items.clear(),
            },
            Value::Object(fields) if random.below(4) > 0 && !fields.is_empty() => {
                let field = fields.keys().nth(random.below(fields.len())).unwrap().clone();
                fields.remove(&field);
            }
            Value::Number(_) if random.below(4) > 0 => {
                let numbers =
                    [json!(u64::MAX), json!(1u64 << 40), json!(-1), json!(0), json!(1), json!(1e300), json!(-0.5)];
                *value = numbers[random.below(numbers.len())].clone();
            }
            _ => {
                *value =
                    [json!("text"), json!(null), json!([]), json!({}), json!(3), json!(true)][random.below(6)].clone();
            }
        }
        changed
    };
    (0..count).map(of).collect()
}

/// The places of all values.
fn pointers(value: &Value, place: String, out: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| pointers(item, format!("{place}/{at}"), out));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(name, field)| pointers(field, format!("{place}/{name}"), out));
        }
        _ => {}
    }
    out.push(place);
}
