//! The webhook target: one HTTP request an event, judged by its status line.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Instant;

use http::HeaderMap;
use http::HeaderValue;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use tokio::time::timeout;

use super::Call;
use super::KEPT_RESPONSE;
use super::Outcome;
use super::Report;
use crate::catalog::Webhook;
use crate::catalog::WebhookMode;
use crate::egress;
use crate::event;

/// Most of a response that is read before its connection is given up.
const READ_RESPONSE: usize = 64 * 1024;

/// Statuses that say this request will never be taken.
const PERMANENT: [u16; 11] = [400, 405, 406, 411, 413, 414, 415, 422, 431, 451, 505];

pub(super) async fn send(
    client: &reqwest::Client,
    policy: &Arc<egress::Policy>,
    webhook: &Webhook,
    call: &Call<'_>,
) -> Report {
    if let Err(denied) = policy.permit_literal(&webhook.url) {
        return blocked(&denied);
    }
    let started = Instant::now();
    let request = request(client, webhook, call);
    match timeout(call.deadline, request.send()).await {
        Err(_) => timed_out(call),
        Ok(Err(error)) => failed(&error, call),
        Ok(Ok(response)) => {
            let mut report = judge(response.status());
            let left = call.deadline.saturating_sub(started.elapsed());
            report.response = read(response, left).await;
            report
        }
    }
}

fn request(client: &reqwest::Client, webhook: &Webhook, call: &Call<'_>) -> reqwest::RequestBuilder {
    let (mut headers, body) = match webhook.mode {
        WebhookMode::Structured => {
            let mut body = Vec::with_capacity(call.event.data().bytes().len() + 512);
            event::write_json(call.event, &mut body);
            let mut headers = HeaderMap::new();
            headers.insert(
                CONTENT_TYPE,
                HeaderValue::from_static("application/cloudevents+json; charset=utf-8"),
            );
            (headers, body.into())
        }
        WebhookMode::Binary => (event::headers_of(call.event), call.event.data().bytes().clone()),
    };
    for (name, value) in &webhook.headers {
        if let (Ok(name), Ok(value)) = (
            http::HeaderName::try_from(name.as_str()),
            HeaderValue::from_str(value),
        ) {
            headers.insert(name, value);
        }
    }
    if let Ok(id) = HeaderValue::from_str(call.webhook_id) {
        headers.insert("webhook-id", id);
    }
    headers.insert("webhook-timestamp", HeaderValue::from(call.timestamp));
    client
        .post(webhook.url.clone())
        .headers(headers)
        .body(reqwest::Body::from(body))
}

/// Success is the status line; redirects are not followed, because they would leave the guard.
fn judge(status: StatusCode) -> Report {
    let code = status.as_u16();
    let (outcome, class) = match code {
        200..=299 => (Outcome::Delivered, "ok".to_owned()),
        300..=399 => (Outcome::Permanent, "redirect_not_followed".to_owned()),
        410 => (Outcome::Gone, "gone".to_owned()),
        401 | 403 | 407 => (Outcome::RetryLater, "auth_failed".to_owned()),
        429 => (Outcome::RetryLater, "throttled".to_owned()),
        _ if PERMANENT.contains(&code) => (Outcome::Permanent, format!("rejected_{code}")),
        _ => (Outcome::RetryLater, format!("http_{code}")),
    };
    let mut report = Report::of(outcome, &class, format!("target answered {status}"));
    report.status = Some(code);
    report
}

/// Reads what is worth keeping, so that the connection can be used again; at the deadline it is closed.
async fn read(mut response: reqwest::Response, left: std::time::Duration) -> Option<String> {
    let mut kept = Vec::new();
    let reading = async {
        let mut seen = 0;
        while seen < READ_RESPONSE {
            let Ok(Some(chunk)) = response.chunk().await else {
                break;
            };
            seen += chunk.len();
            let room = KEPT_RESPONSE.saturating_sub(kept.len()).min(chunk.len());
            kept.extend_from_slice(chunk.get(..room).unwrap_or_default());
        }
    };
    // Past the deadline the rest of the answer does not matter: the status line has decided.
    timeout(left, reading).await.unwrap_or_default();
    (!kept.is_empty()).then(|| String::from_utf8_lossy(&kept).into_owned())
}

fn timed_out(call: &Call<'_>) -> Report {
    Report::of(
        Outcome::RetryLater,
        "timeout",
        format!("no answer within {} ms", call.deadline.as_millis()),
    )
}

fn blocked(denied: &egress::Denied) -> Report {
    Report::of(Outcome::Permanent, "egress_blocked", denied.to_string())
}

/// Sorts a client error into a class. The error's own text may hold the URL, so it is not kept.
fn failed(error: &reqwest::Error, call: &Call<'_>) -> Report {
    let mut cause = error.source();
    let mut is_tls = false;
    let mut is_dns = false;
    let mut io_kind = None;
    while let Some(inner) = cause {
        if let Some(denied) = inner.downcast_ref::<egress::Denied>() {
            return blocked(denied);
        }
        is_tls |= inner.is::<rustls::Error>();
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            is_tls |= io
                .get_ref()
                .is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>);
            io_kind = Some(io.kind());
        }
        is_dns |= inner.to_string().contains("dns error");
        cause = inner.source();
    }
    if error.is_timeout() {
        return timed_out(call);
    }
    if is_dns {
        return Report::of(
            Outcome::RetryLater,
            "dns_error",
            "the name of the target could not be resolved",
        );
    }
    if is_tls {
        return Report::of(
            Outcome::RetryLater,
            "tls_error",
            "no secure connection to the target",
        );
    }
    if error.is_connect() {
        let kind = io_kind.map_or_else(String::new, |kind| format!(": {kind}"));
        return Report::of(
            Outcome::RetryLater,
            "connect_error",
            format!("cannot connect to the target{kind}"),
        );
    }
    if error.is_builder() {
        return Report::of(Outcome::Permanent, "format_error", "the request cannot be built");
    }
    Report::of(
        Outcome::RetryLater,
        "protocol_error",
        "the target closed the connection or did not speak HTTP",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_decides_between_delivered_retry_and_permanent() {
        let judged = |code: u16| judge(StatusCode::from_u16(code).unwrap()).outcome;
        for code in [200, 201, 202, 204, 299] {
            assert_eq!(judged(code), Outcome::Delivered, "{code}");
        }
        for code in [301, 302, 307, 400, 405, 413, 415, 422, 431, 451, 505] {
            assert_eq!(judged(code), Outcome::Permanent, "{code}");
        }
        assert_eq!(judged(410), Outcome::Gone);
        for code in [401, 403, 404, 408, 409, 425, 429, 500, 502, 503, 504, 599] {
            assert_eq!(judged(code), Outcome::RetryLater, "{code}");
        }
    }
}
