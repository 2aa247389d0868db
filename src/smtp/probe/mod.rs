//! The client's side: a real SMTP session that checks a credential, step by step, for the dashboard's checker and for
//! `gatepost check`. Each step is told as it ends, with its time, what was said, and where it fails the likely cause
//! and the cure.

mod advice;
mod target;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

pub use super::client::Trust;
pub use super::client::log::{Line, Speaker};
use super::client::{self, Doubt, Log, Trouble, Wire};
use super::command::is_mailbox;
use crate::config::Security;
use crate::gate::{Behalf, OnBehalf};
use crate::secret::Password;
pub use target::Target;

/// How the probe calls itself in EHLO; it stands in the journal of denials.
const HELLO: &str = "gatepost-check";

/// For one step; the greeting of a server that waits for TLS would otherwise use up the time of the whole session.
const STEP_TIME: Duration = Duration::from_secs(10);

/// What to check, and against which server.
#[derive(Debug, Clone)]
pub struct Probe {
    pub target: Target,
    pub username: String,
    pub password: Password,
    /// With it, a message is begun (MAIL and RCPT) and given up again; nothing is sent.
    pub mail: Option<Mail>,
    /// For the whole session.
    pub timeout: Duration,
    /// The client that it counts for, where the target is the door of this process.
    pub behalf: Option<(Behalf, IpAddr)>,
}

#[derive(Debug, Clone)]
pub struct Mail {
    /// Empty: the null sender.
    pub sender: String,
    pub recipient: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    Connect,
    Greeting,
    Hello,
    StartTls,
    Tls,
    HelloOverTls,
    Login,
    Sender,
    Recipient,
    Quit,
}

impl Name {
    /// As a page and a terminal show it.
    pub fn title(self) -> &'static str {
        match self {
            Name::Connect => "Connect",
            Name::Greeting => "Greeting",
            Name::Hello => "EHLO",
            Name::StartTls => "STARTTLS",
            Name::Tls => "TLS handshake",
            Name::HelloOverTls => "EHLO over TLS",
            Name::Login => "AUTH",
            Name::Sender => "MAIL FROM",
            Name::Recipient => "RCPT TO",
            Name::Quit => "QUIT",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    /// Passed here; a client elsewhere may fail.
    Doubtful,
    Failed,
    /// Not reached, because an earlier step failed.
    Skipped,
}

/// One step that is over.
#[derive(Debug, Clone)]
pub struct Step {
    pub name: Name,
    pub outcome: Outcome,
    pub took: Duration,
    pub lines: Vec<Line>,
    /// Of a failed or doubtful step.
    pub advice: Option<Advice>,
}

/// Why a step probably failed, and what to do: a sentence or two each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    pub cause: String,
    pub cure: String,
}

impl Probe {
    /// Runs the session and tells each step as it ends. Returns whether all of them passed.
    pub async fn run(&self, tell: impl FnMut(Step) + Send) -> bool {
        let log = Log::masking(&self.username, &self.password);
        let mut report = Report {
            probe: self,
            log,
            tell,
            end: Instant::now() + self.timeout,
            plan: self.plan(),
            passed: true,
        };
        if let Ok(mut wire) = self.open(&mut report).await {
            // Whether they passed is in the report.
            let _ = self.check(&mut wire, &mut report).await;
            if wire.is_open() {
                report.skip_to(Some(Name::Quit));
                let _ = report.step(wire.quit()).await;
            }
        }
        report.skip_to(None);
        report.passed
    }

    /// The steps in their order.
    fn plan(&self) -> Vec<Name> {
        let mut plan = match self.target.security {
            Security::Starttls => {
                vec![
                    Name::Connect,
                    Name::Greeting,
                    Name::Hello,
                    Name::StartTls,
                    Name::Tls,
                    Name::HelloOverTls,
                ]
            }
            Security::Implicit => vec![Name::Connect, Name::Tls, Name::Greeting, Name::HelloOverTls],
        };
        plan.push(Name::Login);
        if let Some(mail) = &self.mail {
            plan.push(Name::Sender);
            plan.extend(mail.recipient.as_ref().map(|_| Name::Recipient));
        }
        plan.push(Name::Quit);
        plan
    }

    /// From nothing to EHLO over TLS.
    async fn open<T: FnMut(Step) + Send>(&self, report: &mut Report<'_, T>) -> Result<Wire, Failed> {
        let log = report.log.clone();
        // Noted until the door has greeted.
        let (stream, _on_behalf) = report.step(self.connect(&log)).await?;
        let mut wire = Wire::new(stream, log);
        if self.target.security == Security::Starttls {
            report.step(wire.greeting()).await?;
            report.step(wire.hello(HELLO)).await?;
            report.step(wire.start_tls()).await?;
        }
        let mut wire = report.step_with_doubt(wire.encrypt(&self.target.name, &self.target.trust)).await?;
        if self.target.security == Security::Implicit {
            report.step(wire.greeting()).await?;
        }
        report.step(wire.hello(HELLO)).await?;
        Ok(wire)
    }

