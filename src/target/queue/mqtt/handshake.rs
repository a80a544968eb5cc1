//! From a connection to a session: login and limits.

use std::time::Duration;

use bytes::BytesMut;
use rumqttc::v5::mqttbytes::v5::ConnAckProperties;
use rumqttc::v5::mqttbytes::v5::ConnectReturnCode;
use rumqttc::v5::mqttbytes::v5::Packet;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt as _;
use uuid::Uuid;

use super::judge;
use super::packet;
use super::packet::Malformed;
use super::publication::STRING;
use crate::target::queue::Endpoint;
use crate::target::queue::Trouble;
use crate::target::queue::words::Words;

/// Seconds after which a silent connection is dead.
const KEEP_ALIVE: u16 = 30;
/// Most messages without an answer: some times what all routes to one broker send at once.
const IN_FLIGHT: u16 = 8_192;
/// Largest packet of the protocol, in bytes.
const LARGEST: usize = 268_435_455;

/// First bytes of what may answer a login: CONNACK and DISCONNECT.
const ANSWERS: [u8; 2] = [0x20, 0xe0];

/// What both sides agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// Most messages without an answer; never 0.
    pub(super) in_flight: u16,
    /// Largest packet, in bytes.
    pub(super) packet: usize,
    /// A connection that is silent for longer is dead.
    pub(super) keep_alive: Duration,
}

/// Logs in. What came after the answer stays in `come`.
pub(super) async fn login(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    come: &mut BytesMut,
    endpoint: &Endpoint,
    words: &Words,
) -> Result<Limits, Trouble> {
    let password = endpoint.password.as_ref().map(|password| password.as_str());
    for text in [endpoint.username.as_deref(), password].into_iter().flatten() {
        if text.len() > STRING || text.contains('\0') {
            let reason = "the name or the password cannot be said in MQTT";
            return Err(Trouble::fatal(Trouble::later("auth_failed", reason)));
        }
    }
    let hello = packet::hello(client_id(), endpoint, KEEP_ALIVE).map_err(|_| no_mqtt())?;
    let said = async {
        stream.write_all(&hello).await?;
        stream.flush().await
    };
    said.await.map_err(|error| lost(&error))?;
    match receive(stream, come).await? {
        Packet::ConnAck(answer) if answer.code == ConnectReturnCode::Success => answer
            .properties
            .map_or_else(|| limits(&Asked::default()), |asked| limits(&(&asked).into())),
        Packet::ConnAck(answer) => Err(judge::refused(&answer, words)),
        Packet::Disconnect(answer) => Err(Trouble::fatal(Trouble::later(
            "connect_error",
            format!("the broker refuses us: {}", judge::left(&answer, words)),
        ))),
        _ => Err(no_mqtt()),
    }
}

/// Another one for each connection, because a broker ends the connection of whoever comes with the
/// same one; of 23 letters and digits, which every broker takes.
fn client_id() -> String {
    let random = Uuid::new_v4().simple().to_string();
    format!("tramline{}", random.get(..15).unwrap_or_default())
}

async fn receive(stream: &mut (impl AsyncRead + Unpin), come: &mut BytesMut) -> Result<Packet, Trouble> {
    loop {
        // Found out at once: what speaks another protocol may never complete a packet of this one.
        if come.first().is_some_and(|first| !ANSWERS.contains(first)) {
            return Err(no_mqtt());
        }
        match packet::next(come) {
            Ok(Some(packet)) => return Ok(packet),
            Ok(None) => {}
            Err(Malformed) => return Err(no_mqtt()),
        }
        match stream.read_buf(come).await {
            Ok(0) => {
                let reason = "the broker ended the connection during the login";
                return Err(Trouble::fatal(Trouble::later("connect_error", reason)));
            }
            Ok(_) => {}
            Err(error) => return Err(lost(&error)),
        }
    }
}

/// What a broker asks of us.
#[derive(Debug, Default)]
struct Asked {
    receive_maximum: Option<u16>,
    maximum_qos: Option<u8>,
    maximum_packet: Option<u32>,
    keep_alive: Option<u16>,
}

impl From<&ConnAckProperties> for Asked {
    fn from(properties: &ConnAckProperties) -> Self {
        Self {
            receive_maximum: properties.receive_max,
            maximum_qos: properties.max_qos,
            maximum_packet: properties.max_packet_size,
            keep_alive: properties.server_keep_alive,
        }
    }
}

fn limits(properties: &Asked) -> Result<Limits, Trouble> {
    if properties.maximum_qos == Some(0) {
        let reason = "the broker acknowledges no messages: it takes quality of service 0 only";
        return Err(Trouble::fatal(Trouble::later("config_error", reason)));
    }
    // 0 is not allowed, and would let nothing be sent.
    let in_flight = properties.receive_maximum.unwrap_or(u16::MAX).min(IN_FLIGHT);
    let packet = properties
        .maximum_packet
        .and_then(|max| usize::try_from(max).ok());
    let keep_alive = match properties.keep_alive {
        None | Some(0) => KEEP_ALIVE,
        Some(theirs) => theirs.min(KEEP_ALIVE),
    };
    if in_flight == 0 || packet == Some(0) {
        return Err(no_mqtt());
    }
    Ok(Limits {
        in_flight,
        packet: packet.unwrap_or(LARGEST),
        keep_alive: Duration::from_secs(keep_alive.into()),
    })
}

fn lost(error: &std::io::Error) -> Trouble {
    let reason = format!("the connection broke during the login: {}", error.kind());
    Trouble::fatal(Trouble::later("connect_error", reason))
}

fn no_mqtt() -> Trouble {
    Trouble::fatal(Trouble::later(
        "protocol_error",
        "what answers does not speak MQTT 5",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stricter_limit_holds_and_none_is_ours() {
        let ours = limits(&Asked::default()).unwrap();
        assert_eq!((ours.in_flight, ours.packet), (IN_FLIGHT, LARGEST));
        assert_eq!(ours.keep_alive, Duration::from_secs(30));
        let theirs = Asked {
            receive_maximum: Some(20),
            maximum_qos: Some(1),
            maximum_packet: Some(1_000),
            keep_alive: Some(10),
        };
        let theirs = limits(&theirs).unwrap();
        assert_eq!((theirs.in_flight, theirs.packet), (20, 1_000));
        assert_eq!(theirs.keep_alive, Duration::from_secs(10));
    }

    #[test]
    fn a_broker_that_acknowledges_nothing_is_refused() {
        let without = Asked {
            maximum_qos: Some(0),
            ..Asked::default()
        };
        assert_eq!(limits(&without).unwrap_err().class, "config_error");
        let nothing = Asked {
            receive_maximum: Some(0),
            ..Asked::default()
        };
        assert_eq!(limits(&nothing).unwrap_err().class, "protocol_error");
    }

    #[test]
    fn client_ids_are_short_and_never_the_same() {
        let (one, other) = (client_id(), client_id());
        assert_eq!(one.len(), 23);
        assert!(one.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(one, other);
    }
}
