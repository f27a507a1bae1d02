//! Files that several commands read: matrices, labels, tables, and the embedded pictures.

pub(crate) mod class_weight;
#[cfg(feature = "train")]
pub(crate) mod emoji;
pub(crate) mod hierarchy;
pub(crate) mod labels;
pub(crate) mod npy;
pub(crate) mod replace;
