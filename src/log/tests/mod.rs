//! What the log promises, tried on simulated disks; the lock and offline checks on a real one.

#![expect(clippy::cast_possible_truncation, reason = "test logs are small")]

mod append;
mod crash;
mod damage;
mod dedup;
mod exhaustive;
mod failure;
mod golden;
mod indexes;
mod model;
mod offline;
mod repair;
mod retention;
mod space;
mod support;
mod tear;
