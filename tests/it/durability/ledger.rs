//! The ledger of what was acknowledged, and the questions it asks of a server.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;

use reqwest::Client;
use reqwest::Method;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::publishers::Sent;
use super::publishers::Told;
use super::publishers::send;
use crate::support::Server;
use crate::support::Sink;
use crate::support::eventually;

/// What publishers were told, and what they do not know.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    acknowledged: BTreeMap<u64, Sent>,
    /// Requests without an answer, of this round and of all.
    lost: Vec<Vec<Sent>>,
    all_lost: Vec<Vec<Sent>>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    sequence: u64,
    event: Event,
}

#[derive(Debug, Deserialize)]
struct Event {
    id: String,
    source: String,
    data: Option<Box<RawValue>>,
    data_base64: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<Entry>,
    next_cursor: Option<String>,
}

impl Ledger {
    /// Enters what publishers were told.
    pub(super) fn take(&mut self, told: Vec<Told>) {
        for told in told {
            match told.sequences {
                Some(sequences) => self.enter(&sequences, told.events),
                None => self.lost.push(told.events),
            }
        }
    }

    fn enter(&mut self, sequences: &[u64], events: Vec<Sent>) {
        for (sequence, event) in sequences.iter().zip(events) {
            let before = self.acknowledged.insert(*sequence, event);
            assert!(
                before.is_none(),
                "sequence {sequence} was given out twice: {before:?}"
            );
        }
    }

    /// Sends again what had no answer: all of a request was stored before, or nothing of it.
    pub(super) async fn send_lost_again(&mut self, server: &Server) {
        let client = Client::builder().no_proxy().build().expect("a client");
        let mut lost = std::mem::take(&mut self.lost);
        // Every other one is left as it is, for the last look.
        self.all_lost.extend(lost.split_off(lost.len() / 2));
        for events in lost {
            let results = send(&client, server.url(), &events).await.expect("a 202");
            let is_known = results[0].1;
            assert!(
                results.iter().all(|result| result.1 == is_known),
                "a request was stored in part: {results:?}"
            );
            let sequences: Vec<_> = results.iter().map(|result| result.0).collect();
            self.enter(&sequences, events);
        }
    }

    /// Every entry is read back with the same bytes, sequences are dense, and of the requests
    /// without an answer each is there as a whole or not at all.
    pub(super) async fn is_all_there(&self, server: &Server) {
        assert_eq!(self.is_there(server).await, 1);
    }

    /// The same for all that retention has left; where that begins.
    pub(super) async fn is_there(&self, server: &Server) -> u64 {
        let stored = read_all(server).await;
        let first = stored.first().map_or(1, |entry| entry.sequence);
        let sequences: Vec<_> = stored.iter().map(|entry| entry.sequence).collect();
        let dense: Vec<_> = (first..).take(sequences.len()).collect();
        assert_eq!(sequences, dense);
        for (sequence, sent) in self.acknowledged.range(first..) {
            let path = format!("/v1/buses/default/events/{sequence}");
            let response = server
                .request(Method::GET, &path)
                .send()
                .await
                .expect("an answer");
            let text = response.text().await.expect("a body");
            let entry: Entry = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
            assert_same(&entry, sent);
        }
        let present: HashMap<&str, u64> = stored
            .iter()
            .map(|entry| (entry.event.id.as_str(), entry.sequence))
            .collect();
        assert_eq!(present.len(), stored.len(), "an event is stored twice");
        for events in self.all_lost.iter().chain(&self.lost) {
            let found: Vec<_> = events
                .iter()
                .filter_map(|sent| present.get(sent.id.as_str()))
                .collect();
            assert!(
                found.is_empty() || found.len() == events.len(),
                "{} of {} events of one request are there",
                found.len(),
                events.len()
            );
            assert!(found.is_sorted_by(|a, b| *a + 1 == **b), "{found:?}");
        }
        first
    }

    /// Every tenth event, sent again, is known with its first sequence.
    pub(super) async fn is_recognised(&self, server: &Server) {
        let client = Client::builder().no_proxy().build().expect("a client");
        for (sequence, sent) in self.acknowledged.iter().step_by(10) {
            let results = send(&client, server.url(), std::slice::from_ref(sent)).await;
            assert_eq!(results, Some(vec![(*sequence, true)]));
        }
    }

    /// Every acknowledged event comes to the sink, repeats only under the same `webhook-id`.
    pub(super) async fn arrives_at(&self, sink: &Sink) {
        let wanted: HashSet<&str> = self.acknowledged.values().map(|sent| sent.id.as_str()).collect();
        eventually("every acknowledged event arrives", async || {
            let received = sink.received();
            let came: HashSet<String> = received
                .iter()
                .map(|request| request.json()["id"].to_string())
                .collect();
            wanted
                .iter()
                .all(|id| came.contains(&format!("\"{id}\"")))
                .then_some(())
        })
        .await;
        let mut deliveries: HashMap<String, String> = HashMap::new();
        let mut events: HashMap<String, String> = HashMap::new();
        for request in sink.received() {
            let event = format!("{} {}", request.json()["source"], request.json()["id"]);
            let delivery = request.header("webhook-id");
            let first = deliveries
                .entry(event.clone())
                .or_insert_with(|| delivery.clone());
            assert_eq!(*first, delivery, "{event} came under two ids");
            let first = events.entry(delivery.clone()).or_insert_with(|| event.clone());
            assert_eq!(*first, event, "{delivery} stands for two events");
        }
    }
}

fn assert_same(entry: &Entry, sent: &Sent) {
    assert_eq!((&entry.event.source, &entry.event.id), (&sent.source, &sent.id));
    let data = entry.event.data.as_ref().map(|data| data.get());
    let found = if sent.is_binary {
        entry.event.data_base64.as_deref()
    } else {
        data
    };
    assert_eq!(found, Some(sent.data.as_str()));
}

async fn read_all(server: &Server) -> Vec<Entry> {
    let (mut all, mut place) = (Vec::new(), "from=earliest".to_owned());
    loop {
        let path = format!("/v1/buses/default/events?limit=1000&{place}");
        let response = server
            .request(Method::GET, &path)
            .send()
            .await
            .expect("an answer");
        let page: Page = serde_json::from_str(&response.text().await.expect("a body")).expect("a page");
        all.extend(page.items);
        match page.next_cursor {
            Some(cursor) => place = format!("cursor={cursor}"),
            None => return all,
        }
    }
}
