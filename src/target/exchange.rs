//! One HTTP call under the deadline of its attempt, whatever it carries.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::Method;
use http::Request;
use http::Response;
use hyper::body::Incoming;
use tokio::time::timeout;
use url::Url;

use super::Report;
use super::answer;
use super::answer::Incomplete;
use super::answer::Secrets;
use super::answer::Whole;
use super::judge;
use crate::egress::CallError;
use crate::egress::Client;
use crate::egress::Stopwatch;

/// What is sent.
pub(super) struct Outgoing<'a> {
    pub(super) method: Method,
    pub(super) url: &'a Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// A call that is being made, with the time it has.
pub(super) struct Exchange {
    watch: Arc<Stopwatch>,
    deadline: Duration,
    secrets: Secrets,
}

impl Exchange {
    /// Begins the time of an attempt.
    pub(super) fn begin(deadline: Duration) -> Self {
        Self {
            watch: Stopwatch::start(),
            deadline,
            secrets: Secrets::default(),
        }
    }

    /// Sends the request.
    ///
    /// # Errors
    /// A report of how it failed, when no answer came.
    pub(super) async fn send(
        &mut self,
        client: &Client,
        outgoing: Outgoing<'_>,
    ) -> Result<Response<Incoming>, Report> {
        self.secrets = Secrets::of(&outgoing.headers);
        let answered = match request(outgoing) {
            Ok(request) => timeout(self.left(), client.send(request, &self.watch)).await,
            Err(error) => Ok(Err(error)),
        };
        match answered {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.timed(judge::failed(&error))),
            Err(_) => Err(self.timed(judge::timed_out(self.deadline))),
        }
    }

    /// Judges an answer by its status, and keeps of it what helps to find out what happened.
    pub(super) async fn conclude(&self, answer: Response<Incoming>) -> Report {
        let mut report = self.judge(&answer);
        report.response = answer::body(answer.into_body(), self.left(), &self.secrets).await;
        report
    }

    /// As [`conclude`](Self::conclude), and gives the whole body if it has at most `max` bytes.
    pub(super) async fn conclude_whole(
        &self,
        answer: Response<Incoming>,
        max: usize,
    ) -> (Report, Result<Whole, Incomplete>) {
        let mut report = self.judge(&answer);
        let body = answer::whole(answer.into_body(), max, self.left()).await;
        if let Ok(whole) = &body {
            report.response = answer::text(&whole.bytes, &self.secrets);
        }
        (report, body)
    }

    /// Judges an answer without its body.
    fn judge(&self, answer: &Response<Incoming>) -> Report {
        let mut report = judge::answered(answer.status(), answer.headers());
        report.headers = answer::headers(answer.headers(), &self.secrets);
        self.timed(report)
    }

    fn timed(&self, report: Report) -> Report {
        Report {
            phases: self.watch.phases(),
            ..report
        }
    }

    /// What is left of the time.
    fn left(&self) -> Duration {
        self.deadline.saturating_sub(self.watch.elapsed())
    }
}

fn request(outgoing: Outgoing<'_>) -> Result<Request<Bytes>, CallError> {
    let request = Request::builder()
        .method(outgoing.method)
        .uri(outgoing.url.as_str())
        .body(outgoing.body);
    let mut request = request.map_err(|_| CallError::Request)?;
    *request.headers_mut() = outgoing.headers;
    Ok(request)
}
