//! Training that was interrupted goes on from its last epoch.
//!
//! A checkpoint is a folder `epoch-N`, written under another name and renamed, so that there is a whole one or none.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use burn::module::Module;
use burn::store::ModuleRecord;
use burn::tensor::Bytes;
use serde::{Deserialize, Serialize};

use super::fit::{Epoch, State};
use super::network::Network;

/// The checkpoints of one run.
pub(crate) struct Checkpoints {
    folder: PathBuf,
}

/// What is not tensors.
#[derive(Serialize, Deserialize)]
struct Progress {
    history: Vec<Epoch>,
    best: Option<usize>,
}

impl Checkpoints {
    /// The checkpoints in `folder`, which is made when the first is saved.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Saves the state after an epoch and removes the one before.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(crate) fn save(&self, state: &State) -> Result<()> {
        let epoch = state.history.len();
        let shown = self.folder.display().to_string();
        let before = self.epochs()?;
        let write = || -> Result<()> {
            let unfinished = self.folder.join("unfinished");
            if unfinished.exists() {
                fs::remove_dir_all(&unfinished)?;
            }
            fs::create_dir_all(&unfinished)?;
            fs::write(unfinished.join("model"), &*record(&state.network)?)?;
            fs::write(unfinished.join("optimizer"), &*state.optimizer.into_bytes()?)?;
            if let Some((_, network)) = &state.best {
                fs::write(unfinished.join("best"), &*record(network)?)?;
            }
            let progress =
                Progress { history: state.history.clone(), best: state.best.as_ref().map(|(epoch, _)| *epoch) };
            fs::write(unfinished.join("progress.json"), serde_json::to_vec(&progress)?)?;
            fs::rename(&unfinished, self.folder.join(name(epoch)))?;
            Ok(())
        };
        write().with_context(|| format!("cannot save a checkpoint in {shown}"))?;
        for old in before {
            // A leftover costs space, not correctness: the newest one is read.
            let _ = fs::remove_dir_all(self.folder.join(name(old)));
        }
        Ok(())
    }

    /// The newest state, put into `fresh`, or `fresh` where there is none.
    ///
    /// # Errors
    ///
    /// When a checkpoint is there but cannot be read.
    pub(crate) fn load(&self, fresh: State) -> Result<State> {
        let Some(epoch) = self.epochs()?.into_iter().max() else { return Ok(fresh) };
        let folder = self.folder.join(name(epoch));
        let read = |file: &str| fs::read(folder.join(file)).with_context(|| format!("cannot read {file}"));
        let load = || -> Result<State> {
            let progress: Progress = serde_json::from_slice(&read("progress.json")?)?;
            let best = match progress.best {
                Some(epoch) => Some((epoch, restore(fresh.network.clone(), read("best")?)?)),
                None => None,
            };
            let optimizer = fresh.optimizer.from_bytes(Bytes::from_bytes_vec(read("optimizer")?))?;
            let network = restore(fresh.network, read("model")?)?;
            if progress.history.len() != epoch {
                bail!("it holds {} epochs, expected {epoch}", progress.history.len());
            }
            Ok(State { network, optimizer, history: progress.history, best })
        };
        load().with_context(|| format!("the checkpoint {} cannot be used", folder.display()))
    }

    /// The epochs of which there are checkpoints.
    fn epochs(&self) -> Result<Vec<usize>> {
        if !self.folder.exists() {
            return Ok(Vec::new());
        }
        let mut epochs = Vec::new();
        let entries = fs::read_dir(&self.folder).with_context(|| format!("cannot read {}", self.folder.display()))?;
        for entry in entries {
            let file = entry?.file_name();
            epochs.extend(file.to_str().and_then(|file| file.strip_prefix("epoch-")?.parse::<usize>().ok()));
        }
        Ok(epochs)
    }
}

fn name(epoch: usize) -> String {
    format!("epoch-{epoch}")
}

fn record(network: &Network) -> Result<Bytes> {
    Ok(network.clone().into_record().into_bytes()?)
}

fn restore(network: Network, bytes: Vec<u8>) -> Result<Network> {
    Ok(network.try_load_record(ModuleRecord::from_bytes(Bytes::from_bytes_vec(bytes))?)?)
}
