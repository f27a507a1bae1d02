//! Metrics of answers against programs of others: scikit-learn 1.9.1, hiclass 5.0.8, and hiercls (github.com/jvlmdr/hiercls,
//! commit 1b90787), the code of Valmadre 2022. Their numbers were printed by them for the rows here; where ours differ, the
//! test says why.

use klados::metrics::{
    Average, Hierarchical, HierarchicalScores, LcaScores, Levels, Metric, PrecisionRecall, ValuedBy, accuracy,
    balanced_accuracy, coverage, distance_at_k, hierarchical_f1, lca_f1, lca_height, mistake_severity,
};
use klados::{Decision, Hierarchy, HierarchyBuilder, Label, NodeId, NodeLogProbs};

/// ```text
/// animal: bird: crow, robin; mammal: bat, dog; sponge
/// plant: tree: oak, pine; herb: mint
/// ```
fn hierarchy() -> Hierarchy {
    let edges = [
        ("animal", "bird"),
        ("animal", "mammal"),
        ("animal", "sponge"),
        ("bird", "crow"),
        ("bird", "robin"),
        ("mammal", "bat"),
        ("mammal", "dog"),
        ("plant", "tree"),
        ("plant", "herb"),
        ("tree", "oak"),
        ("tree", "pine"),
        ("herb", "mint"),
    ];
    Hierarchy::from_edges(edges).unwrap()
}

/// Labels, answers and weights.
const ROWS: [(&str, &str, f64); 8] = [
    ("crow", "crow", 1.0),
    ("crow", "robin", 2.0),
    ("crow", "bat", 1.0),
    ("dog", "bird", 3.0),
    ("bat", "mammal", 1.0),
    ("oak", "mint", 2.0),
    ("oak", "crow", 1.0),
    ("sponge", "robin", 0.5),
];

fn nodes(hierarchy: &Hierarchy, names: impl IntoIterator<Item = &'static str>) -> Vec<NodeId> {
    names.into_iter().map(|name| hierarchy.node(name).unwrap()).collect()
}

fn labels(hierarchy: &Hierarchy, names: impl IntoIterator<Item = &'static str>) -> Vec<Label> {
    names.into_iter().map(|name| hierarchy.parse_label(name).unwrap()).collect()
}

#[track_caller]
fn assert_scores(found: PrecisionRecall, expected: [f64; 3]) {
    let found = [found.precision, found.recall, found.f1].map(Option::unwrap);
    for (found, expected) in found.into_iter().zip(expected) {
        assert!((found - expected).abs() < 1e-15, "{found} is not {expected}");
    }
}

fn ancestor_sets(hierarchy: &Hierarchy, weights: Option<&[f64]>) -> HierarchicalScores {
    let levels = Levels::new(hierarchy);
    let labels = labels(hierarchy, ROWS.map(|row| row.0));
    let mut metric = Hierarchical::new(&levels);
    metric.update(&levels.truths(&labels).unwrap(), &nodes(hierarchy, ROWS.map(|row| row.1)), weights).unwrap();
    metric.compute()
}

/// `precision_recall_fscore_support(T, P, average=..., sample_weight=..., zero_division=0)` on the indicator matrices of the
/// 14 nodes.
#[test]
fn ancestor_sets_are_scikit_learns_indicator_matrix() {
    let hierarchy = hierarchy();
    let found = ancestor_sets(&hierarchy, None);
    assert_scores(found.micro, [0.5, 0.4782608695652174, 0.4888888888888889]);
    assert_scores(found.samples, [0.5208333333333333, 0.47916666666666663, 0.49166666666666664]);
    // Without the column of the pine, which neither is true nor predicted in any row. With it, as scikit-learn has it where
    // the columns are not picked, each is 13/14 of this: 0.23265306122448978, 0.21428571428571427, 0.21355311355311354.
    assert_scores(found.macro_average, [0.25054945054945055, 0.23076923076923078, 0.22998027613412228]);

    let weighted = ancestor_sets(&hierarchy, Some(&ROWS.map(|row| row.2)));
    assert_scores(weighted.micro, [0.5081967213114754, 0.45588235294117646, 0.4806201550387597]);
    assert_scores(weighted.samples, [0.5217391304347825, 0.4565217391304347, 0.4811594202898551]);
    assert_scores(weighted.macro_average, [0.2534412955465587, 0.22435897435897434, 0.22560386473429955]);

    // `average=None`, with `zero_division=nan` where there is none here: precision, recall, F1, support.
    let of_nodes = [
        ("animal", Some(0.8571428571428571), Some(1.0), Some(0.9230769230769231), 6.0),
        ("bird", Some(0.4), Some(0.6666666666666666), Some(0.5), 3.0),
        ("sponge", None, Some(0.0), Some(0.0), 1.0),
        ("crow", Some(0.5), Some(0.3333333333333333), Some(0.4), 3.0),
        ("robin", Some(0.0), None, Some(0.0), 0.0),
        ("mint", Some(0.0), None, Some(0.0), 0.0),
    ];
    for (name, precision, recall, f1, support) in of_nodes {
        let node = hierarchy.node(name).unwrap();
        let score = found.nodes.iter().find(|score| score.node == node).unwrap();
        assert_eq!((score.scores, score.support), (PrecisionRecall { precision, recall, f1 }, support), "{name}");
    }
    assert_eq!(found.nodes.len(), 13);
}

