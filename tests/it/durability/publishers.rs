//! Publishers that send until the server is gone, and remember what they were told.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;
use reqwest::Client;
use reqwest::RequestBuilder;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::support::PATIENCE;
use crate::support::Server;

/// One event as it was sent.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) source: String,
    pub(super) id: String,
    /// The text of `data`, or of `data_base64`.
    pub(super) data: String,
    pub(super) is_binary: bool,
}

/// One request: its events, and their sequences if it was acknowledged.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) events: Vec<Sent>,
    pub(super) sequences: Option<Vec<u64>>,
}

/// Publishers at work.
pub(super) struct Publishers {
    tasks: JoinSet<Vec<Told>>,
    count: watch::Receiver<usize>,
    so_far: Arc<Mutex<Vec<Told>>>,
}

impl Publishers {
    /// So many publishers, with ids of their own in each round.
    pub(super) fn start(server: &Server, round: usize, workers: usize) -> Self {
        let count = watch::Sender::new(0);
        let seen = count.subscribe();
        let mut tasks = JoinSet::new();
        let so_far = Arc::new(Mutex::default());
        for worker in 0..workers {
            let (url, count) = (server.url().to_owned(), count.clone());
            tasks.spawn(publish(url, round, worker, count, Arc::clone(&so_far)));
        }
        Self {
            tasks,
            count: seen,
            so_far,
        }
    }

    /// Comes when so many requests are acknowledged.
    pub(super) async fn acknowledged(&self, requests: usize) {
        let mut count = self.count.clone();
        let coming = count.wait_for(|count| *count >= requests);
        tokio::time::timeout(PATIENCE, coming)
            .await
            .expect("publishes are acknowledged")
            .expect("publishers at work");
    }

    /// Comes when so many requests are acknowledged or no publisher goes on.
    #[cfg(feature = "failpoints")]
    pub(super) async fn acknowledged_or_ended(&self, requests: usize) {
        let mut count = self.count.clone();
        let coming = count.wait_for(|count| *count >= requests);
        drop(tokio::time::timeout(PATIENCE, coming).await.expect("an end"));
    }

    /// What was acknowledged until now.
    pub(super) fn so_far(&self) -> Vec<Told> {
        self.so_far.lock().clone()
    }

    /// Everything they were told, once the server is gone.
    pub(super) async fn end(self) -> Vec<Told> {
        self.tasks.join_all().await.concat()
    }
}

async fn publish(
    url: String,
    round: usize,
    worker: usize,
    count: watch::Sender<usize>,
    so_far: Arc<Mutex<Vec<Told>>>,
) -> Vec<Told> {
    let client = Client::builder().no_proxy().build().expect("a client");
    let mut told = Vec::new();
    for n in 0.. {
        let events = events(round, worker, n);
        let sequences = send(&client, &url, &events)
            .await
            .map(|results| results.iter().map(|result| result.0).collect());
        let is_gone = sequences.is_none();
        told.push(Told { events, sequences });
        if is_gone {
            break;
        }
        so_far.lock().extend(told.last().cloned());
        count.send_modify(|count| *count += 1);
    }
    told
}

/// The three modes in turn: structured, binary, a batch.
fn events(round: usize, worker: usize, n: usize) -> Vec<Sent> {
    let sent = |part: usize, is_binary: bool| {
        let id = format!("{round}-{worker}-{n}-{part}");
        let filler = "x".repeat(300 + 97 * ((round + n + part) % 20));
        // Spaces and digits that a parser would not write again.
        let text = format!("{{ \"id\":\"{id}\",  \"n\": 1.500, \"filler\": \"{filler}\" }}");
        let data = if is_binary {
            STANDARD.encode(text.into_bytes())
        } else {
            text
        };
        let source = format!("/publishers/{worker}");
        Sent {
            source,
            id,
            data,
            is_binary,
        }
    };
    match (worker + n) % 3 {
        0 => vec![sent(0, false)],
        1 => vec![sent(0, true)],
        _ => (0..5).map(|part| sent(part, false)).collect(),
    }
}

/// Sequence and whether it is a duplicate, for each event; nothing if there was no 202.
pub(super) async fn send(client: &Client, url: &str, events: &[Sent]) -> Option<Vec<(u64, bool)>> {
    let response = request(client.post(format!("{url}/events")), events)
        .send()
        .await
        .ok()?;
    if response.status() != 202 {
        return None;
    }
    let reply: Value = response.json().await.ok()?;
    let results = reply["results"].as_array().expect("results");
    assert_eq!(results.len(), events.len());
    let result = |result: &Value| {
        let sequence = result["sequence"].as_u64().expect("a sequence");
        (sequence, result["duplicate"].as_bool().expect("duplicate"))
    };
    Some(results.iter().map(result).collect())
}

fn request(request: RequestBuilder, events: &[Sent]) -> RequestBuilder {
    let [event] = events else {
        let entries: Vec<_> = events.iter().map(structured).collect();
        return request
            .header("content-type", "application/cloudevents-batch+json")
            .body(format!("[{}]", entries.join(",")));
    };
    if event.is_binary {
        return request
            .header("ce-specversion", "1.0")
            .header("ce-id", &event.id)
            .header("ce-source", &event.source)
            .header("ce-type", "t")
            .header("content-type", "application/octet-stream")
            .body(STANDARD.decode(&event.data).expect("base64"));
    }
    request
        .header("content-type", "application/cloudevents+json")
        .body(structured(event))
}

fn structured(event: &Sent) -> String {
    let Sent { source, id, data, .. } = event;
    format!(
        "{{\"specversion\":\"1.0\",\"id\":\"{id}\",\"source\":\"{source}\",\"type\":\"t\",\"data\":{data}}}"
    )
}
