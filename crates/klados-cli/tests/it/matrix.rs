//! Matrices in every format: the same numbers give the same answers, to the bit.

use crate::npy;
use crate::run::Folder;

const ANIMALS: &str = "child,parent\nbat,mammal\nbear,mammal\ncrow,bird\ndog,mammal\npigeon,bird\nrobin,bird\n";
#[cfg(feature = "parquet")]
const CLASSES: [&str; 6] = ["bat", "bear", "crow", "dog", "pigeon", "robin"];

/// Numbers that every type holds: eighths.
fn rows(count: usize) -> Vec<[f64; 6]> {
    (0..count).map(|row| std::array::from_fn(|column| ((row * 7 + column * 11) % 33) as f64 / 8.0 - 2.0)).collect()
}

fn answers(folder: &Folder, file: &str) -> String {
    folder.run(&["decide", "--hierarchy", "animals.csv", "--logits", file, "--decision", "threshold"]).success()
}

/// A `.safetensors` file of these tensors: name, dtype, shape, bytes.
fn safetensors(tensors: &[(&str, &str, &[usize], Vec<u8>)]) -> Vec<u8> {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, dtype, shape, bytes) in tensors {
        let offsets = [data.len(), data.len() + bytes.len()];
        let tensor = serde_json::json!({"dtype": dtype, "shape": shape, "data_offsets": offsets});
        header.insert((*name).to_owned(), tensor);
        data.extend(bytes);
    }
    header.insert("__metadata__".to_owned(), serde_json::json!({"format": "pt"}));
    let header = serde_json::to_vec(&header).expect("JSON");
    [&(header.len() as u64).to_le_bytes()[..], &header, &data].concat()
}

fn bytes<const N: usize>(rows: &[[f64; 6]], of: impl Fn(f64) -> [u8; N]) -> Vec<u8> {
    rows.iter().flatten().flat_map(|value| of(*value)).collect()
}

#[test]
fn formats_agree_to_the_bit() {
    // More rows than one batch has.
    let (folder, rows) = (Folder::new(), rows(20_000));
    let slices: Vec<&[f64]> = rows.iter().map(|row| &row[..]).collect();
    folder.write("animals.csv", ANIMALS).write("z.npy", npy::f8(&slices));
    let expected = answers(&folder, "z.npy");
    assert_eq!(expected.lines().count(), 20_001);
    let half = |value: f64| half::f16::from_f64(value);
    let columns = |of: &dyn Fn(f64) -> Vec<u8>| -> Vec<u8> {
        (0..6).flat_map(|column| rows.iter().flat_map(move |row| of(row[column]))).collect()
    };
    let n = rows.len();
    folder
        .write("f4.npy", npy::f4(&slices))
        .write("fortran.npy", npy::big_endian_fortran(&slices))
        .write("f2.npy", npy::npy("<f2", false, n, 6, bytes(&rows, |value| half(value).to_le_bytes())))
        .write("big.npy", npy::npy(">f2", true, n, 6, columns(&|value| half(value).to_be_bytes().to_vec())));
    for file in ["f4.npy", "fortran.npy", "f2.npy", "big.npy"] {
        assert!(answers(&folder, file) == expected, "{file}");
    }
    let brain = |value: f64| half::bf16::from_f64(value).to_le_bytes();
    let tensors = [
        ("bias", "F32", &[6][..], vec![0; 24]),
        ("bf16", "BF16", &[n, 6], bytes(&rows, brain)),
        ("f16", "F16", &[n, 6], bytes(&rows, |value| half(value).to_le_bytes())),
        ("f32", "F32", &[n, 6], bytes(&rows, |value| (value as f32).to_le_bytes())),
        ("logits", "F64", &[n, 6], bytes(&rows, f64::to_le_bytes)),
    ];
    folder.write("z.safetensors", safetensors(&tensors));
    for name in ["z.safetensors", "z.safetensors:bf16", "z.safetensors:f16", "z.safetensors:f32"] {
        assert!(answers(&folder, name) == expected, "{name}");
    }
    #[cfg(feature = "parquet")]
    for name in tables::write(&folder, &rows) {
        assert!(answers(&folder, &name) == expected, "{name}");
    }
}

