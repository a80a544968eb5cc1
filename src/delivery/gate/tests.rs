//! The gate, step by step.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::catalog::Rule;

const ANSWER: Heard = Heard::Answer;
const FAILURE: Heard = Heard::Failure { is_auth: false };

fn target_with(settings: &serde_json::Value) -> Target {
    let mut target = json!({ "name": "t", "webhook": { "url": "https://crm.example/a" } });
    for (key, value) in settings.as_object().unwrap() {
        target[key] = value.clone();
    }
    let rule = json!({ "name": "r", "match": { "type": ["t"] }, "targets": [target] });
    Rule::decode(&rule, None).unwrap().targets.remove(0)
}

fn target() -> Target {
    target_with(&json!({}))
}

fn at(ms: i64) -> Moment {
    Moment {
        wall_ms: 1_000_000 + ms,
        steady_ms: ms,
    }
}

/// Tells the gate the same thing so many times.
fn hear(gate: &mut Gate, heard: &Heard, times: u32, ms: i64) -> Vec<RouteState> {
    let target = target();
    (0..times)
        .filter_map(|_| gate.hear(heard, target.circuit.as_ref(), at(ms)))
        .collect()
}

#[test]
fn ten_failures_in_a_row_open_the_circuit_and_one_answer_behind_it_closes_it() {
    let (mut gate, target) = (Gate::default(), target());
    hear(&mut gate, &FAILURE, 9, 0);
    hear(&mut gate, &ANSWER, 1, 0);
    assert!(hear(&mut gate, &FAILURE, 9, 0).is_empty());
    assert_eq!(gate.admit(&target, 0), Admission::All);
    assert_eq!(hear(&mut gate, &FAILURE, 1, 0).len(), 1);
    assert_eq!(gate.admit(&target, 0), Admission::Later(30_000));
    assert_eq!(gate.circuit(&target, 29_999), CircuitState::Open);
    // Attempts that began before say nothing new, whichever way they end.
    assert!(hear(&mut gate, &FAILURE, 22, 10).is_empty());
    assert!(hear(&mut gate, &ANSWER, 1, 20).is_empty());
    assert_eq!(gate.admit(&target, 30_000), Admission::One);
    assert_eq!(gate.circuit(&target, 30_000), CircuitState::HalfOpen);
    let closed = hear(&mut gate, &ANSWER, 1, 30_001);
    assert_eq!(closed.len(), 1);
    assert_eq!(closed[0].circuit, None);
    assert_eq!(gate.admit(&target, 30_001), Admission::All);
    assert_eq!(gate.circuit(&target, 30_001), CircuitState::Closed);
}

#[test]
fn every_probe_that_fails_doubles_the_wait_up_to_its_bound() {
    let (mut gate, target) = (Gate::default(), target());
    hear(&mut gate, &FAILURE, 10, 0);
    let (mut now, mut waits) = (30_000, Vec::new());
    for _ in 0..6 {
        assert_eq!(gate.admit(&target, now), Admission::One);
        hear(&mut gate, &FAILURE, 1, now);
        let Admission::Later(until) = gate.admit(&target, now) else {
            panic!("a failed probe leaves the circuit closed");
        };
        waits.push((until - now) / 1_000);
        now = until;
    }
    assert_eq!(waits, [60, 120, 240, 480, 600, 600]);
    hear(&mut gate, &ANSWER, 1, now);
    hear(&mut gate, &FAILURE, 10, now);
    assert_eq!(gate.admit(&target, now), Admission::Later(now + 30_000));
}

#[test]
fn half_of_twenty_attempts_in_half_a_minute_open_the_circuit_and_older_ones_do_not_count() {
    let mut gate = Gate::default();
    for n in 0..19 {
        let heard = if n % 2 == 0 { FAILURE } else { ANSWER };
        assert!(hear(&mut gate, &heard, 1, n * 1_000).is_empty(), "{n}");
    }
    hear(&mut gate, &ANSWER, 1, 19_000);
    assert_eq!(hear(&mut gate, &FAILURE, 1, 20_000).len(), 1);
    let mut slow = Gate::default();
    for n in 0..100 {
        let heard = if n % 2 == 0 { FAILURE } else { ANSWER };
        assert!(hear(&mut slow, &heard, 1, n * 2_000).is_empty(), "{n}");
    }
}

#[test]
fn refused_credentials_open_the_circuit_after_five() {
    let mut gate = Gate::default();
    let refused = Heard::Failure { is_auth: true };
    assert!(hear(&mut gate, &refused, 4, 0).is_empty());
    assert!(hear(&mut gate, &FAILURE, 1, 0).is_empty());
    assert!(hear(&mut gate, &refused, 4, 0).is_empty());
    let changed = gate.hear(&refused, target().circuit.as_ref(), at(0));
    assert!(changed.is_some());
}

