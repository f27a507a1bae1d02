//! Random hierarchies, logits, labels and losses for property tests, as plain data that shrinks.
//!
//! A tree or DAG shrinks towards fewer nodes hung on the first one, columns in order of appearance, no internal classes.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::hierarchy::{Hierarchy, HierarchySpec, Node};
use crate::label::LabelSpec;
use crate::loss::{
    BinaryCrossEntropy, ConditionalSigmoid, DescendantSoftmax, Form, HierarchicalCrossEntropy, Levels,
    LevelwiseSoftmax, Loss, Margin, MarginalCrossEntropy, ParameterSharingSoftmax, PosWeight, RandomCut,
    SiblingSoftmax, SoftLabels, SoftmaxMargin, TreeMin, Unresolved, WeightedCrossEntropy, Weighting, Weights,
};

/// A hierarchy with a batch on it.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The hierarchy.
    pub hierarchy: HierarchySpec,
    /// A loss that is defined on it.
    pub loss: Loss,
    /// `[batch][classes]`, each exactly representable in `f32`.
    pub logits: Vec<Vec<f64>>,
    /// `[batch]`, each of a kind that the loss takes.
    pub labels: Vec<LabelSpec>,
}

/// The kinds of label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelKind {
    /// A class by its column.
    Class,
    /// The class alone, `=dog`.
    ClassAlone,
    /// Any node that has a name.
    Node,
    /// Two or three of the above; they may be nested or the same.
    Union,
    /// Empty.
    Ignored,
    /// A distribution, in 64ths.
    Soft,
    /// Multi-label: up to three nodes, some of them perhaps masked, and another node masked now and then.
    Multi,
}

impl LabelKind {
    /// All that name one sample's class, or several of which it is one.
    pub const ALL: [Self; 6] = [Self::Class, Self::ClassAlone, Self::Node, Self::Union, Self::Ignored, Self::Soft];
    /// Those that name at most one node: what `soft_labels` takes.
    pub const ONE_NODE: [Self; 4] = [Self::Class, Self::ClassAlone, Self::Node, Self::Ignored];
    /// The latter and distributions: what most softmaxes over nodes take.
    pub const NO_UNION: [Self; 5] = [Self::Class, Self::ClassAlone, Self::Node, Self::Ignored, Self::Soft];
    /// What the sigmoid losses take.
    pub const SIGMOID: [Self; 6] = [Self::Class, Self::ClassAlone, Self::Node, Self::Ignored, Self::Soft, Self::Multi];
    /// What stands for classes alone.
    pub const CLASSES: [Self; 4] = [Self::Class, Self::ClassAlone, Self::Ignored, Self::Soft];
}

/// How the finite logits of a row are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogitScale {
    /// Within ±4.
    Ordinary,
    /// Within ±4, ±100 or ±1e4, row by row.
    Mixed,
    /// As `Mixed`, and now and then a class is masked.
    Masked,
}

/// A tree of up to `nodes` named nodes, sometimes of several roots, with chains, and with internal classes if asked.
///
/// Every leaf is a class. A root that has no edge may be among several.
pub fn tree(nodes: usize, internal_classes: bool) -> impl Strategy<Value = HierarchySpec> {
    graph(nodes, internal_classes, false)
}

/// As [`tree`], with further parents for some nodes; it may still come out as a tree.
pub fn dag(nodes: usize, internal_classes: bool) -> impl Strategy<Value = HierarchySpec> {
    graph(nodes, internal_classes, true)
}

/// Trees and DAGs, with and without internal classes.
pub fn hierarchy(nodes: usize) -> impl Strategy<Value = HierarchySpec> {
    prop_oneof![tree(nodes, false), tree(nodes, true), dag(nodes, false), dag(nodes, true)]
}

/// One node of a random graph.
#[derive(Clone, Debug)]
struct Sprout {
    parent: Index,
    second_parent: Option<Index>,
    is_root: bool,
    continues_chain: bool,
    is_class: bool,
    column: u16,
}

