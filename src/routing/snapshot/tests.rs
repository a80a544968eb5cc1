//! Snapshots made change by change.

use bytes::Bytes;
use serde_json::json;

use super::*;
use crate::catalog::BusRow;
use crate::catalog::Committed;
use crate::catalog::Loaded;
use crate::catalog::RevisionRow;
use crate::event::event_from_json;

fn bus() -> BusName {
    BusName::parse("default").unwrap()
}

fn bus_row(generation: u64) -> BusRow {
    BusRow {
        name: bus(),
        number: 1,
        generation,
        deleted: false,
    }
}

/// The rule of that name from a generation on, for events of one type.
fn revision(name: &str, kind: &str, from: u64) -> RevisionRow {
    let spec = json!({
        "name": name,
        "match": { "type": [kind] },
        "targets": [{ "name": "t", "webhook": { "url": "https://example.com/" } }],
    });
    RevisionRow {
        bus: bus(),
        rule: RuleName::parse(name).unwrap(),
        revision: from,
        spec: Arc::new(spec),
        owner: None,
        from_generation: from,
        until_generation: None,
    }
}

fn ended(mut row: RevisionRow, until: u64) -> RevisionRow {
    row.until_generation = Some(until);
    row
}

/// The names of the rules that match an event of a type, sorted.
fn matching(snapshot: &Snapshot, kind: &str) -> Vec<String> {
    let text = json!({ "specversion": "1.0", "id": "1", "source": "/s", "type": kind });
    let event = event_from_json(&Bytes::from(text.to_string()), None).unwrap();
    let decision = snapshot.bus("default").unwrap().decide(&event);
    let mut names: Vec<_> = decision
        .rules
        .iter()
        .map(|rule| rule.name.as_str().to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn changes_one_by_one_make_the_same_snapshot_as_all_at_once() {
    let loaded = Loaded {
        buses: vec![bus_row(1)],
        revisions: ["a", "b", "c"].map(|name| revision(name, "x", 1)).to_vec(),
        ..Loaded::default()
    };
    let mut view = View::from_loaded(&loaded, &View::default()).unwrap();
    let mut snapshot = Snapshot::build(Arc::new(view.clone()), None);
    assert_eq!(matching(&snapshot, "x"), ["a", "b", "c"]);
    let steps = [
        (vec![revision("d", "x", 2)], vec![]),
        (vec![revision("b", "y", 3)], vec![ended(revision("b", "x", 1), 3)]),
        (vec![], vec![ended(revision("a", "x", 1), 4)]),
        (
            vec![revision("a", "y", 5), revision("e", "x", 5)],
            vec![ended(revision("d", "x", 2), 5)],
        ),
    ];
    let expected: [(&[&str], &[&str]); 4] = [
        (&["a", "b", "c", "d"], &[]),
        (&["a", "c", "d"], &["b"]),
        (&["c", "d"], &["b"]),
        (&["c", "e"], &["a", "b"]),
    ];
    for (((revisions, ended), (of_x, of_y)), generation) in steps.into_iter().zip(expected).zip(2..) {
        let committed = Committed {
            version: generation,
            buses: vec![bus_row(generation)],
            revisions,
            ended,
            ..Committed::default()
        };
        view = view.after(&committed).unwrap();
        snapshot = Snapshot::build(Arc::new(view.clone()), Some(&snapshot));
        for snapshot in [&snapshot, &snapshot.renewed()] {
            assert_eq!(matching(snapshot, "x"), of_x);
            assert_eq!(matching(snapshot, "y"), of_y);
            assert_eq!(snapshot.bus("default").unwrap().generation, generation);
        }
    }
}

#[test]
fn a_snapshot_worn_by_changes_is_renewed_with_what_came_meanwhile() {
    let loaded = Loaded {
        buses: vec![bus_row(1)],
        ..Loaded::default()
    };
    let mut view = View::from_loaded(&loaded, &View::default()).unwrap();
    let mut snapshot = Snapshot::build(Arc::new(view.clone()), None);
    let mut generation = 1;
    let mut put = |snapshot: &Snapshot| {
        generation += 1;
        let committed = Committed {
            buses: vec![bus_row(generation)],
            revisions: vec![revision(&format!("r{generation}"), "x", generation)],
            ..Committed::default()
        };
        view = view.after(&committed).unwrap();
        Snapshot::build(Arc::new(view.clone()), Some(snapshot))
    };
    while !snapshot.is_worn() {
        snapshot = put(&snapshot);
    }
    let renewed = snapshot.renewed();
    assert!(!renewed.is_worn());
    let newest = put(&snapshot);
    let together = Snapshot::build(Arc::clone(newest.view()), Some(&renewed));
    assert!(!together.is_worn());
    assert_eq!(matching(&together, "x"), matching(&newest, "x"));
    assert!(matching(&together, "x").len() > 200);
}
