//! The JSON Schema (draft-07) of the rules file, for editors.
//!
//! Editors complete and check while one writes; what the server accepts is decided by the
//! decoders, and the tests hold both to the same keys.

use serde_json::Value;
use serde_json::json;

/// The schema as a document.
#[must_use]
pub fn rules_schema() -> Value {
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Tramline rules file",
        "type": "object",
        "anyOf": [{ "required": ["rules"] }, { "required": ["schemas"] }],
        "additionalProperties": false,
        "properties": {
            "schemas": { "type": "array", "items": { "$ref": "#/definitions/schema" } },
            "bus": { "$ref": "#/definitions/name", "default": "default", "description": "Bus of the rules" },
            "rules": { "type": "array", "items": { "$ref": "#/definitions/rule" } },
            "tests": { "type": "array", "items": { "$ref": "#/definitions/test" } }
        },
        "definitions": {
            "name": { "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" },
            "duration": { "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$" },
            "rule": rule(),
            "transform": transform(),
            "sql": {
                "type": "string", "maxLength": 16384,
                "description": "CESQL expression over the attributes, such as type LIKE 'com.example.%' AND EXISTS subject"
            },
            "filter": filter(),
            "filters": { "type": "array", "minItems": 1, "items": { "$ref": "#/definitions/filter" } },
            "attributes": attributes(),
            "target": target(),
            "webhook": webhook(),
            "function": function(),
            "queue": queue(),
            "circuit": circuit(),
            "retry": retry(),
            "test": test(),
            "schema": schema(),
        }
    })
}

fn schema() -> Value {
    json!({
        "type": "object",
        "required": ["type"],
        "minProperties": 2,
        "additionalProperties": false,
        "properties": {
            "type": { "type": "string", "minLength": 1, "description": "Event type" },
            "schema": { "type": ["object", "boolean"], "description": "JSON Schema that should be the newest version" },
            "compatibility": {
                "enum": [
                    "none", "backward", "backward_transitive", "forward", "forward_transitive", "full",
                    "full_transitive"
                ],
                "default": "backward"
            },
            "policy": { "enum": ["lenient", "strict"], "default": "lenient" },
            "validation": { "enum": ["off", "warn", "reject"], "default": "warn" },
            "description": { "type": "string" }
        }
    })
}

fn rule() -> Value {
    json!({
        "type": "object",
        "required": ["name", "match", "targets"],
        "additionalProperties": false,
        "properties": {
            "name": { "$ref": "#/definitions/name" },
            "description": { "type": "string" },
            "match": wanted(),
            "transform": { "$ref": "#/definitions/transform" },
            "targets": { "type": "array", "minItems": 1, "items": { "$ref": "#/definitions/target" } },
            "paused": { "type": "boolean", "default": false, "description": "Matches, and its events wait" }
        }
    })
}

fn transform() -> Value {
    let paths = |description: &str| json!({ "type": "array", "minItems": 1, "items": { "type": "string" }, "description": description });
    json!({
        "type": "array",
        "items": {
            "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
            "properties": {
                "keep": paths("Data becomes only these fields"),
                "drop": paths("Removes fields"),
                "mask": {
                    "type": "array", "minItems": 1, "description": "Replaces values by *** or a keyed hash",
                    "items": { "anyOf": [{ "type": "string" }, {
                        "type": "object", "required": ["path"], "additionalProperties": false,
                        "properties": { "path": { "type": "string" }, "with": { "enum": ["stars", "hash"], "default": "stars" } }
                    }] }
                },
                "select": { "type": "string", "description": "Data becomes the value at this path" },
                "data": { "description": "Data becomes this template" },
                "set": { "type": "object", "description": "Sets attributes, or removes them with null" },
                "const": { "description": "Data becomes this, as it stands here" },
                "input_transformer": {
                    "type": "object", "description": "The input transformer of Amazon EventBridge",
                    "properties": {
                        "paths": { "type": "object", "additionalProperties": { "type": "string" } },
                        "template": { "type": "string" }
                    }
                }
            }
        }
    })
}

