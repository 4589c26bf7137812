//! Tests of the plans of all entities with made-up records.

mod ambiguity;
mod prices;
mod unreadable;

use std::collections::BTreeSet;

use super::entities::{course_templates, custom_fields, instructors, locations, venues};
use super::entity::Entity;
use super::plan::{ChangeAction, SyncPlan};
use super::remote::{self, Fetched, RemoteContact, RemotePeople};
use super::report::{Report, Summary, text};
use crate::bridges::overrides::MatchOverrides;
use crate::bridges::reference::{self as bridges, LinkRow};
use crate::console::style::plain;
use crate::error::{Error, Exit};
use crate::sync::plan::display::ChangeView;
use crate::tutorials::reference::{Named, NamedVenue};

fn named(records: &[(i64, &str)]) -> Vec<Named> {
    records.iter().map(|(id, name)| Named { id: *id, name: (*name).into() }).collect()
}

fn remote_locations(records: &[(&str, &str)]) -> Vec<remote::RemoteLocation> {
    let location = |(id, name): &(&str, &str)| remote::RemoteLocation {
        external_id: (*id).into(),
        legacy_id: Some(id.to_lowercase()),
        name: (*name).into(),
        code: None,
    };
    records.iter().map(location).collect()
}

fn plan_locations(
    local: &[Named],
    remote: Vec<remote::RemoteLocation>,
    rows: &[bridges::LocationRow],
) -> SyncPlan<bridges::LocationRow> {
    locations::plan(local, remote, rows, &MatchOverrides::default())
}

/// Returns the counts created, updated, unchanged, pruned, skipped, errors.
fn counts<R: LinkRow>(plan: &SyncPlan<R>) -> [usize; 6] {
    let counts = Report::of(plan, None, true).counts;
    [counts.created, counts.updated, counts.unchanged, counts.pruned, counts.skipped, counts.errors]
}

#[test]
fn plan_after_apply_is_empty() {
    let local = named(&[(1, "London"), (2, "Edinburgh"), (3, "Cork"), (4, "cork")]);
    let remote = remote_locations(&[("A", "LONDON"), ("B", "Manchester"), ("C", "Cork"), ("D", "London ")]);
    let plan = plan_locations(&local, remote.clone(), &[]);
    assert_eq!(counts(&plan), [4, 0, 0, 0, 0, 0]);
    assert_eq!(plan.findings.ambiguous.len(), 2, "Cork twice locally, London twice in Administrate");
    assert_eq!(plan.findings.unmatched_local.len(), 1);
    assert_eq!(plan.findings.unmatched_remote.len(), 1);
    let rows = plan.applied_to(&[]);
    assert!(rows.iter().all(|row| row.tutorial_location_id.is_none()), "ambiguous and unmatched rows are not linked");
    let again = plan_locations(&local, remote, &rows);
    assert!(again.is_empty());
    assert_eq!(counts(&again), [0, 0, 4, 0, 0, 0]);
    assert_eq!(again.findings, plan.findings, "the findings are reported again");
}

#[test]
fn changed_record_is_updated_and_missing_one_stays_unless_pruned() {
    let local = named(&[(1, "London"), (2, "Leeds")]);
    let rows = plan_locations(&local, remote_locations(&[("A", "London"), ("B", "Leeds")]), &[]).applied_to(&[]);
    let mut changed = remote_locations(&[("A", "Londinium")]);
    changed[0].legacy_id = Some("7".into());
    let mut plan = plan_locations(&local, changed, &rows);
    assert_eq!(counts(&plan), [0, 1, 0, 0, 0, 0]);
    let change = ChangeView::of(&plan.changes[0]);
    assert_eq!(plain(&change.to_string()), "~ Londinium: legacy id a → 7", "the link stays");
    assert_eq!(plain(&format!("{change:#}")), "~ Londinium (A): legacy id a → 7");
    assert_eq!(plan.missing_remote.len(), 1);
    plan.prune();
    assert_eq!(counts(&plan), [0, 1, 0, 1, 0, 0]);
    assert_eq!(plan.applied_to(&rows).len(), 1);
}

