"""Verifies recorded requests with the reference library: verify.py SECRET

Reads a list of {"headers": {}, "body": base64} from stdin, prints a list of true and false.
"""

import base64
import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError


def is_genuine(request: dict) -> bool:
    try:
        Webhook(sys.argv[1]).verify(base64.b64decode(request["body"]), request["headers"])
    except WebhookVerificationError:
        return False
    return True


json.dump([is_genuine(request) for request in json.load(sys.stdin)], sys.stdout)
