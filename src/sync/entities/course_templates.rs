//! Course templates, matched by code, with their learning mode, custom fields and approved instructors.

use std::collections::{BTreeSet, HashSet};

use administrate::Client;
use sqlx::PgConnection;

use super::locations::local_candidates;
use crate::bridges::overrides::MatchOverrides;
use crate::bridges::reference as bridges;
use crate::bridges::reference::{ApprovalRow, BoundedColumn, bounded};
use crate::bridges::store::references;
use crate::error::Result;
use crate::names::tidy;
use crate::sync::entity::Entity;
use crate::sync::entity_sync::{EntitySync, SyncContext, ids, planned};
use crate::sync::matching::{MatchKey, RemoteCandidate, RemoteRecord, match_records};
use crate::sync::plan::{DesiredRow, SetDiff, SyncPlan};
use crate::sync::remote;
use crate::tutorials::reference;
use crate::tutorials::reference::{Named, References};

/// The sync of course templates.
pub(crate) struct CourseTemplates;

impl EntitySync for CourseTemplates {
    const ENTITY: Entity = Entity::CourseTemplates;
    const TABLE: Option<bridges::Table> = Some(bridges::Table::CourseTemplates);
    type Row = bridges::CourseTemplateRow;
    type Remote = Vec<remote::RemoteCourseTemplate>;
    type Local = (Vec<Named>, Vec<ApprovalRow>);

    async fn fetch(client: &Client, _context: &SyncContext) -> Result<Self::Remote> {
        remote::course_templates(client).await
    }

    async fn link_rows(db: &mut PgConnection) -> Result<Vec<Self::Row>> {
        references::course_templates(db).await
    }

    async fn local_records(db: &mut PgConnection, _context: &SyncContext) -> Result<Self::Local> {
        Ok((reference::store::course_templates(db).await?, references::approvals(db).await?))
    }

    fn plan(
        (local, approvals): &Self::Local,
        remote: Self::Remote,
        rows: &[Self::Row],
        overrides: &MatchOverrides,
    ) -> SyncPlan<Self::Row> {
        plan(local, remote, rows, approvals, overrides)
    }

    fn stage_rows(context: &mut SyncContext, rows: Vec<Self::Row>) {
        context.course_templates = Some(rows);
    }

    async fn local_records_for(
        _db: &mut PgConnection,
        _local: &Self::Local,
        remote: Self::Remote,
        chosen: &BTreeSet<String>,
    ) -> Result<References> {
        let chosen = remote.into_iter().filter(|template| chosen.contains(&template.external_id));
        let templates = chosen
            .map(|template| reference::CourseTemplate { code: tidy(&template.code), title: tidy(&template.title) });
        Ok(References { templates: templates.collect(), ..References::default() })
    }

    fn add_planned((local, _): &mut Self::Local, records: &References) -> Vec<Named> {
        let created = planned(records.templates.iter().map(|template| template.code.as_str()));
        local.extend(created.iter().cloned());
        created
    }

    fn remote_candidates(_local: &Self::Local, remote: &Self::Remote) -> Vec<RemoteCandidate> {
        remote.iter().map(remote_candidate).collect()
    }

    async fn inactive_names(db: &mut PgConnection) -> Result<Vec<String>> {
        reference::store::inactive_course_templates(db).await
    }

    fn bounded_columns(remote: &Self::Remote) -> Vec<(&str, Vec<BoundedColumn<'_>>)> {
        let columns = remote.iter().map(|template| {
            let columns = vec![bounded("code", &template.code, 50), bounded("title", &template.title, 255)];
            (template.external_id.as_str(), columns)
        });
        columns.collect()
    }

    async fn upsert(db: &mut PgConnection, rows: &[&Self::Row]) -> Result<()> {
        references::put_course_templates(db, rows).await
    }

    async fn delete(db: &mut PgConnection, rows: &[Self::Row]) -> Result<()> {
        references::remove_course_templates(db, &ids(rows)).await
    }
}

/// Plans the rows of course templates. Each is linked with the local one that has its code.
pub fn plan(
    local: &[Named],
    remote: Vec<remote::RemoteCourseTemplate>,
    rows: &[bridges::CourseTemplateRow],
    approvals: &[ApprovalRow],
    overrides: &MatchOverrides,
) -> SyncPlan<bridges::CourseTemplateRow> {
    let matches =
        match_records(local_candidates(local), remote.iter().map(remote_candidate).collect(), rows, overrides);
    let mut approvals = diff_approvals(&remote, approvals);
    let desired = remote.into_iter().map(|template| DesiredRow {
        row: bridges::CourseTemplateRow {
            external_id: template.external_id,
            event_learning_mode: template.learning_mode.map(|mode| mode.trim().to_uppercase()),
            custom_fields: template.custom_fields.into_iter().collect(),
            tutorial_course_template_id: None,
        },
        name: template.code,
        other_texts: vec![("title", template.title)],
    });
    let mut plan = SyncPlan::between(Entity::CourseTemplates, desired.collect(), rows, matches);
    // Nothing of a damaged template is written.
    let damaged: HashSet<&str> = plan.findings.errors.iter().filter_map(|error| error.external_id.as_deref()).collect();
    approvals.added.retain(|approval| !damaged.contains(approval.template_external_id.as_str()));
    approvals.removed.retain(|approval| !damaged.contains(approval.template_external_id.as_str()));
    plan.approvals = approvals;
    plan
}

fn remote_candidate(template: &remote::RemoteCourseTemplate) -> RemoteCandidate {
    RemoteCandidate {
        record: RemoteRecord::new(&template.external_id, &template.code),
        key: MatchKey::of(&template.code),
    }
}

/// Compares approved instructors. Approvals of a template that Administrate no longer has stay until its row is pruned.
fn diff_approvals(remote: &[remote::RemoteCourseTemplate], stored: &[ApprovalRow]) -> SetDiff<ApprovalRow> {
    let fetched: HashSet<&str> = remote.iter().map(|template| template.external_id.as_str()).collect();
    let stored: Vec<ApprovalRow> =
        stored.iter().filter(|approval| fetched.contains(approval.template_external_id.as_str())).cloned().collect();
    let desired = remote.iter().flat_map(|template| {
        template.approved.iter().map(|contact| ApprovalRow {
            template_external_id: template.external_id.clone(),
            contact_external_id: contact.clone(),
        })
    });
    SetDiff::between(&stored, desired)
}
