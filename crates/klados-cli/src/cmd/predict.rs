//! `klados predict`: a trained model on new rows.

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use image::{ImageFormat, ImageReader, RgbImage, Rgba, RgbaImage, imageops};
use klados::decide::Decider;

use super::{decision, note};
use crate::data::emoji::TILE;
use crate::data::pictures;
use crate::data::replace::replace;
use crate::data::table::{Roles, Table};
use crate::output::model_files::{self, Input, SavedModel};
use crate::output::predictions::{Rows, Writer};
use crate::output::validation;
use crate::train::reading::Reading;

const AFTER_LONG_HELP: &str = "\
Examples:
  klados predict --model klados-out birds.csv
  klados predict --model klados-out embeddings.parquet --out predictions.csv
  klados predict --model klados-out/coarse_labels cat.png
  klados predict --model klados-out birds.csv --decision threshold
  klados predict --model klados-out birds.csv \\
      --decision '{\"hedge\": {\"accuracy\": 0.95}}'

DATA is in the format that the model was trained on: a CSV or Parquet table
with the same feature columns (others are not looked at), an .npy with as many
columns, or for the models of `klados train` without DATA a PNG picture or a
folder of them (at most 4096 pixels on a side; each is made 32 x 32 pixels on
white).

Output is CSV, a line a row of DATA:
  line         the line in a CSV; `row`, counted from 1, in Parquet and .npy;
               `picture`, the file's name
  class        the most probable class; a path where its name is not unique
  probability  its probability
  LEVEL, LEVEL_probability
               for each level above the classes, from the top: the class's
               ancestor and its probability. Levels are the ranks of the
               hierarchy, or depth_1, depth_2, ... where it names none. Empty
               where the class has no ancestor; several ancestors, in a DAG,
               are joined by `|`.
With --decision, before `class`:
  decision, decision_probability, decision_level
               the answer of the rule, which may be any node: a species, or,
               where the model is not sure of one, its genus. `decision` is a
               path where the name is not unique. The root has no level.
  decision     alone for `consistent`, which answers with a set: its lowest
               nodes as a multi-label label, `a;b`, of one node `a;`, of none
               `;`. All above them hold too.
`hedge` and `conformal` take a number from data: the validation rows of training,
whose logits and labels are beside the model (validation.npy, validation.csv).
The rule with its number is printed on standard error, and may be given as
--decision later. What they promise is promised for rows that are exchangeable
with the validation rows: drawn like them, from the same source. It does not hold
to the letter where the model was chosen by these rows, as --patience does, nor
for data of another kind: a new camera, another year. Measure it on rows with
labels.
Of a model that was trained on multi-label rows: after `line` a column for each
node but the root, with its probability.
The most probable node of a level need not be above the most probable class;
what is printed is what is above the class. Probabilities are those of the
loss's form (`klados train --help`): with sigmoids those of the classes need not
sum to 1, and with levelwise_softmax and random_cut each level has its own.";

/// The text with what the other commands say of rules.
fn help() -> String {
    format!("{AFTER_LONG_HELP}\n\n{}", decision::RULES.trim_end())
}

/// Apply a trained model: a line a row with the class, its probability and that of each ancestor
#[derive(Debug, clap::Args)]
#[command(after_long_help = help())]
pub(crate) struct PredictArgs {
    /// The folder of a model that `klados train` wrote
    #[arg(long, value_name = "DIR")]
    pub(crate) model: PathBuf,
    /// The rows: .csv, .parquet, .npy; .png or a folder of them
    pub(crate) data: PathBuf,
    /// Where the predictions go [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// How to decide: a rule by name, as JSON with its parameters, or in a .json file
    #[arg(long, value_name = "NAME|JSON|FILE.json")]
    pub(crate) decision: Option<String>,
    /// Leave out rows with missing values (and say how many), instead of stopping
    #[arg(long)]
    pub(crate) skip_bad_rows: bool,
}

