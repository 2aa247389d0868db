//! Whether the log is as fast after a million messages as after a thousand, and while 10,000 a minute come in:
//! `cargo bench --bench messages`.
//!
//! Opens the page of messages with 1,000 and with 1,000,000 lines, in turns, and prints the medians and their ratio; then what
//! the page asks of the database through each filter; then how fast messages are recorded one by one, each in a transaction of
//! its own, and how long the page takes while that goes on. With `TEST_DATABASE_URL` on PostgreSQL too.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and fails where it can't go on"
)]

mod common;

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use common::{Running, Samples, Store, letters};
use gatepost::db::Db;
use gatepost::id::{CredentialId, MessageId, OrganizationId};
use gatepost::model::credential::Mode;
use gatepost::model::message::{Content, Filter, Listing, Outcome, Recipient, TakenMessage};
use gatepost::model::page::PAGE_SIZE;
use gatepost::model::{Message, Turn};
use sqlx::Executor;

const PAGE: &str = "/messages";
const ROUNDS: usize = 200;
/// What is slow is measured less often.
const PATIENCE: Duration = Duration::from_secs(3);
/// Recorded one by one for the measurement.
const RECORDED: u32 = 2_000;
/// What 10,000 a minute leaves for each.
const PACE: Duration = Duration::from_millis(6);
const BODY: usize = 16 * 1024;

struct Log {
    store: Store,
    credentials: [CredentialId; 2],
    lines: usize,
}

#[tokio::main]
async fn main() {
    for (name, server) in Store::kinds() {
        let (few, many) = (log(1_000, server.as_deref()).await, log(1_000_000, server.as_deref()).await);
        println!("{name}: median of up to {ROUNDS} rounds, in microseconds\n");
        println!("{:<46} {:>9} {:>9}  ratio", "messages", few.lines, many.lines);
        let pages = (Running::on(&few.store).await, Running::on(&many.store).await);
        let (alice, bob) = (pages.0.owner().await, pages.1.owner().await);
        compare(
            "the page, over HTTP",
            async || drop(alice.page(PAGE).await),
            async || drop(bob.page(PAGE).await),
        )
        .await;
        for (name, few_filter, many_filter) in filters(&few, &many) {
            let (one, other) = (listing(few_filter), listing(many_filter));
            compare(name, async || open(&few, &one).await, async || open(&many, &other).await).await;
        }
        record(&many).await;
        let writing = tokio::spawn(record_at_pace(
            many.store.db.clone(),
            (many.store.organization, many.credentials[0]),
        ));
        compare(
            "the page while 10,000 a minute are recorded",
            async || drop(alice.page(PAGE).await),
            async || drop(bob.page(PAGE).await),
        )
        .await;
        writing.abort();
        println!();
    }
}

async fn log(lines: usize, server: Option<&str>) -> Log {
    let store = Store::with(2, server).await;
    let credentials = [CredentialId::new(), CredentialId::new()];
    let mut tx = store.db.begin().await.expect("a transaction");
    letters::messages(&mut tx, (store.organization, credentials), store.now, lines).await;
    tx.commit().await.expect("a commit");
    if server.is_some() {
        store.db.read().await.expect("a connection").execute("VACUUM ANALYZE").await.expect("statistics");
    }
    Log { store, credentials, lines }
}

