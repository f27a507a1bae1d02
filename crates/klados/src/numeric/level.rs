//! Which instruction set a call runs on: the best of the machine, but where a test asks for another.

use std::cell::Cell;

use fearless_simd::Level;

thread_local! {
    static FORCED: Cell<Option<Level>> = const { Cell::new(None) };
}

/// The instruction set of this thread.
#[inline]
pub(super) fn level() -> Level {
    FORCED.get().unwrap_or_else(Level::new)
}

/// Every instruction set that this machine has.
pub(super) fn levels() -> Vec<Level> {
    let level = Level::new();
    #[cfg_attr(not(any(target_arch = "x86", target_arch = "x86_64")), expect(unused_mut, reason = "they have one"))]
    let mut levels = vec![level, Level::baseline()];
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    {
        levels.extend(level.as_avx2().map(Level::Avx2));
        levels.extend(level.as_sse4_2().map(Level::Sse4_2));
        levels.extend(level.as_sse2().map(Level::Sse2));
    }
    levels
}

/// Does some work once with each instruction set that this machine has, on this thread alone. `work` is given the name.
#[doc(hidden)]
pub fn on_each_instruction_set(mut work: impl FnMut(&str)) {
    /// Also where the work panics.
    struct Restore(Option<Level>);
    impl Drop for Restore {
        fn drop(&mut self) {
            FORCED.set(self.0);
        }
    }
    for level in levels() {
        let _restore = Restore(FORCED.replace(Some(level)));
        work(&format!("{level:?}"));
    }
}
