//! Pages of made-up evaluations, for the tests in a browser: `cargo xtask test browser` writes them with the test below
//! and opens them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::write;

/// Numbers that look random and are the same everywhere (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, count: usize) -> usize {
        (self.next() * count as f64) as usize
    }
}

/// A tree, parents first, whose classes are its leaves, all at one depth.
struct Tree {
    name: Vec<String>,
    parent: Vec<i64>,
    depth: Vec<usize>,
    children: Vec<Vec<usize>>,
    levels: Vec<&'static str>,
}

impl Tree {
    fn new(levels: Vec<&'static str>) -> Self {
        let (name, parent) = (vec!["all".to_owned()], vec![-1]);
        Self { name, parent, depth: vec![0], children: vec![Vec::new()], levels }
    }

    fn add(&mut self, name: String, parent: usize) -> usize {
        let node = self.name.len();
        self.name.push(name);
        self.parent.push(parent as i64);
        self.depth.push(self.depth[parent] + 1);
        self.children.push(Vec::new());
        self.children[parent].push(node);
        node
    }

    /// The embedded emoji.
    fn emoji() -> Self {
        let mut tree = Self::new(vec!["group", "subgroup", "emoji"]);
        let mut known = BTreeMap::from([("emoji".to_owned(), 0)]);
        let edges: Vec<(&str, &str)> = include_str!("../../data/emoji/hierarchy.csv")
            .lines()
            .skip(1)
            .filter_map(|line| line.trim_matches('"').rsplit_once(','))
            .map(|(child, parent)| (child.trim_matches('"'), parent.trim_matches('"')))
            .collect();
        for _ in 0..3 {
            for (child, parent) in &edges {
                if let (Some(&parent), false) = (known.get(*parent), known.contains_key(*child)) {
                    let node = tree.add((*child).to_owned(), parent);
                    known.insert((*child).to_owned(), node);
                }
            }
        }
        tree
    }

    /// So many nodes in five levels, with groups of very different sizes.
    fn taxonomy(nodes: usize) -> Self {
        let mut tree = Self::new(vec!["class", "order", "family", "genus", "species"]);
        let mut dice = Dice(7);
        let mut last = vec![0];
        for (level, count) in [8, nodes / 200, nodes / 40, nodes / 6].into_iter().enumerate() {
            last = (0..count)
                .map(|index| {
                    let skewed = dice.next() * dice.next();
                    let parent = if index < last.len() { index } else { (skewed * last.len() as f64) as usize };
                    tree.add(format!("{}-{index}", ["Class", "Order", "family", "genus"][level]), last[parent])
                })
                .collect();
        }
        let left = nodes - tree.name.len();
        for index in 0..left {
            // One genus has more species than can be drawn at once.
            let parent = if index < last.len() {
                index
            } else if index % 20 == 0 {
                3
            } else {
                dice.below(last.len())
            };
            // Short names repeat, as species' epithets do.
            tree.add(format!("epithet {}", index % 3000), last[parent]);
        }
        tree
    }

    fn classes(&self) -> Vec<usize> {
        (0..self.name.len()).filter(|&node| self.children[node].is_empty()).collect()
    }

    /// The node and those above it, from the top; the place is the depth.
    fn lineage(&self, node: usize) -> Vec<usize> {
        let mut path = vec![node];
        while let Some(parent) = path.last().map(|&last| self.parent[last]).filter(|&parent| parent >= 0) {
            path.push(parent as usize);
        }
        path.reverse();
        path
    }

    fn lca(&self, a: usize, b: usize) -> usize {
        let (a, b) = (self.lineage(a), self.lineage(b));
        a.into_iter().zip(b).take_while(|(a, b)| a == b).last().map_or(0, |(node, _)| node)
    }

    fn leaf_below(&self, top: usize, dice: &mut Dice) -> usize {
        let mut node = top;
        while !self.children[node].is_empty() {
            node = self.children[node][dice.below(self.children[node].len())];
        }
        node
    }
}

