//! Locations, venues, regions.

use super::{id_attribute, id_field, linked_attribute};
use crate::reads::filter::Attribute;
use crate::tenant::{Number, Tenant};
use crate::view::{Entity, Output};

pub(super) fn location(tenant: &Tenant, number: Number, field: &str) -> Option<Output> {
    let row = tenant.locations.get(number);
    Some(match field {
        "name" => Output::leaf(row.map(|row| row.name.clone())),
        "code" => Output::leaf(row.and_then(|row| row.code.clone())),
        "region" => Output::link(row.and_then(|row| row.region), Entity::Region),
        _ => return id_field("Location", number, field),
    })
}

pub(super) fn location_attribute(tenant: &Tenant, number: Number, field: &str) -> Option<Attribute> {
    let row = tenant.locations.get(number)?;
    match field {
        "name" => Some(Attribute::Text(Some(row.name.clone()))),
        "code" => Some(Attribute::Text(row.code.clone())),
        _ => id_attribute("Location", number, field),
    }
}

pub(super) fn venue(tenant: &Tenant, number: Number, field: &str) -> Option<Output> {
    let row = tenant.venues.get(number);
    Some(match field {
        "name" => Output::leaf(row.map(|row| row.name.clone())),
        "description" => Output::leaf(row.and_then(|row| row.description.clone())),
        "location" => Output::link(row.and_then(|row| row.location), Entity::Location),
        _ => return id_field("Venue", number, field),
    })
}

pub(super) fn venue_attribute(tenant: &Tenant, number: Number, field: &str) -> Option<Attribute> {
    let row = tenant.venues.get(number)?;
    match field {
        "name" => Some(Attribute::Text(Some(row.name.clone()))),
        "locationId" => linked_attribute("Location", row.location),
        _ => id_attribute("Venue", number, field),
    }
}

pub(super) fn region(tenant: &Tenant, number: Number, field: &str) -> Option<Output> {
    let row = tenant.regions.get(number);
    Some(match field {
        "name" => Output::leaf(row.map(|row| row.name.clone())),
        "code" => Output::leaf(row.map(|row| row.code.clone())),
        "defaultTax" => {
            let rate = Output::leaf(row.map(|row| row.tax_rate.clone()));
            Output::record("Tax", vec![("effectiveRate", rate)])
        }
        _ => return id_field("Region", number, field),
    })
}
