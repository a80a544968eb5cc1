//! GitHub's own example payloads through six rules, with the power cut half-way.
//!
//! What must arrive where is computed here by [`tramline::pattern::naive`], the matcher that is
//! right by definition, over the same events and the same rules file.

mod publisher;
mod samples;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use serde::Deserialize;
use serde_json::Value;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::process::Command;
use tramline::api::EventList;
use tramline::pattern::Pattern;

use crate::support::Answer;
use crate::support::Received;
use crate::support::Server;
use crate::support::Sink;
use crate::support::eventually;
use publisher::Ledger;
use publisher::Publisher;
use samples::Sample;

const RULES: &str = include_str!("rules.yaml");

/// Before the cut each so-many-th delivery is left without an answer, so that deliveries are under
/// way when it comes. A route has 32 slots, which this does not fill.
const HANGS: usize = 7;

/// A rule's name and the ids of the events that match it.
type Expected = BTreeMap<String, BTreeSet<String>>;

/// Everything that came, by rule and event.
type Arrived<'r> = BTreeMap<(String, String), Vec<&'r Received>>;

#[tokio::test]
async fn each_payload_of_github_reaches_the_right_webhooks_across_a_power_cut() {
    let samples = Arc::new(samples::all());
    assert!(samples.len() >= 200, "{}", samples.len());
    let expected = expected(&samples);

    let (is_cut, hanging) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let sink = stumbling_sink(&is_cut, &hanging).await;
    // Segments small enough for several of them.
    let limits = [
        "--segment-size",
        "2097152",
        "--max-event-bytes",
        "262144",
        "--max-batch-bytes",
        "262144",
    ];
    let mut server = Server::start_with(&limits).await;
    let plan = server.apply(&RULES.replace("SINK", &sink.url(""))).await;
    assert_eq!(plan["add"].as_array().unwrap().len(), expected.len());

    let publisher = Publisher::start(Arc::clone(&samples), server.url());
    publisher.acknowledged(samples.len() / 2).await;
    eventually("deliveries are under way", async || {
        (hanging.load(Ordering::SeqCst) > 0).then_some(())
    })
    .await;
    server.kill().await;
    is_cut.store(true, Ordering::SeqCst);
    server.restart().await;
    publisher.moved(server.url());
    let ledger = publisher.finish().await;

    let sequences = sequences(&ledger, &expected);
    every_event_is_in_the_log_once(&server, &sequences, &samples).await;
    for (id, sequence) in &sequences {
        timeline_says_delivered(&server, *sequence, &rules_of(id, &expected)).await;
    }
    // All that had to come is delivered, and what is delivered is not sent again: nothing more comes.
    assert!(server.dead_letters(0).await.is_empty());
    let received = sink.received();
    let arrived = arrived(&received);
    arrived_where_expected(&arrived, &expected);
    repeats_carry_the_same_webhook_id(&arrived);
    data_is_right(&arrived, &samples);
    log_is_sound(&mut server).await;

    let deliveries: usize = expected.values().map(BTreeSet::len).sum();
    let repeats = received.len() - deliveries;
    let (resent, hung) = (ledger.resent, hanging.load(Ordering::SeqCst));
    assert!(resent > 0, "the power cut came after the last acknowledgement");
    assert!(
        repeats >= hung,
        "{repeats} repeats of {hung} unanswered deliveries"
    );
    let [structured, binary, batches] = ledger.requests;
    let copies = ledger
        .results
        .values()
        .flatten()
        .filter(|result| result.duplicate);
    println!(
        "{} events in {structured} structured, {binary} binary and {batches} batch requests",
        samples.len()
    );
    println!(
        "cut: {resent} requests sent again, {} events of them were on disk; {hung} deliveries unanswered",
        copies.count()
    );
    println!("{deliveries} deliveries expected and made, {repeats} repeated under the same webhook-id");
    for (rule, ids) in &expected {
        println!("  {rule}: {}", ids.len());
    }
}

/// A sink that leaves some deliveries unanswered until the power is cut, and counts them.
async fn stumbling_sink(is_cut: &Arc<AtomicBool>, hanging: &Arc<AtomicUsize>) -> Sink {
    let (is_cut, hanging) = (Arc::clone(is_cut), Arc::clone(hanging));
    let mut count = 0;
    Sink::answering(move |_| {
        count += 1;
        if count % HANGS != 0 || is_cut.load(Ordering::SeqCst) {
            return Answer::Status(200);
        }
        hanging.fetch_add(1, Ordering::SeqCst);
        Answer::Hang
    })
    .await
}

