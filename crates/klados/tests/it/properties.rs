//! What holds for every hierarchy, loss and label, on random ones. A failure prints the case and its seed.
#![allow(clippy::disallowed_methods, reason = "tests compute by hand with the functions of the platform")]

use klados::loss::{HierarchicalCrossEntropy, MarginalCrossEntropy, Reduction, Unresolved, Weights};
use klados::{Criterion, Hierarchy, Label, Level, Loss, NodeId, NodeLogProbs};
use klados_testing::golden::{Case, FILES, Scale};
use klados_testing::strategies::{self, Batch, LogitScale};
use klados_testing::{Big, Precision, gradcheck, reference};
use proptest::prelude::*;
use proptest::sample::select;

use crate::losses::{hierarchy, label, run};

fn compile(batch: &Batch, hierarchy: &Hierarchy) -> (Criterion, Vec<Label>) {
    let loss: Loss = serde_json::from_value(serde_json::to_value(&batch.loss).unwrap()).unwrap();
    let labels = batch.labels.iter().map(|spec| label(spec, hierarchy)).collect();
    (loss.compile(hierarchy).unwrap(), labels)
}

/// A batch of any loss, each as often as the others.
fn of_any_loss(nodes: usize, scale: LogitScale) -> impl Strategy<Value = Batch> {
    select(&FILES[..]).prop_flat_map(move |stem| strategies::batch_of(stem, nodes, scale))
}

/// Relative to the largest entry of the two.
fn close(a: &[f64], b: &[f64], tolerance: f64) -> Result<(), TestCaseError> {
    let size = a.iter().chain(b).filter(|x| x.is_finite()).fold(1e-300, |max: f64, x| max.max(x.abs()));
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        let same = a == b || (a.is_nan() && b.is_nan());
        prop_assert!(same || (a - b).abs() <= tolerance * size, "entry {i}: {a:e} and {b:e}");
    }
    Ok(())
}

fn row(values: &[f64], row: usize, columns: usize) -> &[f64] {
    &values[row * columns..(row + 1) * columns]
}

