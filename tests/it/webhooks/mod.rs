//! Webhook calls as they stand on the wire, and what is kept of them.

mod attempts;
mod handshake;
mod modes;
