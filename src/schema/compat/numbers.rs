//! Whether a number lies between bounds, is a multiple of some, and of others not.

use std::collections::BTreeSet;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::One as _;
use num_traits::Signed as _;
use num_traits::Zero as _;

use crate::schema::number::common_multiple;
use crate::schema::number::is_multiple;

/// Most numbers that are tried one by one.
const MAX_TRIED: u32 = 2_000;

/// A bound, and whether the number itself is outside.
pub(super) type Bound = (BigRational, bool);

/// What a number must be.
#[derive(Debug, Default)]
pub(super) struct NumberQuery {
    pub(super) low: Option<Bound>,
    pub(super) high: Option<Bound>,
    /// Of which it must be a multiple.
    pub(super) step: Option<BigRational>,
    /// Of which it must not be a multiple.
    pub(super) unlike: Vec<BigRational>,
    pub(super) excluded: BTreeSet<BigRational>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Figure {
    Found(BigRational),
    Nothing,
    Unknown,
}

impl NumberQuery {
    pub(super) fn at_least(&mut self, limit: &BigRational, open: bool) {
        let is_tighter = self
            .low
            .as_ref()
            .is_none_or(|(low, was)| limit > low || (limit == low && open && !was));
        if is_tighter {
            self.low = Some((limit.clone(), open));
        }
    }

    pub(super) fn at_most(&mut self, limit: &BigRational, open: bool) {
        let is_tighter = self
            .high
            .as_ref()
            .is_none_or(|(high, was)| limit < high || (limit == high && open && !was));
        if is_tighter {
            self.high = Some((limit.clone(), open));
        }
    }

    pub(super) fn multiple_of(&mut self, step: &BigRational) {
        self.step = Some(
            self.step
                .as_ref()
                .map_or_else(|| step.clone(), |own| common_multiple(own, step)),
        );
    }

    fn is_inside(&self, value: &BigRational) -> bool {
        let low = self
            .low
            .as_ref()
            .is_none_or(|(low, open)| value > low || (value == low && !open));
        let high = self
            .high
            .as_ref()
            .is_none_or(|(high, open)| value < high || (value == high && !open));
        low && high
    }

    /// Whether a number inside the bounds and in step is the answer.
    fn is_wanted(&self, value: &BigRational) -> bool {
        self.is_inside(value)
            && !self.excluded.contains(value)
            && !self.unlike.iter().any(|step| is_multiple(value, step))
    }

    /// Finds a number.
    pub(super) fn find(&self) -> Figure {
        if let Some(step) = &self.step {
            return self.find_in_step(&step.abs());
        }
        let (low, high) = match (&self.low, &self.high) {
            (Some((low, _)), Some((high, _))) => (low.clone(), high.clone()),
            (Some((low, _)), None) => (low.clone(), low + whole(128)),
            (None, Some((high, _))) => (high - whole(128), high.clone()),
            (None, None) => (whole(-64), whole(64)),
        };
        if low > high {
            return Figure::Nothing;
        }
        if low == high {
            return if self.is_wanted(&low) {
                Figure::Found(low)
            } else {
                Figure::Nothing
            };
        }
        let rough = [BigRational::zero(), BigRational::one(), low.clone(), high.clone()];
        let width = &high - &low;
        let between = (1..MAX_TRIED).map(|part| {
            // Halves, quarters, eighths, …: all of them have decimals that end.
            let depth = part.ilog2() + 1;
            let scale = BigRational::from_integer(BigInt::one() << depth);
            let odd = whole(i64::from(2 * (part - (1 << (depth - 1))) + 1));
            &low + &width * odd / scale
        });
        let found = rough
            .into_iter()
            .chain(between)
            .find(|value| self.is_wanted(value));
        found.map_or(Figure::Unknown, Figure::Found)
    }

    /// Finds a multiple of `step`, from the bound nearest to zero outwards.
    fn find_in_step(&self, step: &BigRational) -> Figure {
        let first = self.low.as_ref().map(|(low, _)| (low / step).ceil());
        let last = self.high.as_ref().map(|(high, _)| (high / step).floor());
        if self.unlike.iter().any(|unlike| is_multiple(step, unlike)) {
            // Every multiple of the step is one of those.
            return Figure::Nothing;
        }
        let limit = i64::from(MAX_TRIED);
        let mut tried: Box<dyn Iterator<Item = BigRational>> = match (first.clone(), last.clone()) {
            (Some(first), _) => Box::new((0..limit).map(move |part| &first + whole(part))),
            (None, Some(last)) => Box::new((0..limit).map(move |part| &last - whole(part))),
            (None, None) => {
                Box::new((0..limit).map(|part| whole(if part % 2 == 0 { part / 2 } else { -(part + 1) / 2 })))
            }
        };
        if let Some(found) = tried.find(|times| self.is_wanted(&(times * step))) {
            return Figure::Found(found * step);
        }
        let count = first.zip(last).map(|(first, last)| last - first);
        if count.is_some_and(|count| count < whole(limit)) {
            Figure::Nothing
        } else {
            Figure::Unknown
        }
    }
}

fn whole(value: i64) -> BigRational {
    BigRational::from_integer(BigInt::from(value))
}
