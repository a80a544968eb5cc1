//! Packets of MQTT 5 on their way in and out, within the bounds of a publisher.

use bytes::BytesMut;
use rumqttc::v5::mqttbytes;
use rumqttc::v5::mqttbytes::v5::Connect;
use rumqttc::v5::mqttbytes::v5::ConnectProperties;
use rumqttc::v5::mqttbytes::v5::Login;
use rumqttc::v5::mqttbytes::v5::Packet;

use crate::target::queue::Endpoint;

/// Largest packet that a broker may send, in bytes: answers are short, and there is nothing else that
/// it has to say. It is told so.
const PACKET_MAX: u32 = 64 * 1024;
/// Asks whether the connection is alive: PINGREQ.
pub(super) const PING: &[u8] = b"\xc0\0";
/// Ends the connection properly: DISCONNECT.
pub(super) const DISCONNECT: &[u8] = b"\xe0\0";

/// What came is not of the protocol, or is more than a publisher is ever told.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Takes the first packet off the bytes that have come, once it is whole.
pub(super) fn next(come: &mut BytesMut) -> Result<Option<Packet>, Malformed> {
    match Packet::read(come, Some(PACKET_MAX)) {
        Ok(packet) => Ok(Some(packet)),
        Err(mqttbytes::Error::InsufficientBytes(_)) => Ok(None),
        Err(_) => Err(Malformed),
    }
}

/// Asks to be let in, with a session that ends with the connection.
pub(super) fn hello(client: String, endpoint: &Endpoint, keep_alive: u16) -> Result<BytesMut, Malformed> {
    let properties = ConnectProperties {
        max_packet_size: Some(PACKET_MAX),
        session_expiry_interval: None,
        receive_maximum: None,
        topic_alias_max: None,
        request_response_info: None,
        request_problem_info: None,
        user_properties: Vec::new(),
        authentication_method: None,
        authentication_data: None,
    };
    let connect = Connect {
        keep_alive,
        client_id: client,
        clean_start: true,
        properties: Some(properties),
    };
    let password = endpoint.password.as_ref().map(|password| password.as_str());
    let login = (endpoint.username.is_some() || password.is_some()).then(|| Login {
        username: endpoint.username.clone().unwrap_or_default(),
        password: password.unwrap_or_default().to_owned(),
    });
    let mut bytes = BytesMut::new();
    let written = Packet::Connect(connect, None, login).write(&mut bytes, None);
    written.map(|_| bytes).map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BufMut as _;
    use proptest::prelude::*;

    #[test]
    fn packets_are_read_however_they_come() {
        let stream = b"\x40\x02\0\x07\xd0\0\x40\x04\x01\x02\x87\0\xe0\x02\x8e\0\x20\x03\0\0\0";
        let (mut come, mut read) = (BytesMut::new(), Vec::new());
        for &byte in stream {
            come.put_u8(byte);
            read.extend(next(&mut come).unwrap());
        }
        assert_eq!(read.len(), 5);
        assert!(matches!(&read[0], Packet::PubAck(ack) if ack.pkid == 7));
        assert!(matches!(&read[2], Packet::PubAck(ack) if ack.pkid == 258));
        assert!(matches!(&read[3], Packet::Disconnect(_)));
    }

    #[test]
    fn what_is_too_large_for_an_answer_is_refused_before_it_has_come() {
        for wrong in [b"\x40\xff\xff\xff\xff".as_slice(), b"\x40\xff\xff\x7f"] {
            assert_eq!(next(&mut BytesMut::from(wrong)), Err(Malformed), "{wrong:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]
        #[test]
        fn any_bytes_end_in_packets_or_a_refusal(
            first in any::<u8>(),
            rest in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let len = u8::try_from(rest.len()).unwrap();
            let mut come = BytesMut::from(&[&[first, len][..], &rest].concat()[..]);
            while let Ok(Some(_)) = next(&mut come) {}
        }
    }
}
