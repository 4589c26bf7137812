//! All statements of the move lesson-sessions.

mod changes;
mod copy;
mod functions;
mod further;
mod keys;
mod places;
mod progress;
mod restore;
mod rows;

pub(super) use self::changes::{
    Noted, WATCHING, catch_up, forget_uncopied, noted, outstanding, unwatch_enrolments, watch, watch_history,
};
pub(super) use self::copy::{
    Batch, copy_all, copy_batch, create_copy, discard, discard_triggers, finish_copy, insertion, leave_room, map_some,
    prepare_batch, verify_copy,
};
pub(super) use self::functions::{FUNCTIONS, create_functions};
pub use self::further::create_further_indexes;
pub(super) use self::keys::{InboundForeignKey, inbound_keys, point_to, pointing};
pub(super) use self::places::{
    archive_totals, continuing, database_zone, enable_row_security, greatest_id, has_row_security, is_taken,
    move_table, moving, null_ids, place_sessions, placing, rename_object, renaming, set_sequence,
};
pub(super) use self::progress::{
    CopyPhase, CopyProgress, Journal, RenamedObject, begin, end, is_unfinished, progress, save,
};
pub(super) use self::restore::{forget, remove_enrolments, restore_rows};
pub(super) use self::rows::{
    ambiguous_reviews, archive_rows, create_enrolments, enrol, find, keep_attendance, keep_series, take_reviews,
};
