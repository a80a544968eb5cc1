//! Brings up the parts of a server in the order in which they need one another.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::running::Running;
use super::serve::ServeError;
use super::vault;
use crate::catalog::Auth;
use crate::catalog::BusName;
use crate::catalog::Change;
use crate::catalog::Connection;
use crate::catalog::Issue;
use crate::catalog::Loaded;
use crate::catalog::Origins;
use crate::catalog::Repository;
use crate::catalog::RepositoryError;
use crate::catalog::Rule;
use crate::catalog::View;
use crate::clock::SharedClock;
use crate::config::Fsync;
use crate::config::Settings;
use crate::delivery::Engine;
use crate::delivery::Keeping;
use crate::delivery::Logs;
use crate::delivery::Outside;
use crate::delivery::Publish;
use crate::delivery::Unpublishable;
use crate::egress;
use crate::event;
use crate::event::Event;
use crate::http::Services;
use crate::ingest::Cause;
use crate::ingest::PublishError;
use crate::ingest::Publisher;
use crate::log::BusId;
use crate::log::Durability;
use crate::log::Log;
use crate::log::LogConfig;
use crate::log::LogError;
use crate::log::NewEvent;
use crate::log::Retention;
use crate::log::RouteId;
use crate::problem::chain;
use crate::routing::Candidate;
use crate::routing::Control;
use crate::routing::Router;
use crate::routing::Snapshot;
use crate::routing::missing_announcements;
use crate::secret::Credential;
use crate::store::Store;
use crate::store::StoreError;
use crate::target::Targets;
use crate::target::Terms;
use crate::traffic::Traffic;

/// How long dead letters are kept.
const LETTERS_AGE: Duration = Duration::from_hours(14 * 24);
/// What a letter takes beside its event: the reason and two responses.
const LETTER_BYTES: usize = 64 * 1024;
/// The largest append that a log takes; the largest event leaves room for its letter.
const LARGEST_LETTER: usize = 16 << 20;
/// A segment of the dead letters is at least so large.
const LETTERS_SEGMENT: u64 = 8 << 20;
/// Between attempts to reach the database at start.
const DATABASE_AGAIN: Duration = Duration::from_secs(1);

/// Recovers the log: blocking work on a thread of its own.
pub(super) async fn open_log(settings: &Settings, clock: &SharedClock) -> Result<Log, ServeError> {
    let config = LogConfig {
        segment_size: settings.segment_size,
        max_body: 2 * settings.max_batch_bytes.max(settings.max_event_bytes),
        durability: match settings.fsync {
            Fsync::Always => Durability::Always,
            Fsync::Interval(interval) => Durability::Interval(interval),
        },
        dedup_window: settings.dedup_window.0,
        is_same_event: event::have_same_identity,
        ..LogConfig::new(settings.data_dir.clone())
    };
    open(config, clock).await
}

/// Recovers the log of dead letters, whose segments are small: a letter holds one event.
pub(super) async fn open_letters(settings: &Settings, clock: &SharedClock) -> Result<Log, ServeError> {
    let max_body = (2 * settings.max_event_bytes + LETTER_BYTES).min(LARGEST_LETTER);
    let fits = u64::try_from(max_body).unwrap_or(u64::MAX).saturating_mul(4);
    let config = LogConfig {
        segment_size: fits.next_multiple_of(4096).max(LETTERS_SEGMENT),
        max_body,
        ..LogConfig::new(settings.data_dir.join("dead"))
    };
    open(config, clock).await
}

async fn open(config: LogConfig, clock: &SharedClock) -> Result<Log, ServeError> {
    let (now, dir) = (Arc::clone(clock), config.dir.clone());
    let opened = tokio::task::spawn_blocking(move || Log::open(config, Arc::new(move || now.now_ms()))).await;
    let (log, recovery) = opened.map_err(|_| ServeError::Interrupted)??;
    tracing::info!(dir = %dir.display(), ?recovery, "the log is recovered");
    Ok(log)
}

/// How long the logs keep what nobody needs any more.
fn keeping(settings: &Settings) -> Keeping {
    Keeping {
        events: Retention {
            age: settings.retain_age.0,
            size: settings.retain_size,
            hard_limit: settings.hard_limit,
        },
        letters: Retention {
            age: LETTERS_AGE,
            size: None,
            hard_limit: None,
        },
    }
}

