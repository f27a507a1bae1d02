//! How long hierarchies take to load from CSV, and the most memory that takes.
//!
//! Synthetic ones of a million nodes, and the real ones of `../shared/data/hierarchies` where that folder is. Each is
//! loaded by a process of its own, as the peak of a process's memory never falls.
#![expect(clippy::print_stdout, reason = "a measurement is printed")]

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use klados::Hierarchy;
use klados::format::CsvOptions;

const NODES: u64 = 1_000_000;
/// What this program is called with to load one file.
const LOAD: &str = "--load";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(place) = arguments.iter().position(|argument| argument == LOAD) {
        return load(Path::new(&arguments[place + 1]));
    }
    println!(
        "{:40} {:>9} {:>9} {:>9} {:>5} {:>9} {:>9} {:>7}",
        "hierarchy", "nodes", "edges", "classes", "tree", "ms", "peak MiB", "bytes*"
    );
    let folder = std::env::temp_dir().join(format!("klados-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let result = run(&folder);
    std::fs::remove_dir_all(&folder)?;
    println!("* peak over nodes + edges");
    result
}

fn run(folder: &Path) -> Result<(), Box<dyn Error>> {
    for (name, second_parents) in [("million-tree.csv", false), ("million-dag.csv", true)] {
        let path = folder.join(name);
        write_synthetic(&path, second_parents)?;
        load_elsewhere(&path)?;
    }
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/hierarchies");
    let Ok(folders) = std::fs::read_dir(&shared) else {
        println!("SKIPPED the real hierarchies: ../shared/data/hierarchies is not there");
        return Ok(());
    };
    let mut paths: Vec<PathBuf> = Vec::new();
    for folder in folders {
        for file in std::fs::read_dir(folder?.path())? {
            paths.push(file?.path());
        }
    }
    let ends = [".edges.csv", ".ranks.csv"];
    paths.retain(|path| ends.iter().any(|end| path.to_string_lossy().ends_with(end)));
    paths.sort();
    paths.iter().try_for_each(|path| load_elsewhere(path))
}

/// A tree with eight children a node. With `second_parents` every other node has another parent, anywhere before it.
fn write_synthetic(path: &Path, second_parents: bool) -> Result<(), Box<dyn Error>> {
    let mut out = BufWriter::new(File::create(path)?);
    writeln!(out, "child,parent")?;
    let mut random = 1u64;
    for node in 1..NODES {
        let parent = (node - 1) / 8;
        writeln!(out, "node {node},node {parent}")?;
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let second = (random >> 33) % node;
        if second_parents && node % 2 == 0 && second != parent {
            writeln!(out, "node {node},node {second}")?;
        }
    }
    Ok(out.flush()?)
}

fn load_elsewhere(path: &Path) -> Result<(), Box<dyn Error>> {
    let status = Command::new(std::env::current_exe()?).arg(LOAD).arg(path).status()?;
    if status.success() { Ok(()) } else { Err(format!("loading {} failed", path.display()).into()) }
}

fn load(path: &Path) -> Result<(), Box<dyn Error>> {
    let before = peak_memory();
    let started = Instant::now();
    let loaded = Hierarchy::from_csv_path(path, &CsvOptions::new());
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let hierarchy = match loaded {
        Ok(hierarchy) => hierarchy,
        // One list that is refused does not keep the others from being measured.
        Err(error) => {
            let line = error.location().line.map_or(String::new(), |line| format!("line {line}: "));
            println!("{name:40} refused: {line}{}", error.message());
            return Ok(());
        }
    };
    let ms = 1e3 * started.elapsed().as_secs_f64();
    let peak = peak_memory().zip(before).map(|(after, before)| after - before);
    let nodes = hierarchy.node_count();
    let edges: usize = hierarchy.nodes().map(|node| hierarchy.parents(node).len()).sum();
    println!(
        "{name:40} {nodes:9} {edges:9} {:9} {:>5} {ms:9.1} {:>9} {:>7}",
        hierarchy.class_count(),
        if hierarchy.is_tree() { "yes" } else { "no" },
        peak.map_or("?".to_owned(), |peak| format!("{:.1}", peak as f64 / (1 << 20) as f64)),
        peak.map_or("?".to_owned(), |peak| (peak / (nodes + edges)).to_string()),
    );
    Ok(())
}

/// The most memory that this process has had, in bytes; known on Linux only.
fn peak_memory() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<usize>().ok()? << 10)
}
