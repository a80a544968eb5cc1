//! The corpus: schemas with documents that they accept and refuse.

use std::collections::HashMap;

use jsonschema::Draft;
use jsonschema::Registry;
use jsonschema::Validator;
use serde_json::Value;
use serde_json::json;

use crate::schema::asyncapi::Info;
use crate::schema::asyncapi::MessageInfo;
use crate::schema::asyncapi::PayloadSchema;
use crate::schema::asyncapi::document;

const CORPUS: &str = include_str!("corpus.json");

/// One schema of the corpus.
#[derive(serde::Deserialize)]
struct Entry {
    name: String,
    draft: String,
    schema: Value,
    #[serde(default)]
    others: HashMap<String, Value>,
    valid: Vec<Value>,
    invalid: Vec<Value>,
}

impl Entry {
    fn draft(&self) -> Draft {
        match self.draft.as_str() {
            "4" => Draft::Draft4,
            "6" => Draft::Draft6,
            "7" => Draft::Draft7,
            "2019" => Draft::Draft201909,
            "2020" => Draft::Draft202012,
            other => panic!("{}: draft {other}", self.name),
        }
    }

    fn original(&self) -> Validator {
        let mut registry = Registry::new();
        for (url, other) in &self.others {
            registry = registry.add(url, other).expect("a resource");
        }
        let registry = registry.prepare().expect("resources");
        let options = jsonschema::options()
            .with_draft(self.draft())
            .with_registry(&registry);
        options
            .build(&self.schema)
            .unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    fn exported(&self) -> Validator {
        let others: Vec<_> = self
            .others
            .iter()
            .map(|(url, other)| (url.as_str(), other))
            .collect();
        let schema = PayloadSchema {
            value: &self.schema,
            draft: self.draft(),
            others: &others,
        };
        let (_, exported) = exported(&schema).unwrap_or_else(|error| panic!("{}: {error}", self.name));
        exported
    }
}

/// The exported schema and it compiled, with its components as one document.
pub(super) fn exported(schema: &PayloadSchema<'_>) -> Result<(Value, Validator), String> {
    let message = MessageInfo {
        event_type: "com.example/order:placed",
        schema: Some(*schema),
        version: Some(1),
        description: None,
        example: None,
        sources: &[],
    };
    let info = Info {
        title: "t",
        version: "1",
        bus: "orders",
        description: None,
        server: None,
    };
    let document = document(&info, &[message]);
    let message = &document["components"]["messages"]["com.example_order_placed"];
    let payload = message["payload"]["$ref"]
        .as_str()
        .ok_or_else(|| message.to_string())?;
    let whole = json!({"$ref": format!("{payload}/schema"), "components": document["components"]});
    let options = jsonschema::options().with_draft(schema.draft);
    match options.build(&whole) {
        Ok(validator) => Ok((whole, validator)),
        Err(error) => Err(format!("{error}: {whole}")),
    }
}

#[test]
fn every_exported_schema_judges_as_its_original() {
    let entries: Vec<Entry> = serde_json::from_str(CORPUS).expect("the corpus");
    let all: Vec<_> = entries
        .iter()
        .flat_map(|entry| entry.valid.iter().chain(&entry.invalid))
        .collect();
    for entry in &entries {
        let (original, exported) = (entry.original(), entry.exported());
        for valid in &entry.valid {
            assert!(
                original.is_valid(valid),
                "{}: the original refuses {valid}",
                entry.name
            );
        }
        for invalid in &entry.invalid {
            assert!(
                !original.is_valid(invalid),
                "{}: the original accepts {invalid}",
                entry.name
            );
        }
        for document in &all {
            let expected = original.is_valid(document);
            assert_eq!(
                exported.is_valid(document),
                expected,
                "{}: {document}",
                entry.name
            );
        }
    }
}
