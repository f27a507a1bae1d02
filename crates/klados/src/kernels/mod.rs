//! Row kernels, by what they need of a row. They know slices and tables of indices and weights, no hierarchy and no loss.
//!
//! | kernel | the sets whose log-probabilities a row needs | used for |
//! |---|---|---|
//! | [`nested`] | a chain of sets, each inside the next (the path kernel) | hard labels on a tree |
//! | [`overlapping`] | any few sets | hard labels on a DAG |
//! | [`nodes`] | every node | soft targets, label smoothing, gradients of node log-probabilities |
//! | [`rollup`] | every node, forward alone | node log-probabilities |
//! | [`classes`] | the classes alone | soft labels |
//! | [`cut`] | the nodes of a random cut | random cut |
//! | [`descendants`] | subtrees in a form with a score a node | descendant softmax |
//! | [`margin`] | all nodes | soft-max-margin |
//! | [`weighted`] | superclasses by weights | weighted cross-entropy |
//! | [`bernoulli`] | nodes by a sigmoid each | binary cross-entropy, conditional sigmoid |
//! | [`noisy_or`], [`weighted_sigmoid`], [`extremum`] | nodes or superclasses by the sigmoids of several columns | binary cross-entropy, tree-min |
//! | [`groups`] | nodes in softmaxes over groups of nodes | sibling and level-wise softmax |
//!
//! Exponentials of a class softmax are taken relative to one number, or in a shell that is far below the others to its
//! maximum, and their sums are `f64`.

pub(crate) mod batch;
pub(crate) mod bernoulli;
pub(crate) mod classes;
pub(crate) mod cut;
pub(crate) mod descendants;
pub(crate) mod extremum;
pub(crate) mod flow;
pub(crate) mod focal;
pub(crate) mod groups;
pub(crate) mod margin;
pub(crate) mod mass;
pub(crate) mod nested;
pub(crate) mod nodes;
pub(crate) mod noisy_or;
pub(crate) mod ordinary;
pub(crate) mod overlapping;
pub(crate) mod paths;
pub(crate) mod pool;
pub(crate) mod rollup;
pub(crate) mod shells;
pub(crate) mod sparse;
pub(crate) mod stripes;
pub(crate) mod weighted;
pub(crate) mod weighted_sigmoid;
