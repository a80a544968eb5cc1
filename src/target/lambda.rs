//! AWS Lambda functions, by the Invoke API.

use std::borrow::Cow;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::header::CONTENT_TYPE;
use tokio::time::timeout;
use url::Url;

use super::Call;
use super::Outcome;
use super::Report;
use super::caller::Caller;
use super::content;
use super::exchange::Exchange;
use super::exchange::Outgoing;
use super::judge;
use super::sigv4;
use crate::catalog::Invocation;
use crate::catalog::Lambda;
use crate::secret::Secret;

/// Says whether the end of the function is waited for.
const INVOCATION_TYPE: HeaderName = HeaderName::from_static("x-amz-invocation-type");
/// There when the function itself failed: the call is answered 200 all the same.
const FUNCTION_ERROR: HeaderName = HeaderName::from_static("x-amz-function-error");
/// A function that failed is called again so often: it ran, and mostly fails the same way.
const RETRIES: u32 = 2;

pub(super) async fn send(caller: &Caller, lambda: &Lambda, call: &Call<'_>) -> Report {
    let mut exchange = Exchange::begin(caller, call);
    let outgoing = match timeout(call.deadline, outgoing(caller, lambda, call)).await {
        Ok(Ok(outgoing)) => outgoing,
        Ok(Err(why)) => return judge::unsent(why),
        Err(_) => return judge::unsent("the credentials did not come in time"),
    };
    let answer = match exchange.send(outgoing).await {
        Ok(answer) => answer,
        Err(report) => return report,
    };
    let failure = answer.headers().get(FUNCTION_ERROR).cloned();
    let report = exchange.conclude(answer).await;
    match (report.status, failure) {
        (Some(200..=299), Some(kind)) => {
            let kind = String::from_utf8_lossy(kind.as_bytes()).into_owned();
            let why = format!("the function failed: {kind}");
            Report {
                max_retries: Some(RETRIES),
                ..report.meaning(Outcome::RetryLater, "function_error", why)
            }
        }
        // There is no such function, and no event makes one.
        (Some(404), _) => report.meaning(Outcome::Permanent, "rejected_404", "there is no such function"),
        _ => report,
    }
}

/// The signed request.
async fn outgoing<'a>(caller: &Caller, lambda: &'a Lambda, call: &Call<'_>) -> Result<Outgoing<'a>, String> {
    let url = url(lambda);
    let (_, body) = content::of(call.event, lambda.mode);
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let invocation = match lambda.invocation {
        Invocation::Sync => HeaderValue::from_static("RequestResponse"),
        Invocation::Async => HeaderValue::from_static("Event"),
    };
    headers.insert(INVOCATION_TYPE, invocation);
    let (id, key) = (
        caller.secret(&lambda.credentials.access_key_id).await?,
        caller.secret(&lambda.credentials.secret_access_key).await?,
    );
    let token = match &lambda.credentials.session_token {
        Some(token) => Some(caller.secret(token).await?),
        None => None,
    };
    let credentials = sigv4::Credentials {
        access_key_id: id.expose(),
        secret_access_key: key.expose(),
        session_token: token.as_ref().map(Secret::expose),
    };
    let scope = sigv4::Scope {
        region: &lambda.region,
        service: "lambda",
        timestamp: call.timestamp,
    };
    sigv4::sign(&Method::POST, &url, &mut headers, &body, &credentials, &scope)
        .ok_or("the credentials do not fit into headers")?;
    Ok(Outgoing {
        method: Method::POST,
        url: Cow::Owned(url),
        headers,
        body,
        signing: None,
    })
}

fn url(lambda: &Lambda) -> Url {
    let mut url = lambda.endpoint.clone();
    let base = url.path().trim_end_matches('/').to_owned();
    let function = sigv4::encoded(&lambda.function, false);
    url.set_path(&format!("{base}/2015-03-31/functions/{function}/invocations"));
    url.set_query(None);
    if let Some(qualifier) = &lambda.qualifier {
        url.query_pairs_mut().append_pair("Qualifier", qualifier);
    }
    url
}