#[test]
fn the_loss_takes_every_format_too() {
    let (folder, rows) = (Folder::new(), rows(5));
    let slices: Vec<&[f64]> = rows.iter().map(|row| &row[..]).collect();
    folder
        .write("animals.csv", ANIMALS)
        .write("y.txt", "crow\nbird\nbat|crow\n\ndog\n")
        .write("z.npy", npy::f4(&slices));
    let half = |value: f64| half::f16::from_f64(value).to_le_bytes();
    let brain = |value: f64| half::bf16::from_f64(value).to_le_bytes();
    folder
        .write("f2.npy", npy::npy("<f2", false, 5, 6, bytes(&rows, half)))
        .write("b.safetensors", safetensors(&[("z", "BF16", &[5, 6], bytes(&rows, brain))]));
    let loss = |file: &str| {
        let arguments = ["loss", "--hierarchy", "animals.csv", "--logits", file, "--labels", "y.txt"];
        folder.run(&[&arguments[..], &["--format", "json", "--grad", "g.npy"]].concat()).success()
    };
    let expected = loss("z.npy");
    let dtype =
        || npyz::NpyFile::new(&std::fs::read(folder.path("g.npy")).expect("a gradient")[..]).expect("npy").dtype();
    assert_eq!(dtype().descr(), "'<f4'");
    assert!(loss("f2.npy") == expected);
    assert_eq!(dtype().descr(), "'<f2'");
    // `.npy` has no bfloat16.
    assert!(loss("b.safetensors") == expected);
    assert_eq!(dtype().descr(), "'<f4'");
    #[cfg(feature = "parquet")]
    {
        // In `f64`, as some of the columns are.
        folder.write("z.npy", npy::f8(&slices));
        let expected = loss("z.npy");
        for name in tables::write(&folder, &rows).into_iter().filter(|name| !name.ends_with("fixed")) {
            assert!(loss(&name) == expected, "{name}");
        }
    }
}

#[cfg(feature = "parquet")]
mod tables {
    use std::fs::File;
    use std::sync::Arc;

    use arrow::array::{
        ArrayRef, FixedSizeListArray, Float32Array, Float64Array, LargeListArray, ListArray, RecordBatch, StringArray,
    };
    use arrow::datatypes::{Float32Type, Float64Type};

    use super::{ANIMALS, CLASSES};
    use crate::npy;
    use crate::run::Folder;

