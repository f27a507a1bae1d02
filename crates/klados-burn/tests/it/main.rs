//! The losses on Burn tensors: against the golden suite, and the fused path against the composed one.

mod agreement;
mod batches;
mod golden;
mod network;
mod numbers;
mod taxonomy;
