//! What waits to be written to a broker: bounded in bytes, in the order in which it was put.

use bytes::BytesMut;
use parking_lot::Mutex;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::Notify;
use tokio::sync::Semaphore;
use tokio::sync::SemaphorePermit;
use tokio::time::Duration;

/// Most bytes of messages that wait to be written: some round trips of a fast network. A larger
/// message takes all of it.
const ROOM: usize = 4 * 1024 * 1024;

/// Bytes on their way to the broker. The lock of the caller decides their order.
pub(super) struct Outbox {
    /// Bytes of messages that may be put; what was put gives back when it is written.
    room: Semaphore,
    filled: Notify,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    bytes: BytesMut,
    /// What is to be given back to the room.
    owed: usize,
}

/// Room for one message; given back when dropped.
pub(super) struct Room<'a>(SemaphorePermit<'a>);

impl Outbox {
    /// Nothing waits.
    pub(super) fn new() -> Self {
        Self {
            room: Semaphore::new(ROOM),
            filled: Notify::new(),
            waiting: Mutex::default(),
        }
    }

    /// Waits until a message of this length may be put. Cancel-safe, first come, first served.
    ///
    /// `None` when nothing is written any more.
    pub(super) async fn room(&self, len: usize) -> Option<Room<'_>> {
        let len = u32::try_from(len.min(ROOM)).unwrap_or(u32::MAX);
        self.room.acquire_many(len).await.ok().map(Room)
    }

    /// Puts a message that has room.
    pub(super) fn put(&self, room: Room<'_>, write: impl FnOnce(&mut BytesMut)) {
        let mut waiting = self.waiting.lock();
        waiting.owed += room.0.num_permits();
        room.0.forget();
        write(&mut waiting.bytes);
        drop(waiting);
        self.filled.notify_one();
    }

    /// Puts a few bytes of the protocol itself, which need no room. The caller sees to it that a
    /// broker cannot make it put any number of them.
    pub(super) fn put_control(&self, write: impl FnOnce(&mut BytesMut)) {
        write(&mut self.waiting.lock().bytes);
        self.filled.notify_one();
    }

    /// Writes what is put, until writing fails. Writes `beat` whenever nothing else was written for
    /// so long. Not to be called again once it is dropped half-way.
    pub(super) async fn write_to(
        &self,
        mut writer: impl AsyncWrite + Unpin,
        every: Duration,
        beat: &[u8],
    ) -> std::io::Error {
        loop {
            let Waiting { bytes, owed } = std::mem::take(&mut *self.waiting.lock());
            if bytes.is_empty() {
                // A permit of the notification is kept, so nothing is put unseen.
                if tokio::time::timeout(every, self.filled.notified()).await.is_err() {
                    self.put_control(|waiting| waiting.extend_from_slice(beat));
                }
                continue;
            }
            let written = async {
                writer.write_all(&bytes).await?;
                writer.flush().await
            };
            if let Err(error) = written.await {
                return error;
            }
            self.room.add_permits(owed);
        }
    }

    /// Lets nobody wait for room any longer: nothing is written any more.
    pub(super) fn close(&self) {
        self.room.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt as _;

    const NEVER: Duration = Duration::from_hours(1);

    #[tokio::test]
    async fn a_message_waits_until_those_before_it_are_written() {
        let (near, mut far) = tokio::io::duplex(16);
        let outbox = Outbox::new();
        for _ in 0..4 {
            let room = outbox.room(ROOM / 4).await.unwrap();
            outbox.put(room, |bytes| bytes.extend_from_slice(&vec![7; ROOM / 4]));
        }
        let full = tokio::time::timeout(Duration::ZERO, outbox.room(1)).await;
        assert!(full.is_err(), "there is no room left");
        let mut read = vec![0; ROOM];
        let reading = async {
            far.read_exact(&mut read).await.unwrap();
            outbox.room(ROOM).await.unwrap()
        };
        tokio::select! {
            _ = reading => {}
            error = outbox.write_to(near, NEVER, b"") => panic!("{error}"),
        }
    }

    #[tokio::test]
    async fn a_message_larger_than_the_room_takes_all_of_it_and_gives_it_back() {
        let outbox = Outbox::new();
        let room = outbox.room(ROOM * 3).await.unwrap();
        outbox.put(room, |bytes| bytes.extend_from_slice(b"large"));
        let (near, mut far) = tokio::io::duplex(1024);
        let mut read = [0; 5];
        tokio::select! {
            _ = async { far.read_exact(&mut read).await.unwrap(); outbox.room(ROOM).await.unwrap() } => {}
            error = outbox.write_to(near, NEVER, b"") => panic!("{error}"),
        }
        assert_eq!(&read, b"large");
    }

    #[tokio::test(start_paused = true)]
    async fn a_beat_is_written_when_nothing_else_was() {
        let outbox = Outbox::new();
        let (near, mut far) = tokio::io::duplex(1024);
        let mut read = [0; 6];
        tokio::select! {
            read = far.read_exact(&mut read) => { read.unwrap(); }
            error = outbox.write_to(near, Duration::from_secs(5), b"beat") => panic!("{error}"),
        }
        assert_eq!(&read, b"beatbe");
    }

    #[tokio::test]
    async fn a_closed_outbox_lets_nobody_wait() {
        let outbox = Outbox::new();
        let all = outbox.room(ROOM).await.unwrap();
        let (waited, ()) = tokio::join!(outbox.room(1), async { outbox.close() });
        assert!(waited.is_none());
        drop(all);
    }
}
