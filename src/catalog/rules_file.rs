//! One document of a rules file: the rules of one bus, tests of them, and schemas.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;

use super::decode::Fields;
use super::decode::Issues;
use super::decode::join;
use super::decode::wrong_type;
use super::issue::Issue;
use super::issue::Place;
use super::names::BusName;
use super::names::RuleName;
use super::names::TargetName;
use super::registry::SchemaFile;
use super::rule::Rule;
use super::yaml::Document;

/// The rules of one bus as one document names them, names unique, in its order.
#[derive(Debug)]
pub struct RulesFile {
    /// The bus the rules are on; `default` if the document names none.
    pub bus: BusName,
    /// The rules.
    pub rules: Vec<Rule>,
    /// Schemas of event types, each type once.
    pub schemas: Vec<SchemaFile>,
    /// The tests, which are run against the rules of the same document.
    pub tests: Vec<RuleTest>,
    origin: Option<Origin>,
}

/// Where a document stands in its text.
#[derive(Debug)]
pub(super) struct Origin {
    pub(super) document: Document,
    pub(super) name: Option<String>,
    pub(super) text: Arc<str>,
}

impl Origin {
    /// Where in the text an issue is.
    pub(super) fn place(&self, issue: &Issue) -> Place {
        let (line, column) = self.document.locate(issue, &self.text);
        Place::in_text(&self.text, self.name.as_deref(), line, column)
    }
}

/// An event, and what the rules should make of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleTest {
    /// What the test says, in words.
    pub name: String,
    /// The event: an object with any subset of the attributes.
    pub event: Value,
    /// Per rule that should match, per target, an object that the target's event should contain.
    pub expect: Value,
}

pub(in crate::catalog) const KEYS: &[&str] = &["bus", "rules", "schemas", "tests"];
pub(in crate::catalog) const TEST_KEYS: &[&str] = &["name", "event", "expect"];

impl RulesFile {
    /// Reads one document.
    ///
    /// # Errors
    /// Everything that is wrong with it, with pointers but without places.
    pub fn decode(value: &Value) -> Result<Self, Vec<Issue>> {
        let mut issues = Issues::default();
        let file = Self::decode_all(value, &mut issues);
        issues.or(file)
    }

    /// The same, with what is needed to find the place of an issue that comes up later.
    pub(super) fn written_at(mut self, origin: Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Where in its text an issue of this document is, when it came as text.
    #[must_use]
    pub fn place(&self, issue: &Issue) -> Option<Place> {
        self.origin.as_ref().map(|origin| origin.place(issue))
    }

    fn decode_all(value: &Value, issues: &mut Issues) -> Option<Self> {
        let fields = Fields::of(value, "", "a rules file", issues)?;
        fields.only(KEYS, &[], issues);
        let bus = bus(&fields, issues);
        let schemas = schemas(&fields, issues);
        let rules = rules(&fields, issues);
        let tests = tests(&fields, issues);
        Some(Self {
            bus: bus?,
            rules,
            schemas,
            tests,
            origin: None,
        })
    }
}

fn bus(fields: &Fields<'_>, issues: &mut Issues) -> Option<BusName> {
    if fields.find("bus").is_none() {
        return Some(BusName::default());
    }
    let bus = BusName::parse(fields.text("bus", issues)?);
    if let Err(error) = &bus {
        issues.push(Issue::new(fields.at("bus"), "invalid-name", error.to_string()));
    }
    bus.ok()
}

fn rules(fields: &Fields<'_>, issues: &mut Issues) -> Vec<Rule> {
    // A document of schemas needs no rules.
    if fields.find("schemas").is_none() && fields.required("rules", "rules: []", issues).is_none() {
        return Vec::new();
    }
    let items = fields.list("rules", issues);
    let mut names = HashSet::with_capacity(items.len());
    let mut rules = Vec::with_capacity(items.len());
    for (at, item) in items {
        // Looked up in the raw document, so that a broken rule still takes its name.
        if let Some(name) = item.get("name").and_then(Value::as_str)
            && !names.insert(name)
        {
            let detail = format!("the document has two rules called `{name}`");
            issues.push(Issue::new(format!("{at}/name"), "duplicate-name", detail));
        }
        rules.extend(Rule::decode_at(item, &at, None, issues));
    }
    rules
}

fn schemas(fields: &Fields<'_>, issues: &mut Issues) -> Vec<SchemaFile> {
    let mut types = HashSet::new();
    let mut schemas = Vec::new();
    for (at, item) in fields.list("schemas", issues) {
        if let Some(kind) = item.get("type").and_then(Value::as_str)
            && !types.insert(kind)
        {
            let detail = format!("the document has two schemas of `{kind}`");
            issues.push(Issue::new(format!("{at}/type"), "duplicate-name", detail));
        }
        schemas.extend(SchemaFile::decode(item, &at, issues));
    }
    schemas
}

fn tests(fields: &Fields<'_>, issues: &mut Issues) -> Vec<RuleTest> {
    let items = fields.list("tests", issues);
    items
        .into_iter()
        .filter_map(|(at, item)| test(item, &at, issues))
        .collect()
}

fn test(value: &Value, pointer: &str, issues: &mut Issues) -> Option<RuleTest> {
    let fields = Fields::of(value, pointer, "a test", issues)?;
    fields.only(TEST_KEYS, &[], issues);
    fields.required("name", "name: a large order is called", issues);
    let name = fields.text("name", issues);
    let event = fields.required("event", "event: { type: com.example.order.created }", issues);
    let event = event.filter(|event| is_object(event, &fields.at("event"), "`event`", issues));
    let expect = fields.required("expect", "expect: {}", issues);
    let expect = expect.filter(|expect| is_expectation(expect, &fields.at("expect"), issues));
    Some(RuleTest {
        name: name?.to_owned(),
        event: event?.clone(),
        expect: expect?.clone(),
    })
}

/// Whether `value` has the form `{rule: {target: {…}}}`.
fn is_expectation(value: &Value, pointer: &str, issues: &mut Issues) -> bool {
    let before = issues.count();
    if !is_object(value, pointer, "`expect`", issues) {
        return false;
    }
    for (rule, targets) in value.as_object().into_iter().flatten() {
        let at = join(pointer, rule);
        if RuleName::parse(rule).is_err() {
            issues.push(Issue::new(
                at.clone(),
                "invalid-name",
                format!("{rule:?} is not the name of a rule"),
            ));
        }
        is_object(targets, &at, "what a rule is expected to send", issues);
        for (target, event) in targets.as_object().into_iter().flatten() {
            let at = join(&at, target);
            if TargetName::parse(target).is_err() {
                let detail = format!("{target:?} is not the name of a target");
                issues.push(Issue::new(at.clone(), "invalid-name", detail));
            }
            is_object(event, &at, "what a target is expected to get", issues);
        }
    }
    issues.count() == before
}

fn is_object(value: &Value, pointer: &str, what: &str, issues: &mut Issues) -> bool {
    if !value.is_object() {
        issues.push(wrong_type(pointer, &format!("{what} is an object"), value));
    }
    value.is_object()
}

#[cfg(test)]
mod unit {
    use serde_json::json;

