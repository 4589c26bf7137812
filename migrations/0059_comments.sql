-- What every table and column means, for whoever opens the database with another program. A column that an existing table
-- lacks is left out, and a comment that is there already stays.
-- older binaries: yes

CREATE FUNCTION pg_temp.describe(t text, about text, columns jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    usual CONSTANT jsonb := '{
        "id": "Key of the row; the database assigns it.",
        "created_at": "When the row was inserted.",
        "updated_at": "When another column last changed; a trigger sets it."}';
    c text;
    d text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_class WHERE oid = to_regclass(t) AND pg_has_role(relowner, 'USAGE')) THEN
        RETURN;
    END IF;
    IF obj_description(t::regclass, 'pg_class') IS NULL THEN
        EXECUTE format('COMMENT ON TABLE %s IS %L', t, about);
    END IF;
    FOR c, d IN SELECT key, value FROM jsonb_each_text(usual || columns) LOOP
        IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = t::regclass AND attname = c AND NOT attisdropped
                   AND col_description(attrelid, attnum) IS NULL) THEN
            EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', t, c, d);
        END IF;
    END LOOP;
END $$;

-- The catalogue.

SELECT pg_temp.describe('acted.catalog_subjects', 'Subjects that are taught, such as CM2.', '{
    "code": "Short name, unique; the first part of course template and product codes.",
    "description": "Full name for readers; null: none was given.",
    "active": "Whether the subject is offered; an inactive one stays for its history."}');

SELECT pg_temp.describe('acted.catalog_exam_sessions', 'Periods in which exams take place, such as 2026-04.', '{
    "session_code": "Short name; the sittings of a timetable are translated into it by the settings.",
    "start_date": "First moment of the period.",
    "end_date": "Last moment of the period.",
    "create_date": "When the row was inserted.",
    "modified_date": "When the row was last edited; set by the program that edits it."}');

SELECT pg_temp.describe('acted.catalog_exam_session_subjects', 'Which subject is examined in which exam session.', '{
    "exam_session_id": "The exam session; deleting it deletes this row.",
    "subject_id": "The subject; deleting it deletes this row.",
    "is_active": "Whether the subject is offered in this exam session."}');

SELECT pg_temp.describe('acted.catalog_products', 'Items of the catalogue, whatever subject and exam session they are sold for.', '{
    "fullname": "Name for readers.",
    "shortname": "Name in lists; for tutorials the name of the location.",
    "description": "Text for readers; null: none was given.",
    "code": "Part of the product codes; may be empty.",
    "is_active": "Whether search shows it.",
    "buy_both": "Whether the shop offers its printed and electronic form together."}');

SELECT pg_temp.describe('acted.catalog_product_variations', 'Forms of products: printed, eBook, tutorial and others.', '{
    "variation_type": "Kind of the form, such as Tutorial or eBook; search shows events for tutorials.",
    "name": "Name for readers, unique in its kind.",
    "description": "Text for readers; null: none was given.",
    "description_short": "Text for lists; null: none was given.",
    "code": "Unique; for tutorials the code of the course template. Null: none."}');

SELECT pg_temp.describe('acted.catalog_product_product_variations', 'Which product exists in which form.', '{
    "product_id": "The product; deleting it deletes this row.",
    "product_variation_id": "The form; deleting it deletes this row."}');

SELECT pg_temp.describe('acted.product_productvariation_recommendations', 'Which other product search recommends beside a product.', '{
    "product_product_variation_id": "The product and form that is shown; it has one recommendation at most.",
    "recommended_product_product_variation_id": "The product and form that is recommended; never the same one."}');

SELECT pg_temp.describe('acted.catalog_product_bundles', 'Bundles of the catalogue: products of a subject that are sold together.', '{
    "bundle_name": "Name for readers, unique in its subject.",
    "subject_id": "The subject; deleting it deletes the bundle.",
    "bundle_description": "Text for readers; null: none was given.",
    "is_featured": "Whether pages show it first.",
    "is_active": "Whether it is offered.",
    "display_order": "Position in lists, ascending; 0 is first."}');

