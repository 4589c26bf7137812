//! `lectern sync` on an adopted database, which has spellings of its own.

use administrate_sim::tenant::{
    Contact, CustomField, Event, EventState, FieldKind, Location, PriceLevel, Template, Venue,
};
use administrate_sim::{Options, RunningSimulator, Simulator, Tenant};
use serde_json::Value;

use crate::fixtures::legacy::{Contents, Legacy, LivingDb, Naming, Placement, State};

/// A living database that was migrated, and Administrate with the same records under the same ids.
struct Adopted {
    living: LivingDb,
    simulator: RunningSimulator,
}

impl Adopted {
    async fn new() -> Adopted {
        let (adopted, exit, applied) = Adopted::of(State::February13).await;
        assert_eq!(exit, Some(0), "{applied:#}");
        adopted
    }

    /// Migrates a living database of this state. Returns the exit code and the document too.
    async fn of(state: State) -> (Adopted, Option<i32>, Value) {
        let mut legacy = Legacy::new(state, Placement::Dotted, Naming::Living);
        if state == State::February13 {
            legacy.more.push_str(SAME_EVENTS);
        }
        legacy.more.push_str(SAME_IDS);
        let living = legacy.build().await;
        let simulator = Simulator::start(Options::default(), tenant()).await.expect("the simulator starts");
        let adopted = Adopted { living, simulator };
        let (exit, applied) = adopted.run(&["migrate", "apply"]);
        (adopted, exit, applied)
    }

    /// Runs the program as the owner of the tables.
    fn run(&self, arguments: &[&str]) -> (Option<i32>, Value) {
        let mut command = self.living.db.program(arguments);
        command.arg("--json").env("DATABASE_URL", self.living.owner_url()).envs([
            ("LECTERN_RETRY_BASE_MS", "1"),
            ("ADMINISTRATE_API_URL", &self.simulator.graphql_url()),
            ("ADMINISTRATE_AUTH_URL", &self.simulator.auth_url()),
            ("ADMINISTRATE_CLIENT_ID", self.simulator.client_id()),
            ("ADMINISTRATE_CLIENT_SECRET", self.simulator.client_secret()),
        ]);
        let output = tokio::task::block_in_place(|| command.output()).expect("runs");
        let messages = String::from_utf8_lossy(&output.stderr);
        let document = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {messages}"));
        (output.status.code(), document)
    }

    /// Runs the program and returns exit code, document and the tables whose rows have changed, the log of calls apart.
    async fn run_and_compare(&self, arguments: &[&str]) -> (Option<i32>, Value, Vec<String>) {
        let before = Contents::read(&self.living.db.pool).await;
        let (exit, document) = self.run(arguments);
        let after = before.read_again(&self.living.db.pool).await;
        let changed = before.differences(&after).into_iter().filter(|table| *table != "adm.api_audit_log");
        (exit, document, changed.map(str::to_owned).collect())
    }

    async fn text(&self, sql: &'static str) -> String {
        sqlx::query_scalar(sql).fetch_one(&self.living.db.pool).await.expect(sql)
    }
}

