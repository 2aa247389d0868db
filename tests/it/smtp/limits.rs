//! How many may come, how fast, and for how long.

use std::time::Duration;

use tokio::process::Command;

use super::door::Door;
use super::wire::Wire;
use crate::support::{GatepostProcess, Installation, PATIENCE, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_client_with_too_many_connections_is_told_and_sent_away() {
    let door = Door::open_with(&[("smtp_max_connections_per_address", "2")]).await;
    let mut alice = door.connect().await;
    alice.hears("220 *").await;
    let mut bob = door.connect().await;
    bob.hears("220 *").await;
    let mut carol = door.connect().await;
    carol.hears("421 4.7.0 Too many connections from your address").await;
    carol.is_closed().await.unwrap();
    alice.asks("QUIT", "221 *").await;
    alice.is_closed().await.unwrap();
    // The place is free a moment after the client sees the end.
    welcome_again(&door).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_door_sends_everyone_away() {
    let door = Door::open_with(&[("smtp_max_connections", "1")]).await;
    let mut alice = door.connect().await;
    alice.hears("220 *").await;
    let mut bob = door.connect().await;
    bob.hears("421 4.3.2 Too many connections*").await;
    bob.is_closed().await.unwrap();
    alice.asks("NOOP", "250 *").await;
    drop(alice);
    welcome_again(&door).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_connects_too_often_in_a_minute_is_told_and_sent_away() {
    let door = Door::open_with(&[("smtp_new_connections_per_minute", "3")]).await;
    for _ in 0..3 {
        let mut wire = door.connect().await;
        wire.hears("220 *").await;
        wire.asks("QUIT", "221 *").await;
    }
    let mut wire = door.connect().await;
    wire.hears("421 4.7.0 Too many new connections*").await;
    wire.is_closed().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_client_of_implicit_tls_is_closed_without_a_word_in_clear() {
    let door = Door::open_with(&[("smtp_max_connections", "1")]).await;
    let mut alice = door.connect().await;
    alice.hears("220 *").await;
    let mut bob = Wire::connect(door.implicit()).await;
    bob.is_closed().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_that_is_refused_may_come_piece_by_piece_and_is_answered_at_its_end() {
    let door = Door::open_with(&[("smtp_idle_timeout", "2s")]).await;
    let mut wire = door.sign_in().await;
    wire.sends(b"BDAT 60 LAST\r\n").await;
    // Only all of them together take longer than the limit.
    let mut pace = tokio::time::interval(Duration::from_millis(500));
    for _ in 0..6 {
        pace.tick().await;
        wire.sends(b"0123456789").await;
    }
    wire.hears("503 5.5.1 *").await;
    wire.asks("NOOP", "250 *").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_does_not_go_on_is_ended_in_time() {
    let door = Door::open_with(&[("smtp_login_timeout", "3s")]).await;
    let mut silent = Wire::connect(door.implicit()).await;
    silent.is_closed().await.unwrap();
    let mut half = door.connect().await;
    half.hears("220 *").await;
    half.asks("EHLO client.example", "250-*").await;
    half.asks("STARTTLS", "220 *").await;
    // The beginning of a TLS record that never ends.
    half.sends(b"\x16\x03\x01\x02\x00").await;
    half.is_closed().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_trickles_a_line_byte_by_byte_is_ended_in_time() {
    let door = Door::open_with(&[("smtp_idle_timeout", "1s")]).await;
    let mut slow = door.connect().await;
    slow.hears("220 *").await;
    let mut sent = 0;
    let said = loop {
        match tokio::time::timeout(Duration::from_millis(50), slow.line()).await {
            Ok(said) => break said,
            Err(_) => slow.sends(b"x").await,
        }
        sent += 1;
        assert!(sent < 400, "it may go on for ever");
    };
    assert!(said.is_some_and(|line| line.starts_with("421 4.4.2 ")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_nothing_is_ended_in_time() {
    let door = Door::open_with(&[("smtp_max_connections", "1"), ("smtp_idle_timeout", "1s")]).await;
    let mut deaf = door.connect().await;
    // More replies than the buffers between hold, and none of them is read.
    let flood = "EHLO client.example\r\n".repeat(2_000);
    for _ in 0..200 {
        let sent = tokio::time::timeout(Duration::from_millis(200), deaf.sends(flood.as_bytes()));
        if sent.await.is_err() {
            break;
        }
    }
    welcome_again(&door).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_half_open_connections_do_not_keep_an_honest_client_out() {
    let door = Door::open().await;
    let mut half_open = Vec::new();
    for _ in 0..50 {
        half_open.push(door.connect().await);
        half_open.push(Wire::connect(door.implicit()).await);
        if half_open.len() >= 90 {
            break;
        }
    }
    door.sign_in().await.asks("QUIT", "221 *").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_door_that_ran_out_of_files_opens_again_when_there_are_some() {
    let here = Installation::new().await;
    let gatepost = GatepostProcess::start(&here).await;
    let limit =
        Command::new("prlimit").args(["--nofile=64:64", "--pid", &gatepost.pid().to_string()]).status();
    assert!(limit.await.is_ok_and(|status| status.success()), "prlimit sets limits");
    let mut crowd = Vec::new();
    for _ in 0..80 {
        crowd.push(Wire::connect(gatepost.door.address).await);
    }
    let complaint = "the SMTP door can't accept connections";
    eventually(complaint, async || gatepost.log().contains(complaint).then_some(())).await;
    drop(crowd);
    Wire::connect(gatepost.door.address).await.hears("220 *").await;
    assert!(gatepost.stop().await.success());
}

/// A new client is greeted, at the latest a moment from now.
async fn welcome_again(door: &Door) {
    let welcome = async { while door.connect().await.expects("220 *").await.is_err() {} };
    let given_back = tokio::time::timeout(PATIENCE, welcome).await;
    given_back.expect("the place of a connection that ended is given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_listens_only_at_the_end_hears_why_its_big_message_was_refused() {
    let door = Door::open().await;
    let lines = b"A line that ends with LF alone, as files do\n".repeat(70_000);
    let begins = async |recipient: &str| {
        let mut client = door.app.smtp().await;
        client.log_in(&door.credential.username, &door.credential.password).await;
        client.expect(250, "MAIL FROM:<alice@acme.example>").await;
        client.expect(250, recipient).await;
        client
    };
    let mut client = begins("RCPT TO:<bob@example.org>").await;
    client.expect(354, "DATA").await;
    client.write(&lines).await;
    client.write(b"\r\n.\r\nQUIT\r\n").await;
    let answer = client.reply().await;
    assert!(answer.code == 554 && answer.text().contains("Bare LF"), "{answer:?}");
    assert!(client.is_over().await, "what came behind it is no command");

    let mut client = begins("RCPT TO:<carol@example.org>").await;
    let chunks: Vec<&[u8]> = lines.chunks(64_000).collect();
    let last = chunks.len() - 1;
    for (number, chunk) in chunks.iter().enumerate() {
        let word = if number == last { " LAST" } else { "" };
        client.write(format!("BDAT {}{word}\r\n", chunk.len()).as_bytes()).await;
        client.write(chunk).await;
    }
    for _ in &chunks {
        let answer = client.reply().await;
        assert!(answer.code == 554 && answer.text().contains("Bare LF"), "{answer:?}");
    }
    client.expect(250, "NOOP").await;
}
