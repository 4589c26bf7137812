//! A client of Administrate's Core GraphQL API.
//!
//! What it promises:
//! - A list is fetched whole or not at all ([`Error::Incomplete`]).
//! - A write is never sent twice unless the first certainly did nothing; where that cannot be known the error
//!   [is doubtful](Error::is_doubtful) and the caller looks first.
//! - Every request, login and introspection included, takes a permit of the [`Allowance`] and is told to the [`Ledger`].
//! - No secret shows in errors, in `Debug` or in the ledger.
//! - Network, time and chance are arguments ([`Surroundings`]): a test or a simulated world provides its own.
//!
//! What it does not do: it keeps nothing but the token and the tenant's dialect, knows no database, and decides nothing
//! about the records it carries.
//!
//! ```no_run
//! # async fn example() -> Result<(), administrate::Error> {
//! use administrate::{Client, Secret, Settings, Surroundings};
//!
//! let settings = Settings::new(
//!     "https://api.administrateapp.com/graphql",
//!     "https://auth.getadministrate.com/oauth",
//!     "client id",
//!     Secret::new("client secret"),
//! );
//! let client = Client::new(settings, Surroundings::production(6000)?);
//! for location in client.locations().await? {
//!     println!("{} {}", location.id, location.name);
//! }
//! # Ok(())
//! # }
//! ```

mod call;
mod client;
mod environment;
mod error;
mod id;
mod lenient;
mod moment;
mod mutation;
mod ops;
mod paging;
mod schema;
mod secret;
mod settings;
mod std;

pub use self::std::{HttpTransport, OsRandomness, SystemClock};
pub use call::call_log::{Call, Ledger, NoLedger};
pub use call::clock::Clock;
pub use call::random::Randomness;
pub use call::rate_limiter::{Allowance, AllowanceError, TokenBucket};
pub use call::redaction::without_addresses;
pub use call::transport::{BoxFuture, Request, Response, Transport, TransportError};
pub use client::{Capabilities, Client};
pub use environment::Surroundings;
pub use error::{Error, GraphqlError, Outcome, PayloadError};
pub use id::Id;
pub use moment::Moment;
pub use mutation::{Created, Written};
pub use ops::contacts::{Contact, ContactRole, NewContact};
pub use ops::course_templates::{CourseTemplate, NewCourseTemplate, TemplatePrice};
pub use ops::custom_fields::{CustomFieldDefinition, CustomFieldValue, SupportsCustomField};
pub use ops::event_reads::{Event, Session, TemplateOfEvent};
pub use ops::event_writes::{
    CreatedEvent, CreatedSession, EventChanges, EventMode, EventType, Lifecycle, NewEvent, Window,
};
pub use ops::locations::{Location, NewLocation};
pub use ops::price_levels::PriceLevel;
pub use ops::sessions::SessionChanges;
pub use ops::staff::{NewStaff, StaffMember, StaffType};
pub use ops::venues::{NewVenue, Venue};
pub use ops::webhooks::{NewWebhook, WebhookType};
pub use ops::{OPERATIONS, Operation};
pub use secret::Secret;
pub use settings::Settings;
