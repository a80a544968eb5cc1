//! What the reasons of an MQTT 5 broker mean.

use rumqttc::v5::mqttbytes::v5::ConnAck;
use rumqttc::v5::mqttbytes::v5::ConnectReturnCode;
use rumqttc::v5::mqttbytes::v5::Disconnect;
use rumqttc::v5::mqttbytes::v5::DisconnectReasonCode;
use rumqttc::v5::mqttbytes::v5::PubAck;
use rumqttc::v5::mqttbytes::v5::PubAckReason;

use super::Address;
use crate::target::queue::Trouble;
use crate::target::queue::words::Words;

/// What the answer to a message means. That nobody has subscribed (0x10) is a success: the broker has
/// done what a broker does.
pub(super) fn answered(ack: &PubAck, to: &Address, words: &Words) -> Result<(), Trouble> {
    use PubAckReason as R;
    let (class, code, name) = match ack.reason {
        R::Success | R::NoMatchingSubscribers => return Ok(()),
        R::UnspecifiedError => ("nacked", 0x80, "unspecified error"),
        R::ImplementationSpecificError => ("nacked", 0x83, "implementation specific error"),
        R::NotAuthorized => ("auth_failed", 0x87, "not authorized"),
        R::TopicNameInvalid => ("config_error", 0x90, "topic name invalid"),
        R::PacketIdentifierInUse => ("protocol_error", 0x91, "packet identifier in use"),
        R::QuotaExceeded => ("throttled", 0x97, "quota exceeded"),
        R::PayloadFormatInvalid => ("wrong_type", 0x99, "payload format invalid"),
    };
    let topic: String = to.topic.chars().take(100).collect();
    let properties = ack.properties.as_ref();
    let said = more(properties.and_then(|more| more.reason_string.as_deref()), words);
    let reason = format!("the broker refuses the message for topic `{topic}`: {code:#04x} {name}{said}");
    Err(match ack.reason {
        R::PayloadFormatInvalid => Trouble::never(class, reason),
        R::PacketIdentifierInUse => Trouble::fatal(Trouble::later(class, reason)),
        _ => Trouble::later(class, reason),
    })
}

/// Why the broker does not let us in. Whatever it proposes instead is not followed.
pub(super) fn refused(answer: &ConnAck, words: &Words) -> Trouble {
    use ConnectReturnCode as C;
    let (class, name) = match answer.code {
        C::BadUserNamePassword => ("auth_failed", "bad user name or password"),
        C::NotAuthorized => ("auth_failed", "not authorized"),
        C::BadAuthenticationMethod => ("auth_failed", "bad authentication method"),
        C::Banned => ("auth_failed", "banned"),
        C::ServerBusy => ("throttled", "server busy"),
        C::QuotaExceeded => ("throttled", "quota exceeded"),
        C::ConnectionRateExceeded => ("throttled", "connection rate exceeded"),
        C::RefusedProtocolVersion | C::UnsupportedProtocolVersion => {
            ("config_error", "it does not speak MQTT 5")
        }
        C::BadClientId | C::ClientIdentifierNotValid => ("config_error", "client identifier not valid"),
        C::UseAnotherServer => ("config_error", "use another server"),
        C::ServerMoved => ("config_error", "server moved"),
        C::QoSNotSupported => ("config_error", "quality of service not supported"),
        C::MalformedPacket | C::ProtocolError => ("protocol_error", "protocol error"),
        _ => ("connect_error", "server unavailable"),
    };
    let properties = answer.properties.as_ref();
    let said = more(properties.and_then(|more| more.reason_string.as_deref()), words);
    Trouble::fatal(Trouble::later(
        class,
        format!("the broker refuses us: {name}{said}"),
    ))
}

/// Why the broker ends a session.
pub(super) fn left(disconnect: &Disconnect, words: &Words) -> String {
    use DisconnectReasonCode as D;
    let name = match disconnect.reason_code {
        D::SessionTakenOver => "session taken over by another one with our client id",
        D::ServerShuttingDown => "server shutting down",
        D::ServerBusy => "server busy",
        D::NotAuthorized => "not authorized",
        D::KeepAliveTimeout => "keep alive timeout",
        D::ReceiveMaximumExceeded => "receive maximum exceeded",
        D::PacketTooLarge => "packet too large",
        D::MessageRateTooHigh => "message rate too high",
        D::QuotaExceeded => "quota exceeded",
        D::AdministrativeAction => "administrative action",
        D::TopicNameInvalid => "topic name invalid",
        D::ProtocolError | D::MalformedPacket => "protocol error",
        _ => "for a reason of its own",
    };
    let properties = disconnect.properties.as_ref();
    let said = more(properties.and_then(|more| more.reason_string.as_deref()), words);
    format!("the broker closed it: {name}{said}")
}

/// What else a broker says.
fn more(said: Option<&str>, words: &Words) -> String {
    said.map_or_else(String::new, |said| format!(" ({})", words.quote(said.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Outcome;

    #[test]
    fn reasons_below_0x80_are_successes_and_the_others_have_a_class() {
        use PubAckReason as R;
        let (words, topic) = (Words::without(None), "a/b".to_owned());
        let to = Address { topic };
        let judged = |reason| {
            let (pkid, properties) = (1, None);
            answered(
                &PubAck {
                    pkid,
                    reason,
                    properties,
                },
                &to,
                &words,
            )
        };
        assert!(judged(R::Success).is_ok());
        assert!(judged(R::NoMatchingSubscribers).is_ok());
        for (reason, class, outcome) in [
            (R::UnspecifiedError, "nacked", Outcome::RetryLater),
            (R::ImplementationSpecificError, "nacked", Outcome::RetryLater),
            (R::NotAuthorized, "auth_failed", Outcome::RetryLater),
            (R::TopicNameInvalid, "config_error", Outcome::RetryLater),
            (R::QuotaExceeded, "throttled", Outcome::RetryLater),
            (R::PacketIdentifierInUse, "protocol_error", Outcome::RetryLater),
            (R::PayloadFormatInvalid, "wrong_type", Outcome::Permanent),
        ] {
            let trouble = judged(reason).unwrap_err();
            assert_eq!((trouble.class, trouble.outcome), (class, outcome), "{reason:?}");
            assert!(trouble.reason.contains("`a/b`"));
            assert_eq!(trouble.is_fatal, reason == R::PacketIdentifierInUse);
        }
    }

    #[test]
    fn a_refused_connection_says_whether_it_is_credentials_settings_or_time() {
        use ConnectReturnCode as C;
        for (code, class) in [
            (C::BadUserNamePassword, "auth_failed"),
            (C::NotAuthorized, "auth_failed"),
            (C::UnsupportedProtocolVersion, "config_error"),
            (C::ServerMoved, "config_error"),
            (C::ServerBusy, "throttled"),
            (C::ServerUnavailable, "connect_error"),
        ] {
            let (session_present, properties) = (false, None);
            let answer = ConnAck {
                session_present,
                code,
                properties,
            };
            let trouble = refused(&answer, &Words::without(None));
            assert_eq!((trouble.class, trouble.is_fatal), (class, true), "{code:?}");
        }
    }
}
