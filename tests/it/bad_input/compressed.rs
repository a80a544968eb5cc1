//! Compressed bodies: unpacked as far as the limits allow, and whole or not at all.

use async_compression::tokio::bufread::GzipEncoder;
use async_compression::tokio::bufread::ZstdEncoder;
use serde_json::json;
use tokio::io::AsyncReadExt as _;

use super::EVENT_BYTES;
use super::PLAIN;
use super::STRUCTURED;
use super::YAML;
use super::ask;
use super::case;
use super::event_of;
use super::request;
use crate::support::Server;
use crate::support::event;
use crate::support::exchange;

const GZIP: &str = "content-encoding: gzip";
const ZSTD: &str = "content-encoding: zstd";

async fn gzip(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    GzipEncoder::new(text).read_to_end(&mut out).await.unwrap();
    out
}

async fn zstd(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    ZstdEncoder::new(text).read_to_end(&mut out).await.unwrap();
    out
}

fn packed(encoding: &str, body: &[u8]) -> Vec<u8> {
    request("POST /events", &[STRUCTURED, encoding], body)
}

#[tokio::test]
async fn compressed_events_are_unpacked() {
    let server = Server::start().await;
    let text = |id: &str| event(id, "t", &json!({ "id": id })).to_string();
    let (a, b, c, d) = (text("a"), text("b"), text("c"), text("d"));
    let split = |text: &str| (text.as_bytes()[..20].to_vec(), text.as_bytes()[20..].to_vec());
    let (first, second) = split(&c);
    let members = [gzip(&first).await, gzip(&second).await].concat();
    let (first, second) = split(&d);
    let frames = [zstd(&first).await, zstd(&second).await].concat();
    for (encoding, body) in [
        (GZIP, gzip(a.as_bytes()).await),
        (ZSTD, zstd(b.as_bytes()).await),
        // Both formats are sequences of parts that stand for one text (RFC 1952, RFC 8878).
        ("content-encoding: GZIP", members),
        ("content-encoding: Zstd", frames),
    ] {
        let reply = exchange(server.url(), &packed(encoding, &body)).await;
        assert_eq!(reply.status, 202, "{encoding}: {reply:?}");
    }
    let events = server.get("/v1/buses/default/events").await;
    let ids: Vec<_> = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["event"]["data"]["id"])
        .collect();
    assert_eq!(ids, ["a", "b", "c", "d"]);
}

#[tokio::test]
async fn bombs_and_broken_archives_are_refused() {
    let server = Server::start().await;
    let bomb = vec![b'['; 64 * EVENT_BYTES];
    let over = event_of(EVENT_BYTES + 1);
    let good = event("1", "t", &json!(1)).to_string();
    let (zipped, squeezed) = (gzip(good.as_bytes()).await, zstd(good.as_bytes()).await);
    let behind = |body: &[u8]| [body, b"more"].concat();
    let twice = request("POST /events", &[STRUCTURED, GZIP, GZIP], &zipped);
    // A frame that asks for a window of 128 MiB before it says anything (RFC 8878, 3.1.1.1.2).
    let window = b"\x28\xb5\x2f\xfd\x00\x88\x01\x00\x00";
    ask(
        &server,
        vec![
            case(
                "gzip bomb",
                packed(GZIP, &gzip(&bomb).await),
                413,
                "event-too-large",
            ),
            case(
                "zstd bomb",
                packed(ZSTD, &zstd(&bomb).await),
                413,
                "event-too-large",
            ),
            case(
                "one byte over",
                packed(GZIP, &gzip(over.as_bytes()).await),
                413,
                "event-too-large",
            ),
            case("zstd window", packed(ZSTD, window), 400, "invalid-encoding"),
            case("no gzip", packed(GZIP, good.as_bytes()), 400, "invalid-encoding"),
            case("no zstd", packed(ZSTD, good.as_bytes()), 400, "invalid-encoding"),
            case(
                "half a gzip",
                packed(GZIP, &zipped[..zipped.len() - 9]),
                400,
                "invalid-encoding",
            ),
            case(
                "half a zstd",
                packed(ZSTD, &squeezed[..squeezed.len() - 3]),
                400,
                "invalid-encoding",
            ),
            case(
                "gzip and more",
                packed(GZIP, &behind(&zipped)),
                400,
                "invalid-encoding",
            ),
            case(
                "zstd and more",
                packed(ZSTD, &behind(&squeezed)),
                400,
                "invalid-encoding",
            ),
            case("nothing", packed(GZIP, b""), 400, "invalid-encoding"),
            case(
                "brotli",
                packed("content-encoding: br", &zipped),
                415,
                "unsupported-encoding",
            ),
            case(
                "two at once",
                packed("content-encoding: gzip, gzip", &zipped),
                415,
                "unsupported-encoding",
            ),
            case("two headers", twice, 415, "unsupported-encoding"),
        ],
    )
    .await;
    // 33 MiB of rules are too many in any packing; unpacking up to the limit has its price.
    let rules = gzip(&vec![b'#'; 33 * EVENT_BYTES]).await;
    for kind in [YAML, PLAIN] {
        let bytes = request("POST /v1/apply", &[kind, GZIP], &rules);
        exchange(server.url(), &bytes)
            .await
            .problem(413, "body-too-large");
    }
}
