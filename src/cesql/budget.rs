//! How much work one evaluation may be.

/// Characters that one evaluation may look at or make beyond its attributes: enough for hundreds of
/// operations on attributes of some kilobytes, and over in a few milliseconds.
const MAX_WORK: usize = 4 << 20;

/// The evaluation has used up its work.
#[derive(Debug)]
pub(super) struct Exhausted;

/// What is left of the work.
#[derive(Debug)]
pub(super) struct Budget(usize);

impl Budget {
    /// What an evaluation has at its beginning.
    pub(super) const fn of_evaluation() -> Self {
        Self(MAX_WORK)
    }

    /// Takes some of it.
    pub(super) fn spend(&mut self, work: usize) -> Result<(), Exhausted> {
        self.0 = self.0.checked_sub(work).ok_or(Exhausted)?;
        Ok(())
    }
}
