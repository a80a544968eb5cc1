//! Publishing with validation beside publishing without, and a registry of many types.

use std::fmt::Write as _;
use std::time::Duration;
use std::time::Instant;

use serde_json::json;

use super::load;
use super::options::Options;
use super::payload::Payload;
use super::server::Server;
use super::statistics::median;
use super::table::Row;
use super::table::Table;

/// With validation this part of the events is published.
const VALIDATED: f64 = 0.8;
/// Connections that publish.
const CONNECTIONS: usize = 64;
/// Fields of the schema, and of the data of each event.
const FIELDS: usize = 20;
/// Types of the large registry, and versions of each.
const TYPES: usize = 10_000;
const VERSIONS: usize = 10;
/// It starts within this time.
const START: Duration = Duration::from_secs(2);
/// And lists a page within this time.
const PAGE: Duration = Duration::from_millis(20);
/// Types registered with one call.
const AT_ONCE: usize = 500;

/// Measures both.
pub(crate) async fn measure(options: &Options, table: &mut Table) {
    validation(options, table).await;
    registry(options, table).await;
}

/// The same events, published to a type whose schema rejects, and to one that has none.
async fn validation(options: &Options, table: &mut Table) {
    let server = Server::start(None).await;
    apply(&server, &[("checked".to_owned(), document(0))]).await;
    let (checked, free) = (
        Payload::fields("checked", FIELDS),
        Payload::fields("unknown", FIELDS),
    );
    let ratio = compare(options, &server, (&checked, &free), table).await;
    table.add(Row {
        name: format!("  validated by a schema of {FIELDS} fields"),
        bar: Some((
            format!("{ratio:.2} of publishing without"),
            format!("at least {VALIDATED}"),
            ratio >= VALIDATED,
        )),
        ..Row::default()
    });
}

/// Alternates between two kinds of events; the median of the ratios within each round.
async fn compare(
    options: &Options,
    server: &Server,
    (one, other): (&Payload, &Payload),
    table: &mut Table,
) -> f64 {
    let (mut rates, mut others, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..options.rounds() {
        let run = |payload| {
            load::run(
                server.address,
                CONNECTIONS,
                payload,
                options.warm_up(),
                options.round(),
            )
        };
        let (own, bare) = (
            run(one).await.events_per_second,
            run(other).await.events_per_second,
        );
        rates.push(own);
        others.push(bare);
        ratios.push(own / bare);
    }
    for (name, rates) in [
        ("publish with a schema that rejects", rates),
        ("  publish without", others),
    ] {
        table.add(Row {
            name: name.to_owned(),
            rate: Some(median(rates)),
            ..Row::default()
        });
    }
    median(ratios)
}

/// Ten thousand types with ten versions each: start, a page of the list, and what an event costs.
async fn registry(options: &Options, table: &mut Table) {
    let types = options.types(TYPES);
    let server = Server::start(None).await;
    for version in 0..VERSIONS {
        let names: Vec<_> = (0..types)
            .map(|kind| format!("com.example.type{kind:05}"))
            .collect();
        for chunk in names.chunks(AT_ONCE) {
            let schemas: Vec<_> = chunk
                .iter()
                .map(|name| (name.clone(), document(version)))
                .collect();
            apply(&server, &schemas).await;
        }
    }
    let (server, took) = server.restart().await;
    table.add(Row {
        name: format!("start with {types} types of {VERSIONS} versions"),
        bar: Some((
            format!("ready in {:.2} s", took.as_secs_f64()),
            format!("under {} s", START.as_secs()),
            took < START,
        )),
        ..Row::default()
    });
    let mut pages = Vec::new();
    for _ in 0..options.rounds() {
        let asked = Instant::now();
        let page = server.get("/v1/schemas?limit=100").await;
        pages.push(asked.elapsed().as_secs_f64());
        assert_eq!(
            page.get("items")
                .and_then(serde_json::Value::as_array)
                .map(Vec::len),
            Some(100)
        );
    }
    let page = median(pages);
    table.add(Row {
        name: "  list a page of 100".to_owned(),
        bar: Some((
            format!("{:.1} ms", page * 1_000.0),
            format!("under {} ms", PAGE.as_millis()),
            page < PAGE.as_secs_f64(),
        )),
        ..Row::default()
    });
    let small = Server::start(None).await;
    let one = "com.example.type00007";
    apply(&small, &[(one.to_owned(), document(VERSIONS - 1))]).await;
    let payload = Payload::fields(one, FIELDS);
    let mut ratios = Vec::new();
    for _ in 0..options.rounds() {
        let run = |server: &Server| {
            load::run(
                server.address,
                CONNECTIONS,
                &payload,
                options.warm_up(),
                options.round(),
            )
        };
        let (many, few) = (run(&server).await, run(&small).await);
        ratios.push(many.events_per_second / few.events_per_second);
    }
    let ratio = median(ratios);
    table.add(Row {
        name: "  publish one of them, validated".to_owned(),
        bar: Some((
            format!("{ratio:.2} of a registry of one type"),
            "at least 0.9".to_owned(),
            ratio >= 0.9,
        )),
        ..Row::default()
    });
}

/// The schema of a version: each allows one field more.
fn document(version: usize) -> String {
    let mut properties = String::new();
    for field in 0..FIELDS + version {
        let kind = match field % 4 {
            0 => r#"{"type":"string","maxLength":40}"#,
            1 => r#"{"type":"integer","minimum":0}"#,
            2 => r#"{"type":"object","properties":{"a":{"type":"boolean"}},"required":["a"]}"#,
            _ => r#"{"type":"array","items":{"type":"number"}}"#,
        };
        let comma = if field == 0 { "" } else { "," };
        write!(properties, r#"{comma}"f{field}":{kind}"#).expect("text takes text");
    }
    let required: Vec<_> = (0..FIELDS).map(|field| format!("f{field}")).collect();
    format!(
        r#"{{"type":"object","properties":{{{properties}}},"required":{}}}"#,
        json!(required)
    )
}

async fn apply(server: &Server, schemas: &[(String, String)]) {
    let schemas: Vec<_> = schemas
        .iter()
        .map(|(kind, document)| {
            format!(r#"{{"type":"{kind}","compatibility":"none","validation":"reject","schema":{document}}}"#)
        })
        .collect();
    server
        .apply(&format!(r#"{{"schemas":[{}]}}"#, schemas.join(",")))
        .await;
}