SELECT pg_temp.describe('acted.catalog_product_bundle_products', 'What a bundle of the catalogue consists of.', '{
    "bundle_id": "The bundle; deleting it deletes this row.",
    "product_product_variation_id": "The product and form that belongs to it.",
    "default_price_type": "Kind of price that the shop takes, such as standard or retaker.",
    "quantity": "How many of it the bundle contains.",
    "sort_order": "Position in the bundle, ascending.",
    "is_active": "Whether it belongs to the bundle today."}');

SELECT pg_temp.describe('acted.products', 'What is on sale: a product in one form for a subject in an exam session.', '{
    "exam_session_subject_id": "For what it is sold; deleting that deletes the row.",
    "product_product_variation_id": "What is sold; deleting that deletes the row.",
    "product_code": "Unique code of the shop.",
    "is_active": "Whether it is sold and search shows it."}');

SELECT pg_temp.describe('acted.prices', 'Prices of what is on sale.', '{
    "product_id": "What is sold; deleting it deletes its prices.",
    "price_type": "Kind of price, such as standard or retaker; one price for each kind.",
    "amount": "Amount in units of the currency, with two decimals.",
    "currency": "Code of the currency, such as GBP."}');

SELECT pg_temp.describe('acted.bundles', 'Bundles that are on sale for a subject in an exam session.', '{
    "bundle_template_id": "The bundle of the catalogue; deleting it deletes this row.",
    "exam_session_subject_id": "For what it is sold; deleting that deletes the row.",
    "is_active": "Whether it is sold and search shows it.",
    "override_name": "Name instead of that of the catalogue; null: the one of the catalogue.",
    "override_description": "Text instead of that of the catalogue; null: the one of the catalogue.",
    "display_order": "Position in lists, ascending."}');

SELECT pg_temp.describe('acted.bundle_products', 'What a bundle on sale consists of.', '{
    "bundle_id": "The bundle on sale; deleting it deletes this row.",
    "product_id": "The product on sale that belongs to it.",
    "default_price_type": "Kind of price that the shop takes, such as standard or retaker.",
    "quantity": "How many of it the bundle contains.",
    "sort_order": "Position in the bundle, ascending.",
    "is_active": "Whether it belongs to the bundle today."}');

SELECT pg_temp.describe('acted.filter_groups', 'Groups by which customers filter products; groups may contain groups.', '{
    "name": "Name for readers.",
    "parent_id": "The group that contains it; null: a group of the top level.",
    "code": "Unique name for programs; null: none.",
    "description": "Text for readers; may be empty.",
    "is_active": "Whether the group is offered as a filter.",
    "display_order": "Position among its siblings, ascending."}');

SELECT pg_temp.describe('acted.filter_product_product_groups', 'Which product belongs to which filter group.', '{
    "product_id": "The product; deleting it deletes this row.",
    "product_group_id": "The group; deleting it deletes this row."}');

SELECT pg_temp.describe('acted.filter_configurations', 'Filters that the shop shows, and how it shows them.', '{
    "name": "Unique name for programs.",
    "display_label": "Heading for readers; may be empty.",
    "description": "Text for editors; may be empty.",
    "filter_type": "What the filter compares, such as subject or filter_group.",
    "filter_key": "Key of the filter in a search request.",
    "ui_component": "How the shop shows it, such as multi_select.",
    "display_order": "Position in the shop, ascending.",
    "is_active": "Whether the shop shows it.",
    "is_collapsible": "Whether it can be folded.",
    "is_expanded_by_default": "Whether it is unfolded at first.",
    "is_required": "Whether a value has to be chosen.",
    "allow_multiple": "Whether several values can be chosen.",
    "ui_config": "Further settings for the shop, a JSON object.",
    "validation_rules": "Rules for its values, a JSON object.",
    "dependency_rules": "Rules on other filters, a JSON object.",
    "created_by_id": "Id of the user who made it in public.auth_user; null: unknown."}');

SELECT pg_temp.describe('acted.filter_configuration_groups', 'Which groups a filter offers.', '{
    "filter_configuration_id": "The filter; deleting it deletes this row.",
    "filter_group_id": "The group that it offers.",
    "is_default": "Whether the group is chosen at first.",
    "display_order": "Position in the filter, ascending."}');

-- Tutorials.

