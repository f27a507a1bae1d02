//! What a row of each loss costs, with its gradient, from 100 to 100,000 classes: nanoseconds a column, which stay about
//! the same where the time grows linearly.
//!
//! A tree of branching 10, the same with its classes in an order that has nothing to do with it, and a DAG in which every
//! tenth class has a second parent. Batches of some 100,000 logits, which are too few for a second thread. Arguments are
//! parts of the names of losses, or of hierarchies: `cargo bench -p klados --bench losses -- marginal`.
#![expect(clippy::print_stdout, reason = "a measurement is printed")]

use std::error::Error;
use std::time::Instant;

use klados::{Hierarchy, Label, Loss};

const CLASSES: [usize; 4] = [100, 1_000, 10_000, 100_000];
/// The logits of a batch, unless a row has more.
const BATCH: usize = 100_000;
/// The time to spend on each cell, of which the best batch counts.
const SECONDS: f64 = 0.1;

fn main() -> Result<(), Box<dyn Error>> {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    for shape in ["tree", "shuffled", "DAG"] {
        let heads: Vec<String> = CLASSES.iter().map(|classes| format!("{classes:>9}")).collect();
        println!("{:64} {}   ns a column, by classes, {shape}", "", heads.join(" "));
        let hierarchies: Vec<Hierarchy> = CLASSES.iter().map(|&n| hierarchy(n, shape)).collect::<Result<_, _>>()?;
        for (loss, label) in cases() {
            if !wanted.is_empty() && !wanted.iter().any(|part| loss.contains(part.as_str()) || shape == part) {
                continue;
            }
            let mut cells = Vec::new();
            for hierarchy in &hierarchies {
                let Ok(criterion) = with_map(&loss, hierarchy).parse::<Loss>()?.compile(hierarchy) else { break };
                cells.push(format!("{:>9.2}", nanoseconds(&criterion, label)?));
            }
            if !cells.is_empty() {
                println!("{:64} {}", format!("{loss} {}", label.name()), cells.join(" "));
            }
        }
    }
    Ok(())
}

/// What a row's label is.
#[derive(Clone, Copy)]
enum Kind {
    Class,
    Soft,
    Set,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Class => "class",
            Self::Soft => "soft",
            Self::Set => "a;b",
        }
    }

    fn of(self, hierarchy: &Hierarchy, row: usize) -> Label {
        let classes = hierarchy.class_count();
        match self {
            Self::Class => Label::Class((classes / 3 + 7919 * row) % classes),
            Self::Soft => Label::Soft(vec![1.0 / classes as f64; classes]),
            Self::Set => {
                let positive = vec![hierarchy.class_node(classes / 3), hierarchy.class_node(classes / 2)];
                Label::Set { positive, masked: Vec::new() }
            }
        }
    }
}

fn cases() -> Vec<(String, Kind)> {
    let mut cases: Vec<(String, Kind)> = Loss::NAMES.iter().map(|name| ((*name).to_owned(), Kind::Class)).collect();
    let more = [
        (r#"{"binary_cross_entropy": {"form": "noisy_or"}}"#, Kind::Set),
        (r#"{"binary_cross_entropy": {"form": "max"}}"#, Kind::Set),
        (r#"{"binary_cross_entropy": {"form": "weighted"}}"#, Kind::Class),
        ("marginal_cross_entropy", Kind::Soft),
        ("sibling_softmax", Kind::Soft),
        ("weighted_cross_entropy", Kind::Soft),
        ("descendant_softmax", Kind::Soft),
    ];
    let names = |loss: &str| Loss::NAMES.iter().any(|name| loss.contains(name));
    cases.extend(more.into_iter().filter(|(loss, _)| names(loss)).map(|(loss, kind)| (loss.to_owned(), kind)));
    cases
}

/// Gives the losses that take a map that of each class to the superclass above it.
fn with_map(loss: &str, hierarchy: &Hierarchy) -> String {
    if !(loss.contains("weighted")) || loss.contains("map") {
        return loss.to_owned();
    }
    let row = |class: usize| {
        let parent = hierarchy.parents(hierarchy.class_node(class))[0];
        // A superclass's weights sum to 1 for the sigmoid form, a class's for the softmax form.
        let of_form = hierarchy.classes_below(parent).len() as f64;
        let weight = if loss.contains("form") { 1.0 / of_form } else { 1.0 };
        format!("[\"{}\", \"up {}\", {weight}]", hierarchy.class_name(class), hierarchy.name(parent))
    };
    let rows: Vec<String> = (0..hierarchy.class_count()).map(row).collect();
    let map = format!("\"map\": [{}], \"normalize\": true", rows.join(", "));
    match loss.contains("form") {
        true => loss.replace("\"weighted\"", &format!("\"weighted\", {map}")),
        false => format!("{{\"{loss}\": {{{map}}}}}"),
    }
}

fn hierarchy(classes: usize, shape: &str) -> Result<Hierarchy, Box<dyn Error>> {
    let is_dag = shape == "DAG";
    let mut edges = Vec::new();
    let name = |level: usize, index: usize| format!("{level}/{index}");
    let mut width = classes;
    let mut level = 0;
    while width > 1 {
        let above = width.div_ceil(10);
        for index in 0..width {
            edges.push((name(level + 1, index / 10), name(level, index)));
            if is_dag && level == 0 && index % 10 == 0 && above > 1 {
                edges.push((name(level + 1, (index / 10 + 1) % above), name(level, index)));
            }
        }
        (width, level) = (above, level + 1);
    }
    let hierarchy = Hierarchy::from_edges(edges.iter().map(|(parent, child)| (parent.as_str(), child.as_str())))?;
    if shape != "shuffled" {
        return Ok(hierarchy);
    }
    // 7919 is a prime, and divides no number of classes here.
    let order: Vec<String> = (0..classes).map(|class| name(0, (class * 7919) % classes)).collect();
    Ok(hierarchy.with_classes(&order)?)
}

/// The time of the best batch, over the number of its logits.
fn nanoseconds(criterion: &klados::Criterion, label: Kind) -> Result<f64, Box<dyn Error>> {
    let rows = (BATCH / criterion.columns()).max(1);
    let elements = rows * criterion.columns();
    let logits: Vec<f32> = (0..elements).map(|k| ((k * 7919) % 1009) as f32 / 200.0 - 2.5).collect();
    let (mut losses, mut grad) = (vec![0f32; rows], vec![0f32; elements]);
    let labels: Vec<Label> = (0..rows).map(|row| label.of(criterion.hierarchy(), row)).collect();
    let (begin, mut best) = (Instant::now(), f64::INFINITY);
    while best.is_infinite() || begin.elapsed().as_secs_f64() < SECONDS {
        let start = Instant::now();
        criterion.forward_backward(&logits, &labels, &mut losses, &mut grad)?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(best * 1e9 / elements as f64)
}