#[test]
fn record_with_a_new_id_takes_the_link() {
    let local = named(&[(1, "London")]);
    let rows = plan_locations(&local, remote_locations(&[("A", "London")]), &[]).applied_to(&[]);
    let remote = remote_locations(&[("Z", "London")]);
    let mut plan = plan_locations(&local, remote.clone(), &rows);
    assert_eq!(counts(&plan), [1, 1, 0, 0, 0, 0]);
    assert!(plan_locations(&local, remote, &plan.applied_to(&rows)).is_empty());
    plan.prune();
    assert_eq!(counts(&plan), [1, 0, 0, 1, 0, 0], "a pruned row is not changed as well");
    assert_eq!(plan.applied_to(&rows).iter().filter(|row| row.tutorial_location_id == Some(1)).count(), 1);
    let pruned = plan.changes_of(ChangeAction::Prune).filter_map(|change| change.before.as_ref());
    assert_eq!(pruned.map(LinkRow::link).collect::<Vec<_>>(), [Some(1)], "an undo restores the link too");
}

#[test]
fn invalid_or_repeated_record_is_an_error_of_that_record_only() {
    let mut remote = remote_locations(&[("A", "London"), ("A", "London"), ("B", "Leeds"), ("C", "Cork")]);
    remote[2].legacy_id = Some("9".repeat(256));
    remote[3].legacy_id = Some("\0".into());
    let plan = plan_locations(&[], remote, &[]);
    assert_eq!(counts(&plan), [1, 0, 0, 0, 0, 3]);
    assert_eq!(Report::of(&plan, None, true).exit(), Exit::NeedsAttention);
}

#[test]
fn restricted_plan_writes_only_chosen_records() {
    let local = named(&[(1, "London"), (2, "Leeds")]);
    let mut plan = plan_locations(&local, remote_locations(&[("A", "London"), ("B", "Leeds")]), &[]);
    let unknown = plan.restrict_to(&BTreeSet::from(["B".to_owned(), "Z".to_owned()]));
    assert_eq!(unknown, BTreeSet::from(["Z".to_owned()]));
    assert_eq!(counts(&plan), [1, 0, 0, 0, 1, 0], "the others are left out");
    assert_eq!(plan.changes[0].row().map(LinkRow::external_id), Some("B"));
}

#[test]
fn restricted_plan_counts_each_fetched_record_once() {
    let local = named(&[(1, "London"), (2, "Leeds"), (3, "York")]);
    let rows = plan_locations(&local, remote_locations(&[("A", "London"), ("B", "Leeds"), ("C", "York")]), &[]);
    let rows = rows.applied_to(&[]);
    let remote = remote_locations(&[("Z", "London"), ("B", "Leeds"), ("N", "Cork\u{fffd}"), ("O", "Hull")]);
    for prunes in [false, true] {
        for chosen in ["Z", "A", "B", "C", "N", "O"] {
            let mut plan = plan_locations(&local, remote.clone(), &rows);
            if prunes {
                plan.prune();
            }
            plan.restrict_to(&BTreeSet::from([chosen.to_owned()]));
            let [created, _, unchanged, _, skipped, errors] = counts(&plan);
            assert_eq!(created + unchanged + skipped + errors, plan.fetched, "{chosen}, {prunes}");
            let after = plan.applied_to(&rows);
            let links = after.iter().filter(|row| row.link() == Some(1)).count();
            assert!(links <= 1, "{chosen}, {prunes}: no two rows link one record: {after:?}");
            let gone = plan.missing_remote.len() + plan.changes_of(ChangeAction::Prune).count();
            assert_eq!(gone, 2, "{chosen}, {prunes}: what is not pruned is still reported as missing");
        }
    }
}

