//! What is compared: arms that train on the same splits with the same budget, and the questions that two of them answer.

use anyhow::{Context, Result};
use klados::loss::{MarginalCrossEntropy, Weights};
use klados::{Hierarchy, Label, Loss};
use serde::Serialize;

use super::search::{self, Point};

/// The arm that all others have to beat.
pub(crate) const BASELINE: &str = "leaf_only";
/// The same loss on all rows.
pub(crate) const COARSE: &str = "coarse_labels";

/// A way to train.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Arm {
    /// Its name.
    pub(crate) name: String,
    /// One line about it.
    pub(crate) about: String,
    /// Whether it trains on the rows alone whose label is a class.
    pub(crate) leaves_only: bool,
    /// The settings that it tries.
    pub(crate) points: Vec<Point>,
}

/// Two arms that differ in one thing.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Contrast {
    /// What the difference is the effect of: `the coarse labels`, `the terms of NAME`.
    pub(crate) effect: String,
    /// The arm with it, by place.
    pub(crate) arm: usize,
    /// The arm without it.
    pub(crate) against: usize,
}

/// The arms of a comparison.
#[derive(Debug, Clone)]
pub(crate) struct Arms {
    /// The baseline first.
    pub(crate) all: Vec<Arm>,
    pub(crate) contrasts: Vec<Contrast>,
}

/// A loss as it was typed.
#[derive(Debug, Clone)]
pub(crate) struct Typed {
    /// A name, its own among all losses.
    pub(crate) name: String,
    pub(crate) text: String,
    /// With rows in place of their files.
    pub(crate) loss: Loss,
}

impl Arms {
    /// The baseline: cross-entropy at the classes, on the rows that are labelled by class. Where there are coarse labels
    /// to train on, the same with these, so that what they bring and what a loss brings are told apart: two questions with
    /// two answers. Then each of the losses, on all rows.
    pub(crate) fn new(
        losses: &[Typed],
        has_coarse: bool,
        hierarchy: &Hierarchy,
        learning_rate: f64,
        trials: usize,
    ) -> Self {
        let flat: Loss = MarginalCrossEntropy::new().weights(Weights::Leaves).into();
        let points = |text: &str, loss| search::points(text, loss, hierarchy, learning_rate, trials);
        let of =
            |name: &str, about: String, leaves_only, points| Arm { name: name.to_owned(), about, leaves_only, points };
        let rows = if has_coarse { "on the rows labelled by class" } else { "on all rows" };
        let leaves = r#"{"marginal_cross_entropy": {"weights": "leaves"}}"#;
        let mut all =
            vec![of(BASELINE, format!("cross-entropy at the classes, {rows}"), has_coarse, points(leaves, &flat))];
        let mut contrasts = Vec::new();
        if has_coarse {
            let about = "the same, and of a coarse label the probability of its classes together, on all rows";
            all.push(of(COARSE, about.to_owned(), false, points(leaves, &flat)));
            contrasts.push(Contrast { effect: "the coarse labels".to_owned(), arm: 1, against: 0 });
        }
        let against = all.len() - 1;
        for Typed { name, text, loss } in losses {
            let about = if text == name { "on all rows".to_owned() } else { format!("{text}, on all rows") };
            let arm = all.len();
            all.push(of(name, about, false, points(text, loss)));
            contrasts.push(Contrast { effect: format!("the terms of {name}"), arm, against });
        }
        Self { all, contrasts }
    }

    /// That every arm takes the hierarchy and the labels.
    ///
    /// # Errors
    ///
    /// What a loss says of its parameters on the hierarchy, or of the first label that it does not take.
    pub(crate) fn check(&self, hierarchy: &Hierarchy, labels: &[Label]) -> Result<()> {
        let mut distinct: Vec<&Label> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        distinct.extend(labels.iter().filter(|label| seen.insert(format!("{label:?}"))));
        for arm in &self.all {
            for point in &arm.points {
                // Class weights may be counted in the labels; the training does it.
                let loss = point.loss.clone().with_class_weight(None);
                let criterion = loss.compile(hierarchy).with_context(|| format!("--loss {}", arm.name))?;
                for label in &distinct {
                    criterion.check_label(label).with_context(|| format!("--loss {}", arm.name))?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arms(has_coarse: bool) -> Arms {
        let hierarchy =
            Hierarchy::from_edges([("mammal", "bat"), ("bird", "crow"), ("bird", "robin")]).expect("a tree");
        let typed =
            |name: &str| Typed { name: name.to_owned(), text: name.to_owned(), loss: name.parse().expect("a loss") };
        Arms::new(&[typed("marginal_cross_entropy"), typed("soft_labels")], has_coarse, &hierarchy, 0.01, 2)
    }

    #[test]
    fn with_coarse_labels_these_and_the_terms_are_two_questions() {
        let questions = |arms: &Arms| -> Vec<String> {
            let name = |place: usize| arms.all[place].name.clone();
            let of = |of: &Contrast| format!("{}: {} against {}", of.effect, name(of.arm), name(of.against));
            arms.contrasts.iter().map(of).collect()
        };
        let fine = questions(&arms(false));
        assert_eq!(fine[0], "the terms of marginal_cross_entropy: marginal_cross_entropy against leaf_only");
        assert_eq!(fine.len(), 2);
        let coarse = questions(&arms(true));
        assert_eq!(coarse[0], "the coarse labels: coarse_labels against leaf_only");
        assert_eq!(coarse[2], "the terms of soft_labels: soft_labels against coarse_labels");
        assert!(arms(true).all[0].leaves_only && !arms(false).all[0].leaves_only);
    }

    #[test]
    fn a_label_that_a_loss_does_not_take_is_told_before_training() {
        let hierarchy =
            Hierarchy::from_edges([("mammal", "bat"), ("bird", "crow"), ("bird", "robin")]).expect("a tree");
        let typed =
            Typed { name: "random_cut".into(), text: "random_cut".into(), loss: "random_cut".parse().expect("a loss") };
        let arms = Arms::new(&[typed], true, &hierarchy, 0.01, 1);
        let coarse = [hierarchy.parse_label("bird").expect("a label")];
        let error = arms.check(&hierarchy, &coarse).expect_err("an error");
        assert!(format!("{error:#}").starts_with("--loss random_cut: "), "{error:#}");
        assert!(arms.check(&hierarchy, &[Label::Class(0)]).is_ok());
    }
}
