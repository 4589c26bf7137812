//! A strict simulator of Administrate's Core GraphQL API, as far as that API is known.
//!
//! Runs in-process for tests and for `lectern demo` ([`Simulator::start`]), or alone as `administrate-sim --port N`.
//!
//! Guarantees: documents are validated and variables coerced as the GraphQL specification requires, against the text of
//! `schema/schema.graphql`. Pages, filters, ids and payload errors are those of Administrate. Faults occur exactly
//! where they are requested. With a state file, an acknowledged mutation survives SIGKILL. The README lists the
//! behaviour that Administrate does not document and that the simulator chose.
//!
//! Limits: tokens are numbered and protect nothing, no webhooks are sent, rates are limited only by faults, and the
//! schema has only what Lectern needs. With [`Options::replay`] responses come from a recording instead of a tenant.

#![warn(missing_docs)]

mod execute;
mod faults;
mod ids;
mod journal;
mod log;
mod mutations;
mod options;
mod reads;
mod replay;
mod schema;
mod server;
pub mod tenant;
mod view;

pub use faults::{Action, Fault, When};
pub use journal::StateError;
pub use log::{Mutation, Requests};
pub use options::{Clock, Options};
pub use schema::profile::{PayloadShape, Profile, TaxName};
pub use server::oauth::Credentials;
pub use server::simulator::{RunningSimulator, Simulator, StartError};
pub use tenant::Tenant;