/// The largest side of a picture: a wide one is put on a square of its width, so memory grows with its square.
const LARGEST_SIDE: u32 = 4096;

/// Rows on their way through the model.
struct Batch {
    /// What `positions` counts.
    unit: &'static str,
    /// By row: where it stands.
    positions: Vec<String>,
    /// `rows x features`.
    values: Vec<f32>,
}

/// Runs the command.
pub(crate) fn run(args: &PredictArgs, out: &mut dyn Write) -> Result<()> {
    let saved = model_files::load(&args.model)?;
    let batch = match &saved.config.input {
        Input::Pictures => pictures_of(&args.data)?,
        Input::Columns(columns) => rows_of(&args.data, columns, args.skip_bad_rows)?,
    };
    let (values, rows) = (batch.values.len(), batch.positions.len());
    let width = saved.model.standardizer.mean.len();
    if values != rows * width {
        let found = values / rows.max(1);
        bail!("{} has {found} features a row, the model takes {width}", args.data.display());
    }
    let reading = Reading::new(&saved.hierarchy, &saved.config.loss)?.for_multi_label(saved.config.multi_label);
    let (columns, outputs) = (reading.columns(), saved.model.outputs());
    if columns != outputs {
        let loss = saved.config.loss.name();
        bail!("the model has {outputs} outputs, but {loss} takes {columns}; its files are not of one model");
    }
    let decider = match &args.decision {
        Some(decision) => Some(decider(decision, &args.model, &saved, &reading)?),
        None => None,
    };
    let mut text = Vec::new();
    match &args.out {
        None => write(&saved, &reading, decider.as_ref(), &batch, out),
        Some(path) => {
            write(&saved, &reading, decider.as_ref(), &batch, &mut text)?;
            replace(path, |file| file.write_all(&text))
        }
    }
}

/// The rule that was typed, with the numbers that it takes from the validation rows.
fn decider(typed: &str, folder: &Path, saved: &SavedModel, reading: &Reading) -> Result<Decider> {
    let mut decision = decision::parse(typed)?;
    let of_option = || format!("--decision {typed}");
    if decision.needs_calibration() && !decision.is_calibrated() {
        let name = decision.name();
        if reading.is_multi_label() {
            bail!("{name} takes numbers from rows of one label, and this model was trained on multi-label rows");
        }
        let Some(validation) = validation::load(folder, reading)? else {
            bail!(
                "{name} takes numbers from validation rows, and {} has none: train with --val, or give a rule that has \
                 its numbers",
                folder.display()
            );
        };
        decision = validation.calibrate(&decision, reading).with_context(of_option)?;
        note(&format!(
            "{} from the {} validation rows of {}: {}",
            name,
            validation.rows(),
            folder.display(),
            serde_json::to_string(&decision)?
        ));
        if saved.config.settings.patience.is_some() {
            note(
                "warning: the epoch was chosen by these rows (--patience), so the model is a little better on them than on new ones",
            );
        }
    }
    decision.warnings().iter().for_each(|warning| note(&format!("warning: {warning}")));
    decision.compile(&saved.hierarchy).with_context(of_option)
}

/// Writes the predictions, some rows at a time.
fn write(
    saved: &SavedModel,
    reading: &Reading,
    decider: Option<&Decider>,
    batch: &Batch,
    out: &mut dyn Write,
) -> Result<()> {
    let rows = Rows { unit: batch.unit, positions: &batch.positions, labels: None };
    let mut writer = Writer::new(out, &rows, reading, decider)?;
    let mut without = 0;
    saved.model.each_logits(&batch.values, &mut |first, logits| {
        let read = reading.read(logits)?;
        let is_nan = |row: &usize| read.probability(*row, saved.hierarchy.class_node(read.class(*row))).is_nan();
        without += (0..read.rows()).filter(is_nan).count();
        writer.write(first, &read)
    })?;
    writer.finish()?;
    if without > 0 {
        let rows = batch.positions.len();
        note(&format!(
            "warning: {without} of {rows} rows have NaN for probabilities: if training diverged, train again with a smaller \
             --learning-rate"
        ));
    }
    Ok(())
}

