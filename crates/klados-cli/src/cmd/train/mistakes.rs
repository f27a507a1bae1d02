//! The pictures that a model is most sure of and wrong about, for the report.

use std::io::Cursor;

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::STANDARD};
use image::{ImageFormat, RgbImage};
use klados::{Hierarchy, NodeId};

use crate::report::{Mistake, Step};
use crate::train::examples::Examples;
use crate::train::levels::Levels;
use crate::train::network::Model;
use crate::train::scores::{Prediction, predict};

/// How many are shown.
const SHOWN: usize = 12;

/// The mistakes on pictures of which picture `k` shows class `k`, the most confident first. `drawings` show the classes
/// as the model has seen them.
///
/// # Errors
///
/// When a picture cannot be encoded.
pub(crate) fn most_confident(
    model: &Model,
    levels: &Levels,
    test: &Examples,
    pictures: &[RgbImage],
    drawings: &[RgbImage],
) -> Result<Vec<Mistake>> {
    let hierarchy = levels.hierarchy();
    let mut wrong: Vec<(usize, f64, Prediction)> = Vec::new();
    model.each_logits(&test.values, &mut |first, logits| {
        for (index, prediction) in predict(levels, logits)?.into_iter().enumerate() {
            let (class, probability) = (first + index, prediction.probability(hierarchy.class_node(prediction.class)));
            if prediction.class != class {
                wrong.push((class, probability, prediction));
            }
        }
        Ok(())
    })?;
    wrong.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mistake = |(class, _, prediction): &(usize, f64, Prediction)| {
        let truth = hierarchy.lineage(hierarchy.class_node(*class));
        let predicted = hierarchy.lineage(hierarchy.class_node(prediction.class));
        Ok(Mistake {
            picture: data_uri(&pictures[*class])?,
            truth: truth.iter().map(|node| short(hierarchy, *node)).collect(),
            taken_for: data_uri(&drawings[prediction.class])?,
            predicted: predicted
                .iter()
                .map(|node| Step {
                    name: short(hierarchy, *node),
                    percent: format!("{:.0}", 100.0 * prediction.probability(*node)),
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
