//! HTTP functions: a webhook call whose answer may be events.

use http::HeaderName;
use http::HeaderValue;

use super::Call;
use super::Outcome;
use super::Report;
use super::Terms;
use super::answer::Incomplete;
use super::caller::Caller;
use super::exchange::Exchange;
use super::reply;
use super::reply::Reply;
use super::webhook;
use crate::catalog::HttpFunction;
use crate::catalog::ReplyTo;

/// RFC 7240: the answer is wanted in the answer.
const PREFER: HeaderName = HeaderName::from_static("prefer");

pub(super) async fn send(caller: &Caller, terms: &Terms, function: &HttpFunction, call: &Call<'_>) -> Report {
    if function.reply == ReplyTo::Nobody {
        return webhook::send(caller, terms, &function.call, call).await;
    }
    let max_reply = terms.max_reply;
    let mut exchange = Exchange::begin(caller, call);
    let mut outgoing = webhook::outgoing(terms, &function.call, call);
    outgoing
        .headers
        .entry(PREFER)
        .or_insert(HeaderValue::from_static("reply"));
    let answer = match exchange.send(outgoing).await {
        Ok(answer) => answer,
        Err(report) => return report,
    };
    let mode = match reply::mode(answer.headers()) {
        _ if !answer.status().is_success() => return exchange.conclude(answer).await,
        Ok(None) => return exchange.conclude(answer).await,
        Ok(Some(mode)) => mode,
        Err(why) => {
            let mut report = exchange.conclude(answer).await;
            report.reply = Some(Reply::Invalid(why));
            return report;
        }
    };
    let headers = answer.headers().clone();
    let (mut report, body) = exchange.conclude_whole(answer, max_reply).await;
    match body {
        Ok(body) => report.reply = reply::read(mode, &headers, body),
        Err(Incomplete::TooLarge) => {
            report.reply = Some(Reply::Invalid(format!("larger than {max_reply} bytes")));
        }
        Err(Incomplete::Broken) => {
            // What the function answered is lost with the rest of it: only another call gives it.
            let why = "the reply broke off or did not come in time";
            report = report.meaning(Outcome::RetryLater, "reply_error", why);
        }
    }
    report
}
