//! Who asks a broker, and with what: from the URL of a target and its connection.

use percent_encoding::percent_decode_str;
use sha2::Digest as _;
use sha2::Sha256;
use url::Url;
use zeroize::Zeroizing;

use super::endpoint::Endpoint;
use super::links::Key;
use crate::catalog::Auth;
use crate::catalog::BrokerUrl;
use crate::catalog::ConnectionView;
use crate::catalog::Queue;
use crate::egress::Dialer;
use crate::secret::Credential;
use crate::secret::Reference;
use crate::target::Call;
use crate::target::caller::Caller;

/// All that a link is made of.
pub(super) struct Login {
    pub(super) endpoint: Endpoint,
    pub(super) dialer: Dialer,
    pub(super) key: Key,
}

impl Login {
    /// Resolves the credentials of a call as they are now.
    ///
    /// # Errors
    /// Why they cannot be had, or cannot be used with a broker. Never says what they are.
    pub(super) async fn of(caller: &Caller, queue: &Queue, call: &Call<'_>) -> Result<Self, String> {
        let (url, userinfo) = located(caller, queue).await?;
        let (mut username, mut password) = match userinfo {
            Some(userinfo) => taken_apart(&userinfo)?,
            None => (None, None),
        };
        if let Some(live) = call.connection
            && let Some((user, secret)) = basic(caller, live).await?
        {
            (username, password) = (Some(user), Some(secret));
        }
        let (dialer, identity) = caller
            .dialer(call.connection)
            .await
            .map_err(|error| error.to_string())?;
        let mut digest = Sha256::new();
        let user = username.as_deref().unwrap_or_default();
        let secret = password.as_ref().map_or("", |password| password.as_str());
        for part in [url.as_str(), user, secret] {
            digest.update(part.len().to_le_bytes());
            digest.update(part);
        }
        digest.update(identity);
        if let Some(live) = call.connection {
            digest.update(live.connection.name.as_str());
            digest.update(live.revision.to_le_bytes());
        }
        Ok(Self {
            endpoint: Endpoint {
                url,
                username,
                password,
            },
            dialer,
            key: digest.finalize().into(),
        })
    }
}

/// The URL, and user and password if they stand in it.
async fn located(caller: &Caller, queue: &Queue) -> Result<(Url, Option<Zeroizing<String>>), String> {
    match &queue.url {
        BrokerUrl::Known { url, userinfo: None } => Ok((url.clone(), None)),
        BrokerUrl::Known {
            url,
            userinfo: Some(userinfo),
        } => {
            let userinfo = caller.secret(userinfo).await?;
            Ok((url.clone(), Some(Zeroizing::new(userinfo.expose().to_owned()))))
        }
        BrokerUrl::Named(named) => {
            let text = caller.secret(named).await?;
            let (url, userinfo) = BrokerUrl::parse_named(text.expose(), queue.broker.schemes())?;
            Ok((url, userinfo.map(Zeroizing::new)))
        }
    }
}

/// User and password of a connection, if it has them.
async fn basic(
    caller: &Caller,
    live: &ConnectionView,
) -> Result<Option<(String, Zeroizing<String>)>, String> {
    match &live.connection.auth {
        None => Ok(None),
        Some(Auth::Basic { username, password }) => {
            let user = caller.secret(username).await?;
            let password = caller.secret(password).await?;
            Ok(Some((
                user.expose().to_owned(),
                Zeroizing::new(password.expose().to_owned()),
            )))
        }
        Some(_) => Err(format!(
            "brokers are asked with `basic` or `mtls`, which the connection `{}` does not have",
            live.connection.name
        )),
    }
}

type UserAndPassword = (Option<String>, Option<Zeroizing<String>>);

/// User and password as they stand in a URL.
fn taken_apart(userinfo: &str) -> Result<UserAndPassword, String> {
    let (user, password) = match userinfo.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (userinfo, None),
    };
    let user = decoded(user)?;
    let password = password.map(decoded).transpose()?;
    Ok(((!user.is_empty()).then(|| user.to_string()), password))
}

fn decoded(text: &str) -> Result<Zeroizing<String>, String> {
    let decoded = percent_decode_str(text).decode_utf8();
    let text = decoded.map_err(|_| "user and password are no text".to_owned())?;
    Ok(Zeroizing::new(text.into_owned()))
}

/// Where a target's broker is, as it may be shown: without user and password, with the connection.
pub(super) fn place(queue: &Queue) -> String {
    let url = match &queue.url {
        BrokerUrl::Known { url, .. } => url.to_string(),
        BrokerUrl::Named(Credential::Reference(Reference::Env(name))) => format!("${{env:{name}}}"),
        BrokerUrl::Named(Credential::Reference(Reference::File(name))) => format!("${{file:{name}}}"),
        BrokerUrl::Named(_) => format!("{}://***", queue.broker.name()),
    };
    match &queue.connection {
        Some(connection) => format!("{url} ({connection})"),
        None => url,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_are_decoded() {
        let apart = |text: &str| {
            let (user, password) = taken_apart(text).unwrap();
            (user, password.map(|password| password.to_string()))
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(apart("guest:guest"), (text("guest"), text("guest")));
        assert_eq!(apart("a%40b:p%3Aw%25"), (text("a@b"), text("p:w%")));
        assert_eq!(apart(":pw"), (None, text("pw")));
        assert_eq!(apart("token"), (text("token"), None));
        assert_eq!(apart("a:100%"), (text("a"), text("100%")));
        assert!(taken_apart("%ff:x").is_err());
    }
}
