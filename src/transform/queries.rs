//! The paths that a `JSONPath` query reads: each of its branches, and what its filters look at.

use jsonpath_rust::parser::model::Comparable;
use jsonpath_rust::parser::model::Filter;
use jsonpath_rust::parser::model::FilterAtom;
use jsonpath_rust::parser::model::JpQuery;
use jsonpath_rust::parser::model::Segment;
use jsonpath_rust::parser::model::Selector;
use jsonpath_rust::parser::model::SingularQuery;
use jsonpath_rust::parser::model::SingularQuerySegment;
use jsonpath_rust::parser::model::Test;

use super::reads::ReadStep;

/// Paths of one query that are told: commas are few, filters may be many.
const MAX_PATHS: usize = 64;

/// The paths of a query from the document, at most 64.
pub(super) fn paths(query: &JpQuery) -> Vec<Vec<ReadStep>> {
    let mut found = Vec::new();
    along(&query.segments, Vec::new(), &mut found);
    found.truncate(MAX_PATHS);
    found
}

/// Follows segments; queries nest no deeper than their text, which is bounded.
fn along(segments: &[Segment], mut steps: Vec<ReadStep>, found: &mut Vec<Vec<ReadStep>>) {
    let Some((first, rest)) = segments.split_first() else {
        found.push(steps);
        return;
    };
    let mut segment = first;
    while let Segment::Descendant(inner) = segment {
        steps.push(ReadStep::Descend);
        segment = inner;
    }
    let selectors = match segment {
        Segment::Selector(selector) => std::slice::from_ref(selector),
        Segment::Selectors(selectors) => selectors,
        Segment::Descendant(_) => &[],
    };
    for selector in selectors {
        let mut steps = steps.clone();
        steps.push(match selector {
            Selector::Name(name) => ReadStep::Member(name.clone()),
            Selector::Index(_) => ReadStep::Element,
            Selector::Slice(..) | Selector::Filter(_) | Selector::Wildcard => ReadStep::Each,
        });
        if let Selector::Filter(filter) = selector {
            in_filter(filter, &steps, found);
        }
        along(rest, steps, found);
    }
}

/// What a filter looks at, below the values that it filters.
fn in_filter(filter: &Filter, steps: &[ReadStep], found: &mut Vec<Vec<ReadStep>>) {
    match filter {
        Filter::Or(all) | Filter::And(all) => all.iter().for_each(|one| in_filter(one, steps, found)),
        Filter::Atom(FilterAtom::Filter { expr, .. }) => in_filter(expr, steps, found),
        Filter::Atom(FilterAtom::Test { expr, .. }) => {
            if let Test::RelQuery(segments) = expr.as_ref() {
                along(segments, steps.to_vec(), found);
            }
        }
        Filter::Atom(FilterAtom::Comparison(comparison)) => {
            let (left, right) = comparison.vals();
            for side in [left, right] {
                if let Comparable::SingularQuery(SingularQuery::Current(segments)) = side {
                    let inside = segments.iter().map(|segment| match segment {
                        SingularQuerySegment::Name(name) => ReadStep::Member(name.clone()),
                        SingularQuerySegment::Index(_) => ReadStep::Element,
                    });
                    found.push(steps.iter().cloned().chain(inside).collect());
                }
            }
        }
    }
}