SELECT pg_temp.describe('public.auth_user', 'Users of the shop, in the shape that Django gives this table.', '{
    "password": "Hash in a form of Django; ! at its start: no password can be right.",
    "last_login": "When the user last signed in; null: never.",
    "is_superuser": "Whether the user has every right.",
    "username": "Unique name for signing in.",
    "first_name": "First name; together with the last name it identifies an instructor.",
    "last_name": "Last name.",
    "email": "E-mail address; may be empty.",
    "is_staff": "Whether the user may use the administration pages of the shop.",
    "is_active": "Whether the user may sign in.",
    "date_joined": "When the user was made."}');

SELECT pg_temp.describe('acted.staff', 'Members of staff. Each is a user.', '{
    "user_id": "The user, who cannot be deleted while this row exists."}');

SELECT pg_temp.describe('acted.tutorial_course_templates', 'Kinds of courses to which events belong.', '{
    "code": "Unique code; Administrate has a course template of the same code.",
    "title": "Name for readers.",
    "description": "Text for readers; may be empty.",
    "is_active": "Whether new events may use it; matching ignores an inactive one."}');

SELECT pg_temp.describe('acted.tutorial_locations', 'Towns, and Live online.', '{
    "name": "Name; names are compared without regard to case and white space.",
    "code": "Short code; may be empty.",
    "is_active": "Whether new events may use it; matching ignores an inactive one."}');

SELECT pg_temp.describe('acted.tutorial_venues', 'Rooms and buildings at a location.', '{
    "name": "Name; unique in practice within its location.",
    "description": "Text for readers; may be empty.",
    "location_id": "Where it is; null: not known, and it is not matched with Administrate."}');

SELECT pg_temp.describe('acted.tutorial_instructors', 'People who teach. Their names are those of their user.', '{
    "staff_id": "The member of staff; null: left, or names not known.",
    "is_active": "Whether the person teaches today; matching ignores an inactive one."}');

SELECT pg_temp.describe('acted.tutorial_events', 'Tutorials with one or more dates.', '{
    "code": "Unique; the title of the event in Administrate.",
    "venue_id": "Room of all sessions that name none; null: none.",
    "location_id": "Town of all sessions that name none; null: none.",
    "is_soldout": "Whether no place is left, as Administrate or a user says.",
    "finalisation_date": "Day on which it is decided whether it takes place; null: none.",
    "remain_space": "Unsold places.",
    "start_date": "First day: that of the LMS window where there is one, else of the first session.",
    "end_date": "Last day, likewise.",
    "product_id": "What is sold; deleting that deletes the event with its sessions."}');

SELECT pg_temp.describe('acted.tutorial_sessions', 'The dates of events.', '{
    "tutorial_event_id": "The event; deleting it deletes its sessions.",
    "title": "Name for readers.",
    "venue_id": "Room; null: that of the event.",
    "location_id": "Town; null: that of the event.",
    "start_date": "First moment; never after end_date.",
    "end_date": "Last moment.",
    "sequence": "Day within the event, unique there; 1 is first.",
    "url": "Address of an online session, http or https; null: none."}');

SELECT pg_temp.describe('acted.tutorial_session_instructors', 'Who teaches which session.', '{
    "tutorialsessions_id": "The session; deleting it deletes this row.",
    "tutorialinstructor_id": "The person who teaches it."}');

SELECT pg_temp.describe('lectern.event_details', 'What a timetable says of an event and acted.tutorial_events has no column for.', '{
    "tutorial_event_id": "The event; deleting it deletes this row.",
    "course_template_id": "Kind of course; null: not known, or the template was deleted.",
    "learning_mode": "blended, classroom or lms; null: the timetable says nothing.",
    "time_zone": "IANA name of the zone in which its times were written.",
    "lms_start": "First moment of the LMS window; null: there is none.",
    "lms_end": "Last moment of the LMS window; null: there is none.",
    "max_places": "Places in all; null: no limit is known.",
    "sitting": "Exam session as the timetable writes it, such as 2026A.",
    "web_sale": "Whether the event is sold on the web.",
    "cancelled": "Whether the event is called off.",
    "event_url": "Address for participants as text; null: none.",
    "ocr_moodle_code": "Code of its course in Moodle; null: none.",
    "access_duration": "How long participants may use the material, as text; null: not given.",
    "recordings": "What is recorded, as text; null: not given.",
    "recording_pin": "PIN of the recordings; null: none.",
    "tutors": "Tutors as the timetable writes them; null: not given.",
    "sage_code": "Code in the accounting system; null: none.",
    "extra_information": "Remarks for readers; null: none.",
    "registration_deadline": "Last day of registration; null: none.",
    "location_text": "Location as the timetable writes it; null: not given.",
    "venue_text": "Venue as the timetable writes it; null: not given."}');

