//! Components that refer to one another in a circle, put into one of them.
//!
//! The parser of the `AsyncAPI` Initiative follows a circle that leads through several components with schema
//! formats without end. One that stays inside a component it leaves alone. So the first of a circle holds the
//! others as definitions, and each of these keeps its name as a component that refers there.

use std::collections::HashMap;
use std::collections::HashSet;

use jsonschema::Draft;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::data::also;
use super::hoist::Component;
use super::hoist::address;

/// Rearranges components so that every circle of references is inside one.
pub(super) fn enclose(mut components: Vec<Component>) -> Vec<Component> {
    let shortcuts = shortcuts(&components);
    if !shortcuts.is_empty() {
        for component in &mut components {
            redirect(&mut component.schema, &shortcuts);
        }
    }
    let circles = circles(&components);
    let mut moved = HashMap::new();
    for (index, component) in components.iter().enumerate() {
        let Some(holder) = circles.get(index).and_then(|holder| components.get(*holder)) else {
            continue;
        };
        if holder.name != component.name {
            let keyword = definitions(holder.draft);
            let place = format!("{}/{keyword}/{}", address(&holder.name), component.name);
            moved.insert(address(&component.name), place);
        }
    }
    if moved.is_empty() {
        return components;
    }
    let mut enclosed: Vec<Component> = Vec::with_capacity(components.len());
    for (mut component, holder) in components.into_iter().zip(circles) {
        redirect(&mut component.schema, &moved);
        let place = moved.get(&address(&component.name));
        if let (Some(place), Some(holder)) = (place, enclosed.get_mut(holder)) {
            let alias = json!({"$ref": place});
            let schema = std::mem::replace(&mut component.schema, alias);
            hold(holder, &component.name, schema);
        }
        enclosed.push(component);
    }
    enclosed
}

/// Where references to components lead that are nothing but a reference; through these, too, the parser
/// follows a circle without end.
fn shortcuts(components: &[Component]) -> HashMap<String, String> {
    let mut next = HashMap::new();
    for component in components {
        if let Value::Object(members) = &component.schema
            && members.len() == 1
            && let Some(Value::String(reference)) = members.get("$ref")
        {
            next.insert(address(&component.name), reference.clone());
        }
    }
    let mut shortcuts = HashMap::new();
    for start in next.keys() {
        let mut seen = HashSet::new();
        let mut at = start;
        while let Some(after) = next.get(at).filter(|_| seen.insert(at)) {
            at = after;
        }
        // A circle of references alone means nothing and stays as it is.
        if !seen.contains(at) {
            shortcuts.insert(start.clone(), at.clone());
        }
    }
    shortcuts
}

fn definitions(draft: Draft) -> &'static str {
    if draft < Draft::Draft201909 {
        "definitions"
    } else {
        "$defs"
    }
}

/// Puts a schema among the definitions of a component.
fn hold(holder: &mut Component, name: &str, schema: Value) {
    let Value::Object(members) = &mut holder.schema else {
        return;
    };
    // What stands beside a reference would be lost.
    if let Some(reference) = members.shift_remove("$ref") {
        also(members, json!({"$ref": reference}));
    }
    let keyword = definitions(holder.draft);
    let held = members
        .entry(keyword)
        .or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(held) = held {
        held.insert(name.to_owned(), schema);
    }
}

/// The references in a schema; nothing else in it is called `$ref`.
fn references(schema: &Value) -> Vec<&str> {
    let (mut found, mut waiting) = (Vec::new(), vec![schema]);
    while let Some(value) = waiting.pop() {
        match value {
            Value::Array(items) => waiting.extend(items),
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                waiting.extend(members.values());
            }
            _ => {}
        }
    }
    found
}

fn redirect(schema: &mut Value, moved: &HashMap<String, String>) {
    let mut waiting = vec![schema];
    while let Some(value) = waiting.pop() {
        match value {
            Value::Array(items) => waiting.extend(items),
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get_mut("$ref")
                    && let Some(place) = moved.get(reference)
                {
                    reference.clone_from(place);
                }
                waiting.extend(members.values_mut());
            }
            _ => {}
        }
    }
}

/// Of each component, the first of those that are in a circle with it; itself if there is none.
///
/// Two passes over the references, there and back: what reaches one another is in a circle.
fn circles(components: &[Component]) -> Vec<usize> {
    let addresses = components.iter().map(|component| address(&component.name));
    let by_address: HashMap<_, _> = addresses
        .enumerate()
        .map(|(index, address)| (address, index))
        .collect();
    let mut ahead = vec![Vec::new(); components.len()];
    let mut back = vec![Vec::new(); components.len()];
    for (from, component) in components.iter().enumerate() {
        for reference in references(&component.schema) {
            let Some(&to) = by_address.get(reference) else {
                continue;
            };
            if let (Some(ahead), Some(back)) = (ahead.get_mut(from), back.get_mut(to)) {
                ahead.push(to);
                back.push(from);
            }
        }
    }
    let mut first = vec![usize::MAX; components.len()];
    for &start in finished(&ahead).iter().rev() {
        let mut members = Vec::new();
        let mut waiting = vec![start];
        while let Some(at) = waiting.pop() {
            if let Some(first) = first.get_mut(at).filter(|first| **first == usize::MAX) {
                *first = start;
                members.push(at);
                waiting.extend(back.get(at).into_iter().flatten());
            }
        }
        let least = members.iter().min().copied().unwrap_or(start);
        for member in members {
            if let Some(first) = first.get_mut(member) {
                *first = least;
            }
        }
    }
    first
}

/// All components, each after those that it leads to, except in circles.
fn finished(ahead: &[Vec<usize>]) -> Vec<usize> {
    let mut is_seen = vec![false; ahead.len()];
    let mut finished = Vec::with_capacity(ahead.len());
    for start in 0..ahead.len() {
        let mut waiting = vec![(start, false)];
        while let Some((at, is_done)) = waiting.pop() {
            if is_done {
                finished.push(at);
                continue;
            }
            if let Some(is_seen) = is_seen.get_mut(at).filter(|is_seen| !**is_seen) {
                *is_seen = true;
                waiting.push((at, true));
                waiting.extend(ahead.get(at).into_iter().flatten().map(|next| (*next, false)));
            }
        }
    }
    finished
}
