//! Named texts to rules files, with the place of every issue.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::decode::Issues;
use super::issue::Issue;
use super::issue::Place;
use super::names::BusName;
use super::names::EventType;
use super::names::RuleName;
use super::rules_file::Origin;
use super::rules_file::RulesFile;
use super::yaml;
use super::yaml::Document;

/// One named text, such as a file, with the documents it holds.
#[derive(Debug)]
pub struct Source {
    /// The name under which it owns its rules.
    pub name: String,
    /// Its documents in order.
    pub files: Vec<RulesFile>,
}

/// Reads several named texts that are applied together; a name that ends in `.json` is JSON.
///
/// # Errors
/// All issues of all texts, each with its file, line and column; and a `duplicate-name` for each
/// rule and each schema that two documents name.
pub fn read_sources(texts: &[(String, String)]) -> Result<Vec<Source>, Vec<Issue>> {
    let mut issues = Issues::default();
    let mut claims = Claims::default();
    let mut sources = Vec::with_capacity(texts.len());
    for (name, text) in texts {
        let files = read(Some(name), text, &mut claims, &mut issues);
        sources.push(Source {
            name: name.clone(),
            files,
        });
    }
    issues.or(Some(sources))
}

/// Reads the documents of a YAML text that has no name.
///
/// # Errors
/// All issues, each with line and column.
pub fn read_yaml(text: &str) -> Result<Vec<RulesFile>, Vec<Issue>> {
    let mut issues = Issues::default();
    let files = read(None, text, &mut Claims::default(), &mut issues);
    issues.or(Some(files))
}

/// Reads a JSON text that has no name: one document.
///
/// # Errors
/// All issues; an error of syntax is `invalid-json`.
pub fn read_json(text: &str) -> Result<RulesFile, Vec<Issue>> {
    let value = json(None, text)?;
    RulesFile::decode(&value)
}

/// Which document named a rule or a schema first.
#[derive(Default)]
struct Claims {
    rules: HashMap<(BusName, RuleName), String>,
    schemas: HashMap<EventType, String>,
}

fn read(name: Option<&str>, text: &str, claims: &mut Claims, issues: &mut Issues) -> Vec<RulesFile> {
    let documents = match documents(name, text) {
        Ok(documents) => documents,
        Err(found) => {
            issues.extend(found);
            return Vec::new();
        }
    };
    let text: Arc<str> = text.into();
    let mut files = Vec::with_capacity(documents.len());
    for mut document in documents {
        let decoded = RulesFile::decode(&document.value.take());
        let origin = Origin {
            document,
            name: name.map(str::to_owned),
            text: Arc::clone(&text),
        };
        let found = match &decoded {
            Ok(file) => claim(file, name, claims),
            Err(found) => found.clone(),
        };
        for mut issue in found {
            issue.place = Some(origin.place(&issue));
            issues.push(issue);
        }
        files.extend(decoded.ok().map(|file| file.written_at(origin)));
    }
    files
}

/// Notes the rules and schemas of a document and reports those that another document named before.
fn claim(file: &RulesFile, name: Option<&str>, claims: &mut Claims) -> Vec<Issue> {
    let name = name.unwrap_or("this text");
    let mut found = Vec::new();
    for (index, rule) in file.rules.iter().enumerate() {
        let key = (file.bus.clone(), rule.name.clone());
        let Some(first) = claims.rules.get(&key) else {
            claims.rules.insert(key, name.to_owned());
            continue;
        };
        let detail = if first == name {
            format!(
                "{name} has two rules called `{}` on the bus `{}`",
                rule.name, file.bus
            )
        } else {
            format!(
                "the rule `{}` of the bus `{}` is in {first} already",
                rule.name, file.bus
            )
        };
        found.push(Issue::new(
            format!("/rules/{index}/name"),
            "duplicate-name",
            detail,
        ));
    }
    for schema in &file.schemas {
        if let Some(first) = claims.schemas.get(&schema.kind) {
            let detail = format!("the schema of `{}` is in {first} already", schema.kind);
            found.push(Issue::new(
                format!("{}/type", schema.pointer),
                "duplicate-name",
                detail,
            ));
        } else {
            claims.schemas.insert(schema.kind.clone(), name.to_owned());
        }
    }
    found
}

fn documents(name: Option<&str>, text: &str) -> Result<Vec<Document>, Vec<Issue>> {
    if name.is_some_and(is_json) {
        // JSON is YAML; reading it as JSON first gives its own errors of syntax.
        json(name, text)?;
    }
    yaml::read(name, text)
}

fn is_json(name: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
}

fn json(name: Option<&str>, text: &str) -> Result<Value, Vec<Issue>> {
    serde_json::from_str(text).map_err(|error| {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).max(1);
        let mut issue = Issue::new("", "invalid-json", error.to_string());
        issue.place = Some(Place::in_text(
            text,
            name,
            number(error.line()),
            number(error.column()),
        ));
        vec![issue]
    })
}

#[cfg(test)]
mod tests;