SELECT pg_temp.describe('lectern.event_staff', 'Who is named for a whole event.', '{
    "tutorial_event_id": "The event; deleting it deletes this row.",
    "role": "instructor or administrator.",
    "position": "Place in the list of its role; 0 is first.",
    "name": "First and last name as the timetable writes them.",
    "tutorial_instructor_id": "The person; null for administrators, whom only Administrate knows.",
    "external_id": "Id of the contact in Administrate; null: not known yet."}');

SELECT pg_temp.describe('lectern.session_details', 'What a timetable says of a session and acted.tutorial_sessions has no column for.', '{
    "tutorial_session_id": "The session; deleting it deletes this row.",
    "location_text": "Location as the timetable writes it; null: not given.",
    "venue_text": "Venue as the timetable writes it; null: not given."}');

-- Links with Administrate.

SELECT pg_temp.describe('adm.custom_fields', 'Custom fields that the tenant has defined in Administrate.', '{
    "external_id": "Key of the definition in Administrate.",
    "label": "Name for readers; fields are found by it.",
    "field_type": "Type of its values, such as text, date or choice.",
    "description": "Text for readers; null: none.",
    "is_required": "Whether Administrate refuses a record without a value.",
    "roles": "Roles of contacts to which it applies, a JSON array; null: it applies to all.",
    "entity_type": "Kind of record that has the field, such as Event or Session.",
    "last_synced": "When a sync last wrote this row."}');

SELECT pg_temp.describe('adm.pricelevels', 'Price levels of Administrate.', '{
    "external_id": "Id in Administrate.",
    "name": "Name for readers.",
    "description": "Text for readers; null: none.",
    "last_synced": "When a sync last wrote this row."}');

SELECT pg_temp.describe('adm.locations', 'Locations of Administrate and the local ones that they are linked with.', '{
    "external_id": "Id in Administrate.",
    "legacy_id": "Older number of the same record in Administrate; null: none.",
    "tutorial_location_id": "The local location; null: not linked."}');

SELECT pg_temp.describe('adm.venues', 'Venues of Administrate and the local ones that they are linked with.', '{
    "external_id": "Id in Administrate.",
    "location_id": "Id of its location in Administrate (adm.locations.external_id); null: not known.",
    "tutorial_venue_id": "The local venue; null: not linked."}');

SELECT pg_temp.describe('adm.instructors', 'Contacts of Administrate who teach, and the local instructors that they are linked with.', '{
    "external_id": "Id of the contact in Administrate.",
    "legacy_id": "Older number of the same contact in Administrate; null: none.",
    "is_active": "Whether the contact teaches today.",
    "tutorial_instructor_id": "The local instructor; null: not linked.",
    "last_synced": "When a sync last wrote this row."}');

SELECT pg_temp.describe('adm.course_templates', 'Course templates of Administrate and the local ones that they are linked with.', '{
    "external_id": "Id in Administrate.",
    "event_learning_mode": "Learning mode of its events in Administrate; null: not given.",
    "custom_fields": "Values of its custom fields, a JSON object by key of the definition.",
    "tutorial_course_template_id": "The local course template; null: not linked."}');

SELECT pg_temp.describe('adm.course_template_price_levels', 'Prices of course templates at the price levels of Administrate.', '{
    "course_template_id": "The course template of Administrate (adm.course_templates.id).",
    "price_level_id": "The price level (adm.pricelevels.id).",
    "external_id": "Id of the price in Administrate.",
    "amount": "Amount in the currency of the settings, with two decimals.",
    "last_synced": "When a sync last wrote this row."}');

