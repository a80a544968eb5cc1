//! Tests of the comparison.

mod bounds;
mod corpus;
mod generate;
mod laws;
mod naive;
mod reasons;

use crate::schema::NoReferences;
use crate::schema::SchemaDocument;

/// A schema from its text.
fn document(text: &str) -> SchemaDocument {
    SchemaDocument::parse(text.as_bytes(), &NoReferences)
        .unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
}
