//! A transform as a whole: its steps, read and run.

use serde_json::Value;

use super::direct::Direct;
use super::document::Document;
use super::document::Facts;
use super::error::Reason;
use super::error::TransformError;
use super::error::TransformFailure;
use super::error::child;
use super::error::kind;
use super::error::suggestion;
use super::expression::Expression;
use super::input_transformer;
use super::keep::Keep;
use super::limits::Budget;
use super::limits::MAX_DEPTH;
use super::limits::MAX_EXPRESSIONS;
use super::limits::MAX_STEPS;
use super::limits::MAX_TRANSFORM;
use super::limits::nests_deeper;
use super::path::Path;
use super::places::Drop;
use super::places::Mask;
use super::scope::Scope;
use super::set::Set;
use super::template::Template;

/// The steps there are.
const AVAILABLE: [&str; 8] = [
    "keep",
    "drop",
    "mask",
    "select",
    "data",
    "set",
    "const",
    "input_transformer",
];

/// Steps that make of an event what a target gets, read and checked.
///
/// Two are equal if they are written alike.
#[derive(Debug, Clone)]
pub struct Transform {
    pub(super) steps: Vec<Step>,
    /// The first step, if it is a template that can be written without the event's document.
    pub(super) direct: Option<Direct>,
    text: String,
}

impl PartialEq for Transform {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// A step, read.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Keep(Keep),
    Drop(Drop),
    Mask(Mask),
    Select(Path),
    Data(Template),
    Set(Set),
    Const(Value),
}

impl Transform {
    /// Reads a list of steps, each an object whose only key is the step's name.
    ///
    /// # Errors
    /// All problems, not only the first.
    pub fn parse(steps: &Value) -> Result<Self, Vec<TransformError>> {
        let text = steps.to_string();
        let list = bounded(steps).map_err(|error| vec![error])?;
        let mut errors = Vec::new();
        let steps: Vec<Step> = list
            .iter()
            .enumerate()
            .filter_map(|(index, step)| Step::parse(step, &format!("/{index}"), &mut errors))
            .collect();
        let expressions: usize = steps.iter().map(Step::expressions).sum();
        if expressions > MAX_EXPRESSIONS {
            let detail = format!("{expressions} expressions and paths; the limit is {MAX_EXPRESSIONS}");
            errors.push(TransformError::new("", "too-large", detail));
        }
        if errors.is_empty() {
            let direct = match steps.first() {
                Some(Step::Data(template)) => Direct::of(template),
                _ => None,
            };
            Ok(Self { steps, direct, text })
        } else {
            Err(errors)
        }
    }

    /// Whether a step needs the key of masks that are hashes.
    #[must_use]
    pub fn needs_mask_key(&self) -> bool {
        let hashes = |step: &Step| matches!(step, Step::Mask(mask) if mask.hashes());
        self.steps.iter().any(hashes)
    }

    /// Runs the steps, each on the result of the one before.
    ///
    /// The same event and facts give the same result, whenever and however often they are given.
    ///
    /// # Errors
    /// The first step that cannot be applied, and why.
    pub fn apply(&self, mut event: Document, facts: &Facts<'_>) -> Result<Document, TransformFailure> {
        let written = self
            .direct
            .as_ref()
            .and_then(|direct| direct.write(&event, facts));
        let done = usize::from(written.is_some());
        if let Some(json) = written {
            event.replace_data(json);
        }
        if self.steps.len() == done {
            return Ok(event);
        }
        let mut scope = Scope::open(event, facts);
        for (index, step) in self.steps.iter().enumerate().skip(done) {
            step.apply(&mut scope)
                .map_err(|reason| TransformFailure { step: index, reason })?;
        }
        Ok(scope.close())
    }
}

