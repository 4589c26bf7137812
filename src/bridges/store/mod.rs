//! All SQL on the link tables `adm.*` and on `lectern.agreed`, the table of baselines.

pub mod baseline;
pub mod cascade;
pub mod deliverable;
pub mod event_rows;
pub mod events;
pub mod links;
pub mod names;
pub mod overrides;
pub mod references;
pub mod spellings;

use crate::resources::CascadeGuard;

/// Records that Administrate knows. Their deletion needs a decision about Administrate, so that no cascade deletes them.
pub const CASCADE_GUARDS: &[CascadeGuard] = &[CascadeGuard {
    table: "acted.tutorial_events",
    condition: "EXISTS (SELECT FROM adm.events AS bridge
                        WHERE bridge.tutorial_event_id = child.id AND bridge.external_id IS NOT NULL)",
}];
