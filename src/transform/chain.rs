//! The transforms on the way of an event to one target.

use super::document::Document;
use super::document::Facts;
use super::error::TransformFailure;
use super::steps::Transform;

/// The transform of a rule, and that of a target, which works on what the first one made.
#[derive(Debug, Clone, Copy, Default)]
pub struct Chain<'a> {
    /// That of the rule.
    pub rule: Option<&'a Transform>,
    /// That of the target.
    pub target: Option<&'a Transform>,
}

/// Which of the two failed, at which step, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("step {} of the {of}: {}", .failure.step + 1, .failure.reason)]
pub struct ChainFailure {
    of: &'static str,
    failure: TransformFailure,
}

impl Chain<'_> {
    /// Whether there is nothing to do.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rule.is_none() && self.target.is_none()
    }

    /// Whether a step needs the key of masks that are hashes.
    #[must_use]
    pub fn needs_mask_key(&self) -> bool {
        let both = [self.rule, self.target];
        both.into_iter().flatten().any(Transform::needs_mask_key)
    }

    /// Runs both. The same event and facts give the same result.
    ///
    /// # Errors
    /// The first step that cannot be applied, and why.
    pub fn apply(&self, mut event: Document, facts: &Facts<'_>) -> Result<Document, ChainFailure> {
        let both = [(self.rule, "transform"), (self.target, "target's transform")];
        for (transform, of) in both {
            if let Some(transform) = transform {
                event = transform
                    .apply(event, facts)
                    .map_err(|failure| ChainFailure { of, failure })?;
            }
        }
        Ok(event)
    }
}
