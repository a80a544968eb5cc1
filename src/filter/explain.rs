//! What decided, for expressions and filters.

use serde_json::Value;

use super::error::child;
use super::language::Match;
use super::subscriptions::Comparison;
use super::subscriptions::Dialect;
use super::subscriptions::Filter;
use super::subscriptions::Filters;
use super::subscriptions::find;
use crate::cesql::Expression;
use crate::cesql::Miss;
use crate::pattern;
use crate::pattern::EventView;
use crate::pattern::Explanation;
use crate::pattern::FailedCondition;
use crate::pattern::NearMiss;
use crate::pattern::Scalar;

/// Characters of an attribute's value shown at most.
const MAX_SHOWN: usize = 120;

/// The rules that do not match but came nearest, nearest first, in the order given among equals.
pub fn nearest_misses<'m, K>(
    rules: impl IntoIterator<Item = (K, &'m Match)>,
    event: &EventView<'_>,
    limit: usize,
) -> Vec<NearMiss<K>> {
    let (mut patterns, mut misses) = (Vec::new(), Vec::new());
    for (index, (rule, wanted)) in rules.into_iter().enumerate() {
        if let Match::Pattern(pattern) = wanted {
            patterns.push(((index, rule), pattern.as_ref()));
            continue;
        }
        let Explanation {
            conditions,
            held,
            failed,
        } = wanted.explain(event);
        misses.extend(failed.map(|failed| NearMiss {
            rule: (index, rule),
            open: conditions - held,
            failed,
        }));
    }
    misses.extend(pattern::nearest_misses(patterns, event, limit));
    misses.sort_by_key(|miss| (miss.open, miss.rule.0));
    misses.truncate(limit);
    let told = misses.into_iter().map(|miss| NearMiss {
        rule: miss.rule.1,
        open: miss.open,
        failed: miss.failed,
    });
    told.collect()
}

/// An expression and an event.
pub(super) fn of_sql(expression: &Expression, event: &EventView<'_>) -> Explanation {
    let (conditions, held) = expression.conditions(event.attributes);
    Explanation {
        conditions,
        held,
        failed: expression
            .explain(event.attributes)
            .map(|miss| of_miss(miss, "/sql")),
    }
}

fn of_miss(miss: Miss, pointer: &str) -> FailedCondition {
    FailedCondition {
        path: miss.attribute.unwrap_or_default(),
        expected: miss.part,
        found: miss.found,
        pointer: pointer.to_owned(),
    }
}

/// A list of filters and an event.
pub(super) fn of_filters(filters: &Filters, event: &EventView<'_>) -> Explanation {
    let holds = |filter: &&Filter| filter.passes(event.attributes);
    let failed = filters.all.iter().find(|filter| !holds(filter));
    Explanation {
        conditions: filters.all.len(),
        held: filters.all.iter().filter(holds).count(),
        failed: failed.map(|filter| decisive(filter, event)),
    }
}

/// Of a filter that does not hold, the smallest part that is to blame.
fn decisive(filter: &Filter, event: &EventView<'_>) -> FailedCondition {
    match &filter.dialect {
        Dialect::All(filters) => match filters.iter().find(|inner| !inner.passes(event.attributes)) {
            Some(inner) => decisive(inner, event),
            None => whole(filter, event),
        },
        Dialect::Sql(expression) => match expression.explain(event.attributes) {
            Some(miss) => of_miss(miss, &filter.pointer),
            None => whole(filter, event),
        },
        Dialect::Attributes(comparison, wanted) => {
            let value = |name: &str| find(event.attributes, name);
            let failed = wanted
                .iter()
                .find(|(name, text)| !comparison.holds(value(name), text));
            match failed {
                Some((name, text)) => FailedCondition {
                    path: name.clone(),
                    expected: wish(*comparison, text),
                    found: value(name).map_or_else(|| "no value".to_owned(), show),
                    pointer: child(&filter.pointer, name),
                },
                None => whole(filter, event),
            }
        }
        Dialect::Any(_) | Dialect::Not(_) => whole(filter, event),
    }
}

/// A filter as a whole, with all attributes that it looks at.
fn whole(filter: &Filter, event: &EventView<'_>) -> FailedCondition {
    let mut names = Vec::new();
    attributes(filter, &mut names);
    let shown = names.iter().map(|name| {
        let value = find(event.attributes, name);
        value.map_or_else(
            || format!("no {name}"),
            |value| format!("{name} = {}", show(value)),
        )
    });
    FailedCondition {
        path: names.first().map_or_else(String::new, |name| (*name).to_owned()),
        expected: in_words(filter),
        found: shown.collect::<Vec<_>>().join(", "),
        pointer: filter.pointer.clone(),
    }
}

/// The attributes that a filter names outside of expressions, each once.
fn attributes<'f>(filter: &'f Filter, names: &mut Vec<&'f str>) {
    match &filter.dialect {
        Dialect::Attributes(_, wanted) => {
            for (name, _) in wanted {
                if !names.contains(&name.as_str()) {
                    names.push(name);
                }
            }
        }
        Dialect::All(filters) | Dialect::Any(filters) => {
            for inner in filters {
                attributes(inner, names);
            }
        }
        Dialect::Not(inner) => attributes(inner, names),
        Dialect::Sql(expression) => {
            for name in expression.attributes() {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
    }
}

/// What a filter wants.
fn in_words(filter: &Filter) -> String {
    let list = |filters: &[Filter], separator: &str| {
        let words: Vec<_> = filters.iter().map(in_words).collect();
        words.join(separator)
    };
    match &filter.dialect {
        Dialect::Attributes(comparison, wanted) => {
            let sign = match comparison {
                Comparison::Exact => "=",
                Comparison::Prefix => "starts with",
                Comparison::Suffix => "ends with",
            };
            let wishes = wanted
                .iter()
                .map(|(name, text)| format!("{name} {sign} {}", Value::from(text.as_str())));
            wishes.collect::<Vec<_>>().join(" and ")
        }
        Dialect::All(filters) => format!("({})", list(filters, " and ")),
        Dialect::Any(filters) => format!("({})", list(filters, " or ")),
        Dialect::Not(inner) => format!("not {}", in_words(inner)),
        Dialect::Sql(expression) => format!("({})", expression.text()),
    }
}

fn wish(comparison: Comparison, text: &str) -> String {
    let text = Value::from(text);
    match comparison {
        Comparison::Exact => format!("{text}"),
        Comparison::Prefix => format!("a text that starts with {text}"),
        Comparison::Suffix => format!("a text that ends with {text}"),
    }
}

fn show(value: Scalar<'_>) -> String {
    let text = match value {
        Scalar::String(text) => Value::from(text).to_string(),
        Scalar::Integer(number) => number.to_string(),
        Scalar::Boolean(truth) => truth.to_string(),
    };
    let cut = text.chars().count() > MAX_SHOWN;
    let text: String = text.chars().take(MAX_SHOWN).collect();
    format!("{text}{}", if cut { "…" } else { "" })
}
