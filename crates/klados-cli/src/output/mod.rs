//! What `klados train` leaves behind: a folder that is there whole or not at all.

pub(crate) mod folder;
pub(crate) mod metrics;
pub(crate) mod model_files;
pub(crate) mod predictions;
pub(crate) mod validation;