    use super::*;

    fn found(document: &Value) -> Vec<(String, &'static str)> {
        let issues = RulesFile::decode(document).unwrap_err();
        issues
            .into_iter()
            .map(|issue| (issue.pointer, issue.code))
            .collect()
    }

    #[test]
    fn the_bus_is_default_when_left_out() {
        let file = RulesFile::decode(&json!({"rules": []})).unwrap();
        assert_eq!(file.bus, BusName::default());
        assert_eq!(
            RulesFile::decode(&json!({"bus": "b", "rules": []}))
                .unwrap()
                .bus
                .as_str(),
            "b"
        );
    }

    #[test]
    fn two_rules_of_one_name_are_refused_even_when_one_is_broken() {
        let targets = json!([{"name": "t", "echo": {}}]);
        let document = json!({"rules": [
            {"name": "a", "match": {"type": ["t"]}, "targets": targets, "x": 1},
            {"name": "a", "match": {"type": ["t"]}, "targets": targets},
        ]});
        assert_eq!(
            found(&document),
            [
                ("/rules/0/x".to_owned(), "unknown-key"),
                ("/rules/1/name".to_owned(), "duplicate-name")
            ]
        );
    }

    #[test]
    fn a_document_of_the_wrong_form_says_where() {
        for (document, pointer, code) in [
            (json!(7), "", "invalid-type"),
            (json!({}), "", "missing-field"),
            (json!({"rules": {}}), "/rules", "invalid-type"),
            (json!({"rules": ["r"]}), "/rules/0", "invalid-type"),
            (json!({"rules": [], "bus": "a b"}), "/bus", "invalid-name"),
            (json!({"rules": [], "bus": 1}), "/bus", "invalid-type"),
            (json!({"rules": [], "rule": []}), "/rule", "unknown-key"),
            (json!({"rules": [], "tests": {}}), "/tests", "invalid-type"),
            (json!({"rules": [], "tests": [1]}), "/tests/0", "invalid-type"),
            (
                json!({"rules": [], "tests": [{"event": {}, "expect": {}}]}),
                "/tests/0",
                "missing-field",
            ),
            (
                json!({"rules": [], "tests": [{"name": "n", "event": 1, "expect": {}}]}),
                "/tests/0/event",
                "invalid-type",
            ),
            (
                json!({"rules": [], "tests": [{"name": "n", "event": {}, "expect": {"a": 1}}]}),
                "/tests/0/expect/a",
                "invalid-type",
            ),
            (
                json!({"rules": [], "tests": [{"name": "n", "event": {}, "expect": {"a": {"t": 1}}}]}),
                "/tests/0/expect/a/t",
                "invalid-type",
            ),
            (
                json!({"rules": [], "tests": [{"name": "n", "event": {}, "expect": {"a b": {}}}]}),
                "/tests/0/expect/a b",
                "invalid-name",
            ),
        ] {
            assert_eq!(found(&document), [(pointer.to_owned(), code)], "{document}");
        }
    }

    #[test]
    fn tests_are_kept_as_given() {
        let document = json!({"rules": [], "tests": [
            {"name": "n", "event": {"data": {"total": 250}}, "expect": {"r": {"t": {"data": 1}}}}
        ]});
        let file = RulesFile::decode(&document).unwrap();
        assert_eq!(file.tests[0].event, json!({"data": {"total": 250}}));
        assert_eq!(file.tests[0].expect, json!({"r": {"t": {"data": 1}}}));
    }
}
