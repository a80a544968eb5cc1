//! The repository promises the same on both databases.

mod bulk;
mod buses;
mod connections;
mod log;
mod opening;
mod racing;
mod routes;
mod rules;
mod schemas;
mod sources;
pub(crate) mod support;
