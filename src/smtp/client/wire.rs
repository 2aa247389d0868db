//! Bytes and the steps that begin a session: commands out, replies in, bounded.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Poll, ready};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader,
};
use tokio::net::TcpStream;

use super::log::{Log, Speaker, plain};
use super::reply::{Reply, cut};
use super::trust::{Doubt, Trust, shake_hands};
use super::{Trouble, bare};
use crate::secret::Password;

/// Longest line of a reply that is read; RFC 5321 section 4.5.3.1.5 allows 512.
const MOST_LINE: u64 = 2_048;
/// Most lines of one reply.
const MOST_LINES: usize = 100;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send + Sync {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send + Sync> Stream for S {}

pub struct Wire {
    stream: BufReader<Box<dyn Stream>>,
    log: Log,
    /// The newest reply to EHLO.
    offers: Option<Reply>,
    encrypted: bool,
    open: bool,
}

impl Wire {
    pub fn new(stream: TcpStream, log: Log) -> Self {
        Self::over(Box::new(stream), log)
    }

    fn over(stream: Box<dyn Stream>, log: Log) -> Self {
        Wire { stream: BufReader::new(stream), log, offers: None, encrypted: false, open: true }
    }

    /// Whether the server may still listen: every command had its reply, and none was 421.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Takes it for closed, because what came was out of step: no later reply could be told apart.
    pub fn distrust(&mut self) {
        self.open = false;
    }

    /// The arguments of a keyword that the server offered in its newest reply to EHLO.
    pub fn offered(&self, keyword: &str) -> Option<&str> {
        self.offers.as_ref()?.keyword(keyword)
    }

    pub async fn greeting(&mut self) -> Result<(), Trouble> {
        self.reply().await?.must_be(220).map(drop)
    }

    pub async fn hello(&mut self, name: &str) -> Result<(), Trouble> {
        self.offers = Some(self.ask(&format!("EHLO {name}")).await?.must_be(250)?);
        Ok(())
    }

    pub async fn start_tls(&mut self) -> Result<(), Trouble> {
        self.offered("STARTTLS").ok_or(Trouble::NoStartTls)?;
        self.ask("STARTTLS").await?.must_be(220)?;
        if self.stream.buffer().is_empty() { Ok(()) } else { Err(Trouble::Injected) }
    }

    /// The same wire with TLS over it; nothing heard before counts (RFC 3207 section 4.2).
    pub async fn encrypt(self, host: &str, trust: &Trust) -> Result<(Wire, Option<Doubt>), Trouble> {
        let (stream, doubt) = shake_hands(self.stream.into_inner(), bare(host), trust, &self.log).await?;
        Ok((Wire { encrypted: true, ..Wire::over(Box::new(stream), self.log) }, doubt))
    }

    pub async fn log_in(&mut self, username: &str, password: &Password) -> Result<(), Trouble> {
        if !self.encrypted {
            return Err(Trouble::InClear);
        }
        let offered = self.offered("AUTH").unwrap_or_default().to_owned();
        let offers = |name: &str| offered.split(' ').any(|mechanism| mechanism.eq_ignore_ascii_case(name));
        let answer = if offers("PLAIN") {
            let response = STANDARD.encode(plain(username, password.expose()));
            self.ask(&format!("AUTH PLAIN {response}")).await?
        } else if offers("LOGIN") {
            self.ask("AUTH LOGIN").await?.must_be(334)?;
            self.ask(&STANDARD.encode(username)).await?.must_be(334)?;
            self.ask(&STANDARD.encode(password.expose())).await?
        } else {
            return Err(Trouble::NoMechanism(offered));
        };
        answer.must_be(235).map(drop)
    }

    pub async fn quit(&mut self) -> Result<(), Trouble> {
        self.ask("QUIT").await?.must_be(221)?;
        self.open = false;
        // The server has said goodbye; how the socket ends is no finding.
        let _ = self.stream.shutdown().await;
        Ok(())
    }

    /// Sends one line and hears its reply.
    pub async fn ask(&mut self, line: &str) -> Result<Reply, Trouble> {
        self.send(line).await?;
        self.reply().await
    }

    async fn send(&mut self, line: &str) -> Result<(), Trouble> {
        if line.contains(char::is_control) {
            return Err(Trouble::Unsayable);
        }
        self.log.write(Speaker::Client, line);
        // Stays so when a time limit cuts this short.
        self.open = false;
        let sent = async {
            self.stream.write_all(format!("{line}\r\n").as_bytes()).await?;
            self.stream.flush().await
        };
        sent.await.map_err(lost)
    }

    /// The next reply, whatever its code.
    pub async fn reply(&mut self) -> Result<Reply, Trouble> {
        self.open = false;
        let (code, mut last, text) = self.reply_line().await?;
        let mut lines = vec![text];
        while !last {
            let (next, is_last, text) = self.reply_line().await?;
            if next != code || lines.len() == MOST_LINES {
                return Err(Trouble::NotSmtp(format!("{next} {text}")));
            }
            lines.push(text);
            last = is_last;
        }
        self.open = code != 421;
        Ok(Reply { code, lines })
    }

    async fn reply_line(&mut self) -> Result<(u16, bool, String), Trouble> {
        let line = self.line().await?;
        let (code, last, text) = cut(&line).ok_or_else(|| Trouble::NotSmtp(line.clone()))?;
        Ok((code, last, text.to_owned()))
    }

    async fn line(&mut self) -> Result<String, Trouble> {
        let mut bytes = Vec::new();
        let count = (&mut self.stream).take(MOST_LINE).read_until(b'\n', &mut bytes).await.map_err(lost)?;
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_end_matches(['\r', '\n']).replace(char::is_control, "\u{fffd}");
        let text = self.log.write(Speaker::Server, &text);
        match bytes.last() {
            Some(b'\n') => Ok(text),
            _ if count as u64 == MOST_LINE => Err(Trouble::NotSmtp(text)),
            _ => Err(Trouble::HungUp),
        }
    }

    /// Sends a piece of a message, unless the server speaks or hangs up before all of it is on its way: then what it
    /// says is still to be read. Says whether all was sent. A piece that was not will never be complete on the other side.
    pub async fn pour(&mut self, piece: &[u8]) -> bool {
        self.open = false;
        let (mut stream, mut left) = (Pin::new(&mut self.stream), piece);
        poll_fn(|context| {
            loop {
                if left.is_empty() {
                    match stream.as_mut().poll_flush(context) {
                        Poll::Ready(flushed) => return Poll::Ready(flushed.is_ok()),
                        Poll::Pending if stream.as_mut().poll_fill_buf(context).is_pending() => {
                            return Poll::Pending;
                        }
                        Poll::Pending => return Poll::Ready(false),
                    }
                }
                if stream.as_mut().poll_fill_buf(context).is_ready() {
                    return Poll::Ready(false);
                }
                match ready!(stream.as_mut().poll_write(context, left)) {
                    Ok(count) if count > 0 => left = &left[count..],
                    _ => return Poll::Ready(false),
                }
            }
        })
        .await
    }

    /// Whether the server, which owes nothing, says nothing and has not hung up.
    pub async fn is_silent(&mut self) -> bool {
        poll_fn(|context| Poll::Ready(Pin::new(&mut self.stream).poll_fill_buf(context).is_pending())).await
    }
}

fn lost(problem: io::Error) -> Trouble {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    match problem.kind() {
        BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof => Trouble::HungUp,
        _ => Trouble::Broken(problem),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    const USERNAME: &str = "smtp_aB3xK9mP2qR5wY7z";
    const PASSWORD: &str = "sk_4f8Hj2kLmN6pQrStUvWxYz1a3B5cD7eF";

    /// A wire whose server says `script`, whatever it hears.
    async fn wire(script: &str) -> (Wire, Log, tokio::io::DuplexStream) {
        let (client, mut server) = duplex(4_096);
        server.write_all(script.as_bytes()).await.unwrap();
        let log = Log::masking(USERNAME, &Password::new(PASSWORD));
        (Wire { encrypted: true, ..Wire::over(Box::new(client), log.clone()) }, log, server)
    }

    #[tokio::test]
    async fn login_is_used_where_plain_is_not_offered_and_masked_likewise() {
        let (mut wire, log, _server) =
            wire("250-mail\r\n250 AUTH CRAM-MD5 LOGIN\r\n334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n235 ok\r\n")
                .await;
        wire.hello("test").await.unwrap();
        wire.log_in(USERNAME, &Password::new(PASSWORD)).await.unwrap();
        let said: Vec<_> = log.take().into_iter().filter(|line| line.from == Speaker::Client).collect();
        let texts: Vec<_> = said.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["EHLO test", "AUTH LOGIN", &STANDARD.encode(USERNAME), "********"]);
    }

    #[tokio::test]
    async fn without_a_mechanism_it_knows_it_says_nothing_secret() {
        let (mut wire, _, _server) = wire("250-mail\r\n250 AUTH CRAM-MD5 XOAUTH2\r\n").await;
        wire.hello("test").await.unwrap();
        let trouble = wire.log_in(USERNAME, &Password::new(PASSWORD)).await;
        assert!(matches!(trouble, Err(Trouble::NoMechanism(offered)) if offered == "CRAM-MD5 XOAUTH2"));
    }

    #[tokio::test]
    async fn in_clear_nobody_signs_in() {
        let (wire, log, _server) = wire("250-mail\r\n250 AUTH PLAIN\r\n235 ok\r\n").await;
        let mut wire = Wire { encrypted: false, ..wire };
        wire.hello("test").await.unwrap();
        let trouble = wire.log_in(USERNAME, &Password::new(PASSWORD)).await;
        assert!(matches!(trouble, Err(Trouble::InClear)));
        assert!(log.take().iter().all(|line| !line.text.contains("AUTH PLAIN ")));
    }

    #[tokio::test]
    async fn a_line_that_holds_another_is_not_sent() {
        for line in ["RCPT TO:<a@b>\r\nRSET", "NOOP\nRSET", "NOOP\rRSET", "NOOP\0"] {
            let (mut wire, _, mut server) = wire("250 ok\r\n").await;
            assert!(matches!(wire.ask(line).await, Err(Trouble::Unsayable)));
            assert!(wire.is_open());
            drop(wire);
            let mut heard = Vec::new();
            server.read_to_end(&mut heard).await.unwrap();
            assert!(heard.is_empty());
        }
    }

    #[tokio::test]
    async fn a_garbled_reply_closes_the_wire() {
        let endless = "250-x\r\n".repeat(101);
        let wide = format!("250 {}\r\n", "x".repeat(2_048));
        for (script, open) in [
            ("250-a\r\n250 b\r\n", true),
            ("550 no\r\n", true),
            ("421 later\r\n", false),
            ("250-a\r\n251 b\r\n", false),
            ("250 \u{e9}t\u{e9}\r\n", true),
            ("250", false),
            ("OK\r\n", false),
            (&endless, false),
            (&wide, false),
        ] {
            let (mut wire, _, server) = wire(script).await;
            drop(server);
            let heard = wire.reply().await;
            assert_eq!(wire.is_open(), open, "{script:?}: {heard:?}");
        }
    }

    #[tokio::test]
    async fn silence_is_told_from_words_and_from_an_end() {
        let (mut wire, _, mut server) = wire("").await;
        assert!(wire.is_silent().await);
        server.write_all(b"421 I am leaving\r\n").await.unwrap();
        assert!(!wire.is_silent().await);
        assert_eq!(wire.reply().await.unwrap().code, 421);
        assert!(wire.is_silent().await);
        drop(server);
        assert!(!wire.is_silent().await);
    }

    #[tokio::test]
    async fn a_server_that_repeats_the_password_is_masked_too() {
        let (mut wire, log, _server) = wire(&format!("550 your password {PASSWORD} is wrong\r\n")).await;
        assert!(
            matches!(wire.greeting().await, Err(Trouble::Refused(reply)) if reply.text() == "your password ******** is wrong")
        );
        assert!(log.take().iter().all(|line| !line.text.contains(PASSWORD)));
    }
}
