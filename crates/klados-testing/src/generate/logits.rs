//! Logits that `f32` holds exactly, of ordinary size and beyond it.

use super::random::Random;
use crate::hierarchy::{Hierarchy, HierarchySpec};
use crate::label::{Label, LabelSpec};

/// Rows of about normal logits with all the bits of an `f32`.
pub(super) fn ordinary(spec: &HierarchySpec, rows: usize, random: &mut Random) -> Vec<Vec<f64>> {
    (0..rows).map(|_| spec.classes.iter().map(|_| round(2.0 * random.normal())).collect()).collect()
}

/// The nearest `f32`.
fn round(value: f64) -> f64 {
    f64::from(value as f32)
}

/// What is extreme about a batch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extreme {
    /// Uniform in ±1e4.
    Wide,
    /// Ordinary, and 1e4 added or taken away.
    Shifted,
    /// One logit, not always of the label, 9000 above the rest.
    Tower,
    /// The label's classes 69 to 75 above the rest: `P` of about `1 - 1e-30`.
    Certain,
    /// The label's classes 10,000 below the rest: `P` of about `e^-10000`.
    Impossible,
    /// A part of the classes far below the rest, another a little, so that sets underflow at different depths.
    Steps,
    /// The label's classes are masked.
    MaskedLabel,
    /// Some others are masked.
    MaskedOthers,
    /// All are masked.
    AllMasked,
    /// One NaN a row.
    Nan,
    /// One +inf a row.
    Infinite,
}

impl Extreme {
    pub(super) const ALL: [Self; 11] = [
        Self::Wide,
        Self::Shifted,
        Self::Tower,
        Self::Certain,
        Self::Impossible,
        Self::Steps,
        Self::MaskedLabel,
        Self::MaskedOthers,
        Self::AllMasked,
        Self::Nan,
        Self::Infinite,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Wide => "wide",
            Self::Shifted => "shifted",
            Self::Tower => "tower",
            Self::Certain => "certain",
            Self::Impossible => "impossible",
            Self::Steps => "steps",
            Self::MaskedLabel => "masked_label",
            Self::MaskedOthers => "masked_others",
            Self::AllMasked => "all_masked",
            Self::Nan => "nan",
            Self::Infinite => "infinite",
        }
    }

    pub(super) fn is_mask_or_bad_row(self) -> bool {
        matches!(self, Self::MaskedLabel | Self::MaskedOthers | Self::AllMasked | Self::Nan | Self::Infinite)
    }
}

/// Rows for the labels.
///
/// # Errors
///
/// A label that does not resolve.
pub(super) fn extreme(
    spec: &HierarchySpec,
    labels: &[LabelSpec],
    extreme: Extreme,
    random: &mut Random,
) -> Result<Vec<Vec<f64>>, String> {
    let hierarchy = Hierarchy::build(spec)?;
    let classes = spec.classes.len();
    let mut rows = ordinary(spec, labels.len(), random);
    for (i, (row, label)) in rows.iter_mut().zip(labels).enumerate() {
        let label = Label::resolve(label, &hierarchy)?;
        let own: Vec<usize> = match &label {
            Label::Soft(q) => (0..classes).filter(|&k| q[k] > 0.0).collect(),
            _ => label.classes(&hierarchy),
        };
        match extreme {
            Extreme::Wide => row.iter_mut().for_each(|z| *z = round(1e4 * random.symmetric())),
            Extreme::Shifted => {
                let shift = if i % 2 == 0 { 1e4 } else { -1e4 };
                row.iter_mut().for_each(|z| *z = round(*z + shift));
            }
            Extreme::Tower => row[random.below(classes)] = 9000.0,
            Extreme::Certain => own.iter().for_each(|&k| row[k] = round(72.0 + random.normal())),
            Extreme::Impossible => own.iter().for_each(|&k| row[k] = round(row[k] - 1e4)),
            Extreme::Steps => {
                row.iter_mut().for_each(|z| *z = round(*z - *random.pick(&[0.0, 8.0, 60.0, 110.0, 800.0])));
            }
            Extreme::MaskedLabel => own.iter().for_each(|&k| row[k] = f64::NEG_INFINITY),
            Extreme::MaskedOthers => {
                let others: Vec<usize> = (0..classes).filter(|k| !own.contains(k)).collect();
                others.iter().filter(|_| random.below(2) == 0).for_each(|&k| row[k] = f64::NEG_INFINITY);
                // Of a label with several classes one goes too, and the label is still possible.
                if own.len() > 1 {
                    row[own[0]] = f64::NEG_INFINITY;
                }
            }
            Extreme::AllMasked => row.fill(f64::NEG_INFINITY),
            Extreme::Nan => row[random.below(classes)] = f64::NAN,
            Extreme::Infinite => row[random.below(classes)] = f64::INFINITY,
        }
    }
    Ok(rows)
}
