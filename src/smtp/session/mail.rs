//! MAIL, RCPT, DATA, BDAT, RSET: a message is announced, and comes in.

use tokio::time::Instant;

use super::{Answer, Next, Session};
use crate::app::App;
use crate::db::in_time;
use crate::id::CreditHoldId;
use crate::model::Credits;
use crate::model::credential::Mode;
use crate::model::usage::Month;
use crate::smtp::command::{self, Chunk, MailFrom, Verb};
use crate::smtp::data::incoming::{Fault, Incoming};
use crate::smtp::delivery::{Client, deliver};
use crate::smtp::onward;
use crate::smtp::refusals::{self, Refusals, Stage};
use crate::smtp::reply::{self, Reply};
use crate::smtp::senders::Senders;
use crate::smtp::transaction::{Hold, Transaction, Way};

/// Recipients of a message that may be named, those that are refused among them: so many times those that it may have.
const TRIES: usize = 4;

impl Session {
    /// RFC 5321 section 4.1.1.2.
    pub(super) async fn mail(&mut self, argument: &str) -> Answer {
        if self.messages >= self.submission.app.config.smtp_max_messages {
            return Answer::last(reply::TOO_MANY_MESSAGES);
        }
        let begun = match command::mail(argument) {
            Ok(mail) => self.begin(mail).await,
            Err(refusal) => Err(refusal),
        };
        begun.map_or_else(|refusal| self.refused(Stage::Mail, refusal.into()), |()| reply::SENDER_OK.into())
    }

    async fn begin(&mut self, mail: MailFrom<'_>) -> Result<(), Reply> {
        if self.transaction.is_some() {
            return Err(reply::NESTED_MAIL);
        }
        let app = &self.submission.app;
        let limit = app.config.smtp_max_message_bytes;
        if mail.size.is_some_and(|size| size > limit) {
            return Err(reply::too_big(limit));
        }
        let grant = self.grant.as_ref().ok_or(reply::AUTHENTICATION_REQUIRED)?;
        Senders { app, grant }.check_sender(mail.sender.unwrap_or_default()).await?;
        let way = match (grant.mode, &self.submission.relay) {
            (Mode::Sandbox, _) => Way::Sandbox,
            (Mode::Production, None) => Way::Nowhere,
            (Mode::Production, Some(relay)) => {
                Way::Onward(Box::new(onward::begin(relay, grant.credential, &mail).await?))
            }
        };
        let credits = Credits { organization: grant.organization, month: Month::of(app.clock.now()) };
        let hold = hold(app, grant.mode, credits).await.map_err(reply::internal)?;
        self.messages += 1;
        self.spoiled = None;
        self.transaction = Some(Transaction {
            way,
            sender: mail.sender.unwrap_or_default().to_owned(),
            smtputf8: mail.smtputf8,
            recipients: Vec::new(),
            incoming: Incoming::new(limit, self.submission.memory.share()),
            chunked: false,
            deadline: Instant::now() + app.config.smtp_data_timeout,
            credits,
            hold,
            refusals: Refusals::new(grant.credential),
        });
        Ok(())
    }

    /// RFC 5321 section 4.1.1.3.
    pub(super) async fn rcpt(&mut self, argument: &str) -> Answer {
        let answer = match command::rcpt(argument) {
            Ok(address) => self.name(address).await,
            Err(refusal) => refusal.into(),
        };
        if let Some(transaction) = &mut self.transaction {
            transaction.refusals.note(&answer.reply);
        }
        answer
    }

    async fn name(&mut self, address: &str) -> Answer {
        let Some(transaction) = &mut self.transaction else { return self.mail_first().into() };
        if transaction.chunked {
            return reply::NOT_BETWEEN_CHUNKS.into();
        }
        if !address.is_ascii() && !transaction.smtputf8 {
            return reply::NOT_ASCII.into();
        }
        let most = self.submission.app.config.smtp_max_recipients;
        if transaction.accepted() >= most || transaction.recipients.len() >= most.saturating_mul(TRIES) {
            return reply::TOO_MANY_RECIPIENTS.into();
        }
        if transaction.is_broken() {
            return reply::NEXT_HOP_LOST.into();
        }
        if let Some(hold) = &mut transaction.hold {
            match hold.one_more().await {
                Ok(true) => {}
                Ok(false) => return reply::NO_CREDIT.into(),
                Err(error) => return reply::internal(error).into(),
            }
        }
        onward::name(transaction, address).await.into()
    }

    /// RFC 5321 section 4.1.1.4.
    pub(super) async fn data(&mut self, argument: &str) -> Answer {
        if !argument.is_empty() {
            return reply::NO_ARGUMENT.into();
        }
        let Some(transaction) = &mut self.transaction else { return self.mail_first().into() };
        if transaction.chunked {
            return reply::NOT_BETWEEN_CHUNKS.into();
        }
        if let Some(refusal) = transaction.refusal() {
            return refusal.into();
        }
        transaction.incoming.expect_dot();
        Answer { reply: reply::START_INPUT, next: Next::Content { last: true } }
    }

