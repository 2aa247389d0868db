//! Any bytes in any chunks of BDAT, in any pieces: each chunk takes its own bytes, and together they are one message or none.

#![no_main]

mod onward;
#[path = "../../tests/it/smtp/sequences/reference.rs"]
mod reference;

use gatepost::smtp::data::incoming::{Fault, Incoming};
use gatepost::smtp::data::memory::Memory;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let [limit, first, second, piece, bytes @ ..] = input else { return };
    let (limit, piece) = (u64::from(*limit) * 4, usize::from(*piece) + 1);
    let mut incoming = Incoming::new(limit, Memory::new(u64::MAX).share());
    let mut rest = bytes;
    let mut sizes = [*first, *second, 1].into_iter().cycle().map(usize::from);
    while !rest.is_empty() {
        let size = sizes.next().unwrap_or(1).min(rest.len());
        let mut left = size;
        incoming.expect_chunk(size as u64);
        while !incoming.is_done() {
            // What follows the chunk may have come with it.
            let taken = incoming.take(&rest[..piece.min(rest.len())]);
            assert!(0 < taken && taken <= left);
            rest = &rest[taken..];
            left -= taken;
        }
        assert_eq!(left, 0, "exactly the chunk is taken");
    }
    incoming.end_chunks();

    let mut content = bytes.to_vec();
    if content.last().is_some_and(|byte| *byte != b'\n') {
        content.extend_from_slice(b"\r\n");
    }
    let is_spoiled = reference::spoiled(bytes).is_some() || bytes.ends_with(b"\r");
    let is_too_big = content.len() as u64 > limit;
    match incoming.fault() {
        Some(Fault::TooBig) => assert!(is_too_big && !is_spoiled),
        Some(fault) => assert!(is_spoiled && fault.hides_the_end()),
        None => assert!(!is_spoiled && !is_too_big),
    }
    if incoming.fault().is_some() {
        assert_eq!(incoming.content(), b"", "nothing is held of what will be refused");
    } else {
        assert_eq!(incoming.content(), content);
        onward::holds(&content);
    }
});
