//! The messages of a session without an answer, by the number of their packet.

use std::collections::HashMap;
use std::collections::VecDeque;

use rumqttc::v5::MqttState;
use rumqttc::v5::Request;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::mqttbytes::v5::PubAck;
use rumqttc::v5::mqttbytes::v5::Publish;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::oneshot;

use super::packet::Malformed;

/// One message without an answer.
pub(super) struct Pending {
    /// Who waits for it, or has given up.
    pub(super) sender: oneshot::Sender<PubAck>,
    /// Its place among those without an answer.
    pub(super) slot: OwnedSemaphorePermit,
}

/// Messages in flight. A number is free again once the broker has answered, not earlier, whether or
/// not somebody waits for the answer; so two messages never share one.
pub(super) struct Flight {
    state: MqttState,
    sent: HashMap<u16, Pending>,
    /// The number that was free first is used first.
    free: VecDeque<u16>,
}

impl Flight {
    /// Nothing in flight; so many may be.
    pub(super) fn of(limit: u16) -> Self {
        Self {
            state: MqttState::new(limit, true),
            sent: HashMap::new(),
            free: (1..=limit).collect(),
        }
    }

    /// Gives a message its number and the packet to be written. `None` when there is no number left.
    pub(super) fn push(&mut self, publish: Publish, pending: Pending) -> Option<Packet> {
        let id = self.free.pop_front()?;
        let request = Request::Publish(Publish { pkid: id, ..publish });
        let packet = self.state.handle_outgoing_packet(request).ok().flatten();
        self.state.events.clear();
        if packet.is_some() {
            self.sent.insert(id, pending);
        }
        packet
    }

    /// The broker answers a message, or that it is alive. It says nothing else to a publisher that
    /// would have to be answered.
    pub(super) fn hear(&mut self, packet: Packet) -> Result<(), Malformed> {
        let answered = match &packet {
            Packet::PubAck(ack) => Some(ack.clone()),
            Packet::PingResp(_) => None,
            _ => return Err(Malformed),
        };
        let answer = self.state.handle_incoming_packet(packet).map_err(|_| Malformed)?;
        self.state.events.clear();
        if answer.is_some() {
            return Err(Malformed);
        }
        let Some(ack) = answered else { return Ok(()) };
        let pending = self.sent.remove(&ack.pkid).ok_or(Malformed)?;
        self.free.push_back(ack.pkid);
        drop(pending.slot);
        // Whoever gave up does not hear it.
        drop(pending.sender.send(ack));
        Ok(())
    }

    /// How many messages nobody waits for any more.
    pub(super) fn abandoned(&self) -> usize {
        let is_abandoned = |pending: &&Pending| pending.sender.is_closed();
        self.sent.values().filter(is_abandoned).count()
    }

    /// Gives up what is in flight.
    pub(super) fn clear(&mut self) {
        self.sent.clear();
        self.free.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rumqttc::v5::mqttbytes::QoS;
    use rumqttc::v5::mqttbytes::v5::PubAckReason;
    use std::sync::Arc;
    use tokio::sync::Semaphore;

    fn ack(pkid: u16, reason: PubAckReason) -> Packet {
        Packet::PubAck(PubAck {
            pkid,
            reason,
            properties: None,
        })
    }

    #[test]
    fn answers_find_their_messages_and_numbers_come_back_with_them() {
        let slots = Arc::new(Semaphore::new(8));
        let (mut flight, mut waiting) = (Flight::of(2), Vec::new());
        let mut push = |flight: &mut Flight| {
            let (sender, receiver) = oneshot::channel();
            let slot = Arc::clone(&slots).try_acquire_owned().unwrap();
            waiting.push(receiver);
            let publish = Publish::new("a", QoS::AtLeastOnce, "x", None);
            match flight.push(publish, Pending { sender, slot })? {
                Packet::Publish(publish) => Some(publish.pkid),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(push(&mut flight), Some(1));
        assert_eq!(push(&mut flight), Some(2));
        assert_eq!(push(&mut flight), None);
        flight.hear(ack(2, PubAckReason::NotAuthorized)).unwrap();
        assert_eq!(flight.hear(ack(2, PubAckReason::Success)), Err(Malformed));
        assert_eq!(flight.hear(ack(9, PubAckReason::Success)), Err(Malformed));
        assert_eq!(push(&mut flight), Some(2));
        assert_eq!(waiting[1].try_recv().unwrap().reason, PubAckReason::NotAuthorized);
        drop(waiting.remove(0));
        assert_eq!(flight.abandoned(), 1);
        flight.hear(ack(1, PubAckReason::Success)).unwrap();
        assert_eq!(flight.abandoned(), 0);
        assert!(waiting[2].try_recv().is_err(), "its number was used before");
    }
}
