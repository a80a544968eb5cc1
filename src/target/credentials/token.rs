//! Tokens of OAuth 2.0: asked for with client credentials, kept while they last, and asked for once
//! however many calls wait for one.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::StatusCode;
use http::header::ACCEPT;
use http::header::AUTHORIZATION;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt as _;
use http_body_util::Limited;
use parking_lot::Mutex;
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::CredentialsError;
use crate::catalog::ClientAuth;
use crate::catalog::ConnectionName;
use crate::catalog::OAuth2;
use crate::egress::Client;
use crate::egress::Stopwatch;
use crate::secret::Secret;
use crate::secret::Vault;

/// Largest answer of a token endpoint.
const MAX_ANSWER: usize = 64 * 1024;
/// A token endpoint that has not answered by then is not there.
const TIMEOUT: Duration = Duration::from_secs(10);
/// What a token lives that does not say, and the longest that one is believed.
const LIFETIME: Duration = Duration::from_hours(1);
/// So long before its end a token is not used any more.
const EARLY: Duration = Duration::from_mins(1);
/// Connections whose tokens are kept; more are asked for again.
const MAX_KEPT: usize = 1_000;

/// The tokens of all connections.
#[derive(Debug, Default)]
pub(in crate::target) struct Tokens {
    /// By name: an old revision is never asked for again.
    kept: Mutex<HashMap<ConnectionName, Arc<Slot>>>,
}

/// The token of one connection in one revision; whoever holds the lock is asking for it.
#[derive(Debug)]
struct Slot {
    revision: u64,
    state: tokio::sync::Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    token: Option<Token>,
    /// When it was last asked for.
    asked: Option<Instant>,
    /// Why that was in vain, if it was.
    failed: Option<TokenError>,
}

impl State {
    /// A token that is past its best and still lasts.
    fn usable(&self, now: Instant, refused: Option<&Secret>) -> Option<Secret> {
        let token = self.token.as_ref()?;
        (now < token.ends && refused != Some(&token.value)).then(|| token.value.clone())
    }
}

#[derive(Debug, Clone)]
struct Token {
    value: Secret,
    /// A new one is asked for from then on.
    fresh_until: Instant,
    /// Used until then if there is no new one.
    ends: Instant,
}

/// Why there is no token. Never holds what was sent or answered.
#[derive(Debug, Clone, thiserror::Error)]
pub(in crate::target) enum TokenError {
    /// The endpoint was not reached, or did not answer.
    #[error("no answer of the token endpoint: {0}")]
    NoAnswer(String),
    /// The endpoint refused.
    #[error("the token endpoint answered {0}")]
    Refused(StatusCode),
    /// What the endpoint answered is no token.
    #[error("the token endpoint answered with {0}")]
    Unusable(&'static str),
}

/// What a token is asked for with.
pub(in crate::target) struct Grant<'a> {
    pub(in crate::target) connection: (&'a ConnectionName, u64),
    pub(in crate::target) oauth: &'a OAuth2,
    pub(in crate::target) client: &'a Client,
    pub(in crate::target) vault: &'a Vault,
}

impl Tokens {
    /// The token of a connection, asked for if there is none that lasts.
    ///
    /// A caller that `refused` a token gets another one. Cancel-safe: a call that gives up leaves the
    /// asking to the next one that waits.
    pub(in crate::target) async fn token(
        &self,
        grant: &Grant<'_>,
        refused: Option<&Secret>,
    ) -> Result<Secret, CredentialsError> {
        let slot = self.slot(grant.connection);
        let waiting_since = Instant::now();
        let mut state = slot.state.lock().await;
        let now = Instant::now();
        // Asked for while this call was waiting: asking once more would only add to the trouble.
        let is_news = state.asked.is_some_and(|asked| asked >= waiting_since);
        if is_news && let Some(error) = &state.failed {
            return state.usable(now, refused).ok_or_else(|| error.clone().into());
        }
        if let Some(token) = &state.token {
            let is_refused = refused == Some(&token.value) && !is_news;
            if now < token.fresh_until && !is_refused {
                return Ok(token.value.clone());
            }
        }
        let asked = ask(grant).await;
        state.asked = Some(Instant::now());
        match asked {
            Ok(token) => {
                let value = token.value.clone();
                (state.token, state.failed) = (Some(token), None);
                Ok(value)
            }
            Err(CredentialsError::Token(error)) => {
                state.failed = Some(error.clone());
                state.usable(now, refused).ok_or(error.into())
            }
            Err(other) => Err(other),
        }
    }

