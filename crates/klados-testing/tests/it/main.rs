//! The reference against numbers worked out by hand, against itself, and the golden files against the reference.

mod by_hand;
mod golden;
mod gradients;
mod hierarchy;
mod identities;
mod reductions;

use klados_testing::{Big, Hierarchy, HierarchySpec, Label, LabelSpec, Loss, Real, reference};

/// The loss of one row in multi-precision.
fn sample(loss: &Loss, spec: &HierarchySpec, logits: &[f64], label: &LabelSpec) -> reference::Sample {
    sample_in::<Big>(loss, spec, logits, label)
}

fn sample_in<R: Real>(loss: &Loss, spec: &HierarchySpec, logits: &[f64], label: &LabelSpec) -> reference::Sample {
    let hierarchy = Hierarchy::build(spec).unwrap();
    let label = Label::resolve(label, &hierarchy).unwrap();
    reference::evaluate::<R>(loss, &hierarchy, logits, &label).unwrap()
}

fn loss(json: &str) -> Loss {
    serde_json::from_str(json).unwrap()
}

#[track_caller]
fn assert_close(got: f64, expected: f64, relative: f64) {
    assert!((got - expected).abs() <= relative * expected.abs(), "{got:e} is not {expected:e}");
}
