//! Memory of a server whose one target does not take what it should.

use super::options::Options;
use super::payload::Payload;
use super::process;
use super::ready::publish;
use super::server::Server;
use super::table::Row;
use super::table::Table;
use super::targets::Answering;

/// Events before memory is looked at first: more than two segments of them.
const WARM_UP: u64 = 1_000_000;
/// Growth that is allowed, bytes.
const BAR: u64 = 64 << 20;
const BATCH: u64 = 1_000;
/// Bytes of an event.
const EVENT: usize = 300;

/// Once with a target that refuses connections, once with one that answers 500.
pub(crate) async fn measure(options: &Options, table: &mut Table) {
    let failing = Answering::badly().await;
    for (name, address) in [
        ("refuses", "127.0.0.1:9".to_owned()),
        ("answers 500", failing.address.to_string()),
    ] {
        let rules = format!(
            "rules:\n  - name: all\n    match: {{ type: [com.example.more] }}\n    targets:\n      \
             - name: bad\n        webhook: {{ url: \"http://{address}/\" }}\n"
        );
        let server = Server::start(Some(&rules)).await;
        let payload = Payload::batch_of("com.example.more", EVENT, BATCH);
        publish(&server, &payload, WARM_UP.min(options.backlog())).await;
        let before = process::resident(server.pid());
        publish(&server, &payload, options.backlog()).await;
        let grown = process::resident(server.pid()).saturating_sub(before);
        let backlog = server.backlog().await;
        table.add(Row {
            name: format!("memory, {backlog} behind, target {name}"),
            bar: Some((
                format!("grew by {} MiB from {} MiB", grown >> 20, before >> 20),
                format!("under {} MiB", BAR >> 20),
                grown < BAR && backlog >= options.backlog(),
            )),
            ..Row::default()
        });
    }
}