/// A batch with what the reference in 1280 bits says of it.
pub(crate) fn case_of(batch: &Batch) -> Case {
    let spec = klados_testing::Hierarchy::build(&batch.hierarchy).unwrap();
    let samples: Vec<_> = batch
        .logits
        .iter()
        .zip(&batch.labels)
        .zip(0..)
        .map(|((logits, label), row)| {
            let label = klados_testing::Label::resolve(label, &spec).unwrap();
            reference::evaluate_row::<Big>(&batch.loss, &spec, logits, &label, row).unwrap()
        })
        .collect();
    Case {
        name: "random".into(),
        scale: Scale::Extreme,
        hierarchy: batch.hierarchy.clone(),
        loss: batch.loss.clone(),
        logits: batch.logits.clone(),
        labels: batch.labels.clone(),
        losses: samples.iter().map(|sample| sample.loss).collect(),
        grads: samples.iter().map(|sample| sample.grad.clone()).collect(),
        magnitude: samples.iter().map(|sample| sample.magnitude).collect(),
        mean: 0.0,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// The core against the reference in 1280 bits, at the tolerances of the golden suite: every loss on new hierarchies,
    /// labels and logits. At night (`cargo xtask nightly`) many, with a new seed, which is printed.
    #[test]
    fn agrees_with_the_reference(batch in of_any_loss(14, LogitScale::Masked)) {
        let case = case_of(&batch);
        let (criterion, labels) = compile(&batch, &hierarchy(&batch.hierarchy));
        let double = run::<f64>(&criterion, &case.flat_logits(), &labels);
        prop_assert_eq!(case.check(&double.losses, &double.grads, Precision::F64), Ok(()));
        let single = run::<f32>(&criterion, &case.flat_logits(), &labels);
        prop_assert_eq!(case.check(&single.losses, &single.grads, Precision::F32), Ok(()));
    }

    #[test]
    fn a_shift_of_the_logits_changes_nothing(batch in strategies::batch(14, LogitScale::Masked), shift in -64i32..64) {
        let hierarchy = hierarchy(&batch.hierarchy);
        let (criterion, labels) = compile(&batch, &hierarchy);
        let logits = batch.logits.concat();
        let shifted: Vec<f64> = logits.iter().map(|z| z + f64::from(shift)).collect(); // exact in f64
        let (a, b) = (run::<f64>(&criterion, &logits, &labels), run::<f64>(&criterion, &shifted, &labels));
        for index in 0..labels.len() {
            close(&a.losses[index..=index], &b.losses[index..=index], 1e-13)?;
            close(row(&a.grads, index, criterion.columns()), row(&b.grads, index, criterion.columns()), 1e-13)?;
        }
    }

    #[test]
    fn gradient_rows_sum_to_zero(batch in strategies::batch(14, LogitScale::Masked)) {
        let hierarchy = hierarchy(&batch.hierarchy);
        let (criterion, labels) = compile(&batch, &hierarchy);
        let output = run::<f64>(&criterion, &batch.logits.concat(), &labels);
        for index in 0..labels.len() {
            let grad = row(&output.grads, index, criterion.columns());
            // Against the largest entry, or the weights that cancel in it.
            let size = grad.iter().fold(1.0, |max: f64, g| max.max(g.abs()));
            prop_assert!(grad.iter().sum::<f64>().abs() <= 1e-12 * size, "{grad:?}");
        }
    }

    #[test]
    fn the_order_of_classes_and_edges_does_not_matter(batch in strategies::batch(14, LogitScale::Masked), seed: u64) {
        let first = hierarchy(&batch.hierarchy);
        // Edges in reverse, classes rotated.
        let mut edges = batch.hierarchy.edges.clone();
        // In a DAG lowest common ancestors that tie go to the lower index, on which the target of soft labels depends.
        if first.is_tree() || !matches!(batch.loss, klados_testing::Loss::SoftLabels(_)) {
            edges.reverse();
        }
        let columns = first.class_count();
        let turn = (seed as usize) % columns;
        let column = |k: usize| (k + turn) % columns; // the old column of the new column k
        let mut spec = batch.hierarchy.clone();
        spec.edges = edges;
        spec.classes = (0..columns).map(|k| batch.hierarchy.classes[column(k)].clone()).collect();
        let second = hierarchy(&spec);
        let mut turned = batch.clone();
        let list = batch.loss.class_weight().map(|list| (0..columns).map(|k| list[column(k)]).collect::<Vec<_>>());
        let (a, labels) = compile(&batch, &first);
        let loss = a.loss().clone().with_class_weight(list.map(Into::into));
        let b = loss.compile(&second).unwrap();
        for row in &mut turned.logits {
            *row = (0..columns).map(|k| row[column(k)]).collect();
        }
        let turned_labels: Vec<Label> = batch.labels.iter().map(|spec| match label(spec, &first) {
            Label::Class(class) => Label::Class((class + columns - turn) % columns),
            Label::Soft(soft) => Label::Soft((0..columns).map(|k| soft[column(k)]).collect()),
            _ => label(spec, &second),
        }).collect();
        let one = run::<f64>(&a, &batch.logits.concat(), &labels);
        let two = run::<f64>(&b, &turned.logits.concat(), &turned_labels);
        for index in 0..labels.len() {
            close(&one.losses[index..=index], &two.losses[index..=index], 1e-13)?;
            let grad = row(&one.grads, index, columns);
            let same_order: Vec<f64> = (0..columns).map(|k| grad[column(k)]).collect();
            let size = grad.iter().fold(1.0, |max: f64, g| max.max(g.abs()));
            for (a, b) in same_order.iter().zip(row(&two.grads, index, columns)) {
                prop_assert!(a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 2e-13 * size, "{a:e} {b:e}");
            }
        }
    }

    #[test]
    fn a_batch_is_its_rows(batch in strategies::batch(14, LogitScale::Masked)) {
        let hierarchy = hierarchy(&batch.hierarchy);
        let (criterion, labels) = compile(&batch, &hierarchy);
        let whole = run::<f32>(&criterion, &batch.logits.concat(), &labels);
        for (index, logits) in batch.logits.iter().enumerate() {
            let alone = run::<f32>(&criterion, logits, &labels[index..=index]);
            prop_assert_eq!(alone.losses[0].to_bits(), whole.losses[index].to_bits());
            for (a, b) in alone.grads.iter().zip(row(&whole.grads, index, criterion.columns())) {
                prop_assert_eq!(a.to_bits(), b.to_bits());
            }
        }
    }

    #[test]
    fn the_gradient_is_that_of_the_loss(batch in strategies::batch(10, LogitScale::Ordinary)) {
        let hierarchy = hierarchy(&batch.hierarchy);
        let (criterion, labels) = compile(&batch, &hierarchy);
        for (logits, label) in batch.logits.iter().zip(&labels) {
            let analytic = run::<f64>(&criterion, logits, std::slice::from_ref(label)).grads;
            let loss = |z: &[f64]| run::<f64>(&criterion, z, std::slice::from_ref(label)).losses[0];
            let numeric = gradcheck::gradcheck(loss, logits, 1e-4);
            // Central differences err by h^2 / 6 times the third derivative and by 1e-16 / h times the loss.
            let size = analytic.iter().fold(1.0, |max: f64, g| max.max(g.abs())) * (1.0 + loss(logits));
            for (a, b) in analytic.iter().zip(&numeric) {
                prop_assert!((a - b).abs() <= 1e-6 * size, "{analytic:?} {numeric:?}");
            }
        }
    }

    /// The terms that adapters compose a loss of, with log-probabilities of nodes from the node kernel.
    #[test]
    fn the_terms_add_up_to_the_loss(batch in strategies::batch(12, LogitScale::Ordinary)) {
        let hierarchy = hierarchy(&batch.hierarchy);
        let (criterion, labels) = compile(&batch, &hierarchy);
        let all = NodeLogProbs::new(&hierarchy);
        for (logits, label) in batch.logits.iter().zip(&labels) {
            let mut log_p = vec![0.0; hierarchy.node_count()];
            all.forward(logits, &mut log_p).unwrap();
            let p = |nodes: &[NodeId]| {
                let mut classes: Vec<usize> = nodes.iter().flat_map(|node| hierarchy.classes_below(*node)).collect();
                classes.sort_unstable();
                classes.dedup();
                classes.iter().map(|&class| log_p[hierarchy.class_node(class).index()].exp()).sum::<f64>()
            };
            let total: f64 = criterion.terms(label).unwrap().iter().map(|term| {
                let set = match &term.of {
                    klados::TermSet::Node(node) => p(&[*node]),
                    klados::TermSet::Union(nodes) => p(nodes),
                    klados::TermSet::Superclass(_) => unreachable!(),
                };
                let klados::LogProb::Classes { given } = term.log_p else { unreachable!() };
                let p = (set / p(&[given])).min(1.0);
                -term.weight * (1.0 - p).powf(criterion.gamma()) * p.ln()
            }).sum();
            let loss = run::<f64>(&criterion, logits, std::slice::from_ref(label)).losses[0];
            prop_assert!((total - loss).abs() <= 1e-9 * (1.0 + loss), "{total} {loss}");
        }
    }

    /// Upstream gradients of the node log-probabilities against central differences.
    #[test]
    fn node_log_probs_have_the_right_gradient(
        (spec, logits) in strategies::hierarchy(12)
            .prop_flat_map(|spec| (strategies::logits(spec.classes.len(), LogitScale::Ordinary), Just(spec)))
            .prop_map(|(logits, spec)| (spec, logits)),
        seed in 0usize..7,
    ) {
        let hierarchy = hierarchy(&spec);
        let operation = NodeLogProbs::new(&hierarchy);
        let upstream: Vec<f64> = (0..hierarchy.node_count()).map(|v| ((v * 5 + seed) % 7) as f64 - 3.0).collect();
        let value = |z: &[f64]| {
            let mut log_p = vec![0.0; hierarchy.node_count()];
            operation.forward(z, &mut log_p).unwrap();
            log_p.iter().zip(&upstream).map(|(log_p, up)| log_p * up).sum::<f64>()
        };
        let mut grad = vec![0.0; logits.len()];
        operation.backward(&logits, &upstream, &mut grad).unwrap();
        let numeric = gradcheck::gradcheck(value, &logits, 1e-4);
        for (a, b) in grad.iter().zip(&numeric) {
            prop_assert!((a - b).abs() <= 1e-5 * (1.0 + hierarchy.node_count() as f64), "{grad:?} {numeric:?}");
        }
    }

    #[test]
    fn weights_on_every_path_sum_to_the_total(spec in strategies::tree(20, true), q in 0.0f64..4.0, total in 0.0f64..5.0) {
        let hierarchy = hierarchy(&spec);
        for (weights, total) in [
            (Weights::Balanced, 1.0), (Weights::Lazy, 1.0), (Weights::Greedy, 1.0), (Weights::Power { q, total }, total),
        ] {
            let by_node = weights.by_node(&hierarchy).unwrap();
            for class in 0..hierarchy.class_count() {
                let path = hierarchy.lineage(hierarchy.class_node(class));
                let sum: f64 = path.iter().map(|node| by_node[node.index()]).sum();
                prop_assert!((sum - total).abs() < 1e-12 * (1.0 + total), "{weights:?} {sum}");
                prop_assert!(path.iter().all(|node| by_node[node.index()] >= -1e-15));
            }
        }
        let (power, balanced) = (Weights::Power { q: 1.0, total: 1.0 }, Weights::Balanced);
        prop_assert_eq!(power.by_node(&hierarchy).unwrap(), balanced.by_node(&hierarchy).unwrap());
    }

    #[test]
    fn what_is_cross_entropy(
        (spec, logits) in strategies::tree(14, true)
            .prop_flat_map(|spec| (strategies::logits(spec.classes.len(), LogitScale::Mixed), Just(spec)))
            .prop_map(|(logits, spec)| (spec, logits)),
    ) {
        let hierarchy = hierarchy(&spec);
        let star = Hierarchy::from_edges((0..logits.len()).map(|k| ("hub", format!("n{k}")))).unwrap();
        for class in 0..logits.len() {
            // By hand: logsumexp - z_y and softmax - onehot.
            let max = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let log_sum = max + logits.iter().map(|z| (z - max).exp()).sum::<f64>().ln();
            let by_hand: Vec<f64> =
                (0..logits.len()).map(|k| (logits[k] - log_sum).exp() - f64::from(u8::from(k == class))).collect();
            for criterion in [
                HierarchicalCrossEntropy::new().alpha(0.0).compile(&hierarchy).unwrap(),
                MarginalCrossEntropy::new().weights(Weights::Leaves).compile(&hierarchy).unwrap(),
                MarginalCrossEntropy::new().compile(&star).unwrap(),
                HierarchicalCrossEntropy::new().alpha(0.7).compile(&star).unwrap(),
            ] {
                let output = run::<f64>(&criterion, &logits, &[Label::Class(class)]);
                prop_assert!((output.losses[0] - (log_sum - logits[class])).abs() <= 1e-11 * (1.0 + max.abs()));
                for (a, b) in output.grads.iter().zip(&by_hand) {
                    prop_assert!((a - b).abs() <= 1e-11 * (1.0 + max.abs()), "{a:e} {b:e}");
                }
            }
        }
    }
}

/// HXE is the marginal loss with the differences of its lambdas, where these are not negative.
#[test]
fn hxe_is_marginal_with_the_differences_of_its_weights() {
    let hierarchy = Hierarchy::from_edges([
        ("a", "b"),
        ("a", "c"),
        ("b", "d"),
        ("b", "e"),
        ("c", "f"),
        ("c", "g"),
        ("d", "h"),
        ("d", "i"),
        ("e", "j"),
        ("f", "k"),
        ("g", "l"),
        ("g", "m"),
    ])
    .unwrap();
    let alpha: f64 = 0.4;
    // depths 1, 2, 3: lambda 1, e^-0.4, e^-0.8; w = lambda less the next one
    let lambda = |depth: i32| (-alpha * f64::from(depth - 1)).exp();
    let weights = Weights::depths([lambda(1) - lambda(2), lambda(2) - lambda(3), lambda(3)]);
    let marginal =
        MarginalCrossEntropy::new().weights(weights).unresolved(Unresolved::Skip).compile(&hierarchy).unwrap();
    let hxe = HierarchicalCrossEntropy::new().alpha(alpha).compile(&hierarchy).unwrap();
    let logits: Vec<f64> = (0..hierarchy.class_count()).map(|k| f64::from((k as i32 * 7) % 5) - 2.0).collect();
    for class in 0..hierarchy.class_count() {
        let (a, b) =
            (run::<f64>(&marginal, &logits, &[Label::Class(class)]), run::<f64>(&hxe, &logits, &[Label::Class(class)]));
        assert!((a.losses[0] - b.losses[0]).abs() < 1e-14);
        assert!(a.grads.iter().zip(&b.grads).all(|(a, b)| (a - b).abs() < 1e-14));
    }
}

/// Rows longer than any block of the kernels, at every scale, in tree order and out of it.
#[test]
fn long_rows_keep_the_accuracy() {
    let classes = 3000;
    let edges = (0..classes)
        .flat_map(|k| [(format!("g{}", k / 7), format!("c{k}")), (format!("f{}", k / 91), format!("g{}", k / 7))]);
    let edges: Vec<_> = edges.collect::<std::collections::BTreeSet<_>>().into_iter().collect();
    let base = Hierarchy::from_edges(edges.iter().map(|(p, c)| (p.as_str(), c.as_str()))).unwrap();
    let in_order: Vec<String> = base.class_names().map(str::to_owned).collect();
    let shuffled: Vec<String> = (0..classes).map(|k| in_order[(k * 1231) % classes].clone()).collect();
    for names in [in_order, shuffled] {
        let hierarchy = base.with_classes(&names).unwrap();
        let criterion = MarginalCrossEntropy::new().compile(&hierarchy).unwrap();
        let log_p = NodeLogProbs::new(&hierarchy);
        for scale in [1.0f64, 30.0, 1e4] {
            let z: Vec<f32> =
                (0..classes).map(|k| (scale * ((k * 7919 % 2003) as f64 / 1001.0 - 1.0)) as f32).collect();
            let wide: Vec<f64> = z.iter().map(|&z| f64::from(z)).collect();
            for class in [0, 1500, 2999] {
                let single = run::<f32>(&criterion, &wide, &[Label::Class(class)]);
                let double = run::<f64>(&criterion, &wide, &[Label::Class(class)]);
                assert!((single.losses[0] / double.losses[0] - 1.0).abs() < 1e-6);
                let size = double.grads.iter().fold(0.0, |max: f64, g| max.max(g.abs()));
                for (a, b) in single.grads.iter().zip(&double.grads) {
                    assert!((a - b).abs() <= 1e-6 * size);
                }
                // The node kernel shares no code with the path kernel.
                let mut nodes = vec![0.0; hierarchy.node_count()];
                log_p.forward(&wide, &mut nodes).unwrap();
                let path = hierarchy.lineage(hierarchy.class_node(class));
                let sum: f64 = path.iter().map(|node| -nodes[node.index()]).sum();
                assert!((double.losses[0] / sum - 1.0).abs() < 1e-12, "{} {sum}", double.losses[0]);
            }
        }
    }
}

#[test]
#[cfg(feature = "rayon")]
fn the_number_of_threads_does_not_change_a_bit() {
    let classes = 1003;
    let hierarchy = Hierarchy::from_edges((0..classes).map(|k| (format!("g{}", k / 10), format!("c{k}")))).unwrap();
    let batch = 301; // above the threshold of elements, and no multiple of anything
    let logits: Vec<f64> = (0..classes * batch).map(|i| ((i * 7919) % 1009) as f64 / 100.0 - 5.0).collect();
    let mixed = |i: usize| match i % 3 {
        0 => Label::Class(i * 3),
        1 => Label::Node(hierarchy.node(&format!("g{}", i % 100)).unwrap()),
        _ => Label::Ignored,
    };
    let only_classes: Vec<Label> = (0..batch).map(|i| Label::Class(i * 3)).collect();
    for (smoothing, labels) in [(0.1, (0..batch).map(mixed).collect()), (0.0, only_classes)] {
        let criterion = MarginalCrossEntropy::new().label_smoothing(smoothing).compile(&hierarchy).unwrap();
        let outputs: Vec<_> = [1, 2, 3, 8]
            .into_iter()
            .map(|threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| run::<f32>(&criterion, &logits, &labels))
            })
            .collect();
        for output in &outputs[1..] {
            assert_eq!(
                output.losses.iter().map(|x| x.to_bits()).collect::<Vec<_>>(),
                outputs[0].losses.iter().map(|x| x.to_bits()).collect::<Vec<_>>()
            );
            assert!(output.grads.iter().zip(&outputs[0].grads).all(|(a, b)| a.to_bits() == b.to_bits()));
        }
    }
}

