//! What goes over the buses: which types of events were seen, and what that says about schemas.
//!
//! Nothing here is asked when an event is published. The log is read behind the publishers, and what is kept
//! has bounds: 20,000 pairs of bus and type, and of each the places of its last 1,000 events. A server that
//! starts looks back 100,000 events on each bus.

mod breaks;
mod event;
mod evidence;
mod export;
mod inference;
mod listing;
mod record;
mod seen;
mod violations;

pub use breaks::RuleBreak;
pub use breaks::breaks;
pub use evidence::Evidence;
pub use evidence::Masks;
pub use export::asyncapi;
pub use inference::Inferred;
pub use inference::Wanted;
pub use inference::infer;
pub use listing::Listed;
pub use listing::Listing;
pub use listing::RuleUse;
pub use listing::SourceSeen;
pub use record::Record;
pub use seen::Seen;
pub use seen::Traffic;
pub use violations::Violations;
pub use violations::violations;