    pub(super) fn parquet(folder: &Folder, name: &str, batch: &RecordBatch) {
        let file = File::create(folder.path(name)).expect("a file");
        let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).expect("a writer");
        writer.write(batch).expect("written");
        writer.close().expect("closed");
    }

    fn arrow_file(folder: &Folder, name: &str, batch: &RecordBatch) {
        use arrow::ipc::writer::{FileWriter, IpcWriteOptions};
        let options = IpcWriteOptions::default().try_with_compression(Some(arrow::ipc::CompressionType::LZ4_FRAME));
        let file = File::create(folder.path(name)).expect("a file");
        let options = options.expect("options");
        let mut writer = FileWriter::try_new_with_options(file, &batch.schema(), options).expect("a writer");
        // Two batches, of which one is empty.
        writer.write(&batch.slice(0, 0)).expect("written");
        writer.write(batch).expect("written");
        writer.finish().expect("finished");
    }

    fn arrow_stream(folder: &Folder, name: &str, batch: &RecordBatch) {
        let file = File::create(folder.path(name)).expect("a file");
        let mut writer = arrow::ipc::writer::StreamWriter::try_new(file, &batch.schema()).expect("a writer");
        writer.write(batch).expect("written");
        writer.finish().expect("finished");
    }

    /// The rows in tables: columns out of order beside others, lists of every kind. The files' names.
    pub(super) fn write(folder: &Folder, rows: &[[f64; 6]]) -> Vec<String> {
        let column = |column: usize| rows.iter().map(move |row| row[column]);
        let mut named: Vec<(&str, ArrayRef)> =
            vec![("note", Arc::new(StringArray::from_iter_values(rows.iter().map(|_| "seen"))))];
        for index in [3, 1, 5, 0, 2, 4] {
            let array: ArrayRef = match index % 2 {
                0 => Arc::new(Float64Array::from_iter_values(column(index))),
                _ => Arc::new(Float32Array::from_iter_values(column(index).map(|value| value as f32))),
            };
            named.push((CLASSES[index], array));
        }
        named.push(("id", Arc::new(Float64Array::from_iter_values((0..rows.len()).map(|row| row as f64)))));
        let named = RecordBatch::try_from_iter(named).expect("a batch");
        parquet(folder, "named.parquet", &named);
        arrow_file(folder, "named.feather", &named);
        arrow_stream(folder, "named.arrows", &named);
        let numbered = (0..6).map(|index| {
            let numbers: ArrayRef = Arc::new(Float64Array::from_iter_values(column(index)));
            (index.to_string(), numbers)
        });
        parquet(folder, "numbered.parquet", &RecordBatch::try_from_iter(numbered).expect("a batch"));
        let wide = || rows.iter().map(|row| Some(row.map(Some)));
        let narrow = rows.iter().map(|row| Some(row.map(|value| Some(value as f32))));
        let lists: [(&str, ArrayRef); 3] = [
            ("list", Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(wide()))),
            ("large", Arc::new(LargeListArray::from_iter_primitive::<Float64Type, _, _>(wide()))),
            ("fixed", Arc::new(FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(narrow, 6))),
        ];
        let lists = RecordBatch::try_from_iter(lists).expect("a batch");
        parquet(folder, "lists.parquet", &lists);
        arrow_file(folder, "lists.arrow", &lists);
        let mut names: Vec<String> =
            ["named.parquet", "named.feather", "named.arrows", "numbered.parquet"].map(str::to_owned).to_vec();
        for file in ["lists.parquet", "lists.arrow"] {
            names.extend(["list", "large", "fixed"].map(|column| format!("{file}:{column}")));
        }
        names
    }

    /// A file that does not say how many rows it has gets that from the labels: few of them have exact areas.
    #[test]
    fn few_multi_label_rows_of_an_arrow_file_have_exact_areas() {
        let folder = Folder::new();
        folder.write("animals.csv", ANIMALS).write("y.txt", "bat;crow\ncrow;\n").write("w.txt", "0.5\n1\n");
        let rows = [[0.5, 1.25, 2.0, -1.0, 0.0, 0.25], [0.5, 0.25, -2.0, 1.0, 0.5, 0.0]];
        let list = rows.iter().map(|row| Some(row.map(Some)));
        let list: ArrayRef = Arc::new(FixedSizeListArray::from_iter_primitive::<Float64Type, _, _>(list, 6));
        arrow_file(&folder, "z.arrow", &RecordBatch::try_from_iter([("z", list)]).expect("a batch"));
        folder.write("z.npy", npy::f8(&[&rows[0], &rows[1]]));
        let of = |file: &str| {
            let files = ["--hierarchy", "animals.csv", "--logits", file, "--labels", "y.txt", "--weights", "w.txt"];
            let output = folder.run(&[&["evaluate", "--format", "json"][..], &files].concat());
            let result: serde_json::Value = serde_json::from_str(&output.success()).expect("JSON");
            (result["notes"].clone(), result["models"][0]["metrics"].clone())
        };
        assert_eq!(of("z.arrow"), of("z.npy"));
        assert_eq!(of("z.arrow").0, serde_json::json!([]));
    }

    #[test]
    fn labels_may_be_a_column_beside_the_logits() {
        let (folder, rows) = (Folder::new(), super::rows(6));
        folder.write("animals.csv", ANIMALS).write("y.txt", "crow\nbird\nbat|crow\n\ndog\nbat\n");
        let labels =
            StringArray::from(vec![Some("crow"), Some("bird"), Some("bat|crow"), None, Some("dog"), Some("bat")]);
        let list = ListArray::from_iter_primitive::<Float64Type, _, _>(rows.iter().map(|row| Some(row.map(Some))));
        let batch = RecordBatch::try_from_iter([("label", Arc::new(labels) as ArrayRef), ("z", Arc::new(list))]);
        let batch = batch.expect("a batch");
        parquet(&folder, "t.parquet", &batch);
        arrow_file(&folder, "t.feather", &batch);
        let evaluate = |file: &str, labels: &str| {
            let arguments = ["evaluate", "--hierarchy", "animals.csv", "--logits", file, "--labels", labels];
            folder.run(&[&arguments[..], &["--replicates", "10"]].concat()).success()
        };
        let expected = evaluate("t.parquet", "y.txt");
        for (file, labels) in [("t.parquet", "t.parquet"), ("t.feather", "t.feather"), ("t.feather", "t.parquet")] {
            // They are told apart by the name of the model, which is that of the file.
            assert_eq!(evaluate(file, labels), expected);
        }
    }

    fn failure(folder: &Folder, file: &str) -> String {
        let arguments = ["decide", "--hierarchy", "animals.csv", "--logits", file, "--decision", "threshold"];
        folder.run(&arguments).failure(1)
    }

    #[test]
    fn wrong_columns_are_named() {
        let folder = Folder::new();
        folder.write("animals.csv", ANIMALS);
        let column = || -> ArrayRef { Arc::new(Float64Array::from(vec![1.0, 2.0])) };
        let table =
            |names: &[&str]| RecordBatch::try_from_iter(names.iter().map(|name| (*name, column()))).expect("a batch");
        parquet(&folder, "z.parquet", &table(&["bat", "bear", "crow", "dog", "pidgeon", "robin"]));
        let expected = "z.parquet has no column for 1 of the 6 classes: \"pigeon\"; expected columns by their names, or named \
                        0, 1, ... in their order";
        assert_eq!(failure(&folder, "z.parquet"), expected);
        parquet(&folder, "z.parquet", &table(&["bat", "bear", "crow", "dog", "pigeon", "robin", "bird > crow"]));
        assert_eq!(
            failure(&folder, "z.parquet"),
            "z.parquet: the columns \"crow\" and \"bird > crow\" are the same class"
        );
        let list = |lengths: &[usize]| -> ArrayRef {
            let lists = lengths.iter().map(|length| Some(vec![Some(0.5); *length]));
            Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(lists))
        };
        parquet(&folder, "l.parquet", &RecordBatch::try_from_iter([("z", list(&[6, 5]))]).expect("a batch"));
        assert_eq!(
            failure(&folder, "l.parquet"),
            "l.parquet: row 1 (from 0): column \"z\" has a list of 5 numbers, expected 6"
        );
        parquet(
            &folder,
            "two.parquet",
            &RecordBatch::try_from_iter([("a", list(&[6])), ("b", list(&[6]))]).expect("two"),
        );
        assert_eq!(
            failure(&folder, "two.parquet"),
            "two.parquet has several columns of lists: write two.parquet:NAME for one of a, b"
        );
        let nulls: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>([
            Some(vec![Some(1.0); 6]),
            None,
            Some(vec![Some(1.0), None, Some(1.0), Some(1.0), Some(1.0), Some(1.0)]),
        ]));
        parquet(&folder, "null.parquet", &RecordBatch::try_from_iter([("z", nulls)]).expect("a batch"));
        let error = failure(&folder, "null.parquet");
        assert!(error.contains("row 1 (from 0): column \"bat\" is NaN (or no value)"), "{error}");
        assert!(error.contains("row 2 (from 0): column \"bear\" is NaN (or no value)"), "{error}");
        folder.write("t.parquet", "no parquet").write("t.arrow", "no arrow");
        assert!(failure(&folder, "t.parquet").starts_with("t.parquet is not a Parquet file"));
        assert!(failure(&folder, "t.arrow").starts_with("t.arrow is not a whole Arrow file"));
    }
}

