//! How people see profiles and enrolments.

use super::resources::{ENROLMENTS, PARENTS, STUDENTS, TUTORS};
use crate::resources::pages::{PageField, TablePage};

/// The tables of people.
pub static TABLES: [&TablePage; 4] = [&TUTOR_PAGE, &STUDENT_PAGE, &PARENT_PAGE, &ENROLMENT_PAGE];

const ACCOUNT: PageField = PageField::new("user_id", "Account", "Empty: a new one, which cannot sign in");
const FATHER: PageField = PageField::new("father_name", "Father's name", "");
const EMAIL: PageField = PageField::new("email", "E-mail", "");
const COLUMNS: &[&str] = &["*", "last_name", "username", "email", "phone", "is_active"];

static TUTOR_PAGE: TablePage = TablePage {
    resource: &TUTORS,
    path: "/people/tutors",
    title: "Tutors",
    about: "People who give lessons.",
    columns: COLUMNS,
    filters: &["is_active"],
    fields: &[ACCOUNT, FATHER, EMAIL],
    ..TablePage::BASE
};

static STUDENT_PAGE: TablePage = TablePage {
    resource: &STUDENTS,
    path: "/people/students",
    title: "Students",
    about: "People who take lessons.",
    columns: &["*", "last_name", "username", "parent_ids", "email", "is_active"],
    filters: &["is_active"],
    fields: &[ACCOUNT, FATHER, EMAIL, PageField::new("parent_ids", "Parents", "They see the lessons of the student")],
    ..TablePage::BASE
};

static PARENT_PAGE: TablePage = TablePage {
    resource: &PARENTS,
    path: "/people/parents",
    title: "Parents",
    about: "People who see the lessons of their children.",
    columns: &["*", "last_name", "username", "children_ids", "email", "is_active"],
    filters: &["is_active"],
    fields: &[ACCOUNT, FATHER, EMAIL, PageField::new("children_ids", "Children", "Their lessons are shown")],
    ..TablePage::BASE
};

static ENROLMENT_PAGE: TablePage = TablePage {
    resource: &ENROLMENTS,
    path: "/people/enrolments",
    title: "Enrolments",
    about: "Which student takes lessons with which tutor.",
    columns: &["*", "student_id", "tutor_id", "package_id", "status", "enrolled_at"],
    filters: &["student_id", "tutor_id", "status"],
    fields: &[
        PageField::new("package_id", "Package", "Its number, where packages are used"),
        PageField::new("enrolled_at", "Since", "Empty: now"),
    ],
    hidden: &["student_name", "tutor_name"],
    ..TablePage::BASE
};
