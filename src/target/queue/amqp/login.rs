//! From the URL of a broker to an open connection, or to why there is none.

use std::io;

use lapin::AsyncTcpStream;
use lapin::Connection;
use lapin::ConnectionProperties;
use lapin::Error;
use lapin::ErrorKind;
use lapin::uri::AMQPAuthority;
use lapin::uri::AMQPQueryString;
use lapin::uri::AMQPScheme;
use lapin::uri::AMQPUri;
use lapin::uri::AMQPUserInfo;
use parking_lot::Mutex;
use url::Url;

use super::inbound::FRAME_MAX;
use super::pool::CHANNELS;
use super::runtime::Kit;
use super::wire::Wire;
use crate::target::queue::Endpoint;
use crate::target::queue::Trouble;
use crate::target::queue::place;
use crate::target::queue::place::Place;
use crate::target::queue::words::Words;

/// Seconds after which a silent connection is looked after.
const HEARTBEAT: u16 = 15;
/// Longest name of AMQP, in bytes: its length is one byte.
pub(super) const SHORT: usize = 255;
/// Who asks when nobody is named, as the URI scheme of `RabbitMQ` has it.
const GUEST: &str = "guest";

/// Logs in over a connection that the guard has made. The client has this one only: when it ends,
/// the link ends.
pub(super) async fn login(
    wire: Wire,
    place: Place,
    endpoint: &Endpoint,
    words: &Words,
) -> Result<Connection, Trouble> {
    let vhost = vhost(&endpoint.url);
    if vhost.len() > SHORT {
        let reason = format!("the name of the virtual host has more than {SHORT} bytes");
        return Err(Trouble::fatal(Trouble::never("format_error", reason)));
    }
    let wire = Mutex::new(Some(wire));
    let connected = Connection::connector(
        uri(place, endpoint, vhost.clone()),
        Kit::current().into(),
        async move |_, _| {
            let wire = wire.lock().take();
            wire.map(AsyncTcpStream::Plain)
                .ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected).into())
        },
        properties(),
    );
    connected
        .await
        .map_err(|error| Trouble::fatal(refused(&error, &vhost, words)))
}

fn properties() -> ConnectionProperties {
    ConnectionProperties::default()
        .with_connection_name("tramline".into())
        .with_client_property("product".into(), "tramline".into())
        .with_client_property("version".into(), env!("CARGO_PKG_VERSION").into())
}

fn uri(place: Place, endpoint: &Endpoint, vhost: String) -> AMQPUri {
    let password = endpoint.password.as_ref().map(|password| password.as_str());
    AMQPUri {
        // TLS, if any, is spoken below.
        scheme: AMQPScheme::AMQP,
        authority: AMQPAuthority {
            userinfo: AMQPUserInfo {
                username: endpoint.username.clone().unwrap_or_else(|| GUEST.to_owned()),
                password: password.unwrap_or(GUEST).to_owned(),
            },
            host: place.host,
            port: place.port,
        },
        vhost,
        query: AMQPQueryString {
            frame_max: Some(FRAME_MAX),
            // Twice as many as are used, because those that were given up take a while to close.
            channel_max: Some(CHANNELS * 2),
            heartbeat: Some(HEARTBEAT),
            ..AMQPQueryString::default()
        },
    }
}

/// Why the broker does not let us in.
fn refused(error: &Error, vhost: &str, words: &Words) -> Trouble {
    match error.kind() {
        ErrorKind::ProtocolError(error) => {
            let said = words.quote(error.get_message().as_str().as_bytes());
            let code = error.get_id();
            let class = match code {
                530 if said.contains("limit") => "throttled",
                530 if said.contains("not found") => "config_error",
                403 | 530 => "auth_failed",
                _ => "connect_error",
            };
            Trouble::later(
                class,
                format!("the broker refuses virtual host `{vhost}`: {code} {said}"),
            )
        }
        ErrorKind::IOError(error) if error.kind() == io::ErrorKind::InvalidData => no_amqp(),
        ErrorKind::IOError(error) => Trouble::later(
            "connect_error",
            format!("the connection broke during the login: {}", error.kind()),
        ),
        ErrorKind::AuthProviderError(_) => Trouble::later(
            "auth_failed",
            "the broker takes no login with a name and a password",
        ),
        ErrorKind::InvalidConnectionState(_) => Trouble::later(
            "connect_error",
            "the broker ended the connection during the login",
        ),
        _ => no_amqp(),
    }
}

fn no_amqp() -> Trouble {
    Trouble::later("protocol_error", "what answers does not speak AMQP 0-9-1")
}

/// The path names the virtual host; without one it is `/`.
fn vhost(url: &Url) -> String {
    match url.path().strip_prefix('/').unwrap_or_default() {
        "" => "/".to_owned(),
        path => place::decoded(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_names_the_virtual_host() {
        for (url, name) in [
            ("amqp://b", "/"),
            ("amqp://b/", "/"),
            ("amqp://b/%2F", "/"),
            ("amqp://b/shop", "shop"),
            ("amqp://b/a%2Fb", "a/b"),
        ] {
            assert_eq!(vhost(&url.parse().unwrap()), name, "{url}");
        }
    }
}
