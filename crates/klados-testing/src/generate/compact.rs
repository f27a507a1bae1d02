//! The cases of all losses but the first three.

use serde_json::Value;

use super::labels;
use super::logits::{self, Extreme};
use super::random::Random;
use super::settings::settings;
use super::{SEED, hierarchies, solve};
use crate::golden::{Case, Scale};
use crate::hierarchy::{Hierarchy, HierarchySpec};
use crate::label::{Label, LabelSpec};
use crate::loss::Loss;
use crate::reference;

/// The cases of a loss.
///
/// # Errors
///
/// As [`super::file`].
pub(super) fn cases(stem: &str) -> Result<Vec<Case>, String> {
    let mut suite = Suite { stem, random: Random::new(SEED), cases: Vec::new() };
    for name in ["animals", "ragged", "internal", "dag"] {
        suite.settings(name, |_| true)?;
    }
    for name in ["leaves", "star", "roots", "chain", "lone", "root_class", "pruned"] {
        suite.settings(name, |setting| matches!(setting, "default" | "everything"))?;
    }
    // Binary cross-entropy has forms enough to fill its file.
    if stem != "binary_cross_entropy" {
        suite.settings("medium", |setting| setting == "default")?;
    }
    for name in ["animals", "ragged", "internal", "dag"] {
        suite.extremes(name)?;
    }
    suite.edges_of_a_batch()?;
    suite.emoji()?;
    Ok(suite.cases)
}

struct Suite<'a> {
    stem: &'a str,
    random: Random,
    cases: Vec<Case>,
}

