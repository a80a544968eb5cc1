//! The one way to change the catalog while the server runs.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::announce::announcements;
use super::announce::closures;
use super::announce::missing_announcements;
use super::circles;
use super::connections;
use super::schemas;
use super::snapshot::Router;
use super::snapshot::Snapshot;
use super::sources;
use crate::catalog::BusName;
use crate::catalog::BusSettings;
use crate::catalog::BusSettingsRow;
use crate::catalog::Change;
use crate::catalog::Committed;
use crate::catalog::Connection;
use crate::catalog::ConnectionName;
use crate::catalog::EventType;
use crate::catalog::Issue;
use crate::catalog::Plan;
use crate::catalog::PlanError;
use crate::catalog::Planned;
use crate::catalog::RegisteredSource;
use crate::catalog::Repository;
use crate::catalog::RepositoryError;
use crate::catalog::Rule;
use crate::catalog::RuleName;
use crate::catalog::RulesFile;
use crate::catalog::SchemaSettings;
use crate::catalog::Source;
use crate::catalog::SourceName;
use crate::catalog::StoredSpecError;
use crate::catalog::View;
use crate::log::AppendError;
use crate::log::Log;
use crate::log::StateRecord;
use crate::problem::chain;
use crate::secret::Vault;

/// Between attempts to make the log take note of a change while it has more to write than it may hold.
const LOG_AGAIN: Duration = Duration::from_millis(100);

/// How often a change is planned anew because another server was faster.
const ATTEMPTS: u32 = 20;

/// What somebody wants the catalog to be.
#[derive(Debug)]
pub enum Desired {
    /// The rules of these documents, without a file that owns them.
    Apply {
        /// The documents.
        files: Vec<RulesFile>,
        /// Remove what they do not name, on the buses they name.
        prune: bool,
    },
    /// The rules of these files, which own them.
    Sources(Vec<Source>),
    /// One rule.
    PutRule {
        /// Its bus.
        bus: BusName,
        /// The rule.
        rule: Box<Rule>,
        /// The revision that must be in force, if the caller saw one.
        expect: Option<u64>,
    },
    /// One rule less.
    DeleteRule {
        /// Its bus.
        bus: BusName,
        /// Its name.
        rule: RuleName,
        /// The revision that must be in force, if the caller saw one.
        expect: Option<u64>,
    },
    /// A bus, whether it exists already or not.
    PutBus {
        /// Its name.
        bus: BusName,
        /// What it refuses; as before if nothing is said.
        settings: Option<BusSettings>,
    },
    /// A bus less; it must have no rules.
    DeleteBus(BusName),
    /// One connection.
    PutConnection {
        /// Its name.
        name: ConnectionName,
        /// The connection as it was given. Secrets that it leaves out stay.
        given: Value,
        /// The revision that must be in force, if the caller saw one.
        expect: Option<u64>,
    },
    /// One connection less; no rule may name it.
    DeleteConnection {
        /// Its name.
        name: ConnectionName,
        /// The revision that must be in force, if the caller saw one.
        expect: Option<u64>,
    },
    /// The schema of an event type, without versions if it is new.
    PutSchema {
        /// The event type.
        kind: EventType,
        /// How it is kept and used.
        settings: SchemaSettings,
        /// The revision that must be in force, if the caller saw one.
        expect: Option<u64>,
    },
    /// One version more of a schema. For [`Control::register`], which judges it.
    AddSchemaVersion {
        /// The event type.
        kind: EventType,
        /// The JSON Schema.
        document: Arc<str>,
        /// The versions that it refers to.
        refers: Vec<(EventType, u32)>,
        /// The revision that it was judged by, 0 for none.
        expect: u64,
    },
    /// One schema less, with all its versions; no other schema may refer to it.
    DeleteSchema {
        /// The event type.
        kind: EventType,
        /// The revision that must be in force, if the caller saw one.
        expect: Option<u64>,
    },
    /// One source of a bus.
    PutSource {
        /// Its bus.
        bus: BusName,
        /// The source.
        source: RegisteredSource,
        /// The revision that must be in force, if the caller saw one.
        expect: Option<u64>,
    },
    /// One source less.
    DeleteSource {
        /// Its bus.
        bus: BusName,
        /// Its name.
        name: SourceName,
        /// The revision that must be in force, if the caller saw one.
        expect: Option<u64>,
    },
}

