//! Settings > API keys: the table, and the dialogs that create, edit and delete one.
//!
//! Each dialog is a page of its own too; htmx is given the block `dialog` of it.

mod choices;
mod draft;
mod life;
mod list;
mod secret;

pub use draft::{create, edit, new, update};
pub use life::{ask_delete, delete};
pub use list::list;

use crate::id::ApiKeyId;
use crate::model::ApiKey;
use crate::network::Network;

pub const HOME: &str = "/settings/api-keys";

/// The address of a step in its life: `edit`, `delete`.
pub fn step(id: &ApiKeyId, verb: &str) -> String {
    format!("{HOME}/{id}/{verb}")
}

/// What it may do, in a few words: `Everything`, the one scope, or how many.
pub fn scopes(key: &ApiKey) -> String {
    match key.scopes.as_slice() {
        [] => "None".to_owned(),
        held if held.iter().any(|held| held.scope.is_everything()) => "Everything".to_owned(),
        [only] => only.scope.to_string(),
        held => format!("{} scopes", held.len()),
    }
}

/// All of them.
pub fn all_scopes(key: &ApiKey) -> String {
    key.scopes.iter().map(|held| held.scope.to_string()).collect::<Vec<_>>().join(", ")
}

/// From where it works, in a few words: `Anywhere`, the one network, or how many.
pub fn networks(key: &ApiKey) -> String {
    match key.networks.as_slice() {
        [] => "Anywhere".to_owned(),
        [only] => only.to_string(),
        networks => format!("{} networks", networks.len()),
    }
}

/// All of them.
pub fn all_networks(key: &ApiKey) -> String {
    key.networks.iter().map(Network::to_string).collect::<Vec<_>>().join(", ")
}