/// The three languages. An editor takes the branch whose key is there.
fn wanted() -> Value {
    json!({
        "type": "object",
        "minProperties": 1,
        "anyOf": [
            {
                "required": ["sql"],
                "additionalProperties": false,
                "properties": { "sql": { "$ref": "#/definitions/sql" } }
            },
            {
                "required": ["filters"],
                "additionalProperties": false,
                "properties": {
                    "filters": { "$ref": "#/definitions/filters", "description": "Filters of the Subscriptions API: all must hold" }
                }
            },
            {
                "description": "Event pattern: attributes at the top, the payload under `data`; every leaf a list of alternatives",
                "properties": { "sql": { "type": ["object", "array"] } }
            }
        ]
    })
}

fn filter() -> Value {
    json!({
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": false,
        "properties": {
            "exact": { "$ref": "#/definitions/attributes", "description": "Each attribute is this text" },
            "prefix": { "$ref": "#/definitions/attributes", "description": "Each attribute begins so" },
            "suffix": { "$ref": "#/definitions/attributes", "description": "Each attribute ends so" },
            "all": { "$ref": "#/definitions/filters", "description": "All of them hold" },
            "any": { "$ref": "#/definitions/filters", "description": "At least one of them holds" },
            "not": { "$ref": "#/definitions/filter", "description": "It does not hold" },
            "sql": { "$ref": "#/definitions/sql" }
        }
    })
}

fn attributes() -> Value {
    json!({
        "type": "object",
        "minProperties": 1,
        "propertyNames": { "pattern": "^[a-z0-9]+$" },
        "additionalProperties": { "type": "string", "minLength": 1 }
    })
}

fn target() -> Value {
    json!({
        "type": "object",
        "required": ["name"],
        "oneOf": [
            { "required": ["webhook"] }, { "required": ["function"] }, { "required": ["queue"] },
            { "required": ["bus"] }, { "required": ["echo"] }
        ],
        "additionalProperties": false,
        "properties": {
            "name": { "$ref": "#/definitions/name" },
            "transform": { "$ref": "#/definitions/transform", "description": "Works on what the rule's transform made" },
            "webhook": { "$ref": "#/definitions/webhook" },
            "function": { "$ref": "#/definitions/function" },
            "queue": { "$ref": "#/definitions/queue" },
            "bus": {
                "oneOf": [{ "$ref": "#/definitions/name" }, {
                    "type": "object", "required": ["name"], "additionalProperties": false,
                    "properties": { "name": { "$ref": "#/definitions/name" } }
                }],
                "description": "Another bus of this server"
            },
            "echo": { "type": "object", "additionalProperties": false, "description": "Shown in the server's log" },
            "retry": { "$ref": "#/definitions/retry" },
            "timeout": { "$ref": "#/definitions/duration", "default": "15s", "description": "Deadline of one attempt" },
            "concurrency": { "type": "integer", "minimum": 1, "maximum": 1024, "default": 32 },
            "rate": { "type": "string", "pattern": "^[0-9]+/(s|m|h)$", "description": "How fast attempts may begin: 100/s" },
            "order": { "enum": ["none", "key"], "default": "none" },
            "key": {
                "type": "string",
                "description": "Attribute or path of the key whose events keep their order; partitionkey, else subject, by default"
            },
            "circuit": {
                "oneOf": [{ "enum": ["off", false] }, { "$ref": "#/definitions/circuit" }],
                "description": "When the target is left alone because it fails"
            },
            "paused": { "type": "boolean", "default": false, "description": "Keeps its backlog and is sent nothing" }
        }
    })
}

fn function() -> Value {
    json!({
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": false,
        "properties": { "http": http_function(), "lambda": lambda() }
    })
}

fn lambda() -> Value {
    json!({
        "type": "object",
        "required": ["function", "region", "credentials"],
        "additionalProperties": false,
        "properties": {
            "function": { "type": "string", "description": "Name or ARN" },
            "qualifier": { "type": "string", "description": "Version or alias" },
            "region": { "type": "string" },
            "endpoint": { "type": "string", "pattern": "^https?://", "description": "Server of the Invoke API; that of AWS by default" },
            "invocation": { "enum": ["sync", "async"], "default": "sync", "description": "Whether its end is waited for" },
            "mode": { "enum": ["structured", "data"], "default": "structured" },
            "credentials": aws_credentials()
        }
    })
}

