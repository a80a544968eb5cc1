//! Which of many ranges a number lies in.

use super::Target;

/// Ranges in ascending order of where they begin, as a balanced tree that lies in the list: the
/// middle of each part of the list knows how far the ranges of that part reach.
#[derive(Debug, Default)]
pub(super) struct Ranges {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    from: f64,
    to: f64,
    /// The end of the farthest range in the part of which this entry is the middle.
    reach: f64,
    target: Target,
}

impl Ranges {
    /// Takes ranges with their ends, both included.
    pub(super) fn new(ranges: Vec<(f64, f64, Target)>) -> Self {
        let entry = |(from, to, target)| Entry {
            from,
            to,
            reach: to,
            target,
        };
        let mut entries: Vec<_> = ranges.into_iter().map(entry).collect();
        entries.sort_unstable_by(|a, b| a.from.total_cmp(&b.from));
        measure(&mut entries);
        Self { entries }
    }

    /// Gives the targets of the ranges that `value` lies in.
    pub(super) fn find(&self, value: f64, mut give: impl FnMut(Target)) {
        find_in(&self.entries, value, &mut give);
    }
}

fn measure(part: &mut [Entry]) -> f64 {
    let middle = part.len() / 2;
    let (before, rest) = part.split_at_mut(middle);
    let Some((entry, after)) = rest.split_first_mut() else {
        return f64::NEG_INFINITY;
    };
    entry.reach = entry.to.max(measure(before)).max(measure(after));
    entry.reach
}

fn find_in(part: &[Entry], value: f64, give: &mut impl FnMut(Target)) {
    let (before, rest) = part.split_at(part.len() / 2);
    let Some((entry, after)) = rest.split_first() else {
        return;
    };
    if entry.reach < value {
        return;
    }
    find_in(before, value, give);
    if entry.from <= value {
        if value <= entry.to {
            give(entry.target);
        }
        find_in(after, value, give);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ranges_around_a_number_are_found() {
        let ends = [
            (0.0, 5.0),
            (1.0, 1.0),
            (1.0, 9.0),
            (2.0, 3.0),
            (4.0, f64::INFINITY),
            (f64::NEG_INFINITY, 2.5),
            (-3.0, -1.0),
        ];
        let ranges = Ranges::new(
            ends.iter()
                .zip(0..)
                .map(|(&(from, to), n)| (from, to, Target::Node(n)))
                .collect(),
        );
        for value in [-9.0, -2.0, -0.5, 0.0, 1.0, 2.5, 3.0, 4.0, 8.0, 1e9] {
            let mut found = Vec::new();
            ranges.find(value, |target| {
                if let Target::Node(n) = target {
                    found.push(n as usize);
                }
            });
            found.sort_unstable();
            let expected: Vec<_> = (0..ends.len())
                .filter(|&n| ends[n].0 <= value && value <= ends[n].1)
                .collect();
            assert_eq!(found, expected, "{value}");
        }
    }
}
