//! The settings and how they are put together.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use figment::Figment;
use figment::Profile;
use figment::Source;
use figment::providers::Env;
use figment::providers::Format as _;
use figment::providers::Serialized;
use figment::providers::Toml;
use ipnet::IpNet;
use serde::Deserialize;
use serde::Serialize;
use url::Url;

use super::hidden::Hidden;
use super::list::list;
use super::period::Fsync;
use super::period::Period;
use super::proxy_url::ProxyUrl;

/// What the command line says; what is not said is `None`.
#[derive(Debug, Clone, Default, Serialize, clap::Args)]
#[serde(rename_all = "kebab-case")]
pub struct Flags {
    /// Address to listen on; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    /// Where the log and the embedded catalog are kept; created if missing [default: ./tramline-data]
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// Catalog in PostgreSQL (postgres://…) instead of SQLite in the data directory
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_url: Option<String>,
    /// Rules file or folder to apply at start and to watch; repeatable
    #[arg(long = "rules", value_name = "PATH")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<PathBuf>,
    /// Open a range of private addresses for outgoing calls; repeatable
    #[arg(long = "egress-allow", value_name = "CIDR")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub egress_allow: Vec<IpNet>,
    /// File with further certificate authorities for outgoing calls, in PEM
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress_ca: Option<PathBuf>,
    /// Proxy for outgoing calls, `http://user:password@host:port`; none is taken from the environment's own
    /// variables
    #[arg(long, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress_proxy: Option<ProxyUrl>,
    /// File with the keys that encrypt stored secrets: 32 bytes in base64 a line, the current one first
    /// [default: encryption.key in the data directory, made if missing, when the catalog is there too]
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_key_file: Option<PathBuf>,
    /// Folder with the files that `${file:NAME}` in a credential field names
    #[arg(long, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secrets_dir: Option<PathBuf>,
    /// Where this server is found from outside, for what it tells others about itself
    #[arg(long, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<Url>,
    /// Write the port, alone, into this file once the server is ready
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port_file: Option<PathBuf>,
    /// How to write the log of the process [default: text]
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_format: Option<LogFormat>,
    /// Size of a log segment in bytes [default: 134217728]
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segment_size: Option<u64>,
    /// When a publish is acknowledged: `always` after its sync, or `interval:50ms` [default: always]
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fsync: Option<Fsync>,
    /// How long copies of an event are recognised; no event goes sooner [default: 10m]
    #[arg(long, value_name = "TIME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dedup_window: Option<Period>,
    /// How long events are kept that nothing needs any more [default: 7d]
    #[arg(long, value_name = "AGE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retain_age: Option<Period>,
    /// Bytes of the log above which the oldest events go that nothing needs any more
    #[arg(long, value_name = "BYTES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retain_size: Option<u64>,
    /// Bytes of the log above which even undelivered events go, on record
    #[arg(long, value_name = "BYTES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hard_limit: Option<u64>,
    /// Largest event in bytes [default: 1048576]
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_event_bytes: Option<usize>,
    /// Largest batch in bytes [default: 8388608]
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_batch_bytes: Option<usize>,
    /// Most events in a batch [default: 10000]
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_batch_events: Option<usize>,
    /// Listen on an address that is not loopback although there are no keys
    #[arg(long)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
    /// TOML file with settings
    #[arg(long, value_name = "FILE", env = "TRAMLINE_CONFIG")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
}

