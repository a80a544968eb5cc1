//! What is done to an event before and after it is matched.

use std::hint::black_box;

use bytes::Bytes;
use serde_json::json;
use tramline::event::event_from_json;
use tramline::transform::Attribute;
use tramline::transform::Data;
use tramline::transform::Document;
use tramline::transform::Facts;
use tramline::transform::Transform;

use crate::engine;
use crate::scenario;
use crate::scenario::Kind;
use crate::scenario::Sample;
use crate::table::Table;

const EVENTS: usize = 2_000;
const ROUNDS: usize = 5;

/// Measures the reading of an envelope, and a template with three variables.
pub(crate) fn measure(table: &mut Table) {
    let samples = scenario::events(Kind::Mixed, 1_000, EVENTS);
    let texts: Vec<_> = samples.iter().map(|one| Bytes::from(one.text.clone())).collect();
    let documents: Vec<_> = samples.iter().map(document).collect();
    let steps = json!([{ "data": {
        "user": "${$.data.user}",
        "text": "${$.data.customer.name} paid ${$.data.amount}",
    } }]);
    let transform = Transform::parse(&steps).expect("a transform");
    let facts = Facts {
        now_ms: 0,
        rule: "rule",
        bus: "default",
        sequence: 1,
        mask_key: None,
    };
    let (mut reading, mut envelopes, mut results) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        reading.push(engine::rate(EVENTS, || engine::read_all(&samples)));
        envelopes.push(engine::rate(EVENTS, || {
            for text in &texts {
                black_box(event_from_json(text, None).expect("an event"));
            }
        }));
        results.push(engine::rate(EVENTS, || {
            for document in &documents {
                let result = transform.apply(document.clone(), &facts);
                black_box(result.expect("a result"));
            }
        }));
    }
    let reading = engine::median(reading);
    table.rate(
        "reading the envelope",
        reading,
        engine::median(envelopes),
        None,
        None,
    );
    table.rate(
        "transform, three variables",
        reading,
        engine::median(results),
        Some(0.3),
        None,
    );
}

fn document(sample: &Sample) -> Document {
    let all = sample
        .attributes
        .iter()
        .filter(|(name, _)| *name != "specversion");
    let attribute =
        |(name, value): &(&'static str, String)| ((*name).to_owned(), Attribute::String(value.clone()));
    Document {
        attributes: all.map(attribute).collect(),
        data: Data::Verbatim(Bytes::from(sample.data.clone())),
    }
}
