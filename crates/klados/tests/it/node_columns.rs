//! The columns of forms with a logit a node.

use klados::{Hierarchy, Label, Loss};

use crate::terms::tree;

#[test]
fn another_order_permutes_logits_and_gradient() {
    let hierarchy = tree();
    let names: Vec<String> = hierarchy.node_columns().iter().rev().map(|node| hierarchy.path(*node)).collect();
    let reversed = hierarchy.with_node_columns(&names).unwrap();
    for loss in Loss::NAMES {
        let [a, b] = [&hierarchy, &reversed].map(|hierarchy| loss.parse::<Loss>().unwrap().compile(hierarchy).unwrap());
        if !a.has_node_columns() {
            continue;
        }
        let z: Vec<f64> = (0..a.columns()).map(|k| ((k * 7 + 3) % 11) as f64 / 5.0 - 1.1).collect();
        let backwards: Vec<f64> = z.iter().rev().copied().collect();
        let label = [Label::Class(2)];
        let (mut losses, mut others) = ([0.0], [0.0]);
        let (mut grad, mut other) = (vec![0.0; z.len()], vec![0.0; z.len()]);
        a.forward_backward(&z, &label, &mut losses, &mut grad).unwrap();
        b.forward_backward(&backwards, &label, &mut others, &mut other).unwrap();
        other.reverse();
        assert_eq!(losses, others, "{loss}");
        assert_eq!(grad, other, "{loss}");
    }
}

#[test]
fn they_survive_serialization() {
    let hierarchy = tree(); // with a leaf that was added for the class "dog"
    let names: Vec<String> = hierarchy.node_columns().iter().rev().map(|node| hierarchy.path(*node)).collect();
    let reversed = hierarchy.with_node_columns(&names).unwrap();
    let text = serde_json::to_string(&reversed).unwrap();
    let back: Hierarchy = serde_json::from_str(&text).unwrap();
    assert_eq!(back.node_columns(), reversed.node_columns());
    let ranks = reversed.with_level_names(["kingdom"]).unwrap();
    assert_eq!(ranks.node_columns(), reversed.node_columns());
    let broken = text.replace("\"node_columns\":[", "\"node_columns\":[0,");
    assert!(
        serde_json::from_str::<Hierarchy>(&broken).unwrap_err().to_string().contains("every node but the root once")
    );
}

#[test]
fn errors_name_the_nodes() {
    let hierarchy = Hierarchy::from_edges([("animal", "cat"), ("animal", "dog")]).unwrap();
    let message = |names: &[&str]| hierarchy.with_node_columns(names).unwrap_err().to_string();
    assert_eq!(message(&["cat"]), "nodes without a column: \"animal > dog\"");
    assert!(message(&["cat", "dgo"]).contains("the nearest names are \"dog\""));
    assert_eq!(message(&["cat", "dog", "cat"]), "the node \"cat\" is named twice as a column");
    assert_eq!(message(&["animal", "cat", "dog"]), "\"animal\" is the root, which has no column");
}

#[test]
fn a_random_cut_changes_with_row_and_step_and_not_with_threads_or_batch() {
    let edges = (0..40).map(|k| (format!("g{}", k / 4), format!("s{k}"))).collect::<Vec<_>>();
    let hierarchy =
        Hierarchy::from_edges(edges.iter().map(|(parent, child)| (parent.as_str(), child.as_str()))).unwrap();
    let criterion = r#"{"random_cut": {"p": 0.5}}"#.parse::<Loss>().unwrap().compile(&hierarchy).unwrap();
    let run = |criterion: &klados::Criterion, rows: usize| {
        let z = vec![0.0; rows * criterion.columns()];
        let mut losses = vec![0.0; rows];
        criterion.forward(&z, &vec![Label::Class(0); rows], &mut losses).unwrap();
        losses
    };
    let first = run(&criterion, 30);
    assert!(first.iter().any(|loss| *loss != first[0]), "every row has the same cut");
    assert_eq!(first[..7], run(&criterion, 7));
    assert_ne!(first, run(&criterion.at_step(1), 30));
    assert_eq!(first, run(&criterion.at_step(1).at_step(0), 30));
    let terms = criterion.terms_of_row(&Label::Class(0), 3).unwrap();
    assert!((terms[0].value(&hierarchy, &vec![0.0; criterion.columns()], 0.0) - first[3]).abs() < 1e-12);
}
