//! A credential that is changed while its message comes in: what was confirmed holds for that message.

use gatepost::model::Credential;
use gatepost::model::credential::{Draft, Mode, Scope};
use gatepost::model::message::Outcome;

use super::{RECIPIENT, SENDER, Shop};
use crate::support::{NextHop, Reply, SmtpClient};

/// How a message comes in.
const WAYS: [&str; 2] = ["DATA", "BDAT"];
const LETTER: &[u8] = b"From: shop@acme.example\r\n\r\nHello\r\n";

impl Shop {
    async fn change_to(&self, draft: Draft) {
        let update = async |tx: &mut _, actor: &_, id| Credential::update(tx, actor, id, draft).await;
        self.app.change(&self.credential, update).await;
    }
}

/// The shop's credential in sandbox mode.
fn sandboxed() -> Draft {
    Draft {
        name: "Shop".to_owned(),
        mode: Mode::Sandbox,
        scope: Scope::Global,
        domains: Vec::new(),
        expires_at: None,
    }
}

/// Sends the half of a letter, lets something happen, and sends the rest; returns what is said to it.
async fn send_meanwhile(
    client: &mut SmtpClient,
    (way, letter): (&str, &[u8]),
    change: impl AsyncFnOnce(),
) -> Reply {
    client.expect(250, &format!("MAIL FROM:<{SENDER}>")).await;
    client.expect(250, &format!("RCPT TO:<{RECIPIENT}>")).await;
    let wire = match way {
        "DATA" => {
            client.expect(354, "DATA").await;
            [letter, b".\r\n"].concat()
        }
        _ => {
            client.write(format!("BDAT {} LAST\r\n", letter.len()).as_bytes()).await;
            letter.to_vec()
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
        let answer = send_meanwhile(&mut client, (way, LETTER), async || {
            shop.change_to(sandboxed()).await;
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
async fn a_message_whose_return_path_is_out_of_scope_meanwhile_is_not_taken() {
    for way in WAYS {
        let hop = NextHop::plain().await;
        let shop = Shop::before(&hop).await;
        shop.app.verified("acme.org").await;
        let mut client = shop.client().await;
        let letter = b"From: shop@acme.org\r\n\r\nHello\r\n";
        let answer = send_meanwhile(&mut client, (way, letter), async || {
            let draft = Draft {
                mode: Mode::Production,
                scope: Scope::Scoped,
                domains: vec!["acme.org".to_owned()],
                ..sandboxed()
            };
            shop.change_to(draft).await;
        })
        .await;
        assert_eq!(answer.code, 553, "{way}: {answer:?}");
        assert!(answer.text().contains("Sender domain acme.example"), "{way}: {answer:?}");
        assert!(shop.log().await.is_empty() && hop.connection().messages.is_empty(), "{way}");
    }
}

#[tokio::test]
async fn a_message_of_a_credential_that_was_revoked_meanwhile_is_not_taken() {
    for way in WAYS {
        let hop = NextHop::plain().await;
        let shop = Shop::before(&hop).await;
        let mut client = shop.client().await;
        let answer = send_meanwhile(&mut client, (way, LETTER), async || {
            shop.app.change(&shop.credential, Credential::revoke).await;
        })
        .await;
        assert_eq!(answer.code, 421, "{way}: {answer:?}");
        assert!(shop.log().await.is_empty() && hop.connection().messages.is_empty(), "{way}");
    }
}