    /// RFC 3030 section 2. The bytes of a chunk follow its command at once: whatever is answered, they are no commands.
    pub(super) async fn bdat(&mut self, argument: &str) -> Answer {
        let limit = self.submission.app.config.smtp_max_message_bytes;
        let Some(Chunk { size, last }) = command::chunk(argument) else {
            return Answer::last(reply::usage("BDAT size [LAST]"));
        };
        if size > limit {
            let answer = self.broken_off(reply::too_big(limit));
            return self.refused(Stage::Message, answer);
        }
        let refused = match &mut self.transaction {
            // Behind the chunk that was refused, for a client need not wait for answers (RFC 3030 section 4.2).
            None if last => self.spoiled.take().unwrap_or_else(|| self.mail_first()),
            None => self.spoiled.clone().unwrap_or_else(|| self.mail_first()),
            Some(transaction) => match transaction.refusal() {
                Some(refusal) => refusal,
                None => {
                    transaction.chunked = true;
                    transaction.incoming.expect_chunk(size);
                    return Answer { reply: reply::chunk(size), next: Next::Content { last } };
                }
            },
        };
        Answer { reply: refused, next: Next::Discard(size) }
    }

    /// A chunk follows that is not taken in: once it is refused the connection ends.
    fn broken_off(&self, reply: Reply) -> Answer {
        let bytes = self.submission.app.config.smtp_max_message_bytes;
        Answer { reply, next: Next::CloseAfter { bytes, until: self.content_deadline() } }
    }

    /// The content that is on its way, while some is.
    pub fn incoming(&mut self) -> Option<&mut Incoming> {
        self.transaction.as_mut().map(|transaction| &mut transaction.incoming)
    }

    /// What was expected of the content has come. `so_far` answers a chunk that is not the `last`.
    pub async fn received(&mut self, last: bool, so_far: Reply) -> Answer {
        let answer = self.take_in(last, so_far).await;
        self.refused(Stage::Message, answer)
    }

    /// Logs a refusal on its way out.
    fn refused(&self, stage: Stage, answer: Answer) -> Answer {
        if let Some(grant) = &self.grant {
            refusals::note(grant.credential, stage, &answer.reply);
        }
        answer
    }

    async fn take_in(&mut self, last: bool, so_far: Reply) -> Answer {
        let Some(mut transaction) = self.transaction.take() else { return reply::MAIL_FIRST.into() };
        if last && transaction.chunked {
            transaction.incoming.end_chunks();
        }
        if let Some(fault) = transaction.incoming.fault() {
            let limit = self.submission.app.config.smtp_max_message_bytes;
            let refusal = refusal(fault, limit);
            if transaction.chunked {
                self.spoiled = (!last).then(|| refusal.clone());
                return refusal.into();
            }
            // Nobody can tell any more what is message and what is command.
            let next = match fault.hides_the_end() {
                true => Next::CloseAfter { bytes: limit, until: transaction.deadline },
                false => Next::Command,
            };
            return Answer { reply: refusal, next };
        }
        if !last {
            self.transaction = Some(transaction);
            return so_far.into();
        }
        // What was changed while it came in holds for it.
        if let Some(refusal) = self.revoked(Verb::Data).await {
            return refusal;
        }
        let Some(grant) = &self.grant else { return reply::AUTHENTICATION_REQUIRED.into() };
        let hello = self.hello.as_deref().unwrap_or_default();
        let client = Client { grant, hello, address: self.client };
        deliver(&self.submission, client, transaction).await.into()
    }

    /// RFC 5321 section 4.1.1.5.
    pub(super) async fn rset(&mut self, argument: &str) -> Answer {
        if !argument.is_empty() {
            return reply::NO_ARGUMENT.into();
        }
        self.forget_transaction();
        reply::OK.into()
    }

    /// The message that was begun is given up; the connection to the next hop is kept for another.
    pub(super) fn forget_transaction(&mut self) {
        (self.transaction, self.spoiled, self.declined) = (None, None, false);
    }

    /// No message is begun.
    fn mail_first(&self) -> Reply {
        if self.declined { reply::MAIL_FIRST.excused() } else { reply::MAIL_FIRST }
    }
}

/// For a production message of an organization that has an allowance; nothing is held yet.
async fn hold(app: &App, mode: Mode, credits: Credits) -> crate::error::Result<Option<Hold>> {
    if mode == Mode::Sandbox {
        return Ok(None);
    }
    let allowance =
        in_time(async { Credits::allowance(&mut *app.db.read().await?, credits.organization).await }).await?;
    Ok(allowance.map(|_| Hold { app: app.clone(), credits, id: CreditHoldId::new(), held: false }))
}

fn refusal(fault: Fault, limit: u64) -> Reply {
    match fault {
        Fault::BareCr => reply::CONTENT_BARE_CR,
        Fault::BareLf => reply::CONTENT_BARE_LF,
        Fault::Nul => reply::CONTENT_NUL,
        Fault::TooBig => reply::too_big(limit),
        Fault::NoMemory => reply::NO_MEMORY,
    }
}
