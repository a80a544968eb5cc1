//! `tramline dev`: a server to try things on.

use std::path::Path;
use std::path::PathBuf;

use ipnet::IpNet;

use crate::config::Settings;

/// The sample rules of the source tree; a built-in copy serves elsewhere.
const SAMPLE: &str = "rules/welcome.yaml";
/// What the sample file says.
pub(super) const SAMPLE_TEXT: &str = include_str!("../../rules/welcome.yaml");

/// Settings for trying things: outgoing calls may reach this machine, and without rules the
/// sample is watched.
#[must_use]
pub fn dev_settings(mut settings: Settings) -> Settings {
    settings.egress_allow.extend(
        ["127.0.0.0/8", "::1/128"]
            .iter()
            .filter_map(|range| range.parse::<IpNet>().ok()),
    );
    if settings.rules.is_empty() && Path::new(SAMPLE).is_file() {
        settings.rules.push(PathBuf::from(SAMPLE));
    }
    settings
}
