//! What a message costs in memory, measured on the running process.

use crate::support::{GatepostProcess, Issued, NextHop, SmtpClient, TestApp};

const LINE: &[u8] = b"0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 \r\n";
const MEGABYTE: u64 = 1_000_000;

/// The process, and a credential whose messages go no further than its log.
async fn start(setting: (&str, &str)) -> (GatepostProcess, Issued, crate::support::Installation) {
    let app = TestApp::start().await;
    app.verified("acme.example").await;
    let staging = app.issue_for_sandbox("Staging").await;
    let installation = app.stop().await;
    let process = GatepostProcess::start_with(&installation, |command| {
        command.env("GATEPOST_LOG_LEVEL", "warn").env(setting.0, setting.1)
    });
    (process.await, staging, installation)
}

/// The same with a next hop, and a credential for production.
async fn start_before(hop: &NextHop) -> (GatepostProcess, Issued, crate::support::Installation) {
    let app = TestApp::start().await;
    app.verified("acme.example").await;
    let shop = app.issue("Shop").await;
    let installation = app.stop().await;
    let process = GatepostProcess::start_with(&installation, |command| {
        command.env("GATEPOST_LOG_LEVEL", "warn").env("GATEPOST_SMTP_MAX_MESSAGE_BYTES", "21000000");
        command.env("GATEPOST_NEXT_HOP_HOST", "localhost").env("GATEPOST_NEXT_HOP_SECURITY", "none");
        command.env("GATEPOST_NEXT_HOP_PORT", hop.address.port().to_string())
    });
    (process.await, shop, installation)
}

/// Sends a message of so many bytes, and returns the code of the answer.
async fn send(process: &GatepostProcess, issued: &Issued, bytes: u64) -> u16 {
    let mut content = b"From: a@acme.example\r\nSubject: Big\r\n\r\n".to_vec();
    while (content.len() as u64) < bytes {
        content.extend_from_slice(LINE);
    }
    send_content(process, issued, &content).await
}

async fn send_content(process: &GatepostProcess, issued: &Issued, content: &[u8]) -> u16 {
    let mut client: SmtpClient = process.smtp().await.encrypted().await;
    assert_eq!(client.log_in(&issued.username, &issued.password).await.code, 235);
    for command in ["MAIL FROM:<a@acme.example>", "RCPT TO:<bob@example.org>"] {
        client.expect(250, command).await;
    }
    client.expect(354, "DATA").await;
    client.send(content).await.code
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_20_megabytes_costs_no_more_than_three_times_its_size() {
    let (process, staging, _here) = start(("GATEPOST_SMTP_MAX_MESSAGE_BYTES", "21000000")).await;
    assert_eq!(send(&process, &staging, 1_000).await, 250);
    let peak = process
        .peak(async || {
            assert_eq!(send(&process, &staging, 20 * MEGABYTE).await, 250);
        })
        .await;
    assert!(peak <= 60 * MEGABYTE, "{peak} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_20_megabytes_costs_no_more_on_its_way_to_the_next_hop() {
    let hop = NextHop::plain().await;
    let (process, shop, _here) = start_before(&hop).await;
    assert_eq!(send(&process, &shop, 1_000).await, 250);
    let peak = process
        .peak(async || {
            assert_eq!(send(&process, &shop, 20 * MEGABYTE).await, 250);
        })
        .await;
    assert!(peak <= 60 * MEGABYTE, "{peak} bytes");
    let arrived: usize = hop.connections().iter().map(|heard| heard.messages.len()).sum();
    assert_eq!(arrived, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_refused_for_its_size_is_not_held() {
    let (process, staging, _here) = start(("GATEPOST_SMTP_MAX_MESSAGE_BYTES", "2000000")).await;
    assert_eq!(send(&process, &staging, 1_000).await, 250);
    let peak = process
        .peak(async || {
            assert_eq!(send(&process, &staging, 40 * MEGABYTE).await, 552);
        })
        .await;
    assert!(peak <= 16 * MEGABYTE, "{peak} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_all_addresses_costs_no_more_than_another() {
    let (process, staging, _here) = start(("GATEPOST_SMTP_MAX_MESSAGE_BYTES", "21000000")).await;
    assert_eq!(send(&process, &staging, 1_000).await, 250);
    let addresses = format!("From: {}a@b\r\n\r\n", "a@b,".repeat(4_900_000));
    let peak = process
        .peak(async || {
            assert_eq!(send_content(&process, &staging, addresses.as_bytes()).await, 554);
        })
        .await;
    assert!(peak <= 60 * MEGABYTE, "{peak} bytes");
}
