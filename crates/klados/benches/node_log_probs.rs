//! What the log-probabilities of all nodes cost, form by form, from 100 to 100,000 classes: nanoseconds a column of the
//! logits, which stay about the same where the time grows linearly. The output is `f64`.
//!
//! A tree of branching 10, and a DAG in which every tenth class has a second parent. Batches of some 100,000 logits, which
//! are too few for a second thread. An argument picks the forms whose names have it in them.
#![expect(clippy::print_stdout, reason = "a measurement is printed")]

use std::error::Error;
use std::time::Instant;

use klados::{Element, Hierarchy, NodeForm, NodeLogProbs};

const CLASSES: [usize; 4] = [100, 1_000, 10_000, 100_000];
/// The logits of a batch, unless a row has more.
const BATCH: usize = 100_000;
/// The time to spend on each cell, of which the best batch counts.
const SECONDS: f64 = 0.1;

fn main() -> Result<(), Box<dyn Error>> {
    let picked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    for (shape, is_dag) in [("tree", false), ("DAG", true)] {
        let heads: Vec<String> = CLASSES.iter().map(|classes| format!("{classes:>9}")).collect();
        println!("{:34} {}   ns a column, by classes, {shape}", "", heads.join(" "));
        let hierarchies: Vec<Hierarchy> = CLASSES.iter().map(|&n| hierarchy(n, is_dag)).collect::<Result<_, _>>()?;
        let names = forms(&hierarchies[0])?.into_iter().map(|(name, _)| name);
        for (place, name) in names.enumerate() {
            if !picked.is_empty() && !picked.iter().any(|part| name.contains(part)) {
                continue;
            }
            let (mut single, mut double) = (Vec::new(), Vec::new());
            for hierarchy in &hierarchies {
                let Ok(operation) = NodeLogProbs::of_form(&forms(hierarchy)?[place].1, hierarchy) else { break };
                single.push(format!("{:>9.2}", nanoseconds::<f32>(&operation)?));
                double.push(format!("{:>9.2}", nanoseconds::<f64>(&operation)?));
            }
            if !single.is_empty() {
                println!("{:34} {}", format!("{name} f32"), single.join(" "));
                println!("{:34} {}", format!("{name} f64"), double.join(" "));
            }
        }
    }
    Ok(())
}

/// All forms by name; the map of the weighted ones is that of each class to the superclass above it.
fn forms(hierarchy: &Hierarchy) -> Result<Vec<(String, NodeForm)>, Box<dyn Error>> {
    let row = |class: usize| {
        let parent = hierarchy.parents(hierarchy.class_node(class))[0];
        (hierarchy.class_name(class).to_owned(), format!("up {}", hierarchy.name(parent)), 1.0)
    };
    let map: Vec<(String, String, f64)> = (0..hierarchy.class_count()).map(row).collect();
    let plain = [
        NodeForm::ClassSoftmax,
        NodeForm::ParameterSharingSoftmax,
        NodeForm::SiblingSoftmax,
        NodeForm::IndependentSigmoid,
        NodeForm::ConditionalSigmoid,
        NodeForm::DescendantSoftmax,
        NodeForm::NodeSoftmax,
        NodeForm::NoisyOr,
        NodeForm::Max,
        NodeForm::Min,
        NodeForm::ClassProbabilities,
        NodeForm::NodeProbabilities,
    ];
    let name = |form: &NodeForm| Ok::<_, Box<dyn Error>>(serde_json::to_string(form)?.trim_matches('"').to_owned());
    let mut forms =
        plain.into_iter().map(|form| Ok((name(&form)?, form))).collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    let normalize = true;
    forms.push(("weighted_class_softmax".into(), NodeForm::WeightedClassSoftmax { map: map.clone(), normalize }));
    forms.push(("weighted_sigmoid".into(), NodeForm::WeightedSigmoid { map, normalize }));
    Ok(forms)
}

fn hierarchy(classes: usize, is_dag: bool) -> Result<Hierarchy, Box<dyn Error>> {
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
    Ok(Hierarchy::from_edges(edges.iter().map(|(parent, child)| (parent.as_str(), child.as_str())))?)
}

/// The time of the best batch, over the number of its logits.
fn nanoseconds<T: Element>(operation: &NodeLogProbs) -> Result<f64, Box<dyn Error>> {
    let columns = operation.columns();
    let rows = (BATCH / columns).max(1);
    // From -2.5 to 2.5; the same over their sum are probabilities too.
    let values = |k: usize| ((k * 7919) % 1009) as f64 / 200.0 - 2.5;
    let is_given = operation.forward::<f64>(&vec![-1.0; columns], &mut vec![0.0; operation.width()]).is_err();
    let mut logits: Vec<f64> = (0..rows * columns).map(values).collect();
    if is_given {
        for row in logits.chunks_mut(columns) {
            let sum: f64 = row.iter().map(|value| value + 2.5).sum();
            row.iter_mut().for_each(|value| *value = (*value + 2.5) / sum);
        }
    }
    let logits: Vec<T> = logits.into_iter().map(T::from_f64).collect();
    let mut out = vec![0f64; rows * operation.width()];
    let (begin, mut best) = (Instant::now(), f64::INFINITY);
    while best.is_infinite() || begin.elapsed().as_secs_f64() < SECONDS {
        let start = Instant::now();
        operation.forward_into(&logits, &mut out)?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(best * 1e9 / logits.len() as f64)
}