impl Suite<'_> {
    /// Ordinary logits under the settings that are wanted, where the loss is defined on the hierarchy.
    fn settings(&mut self, name: &str, wanted: impl Fn(&str) -> bool) -> Result<(), String> {
        let spec = hierarchies::named(name);
        let hierarchy = Hierarchy::build(&spec)?;
        for (i, (setting, parameters)) in settings(self.stem, &spec, &hierarchy).into_iter().enumerate() {
            // On the hierarchies where nothing new can happen two settings of each form are enough.
            let is_bare = match self.stem {
                "binary_cross_entropy" => name != "ragged" && !setting.ends_with("everything"),
                _ => matches!(name, "animals" | "dag") && is_bare_variation(setting),
            };
            if !wanted(setting) || (is_bare && i > 0) {
                continue;
            }
            let loss = loss(self.stem, &parameters)?;
            let labels = accepted(&loss, &hierarchy, labels::rich(&spec, &hierarchy, &mut self.random));
            if labels.is_empty() {
                continue;
            }
            let columns = columns(&loss, &hierarchy);
            let mut rows = logits::rows(columns, labels.len(), &mut self.random);
            if !(name == "animals" && setting == "default") {
                rows.iter_mut().flatten().for_each(|z| *z = coarse(*z));
            }
            self.push(format!("{name}/{setting}"), Scale::Ordinary, &spec, &loss, rows, labels)?;
        }
        Ok(())
    }

    /// Logits at which naive arithmetic fails.
    fn extremes(&mut self, name: &str) -> Result<(), String> {
        let spec = hierarchies::named(name);
        let hierarchy = Hierarchy::build(&spec)?;
        for (setting, parameters) in settings(self.stem, &spec, &hierarchy) {
            let loss = loss(self.stem, &parameters)?;
            for scale in Extreme::ALL.into_iter().chain(Extreme::MORE) {
                let matters = match name {
                    "animals" => setting == "everything" || (is_form(setting) && !is_about_rows(scale)),
                    "ragged" if self.stem == "binary_cross_entropy" => {
                        matches!(setting, "max" | "noisy_or") && is_for_sigmoids(scale)
                    }
                    "ragged" => is_main(setting),
                    "internal" | "dag" if self.stem == "binary_cross_entropy" => {
                        is_main(setting) && scale == Extreme::Wide
                    }
                    "internal" => is_main(setting) && matches!(scale, Extreme::Wide | Extreme::MaskedLabel),
                    // Which node comes first is a fine point of a DAG's order.
                    _ => is_main(setting) && matches!(scale, Extreme::Wide | Extreme::Impossible),
                };
                if !matters {
                    continue;
                }
                let labels = accepted(&loss, &hierarchy, labels::rich(&spec, &hierarchy, &mut self.random));
                if labels.is_empty() {
                    continue;
                }
                let own: Vec<Vec<usize>> = labels.iter().map(|label| own(&loss, &hierarchy, label)).collect();
                let mut rows = logits::extreme_rows(columns(&loss, &hierarchy), &own, scale, &mut self.random);
                if scale != Extreme::Wide {
                    rows.iter_mut().flatten().for_each(|z| *z = coarse(*z));
                }
                let case = format!("{name}/{setting}/{}", scale.name());
                self.push(case, Scale::Extreme, &spec, &loss, rows, labels)?;
            }
        }
        Ok(())
    }

    fn edges_of_a_batch(&mut self) -> Result<(), String> {
        let spec = hierarchies::named("animals");
        let hierarchy = Hierarchy::build(&spec)?;
        let loss = loss(self.stem, &settings(self.stem, &spec, &hierarchy)[0].1)?;
        let columns = columns(&loss, &hierarchy);
        self.push("animals/batch_of_0".into(), Scale::Ordinary, &spec, &loss, Vec::new(), Vec::new())?;
        let ignored = vec![LabelSpec::from(""); 3];
        let rows = logits::rows(columns, 3, &mut self.random);
        self.push("animals/all_ignored".into(), Scale::Ordinary, &spec, &loss, rows, ignored.clone())?;
        let bad = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(|z| vec![z; columns]).to_vec();
        self.push("animals/all_ignored_not_finite".into(), Scale::Extreme, &spec, &loss, bad, ignored)
    }

    /// Two rows on the embedded tree: a class, and a group of classes or else another class.
    fn emoji(&mut self) -> Result<(), String> {
        let spec = hierarchies::named("emoji");
        let hierarchy = Hierarchy::build(&spec)?;
        let loss = loss(self.stem, &settings(self.stem, &spec, &hierarchy)[0].1)?;
        let class = |random: &mut Random| LabelSpec::Class { class: random.below(spec.classes.len()) };
        let group = accepted(&loss, &hierarchy, vec!["smileys-emotion/face-smiling".into()]);
        let mut labels = vec![class(&mut self.random)];
        labels.extend(if group.is_empty() { vec![class(&mut self.random)] } else { group });
        let mut rows = logits::rows(columns(&loss, &hierarchy), labels.len(), &mut self.random);
        rows.iter_mut().flatten().for_each(|z| *z = coarse(*z));
        self.push("emoji/default".into(), Scale::Ordinary, &spec, &loss, rows, labels)
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

/// The forms of binary cross-entropy, whose arithmetic differs.
fn is_form(setting: &str) -> bool {
    matches!(setting, "max" | "noisy_or" | "weighted")
}

/// The settings for the larger of the extreme hierarchies.
fn is_main(setting: &str) -> bool {
    matches!(setting, "default" | "hard" | "parents" | "noisy_or" | "max")
}

/// What is the same for all forms, or nearly so.
fn is_about_rows(scale: Extreme) -> bool {
    use Extreme::{AllMasked, Certain, Impossible, Infinite, Nan, Shifted, Steps, Tower};
    matches!(scale, Nan | Infinite | Shifted | Tower | AllMasked | Steps | Certain | Impossible)
}

fn is_for_sigmoids(scale: Extreme) -> bool {
    matches!(scale, Extreme::Wide | Extreme::Wrong | Extreme::Ties | Extreme::MaskedLabel)
}

fn is_bare_variation(setting: &str) -> bool {
    matches!(setting, "gamma_half" | "smoothing" | "leaves" | "alpha")
}

fn loss(stem: &str, parameters: &Value) -> Result<Loss, String> {
    serde_json::from_value(serde_json::json!({ stem: parameters })).map_err(|error| format!("{stem}: {error}"))
}

fn columns(loss: &Loss, hierarchy: &Hierarchy) -> usize {
    if loss.has_node_columns() { hierarchy.columns().len() } else { hierarchy.classes().len() }
}

/// The labels that the loss takes.
fn accepted(loss: &Loss, hierarchy: &Hierarchy, labels: Vec<LabelSpec>) -> Vec<LabelSpec> {
    let zeros = vec![0.0; columns(loss, hierarchy)];
    // A softmax over all masked classes would hide a refusal, and so would an ignored sample: it is taken where others are.
    let takes = |label: &LabelSpec| {
        let label = Label::resolve(label, hierarchy)?;
        reference::evaluate::<f64>(loss, hierarchy, &zeros, &label)
    };
    let is_defined = takes(&LabelSpec::Class { class: 0 }).is_ok();
    labels.into_iter().filter(|label| is_defined && takes(label).is_ok()).collect()
}

/// The columns of what a label says holds: its classes, or the nodes on the paths to its nodes.
fn own(loss: &Loss, hierarchy: &Hierarchy, label: &LabelSpec) -> Vec<usize> {
    let Ok(label) = Label::resolve(label, hierarchy) else { return Vec::new() };
    let classes: Vec<usize> = match &label {
        Label::Soft(q) => (0..q.len()).filter(|&k| q[k] > 0.0).collect(),
        label => label.classes(hierarchy),
    };
    if !loss.has_node_columns() {
        return classes;
    }
    let nodes = match &label {
        Label::Nodes(nodes) | Label::Multi { nodes, .. } => nodes.clone(),
        _ => classes.into_iter().map(|k| hierarchy.class_node(k)).collect(),
    };
    let mut own: Vec<usize> = nodes.into_iter().flat_map(|v| hierarchy.path(v)).map(|v| hierarchy.column(v)).collect();
    own.sort_unstable();
    own.dedup();
    own
}

/// A multiple of `2^-6`, which takes less room in a file.
fn coarse(z: f64) -> f64 {
    if z.is_finite() { (z * 64.0).round() / 64.0 } else { z }
}
