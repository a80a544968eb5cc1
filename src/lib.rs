//! Tramline: a self-hosted event bus in one binary.
//!
//! Producers POST `CloudEvents` over HTTP; rules written in YAML filter and transform each event
//! and dispatch it to targets; everything is persisted on one commit log. Nothing acknowledged is
//! ever lost, and every event's fate can be looked up.
//!
//! The modules stand in the order of an event's way; `docs/ARCHITECTURE.md` tells it, and
//! `tests/architecture.rs` holds the imports to its layers.

#[cfg(all(feature = "failpoints", not(debug_assertions)))]
compile_error!("the feature `failpoints` lets a variable end the process: it is for debug builds only");

pub mod api;
pub mod app;
pub mod catalog;
pub mod cesql;
pub mod cli;
pub mod clock;
pub mod config;
pub mod delivery;
pub mod egress;
pub mod event;
pub mod filter;
pub mod http;
pub mod ingest;
pub mod log;
pub mod pattern;
pub mod problem;
pub mod routing;
pub mod schema;
pub mod secret;
pub mod store;
pub mod target;
pub mod traffic;
pub mod transform;

#[cfg(test)]
#[expect(dead_code, reason = "the tests of the whole server use the rest")]
#[path = "../tests/it/support/authority.rs"]
mod authority;
#[cfg(test)]
#[expect(unused_imports, reason = "the tests of the whole server use the rest")]
#[path = "../tests/brokers/mod.rs"]
mod brokers;
