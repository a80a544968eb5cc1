//! Guards every outgoing connection: which addresses a target may have.
//!
//! Addresses are judged twice: as a literal in the URL before anything is sent (HTTP clients
//! skip the resolver for literals), and as an answer of the resolver at the moment of
//! connecting, so a name that changes its address between check and use gains nothing. Names that
//! mean something in a network of one's own only are refused unless their addresses were opened.

mod client;
mod connector;
mod dialer;
mod policy;
mod proxy;
mod resolver;
mod stopwatch;
mod tls;

pub use client::CallError;
pub use client::Client;
pub use dialer::Dialer;
pub use dialer::Stream;
pub use policy::Denied;
pub use policy::Policy;
pub use proxy::Proxy;
pub use proxy::ProxyError;
pub use stopwatch::Phases;
pub use stopwatch::Stopwatch;
pub use tls::Tls;
pub use tls::TlsError;