fn queue() -> Value {
    json!({
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": false,
        "properties": {
            "amqp": broker("^amqps?://|^\\$\\{", &[], json!({
                "exchange": { "type": "string", "default": "", "description": "Template of its name; the default exchange is the empty name" },
                "routing_key": { "type": "string", "default": "${$.type}", "description": "Template" },
                "mandatory": { "type": "boolean", "default": true, "description": "A message that no queue takes is a failure" },
                "declare": {
                    "enum": ["none", "queue", "direct", "fanout", "topic", "headers"], "default": "none",
                    "description": "What is declared, durable, before the first message: a queue of the routing key's name, or an exchange of this type"
                }
            })),
            "nats": broker("^(nats|tls)://|^\\$\\{", &["subject"], json!({ "subject": { "type": "string", "description": "Template" } })),
            "redis": broker("^rediss?://|^\\$\\{", &["stream"], json!({
                "stream": { "type": "string", "description": "Template of its key" },
                "max_len": { "type": "integer", "minimum": 1, "maximum": u32::MAX, "description": "About how many entries the stream keeps" }
            })),
            "mqtt": broker("^mqtts?://|^\\$\\{", &["topic"], json!({ "topic": { "type": "string", "description": "Template" } })),
            "postgres": broker("^postgres(ql)?://|^\\$\\{", &["table"], json!({
                "table": { "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*(\\.[A-Za-z_][A-Za-z0-9_]*)?$" }
            }))
        }
    })
}

/// A broker with what all of them have.
fn broker(url: &str, required: &[&str], more: Value) -> Value {
    let mut properties = json!({
        "url": { "type": "string", "pattern": url, "description": "With user and password, or a reference" },
        "mode": { "enum": ["structured", "binary"], "default": "structured" },
        "connection": { "$ref": "#/definitions/name", "description": "Connection with the user and password, or the certificate" }
    });
    if let (Some(properties), Value::Object(more)) = (properties.as_object_mut(), more) {
        properties.extend(more);
    }
    let required: Vec<_> = std::iter::once(&"url").chain(required).collect();
    json!({ "type": "object", "required": required, "additionalProperties": false, "properties": properties })
}

fn aws_credentials() -> Value {
    json!({
        "type": "object",
        "required": ["access_key_id", "secret_access_key"],
        "additionalProperties": false,
        "properties": {
            "access_key_id": { "type": "string" },
            "secret_access_key": { "type": "string" },
            "session_token": { "type": "string" }
        }
    })
}

fn sign() -> Value {
    json!({
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": false,
        "description": "Standard Webhooks signatures",
        "properties": {
            "secret": { "type": "string", "description": "whsec_… or a reference" },
            "secrets": { "type": "array", "minItems": 1, "maxItems": 5, "items": { "type": "string" }, "description": "The newest first; all of them sign" },
            "ed25519": { "type": "string", "description": "whsk_… or a reference" }
        }
    })
}

/// A webhook whose answer may be events.
fn http_function() -> Value {
    let mut schema = webhook();
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        let reply = json!({ "enum": ["ignore", "route"], "default": "ignore", "description": "What becomes of the events answered" });
        let bus = json!({ "$ref": "#/definitions/name", "description": "Bus of the replies; that of the rule by default" });
        properties.extend([("reply".to_owned(), reply), ("bus".to_owned(), bus)]);
    }
    schema
}

fn webhook() -> Value {
    json!({
        "type": "object",
        "required": ["url"],
        "additionalProperties": false,
        "properties": {
            "url": { "type": "string", "pattern": "^https?://" },
            "method": { "enum": ["POST", "PUT", "PATCH", "DELETE"], "default": "POST" },
            "mode": { "enum": ["structured", "binary", "batched", "data"], "default": "structured" },
            "headers": { "type": "object", "additionalProperties": { "type": "string" } },
            "sign": sign(),
            "connection": { "$ref": "#/definitions/name", "description": "Connection whose credentials the call carries" },
            "handshake": { "enum": ["off", "optional", "required"], "default": "off", "description": "Whether the target is asked for its consent first" }
        }
    })
}

