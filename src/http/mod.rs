//! Every line of axum: routes, bodies, errors and the server loop.

mod apply;
mod blocking;
mod body;
mod buses;
mod chunk;
mod dead_letters;
mod deliveries;
mod events;
mod extract;
mod guard;
mod jobs;
mod keyed;
mod leftover;
mod openapi;
mod ops;
mod page;
mod present;
mod problem;
mod publish;
mod routes;
mod rule_test;
mod rules;
mod select;
mod server;
mod state;
mod tail;

pub use openapi::document;
pub use openapi::router;
pub use server::MAX_CONNECTIONS;
pub use server::Server;
pub use server::ServerError;
pub use state::AppState;
pub use state::Info;
pub use state::Limits;
pub use state::Services;