/// A row that was answered.
struct Answer {
    truth: usize,
    decision: usize,
    /// By level from the top: the confidence, and whether the most probable node is right.
    levels: Vec<(f64, bool)>,
}

/// A model that is right at the finest level with about this probability.
fn answers(tree: &Tree, rows: usize, skill: f64, backs_off: bool, seed: u64) -> Vec<Answer> {
    let (classes, depth) = (tree.classes(), tree.levels.len());
    let mut truths = Dice(1);
    let mut dice = Dice(seed);
    let of_row = |_| {
        let skewed = truths.next() * truths.next();
        let truth = classes[((skewed * classes.len() as f64) as usize * 7919) % classes.len()];
        // Some branches are harder than others.
        let hard = (truth * 31 % 97) as f64 / 97.0;
        let right = dice.next() < skill + 0.3 * (0.5 - hard);
        let path = tree.lineage(truth);
        let shared = if right { depth } else { (depth as f64 * dice.next().sqrt()) as usize };
        let best = if right { truth } else { tree.leaf_below(path[shared], &mut dice) };
        let right = tree.depth[tree.lca(best, truth)];
        let sure = if right == depth { 1.0 - 0.7 * dice.next() * dice.next() } else { 0.25 + 0.7 * dice.next() };
        let at_level = |level: usize| (1.0 - (1.0 - sure) * (level + 1) as f64 / depth as f64, right > level);
        let decision = if backs_off && sure < 0.5 { tree.lineage(best)[depth - 1] } else { best };
        Answer { truth, decision, levels: (0..depth).map(at_level).collect() }
    };
    (0..rows).map(of_row).collect()
}

/// A mean of 0s and 1s, or of differences of them, with its interval.
fn interval(name: &str, values: &[f64]) -> Value {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n;
    let half = 1.96 * (variance / n).sqrt();
    json!({ name: mean, "low": mean - half, "high": mean + half })
}

fn model(tree: &Tree, name: &str, about: &str, answers: &[Answer]) -> Value {
    let depth = tree.levels.len();
    let height = |answer: &Answer| (depth - tree.depth[tree.lca(answer.truth, answer.decision)]) as f64;
    let is_wrong = |answer: &&Answer| tree.lca(answer.truth, answer.decision) != answer.decision;
    let mut confusion = BTreeMap::new();
    let (mut rows, mut wrong) = (vec![0; tree.name.len()], vec![0; tree.name.len()]);
    for answer in answers {
        *confusion.entry((answer.truth, answer.decision)).or_insert(0) += 1;
        let decided = tree.lineage(answer.decision);
        for (depth, node) in tree.lineage(answer.truth).into_iter().enumerate() {
            rows[node] += 1;
            wrong[node] += usize::from(decided.get(depth).is_some_and(|&decided| decided != node));
        }
    }
    let mut worst: Vec<(usize, &Answer)> = answers.iter().enumerate().filter(|(_, answer)| is_wrong(answer)).collect();
    worst.sort_by(|(_, a), (_, b)| {
        (height(b), b.levels[depth - 1].0).partial_cmp(&(height(a), a.levels[depth - 1].0)).expect("numbers")
    });
    let worst = worst.into_iter().take(25).map(|(row, answer)| {
        let lca = tree.lca(answer.truth, answer.decision);
        json!({
            "row": row.to_string(), "label": tree.name[answer.truth], "label_node": answer.truth,
            "predicted": tree.name[answer.decision], "predicted_node": answer.decision, "lca": tree.name[lca],
            "lca_node": lca, "probability": answer.levels[depth - 1].0, "height": height(answer), "loss": 7.125,
        })
    });
    let right: Vec<f64> = answers.iter().map(|answer| f64::from(u8::from(!is_wrong(&answer)))).collect();
    let severity: Vec<f64> = answers.iter().filter(is_wrong).map(height).collect();
    let heights: Vec<f64> = answers.iter().map(height).collect();
    let curve: Vec<(f64, f64)> = risk_coverage(answers, depth - 1);
    let (decision, parameters) = match answers.iter().all(|answer| tree.depth[answer.decision] == depth) {
        true => ("argmax_leaf", json!({})),
        false => ("hedge", json!({ "accuracy": 0.95, "lambda": 13.148236996771496, "rows": 866 })),
    };
    json!({
        "name": name, "about": about, "decision": decision, "rule": { decision: parameters },
        "metrics": {
            "right": interval("value", &right),
            "lca_height": interval("value", &heights),
            "mistake_severity": interval("value", &severity),
            "hierarchical_f1_micro": interval("value", &heights.iter().map(|h| 1.0 - h / depth as f64).collect::<Vec<_>>()),
            "log_loss": 1.25,
            "made_up": "nan",
        },
        "levels": (0..depth).map(|level| of_level(tree, answers, level)).collect::<Vec<_>>(),
        "operating_curve": {
            "recall": curve.iter().map(|(coverage, risk)| coverage * (1.0 - risk)).collect::<Vec<_>>(),
            "precision": curve.iter().map(|(_, risk)| 1.0 - risk).collect::<Vec<_>>(),
            "tau": curve.iter().map(|(coverage, _)| 1.0 - coverage).collect::<Vec<_>>(),
            "average_precision": 0.8125,
        },
        "nodes": { "rows": rows, "wrong": wrong },
        "confusion": confusion.into_iter().map(|((truth, taken), count)| json!([truth, taken, count])).collect::<Vec<_>>(),
        "worst": worst.collect::<Vec<_>>(),
    })
}

