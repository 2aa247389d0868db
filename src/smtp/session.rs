//! What the door says to each command: one function a verb.
//!
//! A session never touches the socket. It answers, and says how the conversation goes on; `conversation` writes,
//! counts and limits. After STARTTLS a new session takes over, so that nothing said before it counts
//! (RFC 3207 section 4.2).

mod mail;

use std::net::IpAddr;

use tokio::time::Instant;

use super::command::{Command, Verb};
use super::reply::{self, Reply};
use super::sasl::{self, Claim, Exchange, Mechanism, Problem, Progress};
use super::submission::Submission;
use super::transaction::Transaction;
use crate::gate::{Attempt, Denial, Door, Grant, Reason};
use crate::secret::Password;

pub struct Answer {
    pub reply: Reply,
    pub next: Next,
}

/// How the conversation goes on once the reply is gathered.
pub enum Next {
    Command,
    /// The next line belongs to this exchange.
    Response(Exchange),
    /// So many bytes come first that are no commands; the reply waits for them.
    Discard(u64),
    /// What the session's incoming message expects comes first; `last`: the message ends with it.
    Content {
        last: bool,
    },
    StartTls,
    Close,
    /// The same in the middle of a message: what the client still sends of it is let go by first, so many bytes, until then.
    CloseAfter {
        bytes: u64,
        until: Instant,
    },
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        Answer { reply, next: Next::Command }
    }
}

impl Answer {
    /// Nothing can follow: the connection ends.
    pub fn last(reply: Reply) -> Self {
        Answer { reply, next: Next::Close }
    }
}

pub struct Session {
    submission: Submission,
    client: IpAddr,
    encrypted: bool,
    /// The name that the client gave with EHLO or HELO.
    hello: Option<String>,
    /// Whether it was EHLO: without it there are no extensions, AUTH among them.
    extended: bool,
    grant: Option<Grant>,
    transaction: Option<Transaction>,
    /// Why the message was refused of which chunks may still come.
    spoiled: Option<Reply>,
    /// The newest MAIL was refused, and not for a mistake: what was pipelined behind it (RFC 2920 section 3.1) is none either.
    declined: bool,
    /// Messages that were begun.
    messages: u32,
}

impl Session {
    pub fn new(submission: Submission, client: IpAddr, encrypted: bool) -> Self {
        Session {
            submission,
            client,
            encrypted,
            hello: None,
            extended: false,
            grant: None,
            transaction: None,
            spoiled: None,
            declined: false,
            messages: 0,
        }
    }

    pub fn is_authenticated(&self) -> bool {
        self.grant.is_some()
    }

    /// Until when the message that is on its way must have come, where one is.
    pub fn deadline(&self) -> Option<Instant> {
        self.transaction.as_ref().map(|transaction| transaction.deadline)
    }

    /// The same for content that begins to come now, whether or not it is taken in.
    pub fn content_deadline(&self) -> Instant {
        self.deadline().unwrap_or_else(|| Instant::now() + self.submission.app.config.smtp_data_timeout)
    }

    /// Answers one command line.
    pub async fn command(&mut self, command: Command<'_>) -> Answer {
        let verb = command.verb;
        let answer = self.answer(command).await;
        if verb == Verb::Mail {
            self.declined = answer.reply.code >= 400 && !answer.reply.is_about_a_mistake();
        }
        answer
    }