/// scikit-learn's `balanced_accuracy_score` and `accuracy_score` on the columns of the levels, where what ends above a level
/// is a name that no row has.
#[test]
fn levels_are_scikit_learns_columns() {
    let hierarchy = hierarchy();
    let levels = Levels::new(&hierarchy);
    let labels = labels(&hierarchy, ROWS.map(|row| row.0));
    let predictions = nodes(&hierarchy, ROWS.map(|row| row.1));
    let weights = ROWS.map(|row| row.2);
    let plain = ([0.75, 0.29166666666666663, 0.06666666666666667], [0.875, 0.375, 0.125]);
    let weighted = ([0.8333333333333333, 0.25, 0.05], [0.9130434782608695, 0.34782608695652173, 0.08695652173913043]);
    for (weights, (balanced, shares)) in [(None, plain), (Some(&weights[..]), weighted)] {
        let found = balanced_accuracy(&levels, &labels, &predictions, weights).unwrap();
        let found_shares = accuracy(&levels, &labels, &predictions, weights).unwrap();
        for level in 0..3 {
            assert!((found[level].balanced_accuracy.unwrap() - balanced[level]).abs() < 1e-15);
            assert!((found_shares[level].value.unwrap() - shares[level]).abs() < 1e-15);
            assert_eq!(found[level].micro.recall, found_shares[level].value);
        }
    }
    // `precision_recall_fscore_support(average="macro")` over the names of the level that are in a row: its recall, unlike
    // balanced accuracy, has 0 for the robin and the mint, which are only predicted.
    let found = balanced_accuracy(&levels, &labels, &predictions, None).unwrap();
    assert_scores(found[0].macro_average, [0.9285714285714286, 0.75, 0.7948717948717949]);
    assert_scores(found[1].macro_average, [0.18, 0.2333333333333333, 0.2]);
    assert_scores(found[2].macro_average, [0.07142857142857142, 0.047619047619047616, 0.05714285714285715]);
}

/// `hiclass.metrics.precision`, `recall` and `f1` on arrays of levels, filled up with `""`.
#[test]
fn ancestor_sets_are_hiclass_but_for_names_and_internal_labels() {
    let tree = hierarchy();
    let found = ancestor_sets(&tree, None);
    assert_scores(found.micro, [0.5, 0.4782608695652174, 0.4888888888888889]);
    // Its "macro" is the mean over rows.
    assert_scores(found.samples, [0.5208333333333334, 0.47916666666666663, 0.4916666666666667]);

    // It compares names: with a genus Morus of plants and one of birds, a gannet for a mulberry has the genus right. hiclass
    // says 0.6666666666666666, three times.
    let mut builder = HierarchyBuilder::new();
    builder.add_path(["plant", "Morus", "alba"]).unwrap().add_path(["bird", "Morus", "bassanus"]).unwrap();
    let homonyms = builder.build().unwrap();
    let levels = Levels::new(&homonyms);
    let [alba, bassanus] = ["alba", "bassanus"].map(|name| homonyms.node(name).unwrap());
    let mut metric = Hierarchical::new(&levels);
    let truths = [Label::Node(alba), Label::Node(bassanus)];
    metric.update(&levels.truths(&truths).unwrap(), &[bassanus; 2], None).unwrap();
    assert_scores(metric.compute().micro, [0.5; 3]);

    // To it a crow for a bird is partly wrong: precision 0.6666666666666666, F1 0.8. The label does not say so.
    let levels = Levels::new(&tree);
    let mut metric = Hierarchical::new(&levels);
    let label = labels(&tree, ["bird"]);
    metric.update(&levels.truths(&label).unwrap(), &nodes(&tree, ["crow"]), None).unwrap();
    assert_scores(metric.compute().average(Average::Micro), [1.0; 3]);
}

