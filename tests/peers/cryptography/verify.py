"""Verifies the Ed25519 signatures of recorded requests: verify.py PUBLIC_KEY

Reads a list of {"headers": {}, "body": base64} from stdin, prints a list of true and false.
"""

import base64
import json
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

KEY = Ed25519PublicKey.from_public_bytes(base64.b64decode(sys.argv[1].removeprefix("whpk_")))


def is_genuine(request: dict) -> bool:
    headers, body = request["headers"], base64.b64decode(request["body"])
    version, signature = headers["webhook-signature"].split(",")
    assert version == "v1a", version
    head = f"{headers['webhook-id']}.{headers['webhook-timestamp']}."
    try:
        KEY.verify(base64.b64decode(signature), head.encode() + body)
    except InvalidSignature:
        return False
    return True


json.dump([is_genuine(request) for request in json.load(sys.stdin)], sys.stdout)
