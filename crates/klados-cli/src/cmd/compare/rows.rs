//! The rows that are compared on: the embedded pictures, or a table.

use std::path::Path;

use anyhow::{Result, bail};
use klados::Label;
use klados::loss::MarginalCrossEntropy;
use serde_json::{Value, json};

use super::{CompareArgs, check_labels};
use crate::cmd::emoji_rows::{examples, hierarchy};
use crate::cmd::labelled::{labels_of, read as read_table, sha256};
use crate::cmd::train::{emoji_story, table_runs};
use crate::cmd::{Usage, warnings};
use crate::compare::plan::Data;
use crate::data::emoji::{self, Vendor};
use crate::data::hierarchy as hierarchy_file;
use crate::data::table::Roles;
use crate::train::examples::Examples;
use crate::train::settings::Settings;

/// The pictures train dozens of times: fewer epochs than `klados train` has, so that two cores take some minutes, and larger
/// steps, as the largest that were tried around those of `klados train` were mostly taken.
const EPOCHS_OF_PICTURES: usize = 12;
const LEARNING_RATE_OF_PICTURES: f64 = 0.002;

/// Rows, and what goes with them.
pub(super) struct Source {
    pub(super) data: Data,
    /// What they are, and what decides that they are the same.
    pub(super) about: Value,
    /// The settings where none are typed.
    pub(super) defaults: Settings,
}

/// Reads what the arguments name.
///
/// # Errors
///
/// A file that cannot be read, or rows that cannot be used.
pub(super) fn read(args: &CompareArgs) -> Result<Source> {
    match &args.data {
        Some(data) => table(args, data),
        None => pictures(),
    }
}

/// The pictures of all vendors, which are the groups.
fn pictures() -> Result<Source> {
    let classes = emoji::classes()?;
    let vendors: Vec<&Vendor> = emoji::TRAIN.iter().chain([&emoji::CALIBRATION, &emoji::TEST]).collect();
    let mut all = Examples::default();
    let mut groups = Vec::new();
    for vendor in vendors {
        let of_vendor = examples(std::slice::from_ref(vendor), classes.len())?;
        groups.extend(std::iter::repeat_n(vendor.name.to_owned(), of_vendor.rows()));
        all.width = of_vendor.width;
        all.values.extend(of_vendor.values);
        all.labels.extend(of_vendor.labels);
    }
    let data = Data { hierarchy: hierarchy(&classes)?, examples: all, groups: Some(groups) };
    let defaults =
        Settings { epochs: EPOCHS_OF_PICTURES, learning_rate: LEARNING_RATE_OF_PICTURES, ..emoji_story::DEFAULTS };
    Ok(Source { data, about: json!("emoji"), defaults })
}

fn table(args: &CompareArgs, file: &Path) -> Result<Source> {
    check_labels(args, file)?;
    // clap asks for it with DATA.
    let Some(hierarchy) = &args.hierarchy else { return Err(Usage("--hierarchy FILE is missing".into()).into()) };
    let tree = hierarchy_file::read(hierarchy, &args.hierarchy_options)?;
    warnings::print(tree.warnings());
    let roles = Roles {
        label: Some(args.label.clone().unwrap_or_else(|| "label".to_owned())),
        group: args.groups.clone(),
        features: args.features.clone(),
        labels_file: args.labels.clone(),
    };
    // What a label is, the hierarchy says; that each loss takes it is looked at later.
    let reader = MarginalCrossEntropy::new().compile(&tree)?;
    let mut table = read_table(file, &roles, std::slice::from_ref(&reader), args.skip_bad_rows)?;
    if let Some(row) = table.labels.iter().position(|text| matches!(reader.parse_label(text), Ok(Label::Set { .. }))) {
        let (path, unit, place) = (file.display(), table.unit, table.positions[row]);
        bail!("{path} {unit} {place}: the label \"{}\" names several nodes that hold; expected one", table.labels[row]);
    }
    let labels = labels_of(&table, &reader)?;
    let files = [Some(file), Some(hierarchy.as_path()), args.labels.as_deref()];
    let hashes = files.into_iter().flatten().map(|file| Ok((file.display().to_string(), json!(sha256(file)?))));
    let hashes: serde_json::Map<String, Value> = hashes.collect::<Result<_>>()?;
    let about = json!({ "name": file.display().to_string(), "sha256": hashes, "label": args.label });
    let groups = args.groups.is_some().then(|| std::mem::take(&mut table.groups));
    let examples = Examples { width: table.width, values: table.values, labels };
    Ok(Source { data: Data { hierarchy: tree, examples, groups }, about, defaults: table_runs::DEFAULTS })
}
