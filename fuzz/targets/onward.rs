//! What holds for every message that was taken, whatever is in it: nothing of it is lost, and the next hop reads the same one.

use std::net::Ipv4Addr;

use gatepost::clock::Timestamp;
use gatepost::id::MessageId;
use gatepost::smtp::data::header::{Header, Trace};
use gatepost::smtp::data::mailbox::{self, NoList};
use gatepost::smtp::relay::Stuffing;

use crate::reference;

pub fn holds(content: &[u8]) {
    let Ok((header, body)) = Header::split(content) else { return };
    let fields: usize = header.fields.iter().map(|field| field.whole.len()).sum();
    let blank = content.len() - fields - body.len();
    assert!(blank == 2 || (blank == 0 && body.is_empty()), "every byte is in a field or in the body");
    for field in &header.fields {
        // Whatever it holds: a list of addresses, or a place where it is none.
        if let Err(NoList::Malformed(at)) = mailbox::list(field.body) {
            assert!(at <= field.body.len());
        }
    }
    let mended = header.mended(&trace());
    let ends_well = Header::split(&mended).is_ok_and(|(again, rest)| {
        let adds = ["Received", "Date", "Message-ID"].into_iter().all(|name| again.has(name));
        let hides = !["Bcc", "Resent-Bcc", "Return-Path"].into_iter().any(|name| again.has(name));
        adds && hides && rest.is_empty()
    });
    assert!(ends_well && mended.ends_with(b"\r\n\r\n"));
    is_read_by_the_next_hop(&mended, body);
}

fn trace() -> Trace<'static> {
    Trace {
        id: MessageId::new(),
        at: Timestamp::from_micros(0),
        hello: "client.example",
        client: Ipv4Addr::LOCALHOST.into(),
        host: "mail.example",
        smtputf8: false,
    }
}

fn is_read_by_the_next_hop(header: &[u8], body: &[u8]) {
    let pieces = [header, body];
    let (mut stuffing, mut chunk, mut wire) = (Stuffing::new(&pieces), Vec::new(), Vec::new());
    while stuffing.fill(&mut chunk) {
        wire.extend_from_slice(&chunk);
    }
    wire.extend_from_slice(stuffing.end());
    assert_eq!(reference::spoiled(&wire), None);
    assert_eq!(reference::end(&wire), Some(wire.len()), "nothing is smuggled behind it");
    assert_eq!(reference::unstuffed(&wire), pieces.concat());
}
