//! The losses against the golden suite, against fresh random cases, and against what they must be equal to.

use klados::loss::Reduction;
use klados::{Criterion, Float, Hierarchy, HierarchyBuilder, Label, Loss};
use klados_testing::golden::{self, Output};
use klados_testing::{Case, HierarchySpec, LabelSpec, Precision};

/// The hierarchy of a test case, built from its edges, classes and ranks.
pub(crate) fn hierarchy(spec: &HierarchySpec) -> Hierarchy {
    let mut builder = HierarchyBuilder::new();
    for (child, parent) in &spec.edges {
        builder.add_edge(parent, child).unwrap();
    }
    for class in &spec.classes {
        builder.add_node(class).unwrap();
    }
    for (node, rank) in &spec.ranks {
        builder.set_rank(node, rank).unwrap();
    }
    builder.build().unwrap().with_classes(&spec.classes).unwrap()
}

pub(crate) fn label(spec: &LabelSpec, hierarchy: &Hierarchy) -> Label {
    match spec {
        LabelSpec::Text(text) => hierarchy.parse_label(text).unwrap(),
        LabelSpec::Class { class } => Label::Class(*class),
        LabelSpec::Soft { soft } => Label::Soft(soft.clone()),
        LabelSpec::Set { set, masked } => {
            let nodes = |names: &[String]| names.iter().map(|name| hierarchy.node(name).unwrap()).collect();
            Label::Set { positive: nodes(set), masked: nodes(masked) }
        }
    }
}

pub(crate) fn run<T: Float>(criterion: &Criterion, logits: &[f64], labels: &[Label]) -> Output {
    let logits: Vec<T> = logits.iter().map(|&z| T::from_f64(z)).collect();
    let mut losses = vec![T::default(); labels.len()];
    let mut grad = vec![T::default(); logits.len()];
    criterion.forward_backward(&logits, labels, &mut losses, &mut grad).unwrap();
    // The loss alone has the same bits as with the gradient.
    let mut alone = vec![T::default(); labels.len()];
    criterion.forward(&logits, labels, &mut alone).unwrap();
    let widen = |values: &[T]| values.iter().map(|value| value.to_f64()).collect::<Vec<_>>();
    let (losses, alone) = (widen(&losses), widen(&alone));
    for (a, b) in losses.iter().zip(&alone) {
        assert_eq!(a.to_bits(), b.to_bits());
    }
    Output { losses, grads: widen(&grad) }
}

fn compile(case: &Case) -> (Criterion, Vec<Label>) {
    let hierarchy = hierarchy(&case.hierarchy);
    let loss: Loss = serde_json::from_value(serde_json::to_value(&case.loss).unwrap()).unwrap();
    let labels = case.labels.iter().map(|spec| label(spec, &hierarchy)).collect();
    (loss.compile(&hierarchy).unwrap(), labels)
}

/// On every instruction set that the machine has.
fn golden_suite<T: Float>(precision: Precision) {
    let files = golden::load_all().unwrap();
    klados::on_each_instruction_set(|name| {
        golden_suite_at::<T>(&files, precision, name);
    });
}

fn golden_suite_at<T: Float>(files: &[golden::Golden], precision: Precision, instruction_set: &str) {
    let mut checked = 0;
    for file in files {
        let summary = golden::run(&file.cases, precision, |case| {
            let (criterion, labels) = compile(case);
            let output = run::<T>(&criterion, &case.flat_logits(), &labels);
            let mean = criterion.reduce(Reduction::Mean, &case.losses, &labels).unwrap();
            let same = (mean.is_nan() && case.mean.is_nan()) || mean == case.mean;
            match same || (mean - case.mean).abs() <= 1e-13 * case.mean.abs() {
                true => Ok(output),
                false => Err(format!("the mean is {mean:e}, expected {:e}", case.mean)),
            }
        });
        let summary = summary.unwrap_or_else(|failures| panic!("{instruction_set}: {failures}"));
        assert!(summary.skipped.is_empty(), "{:?}", summary.skipped);
        checked += summary.checked;
    }
    assert!(checked > 100, "{checked}");
}

#[test]
fn golden_suite_in_f32() {
    golden_suite::<f32>(Precision::F32);
}

#[test]
fn golden_suite_in_f64() {
    golden_suite::<f64>(Precision::F64);
}
