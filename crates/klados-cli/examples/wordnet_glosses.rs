//! What coarse labels are worth on text: words of WordNet, classified by their definitions.
//!
//! Every sample is the gloss of a noun ("a small domesticated carnivorous mammal ...") and the nodes above it in WordNet,
//! rolled up so that each node has samples of its own: a DAG of 1,099 nodes below animal, plant, food and artifact. More
//! than half of the labels are internal nodes, "some kind of bird", which flat training has no use for. The marginal
//! likelihood has: the loss of a coarse label is `-log` of the sum of the probabilities of the classes below it.
//!
//! Features are words and pairs of neighbouring words, hashed; the model is linear, trained by AdaGrad on one sample after
//! the other. Both are a few lines, so the example shows the core alone: [`klados::Criterion::forward_backward`] on a row
//! of logits. All models take the same number of steps. Passes (of 4, 8, 16) and each model's step size (of 0.1, 0.2, 0.4)
//! were chosen on a fifth of the training rows, by the share of right classes; the test rows are for the table alone.
//!
//! ```text
//! cargo run --release -p klados-cli --example wordnet_glosses
//! ```
//!
//! With a folder, `-- --table FOLDER`, it writes the samples there as `glosses.npy` and `labels.txt` instead, hashed into fewer
//! buckets, for `klados compare` and `klados train`, which take rows of numbers.

#![allow(clippy::print_stdout, reason = "an example prints what it finds")]

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use klados::format::CsvOptions;
use klados::{Criterion, Hierarchy, Label, Loss, NodeId};
use npyz::WriterBuilder;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// Features are hashed into so many buckets.
const BUCKETS: usize = 1 << 15;
/// Those of the table, in which every bucket of a row is a number.
const TABLE_BUCKETS: usize = 1024;
/// Passes through all training rows; a run on fewer rows goes through them more often.
const PASSES: usize = 16;
const SEEDS: u64 = 3;

/// The gloss of one word.
struct Sample {
    /// Buckets and values, of length 1.
    features: Vec<(usize, f32)>,
    label: Label,
    is_test: bool,
}

fn main() -> Result<()> {
    let started = Instant::now();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/wordnet-gloss");
    let hierarchy = Hierarchy::from_csv_path(folder.join("hierarchy.csv"), &CsvOptions::new())?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [] => {}
        [option, place] if option == "--table" => {
            return write_table(&folder.join("samples.parquet"), Path::new(place));
        }
        _ => bail!("expected nothing, or --table FOLDER"),
    }
    let samples = read(&folder.join("samples.parquet"), &hierarchy)?;
    let (test, train): (Vec<&Sample>, Vec<&Sample>) = samples.iter().partition(|sample| sample.is_test);
    let is_leaf = |sample: &&Sample| class(&hierarchy, &sample.label).is_some();
    let leaf_rows: Vec<&Sample> = train.iter().copied().filter(is_leaf).collect();
    println!(
        "{} nodes, {} of them classes; {} training rows, {} labelled by class; {} test rows, {} labelled by class\n",
        hierarchy.node_count() - 1,
        hierarchy.class_count(),
        train.len(),
        leaf_rows.len(),
        test.len(),
        test.iter().copied().filter(|sample| is_leaf(sample)).count()
    );
    let marginal = r#"{"marginal_cross_entropy": {"weights": "leaves"}}"#;
    let runs = [
        ("labelled by class alone, cross-entropy", marginal, &leaf_rows, 0.2),
        ("with any label, marginal likelihood", marginal, &train, 0.4),
        ("with any label, a term at every node above it as well", "marginal_cross_entropy", &train, 0.4),
    ];
    let steps = PASSES * train.len();
    let mut scores = Vec::new();
    for (name, loss, rows, step_size) in runs {
        let criterion = loss.parse::<Loss>()?.compile(&hierarchy)?;
        let seeds = (0..SEEDS)
            .map(|seed| Ok(score(&Model::train(&criterion, rows, (steps, step_size), seed)?, &hierarchy, &test)));
        scores.push((name, seeds.collect::<Result<Vec<Scores>>>()?));
    }
    print(&hierarchy, &scores);
    println!("\n{:.0} seconds", started.elapsed().as_secs_f64());
    Ok(())
}

/// The samples of the file.
fn read(path: &Path, hierarchy: &Hierarchy) -> Result<Vec<Sample>> {
    let mut samples = Vec::new();
    each_sample(path, &mut |gloss, label, split| {
        let (features, label) = (features(gloss, BUCKETS), hierarchy.parse_label(label)?);
        samples.push(Sample { features, label, is_test: split != "train" });
        Ok(())
    })?;
    Ok(samples)
}

