//! Settings > Members: who may log in here, whom owners invite, and what owners do with them.
//!
//! Each dialog is a page of its own too; htmx is given the block `dialog` of it.

mod invitation;
mod life;
mod list;

pub use invitation::{cancel, create, new};
pub use life::{ask_remove, remove, set_role};
pub use list::list;

use crate::id::MemberId;

const HOME: &str = "/settings/members";

/// The address of a step in their life: `role`, `remove`.
fn step(id: &MemberId, verb: &str) -> String {
    format!("{HOME}/{id}/{verb}")
}
