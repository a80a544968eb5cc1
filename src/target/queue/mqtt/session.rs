//! One session with a broker: the login, who publishes, what is heard, how it ends.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use parking_lot::Mutex;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::mqttbytes::v5::PubAck;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWrite;
use tokio::sync::Semaphore;
use tokio::sync::oneshot;
use tokio::sync::watch;

use super::Address;
use super::flight::Flight;
use super::flight::Pending;
use super::handshake::Limits;
use super::judge;
use super::packet;
use super::packet::Malformed;
use super::publication;
use crate::target::queue::Message;
use crate::target::queue::Trouble;
use crate::target::queue::outbox::Outbox;
use crate::target::queue::words::Words;

/// How long a session that has ended may take to say so.
const GRACE: Duration = Duration::from_secs(1);

/// One session, used by any number of publishers at once.
pub(super) struct Session {
    flight: Mutex<Flight>,
    outbox: Outbox,
    slots: Arc<Semaphore>,
    /// Why it is over, once it is.
    ended: watch::Sender<Option<String>>,
    words: Words,
    limits: Limits,
}

impl Session {
    /// A session that has been agreed on.
    pub(super) fn new(limits: Limits, words: Words) -> Self {
        Self {
            flight: Mutex::new(Flight::of(limits.in_flight)),
            outbox: Outbox::new(),
            slots: Arc::new(Semaphore::new(limits.in_flight.into())),
            ended: watch::Sender::new(None),
            words,
            limits,
        }
    }

    /// Sends a message; its answer comes later. Dropped before, it sends nothing.
    pub(super) async fn send(
        &self,
        to: &Address,
        message: &Message<'_>,
    ) -> Result<oneshot::Receiver<PubAck>, Trouble> {
        let publication = publication::of(to, message, self.limits.packet)?;
        self.give_up_if_nothing_is_answered();
        // Both are closed when the session ends.
        let slot = Arc::clone(&self.slots).acquire_owned().await.ok();
        let room = self.outbox.room(publication.size()).await;
        let (Some(slot), Some(room)) = (slot, room) else {
            return Err(self.unsent());
        };
        let (sender, receiver) = oneshot::channel();
        let mut flight = self.flight.lock();
        // Fails when the session has ended meanwhile; otherwise there is a number for each slot.
        let packet = flight.push(publication, Pending { sender, slot });
        let packet = packet.ok_or_else(|| self.unsent())?;
        self.outbox.put(room, |bytes| {
            // Fails for what the checks of the publication have refused.
            drop(packet.write(bytes, None));
        });
        Ok(receiver)
    }

    /// A broker that never answers would hold every slot for ever.
    fn give_up_if_nothing_is_answered(&self) {
        let many = usize::from(self.limits.in_flight / 2);
        if self.slots.available_permits() == 0 && self.flight.lock().abandoned() > many {
            self.end("it does not answer".to_owned());
        }
    }

    /// Whether nothing can be sent any more.
    pub(super) fn is_over(&self) -> bool {
        self.ended.borrow().is_some()
    }

    fn why(&self) -> String {
        let why = self.ended.borrow().clone();
        why.unwrap_or_else(|| "nobody knows why".to_owned())
    }

    fn unsent(&self) -> Trouble {
        let why = self.why();
        let reason = format!("the connection to the broker ended before the message was sent: {why}");
        Trouble::fatal(Trouble::unsent("connect_error", reason))
    }

    /// What is to be said of a message whose session ended before its answer.
    pub(super) fn unanswered(&self) -> Trouble {
        let why = self.why();
        let reason = format!("the connection ended before the broker had answered: {why}");
        Trouble::fatal(Trouble::later("ambiguous", reason))
    }

    /// Ends it for every publisher; what has no answer will have none. The first reason counts.
    fn end(&self, why: String) {
        let mut flight = self.flight.lock();
        let is_first = self.ended.send_if_modified(|ended| {
            let is_first = ended.is_none();
            ended.get_or_insert(why);
            is_first
        });
        if is_first {
            flight.clear();
            self.slots.close();
            self.outbox.close();
        }
    }

    /// Says goodbye: [`run`](Self::run) returns when the broker has hung up.
    pub(super) fn leave(&self) {
        self.end("it was closed from here".to_owned());
        let goodbye = |bytes: &mut BytesMut| bytes.extend_from_slice(packet::DISCONNECT);
        self.outbox.put_control(goodbye);
    }

    /// Reads and writes until the session is over and that has been said.
    pub(super) async fn run(
        &self,
        (reader, writer): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
        come: BytesMut,
    ) {
        // Whatever happens in here, nobody waits for ever.
        let _end = End(self);
        let keep_alive = self.limits.keep_alive;
        let mut ended = self.ended.subscribe();
        let over = async {
            // The sender lives as long as this session.
            drop(ended.wait_for(Option::is_some).await);
            tokio::time::sleep(GRACE).await;
        };
        // Asked in time, so that an answer can come before the silence is too long.
        let why = tokio::select! {
            why = self.read(reader, come, keep_alive) => why,
            error = self.outbox.write_to(writer, keep_alive / 2, packet::PING) => lost(Some(&error)),
            () = over => String::new(),
        };
        self.end(why);
    }

    /// Reads until nothing more comes, and says why.
    async fn read(
        &self,
        mut reader: impl AsyncRead + Unpin,
        mut come: BytesMut,
        silence: Duration,
    ) -> String {
        loop {
            loop {
                match packet::next(&mut come).and_then(|packet| packet.map(|p| self.hear(p)).transpose()) {
                    Ok(None) => break,
                    Ok(Some(())) => {}
                    Err(Malformed) => return "it does not keep to MQTT 5".to_owned(),
                }
            }
            match tokio::time::timeout(silence, reader.read_buf(&mut come)).await {
                Ok(Ok(0)) => return lost(None),
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return lost(Some(&error)),
                Err(_) => return format!("it said nothing for {} s", silence.as_secs()),
            }
        }
    }

    fn hear(&self, packet: Packet) -> Result<(), Malformed> {
        match packet {
            // What comes late changes nothing.
            _ if self.is_over() => Ok(()),
            // The broker hangs up next.
            Packet::Disconnect(disconnect) => {
                let why = judge::left(&disconnect, &self.words);
                self.end(why);
                Ok(())
            }
            other => self.flight.lock().hear(other),
        }
    }

    /// What the acknowledgement of a message means.
    pub(super) fn judge(&self, ack: &PubAck, to: &Address) -> Result<(), Trouble> {
        judge::answered(ack, to, &self.words)
    }
}

/// Ends the session when it is dropped.
struct End<'a>(&'a Session);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.end("it was given up".to_owned());
    }
}

fn lost(error: Option<&std::io::Error>) -> String {
    error.map_or_else(
        || "the broker went away".to_owned(),
        |error| format!("it was lost: {}", error.kind()),
    )
}
