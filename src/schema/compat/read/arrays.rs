//! Keywords about lists.

use jsonschema::Draft;
use serde_json::Value;

use super::Reader;
use super::Site;
use super::scalars::part;
use crate::schema::compat::node::Kind;
use crate::schema::compat::node::Node;
use crate::schema::compat::world::Part;
use crate::schema::compat::world::Step;
use crate::schema::number::exact;

impl<'d> Reader<'_, 'd> {
    pub(super) fn arrays(&mut self, site: &Site<'d>, parts: &mut Vec<Part>) {
        self.count(site, "minItems", parts, Node::MinItems);
        self.count(site, "maxItems", parts, Node::MaxItems);
        if site.members.get("uniqueItems") == Some(&Value::Bool(true)) {
            let id = self.world.forest.add(Node::UniqueItems);
            parts.push(part("uniqueItems", id));
        }
        self.items(site, parts);
        self.contains(site, parts);
    }

    fn items(&mut self, site: &Site<'d>, parts: &mut Vec<Part>) {
        let prefix = if site.since(Draft::Draft202012) {
            "prefixItems"
        } else {
            "items"
        };
        let mut first = 0;
        if let Some(items) = site.members.get(prefix).and_then(Value::as_array) {
            for (index, item) in (0_u64..).zip(items) {
                let suffix = format!("/{prefix}/{index}");
                let (child, id) = self.subschema(site, item, &suffix, Step::ItemAt(index));
                let id = self.world.forest.add(Node::ItemAt(index, id));
                parts.push(Part {
                    keyword: prefix,
                    suffix,
                    id,
                    child: Some(child),
                });
            }
            first = items.len() as u64;
        }
        let is_list = prefix == "items" && site.members.get("items").is_some_and(Value::is_array);
        let rest = if is_list { "additionalItems" } else { "items" };
        if let Some(items) = site.members.get(rest) {
            let suffix = format!("/{rest}");
            let (child, id) = self.subschema(site, items, &suffix, Step::ItemsFrom(first));
            let id = self.world.forest.add(Node::ItemsFrom(first, id));
            parts.push(Part {
                keyword: rest,
                suffix,
                id,
                child: Some(child),
            });
        }
    }

    fn contains(&mut self, site: &Site<'d>, parts: &mut Vec<Part>) {
        let Some(schema) = site.members.get("contains").filter(|_| site.since(Draft::Draft6)) else {
            return;
        };
        let (_, id) = self.subschema(site, schema, "/contains", Step::SomeItems);
        let bound = |keyword: &str| match site.members.get(keyword) {
            Some(Value::Number(number)) if site.since(Draft::Draft201909) => {
                let whole = exact(number).filter(num_rational::Ratio::is_integer);
                Some(whole.and_then(|limit| u64::try_from(limit.to_integer()).ok()))
            }
            _ => None,
        };
        let min = bound("minContains").unwrap_or(Some(1));
        let least = match min {
            Some(0) => self.world.forest.yes(),
            Some(min) => self.world.forest.add(Node::AtLeast(min, id)),
            None => self.world.forest.unknown(),
        };
        let keyword = if site.members.contains_key("minContains") && min.is_none_or(|min| min > 1) {
            "minContains"
        } else {
            "contains"
        };
        parts.push(part(keyword, least));
        if let Some(max) = bound("maxContains") {
            let most = match max.and_then(|max| max.checked_add(1)) {
                None => self.world.forest.unknown(),
                Some(over) => {
                    let list = self.world.forest.kinds(&[Kind::Array]);
                    let other = self.world.forest.not(list);
                    let over = self.world.forest.add(Node::AtLeast(over, id));
                    let under = self.world.forest.not(over);
                    self.world.forest.or(vec![other, under])
                }
            };
            parts.push(part("maxContains", most));
        }
    }
}
