//! After the first calls a criterion allocates nothing. A test binary of its own: it counts what the process allocates.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use klados::{Criterion, Hierarchy, Label, Loss};

struct Counting;

thread_local! {
    /// Of this thread: the others are the test harness's.
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `GlobalAlloc::dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Of branching 5; in the DAG every third class has a second parent.
fn hierarchy(is_dag: bool) -> Hierarchy {
    let mut edges = Vec::new();
    let name = |level: usize, index: usize| format!("{level}/{index}");
    let (mut width, mut level) = (125, 0);
    while width > 1 {
        for index in 0..width {
            edges.push((name(level + 1, index / 5), name(level, index)));
            if is_dag && level == 0 && index % 3 == 0 {
                edges.push((name(level + 1, (index / 5 + 1) % (width / 5)), name(level, index)));
            }
        }
        (width, level) = (width / 5, level + 1);
    }
    Hierarchy::from_edges(edges).unwrap()
}

/// The losses with parameters: a map from each class to the node above it where one is taken.
fn losses(hierarchy: &Hierarchy) -> Vec<String> {
    let row = |class: usize| {
        let above = hierarchy.name(hierarchy.parents(hierarchy.class_node(class))[0]);
        format!("[\"{}\", \"up {above}\", 1]", hierarchy.class_name(class))
    };
    let rows: Vec<String> = (0..hierarchy.class_count()).map(row).collect();
    let map = format!("\"map\": [{}], \"normalize\": true", rows.join(", "));
    let mut losses: Vec<String> = Loss::NAMES.iter().map(|name| (*name).to_owned()).collect();
    losses.retain(|loss| loss != "weighted_cross_entropy");
    losses.push(format!("{{\"weighted_cross_entropy\": {{{map}}}}}"));
    losses.push(format!("{{\"binary_cross_entropy\": {{\"form\": \"weighted\", {map}}}}}"));
    for form in ["noisy_or", "max"] {
        losses.push(format!("{{\"binary_cross_entropy\": {{\"form\": \"{form}\"}}}}"));
    }
    for loss in ["marginal_cross_entropy", "hierarchical_cross_entropy", "sibling_softmax", "levelwise_softmax"] {
        losses.push(format!("{{\"{loss}\": {{\"label_smoothing\": 0.1}}}}"));
    }
    losses
}

fn labels(hierarchy: &Hierarchy) -> Vec<Label> {
    let classes = hierarchy.class_count();
    let coarse = hierarchy.parents(hierarchy.class_node(40))[0];
    let positive = vec![hierarchy.class_node(3), hierarchy.class_node(77)];
    vec![
        Label::Class(7),
        Label::Ignored,
        Label::Class(classes - 1),
        Label::Node(coarse),
        Label::Soft((0..classes).map(|class| f64::from(u8::from(class < 4)) / 4.0).collect()),
        Label::Set { positive, masked: Vec::new() },
    ]
}

/// Whether the row is one for vector code. Distributions are, in the softmaxes; in `conditional_sigmoid` no sets are, and in
/// `tree_min` no nodes above the classes.
fn is_ordinary(loss: &str, label: &Label) -> bool {
    let is_sigmoid = loss.contains("binary") || loss == "conditional_sigmoid" || loss == "tree_min";
    match label {
        Label::Soft(_) => !is_sigmoid && loss != "softmax_margin" && loss != "random_cut",
        Label::Set { .. } => loss != "conditional_sigmoid",
        Label::Node(_) => loss != "tree_min",
        _ => true,
    }
}

/// The allocations of the third call: with the gradient, without, and with it over the logits.
fn allocations(criterion: &Criterion, labels: &[Label], shuffled: bool) -> [usize; 3] {
    let elements = labels.len() * criterion.columns();
    let step = if shuffled { 7919 } else { 31 };
    let logits: Vec<f32> = (0..elements).map(|k| ((k * step) % 101) as f32 / 20.0 - 2.5).collect();
    let (mut losses, mut grad) = (vec![0f32; labels.len()], vec![0f32; elements]);
    let mut counts = [0; 3];
    for _ in 0..3 {
        let before = COUNT.get();
        criterion.forward_backward(&logits, labels, &mut losses, &mut grad).unwrap();
        let between = COUNT.get();
        criterion.forward(&logits, labels, &mut losses).unwrap();
        let after = COUNT.get();
        grad.copy_from_slice(&logits);
        criterion.forward_backward_in_place(&mut grad, labels, &mut losses, 1.0).unwrap();
        counts = [between - before, after - between, COUNT.get() - after];
    }
    assert!(losses.iter().all(|loss| loss.is_finite()));
    counts
}

#[test]
fn rows_allocate_nothing_after_the_first_calls() {
    let (mut checked, mut failures) = (0, Vec::new());
    for is_dag in [false, true] {
        let tree_order = hierarchy(is_dag);
        let mut names: Vec<String> = (0..125).map(|class| tree_order.class_name(class).to_owned()).collect();
        names.sort_by_key(|name| name.len() * 1000 + name.bytes().rev().map(usize::from).sum::<usize>());
        let shuffled = tree_order.clone().with_classes(&names).unwrap();
        for hierarchy in [tree_order, shuffled] {
            for loss in losses(&hierarchy) {
                let Ok(criterion) = loss.parse::<Loss>().unwrap().compile(&hierarchy) else { continue };
                for label in labels(&hierarchy) {
                    let is_taken = criterion.check_label(&label).is_ok();
                    if is_taken && is_ordinary(&loss, &label) {
                        let found = allocations(&criterion, &[label.clone(), label.clone()], is_dag);
                        if found != [0; 3] {
                            failures.push(format!(
                                "{found:?} {loss:.60} {label:.60?}, {}",
                                if is_dag { "DAG" } else { "tree" }
                            ));
                        }
                        checked += 1;
                    }
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(checked > 150, "{checked}");
}

/// Ignored rows are not looked at, so that what stands in them does not matter and nothing is made for them.
#[test]
fn ignored_rows_allocate_nothing() {
    let hierarchy = hierarchy(false);
    for loss in losses(&hierarchy) {
        let criterion = loss.parse::<Loss>().unwrap().compile(&hierarchy).unwrap();
        let (labels, logits) = (vec![Label::Ignored; 3], vec![f32::NAN; 3 * criterion.columns()]);
        let (mut losses, mut grad) = ([7.0; 3], vec![7.0; logits.len()]);
        criterion.forward(&logits, &labels, &mut losses).unwrap(); // takes the memory of a thread
        let before = COUNT.get();
        criterion.forward_backward(&logits, &labels, &mut losses, &mut grad).unwrap();
        assert_eq!(COUNT.get() - before, 0, "{loss:.60}");
        assert_eq!(losses, [0.0; 3], "{loss:.60}");
        assert!(grad.iter().all(|grad| *grad == 0.0), "{loss:.60}");
    }
}
