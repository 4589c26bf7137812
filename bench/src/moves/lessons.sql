-- Lessons of a tutoring system of November 2025. Rows are inserted before there are indexes.
CREATE TABLE users (
    id serial PRIMARY KEY, first_name varchar NOT NULL, father_name varchar NOT NULL, grandfather_name varchar,
    last_name varchar, email varchar NOT NULL UNIQUE, phone varchar, password_hash varchar NOT NULL DEFAULT '!',
    roles json DEFAULT '[]', active_role varchar, profile_picture varchar, is_active boolean DEFAULT true,
    created_at timestamp DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE tutor_profiles (
    id serial PRIMARY KEY, user_id integer REFERENCES users, username varchar, bio text, rating double precision DEFAULT 0
);
CREATE TABLE student_profiles (
    id serial PRIMARY KEY, user_id integer UNIQUE REFERENCES users, username varchar, grade_level varchar,
    parent_id integer[] DEFAULT '{}'
);
CREATE TABLE parent_profiles (
    id serial PRIMARY KEY, user_id integer REFERENCES users, username varchar, children_ids integer[] DEFAULT '{}',
    coparent_ids integer[] DEFAULT '{}'
);
CREATE TABLE tutor_packages (
    id serial PRIMARY KEY, tutor_id integer NOT NULL REFERENCES tutor_profiles ON DELETE CASCADE, name varchar
);
CREATE TABLE enrolled_students (
    id serial PRIMARY KEY,
    tutor_id integer NOT NULL REFERENCES tutor_profiles ON DELETE CASCADE,
    student_id integer NOT NULL REFERENCES student_profiles ON DELETE CASCADE,
    package_id integer NOT NULL REFERENCES tutor_packages ON DELETE SET NULL,
    enrolled_at timestamp DEFAULT CURRENT_TIMESTAMP, status varchar(20) DEFAULT 'active',
    created_at timestamp DEFAULT CURRENT_TIMESTAMP, updated_at timestamp DEFAULT CURRENT_TIMESTAMP
);
INSERT INTO users (first_name, father_name, email)
SELECT 'Person' || n, 'Father' || n, 'person' || n || '@example.org' FROM generate_series(1, 40) AS n;
INSERT INTO tutor_profiles (id, user_id) SELECT n, n FROM generate_series(1, 10) AS n;
INSERT INTO tutor_profiles (id, user_id) VALUES (85, 11);
INSERT INTO student_profiles (id, user_id, parent_id) SELECT n, 11 + n, '{1}' FROM generate_series(1, 25) AS n;
INSERT INTO parent_profiles (id, user_id, children_ids) VALUES (1, 37, '{1,2}');
INSERT INTO tutor_packages (id, tutor_id, name) VALUES (1, 1, 'Basic'), (2, 85, 'Package');
INSERT INTO enrolled_students (id, tutor_id, student_id, package_id) VALUES
    (1, 1, 1, 1), (2, 1, 2, 1), (3, 1, 2, 1), (4, 2, 3, 1), (5, 85, 1, 2);
SELECT setval('enrolled_students_id_seq', 5);
-- The lesson sessions as of 2025-11-17.
CREATE TABLE tutor_sessions (
    id serial, enrollment_id integer, tutor_id integer,
    student_id integer, subject varchar NOT NULL, topic varchar,
    session_date date NOT NULL, start_time time NOT NULL, end_time time, duration integer DEFAULT 60,
    mode varchar DEFAULT 'online', location varchar, meeting_link varchar, objectives text,
    topics_covered json DEFAULT '[]', materials_used json DEFAULT '[]', homework_assigned text,
    status varchar DEFAULT 'scheduled', student_attended boolean, tutor_attended boolean, tutor_notes text,
    student_feedback text, student_rating double precision, amount double precision, payment_status varchar DEFAULT 'pending',
    created_at timestamp DEFAULT CURRENT_TIMESTAMP, updated_at timestamp DEFAULT CURRENT_TIMESTAMP
    , session_frequency varchar DEFAULT 'one-time', is_recurring boolean DEFAULT false,
    recurring_pattern json, package_duration integer, grade_level varchar, notification_enabled boolean DEFAULT false,
    alarm_enabled boolean DEFAULT false, alarm_before_minutes integer DEFAULT 15, is_featured boolean DEFAULT false
);
INSERT INTO enrolled_students (tutor_id, student_id, package_id) SELECT t.id, s.id, 1 FROM tutor_profiles t, student_profiles s WHERE (t.id + s.id) % 10 > 0;
INSERT INTO tutor_sessions (tutor_id, student_id, enrollment_id, subject, topic, session_date, start_time, end_time, duration, mode,
    topics_covered, materials_used, status, student_attended, tutor_attended, amount, session_frequency, is_recurring,
    recurring_pattern, package_duration)
SELECT 1 + n % 10, 1 + n % 25, NULL, 'Mathematics', 'Topic ' || n, date '2023-11-01' + n % 800, time '09:00', time '10:00', 60, 'online',
    CASE WHEN n % 10 = 0 THEN '{"topics": ["Algebra", "Sets"]}'::json ELSE '["Algebra", "Sets"]' END, '{"materials": []}',
    (ARRAY['scheduled', 'completed', 'cancelled', 'in-progress', 'missed'])[1 + n % 5],
    CASE n % 5 WHEN 1 THEN true WHEN 4 THEN false END, CASE n % 5 WHEN 1 THEN true WHEN 4 THEN n % 2 = 0 END, 250.5,
    (ARRAY['One-time', 'Weekly', 'Bi-weekly', 'Monthly'])[1 + n % 4], n % 4 > 0,
    CASE n % 4 WHEN 1 THEN '{"frequency":"weekly","count":10}'::json WHEN 2 THEN '{"days":["Monday"],"months":[],"specific_dates":null}' END, 30
FROM generate_series(1, {rows}) AS n;
ALTER TABLE tutor_sessions ADD PRIMARY KEY (id), ADD FOREIGN KEY (tutor_id) REFERENCES tutor_profiles,
    ADD FOREIGN KEY (student_id) REFERENCES student_profiles;
