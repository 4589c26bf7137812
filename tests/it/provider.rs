//! A tiny made-up provider: what an event refers to.

use jiff::civil::date;
use lectern::tutorials::{Event, LearningMode, Session, Staff, StaffRole};

use crate::world::World;

/// Ids of the provider's rows.
#[derive(Debug, Clone, Copy)]
pub struct Provider {
    pub product: i64,
    pub template: i64,
    pub location: i64,
    pub venue: i64,
    pub instructor: i64,
}

impl Provider {
    /// Subject CM2 in the exam session 2026-04, sold as a tutorial in London; Ada Marlow teaches.
    pub async fn settle(world: &World) -> Provider {
        let row: (i64, i64, i64, i64, i64) = sqlx::query_as(
            "WITH subject AS (INSERT INTO acted.catalog_subjects (code) VALUES ('CM2') RETURNING id),
                  exam AS (INSERT INTO acted.catalog_exam_sessions (session_code, start_date, end_date)
                           VALUES ('2026-04', '2026-04-01', '2026-04-30') RETURNING id),
                  taught AS (INSERT INTO acted.catalog_exam_session_subjects (exam_session_id, subject_id)
                             SELECT exam.id, subject.id FROM exam, subject RETURNING id),
                  product AS (INSERT INTO acted.catalog_products (fullname, shortname, code)
                              VALUES ('Tutorial - London', 'London', 'LON') RETURNING id),
                  variation AS (INSERT INTO acted.catalog_product_variations (variation_type, name, code)
                                VALUES ('Tutorial', 'CM2_f2f_2', 'CM2_f2f_2') RETURNING id),
                  form AS (INSERT INTO acted.catalog_product_product_variations (product_id, product_variation_id)
                           SELECT product.id, variation.id FROM product, variation RETURNING id),
                  sold AS (INSERT INTO acted.products
                               (exam_session_subject_id, product_product_variation_id, product_code)
                           SELECT taught.id, form.id, 'CM2/TLONCM2_f2f_2/2026-04' FROM taught, form RETURNING id),
                  template AS (INSERT INTO acted.tutorial_course_templates (code, title)
                               VALUES ('CM2_f2f_2', 'CM2 in two days') RETURNING id),
                  location AS (INSERT INTO acted.tutorial_locations (name) VALUES ('London') RETURNING id),
                  venue AS (INSERT INTO acted.tutorial_venues (name, location_id)
                            SELECT 'Quill House', id FROM location RETURNING id),
                  person AS (INSERT INTO public.auth_user (username, first_name, last_name)
                             VALUES ('ada', 'Ada', 'Marlow') RETURNING id),
                  staff AS (INSERT INTO acted.staff (user_id) SELECT id FROM person RETURNING id),
                  instructor AS (INSERT INTO acted.tutorial_instructors (staff_id) SELECT id FROM staff RETURNING id)
             SELECT sold.id, template.id, location.id, venue.id, instructor.id
             FROM sold, template, location, venue, instructor",
        )
        .fetch_one(&world.pool)
        .await
        .expect("the provider's rows");
        Provider { product: row.0, template: row.1, location: row.2, venue: row.3, instructor: row.4 }
    }

    /// A blended event of two days.
    pub fn event(&self, code: &str) -> Event {
        let session = |sequence: i32, start: &str, end: &str| Session {
            sequence,
            title: format!("{code}-{sequence}"),
            start: start.parse().expect("an instant"),
            end: end.parse().expect("an instant"),
            location_id: None,
            venue_id: None,
            location_text: Some("London".into()),
            venue_text: None,
            url: None,
            instructor_ids: vec![self.instructor],
        };
        Event {
            code: code.into(),
            product_id: self.product,
            course_template_id: Some(self.template),
            learning_mode: Some(LearningMode::Blended),
            location_id: Some(self.location),
            venue_id: Some(self.venue),
            location_text: Some("London".into()),
            venue_text: Some("Quill House".into()),
            is_soldout: false,
            finalisation_date: Some(date(2026, 1, 5)),
            remain_space: 12,
            start_date: date(2026, 1, 7),
            end_date: date(2026, 4, 10),
            time_zone: "Europe/London".into(),
            lms_start: Some("2026-01-07T16:00:00Z".parse().expect("an instant")),
            lms_end: Some("2026-04-09T23:00:00Z".parse().expect("an instant")),
            max_places: Some(12),
            sitting: Some("2026A".into()),
            web_sale: false,
            cancelled: false,
            event_url: Some("https://rooms.example.org/cm2/".into()),
            ocr_moodle_code: None,
            access_duration: None,
            recordings: None,
            recording_pin: None,
            tutors: None,
            sage_code: None,
            extra_information: None,
            registration_deadline: None,
            staff: vec![Staff {
                role: StaffRole::Instructor,
                name: "Ada Marlow".into(),
                tutorial_instructor_id: Some(self.instructor),
                external_id: None,
            }],
            sessions: vec![
                session(1, "2026-01-10T09:30:00Z", "2026-01-10T17:00:00Z"),
                session(2, "2026-02-10T09:30:00Z", "2026-02-10T17:00:00Z"),
            ],
        }
    }
}
