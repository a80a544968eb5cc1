//! Documents near the border of two schemas, to be tried where nothing was proved.

use std::collections::BTreeSet;

use serde_json::Map;
use serde_json::Number;
use serde_json::Value;

/// Most values that are taken from the schemas.
const MAX_VALUES: usize = 60;
/// Most names that are taken from the schemas.
const MAX_NAMES: usize = 30;

/// Documents made from the given ones by one change or two, at most `max`.
pub(super) fn candidates(documents: &[Value], schemas: [&Value; 2], max: usize) -> Vec<Value> {
    let mut stock = Stock::default();
    for schema in schemas {
        stock.gather(schema);
    }
    let mut all: Vec<Value> = Vec::new();
    let mut written = BTreeSet::new();
    let mut keep = |all: &mut Vec<Value>, value: Value| {
        if all.len() < max && written.insert(value.to_string()) {
            all.push(value);
        }
    };
    for value in documents.iter().chain(&stock.values) {
        keep(&mut all, value.clone());
    }
    let mut next = 0;
    while next < all.len() && all.len() < max {
        let Some(document) = all.get(next).cloned() else {
            break;
        };
        for changed in stock.changed(&document) {
            keep(&mut all, changed);
        }
        next += 1;
    }
    all
}

/// What schemas speak of.
#[derive(Debug, Default)]
struct Stock {
    values: Vec<Value>,
    names: Vec<String>,
}

impl Stock {
    fn gather(&mut self, schema: &Value) {
        let mut waiting = vec![schema];
        while let Some(value) = waiting.pop() {
            match value {
                Value::Object(members) => {
                    for (key, member) in members {
                        self.keyword(key, member);
                        waiting.push(member);
                    }
                }
                Value::Array(items) => waiting.extend(items),
                _ => {}
            }
        }
        for value in [
            Value::Null,
            Value::Bool(true),
            Value::from(""),
            Value::Array(Vec::new()),
            Value::Object(Map::new()),
        ] {
            self.add(value);
        }
    }

    fn keyword(&mut self, key: &str, member: &Value) {
        match (key, member) {
            ("const" | "default", value) => self.add(value.clone()),
            ("enum" | "examples", Value::Array(values)) => {
                for value in values {
                    self.add(value.clone());
                }
            }
            ("required", Value::Array(names)) => names
                .iter()
                .filter_map(Value::as_str)
                .for_each(|name| self.name(name)),
            (
                "properties" | "dependentRequired" | "dependentSchemas" | "dependencies",
                Value::Object(members),
            ) => {
                members.keys().for_each(|name| self.name(name));
            }
            (_, Value::Number(number)) => self.near(number),
            _ => {}
        }
    }

    /// The number, its neighbours, and texts and lists as long.
    fn near(&mut self, number: &Number) {
        self.add(Value::Number(number.clone()));
        if let Some(near) = number.as_i64().filter(|near| near.unsigned_abs() < 1 << 40) {
            for near in [near - 1, near + 1] {
                self.add(Value::from(near));
            }
            if let Ok(len) = usize::try_from(near)
                && len < 64
            {
                for len in [len.saturating_sub(1), len, len + 1] {
                    self.add(Value::from("a".repeat(len)));
                    self.add(Value::Array(vec![Value::Null; len]));
                }
            }
        }
    }

    fn add(&mut self, value: Value) {
        if self.values.len() < MAX_VALUES && !self.values.contains(&value) {
            self.values.push(value);
        }
    }

    fn name(&mut self, name: &str) {
        if self.names.len() < MAX_NAMES && !self.names.iter().any(|own| own == name) {
            self.names.push(name.to_owned());
        }
    }

    /// The document with one change at one place; the depth of documents made up here bounds the recursion.
    fn changed(&self, document: &Value) -> Vec<Value> {
        let mut all = self.values.clone();
        match document {
            Value::Object(members) => {
                for (name, member) in members {
                    let mut without = members.clone();
                    without.shift_remove(name);
                    all.push(Value::Object(without));
                    for changed in self.changed(member).into_iter().take(MAX_VALUES) {
                        let mut with = members.clone();
                        with.insert(name.clone(), changed);
                        all.push(Value::Object(with));
                    }
                }
                for name in self.names.iter().filter(|name| !members.contains_key(*name)) {
                    for value in &self.values {
                        let mut with = members.clone();
                        with.insert(name.clone(), value.clone());
                        all.push(Value::Object(with));
                    }
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate().take(4) {
                    let mut without = items.clone();
                    without.remove(index);
                    all.push(Value::Array(without));
                    for changed in self.changed(item).into_iter().take(MAX_VALUES) {
                        let mut with = items.clone();
                        if let Some(slot) = with.get_mut(index) {
                            *slot = changed;
                        }
                        all.push(Value::Array(with));
                    }
                }
                for value in &self.values {
                    let mut with = items.clone();
                    with.push(value.clone());
                    all.push(Value::Array(with));
                }
            }
            _ => {}
        }
        all
    }
}