/// Pairs of coverage and risk, at most 400.
fn risk_coverage(answers: &[Answer], level: usize) -> Vec<(f64, f64)> {
    let mut sorted: Vec<(f64, bool)> = answers.iter().map(|answer| answer.levels[level]).collect();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let step = sorted.len().div_ceil(400);
    let mut wrong = 0.0;
    let mut curve = Vec::new();
    for (index, (_, right)) in sorted.iter().enumerate() {
        wrong += f64::from(u8::from(!right));
        if (index + 1) % step == 0 || index + 1 == sorted.len() {
            curve.push(((index + 1) as f64 / sorted.len() as f64, wrong / (index + 1) as f64));
        }
    }
    curve
}

fn of_level(tree: &Tree, answers: &[Answer], level: usize) -> Value {
    let right: Vec<f64> = answers.iter().map(|answer| f64::from(u8::from(answer.levels[level].1))).collect();
    let curve = risk_coverage(answers, level);
    let answered: Vec<&Answer> = answers.iter().filter(|answer| tree.depth[answer.decision] > level).collect();
    let is_wrong = |answer: &&&Answer| tree.depth[tree.lca(answer.truth, answer.decision)] <= level;
    let risk = answered.iter().filter(is_wrong).count() as f64 / answered.len() as f64;
    let bins = (0..15).map(|bin| {
        let (low, high) = (bin as f64 / 15.0, (bin + 1) as f64 / 15.0);
        let inside: Vec<(f64, bool)> =
            answers.iter().map(|answer| answer.levels[level]).filter(|(sure, _)| *sure > low && *sure <= high).collect();
        let share = |sum: f64| (!inside.is_empty()).then(|| sum / inside.len() as f64);
        json!({
            "low": low, "high": high, "rows": inside.len(), "confidence": share(inside.iter().map(|(sure, _)| sure).sum()),
            "accuracy": share(inside.iter().filter(|(_, right)| *right).count() as f64),
        })
    });
    let bins: Vec<Value> = bins.collect();
    let number = |bin: &Value, key: &str| bin[key].as_f64().unwrap_or(0.0);
    let gap = |bin: &Value| number(bin, "rows") * (number(bin, "confidence") - number(bin, "accuracy")).abs();
    json!({
        "level": tree.levels[level], "rows": answers.len(), "accuracy": interval("value", &right),
        "balanced_accuracy": right.iter().sum::<f64>() / right.len() as f64 - 0.02,
        "coverage": answered.len() as f64 / answers.len() as f64, "risk": risk, "ece": bins.iter().map(gap).sum::<f64>() / answers.len() as f64,
        "brier": 0.1875, "log_loss": 0.4375, "aurc": curve.iter().map(|(_, risk)| risk).sum::<f64>() / curve.len() as f64,
        "reliability": bins,
        "risk_coverage": {
            "coverage": curve.iter().map(|(coverage, _)| coverage).collect::<Vec<_>>(),
            "risk": curve.iter().map(|(_, risk)| risk).collect::<Vec<_>>(),
        },
    })
}

