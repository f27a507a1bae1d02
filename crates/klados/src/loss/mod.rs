//! The losses. Each file is one loss: what it computes, its source, its parameters, and how it compiles to tables.

mod binary_cross_entropy;
mod conditional_sigmoid;
mod descendant_softmax;
mod hierarchical_cross_entropy;
mod levelwise_softmax;
mod marginal_cross_entropy;
mod options;
mod parameter_sharing_softmax;
mod random_cut;
mod sibling_softmax;
mod soft_labels;
mod softmax_margin;
mod tree_min;
mod weighted_cross_entropy;
mod weights;

use std::str::FromStr;

pub use binary_cross_entropy::{BinaryCrossEntropy, NodeSigmoid, PosWeight};
pub use conditional_sigmoid::ConditionalSigmoid;
pub use descendant_softmax::DescendantSoftmax;
pub use hierarchical_cross_entropy::{HierarchicalCrossEntropy, HxeWeighting};
pub use levelwise_softmax::LevelwiseSoftmax;
pub use marginal_cross_entropy::{MarginalCrossEntropy, Unresolved};
pub use options::{ClassWeight, Reduction, Rows, balanced_class_weight};
pub use parameter_sharing_softmax::ParameterSharingSoftmax;
pub use random_cut::RandomCut;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
pub use sibling_softmax::SiblingSoftmax;
pub use soft_labels::SoftLabels;
pub use softmax_margin::{Margin, SoftmaxMargin};
pub use tree_min::TreeMin;
pub use weighted_cross_entropy::WeightedCrossEntropy;
pub use weights::{LevelWeights, Weights};

use crate::Hierarchy;
use crate::criterion::{Criterion, CriterionError, name_and_parameters, parse_named, syntax};
use crate::hierarchy::error::list;

