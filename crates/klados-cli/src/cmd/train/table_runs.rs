//! Training on a user's own table.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::mem::take;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use klados::loss::ClassWeight;
use klados::{Hierarchy, Label, Loss};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::progress::Progress;
use super::{TrainArgs, summary};
use crate::cmd::{Usage, note, warnings};
use crate::data::columns::BadRow;
use crate::data::hierarchy;
use crate::data::table::{Roles, Table};
use crate::output::folder::Folder;
use crate::output::metrics;
use crate::output::model_files::Input;
use crate::output::predictions::Rows;
use crate::report;
use crate::train::examples::Examples;
use crate::train::levels::Levels;
use crate::train::objective::Objective;
use crate::train::run::{EvaluationSet, RunSpec, run as train};
use crate::train::settings::{Head, Optimizer, Settings};
use crate::train::split::{self, Split};

/// What is not typed.
const DEFAULTS: Settings = Settings {
    model: Head::Linear,
    hidden: 256,
    optimizer: Optimizer::Adamw,
    learning_rate: 0.01,
    weight_decay: 0.01,
    epochs: 50,
    batch_size: 64,
    steps_per_epoch: None,
    patience: None,
    seed: 0,
};

/// Where the validation rows come from.
enum Validation {
    /// The same table.
    Fraction(f64),
    /// Another one.
    File(std::path::PathBuf),
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
    let ((mut train_table, train_labels), (mut validation_table, validation_labels)) =
        both_sides(args, data, &roles, &hierarchy, &validation, settings.seed)?;
    let width = train_table.width;
    if train_table.rows() == 0 {
        bail!("{}: there are no rows to train on", data.display());
    }
    if settings.patience.is_some() && validation_table.rows() == 0 {
        return Err(Usage("--patience needs validation rows: --val FILE or a fraction above 0".into()).into());
    }
    // The tables go on without their numbers: one copy of them is enough.
    let examples = |table: &mut Table, labels| Examples { width, values: take(&mut table.values), labels };
    let train_set = examples(&mut train_table, train_labels);
    let validation_set = examples(&mut validation_table, validation_labels);

