//! The consume queue of one route and the places of its state records.

/// State entries a block holds: small enough to search, large enough to skip by.
const BLOCK: usize = 1024;

/// What one route has to do and what became of it.
#[derive(Default)]
pub(crate) struct RouteIndex {
    /// Sequences of its events, ascending.
    events: Vec<u64>,
    /// (sequence, position of the frame with a record that names it), in log order.
    states: Vec<Block>,
}

struct Block {
    lowest: u64,
    highest: u64,
    entries: Vec<(u64, u64)>,
}

impl RouteIndex {
    /// Adds an event to the queue.
    pub(crate) fn add_event(&mut self, sequence: u64) {
        self.events.push(sequence);
    }

    /// Notes that a record in the frame at `position` names `sequence`.
    pub(crate) fn add_state(&mut self, sequence: u64, position: u64) {
        match self.states.last_mut() {
            Some(block) if block.entries.len() < BLOCK => {
                block.lowest = block.lowest.min(sequence);
                block.highest = block.highest.max(sequence);
                block.entries.push((sequence, position));
            }
            _ => self.states.push(Block {
                lowest: sequence,
                highest: sequence,
                entries: vec![(sequence, position)],
            }),
        }
    }

    /// The queue above `after`, at most `n`.
    pub(crate) fn events_after(&self, after: u64, n: usize) -> Vec<u64> {
        let skip = self.events.partition_point(|sequence| *sequence <= after);
        self.events.iter().skip(skip).take(n).copied().collect()
    }

    /// How many events are in the queue above `after`.
    pub(crate) fn count_after(&self, after: u64) -> usize {
        self.events.len() - self.events.partition_point(|sequence| *sequence <= after)
    }

    /// The frames whose records name `sequence`, each once, ascending.
    pub(crate) fn states_of(&self, sequence: u64) -> Vec<u64> {
        let blocks = self
            .states
            .iter()
            .filter(|block| (block.lowest..=block.highest).contains(&sequence));
        let entries = blocks
            .flat_map(|block| &block.entries)
            .filter(|(named, _)| *named == sequence);
        let mut frames: Vec<u64> = entries.map(|(_, position)| *position).collect();
        frames.dedup();
        frames
    }
}
