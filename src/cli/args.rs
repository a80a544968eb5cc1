//! What can be said on the command line.

use std::path::PathBuf;

use clap::Args;
use clap::Parser;
use clap::Subcommand;
use clap::ValueEnum;

use crate::config::Flags;

/// A self-hosted event bus: nothing acknowledged is ever lost, every event's fate can be looked up
#[derive(Debug, Parser)]
#[command(name = "tramline", version)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run a server
    Serve(ServeArgs),
    /// Run a server to try things on: loopback targets allowed, sample rules, a line to try
    Dev(Flags),
    /// Publish events
    Publish(PublishArgs),
    /// Follow the events of a bus
    Tail(TailArgs),
    /// Look up one event
    #[command(subcommand)]
    Event(EventVerb),
    /// Check, test, apply and list rules
    #[command(subcommand)]
    Rules(RulesVerb),
    /// Dead letters: list them, give them back, give them up
    #[command(subcommand)]
    Dlq(DlqVerb),
    /// Routes: what each pair of rule and target is doing
    #[command(subcommand)]
    Routes(RoutesVerb),
    /// Schemas of event types: register, check and show them, and ask them about data
    #[command(subcommand)]
    Schemas(SchemasVerb),
    /// Sources: who publishes to a bus
    #[command(subcommand)]
    Sources(SourcesVerb),
    /// Look into a log on disk
    #[command(subcommand)]
    Log(LogVerb),
    /// What the server is
    Status(ServerArgs),
    /// Print the OpenAPI document
    Openapi,
}

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    pub(super) flags: Flags,
    /// Print the settings in force and where each comes from, and exit
    #[arg(long)]
    pub(super) print_config: bool,
}

/// Which server to talk to
#[derive(Debug, Clone, Args)]
pub(super) struct ServerArgs {
    /// Where the server is
    #[arg(long, env = "TRAMLINE_URL", default_value = "http://127.0.0.1:8080")]
    pub(super) url: String,
    /// How to write the answer
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Output,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// For people
    #[default]
    Table,
    /// One JSON document
    Json,
    /// One JSON document a line
    Jsonl,
    /// One YAML document
    Yaml,
}

