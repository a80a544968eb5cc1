//! What the end of a message means for its delivery.

use lapin::Confirmation;
use lapin::Error;
use lapin::ErrorKind;
use lapin::protocol::AMQPError;
use lapin::protocol::AMQPErrorKind;

use super::Address;
use crate::catalog::Declare;
use crate::target::queue::Message;
use crate::target::queue::Trouble;
use crate::target::queue::words::Words;

/// What the answer of the broker means.
pub(super) fn confirmed(confirmation: Confirmation, to: &Address, words: &Words) -> Result<(), Trouble> {
    match confirmation {
        Confirmation::Ack(None) => Ok(()),
        Confirmation::Ack(Some(returned)) => {
            let said = words.quote(returned.reply_text.as_str().as_bytes());
            let reason = format!(
                "no queue gets the message: nothing is bound to {} for routing key `{}` ({} {said})",
                named(to),
                to.routing_key,
                returned.reply_code,
            );
            Err(Trouble::later("unroutable", reason))
        }
        Confirmation::Nack(_) => {
            let reason = format!(
                "the broker has not taken the message for {}: a queue is full or failed",
                named(to)
            );
            Err(Trouble::later("nacked", reason))
        }
        Confirmation::NotRequested => Err(Trouble::later(
            "protocol_error",
            "the broker acknowledges no messages",
        )),
    }
}

/// What the target wants to be there cannot be declared; the message was not sent.
pub(super) fn undeclared(error: &Error, to: &Address, words: &Words) -> Trouble {
    let what = match to.declare {
        Declare::Queue => format!("the queue `{}`", to.routing_key),
        Declare::Exchange(_) | Declare::Nothing => named(to),
    };
    let reason = format!("{what} cannot be declared: {}", why(error, words));
    match error.kind() {
        ErrorKind::ProtocolError(error) if matches!(error.kind(), AMQPErrorKind::Soft(_)) => {
            Trouble::later("config_error", reason)
        }
        _ => Trouble::unsent("connect_error", reason).fatal(),
    }
}

/// The message has no answer. Only what is said of its channel is said of it: the channel has
/// carried nothing else meanwhile.
pub(super) fn unanswered(error: &Error, to: &Address, message: &Message<'_>, words: &Words) -> Trouble {
    match error.kind() {
        ErrorKind::ProtocolError(error) if matches!(error.kind(), AMQPErrorKind::Soft(_)) => {
            closed(error, to, message, words)
        }
        _ => Trouble::fatal(Trouble::later(
            "ambiguous",
            format!(
                "the connection ended before the broker had answered: {}",
                why(error, words)
            ),
        )),
    }
}

/// The broker has closed the channel for the message.
fn closed(error: &AMQPError, to: &Address, message: &Message<'_>, words: &Words) -> Trouble {
    let (code, text) = (
        error.get_id(),
        words.quote(error.get_message().as_str().as_bytes()),
    );
    match code {
        404 => Trouble::later(
            "config_error",
            format!("there is no {} ({code} {text})", named(to)),
        ),
        403 => Trouble::later(
            "auth_failed",
            format!(
                "the broker lets nothing be published to {}: {code} {text}",
                named(to)
            ),
        ),
        406 if text.contains("larger than") => {
            let len = message.body.len();
            Trouble::never(
                "too_large",
                format!("the message of {len} bytes is too large for the broker: {text}"),
            )
        }
        _ => Trouble::later(
            "ambiguous",
            format!("the broker closed the channel before it had answered: {code} {text}"),
        ),
    }
}

/// Why a connection has ended, free of secrets.
pub(super) fn why(error: &Error, words: &Words) -> String {
    match error.kind() {
        ErrorKind::ProtocolError(error) => {
            let text = words.quote(error.get_message().as_str().as_bytes());
            format!("the broker closed it: {} {text}", error.get_id())
        }
        ErrorKind::IOError(error) => error.kind().to_string(),
        ErrorKind::MissingHeartbeatError => "the broker said nothing for too long".to_owned(),
        ErrorKind::ParsingError(_) => "the broker does not keep to AMQP 0-9-1".to_owned(),
        _ => "it was closed".to_owned(),
    }
}

fn named(to: &Address) -> String {
    match to.exchange.as_str() {
        "" => "the default exchange".to_owned(),
        name => format!("exchange `{name}`"),
    }
}