SELECT pg_temp.describe('adm.events', 'Events of Administrate as the last sync read them, and the local ones that they are linked with.', '{
    "external_id": "Id in Administrate; null in rows that another program made.",
    "tutorial_event_id": "The local event; null: not linked. An event has one link at most.",
    "course_template_id": "Its course template (adm.course_templates.id); null: not known.",
    "title": "Title; the code of the local event.",
    "session_title": "Title of its sessions; not used by Lectern.",
    "learning_mode": "Learning mode; not used by Lectern.",
    "tutorial_category": "Category; not used by Lectern.",
    "location_id": "Its location (adm.locations.id); null: none.",
    "venue_id": "Its venue (adm.venues.id); null: none.",
    "primary_instructor_id": "Its first instructor (adm.instructors.id); null: none.",
    "administrator": "Name of its administrator; not used by Lectern.",
    "max_places": "Places in all; null: unknown.",
    "min_places": "Fewest participants; not used by Lectern.",
    "registration_deadline": "Last moment of registration; not used by Lectern.",
    "lms_start_date": "First moment of the LMS window; null: none.",
    "lms_end_date": "Last moment of the LMS window; null: none.",
    "access_duration": "How long participants may use the material; not used by Lectern.",
    "event_url": "Address for participants; not used by Lectern.",
    "virtual_classroom": "Address of the virtual classroom; not used by Lectern.",
    "lifecycle_state": "DRAFT, PUBLISHED, CANCELLED and others, in upper case; null: unknown.",
    "sold_out": "Whether no place is left; null: unknown.",
    "cancelled": "Whether it is called off; null: unknown.",
    "web_sale": "Whether it is sold on the web; not used by Lectern.",
    "sitting": "Exam session; not used by Lectern.",
    "finalisation_date": "Day on which it is decided whether it takes place; not used by Lectern.",
    "ocr_moodle_code": "Code of its course in Moodle; not used by Lectern.",
    "sage_code": "Code in the accounting system; not used by Lectern.",
    "recordings": "Whether it is recorded; not used by Lectern.",
    "recording_pin": "PIN of the recordings; not used by Lectern.",
    "extra_information": "Remarks; not used by Lectern.",
    "tutors": "Tutors as text; not used by Lectern.",
    "timezone": "IANA name of its time zone; null: unknown."}');

SELECT pg_temp.describe('adm.sessions', 'Sessions of Administrate as the last sync read them, and the local ones that they are linked with.', '{
    "external_id": "Id in Administrate; null in rows that another program made.",
    "tutorial_session_id": "The local session; null: not linked. A session has one link at most.",
    "event_id": "Its event (adm.events.id); deleting that deletes the session.",
    "title": "Title; null: unknown.",
    "day_number": "Day within the event, unique there; null: unknown.",
    "classroom_start_date": "First day, in the zone of the event; null: unknown.",
    "classroom_start_time": "Time of day of its start, in the zone of the event.",
    "classroom_end_date": "Last day, in the zone of the event; null: unknown.",
    "classroom_end_time": "Time of day of its end, in the zone of the event.",
    "session_instructor_id": "Its instructor (adm.instructors.id); not used by Lectern.",
    "session_url": "Address for participants; not used by Lectern.",
    "cancelled": "Whether it is called off; null: unknown."}');

SELECT pg_temp.describe('adm.api_audit_log', 'Calls to Administrate, without secrets and personal data.', '{
    "command": "The command that made the call, such as sync all.",
    "operation": "Name of the GraphQL operation.",
    "graphql_query": "The GraphQL document; empty for a login.",
    "variables": "Variables of the document, a JSON object.",
    "response_body": "The answer; null: none was received, or it was no JSON.",
    "status_code": "HTTP status; null: no answer was received.",
    "success": "Whether the call did what it should.",
    "error_message": "Why not; empty if it did.",
    "started_at": "When the request was sent.",
    "completed_at": "When the answer was complete, or the call given up.",
    "duration_ms": "Time between both, in milliseconds; null: not measured.",
    "entity_type": "Kind of record that it was about; may be empty.",
    "entity_id": "Id of that record in Administrate; may be empty.",
    "records_processed": "Records in the answer."}');

SELECT pg_temp.describe('lectern.approved_instructors', 'Who may teach which course template, as the last sync read it.', '{
    "template_external_id": "Id of the course template in Administrate.",
    "contact_external_id": "Id of the contact in Administrate."}');

SELECT pg_temp.describe('lectern.administrators', 'Contacts who may administer events, as the last sync read them.', '{
    "external_id": "Id of the contact in Administrate.",
    "first_name": "First name.",
    "last_name": "Last name."}');

