//! One message on its way to the next hop, command by command.

use metrics::counter;
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::channel::{Channel, Offers};
use super::content::Stuffing;
use super::pool::Place;
use super::said::Said;
use super::{Relay, Trouble};
use crate::smtp::client::{self, Reply};
use crate::telemetry;

/// A connection to the next hop that is one message's. Dropped, the message is given up; where the connection is healthy,
/// it is kept for the next one, in the background after RSET.
pub struct Transfer {
    relay: Relay,
    /// `None` once it is of no use.
    held: Option<(Channel, Place)>,
    offers: Offers,
    /// It was kept from an earlier message and has not answered since: the next hop may have closed it.
    reused: bool,
    /// MAIL was said and the message was not taken. (Postfix keeps some of it even where it says no, be it to the end.)
    begun: bool,
}

/// What MAIL says besides the sender.
#[derive(Clone, Copy, Debug, Default)]
pub struct MailOptions {
    /// Bytes of the message, where they are known; told where the next hop takes it (RFC 1870).
    pub size: Option<u64>,
    /// BODY=8BITMIME (RFC 6152).
    pub eight_bit: bool,
    /// SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
}

impl Transfer {
    pub(super) fn new(relay: Relay, place: Place, channel: Channel, reused: bool) -> Self {
        Transfer { relay, offers: channel.offers, held: Some((channel, place)), reused, begun: false }
    }

    pub(super) fn is_reused(&self) -> bool {
        self.reused
    }

    /// What the next hop can do. To be asked before MAIL.
    pub fn offers(&self) -> Offers {
        self.offers
    }

    fn channel(&mut self) -> Result<&mut Channel, Trouble> {
        match &mut self.held {
            Some((channel, _)) => Ok(channel),
            None => Err(client::Trouble::HungUp.into()),
        }
    }

    /// Begins the message; to be called once. `sender` is empty for `<>`. A connection that was kept and gives no answer is replaced by a new
    /// one, once: nothing was sent on it yet.
    pub async fn mail(&mut self, sender: &str, options: MailOptions) -> Result<Said, Trouble> {
        let mut said = self.begin(sender, options).await;
        if self.reused && is_gone(&said) {
            self.replace().await?;
            said = self.begin(sender, options).await;
        }
        self.reused = false;
        let said = said?;
        self.channel()?.messages += 1;
        Ok(said)
    }

    /// Opens a new connection in place of the one that was kept.
    async fn replace(&mut self) -> Result<(), Trouble> {
        let Some((gone, place)) = self.held.take() else { return Err(client::Trouble::HungUp.into()) };
        drop(gone);
        let way = &self.relay.0.way;
        let channel = Channel::open(way, Instant::now() + way.limits.connect).await?;
        counter!(telemetry::NEXT_HOP_CONNECTIONS, "result" => "opened").increment(1);
        self.offers = channel.offers;
        self.held = Some((channel, place));
        Ok(())
    }

    async fn begin(&mut self, sender: &str, options: MailOptions) -> Result<Said, Trouble> {
        let offers = self.offers;
        let mut command = format!("MAIL FROM:<{}>", path(sender)?);
        if let Some(size) = options.size.filter(|_| offers.takes_size) {
            command += &format!(" SIZE={size}");
        }
        for (wanted, offered, name, parameter) in [
            (options.eight_bit, offers.eight_bit, "8BITMIME", " BODY=8BITMIME"),
            (options.smtputf8, offers.smtputf8, "SMTPUTF8", " SMTPUTF8"),
        ] {
            match (wanted, offered) {
                (true, true) => command += parameter,
                (true, false) => return Err(Trouble::NotOffered(name)),
                (false, _) => {}
            }
        }
        self.begun = true;
        self.ask(&command).await
    }

    pub async fn rcpt(&mut self, address: &str) -> Result<Said, Trouble> {
        let command = format!("RCPT TO:<{}>", path(address)?);
        self.ask(&command).await
    }

    async fn ask(&mut self, command: &str) -> Result<Said, Trouble> {
        let limit = self.relay.0.way.limits.answer;
        let reply = self.channel()?.ask(command, limit).await?;
        self.understand(reply)
    }

