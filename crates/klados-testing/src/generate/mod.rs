//! The cases of the golden files: a covering selection of loss, label, hierarchy, option and scale, not their product.
//!
//! Everything is drawn from one seed by integer arithmetic and computed in 1280 bits, so the files come out byte for byte
//! the same on every machine. `testdata/reference/check.py` is a second opinion on the numbers.

mod compact;
mod hierarchies;
mod labels;
mod logits;
mod losses;
mod random;
mod settings;

use serde::Serialize;

use crate::big::Big;
use crate::golden::{Case, FILES, Scale};
use crate::hierarchy::{Hierarchy, HierarchySpec};
use crate::label::{Label, LabelSpec};
use crate::loss::Loss;
use crate::reference;
use labels::Kinds;
use losses::Family;
use random::Random;

/// The seed of the committed files.
pub const SEED: u64 = 20_261_124;

/// The text of the golden file of a loss.
///
/// # Errors
///
/// A case that the reference refuses, which is a mistake in this module; or there is no such loss.
pub fn file(stem: &str) -> Result<String, String> {
    let family = match stem {
        "marginal_cross_entropy" => Family::Marginal,
        "hierarchical_cross_entropy" => Family::Hxe,
        "soft_labels" => Family::SoftLabels,
        _ if FILES.contains(&stem) => return text(&compact::cases(stem)?),
        _ => return Err(format!("no loss {stem:?}")),
    };
    text(&cases(family)?)
}

/// One case a line, so that a change shows as the cases that it changes.
fn text(cases: &[Case]) -> Result<String, String> {
    #[derive(Serialize)]
    struct Head {
        generator: String,
        seed: u64,
        cases: [(); 0],
    }
    let json = |error: serde_json::Error| error.to_string();
    let generator = format!("klados-testing {}", env!("CARGO_PKG_VERSION"));
    let head = serde_json::to_string(&Head { generator, seed: SEED, cases: [] }).map_err(json)?;
    let lines: Vec<String> = cases.iter().map(serde_json::to_string).collect::<Result<_, _>>().map_err(json)?;
    Ok(format!("{}\n{}\n]}}\n", head.trim_end_matches("]}"), lines.join(",\n")))
}

/// The cases of one file.
///
/// # Errors
///
/// As [`file`].
fn cases(family: Family) -> Result<Vec<Case>, String> {
    let mut suite = Suite { family, random: Random::new(SEED), cases: Vec::new() };
    suite.every_parameter()?;
    suite.every_option()?;
    suite.every_hierarchy()?;
    suite.every_scale()?;
    suite.edges_of_a_batch()?;
    Ok(suite.cases)
}

struct Suite {
    family: Family,
    random: Random,
    cases: Vec<Case>,
}

impl Suite {
    /// Every setting of the loss's own parameters on small hierarchies that differ in kind, all kinds of label in a batch.
    fn every_parameter(&mut self) -> Result<(), String> {
        for (parameter, loss) in losses::parameters(self.family) {
            for name in ["animals", "ragged", "internal", "dag"] {
                let matters = matches!(name, "ragged" | "dag") || !parameter.ends_with("_skip");
                if matters {
                    self.ordinary(&parameter, &loss, name)?;
                }
            }
        }
        Ok(())
    }

    /// Options alone and together.
    fn every_option(&mut self) -> Result<(), String> {
        for name in ["animals", "ragged", "dag"] {
            let classes = hierarchies::named(name).classes.len();
            for (option, loss) in losses::options(self.family, classes) {
                self.ordinary(&option, &loss, name)?;
            }
        }
        Ok(())
    }

    /// Defaults, and everything at once, on the odd hierarchies.
    fn every_hierarchy(&mut self) -> Result<(), String> {
        for name in ["star", "roots", "chain", "lone", "root_class", "pruned", "medium"] {
            let classes = hierarchies::named(name).classes.len();
            self.ordinary("default", &losses::default(self.family), name)?;
            self.ordinary("everything", &losses::everything(self.family, classes), name)?;
            for (parameter, loss) in losses::shapes(self.family) {
                // The largest hierarchy takes the most room, and two weightings of a path's total are enough on it.
                if name != "medium" || !matches!(parameter.as_str(), "lazy" | "greedy") {
                    self.ordinary(&parameter, &loss, name)?;
                }
            }
        }
        Ok(())
    }

