//! Gradients by central differences.

use crate::big::Big;
use crate::hierarchy::Hierarchy;
use crate::label::Label;
use crate::loss::Loss;
use crate::real::Real;
use crate::reference;

/// The gradient of `f` at `x` by central differences `(f(x + h) - f(x - h)) / 2h` in `f64`.
///
/// With `h` of `1e-5` expect about `1e-10` of the size of `f` and its third derivative.
pub fn gradcheck(f: impl Fn(&[f64]) -> f64, x: &[f64], h: f64) -> Vec<f64> {
    let mut shifted = x.to_vec();
    let mut gradient = Vec::with_capacity(x.len());
    for (i, &center) in x.iter().enumerate() {
        shifted[i] = center + h;
        let (up, above) = (shifted[i], f(&shifted));
        shifted[i] = center - h;
        let (down, below) = (shifted[i], f(&shifted));
        shifted[i] = center;
        // What was really added and taken away, which is not quite h.
        gradient.push((above - below) / (up - down));
    }
    gradient
}

/// The gradient of a loss of the reference by central differences in multi-precision.
///
/// The step is `2^-200`: the error of the difference is of the order of its square, `1e-120`, and rounding adds less.
/// Masked classes have gradient 0, and so has everything where the loss is infinite.
///
/// # Errors
///
/// As [`reference::evaluate`]; and a row that holds NaN or +inf has no differences.
pub fn reference_gradient(
    loss: &Loss,
    hierarchy: &Hierarchy,
    logits: &[f64],
    label: &Label,
) -> Result<Vec<f64>, String> {
    if logits.iter().any(|z| z.is_nan() || *z == f64::INFINITY) {
        return Err("a row with NaN or +inf has no differences".into());
    }
    let h = Big::of(2f64.powi(-200));
    let mut z: Vec<Option<Big>> = logits.iter().map(|&z| z.is_finite().then(|| Big::of(z))).collect();
    let mut gradient = Vec::with_capacity(z.len());
    for k in 0..z.len() {
        let Some(center) = z[k].clone() else {
            gradient.push(0.0);
            continue;
        };
        z[k] = Some(center.clone() + h.clone());
        let above = reference::value(loss, hierarchy, &z, label)?;
        z[k] = Some(center.clone() - h.clone());
        let below = reference::value(loss, hierarchy, &z, label)?;
        z[k] = Some(center);
        let slope = above.zip(below).map(|(above, below)| (above - below) / (h.clone() + h.clone()));
        gradient.push(slope.map_or(0.0, |slope| slope.to_f64()));
    }
    Ok(gradient)
}