/// How the process writes its own log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// The settings in force.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settings {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// Where the log and the embedded catalog are kept.
    pub data_dir: PathBuf,
    /// Catalog in PostgreSQL.
    pub database_url: Option<String>,
    /// Rules files and folders.
    #[serde(deserialize_with = "list")]
    pub rules: Vec<PathBuf>,
    /// Private ranges that outgoing calls may reach.
    #[serde(deserialize_with = "list")]
    pub egress_allow: Vec<IpNet>,
    /// File with further certificate authorities for outgoing calls.
    pub egress_ca: Option<PathBuf>,
    /// Proxy for outgoing calls.
    pub egress_proxy: Option<ProxyUrl>,
    /// The keys that encrypt stored secrets, with commas between them, instead of in a file. It has no
    /// flag, because flags are seen by everybody on the machine.
    pub encryption_key: Option<Hidden>,
    /// File with the keys that encrypt stored secrets.
    pub encryption_key_file: Option<PathBuf>,
    /// Folder with secrets in files.
    pub secrets_dir: Option<PathBuf>,
    /// Where this server is found from outside.
    pub public_url: Option<Url>,
    /// Where to write the port.
    pub port_file: Option<PathBuf>,
    /// How to write the log of the process.
    pub log_format: LogFormat,
    /// Bytes of a log segment.
    pub segment_size: u64,
    /// When a publish is acknowledged.
    pub fsync: Fsync,
    /// How long copies of an event are recognised.
    pub dedup_window: Period,
    /// How long events are kept.
    pub retain_age: Period,
    /// Bytes of the log above which events go that nothing needs.
    pub retain_size: Option<u64>,
    /// Bytes of the log above which any events go.
    pub hard_limit: Option<u64>,
    /// Largest event in bytes.
    pub max_event_bytes: usize,
    /// Largest batch in bytes.
    pub max_batch_bytes: usize,
    /// Most events in a batch.
    pub max_batch_events: usize,
    /// Whether an open address without keys is wanted.
    pub insecure: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            data_dir: PathBuf::from("tramline-data"),
            database_url: None,
            rules: Vec::new(),
            egress_allow: Vec::new(),
            egress_ca: None,
            egress_proxy: None,
            encryption_key: None,
            encryption_key_file: None,
            secrets_dir: None,
            public_url: None,
            port_file: None,
            log_format: LogFormat::Text,
            segment_size: 128 * 1024 * 1024,
            fsync: Fsync::Always,
            dedup_window: Period(Duration::from_mins(10)),
            retain_age: Period(Duration::from_hours(7 * 24)),
            retain_size: None,
            hard_limit: None,
            max_event_bytes: 1024 * 1024,
            max_batch_bytes: 8 * 1024 * 1024,
            max_batch_events: 10_000,
            insecure: false,
        }
    }
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A value is wrong, or a key unknown; the text names its place.
    #[error("{0}")]
    Invalid(Box<figment::Error>),
    /// A limit does not fit the log or the other limits.
    #[error("--{flag} {problem}")]
    Limit {
        /// Name of the setting.
        flag: &'static str,
        /// What it must be.
        problem: String,
    },
    /// The keys are given twice.
    #[error("give the encryption keys in TRAMLINE_ENCRYPTION_KEY or with --encryption-key-file, not both")]
    TwoKeys,
    /// The file named by `--config` is not there.
    #[error("there is no file {0}")]
    NoFile(PathBuf),
}

/// One setting, its value, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its name.
    pub name: String,
    /// Its value as TOML, secrets redacted.
    pub value: String,
    /// `default`, `file FILE`, `environment` or `flag`.
    pub source: String,
}

/// Segments are made of pages and hold at least a few appends.
const PAGE: u64 = 4096;
const MIN_SEGMENT: u64 = 64 * 1024;
const MAX_SEGMENT: u64 = 1 << 40;
/// A log that is smaller could not be trimmed: two snapshots lie between its segments.
const MIN_SEGMENTS: u64 = 4;
/// A shorter one would miss the next try of a producer; the keys of a longer one fill the memory.
const DEDUP_WINDOWS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(24);
/// Half of the largest append that the log format knows.
const MAX_SENT: u64 = 8 * 1024 * 1024;
/// Events of one append are counted in 16 bits.
const MAX_EVENTS: usize = 65_535;

const PREFIX: &str = "TRAMLINE_";
const NAMES: [&str; 23] = [
    "listen",
    "data-dir",
    "database-url",
    "rules",
    "egress-allow",
    "egress-ca",
    "egress-proxy",
    "encryption-key",
    "encryption-key-file",
    "secrets-dir",
    "public-url",
    "port-file",
    "log-format",
    "segment-size",
    "fsync",
    "dedup-window",
    "retain-age",
    "retain-size",
    "hard-limit",
    "max-event-bytes",
    "max-batch-bytes",
    "max-batch-events",
    "insecure",
];

impl Settings {
    /// Puts the settings together.
    ///
    /// # Errors
    /// Names the setting, its place and what is wrong with it.
    pub fn load(flags: &Flags) -> Result<Self, SettingsError> {
        let settings: Self = figment(flags)?
            .extract()
            .map_err(|error| SettingsError::Invalid(Box::new(error)))?;
        settings.check_limits()?;
        if settings.encryption_key.is_some() && settings.encryption_key_file.is_some() {
            return Err(SettingsError::TwoKeys);
        }
        Ok(settings)
    }

