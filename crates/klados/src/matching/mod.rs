//! Which node a model's class names mean: exactly, by a synonym, but for case and spaces, or nearly.
//!
//! A model's classes and the hierarchy that somebody published rarely agree on spelling. [`match_classes`] finds a node
//! for each name and says [how](How) it was found; what is not exact is for people to confirm, in the table that
//! [`Matches::write_csv`] writes. Its column `node` names the classes as [`Hierarchy::with_classes`] takes them.
//!
//! ```
//! use klados::Hierarchy;
//! use klados::matching::{ClassList, How, match_classes};
//!
//! let hierarchy = Hierarchy::from_edges([("bird", "Yellow Warbler"), ("bird", "crane (bird)"), ("mammal", "bat")])?;
//! let classes = ClassList::new(["bat", "yellow_warbler", "crane", "bqt", "submarine"]);
//! let matches = match_classes(&hierarchy, &classes);
//! let how: Vec<How> = matches.rows().iter().map(|row| row.how).collect();
//! assert_eq!(how, [How::Exact, How::Normalised, How::Normalised, How::Unmatched, How::Unmatched]);
//!
//! let mut table = Vec::new();
//! matches.write_csv(&mut table)?;
//! assert_eq!(
//!     String::from_utf8(table)?,
//!     "class,node,how,score,alternatives\n\
//!      bat,bat,exact,1,\n\
//!      yellow_warbler,Yellow Warbler,normalised,1,\n\
//!      crane,crane (bird),normalised,1,\n\
//!      bqt,,unmatched,0,bat (0.67)\n\
//!      submarine,,unmatched,0,\n"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod class_list;
mod key;
mod near;
mod table;
mod vocabulary;

pub use self::class_list::ClassList;
pub(crate) use self::key::{is_invisible, key};
pub(crate) use self::vocabulary::Vocabulary;
use crate::{Hierarchy, NodeId};

/// How a class name was found to mean a node, from the surest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum How {
    /// It is the node's id, its name, or its path `A > B > C`, and that of no other node.
    Exact,
    /// It is another id of the node, such as that of a term that was merged into it.
    AlternativeId,
    /// It is another name of the node.
    Synonym,
    /// It is a name, another name or an id of the node but for case, spaces, `_`, dashes, apostrophes, Unicode's forms of one
    /// letter, or brackets at the end that one of the two has: `dog (animal)`. Or it is a list of such, with commas between,
    /// that are all of one node: `tench, Tinca tinca`.
    Normalised,
    /// It is not far from a name of the node: `1 - edits / letters`, of the longer of the two, is 0.75 or more, and more
    /// than for any other node.
    Nearest,
    /// It means several nodes equally well; the candidates are the first of these.
    Ambiguous,
    /// It is like no name.
    Unmatched,
}

impl How {
    /// All of them, from the surest on.
    pub const ALL: [Self; 7] = [
        Self::Exact,
        Self::AlternativeId,
        Self::Synonym,
        Self::Normalised,
        Self::Nearest,
        Self::Ambiguous,
        Self::Unmatched,
    ];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::AlternativeId => "alternative_id",
            Self::Synonym => "synonym",
            Self::Normalised => "normalised",
            Self::Nearest => "nearest",
            Self::Ambiguous => "ambiguous",
            Self::Unmatched => "unmatched",
        }
    }

    /// Whether there is one node that is meant.
    pub fn is_a_match(self) -> bool {
        !matches!(self, Self::Ambiguous | Self::Unmatched)
    }
}

/// What was found for a class name.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Match {
    /// The class name.
    pub class: String,
    /// The line that it stands in.
    pub line: u64,
    /// How it was found.
    pub how: How,
    /// The node, where there is one.
    pub node: Option<NodeId>,
    /// How similar the class name is to that of the node: 1 in all but [`How::Nearest`], 0 without a node.
    pub score: f64,
    /// Nodes that may be meant instead, with their scores, the best first; at most five.
    pub alternatives: Vec<(NodeId, f64)>,
    /// How many more nodes may be meant, where the class name means more than five equally well.
    pub more_alternatives: usize,
}

/// What was found for each class name, in the order of the classes.
#[derive(Clone, Debug)]
pub struct Matches {
    hierarchy: Hierarchy,
    rows: Vec<Match>,
}

/// Finds the node that each class name means.
///
/// A name is looked up in the ways of [`How`], in their order; the first way in which it means any node counts, and where it
/// means several by that way it is [ambiguous](How::Ambiguous). Similar names are looked for among those that share the
/// rarest triples of letters with it, 64 at most, so that the time does not grow with classes times nodes; names of more
/// than 256 letters are left out there. Other ids are never taken to be meant where they are only similar.
///
/// ```
/// use klados::Hierarchy;
/// use klados::matching::{ClassList, match_classes};
///
/// let hierarchy = Hierarchy::from_edges([("bird", "crow"), ("bird", "robin"), ("mammal", "bat")])?;
/// let matches = match_classes(&hierarchy, &ClassList::new(["Bat", "robbin"]));
/// assert_eq!(matches.rows()[0].node, Some(hierarchy.node("bat")?));
/// assert_eq!(matches.rows()[1].score, 1.0 - 1.0 / 6.0); // one letter of six
/// # Ok::<(), klados::HierarchyError>(())
/// ```
pub fn match_classes(hierarchy: &Hierarchy, classes: &ClassList) -> Matches {
    let vocabulary = Vocabulary::of_hierarchy(hierarchy);
    let row = |(class, name): (usize, &str)| {
        let found = vocabulary.find(name);
        let mut alternatives: Vec<(NodeId, f64)> =
            found.nodes.into_iter().map(|(node, score)| (NodeId(node), score)).collect();
        let best = found.how.is_a_match().then(|| alternatives.remove(0));
        Match {
            class: name.to_owned(),
            line: classes.line(class),
            how: found.how,
            node: best.map(|(node, _)| node),
            score: best.map_or(0.0, |(_, score)| score),
            alternatives,
            more_alternatives: found.more,
        }
    };
    let rows = classes.names().enumerate().map(row).collect();
    Matches { hierarchy: hierarchy.clone(), rows }
}
