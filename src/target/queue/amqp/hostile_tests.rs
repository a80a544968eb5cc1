//! The link against what is no broker, or a bad one.

use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::Link;
use crate::target::queue::Trouble;
use crate::target::queue::link::BrokerLink as _;
use crate::target::queue::test_support::dialer;
use crate::target::queue::test_support::endpoint;

/// Something that answers the first connection with these bytes, and then hangs up or stays silent.
async fn peer(says: &[u8], hangs_up: bool) -> (u16, JoinSet<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (mut serving, says) = (JoinSet::new(), says.to_vec());
    serving.spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut hello = [0; 8];
        stream.read_exact(&mut hello).await.unwrap();
        stream.write_all(&says).await.unwrap();
        hangs_up || has_ended(stream).await
    });
    (port, serving)
}

/// Waits for the other side to hang up.
async fn has_ended(mut stream: TcpStream) -> bool {
    let mut rest = Vec::new();
    // An error ends it as well as an end.
    drop(stream.read_to_end(&mut rest).await);
    true
}

async fn connect(port: u16) -> Option<Trouble> {
    let endpoint = endpoint(&format!("amqp://127.0.0.1:{port}"));
    Link::connect(&endpoint, &dialer()).await.err()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_speak_amqp_is_refused() {
    for says in [
        b"".as_slice(),
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        b"AMQP\0\0\x08\0",
        b"\x01\0\0\0\0\0\x04\0\x0a\0\x29\xce",
    ] {
        let (port, _serving) = peer(says, true).await;
        let trouble = connect(port).await.expect("no link");
        let is_known = matches!(trouble.class, "connect_error" | "protocol_error");
        assert!(is_known && trouble.is_fatal, "{says:?}: {trouble:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn giving_up_a_silent_broker_ends_the_connection_to_it() {
    let (port, mut serving) = peer(b"", false).await;
    let connecting = tokio::time::timeout(Duration::from_millis(200), connect(port)).await;
    assert!(connecting.is_err(), "it says nothing");
    let ended = tokio::time::timeout(Duration::from_secs(10), serving.join_next()).await;
    assert!(ended.expect("the connection is ended").unwrap().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_within_tables_end_the_connection_and_nothing_else() {
    let level = |level: u32| [&b"A"[..], &(level * 5).to_be_bytes()].concat();
    let table: Vec<u8> = [b"\x04deep".to_vec()]
        .into_iter()
        .chain((0..20_000).rev().map(level))
        .flatten()
        .collect();
    let size = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap().to_be_bytes();
    let start = [
        b"\0\x0a\0\x0a\0\x09",
        &size(&table)[..],
        &table,
        b"\0\0\0\x05PLAIN\0\0\0\x05en_US",
    ];
    let start = start.concat();
    let frame = [b"\x01\0\0", &size(&start)[..], &start, b"\xce"].concat();
    let (port, _serving) = peer(&frame, false).await;
    let trouble = connect(port).await.expect("no link");
    assert_eq!(
        (trouble.class, trouble.is_fatal),
        ("protocol_error", true),
        "{trouble:?}"
    );
}
