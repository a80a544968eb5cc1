"""Parses recorded requests with the Python SDK.

Reads a list of {"headers": {}, "body": base64} from stdin, prints the neutral events.
"""

import base64
import json
import sys

from cloudevents.core.bindings.http import HTTPMessage, from_http_event

from neutral import from_sdk

requests = json.load(sys.stdin)
messages = [HTTPMessage(it["headers"], base64.b64decode(it["body"])) for it in requests]
json.dump([from_sdk(from_http_event(message)) for message in messages], sys.stdout)
