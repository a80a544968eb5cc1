//! The webhook target: one HTTP request an event, judged by its status line.

use std::borrow::Cow;

use http::HeaderName;
use http::HeaderValue;

use super::Call;
use super::HOPS_HEADER;
use super::Report;
use super::Terms;
use super::caller::Caller;
use super::content;
use super::exchange::Exchange;
use super::exchange::Outgoing;
use super::exchange::Signing;
use super::handshake;
use crate::catalog::Handshake;
use crate::catalog::Webhook;

pub(super) async fn send(caller: &Caller, terms: &Terms, webhook: &Webhook, call: &Call<'_>) -> Report {
    let mut exchange = Exchange::begin(caller, call);
    match exchange.send(outgoing(terms, webhook, call)).await {
        Ok(answer) if answer.status().is_success() => exchange.succeed(answer).await,
        Ok(answer) => exchange.conclude(answer).await,
        Err(report) => report,
    }
}

/// The request, which says how often the event has been published.
pub(super) fn outgoing<'a>(terms: &Terms, webhook: &'a Webhook, call: &Call<'a>) -> Outgoing<'a> {
    let (mut headers, body) = content::of(call.event, webhook.mode);
    for (name, value) in &webhook.headers {
        // Checked when the webhook was read.
        if let (Ok(name), Ok(value)) = (
            HeaderName::try_from(name),
            HeaderValue::from_bytes(value.as_bytes()),
        ) {
            headers.insert(name, value);
        }
    }
    if let Ok(id) = HeaderValue::from_str(call.webhook_id) {
        headers.insert("webhook-id", id);
    }
    headers.insert("webhook-timestamp", HeaderValue::from(call.timestamp));
    if webhook.handshake != Handshake::Off
        && let Ok(origin) = HeaderValue::from_str(&terms.origin)
    {
        headers.insert(handshake::ORIGIN, origin);
    }
    headers.insert(HOPS_HEADER, HeaderValue::from(u16::from(call.hops)));
    Outgoing {
        method: webhook.method.clone(),
        url: Cow::Borrowed(&webhook.url),
        headers,
        body,
        signing: webhook.sign.as_ref().map(|sign| Signing {
            sign,
            id: call.webhook_id,
            timestamp: call.timestamp,
        }),
    }
}
