//! What is looked for: a code, how bad it is, why it matters, what to do.

/// How bad a [`Finding`](super::Finding) is, from the worst on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// No hierarchy can be made of it, or none with these classes.
    Error,
    /// It is hardly what was meant.
    Warning,
    /// It is fine, and something to know before training.
    Note,
}

impl Severity {
    /// Its name, as a compiler would say it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl Rule {
    /// Whether [`fix`](super::fix) puts cases of it right.
    pub fn can_be_fixed(self) -> bool {
        matches!(self, Self::SelfLoop | Self::DuplicateEdge | Self::OddSpace | Self::InvisibleCharacter | Self::NotNfc)
    }
}

/// All that is known of a rule: its code, how bad it is, what it is, why that matters in training, what to do.
macro_rules! rules {
    ($($code:literal => $rule:ident, $severity:ident, $what:literal, $why:literal, $help:literal;)*) => {
        /// What a [`Finding`](super::Finding) is a case of. Codes stay the same from release to release.
        ///
        /// ```
        /// use klados::check::{Rule, Severity};
        ///
        /// assert_eq!(Rule::Cycle.code(), "cycle");
        /// assert_eq!(Rule::SingleChild.severity(), Severity::Note);
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Rule {
            $(#[doc = $what] $rule,)*
        }

        impl Rule {
            /// All rules.
            pub const ALL: &'static [Self] = &[$(Self::$rule),*];

            /// Its name, for programs.
            pub fn code(self) -> &'static str {
                match self { $(Self::$rule => $code,)* }
            }

            /// How bad a case of it is.
            pub fn severity(self) -> Severity {
                match self { $(Self::$rule => Severity::$severity,)* }
            }

            /// Why it matters in training.
            pub fn why(self) -> &'static str {
                match self { $(Self::$rule => $why,)* }
            }

            /// What to do about it.
            pub fn help(self) -> &'static str {
                match self { $(Self::$rule => $help,)* }
            }
        }
    };
}