fn graph(nodes: usize, internal_classes: bool, dag: bool) -> impl Strategy<Value = HierarchySpec> {
    let second_parent = if dag { proptest::option::weighted(0.3, any::<Index>()).boxed() } else { Just(None).boxed() };
    let often =
        |yes: bool, weight: f64| if yes { proptest::bool::weighted(weight).boxed() } else { Just(false).boxed() };
    let sprout = (
        any::<Index>(),
        second_parent,
        proptest::bool::weighted(0.06),
        proptest::bool::weighted(0.15),
        often(internal_classes, 0.4),
        any::<u16>(),
    )
        .prop_map(|(parent, second_parent, is_root, continues_chain, is_class, column)| Sprout {
            parent,
            second_parent,
            is_root,
            continues_chain,
            is_class,
            column,
        });
    vec(sprout, 1..=nodes.max(1)).prop_map(|sprouts| grow(&sprouts))
}

/// A node's parents come before it, so there is no cycle.
fn grow(sprouts: &[Sprout]) -> HierarchySpec {
    let name = |v: usize| format!("n{v}");
    let mut edges: Vec<(usize, usize)> = Vec::new();
    for (v, sprout) in sprouts.iter().enumerate().skip(1) {
        if sprout.is_root {
            continue;
        }
        let first = if sprout.continues_chain { v - 1 } else { sprout.parent.index(v) };
        edges.push((v, first));
        if let Some(second) = sprout.second_parent.map(|second| second.index(v)).filter(|&second| second != first) {
            edges.push((v, second));
        }
    }
    let is_leaf = |v: usize| edges.iter().all(|&(_, parent)| parent != v);
    let mut classes: Vec<usize> = (0..sprouts.len()).filter(|&v| is_leaf(v) || sprouts[v].is_class).collect();
    classes.sort_by_key(|&v| sprouts[v].column);
    HierarchySpec {
        edges: edges.into_iter().map(|(child, parent)| (name(child), name(parent))).collect(),
        classes: classes.into_iter().map(name).collect(),
        ..HierarchySpec::default()
    }
}

/// One row of logits.
pub fn logits(classes: usize, scale: LogitScale) -> impl Strategy<Value = Vec<f64>> {
    let size = match scale {
        LogitScale::Ordinary => Just(4.0f32).boxed(),
        LogitScale::Mixed | LogitScale::Masked => select(vec![4.0f32, 100.0, 1e4]).boxed(),
    };
    let masked = if scale == LogitScale::Masked { 0.15 } else { 0.0 };
    let one = (-1.0f32..=1.0, proptest::bool::weighted(masked));
    (size, vec(one, classes)).prop_map(|(size, row)| {
        let logit = |(z, masked)| if masked { f64::NEG_INFINITY } else { f64::from(size * z) };
        row.into_iter().map(logit).collect()
    })
}

/// A label of one of the kinds.
///
/// # Panics
///
/// The hierarchy is not valid, or there is no kind.
pub fn label(spec: &HierarchySpec, kinds: &[LabelKind]) -> BoxedStrategy<LabelSpec> {
    let hierarchy = match Hierarchy::build(spec) {
        Ok(hierarchy) => hierarchy,
        Err(error) => panic!("{error}"),
    };
    let classes = spec.classes.clone();
    let count = classes.len();
    let nodes: Vec<String> =
        (0..hierarchy.nodes()).filter_map(|v: Node| hierarchy.name(v).map(str::to_string)).collect();
    let class_alone = select(classes).prop_map(|name| format!("={name}")).boxed();
    let node = select(nodes).boxed();
    let part = prop_oneof![node.clone(), class_alone.clone()];
    let strategies = kinds.iter().map(|kind| match kind {
        LabelKind::Class => (0..count).prop_map(|class| LabelSpec::Class { class }).boxed(),
        LabelKind::ClassAlone => class_alone.clone().prop_map(LabelSpec::Text).boxed(),
        LabelKind::Node => node.clone().prop_map(LabelSpec::Text).boxed(),
        LabelKind::Union => vec(part.clone(), 2..=3).prop_map(|parts| LabelSpec::Text(parts.join("|"))).boxed(),
        LabelKind::Ignored => Just(LabelSpec::from("")).boxed(),
        LabelKind::Multi => (vec(part.clone(), 0..=3), vec(part.clone(), 0..=2), any::<bool>())
            .prop_map(|(set, masked, hides_one)| {
                let masked = if hides_one { masked.into_iter().chain(set.first().cloned()).collect() } else { masked };
                LabelSpec::Set { set, masked }
            })
            .boxed(),
        LabelKind::Soft => vec(any::<Index>(), 64).prop_map(move |parts| soft(count, &parts)).boxed(),
    });
    proptest::strategy::Union::new(strategies).boxed()
}