/// Setters in builder style, with those that every loss has, and `new` with the defaults.
macro_rules! setters {
    // Losses that take no class weights.
    (without class_weight; $($(#[$doc:meta])* $name:ident: $type:ty,)*) => {
        setters! { @own $($(#[$doc])* $name: $type,)* }
        setters! { @class_weight self, _weight => None, () }
    };
    (@class_weight $self:ident, $weight:ident => $slot:expr, $set:expr) => {
        pub(super) fn class_weight_ref(&$self) -> Option<&ClassWeight> {
            $slot
        }

        pub(super) fn set_class_weight(&mut $self, $weight: Option<ClassWeight>) {
            $set
        }
    };
    (@own $($(#[$doc:meta])* $name:ident: $type:ty,)*) => {
        /// The loss with its default parameters.
        pub fn new() -> Self {
            Self::default()
        }

        $(
            $(#[$doc])*
            #[must_use]
            pub fn $name(mut self, $name: $type) -> Self {
                self.$name = $name;
                self
            }
        )*

        /// How a batch becomes one number; the mean by default.
        #[must_use]
        pub fn reduction(mut self, reduction: Reduction) -> Self {
            self.reduction = reduction;
            self
        }
    };
    ($($(#[$doc:meta])* $name:ident: $type:ty,)*) => {
        setters! { @own $($(#[$doc])* $name: $type,)* }

        /// A weight for each class; none by default.
        #[must_use]
        pub fn class_weight(mut self, weight: impl Into<ClassWeight>) -> Self {
            self.class_weight = Some(weight.into());
            self
        }

        setters! { @class_weight self, weight => self.class_weight.as_ref(), self.class_weight = weight }
    };
}
use setters;

/// Everything that goes once over all losses: the enum, its names, and what is handed on to the loss in hand.
macro_rules! losses {
    ($($(#[$doc:meta])* $name:literal => $loss:ident,)*) => {
        /// Any loss, by the name and with the parameters that Rust, the command line and Python share.
        ///
        /// Serialized as `{"marginal_cross_entropy": {"weights": "balanced"}}`. Read back, and parsed [from
        /// text](FromStr), are also the bare name, with default parameters, and
        /// `{"name": "marginal_cross_entropy", "weights": "balanced"}`. An unknown name or parameter is an error that
        /// lists the known ones.
        ///
        /// # Example
        ///
        /// ```
        /// use klados::{Hierarchy, Loss};
        ///
        /// let loss: Loss = r#"{"hierarchical_cross_entropy": {"alpha": 0.5}}"#.parse()?;
        /// assert_eq!(loss.name(), "hierarchical_cross_entropy");
        /// assert_eq!("soft_labels".parse::<Loss>()?, Loss::from(klados::loss::SoftLabels::new()));
        /// let error = r#"{"soft_labels": {"alpha": 1}}"#.parse::<Loss>().unwrap_err();
        /// assert!(error.to_string().contains("expected one of `beta`"));
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[non_exhaustive]
        pub enum Loss {
            $($(#[$doc])* #[serde(rename = $name)] $loss($loss),)*
        }

        impl Loss {
            /// The names of all losses, as they are serialized.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// The name of the loss, as it is serialized.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$loss(_) => $name,)*
                }
            }

            /// Checks the parameters against a hierarchy and makes the tables that the kernels read.
            ///
            /// # Errors
            ///
            /// A parameter out of range or that does not fit the hierarchy.
            pub fn compile(&self, hierarchy: &Hierarchy) -> Result<Criterion, CriterionError> {
                match self {
                    $(Self::$loss(loss) => loss.compile(hierarchy),)*
                }
            }

            /// The class weights as the loss names them.
            pub fn class_weight(&self) -> Option<&ClassWeight> {
                match self {
                    $(Self::$loss(loss) => loss.class_weight_ref(),)*
                }
            }

            /// The same loss with other class weights: how `"balanced"` and a file become a list. A loss that takes none
            /// stays as it is.
            #[must_use]
            pub fn with_class_weight(mut self, weight: Option<ClassWeight>) -> Self {
                match &mut self {
                    $(Self::$loss(loss) => loss.set_class_weight(weight),)*
                }
                self
            }

            /// How the loss reduces a batch.
            pub fn reduction(&self) -> Reduction {
                match self {
                    $(Self::$loss(loss) => loss.reduction,)*
                }
            }

            /// The same loss with another reduction.
            #[must_use]
            pub fn with_reduction(mut self, reduction: Reduction) -> Self {
                match &mut self {
                    $(Self::$loss(loss) => loss.reduction = reduction,)*
                }
                self
            }

            fn from_parts(name: &str, parameters: Value) -> Result<Self, CriterionError> {
                let read = match name {
                    $($name => serde_json::from_value(parameters).map(Self::$loss),)*
                    _ => {
                        let known = list(Self::NAMES, Self::NAMES.len());
                        return Err(syntax(format!("unknown loss \"{name}\"; the losses are {known}")));
                    }
                };
                read.map_err(|error| syntax(format!("{name}: {error}")))
            }
        }

        $(impl From<$loss> for Loss {
            fn from(loss: $loss) -> Self {
                Self::$loss(loss)
            }
        })*
    };
}

losses! {
    /// Cross-entropy at every node above the label.
    "marginal_cross_entropy" => MarginalCrossEntropy,
    /// HXE (Bertinetto et al. 2020).
    "hierarchical_cross_entropy" => HierarchicalCrossEntropy,
    /// Cross-entropy with a target that falls with the distance (Bertinetto et al. 2020).
    "soft_labels" => SoftLabels,
    /// Cross-entropy at the classes and at superclasses by a sparse matrix of weights.
    "weighted_cross_entropy" => WeightedCrossEntropy,
    /// A softmax over the nodes of each level.
    "levelwise_softmax" => LevelwiseSoftmax,
    /// A softmax over the siblings at each node (WordTree; Redmon & Farhadi 2017).
    "sibling_softmax" => SiblingSoftmax,
    /// Class softmax of logits that are summed over the ancestors (Salakhutdinov et al. 2011).
    "parameter_sharing_softmax" => ParameterSharingSoftmax,
    /// A sigmoid at each step down the path (Brust & Denzler 2019).
    "conditional_sigmoid" => ConditionalSigmoid,
    /// Binary cross-entropy at every node, for multi-label data.
    "binary_cross_entropy" => BinaryCrossEntropy,
    /// The smallest score above for yes, the largest below for no (Li et al. 2022).
    "tree_min" => TreeMin,
    /// Each node of the path against what branches off (Valmadre 2022).
    "descendant_softmax" => DescendantSoftmax,
    /// A margin that grows with the distance (Valmadre 2022).
    "softmax_margin" => SoftmaxMargin,
    /// A softmax over a random cut of the tree (Wu et al. 2020).
    "random_cut" => RandomCut,
}

impl Loss {
    fn from_value(value: Value) -> Result<Self, CriterionError> {
        let (name, parameters) = name_and_parameters("loss", value)?;
        Self::from_parts(&name, parameters)
    }
}

impl FromStr for Loss {
    type Err = CriterionError;

    fn from_str(text: &str) -> Result<Self, CriterionError> {
        let (name, parameters) = parse_named("loss", text)?;
        Self::from_parts(&name, parameters)
    }
}

impl<'de> Deserialize<'de> for Loss {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_value(Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
