//! All statements of the move on rows.

mod archive;
mod catalog;
mod keys;
mod people;
mod places;
mod restore;
mod texts;

pub(super) use self::archive::{
    Unsettled, analyze, archive_column, archive_references, archived_values, keep_unresolved, last_id, link, unsettled,
};
pub(super) use self::catalog::{EnabledTrigger, column_details, enabled_triggers, objects_on_columns, objects_on_view};
pub(super) use self::keys::{KeyIndex, add_key_indexes, drop_key_indexes};
pub(super) use self::people::{
    LinkedPerson, add_event_staff, add_session_instructors, add_users, former_event_instructors, instructors,
    instructors_of_users, user_names, users,
};
pub(super) use self::places::{
    Linked, OwnRow, add_locations, add_templates, add_venues, locations, own_locations, own_templates, own_venues,
    templates, venues,
};
pub(super) use self::restore::{
    clear_archive, clear_references, created, current_value, delete_created, delete_event_staff, empty_cleared,
    fill_changed, fill_column,
};
pub(super) use self::texts::{TextUse, place_names, product_names, rows_without_product, texts, unlinked_texts};
