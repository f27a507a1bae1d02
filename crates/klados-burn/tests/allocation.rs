//! Without gradients the loss allocates no gradient. A test binary of its own: it counts what the process allocates.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::tensor::{Device, Int, Tensor};
use klados::Hierarchy;
use klados_burn::MarginalCrossEntropyLossConfig;

struct Counting;

static LARGEST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `GlobalAlloc::dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn largest_allocation<T>(run: impl FnOnce() -> T) -> usize {
    LARGEST.store(0, Ordering::Relaxed);
    run();
    LARGEST.load(Ordering::Relaxed)
}

#[test]
fn no_gradient_without_tracking() {
    let (batch, classes) = (256, 300);
    let names: Vec<String> = (0..classes).map(|class| format!("class{class}")).collect();
    let edges = names.iter().enumerate().map(|(class, name)| (format!("group{}", class / 10), name));
    let loss = MarginalCrossEntropyLossConfig::new().init(&Hierarchy::from_edges(edges).unwrap()).unwrap();
    let gradient = batch * classes * size_of::<f32>();

    let logits = |device: &Device| Tensor::<2>::ones([batch, classes], device);
    let targets = Tensor::<1, Int>::zeros([batch], &Device::flex());
    let plain = logits(&Device::flex());
    let constant = logits(&Device::flex().autodiff());
    let tracked = logits(&Device::flex().autodiff()).require_grad();
    // The first call may set up threads and tables.
    loss.forward_no_reduction(plain.clone(), targets.clone());

    for untracked in [plain, constant] {
        let largest = largest_allocation(|| loss.forward_no_reduction(untracked, targets.clone()));
        assert!(largest < gradient / 4, "{largest} bytes; a gradient has {gradient}");
    }
    let largest = largest_allocation(|| loss.forward_no_reduction(tracked, targets.clone()));
    assert!(largest >= gradient, "{largest} bytes; a gradient has {gradient}");
}