/// Hands gloss, label and split of each sample to `each`; of several nodes that a word is below, the label is "one of these".
fn each_sample(path: &Path, each: &mut dyn FnMut(&str, &str, &str) -> Result<()>) -> Result<()> {
    let file = fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    for batch in ParquetRecordBatchReaderBuilder::try_new(file)?.build()? {
        let batch = batch?;
        let column = |name: &str| -> Result<_> {
            Ok(cast(batch.column_by_name(name).with_context(|| format!("no column {name}"))?, &DataType::Utf8)?)
        };
        let (gloss, labels, split) = (column("gloss")?, column("labels")?, column("split")?);
        let (gloss, labels, split) = (gloss.as_string::<i32>(), labels.as_string::<i32>(), split.as_string::<i32>());
        for row in 0..gloss.len() {
            each(gloss.value(row), &labels.value(row).replace(';', "|"), split.value(row))?;
        }
    }
    Ok(())
}

/// Writes all samples as a table of numbers and a file of labels.
fn write_table(samples: &Path, folder: &Path) -> Result<()> {
    let (mut values, mut labels) = (Vec::new(), String::new());
    each_sample(samples, &mut |gloss, label, _| {
        let start = values.len();
        values.resize(start + TABLE_BUCKETS, 0.0f32);
        features(gloss, TABLE_BUCKETS).into_iter().for_each(|(bucket, value)| values[start + bucket] = value);
        labels.push_str(label);
        labels.push('\n');
        Ok(())
    })?;
    fs::create_dir_all(folder)?;
    let shape = [(values.len() / TABLE_BUCKETS) as u64, TABLE_BUCKETS as u64];
    let file = std::io::BufWriter::new(fs::File::create(folder.join("glosses.npy"))?);
    let mut writer = npyz::WriteOptions::new().default_dtype().shape(&shape).writer(file).begin_nd()?;
    writer.extend(values)?;
    writer.finish()?;
    fs::write(folder.join("labels.txt"), labels)?;
    println!("{} rows of {} numbers in {}", shape[0], shape[1], folder.display());
    Ok(())
}

/// Words and pairs of neighbouring words, each hashed to a bucket (FNV-1a), as a vector of length 1.
fn features(text: &str, buckets: usize) -> Vec<(usize, f32)> {
    let text = text.to_lowercase();
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let pairs = words.windows(2).map(|pair| pair.join(" "));
    let hash = |word: &str| {
        let hash = word
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        (hash >> 32) as usize % buckets
    };
    let mut hashes: Vec<usize> = words.iter().map(|word| hash(word)).chain(pairs.map(|pair| hash(&pair))).collect();
    hashes.sort_unstable();
    hashes.dedup();
    let value = 1.0 / (hashes.len().max(1) as f32).sqrt();
    hashes.into_iter().map(|bucket| (bucket, value)).collect()
}

/// The class that a label is, where it is one.
fn class(hierarchy: &Hierarchy, label: &Label) -> Option<usize> {
    match label {
        Label::Class(class) => Some(*class),
        Label::Node(node) => hierarchy.class_at(*node),
        _ => None,
    }
}

/// A linear model on buckets.
struct Model {
    step_size: f32,
    classes: usize,
    /// `[BUCKETS + 1, classes]`, the last row is the bias; with the sums of squared gradients of AdaGrad.
    weights: Vec<f32>,
    squares: Vec<f32>,
}

impl Model {
    fn train(criterion: &Criterion, rows: &[&Sample], (steps, step_size): (usize, f32), seed: u64) -> Result<Self> {
        let classes = criterion.columns();
        let size = (BUCKETS + 1) * classes;
        let mut model = Self { step_size, classes, weights: vec![0.0; size], squares: vec![1e-6; size] };
        let (mut logits, mut grad, mut loss) = (vec![0.0; classes], vec![0.0; classes], [0.0]);
        let mut random = fastrand::Rng::with_seed(seed);
        let mut order: Vec<usize> = (0..rows.len()).collect();
        for step in 0..steps {
            if step % rows.len() == 0 {
                random.shuffle(&mut order);
            }
            let sample = rows[order[step % rows.len()]];
            model.logits(&sample.features, &mut logits);
            // The loss and its gradient by the logits; the rest is the chain rule of a linear model.
            criterion.forward_backward(&logits, std::slice::from_ref(&sample.label), &mut loss, &mut grad)?;
            model.descend(&sample.features, &grad);
        }
        Ok(model)
    }

    fn logits(&self, features: &[(usize, f32)], logits: &mut [f32]) {
        logits.copy_from_slice(&self.weights[BUCKETS * self.classes..]);
        for &(bucket, value) in features {
            let row = &self.weights[bucket * self.classes..][..self.classes];
            logits.iter_mut().zip(row).for_each(|(logit, weight)| *logit += value * weight);
        }
    }

