"""Signs recorded requests anew with AWS's own library: sign.py REGION ID KEY [TOKEN]

Reads a list of {"method", "url", "headers", "body": base64} from stdin, prints the values that
`authorization` must have.
"""

import base64
import json
import sys

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

region, *keys = sys.argv[1:]
auth = SigV4Auth(Credentials(*keys), "lambda", region)


def authorization(recorded: dict) -> str:
    headers = recorded["headers"]
    signed = headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    request = AWSRequest(
        method=recorded["method"],
        url=recorded["url"],
        headers={name: headers[name] for name in signed},
        data=base64.b64decode(recorded["body"]),
    )
    request.context["timestamp"] = headers["x-amz-date"]
    canonical = auth.canonical_request(request)
    to_sign = auth.string_to_sign(request, canonical)
    signature = auth.signature(to_sign, request)
    parts = [
        f"AWS4-HMAC-SHA256 Credential={auth.scope(request)}",
        f"SignedHeaders={auth.signed_headers(auth.headers_to_sign(request))}",
        f"Signature={signature}",
    ]
    return ", ".join(parts)


json.dump([authorization(request) for request in json.load(sys.stdin)], sys.stdout)
