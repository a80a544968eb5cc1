//! How large things may be, and how to find out without building them.

use std::io;

use serde_json::Value;

use super::error::Reason;

/// Bytes of JSON that one step may produce: what targets of every kind still accept in one request.
pub(super) const MAX_OUTPUT: usize = 1 << 20;

/// Levels of JSON that one step may produce: as many as an event may have when it is accepted.
pub(super) const MAX_DEPTH: usize = 64;

/// Bytes of JSON of a whole transform: far more than anyone writes by hand.
pub(super) const MAX_TRANSFORM: usize = 64 << 10;

/// Steps of a transform.
pub(super) const MAX_STEPS: usize = 32;

/// Expressions and kept paths of a whole transform.
pub(super) const MAX_EXPRESSIONS: usize = 256;

/// Bytes that a step may still produce.
#[derive(Debug)]
pub(super) struct Budget(usize);

impl Budget {
    /// What one step may produce.
    pub(super) fn of_step() -> Self {
        Self(MAX_OUTPUT)
    }

    /// Takes the size of a value, before anyone copies it.
    pub(super) fn spend(&mut self, value: &Value) -> Result<(), Reason> {
        let mut counter = Counter { left: self.0 };
        serde_json::to_writer(&mut counter, value)
            .map_err(|_| format!("the result is larger than {MAX_OUTPUT} bytes"))?;
        self.0 = counter.left;
        Ok(())
    }
}

/// Checks what a step made of the data.
pub(super) fn check_output(value: &Value) -> Result<(), Reason> {
    if nests_deeper(value, MAX_DEPTH) {
        return Err(format!("the result is nested more than {MAX_DEPTH} levels deep"));
    }
    Budget::of_step().spend(value)
}

/// Whether lists and objects lie more than so many levels in one another.
pub(super) fn nests_deeper(value: &Value, levels: usize) -> bool {
    let below = |value: &Value| nests_deeper(value, levels - 1);
    match value {
        Value::Array(elements) => levels == 0 || elements.iter().any(below),
        Value::Object(members) => levels == 0 || members.values().any(below),
        _ => false,
    }
}

/// Counts down what is written to it, and refuses what is too much.
struct Counter {
    left: usize,
}

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self
            .left
            .checked_sub(bytes.len())
            .ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
