"""Events between the tests and the SDK: a form that has nothing of CloudEvents' own formats.

{"attributes": {name: value}, "json" | "text" | "base64": data}; `time` has milliseconds and ends in Z.
"""

import base64
from datetime import datetime, timezone

from cloudevents.core.v1.event import CloudEvent
from dateutil.parser import isoparse


def to_sdk(neutral: dict) -> CloudEvent:
    attributes = dict(neutral["attributes"])
    if "time" in attributes:
        attributes["time"] = isoparse(attributes["time"])
    if "base64" in neutral:
        return CloudEvent(attributes, base64.b64decode(neutral["base64"]))
    return CloudEvent(attributes, neutral.get("json", neutral.get("text")))


def from_sdk(event: CloudEvent) -> dict:
    attributes = {name: _plain(value) for name, value in event.get_attributes().items()}
    data = event.get_data()
    neutral = {"attributes": attributes}
    if isinstance(data, bytes):
        neutral["base64"] = base64.b64encode(data).decode()
    elif isinstance(data, str):
        neutral["text"] = data
    elif data is not None:
        neutral["json"] = data
    return neutral


def _plain(value):
    if isinstance(value, datetime):
        utc = value.astimezone(timezone.utc).isoformat(timespec="milliseconds")
        return utc.replace("+00:00", "Z")
    return value
