//! Real data as it may be shown: what some rule masks for its targets, nobody else sees either.

use serde_json::Value;

use super::event;
use super::seen::Seen;
use super::seen::Traffic;
use crate::catalog::BusName;
use crate::catalog::View;
use crate::log::LogError;
use crate::schema::infer::Finding;
use crate::schema::infer::Statistics;
use crate::transform::Masked;
use crate::transform::ReadStep;

/// Newest events that are looked at for one with data.
const LOOKED_AT: usize = 5;
/// Longest example, in bytes of JSON.
const MAX_EXAMPLE: usize = 16 * 1024;

/// The values of a type's data that some rule masks.
#[derive(Debug, Default)]
pub struct Masks(Vec<Masked>);

/// A step of a path as statistics and pointers write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way<'a> {
    Member(&'a str),
    /// Any element, or any member of a map.
    Any,
}

impl Masks {
    /// Those of all rules that may match a type.
    #[must_use]
    pub fn of(view: &View, kind: &str) -> Self {
        let mut masks = Vec::new();
        let rules = view.buses().flat_map(|bus| bus.rules.values());
        for live in rules.filter(|live| live.rule.may_match_type(kind)) {
            for masked in live.rule.masks() {
                if !masks.contains(&masked) {
                    masks.push(masked);
                }
            }
        }
        Self(masks)
    }

    /// Puts stars in place of what is masked.
    pub fn hide(&self, data: &mut Value) {
        self.0.iter().for_each(|masked| masked.hide(data));
    }

    /// Whether values at this JSON pointer are masked, lie in something that is, or hold it.
    #[must_use]
    pub fn touch(&self, pointer: &str) -> bool {
        let names: Vec<_> = pointer
            .split('/')
            .skip(1)
            .map(|name| name.replace("~1", "/").replace("~0", "~"))
            .collect();
        let way: Vec<_> = names.iter().map(|name| Way::Member(name)).collect();
        self.0.iter().any(|masked| match masked {
            Masked::At(steps) => {
                let len = steps.len().min(way.len());
                steps
                    .iter()
                    .zip(&way)
                    .take(len)
                    .all(|(step, way)| may_be(step, *way))
            }
            Masked::Named(_) => true,
        })
    }

    /// Whether values of a field of statistics are masked, or lie in something that is.
    fn cover(&self, way: &[Way<'_>]) -> bool {
        self.0.iter().any(|masked| match masked {
            Masked::At(steps) => {
                steps.len() <= way.len() && steps.iter().zip(way).all(|(step, way)| may_be(step, *way))
            }
            Masked::Named(name) => way
                .iter()
                .any(|way| matches!(way, Way::Any) || *way == Way::Member(name)),
        })
    }

    /// Takes the values of masked fields out of statistics, and out of what is said about drift.
    pub(super) fn hide_in_statistics(&self, statistics: &mut Statistics, drift: &mut [Finding]) {
        if self.0.is_empty() {
            return;
        }
        for field in &mut statistics.fields {
            if !self.cover(&way(&steps_of(&field.path))) {
                continue;
            }
            field.values.clear();
            (field.min, field.max) = (None, None);
            for finding in drift.iter_mut().filter(|finding| finding.path == field.path) {
                finding.detail = format!("field `{}` differs; its values are masked", field.path);
            }
        }
    }

    /// Takes the choices of masked fields out of a proposed schema.
    pub(super) fn hide_in_schema(&self, schema: &mut Value) {
        if !self.0.is_empty() {
            self.hide_below(schema, &mut Vec::new());
        }
    }

    /// Recursion is as deep as schemas are proposed.
    fn hide_below(&self, schema: &mut Value, around: &mut Vec<Option<String>>) {
        let Some(members) = schema.as_object_mut() else {
            return;
        };
        if self.cover(&way(around)) {
            members.shift_remove("enum");
        }
        if let Some(Value::Object(properties)) = members.get_mut("properties") {
            for (name, inner) in properties {
                around.push(Some(name.clone()));
                self.hide_below(inner, around);
                around.pop();
            }
        }
        for keyword in ["items", "additionalProperties"] {
            if let Some(inner) = members.get_mut(keyword) {
                around.push(None);
                self.hide_below(inner, around);
                around.pop();
            }
        }
    }
}

fn may_be(step: &ReadStep, way: Way<'_>) -> bool {
    match (step, way) {
        (ReadStep::Member(name), Way::Member(found)) => name == found,
        _ => true,
    }
}

fn way(steps: &[Option<String>]) -> Vec<Way<'_>> {
    let way = steps
        .iter()
        .map(|step| step.as_deref().map_or(Way::Any, Way::Member));
    way.collect()
}

