//! What a message holds, on the command line.

use serde_json::Value;

use crate::support::TestApp;

#[tokio::test]
async fn a_message_is_printed_as_it_was_taken() {
    let app = TestApp::start().await;
    app.verified("acme.example").await;
    let shop = app.issue_for_sandbox("Shop").await;
    let mut client = app.smtp().await;
    assert_eq!(client.log_in(&shop.username, &shop.password).await.code, 235);
    client.expect(250, "MAIL FROM:<shop@acme.example>").await;
    client.expect(250, "RCPT TO:<bob@example.org>").await;
    client.expect(354, "DATA").await;
    let content = "From: shop@acme.example\r\nSubject: Order\r\n\r\nOne.\r\n.hidden\r\n";
    assert_eq!(client.send(content.as_bytes()).await.code, 250);
    let listed = app.installation.run(&["message", "list", "--json"]).await.stdout();
    let message: Value = listed.trim().parse().expect("one message");
    let id = message["id"].as_str().expect("an id");
    let source = app.installation.run(&["message", "source", id]).await.stdout();
    assert!(source.starts_with("Received: from client.example ") && source.ends_with(content), "{source}");
}