    /// A yes or a no; what is neither is out of step.
    fn understand(&mut self, reply: Reply) -> Result<Said, Trouble> {
        let Some(said) = Said::heard(&reply) else {
            self.held = None;
            return Err(Trouble::OutOfStep(reply));
        };
        if let Some((channel, _)) = self.held.as_mut().filter(|_| !said.is_yes()) {
            channel.noes += 1;
        }
        Ok(said)
    }

    /// Hands the content over, dot-stuffed, and returns the answer: to DATA, where that is a refusal, else to the end of
    /// the message. `content` is pieces of lines that end with CR LF; it is sent as it is.
    pub async fn data(mut self, content: &[&[u8]]) -> Result<Said, Trouble> {
        let said = self.hand_over(content).await;
        let answer = match &said {
            Ok(said) => said.class(),
            Err(Trouble::Unknown(_)) => "unknown",
            Err(_) => "none",
        };
        counter!(telemetry::NEXT_HOP_MESSAGES, "answer" => answer).increment(1);
        said
    }

    async fn hand_over(&mut self, content: &[&[u8]]) -> Result<Said, Trouble> {
        let limits = self.relay.0.way.limits;
        let go_ahead = self.channel()?.ask("DATA", limits.answer).await?;
        match go_ahead.code {
            354 => {}
            400.. => return self.understand(go_ahead),
            _ => {
                self.held = None;
                return Err(Trouble::OutOfStep(go_ahead));
            }
        }
        let (channel, mut stuffing) = (self.channel()?, Stuffing::new(content));
        if let Some(refusal) = channel.pour(&mut stuffing, limits.answer).await? {
            return self.understand(refusal);
        }
        let reply = channel.end(stuffing.end(), limits.answer, limits.data).await?;
        let said = self.understand(reply).map_err(|trouble| match trouble {
            Trouble::OutOfStep(reply) => Trouble::Unknown(client::Trouble::NotSmtp(reply.to_string())),
            trouble => trouble,
        })?;
        self.begun = !said.is_yes();
        if let Some((channel, _)) = self.held.as_mut().filter(|_| said.is_yes()) {
            channel.noes = 0;
        }
        Ok(said)
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        let (Some((channel, place)), Ok(runtime)) = (self.held.take(), Handle::try_current()) else { return };
        if !channel.is_healthy() {
            return;
        }
        if !self.begun && !channel.is_used_up() {
            self.relay.0.pool.keep(channel);
            drop(place);
        } else {
            runtime.spawn(make_free(self.relay.clone(), channel, place));
        }
    }
}

/// Ends the message that was begun, or the connection where it is used up. Then its place is free.
async fn make_free(relay: Relay, mut channel: Channel, place: Place) {
    if channel.is_used_up() {
        channel.say_goodbye().await;
    } else if channel.reset(relay.0.way.limits.answer).await {
        relay.0.pool.keep(channel);
    }
    drop(place);
}

/// Whether a kept connection turned out to be closed: no answer, or that it ends (421).
fn is_gone(said: &Result<Said, Trouble>) -> bool {
    match said {
        Ok(said) => said.is_goodbye(),
        Err(Trouble::Connection(client::Trouble::Unsayable)) => false,
        Err(trouble) => matches!(trouble, Trouble::Connection(_) | Trouble::OutOfStep(_)),
    }
}

/// An address, unless it would end its path early and be parameters or a command of its own on the wire.
fn path(address: &str) -> Result<&str, Trouble> {
    let (mut quoted, mut escaped) = (false, false);
    let is_safe = address.chars().all(|c| match c {
        _ if c.is_control() => false,
        _ if std::mem::take(&mut escaped) => true,
        '\\' => {
            escaped = quoted;
            quoted
        }
        '"' => {
            quoted = !quoted;
            true
        }
        ' ' | '<' | '>' => quoted,
        _ => true,
    });
    if is_safe && !quoted { Ok(address) } else { Err(client::Trouble::Unsayable.into()) }
}
