//! Keywords that join schemas, and those that speak of what the others left.

use std::collections::BTreeSet;

use jsonschema::Draft;
use serde_json::Value;

use super::Reader;
use super::Site;
use super::scalars::part;
use crate::schema::compat::node::Id;
use crate::schema::compat::node::Names;
use crate::schema::compat::node::Node;
use crate::schema::compat::world::Part;
use crate::schema::compat::world::SchemaInfo;
use crate::schema::compat::world::Step;

/// Most ways in which conditional parts of a schema may hold that are told apart.
const MAX_CASES: usize = 64;
/// Deepest nesting of conditional parts.
const MAX_NESTING: usize = 32;
/// Most branches of all `oneOf`, each set against each.
const MAX_BRANCH_PAIRS: usize = 200_000;

/// One way in which the conditional parts of a schema hold, and what the schema then has looked at.
#[derive(Debug, Clone, Default)]
struct Case {
    /// What holds in this case.
    conditions: Vec<Id>,
    names: Names,
    /// Items before this index.
    items: u64,
    /// Items that meet one of these.
    contained: Vec<Id>,
    all_names: bool,
    all_items: bool,
}

impl Case {
    /// Both together.
    fn joined(&self, other: &Self) -> Self {
        let mut case = self.clone();
        case.conditions.extend(&other.conditions);
        case.names.names.extend(other.names.names.iter().cloned());
        case.names.patterns.extend(&other.names.patterns);
        case.items = case.items.max(other.items);
        case.contained.extend(&other.contained);
        case.all_names |= other.all_names;
        case.all_items |= other.all_items;
        case
    }
}

