//! The background thread that stores the indexes of sealed segments and builds missing ones.

use super::index::Part;
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;

/// Work for the thread; at most one entry a segment.
type Queue = mpsc::Sender<Arc<Part>>;

/// The thread and the way to it.
pub(crate) struct Keeper {
    queue: Mutex<Option<Queue>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    is_stopping: Arc<AtomicBool>,
}

impl Keeper {
    /// Starts the thread.
    pub(crate) fn start() -> io::Result<Self> {
        let (queue, parts) = mpsc::channel::<Arc<Part>>();
        let is_stopping = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&is_stopping);
        let thread = std::thread::Builder::new()
            .name("log-index".to_owned())
            .spawn(move || {
                for part in parts {
                    if stop.load(Ordering::Acquire) {
                        return;
                    }
                    keep(&part);
                }
            })?;
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            thread: Mutex::new(Some(thread)),
            is_stopping,
        })
    }

    /// Has the index of a sealed segment built if it is absent, and stored. Returns at once.
    pub(crate) fn keep(&self, part: Arc<Part>) {
        if let Some(queue) = &*self.queue.lock() {
            // The thread ends only after the queue was closed.
            queue.send(part).ok();
        }
    }

    /// Ends the thread after what it is doing; what is left is derived and built next time.
    pub(crate) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Release);
        self.queue.lock().take();
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that stores indexes panicked");
        }
    }
}

fn keep(part: &Part) {
    if let Err(error) = part.ready() {
        tracing::error!(%error, index = %part.path().display(), "an index cannot be built");
    }
    part.store();
}
