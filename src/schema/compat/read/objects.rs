//! Keywords about objects.

use jsonschema::Draft;
use serde_json::Value;

use super::Reader;
use super::Site;
use crate::schema::compat::node::Id;
use crate::schema::compat::node::Kind;
use crate::schema::compat::node::Names;
use crate::schema::compat::node::Node;
use crate::schema::compat::world::Part;
use crate::schema::compat::world::Step;
use crate::schema::error::child;

impl<'d> Reader<'_, 'd> {
    pub(super) fn objects(&mut self, site: &Site<'d>, parts: &mut Vec<Part>) {
        self.count(site, "minProperties", parts, Node::MinProperties);
        self.count(site, "maxProperties", parts, Node::MaxProperties);
        let required = site.members.get("required").and_then(Value::as_array);
        for (index, name) in required.into_iter().flatten().enumerate() {
            let Some(name) = name.as_str() else { continue };
            let id = self.world.forest.add(Node::Required(name.to_owned()));
            parts.push(Part {
                keyword: "required",
                suffix: format!("/required/{index}"),
                id,
                child: None,
            });
        }
        let names = self.members(site, parts);
        if let Some(schema) = site.members.get("additionalProperties") {
            let suffix = "/additionalProperties".to_owned();
            let (child, id) = self.subschema(site, schema, &suffix, Step::Others(names.clone()));
            let id = self.world.forest.add(Node::Additional(names, id));
            parts.push(Part {
                keyword: "additionalProperties",
                suffix,
                id,
                child: Some(child),
            });
        }
        if let Some(schema) = site
            .members
            .get("propertyNames")
            .filter(|_| site.since(Draft::Draft6))
        {
            let suffix = "/propertyNames".to_owned();
            let (_, id) = self.subschema(site, schema, &suffix, Step::Names);
            let id = self.world.forest.add(Node::PropertyNames(id));
            parts.push(Part {
                keyword: "propertyNames",
                suffix,
                id,
                child: None,
            });
        }
        self.dependencies(site, parts);
    }

    /// `properties` and `patternProperties`; the names of which they speak.
    fn members(&mut self, site: &Site<'d>, parts: &mut Vec<Part>) -> Names {
        let mut names = Names::default();
        let properties = site.members.get("properties").and_then(Value::as_object);
        for (name, schema) in properties.into_iter().flatten() {
            let suffix = child("/properties", name);
            let (child, id) = self.subschema(site, schema, &suffix, Step::Member(name.clone()));
            let id = self.world.forest.add(Node::Property(name.clone(), id));
            parts.push(Part {
                keyword: "properties",
                suffix,
                id,
                child: Some(child),
            });
            names.names.insert(name.clone());
        }
        let patterns = site.members.get("patternProperties").and_then(Value::as_object);
        for (source, schema) in patterns.into_iter().flatten() {
            let suffix = child("/patternProperties", source);
            let Some(pattern) = self.pattern(source, &format!("{}{suffix}", site.pointer)) else {
                continue;
            };
            let (child, id) = self.subschema(site, schema, &suffix, Step::Matching(pattern));
            let id = self.world.forest.add(Node::PatternProperty(pattern, id));
            parts.push(Part {
                keyword: "patternProperties",
                suffix,
                id,
                child: Some(child),
            });
            names.patterns.insert(pattern);
        }
        names
    }

    fn dependencies(&mut self, site: &Site<'d>, parts: &mut Vec<Part>) {
        for keyword in ["dependencies", "dependentRequired", "dependentSchemas"] {
            if keyword != "dependencies" && !site.since(Draft::Draft201909) {
                continue;
            }
            let members = site.members.get(keyword).and_then(Value::as_object);
            for (name, dependency) in members.into_iter().flatten() {
                let suffix = child(&format!("/{keyword}"), name);
                let then = match dependency {
                    Value::Array(required) => {
                        let required = required.iter().filter_map(Value::as_str);
                        let all = required.map(|name| self.world.forest.add(Node::Required(name.to_owned())));
                        let all: Vec<Id> = all.collect();
                        self.world.forest.and(all)
                    }
                    schema => self.subschema(site, schema, &suffix, Step::Here).1,
                };
                let without = self.lacks(name);
                let id = self.world.forest.or(vec![without, then]);
                parts.push(Part {
                    keyword,
                    suffix,
                    id,
                    child: None,
                });
            }
        }
    }

    /// No object with this member.
    pub(super) fn lacks(&mut self, name: &str) -> Id {
        let has = self.has(name);
        self.world.forest.not(has)
    }

    /// An object with this member.
    pub(super) fn has(&mut self, name: &str) -> Id {
        let object = self.world.forest.kinds(&[Kind::Object]);
        let required = self.world.forest.add(Node::Required(name.to_owned()));
        self.world.forest.and(vec![object, required])
    }
}
