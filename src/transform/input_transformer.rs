//! The step `input_transformer`: the language of Amazon EventBridge's input transformer.
//!
//! `paths` names values, `template` says where they go, as `<name>`. A template that is JSON once
//! every `<name>` outside of a string is taken for a value makes JSON: there a name stands for the
//! value with its type, inside a string for its text. Any other template makes a string. `<` and `>`
//! around anything that is no name stand for themselves; a name that is not defined is refused.

use serde_json::Map;
use serde_json::Value;

use super::error::TransformError;
use super::error::child;
use super::error::kind;
use super::error::suggestion;
use super::expression::Expression;
use super::path::Path;
use super::scope::Fact;
use super::template::Piece;
use super::template::Template;

/// The members, in our words and in those of AWS.
const KEYS: [&str; 4] = ["paths", "template", "InputPathsMap", "InputTemplate"];

/// Names that mean something without a path.
const PREDEFINED: [&str; 4] = [
    "aws.events.rule-name",
    "aws.events.event.ingestion-time",
    "aws.events.event",
    "aws.events.event.json",
];

/// Most paths, and most characters of a name, as AWS has them.
const MAX_PATHS: usize = 100;
const MAX_NAME: usize = 256;

/// Stands in JSON for a name: this and the index of the name, in a string of its own for a value and
/// with this behind it inside of other text.
const MARK: char = '\0';

