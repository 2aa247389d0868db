//! From the SMTP door to the page: what an application sends in sandbox mode, and what webhooks are told of it.

use gatepost::model::Webhook;
use gatepost::model::credential::{Draft, Mode, Scope};
use gatepost::model::webhook::{AllowedNetworks, Draft as WebhookDraft, EventType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::HOME;
use crate::support::{Issued, TestApp};

/// An endpoint that says yes to everything, on a connection for each.
async fn endpoint() -> String {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", socket.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = socket.accept().await {
            tokio::spawn(async move {
                let mut request = vec![0; 64 * 1024];
                let _length = stream.read(&mut request).await;
                let _sent = stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await;
            });
        }
    });
    url
}

async fn hears_everything(app: &TestApp, url: String) {
    let (name, events) = ("Shop system".to_owned(), EventType::ALL.to_vec());
    let draft = WebhookDraft { name, url, events, scope: Scope::Global, domains: Vec::new() };
    let actor = app.operator().await;
    let mut tx = app.app.db.begin().await.unwrap();
    Webhook::create(&mut tx, &actor, draft, &AllowedNetworks::new(&app.app.config.webhook_allowed_networks))
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

/// An application sends a message.
async fn send(app: &TestApp, by: &Issued, message: &str) {
    let mut client = app.smtp().await;
    assert_eq!(client.log_in(&by.username, &by.password).await.code, 235);
    client.expect(250, "MAIL FROM:<shop@acme.example>").await;
    client.expect(250, "RCPT TO:<bob@customer.example>").await;
    client.expect(250, "RCPT TO:<eve@customer.example>").await;
    client.expect(354, "DATA").await;
    client.expect(250, &format!("{message}\r\n.")).await;
    client.expect(221, "QUIT").await;
}

#[tokio::test]
async fn what_an_application_sends_appears_with_all_that_it_holds_and_what_webhooks_were_told() {
    let app =
        TestApp::with_config(|config| config.set("webhook_allowed_networks", "127.0.0.0/8").unwrap()).await;
    app.verified("acme.example").await;
    hears_everything(&app, endpoint().await).await;
    let shop = app
        .issue_as(Draft {
            name: "Shop".to_owned(),
            mode: Mode::Sandbox,
            scope: Scope::Global,
            domains: Vec::new(),
            expires_at: None,
        })
        .await;
    let mut alice = app.alice_at_a_desk().await;
    alice.goto(HOME).await;
    alice.sees("No message yet").await;
    let header = "From: Shop <shop@acme.example>\r\nTo: bob@customer.example\r\nSubject: =?utf-8?q?Gr=C3=B6=C3=9Fe?=\r\n\
        Bcc: eve@customer.example\r\nAhaSend-Sandbox-Result: bounce\r\n";
    send(&app, &shop, &format!("{header}\r\nDear Bob,\r\n..it is on its way.")).await;
    alice.sees("bob@customer.example and 1 more").await;
    alice.click("Größe").await;
    for fact in ["2 recipients", "eve@customer.example", "Bounced", "Sandbox", "client.example", "127.0.0.1"]
    {
        alice.sees(fact).await;
    }
    alice.sees("Dear Bob, .it is on its way.").await;
    alice.click("Headers").await;
    alice.sees("Received").await;
    alice.sees_no("AhaSend-Sandbox-Result").await;
    alice.sees_no("Bcc").await;
    for told in ["message.reception", "message.bounced", "Shop system", "1 of 6"] {
        alice.sees(told).await;
    }
    alice.sees_no("Pending").await;
    alice.inspect("message-with-deliveries").await;
    alice.close().await;
}
