//! What was refused for good leaves a trace for whoever looks for a message that never came.

use crate::support::{Act, GatepostProcess, NextHop, TestApp, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_leaves_one_line_without_addresses_in_the_usual_log() {
    let hop = NextHop::plain().await;
    let app = TestApp::start().await;
    app.verified("acme.example").await;
    let shop = app.issue("Shop").await;
    let installation = app.stop().await;
    let process = GatepostProcess::start_with(&installation, |command| {
        command.env("GATEPOST_LOG_LEVEL", "info");
        command.env("GATEPOST_NEXT_HOP_HOST", "localhost").env("GATEPOST_NEXT_HOP_SECURITY", "none");
        command.env("GATEPOST_NEXT_HOP_PORT", hop.address.port().to_string())
    })
    .await;
    let mut client = process.smtp().await.encrypted().await;
    assert_eq!(client.log_in(&shop.username, &shop.password).await.code, 235);
    client.expect(553, "MAIL FROM:<a@evil.example>").await;
    for _ in 0..3 {
        hop.once("RCPT", Act::Says("550 5.1.1 <bob@example.org>: no such user"));
    }
    client.expect(250, "MAIL FROM:<a@acme.example>").await;
    for _ in 0..3 {
        client.expect(550, "RCPT TO:<bob@example.org>").await;
    }
    hop.once("RCPT", Act::Says("530 5.7.1 <bob@example.org>: sign in first"));
    client.expect(451, "RCPT TO:<bob@example.org>").await;
    client.expect(250, "RSET").await;
    for (content, code) in
        [(&b"From: a@evil.example\r\n\r\nHello\r\n"[..], 553), (b"From: a@acme.example\n\nHello\r\n", 554)]
    {
        client.expect(250, "MAIL FROM:<a@acme.example>").await;
        client.expect(250, "RCPT TO:<bob@example.org>").await;
        client.expect(354, "DATA").await;
        assert_eq!(client.send(content).await.code, code);
    }
    let log = eventually("it is all logged", async || {
        let log = process.log();
        log.contains("Bare LF").then_some(log)
    })
    .await;
    let of = |what: &str| log.lines().filter(|line| line.contains(what)).collect::<Vec<_>>();
    for (what, times) in [
        ("a sender was refused", 1),
        ("a recipient was refused", 1),
        ("recipients were refused", 1),
        ("a message was refused", 2),
    ] {
        let lines = of(what);
        assert_eq!(lines.len(), times, "{what}: {log}");
        assert!(lines.iter().all(|line| line.contains(&shop.id)), "{lines:?}");
    }
    assert!(of("a sender was refused")[0].contains("553 5.7.1 Sender domain evil.example"), "{log}");
    assert!(of("a recipient was refused")[0].contains("550 5.1.1 (address) no such user"), "{log}");
    assert!(of("recipients were refused")[0].contains("count=3"), "{log}");
    let [kept_from_the_client] = of("the next hop refuses its session")[..] else { panic!("{log}") };
    assert!(kept_from_the_client.contains("WARN"), "{log}");
    assert!(kept_from_the_client.contains("530 5.7.1 (address) sign in first"), "{log}");
    assert!(!log.contains("bob@") && !log.contains("a@"), "{log}");
    assert!(process.stop().await.success());
}
