//! The `tramline` binary.

use std::process::ExitCode;

/// A publish makes its buffers on one thread and the log's writer frees them on another, which is
/// where the system's allocator spends its time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    #[cfg(feature = "failpoints")]
    let _points = fail::FailScenario::setup();
    tramline::cli::main()
}
