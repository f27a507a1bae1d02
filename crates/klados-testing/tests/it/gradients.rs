//! The reference's gradient is that of its loss.

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

#[test]
fn gradcheck_differentiates() {
    let f = |x: &[f64]| x[0] * x[0] * x[1] - 3.0 * x[2];
    let gradient = gradcheck::gradcheck(f, &[2.0, -1.5, 10.0], 1e-5);
    for (got, expected) in gradient.iter().zip([-6.0, 4.0, -3.0]) {
        assert!((got - expected).abs() < 1e-8, "{got} is not {expected}");
    }
}