/// Opens the catalog. PostgreSQL may come up later than this server, so it is waited for.
pub(super) async fn open_store(settings: &Settings, stop: &CancellationToken) -> Result<Store, ServeError> {
    let Some(url) = &settings.database_url else {
        return Store::open_file(&settings.data_dir.join("catalog.db"))
            .await
            .map_err(ServeError::Store);
    };
    loop {
        match Store::open(url).await {
            Ok(store) => return Ok(store),
            Err(error @ StoreError::Unavailable { .. }) => {
                tracing::warn!(
                    error = chain(&error),
                    "the database cannot be reached; trying again"
                );
                let waited = stop.run_until_cancelled(tokio::time::sleep(DATABASE_AGAIN)).await;
                waited.ok_or(ServeError::Interrupted)?;
            }
            Err(error) => return Err(ServeError::Store(error)),
        }
    }
}

/// What decides where events go, in force with the catalog as it is stored, and what will deliver
/// them.
pub(super) struct Ruled {
    /// The log.
    pub(super) log: Log,
    /// The rules in force.
    pub(super) router: Arc<Router>,
    /// Changes the catalog.
    pub(super) control: Arc<Control>,
    targets: Targets,
}

/// Puts the stored catalog in force.
pub(super) async fn rule(
    settings: &Settings,
    log: Log,
    store: Store,
    running: &Arc<Running>,
    address: SocketAddr,
) -> Result<Ruled, ServeError> {
    let repository: Arc<dyn Repository> = Arc::new(store);
    let known = log.routes();
    // What a log that is in use calls a bus may be another one in this catalog.
    let is_unused = known.highest_bus == BusId(0) && known.highest_route == RouteId(0);
    let is_shared = settings.database_url.is_some();
    repository.bind_log(log.uuid(), is_shared && is_unused).await?;
    repository
        .raise_counters(known.highest_bus.0, known.highest_route.0)
        .await?;
    let loaded = load(repository.as_ref()).await?;
    if is_unused && loaded.meta.logs.len() > 1 {
        tracing::warn!(
            log = %log.uuid(),
            "a new log joins the catalog; if this server had events before, its data directory is not the one it had"
        );
    }
    let view = Arc::new(View::from_loaded(&loaded, &View::default())?);
    let missing = missing_announcements(&log, &view);
    if !missing.is_empty() {
        log.record(missing).await?;
    }
    let vault = Arc::new(vault::open(settings, &view)?);
    let proxy = settings
        .egress_proxy
        .as_ref()
        .map(|url| egress::Proxy::new(url.url()));
    let policy = egress::Policy::new(settings.egress_allow.clone());
    let policy = Arc::new(policy.through(proxy.transpose()?));
    let tls = outgoing_tls(settings)?;
    let terms = Terms {
        origin: settings.origin(),
        max_reply: settings.max_event_bytes,
    };
    let targets = Targets::new((Arc::clone(&policy), tls.clone()), Arc::clone(&vault), terms);
    let router = Arc::new(Router::new(
        Arc::new(Snapshot::build(view, None)),
        origins(settings, address),
    ));
    let told = Arc::clone(running);
    let control = Control::new(
        repository,
        log.clone(),
        Arc::clone(&router),
        Box::new(move |candidate| match candidate {
            Candidate::Rule(rule) => {
                let mut issues = egress_issues(&policy, rule);
                issues.extend(mask_issues(rule));
                issues
            }
            Candidate::Connection(connection) => connection_issues(&policy, &tls, connection),
        }),
        vault,
        Box::new(move |view| {
            // Before delivery starts there is nobody to tell: it starts with what is in force then.
            if let Some(engine) = told.engine.get() {
                engine.reconcile(view);
            }
        }),
    );
    Ok(Ruled {
        log,
        router,
        control: Arc::new(control),
        targets,
    })
}

/// The addresses under which this server is known: its public URL, and where it listens.
fn origins(settings: &Settings, address: SocketAddr) -> Origins {
    let public = settings.public_url.as_ref().map(ToString::to_string);
    let local = format!("http://localhost:{}", address.port());
    Origins::new(public.into_iter().chain([format!("http://{address}"), local]))
}

/// Reads the catalog, in which the bus `system` is always there.
async fn load(repository: &dyn Repository) -> Result<Loaded, RepositoryError> {
    let loaded = repository.load().await?;
    if loaded
        .buses
        .iter()
        .any(|bus| bus.name.is_system() && !bus.deleted)
    {
        return Ok(loaded);
    }
    let change = Change {
        create_buses: vec![BusName::system()],
        ..Change::default()
    };
    match repository.commit(change).await {
        // Another server of this catalog came first.
        Ok(_) | Err(RepositoryError::BusExists(_)) => repository.load().await,
        Err(error) => Err(error),
    }
}

