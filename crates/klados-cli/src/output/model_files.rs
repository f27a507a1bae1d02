//! A trained model as files that need nothing else: `model.safetensors`, `config.json` and `hierarchy.json`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use burn::tensor::Device;
use klados::{Hierarchy, Loss, NodeForm};
use serde::{Deserialize, Serialize};

use crate::data::replace::replace;
use crate::train::network::Model;
use crate::train::settings::Settings;

const MODEL: &str = "model.safetensors";
const CONFIG: &str = "config.json";
const HIERARCHY: &str = "hierarchy.json";

/// What the model takes and how it came about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ModelConfig {
    /// The version that wrote it.
    pub(crate) klados: String,
    /// The run's name.
    pub(crate) name: String,
    /// The loss, as `--loss` takes it.
    pub(crate) loss: Loss,
    /// How the probabilities of nodes follow from the logits; none where the logits of a level's nodes compete.
    pub(crate) form: Option<NodeForm>,
    /// What the model gives.
    pub(crate) outputs: Outputs,
    /// Whether several nodes may hold of a row.
    #[serde(default)]
    pub(crate) multi_label: bool,
    /// What the model takes.
    pub(crate) input: Input,
    /// How it was trained.
    pub(crate) settings: Settings,
}

/// What a model takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Input {
    /// PNG pictures, made 32 x 32 pixels on white, then histograms of oriented gradients and mean colours.
    Pictures,
    /// These columns, in this order.
    Columns(Vec<String>),
}

/// What a model gives: a logit for each of these, in this order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outputs {
    /// Classes, by their names as labels.
    Classes(Vec<String>),
    /// Nodes but the root.
    Nodes(Vec<String>),
}

/// Everything that predicting needs.
pub(crate) struct SavedModel {
    /// What the model takes.
    pub(crate) config: ModelConfig,
    /// The classes and what is above them.
    pub(crate) hierarchy: Hierarchy,
    /// The weights.
    pub(crate) model: Model,
}

/// Writes a model into `folder`, which is made where it is not there.
///
/// # Errors
///
/// When a file cannot be written.
pub(crate) fn save(folder: &Path, config: &ModelConfig, hierarchy: &Hierarchy, model: &Model) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    model.save(&folder.join(MODEL))?;
    write_json(&folder.join(HIERARCHY), hierarchy)?;
    write_json(&folder.join(CONFIG), config)
}

/// Reads what [`save`] wrote.
///
/// # Errors
///
/// When a file is not there, cannot be read, or does not go with the others.
pub(crate) fn load(folder: &Path) -> Result<SavedModel> {
    let shown = folder.display();
    if !folder.join(CONFIG).exists() {
        let models = models_below(folder);
        if models.is_empty() {
            bail!("{shown} has no {CONFIG}; expected a folder that klados train wrote");
        }
        bail!("{shown} holds several models; choose one: {}", models.join(", "));
    }
    let config: ModelConfig = read_json(&folder.join(CONFIG))?;
    let hierarchy: Hierarchy = read_json(&folder.join(HIERARCHY))?;
    let model = Model::load(&folder.join(MODEL), &Device::flex())?;
    let (names, what) = match &config.outputs {
        Outputs::Classes(names) => (names, "classes"),
        Outputs::Nodes(names) => (names, "nodes"),
    };
    let hierarchy = match &config.outputs {
        Outputs::Classes(_) => hierarchy,
        Outputs::Nodes(names) => hierarchy.with_node_columns(names).with_context(|| format!("{shown}: {CONFIG}"))?,
    };
    let (expected, outputs) = (names.len(), model.outputs());
    if expected != outputs {
        bail!("{shown}: {CONFIG} has {expected} {what}, but {MODEL} has {outputs} outputs");
    }
    if matches!(config.outputs, Outputs::Classes(_)) && expected != hierarchy.class_count() {
        bail!("{shown}: {CONFIG} has {expected} classes, but {HIERARCHY} has {}", hierarchy.class_count());
    }
    Ok(SavedModel { config, hierarchy, model })
}

/// The models in the folders of `folder`, by path.
fn models_below(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut models: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|path| path.join(CONFIG).exists()).collect();
    models.sort();
    models.iter().map(|path| path.display().to_string()).collect()
}

fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    replace(path, |file| std::io::Write::write_all(file, &text))
}

fn read_json<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<T> {
    let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is not what klados train wrote", path.display()))
}