SELECT pg_temp.describe('lectern.agreed', 'Baselines: the values on which both sides last agreed. A change is what differs from them.', '{
    "entity": "Kind of record, such as event or session; event-seen: what Administrate reported last.",
    "external_id": "Id of the record in Administrate.",
    "fields": "The values, a JSON object; unsure: true after a write whose result is not known.",
    "agreed_at": "When the values were last written."}');

SELECT pg_temp.describe('lectern.custom_field_options', 'Values that a custom field may have, where Administrate lists them.', '{
    "entity_type": "Kind of record that has the field.",
    "external_id": "Key of the definition in Administrate.",
    "options": "The values, a JSON array."}');

SELECT pg_temp.describe('lectern.sync_decisions', 'What users decided about matches: lectern sync link, unlink and ignore.', '{
    "entity": "Kind of record, such as venues.",
    "decision": "link: they are the same; unlink: they are not; ignore: leave the record out.",
    "local_id": "Id of the local record; null where a remote one is ignored.",
    "external_id": "Id of the record in Administrate; null where a local one is ignored.",
    "decided_at": "When the user decided."}');

SELECT pg_temp.describe('lectern.withdrawn_sessions', 'Sessions of Administrate that the next delivery of their event deletes.', '{
    "external_id": "Id of the session in Administrate."}');

-- Lectern's own work.

SELECT pg_temp.describe('lectern.schema_steps', 'Steps of the schema that were applied.', '{
    "version": "Number of the step.",
    "description": "Name of the step.",
    "installed_on": "When it was applied.",
    "success": "False: it was interrupted, and a person has to look.",
    "checksum": "SHA-384 of its text; a program with another text refuses the database.",
    "execution_time": "How long it took, in nanoseconds; -1: not measured."}');

SELECT pg_temp.describe('lectern.adoption', 'When Lectern first came to this database (one row).', '{
    "one": "Always true: there is one row.",
    "adopted_at": "When its first step was applied.",
    "last_audit_id": "Highest id that adm.api_audit_log had then; rows up to it are never deleted. 0: it was empty."}');

SELECT pg_temp.describe('lectern.runs', 'Runs of syncs and imports with what they reported.', '{
    "kind": "sync, sync undo, import, import-undo or import-publish.",
    "subject": "The entity, the name of the file, or the run that is undone.",
    "started_at": "When it began, or was requested.",
    "finished_at": "When it ended; null: it has not ended, or its process was killed.",
    "exit_code": "Exit code of its command; null as long as finished_at.",
    "document": "What it printed with --json; null as long as finished_at.",
    "journal": "What it changed, with both values, for its undo; null: nothing can be undone.",
    "dry_run": "Whether it only planned.",
    "counts": "Part counts of the document, so that lists need not read the whole.",
    "requests": "Number of requests to Administrate, from the document; null: unknown."}');

SELECT pg_temp.describe('lectern.requested_runs', 'Runs that were requested over HTTP or by the schedule.', '{
    "run_id": "The run; deleting it deletes this row.",
    "request": "What was requested, a JSON object.",
    "token_id": "The token of the caller; null: the schedule, or the token was deleted.",
    "cancelled_at": "When the run was cancelled; null: it was not.",
    "attempts": "How often a process began to execute it; after 3 it is given up. A stopped server does not count."}');

SELECT pg_temp.describe('lectern.idempotency_keys', 'Keys with which clients repeat a request without repeating its effect.', '{
    "token_id": "The token of the caller; deleting it deletes this row.",
    "key": "The key as the client sent it.",
    "fingerprint": "SHA-256 of the request; another request with the same key is refused.",
    "run_id": "The run that the first request began."}');

SELECT pg_temp.describe('lectern.import_rows', 'What became of each block of an imported timetable.', '{
    "run_id": "The import; deleting it deletes this row.",
    "row": "Number of the event row, as a spreadsheet program shows it.",
    "title": "Title of the event.",
    "outcome": "new, adopted, changed, same, cancelled and others.",
    "sessions": "Number of sessions of the block.",
    "changes": "Changed values with their old and new value, a JSON array.",
    "unused": "Values in columns that mean nothing to Lectern, a JSON array.",
    "before": "State of a known event before the import, for its undo; null: it was new or is unchanged."}');