    let mut objectives = Vec::new();
    for Compared { name, loss, .. } in &losses {
        let objective =
            Objective::compile(loss, &hierarchy, &train_set.labels).with_context(|| format!("--loss {name}"))?;
        warnings::print(objective.warnings().iter().map(|warning| format!("{name}: {warning}")));
        check_labels(&objective, &train_table, &train_set.labels)?;
        check_labels(&objective, &validation_table, &validation_set.labels)?;
        objectives.push(objective);
    }
    let levels = Levels::new(&hierarchy);
    let about = json!({
        "file": data.display().to_string(),
        "rows": { "train": train_set.rows(), "validation": validation_set.rows() },
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
    for path in files.into_iter().flatten().chain(weights) {
        fingerprint[format!("sha256 of {}", path.display())] = json!(sha256(path)?);
    }
    let folder = Folder::open(&args.out, &fingerprint, args.force, args.resume)?;
    let notes = describe(data, &train_table, &hierarchy, &train_set, &validation_set);
    writeln!(out, "{}\n", notes.join("\n"))?;
    out.flush()?;

    let positions: Vec<String> = validation_table.positions.iter().map(u64::to_string).collect();
    let held_out = EvaluationSet {
        name: "validation",
        examples: &validation_set,
        rows: Rows { unit: validation_table.unit, positions: &positions, labels: Some(&validation_table.labels) },
    };
    let sets = if validation_set.rows() > 0 { vec![held_out] } else { Vec::new() };
    let name_width = losses.iter().map(|compared| compared.name.len()).max().unwrap_or(0);
    let mut runs = Vec::new();
    for (Compared { name, loss, text }, objective) in losses.iter().zip(&objectives) {
        let spec = RunSpec {
            name: name.clone(),
            about: text.clone(),
            loss: loss.clone(),
            objective,
            train: &train_set,
            validation: (validation_set.rows() > 0).then_some(&validation_set),
            evaluation: &sets,
            input: Input::Columns(train_table.columns.clone()),
            settings: settings.clone(),
        };
        let mut progress = Progress::new(name, name_width, &settings);
        let place = if losses.len() == 1 { folder.path().to_owned() } else { folder.path().join(name) };
        runs.push(train(&spec, &levels, &place, &folder.checkpoints(name), &mut |epoch| progress.epoch(epoch))?);
    }
    metrics::write(folder.path(), &about, &runs)?;
    report::write(
        folder.path(),
        &report::Page { title: data.display().to_string(), notes, runs: &runs, mistakes: &[] },
    )?;
    let place = folder.finish()?;
    if sets.is_empty() {
        writeln!(out, "No validation rows, so nothing to score.")?;
    } else {
        if runs.iter().any(|run| run.about != run.name) {
            for run in &runs {
                writeln!(out, "{:name_width$}  {}", run.name, run.about)?;
            }
            writeln!(out)?;
        }
        writeln!(out, "On the validation rows:\n")?;
        summary::write(out, &runs)?;
    }
    let seconds = started.elapsed().as_secs_f64();
    writeln!(out, "\n{seconds:.1} seconds. Report: {}", place.join(report::FILE).display())?;
    let model = if losses.len() == 1 { place } else { place.join(&losses[0].name) };
    writeln!(out, "Predict with: klados predict --model {} DATA", model.display())?;
    Ok(())
}

/// A loss that is compared with others.
struct Compared {
    /// A name that is also that of a folder.
    name: String,
    loss: Loss,
    /// The loss as it was typed.
    text: String,
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
        }
        let count = seen.entry(loss.name()).or_default();
        *count += 1;
        let name = if *count == 1 { loss.name().to_owned() } else { format!("{}_{count}", loss.name()) };
        losses.push(Compared { name, loss, text: text.clone() });
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

/// A table with the labels that it has in the hierarchy.
type Labelled = (Table, Vec<Label>);

/// The rows to train on and those to validate on.
fn both_sides(
    args: &TrainArgs,
    data: &Path,
    roles: &Roles,
    hierarchy: &Hierarchy,
    validation: &Validation,
    seed: u64,
) -> Result<(Labelled, Labelled)> {
    let (table, labels) = read(data, roles, hierarchy, args.skip_bad_rows)?;
    match validation {
        Validation::Fraction(fraction) => {
            let Split { train, validation } = match &args.group {
                Some(_) => split::grouped(&table.groups, *fraction, seed),
                None => split::stratified(&table.labels, *fraction, seed),
            };
            if *fraction > 0.0 && validation.is_empty() && table.rows() > 0 {
                note(&format!("warning: no validation rows: {}", why_none(&table, args)));
            }
            let side = |rows: &[usize]| (table.select(rows), rows.iter().map(|&row| labels[row].clone()).collect());
            Ok((side(&train), side(&validation)))
        }
        Validation::File(_) if args.labels.is_some() => {
            Err(Usage("--labels has the labels of one .npy; hold out a fraction with --val 0.2".into()).into())
        }
        Validation::File(path) => {
            // The validation rows have the features that were trained on, in that order.
            let roles = Roles { features: Some(table.columns.clone()), group: None, ..roles.clone() };
            let (other, other_labels) = read(path, &roles, hierarchy, args.skip_bad_rows)?;
            if other.width != table.width {
                let (found, expected) = (other.width, table.width);
                bail!("{} has {found} features, {} has {expected}", path.display(), data.display());
            }
            Ok(((table, labels), (other, other_labels)))
        }
    }
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

/// Reads a table and its labels. Rows that cannot be used are an error, or with `skip` left out with a note.
fn read(path: &Path, roles: &Roles, hierarchy: &Hierarchy, skip: bool) -> Result<Labelled> {
    let mut table = Table::read(path, roles)?;
    let mut known: HashMap<&str, Result<(), String>> = HashMap::new();
    let mut bad = Vec::new();
    for (row, text) in table.labels.iter().enumerate().filter(|(_, text)| !text.is_empty()) {
        let parse = || hierarchy.parse_label(text).map(|_| ()).map_err(|error| error.to_string());
        if let Err(reason) = known.entry(text).or_insert_with(parse) {
            bad.push(BadRow { row, reason: table.in_labels_file(row, reason) });
        }
    }
    table.bad.extend(bad);
    let (table, message) = table.without_bad_rows(skip)?;
    if let Some(message) = message {
        note(&format!("warning: {message}"));
    }
    let labels = table.labels.iter().map(|text| hierarchy.parse_label(text)).collect::<Result<_, _>>()?;
    Ok((table, labels))
}

/// What is about to happen, in words; also the beginning of the report.
fn describe(data: &Path, table: &Table, hierarchy: &Hierarchy, train: &Examples, validation: &Examples) -> Vec<String> {
    let coarse = |label: &&Label| match label {
        Label::Node(node) => hierarchy.count_classes_below(*node) > 1,
        Label::Union(_) => true,
        _ => false,
    };
    let coarse = train.labels.iter().filter(coarse).count();
    // The root is above everything and says nothing.
    let above = hierarchy.node_count() - hierarchy.class_count() - 1;
    let mut lines = vec![
        format!(
            "{}: {} rows to train on ({coarse} with a coarse label), {} to validate, {} features",
            data.display(),
            train.rows(),
            validation.rows(),
            table.width
        ),
        format!("{} classes, {above} nodes between them and the root", hierarchy.class_count()),
    ];
    if !table.unused.is_empty() {
        lines.push(format!("Columns that are no features: {}", table.unused.join(", ")));
    }
    lines
}

/// Asks the loss about every different label, so that the first one it is not defined for is named with its place.
fn check_labels(objective: &Objective, table: &Table, labels: &[Label]) -> Result<()> {
    let mut seen: HashMap<&str, ()> = HashMap::new();
    for (row, label) in labels.iter().enumerate() {
        if seen.insert(&table.labels[row], ()).is_none() {
            let place = || match &table.label_places {
                Some(places) => places.of(row),
                None => format!("{} {} {}", table.path.display(), table.unit, table.positions[row]),
            };
            objective.check(label).with_context(place)?;
        }
    }
    Ok(())
}

fn sha256(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}
