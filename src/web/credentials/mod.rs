//! Settings > SMTP Credentials: the table, one credential, and the dialogs that change one.
//!
//! Each dialog is a page of its own too; htmx is given the block `dialog` of it.

mod draft;
mod life;
mod list;
mod query;
mod secret;
mod show;
mod told;

pub use draft::{create, edit, new, update};
pub use life::{ask_delete, ask_revoke, delete, enable, revoke};
pub use list::list;
pub use secret::{ask_rotate, end_grace, rotate};
pub use show::show;

use crate::id::CredentialId;

pub const HOME: &str = "/settings/smtp-credentials";

/// The address of one credential's page.
pub fn address(id: &CredentialId) -> String {
    format!("{HOME}/{id}")
}

/// The address of a step in its life: `rotate`, `revoke`, ….
pub fn step(id: &CredentialId, verb: &str) -> String {
    format!("{HOME}/{id}/{verb}")
}