/// Starts to deliver, which comes last: a start that fails before has called nobody.
pub(super) async fn deliver(
    settings: &Settings,
    ruled: Ruled,
    letters: Log,
    clock: SharedClock,
    running: &Arc<Running>,
) -> Result<Services, ServeError> {
    let Ruled {
        log,
        router,
        control,
        targets,
    } = ruled;
    let view = Arc::clone(router.snapshot().view());
    let logs = Logs {
        events: log.clone(),
        letters,
        keeping: keeping(settings),
    };
    let publisher = Publisher::new(log.clone(), Arc::clone(&router));
    let outside = Outside {
        targets,
        publish: Arc::new(Decides(publisher.clone())),
        clock,
    };
    let (runtime, running) = (tokio::runtime::Handle::current(), Arc::clone(running));
    let started = tokio::task::spawn_blocking(move || {
        let _runtime = runtime.enter();
        let engine = Engine::start(logs, outside, &view)?;
        Ok::<_, LogError>(running.engine.get_or_init(|| engine).clone())
    });
    let engine = started.await.map_err(|_| ServeError::Interrupted)??;
    let traffic = Arc::new(Traffic::new(log.clone(), Arc::clone(&router)));
    Ok(Services {
        log,
        router,
        control,
        publisher,
        engine,
        traffic,
    })
}

/// Events that delivery brings are decided as those that clients publish.
struct Decides(Publisher);

impl Publish for Decides {
    fn prepare(&self, bus: &str, event: &Event) -> Result<(BusId, NewEvent), Unpublishable> {
        self.0.prepare(bus, event).map_err(|error| match error {
            PublishError::Refused(refusals) => {
                let cause = refusals.into_iter().next().map(|refusal| refusal.cause);
                Unpublishable {
                    code: cause.as_ref().map_or("refused", Cause::code),
                    why: cause.map_or_else(String::new, |cause| cause.to_string()),
                }
            }
            other => Unpublishable {
                code: "no-such-bus",
                why: other.to_string(),
            },
        })
    }
}

/// Targets whose host may not be called. What a name has for addresses is judged when it is resolved.
fn egress_issues(policy: &egress::Policy, rule: &Rule) -> Vec<Issue> {
    let judge = |(place, target): (usize, &crate::catalog::Target)| {
        let (at, url) = target.kind.url()?;
        let denied = policy.permit_host(url).err()?;
        Some(Issue::new(
            format!("/targets/{place}{at}"),
            "egress-denied",
            denied.to_string(),
        ))
    };
    rule.targets.iter().enumerate().filter_map(judge).collect()
}

/// The transforms that mask with hashes while there is no key for them.
fn mask_issues(rule: &Rule) -> Vec<Issue> {
    if crate::secret::mask_key().is_some() {
        return Vec::new();
    }
    let own = rule.transform.iter().map(|transform| (String::new(), transform));
    let targets = rule
        .targets
        .iter()
        .enumerate()
        .filter_map(|(place, target)| Some((format!("/targets/{place}"), target.transform.as_ref()?)));
    let hashing = own
        .chain(targets)
        .filter(|(_, transform)| transform.needs_mask_key());
    let issue = |(at, _)| {
        let detail = "masks with hashes need their key";
        Issue::new(format!("{at}/transform"), "secret-not-set", detail)
            .with_correction("set the variable TRAMLINE_SECRET_MASK of the server")
    };
    hashing.map(issue).collect()
}

/// What outgoing TLS connections trust: the system's authorities, and those of `--egress-ca`.
fn outgoing_tls(settings: &Settings) -> Result<egress::Tls, ServeError> {
    let Some(path) = &settings.egress_ca else {
        return egress::Tls::new(None).map_err(ServeError::Tls);
    };
    let read = crate::config::read_small(path);
    let pem = read.map_err(|error| ServeError::System("cannot read --egress-ca", error))?;
    egress::Tls::new(Some(&pem)).map_err(ServeError::Tls)
}

/// What of a connection can never be used: a token endpoint that may not be called, a client
/// certificate that is none. References are looked at when they are used.
fn connection_issues(policy: &egress::Policy, tls: &egress::Tls, connection: &Connection) -> Vec<Issue> {
    let mut issues = Vec::new();
    if let Some(Auth::OAuth2(oauth)) = &connection.auth
        && let Err(denied) = policy.permit_host(&oauth.token_url)
    {
        issues.push(Issue::new(
            "/oauth2/token_url",
            "egress-denied",
            denied.to_string(),
        ));
    }
    if let Some(mtls) = &connection.mtls
        && let (Credential::Plain(cert), Credential::Plain(key)) = (&mtls.cert, &mtls.key)
    {
        let ca = match &mtls.ca {
            Some(Credential::Plain(ca)) => Some(ca.expose()),
            _ => None,
        };
        if let Err(error) = tls.with_identity(cert.expose(), key.expose(), ca) {
            issues.push(Issue::new("/mtls", "invalid-certificate", error.to_string()));
        }
    }
    issues
}
