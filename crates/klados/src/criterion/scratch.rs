//! The memory of rows, kept by a criterion from call to call.

use std::any::Any;
use std::sync::{Arc, Mutex};

/// What threads have worked with and handed back, of any type. So only the first calls allocate, and of each type there are
/// as many as threads that were at work at once.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<Vec<Box<dyn Any + Send>>>);

/// Memory that a thread works with, taken from a [`Kept`] when it is first asked for and handed back when dropped.
#[derive(Debug)]
pub(super) struct Lent<T: Any + Send> {
    scratch: Option<(Box<T>, Arc<Kept>)>,
}

impl<T: Any + Send> Default for Lent<T> {
    fn default() -> Self {
        Self { scratch: None }
    }
}

impl<T: Any + Send + Default> Lent<T> {
    /// The memory of a row.
    pub(super) fn get(&mut self, kept: &Arc<Kept>) -> &mut T {
        &mut self.scratch.get_or_insert_with(|| (kept.take::<T>(), Arc::clone(kept))).0
    }
}

impl<T: Any + Send> Drop for Lent<T> {
    fn drop(&mut self) {
        // What a panic left half done is not for another row.
        if let Some((scratch, kept)) = self.scratch.take()
            && !std::thread::panicking()
            && let Ok(mut all) = kept.0.lock()
        {
            all.push(scratch);
        }
    }
}

impl Kept {
    fn take<T: Any + Send + Default>(&self) -> Box<T> {
        let found = self.0.lock().ok().and_then(|mut all| {
            let place = all.iter().position(|scratch| scratch.is::<T>())?;
            all.swap_remove(place).downcast().ok()
        });
        found.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_handed_back_is_lent_again_by_type() {
        let kept = Arc::new(Kept::default());
        {
            let (mut numbers, mut text) = (Lent::<Vec<u32>>::default(), Lent::<String>::default());
            numbers.get(&kept).push(7);
            text.get(&kept).push('a');
            let mut others = Lent::<Vec<u32>>::default();
            assert!(others.get(&kept).is_empty());
            others.get(&kept).push(8);
        }
        assert_eq!(kept.0.lock().unwrap().len(), 3);
        let (mut first, mut second) = (Lent::<Vec<u32>>::default(), Lent::<Vec<u32>>::default());
        let mut both = [first.get(&kept)[0], second.get(&kept)[0]];
        both.sort_unstable();
        assert_eq!(both, [7, 8]);
        assert_eq!(kept.0.lock().unwrap().len(), 1);
    }
}
