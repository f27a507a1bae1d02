//! Training on a user's own table.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::mem::take;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use klados::loss::ClassWeight;
use klados::{Criterion, Hierarchy, Label, Loss};
use serde_json::json;

use super::progress::Progress;
use super::{TrainArgs, summary};
use crate::cmd::labelled::{labels_of, read, sha256};
use crate::cmd::{Usage, note, warnings};
use crate::data::hierarchy;
use crate::data::loss_files::{self, LossFiles};
use crate::data::table::{Roles, Table};
use crate::evaluate::Evaluation;
use crate::output::folder::Folder;
use crate::output::metrics;
use crate::output::model_files::{self, Input};
use crate::output::predictions::Rows;
use crate::report;
use crate::train::evaluation::{Candidate, evaluate};
use crate::train::examples::Examples;
use crate::train::network::Model;
use crate::train::objective::Objective;
use crate::train::reading::Reading;
use crate::train::run::{EvaluationSet, RunResult, RunSpec, run as train};
use crate::train::settings::{Head, Optimizer, Settings};
use crate::train::split::{self, Split};

/// What is not typed.
pub(crate) const DEFAULTS: Settings = Settings {
    model: Head::Linear,
    hidden: 256,
    optimizer: Optimizer::Adamw,
    learning_rate: 0.01,
    weight_decay: 0.01,
    epochs: 50,
    batch_size: 64,
    steps_per_epoch: None,
    patience: None,
    stop_on: None,
    seed: 0,
};

/// Where the validation rows come from.
enum Validation {
    /// The same table.
    Fraction(f64),
    /// Another one.
    File(PathBuf),
}

