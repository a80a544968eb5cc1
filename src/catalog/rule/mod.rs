//! A rule: what it matches, an optional transform, and one or more targets.

mod uses;

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;

use super::credential;
use super::credential::Before;
use super::credential::Place;
use super::decode;
use super::decode::Fields;
use super::decode::Issues;
use super::issue::Issue;
use super::names::BusName;
use super::names::ConnectionName;
use super::names::RuleName;
use super::target::Target;
use crate::filter::Match;
use crate::secret::Reference;
use crate::secret::Vault;
use crate::transform::Transform;

pub use uses::Use;

/// A rule that has passed every check and is compiled.
#[derive(Debug)]
pub struct Rule {
    /// Unique on its bus.
    pub name: RuleName,
    /// What it is for, in its author's words.
    pub description: Option<String>,
    /// Which events it matches.
    pub wanted: Match,
    /// What becomes of a matched event before it is sent.
    pub transform: Option<Transform>,
    /// Where matched events go: at least one, names unique.
    pub targets: Vec<Target>,
    /// It matches and its events wait: then all its targets are paused.
    pub paused: bool,
    /// The rule as it was given, with its name; once it is [sealed](Self::seal), as it is stored
    /// and compared.
    pub spec: Arc<Value>,
    /// The spec as it was before it was sealed, if it holds credentials.
    given: Option<Arc<Value>>,
}

pub(in crate::catalog) const KEYS: &[&str] =
    &["name", "description", "match", "transform", "targets", "paused"];
/// Most targets of a rule: a published event costs a delivery each.
const MAX_TARGETS: usize = 100;

impl Rule {
    /// Reads and compiles a rule that somebody gave, alone in its document.
    ///
    /// `name` is the name it is stored under; the document may leave it out or must repeat it.
    ///
    /// # Errors
    /// Everything that is wrong with it; pointers begin at the rule.
    pub fn decode(value: &Value, name: Option<&RuleName>) -> Result<Self, Vec<Issue>> {
        let mut issues = Issues::default();
        let rule = Self::decode_at(value, "", name, &mut issues);
        issues.or(rule)
    }

    /// Reads and compiles the rule that somebody gave at `pointer` of a document.
    pub(super) fn decode_at(
        value: &Value,
        pointer: &str,
        name: Option<&RuleName>,
        issues: &mut Issues,
    ) -> Option<Self> {
        let before = issues.count();
        let places = credential::of_rule(value);
        credential::refuse_stored_forms(value, &places, pointer, issues);
        refuse_secrets(value, (pointer, ""), &places, issues);
        let rule = Self::read(value, pointer, name, issues)?;
        if issues.count() > before {
            return None;
        }
        let spec = Arc::new(with_name(value, &rule.name));
        Some(Self { spec, ..rule })
    }

    /// Reads and compiles a rule as it is stored.
    ///
    /// # Errors
    /// Everything that keeps this version from using it.
    pub fn stored(spec: &Arc<Value>, bus: &BusName, name: &RuleName) -> Result<Self, Vec<Issue>> {
        let places = credential::of_rule(spec);
        let read = credential::with_owners(spec, &places, &owner(bus, name));
        let mut issues = Issues::default();
        let rule = Self::read(&read, "", Some(name), &mut issues);
        let rule = issues.or(rule)?;
        let spec = Arc::clone(spec);
        Ok(Self { spec, ..rule })
    }

    /// Seals the credentials that the rule was given with, or takes them from the rule stored now.
    ///
    /// May be called again with another stored rule; it begins with what was given each time.
    ///
    /// # Errors
    /// A credential that should stay and is not set; any secret if `vault` has no key.
    pub fn seal(&mut self, bus: &BusName, before: Option<&Value>, vault: &Vault) -> Result<(), Vec<Issue>> {
        let given = self.given.as_ref().unwrap_or(&self.spec);
        let places = credential::of_rule(given);
        if places.is_empty() {
            return Ok(());
        }
        let before = before.map(|spec| Before {
            places: credential::of_rule(spec),
            spec,
        });
        let sealed = credential::seal(given, &places, &owner(bus, &self.name), before.as_ref(), vault)?;
        let given = Arc::clone(given);
        (self.spec, self.given) = (Arc::new(sealed), Some(given));
        Ok(())
    }

    /// The rule as it is shown: `***` for every secret, references as they were given.
    #[must_use]
    pub fn shown(&self) -> Value {
        let places = credential::of_rule(&self.spec);
        credential::shown(&self.spec, &places, &credential::HIDDEN.into())
    }

    /// The ids of the keys that its secrets are sealed with.
    #[must_use]
    pub fn key_ids(&self) -> Vec<String> {
        let places = credential::of_rule(&self.spec);
        credential::key_ids(&self.spec, &places)
            .map(str::to_owned)
            .collect()
    }

