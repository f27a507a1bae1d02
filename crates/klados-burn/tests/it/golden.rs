//! The golden suite through both paths.

use burn::tensor::{DType, Device};
use klados::{Criterion, Hierarchy, HierarchyBuilder, HierarchyError, Label, Loss};
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

fn check(implementation: Implementation, dtype: DType, precision: Precision) {
    let mut failures = Vec::new();
    for file in golden::load_all().unwrap() {
        let run = |case: &Case| evaluate(case, implementation, dtype, precision);
        match golden::run(&file.cases, precision, run) {
            Ok(summary) => assert!(summary.checked > 0),
            Err(failed) => failures.push(failed),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn evaluate(case: &Case, implementation: Implementation, dtype: DType, precision: Precision) -> Result<Output, String> {
    let hierarchy = hierarchy(&case.hierarchy).map_err(|error| error.to_string())?;
    let loss: Loss = serde_json::to_string(&case.loss).unwrap().parse().map_err(|error| format!("{error}"))?;
    let criterion = loss.compile(&hierarchy).map_err(|error| error.to_string())?;
    let labels = case.labels.iter().map(|spec| label(spec, &criterion)).collect::<Result<Vec<_>, _>>();
    let labels = labels.map_err(|error| error.to_string())?;
    labels.iter().try_for_each(|label| criterion.check_label(label)).map_err(|error| error.to_string())?;
    let shape = [case.batch(), criterion.columns()];
    let loss = HierarchicalLoss::from_criterion(criterion).with_implementation(implementation);

    let logits = matrix(&case.flat_logits(), shape, dtype, &Device::flex().autodiff()).require_grad();
    let mean = loss.forward(logits.clone(), &labels, Reduction::Mean);
    case.check_mean(values(mean)[0], precision)?;
    // Rows are independent, so the gradient of the sum has each row's gradient in its row.
    let losses = loss.forward_no_reduction(logits.clone(), &labels);
    let grads = logits.grad(&losses.clone().sum().backward()).ok_or("no gradient")?;
    Ok(Output { losses: values(losses), grads: values(grads) })
}

fn label(spec: &LabelSpec, criterion: &Criterion) -> Result<Label, HierarchyError> {
    let hierarchy = criterion.hierarchy();
    let nodes = |names: &[String]| names.iter().map(|name| hierarchy.node(name)).collect::<Result<Vec<_>, _>>();
    match spec {
        LabelSpec::Text(text) => criterion.parse_label(text),
        LabelSpec::Class { class } => Ok(Label::Class(*class)),
        LabelSpec::Soft { soft } => Ok(Label::Soft(soft.clone())),
        LabelSpec::Set { set, masked } => Ok(Label::Set { positive: nodes(set)?, masked: nodes(masked)? }),
    }
}

fn hierarchy(spec: &HierarchySpec) -> Result<Hierarchy, HierarchyError> {
    let mut builder = HierarchyBuilder::new();
    for (child, parent) in &spec.edges {
        builder.add_edge(parent, child)?;
    }
    for class in &spec.classes {
        builder.add_node(class)?;
    }
    for (node, rank) in &spec.ranks {
        builder.set_rank(node, rank)?;
    }
    builder.build()?.with_classes(&spec.classes)
}
