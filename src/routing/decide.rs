//! The decision about one event: its rules and its routes.

use std::sync::Arc;

use super::snapshot::BusRules;
use super::snapshot::RoutedRule;
use crate::event::AttributeValue;
use crate::event::Data;
use crate::event::Event;
use crate::log::RouteId;
use crate::pattern::EventView;
use crate::pattern::Scalar;

/// Where an event goes, and by which ruleset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The generation of the ruleset that decided.
    pub generation: u64,
    /// The rules that match.
    pub rules: Vec<Arc<RoutedRule>>,
}

impl Decision {
    /// The routes of all rules, ascending.
    #[must_use]
    pub fn routes(&self) -> Vec<RouteId> {
        let mut routes: Vec<_> = self
            .rules
            .iter()
            .flat_map(|rule| rule.routes.iter().copied())
            .collect();
        routes.sort_unstable();
        routes
    }
}

impl BusRules {
    /// Matches an event against every rule of the bus. Pure.
    #[must_use]
    pub fn decide(&self, event: &Event) -> Decision {
        let attributes = view_of(event);
        let view = EventView {
            attributes: &attributes,
            data: json_data(event),
        };
        Decision {
            generation: self.generation,
            rules: self.rules.matching(&view),
        }
    }
}

/// The attributes as patterns see them, `specversion` included.
#[must_use]
pub fn view_of(event: &Event) -> Vec<(&str, Scalar<'_>)> {
    let mut attributes = Vec::with_capacity(event.attributes().len() + 1);
    attributes.push(("specversion", Scalar::String("1.0")));
    attributes.extend(event.attributes().iter().map(|(name, value)| {
        let value = match value {
            AttributeValue::String(text) => Scalar::String(text),
            AttributeValue::Integer(number) => Scalar::Integer(*number),
            AttributeValue::Boolean(truth) => Scalar::Boolean(*truth),
        };
        (name.as_str(), value)
    }));
    attributes
}

/// The data, if patterns can look into it.
#[must_use]
pub fn json_data(event: &Event) -> Option<&[u8]> {
    match event.data() {
        Data::Json(json) => Some(json),
        Data::None | Data::Text(_) | Data::Binary(_) => None,
    }
}