    async fn connect(&self, log: &Log) -> Result<(TcpStream, Option<OnBehalf>), Trouble> {
        let Target { host, port, .. } = &self.target;
        let addresses = client::addresses(host, *port).await?;
        log.note(format!("{host}:{port} is {}", list(&addresses)));
        let (stream, on_behalf) = self.reach(&addresses).await.map_err(Trouble::NotConnected)?;
        stream.set_nodelay(true).map_err(Trouble::NotConnected)?;
        if let Ok(peer) = stream.peer_addr() {
            log.note(format!("Connected to {peer}"));
        }
        Ok((stream, on_behalf))
    }

    /// On a member's behalf it comes from a port that the door can be told of before it sees it.
    async fn reach(&self, addresses: &[SocketAddr]) -> io::Result<(TcpStream, Option<OnBehalf>)> {
        let (Some((behalf, client)), &[door]) = (&self.behalf, addresses) else {
            return Ok((TcpStream::connect(addresses).await?, None));
        };
        let socket = if door.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.bind(SocketAddr::new(door.ip(), 0))?;
        let on_behalf = behalf.note(socket.local_addr()?, *client);
        Ok((socket.connect(door).await?, Some(on_behalf)))
    }

    async fn check<T: FnMut(Step) + Send>(
        &self,
        wire: &mut Wire,
        report: &mut Report<'_, T>,
    ) -> Result<(), Failed> {
        report.step(wire.log_in(&self.username, &self.password)).await?;
        if let Some(mail) = &self.mail {
            report.step(name(wire, "MAIL FROM", &mail.sender)).await?;
            if let Some(recipient) = &mail.recipient {
                report.step(name(wire, "RCPT TO", recipient)).await?;
            }
        }
        Ok(())
    }
}

/// MAIL or RCPT. Addresses come from a form: what is none is not sent.
async fn name(wire: &mut Wire, command: &str, address: &str) -> Result<(), Trouble> {
    let is_sayable = |text: &&str| is_mailbox(text) || (text.is_empty() && command == "MAIL FROM");
    let address = Some(address.trim()).filter(is_sayable).ok_or(Trouble::Unsayable)?;
    wire.ask(&format!("{command}:<{address}>")).await?.must_be(250).map(drop)
}

fn list(addresses: &[SocketAddr]) -> String {
    addresses.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>().join(", ")
}

/// The step failed, and was told so.
struct Failed;

/// Times the steps and tells them.
struct Report<'a, T> {
    probe: &'a Probe,
    log: Log,
    tell: T,
    end: Instant,
    /// Steps that are still to come.
    plan: Vec<Name>,
    passed: bool,
}

impl<T: FnMut(Step) + Send> Report<'_, T> {
    /// Does the next step of the plan, within the time that is left.
    async fn step<R>(&mut self, work: impl Future<Output = Result<R, Trouble>>) -> Result<R, Failed> {
        self.step_with_doubt(async { Ok((work.await?, None)) }).await
    }

    async fn step_with_doubt<R>(
        &mut self,
        work: impl Future<Output = Result<(R, Option<Doubt>), Trouble>>,
    ) -> Result<R, Failed> {
        let name = self.plan.remove(0);
        let begun = Instant::now();
        let left = self.end.saturating_duration_since(begun).min(STEP_TIME);
        let result = timeout(left, work).await.unwrap_or(Err(Trouble::TimedOut));
        let (outcome, trouble) = match &result {
            Ok((_, None)) => (Outcome::Passed, None),
            Ok((_, Some(doubt))) => (Outcome::Doubtful, Some(doubt)),
            Err(trouble) => (Outcome::Failed, Some(trouble)),
        };
        let advice = trouble.map(|trouble| advice::on(name, trouble, self.probe));
        self.passed &= outcome != Outcome::Failed;
        (self.tell)(Step { name, outcome, took: begun.elapsed(), lines: self.log.take(), advice });
        result.map(|(done, _)| done).map_err(|_| Failed)
    }

    /// Tells as skipped what comes before `end` in the plan; all that is left where there is none.
    fn skip_to(&mut self, end: Option<Name>) {
        while self.plan.first().is_some_and(|next| Some(*next) != end) {
            let name = self.plan.remove(0);
            let (took, lines) = (Duration::ZERO, Vec::new());
            (self.tell)(Step { name, outcome: Outcome::Skipped, took, lines, advice: None });
        }
    }
}
