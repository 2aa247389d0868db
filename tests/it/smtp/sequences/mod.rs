//! Property test: whatever a client says, in whatever order and pieces, each command gets the answer that a simple model gives,
//! and the log holds exactly the messages that were taken.
//!
//! The real conversation runs over a pipe in memory, as it does behind TLS. `PROPTEST_CASES` says how many sequences there are,
//! `PROPTEST_RNG_SEED` which; a failure names its seed.

mod content;
mod model;
mod pipe;
mod reference;
mod script;

use std::collections::BTreeSet;
use std::sync::Mutex;

use gatepost::id::MessageId;
use gatepost::model::message::{Filter, Listing};
use gatepost::model::{Message, Turn};
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use self::model::{Expected, MOST_BYTES, MOST_MESSAGES, MOST_RECIPIENTS, Model, Taken};
use self::pipe::Client;
use self::script::{Script, Step, scripts};
use super::door::plain;
use crate::support::{Reply, TestApp};

struct Shop {
    app: TestApp,
    /// What AUTH PLAIN says.
    response: String,
    /// What is in the log.
    logged: Mutex<BTreeSet<MessageId>>,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sequence_of_commands_is_answered_as_the_model_says_and_the_log_holds_what_was_taken() {
    let shop = Shop::open().await;
    let seed = match config().rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => TestRunner::default().rng().next_u64(),
    };
    let mut runner = TestRunner::new(ProptestConfig { rng_seed: RngSeed::Fixed(seed), ..config() });
    let outcome = block_in_place(|| {
        runner.run(&scripts(), |script| {
            Handle::current().block_on(shop.plays(&script));
            Ok(())
        })
    });
    outcome.unwrap_or_else(|failure| panic!("PROPTEST_RNG_SEED={seed}: {failure}"));
}

fn config() -> ProptestConfig {
    ProptestConfig { max_shrink_iters: 500, failure_persistence: None, ..ProptestConfig::default() }
}

impl Shop {
    async fn open() -> Self {
        let app = TestApp::with_config(|config| {
            config.smtp_max_message_bytes = MOST_BYTES as u64;
            config.smtp_max_messages = MOST_MESSAGES;
            config.smtp_max_recipients = MOST_RECIPIENTS;
        });
        let app = app.await;
        app.verified("acme.example").await;
        let staging = app.issue_for_sandbox("Staging").await;
        Self { app, response: plain("", &staging.username, &staging.password), logged: Mutex::default() }
    }

    async fn plays(&self, script: &Script) {
        self.new_in_log().await;
        let (mut client, mut model) = (Client::of(&self.app, script.sizes.clone()), Model::greeting());
        let sign_in = format!("EHLO client.example\r\nAUTH PLAIN {}\r\n", self.response);
        client.says(&mut model, sign_in.as_bytes()).await;
        for step in &script.steps {
            match step {
                Step::Says(bytes) => client.says(&mut model, bytes).await,
                Step::Waits => client.waits(&model).await,
                Step::Data { content, blindly } => {
                    client.says(&mut model, b"DATA\r\n").await;
                    if !blindly {
                        client.waits(&model).await;
                    }
                    if *blindly || model.awaits_content() {
                        client.says(&mut model, content).await;
                    }
                }
            }
        }
        client.says(&mut model, b"NOOP\r\n").await;
        let (said, heard) = client.ends().await;
        let said = said.escape_ascii();
        let codes: Vec<_> = heard.iter().map(|reply| reply.code).collect();
        assert!(
            codes.len() == model.expected.len()
                && codes.iter().zip(&model.expected).all(|(code, expected)| expected.is(*code)),
            "{codes:?} is heard and {:?} expected after {said}",
            model.expected
        );
        let mut taken = BTreeSet::new();
        for (reply, expected) in heard.iter().zip(&model.expected) {
            if let Expected::Taken(message) = expected {
                self.assert_keeps(id(reply), message).await;
                taken.insert(id(reply));
            }
        }
        assert_eq!(self.new_in_log().await, taken, "{:?} after {said}", model.expected);
    }

    /// The log holds this for exactly these recipients, byte for byte under a trace.
    async fn assert_keeps(&self, id: MessageId, taken: &Taken) {
        let organization = self.app.operator().await.organization;
        let mut connection = self.app.app.db.read().await.expect("a connection");
        let kept = Message::content(&mut connection, organization, id, usize::MAX).await.expect("content");
        let trace = kept.strip_suffix(taken.content.as_slice());
        let trace = trace.and_then(|trace| std::str::from_utf8(trace).ok()).unwrap_or_default();
        // Received in three lines, Date, Message-ID.
        assert!(
            trace.starts_with("Received: from client.example ") && trace.matches("\r\n").count() == 5,
            "{taken:?} is kept as {}",
            kept.escape_ascii()
        );
        let recipients =
            Message::recipients(&mut connection, organization, id, 100).await.expect("recipients");
        let recipients: Vec<_> = recipients.into_iter().map(|recipient| recipient.address).collect();
        assert_eq!(recipients, taken.recipients);
    }

    /// What came into the log since this was last asked.
    async fn new_in_log(&self) -> BTreeSet<MessageId> {
        let organization = self.app.operator().await.organization;
        let mut connection = self.app.app.db.read().await.expect("a connection");
        let listing = Listing { filter: Filter::default(), turn: Turn::first(MOST_MESSAGES as usize + 1) };
        let found = Message::list(&mut connection, organization, &listing).await.expect("the log");
        let mut logged = self.logged.lock().expect("no panic in another thread");
        found.page.rows.iter().map(|row| row.id).filter(|id| logged.insert(*id)).collect()
    }
}

/// `2.0.0 Accepted in sandbox mode as ID, goes no further`
fn id(reply: &Reply) -> MessageId {
    let text = reply.text();
    let id = text.split_once(" as ").and_then(|(_, rest)| rest.split_once(','));
    id.unwrap_or_else(|| panic!("no id in {text}")).0.parse().expect("an id")
}
