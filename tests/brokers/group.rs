//! A process with everything that it starts: killed when dropped.

use std::process::Stdio;

use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process_group;
use tokio::process::Child;
use tokio::process::Command;

/// A running process, the leader of a group of its own.
pub(crate) struct Group {
    child: Child,
    group: Pid,
}

impl Group {
    /// Starts it. What it says goes nowhere unless the command says otherwise.
    pub(crate) fn start(command: &mut Command) -> Self {
        command.process_group(0).stdin(Stdio::null()).kill_on_drop(true);
        let child = command.spawn().expect("a program that is installed");
        let number = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .expect("a process");
        let group = Pid::from_raw(number).expect("a process");
        Self { child, group }
    }

    /// The process itself.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Its process id, while it runs.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Ends all of it as a power cut would, and waits for that.
    pub(crate) async fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.child.wait().await.expect("a process that ends");
    }

    /// Asks it to stop, and waits for that.
    pub(crate) async fn stop(&mut self) {
        self.signal(Signal::TERM);
        self.child.wait().await.expect("a process that ends");
    }

    fn signal(&self, signal: Signal) {
        // The number of one that has ended may be that of another one now.
        if self.child.id().is_some() {
            kill_process_group(self.group, signal).expect("a process of our own");
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}
