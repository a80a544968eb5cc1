//! What a rule uses of the payload of events of one type.

use super::Rule;
use crate::catalog::target::OrderKey;
use crate::catalog::target::Target;
use crate::catalog::target::TargetKind;
use crate::filter::Match;
use crate::pattern::PayloadField;
use crate::schema::paths::Step;
use crate::schema::paths::TypeSet;
use crate::schema::paths::UsedPath;
use crate::transform::Masked;
use crate::transform::Read;
use crate::transform::ReadStep;
use crate::transform::Transform;

/// A path that a rule uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The path.
    pub path: UsedPath,
    /// JSON pointer into the rule, to what uses it.
    pub place: String,
    /// Whether something stands in for a value that is missing.
    pub has_default: bool,
}

impl Rule {
    /// Whether the rule may match events of this type. Costs little; filters and expressions that are not
    /// about types count as such.
    #[must_use]
    pub fn may_match_type(&self, kind: &str) -> bool {
        match &self.wanted {
            Match::Pattern(pattern) => pattern.may_want(kind),
            Match::Sql(expression) => expression.access().may_want(kind),
            Match::Filters(filters) => filters.access().may_want(kind),
        }
    }

    /// What its transforms mask of the payload.
    #[must_use]
    pub fn masks(&self) -> Vec<Masked> {
        let is_replaced = self.transform.as_ref().is_some_and(Transform::replaces_data);
        let own = self.transform.iter().flat_map(Transform::masks);
        let of_targets = self.targets.iter().filter_map(|target| target.transform.as_ref());
        let of_targets = of_targets.flat_map(Transform::masks);
        let of_targets = of_targets.map(|masked| if is_replaced { masked.moved() } else { masked });
        own.chain(of_targets).collect()
    }

    /// The paths below the payload that the rule uses when events of this type come, in the order of the rule.
    #[must_use]
    pub fn uses(&self, kind: &str) -> Vec<Use> {
        if !self.may_match_type(kind) {
            return Vec::new();
        }
        let mut uses = Vec::new();
        if let Match::Pattern(pattern) = &self.wanted {
            let fields = pattern.payload_fields(kind);
            uses.extend(fields.iter().map(|field| Use {
                path: of_field(field),
                place: "/match".to_owned(),
                has_default: false,
            }));
        }
        if let Some(transform) = &self.transform {
            uses.extend(all(transform.reads(), "/transform"));
        }
        let is_replaced = self.transform.as_ref().is_some_and(Transform::replaces_data);
        for (index, target) in self.targets.iter().enumerate() {
            let at = format!("/targets/{index}");
            if let Some(transform) = target.transform.as_ref().filter(|_| !is_replaced) {
                uses.extend(all(transform.reads(), &format!("{at}/transform")));
            }
            uses.extend(of_address(target, &at));
        }
        let mut distinct: Vec<Use> = Vec::with_capacity(uses.len());
        for one in uses {
            if !distinct.contains(&one) {
                distinct.push(one);
            }
        }
        distinct
    }
}

/// What a target reads of the event as it was accepted.
fn of_address(target: &Target, at: &str) -> Vec<Use> {
    let mut uses = Vec::new();
    if let TargetKind::Queue(queue) = &target.kind {
        for (key, template) in queue.broker.templates() {
            uses.extend(all(template.reads(), &format!("{at}/{key}")));
        }
    }
    if let Some(OrderKey::Path(select)) = &target.order {
        uses.extend(all(select.reads(), &format!("{at}/key")));
    }
    uses
}

fn all(reads: impl IntoIterator<Item = Read>, place: &str) -> impl Iterator<Item = Use> {
    reads.into_iter().map(move |read| Use {
        path: UsedPath {
            steps: read.steps.into_iter().map(step).collect(),
            flatten: false,
            wants: None,
        },
        place: place.to_owned(),
        has_default: read.has_default,
    })
}

fn of_field(field: &PayloadField) -> UsedPath {
    let types = field.types.iter().map(|name| TypeSet::named(name));
    UsedPath {
        steps: field.names.iter().cloned().map(Step::Member).collect(),
        flatten: true,
        wants: types.reduce(TypeSet::or),
    }
}

/// The same step in the words of schemas.
fn step(step: ReadStep) -> Step {
    match step {
        ReadStep::Member(name) => Step::Member(name),
        ReadStep::Element => Step::Index,
        ReadStep::Each => Step::AnyElement,
        ReadStep::Descend => Step::Descend,
    }
}
