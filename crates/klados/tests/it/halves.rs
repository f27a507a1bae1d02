//! Logits in half precision: the loss is that of the widened logits, and the gradient is rounded once.

use half::{bf16, f16};
use klados::{Element, Label, Loss};

use crate::terms::tree;

fn check<T: Element<Wide = f32>>(loss: &str) {
    let hierarchy = tree();
    let criterion = loss.parse::<Loss>().unwrap().compile(&hierarchy).unwrap();
    let columns = criterion.columns();
    let wide: Vec<f32> = (0..2 * columns).map(|k| ((k * 7 + 3) % 11) as f32 / 8.0 - 0.5).collect(); // exact in both
    let logits: Vec<T> = wide.iter().map(|&z| T::from_f64(f64::from(z))).collect();
    let labels = [Label::Class(0), Label::Ignored];
    let (mut losses, mut expected) = ([0.0; 2], [0.0; 2]);
    let (mut grad, mut wide_grad) = (vec![T::from_f64(9.0); logits.len()], vec![0f32; logits.len()]);
    criterion.forward_backward(&logits, &labels, &mut losses, &mut grad).unwrap();
    criterion.forward_backward(&wide, &labels, &mut expected, &mut wide_grad).unwrap();
    assert_eq!(losses, expected, "{loss}");
    for (grad, wide) in grad.iter().zip(wide_grad) {
        assert_eq!(grad.to_f64(), T::from_f64(f64::from(wide)).to_f64(), "{loss}");
    }
}

#[test]
fn every_loss_takes_halves() {
    for loss in Loss::NAMES {
        check::<f16>(loss);
        check::<bf16>(loss);
    }
}
