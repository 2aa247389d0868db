//! Any bytes after DATA, in any pieces: exactly one message is found in them, or that there can't be one.

#![no_main]

mod onward;
#[path = "../../tests/it/smtp/sequences/reference.rs"]
mod reference;

use gatepost::smtp::data::incoming::{Fault, Incoming};
use gatepost::smtp::data::memory::Memory;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let [limit, first, second, bytes @ ..] = input else { return };
    let limit = u64::from(*limit) * 4;
    let mut incoming = Incoming::new(limit, Memory::new(u64::MAX).share());
    incoming.expect_dot();
    let mut used = 0;
    let mut sizes = [*first, *second].into_iter().cycle().map(|size| usize::from(size) + 1);
    while used < bytes.len() && !incoming.is_done() {
        let piece = &bytes[used..bytes.len().min(used + sizes.next().unwrap_or(1))];
        used += incoming.take(piece);
    }

    match (reference::spoiled(bytes), reference::end(bytes)) {
        (spoiled, Some(end)) if spoiled.is_none_or(|at| at >= end) => {
            let content = reference::unstuffed(&bytes[..end]);
            assert!(incoming.is_done());
            assert_eq!((used, incoming.size()), (end, content.len() as u64));
            if content.len() as u64 > limit {
                assert_eq!((incoming.fault(), incoming.content()), (Some(Fault::TooBig), &b""[..]));
            } else {
                assert_eq!((incoming.fault(), incoming.content()), (None, content.as_slice()));
                onward::holds(&content);
            }
        }
        (Some(at), _) => {
            assert!(incoming.is_done() && incoming.fault().is_some_and(Fault::hides_the_end));
            assert_eq!(incoming.content(), b"", "nothing is held of what will be refused");
            assert!(used <= at + 2, "nothing behind it is looked at");
        }
        (None, _) => {
            assert!(!incoming.is_done(), "more is to come");
            assert_eq!(used, bytes.len());
        }
    }
});
