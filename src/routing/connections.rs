//! What it takes to put or remove a connection.

use serde_json::Value;

use super::control::ControlError;
use crate::catalog::Change;
use crate::catalog::Connection;
use crate::catalog::ConnectionName;
use crate::catalog::Issue;
use crate::catalog::PutConnection;
use crate::catalog::View;
use crate::secret::Vault;

/// Most rules named when a connection cannot go.
const MAX_USERS: usize = 10;

/// Adds or replaces a connection; nothing to do if it is the same already.
pub(super) fn put(
    view: &View,
    (name, given): (&ConnectionName, &Value),
    expect: Option<u64>,
    vault: &Vault,
    admit: impl FnOnce(&Connection) -> Vec<Issue>,
) -> Result<Change, ControlError> {
    check_revision(view, name, expect)?;
    let live = view.connection(name);
    let before = live.map(|live| &live.connection);
    let read = Connection::given(name, given, before, vault).map_err(ControlError::Refused)?;
    let refused = admit(&read);
    if !refused.is_empty() {
        return Err(ControlError::Refused(refused));
    }
    let mut change = Change::default();
    if before.is_none_or(|before| before.spec != read.spec) {
        change.put_connections.push(PutConnection {
            name: name.clone(),
            expect: live.map_or(0, |live| live.revision),
            spec: read.spec,
        });
    }
    Ok(change)
}

/// Removes a connection that no rule names.
pub(super) fn delete(
    view: &View,
    name: &ConnectionName,
    expect: Option<u64>,
) -> Result<Change, ControlError> {
    check_revision(view, name, expect)?;
    if view.connection(name).is_none() {
        return Err(ControlError::NoSuchConnection(name.clone()));
    }
    let users = view.users_of(name).take(MAX_USERS);
    let users: Vec<_> = users.map(|(bus, rule)| format!("{bus}/{rule}")).collect();
    if !users.is_empty() {
        let name = name.clone();
        return Err(ControlError::ConnectionInUse { name, users });
    }
    Ok(Change {
        delete_connections: vec![name.clone()],
        // A rule that names it may be on its way on another server.
        expect_version: Some(view.version()),
        ..Change::default()
    })
}

fn check_revision(view: &View, name: &ConnectionName, expect: Option<u64>) -> Result<(), ControlError> {
    let found = view.connection(name).map_or(0, |live| live.revision);
    match expect {
        Some(expected) if expected != found => Err(ControlError::StaleConnection {
            name: name.clone(),
            found,
            expected,
        }),
        _ => Ok(()),
    }
}
