//! The figures of the README, measured on this machine against what this machine can do.
//!
//! `cargo bench --bench figures` starts the real binary and prints a table. What is compared
//! alternates within one run, and each number is the median of the rounds: on a shared or a slow
//! machine the ratios still mean something. The process ends with 1 when a bar is missed.
//!
//! * `--quick`: short rounds to see that everything works; bars are printed, not enforced.
//! * `--only publish|batch|delivery|append|routes|replay|ready|backlog|calls|neighbours|redrive|queues|schemas|changes`: one figure.
//! * `FIGURES_DELIVERY_SECONDS`: length of the delivery figure, 30 by default.
#![expect(
    clippy::expect_used,
    reason = "a benchmark that cannot measure should fail loudly"
)]

mod append;
mod backlog;
#[expect(dead_code, unused_imports, reason = "the tests use the rest")]
#[path = "../../tests/brokers/mod.rs"]
mod brokers;
mod caller;
mod calls;
mod ceiling;
mod changes;
mod delivery;
mod direct;
mod disk;
mod groups;
mod load;
mod neighbours;
mod open_loop;
mod options;
mod payload;
mod process;
mod publish;
mod queues;
mod ready;
mod redrive;
mod replay;
mod routes;
mod schemas;
mod server;
mod sink;
mod statistics;
mod table;
mod targets;
mod wire;

use std::process::ExitCode;

use caller::Order;
use options::Options;
use table::Table;

/// As in the server, so that the log at its own interface is what the server has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let options = Options::from_environment();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    if options.is_ceiling {
        runtime.block_on(ceiling::serve());
        return ExitCode::SUCCESS;
    }
    if options.is_caller {
        runtime.block_on(Order::of_arguments().run());
        return ExitCode::SUCCESS;
    }
    let mut table = Table::default();
    runtime.block_on(async {
        if options.wants("publish") {
            for (connections, bar) in [(64, 0.35), (256, 0.5)] {
                publish::singles(&options, connections, bar, &mut table).await;
            }
        }
        if options.wants("batch") {
            publish::batches(&options, &mut table).await;
        }
        if options.wants("delivery") {
            delivery::measure(&options, &mut table).await;
        }
        if options.wants("append") {
            append::measure(&options, &mut table).await;
        }
        if options.wants("routes") {
            routes::measure(&options, &mut table).await;
        }
        if options.wants("replay") {
            replay::measure(&options, &mut table).await;
        }
        if options.wants("ready") {
            ready::measure(&options, &mut table).await;
        }
        if options.wants("backlog") {
            backlog::measure(&options, &mut table).await;
        }
        if options.wants("calls") {
            calls::measure(&options, &mut table).await;
        }
        if options.wants("neighbours") {
            neighbours::measure(&options, &mut table).await;
        }
        if options.wants("redrive") {
            redrive::measure(&options, &mut table).await;
        }
        if options.wants("queues") {
            queues::measure(&options, &mut table).await;
        }
        if options.wants("changes") {
            changes::measure(&options, &mut table).await;
        }
        if options.wants("schemas") {
            schemas::measure(&options, &mut table).await;
        }
    });
    table.print();
    if table.holds() || options.is_quick {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
