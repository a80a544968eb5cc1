//! One HTTP call under the deadline of its attempt, whatever it carries.

use std::borrow::Cow;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Response;
use http::StatusCode;
use hyper::body::Incoming;
use tokio::time::timeout;
use url::Url;

use super::Call;
use super::Report;
use super::answer;
use super::answer::Incomplete;
use super::answer::Secrets;
use super::answer::Whole;
use super::caller::Caller;
use super::credentials::Credentials;
use super::credentials::CredentialsError;
use super::judge;
use crate::catalog::ConnectionView;
use crate::catalog::Sign;
use crate::egress::CallError;
use crate::egress::Client;
use crate::egress::Stopwatch;
use crate::secret::Secret;

const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// What is sent.
#[derive(Clone)]
pub(super) struct Outgoing<'a> {
    pub(super) method: Method,
    pub(super) url: Cow<'a, Url>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// How it is signed, when all of it is known.
    pub(super) signing: Option<Signing<'a>>,
}

/// What the signatures of a call say beside its body.
#[derive(Clone, Copy)]
pub(super) struct Signing<'a> {
    pub(super) sign: &'a Sign,
    pub(super) id: &'a str,
    pub(super) timestamp: i64,
}

/// A call that is being made, with the time it has.
pub(super) struct Exchange<'a> {
    caller: &'a Caller,
    connection: Option<&'a ConnectionView>,
    watch: Arc<Stopwatch>,
    deadline: Duration,
    secrets: Secrets,
}

impl<'a> Exchange<'a> {
    /// Begins the time of an attempt.
    pub(super) fn begin(caller: &'a Caller, call: &Call<'a>) -> Self {
        Self {
            connection: call.connection,
            ..Self::without_connection(caller, call.deadline)
        }
    }

    /// Begins a call without credentials.
    pub(super) fn without_connection(caller: &'a Caller, deadline: Duration) -> Self {
        Self {
            caller,
            connection: None,
            watch: Stopwatch::start(),
            deadline,
            secrets: Secrets::default(),
        }
    }

    /// Sends the request with the credentials of the connection. A token that the target refuses is
    /// replaced once, and the request sent again at once.
    ///
    /// # Errors
    /// A report of how it failed, when no answer came.
    pub(super) async fn send(&mut self, outgoing: Outgoing<'_>) -> Result<Response<Incoming>, Report> {
        let client = self.in_time(self.caller.client(self.connection)).await?;
        let credentials = self.credentials(None).await?;
        let Some(refused) = credentials.token() else {
            return self.send_with(&client, outgoing, &credentials).await;
        };
        let answer = self.send_with(&client, outgoing.clone(), &credentials).await?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            let renewed = self.credentials(Some(refused)).await?;
            if renewed.token() != Some(refused) {
                return self.send_with(&client, outgoing, &renewed).await;
            }
        }
        Ok(answer)
    }

    async fn credentials(&self, refused: Option<&Secret>) -> Result<Credentials, Report> {
        self.in_time(self.caller.credentials(self.connection, refused))
            .await
    }

    /// What is needed before anything can be sent; without it nothing is.
    async fn in_time<T>(
        &self,
        found: impl Future<Output = Result<T, CredentialsError>>,
    ) -> Result<T, Report> {
        match timeout(self.left(), found).await {
            Ok(found) => found.map_err(|error| judge::unsent(error.to_string())),
            Err(_) => Err(judge::unsent("the credentials did not come in time")),
        }
    }

    async fn send_with(
        &mut self,
        client: &Client,
        mut outgoing: Outgoing<'_>,
        credentials: &Credentials,
    ) -> Result<Response<Incoming>, Report> {
        credentials.apply(&mut outgoing.url, &mut outgoing.headers, &mut outgoing.body);
        self.sign(&mut outgoing).await?;
        self.secrets = Secrets::of(&outgoing.headers, credentials.secrets());
        let answered = match request(outgoing) {
            Ok(request) => timeout(self.left(), pin!(client.send(request, &self.watch))).await,
            Err(error) => Ok(Err(error)),
        };
        match answered {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.timed(judge::failed(&error))),
            Err(_) => Err(self.timed(judge::timed_out(self.deadline))),
        }
    }

    /// Signs what is sent, which does not change any more.
    async fn sign(&self, outgoing: &mut Outgoing<'_>) -> Result<(), Report> {
        let Some(signing) = outgoing.signing else {
            return Ok(());
        };
        let signatures = timeout(self.left(), self.caller.signatures(signing, &outgoing.body)).await;
        let signatures =
            signatures.unwrap_or_else(|_| Err("the signing key did not come in time".to_owned()));
        let signatures = HeaderValue::try_from(signatures.map_err(judge::unsent)?);
        let signatures = signatures.map_err(|_| judge::unsent("the signature is no header"))?;
        outgoing.headers.insert(SIGNATURE, signatures);
        Ok(())
    }

    /// Ends a call that succeeded, of which nothing but that is looked at.
    pub(super) async fn succeed(&self, answer: Response<Incoming>) -> Report {
        let report = self.timed(judge::answered(answer.status(), answer.headers()));
        answer::drain(answer.into_body(), self.left()).await;
        report
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
