//! What matching costs, beside reading the same events and keeping nothing.
//!
//! `cargo bench --bench rules` prints a table. One thread; V is the rate at which `serde_json`
//! reads the whole event into nothing, measured in turns with the matcher, and each number is the
//! median of five rounds: on a shared or a slow machine the ratios still mean something. The
//! process ends with 1 when a bar is missed.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot measure should fail loudly"
)]

mod changes;
mod engine;
mod matching;
mod random;
mod scenario;
mod table;
mod transforms;

use std::process::ExitCode;

use table::Table;

/// As in the server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let mut table = Table::new();
    changes::measure(&mut table);
    matching::measure(&mut table);
    transforms::measure(&mut table);
    table.verdict()
}
