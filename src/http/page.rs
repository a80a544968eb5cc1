//! Lists in pages: limits and cursors.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::problem::Problem;

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1_000;

/// Query parameters of every list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// Most items in the answer, 100 by default, 1,000 at most.
    pub(super) limit: Option<usize>,
    /// Where to go on: the `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
}

impl PageQuery {
    /// Cuts a sorted list into this page: its items, and the cursor of the next one.
    pub(super) fn cut<T>(
        &self,
        all: Vec<T>,
        key: impl Fn(&T) -> String,
    ) -> Result<(Vec<T>, Option<String>), Problem> {
        let limit = checked_limit(self.limit)?;
        let after = self.cursor.as_deref().map(decode).transpose()?;
        let mut rest = all
            .into_iter()
            .skip_while(|item| after.as_ref().is_some_and(|after| key(item) <= *after));
        let items: Vec<T> = rest.by_ref().take(limit).collect();
        let next = rest.next().and(items.last()).map(|last| encode(&key(last)));
        Ok((items, next))
    }
}

/// The limit asked for, or the default.
pub(super) fn checked_limit(limit: Option<usize>) -> Result<usize, Problem> {
    match limit {
        None => Ok(DEFAULT_LIMIT),
        Some(limit) if (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
        Some(limit) => Err(Problem::new(
            400,
            "invalid-limit",
            format!("limit must be from 1 to {MAX_LIMIT}, not {limit}"),
        )),
    }
}

/// Makes a place in a list opaque.
pub(super) fn encode(place: &str) -> String {
    URL_SAFE_NO_PAD.encode(place)
}

/// The place that a cursor stands for.
pub(super) fn decode(cursor: &str) -> Result<String, Problem> {
    URL_SAFE_NO_PAD
        .decode(cursor)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(invalid_cursor)
}

/// The cursor comes from somewhere else.
pub(super) fn invalid_cursor() -> Problem {
    Problem::new(
        400,
        "invalid-cursor",
        "the cursor is not one that this list gave out",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_one_another_without_gap_or_overlap() {
        let all = vec!["a", "b", "c", "d", "e"];
        let mut query = PageQuery {
            limit: Some(2),
            cursor: None,
        };
        let mut seen = Vec::new();
        loop {
            let (items, next) = query.cut(all.clone(), |item| (*item).to_owned()).unwrap();
            seen.extend(items);
            if next.is_none() {
                break;
            }
            query.cursor = next;
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn a_limit_out_of_range_is_refused() {
        assert!(checked_limit(Some(0)).is_err());
        assert!(checked_limit(Some(1_001)).is_err());
        assert_eq!(checked_limit(Some(1_000)), Ok(1_000));
    }
}
