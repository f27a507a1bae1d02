//! Every usual mistake, made here in plain code, is found and named; what is right has none.
#![allow(clippy::disallowed_methods, reason = "tests compute by hand with the functions of the platform")]

use klados::explain::{Diagnosis, Mistake, STEP, TOLERANCE, diagnose};
use klados::loss::Reduction;
use klados::{Criterion, Hierarchy, Label, Loss, NodeId};

use crate::terms::{LOSSES, dag, labels_on_the_tree};

/// Three levels; the classes are neither in the order of the tree nor in that of their names.
fn tree() -> Hierarchy {
    let edges = [
        ("animal", "mammal"),
        ("mammal", "bat"),
        ("mammal", "dog"),
        ("mammal", "bear"),
        ("animal", "bird"),
        ("bird", "crow"),
        ("bird", "robin"),
        ("plant", "tree"),
        ("tree", "oak"),
        ("tree", "elm"),
        ("plant", "grass"),
        ("grass", "rye"),
        ("grass", "oat"),
    ];
    let all = Hierarchy::from_edges(edges).unwrap();
    all.with_classes(["rye", "dog", "crow", "oak", "bat", "oat", "robin", "bear", "elm"]).unwrap()
}

/// Weights of the levels from the top.
const WEIGHTS: [f64; 3] = [0.7, 0.3, 1.9];
const LEVELS: &str = r#"{"marginal_cross_entropy": {"weights": {"levels": [0.7, 0.3, 1.9]}}}"#;

fn compile(loss: &str, hierarchy: &Hierarchy) -> Criterion {
    loss.parse::<Loss>().unwrap().compile(hierarchy).unwrap()
}

/// A batch of class labels.
struct Batch {
    criterion: Criterion,
    logits: Vec<f64>,
    classes: Vec<usize>,
}

impl Batch {
    fn new(loss: &str, hierarchy: &Hierarchy) -> Self {
        let (criterion, classes) = (compile(loss, hierarchy), vec![0, 4, 2, 1]);
        let columns = criterion.columns();
        // All above 0, so that sums of them have a logarithm.
        let logit = |at: usize| 0.3 + ((at * 7 + 3) % 11) as f64 / 6.0 + at as f64 / 77.0;
        Self { logits: (0..classes.len() * columns).map(logit).collect(), criterion, classes }
    }

    fn labels(&self) -> Vec<Label> {
        self.classes.iter().map(|class| Label::Class(*class)).collect()
    }

    fn diagnose(&self, gradient: &[f64], reduction: Reduction) -> Diagnosis {
        diagnose(&self.criterion, &self.logits, &self.labels(), gradient, reduction, TOLERANCE).unwrap()
    }

    /// What is named for a mean of losses of rows.
    fn named(&self, loss: impl Fn(&[f64], usize) -> f64) -> Vec<Mistake> {
        let diagnosis = self.of_loss(loss);
        assert!(!diagnosis.is_right());
        diagnosis.mistakes
    }

    /// Of a mean of losses of rows, given the logits of a row and its class, by central differences.
    fn of_loss(&self, loss: impl Fn(&[f64], usize) -> f64) -> Diagnosis {
        let columns = self.criterion.columns();
        let mut gradient = Vec::new();
        for (z, class) in self.logits.chunks(columns).zip(&self.classes) {
            let mut moved = z.to_vec();
            for column in 0..columns {
                let mut difference = |step: f64| {
                    moved[column] = z[column] + step;
                    let above = loss(&moved, *class);
                    moved[column] = z[column] - step;
                    let below = loss(&moved, *class);
                    moved[column] = z[column];
                    (above - below) / (2.0 * step)
                };
                let slope = (4.0 * difference(STEP / 2.0) - difference(STEP)) / 3.0;
                gradient.push(slope / self.classes.len() as f64);
            }
        }
        self.diagnose(&gradient, Reduction::Mean)
    }

    /// The gradient of the losses, unreduced.
    fn right(&self) -> Vec<f64> {
        let (mut losses, mut gradient) = (vec![0.0; self.classes.len()], vec![0.0; self.logits.len()]);
        self.criterion.forward_backward(&self.logits, &self.labels(), &mut losses, &mut gradient).unwrap();
        gradient
    }

