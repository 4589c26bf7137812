//! Mutations of locations and venues, for profiles with create mutations.

use serde::Deserialize;
use serde_json::Value;

use super::{Check, MutationResult, Outcome, read};
use crate::tenant::{Location, Tenant, Venue};
use crate::view::Entity;

#[derive(Deserialize)]
struct CreateLocation {
    input: LocationInput,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LocationInput {
    name: String,
    code: Option<String>,
    region_id: Option<String>,
}

pub(super) fn create_location(tenant: &mut Tenant, arguments: &Value) -> MutationResult {
    let CreateLocation { input } = read(arguments)?;
    let mut check = Check::default();
    check_name(&mut check, &input.name);
    let exists = |number| tenant.regions.get(number).is_some();
    let region = input.region_id.as_deref().and_then(|id| check.resolve("regionId", "Region", id, exists));
    check.finish()?;
    let number = tenant.locations.add(Location { name: input.name, code: input.code, region });
    Ok(Outcome::with_object("location", Entity::Location(number)))
}

#[derive(Deserialize)]
struct CreateVenue {
    input: VenueInput,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VenueInput {
    name: String,
    location_id: String,
    description: Option<String>,
}

pub(super) fn create_venue(tenant: &mut Tenant, arguments: &Value) -> MutationResult {
    let CreateVenue { input } = read(arguments)?;
    let mut check = Check::default();
    check_name(&mut check, &input.name);
    let location = check.location(tenant, Some(&input.location_id));
    check.finish()?;
    let number = tenant.venues.add(Venue { name: input.name, description: input.description, location });
    Ok(Outcome::with_object("venue", Entity::Venue(number)))
}

fn check_name(check: &mut Check, name: &str) {
    if name.trim().is_empty() {
        check.add_error("name", "Name is required", None);
    }
}
