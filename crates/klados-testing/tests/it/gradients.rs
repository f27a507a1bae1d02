//! The reference's gradient is that of its loss.

use klados_testing::golden::FILES;
use klados_testing::strategies::{self, LogitScale};
use klados_testing::{Hierarchy, Label, gradcheck};
use proptest::prelude::*;

use crate::sample;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn equal_central_differences(batch in strategies::batch(7, LogitScale::Masked)) {
        let hierarchy = Hierarchy::build(&batch.hierarchy).unwrap();
        for (logits, label) in batch.logits.iter().zip(&batch.labels).take(1) {
            let analytic = sample(&batch.loss, &batch.hierarchy, logits, label);
            let label = Label::resolve(label, &hierarchy).unwrap();
            let differences = gradcheck::reference_gradient(&batch.loss, &hierarchy, logits, &label).unwrap();
            for (a, d) in analytic.grad.iter().zip(&differences) {
                prop_assert!((a - d).abs() <= 1e-15 * analytic.magnitude + 1e-70, "{:e} is not {:e}", a, d);
            }
        }
    }
}

/// Rows without equal scores: where several are the largest or the least there is no derivative.
#[test]
fn equal_central_differences_for_every_loss() {
    for stem in FILES.into_iter().skip(3) {
        let config = ProptestConfig { cases: 10, failure_persistence: None, ..ProptestConfig::default() };
        let mut runner = proptest::test_runner::TestRunner::new(config);
        let scales = prop_oneof![Just(LogitScale::Ordinary), Just(LogitScale::Masked)];
        let batches = scales.prop_flat_map(|scale| strategies::batch_of(stem, 6, scale));
        let result = runner.run(&batches, |batch| {
            let hierarchy = Hierarchy::build(&batch.hierarchy).unwrap();
            for (logits, label) in batch.logits.iter().zip(&batch.labels).take(2) {
                let mut distinct = logits.clone();
                distinct.sort_by(f64::total_cmp);
                prop_assume!(distinct.windows(2).all(|pair| pair[0] != pair[1] || pair[0].is_infinite()));
                let analytic = sample(&batch.loss, &batch.hierarchy, logits, label);
                let label = Label::resolve(label, &hierarchy).unwrap();
                let differences = gradcheck::reference_gradient(&batch.loss, &hierarchy, logits, &label).unwrap();
                for (a, d) in analytic.grad.iter().zip(&differences) {
                    prop_assert!((a - d).abs() <= 1e-15 * analytic.magnitude + 1e-70, "{:e} is not {:e}", a, d);
                }
            }
            Ok(())
        });
        result.unwrap_or_else(|error| panic!("{stem}: {error}"));
    }
}

#[test]
fn gradcheck_differentiates() {
    let f = |x: &[f64]| x[0] * x[0] * x[1] - 3.0 * x[2];
    let gradient = gradcheck::gradcheck(f, &[2.0, -1.5, 10.0], 1e-5);
    for (got, expected) in gradient.iter().zip([-6.0, 4.0, -3.0]) {
        assert!((got - expected).abs() < 1e-8, "{got} is not {expected}");
    }
}
