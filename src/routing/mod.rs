//! Routing: which rules an event matches, decided once, by the ruleset in force when it is accepted.
//!
//! A [`Snapshot`] is immutable; a change of the catalog builds the next one and swaps it in.
//! [`Control`] is the only way to change the catalog: it makes a change durable in SQL, tells
//! the log of new routes, and answers only after the new snapshot is in force.

mod announce;
mod circles;
mod connections;
mod control;
mod decide;
mod gate;
mod sample;
mod schema_files;
mod schemas;
mod snapshot;
mod sources;
mod verdict;

pub use announce::announced_name;
pub use announce::missing_announcements;
pub use control::Admission;
pub use control::Candidate;
pub use control::Control;
pub use control::ControlError;
pub use control::Desired;
pub use control::OnChange;
pub use decide::Decision;
pub use decide::json_data;
pub use decide::view_of;
pub use gate::Denial;
pub use sample::Sample;
pub use sample::SampleError;
pub use schemas::Judged;
pub use schemas::RegisterError;
pub use schemas::Registered;
pub use snapshot::BusRules;
pub use snapshot::RoutedRule;
pub use snapshot::Router;
pub use snapshot::Snapshot;
pub use verdict::DataVerdict;
pub use verdict::data_verdict;
pub use verdict::is_validated;
pub use verdict::violations;
