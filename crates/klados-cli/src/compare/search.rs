//! The settings that each arm tries: as many for all, around what was typed.

use klados::{Hierarchy, Loss};
use serde::Serialize;
use serde_json::{Value, json};

/// Learning rates are tried from a third of the one that was typed to three times as much.
const RANGE: f64 = 3.0;
/// The weight of superclass terms beside a class's weight of 1.
const SUPERCLASS_WEIGHTS: [f64; 2] = [0.25, 1.0];
/// Parameters that take the part of level weights, and the values that are tried.
const PARAMETERS: [(&str, &str, [f64; 2]); 2] =
    [("hierarchical_cross_entropy", "alpha", [0.1, 0.5]), ("soft_labels", "beta", [5.0, 20.0])];

/// Settings that an arm tries.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Point {
    /// The step size at the start.
    pub(crate) learning_rate: f64,
    /// The loss, with its weights.
    pub(crate) loss: Loss,
    /// What the loss is beside others that are tried; empty where only learning rates are.
    pub(crate) variant: String,
}

/// The points that a loss tries. Where it has weights of levels that were not typed, half as many learning rates with each
/// of two weightings: as many trials as a loss without, over the same range of learning rates.
pub(crate) fn points(text: &str, loss: &Loss, hierarchy: &Hierarchy, learning_rate: f64, trials: usize) -> Vec<Point> {
    let mut variants = variants(text, loss, hierarchy);
    if variants.len() < 2 || trials < 2 {
        variants = vec![(String::new(), loss.clone())];
    }
    let rates = rates(learning_rate, trials.div_ceil(variants.len()));
    let of_rate = |&rate: &f64| {
        let point = move |(variant, loss): &(String, Loss)| Point {
            learning_rate: rate,
            loss: loss.clone(),
            variant: variant.clone(),
        };
        variants.iter().map(point).collect::<Vec<_>>()
    };
    rates.iter().flat_map(of_rate).take(trials).collect()
}

/// The middles of `count` equal parts of the range, on a logarithmic scale.
#[expect(clippy::disallowed_methods, reason = "a setting, which need not be exact")]
fn rates(middle: f64, count: usize) -> Vec<f64> {
    let place = |index: usize| (2.0 * index as f64 + 1.0) / count as f64 - 1.0;
    (0..count).map(|index| middle * RANGE.powf(place(index))).collect()
}

/// The weightings that a loss tries, with what they are called; those that it does not take are left out.
fn variants(text: &str, loss: &Loss, hierarchy: &Hierarchy) -> Vec<(String, Loss)> {
    let name = loss.name();
    let typed: Value = serde_json::from_str(text).unwrap_or_default();
    let is_typed = |parameter: &str| !typed[name][parameter].is_null();
    let Ok(written) = serde_json::to_value(loss) else { return Vec::new() };
    let with = |parameter: &str, value: Value| {
        let mut changed = written.clone();
        changed[name][parameter] = value;
        serde_json::from_value::<Loss>(changed).ok().filter(|loss| loss.compile(hierarchy).is_ok())
    };
    let of = |(variant, parameter, value): (String, &str, Value)| Some((variant, with(parameter, value)?));
    if written[name]["weights"] == "uniform" && !is_typed("weights") {
        return weightings(hierarchy)
            .into_iter()
            .filter_map(|(variant, value)| of((variant, "weights", value)))
            .collect();
    }
    let parameter = PARAMETERS.iter().find(|(loss, parameter, _)| *loss == name && !is_typed(parameter));
    let values = parameter.into_iter().flat_map(|(_, parameter, values)| values.map(|value| (*parameter, value)));
    values.filter_map(|(parameter, value)| of((format!("{parameter} {value}"), parameter, json!(value)))).collect()
}

