//! Sequences of what a client says: mostly whole messages, and between them anything.

use std::fmt;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::model::{MAILS, RCPTS};

#[derive(Clone, Debug)]
pub struct Script {
    pub steps: Vec<Step>,
    /// The pieces that the door gets.
    pub sizes: Vec<usize>,
}

#[derive(Clone)]
pub enum Step {
    Says(Vec<u8>),
    /// Hears every answer before it goes on.
    Waits,
    /// DATA, and after 354 this; `blindly`: without waiting for it.
    Data {
        content: Vec<u8>,
        blindly: bool,
    },
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Says(bytes) => write!(f, "{}", bytes.escape_ascii()),
            Step::Waits => f.write_str("(waits)"),
            Step::Data { content, blindly } => write!(f, "DATA({blindly}) {}", content.escape_ascii()),
        }
    }
}

pub fn scripts() -> impl Strategy<Value = Script> {
    let part = prop_oneof![
        3 => message(),
        2 => step().prop_map(|step| vec![step]),
        1 => Just(vec![Step::Waits]),
    ];
    let sizes = prop_oneof![vec(1..6_usize, 1..4), vec(1..128_usize, 1..4), Just(vec![128])];
    (vec(part, 1..10), sizes).prop_map(|(parts, sizes)| Script { steps: parts.concat(), sizes })
}

/// MAIL, RCPT once or more, and content by one way or the other.
fn message() -> impl Strategy<Value = Vec<Step>> {
    let rcpts = vec(line("RCPT", &RCPTS), 1..5);
    let waits = any::<bool>().prop_map(|waits| if waits { vec![Step::Waits] } else { Vec::new() });
    let content = prop_oneof![data().prop_map(|step| vec![step]), chunks()];
    (line("MAIL", &MAILS), rcpts, waits, content)
        .prop_map(|(mail, rcpts, waits, content)| [vec![mail], rcpts, waits, content].concat())
}

fn step() -> impl Strategy<Value = Step> {
    const OTHERS: &[&str] = &[
        "NOOP",
        "noop",
        "RSET",
        "rset now",
        "EHLO client.example",
        "HELO client.example",
        "EHLO",
        "VRFY bob",
        "HELP",
        "EXPN staff",
        "AUTH PLAIN AGE=",
        "STARTTLS",
        "DATA now",
        "QUIT",
        "quit now",
        "HULLO",
        "",
        ".",
        "BDAT 0",
        "BDAT 0 LAST",
        "BDAT 301",
        "BDAT",
        "BDAT x LAST",
        "BDAT 99999999999999999999 LAST",
    ];
    prop_oneof![
        2 => line("MAIL", &MAILS),
        2 => line("RCPT", &RCPTS),
        6 => select(OTHERS).prop_map(|line| Step::Says(format!("{line}\r\n").into_bytes())),
        1 => Just(Step::Says(format!("NOOP {}\r\n", "x".repeat(3_000)).into_bytes())),
        1 => body(4).prop_map(|rubbish| Step::Says([b"x", rubbish.as_slice()].concat())),
        2 => data(),
    ]
}

/// Mostly the first of these arguments.
fn line(verb: &'static str, arguments: &'static [(&'static str, u16)]) -> impl Strategy<Value = Step> {
    let argument =
        prop_oneof![3 => Just(arguments[0].0), 1 => select(arguments).prop_map(|(argument, _)| argument)];
    argument.prop_map(move |argument| Step::Says(format!("{verb} {argument}\r\n").into_bytes()))
}

/// DATA. Mostly with its dots doubled and its end; not always.
fn data() -> impl Strategy<Value = Step> {
    let (stuffs, ends) = (prop::bool::weighted(0.8), prop::bool::weighted(0.9));
    (content(), stuffs, ends, any::<bool>()).prop_map(|(mut content, stuffs, ends, blindly)| {
        if stuffs {
            let lines = content.split_inclusive(|byte| *byte == b'\n');
            let dot = |line: &[u8]| if line.starts_with(b".") { b".".to_vec() } else { Vec::new() };
            content = lines.flat_map(|line| [dot(line), line.to_vec()].concat()).collect();
        }
        if ends {
            content.extend_from_slice(if content.ends_with(b"\r\n") { b".\r\n" } else { b"\r\n.\r\n" });
        }
        Step::Data { content, blindly }
    })
}

/// BDAT so often that it brings all of a content, mostly with the sizes that are true.
fn chunks() -> impl Strategy<Value = Vec<Step>> {
    let off = || prop_oneof![12 => Just(0), 1 => -3..12_isize];
    let cuts = vec((0..90_usize, off()), 0..4);
    (content(), cuts, off(), prop::bool::weighted(0.9), any::<bool>()).prop_map(
        |(content, cuts, off, ends, ends_empty)| {
            let (mut steps, mut rest) = (Vec::new(), content.as_slice());
            for (size, off) in cuts {
                let (chunk, later) = rest.split_at(size.min(rest.len()));
                steps.push(bdat(chunk, off, ""));
                rest = later;
            }
            if ends && ends_empty {
                steps.extend([bdat(rest, off, ""), bdat(b"", 0, " LAST")]);
            } else {
                steps.push(bdat(rest, off, if ends { " LAST" } else { "" }));
            }
            steps
        },
    )
}

/// A chunk that is announced with so many bytes more than it has.
fn bdat(chunk: &[u8], off: isize, last: &str) -> Step {
    let size = chunk.len().saturating_add_signed(off);
    Step::Says([format!("BDAT {size}{last}\r\n").as_bytes(), chunk].concat())
}

fn content() -> impl Strategy<Value = Vec<u8>> {
    const BAD: &[&str] =
        &["fRoM:<alice@acme.example>\r\n", "From: eve@evil.example\r\n\r\n", "Subject: x\r\n\r\n", ""];
    let header = prop_oneof![
        3 => Just("From: alice@acme.example\r\n\r\n"),
        1 => Just("From: Alice\r\n <alice@acme.example>\r\nSubject: x\r\n\r\n"),
        1 => select(BAD),
    ];
    (header, body(8)).prop_map(|(header, body)| [header.as_bytes(), &body].concat())
}

/// Lines, things that look like commands or ends, and in one of several what no message may hold.
fn body(pieces: usize) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => "[x.: ]{0,20}\r\n".prop_map(String::into_bytes),
        2 => vec(0x80..=0xff_u8, 1..6),
        1 => Just(vec![b'x'; 150]),
        10 => select(&["\r\n", ".\r\n", "..\r\n", "\r\n.\r\n", ".", "RSET\r\n", "QUIT\r\n", "MAIL FROM:<alice@acme.example>\r\n"][..])
            .prop_map(|text| text.as_bytes().to_vec()),
    ];
    let trouble = prop_oneof![
        9 => Just(""),
        1 => select(&["\r", "\n", "\0", "\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r\n", "\r\n.\r"][..]),
    ];
    (vec(piece, 0..pieces), trouble, any::<prop::sample::Index>()).prop_map(|(mut pieces, trouble, at)| {
        pieces.insert(at.index(pieces.len() + 1), trouble.as_bytes().to_vec());
        pieces.concat()
    })
}