fn circuit() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "failures": { "type": "integer", "minimum": 1, "maximum": 1000, "default": 10, "description": "In a row" },
            "open": { "$ref": "#/definitions/duration", "default": "30s", "description": "The first time; doubles" },
            "max": { "$ref": "#/definitions/duration", "default": "10m" }
        }
    })
}

fn retry() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "preset": { "enum": ["aws", "standard_webhooks"] },
            "strategy": { "enum": ["exponential", "fixed", "schedule", "none"], "default": "exponential" },
            "initial": { "$ref": "#/definitions/duration", "default": "1s" },
            "factor": { "type": "number", "minimum": 1, "maximum": 100, "default": 2 },
            "max": { "$ref": "#/definitions/duration", "default": "10m" },
            "jitter": { "enum": ["full", "equal", "none"] },
            "schedule": { "type": "array", "maxItems": 100, "items": { "$ref": "#/definitions/duration" } },
            "max_attempts": { "type": "integer", "minimum": 1, "maximum": 10000, "default": 185 },
            "max_age": { "$ref": "#/definitions/duration", "default": "24h" },
            "retry_on": { "type": "array", "items": { "type": "integer", "minimum": 300, "maximum": 599 }, "description": "Statuses to try again" },
            "permanent_on": { "type": "array", "items": { "type": "integer", "minimum": 300, "maximum": 599 }, "description": "Statuses that end a delivery" },
            "retry_after_max": {
                "$ref": "#/definitions/duration", "default": "1h",
                "description": "Longest silence that a target gets by Retry-After"
            }
        }
    })
}

fn test() -> Value {
    json!({
        "type": "object",
        "required": ["name", "event", "expect"],
        "additionalProperties": false,
        "properties": {
            "name": { "type": "string" },
            "event": { "type": "object", "description": "A CloudEvent, or any of its attributes" },
            "expect": {
                "type": "object", "description": "The rules that match, with what each target gets",
                "additionalProperties": { "type": "object", "additionalProperties": { "type": "object" } }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn keys(schema: &Value) -> BTreeSet<String> {
        schema["properties"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    }

    fn set(keys: &[&str]) -> BTreeSet<String> {
        keys.iter().map(|key| (*key).to_owned()).collect()
    }

    #[test]
    fn the_schema_knows_the_keys_that_the_decoders_know() {
        assert_eq!(keys(&rules_schema()), set(crate::catalog::rules_file::KEYS));
        assert_eq!(keys(&test()), set(crate::catalog::rules_file::TEST_KEYS));
        assert_eq!(keys(&rule()), set(crate::catalog::rule::KEYS));
        assert_eq!(keys(&target()), set(crate::catalog::target::KEYS));
        assert_eq!(keys(&webhook()), set(crate::catalog::target::WEBHOOK_KEYS));
        let function = [
            crate::catalog::target::WEBHOOK_KEYS,
            crate::catalog::target::FUNCTION_KEYS,
        ];
        assert_eq!(keys(&http_function()), set(&function.concat()));
        assert_eq!(keys(&circuit()), set(crate::catalog::target::CIRCUIT_KEYS));
        assert_eq!(keys(&sign()), set(crate::catalog::target::SIGN_KEYS));
        assert_eq!(keys(&lambda()), set(crate::catalog::target::LAMBDA_KEYS));
        assert_eq!(keys(&aws_credentials()), set(crate::catalog::target::AWS_KEYS));
        assert_eq!(keys(&retry()), set(crate::catalog::retry::KEYS));
        for (name, keys_of, _) in crate::catalog::target::BROKERS {
            let broker = &queue()["properties"][name];
            let all = [&crate::catalog::target::QUEUE_KEYS, keys_of].concat();
            assert_eq!(keys(broker), set(&all), "{name}");
        }
    }
}
