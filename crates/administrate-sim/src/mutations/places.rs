//! Locations and venues, in the profile that can create them.

use serde::Deserialize;
use serde_json::Value;

use super::{Check, Outcome, Verdict, read};
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

pub(super) fn create_location(tenant: &mut Tenant, arguments: &Value) -> Verdict {
    let CreateLocation { input } = read(arguments)?;
    let mut check = Check::default();
    named(&mut check, &input.name);
    let known = |number| tenant.regions.get(number).is_some();
    let region = input.region_id.as_deref().and_then(|id| check.link("regionId", "Region", id, known));
    check.verdict()?;
    let number = tenant.locations.add(Location { name: input.name, code: input.code, region });
    Ok(Outcome::done("location", Entity::Location(number)))
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

pub(super) fn create_venue(tenant: &mut Tenant, arguments: &Value) -> Verdict {
    let CreateVenue { input } = read(arguments)?;
    let mut check = Check::default();
    named(&mut check, &input.name);
    let location = check.location(tenant, Some(&input.location_id));
    check.verdict()?;
    let number = tenant.venues.add(Venue { name: input.name, description: input.description, location });
    Ok(Outcome::done("venue", Entity::Venue(number)))
}

fn named(check: &mut Check, name: &str) {
    if name.trim().is_empty() {
        check.refuse("name", "Name is required", None);
    }
}