/// Each part is a 64th, so the sum is exactly 1.
fn soft(classes: usize, parts: &[Index]) -> LabelSpec {
    let mut soft = vec![0.0; classes];
    for part in parts {
        soft[part.index(classes)] += 1.0 / 64.0;
    }
    LabelSpec::Soft { soft }
}

/// A loss that is defined on the hierarchy, options included.
///
/// # Panics
///
/// The hierarchy is not valid.
pub fn loss(spec: &HierarchySpec) -> BoxedStrategy<Loss> {
    let is_tree = Hierarchy::build(spec).is_ok_and(|hierarchy| hierarchy.is_tree());
    let classes = spec.classes.len();
    let smoothing = prop_oneof![3 => Just(0.0), 1 => select(vec![0.1, 0.5, 1.0])];
    let gamma = prop_oneof![3 => Just(0.0), 1 => select(vec![0.5, 1.0, 2.0, 3.5])];
    let weight = prop_oneof![2 => Just(None), 1 => vec(select(vec![0.0, 0.25, 1.0, 1.0, 3.0]), classes).prop_map(Some)];
    let options = (smoothing, gamma, weight);

    let marginal = (weights(is_tree), select(vec![Unresolved::Label, Unresolved::Skip]), options.clone()).prop_map(
        |(weights, unresolved, (label_smoothing, gamma, class_weight))| {
            Loss::MarginalCrossEntropy(MarginalCrossEntropy {
                weights,
                unresolved,
                label_smoothing,
                gamma,
                class_weight,
            })
        },
    );
    let soft_labels = (0.0..20.0, options.clone())
        .prop_map(|(beta, (_, gamma, class_weight))| Loss::SoftLabels(SoftLabels { beta, gamma, class_weight }));
    if !is_tree {
        return prop_oneof![marginal, soft_labels].boxed();
    }
    let weighting = select(vec![Weighting::Depth, Weighting::DepthNormalized, Weighting::Height]);
    let hxe = (0.0..2.0, weighting, options).prop_map(|(alpha, weighting, (label_smoothing, gamma, class_weight))| {
        Loss::HierarchicalCrossEntropy(HierarchicalCrossEntropy {
            alpha,
            weighting,
            label_smoothing,
            gamma,
            class_weight,
        })
    });
    prop_oneof![marginal, hxe, soft_labels].boxed()
}

/// Node weights of marginal cross-entropy.
pub fn weights(is_tree: bool) -> BoxedStrategy<Weights> {
    let levels = vec(select(vec![0.0, 0.5, 1.0, 2.0]), 0..5).prop_map(|levels| Weights::Levels(Levels::Depths(levels)));
    let anywhere = prop_oneof![Just(Weights::Uniform), Just(Weights::Leaves), levels];
    if !is_tree {
        return anywhere.boxed();
    }
    let power = (0.0..4.0, 0.1..3.0).prop_map(|(q, total)| Weights::Power { q, total });
    prop_oneof![anywhere, Just(Weights::Balanced), Just(Weights::Lazy), Just(Weights::Greedy), power].boxed()
}

/// A batch of up to four rows with a loss, on a hierarchy of up to `nodes` nodes.
pub fn batch(nodes: usize, scale: LogitScale) -> impl Strategy<Value = Batch> {
    hierarchy(nodes).prop_flat_map(|spec| (loss(&spec), Just(spec))).prop_flat_map(move |(loss, spec)| {
        let kinds: &[LabelKind] =
            if matches!(loss, Loss::SoftLabels(_)) { &LabelKind::ONE_NODE } else { &LabelKind::ALL };
        let row = (logits(spec.classes.len(), scale), label(&spec, kinds));
        vec(row, 0..=4).prop_map(move |rows| {
            let (logits, labels) = rows.into_iter().unzip();
            Batch { hierarchy: spec.clone(), loss: loss.clone(), logits, labels }
        })
    })
}

