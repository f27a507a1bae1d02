//! The losses on Burn tensors: against the golden suite, and the fused path against the composed one.

mod agreement;
mod batches;
mod configurations;
mod golden;
mod multi_label;
mod network;
mod numbers;
mod taxonomy;
