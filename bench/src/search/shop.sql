-- A fictitious shop: {subjects} subjects in {exams} exam sessions, each with {products} products. A quarter of the products
-- are tutorials at a place, with two events of two sessions each. Two thirds of the others are sold in two forms.
INSERT INTO acted.catalog_subjects (id, code, description)
SELECT n, 'S' || lpad(n::text, 3, '0'), (ARRAY['Risk','Finance','Pensions','Statistics','Economics'])[1 + n % 5] || ' '
       || (ARRAY['Practice','Theory','Methods','Seminar'])[1 + n % 4]
FROM generate_series(1, {subjects}) AS n;

INSERT INTO acted.catalog_exam_sessions (id, session_code, start_date, end_date)
SELECT n, to_char(day, 'YYYY-MM'), day, day + interval '20 days'
FROM generate_series(1, {exams}) AS n, LATERAL (SELECT timestamptz '2027-04-01' + n * interval '6 months') AS of_exam (day);

INSERT INTO acted.catalog_exam_session_subjects (id, exam_session_id, subject_id)
SELECT (exam - 1) * {subjects} + subject, exam, subject
FROM generate_series(1, {exams}) AS exam, generate_series(1, {subjects}) AS subject;

INSERT INTO acted.catalog_product_variations (id, variation_type, name, code) VALUES
    (1, 'Printed', 'Standard Printed', 'P'), (2, 'eBook', 'Vitalsource eBook', 'E'), (3, 'Tutorial', 'Face to face', 'F');

CREATE TEMPORARY TABLE place AS
SELECT n, name FROM unnest(ARRAY['Fenwick','Harborough','Thornbury','Wexcombe','Aldermoor','Brackenhill','Cawthorne',
    'Dunmallow','Elverstone','Glaisford','Hartsmere','Inglewood','Kestrelby','Larchfield','Marlingham','Netherby',
    'Oakhampton','Pemberley','Quarrington','Rushmoor','Silverdale','Tattershaw','Upperthorpe','Vennington','Woolverton'])
    WITH ORDINALITY AS of_places (name, n);

INSERT INTO acted.tutorial_locations (id, name) SELECT n, name FROM place;
INSERT INTO acted.tutorial_venues (id, name, location_id)
SELECT (n - 1) * 4 + room, name || ' ' || (ARRAY['Library','Rooms','Exchange','Pavilion'])[room], n
FROM place, generate_series(1, 4) AS room;

INSERT INTO acted.catalog_products (id, code, shortname, fullname)
SELECT number, 'T' || number, place.name || suffix, 'Tutorial - ' || place.name || suffix
FROM generate_series(4, {products}, 4) AS number
JOIN place ON place.n = 1 + (number / 4 - 1) % 25,
     LATERAL (SELECT CASE WHEN number > 100 THEN ' Annexe' ELSE '' END) AS s (suffix)
UNION ALL
SELECT n, 'M' || n, title, title
FROM generate_series(1, {products}) AS n, LATERAL (
    SELECT (ARRAY['Revised','Essential','Complete','Guided','Illustrated','Annotated','Advanced','Concise','Practical',
                  'Historic','Modular','Seasonal'])[1 + n % 12] || ' '
           || (ARRAY['Notes','Workbook','Notes','Flashcards','Notes','Glossary','Notes','Casebook'])[1 + (n / 2) % 8]
           || CASE WHEN n > 96 THEN ' Supplement' ELSE '' END) AS of_product (title)
WHERE n % 4 <> 0;

INSERT INTO acted.catalog_product_product_variations (id, product_id, product_variation_id)
SELECT id * 2, id, CASE id % 4 WHEN 0 THEN 3 ELSE 1 END FROM acted.catalog_products
UNION ALL SELECT id * 2 + 1, id, 2 FROM acted.catalog_products WHERE id % 4 <> 0 AND id % 3 <> 0;

INSERT INTO acted.products (exam_session_subject_id, product_product_variation_id, product_code)
SELECT taught.id, form.id, subject.code || '/' || product.code || variation.code || '/' || exam.session_code
FROM acted.catalog_exam_session_subjects taught
JOIN acted.catalog_subjects subject ON subject.id = taught.subject_id
JOIN acted.catalog_exam_sessions exam ON exam.id = taught.exam_session_id
CROSS JOIN acted.catalog_product_product_variations form
JOIN acted.catalog_products product ON product.id = form.product_id
JOIN acted.catalog_product_variations variation ON variation.id = form.product_variation_id
ORDER BY taught.id, form.id;

INSERT INTO acted.prices (product_id, price_type, amount)
SELECT id, 'standard', 40 + id % 600 FROM acted.products
UNION ALL SELECT id, 'retaker', 30 + id % 600 FROM acted.products WHERE id % 3 = 0;

INSERT INTO acted.filter_groups (id, name, parent_id, display_order) VALUES
    (1, 'Material', NULL, 1), (2, 'Core Material', 1, 2), (3, 'Revision Material', 1, 3), (4, 'Practice Material', 1, 4),
    (5, 'Tutorial', NULL, 5);
INSERT INTO acted.filter_product_product_groups (product_id, product_group_id)
SELECT id, CASE id % 4 WHEN 0 THEN 5 ELSE 2 + id % 3 END FROM acted.catalog_products;
INSERT INTO acted.filter_configurations (id, name, display_label, filter_type, filter_key) VALUES
    (1, 'categories', 'Category', 'filter_group', 'categories'), (2, 'types', 'Type', 'filter_group', 'product_types');
INSERT INTO acted.filter_configuration_groups (filter_configuration_id, filter_group_id)
SELECT 1, id FROM acted.filter_groups UNION ALL SELECT 2, id FROM acted.filter_groups WHERE parent_id = 1;

