//! What the door says to each command: one function a verb.
//!
//! A session never touches the socket. It answers, and says how the conversation goes on; `conversation` writes,
//! counts and limits. After STARTTLS a new session takes over, so that nothing said before it counts
//! (RFC 3207 section 4.2).

use std::net::IpAddr;

use super::command::{self, Command, Verb};
use super::reply::{self, Reply};
use super::sasl::{self, Claim, Exchange, Mechanism, Problem, Progress};
use crate::app::App;
use crate::gate::{Attempt, Door, Grant};

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
    StartTls,
    Close,
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        Answer { reply, next: Next::Command }
    }
}

impl Answer {
    fn last(reply: Reply) -> Self {
        Answer { reply, next: Next::Close }
    }
}

pub struct Session {
    app: App,
    client: IpAddr,
    encrypted: bool,
    /// The name that the client gave with EHLO or HELO.
    hello: Option<String>,
    /// Whether it was EHLO: without it there are no extensions, AUTH among them.
    extended: bool,
    grant: Option<Grant>,
}

impl Session {
    pub fn new(app: App, client: IpAddr, encrypted: bool) -> Self {
        Session { app, client, encrypted, hello: None, extended: false, grant: None }
    }

    pub fn is_authenticated(&self) -> bool {
        self.grant.is_some()
    }

    /// Answers one command line.
    pub async fn command(&mut self, command: Command<'_>) -> Answer {
        if let Some(refusal) = self.barrier(command.verb).await {
            return refusal;
        }
        if !command.ascii {
            return Session::not_ascii(command.verb).into();
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
    async fn barrier(&self, verb: Verb) -> Option<Answer> {
        use Verb::{Auth, Bdat, Data, Ehlo, Expn, Helo, Http, Mail, Noop, Quit, Rcpt, Rset, StartTls, Vrfy};
        match (verb, &self.grant) {
            (Quit | Http, _) => None,
            (_, Some(grant)) => self.revoked(grant).await,
            (Ehlo | Helo | Noop | Rset | StartTls, None) => None,
            (Auth, None) if !self.encrypted => Some(reply::ENCRYPTION_REQUIRED.into()),
            // The bytes of a chunk follow its command at once (RFC 3030 section 2): they must not be taken for commands.
            (Bdat, None) if !self.encrypted => Some(Answer::last(reply::TLS_FIRST)),
            (Bdat, None) => Some(Answer::last(reply::AUTHENTICATION_REQUIRED)),
            (_, None) if !self.encrypted => Some(reply::TLS_FIRST.into()),
            (Mail | Rcpt | Data | Vrfy | Expn, None) => Some(reply::AUTHENTICATION_REQUIRED.into()),
            (_, None) => None,
        }
    }

    async fn revoked(&self, grant: &Grant) -> Option<Answer> {
        match self.app.gate.still_holds(grant).await {
            Ok(true) => None,
            Ok(false) => Some(Answer::last(reply::NO_LONGER_VALID)),
            Err(problem) => {
                tracing::error!(%problem, "can't tell whether the credential of an open session still holds");
                Some(reply::INTERNAL.into())
            }
        }
    }

    fn not_ascii(verb: Verb) -> Reply {
        match verb {
            // RFC 6531 section 3.5, for servers that do not offer SMTPUTF8.
            Verb::Mail | Verb::Rcpt => reply::NOT_ASCII,
            Verb::Unknown => reply::UNKNOWN_COMMAND,
            _ => reply::ONLY_ASCII,
        }
    }

    /// RFC 5321 section 4.1.1.1. Only what is true is advertised: extensions of message transfer come with it.
    async fn ehlo(&mut self, argument: &str) -> Answer {
        if !is_hello_name(argument) {
            return reply::usage("EHLO hostname").into();
        }
        self.greeted(argument, true);
        let config = &self.app.config;
        let secure =
            if self.encrypted { format!("AUTH {}", sasl::MECHANISMS) } else { "STARTTLS".to_owned() };
        let size = format!("SIZE {}", config.smtp_max_message_bytes);
        let keywords = ["PIPELINING".to_owned(), size, "ENHANCEDSTATUSCODES".to_owned(), secure];
        reply::capabilities(&config.smtp_host, &keywords).into()
    }

    async fn helo(&mut self, argument: &str) -> Answer {
        if !is_hello_name(argument) {
            return reply::usage("HELO hostname").into();
        }
        self.greeted(argument, false);
        reply::hello(&self.app.config.smtp_host).into()
    }

    fn greeted(&mut self, name: &str, extended: bool) {
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
            Err(Problem::ForeignIdentity) => reply::FOREIGN_IDENTITY.into(),
        }
    }

    async fn check(&mut self, claim: Claim) -> Reply {
        let attempt = Attempt {
            username: claim.username,
            password: claim.password,
            client: self.client,
            door: Door::Smtp,
            encrypted: self.encrypted,
            hello: self.hello.clone(),
        };
        match self.app.gate.check(attempt).await {
            Ok(grant) => {
                self.grant = Some(grant);
                reply::AUTHENTICATED
            }
            Err(denial) if denial.is_temporary() => reply::undecided(denial.reference),
            Err(denial) => reply::denied(denial.reference),
        }
    }

    /// RFC 5321 section 4.1.1.2 and RFC 1870 section 6.
    async fn mail(&mut self, argument: &str) -> Answer {
        let limit = self.app.config.smtp_max_message_bytes;
        match command::mail(argument) {
            Ok(mail) if mail.size.is_some_and(|size| size > limit) => reply::too_big(limit).into(),
            Ok(_) => reply::NO_MAIL_YET.into(),
            Err(refusal) => refusal.into(),
        }
    }

    async fn rcpt(&mut self, argument: &str) -> Answer {
        match command::rcpt(argument) {
            Ok(_) => reply::NO_MAIL_YET.into(),
            Err(refusal) => refusal.into(),
        }
    }

    async fn data(&mut self, argument: &str) -> Answer {
        if argument.is_empty() { reply::NO_MAIL_YET.into() } else { reply::NO_ARGUMENT.into() }
    }

    /// Not advertised; but the chunk of a client that sends one all the same must not be read as commands.
    async fn bdat(&mut self, argument: &str) -> Answer {
        let limit = self.app.config.smtp_max_message_bytes;
        match command::chunk(argument) {
            Some(size) if size <= limit => Answer { reply: reply::NO_MAIL_YET, next: Next::Discard(size) },
            Some(_) => Answer::last(reply::too_big(limit)),
            None => Answer::last(reply::usage("BDAT size [LAST]")),
        }
    }

    async fn rset(&mut self, argument: &str) -> Answer {
        if argument.is_empty() { reply::OK.into() } else { reply::NO_ARGUMENT.into() }
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
