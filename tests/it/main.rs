//! Black-box tests: the real binary over real sockets, real databases, real files.
#![expect(clippy::expect_used, reason = "a test ends where its world does not hold")]
#![expect(clippy::unwrap_used, reason = "a test ends where its world does not hold")]
#![expect(clippy::indexing_slicing, reason = "a missing member should fail the test")]

mod bad_input;
#[expect(dead_code, unused_imports, reason = "the tests of the links use the rest")]
#[path = "../brokers/mod.rs"]
mod brokers;
mod bus_targets;
mod catalog;
mod cli;
mod confluent;
mod connections;
mod dead_letters;
mod dedup;
mod delivery;
mod documents;
mod durability;
mod engine;
mod faults;
mod functions;
mod languages;
mod log_calls;
mod log_tools;
mod octokit;
mod peers;
mod postgres;
mod queues;
mod retention;
mod route_tests;
mod rules_api;
mod rules_files;
mod schemas;
mod shared_database;
mod sources;
mod support;
mod system_events;
mod tail;
mod transforms;
mod webhooks;