    /// Logits at which naive arithmetic fails.
    fn every_scale(&mut self) -> Result<(), String> {
        for name in ["animals", "ragged", "internal", "dag", "medium"] {
            let spec = hierarchies::named(name);
            let classes = spec.classes.len();
            for (setting, loss) in losses::extremes(self.family, classes) {
                let matters = match name {
                    "medium" => setting == "default",
                    "animals" | "internal" => !setting.starts_with("gamma"),
                    _ => true,
                };
                if !matters || !self.family.takes(&loss, &spec) {
                    continue;
                }
                for scale in logits::Extreme::ALL {
                    if scale.is_mask_or_bad_row() && !matches!(setting.as_str(), "default" | "everything" | "top_level")
                    {
                        continue;
                    }
                    let labels = labels::batch(&spec, self.family.kinds(), &mut self.random);
                    let logits = logits::extreme(&spec, &labels, scale, &mut self.random)?;
                    let case = format!("{name}/{setting}/{}", scale.name());
                    self.push(case, Scale::Extreme, &spec, &loss, logits, labels)?;
                }
            }
        }
        Ok(())
    }

    fn edges_of_a_batch(&mut self) -> Result<(), String> {
        let spec = hierarchies::named("animals");
        let loss = losses::default(self.family);
        self.push("animals/batch_of_0".into(), Scale::Ordinary, &spec, &loss, Vec::new(), Vec::new())?;
        let logits = logits::ordinary(&spec, 3, &mut self.random);
        let ignored = vec![LabelSpec::from(""); 3];
        self.push("animals/all_ignored".into(), Scale::Ordinary, &spec, &loss, logits, ignored)?;
        let bad = vec![vec![f64::NAN; 6], vec![f64::INFINITY; 6], vec![f64::NEG_INFINITY; 6]];
        let ignored = vec![LabelSpec::from(""); 3];
        self.push("animals/all_ignored_not_finite".into(), Scale::Extreme, &spec, &loss, bad, ignored)?;
        Ok(())
    }

    fn ordinary(&mut self, setting: &str, loss: &Loss, name: &str) -> Result<(), String> {
        let spec = hierarchies::named(name);
        if !self.family.takes(loss, &spec) {
            return Ok(());
        }
        let labels = labels::batch(&spec, self.family.kinds(), &mut self.random);
        let logits = logits::ordinary(&spec, labels.len(), &mut self.random);
        self.push(format!("{name}/{setting}"), Scale::Ordinary, &spec, loss, logits, labels)
    }

    fn push(
        &mut self,
        name: String,
        scale: Scale,
        spec: &HierarchySpec,
        loss: &Loss,
        logits: Vec<Vec<f64>>,
        labels: Vec<LabelSpec>,
    ) -> Result<(), String> {
        let case = solve(name, scale, spec, loss, logits, labels)?;
        if self.cases.iter().any(|known| known.name == case.name) {
            return Err(format!("{} is there twice", case.name));
        }
        self.cases.push(case);
        Ok(())
    }
}

/// A case with its answers.
///
/// # Errors
///
/// The reference refuses the loss, a label or a shape.
pub fn solve(
    name: String,
    scale: Scale,
    spec: &HierarchySpec,
    loss: &Loss,
    logits: Vec<Vec<f64>>,
    labels: Vec<LabelSpec>,
) -> Result<Case, String> {
    let because = |error: String| format!("{name}: {error}");
    let hierarchy = Hierarchy::build(spec).map_err(because)?;
    let resolved: Vec<Label> =
        labels.iter().map(|label| Label::resolve(label, &hierarchy)).collect::<Result<_, _>>().map_err(because)?;
    let rows = logits.iter().zip(&resolved).zip(0..);
    let samples: Vec<reference::Sample> = rows
        .map(|((logits, label), row)| reference::evaluate_row::<Big>(loss, &hierarchy, logits, label, row))
        .collect::<Result<_, _>>()
        .map_err(because)?;
    let losses: Vec<f64> = samples.iter().map(|sample| sample.loss).collect();
    Ok(Case {
        mean: reference::mean(loss, &hierarchy, &resolved, &losses),
        grads: samples.iter().map(|sample| sample.grad.clone()).collect(),
        magnitude: samples.iter().map(|sample| sample.magnitude).collect(),
        name,
        scale,
        hierarchy: spec.clone(),
        loss: loss.clone(),
        logits,
        labels,
        losses,
    })
}

impl Family {
    /// The kinds of label that the loss takes.
    fn kinds(self) -> Kinds {
        match self {
            Family::Marginal | Family::Hxe => Kinds::All,
            Family::SoftLabels => Kinds::OneNode,
        }
    }

    /// Whether the reference takes the loss on this hierarchy.
    fn takes(self, loss: &Loss, spec: &HierarchySpec) -> bool {
        let Ok(hierarchy) = Hierarchy::build(spec) else { return false };
        let first = Label::Nodes(vec![hierarchy.class_node(0)]);
        reference::evaluate::<f64>(loss, &hierarchy, &vec![0.0; spec.classes.len()], &first).is_ok()
    }
}
