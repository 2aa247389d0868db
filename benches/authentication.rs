//! What a log-in costs: `cargo bench --bench authentication`.
//!
//! A whole SMTP session over loopback, with AUTH and without; the gate's decision on a password that it remembers, against
//! nothing but the read of the row; and how many passwords a second are verified for the first time. With `TEST_DATABASE_URL`
//! on PostgreSQL too.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and fails where it can't go on"
)]

mod common;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use common::smtp::SmtpClient;
use common::{Running, Samples, Store};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use gatepost::gate::{Attempt, Door};
use gatepost::model::credential::{Draft, Entry, IssuedCredential, Mode, Scope};
use gatepost::model::{Actor, Credential};
use gatepost::secret::Password;

const ROUNDS: usize = 500;
/// Passwords that are verified for the first time.
const COLD: usize = 300;

#[tokio::main]
async fn main() {
    for (name, server) in Store::kinds() {
        let store = Store::with(1_000, server.as_deref()).await;
        let running = Running::on(&store).await;
        let shop = create(&store, &running).await;
        println!("{name}: median of {ROUNDS}, in microseconds\n");
        sessions(&running, &shop).await;
        decisions(&running, &shop).await;
        first_log_ins(&running).await;
        println!();
    }
}

async fn create(store: &Store, running: &Running) -> IssuedCredential {
    let fresh = running.app.hashing().fresh().await.expect("a password");
    let (mode, scope) = (Mode::Production, Scope::Global);
    let draft = Draft { name: "Shop".to_owned(), mode, scope, domains: Vec::new(), expires_at: None };
    let actor = Actor::operator(store.organization, running.app.clock.now());
    let mut tx = store.db.begin().await.expect("a transaction");
    let issued = Credential::create(&mut tx, &actor, draft, fresh).await.expect("a credential");
    tx.commit().await.expect("a commit");
    issued
}

async fn sessions(running: &Running, shop: &IssuedCredential) {
    let (mut with, mut without) = (Samples::default(), Samples::default());
    session(running, Some(shop)).await;
    for _ in 0..ROUNDS {
        without.measure(async || session(running, None).await).await;
        with.measure(async || session(running, Some(shop)).await).await;
    }
    let (with, without) = (with.median(), without.median());
    println!("{:<56} {without:>8.0}", "connect, EHLO, STARTTLS, handshake, EHLO, QUIT");
    println!("{:<56} {with:>8.0}", "the same with AUTH PLAIN, the password remembered");
    println!("{:<56} {:>8.0}", "what AUTH costs", with - without);
}

async fn session(running: &Running, shop: Option<&IssuedCredential>) {
    let mut client = SmtpClient::connect(&running.door).await.encrypted().await;
    if let Some(shop) = shop {
        let reply = client.log_in(&shop.credential.username, shop.password.expose()).await;
        assert_eq!(reply.code, 235, "{reply:?}");
    }
    client.expect(221, "QUIT").await;
}

async fn decisions(running: &Running, shop: &IssuedCredential) {
    let (mut decision, mut row) = (Samples::default(), Samples::default());
    let username = &shop.credential.username;
    for _ in 0..ROUNDS {
        let read = async || {
            let mut connection = running.app.db.read().await.expect("a connection");
            Entry::by_username(&mut connection, username).await.expect("a row")
        };
        row.measure(read).await.expect("it is there");
        let decide = async || running.app.gate.check(attempt(username, shop.password.clone())).await;
        decision.measure(decide).await.expect("a grant");
    }
    let (decision, row) = (decision.median(), row.median());
    println!("{:<56} {row:>8.0}", "the row's read alone");
    println!("{:<56} {decision:>8.0}", "the gate's decision, the password remembered");
}

fn attempt(username: &str, password: Password) -> Attempt {
    let (client, door): (IpAddr, Door) = (Ipv4Addr::LOCALHOST.into(), Door::Smtp);
    Attempt {
        username: username.to_owned(),
        password,
        identity: String::new(),
        client,
        door,
        encrypted: true,
        hello: None,
        organization: None,
    }
}

/// All at once, but no more than the queue takes.
async fn first_log_ins(running: &Running) {
    let hashing = running.app.hashing();
    let hash = hashing.fresh().await.expect("a password").hash;
    let began = Instant::now();
    let run = || hashing.verify(Password::generate(), Some(((), hash.clone())), None, || false);
    let mut runs: FuturesUnordered<_> = (0..32).map(|_| run()).collect();
    let mut done = 0;
    while let Some(outcome) = runs.next().await {
        outcome.expect("a free thread");
        done += 1;
        if done + runs.len() < COLD {
            runs.push(run());
        }
    }
    let rate = f64::from(u32::try_from(done).expect("a count")) / began.elapsed().as_secs_f64();
    println!("{:<56} {rate:>8.0}", "passwords verified with Argon2id, a second");
}
