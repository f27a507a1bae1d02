//! Whole comparisons on small made-up data.

use std::sync::atomic::{AtomicUsize, Ordering};

use klados::{Hierarchy, Label};

use super::arm::Typed;
use super::job::Outcome;
use super::plan::{Data, Design, Plan};
use super::result::Comparison;
use super::verdict::Verdict;
use crate::train::examples::Examples;
use crate::train::settings::{Head, Optimizer, Settings};

/// Two superclasses of two classes, so that neither is more probable where features say nothing.
fn tree() -> Hierarchy {
    let edges = [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")];
    Hierarchy::from_edges(edges).expect("a tree")
}

/// Rows of the classes in turn. Features are noise between -1 and 1, to which `signal` adds what a class has.
fn data(rows: usize, width: usize, seed: u64, signal: impl Fn(usize, &mut [f32])) -> Data {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut examples = Examples { width, ..Examples::default() };
    for row in 0..rows {
        let class = row % 4;
        let mut features: Vec<f32> = (0..width).map(|_| 2.0 * random.f32() - 1.0).collect();
        signal(class, &mut features);
        examples.values.extend(features);
        examples.labels.push(Label::Class(class));
    }
    Data { hierarchy: tree(), examples, groups: None }
}

fn design(fine_share: Option<f64>) -> Design {
    let settings = Settings {
        model: Head::Linear,
        hidden: 4,
        optimizer: Optimizer::Adamw,
        learning_rate: 0.1,
        weight_decay: 0.01,
        epochs: 4,
        batch_size: 64,
        steps_per_epoch: None,
        patience: None,
        stop_on: None,
        seed: 0,
    };
    Design { splits: 5, seeds: 1, trials: 2, fine_share, settings }
}

fn plan(data: Data, design: Design) -> Plan {
    let loss = "marginal_cross_entropy";
    let typed = Typed { name: loss.to_owned(), text: loss.to_owned(), loss: loss.parse().expect("a loss") };
    Plan::new(data, &[typed], design).expect("a plan")
}

fn compare(plan: &Plan) -> Comparison {
    let outcomes = plan.run(None, 2, &|_, _| ()).expect("trained");
    Comparison::new(plan, &outcomes).expect("compared")
}

/// Without the time that it took.
fn numbers(outcomes: Vec<Outcome>) -> Vec<Outcome> {
    outcomes.into_iter().map(|outcome| Outcome { seconds: 0.0, ..outcome }).collect()
}

#[test]
fn on_shuffled_labels_a_difference_is_found_in_at_most_one_comparison_of_twenty() {
    // Features know nothing of the classes, as after shuffling. Half of the labels are made coarse, so that both questions are
    // asked, at both levels.
    let mut found = 0;
    for seed in 0..40 {
        let mut design = design(Some(0.5));
        design.settings.seed = seed;
        let comparison = compare(&plan(data(60, 3, seed, |_, _| ()), design));
        assert_eq!(comparison.judged_together, 4);
        let levels = comparison.findings.iter().flat_map(|finding| &finding.levels);
        found += usize::from(levels.into_iter().any(|level| level.verdict != Verdict::NoEvidence));
    }
    assert!(found <= 2, "differences in {found} of 40 comparisons");
}

/// Many noisy features of which one tells the superclass, another the class in it.
fn coarse_labels_help() -> Data {
    data(400, 24, 1, |class, features| {
        features[0] += if class < 2 { -0.8 } else { 0.8 };
        features[1] += if class % 2 == 0 { -0.8 } else { 0.8 };
    })
}

#[test]
fn coarse_labels_that_help_are_said_to_help() {
    // Of 240 training rows 12 have their class: too few for 24 features, while all say the superclass.
    let mut design = design(Some(0.05));
    design.settings.epochs = 20;
    let comparison = compare(&plan(coarse_labels_help(), design));
    let finding = &comparison.findings[0];
    assert_eq!((finding.name.as_str(), finding.against.as_str()), ("coarse_labels", "leaf_only"));
    let top = &finding.levels[0];
    assert_eq!((top.level.as_str(), top.verdict), ("depth 1", Verdict::Helps));
    // It is the difference of the two means, and the interval is on one side of 0.
    let mean = |arm: usize| comparison.arms[arm].mean.accuracy[0].expect("a number");
    assert!((top.difference - (mean(1) - mean(0))).abs() < 1e-12 && top.interval[0] > 0.0);
    assert!(comparison.verdict[0].starts_with("The coarse labels (coarse_labels against leaf_only): help at "));
    // The baseline has the rows with a class alone, and takes the same steps.
    assert!(comparison.arms[0].train_rows < 20.0 && comparison.arms[1].train_rows > 239.0);
    // The terms of the loss are held against the arm that has the coarse labels too.
    assert_eq!(comparison.findings[1].against, "coarse_labels");
}

#[test]
fn with_every_label_fine_there_is_one_question() {
    let comparison = compare(&plan(coarse_labels_help(), design(None)));
    let names: Vec<&str> = comparison.arms.iter().map(|arm| arm.name.as_str()).collect();
    assert_eq!(names, ["leaf_only", "marginal_cross_entropy"]);
    assert_eq!((comparison.splits, comparison.judged_together), (5, 2));
    let chosen = &comparison.arms[1].chosen;
    assert!(chosen.len() == 5 && chosen.iter().all(|chosen| chosen.variant.starts_with("superclass weight")));
    assert!(comparison.arms[1].cost > 0.0 && (comparison.arms[0].cost - 1.0).abs() < 1e-12);
}

#[test]
fn neither_threads_nor_a_break_change_the_numbers() {
    // First weights are drawn from a state that the threads share.
    let mut design = design(Some(0.5));
    (design.settings.model, design.settings.epochs, design.seeds) = (Head::Mlp, 2, 2);
    design.splits = 3;
    let plan = plan(data(40, 3, 2, |class, features| features[0] += class as f32), design);
    let alone = numbers(plan.run(None, 1, &|_, _| ()).expect("trained"));
    assert_eq!(alone.len(), 2 * 3 * 3 * 2);
    assert!(alone.iter().any(|outcome| *outcome != alone[0]));
    assert_eq!(numbers(plan.run(None, 4, &|_, _| ()).expect("trained")), alone);

    let folder = tempfile::tempdir().expect("a folder");
    plan.run(Some(folder.path()), 2, &|_, _| ()).expect("trained");
    let files: Vec<_> =
        std::fs::read_dir(folder.path()).expect("files").map(|file| file.expect("a file").path()).collect();
    assert_eq!(files.len(), alone.len());
    files.iter().take(7).for_each(|file| std::fs::remove_file(file).expect("removed"));
    let trained = AtomicUsize::new(0);
    let count = |_: &Outcome, was_there: bool| {
        trained.fetch_add(usize::from(!was_there), Ordering::Relaxed);
    };
    assert_eq!(numbers(plan.run(Some(folder.path()), 2, &count).expect("trained")), alone);
    assert_eq!(trained.into_inner(), 7);

    std::fs::write(&files[20], "{").expect("written");
    let error = plan.run(Some(folder.path()), 1, &|_, _| ()).expect_err("an error");
    assert!(error.to_string().contains("is damaged"), "{error}");
}

#[test]
fn training_that_diverges_is_not_chosen_and_told_where_nothing_else_is_left() {
    let plan = plan(data(40, 3, 2, |class, features| features[0] += class as f32), design(None));
    let mut outcomes = plan.run(None, 2, &|_, _| ()).expect("trained");
    for (job, outcome) in plan.jobs().iter().zip(&mut outcomes) {
        if job.arm == 1 && job.point == 0 {
            (outcome.validation, outcome.test) = (None, None);
        }
    }
    let comparison = Comparison::new(&plan, &outcomes).expect("compared");
    assert!(comparison.arms[1].chosen.iter().all(|chosen| chosen.variant == plan.arms.all[1].points[1].variant));
    for (job, outcome) in plan.jobs().iter().zip(&mut outcomes) {
        if job.arm == 1 {
            (outcome.validation, outcome.test) = (None, None);
        }
    }
    let error = Comparison::new(&plan, &outcomes).expect_err("an error");
    assert!(error.to_string().contains("marginal_cross_entropy: training diverged"), "{error}");
}

#[test]
fn a_learning_rate_that_is_far_too_large_diverges() {
    let mut design = design(None);
    design.settings.learning_rate = 1e38;
    design.settings.optimizer = Optimizer::Sgd;
    let plan = plan(data(40, 3, 2, |class, features| features[0] += class as f32), design);
    let outcomes = plan.run(None, 2, &|_, _| ()).expect("trained");
    assert!(outcomes.iter().all(|outcome| outcome.validation.is_none() && outcome.test.is_none()));
}
