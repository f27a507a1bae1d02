//! A row cut into stretches that are treated alike.

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
