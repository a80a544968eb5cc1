//! The wire types of the HTTP API: what goes over the line, and nothing else.

mod control;
mod delivery;
mod events;
mod ops;

pub use control::BusList;
pub use control::BusReply;
pub use control::EventTried;
pub use control::PlanReply;
pub use control::RuleExplained;
pub use control::RuleList;
pub use control::RuleReply;
pub use control::RuleTestReply;
pub use control::RuleTestRequest;
pub use control::RuleTried;
pub use control::RulesTried;
pub use control::TriedRule;
pub use delivery::AttemptReply;
pub use delivery::DeadLetterList;
pub use delivery::DeadLetterReply;
pub use delivery::DeliveriesReply;
pub use delivery::DeliveryReply;
pub use delivery::JobReply;
pub use delivery::NotMatched;
pub use delivery::RedriveFilter;
pub use delivery::RedriveRequest;
pub use delivery::RouteList;
pub use delivery::RouteReply;
pub use events::EventEntry;
pub use events::EventList;
pub use events::PartialReply;
pub use events::PartialResult;
pub use events::PublishReply;
pub use events::PublishResult;
pub use ops::Check;
pub use ops::ReadyReply;
pub use ops::StatusReply;
