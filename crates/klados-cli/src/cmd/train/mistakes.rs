//! The pictures that a model is most sure of and wrong about, for the report.

use std::io::Cursor;

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::STANDARD};
use image::{ImageFormat, RgbImage};
use klados::{Hierarchy, NodeId};

use crate::report::{Mistake, Step};
use crate::train::examples::Examples;
use crate::train::network::Model;
use crate::train::reading::Reading;

/// How many are shown.
const SHOWN: usize = 12;

/// A picture of one class that was taken for another.
struct Wrong {
    class: usize,
    taken_for: usize,
    /// What is above `taken_for` and itself, from the top, with probabilities.
    path: Vec<(NodeId, f64)>,
}

/// The mistakes on pictures of which picture `k` shows class `k`, the most confident first. `drawings` show the classes
/// as the model has seen them.
///
/// # Errors
///
/// When a picture cannot be encoded.
pub(crate) fn most_confident(
    model: &Model,
    reading: &Reading,
    test: &Examples,
    pictures: &[RgbImage],
    drawings: &[RgbImage],
) -> Result<Vec<Mistake>> {
    let hierarchy = reading.hierarchy();
    let mut wrong: Vec<Wrong> = Vec::new();
    model.each_logits(&test.values, &mut |first, logits| {
        let read = reading.read(logits)?;
        for row in (0..read.rows()).filter(|row| read.class(*row) != first + row) {
            let lineage = hierarchy.lineage(hierarchy.class_node(read.class(row))).into_iter();
            let path = lineage.map(|node| (node, read.probability(row, node))).collect();
            wrong.push(Wrong { class: first + row, taken_for: read.class(row), path });
        }
        Ok(())
    })?;
    let confidence = |wrong: &Wrong| wrong.path.last().map_or(0.0, |(_, probability)| *probability);
    wrong.sort_by(|a, b| confidence(b).total_cmp(&confidence(a)));
    let mistake = |Wrong { class, taken_for, path }: &Wrong| {
        let truth = hierarchy.lineage(hierarchy.class_node(*class));
        Ok(Mistake {
            picture: data_uri(&pictures[*class])?,
            truth: truth.iter().map(|node| short(hierarchy, *node)).collect(),
            taken_for: data_uri(&drawings[*taken_for])?,
            predicted: path
                .iter()
                .map(|(node, probability)| Step {
                    name: short(hierarchy, *node),
                    percent: format!("{:.0}", 100.0 * probability),
                    right: truth.contains(node),
                })
                .collect(),
        })
    };
    wrong.iter().take(SHOWN).map(mistake).collect()
}

/// The last part of a name such as `animals-nature/animal-bird/owl`.
fn short(hierarchy: &Hierarchy, node: NodeId) -> String {
    let name = hierarchy.name(node);
    name.rsplit('/').next().unwrap_or(name).to_owned()
}

/// A picture that a page carries in itself.
fn data_uri(picture: &RgbImage) -> Result<String> {
    let mut png = Cursor::new(Vec::new());
    picture.write_to(&mut png, ImageFormat::Png).context("a picture for the report")?;
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(png.into_inner())))
}
