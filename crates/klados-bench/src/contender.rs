//! What takes part, and the two contenders that always do.

use anyhow::Result;
use klados::Element;
use klados::{Criterion, Label};
use rayon::prelude::*;

use crate::setup::Setup;

/// What a contender claims to compute, and is checked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The gradient is the logits.
    Copy,
    /// Cross-entropy of the classes alone.
    Flat,
    /// All levels.
    AllLevels,
}

/// The mean loss of a batch and the gradient, times the number of rows: that of each row's own loss.
pub(crate) struct Outcome {
    pub(crate) loss: f64,
    pub(crate) grad: Vec<f64>,
}

/// Something that computes a loss and its gradient.
pub(crate) trait Contender {
    fn name(&self) -> &str;
    fn claim(&self) -> Claim;
    /// A step: from the logits to the loss and its gradient.
    fn step(&mut self) -> Result<()>;
    /// What the last step computed.
    fn outcome(&self) -> Result<Outcome>;
}

/// The logits are read and as many bytes are written: what any gradient costs at least.
pub(crate) struct Memcpy<T> {
    from: Vec<T>,
    to: Vec<T>,
}

impl<T: Element> Memcpy<T> {
    pub(crate) fn new(setup: &Setup<T>) -> Self {
        Self { from: setup.logits.clone(), to: vec![T::default(); setup.logits.len()] }
    }
}

impl<T: Element> Contender for Memcpy<T> {
    fn name(&self) -> &str {
        "memcpy"
    }

    fn claim(&self) -> Claim {
        Claim::Copy
    }

    fn step(&mut self) -> Result<()> {
        if self.from.len() < klados::PARALLEL_ELEMENTS || rayon::current_num_threads() == 1 {
            self.to.copy_from_slice(&self.from);
        } else {
            let part = self.from.len().div_ceil(rayon::current_num_threads());
            let parts = self.to.par_chunks_mut(part).zip(self.from.par_chunks(part));
            parts.for_each(|(to, from)| to.copy_from_slice(from));
        }
        std::hint::black_box(&mut self.to);
        Ok(())
    }

    fn outcome(&self) -> Result<Outcome> {
        Ok(Outcome { loss: 0.0, grad: self.to.iter().map(|value| value.to_f64()).collect() })
    }
}

/// The core's kernel.
pub(crate) struct Klados<T: Element> {
    criterion: Criterion,
    logits: Vec<T>,
    labels: Vec<Label>,
    losses: Vec<T::Wide>,
    grad: Vec<T>,
}

impl<T: Element> Klados<T> {
    pub(crate) fn new(setup: &Setup<T>) -> Self {
        Self {
            criterion: setup.criterion.clone(),
            logits: setup.logits.clone(),
            labels: setup.labels(),
            losses: vec![T::Wide::default(); setup.targets.len()],
            grad: vec![T::default(); setup.logits.len()],
        }
    }
}

impl<T: Element> Contender for Klados<T> {
    fn name(&self) -> &str {
        "klados"
    }

    fn claim(&self) -> Claim {
        Claim::AllLevels
    }

    fn step(&mut self) -> Result<()> {
        Ok(self.criterion.forward_backward(&self.logits, &self.labels, &mut self.losses, &mut self.grad)?)
    }

    fn outcome(&self) -> Result<Outcome> {
        let sum: f64 = self.losses.iter().map(|&loss| loss.to_f64()).sum();
        Ok(Outcome {
            loss: sum / self.losses.len() as f64,
            grad: self.grad.iter().map(|value| value.to_f64()).collect(),
        })
    }
}

/// The core's kernel on one of the instruction sets that this machine has.
struct OnInstructions {
    name: String,
    kernel: Klados<f32>,
}

/// The kernel on each instruction set, the best first.
pub(crate) fn on_each_instruction_set(setup: &Setup<f32>) -> Vec<Box<dyn Contender>> {
    let mut names: Vec<String> = Vec::new();
    klados::on_each_instruction_set(|name| {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    });
    let on = |name| -> Box<dyn Contender> { Box::new(OnInstructions { name, kernel: Klados::new(setup) }) };
    names.into_iter().map(on).collect()
}

impl Contender for OnInstructions {
    /// `Avx2` of `Avx2(Avx2 { .. })`.
    fn name(&self) -> &str {
        self.name.split('(').next().unwrap_or(&self.name)
    }

    fn claim(&self) -> Claim {
        Claim::AllLevels
    }

    fn step(&mut self) -> Result<()> {
        // A set may be named twice: as what every machine has, and as itself.
        let mut done = None;
        klados::on_each_instruction_set(|name| {
            if name == self.name && done.is_none() {
                done = Some(self.kernel.step());
            }
        });
        done.unwrap_or(Ok(()))
    }

    fn outcome(&self) -> Result<Outcome> {
        self.kernel.outcome()
    }
}
