"""Makes a key pair, prints {"private": "whsk_…", "both": "whsk_…", "public": "whpk_…"}.

`both` is the private key in the form that has the public key behind it.
"""

import base64
import json
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

key = Ed25519PrivateKey.generate()
private, public = key.private_bytes_raw(), key.public_key().public_bytes_raw()


def text(prefix: str, key: bytes) -> str:
    return prefix + base64.b64encode(key).decode()


keys = {
    "private": text("whsk_", private),
    "both": text("whsk_", private + public),
    "public": text("whpk_", public),
}
sys.stdin.read()
json.dump(keys, sys.stdout)
