//! A credential that is changed while its message comes in: what was confirmed holds for that message.

use gatepost::model::Credential;
use gatepost::model::credential::{Draft, Mode, Scope};
use gatepost::model::message::Outcome;

use super::{RECIPIENT, SENDER, Shop, letter};
use crate::support::{NextHop, Reply, SmtpClient};

/// How a message comes in.
const WAYS: [&str; 2] = ["DATA", "BDAT"];

/// Sends the half of a letter, lets something happen, and sends the rest; returns what is said to it.
async fn send_meanwhile(client: &mut SmtpClient, way: &str, change: impl AsyncFnOnce()) -> Reply {
    client.expect(250, &format!("MAIL FROM:<{SENDER}>")).await;
    client.expect(250, &format!("RCPT TO:<{RECIPIENT}>")).await;
    let letter = letter();
    let wire = match way {
        "DATA" => {
            client.expect(354, "DATA").await;
            [b"From: shop@acme.example\r\n\r\nHello\r\n".as_slice(), b".\r\n"].concat()
        }
        _ => {
            client.write(format!("BDAT {} LAST\r\n", letter.len()).as_bytes()).await;
            letter
        }
    };
    let (first, rest) = wire.split_at(wire.len() / 2);
    client.write(first).await;
    change().await;
    client.write(rest).await;
    client.reply().await
}

#[tokio::test]
async fn a_message_of_a_credential_that_was_switched_to_sandbox_meanwhile_goes_no_further() {
    for way in WAYS {
        let hop = NextHop::plain().await;
        let shop = Shop::before(&hop).await;
        let mut client = shop.client().await;
        let answer = send_meanwhile(&mut client, way, async || {
            let draft = Draft {
                name: "Shop".to_owned(),
                mode: Mode::Sandbox,
                scope: Scope::Global,
                domains: Vec::new(),
                expires_at: None,
            };
            shop.app
                .change(&shop.credential, async |tx, actor, id| {
                    Credential::update(tx, actor, id, draft).await
                })
                .await;
        })
        .await;
        assert!(answer.code == 250 && answer.text().contains("sandbox mode"), "{way}: {answer:?}");
        let (message, _) = shop.logged().await;
        assert_eq!((message.mode, message.outcome), (Mode::Sandbox, Outcome::Delivered), "{way}");
        assert_eq!(message.has_content, 1, "{way}: it is kept");
        client.expect(250, "NOOP").await;
        assert!(hop.connection().messages.is_empty(), "{way}");
    }
}

#[tokio::test]
async fn a_message_of_a_credential_that_was_revoked_meanwhile_is_not_taken() {
    for way in WAYS {
        let hop = NextHop::plain().await;
        let shop = Shop::before(&hop).await;
        let mut client = shop.client().await;
        let answer = send_meanwhile(&mut client, way, async || {
            shop.app.change(&shop.credential, Credential::revoke).await;
        })
        .await;
        assert_eq!(answer.code, 421, "{way}: {answer:?}");
        assert!(shop.log().await.is_empty() && hop.connection().messages.is_empty(), "{way}");
    }
}
