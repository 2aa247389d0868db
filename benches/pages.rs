//! Whether a large list is as fast as a small one: `cargo bench --bench pages`.
//!
//! Opens the credentials page with 100 and with 100,000 credentials, in turns, and prints the medians and their ratio; then what
//! the page asks of the database, in each order and through each filter, and at the end of the list against its start. With
//! `TEST_DATABASE_URL` on PostgreSQL too.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and fails where it can't go on"
)]

mod common;

use std::time::{Duration, Instant};

use common::{Running, Samples, Store};
use gatepost::model::credential::{Filter, Listing, Mode, Sort, State};
use gatepost::model::page::PAGE_SIZE;
use gatepost::model::{Credential, Page, Turn};

const PAGE: &str = "/settings/smtp-credentials";
const ROUNDS: usize = 200;
/// What is slow is measured less often.
const PATIENCE: Duration = Duration::from_secs(3);
const NINETY_DAYS: Duration = Duration::from_secs(90 * 86_400);

#[tokio::main(flavor = "current_thread")]
async fn main() {
    for (name, server) in Store::kinds() {
        let few = Store::with(100, server.as_deref()).await;
        let many = Store::with(100_000, server.as_deref()).await;
        println!("{name}: median of up to {ROUNDS} rounds, in microseconds\n");
        println!("{:<42} {:>9} {:>9}  ratio   rows", "credentials", few.credentials, many.credentials);
        compare_pages(&few, &many).await;
        for (name, listing) in listings() {
            compare(&name, (&few, &listing), (&many, &listing)).await;
        }
        println!("\n{:<42} {:>9} {:>9}  ratio   rows", "of 100,000 credentials", "start", "end");
        for sort in Sort::ALL {
            for descending in [false, true] {
                let start = listing(*sort, descending, Filter::default());
                let end = last_page(&many, &start).await;
                let name = format!("by {sort}{}", if descending { ", descending" } else { "" });
                compare(&name, (&many, &start), (&many, &end)).await;
            }
        }
        println!();
    }
}

/// The page itself, over HTTP, as its owner sees it.
async fn compare_pages(few: &Store, many: &Store) {
    let (of_few, of_many) = (Running::on(few).await, Running::on(many).await);
    let (alice, bob) = (of_few.owner().await, of_many.owner().await);
    let (mut one, mut other) = (Samples::default(), Samples::default());
    for _ in 0..ROUNDS {
        one.measure(async || alice.page(PAGE).await).await;
        other.measure(async || bob.page(PAGE).await).await;
    }
    let (one, other) = (one.median(), other.median());
    println!("{:<42} {one:>9.0} {other:>9.0} {:>6.2}", "the page, over HTTP", other / one);
}

/// Each order, and each filter.
fn listings() -> Vec<(String, Listing)> {
    let mut listings = Vec::new();
    for sort in Sort::ALL {
        listings.push((format!("by {sort}"), listing(*sort, false, Filter::default())));
        listings.push((format!("by {sort}, descending"), listing(*sort, true, Filter::default())));
    }
    for (name, filter) in filters() {
        for sort in [Sort::Created, Sort::Name, Sort::LastUsed] {
            listings.push((format!("{name}, by {sort}"), listing(sort, sort != Sort::Name, filter.clone())));
        }
    }
    listings
}

fn filters() -> Vec<(&'static str, Filter)> {
    let all = Filter::default();
    let search = |text: &str| Filter { search: text.to_owned(), ..all.clone() };
    vec![
        ("active", Filter { state: Some(State::Active), ..all.clone() }),
        ("revoked", Filter { state: Some(State::Revoked), ..all.clone() }),
        ("expired", Filter { state: Some(State::Expired), ..all.clone() }),
        ("production", Filter { mode: Some(Mode::Production), ..all.clone() }),
        ("sandbox", Filter { mode: Some(Mode::Sandbox), ..all.clone() }),
        ("unused for 90 days", Filter { unused_for: Some(NINETY_DAYS), ..all.clone() }),
        ("search with many results", search("shop")),
        ("search with one result", search("shop 99")),
        ("search without result", search("nothing has this name")),
        (
            "revoked, sandbox, unused, search",
            Filter {
                state: Some(State::Revoked),
                mode: Some(Mode::Sandbox),
                unused_for: Some(NINETY_DAYS),
                search: "shop".to_owned(),
                ..all
            },
        ),
    ]
}

fn listing(sort: Sort, descending: bool, filter: Filter) -> Listing {
    Listing { filter, sort, descending, turn: Turn::first(PAGE_SIZE) }
}

/// Reads both in turns, so that whatever else the machine does meets both, and prints a line.
async fn compare(name: &str, one: (&Store, &Listing), other: (&Store, &Listing)) {
    let (mut of_one, mut of_other) = (Samples::default(), Samples::default());
    let rows = [open(one.0, one.1).await.rows.len(), open(other.0, other.1).await.rows.len()];
    let began = Instant::now();
    for _ in (0..ROUNDS).take_while(|round| *round < 5 || began.elapsed() < PATIENCE) {
        of_one.measure(async || open(one.0, one.1).await).await;
        of_other.measure(async || open(other.0, other.1).await).await;
    }
    let (one, other) = (of_one.median(), of_other.median());
    println!("{name:<42} {one:>9.0} {other:>9.0} {:>6.2} {:>5} {:>3}", other / one, rows[0], rows[1]);
}

/// What the page asks of the database: the rows, and how many there are.
async fn open(store: &Store, listing: &Listing) -> Page<Credential> {
    let mut connection = store.db.read().await.expect("a connection");
    let page =
        Credential::list(&mut connection, store.organization, listing, store.now).await.expect("a page");
    Credential::count(&mut connection, store.organization, &listing.filter, store.now)
        .await
        .expect("a count");
    page
}

/// Turns every page from the first one, and checks that each credential was met once.
async fn last_page(store: &Store, first: &Listing) -> Listing {
    let mut listing = first.clone();
    let mut met = 0;
    loop {
        let page = open(store, &listing).await;
        met += page.rows.len();
        let Some(next) = page.next else { break };
        listing.turn = Turn::new(Some(&next), None, PAGE_SIZE).expect("a cursor");
    }
    assert_eq!(met, store.credentials, "every credential stands on one page");
    listing
}
