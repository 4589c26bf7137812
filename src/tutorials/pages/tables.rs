//! How people see the reference data of tutorials.

use crate::resources::pages::{PageField, TablePage};
use crate::tutorials::api::resources::people::{INSTRUCTORS, STAFF};
use crate::tutorials::api::resources::places::{COURSE_TEMPLATES, LOCATIONS, VENUES};

/// The tables of tutorials that other pages do not show.
pub static TABLES: [&TablePage; 5] = [&TEMPLATE_PAGE, &LOCATION_PAGE, &VENUE_PAGE, &STAFF_PAGE, &INSTRUCTOR_PAGE];

const CREATED: PageField = PageField::new("created_at", "Created", "");
const CHANGED: PageField = PageField::new("updated_at", "Changed", "");
const EMAIL: PageField = PageField::new("email", "E-mail", "");

static TEMPLATE_PAGE: TablePage = TablePage {
    resource: &COURSE_TEMPLATES,
    path: "/reference/course-templates",
    title: "Course templates",
    about: "The kinds of course that events belong to.",
    columns: &["code", "title", "is_active", "created_at"],
    filters: &["is_active"],
    fields: &[CREATED, CHANGED],
    ..TablePage::BASE
};

static LOCATION_PAGE: TablePage = TablePage {
    resource: &LOCATIONS,
    path: "/reference/locations",
    title: "Locations",
    about: "Towns, and “Live online”.",
    columns: &["name", "code", "is_active", "created_at"],
    filters: &["is_active"],
    fields: &[CREATED, CHANGED],
    ..TablePage::BASE
};

static VENUE_PAGE: TablePage = TablePage {
    resource: &VENUES,
    path: "/reference/venues",
    title: "Venues",
    about: "Rooms at a location.",
    columns: &["name", "location_id", "description", "created_at"],
    filters: &["location_id"],
    fields: &[CREATED, CHANGED],
    hidden: &["location"],
    ..TablePage::BASE
};

static STAFF_PAGE: TablePage = TablePage {
    resource: &STAFF,
    path: "/reference/staff",
    title: "Staff",
    about: "People who work for the provider, each with an account.",
    columns: &["*", "last_name", "username", "instructor_id", "created_at"],
    fields: &[
        PageField::new("user_id", "Account", "Empty: a new one, which cannot sign in"),
        PageField::new("instructor_id", "Teaches as", ""),
        EMAIL,
        CREATED,
        CHANGED,
    ],
    ..TablePage::BASE
};

static INSTRUCTOR_PAGE: TablePage = TablePage {
    resource: &INSTRUCTORS,
    path: "/reference/instructors",
    title: "Instructors",
    about: "People who teach events.",
    columns: &["*", "last_name", "staff_id", "is_active", "created_at"],
    filters: &["is_active"],
    fields: &[
        PageField::new("staff_id", "Staff", "Empty: a new member of staff with an account that cannot sign in"),
        EMAIL,
        CREATED,
        CHANGED,
    ],
    ..TablePage::BASE
};
