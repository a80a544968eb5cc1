//! A producer that keeps a ledger of what was acknowledged and sends again what was not.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;

use reqwest::RequestBuilder;
use reqwest::StatusCode;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tramline::api::PublishReply;
use tramline::api::PublishResult;

use super::samples::Sample;
use crate::support::PATIENCE;

/// Requests under way at once.
const CONCURRENCY: usize = 6;

/// A third of the samples of each group of nine goes out in each mode.
const GROUP: usize = 9;

/// What one request carries: indices of samples.
#[derive(Clone, Copy)]
enum Shipment {
    Structured(usize),
    Binary(usize),
    Batch(usize, usize),
}

/// What the server acknowledged.
#[derive(Default)]
pub(super) struct Ledger {
    /// The results of each event by its id: one, unless a copy was sent and acknowledged too.
    pub(super) results: BTreeMap<String, Vec<PublishResult>>,
    /// Requests that were not answered and sent again.
    pub(super) resent: usize,
    /// Requests by mode: structured, binary, batch.
    pub(super) requests: [usize; 3],
}

struct Shared {
    samples: Arc<Vec<Sample>>,
    work: Mutex<VecDeque<Shipment>>,
    ledger: Mutex<Ledger>,
    acknowledged: watch::Sender<usize>,
    http: reqwest::Client,
}

/// A producer at work.
pub(super) struct Publisher {
    shared: Arc<Shared>,
    server: watch::Sender<String>,
    tasks: JoinSet<()>,
}

impl Publisher {
    /// Begins to publish all samples.
    pub(super) fn start(samples: Arc<Vec<Sample>>, server: &str) -> Self {
        let work = shipments(samples.len());
        let shared = Arc::new(Shared {
            samples,
            work: Mutex::new(work),
            ledger: Mutex::default(),
            acknowledged: watch::Sender::new(0),
            http: reqwest::Client::builder()
                .no_proxy()
                .timeout(PATIENCE)
                .build()
                .expect("a client"),
        });
        let server = watch::Sender::new(server.to_owned());
        let mut tasks = JoinSet::new();
        for _ in 0..CONCURRENCY {
            tasks.spawn(work_off(Arc::clone(&shared), server.subscribe()));
        }
        Self {
            shared,
            server,
            tasks,
        }
    }

    /// Waits until so many events are acknowledged.
    pub(super) async fn acknowledged(&self, count: usize) {
        let mut seen = self.shared.acknowledged.subscribe();
        tokio::time::timeout(PATIENCE, seen.wait_for(|seen| *seen >= count))
            .await
            .expect("acknowledgements")
            .expect("a publisher");
    }

    /// Says where the server is now.
    pub(super) fn moved(&self, server: &str) {
        self.server.send_replace(server.to_owned());
    }

    /// Waits until everything is acknowledged.
    pub(super) async fn finish(self) -> Ledger {
        tokio::time::timeout(PATIENCE, self.tasks.join_all())
            .await
            .expect("acknowledgements");
        std::mem::take(&mut *self.shared.ledger.lock().expect("no panic"))
    }
}

fn shipments(count: usize) -> VecDeque<Shipment> {
    let mut shipments = VecDeque::new();
    for start in (0..count).step_by(GROUP) {
        let end = count.min(start + GROUP);
        let batch = end.min(start + 2 * GROUP / 3);
        for sample in start..batch {
            shipments.push_back(if sample % 2 == 0 {
                Shipment::Structured(sample)
            } else {
                Shipment::Binary(sample)
            });
        }
        if batch < end {
            shipments.push_back(Shipment::Batch(batch, end));
        }
    }
    shipments
}

async fn work_off(shared: Arc<Shared>, mut server: watch::Receiver<String>) {
    loop {
        let Some(shipment) = shared.work.lock().expect("no panic").pop_front() else {
            return;
        };
        let results = loop {
            let url = format!("{}/v1/buses/default/events", server.borrow_and_update().as_str());
            if let Some(results) = acknowledgement(shared.request(shipment, &url)).await {
                break results;
            }
            shared.ledger.lock().expect("no panic").resent += 1;
            server.changed().await.expect("a server");
        };
        shared.note(shipment, results);
    }
}

/// What the server accepted; `None` when it did not answer, or not to the end.
async fn acknowledgement(request: RequestBuilder) -> Option<Vec<PublishResult>> {
    let response = request.send().await.ok()?;
    let status = response.status();
    let text = response.text().await.ok()?;
    assert_eq!(status, StatusCode::ACCEPTED, "{text}");
    let reply: PublishReply = serde_json::from_str(&text).expect("results");
    Some(reply.results)
}

impl Shared {
    fn request(&self, shipment: Shipment, url: &str) -> RequestBuilder {
        let post = self.http.post(url);
        match shipment {
            Shipment::Structured(sample) => post
                .header("content-type", "application/cloudevents+json")
                .body(self.samples[sample].structured()),
            Shipment::Binary(sample) => {
                let sample = &self.samples[sample];
                post.header("ce-specversion", "1.0")
                    .header("ce-id", &sample.id)
                    .header("ce-source", &sample.source)
                    .header("ce-type", &sample.kind)
                    .header("content-type", "application/json")
                    .body(sample.data.get().to_owned())
            }
            Shipment::Batch(start, end) => {
                let events: Vec<_> = self.samples[start..end].iter().map(Sample::structured).collect();
                post.header("content-type", "application/cloudevents-batch+json")
                    .body(format!("[{}]", events.join(",")))
            }
        }
    }

    fn note(&self, shipment: Shipment, results: Vec<PublishResult>) {
        let (mode, samples) = match shipment {
            Shipment::Structured(sample) => (0, sample..sample + 1),
            Shipment::Binary(sample) => (1, sample..sample + 1),
            Shipment::Batch(start, end) => (2, start..end),
        };
        let sent: Vec<_> = self.samples[samples].iter().map(|sample| &sample.id).collect();
        let answered: Vec<_> = results.iter().map(|result| &result.id).collect();
        assert_eq!(answered, sent);
        let count = results.len();
        let mut ledger = self.ledger.lock().expect("no panic");
        ledger.requests[mode] += 1;
        for result in results {
            ledger.results.entry(result.id.clone()).or_default().push(result);
        }
        drop(ledger);
        self.acknowledged.send_modify(|seen| *seen += count);
    }
}
