//! What is read from requests; rejections are refusals like every other error.

use std::str::FromStr;
use std::sync::Arc;

use axum::extract::FromRequest;
use axum::extract::FromRequestParts;
use axum::extract::Request;
use http::request::Parts;
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use super::refusal::Case;
use super::refusal::Refusal;
use crate::catalog::EventType;
use crate::catalog::SchemaEntry;
use crate::catalog::SchemaVersion;
use crate::http::body;
use crate::http::extract::ApiPath;
use crate::http::state::AppState;
use crate::schema::MAX_LEN;

/// Largest body: a schema inside of a text, where its characters may be escaped.
const MAX_BODY: usize = 4 * MAX_LEN;

/// The variable parts of a path.
pub(super) struct Path<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let ApiPath(found) = ApiPath::from_request_parts(parts, state).await?;
        Ok(Self(found))
    }
}

/// The subject of a path that has no other variable parts.
pub(super) struct Subject(pub(super) EventType);

impl<S: Send + Sync> FromRequestParts<S> for Subject {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let Path::<String>(text) = Path::from_request_parts(parts, state).await?;
        Ok(Self(EventType::parse(&text)?))
    }
}

/// A JSON body, whatever it is declared as.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<AppState>> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &Arc<AppState>) -> Result<Self, Refusal> {
        let body = body::read(request, MAX_BODY, "schema-too-large").await?;
        let read = serde_json::from_slice(&body.bytes);
        read.map(Self)
            .map_err(|error| Refusal::new(Case::Status(400), format!("the body cannot be read: {error}")))
    }
}

/// Query parameters; unknown ones are ignored, as clients send what only other servers know.
pub(super) struct Query(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self(
            form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        ))
    }
}

impl Query {
    /// The parameter of that name.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, text)| text.as_str())
    }

    /// Whether it says true, in letters of any case.
    pub(super) fn says(&self, name: &str) -> bool {
        self.text(name)
            .is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    /// Whether only what was deleted is asked for, of which nothing is left.
    pub(super) fn asks_for_deleted_only(&self) -> bool {
        self.says("deletedOnly") || self.says("deleted_only")
    }

    /// The items that `offset` and `limit` leave, all by default.
    ///
    /// # Errors
    /// A parameter that is no number.
    pub(super) fn page<T>(&self, items: Vec<T>) -> Result<Vec<T>, Refusal> {
        let (offset, limit) = (self.number("offset")?, self.number("limit")?);
        let offset = offset
            .and_then(|offset| usize::try_from(offset).ok())
            .unwrap_or(0);
        // Negative is as if it were not there.
        let limit = limit.and_then(|limit| usize::try_from(limit).ok());
        let items = items.into_iter().skip(offset);
        Ok(items.take(limit.unwrap_or(usize::MAX)).collect())
    }

    fn number(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let parsed = self.text(name).map(i64::from_str).transpose();
        parsed.map_err(|_| Refusal::new(Case::Status(400), format!("`{name}` is a whole number")))
    }
}

/// Which version of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    Latest,
    Exactly(u32),
}

impl FromStr for Number {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        if text.eq_ignore_ascii_case("latest") || text == "-1" {
            return Ok(Self::Latest);
        }
        let number = text
            .parse()
            .ok()
            .and_then(|number: i32| u32::try_from(number).ok());
        number
            .filter(|number| *number > 0)
            .map(Self::Exactly)
            .ok_or_else(|| {
                let message =
                    format!("`{text}` is no version: a version is `latest` or a number from 1 to 2147483647");
                Refusal::new(Case::InvalidVersion, message)
            })
    }
}

impl Number {
    /// The version of that number.
    ///
    /// # Errors
    /// The subject has none.
    pub(super) fn of(self, entry: &SchemaEntry) -> Result<&Arc<SchemaVersion>, Refusal> {
        let found = match self {
            Self::Latest => entry.latest(),
            Self::Exactly(number) => entry.version(number),
        };
        found.ok_or_else(|| {
            let message = match self {
                Self::Latest => format!("the subject `{}` has no version", entry.kind),
                Self::Exactly(number) => format!("the subject `{}` has no version {number}", entry.kind),
            };
            Refusal::new(Case::NoSuchVersion, message)
        })
    }
}