impl Desired {
    /// The buses of its rules, which are there after it.
    fn buses(&self) -> Vec<BusName> {
        match self {
            Self::Apply { files, .. } => files.iter().map(|file| file.bus.clone()).collect(),
            Self::Sources(sources) => {
                let files = sources.iter().flat_map(|source| &source.files);
                files.map(|file| file.bus.clone()).collect()
            }
            Self::PutRule { bus, .. } => vec![bus.clone()],
            _ => Vec::new(),
        }
    }

    /// Its files, if it is made of files.
    fn files(&self) -> Vec<&RulesFile> {
        match self {
            Self::Apply { files, .. } => files.iter().collect(),
            Self::Sources(sources) => sources.iter().flat_map(|source| &source.files).collect(),
            _ => Vec::new(),
        }
    }

    /// An issue for each of its targets that would lead events in a circle once `change` is made.
    fn circles(&self, view: &View, change: &Change) -> Vec<Issue> {
        if let Self::PutRule { bus, rule, .. } = self {
            let closed = circles::closed(view, change, std::iter::once((bus, &**rule)));
            return closed.into_iter().map(|(_, issue)| issue).collect();
        }
        let files = self.files();
        let rules = files.iter().flat_map(|file| {
            let rules = file.rules.iter().enumerate();
            rules.map(move |(index, rule)| (*file, index, rule))
        });
        let closed = circles::closed(
            view,
            change,
            rules.clone().map(|(file, _, rule)| (&file.bus, rule)),
        );
        let placed = closed.into_iter().filter_map(|(place, mut issue)| {
            let (file, index, _) = rules.clone().nth(place)?;
            issue.pointer = format!("/rules/{index}{}", issue.pointer);
            issue.place = file.place(&issue);
            Some(issue)
        });
        placed.collect()
    }
}

