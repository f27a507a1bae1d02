//! The embedded pictures as rows with labels.

use anyhow::Result;
use klados::format::CsvOptions;
use klados::{Hierarchy, Label};

use crate::data::emoji::{self, Class, Vendor};
use crate::data::pictures;
use crate::train::examples::Examples;

/// The tree with the classes in the order of the tiles.
pub(crate) fn hierarchy(classes: &[Class]) -> Result<Hierarchy> {
    let tree = Hierarchy::from_csv_reader(emoji::HIERARCHY_CSV.as_bytes(), &CsvOptions::new())?;
    Ok(tree.with_classes(classes.iter().map(Class::node))?.with_level_names(emoji::LEVELS)?)
}

/// The pictures of some vendors, labelled by emoji.
pub(crate) fn examples(vendors: &[Vendor], classes: usize) -> Result<Examples> {
    let mut examples = Examples { width: pictures::FEATURES, ..Examples::default() };
    for vendor in vendors {
        for (class, tile) in vendor.tiles(classes)?.iter().enumerate() {
            examples.values.extend(pictures::features(tile)?);
            examples.labels.push(Label::Class(class));
        }
    }
    Ok(examples)
}
