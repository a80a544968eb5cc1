//! Taking and using snapshots: what the owner of the log calls.

use super::Log;
use super::error::LogError;
use super::snapshot::{self, Base, Checkpoint, Snapshot};
use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::VecDeque;
use tokio::sync::watch;

/// Checkpoints that are remembered; an owner that takes none keeps no more.
const REMEMBERED: usize = 4;

/// The starts of segments that a snapshot may be taken at, and the snapshots there are.
pub(crate) struct Checkpoints {
    recent: Mutex<VecDeque<Base>>,
    newest: watch::Sender<Option<Checkpoint>>,
    /// Positions of the snapshots that were read back, ascending.
    saved: Mutex<Vec<u64>>,
    /// One snapshot at a time.
    saving: Mutex<()>,
}

impl Default for Checkpoints {
    fn default() -> Self {
        Self {
            recent: Mutex::default(),
            newest: watch::Sender::new(None),
            saved: Mutex::default(),
            saving: Mutex::default(),
        }
    }
}

impl Checkpoints {
    /// A segment begins: everything before it is durable.
    pub(crate) fn add(&self, base: Base) {
        let checkpoint = Checkpoint(base.position);
        let mut recent = self.recent.lock();
        if recent.len() == REMEMBERED {
            recent.pop_front();
        }
        recent.push_back(base);
        drop(recent);
        self.newest.send_replace(Some(checkpoint));
    }

    /// A snapshot that was found at the start.
    pub(crate) fn found(&self, positions: Vec<u64>) {
        *self.saved.lock() = positions;
    }

    /// Everything below may be deleted as far as snapshots are concerned: the older of the two
    /// that were read back; 0 while there are fewer.
    pub(crate) fn covered(&self) -> u64 {
        let saved = self.saved.lock();
        let older = saved
            .len()
            .checked_sub(snapshot::KEPT)
            .and_then(|at| saved.get(at));
        older.copied().unwrap_or(0)
    }
}

impl Log {
    /// The newest place at which a snapshot may be taken; changes when a segment is sealed.
    #[must_use]
    pub fn checkpoints(&self) -> watch::Receiver<Option<Checkpoint>> {
        self.inner.shared.checkpoints.newest.subscribe()
    }

    /// The newest snapshot's place and what its owner saved.
    ///
    /// Blocking: it reads the snapshot.
    ///
    /// # Errors
    /// When the disk says no; a damaged snapshot is passed over.
    pub fn snapshot(&self) -> Result<Option<(Checkpoint, Bytes)>, LogError> {
        let shared = &self.inner.shared;
        let Some(position) = shared.checkpoints.saved.lock().last().copied() else {
            return Ok(None);
        };
        let found = snapshot::load(&*shared.files, &shared.config.dir, shared.uuid, position)?;
        Ok(found.map(|found| (Checkpoint(found.base.position), found.state)))
    }

    /// Saves what the owner knows at `checkpoint`: the outcome of all records before it.
    ///
    /// On return the snapshot is durable and was read back. Blocking.
    ///
    /// # Errors
    /// When the disk says no; the older snapshots are untouched. A checkpoint that is no longer
    /// remembered saves nothing and is no error: a newer one is there.
    pub fn save_snapshot(&self, checkpoint: Checkpoint, state: Bytes) -> Result<(), LogError> {
        let shared = &self.inner.shared;
        let checkpoints = &shared.checkpoints;
        let _saving = checkpoints.saving.lock();
        let base = checkpoints
            .recent
            .lock()
            .iter()
            .find(|base| base.position == checkpoint.0)
            .cloned();
        let newest = checkpoints.saved.lock().last().copied().unwrap_or(0);
        let Some(mut base) = base.filter(|base| base.position > newest) else {
            return Ok(());
        };
        {
            let index = shared.index.read();
            let opened = index.opened();
            (base.highest_bus, base.highest_route) = (opened.highest_bus, opened.highest_route);
            (base.buses, base.routes) = (opened.buses(), opened.routes());
        }
        let snapshot = Snapshot { base, state };
        snapshot::save(&*shared.files, &shared.config.dir, shared.uuid, &snapshot)?;
        let mut saved = checkpoints.saved.lock();
        saved.push(checkpoint.0);
        let surplus = saved.len().saturating_sub(snapshot::KEPT);
        saved.drain(..surplus);
        Ok(())
    }
}
