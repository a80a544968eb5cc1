//! Keywords about one value without its members: `type`, `enum`, bounds, lengths, patterns, formats.

use std::collections::BTreeSet;

use jsonschema::Draft;
use serde_json::Value;
use serde_json::json;

use super::Reader;
use super::Site;
use super::age;
use crate::schema::compat::node::Id;
use crate::schema::compat::node::Kind;
use crate::schema::compat::node::Names;
use crate::schema::compat::node::Node;
use crate::schema::compat::node::Scalar;
use crate::schema::compat::world::Opaque;
use crate::schema::compat::world::Part;
use crate::schema::error::child;
use crate::schema::error::shortened;
use crate::schema::number::exact;
use crate::schema::number::exact_limit;

impl<'d> Reader<'_, 'd> {
    pub(super) fn scalars(&mut self, site: &Site<'d>, parts: &mut Vec<Part>) {
        if let Some(types) = site.members.get("type") {
            let id = self.types(site, types);
            parts.push(part("type", id));
        }
        if let Some(values) = site.members.get("enum").and_then(Value::as_array) {
            let id = self.values(values.iter());
            parts.push(part("enum", id));
        }
        if let Some(value) = site.members.get("const").filter(|_| site.since(Draft::Draft6)) {
            let id = self.values(std::iter::once(value));
            parts.push(part("const", id));
        }
        self.bounds(site, parts);
        self.texts(site, parts);
    }

    fn types(&mut self, site: &Site<'d>, types: &Value) -> Id {
        let list = types
            .as_array()
            .map_or_else(|| vec![types], |types| types.iter().collect());
        let mut kinds = Vec::new();
        let mut options = Vec::new();
        for name in list {
            match name.as_str().unwrap_or_default() {
                "null" => kinds.push(Kind::Null),
                "boolean" => kinds.push(Kind::Boolean),
                "number" => kinds.push(Kind::Number),
                "string" => kinds.push(Kind::String),
                "array" => kinds.push(Kind::Array),
                "object" => kinds.push(Kind::Object),
                "integer" => options.push(self.integer(site)),
                _ => options.push(self.world.forest.unknown()),
            }
        }
        if kinds.contains(&Kind::Number) {
            options.clear();
        }
        options.push(self.world.forest.kinds(&kinds));
        options.retain(|id| *self.world.forest.node(*id) != Node::Kinds(0));
        self.world.forest.or(options)
    }

    fn integer(&mut self, site: &Site<'d>) -> Id {
        let number = self.world.forest.kinds(&[Kind::Number]);
        let one = num_rational::BigRational::from_integer(1.into());
        let mut all = vec![number, self.world.forest.add(Node::MultipleOf(one))];
        if site.draft == Draft::Draft4 {
            all.push(self.world.forest.add(Node::WrittenWhole));
        }
        self.world.forest.and(all)
    }

    /// One of the values.
    pub(super) fn values(&mut self, values: impl Iterator<Item = &'d Value>) -> Id {
        let mut scalars = BTreeSet::new();
        let mut options = Vec::new();
        for value in values {
            match scalar(value) {
                Some(scalar) => {
                    scalars.insert(scalar);
                }
                None => options.push(self.composite(value)),
            }
        }
        if !scalars.is_empty() || options.is_empty() {
            options.push(self.world.forest.add(Node::Values(scalars.into_iter().collect())));
        }
        self.world.forest.or(options)
    }

    /// Exactly this list or object, said member by member; the depth of the document bounds the recursion.
    fn composite(&mut self, value: &'d Value) -> Id {
        match value {
            Value::Array(items) => {
                let len = items.len() as u64;
                let mut all = vec![
                    self.world.forest.kinds(&[Kind::Array]),
                    self.world.forest.add(Node::MinItems(len)),
                    self.world.forest.add(Node::MaxItems(len)),
                ];
                for (index, item) in (0_u64..).zip(items) {
                    let item = self.values(std::iter::once(item));
                    all.push(self.world.forest.add(Node::ItemAt(index, item)));
                }
                self.world.forest.and(all)
            }
            Value::Object(members) => {
                let names = Names {
                    names: members.keys().cloned().collect(),
                    patterns: BTreeSet::new(),
                };
                let never = self.world.forest.never();
                let mut all = vec![
                    self.world.forest.kinds(&[Kind::Object]),
                    self.world.forest.add(Node::Additional(names, never)),
                ];
                for (name, member) in members {
                    let member = self.values(std::iter::once(member));
                    all.push(self.world.forest.add(Node::Required(name.clone())));
                    all.push(self.world.forest.add(Node::Property(name.clone(), member)));
                }
                self.world.forest.and(all)
            }
            _ => self.world.forest.unknown(),
        }
    }

    fn bounds(&mut self, site: &Site<'d>, parts: &mut Vec<Part>) {
        let is_four = site.draft == Draft::Draft4;
        for (keyword, is_low, is_exclusive) in [
            ("minimum", true, false),
            ("maximum", false, false),
            ("exclusiveMinimum", true, true),
            ("exclusiveMaximum", false, true),
        ] {
            let Some(Value::Number(limit)) = site.members.get(keyword) else {
                continue;
            };
            if is_four && is_exclusive {
                continue;
            }
            let modifier = if is_low {
                "exclusiveMinimum"
            } else {
                "exclusiveMaximum"
            };
            let open = is_exclusive || is_four && site.members.get(modifier) == Some(&Value::Bool(true));
            let id = match exact_limit(limit) {
                None => self.world.forest.unknown(),
                Some(limit) if is_low => self.world.forest.add(Node::Minimum { limit, open }),
                Some(limit) => self.world.forest.add(Node::Maximum { limit, open }),
            };
            parts.push(part(keyword, id));
        }
        if let Some(Value::Number(step)) = site.members.get("multipleOf") {
            let id = match exact_limit(step) {
                Some(step) => self.world.forest.add(Node::MultipleOf(step)),
                None => self.world.forest.unknown(),
            };
            parts.push(part("multipleOf", id));
        }
    }

    fn texts(&mut self, site: &Site<'d>, parts: &mut Vec<Part>) {
        self.count(site, "minLength", parts, Node::MinLength);
        self.count(site, "maxLength", parts, Node::MaxLength);
        if let Some(source) = site.members.get("pattern").and_then(Value::as_str)
            && let Some(number) = self.pattern(source, &child(&site.pointer, "pattern"))
        {
            let id = self.world.forest.add(Node::Pattern(number));
            parts.push(part("pattern", id));
        }
        for keyword in ["format", "contentEncoding", "contentMediaType"] {
            let asserts = match keyword {
                "format" => age(site.draft) <= 7,
                _ => matches!(site.draft, Draft::Draft6 | Draft::Draft7),
            };
            if let Some(name) = site
                .members
                .get(keyword)
                .and_then(Value::as_str)
                .filter(|_| asserts)
                && let Some(id) = self.opaque(site, keyword, name)
            {
                parts.push(part(keyword, id));
            }
        }
    }

    /// A bound on a count.
    pub(super) fn count(
        &mut self,
        site: &Site<'d>,
        keyword: &'static str,
        parts: &mut Vec<Part>,
        node: fn(u64) -> Node,
    ) {
        let Some(Value::Number(number)) = site.members.get(keyword) else {
            return;
        };
        let limit = exact(number).filter(num_rational::Ratio::is_integer);
        let limit = limit.and_then(|limit| u64::try_from(limit.to_integer()).ok());
        let id = match limit {
            Some(limit) => self.world.forest.add(node(limit)),
            None => self.world.forest.unknown(),
        };
        parts.push(part(keyword, id));
    }

    /// The number of a pattern; what does not compile is refused.
    pub(super) fn pattern(&mut self, source: &str, pointer: &str) -> Option<usize> {
        let number = self.world.patterns.add(source);
        if number.is_none() {
            let source = shortened(source, 100);
            let detail = format!(
                "`{source}` is too large, or uses look-around or back-references, or is no expression"
            );
            self.refuse(pointer, "invalid-pattern", detail);
        }
        number
    }

    /// A check of strings that stays closed to the comparison; none if the draft takes it for an annotation.
    fn opaque(&mut self, site: &Site<'d>, keyword: &'static str, name: &str) -> Option<Id> {
        if keyword == "format" && !jsonschema::options().is_known_format(site.draft, name) {
            return None;
        }
        // Drafts 4 and 6 check host names by an older rule.
        let generation = if name == "hostname" {
            age(site.draft).min(7) / 7
        } else {
            0
        };
        let key = (keyword, name.to_owned(), generation);
        if let Some(number) = self.world.opaque_numbers.get(&key) {
            return Some(self.world.forest.add(Node::Opaque(*number)));
        }
        let schema = json!({ keyword: name });
        let validator = jsonschema::options().with_draft(site.draft).build(&schema).ok()?;
        let number = self.world.opaques.len();
        self.world.opaques.push(Opaque { validator });
        self.world.opaque_numbers.insert(key, number);
        Some(self.world.forest.add(Node::Opaque(number)))
    }
}

/// A part that is one keyword.
pub(super) fn part(keyword: &'static str, id: Id) -> Part {
    Part {
        keyword,
        suffix: format!("/{keyword}"),
        id,
        child: None,
    }
}

/// The value if it has no members and is not too large a number.
pub(in crate::schema::compat) fn scalar(value: &Value) -> Option<Scalar> {
    match value {
        Value::Null => Some(Scalar::Null),
        Value::Bool(value) => Some(Scalar::Boolean(*value)),
        Value::Number(number) => exact(number).map(Scalar::Number),
        Value::String(text) => Some(Scalar::String(text.clone())),
        _ => None,
    }
}
