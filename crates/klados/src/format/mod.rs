//! Hierarchies in files, in any of the formats that they come in. One file a format.
//!
//! [`Hierarchy::from_path`] reads them all and sees from the content which format it is; [`ReadOptions`] says it instead,
//! and what else a reader may want to know. [`Draft`] is what a file says before it is a hierarchy, with all that is wrong
//! in it.

mod adjacency;
mod arff;
mod categories;
mod child_ids;
mod clades;
mod class_names;
mod columns;
mod csv;
mod delimiter;
mod directory;
mod edges;
mod foreign;
mod guess;
mod icd10cm;
mod input;
mod json;
mod json_kind;
mod klados;
mod lines;
mod ncbi;
mod nested;
mod newick;
mod nexus;
mod node_link;
mod obo;
mod options;
mod outline;
mod paths;
mod quotes;
mod rank_order;
mod ranks;
mod repeated;
mod scanner;
mod speciesnet;
mod synsets;
mod table;
mod toml;
mod wordnet;
mod wordtree;
mod write;

use std::io::Read;
use std::path::Path;
use std::str::FromStr;

pub use self::csv::{CsvLayout, CsvOptions};
use self::guess::{Confidence, Head};
use self::input::Input;
pub use self::options::ReadOptions;
pub use self::write::{Lost, LostKind, WriteFormat, Written};
use crate::hierarchy::error::list;
pub use crate::hierarchy::{Draft, Limits};
use crate::{Hierarchy, HierarchyError, HierarchyErrorKind as Kind};

