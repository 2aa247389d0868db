//! Endpoints by https: the certificate is checked.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{Authority, GatepostProcess, Installation, acceptor, eventually};

/// Says 204 to whoever speaks TLS with it. Its certificate is for `localhost`.
async fn endpoint(authority: &Authority) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = acceptor(authority);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(socket).await else { continue };
            let mut request = Vec::new();
            while !request.ends_with(b"}}") && stream.read_buf(&mut request).await.is_ok_and(|read| read > 0)
            {
            }
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    address
}

/// What the page of the newest delivery says, once it has been tried.
async fn told(here: &Installation, trusted: bool, port: u16, authority: &Authority) -> String {
    let process = GatepostProcess::start_with(here, |command| {
        command.env("GATEPOST_WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8,::1");
        if trusted { command.env("SSL_CERT_FILE", &authority.root) } else { command }
    })
    .await;
    let alice = process.visitor();
    alice
        .set_up(process.setup_link.as_deref().unwrap(), "alice@acme.example", "correct horse battery staple")
        .await;
    let url = format!("https://localhost:{port}/hook");
    let form = [("name", "Hook"), ("url", url.as_str()), ("events", "message.bounced")];
    let created = alice.post("/settings/webhooks", &form).await;
    let page =
        created.body.split('"').find(|part| part.starts_with("/settings/webhooks/0")).unwrap().to_owned();
    let sent = alice.post(&format!("{page}/test"), &[("event", "message.bounced")]).await;
    let delivery = sent.location().to_owned();
    let said = eventually("it was tried", async || {
        let page = alice.page(&delivery).await;
        (!page.contains("It has not been sent yet")).then_some(page)
    })
    .await;
    assert!(process.stop().await.success());
    said
}

#[tokio::test]
async fn an_endpoint_is_believed_only_with_a_certificate_of_an_authority_that_the_machine_trusts() {
    let (one, other) = (Installation::new().await, Installation::new().await);
    let authority = Authority::new(one.dir());
    let port = endpoint(&authority).await.port();
    let trusted = told(&one, true, port, &authority).await;
    assert!(trusted.contains("HTTP 204"), "{trusted}");
    let stranger = told(&other, false, port, &authority).await;
    assert!(stranger.contains("No connection: invalid peer certificate"), "{stranger}");
}
