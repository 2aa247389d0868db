//! Any From field: no address in it escapes the rules of a credential's scope.

#![no_main]

use gatepost::smtp::data::mailbox::{self, NoList};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|field: &[u8]| {
    match mailbox::list(field) {
        Ok(found) => assert_eq!(found.len(), bare_at_signs(field)),
        Err(NoList::Malformed(at)) => assert!(at <= field.len()),
        Err(_) => {}
    }
});

/// Those outside quotes and comments: each parts the two sides of one address.
fn bare_at_signs(field: &[u8]) -> usize {
    let (mut count, mut quoted, mut depth, mut escaped) = (0, false, 0, false);
    for byte in field {
        match byte {
            _ if std::mem::take(&mut escaped) => {}
            b'\\' if quoted || depth > 0 => escaped = true,
            b'"' if depth == 0 => quoted = !quoted,
            b'(' if !quoted => depth += 1,
            b')' if !quoted => depth -= 1,
            b'@' if !quoted && depth == 0 => count += 1,
            _ => {}
        }
    }
    count
}
