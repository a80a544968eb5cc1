"""Reads the events that are on a broker with its usual Python client and the CloudEvents SDK.

Arguments: the kind of broker, its port, and the queue, stream or topic. Prints a list of events as
{"attributes": {}, "json" | "text" | "base64": data, "hops": …}. For MQTT the argument `subscribe` behind
them leaves a session that the next call reads.
"""

import asyncio
import base64
import json
import sys
from datetime import datetime, timezone

from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from cloudevents.core.bindings.rabbitmq import RabbitMQMessage, from_rabbitmq
from cloudevents.core.formats.json import JSONFormat

# A broker that has nothing more to give says nothing.
SILENCE = 1.0


def plain(headers: dict, content_type, body: bytes):
    """Headers that are not percent-encoded, as the binding for RabbitMQ has them."""
    return from_rabbitmq(RabbitMQMessage(headers, content_type, body), JSONFormat())


def amqp(port, queue):
    import pika

    connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port))
    channel = connection.channel()
    while True:
        method, properties, body = channel.basic_get(queue, auto_ack=True)
        if method is None:
            return
        headers = {name: str(value) for name, value in (properties.headers or {}).items()}
        assert properties.delivery_mode == 2 and properties.message_id.startswith("msg_"), properties
        yield plain(headers, properties.content_type, body), headers["tramline-hops"]


def nats(port, stream):
    import nats as client

    async def read():
        connection = await client.connect(f"nats://127.0.0.1:{port}")
        jetstream = connection.jetstream()
        found = []
        count = (await jetstream.stream_info(stream)).state.messages
        for sequence in range(1, count + 1):
            message = await jetstream.get_msg(stream, seq=sequence)
            headers = {name.lower(): value for name, value in message.headers.items()}
            assert headers["nats-msg-id"].startswith("msg_"), headers
            if "ce-datacontenttype" in headers:
                headers["content-type"] = headers.pop("ce-datacontenttype")
            event = from_http_event(HTTPMessage(headers, message.data or b""))
            found.append((event, headers["tramline-hops"]))
        await connection.close()
        return found

    yield from asyncio.run(read())


def redis(port, stream):
    import redis as client

    for _, entry in client.Redis("127.0.0.1", port).xrange(stream):
        fields = {name.decode(): value for name, value in entry.items()}
        body = fields.pop("event", None) or fields.pop("data", b"")
        headers = {name: value.decode() for name, value in fields.items()}
        assert headers["id"].startswith("msg_"), headers
        yield plain(headers, headers.get("content-type"), body), headers["tramline-hops"]


def mqtt(port, topic, subscribe=False):
    import queue

    import paho.mqtt.client as paho
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties

    client = paho.Client(paho.CallbackAPIVersion.VERSION2, "reader", protocol=paho.MQTTv5)
    got, subscribed = queue.Queue(), queue.Queue()
    client.on_message = lambda _client, _data, message: got.put(message)
    client.on_subscribe = lambda *_: subscribed.put(True)
    lasting = Properties(PacketTypes.CONNECT)
    lasting.SessionExpiryInterval = 600
    client.connect("127.0.0.1", port, clean_start=subscribe, properties=lasting)
    client.loop_start()
    if subscribe:
        client.subscribe(topic, qos=1)
        subscribed.get(timeout=10)
    while not subscribe:
        try:
            message = got.get(timeout=SILENCE)
        except queue.Empty:
            break
        properties = dict(message.properties.UserProperty)
        hops = properties.pop("tramline-hops")
        assert properties.pop("webhook-id").startswith("msg_"), properties
        headers = {f"ce-{name}": value for name, value in properties.items()}
        yield plain(headers, message.properties.ContentType, message.payload), hops
    client.disconnect()
    client.loop_stop()


def neutral(event, hops) -> dict:
    def value(value):
        if isinstance(value, datetime):
            utc = value.astimezone(timezone.utc).isoformat(timespec="milliseconds")
            return utc.replace("+00:00", "Z")
        return value

    data = event.get_data()
    shown = {"attributes": {name: value(it) for name, it in event.get_attributes().items()}, "hops": hops}
    if isinstance(data, bytes):
        shown["base64"] = base64.b64encode(data).decode()
    elif isinstance(data, str):
        shown["text"] = data
    elif data is not None:
        shown["json"] = data
    return shown


kind, port, place, *more = sys.argv[1:]
read = {"amqp": amqp, "nats": nats, "redis": redis, "mqtt": mqtt}[kind]
found = read(int(port), place, *[True for _ in more])
json.dump([neutral(event, hops) for event, hops in found], sys.stdout)