/// Returns the count of each entity of `sync all`.
fn counts(summary: &Value, count: &str) -> Vec<u64> {
    let reports = summary["reports"].as_array().unwrap_or_else(|| panic!("{summary:#}"));
    reports.iter().map(|report| report["counts"][count].as_u64().expect("a count")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn first_sync_leaves_what_means_the_same() {
    let adopted = Adopted::new().await;
    let (exit, refused) = adopted.run(&["sync", "venues"]);
    assert_eq!(exit, Some(3), "links that were found are no sync: {refused:#}");
    for arguments in [&["sync", "all", "--dry-run"][..], &["sync", "all"], &["sync", "all"]] {
        let (exit, summary, changed) = adopted.run_and_compare(arguments).await;
        assert_eq!((exit, changed), (Some(0), vec![]), "{arguments:?} {summary:#}");
        assert_eq!(counts(&summary, "unchanged"), [4, 3, 3, 3, 3, 3, 3], "{summary:#}");
        assert_eq!(counts(&summary, "fetched"), [4, 3, 3, 3, 3, 3, 3], "{summary:#}");
    }
    let options =
        "SELECT string_agg(options::text, ' ' ORDER BY options::text COLLATE \"C\") FROM lectern.custom_field_options";
    assert_eq!(adopted.text(options).await, r#"["One", "Two"] [] [] []"#, "what Lectern alone stores is there");
}

/// The move tutorial-references has made people, places and links out of texts.
#[tokio::test(flavor = "multi_thread")]
async fn first_sync_after_texts_became_references_leaves_what_means_the_same() {
    let (adopted, exit, applied) = Adopted::of(State::February6).await;
    // 4: some texts match no venue.
    assert!(matches!(exit, Some(0 | 4)), "{applied:#}");
    let steps = applied["receipt"]["steps"].as_array().expect("steps");
    assert!(steps.iter().any(|step| step["name"] == "tutorial-references"), "{applied:#}");
    for arguments in [&["sync", "all", "--dry-run"][..], &["sync", "all"], &["sync", "all"]] {
        let (exit, summary, changed) = adopted.run_and_compare(arguments).await;
        assert_eq!((exit, changed), (Some(0), vec![]), "{arguments:?} {summary:#}");
        assert_eq!(counts(&summary, "unchanged"), [4, 3, 3, 3, 3, 3, 3], "{summary:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_value_changes_alone() {
    let adopted = Adopted::new().await;
    assert_eq!(adopted.run(&["sync", "all"]).0, Some(0));
    adopted.simulator.edit(|tenant| {
        let template = tenant.templates.get_mut(1).expect("a template");
        template.custom_fields.insert(1, "another text".into());
        // Letters that Administrate changes are a change, too.
        tenant.price_levels.get_mut(2).expect("a level").name = "LEVEL 2".into();
        tenant.custom_fields.get_mut(1).expect("a field").description = Some("What it is".into());
    });
    let rest = "SELECT md5(string_agg(t::text, '|' ORDER BY id)) FROM adm.course_templates AS t WHERE id <> 1";
    let others = adopted.text(rest).await;
    let (exit, summary, mut changed) = adopted.run_and_compare(&["sync", "all"]).await;
    changed.sort();
    let written = ["adm.course_templates", "adm.custom_fields", "adm.pricelevels"].map(str::to_owned).to_vec();
    assert_eq!((exit, changed), (Some(0), written), "{summary:#}");
    assert_eq!(counts(&summary, "updated"), [2, 1, 0, 0, 0, 1, 0], "{summary:#}");
    assert_eq!(adopted.text(rest).await, others, "the other rows stay");
    let template =
        "SELECT concat_ws(' ', event_learning_mode, custom_fields -> encode('CustomFieldDefinition:1', 'base64'),
                                     custom_fields -> encode('CustomFieldDefinition:9', 'base64'),
                                     custom_fields -> encode('CustomFieldDefinition:2', 'base64'))
                    FROM adm.course_templates WHERE id = 1";
    assert_eq!(adopted.text(template).await, r#"blended "another text" null "YES""#);
    let levels = "SELECT string_agg(name, ' ' ORDER BY id) FROM adm.pricelevels";
    assert_eq!(adopted.text(levels).await, "level 1 LEVEL 2 level 3");
    let field = "SELECT string_agg(label || coalesce(roles::text, ''), ' ' ORDER BY id) FROM adm.custom_fields WHERE description <> ''";
    assert_eq!(
        adopted.text(field).await,
        "field one field one[]",
        "the other values of the row stay as they were found"
    );
    let (exit, undone) = adopted.run(&["sync", "all"]);
    assert_eq!((exit, counts(&undone, "updated")), (Some(0), vec![0; 7]), "{undone:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn event_with_another_title_stays_linked_and_keeps_its_code() {
    let adopted = Adopted::new().await;
    assert_eq!(adopted.run(&["sync", "all"]).0, Some(0));
    let codes = "SELECT string_agg(code, ' ' ORDER BY id) FROM acted.tutorial_events";
    let before = adopted.text(codes).await;
    for _ in 0..2 {
        let (exit, report, changed) = adopted.run_and_compare(&["sync", "events"]).await;
        let counted = ["created", "updated", "unchanged"].map(|count| report["counts"][count].as_u64());
        assert_eq!((exit, counted), (Some(0), [0, 0, 3].map(Some)), "{report:#}");
        assert_eq!((adopted.text(codes).await, changed), (before.clone(), vec![]), "{report:#}");
        let difference = &report["differences"][0];
        let values = ["field", "ours", "theirs"].map(|key| difference[key].as_str().unwrap_or_default());
        assert_eq!(values, ["title", "CB1-0000001-25S", "WB CB1-01-25S"], "{report:#}");
    }
    let decide = async |field, side| {
        adopted.run_and_compare(&["sync", "decide", "events", "CB1-0000001-25S", field, side]).await
    };
    for (field, side) in [("title", "ours"), ("max-places", "theirs")] {
        let (exit, refused, changed) = decide(field, side).await;
        assert_eq!((exit, changed), (Some(2), vec![]), "{refused:#}");
    }
    let (exit, decided, changed) = decide("title", "theirs").await;
    assert_eq!((exit, changed), (Some(0), vec!["acted.tutorial_events".to_owned()]), "{decided:#}");
    assert_eq!(adopted.text(codes).await, before.replacen("CB1-0000001-25S", "WB CB1-01-25S", 1), "by choice");
    let (exit, undone) = adopted.run(&["sync", "undo", &decided["run_id"].to_string(), "--no-prompt"]);
    assert_eq!((exit, adopted.text(codes).await), (Some(0), before), "{undone:#}");
}

/// The tables of Administrate's events, which stand in databases of that state.
const SAME_EVENTS: &str = "
    UPDATE adm.events SET external_id = encode(convert_to('Course:' || id, 'UTF8'), 'base64'), title = 'wb ' || title,
        lifecycle_state = 'Published', venue_id = id, timezone = 'europe/london', tutorial_event_id = id;
    DELETE FROM adm.sessions;
    DELETE FROM acted.tutorial_session_instructors;
";

/// Gives the records of a living database the ids of the simulator, and values that mean the same as the simulator's.
const SAME_IDS: &str = "
    UPDATE adm.locations SET external_id = encode(convert_to('Location:' || id, 'UTF8'), 'base64'), legacy_id = id;
    UPDATE adm.venues SET external_id = encode(convert_to('Venue:' || id, 'UTF8'), 'base64'),
        location_id = encode(convert_to('Location:' || id, 'UTF8'), 'base64');
    UPDATE adm.instructors SET external_id = encode(convert_to('Person:' || id, 'UTF8'), 'base64'), legacy_id = id,
        is_active = true;
    UPDATE adm.pricelevels SET external_id = encode(convert_to('PriceLevel:' || id, 'UTF8'), 'base64'),
        name = lower(name), description = CASE id WHEN 1 THEN '' END;
    UPDATE adm.course_template_price_levels SET external_id = encode(convert_to('CoursePrice:' || id, 'UTF8'), 'base64');
    UPDATE adm.course_templates SET external_id = encode(convert_to('CourseTemplate:' || id, 'UTF8'), 'base64'),
        event_learning_mode = (ARRAY['blended', 'Blended', 'BLENDED'])[id],
        custom_fields = CASE id
            WHEN 1 THEN jsonb_build_object(encode('CustomFieldDefinition:1', 'base64'), 'text',
                                           encode('CustomFieldDefinition:2', 'base64'), 'YES',
                                           encode('CustomFieldDefinition:9', 'base64'), NULL)
            WHEN 2 THEN jsonb_build_object(encode('CustomFieldDefinition:1', 'base64'), NULL) ELSE '{}' END;
    DELETE FROM adm.custom_fields;
    INSERT INTO adm.custom_fields (external_id, label, field_type, description, is_required, roles, entity_type, last_synced)
    SELECT encode(convert_to('CustomFieldDefinition:' || number, 'UTF8'), 'base64'), label, type, description, false,
        roles::jsonb, entity, '2025-09-11'
    FROM (VALUES (1, 'field one', 'String', NULL, NULL, 'CourseTemplate'), (1, 'field one', 'string', '', '[]', 'Event'),
                 (2, 'FIELD TWO', 'choice', '', '[\"ADMIN\"]', 'CourseTemplate'),
                 (3, 'Field three', 'date', NULL, NULL, 'Session')) AS f (number, label, type, description, roles, entity);
    DELETE FROM acted.tutorial_sessions;
    UPDATE acted.tutorial_events SET remain_space = 12, is_soldout = false;
";

/// Returns the records of [`SAME_IDS`] as Administrate spells them.
fn tenant() -> Tenant {
    let mut tenant = Tenant::new();
    for (name, description) in [("Level 1", None), ("Level 2", Some(String::new())), ("Level 3", None)] {
        tenant.price_levels.add(PriceLevel { name: name.into(), description });
    }
    for name in ["LONDON", "king's cross", "Default Location"] {
        tenant.locations.add(Location { name: name.into(), ..Location::default() });
    }
    for (location, name) in [(1, "King's Cross, Room 1"), (2, "KING'S CROSS, ROOM 2"), (3, "room 1")] {
        tenant.venues.add(Venue { name: name.into(), location: Some(location), ..Venue::default() });
    }
    for (first, last) in [("ANN", "TEACHER 0"), ("Tom", "teacher 1"), ("", "Teacher 1")] {
        let contact = Contact { first_name: Some(first.into()), last_name: Some(last.into()), ..Contact::default() };
        tenant.add_contact(Contact { is_instructor: true, ..contact });
    }
    for (entities, label, kind, description, roles, options) in [
        (&["CourseTemplate", "Event"][..], "Field One", FieldKind::String, Some(""), &[][..], &[][..]),
        (&["CourseTemplate"], "Field two", FieldKind::Choice, None, &["Admin"], &["One", "Two"]),
        (&["Session"], "Field three", FieldKind::Date, None, &[], &[]),
    ] {
        let text = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        tenant.custom_fields.add(CustomField {
            entity_types: entities.iter().map(|entity| (*entity).to_owned()).collect(),
            label: label.into(),
            description: description.map(str::to_owned),
            kind,
            is_required: false,
            roles: text(roles),
            options: text(options),
        });
    }
    for (number, code) in [(1, "cb1_f2f_3"), (2, "CB1_F2F_3"), (3, "OC_3_UK")] {
        let fields = [(1, "Text".to_owned()), (2, "Yes".to_owned())];
        let custom_fields = if number == 1 { fields.into() } else { [].into() };
        tenant.templates.add(Template {
            code: code.into(),
            title: "A title".into(),
            custom_fields,
            ..Template::default()
        });
        tenant.add_public_price(number, number, 1, ["1.5", "2.500", "3.50"][number as usize - 1]);
        tenant.add_event(Event {
            title: format!("WB CB1-{number:02}-25S"),
            template: Some(number),
            state: EventState::Published,
            time_zone: "Europe/London".into(),
            location: Some(number),
            venue: Some(number),
            max_places: Some(12),
            ..Event::default()
        });
    }
    for number in 1..=3 {
        tenant.add_staff(number, number, false);
    }
    tenant
}
