//! How much one file may expand to.

use std::{cell::Cell, rc::Rc};

/// Jobs, steps and copies of variables that one entry file may expand to.
///
/// GitHub's own limits (256 jobs a matrix, 10 calls deep) stay far below. It bounds the time and memory
/// that a hostile file can cost: each step has a copy of the whole environment.
const MAX_WORK: usize = 400_000;

/// What is left; clones share it.
#[derive(Clone, Debug)]
pub(super) struct Budget(Rc<Cell<usize>>);

impl Budget {
    pub(super) fn new() -> Self {
        Self(Rc::new(Cell::new(MAX_WORK)))
    }

    /// `false`: nothing is left, and what this was for is not to be done.
    pub(super) fn spend(&self, work: usize) -> bool {
        let left = self.0.get().saturating_sub(work);
        self.0.set(left);
        left > 0
    }

    pub(super) fn is_spent(&self) -> bool {
        self.0.get() == 0
    }
}
