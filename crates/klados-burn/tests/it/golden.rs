//! The golden suite through both paths.

use std::collections::{BTreeSet, HashMap};

use burn::tensor::{DType, Device};
use klados::{Hierarchy, HierarchyBuilder, HierarchyError, Label, Loss, NodeId};
use klados_burn::{HierarchicalLoss, Implementation, Reduction};
use klados_testing::golden::{self, Output};
use klados_testing::{Case, HierarchySpec, LabelSpec, Precision};

use crate::numbers::{matrix, values};

#[test]
fn fused_in_f32() {
    check(Implementation::Fused, DType::F32, Precision::F32);
}

#[test]
fn fused_in_f64() {
    check(Implementation::Fused, DType::F64, Precision::F64);
}

#[test]
fn composed_in_f32() {
    check(Implementation::Composed, DType::F32, Precision::Composed);
}

/// The files that both paths run so far.
const FILES: [&str; 3] = ["marginal_cross_entropy", "hierarchical_cross_entropy", "soft_labels"];

fn check(implementation: Implementation, dtype: DType, precision: Precision) {
    for file in FILES.map(|stem| golden::load(stem).unwrap()) {
        let run = |case: &Case| evaluate(case, implementation, dtype, precision);
        let summary = golden::run(&file.cases, precision, run).unwrap_or_else(|failures| panic!("{failures}"));
        assert!(summary.checked > 0);
    }
}

fn evaluate(case: &Case, implementation: Implementation, dtype: DType, precision: Precision) -> Result<Output, String> {
    let hierarchy = hierarchy(&case.hierarchy)?;
    let loss: Loss = serde_json::to_string(&case.loss).unwrap().parse().map_err(|error| format!("{error}"))?;
    let criterion = loss.compile(&hierarchy).map_err(|error| error.to_string())?;
    let loss = HierarchicalLoss::from_criterion(criterion).with_implementation(implementation);
    let labels = case.labels.iter().map(|spec| label(spec, &hierarchy)).collect::<Result<Vec<_>, _>>()?;

    let shape = [case.batch(), case.columns()];
    let logits = matrix(&case.flat_logits(), shape, dtype, &Device::flex().autodiff()).require_grad();
    let mean = loss.forward(logits.clone(), &labels, Reduction::Mean);
    case.check_mean(values(mean)[0], precision)?;
    // Rows are independent, so the gradient of the sum has each row's gradient in its row.
    let losses = loss.forward_no_reduction(logits.clone(), &labels);
    let grads = logits.grad(&losses.clone().sum().backward()).ok_or("no gradient")?;
    Ok(Output { losses: values(losses), grads: values(grads) })
}

fn label(spec: &LabelSpec, hierarchy: &Hierarchy) -> Result<Label, String> {
    match spec {
        LabelSpec::Text(text) => hierarchy.parse_label(text).map_err(|error| error.to_string()),
        LabelSpec::Class { class } => Ok(Label::Class(*class)),
        LabelSpec::Soft { soft } => Ok(Label::Soft(soft.clone())),
        LabelSpec::Set { set, masked } => {
            let nodes = |names: &[String]| -> Result<Vec<NodeId>, String> {
                names.iter().map(|name| hierarchy.node(name).map_err(|error| error.to_string())).collect()
            };
            Ok(Label::Set { positive: nodes(set)?, masked: nodes(masked)? })
        }
    }
}

/// The hierarchy of a case: from edges, or from paths where nodes have ranks (those are trees).
fn hierarchy(spec: &HierarchySpec) -> Result<Hierarchy, String> {
    build(spec).and_then(|hierarchy| hierarchy.with_classes(&spec.classes)).map_err(|error| error.to_string())
}

fn build(spec: &HierarchySpec) -> Result<Hierarchy, HierarchyError> {
    let mut builder = HierarchyBuilder::new();
    if spec.ranks.is_empty() {
        for (child, parent) in &spec.edges {
            builder.add_edge(parent, child)?;
        }
        for class in &spec.classes {
            builder.add_node(class)?;
        }
        return builder.build();
    }
    let ranks: BTreeSet<&String> = spec.ranks.values().collect();
    builder.set_rank_names(ranks.iter().map(|rank| rank.as_str()));
    let parent: HashMap<&str, &str> =
        spec.edges.iter().map(|(child, parent)| (child.as_str(), parent.as_str())).collect();
    for (child, _) in &spec.edges {
        let mut path = vec![child.as_str()];
        while let Some(above) = parent.get(path[path.len() - 1]) {
            path.push(above);
        }
        let rank = |name: &str| ranks.iter().position(|rank| Some(*rank) == spec.ranks.get(name));
        builder.add_ranked_path(path.into_iter().rev().map(|name| (name, rank(name))))?;
    }
    builder.build()
}