INSERT INTO public.auth_user (id, username, first_name, last_name)
SELECT n, 'person-' || n,
    (ARRAY['Ada','Bertram','Cecily','Dorian','Edwina','Felix','Gwendolen','Hugo','Imogen','Jasper','Katherine','Lionel',
           'Miranda','Nathaniel','Ottilie','Percival','Quentin','Rosamund','Sebastian','Theodora'])[1 + n % 20],
    (ARRAY['Abernathy','Blackwood','Carrington','Davenport','Ellsworth','Fairbanks','Galbraith','Hawthorne','Islington',
           'Jessop','Kingsley','Lockhart','Montague','Norwood','Ormsby','Pendleton','Quimby','Ravenscroft','Stanhope',
           'Treadwell'])[1 + n / 20]
FROM generate_series(0, 399) AS n;
INSERT INTO acted.staff (id, user_id) SELECT id + 1, id FROM public.auth_user WHERE username LIKE 'person-%';
INSERT INTO acted.tutorial_instructors (id, staff_id) SELECT id, id FROM acted.staff;

INSERT INTO acted.tutorial_events (code, product_id, location_id, venue_id, start_date, end_date, remain_space, is_soldout)
SELECT replace(product_code, '/', '-') || '-' || n, sold.id, 1 + (product.id / 4 - 1) % 25,
       1 + (product.id / 4 - 1) % 25 * 4 + (sold.id + n) % 4, day, day + 14, (sold.id + n) % 20, sold.id % 17 = 0
FROM acted.products sold
JOIN acted.catalog_product_product_variations form ON form.id = sold.product_product_variation_id
JOIN acted.catalog_products product ON product.id = form.product_id AND product.id % 4 = 0
JOIN acted.catalog_exam_session_subjects taught ON taught.id = sold.exam_session_subject_id
JOIN acted.catalog_exam_sessions exam ON exam.id = taught.exam_session_id
CROSS JOIN generate_series(1, 2) AS n,
     LATERAL (SELECT exam.start_date::date - 90 + (sold.id * 7 + n * 13)::integer % 60) AS of_event (day)
ORDER BY sold.id, n;

INSERT INTO acted.tutorial_sessions (tutorial_event_id, title, start_date, end_date, sequence)
SELECT id, code || '-' || n, start_date + (n - 1) * 14 + time '09:30', start_date + (n - 1) * 14 + time '17:00', n
FROM acted.tutorial_events CROSS JOIN generate_series(1, 2) AS n ORDER BY id, n;
INSERT INTO acted.tutorial_session_instructors (tutorialsessions_id, tutorialinstructor_id)
SELECT id, 1 + (tutorial_event_id * 31 + sequence * 7) % 400 FROM acted.tutorial_sessions;
INSERT INTO lectern.event_details (tutorial_event_id) SELECT id FROM acted.tutorial_events;

SELECT setval(pg_get_serial_sequence(t, 'id'), 1000000)
FROM unnest(ARRAY['acted.catalog_subjects', 'acted.catalog_products', 'public.auth_user', 'acted.staff']) AS t;

-- What a program with pg_trgm keeps: the words of each store product, and the vocabulary.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE SCHEMA peer;
CREATE TABLE peer.documents AS
SELECT sold.id AS store_product_id, document,
       ARRAY(SELECT DISTINCT word FROM regexp_split_to_table(lower(document), '[^[:alnum:]]+') AS word WHERE word <> '') AS words
FROM acted.products sold
JOIN acted.catalog_product_product_variations form ON form.id = sold.product_product_variation_id
JOIN acted.catalog_products product ON product.id = form.product_id
JOIN acted.catalog_product_variations variation ON variation.id = form.product_variation_id
JOIN acted.catalog_exam_session_subjects taught ON taught.id = sold.exam_session_subject_id
JOIN acted.catalog_subjects subject ON subject.id = taught.subject_id
JOIN acted.catalog_exam_sessions exam ON exam.id = taught.exam_session_id
LEFT JOIN LATERAL (
    SELECT string_agg(concat_ws(' ', event.code, location.name, venue.name, session.title, person.first_name,
                                person.last_name), ' ') AS text
    FROM acted.tutorial_events event
    JOIN acted.tutorial_locations location ON location.id = event.location_id
    JOIN acted.tutorial_venues venue ON venue.id = event.venue_id
    JOIN acted.tutorial_sessions session ON session.tutorial_event_id = event.id
    JOIN acted.tutorial_session_instructors link ON link.tutorialsessions_id = session.id
    JOIN acted.tutorial_instructors instructor ON instructor.id = link.tutorialinstructor_id
    JOIN acted.staff ON staff.id = instructor.staff_id
    JOIN public.auth_user person ON person.id = staff.user_id
    WHERE event.product_id = sold.id) AS events ON true,
LATERAL (SELECT concat_ws(' ', product.fullname, product.shortname, subject.code, subject.description, variation.name,
                          variation.variation_type, sold.product_code, exam.session_code, events.text)) AS d (document);
ALTER TABLE peer.documents ADD PRIMARY KEY (store_product_id);
CREATE INDEX ON peer.documents USING gin (words);
CREATE TABLE peer.words AS SELECT DISTINCT unnest(words) AS word FROM peer.documents;
ALTER TABLE peer.words ADD PRIMARY KEY (word);
CREATE INDEX ON peer.words USING gin (word gin_trgm_ops);
CREATE INDEX ON peer.words (word text_pattern_ops);
GRANT USAGE ON SCHEMA peer TO lectern;
GRANT SELECT ON ALL TABLES IN SCHEMA peer TO lectern;