    /// Refuses limits that the log could not keep.
    fn check_limits(&self) -> Result<(), SettingsError> {
        let limit = |flag, problem: String| Err(SettingsError::Limit { flag, problem });
        let sizes = MIN_SEGMENT..=MAX_SEGMENT;
        if !sizes.contains(&self.segment_size) || !self.segment_size.is_multiple_of(PAGE) {
            let problem = format!("must be a multiple of {PAGE} from {MIN_SEGMENT} to {MAX_SEGMENT} bytes");
            return limit("segment-size", problem);
        }
        // An append takes at most a quarter of a segment, and its events twice what was sent.
        let fits = (self.segment_size / 8).min(MAX_SENT);
        for (flag, bytes) in [
            ("max-batch-bytes", self.max_batch_bytes),
            ("max-event-bytes", self.max_event_bytes),
        ] {
            if bytes == 0 || u64::try_from(bytes).map_or(true, |bytes| bytes > fits) {
                let of = self.segment_size;
                let problem =
                    format!("must be from 1 to {fits}, an eighth of --segment-size ({of}) and at most 8 MiB");
                return limit(flag, problem);
            }
        }
        if !DEDUP_WINDOWS.contains(&self.dedup_window.0) {
            return limit("dedup-window", "must be from 1s to 24h".to_owned());
        }
        let least = self.segment_size.saturating_mul(MIN_SEGMENTS);
        for (flag, bytes) in [("retain-size", self.retain_size), ("hard-limit", self.hard_limit)] {
            if bytes.is_some_and(|bytes| bytes < least) {
                return limit(
                    flag,
                    format!("must be at least {least}, {MIN_SEGMENTS} times --segment-size"),
                );
            }
        }
        if !(1..=MAX_EVENTS).contains(&self.max_batch_events) {
            return limit("max-batch-events", format!("must be from 1 to {MAX_EVENTS}"));
        }
        Ok(())
    }

    /// The name by which this server calls targets that want to know: the host of its public URL.
    #[must_use]
    pub fn origin(&self) -> String {
        let host = self.public_url.as_ref().and_then(Url::host_str);
        host.unwrap_or("localhost").to_owned()
    }

    /// Every setting with its value and where it comes from.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn show(flags: &Flags) -> Result<Vec<Shown>, SettingsError> {
        let settings = Self::load(flags)?;
        let figment = figment(flags)?;
        let values = serde_json::to_value(&settings).unwrap_or_default();
        let shown = NAMES.iter().map(|name| Shown {
            name: (*name).to_owned(),
            value: match *name {
                "database-url" => redacted(settings.database_url.as_deref()),
                "egress-proxy" => redacted(settings.egress_proxy.as_ref().map(|proxy| proxy.url().as_str())),
                _ => values.get(name).unwrap_or(&serde_json::Value::Null).to_string(),
            },
            source: figment
                .find_metadata(name)
                .map_or("default".into(), |metadata| match &metadata.source {
                    Some(Source::File(file)) => format!("file {}", file.display()),
                    _ => metadata.name.to_string(),
                }),
        });
        Ok(shown.collect())
    }
}

fn figment(flags: &Flags) -> Result<Figment, SettingsError> {
    let mut figment = Figment::new().merge(Named("default", Serialized::defaults(Settings::default())));
    if let Some(file) = &flags.config {
        if !file.is_file() {
            return Err(SettingsError::NoFile(file.clone()));
        }
        figment = figment.merge(Toml::file_exact(file));
    }
    let environment = Env::prefixed(PREFIX)
        .filter(|key| {
            NAMES
                .iter()
                .any(|name| key.as_str().replace('_', "-").eq_ignore_ascii_case(name))
        })
        .map(|key| key.as_str().replace('_', "-").to_ascii_lowercase().into());
    Ok(figment
        .merge(Named("environment", environment))
        .merge(Named("flag", Serialized::defaults(flags))))
}

