//! The root of the server: the only place that names concrete parts together.

mod dev;
mod open_files;
mod parts;
mod rules_watcher;
mod running;
mod serve;
mod signals;
mod vault;

pub use rules_watcher::RulesError;
pub use rules_watcher::read_rules;
pub use serve::ServeError;
pub use serve::serve;

pub use dev::dev_settings;
