//! All SQL on events and sessions: `acted.tutorial_events`, `acted.tutorial_sessions`, their instructors and details.
//!
//! Events travel as one JSON document per statement, in the shape of [`Event`](super::Event). The length of a statement
//! does not grow with the number of events, and each column is named once where it is written and once where it is read.
//! Sessions, of which there are many with few columns, travel as one array per column (docs/adr/0003).

mod availability;
mod choices;
mod double_bookings;
mod events;
mod first_steps;
mod month;
mod read;
mod sessions;
mod timetable;
mod upcoming;

pub use availability::{PlacesUpdate, availabilities, oversold, set_available_places, set_oversold, set_places};
pub use choices::{EventChoices, NamedChoice, event_choices, product_of_code, tutorial_product_codes};
pub use double_bookings::{DoubleBooking, double_bookings};
pub use events::{delete_event, insert_events, rename_event, update_events};
pub use first_steps::{FirstSteps, first_steps};
pub use month::{DayEvent, DaySummary, day_summaries};
pub use read::{code_of, custom_values, event_codes, events_by_code, events_by_id, ids_by_code};
pub use sessions::{delete_sessions, insert_sessions, update_sessions};
pub use timetable::{
    EventOrder, ListedEvent, MOST_SESSIONS, SessionInstructor, TimetableFilter, TimetableSession, bare_events_between,
    listed_events, sessions_between,
};
pub use upcoming::{UpcomingSession, upcoming_sessions};