    async fn answer(&mut self, command: Command<'_>) -> Answer {
        if let Some(refusal) = self.barrier(command.verb).await {
            return refusal;
        }
        if !command.ascii && (!matches!(command.verb, Verb::Mail | Verb::Rcpt) || command.argument.is_empty())
        {
            return Session::not_ascii(command.verb);
        }
        let argument = command.argument;
        match command.verb {
            Verb::Ehlo => self.ehlo(argument).await,
            Verb::Helo => self.helo(argument).await,
            Verb::StartTls => self.starttls(argument).await,
            Verb::Auth => self.auth(argument).await,
            Verb::Mail => self.mail(argument).await,
            Verb::Rcpt => self.rcpt(argument).await,
            Verb::Data => self.data(argument).await,
            Verb::Bdat => self.bdat(argument).await,
            Verb::Rset => self.rset(argument).await,
            Verb::Noop => reply::OK.into(),
            Verb::Vrfy => self.vrfy(argument).await,
            Verb::Help => reply::HELP.into(),
            Verb::Quit => self.quit(argument).await,
            Verb::Expn => reply::NOT_IMPLEMENTED.into(),
            Verb::Http => Answer::last(reply::NOT_HTTP),
            Verb::Unknown => reply::UNKNOWN_COMMAND.into(),
        }
    }

    /// Answers a line of an authentication exchange.
    pub async fn response(&mut self, exchange: Exchange, line: &[u8]) -> Answer {
        self.progress(exchange.answer(line)).await
    }

    /// What stands before every command: encryption (RFC 3207 section 4), a login, and that the login still holds.
    async fn barrier(&mut self, verb: Verb) -> Option<Answer> {
        use Verb::{Auth, Bdat, Data, Ehlo, Expn, Helo, Http, Mail, Noop, Quit, Rcpt, Rset, StartTls, Vrfy};
        match (verb, &self.grant) {
            (Quit | Http, _) => None,
            (_, Some(_)) => self.revoked(verb).await,
            (Ehlo | Helo | Noop | Rset | StartTls, None) => None,
            // The bytes of a chunk follow its command at once (RFC 3030 section 2): they must not be taken for commands.
            (Bdat, None) if !self.encrypted => Some(Answer::last(reply::TLS_FIRST)),
            (Bdat, None) => Some(Answer::last(reply::AUTHENTICATION_REQUIRED)),
            (Auth, None) => None,
            (_, None) if !self.encrypted => Some(reply::TLS_FIRST.into()),
            (Mail | Rcpt | Data | Vrfy | Expn, None) => Some(reply::AUTHENTICATION_REQUIRED.into()),
            (_, None) => None,
        }
    }

    async fn revoked(&mut self, verb: Verb) -> Option<Answer> {
        let grant = self.grant.as_mut()?;
        match self.submission.app.gate.still_holds(grant).await {
            Ok(Some(mode)) => {
                grant.mode = mode;
                None
            }
            Ok(None) => Some(Answer::last(reply::NO_LONGER_VALID)),
            Err(problem) => {
                tracing::error!(%problem, "can't tell whether the credential of an open session still holds");
                Some(if verb == Verb::Bdat { Answer::last(reply::INTERNAL) } else { reply::INTERNAL.into() })
            }
        }
    }

    fn not_ascii(verb: Verb) -> Answer {
        match verb {
            Verb::Mail | Verb::Rcpt => reply::NOT_ASCII.into(),
            Verb::Unknown => reply::UNKNOWN_COMMAND.into(),
            Verb::Bdat => Answer::last(reply::ONLY_ASCII),
            _ => reply::ONLY_ASCII.into(),
        }
    }

    /// RFC 5321 section 4.1.1.1. Only what is true is advertised: extensions of message transfer come with it.
    async fn ehlo(&mut self, argument: &str) -> Answer {
        if !is_hello_name(argument) {
            return reply::usage("EHLO hostname").into();
        }
        self.greeted(argument, true);
        reply::capabilities(&self.submission.app.config.smtp_host, &self.keywords()).into()
    }

    /// What is true here and now.
    fn keywords(&self) -> Vec<String> {
        let config = &self.submission.app.config;
        let size = format!("SIZE {}", config.smtp_max_message_bytes);
        let mut keywords = vec!["PIPELINING".to_owned(), size, "ENHANCEDSTATUSCODES".to_owned()];
        if !self.encrypted {
            keywords.push("STARTTLS".to_owned());
            return keywords;
        }
        keywords.extend(["8BITMIME", "SMTPUTF8", "CHUNKING"].map(str::to_owned));
        // RFC 9422 section 4.
        let (messages, recipients) = (config.smtp_max_messages, config.smtp_max_recipients);
        keywords.push(format!("LIMITS MAILMAX={messages} RCPTMAX={recipients}"));
        keywords.push(format!("AUTH {}", sasl::MECHANISMS));
        keywords
    }

