"""Parses recorded requests with version 1 of the Python SDK.

Reads a list of {"headers": {}, "body": base64} from stdin, prints the neutral events.
"""

import base64
import json
import sys
from datetime import datetime, timezone

from cloudevents.http import from_http

BATCH = "application/cloudevents-batch+json"
STRUCTURED = "application/cloudevents+json"


def events(request: dict):
    headers, body = request["headers"], base64.b64decode(request["body"])
    if not headers.get("content-type", "").startswith(BATCH):
        yield from_http(headers, body)
        return
    # The SDK reads single events only; a batch is an array of what it reads.
    for entry in json.loads(body):
        yield from_http({"content-type": STRUCTURED}, json.dumps(entry))


def neutral(event) -> dict:
    attributes, data = dict(event.get_attributes()), event.get_data()
    if "time" in attributes:
        utc = datetime.fromisoformat(attributes["time"]).astimezone(timezone.utc)
        attributes["time"] = utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(data, bytes) and attributes["datacontenttype"].startswith("text/"):
        data = data.decode()
    if isinstance(data, bytes):
        return {"attributes": attributes, "base64": base64.b64encode(data).decode()}
    if isinstance(data, str):
        return {"attributes": attributes, "text": data}
    return {"attributes": attributes, "json": data}


requests = json.load(sys.stdin)
json.dump([neutral(event) for it in requests for event in events(it)], sys.stdout)