/// A batch as [`batch`] draws it, for any loss: the stem of a golden file, see [`FILES`](crate::golden::FILES).
///
/// # Panics
///
/// There is no such loss.
pub fn batch_of(stem: &'static str, nodes: usize, scale: LogitScale) -> BoxedStrategy<Batch> {
    if matches!(stem, "marginal_cross_entropy" | "hierarchical_cross_entropy" | "soft_labels") {
        return batch(nodes, scale).boxed();
    }
    let is_for_trees =
        !matches!(stem, "weighted_cross_entropy" | "parameter_sharing_softmax" | "binary_cross_entropy" | "tree_min");
    let hierarchies = if is_for_trees {
        prop_oneof![tree(nodes, false), tree(nodes, true)].boxed()
    } else {
        hierarchy(nodes).boxed()
    };
    let kinds: &[LabelKind] = match stem {
        "sibling_softmax" | "parameter_sharing_softmax" => &LabelKind::ALL,
        "weighted_cross_entropy" | "random_cut" => &LabelKind::CLASSES,
        "conditional_sigmoid" | "binary_cross_entropy" | "tree_min" => &LabelKind::SIGMOID,
        _ => &LabelKind::NO_UNION,
    };
    hierarchies
        .prop_flat_map(move |spec| (loss_of(stem, &spec), Just(spec)))
        .prop_flat_map(move |(loss, spec)| {
            let hierarchy = built(&spec);
            let columns = if loss.has_node_columns() { hierarchy.columns().len() } else { hierarchy.classes().len() };
            vec((logits(columns, scale), label(&spec, kinds)), 0..=4).prop_map(move |rows| {
                let (logits, labels) = rows.into_iter().unzip();
                Batch { hierarchy: spec.clone(), loss: loss.clone(), logits, labels }
            })
        })
        .boxed()
}

fn built(spec: &HierarchySpec) -> Hierarchy {
    match Hierarchy::build(spec) {
        Ok(hierarchy) => hierarchy,
        Err(error) => panic!("{error}"),
    }
}

/// A loss of a name with parameters and options that are defined on the hierarchy.
///
/// # Panics
///
/// There is no such loss, or the hierarchy is not valid.
pub fn loss_of(stem: &'static str, spec: &HierarchySpec) -> BoxedStrategy<Loss> {
    if matches!(stem, "marginal_cross_entropy" | "hierarchical_cross_entropy" | "soft_labels") {
        return loss(spec);
    }
    let hierarchy = built(spec);
    let (is_tree, classes) = (hierarchy.is_tree(), spec.classes.clone());
    let columns = hierarchy.column_names();
    let smoothing = prop_oneof![3 => Just(0.0), 1 => select(vec![0.1, 0.5, 1.0])];
    let gamma = prop_oneof![3 => Just(0.0), 1 => select(vec![0.5, 1.0, 2.0, 3.5])];
    let weight =
        prop_oneof![2 => Just(None), 1 => vec(select(vec![0.0, 0.25, 1.0, 1.0, 3.0]), classes.len()).prop_map(Some)];
    let weights = weights(is_tree);
    match stem {
        "weighted_cross_entropy" => {
            let factors = (select(vec![0.0, 0.5, 1.0]), select(vec![0.0, 0.5, 2.0]));
            (map(classes), smoothing, gamma, weight, factors)
                .prop_map(|(map, label_smoothing, gamma, class_weight, (leaf_weight, superclass_weight))| {
                    Loss::WeightedCrossEntropy(WeightedCrossEntropy {
                        map,
                        normalize: true,
                        leaf_weight,
                        superclass_weight,
                        label_smoothing,
                        gamma,
                        class_weight,
                    })
                })
                .boxed()
        }
        "levelwise_softmax" => (weights, smoothing, gamma, weight)
            .prop_map(|(weights, label_smoothing, gamma, class_weight)| {
                Loss::LevelwiseSoftmax(LevelwiseSoftmax { weights, label_smoothing, gamma, class_weight })
            })
            .boxed(),
        "sibling_softmax" => {
            let weighting = select(vec![Weighting::Depth, Weighting::DepthNormalized, Weighting::Height]);
            let counts = vec(1u16..200, columns.len());
            (0.0..2.0, weighting, (select(vec![0.0, 0.0, 0.5, 1.0]), counts), smoothing, gamma, weight)
                .prop_map(move |(alpha, weighting, (tau, counts), label_smoothing, gamma, class_weight)| {
                    let count = |(name, count): (&String, u16)| (name.clone(), f64::from(count));
                    let frequencies =
                        if tau == 0.0 { Vec::new() } else { columns.iter().zip(counts).map(count).collect() };
                    Loss::SiblingSoftmax(SiblingSoftmax {
                        alpha,
                        weighting,
                        tau,
                        frequencies,
                        label_smoothing,
                        gamma,
                        class_weight,
                    })
                })
                .boxed()
        }
        "parameter_sharing_softmax" => (weights, smoothing, gamma, weight)
            .prop_map(|(weights, label_smoothing, gamma, class_weight)| {
                Loss::ParameterSharingSoftmax(ParameterSharingSoftmax { weights, label_smoothing, gamma, class_weight })
            })
            .boxed(),
        "conditional_sigmoid" => (weights, weight)
            .prop_map(|(weights, class_weight)| Loss::ConditionalSigmoid(ConditionalSigmoid { weights, class_weight }))
            .boxed(),
        "binary_cross_entropy" => binary_cross_entropy(classes, columns.len()),
        "tree_min" => (weights, gamma, weight)
            .prop_map(|(weights, gamma, class_weight)| Loss::TreeMin(TreeMin { weights, gamma, class_weight }))
            .boxed(),
        "descendant_softmax" => {
            weight.prop_map(|class_weight| Loss::DescendantSoftmax(DescendantSoftmax { class_weight })).boxed()
        }
        "softmax_margin" => (select(vec![0.0, 0.5, 1.0, 7.25]), any::<bool>(), weight)
            .prop_map(|(tau, hard, class_weight)| {
                Loss::SoftmaxMargin(SoftmaxMargin { tau, margin: Margin::PathLength, hard, class_weight })
            })
            .boxed(),
        "random_cut" => (select(vec![0.0, 0.1, 0.5, 1.0]), any::<u64>(), weight)
            .prop_map(|(p, seed, class_weight)| Loss::RandomCut(RandomCut { p, seed, class_weight }))
            .boxed(),
        _ => panic!("no loss {stem:?}"),
    }
}

