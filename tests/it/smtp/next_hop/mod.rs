//! The way to the next hop, against one that does what each test says.

mod answers;
mod channel;
mod content;
mod opening;
mod pool;
mod postfix;

use std::time::Duration;

use gatepost::config::Config;
use gatepost::id::CredentialId;
use gatepost::smtp::relay::{MailOptions, Relay, Said, Transfer, Trouble};

use crate::support::NextHop;

const SENDER: &str = "shop@acme.example";
const RECIPIENT: &str = "bob@example.org";
const HEADER: &[u8] = b"Subject: Hello\r\n\r\n";
const BODY: &[u8] = b"First line\r\n.hidden\r\n.\r\nLast line\r\n";
/// More than the buffers of a connection hold: the sender waits while the other side does not read.
const BIG: usize = 16_000_000;

fn relay(hop: &NextHop) -> Relay {
    relay_with(hop, |_| ())
}

/// `change`: other settings than the usual ones.
fn relay_with(hop: &NextHop, change: impl FnOnce(&mut Config)) -> Relay {
    let mut config = Config { smtp_host: "gate.acme.example".to_owned(), ..Config::default() };
    hop.configure(&mut config);
    change(&mut config);
    Relay::new(&config).expect("settings").expect("a next hop")
}

/// One that is soon tired of waiting.
fn impatient(hop: &NextHop) -> Relay {
    relay_with(hop, |config| {
        let limit = Duration::from_secs(3);
        (config.next_hop_connect_timeout, config.next_hop_timeout) = (limit, limit);
        config.next_hop_data_timeout = limit;
    })
}

async fn open(relay: &Relay) -> Transfer {
    relay.open(CredentialId::new()).await.expect("a connection")
}

/// A transfer with sender and recipient named.
async fn begun(relay: &Relay) -> Transfer {
    let mut transfer = open(relay).await;
    assert_eq!(transfer.mail(SENDER, MailOptions::default()).await.expect("an answer").code, 250);
    assert_eq!(transfer.rcpt(RECIPIENT).await.expect("an answer").code, 250);
    transfer
}

/// A whole message, up to the first no.
async fn send(relay: &Relay) -> Result<Said, Trouble> {
    let mut transfer = relay.open(CredentialId::new()).await?;
    let said = transfer.mail(SENDER, MailOptions::default()).await?;
    let said = if said.is_yes() { transfer.rcpt(RECIPIENT).await? } else { said };
    if said.is_yes() {
        return transfer.data(&[HEADER, BODY]).await;
    }
    Ok(said)
}

fn big_body() -> Vec<u8> {
    b"0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 012345678\r\n".repeat(BIG / 77)
}