    fn descend(&mut self, features: &[(usize, f32)], grad: &[f32]) {
        for &(bucket, value) in features.iter().chain(&[(BUCKETS, 1.0)]) {
            let place = bucket * self.classes..(bucket + 1) * self.classes;
            let (weights, squares) = (&mut self.weights[place.clone()], &mut self.squares[place]);
            for ((weight, square), grad) in weights.iter_mut().zip(squares).zip(grad) {
                let grad = grad * value;
                *square += grad * grad;
                *weight -= self.step_size * grad / square.sqrt();
            }
        }
    }
}

/// What is right on the test rows.
struct Scores {
    /// Of the rows labelled by class: by height, the share where the lowest common ancestor of label and prediction is at
    /// most so high. At 0 the class is right.
    within: Vec<f64>,
    /// The mean of these heights.
    lca_height: f64,
    /// Of all rows: the share where the predicted class is below the label.
    below: f64,
    /// Of all rows: the share where animal, plant, food or artifact is right.
    top: f64,
}

fn score(model: &Model, hierarchy: &Hierarchy, rows: &[&Sample]) -> Scores {
    let height = hierarchy.height(NodeId::ROOT);
    let (mut counts, mut classified, mut heights) = (vec![0usize; height + 1], 0usize, 0usize);
    let (mut below, mut top) = (0usize, 0usize);
    let mut logits = vec![0.0; model.classes];
    let named = |label: &Label| match label {
        Label::Class(class) => vec![hierarchy.class_node(*class)],
        Label::Node(node) => vec![*node],
        Label::Union(nodes) => nodes.clone(),
        _ => Vec::new(),
    };
    let tops = hierarchy.children(NodeId::ROOT);
    for sample in rows {
        model.logits(&sample.features, &mut logits);
        let best = (0..logits.len()).fold(0, |best, class| if logits[class] > logits[best] { class } else { best });
        let found = hierarchy.class_node(best);
        let nodes = named(&sample.label);
        below += usize::from(nodes.iter().any(|&node| hierarchy.is_at_or_above(node, found)));
        let shares = |top: &NodeId| {
            hierarchy.is_at_or_above(*top, found) && nodes.iter().any(|&node| hierarchy.is_at_or_above(*top, node))
        };
        top += usize::from(tops.iter().any(shares));
        if let Some(class) = class(hierarchy, &sample.label) {
            classified += 1;
            let apart =
                if class == best { 0 } else { hierarchy.height(hierarchy.lca(hierarchy.class_node(class), found)) };
            heights += apart;
            counts[apart..].iter_mut().for_each(|count| *count += 1);
        }
    }
    let of = |count: usize, all: usize| count as f64 / all as f64;
    Scores {
        within: counts.into_iter().map(|count| of(count, classified)).collect(),
        lca_height: of(heights, classified),
        below: of(below, rows.len()),
        top: of(top, rows.len()),
    }
}

/// One line a number, one column a run: the mean over the seeds, and half of the range.
fn print(hierarchy: &Hierarchy, scores: &[(&str, Vec<Scores>)]) {
    for (index, (name, _)) in scores.iter().enumerate() {
        println!("{}: rows {name}", index + 1);
    }
    println!("\nmeans over {SEEDS} seeds, +- half of the range{:>8}{:>14}{:>14}", "(1)", "(2)", "(3)");
    let line = |name: &str, number: &dyn Fn(&Scores) -> f64, unit: f64| {
        print!("{name:42}");
        for (_, seeds) in scores {
            let numbers: Vec<f64> = seeds.iter().map(|scores| unit * number(scores)).collect();
            let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
            let [low, high] = [f64::min, f64::max].map(|pick| numbers.iter().copied().reduce(pick).unwrap_or(mean));
            let digits = if unit == 1.0 { 2 } else { 1 };
            print!("{:>14}", format!("{mean:.digits$} +- {:.digits$}", (high - low) / 2.0));
        }
        println!();
    };
    println!("rows labelled by class");
    line("  class right, %", &|scores| scores.within[0], 100.0);
    for height in 1..hierarchy.height(NodeId::ROOT) {
        line(&format!("  common ancestor at most {height} high, %"), &|scores| scores.within[height], 100.0);
    }
    line("  height of the lowest common ancestor", &|scores| scores.lca_height, 1.0);
    println!("all rows");
    line("  predicted class is below the label, %", &|scores| scores.below, 100.0);
    line("  animal, plant, food, artifact right, %", &|scores| scores.top, 100.0);
}