/// A provider under a name that people understand.
struct Named<P>(&'static str, P);

impl<P: figment::Provider> figment::Provider for Named<P> {
    fn metadata(&self) -> figment::Metadata {
        figment::Metadata::named(self.0)
    }

    fn data(&self) -> Result<figment::value::Map<Profile, figment::value::Dict>, figment::Error> {
        self.1.data()
    }
}

/// A URL without its passwords; what names no host is not shown at all.
fn redacted(url: Option<&str>) -> String {
    const HIDDEN: &str = "***";
    let Some(url) = url else { return "null".to_owned() };
    let Some(mut url) = Url::parse(url).ok().filter(Url::has_host) else {
        return format!("\"{HIDDEN}\"");
    };
    if url.password().is_some() && url.set_password(Some(HIDDEN)).is_err() {
        return format!("\"{HIDDEN}\"");
    }
    let is_secret = |name: &str| name.to_ascii_lowercase().contains("password");
    if url.query_pairs().any(|(name, _)| is_secret(&name)) {
        let plain = url.clone();
        let pairs = plain.query_pairs().map(|(name, value)| {
            let value = if is_secret(&name) { HIDDEN.into() } else { value };
            (name, value)
        });
        url.query_pairs_mut().clear().extend_pairs(pairs);
    }
    format!("\"{url}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_stronger_than_the_default() {
        let flags = Flags {
            listen: Some("127.0.0.1:1".parse().unwrap()),
            ..Flags::default()
        };
        let settings = Settings::load(&flags).unwrap();
        assert_eq!(settings.listen.port(), 1);
        assert_eq!(settings.max_batch_events, 10_000);
        let shown = Settings::show(&flags).unwrap();
        let source = |name: &str| shown.iter().find(|one| one.name == name).unwrap().source.clone();
        assert_eq!(
            (source("listen").as_str(), source("rules").as_str()),
            ("flag", "default")
        );
    }

    #[test]
    fn a_limit_that_the_log_cannot_keep_is_refused_by_its_name() {
        let small = 16 * 4096;
        let cases = [
            ("segment-size", 4096, 1, 1, 1),
            ("segment-size", small + 1, 1, 1, 1),
            ("segment-size", 1 << 41, 1, 1, 1),
            ("max-batch-bytes", small, 8_193, 1, 1),
            ("max-batch-bytes", 1 << 30, (8 << 20) + 1, 1, 1),
            ("max-event-bytes", small, 1, 8_193, 1),
            ("max-event-bytes", small, 1, 0, 1),
            ("max-batch-events", small, 1, 1, 65_536),
            ("max-batch-events", small, 1, 1, 0),
            ("", small, 8_192, 8_192, 65_535),
        ];
        for (name, segment_size, batch, event, events) in cases {
            let flags = Flags {
                segment_size: Some(segment_size),
                max_batch_bytes: Some(batch),
                max_event_bytes: Some(event),
                max_batch_events: Some(events),
                ..Flags::default()
            };
            let said = Settings::load(&flags).map_or_else(|error| error.to_string(), |_| "-- ".to_owned());
            assert!(said.starts_with(&format!("--{name} ")), "{name}: {said}");
        }
    }

    #[test]
    fn a_dedup_window_of_no_use_is_refused_by_its_name() {
        for (window, is_good) in [("1s", true), ("24h", true), ("999ms", false), ("25h", false)] {
            let flags = Flags {
                dedup_window: Some(window.parse().unwrap()),
                ..Flags::default()
            };
            let said = Settings::load(&flags).map_or_else(|error| error.to_string(), |_| String::new());
            assert_eq!(said.is_empty(), is_good, "{window}: {said}");
            assert!(is_good || said.starts_with("--dedup-window "), "{window}: {said}");
        }
    }

    #[test]
    fn every_setting_is_shown() {
        let all = serde_json::to_value(Settings::default()).unwrap();
        let mut names: Vec<_> = all.as_object().unwrap().keys().map(String::as_str).collect();
        let mut shown = NAMES.to_vec();
        names.sort_unstable();
        shown.sort_unstable();
        assert_eq!(names, shown);
    }

    #[test]
    fn an_encryption_key_is_never_shown() {
        let settings = Settings {
            encryption_key: Some(Hidden::new("k3y".to_owned())),
            ..Settings::default()
        };
        let shown = format!("{settings:?} {}", serde_json::to_string(&settings).unwrap());
        assert!(shown.contains("***") && !shown.contains("k3y"), "{shown}");
    }

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(
            redacted(Some("postgres://me:secret@db/x")),
            "\"postgres://me:***@db/x\""
        );
        assert_eq!(redacted(Some("postgres://db/x")), "\"postgres://db/x\"");
        assert_eq!(
            redacted(Some("postgres://db/x?sslmode=require&password=secret")),
            "\"postgres://db/x?sslmode=require&password=***\""
        );
        assert_eq!(redacted(Some("me:secret@db")), "\"***\"");
    }
}
