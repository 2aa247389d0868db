//! Mail that credentials send: from which domains, at whose expense, and that none is lost.

mod credits;
mod kill;
mod memory;
mod refused;
mod rules;
mod sandbox;

use crate::support::{Issued, Reply, SmtpClient, TestApp};

/// A connection that has signed in.
async fn signed_in(app: &TestApp, issued: &Issued) -> SmtpClient {
    let mut client = app.smtp().await;
    let reply = client.log_in(&issued.username, &issued.password).await;
    assert_eq!(reply.code, 235, "{reply:?}");
    client
}

/// What is said to one message with this return path and these fields: the first refusal, or what follows its end.
async fn send(client: &mut SmtpClient, sender: &str, fields: &str) -> Reply {
    for (command, code) in [
        (format!("MAIL FROM:<{sender}> SMTPUTF8"), 250),
        ("RCPT TO:<bob@example.org>".to_owned(), 250),
        ("DATA".to_owned(), 354),
    ] {
        let reply = client.command(&command).await;
        if reply.code != code {
            client.expect(250, "RSET").await;
            return reply;
        }
    }
    client.command(&format!("{fields}\r\n\r\nHello\r\n.")).await
}