    fn scaled(&self, factor: f64) -> Vec<f64> {
        self.right().iter().map(|entry| entry * factor).collect()
    }
}

/// The nodes of a class's path, from the class up.
fn path(hierarchy: &Hierarchy, class: usize) -> Vec<NodeId> {
    hierarchy.lineage(hierarchy.class_node(class)).into_iter().rev().collect()
}

fn lse(values: &[f64]) -> f64 {
    values.iter().map(|z| z.exp()).sum::<f64>().ln()
}

fn below(hierarchy: &Hierarchy, node: NodeId, z: &[f64]) -> Vec<f64> {
    hierarchy.classes_below(node).into_iter().map(|class| z[class]).collect()
}

fn softmax(z: &[f64]) -> Vec<f64> {
    let all = lse(z);
    z.iter().map(|z| (z - all).exp()).collect()
}

/// The loss where each term of weight 1 is this, given the node and the logits.
fn sum_of_terms<'a>(
    hierarchy: &'a Hierarchy,
    weight: impl Fn(NodeId) -> f64 + 'a,
    term: impl Fn(NodeId, &[f64]) -> f64 + 'a,
) -> impl Fn(&[f64], usize) -> f64 + 'a {
    move |z, class| path(hierarchy, class).into_iter().map(|node| weight(node) * term(node, z)).sum()
}

fn by_level(hierarchy: &Hierarchy) -> impl Fn(NodeId) -> f64 + '_ {
    |node| WEIGHTS[hierarchy.depth(node) - 1]
}

fn right_term(hierarchy: &Hierarchy, node: NodeId, z: &[f64]) -> f64 {
    lse(z) - lse(&below(hierarchy, node, z))
}

/// A softmax over the nodes of a depth, with the classes that end above it, whose logits are pooled.
fn pooled_term(hierarchy: &Hierarchy, node: NodeId, z: &[f64], pool: impl Fn(&[f64]) -> f64) -> f64 {
    if hierarchy.children(node).is_empty() {
        return right_term(hierarchy, node, z);
    }
    let depth = hierarchy.depth(node);
    let is_peer = |peer: &NodeId| {
        hierarchy.depth(*peer) == depth || (hierarchy.depth(*peer) < depth && hierarchy.children(*peer).is_empty())
    };
    let peers = hierarchy.nodes().skip(1).filter(is_peer);
    let logits: Vec<f64> = peers.map(|peer| pool(&below(hierarchy, peer, z))).collect();
    lse(&logits) - pool(&below(hierarchy, node, z))
}

type Pool<'a> = &'a dyn Fn(&[f64]) -> f64;