/// hiercls' `DepthMetric` and `UniformLeafInfoMetric`: means of `precision`, `recall` and `f1`, weighted by `numpy.average`.
#[test]
fn lca_scores_are_those_of_hiercls() {
    let hierarchy = hierarchy();
    let levels = Levels::new(&hierarchy);
    let of = |rows: &[(&'static str, &'static str)], weights: Option<&[f64]>, valued_by: ValuedBy| {
        let labels = labels(&hierarchy, rows.iter().map(|row| row.0));
        let answer = |name| if name == "root" { NodeId::ROOT } else { hierarchy.node(name).unwrap() };
        let answers: Vec<NodeId> = rows.iter().map(|row| answer(row.1)).collect();
        let mut metric = LcaScores::new(&levels, valued_by);
        metric.update(&levels.truths(&labels).unwrap(), &answers, weights).unwrap();
        metric.compute().scores
    };
    let rows = ROWS.map(|row| (row.0, row.1));
    let weights = ROWS.map(|row| row.2);
    let (depth, information) = (ValuedBy::Depth, ValuedBy::Information);
    assert_scores(of(&rows, None, depth), [0.5208333333333333, 0.47916666666666663, 0.49166666666666664]);
    assert_scores(of(&rows, Some(&weights), depth), [0.5217391304347825, 0.4565217391304347, 0.4811594202898551]);
    assert_scores(of(&rows, None, information), [0.49117871529887813, 0.43538555060903156, 0.4577028164849702]);
    assert_scores(of(&rows, Some(&weights), information), [0.48981178055749314, 0.431344886132306, 0.4547316439023808]);

    // With internal labels and answers, truncated (`truncate_given_lca`). Not truncated, a crow for a bird has precision
    // 0.6666666666666666 and F1 0.8; the others are the same.
    let rows = [("bird", "crow"), ("bird", "bat"), ("crow", "root"), ("mammal", "animal")];
    let by_depth = [[1.0, 1.0, 1.0], [0.3333333333333333, 0.5, 0.4], [1.0, 0.0, 0.0], [1.0, 0.5, 0.6666666666666666]];
    let by_information = [
        [1.0, 1.0, 1.0],
        [0.22602396837087924, 0.33903595255631885, 0.2712287620450551],
        [1.0, 0.0, 0.0],
        [1.0, 0.33903595255631885, 0.5063881248432114],
    ];
    for (row, (by_depth, by_information)) in rows.iter().zip(by_depth.into_iter().zip(by_information)) {
        assert_scores(of(std::slice::from_ref(row), None, depth), by_depth);
        assert_scores(of(std::slice::from_ref(row), None, information), by_information);
    }
}

/// hiercls' `value_at_pr` and `IsCorrect`.
#[test]
fn answers_are_as_deep_and_as_right_as_those_of_hiercls() {
    let hierarchy = hierarchy();
    let levels = Levels::new(&hierarchy);
    let (labels, answers) = (labels(&hierarchy, ROWS.map(|row| row.0)), nodes(&hierarchy, ROWS.map(|row| row.1)));
    let found = coverage(&levels, &labels, &answers, None).unwrap();
    assert_eq!((found.depth, found.information, found.right), (Some(2.75), Some(2.75), Some(0.25)));
}

#[test]
fn distance_at_1_is_the_height_of_argmax_leaf_and_error_times_severity() {
    let hierarchy = hierarchy();
    let levels = Levels::new(&hierarchy);
    let classes = hierarchy.class_count();
    // Small whole numbers, so that there are ties.
    let logits: Vec<f64> = (0..200 * classes).map(|at| (at * at % 7) as f64 / 2.0 + (at % 3) as f64).collect();
    let mut log_p = vec![0f64; 200 * hierarchy.node_count()];
    NodeLogProbs::new(&hierarchy).forward(&logits, &mut log_p).unwrap();
    let labels: Vec<Label> = (0..200).map(|row| Label::Class(row * 5 % classes)).collect();
    let mut answers = vec![NodeId::ROOT; 200];
    "argmax_leaf".parse::<Decision>().unwrap().compile(&hierarchy).unwrap().decide(&log_p, &mut answers).unwrap();

    let height = lca_height(&levels, &labels, &answers, None).unwrap().unwrap();
    assert_eq!(distance_at_k(&levels, &labels, &log_p, 1, None).unwrap(), Some(height));
    let error = 1.0 - accuracy(&levels, &labels, &answers, None).unwrap().last().unwrap().value.unwrap();
    let severity = mistake_severity(&levels, &labels, &answers, None).unwrap().unwrap();
    assert!((height - error * severity).abs() < 1e-15 && error > 0.0);
}

