//! Delivery: from a durable event to a target that has it, or a dead letter that says why not.
//!
//! One route is the pair (rule, target), with a queue and a worker of its own, so a target that
//! hangs holds its own slots and nobody else's. The log is the only store: a route's backlog is
//! the log itself, and what became of an event is a state record in it. The protocol:
//!
//! 1. The [`Engine`] hears of durable events (live feed) or reads them (catch-up), and puts them
//!    in the queue of each of their routes.
//! 2. The route's worker takes one when it has a slot, transforms and sends it.
//! 3. The outcome is recorded: `progress` (delivered, gathered for at most 100 ms), `retry`
//!    (durable before the worker lets go of the event) or `dead` (the same).
//!
//! A process that dies between 2 and 3 sends the event again after the restart, under the same
//! `webhook-id` and without charging the attempt. Nothing else is ever sent twice.

mod again;
mod attempt;
mod bucket;
mod dead_letters;
mod engine;
mod failpoint;
mod gate;
mod handshake;
mod jobs;
mod keep;
mod letter_set;
mod letters;
mod memory;
mod meters;
mod order;
mod pauses;
mod progress;
mod publish;
mod queue;
mod read_ahead;
mod reconcile;
mod record;
mod recorder;
mod render;
mod reply;
mod resend;
mod retries;
mod route;
mod route_state;
mod search;
mod slots;
mod status;
mod system;
mod timeline;
mod turn;
mod unfinished;
mod webhook_id;
mod worker;

#[cfg(test)]
mod clock_steps;
#[cfg(test)]
mod tests;

pub use dead_letters::DeadLetter;
pub use dead_letters::DeadLetterFilter;
pub use dead_letters::DeadLetterId;
pub use dead_letters::DeadLetterPage;
pub use engine::DeliveryError;
pub use engine::Engine;
pub use engine::Logs;
pub use engine::Outside;
pub use gate::CircuitState;
pub use jobs::Job;
pub use jobs::JobState;
pub use jobs::Redrive;
pub use jobs::Work;
pub use keep::Keeping;
pub use publish::Publish;
pub use publish::Unpublishable;
pub use record::Attempt;
pub use resend::Tested;
pub use route::RouteStatus;
pub use route::Standing;
pub use timeline::DeliveryState;
pub use timeline::RouteTimeline;
