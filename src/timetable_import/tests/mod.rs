//! Workbook → blocks → plan: what one changed cell or record leads to.

mod blocks;
mod cells;
mod existing_events;
mod references;
mod sample;
