//! The embedded set: 866 emoji drawn by six vendors, 32 x 32 pixels, in a tree of 8 groups and 90 subgroups.
//! `data/emoji/README.md` says where the pictures come from; `vendors.csv` has their hashes and licences.

use std::io::{self, Write};

use anyhow::{Context, Result, ensure};
use image::RgbImage;
use serde::Deserialize;

/// Side of a tile in pixels.
pub(crate) const TILE: u32 = 32;
/// Tiles in a row of an atlas.
const ATLAS_COLUMNS: u32 = 32;

/// Names, paths and code points of the classes, in the order of the tiles.
const CLASSES_CSV: &str = include_str!("../../data/emoji/classes.csv");
/// The tree, `child,parent`.
pub(crate) const HIERARCHY_CSV: &str = include_str!("../../data/emoji/hierarchy.csv");
/// The names of the three levels, from the top.
pub(crate) const LEVELS: [&str; 3] = ["group", "subgroup", "emoji"];

/// The licence texts, in the order in which they are printed.
const LICENSES: [&str; 7] = [
    include_str!("../../data/emoji/licenses/NOTE.md"),
    include_str!("../../data/emoji/licenses/MIT.txt"),
    include_str!("../../data/emoji/licenses/emojione2-LICENSE.md"),
    include_str!("../../data/emoji/licenses/emojibase-data-LICENSE"),
    include_str!("../../data/emoji/licenses/Unicode-3.0.txt"),
    include_str!("../../data/emoji/licenses/Apache-2.0.txt"),
    include_str!("../../data/emoji/licenses/CC-BY-4.0.txt"),
];

/// One vendor's drawings.
pub(crate) struct Vendor {
    /// The name in `vendors.csv`.
    pub(crate) name: &'static str,
    /// The PNG with all tiles.
    atlas: &'static [u8],
}

/// The vendors whose pictures are trained on.
pub(crate) const TRAIN: [Vendor; 4] = [
    Vendor { name: "noto", atlas: include_bytes!("../../data/emoji/atlas/noto.png") },
    Vendor { name: "blob", atlas: include_bytes!("../../data/emoji/atlas/blob.png") },
    Vendor { name: "fluent-flat", atlas: include_bytes!("../../data/emoji/atlas/fluent-flat.png") },
    Vendor { name: "fxemoji", atlas: include_bytes!("../../data/emoji/atlas/fxemoji.png") },
];
/// The vendor on which every setting was chosen.
pub(crate) const CALIBRATION: Vendor =
    Vendor { name: "twemoji", atlas: include_bytes!("../../data/emoji/atlas/twemoji.png") };
/// The vendor that is only looked at for the table.
pub(crate) const TEST: Vendor =
    Vendor { name: "emojione2", atlas: include_bytes!("../../data/emoji/atlas/emojione2.png") };

/// A class of the set.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Class {
    /// CLDR's name.
    name: String,
    subgroup: String,
    group: String,
}

impl Class {
    /// The name of the class's node in the tree.
    pub(crate) fn node(&self) -> String {
        format!("{}/{}/{}", self.group, self.subgroup, self.name)
    }

    /// The name of the subgroup's node in the tree.
    pub(crate) fn subgroup_node(&self) -> String {
        format!("{}/{}", self.group, self.subgroup)
    }
}

/// The classes, in the order of the tiles.
pub(crate) fn classes() -> Result<Vec<Class>> {
    let rows = csv::Reader::from_reader(CLASSES_CSV.as_bytes()).into_deserialize();
    rows.collect::<Result<_, csv::Error>>().context("the embedded classes.csv")
}

impl Vendor {
    /// The first `count` tiles of the atlas, in the order of the classes.
    pub(crate) fn tiles(&self, count: usize) -> Result<Vec<RgbImage>> {
        let atlas = image::load_from_memory_with_format(self.atlas, image::ImageFormat::Png)
            .with_context(|| format!("the embedded atlas of {}", self.name))?
            .into_rgb8();
        let rows = (count as u32).div_ceil(ATLAS_COLUMNS);
        ensure!(
            atlas.width() == ATLAS_COLUMNS * TILE && atlas.height() >= rows * TILE,
            "the embedded atlas of {} is {} x {} pixels",
            self.name,
            atlas.width(),
            atlas.height()
        );
        let tile = |index: u32| {
            let (x, y) = (index % ATLAS_COLUMNS * TILE, index / ATLAS_COLUMNS * TILE);
            image::imageops::crop_imm(&atlas, x, y, TILE, TILE).to_image()
        };
        Ok((0..count as u32).map(tile).collect())
    }
}

/// Prints who drew the pictures and the licence texts.
pub(crate) fn write_licenses(out: &mut dyn Write) -> io::Result<()> {
    for (index, text) in LICENSES.iter().enumerate() {
        if index > 0 {
            writeln!(out, "\n{}\n", "-".repeat(80))?;
        }
        writeln!(out, "{}", text.trim())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sha2::{Digest, Sha256};

    use super::*;

    fn hex(bytes: &[u8]) -> String {
        Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn every_picture_file_has_the_hashes_of_vendors_csv() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/emoji");
        let mut rows = csv::Reader::from_path(folder.join("vendors.csv")).expect("vendors.csv");
        let mut files = 0;
        for row in rows.records() {
            let row = row.expect("a row");
            let bytes = std::fs::read(folder.join(&row[1])).expect("the file");
            assert_eq!(hex(&bytes), row[2], "{}", &row[1]);
            let pixels = image::load_from_memory(&bytes).expect("a PNG").into_rgb8();
            assert_eq!(hex(pixels.as_raw()), row[3], "{} decoded", &row[1]);
            files += 1;
        }
        assert_eq!(files, 10);
    }

    #[test]
    fn every_vendor_has_a_drawing_of_every_class() {
        let classes = classes().expect("the classes");
        assert_eq!(classes.len(), 866);
        for vendor in TRAIN.iter().chain([&CALIBRATION, &TEST]) {
            let tiles = vendor.tiles(classes.len()).expect("the tiles");
            assert_eq!(tiles.len(), 866);
            let blank = tiles.iter().filter(|tile| tile.pixels().all(|pixel| pixel.0 == [255; 3])).count();
            assert_eq!(blank, 0, "{}", vendor.name);
        }
    }

    #[test]
    fn the_tiles_show_their_classes() {
        // Colours that every vendor agrees on: a tile shifted by one would fail.
        let classes = classes().expect("the classes");
        let index = |name: &str| classes.iter().position(|class| class.name == name).expect("a class");
        for vendor in TRAIN.iter().chain([&CALIBRATION, &TEST]) {
            let tiles = vendor.tiles(classes.len()).expect("the tiles");
            let centre = |name: &str| tiles[index(name)].get_pixel(16, 16).0.map(i32::from);
            let [r, g, b] = centre("red heart");
            assert!(r > g + 60 && r > b + 60, "{} red heart", vendor.name);
            let [r, g, b] = centre("green heart");
            assert!(g > r && g > b + 20, "{} green heart", vendor.name);
            let [r, _, b] = centre("blue heart");
            assert!(b > r + 60, "{} blue heart", vendor.name);
        }
    }

    #[test]
    fn every_licence_text_is_printed() {
        let mut out = Vec::new();
        write_licenses(&mut out).expect("written");
        let out = String::from_utf8(out).expect("text");
        for phrase in ["Mozilla Foundation", "Apache License", "Microsoft Corporation", "Attribution 4.0", "EmojiOne"] {
            assert!(out.contains(phrase), "{phrase}");
        }
    }
}