/// Each class in one or two of three superclasses, with small whole numbers for weights; or no map at all.
fn map(classes: Vec<String>) -> BoxedStrategy<Vec<(String, String, f64)>> {
    let rows = vec((0..3usize, 1..=4u8, proptest::option::of(1..=4u8)), classes.len());
    let map = rows.prop_map(move |rows| {
        let mut map = Vec::new();
        for (class, (superclass, weight, other)) in classes.iter().zip(rows) {
            map.push((class.clone(), format!("s{superclass}"), f64::from(weight)));
            let other = other.map(|weight| (class.clone(), format!("s{}", (superclass + 1) % 3), f64::from(weight)));
            map.extend(other);
        }
        map
    });
    prop_oneof![1 => Just(Vec::new()), 4 => map].boxed()
}

fn binary_cross_entropy(classes: Vec<String>, columns: usize) -> BoxedStrategy<Loss> {
    let count = classes.len();
    let form = select(vec![Form::Independent, Form::NoisyOr, Form::Max, Form::Weighted]);
    let levels = vec(select(vec![0.0, 0.5, 1.0, 2.0]), 0..5).prop_map(|levels| Weights::Levels(Levels::Depths(levels)));
    let weights = prop_oneof![Just(Weights::Uniform), Just(Weights::Leaves), levels];
    let gamma = prop_oneof![2 => Just(0.0), 1 => select(vec![0.5, 1.0, 2.0])];
    let factor = select(vec![0.25, 1.0, 1.0, 3.0]);
    // There are at most three superclasses; what is not needed of the factors is cut off.
    let pos_weight = prop_oneof![
        Just(None),
        factor.clone().prop_map(|factor| Some(PosWeight::Number(factor))),
        vec(factor, columns.max(count + 3)).prop_map(|factors| Some(PosWeight::Terms(factors))),
    ];
    (form, weights, gamma, pos_weight, any::<bool>(), map(classes))
        .prop_map(move |(form, weights, gamma, pos_weight, incomplete, map)| {
            let is_weighted = form == Form::Weighted;
            let superclasses: BTreeSet<&String> = map.iter().map(|(_, superclass, _)| superclass).collect();
            let terms = if is_weighted { superclasses.len() + count } else { columns };
            let pos_weight = match pos_weight {
                Some(PosWeight::Terms(factors)) => Some(PosWeight::Terms(factors[..terms].to_vec())),
                other => other,
            };
            Loss::BinaryCrossEntropy(BinaryCrossEntropy {
                form,
                weights: if is_weighted { Weights::Uniform } else { weights },
                gamma,
                pos_weight,
                incomplete,
                normalize: is_weighted,
                map: if is_weighted { map } else { Vec::new() },
            })
        })
        .boxed()
}
