//! GitHub's webhook payloads, each as a `CloudEvent`.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tramline::pattern::EventView;
use tramline::pattern::Pattern;
use tramline::pattern::Scalar;
use tramline::pattern::naive;

const INDEX: &str = "tests/peers/node_modules/@octokit/webhooks-examples/api.github.com/index.json";

/// One payload and the attributes it is published with.
pub(super) struct Sample {
    pub(super) id: String,
    pub(super) source: String,
    pub(super) kind: String,
    /// The payload with its white space.
    pub(super) data: Box<RawValue>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    examples: Vec<Box<RawValue>>,
}

/// All payloads of the package.
pub(super) fn all() -> Vec<Sample> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(INDEX);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}: run scripts/peers", path.display()));
    let entries: Vec<Entry> = serde_json::from_str(&text).expect("the index of the examples");
    let named = entries.into_iter().flat_map(|Entry { name, examples }| {
        examples
            .into_iter()
            .enumerate()
            .map(move |(n, data)| sample(&name, n, data))
    });
    named.collect()
}

fn sample(event: &str, n: usize, data: Box<RawValue>) -> Sample {
    let payload: Value = serde_json::from_str(data.get()).expect("JSON");
    let repository = payload["repository"]["full_name"].as_str().unwrap_or_default();
    Sample {
        id: format!("{event}-{n}"),
        source: format!("https://github.com/{repository}"),
        kind: format!("com.github.{event}"),
        data,
    }
}

impl Sample {
    /// The event in the JSON format, the payload as it is.
    pub(super) fn structured(&self) -> String {
        let Self {
            id,
            source,
            kind,
            data,
        } = self;
        format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"{source}","type":"{kind}","datacontenttype":"application/json","data":{data}}}"#
        )
    }

    /// The payload as a tree.
    pub(super) fn payload(&self) -> Value {
        serde_json::from_str(self.data.get()).expect("JSON")
    }

    /// Whether the pattern matches, by the matcher that defines what matching is.
    pub(super) fn is_matched_by(&self, pattern: &Pattern) -> bool {
        let attributes = [
            ("id", Scalar::String(&self.id)),
            ("source", Scalar::String(&self.source)),
            ("type", Scalar::String(&self.kind)),
            ("datacontenttype", Scalar::String("application/json")),
        ];
        let view = EventView {
            attributes: &attributes,
            data: Some(self.data.get().as_bytes()),
        };
        naive::matches(pattern, &view)
    }
}
