//! The loop between a connection and its session: it alone writes, counts, limits and logs.
//!
//! Log lines carry the verb and the reply's code, never an argument: arguments of AUTH are secrets.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;

use metrics::counter;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::error::Elapsed;
use tokio::time::{Instant, Sleep, sleep, sleep_until, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::command::Command;
use super::connection::{Connection, Lost};
use super::line::{Broken, Expect, Line, Overlong};
use super::reply::{self, Reply};
use super::session::{Answer, Next, Session};
use super::submission::Submission;
use crate::telemetry;

/// Failed logins in one connection; the reply to the last is followed by `421`.
const MOST_FAILURES: u32 = 3;
/// Bad commands in one connection, likewise.
const MOST_MISTAKES: u32 = 10;

/// What a conversation led to.
#[derive(Debug, PartialEq, Eq)]
pub enum Ending {
    /// The client was told to start TLS, and sent nothing more.
    StartTls,
    Close,
}

/// One client's conversation, before and after STARTTLS.
pub struct Conversation {
    submission: Submission,
    client: IpAddr,
    session: Session,
    shutdown: CancellationToken,
    /// Runs out when the time to log in does.
    login: Pin<Box<Sleep>>,
    failures: u32,
    mistakes: u32,
}

/// Something came, or nothing more will.
enum Heard {
    Line(Line),
    /// The last words, if there is still someone to hear them.
    End(Option<Reply>),
}

impl Conversation {
    pub fn new(submission: Submission, client: IpAddr, shutdown: CancellationToken) -> Self {
        let login = Box::pin(sleep(submission.app.config.smtp_login_timeout));
        let session = Session::new(submission.clone(), client, false);
        Conversation { submission, client, session, shutdown, login, failures: 0, mistakes: 0 }
    }

    /// Forgets everything that was said: from here on, TLS protects it.
    pub fn encrypted(&mut self) {
        self.session = Session::new(self.submission.clone(), self.client, true);
    }

    /// Waits for `work` within the time to log in, unless the door closes first.
    pub async fn in_time<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            () = &mut self.login => None,
            () = self.shutdown.cancelled() => None,
        }
    }

    pub fn greet<S: AsyncRead + AsyncWrite + Unpin>(&mut self, connection: &mut Connection<S>) {
        connection.gather(&reply::greeting(&self.submission.app.config.smtp_host));
    }

    /// Talks until one side has had enough.
    pub async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        connection: &mut Connection<S>,
    ) -> Ending {
        let mut next = Next::Command;
        loop {
            let expect = if matches!(next, Next::Response(_)) { Expect::Response } else { Expect::Command };
            let answer = match self.hear(connection, expect).await {
                Heard::Line(line) => self.answer(next, &line).await,
                Heard::End(last) => {
                    last.iter().for_each(|reply| self.say(connection, reply));
                    return Ending::Close;
                }
            };
            let Some(answer) = self.take_in(connection, answer).await else { return Ending::Close };
            if matches!(answer.next, Next::StartTls) {
                return self.start_tls(connection, &answer.reply).await;
            }
            self.say(connection, &answer.reply);
            if let Some(last) = self.enough(&answer.reply) {
                self.say(connection, &last);
                return Ending::Close;
            }
            match answer.next {
                Next::Close => return Ending::Close,
                Next::CloseAfter { bytes, until } => {
                    connection.expect_rest(bytes, until);
                    return Ending::Close;
                }
                further => next = further,
            }
        }
    }

    async fn hear<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        connection: &mut Connection<S>,
        expect: Expect,
    ) -> Heard {
        let (authenticated, deadline) = (self.session.is_authenticated(), self.session.deadline());
        let heard = tokio::select! {
            biased;
            () = passed(deadline) => return Heard::End(Some(reply::TOO_SLOW)),
            () = self.shutdown.cancelled(), if deadline.is_none() => return Heard::End(Some(reply::SHUTTING_DOWN)),
            () = &mut self.login, if !authenticated => return Heard::End(Some(reply::NO_LOGIN_IN_TIME)),
            heard = timeout(self.submission.app.config.smtp_idle_timeout, connection.line(expect)) => heard,
        };
        match heard {
            Ok(Ok(line)) => Heard::Line(line),
            Ok(Err(lost)) => {
                tracing::debug!(reason = %lost, "the conversation broke off");
                Heard::End(last_words(&lost))
            }
            Err(_) => Heard::End(Some(reply::IDLE)),
        }
    }

    /// Reads what follows a command and is no command: the answer comes after it. None when it did not come.
    async fn take_in<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        connection: &mut Connection<S>,
        answer: Answer,
    ) -> Option<Answer> {
        match answer.next {
            Next::Discard(count) => {
                self.skip(connection, count).await?;
                Some(answer.reply.into())
            }
            Next::Content { last } => {
                let go_ahead = answer.reply.code == reply::START_INPUT.code;
                if go_ahead {
                    self.say(connection, &answer.reply);
                }
                self.receive(connection).await?;
                Some(self.session.received(last, answer.reply).await)
            }
            _ => Some(answer),
        }
    }

    async fn receive<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        connection: &mut Connection<S>,
    ) -> Option<()> {
        let deadline = self.session.content_deadline();
        let incoming = self.session.incoming()?;
        let receive = connection.receive(incoming, self.submission.app.config.smtp_idle_timeout);
        let received = timeout_at(deadline, receive).await;
        self.all_came(connection, received)
    }

    /// Lets bytes go by that are no commands.
    async fn skip<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        connection: &mut Connection<S>,
        count: u64,
    ) -> Option<()> {
        let discard = connection.discard(count, self.submission.app.config.smtp_idle_timeout);
        let discarded = timeout_at(self.session.content_deadline(), discard).await;
        self.all_came(connection, discarded)
    }

    /// Says the last words where what was waited for did not come.
    fn all_came<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        connection: &mut Connection<S>,
        waited: Result<Result<(), Lost>, Elapsed>,
    ) -> Option<()> {
        let last_words = match waited {
            Ok(Ok(())) => return Some(()),
            Ok(Err(Lost::Io(problem))) if problem.kind() == io::ErrorKind::TimedOut => Some(reply::IDLE),
            Ok(Err(lost)) => {
                tracing::debug!(reason = %lost, "a message broke off");
                None
            }
            Err(_) => Some(reply::TOO_SLOW),
        };
        last_words.iter().for_each(|reply| self.say(connection, reply));
        None
    }

    async fn answer(&mut self, next: Next, line: &Line) -> Answer {
        match (next, line) {
            (_, Line::TooLong(Overlong::Response)) => reply::AUTH_LINE_TOO_LONG.into(),
            (_, Line::TooLong(Overlong::Command)) => reply::LINE_TOO_LONG.into(),
            (_, Line::TooLong(Overlong::Chunk)) => Answer::last(reply::LINE_TOO_LONG),
            (Next::Response(exchange), Line::Text(line)) => self.session.response(exchange, line).await,
            (_, Line::Text(line)) => {
                let command = Command::parse(line);
                let verb = command.verb.name();
                counter!(telemetry::SMTP_COMMANDS, "verb" => verb).increment(1);
                let answer = self.session.command(command).await;
                tracing::debug!(verb, code = answer.reply.code, "answered");
                answer
            }
        }
    }

    fn say<S: AsyncRead + AsyncWrite + Unpin>(&self, connection: &mut Connection<S>, reply: &Reply) {
        counter!(telemetry::SMTP_REPLIES, "code" => reply.code.to_string()).increment(1);
        connection.gather(reply);
    }

    /// Counts what went wrong, and says when it was too much.
    fn enough(&mut self, reply: &Reply) -> Option<Reply> {
        match reply.code {
            535 => self.failures += 1,
            _ if reply.is_about_a_mistake() => self.mistakes += 1,
            _ => {}
        }
        if self.failures >= MOST_FAILURES {
            return Some(reply::TOO_MANY_FAILURES);
        }
        (self.mistakes >= MOST_MISTAKES).then_some(reply::TOO_MANY_MISTAKES)
    }

    /// Bytes that came in with the STARTTLS line were sent in the clear, by whomever: they end the connection, and are
    /// never read as if TLS had protected them (CVE-2011-0411).
    async fn start_tls<S>(&self, connection: &mut Connection<S>, go_ahead: &Reply) -> Ending
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        if connection.has_unread() {
            self.say(connection, &reply::PIPELINED_STARTTLS);
            return Ending::Close;
        }
        self.say(connection, go_ahead);
        match timeout(self.submission.app.config.smtp_idle_timeout, connection.flush()).await {
            Ok(Ok(())) => Ending::StartTls,
            _ => Ending::Close,
        }
    }
}

/// Waits for a time that may never come.
async fn passed(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

fn last_words(lost: &Lost) -> Option<Reply> {
    match lost {
        Lost::Broken(Broken::BareCr) => Some(reply::BARE_CR),
        Lost::Broken(Broken::BareLf) => Some(reply::BARE_LF),
        Lost::Broken(Broken::Control) => Some(reply::CONTROL_BYTE),
        Lost::Broken(Broken::Endless) => Some(reply::LINE_TOO_LONG),
        Lost::HungUp | Lost::Io(_) => None,
    }
}