/// What must arrive where. Each rule must match some events and miss some, and the one about an
/// array must miss an event whose elements meet its conditions one by one.
fn expected(samples: &[Sample]) -> Expected {
    let rules: Value = serde_saphyr::from_str(RULES).expect("YAML");
    let mut expected = Expected::new();
    for rule in rules["rules"].as_array().unwrap() {
        let pattern = Pattern::parse(&rule["match"]).expect("a pattern");
        let matching = samples.iter().filter(|sample| sample.is_matched_by(&pattern));
        let ids: BTreeSet<_> = matching.map(|sample| sample.id.clone()).collect();
        assert!(
            !ids.is_empty() && ids.len() < samples.len(),
            "{}: {}",
            rule["name"],
            ids.len()
        );
        expected.insert(rule["name"].as_str().unwrap().to_owned(), ids);
    }
    assert_eq!(expected.len(), 6);
    let array = rules["rules"]
        .as_array()
        .unwrap()
        .iter()
        .find(|rule| rule["name"] == "array");
    let steps = &array.expect("the rule")["match"]["data"]["workflow_job"]["steps"];
    let alone: Vec<_> = steps
        .as_object()
        .unwrap()
        .iter()
        .map(|(field, alternatives)| {
            json!({ "data": { "workflow_job": { "steps": { field: alternatives } } } })
        })
        .map(|pattern| Pattern::parse(&pattern).expect("a pattern"))
        .collect();
    let near_misses = samples.iter().filter(|sample| {
        !expected["array"].contains(&sample.id) && alone.iter().all(|pattern| sample.is_matched_by(pattern))
    });
    assert!(
        near_misses.count() > 0,
        "no event shows that one element must meet all conditions"
    );
    expected
}

fn rules_of(id: &str, expected: &Expected) -> BTreeSet<String> {
    let rules = expected.iter().filter(|(_, ids)| ids.contains(id));
    rules.map(|(rule, _)| rule.clone()).collect()
}

/// The one sequence of each acknowledged event, decided as expected.
fn sequences(ledger: &Ledger, expected: &Expected) -> BTreeMap<String, u64> {
    let mut sequences = BTreeMap::new();
    for (id, results) in &ledger.results {
        let given: BTreeSet<_> = results.iter().map(|result| result.sequence).collect();
        assert_eq!(given.len(), 1, "{id}: {given:?}");
        for result in results {
            let matched: BTreeSet<_> = result.matched.iter().cloned().collect();
            assert_eq!(matched, rules_of(id, expected), "{id}");
        }
        sequences.insert(id.clone(), results[0].sequence);
    }
    sequences
}

/// The log holds exactly the acknowledged events, under their sequences, the data as it was.
async fn every_event_is_in_the_log_once(
    server: &Server,
    sequences: &BTreeMap<String, u64>,
    samples: &[Sample],
) {
    #[derive(Deserialize)]
    struct Stored<'a> {
        id: String,
        #[serde(borrow)]
        data: &'a RawValue,
    }
    // As text: a tree of values would lose the payloads' white space.
    let request = server.request(
        reqwest::Method::GET,
        "/v1/buses/default/events?from=earliest&limit=1000",
    );
    let text = request.send().await.unwrap().text().await.unwrap();
    let list: EventList = serde_json::from_str(&text).expect("events");
    assert_eq!(list.items.len(), samples.len());
    assert_eq!(sequences.len(), samples.len());
    let data: BTreeMap<_, _> = samples
        .iter()
        .map(|sample| (sample.id.as_str(), sample.data.get()))
        .collect();
    for (entry, number) in list.items.iter().zip(1..) {
        let stored: Stored<'_> = serde_json::from_str(entry.event.get()).expect("an event");
        assert_eq!(
            (entry.sequence, sequences[&stored.id]),
            (number, number),
            "{}",
            stored.id
        );
        assert_eq!(stored.data.get(), data[stored.id.as_str()], "{}", stored.id);
    }
}

async fn log_is_sound(server: &mut Server) {
    assert!(server.stop().await.success());
    let verify = Command::new(env!("CARGO_BIN_EXE_tramline"))
        .args(["log", "verify", "--data-dir"])
        .arg(server.dir().join("data"))
        .output()
        .await
        .expect("the binary starts");
    assert!(
        verify.status.success(),
        "{}",
        String::from_utf8_lossy(&verify.stdout)
    );
}

