//! One connection to it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use gatepost::config::NextHopSecurity;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::{Act, Heard, State, lock};

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}
type Io = BufReader<Box<dyn Stream>>;

/// The connection is over.
struct Over;

pub struct Session {
    pub state: Arc<Mutex<State>>,
    /// Its place among the connections.
    pub at: usize,
    pub security: NextHopSecurity,
    pub acceptor: Option<TlsAcceptor>,
}

impl Session {
    pub async fn run(self, stream: TcpStream) {
        stream.set_nodelay(true).expect("a socket option");
        // How it ended is in what was heard.
        let _ = self.serve(Box::new(stream)).await;
        self.heard(|heard| heard.over = true);
    }

    async fn serve(&self, stream: Box<dyn Stream>) -> Result<(), Over> {
        let mut io = BufReader::new(stream);
        if self.security == NextHopSecurity::Tls {
            io = self.encrypt(io).await?;
        }
        self.step(&mut io, "greeting", "220 hop.example ESMTP").await?;
        loop {
            let line = self.line(&mut io).await?;
            let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" => self.step(&mut io, "EHLO", &self.hello()).await?,
                "STARTTLS" => {
                    self.step(&mut io, "STARTTLS", "220 2.0.0 go").await?;
                    io = self.encrypt(io).await?;
                }
                "AUTH" => self.log_in(&mut io, &line).await?,
                "MAIL" => self.step(&mut io, "MAIL", "250 2.1.0 sender fine").await?,
                "RCPT" => self.step(&mut io, "RCPT", "250 2.1.5 recipient fine").await?,
                "RSET" => self.step(&mut io, "RSET", "250 2.0.0 forgotten").await?,
                "DATA" => self.take(&mut io).await?,
                "QUIT" => {
                    self.step(&mut io, "QUIT", "221 2.0.0 goodbye").await?;
                    return Err(Over);
                }
                _ => say(&mut io, "500 5.5.1 what?").await?,
            }
        }
    }

    async fn log_in(&self, io: &mut Io, line: &str) -> Result<(), Over> {
        if line.eq_ignore_ascii_case("AUTH LOGIN") {
            say(io, "334 VXNlcm5hbWU6").await?;
            self.line(io).await?;
            self.step(io, "answer", "334 UGFzc3dvcmQ6").await?;
            self.line(io).await?;
        }
        self.step(io, "AUTH", "235 2.7.0 welcome").await
    }

    async fn take(&self, io: &mut Io) -> Result<(), Over> {
        match self.act("DATA") {
            None => say(io, "354 go on").await?,
            Some(Act::Dawdles(time)) => {
                self.does(io, Act::Dawdles(time)).await?;
                say(io, "354 go on").await?;
            }
            Some(act) => return self.does(io, act).await,
        }
        self.heard(|heard| heard.messages.push(Vec::new()));
        let mut lines = 0;
        loop {
            let line = read_line(io).await?;
            let is_end = line == b".\r\n";
            self.heard(|heard| heard.messages.last_mut().expect("a message").extend(line));
            if is_end {
                return self.step(io, "end", "250 2.0.0 taken").await;
            }
            lines += 1;
            if lines == 1
                && let Some(act) = self.act("content")
            {
                self.does(io, act).await?;
            }
        }
    }

    fn hello(&self) -> String {
        let encrypted = self.look(|heard| heard.commands.iter().any(|line| line == "(TLS)"));
        let mut keywords = lock(&self.state).offers.clone();
        if self.security == NextHopSecurity::Starttls && !encrypted {
            keywords.retain(|keyword| !keyword.starts_with("AUTH"));
            keywords.push("STARTTLS");
        }
        let mut lines = vec!["hop.example"];
        lines.extend(keywords);
        let last = lines.pop().expect("a line");
        lines.iter().map(|line| format!("250-{line}\n")).collect::<String>() + "250 " + last
    }

    async fn encrypt(&self, io: Io) -> Result<Io, Over> {
        let mut io = io;
        if let Some(act) = self.act("handshake") {
            self.does(&mut io, act).await?;
        }
        let acceptor = self.acceptor.as_ref().expect("a certificate");
        let stream = acceptor.accept(io.into_inner()).await.map_err(|_| Over)?;
        self.heard(|heard| heard.commands.push("(TLS)".to_owned()));
        Ok(BufReader::new(Box::new(stream)))
    }

    /// What the test wants at this step, or else the usual.
    async fn step(&self, io: &mut Io, step: &str, usual: &str) -> Result<(), Over> {
        match self.act(step) {
            None => say(io, usual).await,
            Some(act @ (Act::Writes(_) | Act::Dawdles(_))) => {
                self.does(io, act).await?;
                say(io, usual).await
            }
            Some(act) => self.does(io, act).await,
        }
    }

    async fn does(&self, io: &mut Io, act: Act) -> Result<(), Over> {
        match act {
            Act::Says(text) => say(io, text).await,
            Act::Writes(bytes) => write(io, bytes).await,
            Act::SaysAndHangsUp(text) => {
                say(io, text).await?;
                // Without what is still unread, the end would be a reset, and the words might be lost.
                let _ = io.shutdown().await;
                Err(Over)
            }
            Act::HangsUp => Err(Over),
            Act::Dawdles(time) => {
                tokio::time::sleep(time).await;
                Ok(())
            }
            Act::WaitsAndSays(bells, text) => {
                bells[0].notify_one();
                bells[1].notified().await;
                say(io, text).await
            }
            Act::Freezes => std::future::pending().await,
        }
    }

    fn act(&self, step: &str) -> Option<Act> {
        let mut state = lock(&self.state);
        let once = state.once.get_mut(step).and_then(VecDeque::pop_front);
        once.or_else(|| state.always.get(step).cloned())
    }

    async fn line(&self, io: &mut Io) -> Result<String, Over> {
        let line = String::from_utf8(read_line(io).await?).expect("text");
        let line = line.strip_suffix("\r\n").expect("CR LF ends a command").to_owned();
        self.heard(|heard| heard.commands.push(line.clone()));
        Ok(line)
    }

    fn heard(&self, note: impl FnOnce(&mut Heard)) {
        note(&mut lock(&self.state).connections[self.at]);
    }

    fn look<T>(&self, look: impl FnOnce(&Heard) -> T) -> T {
        look(&lock(&self.state).connections[self.at])
    }
}

async fn read_line(io: &mut Io) -> Result<Vec<u8>, Over> {
    let mut line = Vec::new();
    match io.read_until(b'\n', &mut line).await {
        Ok(_) if line.ends_with(b"\n") => Ok(line),
        _ => Err(Over),
    }
}

async fn say(io: &mut Io, text: &str) -> Result<(), Over> {
    write(io, (text.replace('\n', "\r\n") + "\r\n").as_bytes()).await
}

async fn write(io: &mut Io, bytes: &[u8]) -> Result<(), Over> {
    let written = async {
        io.write_all(bytes).await?;
        io.flush().await
    };
    written.await.map_err(|_| Over)
}
