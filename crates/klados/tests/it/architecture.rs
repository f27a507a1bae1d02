//! The arrows between the modules point down: a module may only use those that stand before it.

use std::path::Path;

/// From the ground up. `hierarchy` and `numeric` know nothing of ours; `kernels` know no loss.
const FLOORS: [(&str, &[&str]); 11] = [
    ("numeric", &[]),
    ("hierarchy", &[]),
    ("format", &["hierarchy"]),
    ("matching", &["hierarchy"]),
    ("check", &["matching", "hierarchy"]),
    ("kernels", &["numeric", "hierarchy::Closure"]),
    ("criterion", &["kernels", "numeric", "hierarchy", "loss"]),
    ("loss", &["criterion", "numeric", "hierarchy"]),
    ("decide", &["criterion", "kernels::batch", "numeric", "hierarchy"]),
    ("metrics", &["criterion", "kernels::batch", "numeric", "hierarchy"]),
    // By no kernel: what it says of a loss is held against them.
    ("explain", &["criterion", "loss", "node_log_probs", "numeric", "hierarchy"]),
];

/// Names that are re-exported at the root of the crate, by the module that they are of.
const ROOT: [(&str, &[&str]); 5] = [
    (
        "hierarchy",
        &["Hierarchy", "HierarchyBuilder", "HierarchyError", "HierarchyErrorKind", "Label", "Level", "NodeId"],
    ),
    ("criterion", &["Criterion", "InputError", "LogProb", "Pick", "Score", "Term", "TermSet"]),
    ("loss", &["Loss"]),
    ("decide", &["Decider", "Decision"]),
    ("node_log_probs", &["NodeForm", "NodeLogProbs"]),
];

fn sources(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn no_module_uses_one_above_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = 0;
    for (module, allowed) in FLOORS {
        let mut files = Vec::new();
        sources(&src.join(module), &mut files);
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            for used in code.split("crate::").skip(1) {
                let names = match used.strip_prefix('{') {
                    Some(list) => list.split('}').next().unwrap().split(',').map(str::trim).collect(),
                    None => vec![used.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').next().unwrap()],
                };
                for name in names.into_iter().filter(|name| !name.is_empty()) {
                    let name = name.split(' ').next().unwrap(); // without `as`
                    let first = name.split("::").next().unwrap();
                    let owner = ROOT.iter().find(|(_, names)| names.contains(&first)).map_or(first, |(owner, _)| owner);
                    let fine =
                        owner == module || allowed.iter().any(|allowed| owner == *allowed || name.starts_with(allowed));
                    assert!(fine, "{}: `{module}` may not use `crate::{name}`", file.display());
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 30, "the scan found {seen} uses: does it still read the sources?");
}