async fn timeline_says_delivered(server: &Server, sequence: u64, rules: &BTreeSet<String>) {
    eventually(
        &format!("event {sequence} is delivered to {rules:?}"),
        async || {
            let fate = server
                .get(&format!("/v1/buses/default/events/{sequence}/deliveries"))
                .await;
            let routes = fate["routes"].as_array().expect("routes");
            let named: BTreeSet<_> = routes
                .iter()
                .map(|route| route["rule"].as_str().unwrap().to_owned())
                .collect();
            assert_eq!((&named, routes.len()), (rules, rules.len()), "{fate}");
            let is_delivered = routes.iter().all(|route| route["state"] == "delivered");
            is_delivered.then_some(())
        },
    )
    .await;
}

fn arrived(received: &[Received]) -> Arrived<'_> {
    let mut arrived = Arrived::new();
    for request in received {
        let rule = request.path.trim_start_matches('/').to_owned();
        let id = match request.header("ce-id") {
            id if id.is_empty() => request.json()["id"].as_str().expect("an id").to_owned(),
            id => id,
        };
        arrived.entry((rule, id)).or_default().push(request);
    }
    arrived
}

fn arrived_where_expected(arrived: &Arrived<'_>, expected: &Expected) {
    let pairs: BTreeSet<_> = expected
        .iter()
        .flat_map(|(rule, ids)| ids.iter().map(move |id| (rule.clone(), id.clone())))
        .collect();
    let came: BTreeSet<_> = arrived.keys().cloned().collect();
    let missing: Vec<_> = pairs.difference(&came).collect();
    let stray: Vec<_> = came.difference(&pairs).collect();
    assert!(
        missing.is_empty() && stray.is_empty(),
        "missing {missing:?}, stray {stray:?}"
    );
}

fn repeats_carry_the_same_webhook_id(arrived: &Arrived<'_>) {
    let mut all = BTreeSet::new();
    for (delivery, requests) in arrived {
        let ids: BTreeSet<_> = requests
            .iter()
            .map(|request| request.header("webhook-id"))
            .collect();
        assert_eq!(ids.len(), 1, "{delivery:?}: {ids:?}");
        assert!(
            requests.iter().all(|request| request.body == requests[0].body),
            "{delivery:?}"
        );
        all.extend(ids);
    }
    assert_eq!(all.len(), arrived.len(), "two deliveries share a webhook-id");
}

/// An event in the JSON format with its data as it stands there.
#[derive(Deserialize)]
struct Envelope<'a> {
    source: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(borrow)]
    data: &'a RawValue,
}

fn data_is_right(arrived: &Arrived<'_>, samples: &[Sample]) {
    let samples: BTreeMap<_, _> = samples
        .iter()
        .map(|sample| (sample.id.as_str(), sample))
        .collect();
    for ((rule, id), requests) in arrived {
        let (sample, request) = (samples[id.as_str()], requests[0]);
        if request.header("ce-id").is_empty() {
            let event: Envelope<'_> = serde_json::from_slice(&request.body).expect("an event");
            assert_eq!((&event.source, &event.kind), (&sample.source, &sample.kind));
            if rule == "exact" {
                is_transformed(sample, request);
            } else {
                assert_eq!(event.data.get(), sample.data.get(), "{rule} {id}");
            }
        } else {
            assert_eq!(request.header("ce-source"), sample.source);
            assert_eq!(request.header("ce-type"), sample.kind);
            assert_eq!(request.body, sample.data.get(), "{rule} {id}");
        }
    }
}

fn is_transformed(sample: &Sample, request: &Received) {
    let (event, payload) = (request.json(), sample.payload());
    let issue = &payload["issue"];
    let line = format!(
        "{}: #{} {}",
        payload["action"].as_str().unwrap(),
        issue["number"],
        issue["title"].as_str().unwrap()
    );
    let comment = payload["comment"].get("id").cloned().unwrap_or(json!(0));
    let data = json!({
        "number": issue["number"],
        "by": payload["sender"]["login"],
        "labels": issue["labels"],
        "text": line,
        "comment": comment,
    });
    assert_eq!(
        (&event["data"], &event["subject"]),
        (&data, &json!(line)),
        "{}",
        sample.id
    );
}
