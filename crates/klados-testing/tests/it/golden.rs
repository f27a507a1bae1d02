//! The golden files and what compares engines with them.

use klados_testing::golden::{self, Output, Precision, Scale, run};
use klados_testing::{Big, Hierarchy, Label, Real, generate, reference};

fn output<R: Real>(case: &golden::Case) -> Result<Output, String> {
    let hierarchy = Hierarchy::build(&case.hierarchy)?;
    let mut output = Output { losses: Vec::new(), grads: Vec::new() };
    for ((logits, label), row) in case.logits.iter().zip(&case.labels).zip(0..) {
        let label = Label::resolve(label, &hierarchy)?;
        let sample = reference::evaluate_row::<R>(&case.loss, &hierarchy, logits, &label, row)?;
        output.losses.push(sample.loss);
        output.grads.extend(sample.grad);
    }
    Ok(output)
}

/// Some of the committed cases; `cargo run -p klados-testing --bin golden -- --check` regenerates all.
#[test]
fn the_committed_numbers_are_the_references() {
    for file in golden::load_all().unwrap() {
        let some =
            file.cases.iter().step_by(if file.cases.len() > 180 { 17 } else { 5 }).filter(|case| case.columns() < 10);
        let summary = run(some, Precision::F64, output::<Big>).unwrap();
        assert!(summary.checked > 3 && summary.skipped.is_empty());
    }
}

#[test]
fn f64_without_care_is_an_engine_for_ordinary_cases() {
    for file in golden::load_all().unwrap() {
        let summary = run(&file.cases, Precision::Composed, output::<f64>).unwrap();
        let extreme = file.cases.iter().filter(|case| case.scale == Scale::Extreme).count();
        assert_eq!(summary.skipped.len(), extreme);
        assert!(summary.checked > 20);
        assert!(summary.skipped[0].1.contains("f32"));
    }
}

#[test]
fn every_logit_is_an_f32_and_every_name_unique() {
    for file in golden::load_all().unwrap() {
        let mut names: Vec<&str> = file.cases.iter().map(|case| case.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), file.cases.len());
        for case in &file.cases {
            assert!(case.flat_logits().iter().all(|&z| z.is_nan() || f64::from(z as f32) == z), "{}", case.name);
        }
    }
}

#[test]
fn a_difference_names_case_row_class_and_numbers() {
    let spec = klados_testing::HierarchySpec::new(&[("a", "top"), ("b", "top")], &["a", "b"]);
    let loss = crate::loss(r#"{"marginal_cross_entropy": {}}"#);
    let logits = vec![vec![0.0, 0.0], vec![0.0, 50.0]];
    let labels = vec!["a".into(), "b".into()];
    let case = generate::solve("two".into(), Scale::Ordinary, &spec, &loss, logits, labels).unwrap();
    let (losses, grads) = (case.losses.clone(), case.grads.concat());
    case.check(&losses, &grads, Precision::F64).unwrap();

    let mut wrong = losses.clone();
    wrong[0] *= 1.0 + 1e-9;
    let error = case.check(&wrong, &grads, Precision::F64).unwrap_err();
    assert!(error.contains("two, row 0") && error.contains("loss is"), "{error}");
    case.check(&wrong, &grads, Precision::F32).unwrap();

    // A gradient of the order e^-50 that came out as 0: f32 kernels owe it, composed ones do not.
    let mut flat = grads.clone();
    flat[2..].fill(0.0);
    let error = case.check(&losses, &flat, Precision::F32).unwrap_err();
    assert!(error.contains("row 1") && error.contains("column \"a\": gradient is 0e0"), "{error}");
    case.check(&losses, &flat, Precision::Composed).unwrap();

    for bad in [f64::NAN, f64::INFINITY] {
        let mut broken = losses.clone();
        broken[1] = bad;
        assert!(case.check(&broken, &grads, Precision::Composed).is_err());
    }
    assert!(case.check(&losses[1..], &grads, Precision::F64).is_err());
}
