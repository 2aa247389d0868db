//! Property tests: no input, however it is cut, makes the line reader or the SASL decoder panic or change its mind.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gatepost::smtp::command::{self, Command};
use gatepost::smtp::line::{Broken, Expect, Line, LineReader};
use gatepost::smtp::sasl::{Mechanism, Problem, Progress};
use proptest::collection::vec;
use proptest::prelude::*;

/// Inputs of each property: the line reader gets a million with them, and so does SASL.
const CASES: u32 = 500_000;

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: CASES,
        max_shrink_iters: 10_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Bytes of which lines, and the troubles of lines, are made.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => Just(b"\r\n".to_vec()),
        2 => Just(b"\r".to_vec()),
        2 => Just(b"\n".to_vec()),
        2 => Just(b"\0".to_vec()),
        6 => Just(b"AUTH PLAIN AGZvbwBiYXI=".to_vec()),
        6 => Just(b"MAIL FROM:<a@b> SIZE=1".to_vec()),
        1 => (0..40_usize).prop_map(|count| vec![b'x'; count * 700]),
        8 => vec(any::<u8>(), 0..12),
        8 => "[ -~]{0,20}".prop_map(String::into_bytes),
    ];
    vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}

/// Everything that the reader makes of `bytes`, when they come in pieces of these sizes.
fn read(bytes: &[u8], sizes: &[usize], expect: Expect) -> (Vec<Line>, Option<Broken>) {
    let mut reader = LineReader::default();
    let mut lines = Vec::new();
    let mut rest = bytes;
    let mut sizes = sizes.iter().cycle();
    loop {
        match reader.next(expect) {
            Ok(Some(line)) => lines.push(line),
            Err(broken) => return (lines, Some(broken)),
            Ok(None) if rest.is_empty() => return (lines, None),
            Ok(None) => {
                let size = sizes.next().copied().unwrap_or(rest.len()).clamp(1, rest.len());
                let (piece, later) = rest.split_at(size);
                reader.feed(piece);
                rest = later;
                assert!(reader.unread() <= 12_288 + size, "no more is kept than one line and one piece");
            }
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn lines_do_not_depend_on_the_pieces_they_came_in(
        bytes in bytes(), sizes in vec(1..5_000_usize, 1..4), response in any::<bool>(),
    ) {
        let expect = if response { Expect::Response } else { Expect::Command };
        let (lines, broken) = read(&bytes, &sizes, expect);
        prop_assert_eq!(&(lines.clone(), broken), &read(&bytes, &[], expect));
        for line in lines {
            if let Line::Text(text) = line {
                prop_assert!(!text.iter().any(u8::is_ascii_control));
                prop_assert!(text.len() + 2 <= 12_288);
            }
        }
    }

    #[test]
    fn any_line_can_be_read_as_a_command(line in vec(any::<u8>(), 0..80), argument in "[ -~]{0,60}") {
        let command = Command::parse(&line);
        prop_assert!(line.len() >= command.argument.len());
        let _ = command::mail(&argument);
        let _ = command::rcpt(&argument);
        let _ = command::chunk(&argument);
        if let Ok(mail) = command::mail(&format!("FROM:<{argument}>")) {
            prop_assert!(mail.sender.is_none_or(|sender| !sender.is_empty() && sender.contains('@')));
        }
    }

    #[test]
    fn any_response_ends_in_a_claim_a_question_or_a_problem(
        first in vec(any::<u8>(), 0..60), second in vec(any::<u8>(), 0..60), encode in any::<bool>(), login in any::<bool>(),
    ) {
        let line = |bytes: &[u8]| if encode { STANDARD.encode(bytes).into_bytes() } else { bytes.to_vec() };
        let mechanism = if login { Mechanism::Login } else { Mechanism::Plain };
        let mut progress = mechanism.begin(None);
        for bytes in [&first, &second] {
            progress = match progress {
                Ok(Progress::Ask(exchange)) => exchange.answer(&line(bytes)),
                done => done,
            };
        }
        if let Ok(Progress::Done(claim)) = progress {
            prop_assert!(claim.username.len() + claim.password.expose().len() <= first.len() + second.len());
        }
    }

    #[test]
    fn what_a_client_encodes_is_what_is_claimed(username in "[^\0]{0,40}", password in "[^\0]{0,40}") {
        let message = STANDARD.encode(format!("\0{username}\0{password}"));
        let Ok(Progress::Done(plain)) = Mechanism::Plain.begin(Some(&message)) else {
            return Err(TestCaseError::fail("PLAIN"));
        };
        prop_assert_eq!((plain.username.as_str(), plain.password.expose()), (username.as_str(), password.as_str()));
        let Ok(Progress::Ask(exchange)) = Mechanism::Login.begin(None) else {
            return Err(TestCaseError::fail("LOGIN asks for the username"));
        };
        let Ok(Progress::Ask(exchange)) = exchange.answer(STANDARD.encode(&username).as_bytes()) else {
            return Err(TestCaseError::fail("LOGIN asks for the password"));
        };
        let Ok(Progress::Done(login)) = exchange.answer(STANDARD.encode(&password).as_bytes()) else {
            return Err(TestCaseError::fail("LOGIN is done"));
        };
        prop_assert_eq!((login.username, login.password.expose()), (username, password.as_str()));
    }
}

#[test]
fn a_message_with_another_number_of_fields_is_malformed() {
    for fields in [0, 1, 3, 4, 100] {
        let message = STANDARD.encode("\0".repeat(fields));
        let problem = Mechanism::Plain.begin(Some(&message)).err();
        assert_eq!(problem, Some(Problem::Malformed), "{fields}");
    }
}