SELECT pg_temp.describe('lectern.outbox', 'Effects: what must happen in Administrate, written with the local change that requires it.', '{
    "effect": "The operation, such as create_event.",
    "subject_kind": "Kind of the record that it is about, such as event.",
    "subject_id": "Local id of that record.",
    "subject": "Its name for users, such as the code of the event.",
    "state": "pending, delivered, failed, or unknown: a user has to decide.",
    "asked": "How often it was requested; a request during a delivery is delivered afterwards.",
    "attempts": "Attempts since it was last requested; an outage does not count.",
    "look_first": "Whether it may exist in Administrate already, so that the worker looks before it creates.",
    "last_error": "Why the last attempt failed; null: it did not.",
    "next_attempt_at": "When it is due; null: it waits for a user, or is delivered.",
    "run_id": "The run that requested it last; null: none, or the run was deleted.",
    "also": "Further steps that were requested, such as publish.",
    "in_doubt": "Whether a creation was sent whose result is not known.",
    "sent": "Values of those creations, by which they are found again, a JSON array.",
    "late_until": "Until when such a request may still be executed by Administrate; null: none may."}');

SELECT pg_temp.describe('lectern.request_allowance', 'Token bucket of requests to Administrate, shared by all processes (one row).', '{
    "one": "Always true: there is one row.",
    "tokens": "Requests that may be sent at once, at the time of refilled_at.",
    "refilled_at": "When tokens was last computed.",
    "paused_until": "Until when Administrate asked for no requests; null: it did not."}');

SELECT pg_temp.describe('lectern.catalogue_version', 'Number of changes of the catalogue that are counted already (one row).', '{
    "only_row": "Always true: there is one row.",
    "folded": "Number of transactions that were removed from lectern.catalogue_changes."}');

SELECT pg_temp.describe('lectern.catalogue_changes', 'Transactions that changed the catalogue. The version is their number plus catalogue_version.folded.', '{
    "transaction": "Id of the transaction."}');

SELECT pg_temp.describe('lectern.demo', 'Marks a database that lectern demo has filled (one row).', '{
    "one": "Always true: there is one row.",
    "provider": "invented, or workbook and the SHA-256 of the rehearsed file.",
    "first_run": "When the data folder of the demo was made."}');

SELECT pg_temp.describe('lectern.tokens', 'Tokens with which programs identify themselves over HTTP.', '{
    "name": "Name for users.",
    "role": "admin, operator, reader, tutor, student or parent.",
    "subject_id": "Id of the profile of a tutor, student or parent; null for the other roles.",
    "digest": "SHA-256 of the secret, which is not stored.",
    "expires_at": "From when on it is refused; null: never.",
    "last_used_at": "When it was last used, to about a minute; null: never.",
    "revoked_at": "When it was revoked; null: it was not."}');

SELECT pg_temp.describe('lectern.webhook_inbox', 'Webhooks from Administrate.', '{
    "webhook_id": "The registration that it belongs to; empty: unknown.",
    "entity_id": "Id of the record in Administrate that it is about; empty: it names none.",
    "triggered_at": "Time of the change as Administrate wrote it; may be empty.",
    "triggered": "The same as a time, five minutes after received_at at most; null: it cannot be read.",
    "content_hash": "SHA-256 of the content without what differs between two webhooks of one edit.",
    "body": "The body without its configuration, which may contain secrets.",
    "state": "received, applied, or dead: a user has to look.",
    "attempts": "How often it was tried to apply it; after five failures it is dead.",
    "note": "What was changed, or why not; null: not tried yet.",
    "received_at": "When it arrived.",
    "next_attempt_at": "When it is due; null: it is applied or dead."}');

SELECT pg_temp.describe('lectern.webhook_registrations', 'Webhooks that Lectern registered in Administrate.', '{
    "webhook_id": "Id of the registration in Administrate.",
    "webhook_type": "Kind of event that it reports.",
    "url": "Address that it calls.",
    "registered_at": "When it was registered, or moved to this address."}');

SELECT pg_temp.describe('lectern.schedule', 'When each scheduled job was last requested, so that one of several processes does it.', '{
    "name": "What the job synchronises, such as all.",
    "asked_for": "The latest time of the schedule for which it was requested."}');

DROP FUNCTION pg_temp.describe(text, text, jsonb);