#[derive(Debug, Args)]
pub(super) struct PublishArgs {
    #[command(flatten)]
    pub(super) server: ServerArgs,
    /// Bus to publish to
    #[arg(long, default_value = "default")]
    pub(super) bus: String,
    /// Events from a file, one JSON object a line; - is stdin
    #[arg(short, long, conflicts_with_all = ["kind", "data"])]
    pub(super) file: Option<PathBuf>,
    /// Type of the event
    #[arg(long = "type", required_unless_present = "file")]
    pub(super) kind: Option<String>,
    /// Source of the event
    #[arg(long, default_value = "/tramline/cli")]
    pub(super) source: String,
    /// Subject of the event
    #[arg(long)]
    pub(super) subject: Option<String>,
    /// Id of the event; a new one by default
    #[arg(long)]
    pub(super) id: Option<String>,
    /// Publish the event so many times, each with an id of its own
    #[arg(long, default_value_t = 1, conflicts_with_all = ["id", "file"])]
    pub(super) count: u32,
    /// Send so many events at once; each batch is stored whole or not at all
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) batch: u32,
    /// Data of the event, as JSON
    #[arg(long)]
    pub(super) data: Option<String>,
    /// An extension attribute; repeatable
    #[arg(long = "ext", value_name = "NAME=VALUE")]
    pub(super) extensions: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct TailArgs {
    #[command(flatten)]
    pub(super) server: ServerArgs,
    /// Bus to follow
    #[arg(long, default_value = "default")]
    pub(super) bus: String,
    /// Only events of this type
    #[arg(long = "type")]
    pub(super) kind: Option<String>,
    /// Only events of this source
    #[arg(long)]
    pub(super) source: Option<String>,
    /// Only events that this rule matched
    #[arg(long)]
    pub(super) rule: Option<String>,
    /// Only events that this matches: the `match` of a rule, as JSON
    #[arg(long = "match")]
    pub(super) pattern: Option<String>,
    /// End after so many events
    #[arg(short)]
    pub(super) n: Option<usize>,
    /// Where to begin: earliest, latest, a sequence or a time
    #[arg(long)]
    pub(super) since: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum EventVerb {
    /// Show an event
    Get(EventArgs),
    /// Show what became of an event
    Trace(EventArgs),
}

#[derive(Debug, Args)]
pub(super) struct EventArgs {
    #[command(flatten)]
    pub(super) server: ServerArgs,
    /// Bus of the event
    #[arg(long, default_value = "default")]
    pub(super) bus: String,
    /// Its number on the bus
    pub(super) sequence: u64,
}

#[derive(Debug, Subcommand)]
pub(super) enum RulesVerb {
    /// Check rules files without a server
    Check(FilesArgs),
    /// Run the tests in rules files without a server
    Test(FilesArgs),
    /// Say which rules in files an event matches, and why the others do not
    Explain(ExplainArgs),
    /// Make rules files the state of their buses
    Apply(ApplyArgs),
    /// List the rules of a bus
    List(BusArgs),
    /// Print the JSON Schema of rules files, for editors
    Schema,
}

#[derive(Debug, Args)]
pub(super) struct FilesArgs {
    /// Files and folders
    #[arg(required = true)]
    pub(super) paths: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// File with the event in JSON, any part of it; `-` reads standard input
    #[arg(long, short = 'f', value_name = "FILE", default_value = "-")]
    pub(super) event: PathBuf,
    /// Name of one rule, if the others do not matter
    #[arg(long)]
    pub(super) rule: Option<String>,
    /// Files and folders with rules
    #[arg(required = true)]
    pub(super) paths: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    #[command(flatten)]
    pub(super) server: ServerArgs,
    /// Only say what would change
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Remove rules that the files do not name, on the buses that they name
    #[arg(long)]
    pub(super) prune: bool,
    /// Files and folders
    #[arg(required = true)]
    pub(super) paths: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct BusArgs {
    #[command(flatten)]
    pub(super) server: ServerArgs,
    /// The bus
    #[arg(long, default_value = "default")]
    pub(super) bus: String,
}

#[derive(Debug, Subcommand)]
pub(super) enum DlqVerb {
    /// List dead letters
    List(LettersArgs),
    /// Show a dead letter with its event and its attempts
    Show(LetterArgs),
    /// Give dead letters back to their routes
    Redrive(RedriveArgs),
    /// Give dead letters up, on record
    Discard(DiscardArgs),
}

#[derive(Debug, Args)]
pub(super) struct LetterArgs {
    #[command(flatten)]
    pub(super) server: ServerArgs,
    /// Its id
    pub(super) id: String,
}

#[derive(Debug, Subcommand)]
pub(super) enum RoutesVerb {
    /// List the open routes of all buses
    List(ServerArgs),
    /// Show a route
    Get(RouteArgs),
    /// Send a test event to the target of a route; fails if it is not taken
    Test(RouteArgs),
}

#[derive(Debug, Args)]
pub(super) struct RouteArgs {
    #[command(flatten)]
    pub(super) server: ServerArgs,
    /// Its bus
    #[arg(long, default_value = "default")]
    pub(super) bus: String,
    /// Its names, as RULE/TARGET
    pub(super) route: RouteName,
}

/// A rule and one of its targets.
#[derive(Debug, Clone)]
pub(super) struct RouteName {
    pub(super) rule: String,
    pub(super) target: String,
}

impl std::str::FromStr for RouteName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').filter(|(_, target)| !target.contains('/'));
        let (rule, target) = parts.ok_or("a route is written RULE/TARGET")?;
        let (rule, target) = (rule.to_owned(), target.to_owned());
        Ok(Self { rule, target })
    }
}

