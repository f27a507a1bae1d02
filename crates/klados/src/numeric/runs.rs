//! A row cut into stretches that are treated alike, or into stretches of another order than that of its columns.

/// A stretch of a row, from the end of the one before it, and the group that it is of. The runs of a row end with it.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    end: u32,
    group: u32,
}

impl Run {
    pub(crate) fn new(end: usize, group: usize) -> Self {
        Self { end: end as u32, group: group as u32 }
    }

    #[inline(always)]
    pub(crate) fn end(self) -> usize {
        self.end as usize
    }

    #[inline(always)]
    pub(crate) fn group(self) -> usize {
        self.group as usize
    }
}

/// A stretch of the positions of some order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub(super) start: u32,
    pub(super) length: u32,
}

impl Span {
    /// How many spans a row may have in vector code.
    pub(crate) const MOST: usize = 32;

    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, length: (end - start) as u32 }
    }

    pub(super) fn holds(self, position: u32) -> bool {
        position.wrapping_sub(self.start) < self.length
    }
}
