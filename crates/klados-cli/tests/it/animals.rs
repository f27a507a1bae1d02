//! Small files to train on: six animals, told apart by four numbers.

use std::fmt::Write;

use crate::run::Folder;

pub(crate) const ANIMALS: [&str; 6] = ["bat", "bear", "crow", "dog", "pigeon", "robin"];

/// The animals' tree.
pub(crate) fn write_hierarchy(folder: &Folder) {
    let text = "child,parent\nbat,mammal\nbear,mammal\ncrow,bird\ndog,mammal\npigeon,bird\nrobin,bird\n";
    folder.write("tree.csv", text);
}

/// `count` rows: the label, and numbers near the animal's own. Every `coarse`-th of an animal's labels is
/// only "mammal" or "bird".
pub(crate) fn rows(count: usize, coarse: usize) -> Vec<(String, [f32; 4])> {
    let mut noise = 1u32;
    let mut next = move || {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (noise >> 8) as f32 / 16_777_216.0 - 0.5
    };
    let row = |index: usize| {
        let animal = index % ANIMALS.len();
        let bird = [2, 4, 5].contains(&animal);
        let numbers = [animal as f32, if bird { 3.0 } else { -3.0 }, [0.0, 4.0, 4.0, 2.0, -4.0, 0.0][animal], 100.0];
        let label = match coarse != 0 && index.is_multiple_of(coarse) {
            true => if bird { "bird" } else { "mammal" }.to_owned(),
            false => ANIMALS[animal].to_owned(),
        };
        (label, numbers.map(|number| number + 0.3 * next()))
    };
    (0..count).map(row).collect()
}

/// The rows as `animals.csv`, with an id, a note and a group of three rows each.
pub(crate) fn write_csv(folder: &Folder, rows: &[(String, [f32; 4])]) {
    let mut text = String::from("id,species,a,b,c,d,note,place\n");
    for (index, (label, [a, b, c, d])) in rows.iter().enumerate() {
        writeln!(text, "{index},{label},{a},{b},{c},{d},seen,place {}", index / 3).expect("written");
    }
    folder.write("animals.csv", text);
}

/// The rows as `animals.npy` and `labels.txt`.
pub(crate) fn write_npy(folder: &Folder, rows: &[(String, [f32; 4])]) {
    use npyz::WriterBuilder;
    let mut file = Vec::new();
    let shape = [rows.len() as u64, 4];
    let mut writer = npyz::WriteOptions::new().default_dtype().shape(&shape).writer(&mut file).begin_nd().expect("npy");
    writer.extend(rows.iter().flat_map(|(_, numbers)| *numbers)).expect("npy");
    writer.finish().expect("npy");
    folder.write("animals.npy", file);
    let labels: String = rows.iter().map(|(label, _)| format!("{label}\n")).collect();
    folder.write("labels.txt", labels);
}

/// The rows as `animals.parquet` with one list column; of fixed size, or not.
#[cfg(feature = "parquet")]
pub(crate) fn write_parquet(folder: &Folder, rows: &[(String, [f32; 4])], fixed: bool) {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, FixedSizeListArray, ListArray, RecordBatch, StringArray};
    use arrow::datatypes::Float32Type;

    let lists = rows.iter().map(|(_, numbers)| Some(numbers.map(Some)));
    let list: ArrayRef = match fixed {
        true => Arc::new(FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(lists, 4)),
        false => Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>(lists)),
    };
    let labels = StringArray::from_iter_values(rows.iter().map(|(label, _)| label));
    let batch =
        RecordBatch::try_from_iter([("species", Arc::new(labels) as ArrayRef), ("embedding", list)]).expect("a batch");
    let file = std::fs::File::create(folder.path("animals.parquet")).expect("a file");
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("written");
    writer.close().expect("closed");
}
