//! The settings of the golden cases of the first three losses.

use std::collections::BTreeMap;

use crate::loss::{
    HierarchicalCrossEntropy, Levels, Loss, MarginalCrossEntropy, SoftLabels, Unresolved, Weighting, Weights,
};

/// A loss without its parameters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Marginal,
    Hxe,
    SoftLabels,
}

type Named = Vec<(String, Loss)>;

pub(super) fn default(family: Family) -> Loss {
    match family {
        Family::Marginal => Loss::MarginalCrossEntropy(MarginalCrossEntropy::default()),
        Family::Hxe => Loss::HierarchicalCrossEntropy(HierarchicalCrossEntropy::default()),
        Family::SoftLabels => Loss::SoftLabels(SoftLabels::default()),
    }
}

/// Every setting of a loss's own parameters.
pub(super) fn parameters(family: Family) -> Named {
    match family {
        Family::Marginal => {
            let ranks = BTreeMap::from([("class".to_string(), 0.75), ("species".to_string(), 1.25)]);
            let weights = [
                ("uniform", Weights::Uniform),
                ("leaves", Weights::Leaves),
                ("balanced", Weights::Balanced),
                ("lazy", Weights::Lazy),
                ("greedy", Weights::Greedy),
                ("power_half_of_2", Weights::Power { q: 0.5, total: 2.0 }),
                ("power_3", Weights::Power { q: 3.0, total: 1.0 }),
                ("power_0", Weights::Power { q: 0.0, total: 1.0 }),
                ("levels_1_half", Weights::Levels(Levels::Depths(vec![1.0, 0.5]))),
                ("levels_1_0", Weights::Levels(Levels::Depths(vec![1.0, 0.0]))),
                ("levels_0_1_0_3", Weights::Levels(Levels::Depths(vec![0.0, 1.0, 0.0, 3.0]))),
                ("levels_by_rank", Weights::Levels(Levels::Ranks(ranks))),
            ];
            let both = [(Unresolved::Label, ""), (Unresolved::Skip, "_skip")];
            let mut result = Vec::new();
            for (name, weights) in weights {
                for (unresolved, suffix) in both {
                    let weights = weights.clone();
                    let loss = MarginalCrossEntropy { weights, unresolved, ..MarginalCrossEntropy::default() };
                    result.push((format!("{name}{suffix}"), Loss::MarginalCrossEntropy(loss)));
                }
            }
            result
        }
        Family::Hxe => {
            let weightings = [
                ("depth", Weighting::Depth),
                ("depth_normalized", Weighting::DepthNormalized),
                ("height", Weighting::Height),
            ];
            let mut result = Vec::new();
            for (name, weighting) in weightings {
                for alpha in [0.0, 0.1, 0.5, 2.0] {
                    let loss = HierarchicalCrossEntropy { alpha, weighting, ..HierarchicalCrossEntropy::default() };
                    result.push((format!("{name}_{alpha}"), Loss::HierarchicalCrossEntropy(loss)));
                }
            }
            result
        }
        Family::SoftLabels => [0.0, 0.5, 4.0, 10.0, 30.0]
            .into_iter()
            .map(|beta| (format!("beta_{beta}"), Loss::SoftLabels(SoftLabels { beta, ..SoftLabels::default() })))
            .collect(),
    }
}

/// The options, one at a time and together.
pub(super) fn options(family: Family, classes: usize) -> Named {
    let weight = Some(class_weight(classes));
    let mut settings = vec![
        ("gamma_half", 0.5, 0.0, None),
        ("gamma_2", 2.0, 0.0, None),
        ("class_weight", 0.0, 0.0, weight.clone()),
        ("class_weight_gamma", 1.0, 0.0, weight.clone()),
    ];
    if family != Family::SoftLabels {
        settings.push(("smoothing", 0.0, 0.125, None));
        settings.push(("smoothing_class_weight", 0.0, 0.1, weight));
    }
    let mut result: Named = settings
        .into_iter()
        .map(|(name, gamma, smoothing, weight)| (name.to_string(), with(default(family), gamma, smoothing, weight)))
        .collect();
    result.push(("everything".to_string(), everything(family, classes)));
    result
}

/// Non-default parameters and all options at once.
pub(super) fn everything(family: Family, classes: usize) -> Loss {
    let base = match family {
        Family::Marginal => {
            let weights = Weights::Levels(Levels::Depths(vec![0.5, 1.5, 1.0, 0.25]));
            Loss::MarginalCrossEntropy(MarginalCrossEntropy { weights, ..MarginalCrossEntropy::default() })
        }
        Family::Hxe => {
            let weighting = Weighting::DepthNormalized;
            Loss::HierarchicalCrossEntropy(HierarchicalCrossEntropy {
                alpha: 0.3,
                weighting,
                ..HierarchicalCrossEntropy::default()
            })
        }
        Family::SoftLabels => Loss::SoftLabels(SoftLabels { beta: 5.0, ..SoftLabels::default() }),
    };
    with(base, 1.5, 0.2, Some(class_weight(classes)))
}

/// The settings that depend most on the shape of the hierarchy.
pub(super) fn shapes(family: Family) -> Named {
    let chosen =
        ["balanced", "lazy", "greedy", "power_half_of_2", "levels_1_half", "depth_normalized_0.5", "height_0.5"];
    parameters(family).into_iter().filter(|(name, _)| chosen.contains(&name.as_str())).collect()
}

/// The settings for extreme logits.
pub(super) fn extremes(family: Family, classes: usize) -> Named {
    let mut result = vec![
        ("default".to_string(), default(family)),
        ("everything".to_string(), everything(family, classes)),
        ("gamma_half".to_string(), with(default(family), 0.5, 0.0, None)),
        ("gamma_2".to_string(), with(default(family), 2.0, 0.0, None)),
    ];
    match family {
        Family::Marginal => {
            let weights = Weights::Levels(Levels::Depths(vec![1.0]));
            let top = MarginalCrossEntropy { weights, ..MarginalCrossEntropy::default() };
            result.push(("top_level".to_string(), Loss::MarginalCrossEntropy(top)));
            result.extend(parameters(family).into_iter().filter(|(name, _)| name == "leaves"));
        }
        Family::Hxe => {
            result.extend(parameters(family).into_iter().filter(|(name, _)| name == "height_0.5"));
        }
        Family::SoftLabels => {
            result.extend(parameters(family).into_iter().filter(|(name, _)| name == "beta_30"));
        }
    }
    result
}

/// Eighths, and one class that counts for nothing.
pub(super) fn class_weight(classes: usize) -> Vec<f64> {
    (0..classes).map(|k| if k == 5 { 0.0 } else { (k * 5 % 7 + 3) as f64 / 8.0 }).collect()
}

/// # Panics
///
/// The loss is not one of the three.
fn with(loss: Loss, gamma: f64, label_smoothing: f64, class_weight: Option<Vec<f64>>) -> Loss {
    match loss {
        Loss::MarginalCrossEntropy(loss) => {
            Loss::MarginalCrossEntropy(MarginalCrossEntropy { gamma, label_smoothing, class_weight, ..loss })
        }
        Loss::HierarchicalCrossEntropy(loss) => {
            Loss::HierarchicalCrossEntropy(HierarchicalCrossEntropy { gamma, label_smoothing, class_weight, ..loss })
        }
        Loss::SoftLabels(loss) => Loss::SoftLabels(SoftLabels { gamma, class_weight, ..loss }),
        _ => panic!("not of this suite: {loss:?}"),
    }
}