#[test]
fn without_a_circuit_no_failure_closes_the_gate_and_an_open_one_is_forgotten() {
    let off = target_with(&json!({ "circuit": "off" }));
    let mut gate = Gate::default();
    for _ in 0..100 {
        assert_eq!(gate.hear(&FAILURE, None, at(0)), None);
    }
    assert_eq!(gate.admit(&off, 0), Admission::All);
    hear(&mut gate, &FAILURE, 10, 0);
    assert_eq!(gate.admit(&off, 1), Admission::One);
    assert!(gate.hear(&ANSWER, None, at(1)).is_some());
    assert_eq!(gate.admit(&off, 1), Admission::All);
}

#[test]
fn f09_silence_holds_everything_back_and_then_lets_one_through() {
    let (mut gate, target) = (Gate::default(), target());
    let silence = |ms: i64| Heard::Silence(at(ms).wall_ms);
    assert_eq!(hear(&mut gate, &silence(5_000), 1, 0).len(), 1);
    assert!(
        hear(&mut gate, &silence(4_000), 31, 0).is_empty(),
        "it only grows"
    );
    assert_eq!(gate.admit(&target, 4_999), Admission::Later(5_000));
    assert!(gate.is_silent(4_999) && !gate.is_silent(5_000));
    assert_eq!(gate.admit(&target, 5_000), Admission::One);
    hear(&mut gate, &silence(9_000), 1, 5_000);
    assert_eq!(gate.admit(&target, 5_000), Admission::Later(9_000));
    hear(&mut gate, &ANSWER, 1, 9_000);
    assert_eq!(gate.admit(&target, 9_000), Admission::All);
    assert!(
        hear(&mut gate, &silence(8_000), 1, 9_000).is_empty(),
        "that is past"
    );
}

#[test]
fn f10_a_target_that_is_gone_gets_nothing_until_it_is_another_one_or_resumed() {
    let (mut gate, gone) = (Gate::default(), target());
    let other = target_with(&json!({ "webhook": { "url": "https://crm.example/b" } }));
    let heard = Heard::Gone(gone.kind.fingerprint());
    assert_eq!(hear(&mut gate, &heard, 2, 0).len(), 1);
    assert_eq!(gate.admit(&gone, 0), Admission::Refused);
    assert_eq!(gate.disabled(&gone), Some("gone"));
    assert_eq!(gate.admit(&other, 0), Admission::All);
    assert!(gate.resume().is_some());
    assert_eq!(gate.admit(&gone, 0), Admission::All);
}

#[test]
fn what_is_on_record_closes_the_gate_again_after_a_restart() {
    let target = target();
    let restored = |state: &RouteState, now| Gate::restored(state.clone(), now);
    let mut gate = Gate::default();
    let open = hear(&mut gate, &FAILURE, 10, 0).remove(0);
    let later = Moment {
        wall_ms: at(10_000).wall_ms,
        steady_ms: 0,
    };
    assert_eq!(restored(&open, later).admit(&target, 0), Admission::Later(20_000));
    assert_eq!(restored(&open, at(40_000)).admit(&target, 40_000), Admission::One);
    let paused = Gate::default().pause().unwrap();
    assert_eq!(restored(&paused, later).admit(&target, 0), Admission::Nobody);
    let set_back = Moment {
        wall_ms: 0,
        steady_ms: 0,
    };
    let longest = restored(&open, set_back).admit(&target, 0);
    assert_eq!(longest, Admission::Later(30_000), "no longer than it was meant");
}

#[test]
fn a_paused_target_is_left_alone_even_by_a_probe() {
    let mut gate = Gate::default();
    let paused = target_with(&json!({ "paused": true }));
    assert_eq!(gate.admit(&paused, 0), Admission::Nobody);
    assert!(gate.pause().is_some());
    assert!(gate.pause().is_none(), "a second pause changes nothing");
    assert_eq!(gate.admit(&target(), 0), Admission::Nobody);
    assert!(gate.resume().is_some());
    assert!(gate.resume().is_none());
}

#[test]
fn a_wait_of_any_length_does_not_overflow() {
    let mut gate = Gate::default();
    let policy = CircuitPolicy {
        failures: 1,
        open: Duration::MAX,
        max: Duration::MAX,
    };
    for now in [0, i64::MAX - 1] {
        let now = Moment {
            wall_ms: now,
            steady_ms: now,
        };
        gate.hear(&Heard::Silence(i64::MAX), Some(&policy), now);
        gate.hear(&FAILURE, Some(&policy), now);
    }
    assert_eq!(gate.admit(&target(), 0), Admission::Later(i64::MAX));
}
