//! What is learnt from data.

mod drifts;
mod laws;
mod proposals;

use serde_json::Value;

use super::Field;
use super::Inference;
use super::Statistics;

fn seen<'v>(data: impl IntoIterator<Item = &'v Value>) -> Inference {
    let mut inference = Inference::new();
    for value in data {
        inference.observe(value.to_string().as_bytes()).expect("JSON");
    }
    inference
}

fn field<'s>(statistics: &'s Statistics, path: &str) -> &'s Field {
    let mut fields = statistics.fields.iter();
    fields
        .find(|field| field.path == path)
        .unwrap_or_else(|| panic!("no {path}"))
}
