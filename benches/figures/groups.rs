//! The sizes of the groups that the log writes, as it tells them to whoever traces it.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use tracing::Event;
use tracing::Subscriber;
use tracing::field::Field;
use tracing::field::Visit;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Context;
use tracing_subscriber::layer::SubscriberExt as _;

/// Where the log tells of a group that has become durable.
const TARGET: &str = "tramline::log::group";

/// Collects the bytes of every group in this process, in order.
#[derive(Clone, Default)]
pub(crate) struct Groups(Arc<Mutex<Vec<u64>>>);

impl Groups {
    /// Listens from now on; once in a process.
    pub(crate) fn listen() -> Self {
        let groups = Self::default();
        let only = Targets::new().with_target(TARGET, tracing::Level::TRACE);
        let subscriber = tracing_subscriber::registry().with(groups.clone().with_filter(only));
        tracing::subscriber::set_global_default(subscriber).expect("the only listener");
        groups
    }

    /// Those since the last call.
    pub(crate) fn take(&self) -> Vec<u64> {
        std::mem::take(&mut self.0.lock())
    }
}

impl<S: Subscriber> Layer<S> for Groups {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        event.record(&mut Bytes(&self.0));
    }
}

struct Bytes<'a>(&'a Mutex<Vec<u64>>);

impl Visit for Bytes<'_> {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "bytes" {
            self.0.lock().push(value);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