#[test]
fn levels_of_node_log_probs() {
    let hierarchy = Hierarchy::from_edges([("x", "a"), ("x", "b"), ("y", "c")]).unwrap();
    let top = NodeLogProbs::level(&hierarchy, &Level::Depth(1)).unwrap();
    let mut out = [0.0f32; 4];
    top.forward(&[0.0, 0.0, 0.0, f32::NEG_INFINITY, f32::NEG_INFINITY, 7.0], &mut out).unwrap();
    assert!((out[0] - (2f32 / 3.0).ln()).abs() < 1e-7);
    assert_eq!(out[2..], [f32::NEG_INFINITY, 0.0]);
    top.forward(&[0.0, f32::NAN, 0.0, 0.0, f32::INFINITY, 0.0], &mut out).unwrap();
    assert!(out.iter().all(|log_p| log_p.is_nan()));
    assert!(top.forward(&[0.0f32; 4], &mut out).is_err());
    assert!(NodeLogProbs::level(&hierarchy, &Level::Depth(3)).is_err());
}

#[test]
fn a_mean_over_nothing_is_zero() {
    let hierarchy = Hierarchy::from_edges([("x", "a"), ("x", "b")]).unwrap();
    let criterion = MarginalCrossEntropy::new().compile(&hierarchy).unwrap();
    let mut losses = [1f32; 2];
    let mut grad = [1f32; 4];
    let labels = [Label::Ignored, Label::Ignored];
    criterion.forward_backward(&[f32::NAN; 4], &labels, &mut losses, &mut grad).unwrap();
    assert_eq!((losses, grad), ([0.0; 2], [0.0; 4]));
    assert_eq!(criterion.reduce(Reduction::Mean, &losses, &labels).unwrap(), 0.0);
    criterion.forward_backward::<f32>(&[], &[], &mut [], &mut []).unwrap();
    assert_eq!(criterion.reduce::<f32>(Reduction::Mean, &[], &[]).unwrap(), 0.0);
}
