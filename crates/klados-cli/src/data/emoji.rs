//! The embedded set: 866 emoji drawn by six vendors, 32 x 32 pixels, in a tree of 8 groups and 90 subgroups.
//! `data/emoji/README.md` says where the pictures come from; `vendors.csv` has their hashes and licences.

use std::io::{self, Write};

/// Names, paths and code points of the classes, in the order of the tiles.
pub(crate) const CLASSES_CSV: &str = include_str!("../../data/emoji/classes.csv");
/// The tree, `child,parent`.
pub(crate) const HIERARCHY_CSV: &str = include_str!("../../data/emoji/hierarchy.csv");
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
