//! Property tests: no content of a message, however it is cut and whatever it holds, breaks its reader, hides its end, or
//! slips an address past the rules.

use gatepost::smtp::data::header::Header;
use gatepost::smtp::data::incoming::{Fault, Incoming};
use gatepost::smtp::data::mailbox::{self, NoList};
use gatepost::smtp::data::memory::Memory;
use proptest::collection::vec;
use proptest::prelude::*;

/// Inputs of each property; together they are more than a million.
const CASES: u32 = 300_000;
const LIMIT: u64 = 300;

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: CASES,
        max_shrink_iters: 10_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Bytes of which messages, and the troubles of their ends, are made.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => Just(b"\r\n".to_vec()),
        8 => Just(b"\r\n.\r\n".to_vec()),
        4 => Just(b".".to_vec()),
        1 => Just(b"\r".to_vec()),
        1 => Just(b"\n".to_vec()),
        1 => Just(b"\0".to_vec()),
        6 => Just(b"From: a@b.c".to_vec()),
        1 => Just(vec![b'x'; 200]),
        6 => vec(any::<u8>(), 0..9),
    ];
    vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn incoming() -> Incoming {
    Incoming::new(LIMIT, Memory::new(1_000_000).share())
}

type Outcome = Result<Vec<u8>, Option<Fault>>;

/// What is made of bytes after DATA that come in pieces of these sizes, and how many belong to the message.
fn data(bytes: &[u8], sizes: &[usize]) -> (Outcome, usize) {
    let mut incoming = incoming();
    incoming.expect_dot();
    let mut at = 0;
    let mut sizes = sizes.iter().cycle();
    while at < bytes.len() && !incoming.is_done() {
        let end = bytes.len().min(at + sizes.next().copied().unwrap_or(bytes.len()));
        at += incoming.take(&bytes[at..end]);
    }
    (outcome(&incoming, incoming.is_done()), at)
}

fn outcome(incoming: &Incoming, done: bool) -> Outcome {
    match incoming.fault() {
        None if done => Ok(incoming.content().to_vec()),
        fault => Err(fault),
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_data_brings_does_not_depend_on_how_it_was_cut(bytes in bytes(), sizes in vec(1..20_usize, 1..4)) {
        let whole = data(&bytes, &[]);
        prop_assert_eq!(&data(&bytes, &sizes), &whole);
        let (outcome, used) = whole;
        if let Ok(content) = outcome {
            // The end is the first CR LF, dot, CR LF, and nothing before it could be taken for one.
            let end = bytes.windows(5).position(|window| window == b"\r\n.\r\n").map(|at| at + 5);
            let end = if bytes.starts_with(b".\r\n") { Some(3) } else { end };
            prop_assert_eq!(Some(used), end);
            let lines: String = content.iter().map(|byte| char::from(*byte)).collect();
            prop_assert!(!lines.replace("\r\n", "").contains(['\r', '\n', '\0']));
            prop_assert!(content.len() as u64 <= LIMIT);
        }
    }

    #[test]
    fn what_bdat_brings_does_not_depend_on_the_chunks(bytes in bytes(), sizes in vec(0..20_usize, 1..4)) {
        let chunked = |sizes: &[usize]| {
            let mut incoming = incoming();
            let (mut at, mut sizes) = (0, sizes.iter().copied().chain([7]).cycle());
            while at < bytes.len() {
                let size = sizes.next().unwrap_or(1).min(bytes.len() - at);
                incoming.expect_chunk(size as u64);
                prop_assert_eq!(incoming.take(&bytes[at..]), size, "exactly the chunk is taken");
                prop_assert!(incoming.is_done());
                at += size;
            }
            incoming.end_chunks();
            Ok(outcome(&incoming, true))
        };
        let whole = chunked(&[bytes.len()])?;
        let pieces = chunked(&sizes)?;
        prop_assert_eq!(pieces.is_ok(), whole.is_ok());
        if let Ok(content) = whole {
            prop_assert_eq!(pieces, Ok(content.clone()));
            prop_assert!(content.is_empty() || content.ends_with(b"\r\n"));
        }
    }

    #[test]
    fn a_header_is_cut_without_losing_a_byte(bytes in bytes()) {
        if let Ok(content) = data(&bytes, &[]).0
            && let Ok((header, body)) = Header::split(&content)
        {
            let fields: usize = header.fields.iter().map(|field| field.whole.len()).sum();
            let blank = content.len() - fields - body.len();
            prop_assert!(blank == 0 && body.is_empty() || blank == 2);
            for field in header.fields {
                // Whatever it holds: a list of addresses, or a place where it is none.
                if let Err(NoList::Malformed(at)) = mailbox::list(field.body) {
                    prop_assert!(at <= field.body.len());
                }
            }
        }
    }

    #[test]
    fn no_address_of_a_from_field_is_skipped(text in "[a-c@.,;:<>()\"\\\\ \\[\\]=?ü]{0,24}") {
        if let Ok(found) = mailbox::list(text.as_bytes()) {
            prop_assert_eq!(found.len(), bare_at_signs(&text));
        }
    }
}

/// Those outside quotes and comments: each parts the two sides of one address.
fn bare_at_signs(text: &str) -> usize {
    let (mut count, mut quoted, mut depth, mut escaped) = (0, false, 0, false);
    for c in text.chars() {
        match c {
            _ if std::mem::take(&mut escaped) => {}
            '\\' if quoted || depth > 0 => escaped = true,
            '"' if depth == 0 => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            '@' if !quoted && depth == 0 => count += 1,
            _ => {}
        }
    }
    count
}
