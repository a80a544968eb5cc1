//! Keywords that refer to other schemas: `$ref` and its relatives.

use std::sync::Arc;

use jsonschema::Draft;
use referencing::Resolver;
use serde_json::Value;

use super::Reader;
use super::Site;
use super::Waiting;
use crate::schema::compat::world::Child;
use crate::schema::compat::world::Part;
use crate::schema::compat::world::Step;
use crate::schema::error::child;
use crate::schema::references::OWN_BASE;

impl<'d> Reader<'_, 'd> {
    /// `$ref` and its relatives.
    pub(super) fn references(&mut self, site: &Site<'d>, parts: &mut Vec<Part>) {
        for keyword in ["$ref", "$recursiveRef", "$dynamicRef"] {
            let applies = match keyword {
                "$ref" => true,
                "$recursiveRef" => site.draft == Draft::Draft201909,
                _ => site.since(Draft::Draft202012),
            };
            let Some(text) = site
                .members
                .get(keyword)
                .and_then(Value::as_str)
                .filter(|_| applies)
            else {
                continue;
            };
            let place = child(&site.pointer, keyword);
            if keyword != "$ref" && self.is_dynamic {
                let id = self.world.forest.unknown();
                parts.push(Part {
                    keyword,
                    suffix: format!("/{keyword}"),
                    id,
                    child: None,
                });
                continue;
            }
            let found = match site.resolver.lookup(text) {
                Ok(found) => found,
                Err(error) => {
                    let detail = format!("`{text}` leads nowhere: {error}");
                    self.refuse(&place, "dangling-reference", detail);
                    continue;
                }
            };
            let (target, resolver, draft) = found.into_inner();
            if !target.is_object() && !target.is_boolean() {
                self.refuse(
                    &place,
                    "dangling-reference",
                    format!("`{text}` does not lead to a schema"),
                );
                continue;
            }
            let pointer = self.pointer_of(text, &resolver);
            let (number, is_new) = self.reserve(target, pointer, draft);
            if is_new {
                self.waiting.insert(number);
                self.queue.push_back(Waiting {
                    number,
                    resolver,
                    draft,
                });
            }
            let suffix = format!("/{keyword}");
            let taken = Child {
                step: Step::Here,
                schema: number,
                suffix: suffix.clone(),
            };
            if let Some(info) = self.world.schemas.get_mut(site.number) {
                info.children.push(taken.clone());
            }
            let id = self.node_of(number);
            parts.push(Part {
                keyword,
                suffix,
                id,
                child: Some(taken),
            });
        }
    }

    /// Where a reference leads, as a pointer if it is inside the document.
    fn pointer_of(&self, text: &str, resolver: &Resolver<'d>) -> String {
        let fragment = text.split_once('#').map_or("", |(_, fragment)| fragment);
        let base = resolver.base_uri();
        let is_own = base.as_str() == OWN_BASE || text.starts_with('#');
        if is_own && (fragment.is_empty() || self.root.pointer(fragment).is_some()) {
            return fragment.to_owned();
        }
        text.to_owned()
    }
}

/// Whether what a dynamic reference means may depend on the way to it.
pub(super) fn has_several_dynamic_anchors(root: &Value, others: &[(String, Arc<Value>)]) -> bool {
    let mut count = 0;
    let mut waiting = vec![root];
    waiting.extend(others.iter().map(|(_, document)| &**document));
    while let Some(value) = waiting.pop() {
        match value {
            Value::Object(members) => {
                count += usize::from(members.contains_key("$dynamicAnchor"));
                count += 2 * usize::from(members.contains_key("$recursiveAnchor"));
                waiting.extend(members.values());
            }
            Value::Array(items) => waiting.extend(items),
            _ => {}
        }
    }
    count > 1
}
