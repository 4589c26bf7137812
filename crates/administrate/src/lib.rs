//! A client of Administrate's Core GraphQL API.
//!
//! Guarantees:
//! - A list is fetched completely or not at all ([`Error::Incomplete`]).
//! - A write is sent again only if the first attempt certainly had no effect. If that cannot be known, the error
//!   [is in doubt](Error::is_in_doubt) and the caller has to check Administrate first.
//! - Every request, including login and introspection, takes a permit of the [`RateLimiter`] and is recorded in the
//!   [`CallLog`].
//! - Errors, `Debug` output and the call log contain no secret.
//! - Network, time and randomness are arguments ([`Environment`]): tests and the simulator provide their own.
//!
//! The client stores only the token and the tenant's dialect. It uses no database and decides nothing about records.
//!
//! ```no_run
//! # async fn example() -> Result<(), administrate::Error> {
//! use administrate::{Client, Environment, Secret, Settings};
//!
//! let settings = Settings::new(
//!     "https://api.administrateapp.com/graphql",
//!     "https://auth.getadministrate.com/oauth",
//!     "client id",
//!     Secret::new("client secret"),
//! );
//! let client = Client::new(settings, Environment::standard(6000)?);
//! for location in client.locations().await? {
//!     println!("{} {}", location.id, location.name);
//! }
//! # Ok(())
//! # }
//! ```

#![warn(missing_docs)]

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
mod text;

pub use self::std::{HttpTransport, OsRandomness, SystemClock};
pub use call::call_log::{CallLog, CallRecord, NoCallLog};
pub use call::clock::Clock;
pub use call::random::Randomness;
pub use call::rate_limiter::{OnWait, RateLimiter, RateLimiterError, TokenBucket};
pub use call::redaction::redact_emails;
pub use call::transport::{BoxFuture, Request, Response, Transport, TransportError};
pub use call::waits::{NoWaitObserver, Wait, WaitObserver, WaitReason};
pub use client::{Capabilities, Client};
pub use environment::Environment;
pub use error::{Error, GraphqlError, Outcome, PayloadError};
pub use id::Id;
pub use moment::Moment;
pub use mutation::{CreatedRecord, UpdateResult};
pub use ops::contacts::{Contact, ContactRole, NewContact};
pub use ops::course_templates::{CourseTemplate, NewCourseTemplate, TemplatePrice};
pub use ops::custom_fields::{CustomFieldDefinition, CustomFieldValue, SupportsCustomField};
pub use ops::event_reads::{Event, EventCourseTemplate, Session, UnreadableEvent};
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
pub use text::{is_control_character, plain_message};