    async fn helo(&mut self, argument: &str) -> Answer {
        if !is_hello_name(argument) {
            return reply::usage("HELO hostname").into();
        }
        self.greeted(argument, false);
        reply::hello(&self.submission.app.config.smtp_host).into()
    }

    /// A message that was begun is given up (RFC 5321 section 4.1.4).
    fn greeted(&mut self, name: &str, extended: bool) {
        self.forget_transaction();
        self.hello = Some(name.to_owned());
        self.extended = extended;
    }

    /// RFC 3207 section 4.
    async fn starttls(&mut self, argument: &str) -> Answer {
        match argument {
            _ if self.encrypted => reply::ALREADY_ENCRYPTED.into(),
            "" => Answer { reply: reply::START_TLS, next: Next::StartTls },
            _ => reply::NO_ARGUMENT.into(),
        }
    }

    /// RFC 4954 section 4.
    async fn auth(&mut self, argument: &str) -> Answer {
        if self.grant.is_some() {
            return reply::ALREADY_AUTHENTICATED.into();
        }
        if !self.encrypted {
            let (username, password) = (sasl::revealed_username(argument), Password::new(""));
            return self.check(Claim { identity: String::new(), username, password }).await.into();
        }
        if !self.extended {
            return reply::HELLO_FIRST.into();
        }
        let (name, initial) = match argument.split_once(' ') {
            Some((name, initial)) => (name, Some(initial)),
            None => (argument, None),
        };
        match Mechanism::named(name) {
            Some(mechanism) => self.progress(mechanism.begin(initial)).await,
            None if name.is_empty() => reply::usage("AUTH mechanism [initial-response]").into(),
            None => reply::UNKNOWN_MECHANISM.into(),
        }
    }

    async fn progress(&mut self, progress: Result<Progress, Problem>) -> Answer {
        match progress {
            Ok(Progress::Ask(exchange)) => {
                Answer { reply: reply::challenge(exchange.prompt()), next: Next::Response(exchange) }
            }
            Ok(Progress::Done(claim)) => self.check(claim).await.into(),
            Err(Problem::Cancelled) => reply::CANCELLED.into(),
            Err(Problem::NotBase64) => reply::NOT_BASE64.into(),
            Err(Problem::Malformed) => reply::BAD_EXCHANGE.into(),
        }
    }

    async fn check(&mut self, claim: Claim) -> Reply {
        let attempt = Attempt {
            username: claim.username,
            password: claim.password,
            identity: claim.identity,
            client: self.client,
            door: Door::Smtp,
            encrypted: self.encrypted,
            hello: self.hello.clone(),
            organization: None,
        };
        match self.submission.app.gate.check(attempt).await {
            Ok(grant) => {
                self.grant = Some(grant);
                reply::AUTHENTICATED
            }
            Err(Denial { reason, reference }) => match reason {
                _ if !self.encrypted => reply::encryption_required(reference),
                Reason::Unavailable => reply::undecided(reference),
                Reason::ForeignIdentity => reply::foreign_identity(reference),
                _ => reply::denied(reference),
            },
        }
    }

    /// RFC 5321 section 3.5.3: addresses are not told apart, so that none can be found out.
    async fn vrfy(&mut self, argument: &str) -> Answer {
        if argument.is_empty() { reply::usage("VRFY address").into() } else { reply::NOT_VERIFIED.into() }
    }

    async fn quit(&mut self, argument: &str) -> Answer {
        if argument.is_empty() { Answer::last(reply::GOODBYE) } else { reply::NO_ARGUMENT.into() }
    }
}

/// Looser than RFC 5321 section 4.1.2, for clients call themselves all kinds of things; one word of at most 255 bytes.
fn is_hello_name(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
