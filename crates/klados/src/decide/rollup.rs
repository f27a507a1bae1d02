//! The finest level at which a node is probable enough.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::rule::{NodeRule, Parameters, Rule, Scratch};
use super::{Order, log_threshold};
use crate::criterion::{CriterionError, CriterionErrorKind};
use crate::{Hierarchy, Level, NodeId};

/// Level by level: the most probable node of the first level at which its `P > tau`; the root where no level has one.
///
/// `levels` are tried in the order given, which is meant to be from the finest up: ranks by name, depths by number or as
/// `"depth 2"`, and `"class"` for the classes, wherever they are. Without any: the classes, then all levels from the lowest.
/// `tau` is one number, or one a level. A node is only answered at a level that is listed: a class that has no node on these
/// levels above it cannot be. The answers of two levels need not be on one path below `tau` = 0.5.
///
/// # What published code does differently
///
/// SpeciesNet adds up the scores of the five classes that its classifier reports, and what the others have is lost; here the
/// whole distribution takes part. Code with a head a level takes the best of each level by itself, and answers may contradict
/// each other.
///
/// # Example
///
/// ```
/// use klados::{Decision, Hierarchy, decide::Rollup};
///
/// let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("bird", "crow"), ("bird", "robin")])?;
/// let hierarchy = hierarchy.with_level_names(["class of animals", "species"])?;
/// let log_p = [1.0f64, 0.3, 0.3, 0.7, 0.4, 0.3].map(f64::ln); // root, mammal, bat, bird, crow, robin
/// let mut answer = [klados::NodeId::ROOT];
/// let mut with = |rollup: Rollup| {
///     Decision::from(rollup).compile(&hierarchy)?.decide(&log_p, &mut answer)?;
///     Ok::<_, Box<dyn std::error::Error>>(hierarchy.name(answer[0]).to_owned())
/// };
/// let levels = ["species", "class of animals"];
/// assert_eq!(with(Rollup::new().levels(levels).tau(0.65))?, "bird");
/// assert_eq!(with(Rollup::new().levels(levels).taus([0.35, 0.65]))?, "crow");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rollup {
    levels: Vec<LevelName>,
    tau: Tau,
}

/// A level, as it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum LevelName {
    Depth(usize),
    Name(String),
}

/// What a level's best node has to exceed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Tau {
    All(f64),
    Levels(Vec<f64>),
}

impl Default for Tau {
    fn default() -> Self {
        Self::All(0.5)
    }
}

impl Rollup {
    /// All levels, from the classes up, above 0.5.
    pub fn new() -> Self {
        Self::default()
    }

    /// The levels in the order in which they are tried: ranks, depths, or `"class"`.
    #[must_use]
    pub fn levels<L: Into<Level>>(mut self, levels: impl IntoIterator<Item = L>) -> Self {
        let name = |level: L| match level.into() {
            Level::Depth(depth) => LevelName::Depth(depth),
            Level::Rank(name) => LevelName::Name(name),
        };
        self.levels = levels.into_iter().map(name).collect();
        self
    }

    /// The probability that a level's best node has to exceed, in `[0, 1)`; 0.5 by default.
    #[must_use]
    pub fn tau(mut self, tau: f64) -> Self {
        self.tau = Tau::All(tau);
        self
    }

    /// The same with a number for each of the levels.
    #[must_use]
    pub fn taus(mut self, taus: impl IntoIterator<Item = f64>) -> Self {
        self.tau = Tau::Levels(taus.into_iter().collect());
        self
    }
}

impl LevelName {
    fn nodes(&self, hierarchy: &Hierarchy) -> Result<Order, CriterionError> {
        let level = match self {
            Self::Depth(depth) => Level::Depth(*depth),
            Self::Name(name) if hierarchy.rank_names().contains(name) => Level::Rank(name.clone()),
            Self::Name(name) if name == "class" => return Ok(Order::of_classes(hierarchy)),
            Self::Name(name) => match name.strip_prefix("depth ").and_then(|depth| depth.parse().ok()) {
                Some(depth) => Level::Depth(depth),
                None => Level::Rank(name.clone()),
            },
        };
        match hierarchy.level_nodes(&level) {
            Ok(nodes) => Ok(Order::of(hierarchy, nodes)),
            Err(error) => {
                let message = format!("{error}, and \"class\" is that of the classes");
                Err(CriterionError::new(CriterionErrorKind::Mismatch, message))
            }
        }
    }
}

impl Parameters for Rollup {
    fn rule(&self, hierarchy: &Hierarchy) -> Result<Rule, CriterionError> {
        let mut levels: Vec<Order> =
            self.levels.iter().map(|level| level.nodes(hierarchy)).collect::<Result<_, _>>()?;
        if levels.is_empty() {
            levels.push(Order::of_classes(hierarchy));
            let nodes = hierarchy.levels().into_iter().rev().flat_map(|level| hierarchy.level_nodes(&level));
            levels.extend(nodes.map(|nodes| Order::of(hierarchy, nodes)));
        }
        let taus = match &self.tau {
            Tau::All(tau) => vec![*tau; levels.len()],
            Tau::Levels(taus) if taus.len() == levels.len() => taus.clone(),
            Tau::Levels(taus) => {
                let message = format!("tau has {} numbers for {} levels", taus.len(), levels.len());
                return Err(CriterionError::new(CriterionErrorKind::Mismatch, message));
            }
        };
        let taus = taus.into_iter().map(|tau| log_threshold("tau", tau));
        let levels = levels.into_iter().zip(taus).map(|(nodes, tau)| Ok((nodes, tau?))).collect::<Result<_, _>>()?;
        Ok(Rule::Node(Arc::new(Compiled { levels })))
    }
}

#[derive(Debug)]
struct Compiled {
    /// The nodes of each level, and the logarithm of what their best has to exceed.
    levels: Vec<(Order, f64)>,
}

impl NodeRule for Compiled {
    fn node(&self, log_p: &[f64], _: &mut Scratch) -> NodeId {
        let passes = |(nodes, log_tau): &(Order, f64)| nodes.best(log_p).filter(|best| log_p[best.index()] > *log_tau);
        self.levels.iter().find_map(passes).unwrap_or(NodeId::ROOT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Decision;

    #[test]
    fn levels_are_found_and_errors_say_what_there_is() {
        let hierarchy = Hierarchy::from_edges([("mammal", "bat"), ("bird", "crow"), ("bird", "robin")]).unwrap();
        let compile = |json: &str| json.parse::<Decision>().unwrap().compile(&hierarchy);
        compile(r#"{"rollup": {"levels": ["class", "depth 1"], "tau": [0.5, 0.7]}}"#).unwrap();
        compile(r#"{"rollup": {"levels": [2, 1]}}"#).unwrap();
        let error = |json: &str| compile(json).unwrap_err().to_string();
        assert_eq!(
            error(r#"{"rollup": {"levels": ["genus"]}}"#),
            "there is no rank \"genus\"; the hierarchy names no ranks, and depths go from 1 to 2, and \"class\" is that of \
             the classes"
        );
        assert_eq!(error(r#"{"rollup": {"levels": [2, 1], "tau": [0.5]}}"#), "tau has 1 numbers for 2 levels");
        assert_eq!(error(r#"{"rollup": {"tau": 1}}"#), "tau is 1, expected a number in [0, 1)");
    }
}