#[test]
fn venue_matches_at_its_linked_location_only() {
    let venue = |id, name: &str, location_id| NamedVenue { id, name: name.into(), location_id };
    let local = [venue(1, "Room A", Some(1)), venue(2, "Room A", Some(2)), venue(3, "Room B", None)];
    let remote = |id: &str, name: &str, location: Option<&str>| remote::RemoteVenue {
        external_id: id.into(),
        name: name.into(),
        location: location.map(str::to_owned),
    };
    let location =
        |id: &str, local| bridges::LocationRow { external_id: id.into(), legacy_id: None, tutorial_location_id: local };
    let known = [location("L1", Some(1)), location("L2", Some(2)), location("L3", None)];
    let plan = venues::plan(
        &local,
        vec![
            remote("V1", "ROOM A", Some("L1")),
            remote("V2", "room a", Some("L2")),
            remote("V3", "Room B", Some("L3")),
            remote("V4", "Room B", Some("unknown")),
            remote("V5", "Room B", None),
        ],
        &known,
        &[],
        &MatchOverrides::default(),
    );
    let links: Vec<_> = plan.applied_to(&[]).into_iter().map(|row| (row.location_id, row.tutorial_venue_id)).collect();
    let l = |id: &str| Some(id.to_owned());
    assert_eq!(links, [(l("L1"), Some(1)), (l("L2"), Some(2)), (l("L3"), None), (None, None), (None, None)]);
    assert_eq!(plan.findings.unmatched_local.iter().map(|record| record.id).collect::<Vec<_>>(), [3]);
    assert_eq!(plan.findings.unmatched_remote.len(), 3);
}

fn contact(id: &str, first: &str, last: &str) -> RemoteContact {
    RemoteContact { external_id: id.into(), legacy_id: None, first_name: first.into(), last_name: last.into() }
}

#[test]
fn instructors_are_matched_by_full_name() {
    let local = named(&[(1, "Mary Ann Lee"), (2, "JOSÉ  DÍAZ"), (3, ""), (4, "Jo Roe")]);
    let remote = RemotePeople {
        instructors: vec![
            contact("P1", "Mary", "Ann Lee"),
            contact("P2", " José", "Díaz "),
            contact("P3", "", ""),
            contact("P4", "Jose", "Diaz"),
        ],
        administrators: vec![contact("P9", "Ada", "Moss")],
    };
    let plan = instructors::plan(&local, remote.clone(), &[], &[], &MatchOverrides::default());
    let links: Vec<_> = plan.applied_to(&[]).into_iter().map(|row| row.tutorial_instructor_id).collect();
    assert_eq!(links, [Some(1), Some(2), None, None]);
    assert_eq!(plan.findings.unmatched_local.len(), 2, "the instructor without a name, and Jo Roe");
    assert_eq!(plan.administrators.added.len(), 1);
    let again = instructors::plan(
        &local,
        remote,
        &plan.applied_to(&[]),
        &plan.administrators.added,
        &MatchOverrides::default(),
    );
    assert!(again.is_empty());
}

#[test]
fn course_template_sets_mode_fields_and_approvals() {
    let template = |mode: &str, approved: &[&str]| remote::RemoteCourseTemplate {
        external_id: "T1".into(),
        code: "cm2".into(),
        title: "Models".into(),
        learning_mode: Some(mode.into()),
        custom_fields: [("F1".to_owned(), "True".to_owned())].into(),
        approved: approved.iter().map(|id| (*id).to_owned()).collect(),
    };
    let local = named(&[(7, "CM2")]);
    let plan =
        course_templates::plan(&local, vec![template("Blended", &["P1", "P2"])], &[], &[], &MatchOverrides::default());
    let rows = plan.applied_to(&[]);
    assert_eq!(rows[0].event_learning_mode.as_deref(), Some("BLENDED"));
    assert_eq!(rows[0].custom_fields, serde_json::json!({"F1": "True"}));
    assert_eq!(rows[0].tutorial_course_template_id, Some(7));
    let approvals = plan.approvals.added.clone();
    let next = course_templates::plan(
        &local,
        vec![template("BLENDED", &["P2", "P3"])],
        &rows,
        &approvals,
        &MatchOverrides::default(),
    );
    assert_eq!(counts(&next), [0, 0, 1, 0, 0, 0]);
    assert_eq!((next.approvals.added.len(), next.approvals.removed.len()), (1, 1));
    assert!(!next.is_empty());
}

