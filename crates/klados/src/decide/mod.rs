//! From the probabilities of nodes to an answer: the class, or how far up to back off.
//!
//! A [`Decision`] is a rule with its parameters, by the name that Rust, the command line and Python share. Compiled for a
//! hierarchy it is a [`Decider`], which turns rows of log-probabilities, those of [`NodeLogProbs`](crate::NodeLogProbs), into
//! a node each.
//!
//! # Ties
//!
//! Where two nodes are equally good by a rule, the more informative one wins (`-log2(|D(v)| / |D(root)|)`: fewer classes
//! below it), then the deeper one, then the one with the lower index.
//!
//! # Example
//!
//! ```
//! use klados::{Decision, Hierarchy, NodeLogProbs};
//!
//! let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")])?;
//! let mut log_p = vec![0f64; hierarchy.node_count()];
//! NodeLogProbs::new(&hierarchy).forward(&[0.0, 0.2, 2.0, 1.9], &mut log_p)?;
//!
//! let mut answer = [klados::NodeId::ROOT];
//! "argmax_leaf".parse::<Decision>()?.compile(&hierarchy)?.decide(&log_p, &mut answer)?;
//! assert_eq!(hierarchy.name(answer[0]), "crow"); // P = 0.46
//! r#"{"threshold": {"tau": 0.6}}"#.parse::<Decision>()?.compile(&hierarchy)?.decide(&log_p, &mut answer)?;
//! assert_eq!(hierarchy.name(answer[0]), "bird"); // P = 0.87
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod argmax_leaf;
mod calibration;
mod conformal;
mod consistent;
mod decider;
mod expected_information;
mod hedge;
mod information;
mod min_risk;
mod order;
mod plurality;
mod right;
mod rollup;
mod rule;
mod threshold;
mod top_down;

use std::str::FromStr;

pub use argmax_leaf::ArgmaxLeaf;
use calibration::Calibration;
pub use calibration::{CalibrationError, Calibrator};
pub use conformal::Conformal;
pub use consistent::{Consistent, Projection};
pub use decider::Decider;
pub use expected_information::ExpectedInformation;
pub use hedge::Hedge;
pub use min_risk::{Cost, MinRisk, Over};
use order::Order;
pub use plurality::Plurality;
pub use rollup::Rollup;
use rule::{Parameters, Rule};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
pub use threshold::Threshold;
pub use top_down::TopDown;

use crate::Hierarchy;
use crate::criterion::{CriterionError, CriterionErrorKind, name_and_parameters, parse_named, syntax};
use crate::numeric::scalar;