/// The list of steps, if it is one, and of a reasonable size.
fn bounded(steps: &Value) -> Result<&[Value], TransformError> {
    let too_large = |detail| Err(TransformError::new("", "too-large", detail));
    let Some(list) = steps.as_array() else {
        return Err(
            TransformError::new("", "not-a-list", "a transform is a list of steps")
                .corrected(r#"such as [{"keep": ["$.data.id"]}]"#),
        );
    };
    if list.len() > MAX_STEPS {
        return too_large(format!("{} steps; the limit is {MAX_STEPS}", list.len()));
    }
    // The list and the step's object are two levels around a template.
    if nests_deeper(steps, MAX_DEPTH + 2) {
        return too_large(format!("a template is nested more than {MAX_DEPTH} levels deep"));
    }
    let len = steps.to_string().len();
    if len > MAX_TRANSFORM {
        return too_large(format!("{len} bytes of JSON; the limit is {MAX_TRANSFORM}"));
    }
    Ok(list)
}

impl Step {
    fn parse(step: &Value, pointer: &str, errors: &mut Vec<TransformError>) -> Option<Self> {
        let mut members = step.as_object().into_iter().flatten();
        let (Some((name, operand)), None) = (members.next(), members.next()) else {
            errors.push(
                TransformError::new(
                    pointer,
                    "not-a-step",
                    "a step is an object with one key, the step's name",
                )
                .corrected(listing()),
            );
            return None;
        };
        let pointer = child(pointer, name);
        match name.as_str() {
            "keep" => Some(Self::Keep(Keep::parse(operand, &pointer, errors))),
            "data" => Some(Self::Data(Template::parse(operand, &pointer, errors))),
            "set" => Some(Self::Set(Set::parse(operand, &pointer, errors))),
            "drop" => Some(Self::Drop(Drop::parse(operand, &pointer, errors))),
            "mask" => Some(Self::Mask(Mask::parse(operand, &pointer, errors))),
            "select" => match select(operand, &pointer) {
                Ok(path) => Some(Self::Select(path)),
                Err(error) => {
                    errors.push(error);
                    None
                }
            },
            "const" => Some(Self::Const(operand.clone())),
            "input_transformer" => input_transformer::parse(operand, &pointer, errors).map(Self::Data),
            name => {
                let error = TransformError::new(&pointer, "unknown-step", format!("{name} is not a step"));
                errors.push(error.corrected(suggestion(name, &AVAILABLE, "steps")));
                None
            }
        }
    }

    fn expressions(&self) -> usize {
        match self {
            Self::Keep(keep) => keep.paths(),
            Self::Drop(drop) => drop.paths(),
            Self::Mask(mask) => mask.paths(),
            Self::Select(_) => 1,
            Self::Const(_) => 0,
            Self::Data(template) => template.expressions(),
            Self::Set(set) => set.expressions(),
        }
    }

    fn apply(&self, scope: &mut Scope<'_>) -> Result<(), Reason> {
        match self {
            Self::Keep(keep) => scope.replace_data(keep.apply(&scope.event)),
            Self::Data(template) => {
                let data = template.render(scope, &mut Budget::of_step())?;
                scope.replace_data(data)
            }
            Self::Drop(drop) => drop.apply(scope),
            Self::Mask(mask) => mask.apply(scope),
            Self::Select(path) => {
                let mut budget = Budget::of_step();
                let data = Expression::at(path.clone(), None).evaluate(scope, &mut budget)?;
                scope.replace_data(data)
            }
            Self::Const(value) => scope.replace_data(value.clone()),
            Self::Set(set) => set.apply(scope),
        }
    }
}

fn select(operand: &Value, pointer: &str) -> Result<Path, TransformError> {
    let text = operand.as_str().ok_or_else(|| {
        let detail = format!("select takes a path, not {}", kind(operand));
        TransformError::new(pointer, "invalid-operand", detail).corrected("such as $.data.order")
    })?;
    Path::parse(text, pointer)
}

fn listing() -> String {
    format!("the steps are {}", AVAILABLE.join(", "))
}
