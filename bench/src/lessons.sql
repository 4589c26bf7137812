-- A year's work of a large provider: 1,000 tutors, 12,000 students, 20,000 enrolments. All names are made up.
INSERT INTO public.users (first_name, father_name)
SELECT 'First' || i % 997, 'Family' || i % 1499 FROM generate_series(1, 13000) AS i;
INSERT INTO public.tutor_profiles (user_id) SELECT i FROM generate_series(1, 1000) AS i;
INSERT INTO public.student_profiles (user_id) SELECT i FROM generate_series(1001, 13000) AS i;
INSERT INTO public.enrolled_students (tutor_id, student_id)
SELECT 1 + i % 1000, 1 + i * 7 % 12000 FROM generate_series(1, 20000) AS i;
ALTER TABLE public.sessions DISABLE TRIGGER USER;
INSERT INTO public.sessions (course_enrollment_id, topics, session_date, start_time, end_time, duration, session_mode, status,
                             priority_level, is_featured, is_recurring)
SELECT 1 + i::bigint * 31 % 20000,
       json_build_array('Topic ' || i % 5000, CASE WHEN i % 10 = 0 THEN 'Fractions' ELSE 'Vectors ' || i % 300 END),
       date '2022-01-01' + (i::bigint * 13 % 2000)::int, time '08:00' + make_interval(mins => 15 * (i % 48)),
       time '09:00' + make_interval(mins => 15 * (i % 48)), 60, (ARRAY['online', 'in-person', 'hybrid'])[1 + i % 3],
       CASE WHEN i % 1000 = 0 THEN 'missed' WHEN i % 50 = 0 THEN 'in-progress' WHEN i % 20 = 0 THEN 'cancelled'
            WHEN i % 2 = 0 THEN 'completed' ELSE 'scheduled' END,
       (ARRAY['low', 'medium', 'high', 'urgent'])[1 + i % 4], i % 5000 = 0, i % 3000 = 0
FROM generate_series(1, {lessons}) AS i;
ALTER TABLE public.sessions ENABLE TRIGGER USER;
ANALYZE;
