//! The formats in JSON.

use klados::format::{Draft, Format, Limits, ReadOptions};
use klados::{Hierarchy, HierarchyError, HierarchyErrorKind as Kind, NodeId};

use crate::data::real;
use crate::reading::{fixture, guess, problems, read_as};

fn read(text: &str) -> Result<Hierarchy, HierarchyError> {
    Hierarchy::from_bytes(text.as_bytes(), &ReadOptions::new())
}

fn warnings(hierarchy: &Hierarchy) -> Vec<String> {
    hierarchy.warnings().iter().map(|warning| warning.message.clone()).collect()
}

const BIRDS: &str = "animal\n  bird\n    crow\n    robin\n  bat\n";

#[test]
fn children_inside_their_parents_in_all_spellings() {
    assert_eq!(fixture("nested/d3.json").to_string(), BIRDS);
    for text in [
        r#"{"name":"animal","children":[{"name":"bird","children":["crow","robin"]},"bat"]}"#,
        r#"{"children":[{"children":[{"name":"crow"},{"name":"robin"}],"name":"bird"},{"name":"bat"}],"name":"animal"}"#,
        r#"{"title":"animal","nodes":[{"label":"bird","items":[{"title":"crow"},{"name":"robin"}]},{"name":"bat","children":null}]}"#,
        r#"{"name":"animal","children":{"bird":{"crow":{},"robin":[]},"bat":""}}"#,
        r#"{"animal":{"bird":["crow","robin"],"bat":null}}"#,
        r#"{"animal":[{"bird":["crow","robin"]},"bat"]}"#,
        r#"[{"animal":[{"bird":{"crow":12,"robin":7}},{"bat":{}}]}]"#,
        r#"{"children":[{"name":"animal","data":{"children":["no"],"x":[1]},"subcategories":[{"name":"bird","children":["crow","robin"]},"bat"]}]}"#,
    ] {
        let hierarchy = read(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!((hierarchy.to_string().as_str(), hierarchy.has_ids()), (BIRDS, false), "{text}");
        assert!(hierarchy.warnings().is_empty(), "{text}: {:?}", hierarchy.warnings());
        assert_eq!(guess(text), Some(Format::Nested));
    }
}

#[test]
fn several_trees_and_keys_that_are_names() {
    assert_eq!(
        fixture("nested/names-as-keys.json").to_string(),
        "animal\n  bird\n    crow\n    robin\n  bat\n  fish\n    cod\n    pike\nplant\n  oak\n  flower\n    rose\n"
    );
    // Names that are keys elsewhere.
    let people = read(r#"{"people":{"children":["boy","girl"],"name":["Ann"]},"items":{"title":null}}"#).unwrap();
    assert_eq!(people.to_string(), "people\n  children\n    boy\n    girl\n  name\n    Ann\nitems\n  title\n");
    // Keys with names are ids.
    let keyed = read(r#"{"n1":{"name":"bird","children":{"n2":{"name":"crow"},"n3":{"name":"robin"}}}}"#).unwrap();
    assert_eq!(keyed.path(keyed.node("n3").unwrap()), "bird > robin");
}

#[test]
fn ids_are_the_identity_where_all_have_one() {
    let hierarchy = fixture("nested/ids-and-ranks.json");
    assert_eq!(hierarchy.to_string(), "Animalia\n  Corvus\n    Corvus corax\n  Iris\nPlantae\n  Iris\n");
    let raven = hierarchy.node("5").unwrap();
    assert_eq!((hierarchy.name(raven), hierarchy.rank(raven)), ("Corvus corax", Some("species")));
    assert_eq!(hierarchy.synonyms(raven).collect::<Vec<_>>(), ["raven", "common raven"]);
    assert_eq!(hierarchy.rank_names(), ["kingdom", "genus", "species"]);
    assert_eq!(hierarchy.node("Iris").unwrap_err().kind(), Kind::AmbiguousName);
    // A root without an id leaves the rule as it is.
    let text = r#"{"name":"all","children":[{"id":"a","children":[{"id":"c"}]},{"id":"b","children":[{"id":"c"}]}]}"#;
    let shared = read(text).unwrap();
    assert_eq!((shared.class_count(), shared.parents(shared.node("c").unwrap()).len()), (1, 2));
    // One node without an id, and the path is the identity.
    let error = read(&text.replace(r#"{"id":"a""#, r#"{"name":"a""#)).unwrap_err();
    assert_eq!(error.to_string(), "line 1: the id \"c\" of \"c\" is that of \"c\" already");
    let renamed = read(r#"[{"id":1,"name":"x","children":[{"id":2,"name":"y"},{"id":2,"name":"z"}]}]"#).unwrap();
    assert_eq!(warnings(&renamed)[0], "\"y [2]\" is named \"z\" here, which is taken");
}

#[test]
fn open_images_repeats_a_class_at_each_of_its_places() {
    let hierarchy = fixture("nested/openimages.json");
    assert_eq!((hierarchy.node_count(), hierarchy.class_count(), hierarchy.is_tree()), (6, 3, false));
    let bat = hierarchy.node("/m/bat").unwrap();
    let parents: Vec<&str> = hierarchy.parents(bat).iter().map(|parent| hierarchy.name(*parent)).collect();
    assert_eq!(parents, ["/m/animal", "/m/flying"]);
    assert_eq!(warnings(&hierarchy), ["2 entries of \"Part\" are not read: parts are no subclasses"]);
}

#[test]
fn the_same_name_elsewhere_is_another_node_and_a_warning() {
    let text = r#"{"animal":{"bird":["other","crow"],"fish":["other"]},"plant":["other"]}"#;
    let hierarchy = read(text).unwrap();
    assert_eq!((hierarchy.class_count(), hierarchy.is_tree()), (4, true));
    assert_eq!(
        warnings(&hierarchy),
        [
            "1 names stand at several places, and are a node at each: \"other\"; an \"id\" would make them one node with \
          several parents"
        ]
    );
}

#[test]
fn problems_of_nested_json_have_their_line() {
    let found = |text: &str| problems(Format::Nested, text);
    assert_eq!(found("{\"a\":{\"b\":1,\n\"b\":2}}"), ["line 2: \"b\" is there already, in line 1"]);
    assert_eq!(found("{\"a\":[\"b\",\n\n\"b\"]}"), ["line 3: \"b\" is there already, in line 1"]);
    assert_eq!(
        found("{\"a\":[\"b\",\n[\"c\"],\nnull,true,\"\"],\n\"d\":\"e\",\"f\":false}"),
        [
            "line 2: \"a\" has a list in a list; expected a name or an object",
            "line 3: \"a\" has null in a list; expected a name or an object",
            "line 3: \"a\" has true or false in a list; expected a name or an object",
            "line 4: there is the text \"e\" under \"d\"; expected what is below it",
            "line 4: there is true or false under \"f\"; expected what is below it",
            "line 3: empty name",
        ]
    );
    assert_eq!(
        found(
            "{\"name\":\"a\",\"children\":[\n{\"value\":1},\n{\"name\":\"b\",\"name\":\"c\"},{\"name\":\"d\",\"children\":\"e\"}]}"
        ),
        [
            "line 3: the key \"name\" is there twice, the second time with \"c\"",
            "line 2: \"a\" has an object without \"name\" and \"id\" in a list; expected an object with \"name\" or \"id\"",
            "line 3: \"d\" has the text \"e\" under \"children\"; expected a list",
        ]
    );
    assert_eq!(
        found("{\"name\":\"a\",\"synonyms\":[\"b\",1],\"children\":[\"c\"]}"),
        ["line 1: \"a\" has the number 1 among the synonyms; expected texts"]
    );
    assert_eq!(found("{\"name\":\"a\",\n\"children\":[\"b\""), ["line 2: this is no valid JSON: it ends too early"]);
    let draft = Draft::from_bytes(b"[{\"a\":[\"b\",\n{\"c\":}", &ReadOptions::new().format(Format::Nested)).unwrap().0;
    assert_eq!((draft.node_count(), draft.problems()[0].location().line), (2, Some(2)));
}

/// The limit of values counts those that are kept: what a node says beside its name and its children is not, wherever
/// the name stands, and names under keys are.
#[test]
fn what_is_passed_over_takes_no_memory() {
    let mut options = ReadOptions::new();
    options.limits.edges = 20;
    let numbers = "1,".repeat(1000) + "1";
    for text in [
        format!(r#"{{"name":"bird","sizes":[{numbers}],"children":[{{"sizes":{{"a":[{numbers}]}},"id":"crow"}}]}}"#),
        format!(r#"[{{"data":[{{"x":[{{}},{{"name":"no"}}]}},{numbers}],"children":["crow"],"title":"bird"}}]"#),
        format!(r#"{{"children":{{"bird":{{"name":"bird","x":{{"y":[{numbers}]}},"children":["crow"]}}}}}}"#),
    ] {
        let hierarchy = Hierarchy::from_bytes(text.as_bytes(), &options.clone().format(Format::Nested)).unwrap();
        assert_eq!(hierarchy.to_string(), "bird\n  crow\n", "{text}");
    }
    let names: Vec<String> = (0..1000).map(|name| name.to_string()).collect();
    let names = format!(r#"{{"bird":[{}]}}"#, names.join(","));
    let error = Hierarchy::from_bytes(names.as_bytes(), &options.format(Format::Nested)).unwrap_err();
    assert_eq!(error.to_string(), "line 1: more than 20 values, the limit");
}

#[test]
fn a_guess_without_any_edge_is_a_warning() {
    let flat = r#"{"nodes":[{"id":"bird"},{"id":"crow"}],"links":[]}"#;
    assert_eq!(
        warnings(&read(flat).unwrap()),
        [
            "the hierarchy is flat: none of its 2 nodes has a parent; it was read as \"node_link\", and may say in another \
             way what is above what"
        ]
    );
    assert!(read_as(Format::NodeLink, flat).unwrap().warnings().is_empty());
}

#[test]
fn ontologies_list_the_ids_of_children() {
    let hierarchy = fixture("child_ids/audioset.json");
    // In the order of the list, in which the second is a child of the third.
    assert_eq!(hierarchy.class_names().collect::<Vec<_>>(), ["Male singing", "Cheering"]);
    let singing = hierarchy.node("/t/dd00003").unwrap();
    let parents: Vec<&str> = hierarchy.parents(singing).iter().map(|parent| hierarchy.name(*parent)).collect();
    assert_eq!(parents, ["Human sounds", "Human voice"]);
    let by_id = fixture("child_ids/by-id.json");
    assert_eq!(by_id.to_string(), "sounds\n  Human voice\n  Bell\n");
    assert_eq!(by_id.name(by_id.node("bell").unwrap()), "Bell");
}

#[test]
fn problems_of_child_ids_have_their_line() {
    let found = |text: &str| problems(Format::ChildIds, text);
    assert_eq!(
        found("[{\"id\":1,\"child_ids\":[2,\n[3],null]},\n{\"id\":1},\n{\"name\":\"x\"},\n7]"),
        [
            "line 2: a child is a list; expected a text or a number",
            "line 3: \"1\" is there already, in line 1",
            "line 4: a node without \"id\"",
            "line 5: a node is the number 7; expected an object",
        ]
    );
    let error = read("[{\"id\":1,\"child_ids\":[\n2]}]").unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (Kind::MissingNode, "line 2: \"2\" is mentioned here and is nowhere declared")
    );
    let circle = read(r#"[{"id":1,"child_ids":[2]},{"id":2,"child_ids":[1]}]"#).unwrap_err();
    assert_eq!(circle.kind(), Kind::Cycle);
    assert_eq!(found("7"), ["line 1: the text is the number 7; expected a list of nodes"]);
    assert_eq!(found("{\"a\":3}"), ["line 1: the node \"a\" is the number 3; expected an object"]);
}

#[test]
fn graphs_of_networkx_and_d3() {
    assert_eq!(fixture("node_link/networkx.json").to_string(), BIRDS);
    let d3 = fixture("node_link/d3.json");
    assert_eq!((d3.to_string().as_str(), d3.has_ids()), ("bird\n  crow\n  robin\n", false));
    let upward = fixture("node_link/upward.json");
    assert_eq!(upward.to_string(), "bird\n  crow\n  robin\n");
    assert_eq!((upward.name(NodeId::ROOT), upward.id(NodeId::ROOT)), ("bird", Some("2")));
    assert_eq!(upward.rank(upward.node("7").unwrap()), Some("species"));
    assert_eq!(warnings(&upward), ["the target of a link is taken to be the parent, as there are fewer of them"]);
}

#[test]
fn the_direction_of_links_can_be_said() {
    // A chain shows none.
    let text = r#"{"nodes":[{"id":"a"},{"id":"b"}],"links":[{"source":"a","target":"b"}]}"#;
    let root = |options: &ReadOptions| {
        let hierarchy = Hierarchy::from_bytes(text.as_bytes(), options).unwrap();
        hierarchy.name(NodeId::ROOT).to_owned()
    };
    let mut options = ReadOptions::new().format(Format::NodeLink);
    assert_eq!(root(&options), "a");
    options.parent_column = Some("target".to_owned());
    assert_eq!(root(&options), "b");
    (options.parent_column, options.child_column) = (None, Some("source".to_owned()));
    assert_eq!(root(&options), "b");
    let other = r#"{"nodes":[{"id":"a"},{"id":"b"}],"links":[{"sub":"a","obj":"b"}]}"#;
    (options.parent_column, options.child_column) = (Some("obj".to_owned()), Some("sub".to_owned()));
    let hierarchy = Hierarchy::from_bytes(other.as_bytes(), &options).unwrap();
    assert_eq!(hierarchy.name(NodeId::ROOT), "b");
    let undirected = read(&text.replace("{\"nodes", "{\"directed\":false,\"nodes")).unwrap();
    assert_eq!(warnings(&undirected), ["the graph is not directed; its links are read as if it were"]);
}

#[test]
fn problems_of_graphs_have_their_line() {
    let found = |text: &str| problems(Format::NodeLink, text);
    assert_eq!(
        found("{\"nodes\":[{\"id\":1},\n{\"id\":[1,2]},\n{\"id\":1}],\n\"links\":[{\"source\":1}]}"),
        [
            "line 2: the id is a list; expected a text or a number",
            "line 2: a node without \"id\" and \"name\"",
            "line 3: \"1\" is there already, in line 1",
            "line 4: a link without \"source\" or \"target\"",
            "line 2: a node without \"id\"; others have one",
        ]
    );
    assert_eq!(
        found("{\"nodes\":[{\"name\":\"a\"}],\"links\":[\n{\"source\":0,\"target\":1}]}"),
        ["line 2: there is no node 1; expected a place in the list of 1"]
    );
    assert_eq!(
        found("{\"nodes\":{},\"edges\":3}"),
        ["line 1: \"nodes\" is an object; expected a list", "line 1: \"edges\" is the number 3; expected a list"]
    );
    assert_eq!(found("[]"), ["line 1: the text is a list; expected an object with \"nodes\" and \"links\""]);
    let missing = read(r#"{"nodes":[{"id":"a"}],"links":[{"source":"a","target":"b"}]}"#).unwrap_err();
    assert_eq!(missing.kind(), Kind::MissingNode);
}

#[test]
fn categories_of_coco_are_in_the_order_of_their_ids() {
    let hierarchy = fixture("categories/coco.json");
    assert_eq!(hierarchy.class_names().collect::<Vec<_>>(), ["person", "bicycle", "bird", "cat"]);
    // What is its own supercategory is at the top, and its name stays unique.
    assert_eq!(hierarchy.to_string(), "person\nvehicle\n  bicycle\nanimal\n  bird\n  cat\n");
    assert_eq!(hierarchy.node("17").unwrap(), hierarchy.node("cat").unwrap());
    let listed = read(r#"[{"name":"b","supercategory":"x"},{"name":"a","supercategory":"x"}]"#).unwrap();
    assert_eq!((listed.class_names().collect::<Vec<_>>(), listed.has_ids()), (vec!["b", "a"], false));
}

#[test]
fn categories_may_be_supercategories() {
    let hierarchy = fixture("categories/roboflow.json");
    assert_eq!(hierarchy.to_string(), "animals\n  cat\n  dog\n");
    assert_eq!(warnings(&hierarchy), ["1 categories are the supercategory of others, and no classes: \"animals\""]);
    let synonyms = read_as(
        Format::Categories,
        r#"{"categories":[{"id":1,"name":"cup","synonyms":["mug"]},{"id":2,"name":"hat"}]}"#,
    );
    let synonyms = synonyms.unwrap();
    assert_eq!(synonyms.synonyms(synonyms.node("cup").unwrap()).collect::<Vec<_>>(), ["mug"]);
}

#[test]
fn categories_of_inaturalist_have_ranks() {
    let hierarchy = fixture("categories/inaturalist.json");
    assert_eq!(hierarchy.class_names().collect::<Vec<_>>(), ["Iris germanica", "Iris oratoria"]);
    let mantis = hierarchy.node("1").unwrap();
    assert_eq!(
        hierarchy.path(mantis),
        "Animalia > Arthropoda > Insecta > Mantodea > Eremiaphilidae > Iris > Iris oratoria"
    );
    assert_eq!(hierarchy.synonyms(mantis).collect::<Vec<_>>(), ["Mediterranean Mantis"]);
    assert_eq!(hierarchy.rank_names(), ["kingdom", "phylum", "class", "order", "family", "genus", "species"]);
    assert_eq!(hierarchy.rank(hierarchy.node("Iridaceae").unwrap()), Some("family"));
    assert_eq!(hierarchy.node("Iris").unwrap_err().kind(), Kind::AmbiguousName);
}

#[test]
fn problems_of_categories_have_their_line() {
    let found = |text: &str| problems(Format::Categories, text);
    assert_eq!(
        found("{\"categories\":[{\"id\":1,\"name\":\"a\"},\n{\"id\":1,\"name\":\"b\"},\n{\"id\":2}]}"),
        ["line 3: a category without \"name\"", "line 2: \"a [1]\" is there already, in line 1"]
    );
    assert_eq!(found("[{\"name\":\"a\"},\n{\"name\":\"a\"}]"), ["line 2: the category \"a\" is there already"]);
    assert_eq!(
        found("[{\"name\":\"a\",\"genus\":\"g\"},\n{\"name\":\"a\",\"genus\":\"g\"}]"),
        ["line 2: the category \"a\" is there already"]
    );
    assert_eq!(found("{\"categories\":null}"), ["line 1: \"categories\" is null; expected a list"]);
    assert_eq!(found("{\"info\":1}").len(), 0);
    assert_eq!(read_as(Format::Categories, "{\"info\":1}").unwrap_err().kind(), Kind::Empty);
}

#[test]
fn formats_in_json_are_told_by_their_keys() {
    let filler = "{\"file_name\":\"1.jpg\"},".repeat(5000);
    for (text, format) in [
        (
            format!("{{\"images\":[{filler}{{}}],\"categories\":[{{\"id\":1,\"name\":\"a\"}}]}}"),
            Some(Format::Categories),
        ),
        (
            format!("{{\"nodes\":[{}{{\"id\":0}}],\"links\":[]}}", filler.replace("file_name", "id")),
            Some(Format::NodeLink),
        ),
        ("{\"links\":[{\"source\":1,\"target\":2}],\"nodes\":[]}".to_owned(), Some(Format::NodeLink)),
        ("{\"nodes\":[{\"name\":\"a\",\"nodes\":[{\"name\":\"b\"}]}]}".to_owned(), Some(Format::Nested)),
        ("{\"categories\":[{\"name\":\"a\",\"children\":[\"b\"]}]}".to_owned(), Some(Format::Nested)),
        ("{\"categories\":[{\"name\":\"a\"}]}".to_owned(), Some(Format::Categories)),
        ("{\"x\":{\"child_ids\":[]}}".to_owned(), Some(Format::ChildIds)),
        ("{\"nodes\":[\"a\",\"b\"],\"edges\":[[0,1]],\"classes\":[1]}".to_owned(), Some(Format::Klados)),
        // Not hierarchies: a table, a model's labels, a configuration, measurements.
        ("[{\"name\":\"a\"},{\"name\":\"b\"}]".to_owned(), None),
        ("{\"0\":[\"n01440764\",\"tench\"],\"1\":[\"n01443537\",\"goldfish\"]}".to_owned(), None),
        ("{\"0\":\"tench\",\"1\":\"goldfish\"}".to_owned(), None),
        ("{\"model\":\"vit\",\"layers\":[1,2]}".to_owned(), None),
        ("{\"loss\":[0.5,0.25],\"accuracy\":[0.75]}".to_owned(), None),
        ("{\"crow\":0,\"robin\":1}".to_owned(), None),
        ("[1,2]".to_owned(), None),
        ("{}".to_owned(), None),
    ] {
        assert_eq!(guess(&text), format, "{}", &text[..text.len().min(80)]);
    }
}

#[test]
fn hostile_json_is_refused_in_words() {
    let depth = 1_000_000;
    for format in [Format::Nested, Format::ChildIds, Format::NodeLink, Format::Categories] {
        for text in ["[".repeat(depth), "{\"children\":".repeat(depth), "{\"nodes\":[{\"x\":".repeat(depth)] {
            let error = read_as(format, &text).unwrap_err();
            assert!(matches!(error.kind(), Kind::TooLarge | Kind::Format), "{format}: {error}");
        }
        let error = read_as(format, "[{\"name\":\"a\u{0}\"}]").unwrap_err();
        assert_eq!(error.location().line, Some(1), "{error}");
        let latin1 = b"[{\"name\":\n\"b\xe4r\"}]";
        let error = Hierarchy::from_bytes(latin1, &ReadOptions::new().format(format)).unwrap_err();
        assert_eq!((error.kind(), error.location().line), (Kind::Encoding, Some(2)));
    }
    let error = read(&format!("{{\"a\":{}1{}}}", "[".repeat(3000), "]".repeat(3000))).unwrap_err();
    assert_eq!(error.kind(), Kind::TooLarge);
    let error = read_as(Format::Nested, "{\"a\":[\"b\"]} x").unwrap_err();
    assert_eq!(error.kind(), Kind::Format);
}

/// Trees as deep as the limit are read: each level of d3's JSON is two brackets.
#[test]
fn json_nests_no_deeper_than_the_limit() {
    let tree = |levels: usize| {
        let up: String = (0..levels).map(|level| format!("{{\"name\":\"n{level}\",\"children\":[")).collect();
        format!("{up}\"end\"{}", "]}".repeat(levels))
    };
    let hierarchy = read(&tree(512)).unwrap();
    assert_eq!((hierarchy.node_count(), hierarchy.height(NodeId::ROOT)), (513, 512));
    let error = read(&tree(513)).unwrap_err();
    assert_eq!(error.to_string(), "line 1: more than 1024 brackets inside each other, the limit");
    let mut options = ReadOptions::new();
    options.limits = Limits::default();
    options.limits.nesting = 100_000;
    assert_eq!(Hierarchy::from_bytes(tree(50_000).as_bytes(), &options).unwrap().node_count(), 50_001);
}

/// The numbers are those of the edge list beside the file, and of the table in the README of the data.
#[test]
fn the_original_of_open_images_is_read() {
    let Some(path) = real("openimages-600/bbox_labels_600_hierarchy.json") else { return };
    let (draft, format) = Draft::from_path(&path, &ReadOptions::new()).unwrap();
    assert_eq!((format, draft.problems().len()), (Format::Nested, 0));
    let hierarchy = draft.build().unwrap();
    assert_eq!((hierarchy.node_count(), hierarchy.class_count(), hierarchy.height(NodeId::ROOT)), (602, 525, 5));
    assert!(!hierarchy.root_is_added());
    let shared = hierarchy.nodes().filter(|node| hierarchy.parents(*node).len() > 1).count();
    assert_eq!(shared, 45); // counted in the edge list
    let edges = Hierarchy::from_path(path.with_file_name("openimages-600.edges.csv"), &ReadOptions::new()).unwrap();
    for node in edges.nodes() {
        let ids = |of: &Hierarchy, nodes: &[NodeId]| {
            let mut ids: Vec<String> = nodes.iter().map(|node| of.name(*node).to_owned()).collect();
            ids.sort_unstable();
            ids
        };
        let here = hierarchy.node(edges.name(node)).unwrap();
        assert_eq!(ids(&hierarchy, hierarchy.parents(here)), ids(&edges, edges.parents(node)));
    }
    // Those in the text below "Subcategory", by a count of the keys.
    assert!(warnings(&hierarchy).contains(&"39 entries of \"Part\" are not read: parts are no subclasses".to_owned()));
}

#[test]
fn ranks_of_json_are_in_the_order_that_the_edges_show() {
    let links = r#"{"nodes": [{"id": "crow", "rank": "species"}, {"id": "Corvus", "rank": "genus"},
        {"id": "Corvidae", "rank": "family"}, {"id": "Pica", "rank": "genus"}],
        "links": [{"source": "Corvus", "target": "crow"}, {"source": "Corvidae", "target": "Corvus"},
        {"source": "Corvidae", "target": "Pica"}]}"#;
    assert_eq!(read(links).unwrap().rank_names(), ["family", "genus", "species"]);
    let ragged = r#"{"name": "life", "children": [{"name": "moss", "rank": "species"},
        {"name": "Iris", "rank": "genus", "children": [{"name": "setosa", "rank": "species"}]}]}"#;
    assert_eq!(read(ragged).unwrap().rank_names(), ["genus", "species"]);
}
