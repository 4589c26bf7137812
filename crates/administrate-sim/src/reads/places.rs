//! Locations, venues, regions.

use super::{identity, identity_attribute, linked_attribute};
use crate::reads::filter::Attribute;
use crate::tenant::{Number, Tenant};
use crate::view::{Entity, Part};

pub(super) fn location(tenant: &Tenant, number: Number, field: &str) -> Option<Part> {
    let row = tenant.locations.get(number);
    Some(match field {
        "name" => Part::leaf(row.map(|row| row.name.clone())),
        "code" => Part::leaf(row.and_then(|row| row.code.clone())),
        "region" => Part::link(row.and_then(|row| row.region), Entity::Region),
        _ => return identity("Location", number, field),
    })
}

pub(super) fn location_attribute(tenant: &Tenant, number: Number, field: &str) -> Option<Attribute> {
    let row = tenant.locations.get(number)?;
    match field {
        "name" => Some(Attribute::Text(Some(row.name.clone()))),
        "code" => Some(Attribute::Text(row.code.clone())),
        _ => identity_attribute("Location", number, field),
    }
}

pub(super) fn venue(tenant: &Tenant, number: Number, field: &str) -> Option<Part> {
    let row = tenant.venues.get(number);
    Some(match field {
        "name" => Part::leaf(row.map(|row| row.name.clone())),
        "description" => Part::leaf(row.and_then(|row| row.description.clone())),
        "location" => Part::link(row.and_then(|row| row.location), Entity::Location),
        _ => return identity("Venue", number, field),
    })
}

pub(super) fn venue_attribute(tenant: &Tenant, number: Number, field: &str) -> Option<Attribute> {
    let row = tenant.venues.get(number)?;
    match field {
        "name" => Some(Attribute::Text(Some(row.name.clone()))),
        "locationId" => linked_attribute("Location", row.location),
        _ => identity_attribute("Venue", number, field),
    }
}

pub(super) fn region(tenant: &Tenant, number: Number, field: &str) -> Option<Part> {
    let row = tenant.regions.get(number);
    Some(match field {
        "name" => Part::leaf(row.map(|row| row.name.clone())),
        "code" => Part::leaf(row.map(|row| row.code.clone())),
        "defaultTax" => {
            let rate = Part::leaf(row.map(|row| row.tax_rate.clone()));
            Part::record("Tax", vec![("effectiveRate", rate)])
        }
        _ => return identity("Region", number, field),
    })
}