/// Height, F1 by depth and by information, micro F1 of ancestor sets, share right, and accuracy from the top.
type Summary = (Option<f64>, [Option<f64>; 3], Option<f64>, Vec<Option<f64>>);

fn summary(hierarchy: &Hierarchy, rows: &[(&str, &str)]) -> Summary {
    let levels = Levels::new(hierarchy);
    let labels: Vec<Label> = rows.iter().map(|row| hierarchy.parse_label(row.0).unwrap()).collect();
    let answers: Vec<NodeId> = rows.iter().map(|row| hierarchy.node(row.1).unwrap()).collect();
    let f1 = |valued_by| lca_f1(&levels, &labels, &answers, None, valued_by).unwrap();
    (
        lca_height(&levels, &labels, &answers, None).unwrap(),
        [
            f1(ValuedBy::Depth),
            f1(ValuedBy::Information),
            hierarchical_f1(&levels, &labels, &answers, None, Average::Micro).unwrap(),
        ],
        coverage(&levels, &labels, &answers, None).unwrap().right,
        accuracy(&levels, &labels, &answers, None).unwrap().iter().map(|level| level.value).collect(),
    )
}

#[test]
fn one_class_is_always_right() {
    let hierarchy = Hierarchy::from_edges([("animal", "crow")]).unwrap();
    let all = Some(1.0);
    for row in [("crow", "crow"), ("crow", "animal"), ("animal", "crow")] {
        assert_eq!(summary(&hierarchy, &[row]), (Some(0.0), [all; 3], all, vec![all]));
    }
}

#[test]
fn a_chain_is_one_node() {
    // bird > passerine > crow: the three are one. Beside them the bat.
    let edges = [("animal", "bird"), ("bird", "passerine"), ("passerine", "crow"), ("animal", "bat")];
    let hierarchy = Hierarchy::from_edges(edges).unwrap();
    let all = Some(1.0);
    for label in ["bird", "passerine", "crow"] {
        for answer in ["bird", "passerine", "crow"] {
            assert_eq!(summary(&hierarchy, &[(label, answer)]), (Some(0.0), [all; 3], all, vec![all; 3]));
        }
        let none = Some(0.0);
        assert_eq!(summary(&hierarchy, &[(label, "bat")]), (Some(3.0), [none; 3], none, vec![none; 3]));
    }
}

#[test]
fn a_class_that_is_an_internal_node() {
    let hierarchy = Hierarchy::from_edges([("animal", "dog"), ("dog", "poodle"), ("animal", "bat")]).unwrap();
    let hierarchy = hierarchy.with_classes(["dog", "poodle", "bat"]).unwrap();
    // A dog that is no poodle, taken for one: two of two nodes each, one in common; I(dog) = log2(3/2), I(poodle) = log2(3).
    let information = 1.5f64.log2() / 3f64.log2();
    let found = summary(&hierarchy, &[("=dog", "poodle")]);
    assert_eq!((found.0, found.2), (Some(1.0), Some(0.0)));
    assert_eq!([found.1[0], found.1[2]], [Some(0.5); 2]);
    assert!((found.1[1].unwrap() - information).abs() < 1e-15);
    assert_eq!(found.3, [Some(1.0), Some(0.0)]);
    // Of "dog" that is not said.
    assert_eq!(summary(&hierarchy, &[("dog", "poodle")]).0, Some(0.0));
    assert_eq!(summary(&hierarchy, &[("dog", "=dog")]).1, [Some(1.0); 3]);
}

#[test]
fn several_roots_are_below_one() {
    let hierarchy = hierarchy();
    // The root was added: nothing is common to a crow and an oak.
    assert_eq!(summary(&hierarchy, &[("crow", "oak")]).1, [Some(0.0); 3]);
    // A union of both says nothing of depth 1, and of the bat that it is wrong.
    let (height, f1, right, levels) = summary(&hierarchy, &[("crow|oak", "bat")]);
    assert_eq!((height, f1, right, levels), (Some(2.0), [Some(0.0); 3], Some(0.0), vec![None; 3]));
}

#[test]
fn of_nothing_there_is_no_number() {
    let hierarchy = hierarchy();
    let nothing = (None, [None; 3], None, vec![None; 3]);
    assert_eq!(summary(&hierarchy, &[]), nothing);
    assert_eq!(summary(&hierarchy, &[("", "crow"), ("animal|plant", "crow")]), nothing);
}
