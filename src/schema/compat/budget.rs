//! The bound on the work of one comparison, counted in steps so that the same question has the same answer.

/// Steps left.
#[derive(Debug)]
pub(super) struct Budget {
    left: u64,
}

impl Budget {
    pub(super) fn new(steps: u64) -> Self {
        Self { left: steps }
    }

    /// Takes steps; false, now and ever after, if there are not as many left.
    pub(super) fn spend(&mut self, steps: u64) -> bool {
        match self.left.checked_sub(steps) {
            Some(left) => self.left = left,
            None => self.left = 0,
        }
        self.left > 0
    }

    /// Steps that are left.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    pub(super) fn is_spent(&self) -> bool {
        self.left == 0
    }
}
