//! Settings of the server: from flags, environment, file and defaults, in this order of strength.
//!
//! Every setting has one name, in three spellings: `--data-dir`, `TRAMLINE_DATA_DIR`, and
//! `data-dir` in the TOML file.

pub(crate) mod duration;
mod list;
mod period;
mod rate;
mod settings;
mod write;

pub use period::Fsync;
pub use period::Period;
pub use rate::Rate;
pub use settings::Flags;
pub use settings::LogFormat;
pub use settings::Settings;
pub use settings::SettingsError;
pub use settings::Shown;
pub use write::write_whole;
