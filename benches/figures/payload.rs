//! The requests that are sent: prepared once, only their ids change.

use std::io::Write as _;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// Bytes of one event in the JSON format.
pub(crate) const EVENT_BYTES: usize = 1024;
/// Digits of an id.
const ID_DIGITS: usize = 12;

/// Ids that were used in this run: each is used once, so that nothing is a duplicate.
static NEXT_ID: AtomicU64 = AtomicU64::new(0);

/// A whole HTTP request with room for the ids of its events.
#[derive(Clone)]
pub(crate) struct Payload {
    bytes: Vec<u8>,
    ids: Vec<usize>,
}

impl Payload {
    /// One event in structured mode.
    pub(crate) fn single() -> Self {
        Self::new("application/cloudevents+json", &event())
    }

    /// A batch of `count` events.
    pub(crate) fn batch(count: usize) -> Self {
        let body = format!("[{}]", vec![event(); count].join(","));
        Self::new("application/cloudevents-batch+json", &body)
    }

    /// A batch of `count` events of this type with so many bytes each.
    pub(crate) fn batch_of(kind: &str, bytes: usize, count: u64) -> Self {
        let event = |note: &str| {
            format!(
                r#"{{"specversion":"1.0","id":"{:0>12}","source":"/shop","type":"{kind}","data":{{"note":"{note}"}}}}"#,
                ""
            )
        };
        let note = "x".repeat(bytes.saturating_sub(event("").len()));
        let events = vec![event(&note); usize::try_from(count).expect("a count")];
        Self::new(
            "application/cloudevents-batch+json",
            &format!("[{}]", events.join(",")),
        )
    }

    /// One event of this type whose data has so many fields, of four kinds in turn.
    pub(crate) fn fields(kind: &str, count: usize) -> Self {
        let fields = (0..count).map(|field| {
            let value = match field % 4 {
                0 => r#""some text of usual length""#,
                1 => "12345",
                2 => r#"{"a":true}"#,
                _ => "[1,2.5,3]",
            };
            format!(r#""f{field}":{value}"#)
        });
        let fields: Vec<_> = fields.collect();
        let event = format!(
            r#"{{"specversion":"1.0","id":"{:0>12}","source":"/shop","type":"{kind}","data":{{{}}}}}"#,
            "",
            fields.join(",")
        );
        Self::new("application/cloudevents+json", &event)
    }

    fn new(content_type: &str, body: &str) -> Self {
        let text = format!(
            "POST /events HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let ids = text.match_indices(r#""id":""#).map(|(at, key)| at + key.len());
        Self {
            ids: ids.collect(),
            bytes: text.into_bytes(),
        }
    }

    /// How many events it has.
    pub(crate) fn events(&self) -> u64 {
        self.ids.len() as u64
    }

    /// The request with ids that were never used.
    pub(crate) fn fresh(&mut self) -> &[u8] {
        let first = NEXT_ID.fetch_add(self.events(), Relaxed);
        self.with_ids(first)
    }

    /// The request with ids counting from `first`.
    pub(crate) fn with_ids(&mut self, first: u64) -> &[u8] {
        for (id, at) in (first..).zip(&self.ids) {
            let mut place = self
                .bytes
                .get_mut(*at..at + ID_DIGITS)
                .expect("the place of an id");
            write!(place, "{id:0ID_DIGITS$}").expect("an id of its length");
        }
        &self.bytes
    }
}

/// The id of an event in the JSON format, as [`Payload::with_ids`] wrote it.
pub(crate) fn id_of(event: &[u8]) -> Option<u64> {
    let key = br#""id":""#;
    let at = key.len() + event.windows(key.len()).position(|here| here == key)?;
    str::from_utf8(event.get(at..at + ID_DIGITS)?).ok()?.parse().ok()
}

/// An order as a shop would publish it, filled up to the size.
pub(crate) fn event() -> String {
    let text = |note: &str| {
        format!(
            concat!(
                r#"{{"specversion":"1.0","id":"{:0>12}","source":"/shop/checkout","type":"com.example.order.placed","#,
                r#""subject":"order-4711","time":"2026-01-02T03:04:05.678Z","datacontenttype":"application/json","#,
                r#""data":{{"order":4711,"customer":{{"number":"c-90210","name":"Ada Lovelace","country":"GB"}},"#,
                r#""total":129.95,"currency":"GBP","express":true,"lines":["#,
                r#"{{"sku":"A-100","name":"Difference engine, small","quantity":1,"price":99.95}},"#,
                r#"{{"sku":"B-200","name":"Punched cards, 500","quantity":3,"price":10.0}}],"#,
                r#""note":"{}"}}}}"#
            ),
            "", note
        )
    };
    let rest = EVENT_BYTES - text("").len();
    text(
        &"leave it with the neighbour. "
            .repeat(EVENT_BYTES)
            .chars()
            .take(rest)
            .collect::<String>(),
    )
}
