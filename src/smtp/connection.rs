//! Bytes and nothing else: lines in, replies out, over any stream.
//!
//! Replies are gathered and go out in one write, when nothing more can be done without the client (RFC 2920
//! section 3.2). Every method that waits may be dropped while it waits, and loses nothing.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};
use zeroize::{Zeroize, Zeroizing};

use super::data::incoming::Incoming;
use super::line::{Broken, Expect, Line, LineReader};
use super::reply::Reply;

const CHUNK: usize = 4_096;
/// Content of messages is read in larger pieces.
const CONTENT_CHUNK: usize = 65_536;
/// Gathered replies are written out beyond this, whatever the client still has to say.
const MOST_GATHERED: usize = 16_384;
/// How long, and for how many bytes, a closed connection is still drained (see [`Connection::close`]).
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: u64 = 262_144;
/// Where the client is in the middle of a message, it may pause so long.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Why no further line will come.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    #[error("the client hung up")]
    HungUp,
    #[error("{0}")]
    Broken(#[from] Broken),
    #[error("{0}")]
    Io(#[from] io::Error),
}

pub struct Connection<S> {
    stream: S,
    lines: LineReader,
    output: Vec<u8>,
    /// How much of a message that was refused may still come once the connection is closed, and until when.
    rest: Option<(u64, Instant)>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub fn new(stream: S) -> Self {
        Connection { stream, lines: LineReader::default(), output: Vec::new(), rest: None }
    }

    /// Gathers a reply; it goes out before the next wait for the client.
    pub fn gather(&mut self, reply: &Reply) {
        reply.write_to(&mut self.output);
    }

    /// The next line. What was gathered goes out first, unless the line is here already.
    pub async fn line(&mut self, expect: Expect) -> Result<Line, Lost> {
        loop {
            if self.output.len() > MOST_GATHERED {
                self.flush().await?;
            }
            if let Some(line) = self.lines.next(expect)? {
                return Ok(line);
            }
            self.flush().await?;
            self.fill().await?;
        }
    }

    /// Reads into `incoming` what it expects; no more is taken. Each piece comes within `idle`.
    pub async fn receive(&mut self, incoming: &mut Incoming, idle: Duration) -> Result<(), Lost> {
        let taken = incoming.take(self.lines.peek());
        self.lines.skip(taken);
        let mut chunk = Vec::new();
        while !incoming.is_done() {
            self.flush().await?;
            chunk.resize(CONTENT_CHUNK, 0);
            let read = timeout(idle, self.stream.read(&mut chunk)).await;
            let count = read.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
            if count == 0 {
                return Err(Lost::HungUp);
            }
            let taken = incoming.take(&chunk[..count]);
            self.lines.feed(&chunk[taken..count]);
        }
        Ok(())
    }

    /// Reads and forgets exactly `count` bytes. Each piece comes within `idle`.
    pub async fn discard(&mut self, mut count: u64, idle: Duration) -> Result<(), Lost> {
        loop {
            count -= self.lines.skip(usize::try_from(count).unwrap_or(usize::MAX)) as u64;
            if count == 0 {
                return Ok(());
            }
            self.flush().await?;
            timeout(idle, self.fill()).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        }
    }

    async fn fill(&mut self) -> Result<(), Lost> {
        let mut chunk = Zeroizing::new([0; CHUNK]);
        match self.stream.read(&mut chunk[..]).await? {
            0 => Err(Lost::HungUp),
            count => {
                self.lines.feed(&chunk[..count]);
                Ok(())
            }
        }
    }

    /// Writes out what was gathered.
    pub async fn flush(&mut self) -> io::Result<()> {
        while !self.output.is_empty() {
            match self.stream.write(&self.output).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                count => drop(self.output.drain(..count)),
            }
        }
        self.stream.flush().await
    }

    /// Whether the client sent more than the lines that were handed out.
    pub fn has_unread(&self) -> bool {
        self.lines.unread() > 0
    }

    /// The bare stream; everything read ahead is forgotten (RFC 3207 section 4.2).
    pub fn into_stream(self) -> S {
        self.stream
    }

    /// The client was refused in the middle of a message: once the connection is closed, what it still sends is read until then,
    /// up to so many bytes, and forgotten. Many clients listen only when they have sent all.
    pub fn expect_rest(&mut self, bytes: u64, until: Instant) {
        self.rest = Some((bytes, until));
    }

    /// Writes out what was gathered and hangs up. Reads on for a moment: a socket that is closed with unread bytes
    /// resets the connection, and the client might never see the last reply.
    pub async fn close(mut self) {
        let (most, until) = self.rest.unwrap_or_else(|| (LINGER_BYTES, Instant::now() + LINGER));
        let goodbye = async {
            self.flush().await?;
            self.stream.shutdown().await?;
            let mut chunk = [0; CHUNK];
            let mut drained = 0;
            while drained < most {
                match timeout(LONGEST_PAUSE, self.stream.read(&mut chunk)).await {
                    Err(_) | Ok(Ok(0)) => break,
                    Ok(read) => drained += read? as u64,
                }
            }
            chunk.zeroize();
            Ok::<_, io::Error>(())
        };
        // The client may be gone already, and there is no one left to tell.
        let _ = timeout_at(until, goodbye).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;
    use crate::smtp::reply;

    #[tokio::test]
    async fn replies_to_pipelined_commands_leave_together_once_the_client_is_waited_for() {
        let (mut client, server) = duplex(1_024);
        let mut connection = Connection::new(server);
        client.write_all(b"NOOP\r\nRSET\r\n").await.unwrap();
        for _ in 0..2 {
            assert!(matches!(connection.line(Expect::Command).await, Ok(Line::Text(_))));
            connection.gather(&reply::OK);
        }
        let mut seen = [0; 256];
        assert!(
            timeout(Duration::ZERO, client.read(&mut seen)).await.is_err(),
            "nothing is written while commands are at hand"
        );
        let waiting = tokio::spawn(async move { connection.line(Expect::Command).await.map(|_| ()) });
        let count = client.read(&mut seen).await.unwrap();
        assert_eq!(&seen[..count], b"250 2.0.0 OK\r\n250 2.0.0 OK\r\n");
        drop(client);
        assert!(matches!(waiting.await.unwrap(), Err(Lost::HungUp)));
    }

    #[tokio::test]
    async fn discarding_takes_what_was_read_ahead_and_what_is_still_to_come() {
        let (mut client, server) = duplex(1_024);
        let mut connection = Connection::new(server);
        client.write_all(b"BDAT 9\r\nQUIT\r\nQ").await.unwrap();
        assert!(matches!(connection.line(Expect::Command).await, Ok(Line::Text(_))));
        let (sent, discarded) = tokio::join!(client.write_all(b"UINOOP\r\n"), connection.discard(9, LINGER));
        assert!(sent.is_ok() && discarded.is_ok());
        let Ok(Line::Text(line)) = connection.line(Expect::Command).await else { panic!("a line") };
        assert_eq!(*line, b"NOOP");
    }
}
