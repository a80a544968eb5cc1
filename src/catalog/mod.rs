//! The control plane's domain: buses, rules and targets, the files they are written in, the plan
//! that turns one state into another, and the trait behind which they are stored.
//!
//! Everything here is pure. A value that exists has passed every check that needs neither the
//! network nor the database, and every check that failed is an [`Issue`] with its place.

mod change;
mod current;
mod decode;
mod issue;
mod names;
mod plan;
mod repository;
mod retry;
mod rule;
mod rules_file;
mod schema;
mod source;
mod suggest;
mod target;
mod view;
mod yaml;

pub use change::BusRow;
pub use change::Change;
pub use change::Committed;
pub use change::Loaded;
pub use change::Meta;
pub use change::PutRule;
pub use change::RevisionRow;
pub use change::RouteRow;
pub use current::Current;
pub use current::LiveRule;
pub use issue::Issue;
pub use issue::Place;
pub use names::BusName;
pub use names::InvalidName;
pub use names::RuleName;
pub use names::TargetName;
pub use plan::Plan;
pub use plan::PlanEntry;
pub use plan::PlanError;
pub use plan::Planned;
pub use repository::Repository;
pub use repository::RepositoryError;
pub use retry::Jitter;
pub use retry::RetryPolicy;
pub use retry::Strategy;
pub use rule::Rule;
pub use rules_file::RuleTest;
pub use rules_file::RulesFile;
pub use schema::rules_schema;
pub use source::Source;
pub use source::read_json;
pub use source::read_sources;
pub use source::read_yaml;
pub use target::CircuitPolicy;
pub use target::Function;
pub use target::HttpFunction;
pub use target::OrderKey;
pub use target::ReplyTo;
pub use target::Target;
pub use target::TargetKind;
pub use target::Webhook;
pub use target::WebhookMode;
pub use view::BusView;
pub use view::RouteNames;
pub use view::RuleView;
pub use view::StoredRuleError;
pub use view::View;