#[test]
fn bad_safetensors_are_named() {
    let folder = Folder::new();
    folder.write("animals.csv", ANIMALS);
    let failure = |file: &str| {
        let arguments = ["decide", "--hierarchy", "animals.csv", "--logits", file, "--decision", "threshold"];
        folder.run(&arguments).failure(1)
    };
    let row = || vec![0; 24];
    folder.write("z.safetensors", safetensors(&[("a", "F32", &[1, 6], row()), ("b", "F32", &[1, 6], row())]));
    assert_eq!(failure("z.safetensors"), "z.safetensors has several tensors: write z.safetensors:NAME for one of a, b");
    assert_eq!(failure("z.safetensors:c"), "z.safetensors has no tensor \"c\"; it has a, b");
    folder.write("z.safetensors", safetensors(&[("a", "I32", &[1, 6], row())]));
    assert_eq!(failure("z.safetensors"), "z.safetensors: \"a\" has dtype I32, expected F16, BF16, F32 or F64");
    folder.write("z.safetensors", safetensors(&[("a", "F32", &[2, 6], row())]));
    assert_eq!(failure("z.safetensors"), "z.safetensors is truncated: it does not hold the 2 x 6 values of \"a\"");
    // Places at the end of all numbers, and an end before the start.
    for offsets in [[u64::MAX - 23, u64::MAX], [u64::MAX, u64::MAX], [24, 0]] {
        let header = serde_json::json!({"a": {"dtype": "F32", "shape": [1, 6], "data_offsets": offsets}}).to_string();
        let file = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &row()].concat();
        folder.write("z.safetensors", file);
        assert_eq!(failure("z.safetensors"), "z.safetensors is truncated: it does not hold the 1 x 6 values of \"a\"");
    }
    folder.write("z.safetensors", "short");
    assert_eq!(failure("z.safetensors"), "z.safetensors is not a whole .safetensors file");
}