#[test]
fn pooled_logits_are_named() {
    let mean = |z: &[f64]| z.iter().sum::<f64>() / z.len() as f64;
    let pools: [(Mistake, Pool<'_>); 3] = [
        (Mistake::SummedLogits, &|z| z.iter().sum()),
        (Mistake::AveragedLogits, &mean),
        (Mistake::LargestLogit, &|z| z.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
    ];
    for (hierarchy, loss) in [(tree(), LEVELS), (dag(), "marginal_cross_entropy")] {
        let batch = Batch::new(loss, &hierarchy);
        let weight = |node| if loss == LEVELS { by_level(&hierarchy)(node) } else { 1.0 };
        for (mistake, pool) in pools {
            let loss = sum_of_terms(&hierarchy, weight, |node, z| pooled_term(&hierarchy, node, z, pool));
            assert_eq!(batch.named(loss), [mistake], "{mistake:?}");
        }
        let right = sum_of_terms(&hierarchy, weight, |node, z| right_term(&hierarchy, node, z));
        assert!(batch.of_loss(right).is_right());
    }
}

#[test]
fn a_softmax_that_is_missing_or_twice_is_named() {
    for (hierarchy, loss) in [(tree(), LEVELS), (dag(), "marginal_cross_entropy")] {
        let batch = Batch::new(loss, &hierarchy);
        let weight = |node| if loss == LEVELS { by_level(&hierarchy)(node) } else { 1.0 };
        let is_class = |node| hierarchy.children(node).is_empty();
        let sum = |node, z: &[f64]| below(&hierarchy, node, z).iter().sum::<f64>();
        for everywhere in [true, false] {
            let wrong = |wrong: &dyn Fn(NodeId, &[f64]) -> f64| {
                batch.named(sum_of_terms(&hierarchy, weight, |node, z| match everywhere || !is_class(node) {
                    true => wrong(node, z),
                    false => right_term(&hierarchy, node, z),
                }))
            };
            assert_eq!(wrong(&|node, z| -sum(node, z).ln()), [Mistake::LogOfSummedLogits]);
            assert_eq!(wrong(&|node, z| -lse(&below(&hierarchy, node, z))), [Mistake::NoNormalizer]);
            assert_eq!(wrong(&|node, z| right_term(&hierarchy, node, &softmax(z))), [Mistake::SoftmaxTwice]);
        }
    }
}

/// The gradient by the probabilities that went in, `-w / P(v)` for the classes below each node.
#[test]
fn a_gradient_by_probabilities_is_named() {
    let hierarchy = tree();
    let batch = Batch::new(LEVELS, &hierarchy);
    let columns = batch.criterion.columns();
    let mut gradient = Vec::new();
    for (z, class) in batch.logits.chunks(columns).zip(&batch.classes) {
        let p = softmax(z);
        let mut row = vec![0.0; columns];
        for node in path(&hierarchy, *class) {
            let total: f64 = below(&hierarchy, node, &p).iter().sum();
            for class in hierarchy.classes_below(node) {
                row[class] -= by_level(&hierarchy)(node) / total / 4.0;
            }
        }
        gradient.extend(row);
    }
    assert_eq!(batch.diagnose(&gradient, Reduction::Mean).mistakes, [Mistake::ByProbabilities]);
}

/// Where `P` is some ten times the epsilon that is added, the gradient is some tenth too small.
#[test]
fn an_epsilon_in_the_logarithm_is_named_with_its_size() {
    for hierarchy in [tree(), dag()] {
        let mut batch = Batch::new("marginal_cross_entropy", &hierarchy);
        let columns = batch.criterion.columns();
        for epsilon in [1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3] {
            for (z, class) in batch.logits.chunks_mut(columns).zip(&batch.classes) {
                z[*class] = 1.0 + f64::ln(10.0 * epsilon);
            }
            let loss = sum_of_terms(
                &hierarchy,
                |_| 1.0,
                |node, z| -(below(&hierarchy, node, &softmax(z)).iter().sum::<f64>() + epsilon).ln(),
            );
            assert_eq!(batch.named(loss), [Mistake::Epsilon(epsilon)]);
        }
    }
}

#[test]
fn mistaken_weights_are_named() {
    let hierarchy = tree();
    let batch = Batch::new(LEVELS, &hierarchy);
    let depth = |node| hierarchy.depth(node);
    let level = |depth: usize| WEIGHTS.get(depth.wrapping_sub(1)).copied().unwrap_or(0.0);
    let named = |weight: &dyn Fn(NodeId) -> f64| {
        batch.named(sum_of_terms(&hierarchy, weight, |node, z| right_term(&hierarchy, node, z)))
    };
    assert_eq!(named(&|node| level(depth(node)).powi(2)), [Mistake::WeightsTwice]);
    assert_eq!(named(&|_| 1.0), [Mistake::WeightsLeftOut]);
    assert_eq!(named(&|node| level(4 - depth(node))), [Mistake::LevelsFromBelow]);
    assert_eq!(named(&|node| level(depth(node) + 1)), [Mistake::LevelsOffByOne]);
    assert_eq!(named(&|node| level(depth(node) - 1)), [Mistake::LevelsOffByOne]);
    assert_eq!(named(&|node| level(depth(node)) / 3.0), [Mistake::MeanOverLevels]);
    assert_eq!(named(&|node| level(depth(node)) / 2.9), [Mistake::MeanOverLevels]); // the sum of the weights
}

#[test]
fn marginal_for_conditional_and_back_are_named() {
    let hierarchy = tree();
    let conditional = |node: NodeId, z: &[f64]| {
        lse(&below(&hierarchy, hierarchy.parents(node)[0], z)) - lse(&below(&hierarchy, node, z))
    };
    let batch = Batch::new(LEVELS, &hierarchy);
    assert_eq!(batch.named(sum_of_terms(&hierarchy, by_level(&hierarchy), conditional)), [Mistake::Conditional]);
    let batch = Batch::new(r#"{"hierarchical_cross_entropy": {"alpha": 0.4}}"#, &hierarchy);
    let lambda = |node| (-0.4 * (hierarchy.depth(node) as f64 - 1.0)).exp();
    assert!(batch.of_loss(sum_of_terms(&hierarchy, lambda, conditional)).is_right());
    let marginal = |node, z: &[f64]| right_term(&hierarchy, node, z);
    assert_eq!(batch.named(sum_of_terms(&hierarchy, lambda, marginal)), [Mistake::NotConditional]);
    let twice = |node| lambda(node) * lambda(node);
    assert_eq!(batch.named(sum_of_terms(&hierarchy, twice, conditional)), [Mistake::WeightsTwice]);
}

#[test]
fn a_focal_factor_that_is_missing_is_named() {
    let hierarchy = tree();
    let batch = Batch::new(r#"{"marginal_cross_entropy": {"gamma": 2}}"#, &hierarchy);
    let focal = |node, z: &[f64]| {
        let log_p = -right_term(&hierarchy, node, z);
        -(1.0 - log_p.exp()).powi(2) * log_p
    };
    assert!(batch.of_loss(sum_of_terms(&hierarchy, |_| 1.0, focal)).is_right());
    let plain = |node, z: &[f64]| right_term(&hierarchy, node, z);
    assert_eq!(batch.named(sum_of_terms(&hierarchy, |_| 1.0, plain)), [Mistake::FocalLeftOut]);
    // `(1 - p).detach() ** gamma`: the factor is that of the logits as they are.
    let columns = batch.criterion.columns();
    let mut gradient = vec![0.0; batch.logits.len()];
    for (row, class) in batch.classes.iter().enumerate() {
        let z = &batch.logits[row * columns..(row + 1) * columns];
        let p = softmax(z);
        for node in path(&hierarchy, *class) {
            let of_node: f64 = below(&hierarchy, node, &p).iter().sum();
            let below = hierarchy.classes_below(node);
            for column in 0..columns {
                let within = if below.contains(&column) { p[column] / of_node } else { 0.0 };
                gradient[row * columns + column] += (1.0 - of_node).powi(2) * (p[column] - within) / 4.0;
            }
        }
    }
    assert_eq!(batch.diagnose(&gradient, Reduction::Mean).mistakes, [Mistake::FocalLeftOut]);
}

#[test]
fn mistaken_reductions_are_named() {
    let hierarchy = tree();
    let batch = Batch::new(LEVELS, &hierarchy); // 4 rows of 9 classes
    let named = |factor: f64, reduction| batch.diagnose(&batch.scaled(factor), reduction).mistakes;
    assert_eq!(named(1.0, Reduction::Sum), []);
    assert_eq!(named(0.25, Reduction::Mean), []);
    assert_eq!(named(1.0, Reduction::Mean), [Mistake::SumNotMean]);
    assert_eq!(named(0.25, Reduction::Sum), [Mistake::MeanNotSum]);
    assert_eq!(named(1.0 / 9.0, Reduction::Mean), [Mistake::MeanOverClasses]);
    assert_eq!(named(1.0 / 36.0, Reduction::Mean), [Mistake::MeanOverClasses]);
    assert_eq!(named(-0.25, Reduction::Mean), [Mistake::SignFlipped]);
    assert_eq!(named(0.77, Reduction::Mean), []); // no usual one
    assert!(!batch.diagnose(&batch.scaled(0.77), Reduction::Mean).is_right());
    let none = batch.diagnose(&vec![f64::NAN; batch.logits.len()], Reduction::Mean);
    assert!(none.mistakes.is_empty() && none.comparison.largest.is_nan());
}

#[test]
fn class_weights_twice_and_means_regardless_of_weights_are_named() {
    let hierarchy = tree();
    let loss = r#"{"marginal_cross_entropy": {"class_weight": [1, 2, 3, 4, 5, 6, 7, 8, 9]}}"#;
    let batch = Batch::new(loss, &hierarchy);
    // Of classes 0, 4, 2 and 1.
    let weights = [1.0, 5.0, 3.0, 2.0];
    let columns = batch.criterion.columns();
    let mut twice = batch.scaled(1.0 / 11.0);
    twice.iter_mut().enumerate().for_each(|(at, entry)| *entry *= weights[at / columns]);
    assert_eq!(batch.diagnose(&twice, Reduction::Mean).mistakes, [Mistake::ClassWeightsTwice]);
    assert_eq!(batch.diagnose(&batch.scaled(0.25), Reduction::Mean).mistakes, [Mistake::MeanOverAllRows]);
    assert!(batch.diagnose(&batch.scaled(1.0 / 11.0), Reduction::Mean).is_right());
    // Three levels of weight 1, with class weights: a third.
    assert_eq!(batch.diagnose(&batch.scaled(1.0 / 33.0), Reduction::Mean).mistakes, [Mistake::MeanOverLevels]);
}

/// A model whose class logits are sums of node logits: the mistakes are made with the sums.
#[test]
fn mistakes_with_shared_parameters_are_named() {
    let hierarchy = tree();
    let batch = Batch::new(r#"{"parameter_sharing_softmax": {"weights": "uniform"}}"#, &hierarchy);
    let sums = |z: &[f64]| -> Vec<f64> {
        let column = |node: NodeId| hierarchy.node_columns().iter().position(|of| *of == node).unwrap();
        (0..9).map(|class| path(&hierarchy, class).into_iter().map(|node| z[column(node)]).sum()).collect()
    };
    let right = |node, z: &[f64]| right_term(&hierarchy, node, &sums(z));
    assert!(batch.of_loss(sum_of_terms(&hierarchy, |_| 1.0, right)).is_right());
    let summed = |node, z: &[f64]| pooled_term(&hierarchy, node, &sums(z), |z| z.iter().sum());
    assert_eq!(batch.named(sum_of_terms(&hierarchy, |_| 1.0, summed)), [Mistake::SummedLogits]);
    let epsilon = |node, z: &[f64]| -((-right_term(&hierarchy, node, &sums(z))).exp() + 1e-3).ln();
    assert_eq!(batch.named(sum_of_terms(&hierarchy, |_| 1.0, epsilon)), [Mistake::Epsilon(1e-3)]);
}

/// Coarse labels, unions and distributions: the mistake is made in each of their terms.
#[test]
fn mistakes_with_coarse_and_soft_labels_are_named() {
    let hierarchy = tree();
    let criterion = compile("marginal_cross_entropy", &hierarchy);
    let mut soft = vec![0.0; 9];
    (soft[0], soft[3]) = (0.25, 0.75);
    let mut labels: Vec<Label> =
        ["bird", "oak|bat", "animal"].iter().map(|label| hierarchy.parse_label(label).unwrap()).collect();
    labels.extend([Label::Soft(soft), Label::Ignored]);
    let logits: Vec<f64> = (0..45).map(|at| ((at * 7 + 3) % 11) as f64 / 5.0 - 1.1 + at as f64 / 77.0).collect();
    // -log(P + epsilon): the gradient of each term times P / (P + epsilon), of which `terms` says the P.
    let mut gradient = Vec::new();
    for (row, label) in labels.iter().enumerate() {
        let z = &logits[row * 9..(row + 1) * 9];
        let p = softmax(z);
        let mut of_row = vec![0.0; 9];
        for term in criterion.terms(label).unwrap() {
            let nodes = match &term.of {
                klados::TermSet::Node(node) => vec![*node],
                klados::TermSet::Union(nodes) => nodes.clone(),
                klados::TermSet::Superclass(_) => unreachable!("the loss has no map"),
            };
            let set: Vec<usize> = nodes.iter().flat_map(|node| hierarchy.classes_below(*node)).collect();
            let total: f64 = set.iter().map(|class| p[*class]).sum();
            for class in 0..9 {
                let within = if set.contains(&class) { p[class] / total } else { 0.0 };
                of_row[class] += term.weight * total / (total + 1e-4) * (p[class] - within) / 4.0;
            }
        }
        gradient.extend(of_row);
    }
    let diagnosis = diagnose(&criterion, &logits, &labels, &gradient, Reduction::Mean, TOLERANCE).unwrap();
    assert_eq!(diagnosis.mistakes, [Mistake::Epsilon(1e-4)]);
    // Divided by all five rows, the ignored one too.
    let mut right = vec![0.0; 45];
    criterion.forward_backward_scaled(&logits, &labels, &mut [0.0; 5], &mut right, 1.0 / 5.0).unwrap();
    let diagnosis = diagnose(&criterion, &logits, &labels, &right, Reduction::Mean, TOLERANCE).unwrap();
    assert_eq!(diagnosis.mistakes, [Mistake::MeanOverAllRows]);
}

/// `gradient[:, order]`, and code that looks up its superclasses in another order than the logits'.
#[test]
fn columns_in_another_order_are_named() {
    let hierarchy = tree();
    let batch = Batch::new(LEVELS, &hierarchy);
    // As the tree has them from left to right or as a dictionary does: the places of these classes among the columns.
    let position = |name: &str| hierarchy.class(name).unwrap();
    let mut by_name: Vec<&str> = hierarchy.class_names().collect();
    by_name.sort_unstable();
    let by_name: Vec<usize> = by_name.into_iter().map(position).collect();
    let mut by_tree = Vec::new();
    let mut stack = vec![NodeId::ROOT];
    while let Some(node) = stack.pop() {
        by_tree.extend(hierarchy.class_at(node));
        stack.extend(hierarchy.children(node).iter().rev());
    }
    for (order, mistake) in [(by_tree, Mistake::TreeOrder), (by_name, Mistake::NameOrder)] {
        let columns = order.len();
        let right = batch.scaled(0.25);
        let reordered: Vec<f64> =
            right.chunks(columns).flat_map(|row| order.iter().map(|column| row[*column])).collect();
        assert_eq!(batch.diagnose(&reordered, Reduction::Mean).mistakes, [mistake]);
        // The class of column `k` is taken to be the one at place `k` of the order.
        let meant: Vec<usize> = (0..columns).map(|class| order.iter().position(|at| *at == class).unwrap()).collect();
        let loss = |z: &[f64], class: usize| {
            let z: Vec<f64> = (0..columns).map(|class| z[meant[class]]).collect();
            path(&hierarchy, class)
                .into_iter()
                .map(|node| by_level(&hierarchy)(node) * right_term(&hierarchy, node, &z))
                .sum()
        };
        assert_eq!(batch.named(loss), [mistake]);
    }
}

/// The right gradient of every loss with every kind of label has no mistake, also in `f32`.
#[test]
fn what_is_right_has_no_mistake() {
    let hierarchy = crate::terms::tree();
    for (loss, takes_unions, _) in LOSSES {
        let criterion = compile(loss, &hierarchy);
        let labels = labels_on_the_tree(&hierarchy, loss, takes_unions);
        let columns = criterion.columns();
        let logits: Vec<f32> =
            (0..columns * labels.len()).map(|k| ((k * 7 + 3) % 11) as f32 / 5.0 - 1.1 + k as f32 / 512.0).collect();
        let (mut losses, mut gradient) = (vec![0.0; labels.len()], vec![0.0; logits.len()]);
        criterion.forward_backward(&logits, &labels, &mut losses, &mut gradient).unwrap();
        let [logits, gradient] = [logits, gradient].map(|list| list.into_iter().map(f64::from).collect::<Vec<_>>());
        let diagnosis = diagnose(&criterion, &logits, &labels, &gradient, Reduction::Sum, TOLERANCE).unwrap();
        assert!(diagnosis.is_right() && diagnosis.mistakes.is_empty(), "{loss}: {diagnosis:?}");
        let flipped: Vec<f64> = gradient.iter().map(|entry| -entry).collect();
        let diagnosis = diagnose(&criterion, &logits, &labels, &flipped, Reduction::Sum, TOLERANCE).unwrap();
        assert_eq!(diagnosis.mistakes, [Mistake::SignFlipped], "{loss}");
    }
}

/// A file of many rows: each mistake is made in one row first, which must be no other row to the mistake than it is in the
/// batch. Losses that draw at random do so by the place of the row, and means divide by all rows.
#[test]
fn a_row_of_a_batch_is_what_it_is_in_the_batch() {
    let hierarchy = tree();
    for (loss, mistake) in [
        (r#"{"random_cut": {"p": 0.5, "class_weight": [1, 2, 3, 4, 5, 6, 7, 8, 9]}}"#, Mistake::ClassWeightsTwice),
        ("random_cut", Mistake::SumNotMean),
        ("binary_cross_entropy", Mistake::MeanOverAllRows),
    ] {
        let criterion = compile(loss, &hierarchy);
        let (rows, columns) = (40, criterion.columns());
        let labels: Vec<Label> = (0..rows).map(|row| Label::Class(row % 9)).collect();
        let logits: Vec<f64> = (0..rows * columns).map(|at| ((at * 7 + 3) % 11) as f64 / 5.0 - 1.1).collect();
        let normalizer = criterion.normalizer(&labels).unwrap();
        let mut gradient = vec![0.0; rows * columns];
        criterion.forward_backward(&logits, &labels, &mut vec![0.0; rows], &mut gradient).unwrap();
        let scale = |row: usize| match mistake {
            Mistake::ClassWeightsTwice => (row % 9 + 1) as f64 / normalizer, // the weight of its class
            Mistake::SumNotMean => 1.0,
            _ => 1.0 / rows as f64,
        };
        gradient.iter_mut().enumerate().for_each(|(at, entry)| *entry *= scale(at / columns));
        let found = diagnose(&criterion, &logits, &labels, &gradient, Reduction::Mean, TOLERANCE).unwrap().mistakes;
        assert_eq!(found, [mistake], "{loss}");
    }
}

/// What fits in the row that is furthest off and in no other is no mistake.
#[test]
fn a_mistake_in_one_row_alone_is_not_named() {
    let batch = Batch::new(LEVELS, &tree());
    let mut gradient = batch.scaled(0.25);
    let columns = batch.criterion.columns();
    gradient[..columns].iter_mut().for_each(|entry| *entry = -*entry);
    let diagnosis = batch.diagnose(&gradient, Reduction::Mean);
    assert!(!diagnosis.is_right() && diagnosis.mistakes.is_empty(), "{:?}", diagnosis.mistakes);
}

/// Each says what is wrong, and after a colon what to do.
#[test]
fn a_mistake_says_what_to_do() {
    let batch = Batch::new(LEVELS, &tree());
    let text = batch.diagnose(&batch.scaled(1.0), Reduction::Mean).mistakes[0].to_string();
    assert_eq!(text, "the sum over the rows: the mean is asked for; divide by the sum of the rows' weights");
    assert_eq!(
        Mistake::Epsilon(1e-7).to_string(),
        "1e-7 is added in the logarithm: compute in log space, where nothing is added"
    );
}

#[test]
fn rows_that_do_not_fit_are_errors() {
    let criterion = compile("marginal_cross_entropy", &tree());
    let error = |logits: &[f64], labels: &[Label], given: &[f64]| {
        diagnose(&criterion, logits, labels, given, Reduction::Mean, TOLERANCE).unwrap_err().to_string()
    };
    let one = [Label::Class(0)];
    assert_eq!(error(&[0.0; 5], &one, &[0.0; 9]), "the logits have 5 elements, expected 9 (labels times columns)");
    assert_eq!(
        error(&[0.0; 9], &one, &[0.0; 8]),
        "the given gradient has 8 elements, expected 9 (as the one that is expected)"
    );
    assert_eq!(error(&[0.0; 9], &[Label::Class(9)], &[0.0; 9]), "row 0: class 9 is outside of 0..9");
}
