//! Course templates, matched by code (FR-017), with their learning mode, custom fields and approved instructors.

use std::collections::{BTreeSet, HashSet};

use administrate::Client;
use sqlx::PgConnection;

use super::locations::candidates;
use crate::bridges::overrides::MatchOverrides;
use crate::bridges::reference as bridges;
use crate::bridges::reference::{ApprovalRow, BoundedColumn, bounded};
use crate::bridges::store::references;
use crate::error::Result;
use crate::names::tidy;
use crate::sync::entity::Entity;
use crate::sync::entity_sync::{EntitySync, SyncContext, ids};
use crate::sync::matching::{MatchKey, RemoteCandidate, RemoteRecord, match_records};
use crate::sync::plan::{DesiredRow, SetDiff, SyncPlan};
use crate::sync::remote;
use crate::tutorials::reference;
use crate::tutorials::reference::{Named, References};

/// Course templates on the way of every entity.
pub(crate) struct CourseTemplates;

impl EntitySync for CourseTemplates {
    const ENTITY: Entity = Entity::CourseTemplates;
    const TABLE: Option<bridges::Table> = Some(bridges::Table::CourseTemplates);
    type Row = bridges::CourseTemplateRow;
    type Remote = Vec<remote::RemoteCourseTemplate>;
    type Local = (Vec<Named>, Vec<ApprovalRow>);

    async fn fetch(client: &Client, _ground: &SyncContext) -> Result<Self::Remote> {
        remote::course_templates(client).await
    }

    async fn link_rows(db: &mut PgConnection) -> Result<Vec<Self::Row>> {
        references::course_templates(db).await
    }

    async fn local_records(db: &mut PgConnection, _ground: &SyncContext) -> Result<Self::Local> {
        Ok((reference::store::course_templates(db).await?, references::approvals(db).await?))
    }

    fn plan(
        (ours, approvals): &Self::Local,
        theirs: Self::Remote,
        rows: &[Self::Row],
        overrides: &MatchOverrides,
    ) -> SyncPlan<Self::Row> {
        plan(ours, theirs, rows, approvals, overrides)
    }

    fn stage_rows(ground: &mut SyncContext, rows: Vec<Self::Row>) {
        ground.course_templates = Some(rows);
    }

    async fn local_records_for(
        _db: &mut PgConnection,
        _ours: &Self::Local,
        theirs: Self::Remote,
        chosen: &BTreeSet<String>,
    ) -> Result<References> {
        let chosen = theirs.into_iter().filter(|template| chosen.contains(&template.external_id));
        let templates = chosen
            .map(|template| reference::CourseTemplate { code: tidy(&template.code), title: tidy(&template.title) });
        Ok(References { templates: templates.collect(), ..References::default() })
    }

    fn counterparts(_ours: &Self::Local, theirs: &Self::Remote) -> Vec<RemoteCandidate> {
        theirs.iter().map(counterpart).collect()
    }

    async fn inactive_names(db: &mut PgConnection) -> Result<Vec<String>> {
        reference::store::inactive_course_templates(db).await
    }

    fn bounded_columns(theirs: &Self::Remote) -> Vec<(&str, Vec<BoundedColumn<'_>>)> {
        let columns = theirs.iter().map(|template| {
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

/// Links each course template with the one of ours that has its code.
pub fn plan(
    ours: &[Named],
    theirs: Vec<remote::RemoteCourseTemplate>,
    rows: &[bridges::CourseTemplateRow],
    approvals: &[ApprovalRow],
    overrides: &MatchOverrides,
) -> SyncPlan<bridges::CourseTemplateRow> {
    let pairing = match_records(candidates(ours), theirs.iter().map(counterpart).collect(), overrides);
    let approvals = approvals_difference(&theirs, approvals);
    let wanted = theirs.into_iter().map(|template| DesiredRow {
        row: bridges::CourseTemplateRow {
            external_id: template.external_id,
            event_learning_mode: template.learning_mode.map(|mode| mode.trim().to_uppercase()),
            custom_fields: template.custom_fields.into_iter().collect(),
            tutorial_course_template_id: None,
        },
        name: template.code,
    });
    let mut plan = SyncPlan::between(Entity::CourseTemplates, wanted.collect(), rows, pairing);
    plan.approvals = approvals;
    plan
}

fn counterpart(template: &remote::RemoteCourseTemplate) -> RemoteCandidate {
    RemoteCandidate {
        record: RemoteRecord::new(&template.external_id, &template.code),
        key: MatchKey::of(&template.code),
    }
}

/// What is known of a template that Administrate no longer has stays until its row is pruned.
fn approvals_difference(theirs: &[remote::RemoteCourseTemplate], stand: &[ApprovalRow]) -> SetDiff<ApprovalRow> {
    let fetched: HashSet<&str> = theirs.iter().map(|template| template.external_id.as_str()).collect();
    let stand: Vec<ApprovalRow> =
        stand.iter().filter(|approval| fetched.contains(approval.template_external_id.as_str())).cloned().collect();
    let wanted = theirs.iter().flat_map(|template| {
        template.approved.iter().map(|contact| ApprovalRow {
            template_external_id: template.external_id.clone(),
            contact_external_id: contact.clone(),
        })
    });
    SetDiff::between(&stand, wanted)
}