fn comparison(tree: &Tree, (a, of_a): (&str, &[Answer]), (b, of_b): (&str, &[Answer])) -> Value {
    let depth = tree.levels.len();
    let mut metrics = serde_json::Map::new();
    for (level, name) in tree.levels.iter().enumerate() {
        let right = |answer: &Answer| f64::from(u8::from(answer.levels[level].1));
        let differences: Vec<f64> = of_a.iter().zip(of_b).map(|(a, b)| right(a) - right(b)).collect();
        metrics.insert(format!("accuracy@{name}"), interval("difference", &differences));
    }
    let height = |answer: &Answer| (depth - tree.depth[tree.lca(answer.truth, answer.decision)]) as f64;
    let differences: Vec<f64> = of_a.iter().zip(of_b).map(|(a, b)| height(a) - height(b)).collect();
    metrics.insert("lca_height".to_owned(), interval("difference", &differences));
    json!({ "a": a, "b": b, "metrics": metrics })
}

/// An evaluation of models `(name, about, skill, whether it backs off)` on so many rows; those of one skill are one model with
/// several rules.
fn evaluation(title: &str, tree: &Tree, rows: usize, models: &[(&str, &str, f64, bool)]) -> Value {
    let first = |skill: f64| models.iter().position(|model| model.2 == skill).expect("the model itself");
    let answered: Vec<(&str, &str, Vec<Answer>)> = models
        .iter()
        .map(|&(name, about, skill, backs_off)| {
            (name, about, answers(tree, rows, skill, backs_off, 11 + first(skill) as u64))
        })
        .collect();
    let described = |place: usize| {
        let (name, about, answers) = &answered[place];
        let mut model = model(tree, name, about, answers);
        model["probabilities"] = json!(models[first(models[place].2)].0);
        model
    };
    let pairs = (0..answered.len()).flat_map(|b| (0..b).map(move |a| (a, b)));
    let of = |index: usize| (answered[index].0, &answered[index].2[..]);
    json!({
        "klados": env!("CARGO_PKG_VERSION"), "title": title, "notes": ["Numbers that were made up for a test."],
        "rows": rows, "ignored": 3, "set": "test", "levels": tree.levels,
        "hierarchy": {
            "name": tree.name, "parent": tree.parent, "classes": tree.classes(),
            "level": tree.depth.iter().map(|&depth| depth as i64 - 1).collect::<Vec<_>>(),
        },
        "models": (0..models.len()).map(described).collect::<Vec<_>>(),
        "comparisons": pairs.map(|(a, b)| comparison(tree, of(a), of(b))).collect::<Vec<_>>(),
    })
}

/// What `klados train` adds, with pictures of one colour.
fn with_training(mut evaluation: Value) -> Value {
    let svg = |color: &str| {
        format!(
            "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1 1'%3E%3Crect width='1' height='1' fill='{color}'/%3E%3C/svg%3E"
        )
    };
    let run = |name: &str, speed: f64| {
        let epoch = |epoch: usize| {
            let loss = 4.0 / (1.0 + speed * epoch as f64);
            let level = |name: &str, hard: f64| json!({ "level": name, "value": 1.0 - hard * loss / 4.0 });
            json!({ "epoch": epoch, "train_loss": loss, "validation_loss": loss + 0.02 * epoch as f64,
                "levels": [level("group", 0.5), level("subgroup", 0.8), level("emoji", 1.0)] })
        };
        json!({ "name": name, "epochs": (1..=20).map(epoch).collect::<Vec<_>>() })
    };
    let names: Vec<String> = evaluation["models"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|m| Some(m["name"].as_str()?.to_owned()))
        .collect();
    let runs: Vec<Value> = names.iter().enumerate().map(|(index, name)| run(name, 0.3 + 0.2 * index as f64)).collect();
    let picture = json!({
        "picture": svg("teal"), "truth": ["animals-nature", "animal-bird", "owl"], "taken_for": svg("orange"),
        "predicted": [{ "name": "animals-nature", "percent": "98", "right": true }, { "name": "animal-mammal", "percent": "81", "right": false },
            { "name": "bear", "percent": "77", "right": false }],
    });
    evaluation["training"] = json!({ "measure": "accuracy", "runs": runs });
    evaluation["galleries"] = json!([{ "run": names[0], "pictures": vec![picture; 5] }]);
    evaluation["numbers"] = json!("metrics.json");
    evaluation
}

