//! The bus target: the event goes on to another bus of this server.
//!
//! Nothing is called. The event is answered as it is, and what becomes of answers makes it durable
//! on the other bus together with the record of its delivery.

use super::Call;
use super::Outcome;
use super::Report;
use super::reply::Events;
use super::reply::Reply;

pub(super) fn send(call: &Call<'_>) -> Report {
    Report {
        reply: Some(Reply::Events(Events::known(call.event.clone()))),
        ..Report::of(Outcome::Delivered, "ok", "passed on")
    }
}