    fn read(value: &Value, pointer: &str, name: Option<&RuleName>, issues: &mut Issues) -> Option<Self> {
        let fields = Fields::of(value, pointer, "a rule", issues)?;
        let before = issues.count();
        fields.only(KEYS, &[], issues);
        let name = rule_name(&fields, name, issues);
        let description = fields.text("description", issues).map(str::to_owned);
        let wanted = wanted(&fields, issues);
        let transform = decode::transform(&fields, issues);
        let paused = fields.flag("paused", issues);
        let mut targets = targets(&fields, issues);
        for target in &mut targets {
            target.paused |= paused;
        }
        if issues.count() > before {
            return None;
        }
        Some(Self {
            name: name?,
            description,
            wanted: wanted?,
            transform,
            targets,
            paused,
            spec: Arc::default(),
            given: None,
        })
    }

    /// The connections that its targets name.
    pub fn connections(&self) -> impl Iterator<Item = &ConnectionName> {
        self.targets.iter().filter_map(Target::connection)
    }

    /// The names of the rule's targets, in order.
    pub fn target_names(&self) -> impl Iterator<Item = &super::names::TargetName> {
        self.targets.iter().map(|target| &target.name)
    }
}

/// The spec with its name in front, if the document left the name out.
fn with_name(value: &Value, name: &RuleName) -> Value {
    let mut spec = value.clone();
    if let Value::Object(object) = &mut spec
        && !object.contains_key("name")
    {
        object.shift_insert(0, "name".to_owned(), Value::from(name.as_str()));
    }
    spec
}

fn rule_name(fields: &Fields<'_>, given: Option<&RuleName>, issues: &mut Issues) -> Option<RuleName> {
    if given.is_none() {
        fields.required("name", "name: big-orders", issues)?;
    }
    if fields.find("name").is_none() {
        return given.cloned();
    }
    let text = fields.text("name", issues)?;
    match (RuleName::parse(text), given) {
        (Err(error), _) => {
            issues.push(Issue::new(fields.at("name"), "invalid-name", error.to_string()));
            None
        }
        (Ok(name), Some(given)) if name != *given => {
            let detail = format!("the rule is called `{name}` inside and `{given}` outside");
            issues.push(
                Issue::new(fields.at("name"), "name-mismatch", detail)
                    .with_correction("leave out `name`, or repeat it"),
            );
            None
        }
        (Ok(name), _) => Some(name),
    }
}

fn wanted(fields: &Fields<'_>, issues: &mut Issues) -> Option<Match> {
    let value = fields.required("match", "match: { type: [com.example.order.created] }", issues)?;
    match Match::parse(value) {
        Ok(wanted) => Some(wanted),
        Err(errors) => {
            let at = fields.at("match");
            for error in errors {
                let mut issue = Issue::new(format!("{at}{}", error.pointer), error.code, error.detail);
                issue.correction = error.correction;
                issue.character = error.character;
                issues.push(issue);
            }
            None
        }
    }
}

fn targets(fields: &Fields<'_>, issues: &mut Issues) -> Vec<Target> {
    const EXAMPLE: &str = "targets: [{ name: crm, webhook: { url: \"https://…\" } }]";
    if fields.required("targets", EXAMPLE, issues).is_none() {
        return Vec::new();
    }
    let before = issues.count();
    let items = fields.list("targets", issues);
    if issues.count() == before && !(1..=MAX_TARGETS).contains(&items.len()) {
        let detail = format!("a rule has 1 to {MAX_TARGETS} targets, not {}", items.len());
        issues.push(Issue::new(fields.at("targets"), "invalid-value", detail));
        return Vec::new();
    }
    let mut names = HashSet::new();
    let mut targets = Vec::with_capacity(items.len());
    for (at, item) in items {
        if let Some(name) = item.get("name").and_then(Value::as_str)
            && !names.insert(name)
        {
            let detail = format!("the rule has two targets called `{name}`");
            issues.push(Issue::new(format!("{at}/name"), "duplicate-name", detail));
        }
        targets.extend(Target::decode(item, &at, issues));
    }
    targets
}

/// The owner of the secrets of a rule.
fn owner(bus: &BusName, rule: &RuleName) -> String {
    format!("rule/{bus}/{rule}")
}

/// Reports every secret reference that stands outside of the credential fields.
///
/// `at` is where the rule stands in its document, and where in the rule we are.
fn refuse_secrets(value: &Value, (rule, at): (&str, &str), places: &[Place], issues: &mut Issues) {
    if places.iter().any(|place| place.pointer == at) {
        return;
    }
    match value {
        Value::String(text) => {
            if Reference::is_in(text) {
                issues.push(secret_issue(format!("{rule}{at}")));
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                refuse_secrets(item, (rule, &format!("{at}/{index}")), places, issues);
            }
        }
        Value::Object(object) => {
            for (key, value) in object {
                let at = decode::join(at, key);
                if Reference::is_in(key) {
                    issues.push(secret_issue(format!("{rule}{at}")));
                }
                refuse_secrets(value, (rule, &at), places, issues);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn secret_issue(pointer: String) -> Issue {
    Issue::new(
        pointer,
        "secret-reference-not-allowed",
        "a secret cannot be named here",
    )
    .with_correction("secrets stand only in credential fields, never in patterns, templates or headers")
}

#[cfg(test)]
mod tests;
