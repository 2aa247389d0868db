//! That a form does not undo unseen what somebody else changed after it was opened.

use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// What the form carries: when that with which it was filled was changed last.
pub fn mark(updated_at: Timestamp) -> String {
    updated_at.as_micros().to_string()
}

/// # Errors
/// `seen`, where it was changed after the form was filled. Without a mark nothing is compared.
pub fn must_be_the_newest(mark_of_form: &str, updated_at: Timestamp) -> Result<()> {
    if mark_of_form.is_empty() || mark_of_form == mark(updated_at) {
        return Ok(());
    }
    Err(Error::invalid("seen", "Somebody changed it after you opened this. Save again to replace that."))
}
