//! Connections, their secrets, and where calls may go.

mod auth;
mod keys;
mod oauth;
mod resource;
mod secrets;
