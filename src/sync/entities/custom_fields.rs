//! Custom fields: Administrate's own, one row for each kind of record that a field is attached to (FR-007).

use administrate::Client;
use sqlx::PgConnection;

use crate::bridges::overrides::MatchOverrides;
use crate::bridges::reference as bridges;
use crate::bridges::store::references;
use crate::error::Result;
use crate::sync::entity::Entity;
use crate::sync::entity_sync::{EntitySync, SyncContext};
use crate::sync::matching::MatchResult;
use crate::sync::plan::{DesiredRow, SyncPlan};
use crate::sync::remote;
use crate::sync::remote::{Fetched, RemoteCustomField};
use crate::sync::report::findings::RecordError;

/// Custom fields on the way of every entity.
pub(crate) struct CustomFields;

impl EntitySync for CustomFields {
    const ENTITY: Entity = Entity::CustomFields;
    type Row = bridges::CustomFieldRow;
    type Remote = Fetched<RemoteCustomField>;
    type Local = ();

    async fn fetch(client: &Client, _ground: &SyncContext) -> Result<Self::Remote> {
        remote::custom_fields(client).await
    }

    async fn link_rows(db: &mut PgConnection) -> Result<Vec<Self::Row>> {
        references::custom_fields(db).await
    }

    async fn local_records(_db: &mut PgConnection, _ground: &SyncContext) -> Result<Self::Local> {
        Ok(())
    }

    fn plan(_ours: &(), theirs: Self::Remote, rows: &[Self::Row], _decisions: &MatchOverrides) -> SyncPlan<Self::Row> {
        plan(theirs, rows)
    }

    async fn upsert(db: &mut PgConnection, rows: &[&Self::Row]) -> Result<()> {
        references::put_custom_fields(db, rows).await
    }

    async fn delete(db: &mut PgConnection, rows: &[Self::Row]) -> Result<()> {
        references::remove_custom_fields(db, rows).await
    }
}

/// Keeps each definition as Administrate has it. A kind of record whose fetch failed is an error, and its rows are
/// neither changed nor missed.
pub fn plan(theirs: Fetched<RemoteCustomField>, rows: &[bridges::CustomFieldRow]) -> SyncPlan<bridges::CustomFieldRow> {
    let is_missed = |kind: &String| rows.iter().any(|row| row.entity_type == *kind);
    let untold = theirs.untold.into_iter().filter(is_missed);
    let untold = untold.map(|kind| (kind, "Administrate told nothing of them, where there were some".to_owned()));
    let failed: Vec<(String, String)> = theirs.failed.into_iter().chain(untold).collect();
    let is_known = |row: &&bridges::CustomFieldRow| failed.iter().all(|(kind, _)| *kind != row.entity_type);
    let rows: Vec<_> = rows.iter().filter(is_known).cloned().collect();
    let mut plan = SyncPlan::between(
        Entity::CustomFields,
        theirs.records.into_iter().map(wanted).collect(),
        &rows,
        MatchResult::default(),
    );
    let troubles = failed.into_iter().map(|(kind, sentence)| RecordError {
        external_id: None,
        message: format!("custom fields of {kind}: {sentence}"),
    });
    plan.findings.errors.extend(troubles);
    plan
}

fn wanted(field: RemoteCustomField) -> DesiredRow<bridges::CustomFieldRow> {
    DesiredRow {
        name: format!("{}: {}", field.entity_type, field.label),
        row: bridges::CustomFieldRow {
            entity_type: field.entity_type,
            external_id: field.external_id,
            label: field.label,
            field_type: field.field_type,
            description: field.description,
            is_required: field.is_required,
            roles: field.roles.into(),
            options: field.options.into(),
        },
    }
}