/// Which dead letters
#[derive(Debug, Clone, Args)]
pub(super) struct LettersArgs {
    #[command(flatten)]
    pub(super) server: ServerArgs,
    /// On this bus
    #[arg(long)]
    pub(super) bus: Option<String>,
    /// Of this rule
    #[arg(long)]
    pub(super) rule: Option<String>,
    /// Of this target
    #[arg(long)]
    pub(super) target: Option<String>,
    /// With this code
    #[arg(long)]
    pub(super) code: Option<String>,
    /// Whose last attempt was at or after this RFC 3339 time
    #[arg(long)]
    pub(super) since: Option<String>,
    /// Whose last attempt was before this RFC 3339 time
    #[arg(long)]
    pub(super) until: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct RedriveArgs {
    #[command(flatten)]
    pub(super) letters: LettersArgs,
    /// Only say how many there are
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Not faster than this, such as 100/s
    #[arg(long)]
    pub(super) rate: Option<String>,
    /// With the present transform of the rule
    #[arg(long)]
    pub(super) retransform: bool,
    /// To another route of the bus, as RULE/TARGET
    #[arg(long)]
    pub(super) to: Option<RouteName>,
    /// These letters only
    pub(super) ids: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct DiscardArgs {
    #[command(flatten)]
    pub(super) letters: LettersArgs,
    /// Why, to be read in the timeline of each event
    #[arg(long)]
    pub(super) reason: String,
    /// Only say how many there are
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    pub(super) yes: bool,
    /// These letters only
    pub(super) ids: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum SchemasVerb {
    /// Register the next version of a schema
    Register(SchemaRegisterArgs),
    /// List the schemas
    List(ServerArgs),
    /// Show the versions of a schema, or the document of one
    Get(SchemaGetArgs),
    /// Say whether a document may be the next version; fails if that is not proved
    Check(SchemaDocumentArgs),
    /// Judge data by a schema; fails if it is not valid
    Validate(SchemaValidateArgs),
    /// Say where two versions or files differ; fails if they do
    Diff(SchemaDiffArgs),
    /// Propose a schema from real events, and say how they differ from the one there is
    Infer(SchemaInferArgs),
}

#[derive(Debug, Args)]
pub(super) struct SchemaInferArgs {
    #[command(flatten)]
    pub(super) server: ServerArgs,
    /// The event type
    #[arg(value_name = "TYPE")]
    pub(super) kind: String,
    /// Look at the events of one bus
    #[arg(long)]
    pub(super) bus: Option<String>,
    /// Begin with this time, sequence or `earliest`; the newest events by default
    #[arg(long)]
    pub(super) from: Option<String>,
    /// End before this time or sequence
    #[arg(long)]
    pub(super) to: Option<String>,
    /// How many events to look at; 1,000 by default
    #[arg(long)]
    pub(super) sample: Option<usize>,
    /// Print the proposed schema alone
    #[arg(long)]
    pub(super) document: bool,
}

#[derive(Debug, Args)]
pub(super) struct SchemaDocumentArgs {
    #[command(flatten)]
    pub(super) server: ServerArgs,
    /// The event type
    #[arg(value_name = "TYPE")]
    pub(super) kind: String,
    /// File with the JSON; - is stdin
    #[arg(default_value = "-")]
    pub(super) file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct SchemaRegisterArgs {
    #[command(flatten)]
    pub(super) document: SchemaDocumentArgs,
    /// Take a document too of which cannot be decided whether it may follow
    #[arg(long)]
    pub(super) accept_undecided: bool,
}

#[derive(Debug, Args)]
pub(super) struct SchemaValidateArgs {
    #[command(flatten)]
    pub(super) document: SchemaDocumentArgs,
    /// Number of the version; the latest by default
    #[arg(long, value_name = "VERSION")]
    pub(super) by: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct SchemaGetArgs {
    #[command(flatten)]
    pub(super) server: ServerArgs,
    /// The event type
    #[arg(value_name = "TYPE")]
    pub(super) kind: String,
    /// Number of a version, or latest
    #[arg(value_name = "VERSION")]
    pub(super) number: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct SchemaDiffArgs {
    #[command(flatten)]
    pub(super) server: ServerArgs,
    /// The event type
    #[arg(value_name = "TYPE")]
    pub(super) kind: String,
    /// Number of a version, latest, or a file
    pub(super) from: String,
    /// Number of a version, latest, or a file
    #[arg(default_value = "latest")]
    pub(super) to: String,
}

#[derive(Debug, Subcommand)]
pub(super) enum SourcesVerb {
    /// List the sources of a bus
    List(BusArgs),
    /// Show a source
    Get(SourceArgs),
    /// Register a source, or replace it as a whole
    Set(SourceSetArgs),
    /// Remove a source
    Rm(SourceRemoveArgs),
}

#[derive(Debug, Args)]
pub(super) struct SourceArgs {
    #[command(flatten)]
    pub(super) server: ServerArgs,
    /// Its bus
    #[arg(long, default_value = "default")]
    pub(super) bus: String,
    /// Its name
    pub(super) name: String,
}

#[derive(Debug, Args)]
pub(super) struct SourceSetArgs {
    #[command(flatten)]
    pub(super) place: SourceArgs,
    /// The source of its events, or how it begins with * behind
    #[arg(long)]
    pub(super) source: String,
    /// A type that it may emit, or how it begins with * behind; repeatable
    #[arg(long = "type", value_name = "TYPE")]
    pub(super) types: Vec<String>,
    /// Who is responsible
    #[arg(long)]
    pub(super) owner: Option<String>,
    /// What it is
    #[arg(long)]
    pub(super) description: Option<String>,
    /// Where to ask
    #[arg(long)]
    pub(super) contact: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct SourceRemoveArgs {
    #[command(flatten)]
    pub(super) place: SourceArgs,
    /// Do not ask
    #[arg(short, long)]
    pub(super) yes: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum LogVerb {
    /// List the frames of a log
    Inspect(LogArgs),
    /// Check every byte of a log
    Verify(LogArgs),
    /// Set damage aside so that a log opens again; events that are lost become gaps
    Repair(RepairArgs),
}

#[derive(Debug, Args)]
pub(super) struct RepairArgs {
    #[command(flatten)]
    pub(super) log: LogArgs,
    /// Copy damaged bytes to `quarantine/` in the data directory and put what they held on record as lost
    #[arg(long)]
    pub(super) quarantine: bool,
}

#[derive(Debug, Args)]
pub(super) struct LogArgs {
    /// The data directory
    #[arg(long, default_value = "tramline-data")]
    pub(super) data_dir: PathBuf,
    /// How to write the answer
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Output,
}