/// Runs the command on `data`.
pub(crate) fn run(args: &TrainArgs, data: &Path, out: &mut dyn Write) -> Result<()> {
    let started = Instant::now();
    let settings = args.settings.over(&DEFAULTS);
    let losses = losses(args)?;
    let validation = validation(&args.val)?;
    // clap asks for it with DATA.
    let Some(hierarchy_path) = &args.hierarchy else { return Err(Usage("--hierarchy FILE is missing".into()).into()) };
    let hierarchy = hierarchy::read(hierarchy_path, &args.hierarchy_options)?;
    warnings::print(hierarchy.warnings());
    let roles = Roles {
        label: Some(args.label.clone().unwrap_or_else(|| "label".to_owned())),
        group: args.group.clone(),
        features: args.features.clone(),
        labels_file: args.labels.clone(),
    };
    for compared in &losses {
        compared.files.check(&hierarchy)?;
    }
    let readers: Vec<Criterion> = losses.iter().map(|compared| compared.reader(&hierarchy)).collect::<Result<_>>()?;
    let (mut train_table, mut validation_table) = both_sides(args, data, &roles, &readers, &validation, settings.seed)?;
    let width = train_table.width;
    if train_table.rows() == 0 {
        bail!("{}: there are no rows to train on", data.display());
    }
    if settings.patience.is_some() && validation_table.rows() == 0 {
        return Err(Usage("--patience needs validation rows: --val FILE or a fraction above 0".into()).into());
    }
    // The tables go on without their numbers: one copy of them is enough.
    let examples = |table: &mut Table| Examples { width, values: take(&mut table.values), labels: Vec::new() };
    let mut train_set = examples(&mut train_table);
    let mut validation_set = examples(&mut validation_table);

    let mut objectives = Vec::new();
    let mut is_multi_label = false;
    for (Compared { name, loss, .. }, reader) in losses.iter().zip(&readers) {
        let of_loss = || format!("--loss {name}");
        let labels = labels_of(&train_table, reader)?;
        let held_out = labels_of(&validation_table, reader)?;
        // One such row is enough: of the others, too, the nodes that hold are the label's and those above.
        is_multi_label |= labels.iter().chain(&held_out).any(|label| matches!(label, Label::Set { .. }));
        let objective = Objective::compile(loss, &hierarchy, &labels).with_context(of_loss)?;
        warnings::print(objective.warnings().iter().map(|warning| format!("{name}: {warning}")));
        let reading = Reading::new(&hierarchy, loss).with_context(of_loss)?;
        objectives.push((objective, reading));
    }
    let of_rows = |(objective, reading): (Objective, Reading)| (objective, reading.for_multi_label(is_multi_label));
    let objectives: Vec<(Objective, Reading)> = objectives.into_iter().map(of_rows).collect();
    for (_, reading) in &objectives {
        super::check_stop_on(&settings, reading)?;
    }
    let about = json!({
        "file": data.display().to_string(),
        "rows": { "train": train_table.rows(), "validation": validation_table.rows() },
        "features": width,
        "classes": hierarchy.class_count(),
        "nodes": hierarchy.node_count(),
        "seed": settings.seed,
    });
    let mut fingerprint = about.clone();
    fingerprint["klados"] = json!(env!("CARGO_PKG_VERSION"));
    fingerprint["settings"] = json!(settings);
    fingerprint["losses"] = json!(losses.iter().map(|compared| &compared.loss).collect::<Vec<_>>());
    fingerprint["skip_bad_rows"] = json!(args.skip_bad_rows);
    fingerprint["columns"] = json!([
        args.label,
        args.group,
        args.features,
        args.hierarchy_options.child_column,
        args.hierarchy_options.parent_column,
        args.hierarchy_options.rank_columns
    ]);
    fingerprint["val"] = json!(args.val);
    let held_out = match &validation {
        Validation::File(path) => Some(path.as_path()),
        Validation::Fraction(_) => None,
    };
    // `--class-weight` is in the losses by now.
    let weights = losses.iter().filter_map(|compared| match compared.loss.class_weight() {
        Some(ClassWeight::File(path)) => Some(path.as_path()),
        _ => None,
    });
    let files = [Some(data), Some(hierarchy_path.as_path()), args.labels.as_deref(), held_out];
    let rows = losses.iter().flat_map(|compared| compared.files.paths());
    for path in files.into_iter().flatten().chain(weights).chain(rows) {
        fingerprint[format!("sha256 of {}", path.display())] = json!(sha256(path)?);
    }
    let folder = Folder::open(&args.out, &fingerprint, args.force, args.resume)?;
    let notes = describe(data, &train_table, &validation_table, &hierarchy, &labels_of(&train_table, &readers[0])?);
    writeln!(out, "{}\n", notes.join("\n"))?;
    out.flush()?;

    let positions: Vec<String> = validation_table.positions.iter().map(u64::to_string).collect();
    let is_validated = validation_table.rows() > 0;
    let groups = args.group.is_some().then(|| numbered(&validation_table.groups));
    let name_width = losses.iter().map(|compared| compared.name.len()).max().unwrap_or(0);
    let place_of = |name: &str| match losses.len() {
        1 => folder.path().to_owned(),
        _ => folder.path().join(name),
    };
    let mut runs = Vec::new();
    for ((Compared { name, loss, text, .. }, reader), (objective, reading)) in
        losses.iter().zip(&readers).zip(&objectives)
    {
        // A label is what the loss says it is.
        train_set.labels = labels_of(&train_table, reader)?;
        validation_set.labels = labels_of(&validation_table, reader)?;
        let held_out = || EvaluationSet {
            name: "validation",
            examples: &validation_set,
            rows: Rows { unit: validation_table.unit, positions: &positions, labels: Some(&validation_table.labels) },
            groups: groups.as_deref(),
        };
        let sets: Vec<EvaluationSet<'_>> = is_validated.then(held_out).into_iter().collect();
        let spec = RunSpec {
            name: name.clone(),
            about: text.clone(),
            loss: loss.clone(),
            objective,
            train: &train_set,
            validation: sets.first(),
            evaluation: &sets,
            input: Input::Columns(train_table.columns.clone()),
            settings: settings.clone(),
        };
        let mut progress = Progress::new(name, name_width, &settings);
        runs.push(train(&spec, reading, &place_of(name), &folder.checkpoints(name), &mut |epoch| {
            progress.epoch(epoch);
        })?);
    }
    let title = data.display().to_string();
    let mut evaluation = None;
    if is_validated {
        // A label of the first loss, which the other losses know as well, if perhaps not as a node.
        validation_set.labels = labels_of(&validation_table, &readers[0])?;
        let set = EvaluationSet {
            name: "validation",
            examples: &validation_set,
            rows: Rows { unit: validation_table.unit, positions: &positions, labels: Some(&validation_table.labels) },
            groups: groups.as_deref(),
        };
        let readings: Vec<&Reading> = objectives.iter().map(|(_, reading)| reading).collect();
        evaluation = judged(&place_of, &runs, &readings, &set, &title, &notes)?;
    }
    metrics::write(folder.path(), &about, &runs, evaluation.as_ref())?;
    let page = report::Page { title, notes, runs: &runs, evaluation: evaluation.as_ref(), galleries: &[] };
    report::write_training(folder.path(), &page)?;
    let place = folder.finish()?;
    if !is_validated {
        writeln!(out, "No validation rows, so nothing to score.")?;
    } else {
        if runs.iter().any(|run| run.about != run.name) {
            for run in &runs {
                writeln!(out, "{:name_width$}  {}", run.name, run.about)?;
            }
            writeln!(out)?;
        }
        let what = if is_multi_label { "Average precision on" } else { "On" };
        writeln!(out, "{what} the validation rows:\n")?;
        summary::write(out, &runs)?;
    }
    let seconds = started.elapsed().as_secs_f64();
    writeln!(out, "\n{seconds:.1} seconds. Report: {}", place.join(report::FILE).display())?;
    let model = if losses.len() == 1 { place } else { place.join(&losses[0].name) };
    writeln!(out, "Predict with: klados predict --model {} DATA", model.display())?;
    Ok(())
}