/// The steps of the path of a field, such as `$.items[*].sku`; none where any member or element is meant.
fn steps_of(path: &str) -> Vec<Option<String>> {
    let mut steps = Vec::new();
    let mut rest = path.strip_prefix('$').unwrap_or(path);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("[*]").or_else(|| rest.strip_prefix(".*")) {
            steps.push(None);
            rest = after;
        } else if let Some(quoted) = rest.strip_prefix("['") {
            let mut name = String::new();
            let mut chars = quoted.char_indices();
            let mut end = quoted.len();
            while let Some((at, c)) = chars.next() {
                match c {
                    '\'' => {
                        end = at + "']".len();
                        break;
                    }
                    '\\' => name.extend(chars.next().map(|(_, c)| c)),
                    c => name.push(c),
                }
            }
            steps.push(Some(name));
            rest = quoted.get(end..).unwrap_or_default();
        } else {
            let plain = rest.strip_prefix('.').unwrap_or(rest);
            let end = plain.find(['.', '[']).unwrap_or(plain.len());
            let (name, after) = plain.split_at(end);
            steps.push(Some(name.to_owned()));
            if after.len() == rest.len() {
                break;
            }
            rest = after;
        }
    }
    steps
}

/// Data of a real event of a type.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The event's bus.
    pub bus: BusName,
    /// Its number there.
    pub sequence: u64,
    /// Its data, masked.
    pub data: Value,
}

impl Evidence {
    /// One of the newest events of a type with JSON data that is not too long, on a bus or on any. Blocking.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn find(
        traffic: &Traffic,
        (view, seen): (&View, &Seen),
        kind: &str,
        bus: Option<&BusName>,
    ) -> Result<Option<Self>, LogError> {
        let masks = Masks::of(view, kind);
        for (bus, sequence) in event::places(seen, kind, bus, LOOKED_AT) {
            let read = event::read(traffic.log(), view, &bus, sequence)?;
            let read = read.filter(|event| event.data().bytes().len() <= MAX_EXAMPLE);
            if let Some(mut data) = read.as_ref().and_then(event::data) {
                masks.hide(&mut data);
                return Ok(Some(Self { bus, sequence, data }));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str) -> ReadStep {
        ReadStep::Member(name.to_owned())
    }

    #[test]
    fn a_path_is_read_in_steps() {
        let expected = [
            Some("a".to_owned()),
            None,
            Some("b c'd".to_owned()),
            None,
            Some("e".to_owned()),
        ];
        assert_eq!(steps_of(r"$.a[*]['b c\'d'].*.e"), expected);
        assert!(steps_of("$").is_empty());
    }

    #[test]
    fn a_mask_covers_whatever_it_may_hide() {
        let masks = Masks(vec![
            Masked::At(vec![member("payment"), ReadStep::Each]),
            Masked::At(vec![member("m"), member("foo")]),
        ]);
        let covers = |path: &str| masks.cover(&way(&steps_of(path)));
        for path in [
            "$.payment.card",
            "$.payment[*]",
            "$.payment.card.number",
            "$.m.foo",
            "$.m.*",
        ] {
            assert!(covers(path), "{path}");
        }
        for path in ["$.payment", "$.m.bar", "$", "$.other"] {
            assert!(!covers(path), "{path}");
        }
        assert!(masks.touch("/payment/card") && masks.touch("/payment") && masks.touch(""));
        assert!(!masks.touch("/m/bar") && !masks.touch("/other"));
    }
}