/// What the rest of the module knows of a format.
struct Entry {
    format: Format,
    /// Whether the start of an input looks like this format.
    looks_like: fn(&Head<'_>) -> Option<Confidence>,
    /// Writes into the draft what the input says. What is wrong and can be passed over is a problem of the draft; an error
    /// is what ends the reading.
    read: fn(&Input, &ReadOptions, &mut Draft) -> Result<(), HierarchyError>,
}

/// Everything that goes once over all formats: `"name" => Variant in module`.
macro_rules! formats {
    ($($(#[$doc:meta])* $name:literal => $format:ident in $module:ident,)*) => {
        /// A format of hierarchies in files, by the name that Rust, the command line and Python share.
        ///
        /// ```
        /// use klados::format::Format;
        ///
        /// assert_eq!("edges".parse::<Format>()?, Format::Edges);
        /// assert_eq!(Format::Ranks.name(), "ranks");
        /// # Ok::<(), klados::HierarchyError>(())
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[non_exhaustive]
        pub enum Format {
            $($(#[$doc])* #[serde(rename = $name)] $format,)*
        }

        impl Format {
            /// The names of all formats.
            pub const NAMES: &'static [&'static str] = &[$($name),*];
            /// All formats, in the order of their names in [`NAMES`](Self::NAMES).
            pub const ALL: &'static [Self] = &[$(Self::$format),*];

            /// The name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$format => $name,)*
                }
            }
        }

        /// By the number of the variant.
        const ENTRIES: &[Entry] = &[
            $(Entry { format: Format::$format, looks_like: $module::looks_like, read: $module::read },)*
        ];
    };
}

formats! {
    /// One edge a line, with commas, tabs, semicolons or spaces between its fields; `#` begins comments where the first line
    /// is one. Written by spreadsheets, NetworkX, and whoever needs a hierarchy in a file.
    ///
    /// ```text
    /// id,parent_id,name,rank
    /// 9,3,Corvus corax,species
    /// 3,,Corvus,genus
    /// ```
    ///
    /// A header names the columns in any order: the parent is `parent`, `parent_id` and the like; the node is `child` or `id`,
    /// or `name` where there is neither; with `name` beside an id, the id is the identity, unless the parents are names.
    /// `parents` may hold several, with `|` or `;` between. `rank` is kept; a line whose `acceptedNameUsageID` is another id is
    /// a synonym of that; other columns are not kept. Without such a
    /// header two columns show which is the parent: it has fewer names. An empty parent makes a root.
    ///
    /// A column `class` of `true` and `false` (or `yes`, `no`, `1`, `0`, or nothing) says which nodes are classes, in the order
    /// of the lines: internal ones too. Without it the leaves are. A column of this name with anything else in it is not kept.
    ///
    /// Fields may have bars between, as in Open Tree's `taxonomy.tsv`: `uid<TAB>|<TAB>parent_uid<TAB>|<TAB>name`.
    ///
    /// A rank is above another where more edges go down from it to that one than the other way. Pairs with spaces between
    /// may have their names in a file `classes.txt` beside them, an id and a name a line, as NABirds has them; what stands in
    /// the pairs is the identity then.
    "edges" => Edges in edges,
    /// One column a rank, such as `species,genus,family`, a path a line. See [`Hierarchy::from_csv_path`].
    "ranks" => Ranks in ranks,
    /// One path a line, from the top down, with ` > `, ` :: `, `|`, `;` or `/` between the names: product taxonomies,
    /// classifiers of packages, lineages of sequences, names of files.
    ///
    /// ```text
    /// # Google_Product_Taxonomy_Version: 2021-09-21
    /// 1 - Animals & Pet Supplies
    /// 3237 - Animals & Pet Supplies > Live Animals
    /// ```
    ///
    /// The path is the identity, and a part of it that has no line of its own is a node too. The separator is the
    /// first of these that half of the lines have. An id stands in front where it does so in nine of ten lines: `3237 - `, `3237<TAB>`,
    /// `gid://shopify/TaxonomyCategory/ap-1 : `, or as a number that is the first name and never the same. `#` begins
    /// comments where the first line is one. A separator before the first name and after the last does not count; names
    /// cannot hold it.
    "paths" => Paths in paths,
    /// One node a line, below the last line that is indented less, by tabs, spaces or dashes. Written by hand, and by Klados:
    /// `klados hierarchy show` and a hierarchy's `to_string` print this. Lists of Markdown are read too, whose names have a
    /// bullet (`-`, `*` or `+`) before them, and what the command `tree` draws.
    ///
    /// ```text
    /// Aves
    /// -- Procellariiformes
    /// ---- Procellariidae
    /// ```
    ///
    /// The first line that is indented says by what, and how far a level is. A line is one level deeper than that before it
    /// at the most. `#` begins comments where the first line is one. The path is the identity; a name that stands at several places is a node at each, with a warning. But
    /// `bat (above)`, as it is printed of a DAG, is the one `bat` above.
    "outline" => Outline in outline,
    /// A node with all of its children a line, the parent first: with tabs between, with a colon after the parent and
    /// spaces or commas after that, or with spaces as NetworkX writes.
    ///
    /// ```text
    /// bird<TAB>crow<TAB>robin
    /// fish: ray shark trout
    /// ```
    ///
    /// Names are the identity. Names with spaces need tabs or commas. `#` begins comments where the first line is one.
    "adjacency" => Adjacency in adjacency,
    /// The WordTree of YOLO9000 (`9k.tree`), as darknet reads it: a name and the number of the parent's line, counted from 0,
    /// or -1.
    ///
    /// ```text
    /// n00002452 -1
    /// n05220461 0
    /// ```
    ///
    /// The first word is the identity. Where a file of the same name that ends in `.names` stands beside it, with as many
    /// lines, it has what people call the nodes, and the first words are ids.
    "wordtree" => Wordtree in wordtree,
    /// The class attribute of hierarchical ARFF, in which Clus and data sets on functions of genes are. No more than the
    /// header is read.
    ///
    /// ```text
    /// @RELATION functions
    /// @ATTRIBUTE class hierarchical 01,01/01,01/03,02
    /// @DATA
    /// ```
    ///
    /// Classes are paths, which are the identity, and the id of those that are listed. Where all are pairs, and a parent of
    /// one is the child of another, they are the edges of a DAG of names: `root/GO0003674,GO0003674/GO0005488`.
    "arff" => Arff in arff,
    /// The labels of SpeciesNet and Wildlife Insights, seven parts a line.
    ///
    /// ```text
    /// 1f689929-883d-4dae-958c-3d57ab5b6c16;;;;;;animal
    /// 330bb1e9-84d6-4e41-afa9-938aee17ea29;mammalia;carnivora;ursidae;ursus;arctos;brown bear
    /// ```
    ///
    /// An id, class, order, family, genus, species and common name. The ranks are kept and their path is the identity, the
    /// first part is the id, the common name a synonym. A species has the name of its genus before its own. Without
    /// ranks the common name is the name; of these `animal`, the kingdom, is above the classes.
    "speciesnet" => Speciesnet in speciesnet,
    /// A folder of folders, as image data sets are kept: `bird/crow/1.jpg`. Folders are nodes, and the path is the identity; the
    /// innermost are the classes, by name within their folder. Files are not read. Folders `train`, `val`, `test` at the top
    /// are parts of the data. What begins with `.` or `@` is passed over.
    "directory" => Directory in directory,
    /// JSON with children inside their parents, as d3 draws it, or with names as keys, or both; a list of trees too.
    ///
    /// ```text
    /// {"name": "animal", "children": [{"name": "bird", "children": ["crow", "robin"]}, {"name": "bat"}]}
    /// {"animal": {"bird": ["crow", "robin"], "bat": null}}
    /// ```
    ///
    /// A node's name is `name`, `label` or `title`, its children are in `children`, `subcategories`, `Subcategory`,
    /// `categories`, `nodes` or `items`; `rank` and `synonyms` are kept, other keys are not. Where all nodes below the top
    /// have an `id` (Open Images: `LabelName`), that is the identity, and a node that stands at several places has several
    /// parents. Else the path is: the same name elsewhere is another node, and a warning says so. A leaf in an
    /// object is null, `""`, a number, `[]` or `{}`; the numbers are not kept. `Part` of Open Images is not read, with a
    /// warning.
    "nested" => Nested in nested,
    /// JSON with a list of nodes (or an object of them, by id) that each list the ids of their children, as AudioSet's
    /// ontology. The id is the identity; classes are in the order of the list. `restrictions` and other keys are not
    /// kept.
    ///
    /// ```text
    /// [{"id": "/m/0dgw9r", "name": "Human sounds", "child_ids": ["/m/09l8g"]}, {"id": "/m/09l8g", "name": "Human voice"}]
    /// ```
    "child_ids" => ChildIds in child_ids,
    /// JSON of a graph: `nodes` and `links` (or `edges`), as NetworkX's `node_link_data` writes it and d3's force layout
    /// reads it; `adjacency` instead, with the neighbours of each node, as its `adjacency_data`; or both in `elements`, as
    /// Cytoscape has them.
    ///
    /// ```text
    /// {"directed": true, "nodes": [{"id": 1, "name": "bird"}, {"id": 2, "name": "crow"}], "links": [{"source": 1, "target": 2}]}
    /// {"directed": true, "nodes": [{"id": "bird"}, {"id": "crow"}], "adjacency": [[{"id": "crow"}], []]}
    /// {"elements": {"nodes": [{"data": {"id": "bird"}}, {"data": {"id": "crow"}}], "edges": [{"data": {"source": "bird", "target": "crow"}}]}}
    /// ```
    ///
    /// The `id` is the identity; where no node has one, `source` and `target` count nodes from 0 and the name is. The source
    /// of a link is the parent, unless there are fewer targets than sources: then the target is, with a warning.
    /// `parent_column` says `source` or `target` instead, or any other key that holds the parent, with `child_column`.
    /// Neighbours in a graph without directions are there from both ends; the edge goes from the node that is first.
    /// `rank` is kept, other keys are not.
    "node_link" => NodeLink in node_link,
    /// The `categories` of COCO's and iNaturalist's annotations: the whole file, of which nothing else is kept, or the list
    /// alone.
    ///
    /// ```text
    /// {"images": [], "categories": [{"id": 16, "name": "bird", "supercategory": "animal"}]}
    /// [{"id": 0, "name": "Bufo bufo", "family": "Bufonidae", "genus": "Bufo", "common_name": "Common Toad"}]
    /// ```
    ///
    /// Classes are in the order of their ids, or in that of the list where ids are missing or no numbers. With `kingdom`,
    /// `phylum`, `family` or `genus` in some of them these keys, `class` and `order` are ranks above the species `name`, and
    /// `supercategory` is not read. Without, `supercategory` names the parent, a category too where one is so named; `none`,
    /// and the category's own name, are no parent. `common_name` and `synonyms` are kept as synonyms.
    "categories" => Categories in categories,
    /// TOML with tables inside tables, as the categories of crates.io, or with lists of leaves.
    ///
    /// ```text
    /// [science]
    /// name = "Science"
    /// [science.categories.robotics]
    /// name = "Robotics"
    /// ```
    ///
    /// Keys are names, unless the table has a `name`: then the id is the path of keys, `science::robotics`, which is the
    /// identity. Everything else is as in [`nested`](Self::Nested), in the order of the text. Tables nest no deeper than 80.
    "toml" => Toml in toml,
    /// The tabular list of ICD-10-CM in XML: chapters, sections and diagnoses. The code is the identity, `desc` is the
    /// name, and inclusion terms are synonyms. Chapters, sections and the categories in them have their rank; notes, what
    /// is excluded, and the codes with a seventh character are not kept.
    "icd10cm" => Icd10cm in icd10cm,
    /// OBO 1.2 and 1.4, in which the OBO Foundry and the Gene Ontology publish ontologies: a stanza a term.
    ///
    /// ```text
    /// [Term]
    /// id: CL:0000540
    /// name: neuron
    /// synonym: "nerve cell" EXACT []
    /// is_a: CL:0000393 ! electrically responsive cell
    /// ```
    ///
    /// The id is the identity. `is_a` leads to the parents, and of `relationship` what is
    /// [asked for](ReadOptions::relationships), such as `part_of`. A parent that is not in the file, as of an ontology that
    /// it imports, is a node with its id as the name, and a warning lists these. Synonyms are kept where they are exact or
    /// related; broader and narrower ones name other things. Obsolete terms are left out. `alt_id` and the ids of
    /// obsolete terms lead to the terms that [took their place](Hierarchy::alternative_ids). Relationships and
    /// individuals, definitions and cross references are passed over.
    "obo" => Obo in obo,
    /// Newick, the trees of phylogenetics, as all programs there write them.
    ///
    /// ```text
    /// ((Corvus_corax:2.5,Corvus_corone:2.5)Corvus:10,'Erithacus rubecula')Passeriformes;
    /// ```
    ///
    /// The path is the identity. Names are kept as they are written: an underscore stays one, as it does in ape, ETE and
    /// Biopython, though Newick takes it for a blank. An inner node without a name is named by the leaves that it is the
    /// nearest common ancestor of, `a & b`: of the first leaves by name below each of its children the first two, so that it
    /// is found again whatever the order of the children; with one child it is left out. Numbers that label inner nodes
    /// are taken for the support of their branches where leaves have words for names. Branch lengths and comments are
    /// passed over. Of several trees the first is read, with a warning.
    "newick" => Newick in newick,
    /// NEXUS, the blocks in which PAUP, MrBayes and BEAST keep trees; it begins with `#NEXUS`.
    ///
    /// ```text
    /// #NEXUS
    /// BEGIN TREES;
    ///   TRANSLATE 1 Corvus_corax, 2 Corvus_corone;
    ///   TREE crows = [&R] (1,2)Corvus;
    /// END;
    /// ```
    ///
    /// Of the trees the first is read, or one that a star marks; what names mean in it, TRANSLATE says, or the place in
    /// TAXLABELS. All else is as in [`newick`](Self::Newick). Other blocks are passed over.
    "nexus" => Nexus in nexus,
    /// NCBI's taxonomy as `taxdump` has it: a folder with `nodes.dmp`, and `names.dmp` and `merged.dmp` where they are there; or
    /// the file `nodes.dmp` with these beside it.
    ///
    /// ```text
    /// 9606    |       9605    |       species |
    /// ```
    ///
    /// The id is the identity and the scientific name the name; synonyms, equivalent names, acronyms and common names are
    /// synonyms. Ids that were merged into another lead to it. Ranks are kept, in NCBI's order; `clade` and `no rank` are
    /// none, as they stand at any height. The root is its own parent.
    "ncbi" => Ncbi in ncbi,
    /// WordNet 3.0: `data.noun` (or `data.verb`), or the folder that has it; or a list of synsets over it, as the classes of
    /// ImageNet are published.
    ///
    /// ```text
    /// n01440764
    /// n01443537
    /// ```
    ///
    /// The id is the type and offset of a synset, the first word the name and the others synonyms. Hypernyms are parents.
    /// Synsets that are but instances, such as cities, are left out where nothing is below them, unless their pointer `@i` is among the
    /// [relationships](ReadOptions::relationships), where symbols of other pointers may be too, such as `#p`, "part of".
    /// A list takes its synsets, which are the classes in its order, and all that is above them, with `data.noun` beside it or
    /// [elsewhere](ReadOptions::wordnet); names after the ids are not read.
    "wordnet" => Wordnet in wordnet,
    /// The JSON that Klados writes itself, with the order of classes and columns.
    "klados" => Klados in klados,
}

impl FromStr for Format {
    type Err = HierarchyError;

    fn from_str(name: &str) -> Result<Self, HierarchyError> {
        Self::ALL.iter().copied().find(|format| format.name() == name).ok_or_else(|| {
            let message = format!("unknown format \"{name}\"; the formats are {}", list(Self::NAMES, usize::MAX));
            HierarchyError::new(Kind::UnknownName, message)
        })
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Hierarchy {
    /// Reads a hierarchy from a file or folder in any of the [formats](Format).
    ///
    /// # Errors
    ///
    /// With file and line: the first thing that is wrong; a format that cannot be told from the content
    /// ([`UnknownFormat`](Kind::UnknownFormat)), with those that it may be; a file of a kind that is not read, such as
    /// YAML or a spreadsheet, with its name and what to do; more than the
    /// [limits](ReadOptions::limits) allow.
    ///
    /// ```no_run
    /// use klados::{Hierarchy, format::ReadOptions};
    ///
    /// let hierarchy = Hierarchy::from_path("birds.csv", &ReadOptions::new())?;
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    pub fn from_path(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Self, HierarchyError> {
        let path = path.as_ref();
        let read = || hierarchy(&Input::open(path, &options.limits)?, options);
        read().map(|hierarchy| hierarchy.in_file(path)).map_err(|error| error.in_file(path))
    }

    /// Reads a hierarchy from what a file would hold; see [`from_path`](Self::from_path).
    ///
    /// # Errors
    ///
    /// As [`from_path`](Self::from_path), without the file.
    ///
    /// ```
    /// use klados::{Hierarchy, format::ReadOptions};
    ///
    /// let hierarchy = Hierarchy::from_bytes(b"child,parent\ncrow,bird\nbat,mammal\n", &ReadOptions::new())?;
    /// assert_eq!(hierarchy.class_names().collect::<Vec<_>>(), ["crow", "bat"]);
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    pub fn from_bytes(bytes: &[u8], options: &ReadOptions) -> Result<Self, HierarchyError> {
        Self::from_reader(bytes, options)
    }

    /// Reads a hierarchy from what a file would hold; see [`from_path`](Self::from_path).
    ///
    /// # Errors
    ///
    /// As [`from_path`](Self::from_path), without the file.
    pub fn from_reader(reader: impl Read, options: &ReadOptions) -> Result<Self, HierarchyError> {
        hierarchy(&Input::from_reader(reader, &options.limits)?, options)
    }
}

fn hierarchy(input: &Input, options: &ReadOptions) -> Result<Hierarchy, HierarchyError> {
    match guess::guess(input, options)? {
        // It knows the order of its classes and columns.
        Format::Klados => klados::hierarchy(input),
        format => draft(input, format, options).build(),
    }
}

/// What the input says. An error that ended the reading is the last of the draft's problems.
fn draft(input: &Input, format: Format, options: &ReadOptions) -> Draft {
    let mut draft = Draft::with_limits(options.limits.clone());
    if let Err(error) = (ENTRIES[format as usize].read)(input, options, &mut draft) {
        draft.record(error);
    }
    draft.at_line(None);
    if options.format.is_none() && STRUCTURED.contains(&format) {
        warn_if_flat(&mut draft, format);
    }
    draft
}

/// Formats whose texts hold much else beside edges, so that without any the guess may be wrong.
const STRUCTURED: [Format; 7] = [
    Format::Nested,
    Format::ChildIds,
    Format::NodeLink,
    Format::Categories,
    Format::Toml,
    Format::Icd10cm,
    Format::Obo,
];

fn warn_if_flat(draft: &mut Draft, format: Format) {
    let nodes = draft.node_count();
    if nodes > 1 && draft.edges().len() == 0 && draft.problems().is_empty() {
        draft.warn(format!(
            "the hierarchy is flat: none of its {nodes} nodes has a parent; it was read as \"{format}\", and may say in \
             another way what is above what"
        ));
    }
}

impl Draft {
    /// Reads what a file or folder says, and in which format, with all problems that are found.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or a format that cannot be told. All else is among the [problems](Self::problems).
    ///
    /// ```
    /// use klados::format::{Draft, Format, ReadOptions};
    ///
    /// let text = "child,parent\ncrow,crow\nrobin,bird\n,bird\n";
    /// let (draft, format) = Draft::from_bytes(text.as_bytes(), &ReadOptions::new())?;
    /// assert_eq!(format, Format::Edges);
    /// let problems: Vec<String> = draft.problems().iter().map(ToString::to_string).collect();
    /// assert_eq!(problems, ["line 2: \"crow\" is given as its own parent", "line 4: empty name"]);
    /// # Ok::<(), klados::HierarchyError>(())
    /// ```
    pub fn from_path(path: impl AsRef<Path>, options: &ReadOptions) -> Result<(Self, Format), HierarchyError> {
        let path = path.as_ref();
        let read = || {
            let input = Input::open(path, &options.limits)?;
            let format = guess::guess(&input, options)?;
            Ok((draft(&input, format, options), format))
        };
        let (draft, format) = read().map_err(|error: HierarchyError| error.in_file(path))?;
        Ok((draft.in_file(path), format))
    }

    /// As [`from_path`](Self::from_path), of what a file would hold.
    ///
    /// # Errors
    ///
    /// As [`from_path`](Self::from_path).
    pub fn from_bytes(bytes: &[u8], options: &ReadOptions) -> Result<(Self, Format), HierarchyError> {
        let input = Input::from_reader(bytes, &options.limits)?;
        let format = guess::guess(&input, options)?;
        Ok((draft(&input, format, options), format))
    }
}
