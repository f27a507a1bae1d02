//! JSON of graphs: the neighbours of each node, and the elements of Cytoscape.

use klados::format::{Format, ReadOptions};
use klados::{Hierarchy, HierarchyError};

use crate::reading::{fixture, guess, problems};

fn read(text: &str) -> Result<Hierarchy, HierarchyError> {
    Hierarchy::from_bytes(text.as_bytes(), &ReadOptions::new())
}

const BIRDS: &str = "animal\n  bird\n    crow\n    robin\n  bat\n";

#[test]
fn neighbours_of_each_node_are_its_children() {
    assert_eq!(fixture("node_link/adjacency.json").to_string(), BIRDS);
    // The nodes may come last, and have names of their own.
    let text =
        r#"{"adjacency":[[{"id":2},{"id":3}],[],[]],"nodes":[{"id":1,"name":"bird"},{"id":2,"name":"crow"},{"id":3}]}"#;
    assert_eq!(read(text).unwrap().to_string(), "bird\n  crow\n  3\n");
    // From each child to its only parent.
    let upward = r#"{"directed":true,"nodes":[{"id":"crow"},{"id":"robin"},{"id":"bird"}],"adjacency":[[{"id":"bird"}],[{"id":"bird"}],[]]}"#;
    let hierarchy = read(upward).unwrap();
    assert_eq!(hierarchy.to_string(), "bird\n  crow\n  robin\n");
    assert_eq!(
        hierarchy.warnings()[0].to_string(),
        "line 1: the target of a link is taken to be the parent, as there are fewer of them"
    );
}

/// What `networkx.adjacency_data(networkx.Graph([("bird", "crow"), ("bird", "robin")]))` writes: each edge from both ends.
#[test]
fn neighbours_without_a_direction_are_one_edge() {
    let text = r#"{"directed":false,"multigraph":false,"graph":[],"nodes":[{"id":"bird"},{"id":"crow"},{"id":"robin"}],"adjacency":[[{"id":"crow"},{"id":"robin"}],[{"id":"bird"}],[{"id":"bird"}]]}"#;
    let hierarchy = read(text).unwrap();
    assert_eq!(hierarchy.to_string(), "bird\n  crow\n  robin\n");
    assert_eq!(
        hierarchy.warnings()[0].to_string(),
        "line 1: the graph is not directed; its links are read as if it were"
    );
}

#[test]
fn elements_of_cytoscape_are_nodes_and_edges() {
    assert_eq!(fixture("node_link/cytoscape.json").to_string(), BIRDS);
    let flat = r#"{"elements":[{"group":"nodes","data":{"id":"a","label":"bird"}},{"data":{"id":"b","label":"crow"}},{"group":"edges","data":{"id":"ab","source":"a","target":"b"}}]}"#;
    assert_eq!(guess(flat), Some(Format::NodeLink));
    assert_eq!(read(flat).unwrap().to_string(), "bird\n  crow\n");
}

#[test]
fn problems_of_neighbours_and_elements_have_their_line() {
    let found = |text: &str| problems(Format::NodeLink, text);
    assert_eq!(
        found(
            "{\"nodes\":[{\"id\":\"a\"},{\"id\":\"b\"}],\"adjacency\":[\n7,\n[{\"weight\":1},\n3],\n[{\"id\":\"a\"}]]}"
        ),
        [
            "line 2: the list of neighbours is the number 7; expected a list",
            "line 3: a neighbour without \"id\"",
            "line 4: a neighbour is the number 3; expected an object",
            "line 5: there is no node with these neighbours; expected a place in the list of 2",
        ]
    );
    assert_eq!(
        found(
            "{\"elements\":{\"nodes\":[{\"data\":{\"id\":\"a\"}},\n{\"data\":1}],\n\"edges\":[{\"data\":{\"source\":\"a\"}}]}}"
        ),
        [
            "line 2: \"data\" is the number 1; expected an object",
            "line 2: a node without \"id\" and \"name\"",
            "line 3: a link without \"source\" or \"target\"",
            "line 2: a node without \"id\"; others have one",
        ]
    );
    assert_eq!(found("{\"elements\":\n1}"), ["line 2: \"elements\" is the number 1; expected a list or an object"]);
}
