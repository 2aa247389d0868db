//! One connection to the next hop: opened, greeted, protected, signed in; commands out, answers in, each in its time.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use super::content::Stuffing;
use super::way::Way;
use super::{MOST_MESSAGES, MOST_NOES, Trouble};
use crate::config::NextHopSecurity;
use crate::smtp::client::{self, Log, Reply, Wire, addresses};

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// What the next hop can do, as it said in its answer to EHLO.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offers {
    /// 8BITMIME (RFC 6152).
    pub eight_bit: bool,
    /// SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
    /// SIZE (RFC 1870): whether MAIL may declare a size.
    pub takes_size: bool,
    /// Most bytes of a message; `None` where it names no limit.
    pub size: Option<u64>,
}

impl Offers {
    fn read(wire: &Wire) -> Self {
        let size = wire.offered("SIZE");
        Offers {
            eight_bit: wire.offered("8BITMIME").is_some(),
            smtputf8: wire.offered("SMTPUTF8").is_some(),
            takes_size: size.is_some(),
            // 0 means no limit (RFC 1870 section 4).
            size: size.and_then(|size| size.trim().parse().ok()).filter(|size| *size > 0),
        }
    }
}

pub struct Channel {
    wire: Wire,
    pub offers: Offers,
    /// Messages that it has carried or refused.
    pub messages: u32,
    /// How often it said no since it last took a message.
    pub noes: u32,
}

impl Channel {
    pub async fn open(way: &Way, deadline: Instant) -> Result<Self, client::Trouble> {
        timeout_at(deadline, Self::begin(way, deadline)).await.unwrap_or(Err(client::Trouble::TimedOut))
    }

    async fn begin(way: &Way, deadline: Instant) -> Result<Self, client::Trouble> {
        let log = match &way.sign_in {
            Some((username, password)) => Log::masking(username, password).unkept(),
            None => Log::nothing(),
        };
        let stream = connect(&addresses(&way.host, way.port).await?, deadline).await?;
        let mut wire = Wire::new(stream, log);
        match way.security {
            NextHopSecurity::Starttls => {
                wire.greeting().await?;
                wire.hello(&way.hello).await?;
                wire.start_tls().await?;
                (wire, _) = wire.encrypt(&way.host, &way.trust).await?;
            }
            NextHopSecurity::Tls => {
                (wire, _) = wire.encrypt(&way.host, &way.trust).await?;
                wire.greeting().await?;
            }
            NextHopSecurity::None => wire.greeting().await?,
        }
        wire.hello(&way.hello).await?;
        if let Some((username, password)) = &way.sign_in {
            wire.log_in(username, password).await?;
        }
        Ok(Channel { offers: Offers::read(&wire), wire, messages: 0, noes: 0 })
    }

    /// Whether it can carry on: every command had its answer, and none announced the end.
    pub fn is_healthy(&self) -> bool {
        self.wire.is_open()
    }

    /// Whether the next message had better have another one.
    pub fn is_used_up(&self) -> bool {
        self.messages >= MOST_MESSAGES || self.noes >= MOST_NOES
    }

    /// What came was out of step.
    fn distrust(&mut self) {
        self.wire.distrust();
    }

    /// Whether the next hop has neither hung up nor said anything by itself.
    pub async fn is_silent(&mut self) -> bool {
        self.wire.is_silent().await
    }

    /// A command's answer within `limit`. Where the next hop has announced the end by itself, that is the answer.
    pub async fn ask(&mut self, command: &str, limit: Duration) -> Result<Reply, Trouble> {
        if !self.wire.is_silent().await {
            return self.unasked(limit).await;
        }
        Ok(in_time(limit, self.wire.ask(command)).await?)
    }

    /// Sends the content of a message, without what ends it.
    ///
    /// Returns what the next hop said meanwhile where it did not listen to the end.
    pub async fn pour(
        &mut self,
        content: &mut Stuffing<'_>,
        limit: Duration,
    ) -> Result<Option<Reply>, Trouble> {
        let mut chunk = Vec::new();
        while content.fill(&mut chunk) {
            if !self.pour_piece(&chunk, limit).await? {
                return self.unasked_in_data(limit).await.map(Some);
            }
        }
        Ok(None)
    }

    /// Ends the content, and hears the answer.
    pub async fn end(&mut self, end: &[u8], limit: Duration, patience: Duration) -> Result<Reply, Trouble> {
        if !self.pour_piece(end, limit).await? {
            return self.unasked_in_data(limit).await;
        }
        in_time(patience, self.wire.reply()).await.map_err(Trouble::Unknown)
    }

    async fn pour_piece(&mut self, piece: &[u8], limit: Duration) -> Result<bool, client::Trouble> {
        in_time(limit, async { Ok(self.wire.pour(piece).await) }).await
    }

    /// What came in the middle of a message: a refusal is its answer, and ends the connection.
    async fn unasked_in_data(&mut self, limit: Duration) -> Result<Reply, Trouble> {
        let reply = in_time(limit, self.wire.reply()).await?;
        self.distrust();
        if reply.code >= 400 { Ok(reply) } else { Err(Trouble::OutOfStep(reply)) }
    }

    async fn unasked(&mut self, limit: Duration) -> Result<Reply, Trouble> {
        let reply = in_time(limit, self.wire.reply()).await?;
        self.distrust();
        if reply.code == 421 { Ok(reply) } else { Err(Trouble::OutOfStep(reply)) }
    }

    /// Ends the message that was begun; says whether the next one can follow.
    pub async fn reset(&mut self, limit: Duration) -> bool {
        matches!(self.ask("RSET", limit).await, Ok(reply) if reply.code == 250)
    }

    pub async fn say_goodbye(mut self) {
        // It is not used any more; how it ends is no finding.
        let _ = timeout(GOODBYE, self.wire.quit()).await;
    }
}

/// Tries each address in its order; each has its share of the time that is left.
async fn connect(addresses: &[SocketAddr], deadline: Instant) -> Result<TcpStream, client::Trouble> {
    let mut last = client::Trouble::TimedOut;
    for (at, address) in addresses.iter().enumerate() {
        let left = u32::try_from(addresses.len() - at).unwrap_or(u32::MAX);
        let share = deadline.saturating_duration_since(Instant::now()) / left;
        last = match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true).map_err(client::Trouble::NotConnected)?;
                return Ok(stream);
            }
            Ok(Err(problem)) => client::Trouble::NotConnected(problem),
            Err(_) => client::Trouble::TimedOut,
        };
    }
    Err(last)
}

async fn in_time<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, client::Trouble>>,
) -> Result<T, client::Trouble> {
    timeout(limit, work).await.unwrap_or(Err(client::Trouble::TimedOut))
}
