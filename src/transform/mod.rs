//! Transforms: the steps that turn a matched event into what the target gets.
//!
//! ```yaml
//! transform:
//!   - keep: ["$.data.id", "$.data.customer.name"]     # data becomes only these fields
//!   - data: { order: "${$.data.id}", text: "Order ${$.data.id}" }   # data becomes this template
//!   - set: { type: com.example.crm.call, subject: null }   # sets or removes attributes
//!   - drop: ["$.data.items[*].cost"]                   # removes fields
//!   - mask: [{ path: "$.data.email", with: hash }]     # replaces values by `***` or a keyed hash
//!   - select: "$.data.order"                           # data becomes the value at one path
//!   - const: { kind: ping }                            # data becomes this, as it stands here
//!   - input_transformer: { paths: { id: "$.data.id" }, template: '{"order": <id>}' }
//! ```
//!
//! Steps run in order, each on the result of the one before. Paths are `JSONPath` (RFC 9535) on the
//! event as one JSON document: attributes at the top, `data` below.
//!
//! In a template, a string that is exactly `${path}` becomes the value with its type; inside longer
//! text the value is written out, a string as it is and anything else as compact JSON. Keys of
//! objects are taken literally. A path that may select several values yields them as a list, a
//! single one as it is. A missing value is null, or the default in `${path ?? JSON}`; `$${` is a
//! literal `${`. Beside paths there are `${now}` (the event's own time on the bus, so that a repeated
//! attempt sends the same), `${rule}`, `${bus}`, `${sequence}`, `${event}` (the whole document) and
//! `${event.json}` (the document as a string).
//!
//! What a step may produce is bounded in size and depth, and a template in length and number of
//! expressions; whatever an event holds, applying a transform ends soon and never panics.

mod chain;
mod direct;
mod document;
mod error;
mod expression;
mod filling;
mod input_transformer;
mod keep;
mod limits;
mod path;
mod places;
mod queries;
mod reads;
mod scope;
mod select;
mod set;
mod steps;
mod template;
#[cfg(test)]
mod tests;
mod text;
mod wanted;

pub use chain::Chain;
pub use chain::ChainFailure;
pub use document::Attribute;
pub use document::Data;
pub use document::Document;
pub use document::Facts;
pub use document::MaskKey;
pub use error::TransformError;
pub use error::TransformFailure;
pub use reads::Masked;
pub use reads::Read;
pub use reads::ReadStep;
pub use select::Select;
pub use steps::Transform;
pub use text::TextTemplate;
