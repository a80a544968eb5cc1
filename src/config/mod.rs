//! Settings of the server: from flags, environment, file and defaults, in this order of strength.
//!
//! Every setting has one name, in three spellings: `--data-dir`, `TRAMLINE_DATA_DIR`, and
//! `data-dir` in the TOML file.

pub(crate) mod duration;
mod hidden;
mod list;
mod period;
mod proxy_url;
mod rate;
mod read;
mod settings;
mod write;

pub use hidden::Hidden;
pub use period::Fsync;
pub use period::Period;
pub use proxy_url::ProxyUrl;
pub use rate::Rate;
pub use read::read_small;
pub use settings::Flags;
pub use settings::LogFormat;
pub use settings::Settings;
pub use settings::SettingsError;
pub use settings::Shown;
pub use write::write_whole;
