//! Logits that `f32` holds exactly, of ordinary size and beyond it.

use super::random::Random;
use crate::hierarchy::{Hierarchy, HierarchySpec};
use crate::label::{Label, LabelSpec};

/// Rows of about normal logits with all the bits of an `f32`, a column a class.
pub(super) fn ordinary(spec: &HierarchySpec, count: usize, random: &mut Random) -> Vec<Vec<f64>> {
    rows(spec.classes.len(), count, random)
}

/// Rows of about normal logits with all the bits of an `f32`.
pub(super) fn rows(columns: usize, count: usize, random: &mut Random) -> Vec<Vec<f64>> {
    (0..count).map(|_| (0..columns).map(|_| round(2.0 * random.normal())).collect()).collect()
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
    /// What holds far above 0, the rest far below.
    Right,
    /// What holds far below 0, the rest far above.
    Wrong,
    /// All of them about -200.
    Low,
    /// Small whole numbers, so that several are the largest.
    Ties,
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

    /// Those that matter for sigmoids and maxima.
    pub(super) const MORE: [Self; 4] = [Self::Right, Self::Wrong, Self::Low, Self::Ties];

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
            Self::Right => "right",
            Self::Wrong => "wrong",
            Self::Low => "low",
            Self::Ties => "ties",
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
    let own = |label: &LabelSpec| -> Result<Vec<usize>, String> {
        Ok(match Label::resolve(label, &hierarchy)? {
            Label::Soft(q) => (0..classes).filter(|&k| q[k] > 0.0).collect(),
            label => label.classes(&hierarchy),
        })
    };
    let own: Vec<Vec<usize>> = labels.iter().map(own).collect::<Result<_, _>>()?;
    Ok(extreme_rows(classes, &own, extreme, random))
}

/// Rows for labels that say of some columns that they hold.
pub(super) fn extreme_rows(columns: usize, own: &[Vec<usize>], extreme: Extreme, random: &mut Random) -> Vec<Vec<f64>> {
    let mut rows = rows(columns, own.len(), random);
    for (i, (row, own)) in rows.iter_mut().zip(own).enumerate() {
        match extreme {
            Extreme::Wide => row.iter_mut().for_each(|z| *z = round(1e4 * random.symmetric())),
            Extreme::Shifted => {
                let shift = if i % 2 == 0 { 1e4 } else { -1e4 };
                row.iter_mut().for_each(|z| *z = round(*z + shift));
            }
            Extreme::Tower => row[random.below(columns)] = 9000.0,
            Extreme::Certain => own.iter().for_each(|&k| row[k] = round(72.0 + random.normal())),
            Extreme::Impossible => own.iter().for_each(|&k| row[k] = round(row[k] - 1e4)),
            Extreme::Steps => {
                row.iter_mut().for_each(|z| *z = round(*z - *random.pick(&[0.0, 8.0, 60.0, 110.0, 800.0])));
            }
            Extreme::MaskedLabel => own.iter().for_each(|&k| row[k] = f64::NEG_INFINITY),
            Extreme::MaskedOthers => {
                let others: Vec<usize> = (0..columns).filter(|k| !own.contains(k)).collect();
                others.iter().filter(|_| random.below(2) == 0).for_each(|&k| row[k] = f64::NEG_INFINITY);
                // Of a label with several classes one goes too, and the label is still possible.
                if own.len() > 1 {
                    row[own[0]] = f64::NEG_INFINITY;
                }
            }
            Extreme::AllMasked => row.fill(f64::NEG_INFINITY),
            Extreme::Nan => row[random.below(columns)] = f64::NAN,
            Extreme::Infinite => row[random.below(columns)] = f64::INFINITY,
            Extreme::Right | Extreme::Wrong => {
                for (k, z) in row.iter_mut().enumerate() {
                    let size = *random.pick(&[30.0, 72.0, 300.0]) + z.abs();
                    *z = round(if own.contains(&k) == (extreme == Extreme::Right) { size } else { -size });
                }
            }
            Extreme::Low => row.iter_mut().for_each(|z| *z = round(*z - 200.0)),
            Extreme::Ties => row.iter_mut().for_each(|z| *z = random.below(3) as f64 - 1.0),
        }
    }
    rows
}