    fn slot(&self, (name, revision): (&ConnectionName, u64)) -> Arc<Slot> {
        let mut kept = self.kept.lock();
        if let Some(slot) = kept.get(name).filter(|slot| slot.revision == revision) {
            return Arc::clone(slot);
        }
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        let slot = Arc::new(Slot {
            revision,
            state: tokio::sync::Mutex::default(),
        });
        // A call that began before a change must not bring the old revision back.
        match kept.get(name) {
            Some(newer) if newer.revision > revision => {}
            _ => drop(kept.insert(name.clone(), Arc::clone(&slot))),
        }
        slot
    }
}

/// Asks the token endpoint, within a bound.
async fn ask(grant: &Grant<'_>) -> Result<Token, CredentialsError> {
    let request = request(grant).await?;
    let asked_at = Instant::now();
    let asking = async {
        let answer = grant.client.send(request, &Stopwatch::start()).await;
        let answer = answer.map_err(|error| TokenError::NoAnswer(error.to_string()))?;
        if !answer.status().is_success() {
            return Err(TokenError::Refused(answer.status()));
        }
        let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
        let body = body.map_err(|_| TokenError::Unusable("a body that is too long or broke off"))?;
        read(&body.to_bytes(), asked_at)
    };
    let answered = tokio::time::timeout(TIMEOUT, asking).await;
    let answered = answered.map_err(|_| TokenError::NoAnswer("it takes too long".to_owned()))?;
    Ok(answered?)
}

async fn request(grant: &Grant<'_>) -> Result<Request<Bytes>, CredentialsError> {
    let (oauth, vault) = (grant.oauth, grant.vault);
    let id = vault.resolve(&oauth.client_id).await?;
    let secret = vault.resolve(&oauth.client_secret).await?;
    let mut params = Vec::with_capacity(oauth.params.len());
    for (name, value) in &oauth.params {
        params.push((name.as_str(), vault.resolve(value).await?));
    }
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    for (name, value) in [("scope", &oauth.scope), ("audience", &oauth.audience)] {
        if let Some(value) = value {
            form.append_pair(name, value);
        }
    }
    form.extend_pairs(params.iter().map(|(name, value)| (name, value.expose())));
    let mut headers = HeaderMap::new();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-www-form-urlencoded"),
    );
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    match oauth.client_auth {
        ClientAuth::Body => {
            form.append_pair("client_id", id.expose());
            form.append_pair("client_secret", secret.expose());
        }
        ClientAuth::Basic => {
            // RFC 6749, 2.3.1: encoded as in a form, then joined.
            let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let pair = Zeroizing::new(format!("{}:{}", encode(id.expose()), encode(secret.expose())));
            let value = Zeroizing::new(format!("Basic {}", STANDARD.encode(&*pair)));
            if let Some(value) = super::sensitive(&value) {
                headers.insert(AUTHORIZATION, value);
            }
        }
    }
    let request = Request::builder()
        .method(Method::POST)
        .uri(oauth.token_url.as_str())
        .body(Bytes::from(form.finish()));
    let mut request = request.map_err(|_| TokenError::NoAnswer("its URL cannot be called".to_owned()))?;
    *request.headers_mut() = headers;
    Ok(request)
}

/// Reads the answer of a token endpoint (RFC 6749, 5.1).
fn read(body: &[u8], asked_at: Instant) -> Result<Token, TokenError> {
    let answer: serde_json::Value =
        serde_json::from_slice(body).map_err(|_| TokenError::Unusable("what is no JSON"))?;
    let kind = answer.get("token_type").and_then(serde_json::Value::as_str);
    if kind.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(TokenError::Unusable("a token that is not a bearer token"));
    }
    let value = answer.get("access_token").and_then(serde_json::Value::as_str);
    let value = value.filter(|value| !value.is_empty() && HeaderValue::from_str(value).is_ok());
    let value = value.ok_or(TokenError::Unusable("no access_token"))?;
    let lifetime = lifetime(answer.get("expires_in"));
    Ok(Token {
        value: Secret::new(value),
        fresh_until: asked_at + use_for(lifetime),
        ends: asked_at + lifetime,
    })
}

/// How long a token lives: what it says, if that makes sense, and an hour at most.
fn lifetime(said: Option<&serde_json::Value>) -> Duration {
    let seconds = said.and_then(|said| said.as_f64().or_else(|| said.as_str()?.trim().parse().ok()));
    let sensible = seconds.filter(|seconds: &f64| *seconds > 0.0);
    sensible.map_or(LIFETIME, |seconds| {
        Duration::try_from_secs_f64(seconds)
            .unwrap_or(LIFETIME)
            .min(LIFETIME)
    })
}

/// How long a token is used before a new one is asked for: four fifths of its life, and not in its
/// last minute. One that lives hardly longer than that is used for half of its life.
fn use_for(lifetime: Duration) -> Duration {
    let without_last = lifetime.saturating_sub(EARLY);
    (lifetime * 4 / 5).min(without_last.max(lifetime / 2))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_token_is_renewed_before_it_ends() {
        for (lives, used) in [(3_600, 2_880), (300, 240), (120, 60), (90, 45), (60, 30), (10, 5)] {
            let (lives, used) = (Duration::from_secs(lives), Duration::from_secs(used));
            assert_eq!(use_for(lives), used, "{lives:?}");
        }
    }

    #[test]
    fn f13_a_lifetime_that_makes_no_sense_is_an_hour() {
        let hour = LIFETIME;
        for (said, lives) in [
            (json!(300), Duration::from_mins(5)),
            (json!("300"), Duration::from_mins(5)),
            (json!(299.5), Duration::from_millis(299_500)),
            (json!(86_400), hour),
            (json!(0), hour),
            (json!(-5), hour),
            (json!("soon"), hour),
            (json!(null), hour),
            (json!({}), hour),
            (json!("inf"), hour),
            (json!("NaN"), hour),
            (json!("1e300"), hour),
        ] {
            assert_eq!(lifetime(Some(&said)), lives, "{said}");
        }
        assert_eq!(lifetime(None), hour);
    }

    #[test]
    fn f13_an_answer_without_a_usable_token_is_an_error_that_does_not_repeat_it() {
        let read = |body: &str| read(body.as_bytes(), Instant::now()).map(|token| token.value);
        assert_eq!(
            read(r#"{"access_token": "abc", "token_type": "BEARER"}"#).unwrap(),
            Secret::new("abc")
        );
        for body in [
            "",
            "<html>hunter2</html>",
            "[]",
            r#"{"token": "hunter2"}"#,
            r#"{"access_token": ""}"#,
            r#"{"access_token": 7}"#,
            r#"{"access_token": "hunter2\r\nx: y"}"#,
            r#"{"access_token": "hunter2", "token_type": "mac"}"#,
        ] {
            let error = read(body).unwrap_err().to_string();
            assert!(
                error.starts_with("the token endpoint answered with") && !error.contains("hunter2"),
                "{error}"
            );
        }
    }
}