/// Everything that goes once over all rules: the enum, its names, and what is handed on to the rule in hand.
macro_rules! decisions {
    ($($(#[$doc:meta])* $name:literal => $rule:ident,)*) => {
        /// A rule by which node probabilities become an answer, with its parameters.
        ///
        /// Serialized as `{"threshold": {"tau": 0.7}}`. Read back, and parsed [from text](FromStr), are also the bare name,
        /// with default parameters, and `{"name": "threshold", "tau": 0.7}`. An unknown name or parameter is an error that
        /// lists the known ones.
        ///
        /// # Example
        ///
        /// ```
        /// use klados::Decision;
        ///
        /// let decision: Decision = r#"{"threshold": {"tau": 0.7}}"#.parse()?;
        /// assert_eq!(decision.name(), "threshold");
        /// let error = r#"{"threshold": {"t": 0.7}}"#.parse::<Decision>().unwrap_err();
        /// assert!(error.to_string().contains("expected `tau`"));
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[non_exhaustive]
        pub enum Decision {
            $($(#[$doc])* #[serde(rename = $name)] $rule($rule),)*
        }

        impl Decision {
            /// The names of all rules, as they are serialized.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// The name of the rule, as it is serialized.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$rule(_) => $name,)*
                }
            }

            /// Checks the parameters against a hierarchy and makes the tables that rows are decided by.
            ///
            /// # Errors
            ///
            /// A parameter out of range or that does not fit the hierarchy; a rule that is calibrated and has not been.
            pub fn compile(&self, hierarchy: &Hierarchy) -> Result<Decider, CriterionError> {
                let rule: Rule = self.parameters().rule(hierarchy)?;
                Ok(Decider::new(hierarchy, self.clone(), rule))
            }

            fn parameters(&self) -> &dyn Parameters {
                match self {
                    $(Self::$rule(rule) => rule,)*
                }
            }

            fn from_parts(name: &str, parameters: Value) -> Result<Self, CriterionError> {
                let read = match name {
                    $($name => serde_json::from_value(parameters).map(Self::$rule),)*
                    _ => {
                        let known = Self::NAMES.join(", ");
                        return Err(syntax(format!("unknown decision \"{name}\"; the decisions are {known}")));
                    }
                };
                read.map_err(|error| syntax(format!("{name}: {error}")))
            }
        }

        $(impl From<$rule> for Decision {
            fn from(rule: $rule) -> Self {
                Self::$rule(rule)
            }
        })*
    };
}

decisions! {
    /// The most probable class.
    "argmax_leaf" => ArgmaxLeaf,
    /// From the root to the most probable child, again and again.
    "top_down" => TopDown,
    /// The most specific node that is probable enough.
    "threshold" => Threshold,
    /// The most specific node that beats every node that it excludes.
    "plurality" => Plurality,
    /// The node that tells the most in expectation.
    "expected_information" => ExpectedInformation,
    /// The answer that costs the least in expectation.
    "min_risk" => MinRisk,
    /// The finest level at which a node is probable enough.
    "rollup" => Rollup,
    /// As informative as an accuracy allows.
    "hedge" => Hedge,
    /// The smallest node that covers the class often enough.
    "conformal" => Conformal,
    /// For multi-label data: a set of nodes that the hierarchy allows.
    "consistent" => Consistent,
}

impl Decision {
    /// Whether rows are answered with sets of nodes, by [`Decider::decide_sets`].
    pub fn is_multi_label(&self) -> bool {
        self.parameters().is_multi_label()
    }

    /// Whether the rule takes numbers from validation data, by [`calibrate`](Self::calibrate). Also where it has them.
    pub fn needs_calibration(&self) -> bool {
        self.parameters().needs_calibration()
    }

    /// Whether the numbers from validation data are there. Of a rule that needs none, yes.
    pub fn is_calibrated(&self) -> bool {
        self.parameters().is_calibrated()
    }

    /// What is legal but surprising in the parameters, a sentence each: too few validation rows.
    pub fn warnings(&self) -> Vec<String> {
        self.parameters().warnings()
    }

    fn calibration(&self, hierarchy: &Hierarchy) -> Result<Option<Box<dyn Calibration>>, CriterionError> {
        self.parameters().calibration(hierarchy)
    }

    fn from_value(value: Value) -> Result<Self, CriterionError> {
        let (name, parameters) = name_and_parameters("decision", value)?;
        Self::from_parts(&name, parameters)
    }
}

/// The logarithm of a probability that has to be exceeded.
fn log_threshold(name: &str, threshold: f64) -> Result<f64, CriterionError> {
    match (0.0..1.0).contains(&threshold) {
        true => Ok(scalar::ln(threshold)),
        false => Err(CriterionError::parameter(format!("{name} is {threshold}, expected a number in [0, 1)"))),
    }
}

/// The error of compiling a rule without its numbers.
fn not_calibrated(rule: &str, number: &str) -> CriterionError {
    let message = format!(
        "{rule} is not calibrated: calibrate it on validation data (in Rust `Decision::calibrate`), or give `{number}`"
    );
    CriterionError::new(CriterionErrorKind::NotCalibrated, message)
}

impl FromStr for Decision {
    type Err = CriterionError;

    fn from_str(text: &str) -> Result<Self, CriterionError> {
        let (name, parameters) = parse_named("decision", text)?;
        Self::from_parts(&name, parameters)
    }
}

impl<'de> Deserialize<'de> for Decision {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_value(Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
