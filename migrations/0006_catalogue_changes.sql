-- The catalogue version, and how everybody hears of a change: whatever search shows raises the version and sends a
-- notice on channel lectern_catalogue when its transaction commits.
-- The version is the number of transactions that wrote to the catalogue, counted as seen by a snapshot: one row per
-- transaction instead of one counter, so that writers never wait for each other, and a snapshot's version says exactly
-- which changes it holds. Rows are folded into the sum now and then.
-- older binaries: yes

CREATE TABLE lectern.catalogue_version (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    folded bigint NOT NULL
);
INSERT INTO lectern.catalogue_version (folded) VALUES (1);

CREATE TABLE lectern.catalogue_changes (
    transaction xid8 PRIMARY KEY
);

-- With the owner's rights: programs that write to acted.* need none in schema lectern.
CREATE FUNCTION lectern.catalogue_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO lectern.catalogue_changes (transaction) VALUES (pg_current_xact_id()) ON CONFLICT DO NOTHING;
    PERFORM pg_notify('lectern_catalogue', '');
    RETURN NULL;
END $$;

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY[
        'acted.catalog_subjects', 'acted.catalog_exam_sessions', 'acted.catalog_exam_session_subjects',
        'acted.catalog_products', 'acted.catalog_product_variations', 'acted.catalog_product_product_variations',
        'acted.product_productvariation_recommendations', 'acted.catalog_product_bundles', 'acted.products',
        'acted.prices', 'acted.bundles', 'acted.bundle_products', 'acted.filter_groups',
        'acted.filter_product_product_groups', 'acted.filter_configurations', 'acted.filter_configuration_groups',
        'acted.tutorial_events', 'acted.tutorial_sessions', 'acted.tutorial_session_instructors',
        'acted.tutorial_locations', 'acted.tutorial_venues', 'acted.tutorial_instructors', 'acted.staff',
        'lectern.event_staff'
    ] LOOP
        EXECUTE format('CREATE TRIGGER lectern_catalogue_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s
                        FOR EACH STATEMENT EXECUTE FUNCTION lectern.catalogue_changed()', t);
    END LOOP;
END $$;

-- Of a user only the names are shown; signing in is no change of the catalogue.
CREATE TRIGGER lectern_catalogue_changed AFTER UPDATE OF first_name, last_name, username ON public.auth_user
    FOR EACH STATEMENT EXECUTE FUNCTION lectern.catalogue_changed();