/// Rows with several labels have no accuracy.
fn multi_label() -> Value {
    let level = |name: &str, value: f64| json!({ "level": name, "rows": 500, "auprc_micro": { "value": value, "low": value - 0.02, "high": value + 0.02 }, "auprc_macro": value - 0.1 });
    json!({
        "title": "Multi-label rows", "rows": 500, "levels": ["group", "class"],
        "hierarchy": { "name": ["all", "a", "b", "a1"], "parent": [-1, 0, 0, 1], "classes": [3, 2] },
        "models": [{ "name": "only", "metrics": { "auprc_micro": 0.75, "auprc_macro": 0.5, "violations": 0.0 },
            "levels": [level("group", 0.8), level("class", 0.7)], "nodes": { "rows": [500, 300, 200, 300], "wrong": [0, 30, "nan", 60] } }],
    })
}

/// Names that would be markup, if anything took them for it.
fn hostile() -> Value {
    let name = |what: &str| format!("{what}</script><img src=x onerror='window.broken = 1'>");
    let mut tree = Tree::new(vec!["level"]);
    for leaf in ["a", "b", "c"] {
        tree.add(name(leaf), 0);
    }
    let models = [(&*name("m"), &*name("about"), 0.8, false), (&*name("n"), "", 0.7, false)];
    let mut evaluation = evaluation(&name("title"), &tree, 200, &models);
    evaluation["notes"] = json!([name("note")]);
    evaluation
}

/// Where the pages go: a folder that the caller names, or one of the test's own.
fn pages(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let emoji = Tree::emoji();
    let models = [
        ("hierarchical", "marginal cross-entropy over group, subgroup and emoji", 0.86, false),
        ("flat", "cross-entropy over the emoji alone, which is what most people train first", 0.80, false),
        ("cautious", "as hierarchical, backing off to the subgroup where it is not sure", 0.86, true),
    ];
    let pages = [
        ("emoji", evaluation("Emoji of a vendor the models have not seen", &emoji, 3464, &models)),
        ("single", evaluation("One model", &emoji, 866, &models[..1])),
        ("training", with_training(evaluation("Coarse labels on emoji", &emoji, 866, &models[..2]))),
        ("large", evaluation("A taxonomy of 20,000 nodes", &Tree::taxonomy(20_000), 60_000, &models[..2])),
        ("multi-label", multi_label()),
        ("hostile", hostile()),
        ("bare", json!({ "title": "Nothing but a title" })),
    ];
    let write = |(name, evaluation): (&str, Value)| {
        let path = folder.join(format!("{name}.html"));
        write(&path, &evaluation)?;
        Ok(path)
    };
    pages.into_iter().map(write).collect()
}

#[test]
fn pages_are_written() {
    let own = tempfile::tempdir().expect("a folder");
    let named = std::env::var_os("KLADOS_REPORT_PAGES").map(PathBuf::from);
    for path in pages(named.as_deref().unwrap_or(own.path())).expect("pages") {
        let html = std::fs::read_to_string(&path).expect("the page");
        // Nothing is fetched: whatever has an address is in the page, or a note in the code of the charts.
        assert!(
            !html.contains("src=\"http") && !html.contains("href=\"http") && !html.contains("url(http"),
            "{}",
            path.display()
        );
    }
}
