//! Training a head on features: a linear one or a small network, with any loss of the core, in Burn on the CPU.

pub(crate) mod checkpoint;
pub(crate) mod evaluation;
pub(crate) mod examples;
pub(crate) mod fit;
pub(crate) mod measure;
pub(crate) mod network;
pub(crate) mod number;
pub(crate) mod objective;
pub(crate) mod reading;
pub(crate) mod run;
pub(crate) mod scores;
pub(crate) mod settings;
pub(crate) mod split;
