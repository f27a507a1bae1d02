//! The embedded files are those that `vendors.csv` describes.

use std::path::Path;

use sha2::{Digest, Sha256};

#[test]
fn every_drawing_has_the_hash_that_is_written_down() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/emoji");
    let mut table = csv::Reader::from_path(folder.join("vendors.csv")).expect("vendors.csv");
    let header = table.headers().expect("a header").clone();
    let place = |name: &str| header.iter().position(|column| column == name).expect("the column");
    let (file, hash) = (place("file"), place("sha256"));
    let mut files = 0;
    for record in table.records() {
        let record = record.expect("a record");
        let bytes = std::fs::read(folder.join(&record[file])).expect("the file");
        let got: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(got, record[hash], "{}", &record[file]);
        files += 1;
    }
    assert_eq!(files, 10); // six vendors, and four of them with novel emoji
}