/// The rows of a table.
fn rows_of(path: &Path, columns: &[String], skip: bool) -> Result<Batch> {
    // The one column of an .npy has no name, and a model trained on one takes any table of that width.
    let named = columns.iter().all(|column| !column.is_empty());
    let is_npy = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npy"));
    let features = (named && !is_npy).then(|| columns.to_vec());
    let table = Table::read(path, &Roles { features, ..Roles::default() })?;
    let (table, message) = table.without_bad_rows(skip)?;
    if let Some(message) = message {
        note(&format!("warning: {message}"));
    }
    let positions = table.positions.iter().map(u64::to_string).collect();
    Ok(Batch { unit: table.unit, positions, values: table.values })
}

/// The features of a picture, or of every PNG in a folder, by name.
fn pictures_of(path: &Path) -> Result<Batch> {
    let is_png = |path: &PathBuf| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png"));
    let mut files = vec![path.to_owned()];
    if path.is_dir() {
        let entries = fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?;
        files = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        files.retain(is_png);
        files.sort();
    }
    if files.is_empty() || !files.iter().all(is_png) {
        bail!("{}: this model takes pictures; expected a .png file or a folder with some", path.display());
    }
    let mut batch = Batch { unit: "picture", positions: Vec::new(), values: Vec::new() };
    for file in files {
        let bytes = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let not_png = || format!("{} is not a PNG picture", file.display());
        let reader = || ImageReader::with_format(Cursor::new(&bytes), ImageFormat::Png);
        let (width, height) = reader().into_dimensions().with_context(not_png)?;
        if width.max(height) > LARGEST_SIDE {
            bail!(
                "{} has {width} x {height} pixels, expected at most {LARGEST_SIDE} on a side; make it smaller first",
                file.display()
            );
        }
        let picture = reader().decode().with_context(not_png)?;
        batch.values.extend(pictures::features(&on_white(&picture.into_rgba8()))?);
        batch.positions.push(file.file_name().unwrap_or_default().to_string_lossy().into_owned());
    }
    Ok(batch)
}

/// A picture of any size as a tile: fitted into the middle, on white.
fn on_white(picture: &RgbaImage) -> RgbImage {
    let (width, height) = picture.dimensions();
    let side = width.max(height).max(1);
    let mut square = RgbaImage::from_pixel(side, side, Rgba([255; 4]));
    let place = |length: u32| i64::from((side - length) / 2);
    imageops::overlay(&mut square, picture, place(width), place(height));
    let tile = match side {
        TILE => square,
        _ => imageops::resize(&square, TILE, TILE, imageops::FilterType::Lanczos3),
    };
    image::DynamicImage::ImageRgba8(tile).into_rgb8()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_very_long_picture_is_refused() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("long.png");
        RgbaImage::new(1, LARGEST_SIDE + 1).save(&path).expect("saved");
        let error = pictures_of(&path).err().expect("an error").to_string();
        assert!(error.contains("1 x 4097 pixels, expected at most 4096 on a side"), "{error}");
        RgbaImage::new(3, 40).save(&path).expect("saved");
        assert_eq!(pictures_of(&path).expect("features").values.len(), pictures::FEATURES);
    }

    #[test]
    fn a_wide_transparent_picture_is_put_on_white() {
        let mut picture = RgbaImage::from_pixel(64, 16, Rgba([0; 4]));
        (16..48).for_each(|x| (0..16).for_each(|y| picture.put_pixel(x, y, Rgba([255, 0, 0, 255]))));
        let tile = on_white(&picture);
        assert_eq!(tile.dimensions(), (32, 32));
        assert_eq!(tile.get_pixel(16, 16).0, [255, 0, 0]);
        assert_eq!(tile.get_pixel(1, 16).0, [255, 255, 255]);
        assert_eq!(tile.get_pixel(16, 1).0, [255, 255, 255]);
    }
}
