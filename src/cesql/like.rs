//! The patterns of `LIKE`.

use super::budget::Budget;
use super::budget::Exhausted;

/// A pattern: `%` is any run of characters, `_` one character, `\%` and `\_` are these themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Like {
    /// What stands between the `%`s; never empty.
    segments: Vec<Segment>,
}

/// Characters in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    /// Only these.
    Text(String),
    /// These, and any one character for each `None`.
    Holes(Vec<Option<char>>),
}

impl Like {
    /// Reads a pattern; every text is one.
    pub(super) fn new(text: &str) -> Self {
        let mut segments = vec![Vec::new()];
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            let piece = match c {
                '%' => {
                    segments.push(Vec::new());
                    continue;
                }
                '_' => None,
                '\\' => Some(rest.next_if(|next| matches!(next, '%' | '_')).unwrap_or(c)),
                c => Some(c),
            };
            if let Some(last) = segments.last_mut() {
                last.push(piece);
            }
        }
        Self {
            segments: segments.into_iter().map(Segment::new).collect(),
        }
    }

    /// How many `%`s it has.
    pub(super) const fn runs(&self) -> usize {
        self.segments.len().saturating_sub(1)
    }

    /// Whether the whole text is like this.
    pub(super) fn accepts(&self, text: &str, budget: &mut Budget) -> Result<bool, Exhausted> {
        budget.spend(text.len())?;
        let Some((first, others)) = self.segments.split_first() else {
            return Ok(false);
        };
        let Some(mut rest) = first.strip_from(text) else {
            return Ok(false);
        };
        let Some((last, middle)) = others.split_last() else {
            return Ok(rest.is_empty());
        };
        for segment in middle {
            match segment.find_in(rest, budget)? {
                Some(after) => rest = after,
                None => return Ok(false),
            }
        }
        Ok(last.ends(rest))
    }

    /// The text that it accepts, if it accepts only one.
    pub(super) fn only(&self) -> Option<&str> {
        match self.segments.as_slice() {
            [Segment::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// What every text that it accepts begins with.
    pub(super) fn prefix(&self) -> String {
        match self.segments.first() {
            Some(Segment::Text(text)) => text.clone(),
            Some(Segment::Holes(pieces)) => pieces.iter().map_while(|piece| *piece).collect(),
            None => String::new(),
        }
    }

    /// What every text that it accepts ends with.
    pub(super) fn suffix(&self) -> &str {
        match self.segments.last() {
            Some(Segment::Text(text)) => text,
            _ => "",
        }
    }
}

impl Segment {
    fn new(pieces: Vec<Option<char>>) -> Self {
        let text: Option<String> = pieces.iter().copied().collect();
        text.map_or(Self::Holes(pieces), Self::Text)
    }

    /// What follows the segment in a text that begins with it.
    fn strip_from<'t>(&self, text: &'t str) -> Option<&'t str> {
        match self {
            Self::Text(own) => text.strip_prefix(own.as_str()),
            Self::Holes(pieces) => {
                let mut rest = text.chars();
                let fits = |piece: &Option<char>| {
                    rest.next()
                        .is_some_and(|c| piece.is_none_or(|wanted| wanted == c))
                };
                pieces.iter().all(fits).then_some(rest.as_str())
            }
        }
    }

    /// What follows the first place of a text where the segment stands.
    fn find_in<'t>(&self, text: &'t str, budget: &mut Budget) -> Result<Option<&'t str>, Exhausted> {
        match self {
            Self::Text(own) => {
                budget.spend(text.len())?;
                Ok(text.find(own.as_str()).and_then(|at| text.get(at + own.len()..)))
            }
            Self::Holes(pieces) => {
                let mut rest = text.chars();
                loop {
                    budget.spend(pieces.len())?;
                    if let Some(after) = self.strip_from(rest.as_str()) {
                        return Ok(Some(after));
                    }
                    if rest.next().is_none() {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Whether a text ends with the segment.
    fn ends(&self, text: &str) -> bool {
        match self {
            Self::Text(own) => text.ends_with(own.as_str()),
            Self::Holes(pieces) => {
                let start = pieces.len().checked_sub(1).map_or(Some(text.len()), |last| {
                    text.char_indices().rev().nth(last).map(|(at, _)| at)
                });
                start
                    .and_then(|start| text.get(start..))
                    .and_then(|end| self.strip_from(end))
                    .is_some()
            }
        }
    }
}