/// The runs, judged on the same rows.
fn judged(
    place_of: &dyn Fn(&str) -> PathBuf,
    runs: &[RunResult],
    readings: &[&Reading],
    set: &EvaluationSet<'_>,
    title: &str,
    notes: &[String],
) -> Result<Option<Evaluation>> {
    let mut notes = notes.to_vec();
    let mut models: Vec<(&RunResult, &Reading, Model)> = Vec::new();
    for (run, reading) in runs.iter().zip(readings) {
        // A model that gives NaN would take the rows from the others.
        if run.evaluations.iter().any(|set| set.loss.is_nan()) {
            notes.push(format!("{}: training diverged; it is left out of the comparison", run.name));
            continue;
        }
        models.push((run, *reading, model_files::load(&place_of(&run.name))?.model));
    }
    let candidates: Vec<Candidate<'_>> = models
        .iter()
        .map(|(run, reading, model)| Candidate {
            name: &run.name,
            about: &run.about,
            model,
            reading,
            rules: Vec::new(),
        })
        .collect();
    let seed = runs.first().map_or(0, |run| run.settings.seed);
    evaluate(&candidates, set, seed, title, notes)
}

/// A number for each text.
fn numbered(texts: &[String]) -> Vec<u64> {
    let mut known: HashMap<&str, u64> = HashMap::new();
    let number = |text| {
        let next = known.len() as u64;
        *known.entry(text).or_insert(next)
    };
    texts.iter().map(String::as_str).map(number).collect()
}

/// A loss that is compared with others.
struct Compared {
    /// A name that is also that of a folder.
    name: String,
    /// With rows in place of their files.
    loss: Loss,
    files: LossFiles,
    /// The loss as it was typed.
    text: String,
}

impl Compared {
    /// The loss as far as it reads labels, in which class weights may be counted.
    fn reader(&self, hierarchy: &Hierarchy) -> Result<Criterion> {
        let unweighted = self.loss.clone().with_class_weight(None);
        unweighted.compile(hierarchy).with_context(|| format!("--loss {}", self.name))
    }
}

/// The losses that are compared.
fn losses(args: &TrainArgs) -> Result<Vec<Compared>> {
    let default = ["marginal_cross_entropy".to_owned()];
    let texts = if args.losses.is_empty() { &default[..] } else { &args.losses };
    let mut losses = Vec::new();
    let mut seen: HashMap<&'static str, usize> = HashMap::new();
    for text in texts {
        let mut loss: Loss = text.parse().with_context(|| format!("--loss {text}"))?;
        if let Some(weight) = &args.class_weight
            && loss.class_weight().is_none()
        {
            let weight = serde_json::from_value(json!(weight)).context("--class-weight")?;
            loss = loss.with_class_weight(Some(weight));
            if loss.class_weight().is_none() {
                return Err(Usage(format!("--class-weight: {} takes no class weights", loss.name())).into());
            }
        }
        let (loss, files) = loss_files::resolve(&loss)?;
        let count = seen.entry(loss.name()).or_default();
        *count += 1;
        let name = if *count == 1 { loss.name().to_owned() } else { format!("{}_{count}", loss.name()) };
        losses.push(Compared { name, loss, files, text: text.clone() });
    }
    Ok(losses)
}