#[test]
fn fields_of_a_kind_whose_fetch_failed_are_unchanged() {
    let field = |kind: &str, label: &str| remote::RemoteCustomField {
        entity_type: kind.into(),
        external_id: "F1".into(),
        label: label.into(),
        field_type: "string".into(),
        description: None,
        is_required: false,
        roles: vec![],
        options: vec![],
    };
    let fetched = |records, failed| Fetched { records, failed, not_reported: vec![] };
    let both = custom_fields::plan(fetched(vec![field("Event", "Sitting"), field("Session", "Sitting")], vec![]), &[]);
    assert_eq!(counts(&both), [2, 0, 0, 0, 0, 0], "one key, two kinds of record, two rows");
    let failed = vec![("Session".to_owned(), "HTTP status 500".to_owned())];
    let partial = custom_fields::plan(fetched(vec![field("Event", "Term")], failed), &both.applied_to(&[]));
    assert_eq!(counts(&partial), [0, 1, 0, 0, 0, 1]);
    assert!(partial.missing_remote.is_empty());
    let not_reported =
        Fetched { records: vec![field("Event", "Sitting")], failed: vec![], not_reported: vec!["Session".into()] };
    let not_reported = custom_fields::plan(not_reported, &both.applied_to(&[]));
    assert_eq!(
        (counts(&not_reported), not_reported.missing_remote.len()),
        ([0, 0, 1, 0, 0, 1], 0),
        "a kind that is not reported is not empty"
    );
    let none =
        Fetched { records: vec![field("Event", "Sitting")], failed: vec![], not_reported: vec!["Learner".into()] };
    assert_eq!(counts(&custom_fields::plan(none, &both.applied_to(&[]))), [0, 0, 1, 0, 0, 0], "nothing can be lost");
}

#[test]
fn overrides_take_precedence_over_names() {
    let local = named(&[(1, "Cork"), (2, "CORK"), (3, "London"), (4, "York")]);
    let remote = remote_locations(&[("A", "cork"), ("B", "Londinium"), ("C", "York"), ("D", "Leeds")]);
    let overrides = MatchOverrides {
        linked: [("B".to_owned(), 3)].into(),
        unlinked: [(1, "A".to_owned()), (4, "C".to_owned())].into(),
        ignored_local: [4].into(),
        ignored_remote: ["D".to_owned()].into(),
    };
    let plan = locations::plan(&local, remote.clone(), &[], &overrides);
    assert_eq!(counts(&plan), [3, 0, 0, 0, 1, 0]);
    let links: Vec<_> = plan.applied_to(&[]).into_iter().map(|row| row.tutorial_location_id).collect();
    assert_eq!(links, [Some(2), Some(3), None]);
    assert!(plan.findings.ambiguous.is_empty());
    assert_eq!(plan.findings.unmatched_local.iter().map(|record| record.id).collect::<Vec<_>>(), [1]);
    let unlinked =
        MatchOverrides { unlinked: [(1, "A".to_owned()), (2, "A".to_owned())].into(), ..MatchOverrides::default() };
    let plan = locations::plan(&local, remote, &plan.applied_to(&[]), &unlinked);
    assert!(plan.findings.ambiguous.is_empty());
    assert_eq!(plan.findings.unmatched_local.len(), 2, "London keeps the link that the decision made");
    assert_eq!(plan.findings.separated.len(), 2);
}

