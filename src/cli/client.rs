//! The client of the HTTP API that all client verbs share.

use std::time::Duration;

use reqwest::Method;
use reqwest::RequestBuilder;
use reqwest::Response;
use serde::de::DeserializeOwned;

use super::args::ServerArgs;
use super::error::CliError;
use crate::problem::Problem;

/// A server that cannot be connected to by then is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// For a whole answer; longer than a server waits for its database.
const CALL_TIMEOUT: Duration = Duration::from_mins(1);

/// Talks to one server.
pub(super) struct Client {
    http: reqwest::Client,
    url: String,
}

impl Client {
    pub(super) fn new(server: &ServerArgs) -> Result<Self, CliError> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .map_err(|error| CliError::system("cannot make an HTTP client", error))?;
        Ok(Self {
            http,
            url: server.url.trim_end_matches('/').to_owned(),
        })
    }

    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    /// Sends, and gives the answer if it is a success. Waits for as long as the server likes.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Response, CliError> {
        let response = request
            .send()
            .await
            .map_err(|error| CliError::unreachable(&self.url, &error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let problem = response.json::<Problem>().await;
        let problem = problem
            .unwrap_or_else(|_| Problem::new(status, "unknown", format!("the server answered {status}")));
        Err(CliError::refused(&problem))
    }

    /// Sends, and reads the answer, within a bound.
    pub(super) async fn call<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, CliError> {
        let response = self.send(request.timeout(CALL_TIMEOUT)).await?;
        response
            .json()
            .await
            .map_err(|error| CliError::system("cannot read the answer", error))
    }

    /// Gets one resource.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CliError> {
        self.call(self.request(Method::GET, path)).await
    }
}
