//! Custom fields, which exist in Administrate only: one row for each kind of record that a field is attached to.

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

/// The sync of custom fields.
pub(crate) struct CustomFields;

impl EntitySync for CustomFields {
    const ENTITY: Entity = Entity::CustomFields;
    type Row = bridges::CustomFieldRow;
    type Remote = Fetched<RemoteCustomField>;
    type Local = ();

    async fn fetch(client: &Client, _context: &SyncContext) -> Result<Self::Remote> {
        remote::custom_fields(client).await
    }

    async fn link_rows(db: &mut PgConnection) -> Result<Vec<Self::Row>> {
        references::custom_fields(db).await
    }

    async fn local_records(_db: &mut PgConnection, _context: &SyncContext) -> Result<Self::Local> {
        Ok(())
    }

    fn plan(_local: &(), remote: Self::Remote, rows: &[Self::Row], _overrides: &MatchOverrides) -> SyncPlan<Self::Row> {
        plan(remote, rows)
    }

    async fn upsert(db: &mut PgConnection, rows: &[&Self::Row]) -> Result<()> {
        references::put_custom_fields(db, rows).await
    }

    async fn complete(db: &mut PgConnection, rows: &[&Self::Row]) -> Result<()> {
        references::put_custom_field_options(db, rows).await
    }

    async fn delete(db: &mut PgConnection, rows: &[Self::Row]) -> Result<()> {
        references::remove_custom_fields(db, rows).await
    }
}

/// Plans a row for each definition.
///
/// A kind of record whose fetch failed is an error; its rows are neither changed nor reported as missing.
pub fn plan(remote: Fetched<RemoteCustomField>, rows: &[bridges::CustomFieldRow]) -> SyncPlan<bridges::CustomFieldRow> {
    let has_rows = |kind: &String| rows.iter().any(|row| row.entity_type == *kind);
    let not_reported = remote.not_reported.into_iter().filter(has_rows);
    let not_reported =
        not_reported.map(|kind| (kind, "Administrate returned none, although there were some before".to_owned()));
    let failed: Vec<(String, String)> = remote.failed.into_iter().chain(not_reported).collect();
    let is_fetched = |row: &&bridges::CustomFieldRow| failed.iter().all(|(kind, _)| *kind != row.entity_type);
    let rows: Vec<_> = rows.iter().filter(is_fetched).cloned().collect();
    let mut plan = SyncPlan::between(
        Entity::CustomFields,
        remote.records.into_iter().map(desired_row).collect(),
        &rows,
        MatchResult::default(),
    );
    let errors = failed.into_iter().map(|(kind, message)| RecordError {
        external_id: None,
        message: format!("custom fields of {kind}: {message}"),
    });
    plan.findings.errors.extend(errors);
    plan
}

fn desired_row(field: RemoteCustomField) -> DesiredRow<bridges::CustomFieldRow> {
    DesiredRow {
        name: format!("{}: {}", field.entity_type, field.label),
        other_texts: Vec::new(),
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