/// Why the catalog was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// Something that was asked for cannot be planned.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Rules are well formed and still refused.
    #[error("{}", Issue::render_all(.0))]
    Refused(Vec<Issue>),
    /// The rule is of another revision than the caller saw.
    #[error("the rule `{rule}` is at revision {found}, not {expected}")]
    Stale {
        /// The rule.
        rule: RuleName,
        /// The revision in force, 0 for none.
        found: u64,
        /// The revision the caller saw.
        expected: u64,
    },
    /// Another revision of a connection is in force than the caller saw.
    #[error("the connection `{name}` is at revision {found}, not {expected}")]
    StaleConnection {
        /// The connection.
        name: ConnectionName,
        /// The revision in force, 0 for none.
        found: u64,
        /// The revision the caller saw.
        expected: u64,
    },
    /// There is nothing to remove.
    #[error("there is no connection `{0}`")]
    NoSuchConnection(ConnectionName),
    /// Change these rules first.
    #[error("the connection `{name}` is named by {}", users.join(", "))]
    ConnectionInUse {
        /// The connection.
        name: ConnectionName,
        /// Some of the rules that name it, with their buses.
        users: Vec<String>,
    },
    /// Another revision of a schema is in force than the caller saw.
    #[error("the schema of `{kind}` is at revision {found}, not {expected}")]
    StaleSchema {
        /// The event type.
        kind: EventType,
        /// The revision in force, 0 for none.
        found: u64,
        /// The revision the caller saw.
        expected: u64,
    },
    /// There is nothing to remove.
    #[error("there is no schema of the event type `{0}`")]
    NoSuchSchema(EventType),
    /// Remove these first.
    #[error("the schema of `{kind}` is referred to by {}", users.join(", "))]
    SchemaInUse {
        /// The event type.
        kind: EventType,
        /// Some of the versions that refer to it.
        users: Vec<String>,
    },
    /// Another revision of a source is in force than the caller saw.
    #[error("the source `{name}` is at revision {found}, not {expected}")]
    StaleSource {
        /// The source.
        name: SourceName,
        /// The revision in force, 0 for none.
        found: u64,
        /// The revision the caller saw.
        expected: u64,
    },
    /// There is nothing to remove.
    #[error("there is no source `{name}` on the bus `{bus}`")]
    NoSuchSource {
        /// The bus.
        bus: BusName,
        /// The source.
        name: SourceName,
    },
    /// The repository refused or could not be reached.
    #[error("the catalog was not changed")]
    Repository(#[from] RepositoryError),
    /// What was stored cannot be used.
    #[error(transparent)]
    Stored(#[from] StoredSpecError),
    /// The log could not take note; the process is about to end.
    #[error("the change is stored, but the log could not take note of it")]
    Log(#[from] AppendError),
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
}

/// What is about to be stored.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Candidate<'a> {
    /// A rule.
    Rule(&'a Rule),
    /// A connection.
    Connection(&'a Connection),
}

/// Refuses what is well formed for reasons that lie outside of the catalog, such as where calls may go.
pub type Admission = Box<dyn Fn(Candidate<'_>) -> Vec<Issue> + Send + Sync>;
/// Told of every catalog before it comes into force.
pub type OnChange = Box<dyn Fn(&Arc<View>) + Send + Sync>;

/// Changes the catalog, one change at a time.
pub struct Control {
    repository: Arc<dyn Repository>,
    log: Log,
    router: Arc<Router>,
    admission: Admission,
    vault: Arc<Vault>,
    on_change: OnChange,
    turn: Mutex<()>,
    tasks: TaskTracker,
    stopping: CancellationToken,
    /// Whether a worn snapshot is being compiled as a whole.
    is_renewing: AtomicBool,
}

impl Control {
    /// Changes go to `repository`, with their secrets sealed by `vault`, then to the log, then into
    /// force in `router`.
    #[must_use]
    pub fn new(
        repository: Arc<dyn Repository>,
        log: Log,
        router: Arc<Router>,
        admission: Admission,
        vault: Arc<Vault>,
        on_change: OnChange,
    ) -> Self {
        let (turn, tasks) = (Mutex::new(()), TaskTracker::new());
        Self {
            repository,
            log,
            router,
            admission,
            vault,
            on_change,
            turn,
            tasks,
            stopping: CancellationToken::new(),
            is_renewing: AtomicBool::new(false),
        }
    }

    /// Makes the catalog as desired; with `dry_run` only says what would change.
    ///
    /// On return the change is durable and in force: every publish that begins afterwards is
    /// decided by it. A dropped future does not stop a change that has begun.
    ///
    /// # Errors
    /// Nothing has changed, except after [`ControlError::Log`].
    pub async fn change(self: &Arc<Self>, mut desired: Desired, dry_run: bool) -> Result<Plan, ControlError> {
        let this = Arc::clone(self);
        let task = self.tasks.spawn(async move {
            let result = this.change_in_turn(&mut desired, dry_run).await;
            this.renew_when_worn();
            result
        });
        task.await.map_err(|_| ControlError::Stopping)?
    }

    /// Waits for changes that have begun.
    pub async fn stop(&self) {
        self.stopping.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Compiles as a whole, beside the work, what many small changes have worn.
    ///
    /// What changes meanwhile is laid over the result.
    fn renew_when_worn(self: &Arc<Self>) {
        let snapshot = self.router.snapshot();
        if !snapshot.is_worn() || self.is_renewing.swap(true, Ordering::Relaxed) {
            return;
        }
        let this = Arc::clone(self);
        self.tasks.spawn(async move {
            let renewed = this.tasks.spawn_blocking(move || snapshot.renewed()).await;
            let _turn = this.turn.lock().await;
            if let Ok(renewed) = renewed {
                let view = Arc::clone(this.router.snapshot().view());
                this.router.swap(Arc::new(Snapshot::build(view, Some(&renewed))));
            }
            this.is_renewing.store(false, Ordering::Relaxed);
        });
    }

    async fn change_in_turn(&self, desired: &mut Desired, dry_run: bool) -> Result<Plan, ControlError> {
        let _turn = self.turn.lock().await;
        // What another server has changed is the ground that the plan stands on.
        self.catch_up_in_turn().await?;
        let mut attempt = 1;
        loop {
            let error = match self.try_change(desired, dry_run).await {
                Err(ControlError::Repository(error)) if attempt < attempts(&error) => error,
                ended => return ended,
            };
            // The catalog is not what we think: see what it says now, and try once more.
            match (self.reload().await, error) {
                (Ok(()), _) => {}
                // What was sent may have been done: that is not forgotten over another failure.
                (Err(_), unknown @ RepositoryError::OutcomeUnknown { .. }) => return Err(unknown.into()),
                (Err(error), _) => return Err(error),
            }
            attempt += 1;
        }
    }

    async fn try_change(&self, desired: &mut Desired, dry_run: bool) -> Result<Plan, ControlError> {
        let snapshot = self.router.snapshot();
        let view = snapshot.view();
        self.admit(view, desired)?;
        let Planned { mut plan, mut change } = self.plan(view, desired)?;
        self.plan_schemas(view, &desired.files(), (&mut plan, &mut change))
            .await?;
        let circles = desired.circles(view, &change);
        if !circles.is_empty() {
            return Err(ControlError::Refused(circles));
        }
        if dry_run || change.is_empty() {
            return Ok(plan);
        }
        let committed = self.repository.commit(change).await?;
        if committed.version != view.version() + 1 {
            // Another server changed something in between.
            return match self.reload().await {
                Err(ControlError::Repository(error)) => {
                    let source = error.into();
                    Err(RepositoryError::OutcomeUnknown { source }.into())
                }
                reloaded => reloaded.map(|()| plan),
            };
        }
        let next = self.view_after(view, &committed).await?;
        self.record(announcements(&committed, &next)).await?;
        self.put_in_force(&next);
        Ok(plan)
    }

    /// Puts in force what other servers of this catalog change, within a second, until the server stops.
    pub async fn follow(self: Arc<Self>) {
        let mut told = String::new();
        while self
            .stopping
            .run_until_cancelled(self.repository.news())
            .await
            .is_some()
        {
            let this = Arc::clone(&self);
            // A change that has begun is carried through, whoever waits for it.
            let trouble = match self.tasks.spawn(async move { this.catch_up().await }).await {
                Ok(Err(error)) => chain(&error),
                Ok(Ok(())) | Err(_) => String::new(),
            };
            if !trouble.is_empty() && trouble != told {
                tracing::warn!("what other servers change cannot be followed now; trying again\n{trouble}");
            }
            told = trouble;
        }
    }

    /// Puts in force what another server has changed, if one has.
    pub(super) async fn catch_up(&self) -> Result<(), ControlError> {
        if self.is_current().await? {
            return Ok(());
        }
        let _turn = self.turn.lock().await;
        // The change may have been one of this server.
        self.catch_up_in_turn().await
    }

    async fn catch_up_in_turn(&self) -> Result<(), ControlError> {
        if self.is_current().await? {
            return Ok(());
        }
        self.reload().await
    }

    async fn is_current(&self) -> Result<bool, ControlError> {
        let version = self.repository.version().await?;
        Ok(version == self.router.snapshot().view().version())
    }

    /// Puts in force what is stored, whoever stored it.
    async fn reload(&self) -> Result<(), ControlError> {
        let loaded = self.repository.load().await?;
        let before = Arc::clone(self.router.snapshot().view());
        let known = Arc::clone(&before);
        let view = self.compile(move || {
            let view = View::from_loaded(&loaded, &known)?;
            compile_new(&view, &known);
            Ok(view)
        });
        let view = view.await?;
        let mut records = missing_announcements(&self.log, &view);
        records.extend(closures(&before, &view));
        if !records.is_empty() {
            self.record(records).await?;
        }
        self.put_in_force(&view);
        Ok(())
    }

    /// The catalog after a commit.
    async fn view_after(&self, view: &Arc<View>, committed: &Committed) -> Result<Arc<View>, ControlError> {
        if committed.schema_versions.is_empty() {
            return Ok(Arc::new(view.after(committed)?));
        }
        let (view, committed) = (Arc::clone(view), committed.clone());
        self.compile(move || {
            let next = view.after(&committed)?;
            // Compiled now, no event has to wait for it.
            for row in &committed.schema_versions {
                if let Some(version) = next.schema_version(row.kind.as_str(), row.number) {
                    version.compiled().map(drop).unwrap_or_default();
                }
            }
            Ok(next)
        })
        .await
    }

    /// Compiles where it may take long.
    async fn compile(
        &self,
        compile: impl FnOnce() -> Result<View, StoredSpecError> + Send + 'static,
    ) -> Result<Arc<View>, ControlError> {
        let compiled = self.tasks.spawn_blocking(compile).await;
        Ok(Arc::new(compiled.map_err(|_| ControlError::Stopping)??))
    }

    /// What decides about events now.
    pub(super) const fn router(&self) -> &Arc<Router> {
        &self.router
    }

    /// Makes the log take note. What is stored already must come into force, so a log that is
    /// busy is asked again until the server stops.
    async fn record(&self, records: Vec<StateRecord>) -> Result<(), AppendError> {
        loop {
            match self.log.record(records.clone()).await {
                Err(AppendError::Overloaded) => {}
                ended => return ended.map(drop),
            }
            let pause = tokio::time::sleep(LOG_AGAIN);
            if self.stopping.run_until_cancelled(pause).await.is_none() {
                return Err(AppendError::Overloaded);
            }
        }
    }

    fn put_in_force(&self, view: &Arc<View>) {
        let before = self.router.snapshot();
        let next = Arc::new(Snapshot::build(Arc::clone(view), Some(&before)));
        // Delivery first: an event decided by the new rules is not rendered with the old ones.
        (self.on_change)(view);
        self.router.swap(next);
    }

    /// Refuses rules for reasons that do not stand in them, and seals their secrets.
    fn admit(&self, view: &View, desired: &mut Desired) -> Result<(), ControlError> {
        let (mut issues, coming) = (Vec::new(), desired.buses());
        let about = (view, coming.as_slice());
        match desired {
            Desired::Apply { files, .. } => {
                for file in files {
                    self.admit_file(about, file, &mut issues);
                }
            }
            Desired::Sources(sources) => {
                for file in sources.iter_mut().flat_map(|source| &mut source.files) {
                    self.admit_file(about, file, &mut issues);
                }
            }
            Desired::PutRule { bus, rule, .. } => issues.extend(self.admit_rule(about, bus, rule)),
            _ => {}
        }
        if issues.is_empty() {
            Ok(())
        } else {
            Err(ControlError::Refused(issues))
        }
    }

    fn admit_file(&self, about: (&View, &[BusName]), file: &mut RulesFile, issues: &mut Vec<Issue>) {
        let mut found = Vec::new();
        for (index, rule) in file.rules.iter_mut().enumerate() {
            let refused = self.admit_rule(about, &file.bus, rule);
            found.extend(refused.into_iter().map(|mut issue| {
                issue.pointer = format!("/rules/{index}{}", issue.pointer);
                issue
            }));
        }
        issues.extend(found.into_iter().map(|mut issue| {
            issue.place = file.place(&issue);
            issue
        }));
    }

    /// Judges a rule by the catalog as it is, and by the buses that come with the same change.
    fn admit_rule(&self, (view, coming): (&View, &[BusName]), bus: &BusName, rule: &mut Rule) -> Vec<Issue> {
        let mut issues = (self.admission)(Candidate::Rule(rule));
        issues.extend(view.missing_connections(rule));
        issues.extend(view.missing_buses(rule, coming));
        let before = view
            .current()
            .rule(bus, &rule.name)
            .map(|live| live.spec.as_ref());
        if let Err(refused) = rule.seal(bus, before, &self.vault) {
            issues.extend(refused);
        }
        issues
    }

    fn plan(&self, view: &View, desired: &Desired) -> Result<Planned, ControlError> {
        let current = view.current();
        let planned = match desired {
            Desired::Apply { files, prune } => Plan::apply(current, files, *prune)?,
            Desired::Sources(sources) => Plan::apply_sources(current, sources),
            Desired::PutRule { bus, rule, expect } => {
                check_revision(view, bus, &rule.name, *expect)?;
                Plan::put(current, bus, rule)?
            }
            Desired::DeleteRule { bus, rule, expect } => {
                check_revision(view, bus, rule, *expect)?;
                Plan::delete(current, bus, rule)?
            }
            Desired::PutBus { bus, settings } => only(put_bus(view, bus, *settings)),
            Desired::DeleteBus(bus) => {
                let found = current
                    .bus(bus)
                    .ok_or_else(|| PlanError::NoSuchBus(bus.clone()))?;
                only(Change {
                    expect: vec![(bus.clone(), found.generation)],
                    delete_buses: vec![bus.clone()],
                    ..Change::default()
                })
            }
            Desired::PutConnection { name, given, expect } => {
                let admit = |connection: &Connection| (self.admission)(Candidate::Connection(connection));
                only(connections::put(
                    view,
                    (name, given),
                    *expect,
                    &self.vault,
                    admit,
                )?)
            }
            Desired::DeleteConnection { name, expect } => only(connections::delete(view, name, *expect)?),
            Desired::PutSchema {
                kind,
                settings,
                expect,
            } => only(schemas::put(view, kind, settings, *expect)?),
            Desired::AddSchemaVersion {
                kind,
                document,
                refers,
                expect,
            } => only(schemas::add_version(view, kind, (document, refers), *expect)?),
            Desired::DeleteSchema { kind, expect } => only(schemas::delete(view, kind, *expect)?),
            Desired::PutSource { bus, source, expect } => only(sources::put(view, bus, source, *expect)?),
            Desired::DeleteSource { bus, name, expect } => only(sources::delete(view, bus, name, *expect)?),
        };
        Ok(planned)
    }
}

/// How often a change is planned that ends in this error: more than once if it may be because the catalog is
/// not what it was planned for.
const fn attempts(error: &RepositoryError) -> u32 {
    match error {
        RepositoryError::Conflict => ATTEMPTS,
        RepositoryError::OutcomeUnknown { .. }
        | RepositoryError::BusExists(_)
        | RepositoryError::NoSuchBus(_)
        | RepositoryError::NoSuchRule { .. }
        | RepositoryError::NoSuchConnection(_)
        | RepositoryError::NoSuchSchema(_)
        | RepositoryError::NoSuchSource { .. } => 2,
        _ => 1,
    }
}

/// Compiles what events are validated by and was not before, so that none has to wait for it.
fn compile_new(view: &View, known: &View) {
    for entry in view.schemas() {
        let before = known.schema(entry.kind.as_str());
        if before.is_some_and(|before| before.revision == entry.revision) {
            continue;
        }
        if let Some(version) = entry.latest() {
            // What cannot be used says so when it is used.
            version.compiled().map(drop).unwrap_or_default();
        }
    }
}

/// Creates a bus if it is not there, and puts its settings if they differ.
fn put_bus(view: &View, bus: &BusName, settings: Option<BusSettings>) -> Change {
    let live = view.bus(bus.as_str());
    let is_there = view.current().bus(bus).is_some();
    let before = live.map(|live| live.sources.settings).unwrap_or_default();
    let changed = settings.filter(|settings| *settings != before);
    let row = changed.map(|settings| BusSettingsRow {
        bus: bus.clone(),
        spec: Arc::new(Value::Object(settings.shown())),
    });
    Change {
        create_buses: (!is_there).then(|| bus.clone()).into_iter().collect(),
        put_bus_settings: row.into_iter().collect(),
        ..Change::default()
    }
}

/// A change without anything to tell.
fn only(change: Change) -> Planned {
    Planned {
        change,
        ..Planned::default()
    }
}

fn check_revision(
    view: &View,
    bus: &BusName,
    rule: &RuleName,
    expect: Option<u64>,
) -> Result<(), ControlError> {
    let found = view.rule(bus, rule).map_or(0, |live| live.revision);
    match expect {
        Some(expected) if expected != found => Err(ControlError::Stale {
            rule: rule.clone(),
            found,
            expected,
        }),
        _ => Ok(()),
    }
}
