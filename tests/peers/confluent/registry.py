"""Asks a schema registry with Confluent's client: registry.py URL registry|serde

Prints what it was answered as a JSON object, the answer to each question by its name.
"""

import json
import sys

from confluent_kafka.schema_registry import (
    Schema,
    SchemaReference,
    SchemaRegistryClient,
    header_schema_id_serializer,
    topic_subject_name_strategy,
)
from confluent_kafka.schema_registry.common.schema_registry_client import ConfigCompatibilityLevel, ServerConfig
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.serialization import (
    MessageField,
    SerializationContext,
    SerializationError,
)

ORDER = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "order",
    "type": "object",
    "properties": {"number": {"type": "integer"}, "note": {"type": "string"}},
    "required": ["number"],
}


def schema(document, references=()) -> Schema:
    return Schema(json.dumps(document), "JSON", list(references))


def client(url: str) -> SchemaRegistryClient:
    # A client of its own has nothing cached.
    return SchemaRegistryClient({"url": url, "max.retries": 0})


def refusal(ask) -> list:
    """The status and the number of the error that a question ends in."""
    try:
        ask()
    except SchemaRegistryError as error:
        return [error.http_status_code, error.error_code]
    raise SystemExit("it was not refused")


def shown(registered) -> dict:
    return {
        "subject": registered.subject,
        "version": registered.version,
        "id": registered.schema_id,
        "type": registered.schema.schema_type,
        "schema": json.loads(registered.schema.schema_str),
    }


def registry(url: str) -> dict:
    wider = {**ORDER, "required": []}
    narrower = {**ORDER, "required": ["number", "note"]}
    asking = client(url)
    said = {
        "first": asking.register_schema("order", schema(ORDER)),
        "second": asking.register_schema("order", schema(wider), normalize_schemas=True),
        "again": client(url).register_schema("order", schema(ORDER)),
        "elsewhere": client(url).register_schema("a/b c", schema(ORDER)),
    }
    full = client(url).register_schema_full_response("order", schema(ORDER))
    guid = full.guid
    said |= {
        "full": [full.schema_id, full.version, full.subject],
        "incompatible": refusal(lambda: asking.register_schema("order", schema(narrower))),
        "avro": refusal(lambda: asking.register_schema("order", Schema('"string"', "AVRO"))),
        "broken": refusal(lambda: asking.register_schema("order", schema({"type": "strung"}))),
    }
    asking = client(url)
    said |= {
        "by_id": json.loads(asking.get_schema(1).schema_str),
        "by_id_and_subject": json.loads(asking.get_schema(1, "order").schema_str),
        "by_guid": json.loads(asking.get_schema_by_guid(guid).schema_str),
        "no_id": refusal(lambda: asking.get_schema(99)),
        "types": asking.get_schema_types(),
        "subjects": asking.get_subjects(),
        "prefixed": asking.get_subjects(subject_prefix="a/", deleted=True, limit=5),
        "deleted_only": asking.get_subjects(deleted_only=True),
        "versions": asking.get_versions("order"),
        "no_subject": refusal(lambda: asking.get_versions("none")),
        "version": shown(asking.get_version("order", 1)),
        "latest": shown(asking.get_latest_version("order")),
        "no_version": refusal(lambda: asking.get_version("order", 9)),
        "looked_up": shown(asking.lookup_schema("order", schema(ORDER), normalize_schemas=True)),
        "no_schema": refusal(lambda: asking.lookup_schema("order", schema({"type": "null"}))),
        "where": asking.get_subjects_by_schema_id(1),
        "places": [[place.subject, place.version] for place in asking.get_schema_versions(1)],
        "referenced_by": asking.get_referenced_by("order", 1),
        "compatible_with_one": asking.test_compatibility("order", schema(ORDER), 1),
        "compatible_with_latest": asking.test_compatibility("order", schema(narrower)),
        "compatible_with_all": asking.test_compatibility_all_versions("order", schema(wider), verbose=True),
        "global_level": asking.get_compatibility(),
        "level": asking.set_compatibility("order", "full"),
        "level_then": asking.get_compatibility("order"),
        "set_config": asking.set_config("order", ServerConfig(ConfigCompatibilityLevel.FORWARD)),
        "config": asking.get_config("order").compatibility_level,
        "deleted_config": asking.delete_config("order").compatibility_level,
        "global_level_stays": refusal(lambda: asking.set_compatibility(level="NONE")),
        "mode": asking.get_global_mode(),
        "contexts": asking.get_contexts(),
        "delete_softly": refusal(lambda: asking.delete_subject("a/b c")),
        "delete_version": refusal(lambda: asking.delete_version("order", 1)),
        "deleted": asking.delete_subject("a/b c", permanent=True),
        "left": client(url).get_subjects(),
    }
    return said


def serde(url: str) -> dict:
    """Data there and back: with the default strategy, a named one, references, and GUIDs in headers."""
    context = SerializationContext("orders", MessageField.VALUE, [])
    data = {"number": 1, "note": "für 1 €"}

    def read(payload: bytes, context=context):
        return JSONDeserializer(None, schema_registry_client=client(url))(payload, context)

    writer = JSONSerializer(json.dumps(ORDER), client(url))
    payload = writer(data, context)
    said = {"id": int.from_bytes(payload[1:5], "big"), "read": read(payload)}
    try:
        writer({"number": "x"}, context)
    except SerializationError:
        said["invalid"] = True

    found = {"auto.register.schemas": False, "subject.name.strategy": topic_subject_name_strategy}
    looking_up = JSONSerializer(json.dumps(ORDER), client(url), conf=found)
    said["looked_up"] = read(looking_up(data, context))
    latest = JSONSerializer(json.dumps(ORDER), client(url), conf={**found, "use.latest.version": True})
    said["latest"] = read(latest(data, context))
    by_id = JSONSerializer(json.dumps(ORDER), client(url), conf={**found, "use.schema.id": said["id"]})
    said["by_id"] = read(by_id(data, context))

    money = {"$id": "https://example.com/money.json", "type": "number", "minimum": 0}
    client(url).register_schema("money", schema(money))
    reference = SchemaReference("https://example.com/money.json", "money", 1)
    said["references"] = []
    for topic, bill in [
        ("plain", {"title": "bill"}),
        ("based", {"title": "bill", "$id": "https://example.com/bill.json"}),
    ]:
        bill["properties"] = {"total": {"$ref": "https://example.com/money.json"}}
        bill_context = SerializationContext(topic, MessageField.VALUE, [])
        writer = JSONSerializer(schema(bill, [reference]), client(url))
        payload = writer({"total": 5}, bill_context)
        said["references"].append(read(payload, bill_context))
        # What the writer does not look at, the reader does.
        unchecked = JSONSerializer(schema(bill, [reference]), client(url), conf={"validate": False})
        try:
            read(unchecked({"total": -5}, bill_context), bill_context)
        except SerializationError:
            said["references"].append("invalid")
    said["referenced_by"] = len(client(url).get_referenced_by("money", 1))

    header_context = SerializationContext("orders", MessageField.VALUE, [])
    in_header = {"schema.id.serializer": header_schema_id_serializer}
    payload = JSONSerializer(json.dumps(ORDER), client(url), conf=in_header)(data, header_context)
    said["by_guid"] = read(payload, header_context)
    return said


url, part = sys.argv[1:]
json.dump({"registry": registry, "serde": serde}[part](url), sys.stdout)