#[test]
fn saved_plan_is_read_unchanged() {
    let plan = plan_locations(&named(&[(1, "London")]), remote_locations(&[("A", "London"), ("B", "Cork")]), &[]);
    let saved = serde_json::to_string(&plan).expect("plans are plain data");
    assert_eq!(serde_json::from_str::<SyncPlan<bridges::LocationRow>>(&saved).expect("readable"), plan);
}

#[test]
fn summary_lists_entities_that_were_not_run() {
    let plan = plan_locations(&[], Vec::new(), &[]);
    let done = Report::of(&plan, Some(1), false);
    let failed = Report::aborted(Entity::PriceLevels, Some(2), false, &Error::Failed("no".into()));
    let summary = Summary::of(vec![done, failed]);
    assert_eq!((summary.succeeded, summary.failed, summary.not_run), (1, 1, 5));
    assert_eq!(summary.exit(), Exit::Failed);
    let document = serde_json::to_value(&summary).expect("JSON");
    assert_eq!(document["reports"][2], serde_json::json!({"entity": "custom-fields", "not_run": true}));
}

#[test]
fn report_has_the_documented_fields() {
    let local = named(&[(3, "Edinburgh")]);
    let plan = plan_locations(&local, remote_locations(&[("A", "Manchester")]), &[]);
    assert_eq!(plan.changes_of(ChangeAction::Create).count(), 1);
    insta::assert_json_snapshot!(Report::of(&plan, Some(12), false), @r#"
    {
      "entity": "locations",
      "run_id": 12,
      "dry_run": false,
      "counts": {
        "fetched": 1,
        "created": 1,
        "updated": 0,
        "unchanged": 0,
        "pruned": 0,
        "skipped": 0,
        "errors": 0
      },
      "requests": 0,
      "unmatched_local": [
        {
          "id": 3,
          "name": "Edinburgh"
        }
      ],
      "unmatched_remote": [
        {
          "external_id": "A",
          "name": "Manchester"
        }
      ],
      "ambiguous": [],
      "skipped": [],
      "conflicts": [],
      "differences": [],
      "settled": [],
      "gone": [],
      "created_in_administrate": [],
      "not_created_in_administrate": [],
      "created_local": [],
      "not_created_local": [],
      "errors": []
    }
    "#);
}

/// Checks that a run may be moved between threads.
#[allow(dead_code)]
fn run_is_send(run: &mut super::SyncRun) {
    fn sent(_: impl Send) {}
    sent(run.sync_all());
}

#[test]
fn findings_of_a_dry_run_contain_names_and_commands() {
    let local = named(&[(1, "London"), (2, "Edinburgh"), (3, "Cork"), (4, "CORK")]);
    let remote = remote_locations(&[("A=", "London"), ("B=", "Manchester"), ("C=", "cork"), ("D=", "Edinburg")]);
    let plan = plan_locations(&local, remote, &[]);
    insta::assert_snapshot!(plain(&plan.to_string()), @r"
    Locations: 4 changes
      + London: linked
      + Manchester: not linked
      + cork: not linked
      + Edinburg: not linked
    ");
    let report = Report::of(&plan, None, true);
    insta::assert_snapshot!(text::findings(&report, false), @r#"
    Locations
      Only in Lectern (1)
        Edinburgh
          if it is "Edinburg" in Administrate:  lectern sync link locations 2 D=
        create in Administrate:  lectern sync locations --create-remote
      Only in Administrate (2)
        Edinburg
          create it locally:  lectern sync locations --create-local --only D=
        Manchester
          create it locally:  lectern sync locations --create-local --only B=
        create all locally:  lectern sync locations --create-local
      Ambiguous, not linked until you choose (1)
        cork: 2 in Lectern, 1 in Administrate, choose one link
          link Cork with cork:  lectern sync link locations 3 C=
          link CORK with cork:  lectern sync link locations 4 C=
    "#);
    insta::assert_snapshot!(text::closing([&report], true).unwrap_or_default(), @r"
    Dry run: 4 to add, 0 to update, 0 to remove; nothing was written
    1 needs a decision: see above
    To apply this, run the command again without --dry-run
    ");
}
