"""Functions that the tests call, run by the Functions Framework.

`reply` answers each event with one of its own, `quiet` takes events and answers `OK`.
"""

import functions_framework
from cloudevents.http import CloudEvent, from_http, to_binary, to_structured


@functions_framework.http
def reply(request):
    event = from_http(request.headers, request.get_data())
    attributes = {
        "id": f"reply-to-{event['id']}",
        "source": "/functions/reply",
        "type": "com.example.replied",
        # The SDK's binary mode has no content type without it, and Flask says HTML then.
        "datacontenttype": "application/json",
        "subject": event["type"],
        "prefer": request.headers.get("prefer", ""),
        "hops": request.headers.get("tramline-hops", ""),
    }
    answer = CloudEvent(attributes, {"said": event.data})
    write = to_binary if request.args.get("mode") == "binary" else to_structured
    headers, body = write(answer)
    return body, 200, headers


@functions_framework.cloud_event
def quiet(event):
    print(event["id"], flush=True)
