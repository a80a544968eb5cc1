//! The life of a server: start, run, stop.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use metrics_exporter_prometheus::PrometheusBuilder;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::dev;
use super::open_files;
use super::parts;
use super::rules_watcher;
use super::rules_watcher::RulesError;
use super::rules_watcher::RulesWatcher;
use super::running::Running;
use super::signals;
use super::vault::VaultError;
use crate::catalog::RepositoryError;
use crate::catalog::StoredSpecError;
use crate::catalog::View;
use crate::clock::SharedClock;
use crate::clock::SystemClock;
use crate::config::Fsync;
use crate::config::Settings;
use crate::egress;
use crate::http;
use crate::http::AppState;
use crate::http::Server;
use crate::http::ServerError;
use crate::log::AppendError;
use crate::log::LogError;
use crate::store::StoreError;

/// How often the samples of histograms are folded together.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);

/// Why a server did not start, or did not end well.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address is not loopback, and nothing protects it.
    #[error("{0} can be reached by others and there are no keys; listen on 127.0.0.1, or say --insecure")]
    Unprotected(SocketAddr),
    /// The address cannot be taken.
    #[error(transparent)]
    Address(#[from] ServerError),
    /// Another server has the data directory.
    #[error("{0}; stop it, or choose another directory with --data-dir")]
    InUse(LogError),
    /// The log cannot be opened or read.
    #[error("the log cannot be opened")]
    Log(#[source] LogError),
    /// The catalog cannot be opened.
    #[error("the catalog cannot be opened")]
    Store(#[source] StoreError),
    /// The catalog does not belong to this log, or cannot be read.
    #[error("the catalog cannot be used")]
    Catalog(#[from] RepositoryError),
    /// What is stored cannot be used.
    #[error(transparent)]
    StoredSpec(#[from] StoredSpecError),
    /// The encryption keys cannot be used, or are not those of the stored secrets.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The log does not take records.
    #[error("the log cannot be written")]
    Append(#[from] AppendError),
    /// The rules files cannot be used.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// Outgoing TLS connections cannot be made.
    #[error("--egress-ca cannot be used")]
    Tls(#[source] egress::TlsError),
    /// Outgoing calls have no way out.
    #[error("--egress-proxy cannot be used")]
    Proxy(#[from] egress::ProxyError),
    /// A file cannot be written, or signals cannot be handled.
    #[error("{0}")]
    System(&'static str, #[source] std::io::Error),
    /// Metrics cannot be collected.
    #[error("metrics cannot be collected")]
    Metrics(#[source] metrics_exporter_prometheus::BuildError),
    /// A write of the log failed while running; what was acknowledged is safe.
    #[error("the log failed to write; restart the server to recover: nothing acknowledged is lost")]
    LogFailed(#[source] Arc<LogError>),
    /// Stopped before it was ready.
    #[error("stopped before the server was ready")]
    Interrupted,
}

impl ServeError {
    /// Whether the input is at fault (exit code 2) and not the machine (1).
    #[must_use]
    pub const fn is_input(&self) -> bool {
        match self {
            Self::Rules(error) => error.is_input(),
            Self::Unprotected(_)
            | Self::Vault(_)
            | Self::Tls(_)
            | Self::Proxy(_)
            | Self::Address(_)
            | Self::InUse(_)
            | Self::Log(LogError::InvalidConfig { .. })
            | Self::Store(StoreError::InvalidLocation { .. }) => true,
            _ => false,
        }
    }
}

impl From<LogError> for ServeError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::InUse { .. } => Self::InUse(error),
            _ => Self::Log(error),
        }
    }
}

/// Runs a server until it is told to stop. With `is_dev`, sample rules serve when there are none.
///
/// # Errors
/// [`ServeError`]; what was acknowledged before is on disk in every case.
pub async fn serve(settings: Settings, is_dev: bool) -> Result<(), ServeError> {
    let started = Instant::now();
    let is_loopback = settings.listen.ip().is_loopback();
    if !is_loopback && !settings.insecure {
        return Err(ServeError::Unprotected(settings.listen));
    }
    let server = Server::bind(settings.listen).await?;
    let address = server.address();
    let clock: SharedClock = Arc::new(SystemClock);
    let metrics = PrometheusBuilder::new()
        .install_recorder()
        .map_err(ServeError::Metrics)?;
    let stop = CancellationToken::new();
    let info = http::Info {
        storage: if settings.database_url.is_some() {
            "postgres"
        } else {
            "sqlite"
        },
        public_url: settings.public_url.as_ref().map(ToString::to_string),
        is_loopback,
        durability: match settings.fsync {
            Fsync::Always => "fsync",
            Fsync::Interval(_) => "interval",
        },
    };
    let limits = http::Limits {
        event_bytes: settings.max_event_bytes,
        batch_bytes: settings.max_batch_bytes,
        batch_events: settings.max_batch_events,
    };
    let state = Arc::new(AppState::new(
        info,
        limits,
        Arc::clone(&clock),
        metrics,
        stop.clone(),
    ));
    let tasks = TaskTracker::new();
    tasks.spawn(keep_metrics(state.metrics.clone(), stop.clone()));
    tasks.spawn(server.run(
        http::router(Arc::clone(&state)),
        open_files::connections(),
        stop.clone(),
    ));

    let interrupted = async {
        signals::asked_to_stop()
            .await
            .map_err(|error| ServeError::System("cannot wait for signals", error))
    };
    tokio::pin!(interrupted);
    let running: Arc<Running> = Arc::default();
    let ended = {
        let starting = start((&settings, address), is_dev, &state, &running, &tasks);
        tokio::pin!(starting);
        tokio::select! {
            // Dropping a start half-way leaves nothing undone: what is durable is found again.
            result = &mut interrupted => result.and(Err(ServeError::Interrupted)),
            result = &mut starting => result,
        }
    };
    let ended = ended.and_then(|()| announce(&settings, address, is_dev, started));
    let ended = match ended {
        Ok(()) => run(&state, &running, interrupted).await,
        Err(error) => Err(error),
    };
    stop.cancel();
    running.stop(&tasks).await;
    ended
}

/// Folds the samples of histograms together, so that they take no memory until they are asked for.
async fn keep_metrics(metrics: PrometheusHandle, stop: CancellationToken) {
    while stop
        .run_until_cancelled(tokio::time::sleep(METRICS_UPKEEP))
        .await
        .is_some()
    {
        metrics.run_upkeep();
    }
}

async fn start(
    (settings, address): (&Settings, SocketAddr),
    is_dev: bool,
    state: &Arc<AppState>,
    running: &Arc<Running>,
    tasks: &TaskTracker,
) -> Result<(), ServeError> {
    let log = parts::open_log(settings, &state.clock).await?;
    let log = running.log.get_or_init(|| log).clone();
    let letters = parts::open_letters(settings, &state.clock).await?;
    let letters = running.letters.get_or_init(|| letters).clone();
    let store = parts::open_store(settings, &state.stop).await?;
    let ruled = parts::rule(settings, log, store, running, address).await?;
    let control = running.control.get_or_init(|| Arc::clone(&ruled.control));
    let texts = if settings.rules.is_empty() && is_dev {
        vec![("tramline dev".to_owned(), dev::SAMPLE_TEXT.to_owned())]
    } else {
        rules_watcher::read_rules(&settings.rules)?
    };
    let watcher = RulesWatcher::new(Arc::clone(control), Arc::clone(&ruled.router));
    if texts.is_empty() && settings.rules.is_empty() {
        // Somebody who forgets the flag must not lose deliveries: rules go when other files are named.
        watcher.tell_of_left();
    } else {
        watcher.apply(&texts).await?;
    }
    let view = Arc::clone(ruled.router.snapshot().view());
    let services = parts::deliver(settings, ruled, letters, Arc::clone(&state.clock), running).await?;
    if !settings.rules.is_empty() {
        tasks.spawn(watcher.run(settings.rules.clone(), texts, state.stop.clone()));
    }
    tasks.spawn(Arc::clone(control).follow());
    tasks.spawn(Arc::clone(&services.traffic).follow(state.stop.clone()));
    tokio::task::spawn_blocking(move || compile_schemas(&view));
    state.open(services);
    Ok(())
}

/// Compiles what events are validated by, so that none has to wait for it, and tells of what cannot be used.
fn compile_schemas(view: &View) {
    for entry in view.schemas() {
        let Some(version) = entry.latest() else { continue };
        if let Err(errors) = version.compiled() {
            tracing::error!(kind = %entry.kind, version = version.number, ?errors, "a schema cannot be used any more");
        }
    }
}

async fn run(
    state: &AppState,
    running: &Running,
    interrupted: impl Future<Output = Result<(), ServeError>>,
) -> Result<(), ServeError> {
    let services = state.services().map_err(|_| ServeError::Interrupted)?;
    let letters = running.letters.get().ok_or(ServeError::Interrupted)?;
    tokio::select! {
        result = interrupted => {
            tracing::info!("stopping");
            result
        }
        cause = services.log.failed() => Err(ServeError::LogFailed(cause)),
        cause = letters.failed() => Err(ServeError::LogFailed(cause)),
    }
}

/// Tells people where the server is and what to try, and scripts which port it has.
fn announce(
    settings: &Settings,
    address: SocketAddr,
    is_dev: bool,
    started: Instant,
) -> Result<(), ServeError> {
    if let Some(file) = &settings.port_file {
        let written = crate::config::write_whole(file, &address.port().to_string());
        written.map_err(|error| ServeError::System("cannot write the port file", error))?;
    }
    let storage = if settings.database_url.is_some() {
        "PostgreSQL"
    } else {
        "embedded SQLite"
    };
    let (version, ms) = (env!("CARGO_PKG_VERSION"), started.elapsed().as_millis());
    let log = settings.data_dir.join("log");
    let rules = if settings.rules.is_empty() && !is_dev {
        "by API only".to_owned()
    } else {
        rules_named(settings)
    };
    let hint = if is_dev { try_it(address) } else { String::new() };
    let block = format!(
        "tramline {version} on http://{address}\n  log      {}\n  catalog  {storage}\n  rules    {rules}\n{hint}\
         Ready in {ms} ms\n",
        log.display()
    );
    // Without a terminal to talk to the server runs all the same.
    std::io::stderr().write_all(block.as_bytes()).unwrap_or_default();
    Ok(())
}

/// What to try on a new server.
fn try_it(address: SocketAddr) -> String {
    format!(
        "Try:\n  curl -i http://{address}/events -H 'content-type: application/json' \\\n    \
         -d '{{\"type\": \"com.example.hello\", \"source\": \"/me\", \"data\": {{\"name\": \"Ada\"}}}}'\n  \
         tramline tail --url http://{address} --since earliest\n"
    )
}

fn rules_named(settings: &Settings) -> String {
    if settings.rules.is_empty() {
        return "built-in sample".to_owned();
    }
    let names: Vec<_> = settings
        .rules
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    format!("{} (watched)", names.join(", "))
}
