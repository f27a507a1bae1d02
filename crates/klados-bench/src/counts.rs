//! Core kernels for an instruction counter: fixed input, one thread, a fixed number of steps.
//!
//! `cargo xtask counts` runs each under callgrind, which counts inside [`counted`] alone, and compares with the committed
//! counts: what a noisy clock hides shows there.

use anyhow::{Context, Result, ensure};
use klados::{Criterion, Hierarchy, InputError, Label, Loss};

use crate::cases;

/// Logits of a batch: few, for a counter is some fifty times slower.
const LOGITS: usize = 20_000;

/// A kernel: its name, the loss, the hierarchy, the order of the columns, and the label.
type Kernel = (&'static str, &'static str, &'static str, &'static str, fn(&Hierarchy, usize) -> Label);

const KERNELS: &[Kernel] = &[
    ("nested-100", "marginal_cross_entropy", "tree-100", "tree", class),
    ("nested-1000", "marginal_cross_entropy", "tree-1000", "tree", class),
    ("nested-10000", "marginal_cross_entropy", "tree-10000", "tree", class),
    ("nested-shuffled", "marginal_cross_entropy", "tree-1000", "shuffled", class),
    ("nested-deep", "marginal_cross_entropy", "imagenet-shaped", "tree", class),
    ("nested-superclass", "marginal_cross_entropy", "tree-1000", "tree", superclass),
    ("conditional", "hierarchical_cross_entropy", "tree-1000", "tree", class),
    ("soft", "marginal_cross_entropy", "tree-1000", "tree", soft),
    ("soft-labels", "soft_labels", "tree-1000", "tree", class),
    ("siblings", "sibling_softmax", "tree-1000", "tree", class),
    ("levels", "levelwise_softmax", "tree-1000", "tree", class),
    ("sigmoids", "binary_cross_entropy", "tree-1000", "tree", class),
    ("descendants", "descendant_softmax", "tree-1000", "tree", class),
    ("margin", "softmax_margin", "tree-1000", "tree", class),
];

fn at(hierarchy: &Hierarchy, row: usize) -> usize {
    (hierarchy.class_count() / 3 + 7919 * row) % hierarchy.class_count()
}

fn class(hierarchy: &Hierarchy, row: usize) -> Label {
    Label::Class(at(hierarchy, row))
}

fn superclass(hierarchy: &Hierarchy, row: usize) -> Label {
    Label::Node(hierarchy.parents(hierarchy.class_node(at(hierarchy, row)))[0])
}

fn soft(hierarchy: &Hierarchy, _: usize) -> Label {
    Label::Soft(vec![1.0 / hierarchy.class_count() as f64; hierarchy.class_count()])
}

/// Prints the names, and in front of them the instruction set that kernels take here.
pub(crate) fn list() {
    let mut level = None;
    klados::on_each_instruction_set(|name| {
        level.get_or_insert_with(|| name.to_owned());
    });
    println!("{}", level.unwrap_or_default());
    KERNELS.iter().for_each(|kernel| println!("{}", kernel.0));
}

/// Runs one, and prints how many logits it went over while it was counted.
pub(crate) fn count(name: &str) -> Result<()> {
    let kernel = KERNELS.iter().find(|kernel| kernel.0 == name);
    let &(_, loss, hierarchy, order, label) = kernel.with_context(|| format!("there is no kernel \"{name}\""))?;
    let hierarchy = cases::in_order(hierarchy, order)?.context("its hierarchy is not there")?;
    let criterion = loss.parse::<Loss>()?.compile(&hierarchy)?;
    let rows = LOGITS / criterion.columns();
    ensure!(rows > 0, "a row of \"{name}\" has more than {LOGITS} columns");
    let labels: Vec<Label> = (0..rows).map(|row| label(&hierarchy, row)).collect();
    let logits: Vec<f32> = (0..rows * criterion.columns()).map(|k| ((k * 7919) % 1009) as f32 / 200.0 - 2.5).collect();
    let (mut losses, mut grad) = (vec![0f32; rows], vec![0f32; logits.len()]);
    // The first call makes the memory of rows.
    criterion.forward_backward(&logits, &labels, &mut losses, &mut grad)?;
    counted(&criterion, &logits, &labels, &mut losses, &mut grad)?;
    println!("{}", logits.len());
    Ok(())
}

/// What is counted: callgrind is told the name of this function.
#[inline(never)]
fn counted(
    criterion: &Criterion,
    logits: &[f32],
    labels: &[Label],
    losses: &mut [f32],
    grad: &mut [f32],
) -> Result<(), InputError> {
    criterion.forward_backward(logits, labels, losses, grad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_runs() {
        for kernel in KERNELS {
            count(kernel.0).unwrap();
        }
        assert!(count("abacus").unwrap_err().to_string().contains("abacus"));
    }
}