/// Each filter, and combinations of some, in both logs.
fn filters(few: &Log, many: &Log) -> Vec<(&'static str, Filter, Filter)> {
    let each = |name, filter: &dyn Fn(&Log) -> Filter| (name, filter(few), filter(many));
    let all = Filter::default;
    let search = |text: &str| Filter { search: text.to_owned(), ..all() };
    let quiet = |log: &Log| Filter { credential: Some(log.credentials[1]), ..all() };
    vec![
        each("all", &|_| all()),
        each("of the quiet credential", &quiet),
        each("sandbox", &|_| Filter { mode: Some(Mode::Sandbox), ..all() }),
        each("bounced", &|_| Filter { outcome: Some(Outcome::Bounced), ..all() }),
        each("suppressed: none", &|_| Filter { outcome: Some(Outcome::Suppressed), ..all() }),
        each("of the quiet one, bounced: none", &|log| Filter {
            outcome: Some(Outcome::Bounced),
            ..quiet(log)
        }),
        each("of the quiet one, sandbox: none", &|log| Filter { mode: Some(Mode::Sandbox), ..quiet(log) }),
        each("sandbox, delivered", &|_| Filter {
            mode: Some(Mode::Sandbox),
            outcome: Some(Outcome::Delivered),
            ..all()
        }),
        each("search with many results", &|_| search("your order")),
        each("search with one result", &|_| search("customer77@")),
        each("search without result", &|_| search("nothing like it")),
        each("search without result, sandbox", &|_| Filter {
            mode: Some(Mode::Sandbox),
            ..search("nothing like it")
        }),
    ]
}

fn listing(filter: Filter) -> Listing {
    Listing { filter, turn: Turn::first(PAGE_SIZE) }
}

async fn open(log: &Log, listing: &Listing) {
    let mut connection = log.store.db.read().await.expect("a connection");
    Message::list(&mut connection, log.store.organization, listing).await.expect("a page");
}

/// Does both in turns, so that whatever else the machine does meets both, and prints a line.
async fn compare(name: &str, one: impl AsyncFn(), other: impl AsyncFn()) {
    let (mut of_one, mut of_other) = (Samples::default(), Samples::default());
    let began = Instant::now();
    for _ in (0..ROUNDS).take_while(|round| *round < 5 || began.elapsed() < PATIENCE) {
        of_one.measure(&one).await;
        of_other.measure(&other).await;
    }
    let (one, other) = (of_one.median(), of_other.median());
    println!("{name:<46} {one:>9.0} {other:>9.0} {:>6.2}", other / one);
}

/// One after the other, each in a transaction of its own: as fast as it goes.
async fn record(log: &Log) {
    let (db, of) = (&log.store.db, (log.store.organization, log.credentials[0]));
    let began = Instant::now();
    for _ in 0..RECORDED {
        record_one(db, of).await;
    }
    let each = began.elapsed() / RECORDED;
    let a_minute = Duration::from_secs(60).as_secs_f64() / each.as_secs_f64();
    println!("{:<46} {:>9} {:>9}  {a_minute:.0} a minute", "recording one with 16 KB", "", each.as_micros());
}

async fn record_at_pace(db: Db, of: (OrganizationId, CredentialId)) {
    let mut ticks = tokio::time::interval(PACE);
    loop {
        ticks.tick().await;
        record_one(&db, of).await;
    }
}

async fn record_one(db: &Db, (organization, credential): (OrganizationId, CredentialId)) {
    let address = "customer@customer.example".to_owned();
    let recipients = vec![Recipient { address, outcome: Outcome::Delivered, answer: String::new() }];
    let taken = TakenMessage {
        id: MessageId::new(),
        organization,
        credential,
        at: gatepost::clock::Clock::default().now(),
        mode: Mode::Sandbox,
        outcome: Outcome::Delivered,
        sender: "shop@acme.example",
        senders: vec!["shop@acme.example".to_owned()],
        authors: vec!["shop@acme.example".to_owned()],
        recipients,
        header_from: "Shop <shop@acme.example>".to_owned(),
        subject: "Your order".to_owned(),
        message_id_header: "<1@acme.example>".to_owned(),
        size: BODY as u64,
        client: IpAddr::V4(Ipv4Addr::LOCALHOST),
        hello: "shop.acme.example",
    };
    let mut tx = db.begin().await.expect("a transaction");
    let body = vec![b'x'; BODY];
    let content = Content { header: b"Subject: Your order\r\n\r\n", body: &body };
    taken.record(&mut tx, Some(content)).await.expect("a message");
    tx.commit().await.expect("a commit");
}