/// Weights of levels. Where all classes are equally deep, those above have the same weight each. Otherwise a depth has both
/// classes and superclasses: all weigh the same, or the more the deeper.
fn weightings(hierarchy: &Hierarchy) -> Vec<(String, Value)> {
    let depths = (0..hierarchy.class_count()).map(|class| hierarchy.depth(hierarchy.class_node(class)));
    let (shallow, deep) = depths.fold((usize::MAX, 0), |(low, high), depth| (low.min(depth), high.max(depth)));
    if shallow == deep {
        let levels = |weight: f64| -> Vec<f64> { (1..=deep).map(|d| if d < deep { weight } else { 1.0 }).collect() };
        let of = |weight| (format!("superclass weight {weight}"), json!({ "levels": levels(weight) }));
        return SUPERCLASS_WEIGHTS.map(of).into();
    }
    let rising: Vec<f64> = (1..=deep).map(|depth| depth as f64 / deep as f64).collect();
    vec![
        ("weights rising with depth".to_owned(), json!({ "levels": rising })),
        ("weight 1".to_owned(), json!("uniform")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Hierarchy {
        let edges = [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")];
        Hierarchy::from_edges(edges).expect("a tree")
    }

    fn tried(text: &str, hierarchy: &Hierarchy, trials: usize) -> Vec<(String, f64)> {
        let points = points(text, &text.parse().expect("a loss"), hierarchy, 1.0, trials);
        points.into_iter().map(|point| (point.variant, point.learning_rate)).collect()
    }

    #[test]
    fn all_losses_have_as_many_trials_over_the_same_range() {
        let flat = tried(r#"{"marginal_cross_entropy": {"weights": "leaves"}}"#, &tree(), 4);
        let superclass = tried("marginal_cross_entropy", &tree(), 4);
        assert_eq!((flat.len(), superclass.len()), (4, 4));
        // 3^-0.75 to 3^0.75, and 3^-0.5 and 3^0.5.
        let expected = [0.4387, 0.7598, 1.3161, 2.2795];
        assert!(flat.iter().zip(expected).all(|((_, rate), expected)| (rate - expected).abs() < 1e-4), "{flat:?}");
        let names: Vec<&str> = superclass.iter().map(|(variant, _)| variant.as_str()).collect();
        assert_eq!(names, ["superclass weight 0.25", "superclass weight 1"].repeat(2));
        assert!((superclass[0].1 * superclass[3].1 - 1.0).abs() < 1e-12 && superclass[0].1 < 0.6);
        // One trial is what was typed.
        assert_eq!(tried("marginal_cross_entropy", &tree(), 1), [(String::new(), 1.0)]);
        assert_eq!(tried("marginal_cross_entropy", &tree(), 3).len(), 3);
    }

    #[test]
    fn what_was_typed_is_not_searched() {
        assert_eq!(tried(r#"{"marginal_cross_entropy": {"weights": "balanced"}}"#, &tree(), 2)[0].0, "");
        assert_eq!(tried(r#"{"hierarchical_cross_entropy": {"alpha": 0.3}}"#, &tree(), 2)[0].0, "");
        assert_eq!(tried("hierarchical_cross_entropy", &tree(), 2)[0].0, "alpha 0.1");
        assert_eq!(tried("soft_labels", &tree(), 2)[1].0, "beta 20");
        assert_eq!(tried("sibling_softmax", &tree(), 2)[1].0, "");
    }

    #[test]
    fn on_uneven_depths_no_class_loses_its_term() {
        let edges = [("animal", "sponge"), ("animal", "bird"), ("bird", "crow"), ("bird", "robin")];
        let hierarchy = Hierarchy::from_edges(edges).expect("a tree");
        let points =
            points("marginal_cross_entropy", &Loss::MarginalCrossEntropy(Default::default()), &hierarchy, 1.0, 2);
        assert_eq!(points[0].variant, "weights rising with depth");
        let weights = serde_json::to_value(&points[0].loss).expect("JSON");
        let weights = weights["marginal_cross_entropy"]["weights"]["levels"].as_array().expect("a list").clone();
        assert!(!weights.is_empty() && weights.iter().all(|weight| weight.as_f64() > Some(0.0)));
    }
}
