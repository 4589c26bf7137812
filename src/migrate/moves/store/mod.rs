//! All statements of the moves.

mod archive;
mod comments;
mod content;
mod lookup;
mod records;
mod violations;

pub(super) use self::archive::{archive_column, restore_column};
pub(in crate::migrate) use self::comments::{comments, keep_comments};
pub use self::content::Content;
pub(super) use self::content::{
    content, content_settings, count, hash_settings, rows_exist, sample, sequence_position,
};
pub(super) use self::lookup::{
    constraint_name, drop_unfinished_index, execute, execute_unless_violated, functions, holder, is_schema_empty,
    relation, rows_with_null, schema_users, table_of,
};
pub(in crate::migrate) use self::records::last_receipt;
pub(super) use self::records::{
    RECORD_TABLES, Records, journal, origin, prepare_records, receipt_key, record, records, replace_journal_end,
    replace_oids, store_receipt, was_found_before,
};
pub(super) use self::violations::{Violation, violations};