impl<'d> Reader<'_, 'd> {
    pub(super) fn logic(&mut self, site: &Site<'d>, parts: &mut Vec<Part>) {
        let all = site.members.get("allOf").and_then(Value::as_array);
        for (index, schema) in all.into_iter().flatten().enumerate() {
            let suffix = format!("/allOf/{index}");
            let (child, id) = self.subschema(site, schema, &suffix, Step::Here);
            parts.push(Part {
                keyword: "allOf",
                suffix,
                id,
                child: Some(child),
            });
        }
        if let Some(branches) = self.branches(site, "anyOf") {
            let id = self.world.forest.or(branches);
            parts.push(part("anyOf", id));
        }
        if let Some(branches) = self.branches(site, "oneOf") {
            let id = self.exactly_one(&branches);
            parts.push(part("oneOf", id));
        }
        if let Some(schema) = site.members.get("not") {
            let (_, id) = self.subschema(site, schema, "/not", Step::Here);
            let id = self.world.forest.not(id);
            parts.push(part("not", id));
        }
        if site.since(Draft::Draft7) {
            self.condition(site, parts);
        }
        if site.since(Draft::Draft201909) {
            self.leftovers(site, parts);
        }
    }

    fn branches(&mut self, site: &Site<'d>, keyword: &'static str) -> Option<Vec<Id>> {
        let schemas = site.members.get(keyword).and_then(Value::as_array)?;
        let branches = schemas.iter().enumerate();
        let ids = branches.map(|(index, schema)| {
            let suffix = format!("/{keyword}/{index}");
            self.subschema(site, schema, &suffix, Step::Here).1
        });
        Some(ids.collect())
    }

    fn exactly_one(&mut self, branches: &[Id]) -> Id {
        self.world.branch_pairs += branches.len().saturating_mul(branches.len());
        if self.world.branch_pairs > MAX_BRANCH_PAIRS {
            return self.world.forest.unknown();
        }
        let mut options = Vec::new();
        for (index, branch) in branches.iter().enumerate() {
            let mut all = vec![*branch];
            let others = branches.iter().enumerate().filter(|(other, _)| *other != index);
            all.extend(others.map(|(_, other)| self.world.forest.not(*other)));
            options.push(self.world.forest.and(all));
        }
        self.world.forest.or(options)
    }

    fn condition(&mut self, site: &Site<'d>, parts: &mut Vec<Part>) {
        let Some(schema) = site.members.get("if") else {
            return;
        };
        let (_, condition) = self.subschema(site, schema, "/if", Step::Here);
        if let Some(schema) = site.members.get("then") {
            let (_, then) = self.subschema(site, schema, "/then", Step::Here);
            let not = self.world.forest.not(condition);
            let id = self.world.forest.or(vec![not, then]);
            parts.push(part("then", id));
        }
        if let Some(schema) = site.members.get("else") {
            let (_, otherwise) = self.subschema(site, schema, "/else", Step::Here);
            let id = self.world.forest.or(vec![condition, otherwise]);
            parts.push(part("else", id));
        }
    }

    /// `unevaluatedProperties` and `unevaluatedItems`, whose meaning waits until everything is read.
    fn leftovers(&mut self, site: &Site<'d>, parts: &mut Vec<Part>) {
        for (keyword, of_members) in [("unevaluatedProperties", true), ("unevaluatedItems", false)] {
            let Some(schema) = site.members.get(keyword) else {
                continue;
            };
            let (child, _) = self.subschema(site, schema, &format!("/{keyword}"), Step::Unevaluated);
            let number = self.world.late.len();
            let placeholder = self.world.forest.unknown();
            self.world.late.push(placeholder);
            self.unevaluated
                .push((number, site.number, child.schema, of_members));
            let id = self.world.forest.add(Node::Late(number));
            parts.push(part(keyword, id));
        }
    }

    /// Puts in the nodes of `unevaluated…`.
    pub(super) fn finish_unevaluated(&mut self) {
        for (late, owner, schema, of_members) in std::mem::take(&mut self.unevaluated) {
            let Some(cases) = self.cases(owner, true, 0) else {
                continue;
            };
            let wanted = self.node_of(schema);
            let options = cases.into_iter().map(|case| {
                let mut all = case.conditions;
                if of_members && !case.all_names {
                    all.push(self.world.forest.add(Node::Additional(case.names, wanted)));
                }
                if !of_members && !case.all_items {
                    let mut seen = case.contained;
                    seen.push(wanted);
                    let seen = self.world.forest.or(seen);
                    all.push(self.world.forest.add(Node::ItemsFrom(case.items, seen)));
                }
                self.world.forest.and(all)
            });
            let options = options.collect();
            let id = self.world.forest.or(options);
            if let Some(slot) = self.world.late.get_mut(late) {
                *slot = id;
            }
        }
    }

    /// The cases of a schema object; none if there are too many. Its own `unevaluated…` counts unless it is asking.
    fn cases(&mut self, number: usize, is_asking: bool, depth: usize) -> Option<Vec<Case>> {
        if depth > MAX_NESTING {
            return None;
        }
        let info = self.world.schema(number)?.clone();
        let keywords: BTreeSet<&str> = info.parts.iter().map(|part| part.keyword).collect();
        let mut own = Case::default();
        for child in &info.children {
            match &child.step {
                Step::Member(name) => {
                    own.names.names.insert(name.clone());
                }
                Step::Matching(pattern) => {
                    own.names.patterns.insert(*pattern);
                }
                Step::Others(_) => own.all_names = true,
                Step::ItemAt(index) => own.items = own.items.max(index + 1),
                Step::ItemsFrom(_) => own.all_items = true,
                // `contains` has looked at the items that meet it; the validator has it so in 2019-09 as well.
                Step::SomeItems => own.contained.push(self.node_of(child.schema)),
                _ => {}
            }
        }
        own.all_names |= !is_asking && keywords.contains("unevaluatedProperties");
        own.all_items |= !is_asking && keywords.contains("unevaluatedItems");
        let mut cases = vec![own];
        self.conditional_cases(&info, depth, &mut cases)?;
        Some(cases)
    }

    /// Joins to the cases those of the subschemas for the same value.
    fn conditional_cases(
        &mut self,
        info: &SchemaInfo<'d>,
        depth: usize,
        cases: &mut Vec<Case>,
    ) -> Option<()> {
        let (mut condition, mut then, mut otherwise) = (None, None, None);
        for child in info.children.iter().filter(|child| child.step == Step::Here) {
            match child.keyword() {
                "if" => condition = Some(child.schema),
                "then" => then = Some(child.schema),
                "else" => otherwise = Some(child.schema),
                "anyOf" | "oneOf" => {
                    let id = self.node_of(child.schema);
                    product(cases, &self.optional(child.schema, id, depth)?)?;
                }
                "dependentSchemas" => {
                    let name = child.suffix.splitn(3, '/').nth(2).unwrap_or_default();
                    let id = self.has(&name.replace("~1", "/").replace("~0", "~"));
                    product(cases, &self.optional(child.schema, id, depth)?)?;
                }
                // `dependencies` is no keyword of the drafts that know what is left over.
                "not" | "dependencies" => {}
                _ => product(cases, &self.cases(child.schema, false, depth + 1)?)?,
            }
        }
        let Some(condition) = condition else {
            return Some(());
        };
        let id = self.node_of(condition);
        let not = self.world.forest.not(id);
        let mut met = self.cases(condition, false, depth + 1)?;
        for case in &mut met {
            case.conditions.push(id);
        }
        if let Some(then) = then {
            product(&mut met, &self.cases(then, false, depth + 1)?)?;
        }
        let mut unmet = vec![Case {
            conditions: vec![not],
            ..Case::default()
        }];
        if let Some(otherwise) = otherwise {
            product(&mut unmet, &self.cases(otherwise, false, depth + 1)?)?;
        }
        met.extend(unmet);
        product(cases, &met)
    }

    /// A branch that looks at the value only if `id` holds.
    fn optional(&mut self, number: usize, id: Id, depth: usize) -> Option<Vec<Case>> {
        let not = self.world.forest.not(id);
        let mut options = self.cases(number, false, depth + 1)?;
        for case in &mut options {
            case.conditions.push(id);
        }
        options.push(Case {
            conditions: vec![not],
            ..Case::default()
        });
        Some(options)
    }
}

/// Each of the cases with each of the others; none if there are too many.
fn product(cases: &mut Vec<Case>, others: &[Case]) -> Option<()> {
    if cases.len() * others.len() > MAX_CASES {
        return None;
    }
    *cases = cases
        .iter()
        .flat_map(|case| others.iter().map(|other| case.joined(other)))
        .collect();
    Some(())
}