fn validation(text: &str) -> Result<Validation> {
    match text.parse::<f64>() {
        Ok(fraction) if (0.0..1.0).contains(&fraction) => Ok(Validation::Fraction(fraction)),
        Ok(_) => Err(Usage(format!("--val {text}: expected a fraction from 0 to below 1, or a file")).into()),
        Err(_) => Ok(Validation::File(text.into())),
    }
}

/// The rows to train on and those to validate on.
fn both_sides(
    args: &TrainArgs,
    data: &Path,
    roles: &Roles,
    readers: &[Criterion],
    validation: &Validation,
    seed: u64,
) -> Result<(Table, Table)> {
    let table = read(data, roles, readers, args.skip_bad_rows)?;
    match validation {
        Validation::Fraction(fraction) => {
            let Split { train, validation } = match &args.group {
                Some(_) => split::grouped(&table.groups, *fraction, seed),
                None => split::stratified(&strata(&table, readers), *fraction, seed),
            };
            if *fraction > 0.0 && validation.is_empty() && table.rows() > 0 {
                note(&format!("warning: no validation rows: {}", why_none(&table, args)));
            }
            Ok((table.select(&train), table.select(&validation)))
        }
        Validation::File(_) if args.labels.is_some() => {
            Err(Usage("--labels has the labels of one .npy; hold out a fraction with --val 0.2".into()).into())
        }
        Validation::File(path) => {
            // The validation rows have the features that were trained on, in that order.
            let roles = Roles { features: Some(table.columns.clone()), group: None, ..roles.clone() };
            let other = read(path, &roles, readers, args.skip_bad_rows)?;
            if other.width != table.width {
                let (found, expected) = (other.width, table.width);
                bail!("{} has {found} features, {} has {expected}", path.display(), data.display());
            }
            Ok((table, other))
        }
    }
}

/// What is split in equal shares: the labels; all multi-label rows as if they had one, as few have the same.
fn strata(table: &Table, readers: &[Criterion]) -> Vec<String> {
    let is_set = |text: &String| {
        text.contains(';') && readers.iter().any(|reader| matches!(reader.parse_label(text), Ok(Label::Set { .. })))
    };
    table.labels.iter().map(|text| if is_set(text) { ";".to_owned() } else { text.clone() }).collect()
}

/// Why a fraction of the rows above 0 came to no row.
fn why_none(table: &Table, args: &TrainArgs) -> String {
    let distinct = |texts: &[String]| texts.iter().collect::<HashSet<_>>().len();
    let (rows, val) = (table.rows(), &args.val);
    match &args.group {
        Some(group) if distinct(&table.groups) == 1 => format!("all rows have the same value of --group {group}"),
        Some(group) => format!("no group of --group {group} is small enough for --val {val} of {rows} rows"),
        None if distinct(&table.labels) == rows => "no label is on more than one row".to_owned(),
        None => format!("--val {val} of {rows} rows is less than one for the labels that are on several rows"),
    }
}

/// What is about to happen, in words; also the beginning of the report.
fn describe(data: &Path, train: &Table, validation: &Table, hierarchy: &Hierarchy, labels: &[Label]) -> Vec<String> {
    let coarse = |label: &&Label| match label {
        Label::Node(node) => hierarchy.count_classes_below(*node) > 1,
        Label::Union(_) | Label::Superclass(_) => true,
        _ => false,
    };
    let coarse = labels.iter().filter(coarse).count();
    let sets = labels.iter().filter(|label| matches!(label, Label::Set { .. })).count();
    let kind = if sets > 0 { format!("{sets} of them multi-label") } else { format!("{coarse} with a coarse label") };
    // The root is above everything and says nothing.
    let above = hierarchy.node_count() - hierarchy.class_count() - 1;
    let mut lines = vec![
        format!(
            "{}: {} rows to train on ({kind}), {} to validate, {} features",
            data.display(),
            train.rows(),
            validation.rows(),
            train.width
        ),
        format!("{} classes, {above} nodes between them and the root", hierarchy.class_count()),
    ];
    if !train.unused.is_empty() {
        lines.push(format!("Columns that are no features: {}", train.unused.join(", ")));
    }
    lines
}
