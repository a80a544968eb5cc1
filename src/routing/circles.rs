//! Rules whose bus targets lead an event back to where it came from.
//!
//! Judged by buses alone: which events a rule would pass on can change with any event. What goes
//! around by replies or webhooks is stopped by its hops.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::catalog::BusName;
use crate::catalog::Change;
use crate::catalog::Issue;
use crate::catalog::Rule;
use crate::catalog::RuleName;
use crate::catalog::TargetKind;
use crate::catalog::View;

/// The buses that the events of each bus are passed on to.
type Ways<'a> = BTreeMap<&'a BusName, BTreeSet<&'a BusName>>;

/// The rules among `desired` that close a circle once `change` is made, as the place of the rule in it
/// and an issue with a pointer into the rule.
pub(super) fn closed<'a>(
    view: &'a View,
    change: &Change,
    desired: impl Iterator<Item = (&'a BusName, &'a Rule)> + Clone,
) -> Vec<(usize, Issue)> {
    let passes_on = |rule: &Rule| passed_to(rule).next().is_some();
    if !desired.clone().any(|(_, rule)| passes_on(rule)) {
        return Vec::new();
    }
    let ways = ways_after(view, change, desired.clone());
    let issues = desired.enumerate().flat_map(|(place, (bus, rule))| {
        let closing = passed_to(rule).filter(|(_, to)| leads_to(&ways, to, bus));
        let issues: Vec<_> = closing
            .map(|(index, to)| (place, issue(index, bus, to)))
            .collect();
        issues
    });
    issues.collect()
}

fn ways_after<'a>(
    view: &'a View,
    change: &Change,
    desired: impl Iterator<Item = (&'a BusName, &'a Rule)>,
) -> Ways<'a> {
    let put = change.put_rules.iter().map(|put| (&put.bus, &put.rule));
    let gone = change.delete_rules.iter().map(|(bus, rule)| (bus, rule));
    let other: BTreeSet<(&BusName, &RuleName)> = put.chain(gone).collect();
    let staying = view.buses().flat_map(|bus| {
        let rules = bus
            .rules
            .iter()
            .map(|(name, live)| (&bus.name, name, &*live.rule));
        rules.filter(|(bus, name, _)| !other.contains(&(bus, name)))
    });
    let rules = staying.map(|(bus, _, rule)| (bus, rule)).chain(desired);
    let mut ways = Ways::new();
    for (bus, rule) in rules {
        for (_, to) in passed_to(rule) {
            ways.entry(bus).or_default().insert(to);
        }
    }
    ways
}

/// The buses that a rule passes events on to, with the places of the targets.
fn passed_to(rule: &Rule) -> impl Iterator<Item = (usize, &BusName)> {
    let targets = rule.targets.iter().enumerate();
    targets.filter_map(|(index, target)| match &target.kind {
        TargetKind::Bus(_) => target.kind.bus().map(|(_, name)| (index, name)),
        _ => None,
    })
}

fn leads_to(ways: &Ways<'_>, from: &BusName, to: &BusName) -> bool {
    let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(bus) = open.pop() {
        if bus == to {
            return true;
        }
        if seen.insert(bus) {
            open.extend(ways.get(bus).into_iter().flatten());
        }
    }
    false
}

fn issue(index: usize, from: &BusName, to: &BusName) -> Issue {
    let detail = if from == to {
        format!("the events of the bus `{from}` would come back to it at once")
    } else {
        format!("the events of the bus `{from}` would come back to it from `{to}`")
    };
    Issue::new(format!("/targets/{index}/bus"), "bus-circle", detail)
        .with_correction("pass them on to a bus that does not lead back")
}
