"""Parses recorded requests with the Python SDK.

Reads a list of {"headers": {}, "body": base64} from stdin, prints the neutral events.
"""

import base64
import json
import sys

from cloudevents.core.bindings.http import HTTPMessage, from_http_event

from neutral import from_sdk

BATCH = "application/cloudevents-batch+json"
STRUCTURED = {"content-type": "application/cloudevents+json"}


def events(request: dict):
    headers, body = request["headers"], base64.b64decode(request["body"])
    if not headers.get("content-type", "").startswith(BATCH):
        yield from_http_event(HTTPMessage(headers, body))
        return
    # The SDK reads single events only; a batch is an array of what it reads.
    for entry in json.loads(body):
        yield from_http_event(HTTPMessage(STRUCTURED, json.dumps(entry).encode()))


requests = json.load(sys.stdin)
json.dump([from_sdk(event) for it in requests for event in events(it)], sys.stdout)
