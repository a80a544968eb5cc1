"""Publishes events with the Python SDK: publish.py URL binary|structured|batch

Reads a list of neutral events from stdin, prints the answers as a JSON list.
"""

import json
import sys

import requests
from cloudevents.core.bindings.http import (
    HTTPMessage,
    to_binary_event,
    to_structured_event,
)
from cloudevents.core.formats.json import JSONFormat

from neutral import to_sdk


def batch(events) -> HTTPMessage:
    # The SDK writes single events only; a batch is a JSON array of what its format writes.
    body = b"[" + b",".join(JSONFormat().write(event) for event in events) + b"]"
    return HTTPMessage({"content-type": "application/cloudevents-batch+json"}, body)


def main(url: str, mode: str) -> None:
    events = [to_sdk(neutral) for neutral in json.load(sys.stdin)]
    if mode == "batch":
        messages = [batch(events)]
    else:
        write = {"binary": to_binary_event, "structured": to_structured_event}[mode]
        messages = [write(event) for event in events]
    session = requests.Session()
    session.trust_env = False
    answers = []
    for message in messages:
        answer = session.post(url, headers=message.headers, data=message.body, timeout=30)
        answers.append(answer.json())
    json.dump(answers, sys.stdout)


main(*sys.argv[1:])
