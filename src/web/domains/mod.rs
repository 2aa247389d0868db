//! Settings > Domains: the list, each domain with its state and its record, to add to, to verify in and to remove from.

mod list;
mod removal;

pub use list::{create, list, verify};
pub use removal::{ask_delete, delete};

use crate::id::DomainId;

const HOME: &str = "/settings/domains";

/// The address of a step in its life: `verify`, `delete`.
fn step(id: &DomainId, verb: &str) -> String {
    format!("{HOME}/{id}/{verb}")
}
