//! From the stored event to the event as the target gets it.

use super::failpoint;
use crate::catalog::Rule;
use crate::catalog::Target;
use crate::catalog::TargetKind;
use crate::clock;
use crate::event;
use crate::event::AttributeName;
use crate::event::AttributeValue;
use crate::event::Data;
use crate::event::Event;
use crate::log::StoredEvent;
use crate::secret;
use crate::transform;
use crate::transform::Attribute;
use crate::transform::Chain;
use crate::transform::Document;
use crate::transform::Facts;
use crate::transform::MaskKey;
use crate::transform::TextTemplate;

/// Why an event cannot be given to its target; none of these mends itself.
#[derive(Debug, thiserror::Error)]
pub(super) enum RenderError {
    /// A transform failed on this event.
    #[error(transparent)]
    Transform(transform::ChainFailure),
    /// What the transform made is no event.
    #[error("the transform made an invalid event: {0}")]
    Result(event::EventError),
    /// Where the target's broker should put the event cannot be told from the event.
    #[error("the {0} cannot be told: {1}")]
    Address(&'static str, String),
    /// The revision of the rule that accepted the event is not known any more.
    #[error("the rule of generation {0} is not known")]
    NoRule(u64),
    /// The stored event does not read back.
    #[error(transparent)]
    Stored(#[from] event::StoredError),
}

impl RenderError {
    /// The code of the dead letter.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::Transform(_) | Self::Result(_) => "transform-failed",
            Self::Address(..) => "address-failed",
            Self::NoRule(_) => "rule-unknown",
            Self::Stored(_) => "unreadable-event",
        }
    }
}

/// An event as its target gets it.
#[derive(Debug)]
pub(super) struct Rendered {
    pub(super) event: Event,
    /// Where on its broker a queue gets it.
    pub(super) address: Vec<String>,
}

/// Applies the transforms of the rule of the event's generation, and of the target as it was then.
///
/// Every attempt gives the same bytes.
pub(super) fn render(
    stored: &StoredEvent,
    rule: Option<&Rule>,
    target: &Target,
    bus: &str,
) -> Result<Rendered, RenderError> {
    failpoint::reach("render", "");
    let event = event::decode_attributes(&stored.attributes, stored.data.clone())?;
    let rule = rule.ok_or(RenderError::NoRule(stored.generation))?;
    let then = rule.targets.iter().find(|then| then.name == target.name);
    let chain = Chain {
        rule: rule.transform.as_ref(),
        target: then.unwrap_or(target).transform.as_ref(),
    };
    let key = chain.needs_mask_key().then(secret::mask_key).flatten();
    let mask_key = key.and_then(MaskKey::new);
    let facts = Facts {
        now_ms: stored.time_ms,
        rule: rule.name.as_str(),
        bus,
        sequence: stored.sequence,
        mask_key: mask_key.as_ref(),
    };
    let address = address(&event, target, &facts)?;
    if chain.is_empty() {
        return Ok(Rendered { event, address });
    }
    let document = chain
        .apply(document(&event), &facts)
        .map_err(RenderError::Transform)?;
    let event = from_document(document).map_err(RenderError::Result)?;
    Ok(Rendered { event, address })
}

/// Where a queue gets the event, which is the one that was accepted: a transform may take away what
/// says where it goes.
pub(super) fn address(event: &Event, target: &Target, facts: &Facts<'_>) -> Result<Vec<String>, RenderError> {
    let TargetKind::Queue(queue) = &target.kind else {
        return Ok(Vec::new());
    };
    let render = |(name, template): (&'static str, &TextTemplate)| match template.constant() {
        Some(constant) => Ok(constant.to_owned()),
        None => template
            .render(document(event), facts)
            .map_err(|why| RenderError::Address(name, why)),
    };
    queue.broker.templates().into_iter().map(render).collect()
}

/// The event in the form that transforms work on.
pub(crate) fn document(event: &Event) -> Document {
    let attributes = event.attributes().iter().map(|(name, value)| {
        let value = match value {
            AttributeValue::String(text) => Attribute::String(text.clone()),
            AttributeValue::Integer(number) => Attribute::Integer(*number),
            AttributeValue::Boolean(truth) => Attribute::Boolean(*truth),
        };
        (name.as_str().to_owned(), value)
    });
    let data = match event.data() {
        Data::None => transform::Data::None,
        other => transform::Data::Verbatim(other.bytes().clone()),
    };
    Document {
        attributes: attributes.collect(),
        data,
    }
}

/// An event of what a transform made.
pub(crate) fn from_document(document: Document) -> Result<Event, event::EventError> {
    let mut attributes = Vec::with_capacity(document.attributes.len());
    let mut content_type = None;
    for (name, value) in document.attributes {
        let value = match value {
            Attribute::String(text) => AttributeValue::String(text),
            Attribute::Integer(number) => AttributeValue::Integer(number),
            Attribute::Boolean(truth) => AttributeValue::Boolean(truth),
        };
        if name == "datacontenttype" {
            content_type = value.as_str().map(str::to_owned);
        }
        attributes.push((AttributeName::parse(&name)?, value));
    }
    let data = match document.data {
        transform::Data::None => Data::None,
        transform::Data::Json(json) => Data::Json(json),
        transform::Data::Verbatim(bytes) => {
            Data::of_type(content_type.as_deref().or(Some("application/json")), bytes)?
        }
    };
    Event::new(attributes, data)
}

/// Unix seconds, as `webhook-timestamp` wants them.
pub(super) const fn unix_seconds(now_ms: i64) -> i64 {
    now_ms.div_euclid(1_000)
}

/// A moment as it is written in reasons.
pub(super) fn moment(unix_ms: i64) -> String {
    clock::rfc3339(unix_ms)
}