rules! {
    "unreadable" => Unreadable, Error, "A file could not be read.",
        "nothing is known of what it holds",
        "see that the file is there and may be read";
    "encoding" => Encoding, Error, "Text that is not UTF-8.",
        "names would be other names than those of the labels",
        "save the file as UTF-8";
    "syntax" => Syntax, Error, "A line that is not of the format.",
        "what it says is left out",
        "write it as the format wants it, or say which format the file has";
    "limit" => Limit, Error, "More than the limits allow.",
        "the file is read no further",
        "raise the limit if the file is what it should be";
    "more-problems" => MoreProblems, Error, "Problems beyond those that are listed.",
        "the list of problems is not complete",
        "put right what is listed, and check again";
    "empty-hierarchy" => EmptyHierarchy, Error, "No node at all.",
        "there is nothing to train",
        "see that it is the right file, and that its columns are those that were asked for";
    "empty-name" => EmptyName, Error, "A node without a name.",
        "labels cannot name it",
        "give it its name, or remove the line";
    "duplicate-node" => DuplicateNode, Error, "A node that is declared twice, or two nodes with one id.",
        "labels with this id may mean either",
        "remove one, or give it an id of its own";
    "undeclared-node" => UndeclaredNode, Error, "A node that is mentioned and nowhere declared.",
        "it may be misspelt, and its classes are then in a branch of their own",
        "declare it, or mend its name";
    "duplicate-rank" => DuplicateRank, Error, "A rank that is named twice.",
        "a level is asked for by its name",
        "give the ranks different names";
    "self-loop" => SelfLoop, Error, "A node that is its own parent.",
        "a class cannot be its own superclass",
        "remove the line, or name the parent that was meant; a root has an empty parent";
    "cycle" => Cycle, Error, "Nodes that are each other's ancestors.",
        "none of them is above the others, so that nothing says which classes each has",
        "remove the edge that is wrong; which one that is cannot be guessed";
    "root-with-parent" => RootWithParent, Error, "A node that is said to have no parent, and has one.",
        "one of the two lines is wrong",
        "remove one of them";
    "missing-class" => MissingClass, Error, "A class that is no node.",
        "its column of the logits has no place in the hierarchy",
        "mend the name, or add the node; klados hierarchy match finds the nodes of a whole list";
    "ambiguous-class" => AmbiguousClass, Error, "A class whose name several nodes have.",
        "its column of the logits would have several places",
        "write the id or the path of the one that is meant";
    "duplicate-class" => DuplicateClass, Error, "A node that is a class twice.",
        "two columns of the logits would share the probability of one class",
        "remove one, or mend its name";
    "empty-class" => EmptyClass, Error, "A class without a name.",
        "its column of the logits has no place in the hierarchy",
        "write its name; a list of classes has no empty lines";
    "obsolete-class" => ObsoleteClass, Error, "A class that is out of use, and is left out of the hierarchy.",
        "its column of the logits has no place in the hierarchy",
        "name the node that took its place";
    "reading" => Reading, Warning, "Something that the reader took to be what the file does not say.",
        "where it is wrong the hierarchy is another one",
        "see whether it is right; else say it in the options, or in the file";
    "column-order" => ColumnOrder, Warning, "Parents and children that seem to be the wrong way round.",
        "superclasses would be classes, and classes superclasses",
        "see which column is the parent, and say it: parent_column and child_column, or rank_columns from the top";
    "duplicate-edge" => DuplicateEdge, Warning, "An edge that is there twice.",
        "it counts once; another one may have been meant",
        "remove one of the lines";
    "transitive-edge" => TransitiveEdge, Warning, "An edge that a longer path says already.",
        "it makes a tree a DAG, which many losses do not take, and says nothing new",
        "remove the edge, unless it means something else";
    "isolated-node" => IsolatedNode, Warning, "A node without parents and children.",
        "it becomes a class right below the root, as far from all others as can be",
        "give it a parent, or remove it";
    "obsolete-superclass" => ObsoleteSuperclass, Warning, "A node that is out of use, with others below it.",
        "it is kept as a superclass that nobody names",
        "give the nodes below it another parent";
    "alternative-id" => AlternativeId, Warning, "An alternative id that is the id of another node, or that two nodes have.",
        "nothing is found by it",
        "remove it where it is wrong";
    "near-duplicate-name" => NearDuplicateName, Warning, "Names that are the same but for case, spaces, dashes, or Unicode's forms of one letter.",
        "they may be one class that was written in two ways, and would then be trained against each other",
        "write them in one way if they are one; rename one if they are not";
    "odd-space" => OddSpace, Warning, "Spaces in a name that are several, or of another kind.",
        "who types the name with one space does not find it",
        "write one space";
    "invisible-character" => InvisibleCharacter, Warning, "Characters in a name that nobody sees.",
        "who types the name does not find it",
        "remove them";
    "garbled-name" => GarbledName, Warning, "A name whose text was decoded with the wrong encoding.",
        "labels have the right name, and do not find it",
        "export the file anew as UTF-8";
    "not-nfc" => NotNfc, Warning, "A name that is not in Unicode's normal form C.",
        "it looks like the name that is typed, and is not found by it",
        "write it in normal form C";
    "placeholder-name" => PlaceholderName, Warning, "A name that stands for none: NA, unknown, -, and the like.",
        "what is not known would be trained as a class, or as a superclass, like any other",
        "give the node its name, or leave the field empty, as a root's parent is; fine where it is a class that is meant";
    "placeholder-superclass" => PlaceholderSuperclass, Warning, "A node that has a placeholder as its name, and others below it.",
        "they are trained as if they were alike, and nothing is known but that nothing is known of them",
        "leave the field empty, so that they are right below what is known, or give the node its name";
    "rank-inversion" => RankInversion, Warning, "A node below another of a rank that is further down.",
        "levels by rank would have it above what it is below, and its path has the two in the wrong order",
        "mend the rank of one of them, or the parent";
    "empty-superclass" => EmptySuperclass, Warning, "A superclass without a class below it.",
        "it is left out, and labels that name it are errors",
        "remove it, or see whether a class is missing from the list";
    "several-roots" => SeveralRoots, Note, "Several nodes without a parent.",
        "they are joined under a root that is added; where an edge is missing a whole branch hangs too high",
        "see whether all of these are at the top";
    "several-parents" => SeveralParents, Note, "A node with several parents.",
        "the hierarchy is a DAG: losses on paths of a tree, such as hierarchical and sibling-softmax cross-entropy, refuse it",
        "keep it if it is meant; two things of one name need ids, or names of their own";
    "single-child" => SingleChild, Note, "Superclasses that have one child each.",
        "they have the same classes as what is below them, so that one decision counts at several levels",
        "keep them where the levels matter; else klados hierarchy prune --contract-chains leaves them out";
    "homonym" => Homonym, Note, "Nodes of one name.",
        "a label with this name alone is an error",
        "write ids or paths in the labels";
    "unbalanced-branches" => UnbalancedBranches, Note, "A branch with nearly all of the classes.",
        "the level tells little: always answering this branch is nearly always right there",
        "weight this level less, and look at balanced accuracy; see whether the branch should be divided";
    "uneven-depth" => UnevenDepth, Note, "Classes at very different depths.",
        "levels by depth compare what is unlike, and deep classes have more terms in the loss",
        "name ranks where the data has them, or weight with `lazy`, in which each path has the same weight";
    "internal-class" => InternalClass, Note, "A class with other nodes below it.",
        "it gets a leaf of its own, beside the nodes below it: the class means \"this, and none of those\"",
        "fine where it is meant; else take it out of the classes, and use it as a label";
    "unused-leaf" => UnusedLeaf, Note, "A leaf that is no class.",
        "it is left out, and labels that name it are errors",
        "fine if the model does not know it; else add it to the classes";
    "single-class" => SingleClass, Note, "A superclass with several children, and one class below them.",
        "it has the same classes as what is below it, so that one decision counts at several levels",
        "see whether classes are missing from the list";
}
