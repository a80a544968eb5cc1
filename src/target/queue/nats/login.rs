//! The beginning of a connection: `INFO`, TLS, `CONNECT`, and the subscription for answers.

use serde::Serialize;
use tokio::io::AsyncWriteExt as _;
use tokio::io::BufReader;

use super::traffic::bounded;
use super::wire;
use super::wire::Info;
use super::wire::Said;
use crate::egress::Dialer;
use crate::target::queue::Endpoint;
use crate::target::queue::Trouble;
use crate::target::queue::place::Place;
use crate::target::queue::secure::Wire;
use crate::target::queue::secure::secured;

const PORT: u16 = 4222;

/// A connection that is ready for messages.
pub(super) struct Login {
    pub(super) stream: BufReader<Box<dyn Wire>>,
    pub(super) info: Info,
}

/// What we tell the server of us.
#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "so the protocol has it")]
struct Hello<'a> {
    verbose: bool,
    pedantic: bool,
    tls_required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pass: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_token: Option<&'a str>,
    name: &'static str,
    lang: &'static str,
    version: &'static str,
    protocol: u8,
    headers: bool,
    no_responders: bool,
}

/// Connects, logs in and subscribes to `inbox`.
pub(super) async fn login(endpoint: &Endpoint, dialer: &Dialer, inbox: &str) -> Result<Login, Trouble> {
    let place = Place::of(&endpoint.url, ("nats", PORT), ("tls", PORT))?;
    let host = &*place.host;
    let mut plain = BufReader::new(dialer.open(host, place.port, false).await?);
    let info = greeting(&mut plain).await?;
    let wants_tls = place.is_secure;
    if wants_tls && !info.tls_required && !info.tls_available {
        let reason = format!("the NATS server {host} offers no TLS");
        return Err(Trouble::later("tls_error", reason).fatal());
    }
    let is_secure = wants_tls || info.tls_required;
    if is_secure && !plain.buffer().is_empty() {
        // Nobody may speak between INFO and the handshake; it could be somebody on the way.
        return Err(foreign());
    }
    let plain = plain.into_inner();
    let stream: Box<dyn Wire> = if is_secure {
        Box::new(secured(plain, host, dialer).await?)
    } else {
        Box::new(plain)
    };
    let mut stream = BufReader::new(stream);
    introduce(&mut stream, endpoint, is_secure, inbox).await?;
    Ok(Login { stream, info })
}

async fn greeting<S: Wire>(stream: &mut BufReader<S>) -> Result<Info, Trouble> {
    match wire::next(stream).await {
        Ok(Said::Info(info)) if info.headers => Ok(info),
        Ok(Said::Info(_)) => {
            let reason = "the NATS server knows no headers: it is older than 2.2 or has them switched off";
            Err(Trouble::later("config_error", reason).fatal())
        }
        Ok(Said::Error(error)) => Err(refused(&error)),
        Ok(_) => Err(foreign()),
        Err(error) => Err(broken(&error)),
    }
}

/// Says who asks, and waits until the server has taken that and the subscription.
async fn introduce(
    stream: &mut BufReader<Box<dyn Wire>>,
    endpoint: &Endpoint,
    tls_required: bool,
    inbox: &str,
) -> Result<(), Trouble> {
    let (user, pass) = (
        endpoint.username.as_deref(),
        endpoint.password.as_ref().map(|secret| secret.as_str()),
    );
    let hello = Hello {
        verbose: false,
        pedantic: false,
        tls_required,
        // A name alone is a token, as in every client's URLs.
        user: user.filter(|_| pass.is_some()),
        pass,
        auth_token: user.filter(|_| pass.is_none()),
        name: "tramline",
        lang: "rust",
        version: env!("CARGO_PKG_VERSION"),
        protocol: 1,
        headers: true,
        no_responders: true,
    };
    let hello = zeroize::Zeroizing::new(serde_json::to_string(&hello).map_err(|_| foreign())?);
    let lines = zeroize::Zeroizing::new(format!("CONNECT {}\r\nSUB {inbox}* 1\r\nPING\r\n", *hello));
    let sent = async {
        stream.write_all(lines.as_bytes()).await?;
        stream.flush().await
    };
    sent.await.map_err(|error| broken(&error))?;
    loop {
        match wire::next(stream).await {
            Ok(Said::Pong) => return Ok(()),
            Ok(Said::Error(error)) => return Err(refused(&error)),
            Ok(Said::Ping) => stream
                .write_all(b"PONG\r\n")
                .await
                .map_err(|error| broken(&error))?,
            Ok(_) => {}
            Err(error) => return Err(broken(&error)),
        }
    }
}

fn refused(error: &str) -> Trouble {
    let said = bounded(error);
    let lower = said.to_ascii_lowercase();
    let is_about_user = ["authorization", "authentication", "permissions", "account"]
        .iter()
        .any(|word| lower.contains(word));
    let trouble = if is_about_user {
        Trouble::later(
            "auth_failed",
            format!("the NATS server does not let the user in: {said}"),
        )
    } else {
        Trouble::later(
            "connect_error",
            format!("the NATS server refuses the connection: {said}"),
        )
    };
    trouble.fatal()
}

fn broken(error: &std::io::Error) -> Trouble {
    if error.kind() == std::io::ErrorKind::InvalidData {
        return foreign();
    }
    let reason = format!("the connection to the NATS server broke before it was ready: {error}");
    Trouble::later("connect_error", reason).fatal()
}

fn foreign() -> Trouble {
    Trouble::later(
        "protocol_error",
        "what answers does not speak the protocol of NATS",
    )
    .fatal()
}