/// Reads the step; problems are added to `errors`.
pub(super) fn parse(value: &Value, pointer: &str, errors: &mut Vec<TransformError>) -> Option<Template> {
    let Some(members) = value.as_object() else {
        let detail = format!(
            "input_transformer takes paths and a template, not {}",
            kind(value)
        );
        errors.push(
            TransformError::new(pointer, "invalid-operand", detail)
                .corrected(r#"such as { paths: { id: "$.data.id" }, template: '{"order": <id>}' }"#),
        );
        return None;
    };
    let before = errors.len();
    for name in members.keys().filter(|name| !KEYS.contains(&name.as_str())) {
        let error = TransformError::new(
            &child(pointer, name),
            "unknown-key",
            format!("{name} is no key of it"),
        );
        errors.push(error.corrected(suggestion(name, &KEYS, "keys")));
    }
    let named = ["paths", "InputPathsMap"]
        .into_iter()
        .find_map(|key| members.get_key_value(key));
    let paths = match named {
        Some((key, value)) => paths(value, &child(pointer, key), errors),
        None => Vec::new(),
    };
    let template = ["template", "InputTemplate"]
        .into_iter()
        .find_map(|key| Some((key, members.get(key)?.as_str()?)));
    let Some((key, text)) = template else {
        let detail = "the template, a text, is missing";
        errors.push(TransformError::new(pointer, "missing-field", detail));
        return None;
    };
    let template = Reader {
        paths,
        used: Vec::new(),
    }
    .template(text);
    match template.map_err(|(code, detail, correction)| {
        let error = TransformError::new(&child(pointer, key), code, detail);
        match correction {
            Some(correction) => error.corrected(correction),
            None => error,
        }
    }) {
        Ok(template) if errors.len() == before => Some(template),
        Ok(_) => None,
        Err(error) => {
            // A path that is wrong also lacks its name.
            if errors.len() == before {
                errors.push(error);
            }
            None
        }
    }
}

/// The named paths.
fn paths(value: &Value, pointer: &str, errors: &mut Vec<TransformError>) -> Vec<(String, Path)> {
    let empty = Map::new();
    let members = value.as_object().unwrap_or_else(|| {
        let detail = format!("paths are an object of names and paths, not {}", kind(value));
        errors.push(TransformError::new(pointer, "invalid-operand", detail));
        &empty
    });
    if members.len() > MAX_PATHS {
        let detail = format!("{} paths; the limit is {MAX_PATHS}", members.len());
        errors.push(TransformError::new(pointer, "too-large", detail));
    }
    let mut paths = Vec::with_capacity(members.len());
    for (name, path) in members {
        let at = child(pointer, name);
        let is_name = (1..=MAX_NAME).contains(&name.len()) && name.chars().all(is_part_of_name);
        if !is_name || name.to_ascii_lowercase().starts_with("aws.") {
            let detail = "a name consists of letters, digits, - and _, and does not begin with aws.";
            errors.push(TransformError::new(&at, "invalid-name", detail));
        }
        let Some(text) = path.as_str() else {
            let detail = format!("a path is a string, not {}", kind(path));
            errors.push(TransformError::new(&at, "invalid-path", detail));
            continue;
        };
        match ours(text, &at).and_then(|text| Path::parse(&text, &at)) {
            Ok(path) => paths.push((name.clone(), path)),
            Err(error) => errors.push(error),
        }
    }
    paths
}

/// A path as this engine writes it: names with dashes or slashes stand in brackets.
fn ours(text: &str, pointer: &str) -> Result<String, TransformError> {
    let below = |name: &str| {
        let rest = text.strip_prefix("$.")?.strip_prefix(name)?;
        (rest.is_empty() || rest.starts_with(['.', '['])).then_some(rest)
    };
    for (foreign, own) in [("detail-type", "type"), ("detail", "data")] {
        if let Some(rest) = below(foreign) {
            let detail = format!("CloudEvents have no {foreign}");
            return Err(
                TransformError::new(pointer, "foreign-attribute", detail).corrected(format!("$.{own}{rest}"))
            );
        }
    }
    let is_simple = |c: char| is_part_of_name(c) || matches!(c, '$' | '/' | '[' | ']' | '*' | '.');
    if !text.chars().all(is_simple) || text.contains("..") {
        return Ok(text.to_owned());
    }
    let mut path = String::new();
    for (index, part) in text.split('.').enumerate() {
        let (name, rest) = part.split_at(part.find('[').unwrap_or(part.len()));
        if index > 0 && name.contains(['-', '/']) {
            path.extend(["['", name, "']", rest]);
        } else {
            path.push_str(if index > 0 { "." } else { "" });
            path.push_str(part);
        }
    }
    Ok(path)
}

fn is_part_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

/// What is wrong with a template: code, detail, correction.
type Problem = (&'static str, String, Option<String>);

struct Reader {
    paths: Vec<(String, Path)>,
    /// The names that the template uses, in its order.
    used: Vec<String>,
}

impl Reader {
    fn template(mut self, text: &str) -> Result<Template, Problem> {
        if text.contains(MARK) || text.contains("\\u0000") {
            return Err((
                "invalid-template",
                "a template cannot hold the character U+0000".to_owned(),
                None,
            ));
        }
        let json = self.marked(text)?;
        match serde_json::from_str::<Value>(&json) {
            Ok(value) => self.fill(value),
            Err(error) if text.trim_start().starts_with(['{', '[']) => Err((
                "invalid-template",
                format!("the template is not JSON: {error}"),
                None,
            )),
            Err(_) => Ok(self.text(text)),
        }
    }

    /// The template with a mark for each name; outside of strings, a string that is the mark.
    fn marked(&mut self, text: &str) -> Result<String, Problem> {
        let (mut marked, mut rest) = (String::new(), text);
        let (mut is_inside, mut is_escaped) = (false, false);
        while let Some(c) = rest.chars().next() {
            if let Some(name) = placeholder(rest) {
                self.check(name)?;
                let index = self.used.len();
                self.used.push(name.to_owned());
                let index = index.to_string();
                let mark = "\\u0000";
                if is_inside {
                    marked.extend([mark, &index, mark]);
                } else {
                    marked.extend(["\"", mark, &index, "\""]);
                }
                rest = rest.get(name.len() + 2..).unwrap_or_default();
                continue;
            }
            is_inside ^= c == '"' && !is_escaped;
            is_escaped = is_inside && c == '\\' && !is_escaped;
            marked.push(c);
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
        Ok(marked)
    }

    fn check(&self, name: &str) -> Result<(), Problem> {
        if PREDEFINED.contains(&name) || self.paths.iter().any(|(own, _)| own == name) {
            return Ok(());
        }
        let names: Vec<_> = self
            .paths
            .iter()
            .map(|(name, _)| name.as_str())
            .chain(PREDEFINED)
            .collect();
        let detail = format!("<{name}> is not defined");
        Err(("unknown-name", detail, Some(suggestion(name, &names, "names"))))
    }

    /// The JSON with expressions for the marks.
    fn fill(&self, value: Value) -> Result<Template, Problem> {
        Ok(match value {
            Value::String(text) => match text.split(MARK).collect::<Vec<_>>()[..] {
                ["", index] => Template::Value(self.expression(self.name(index), false)),
                ref parts => Template::of_text(self.pieces(parts)),
            },
            Value::Array(elements) => Template::List(
                elements
                    .into_iter()
                    .map(|element| self.fill(element))
                    .collect::<Result<_, _>>()?,
            ),
            Value::Object(members) => {
                let mut filled = Vec::with_capacity(members.len());
                for (key, member) in members {
                    if key.contains(MARK) {
                        let detail = "a name cannot stand where a key does".to_owned();
                        return Err(("invalid-template", detail, None));
                    }
                    filled.push((key, self.fill(member)?));
                }
                Template::Object(filled)
            }
            scalar => Template::Constant(scalar),
        })
    }

    /// Literals and, between them, the indexes of names.
    fn pieces(&self, parts: &[&str]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for (place, part) in parts.iter().enumerate() {
            if place % 2 == 1 {
                pieces.push(Piece::Hole(self.expression(self.name(part), true)));
            } else if !part.is_empty() {
                pieces.push(Piece::Literal((*part).to_owned()));
            }
        }
        pieces
    }

    /// A template that is no JSON: a text with the values in it.
    fn text(&self, text: &str) -> Template {
        let (mut pieces, mut literal, mut rest) = (Vec::new(), String::new(), text);
        while let Some(c) = rest.chars().next() {
            if let Some(name) = placeholder(rest) {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                pieces.push(Piece::Hole(self.expression(name, true)));
                rest = rest.get(name.len() + 2..).unwrap_or_default();
            } else {
                literal.push(c);
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
            }
        }
        pieces.push(Piece::Literal(literal));
        Template::of_text(pieces)
    }

    /// The name that a mark stands for.
    fn name(&self, index: &str) -> &str {
        let used = index.parse().ok().and_then(|index: usize| self.used.get(index));
        used.map_or("", String::as_str)
    }

    /// The expression of a name; in text, what is missing leaves nothing behind.
    fn expression(&self, name: &str, in_text: bool) -> Expression {
        match name {
            "aws.events.rule-name" => Expression::known(Fact::Rule),
            "aws.events.event.ingestion-time" => Expression::known(Fact::Now),
            "aws.events.event" => Expression::known(Fact::Envelope),
            "aws.events.event.json" => Expression::event(),
            name => match self.paths.iter().find(|(own, _)| own == name) {
                Some((_, path)) => Expression::at(path.clone(), in_text.then(|| "".into())),
                None => Expression::event(),
            },
        }
    }
}

/// The name between `<` and `>` at the beginning of a text.
fn placeholder(text: &str) -> Option<&str> {
    let (name, _) = text.strip_prefix('<')?.split_once('>')?;
    let is_name = !name.is_empty() && name.chars().all(|c| is_part_of_name(c) || c == '.');
    is_name.then_some(name)
}
