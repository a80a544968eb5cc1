//! Exported schemas judge as the originals do, for schemas of every draft (`corpus.json`).

mod corpus;
mod documents;
mod laws;
