-- The local half of the made-up provider of tests/it/golden: what a sync matches with administrate.json beside this file.
INSERT INTO acted.tutorial_locations (name, is_active)
    VALUES ('london', true), ('Leeds', true), ('Cork', true), ('CORK', true), ('Edinburgh', true), ('Derby', false);
INSERT INTO acted.tutorial_venues (name, location_id)
    VALUES ('Quill house', 1), ('Weaver Hall', 2), ('Attic', NULL), ('Castle Room', 5);
INSERT INTO public.auth_user (username, first_name, last_name)
    VALUES ('ada', 'ADA', 'Marlow'), ('mary', 'Mary Ann', 'Lee'), ('gone', 'Gone', 'Away'), ('grace', 'Grace', 'Lindqvist');
INSERT INTO acted.staff (user_id) SELECT id FROM public.auth_user ORDER BY id;
INSERT INTO acted.tutorial_instructors (staff_id, is_active) VALUES (1, true), (2, true), (3, false), (NULL, true);
INSERT INTO acted.tutorial_course_templates (code, title, is_active)
    VALUES ('cm2_f2f_2', 'CM2 in two days', true), ('CB1_f2f_1', 'CB1 in one day', true), ('CB3', 'Old', false);
INSERT INTO acted.catalog_subjects (code) VALUES ('CM2'), ('CB1');
INSERT INTO acted.catalog_exam_sessions (session_code, start_date, end_date)
    VALUES ('2031-04', '2031-04-01', '2031-04-30');
INSERT INTO acted.catalog_exam_session_subjects (exam_session_id, subject_id) VALUES (1, 1), (1, 2);
INSERT INTO acted.catalog_products (fullname, shortname, code)
    VALUES ('Tutorial - London', 'London', 'LON'), ('Tutorial - Leeds', 'Leeds', 'LDS');
INSERT INTO acted.catalog_product_variations (variation_type, name, code)
    VALUES ('Tutorial', 'CM2 face to face, 2 days', 'CM2_f2f_2'), ('Tutorial', 'CB1 face to face, 1 day', 'CB1_f2f_1');
INSERT INTO acted.catalog_product_product_variations (product_id, product_variation_id) VALUES (1, 1), (2, 2);
INSERT INTO acted.products (exam_session_subject_id, product_product_variation_id, product_code)
    VALUES (1, 1, 'CM2/TLONCM2_f2f_2/2031-04'), (2, 2, 'CB1/TLDSCB1_f2f_1/2031-04');
