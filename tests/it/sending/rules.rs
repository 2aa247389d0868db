//! From which domains a credential may send: sender, From field, scope, and what is answered.

use gatepost::model::credential::{Draft, Mode, Scope};

use super::{send, signed_in};
use crate::support::{Issued, TestApp};

/// All of them verified: acme.example, acme.org, bücher.example. Not verified: new.example.
enum Whose {
    /// May send from every verified domain.
    Global,
    /// May send from acme.example alone.
    Scoped,
    /// Scoped to a domain that is not verified.
    Unverified,
}
use Whose::{Global, Scoped, Unverified};

const OK: (u16, &str) = (250, "sandbox");

/// Whose credential, sender, fields of the message, and the answer's code with something it says.
const RULES: &[(Whose, &str, &str, (u16, &str))] = &[
    (Global, "a@acme.example", "From: a@acme.example", OK),
    (Global, "a@acme.org", "From: a@acme.example", OK),
    (Global, "a@ACME.example", "From: Alice <a@Acme.Example>", OK),
    (Global, "a@bücher.example", "From: a@xn--bcher-kva.example", OK),
    (Global, "a@xn--bcher-kva.example", "From: a@bücher.example", OK),
    (Global, "", "From: a@acme.example", OK),
    // What others may not take for the same domain.
    (Global, "a@acme.example\u{3000}", "From: a@acme.example", (553, "Sender domain acme.example? is")),
    (Global, "a@\u{ff41}cme.example", "From: a@acme.example", (553, "Sender domain ?cme.example is")),
    (Global, "", "From: a@acme.example\u{200b}", (553, "From domain acme.example? is")),
    (Global, "", "From: a@acme\u{3002}example", (553, "From domain acme?example is")),
    (Global, "", "From: a@ac\u{ad}me.example, a@acme.example", (553, "From domain ac?me.example is")),
    (Global, "", "From: a@bu\u{308}cher.example", (553, "From domain bu?cher.example is")),
    (Global, "a@new.example", "From: a@acme.example", (553, "Sender domain new.example")),
    (Global, "a@acme.example", "From: a@new.example", (553, "From domain new.example")),
    (
        Global,
        "a@evil.example",
        "From: a@acme.example",
        (553, "acme.example, acme.org, xn--bcher-kva.example"),
    ),
    (Global, "a@mail.acme.example", "From: a@acme.example", (553, "Sender domain mail.acme.example")),
    (Global, "a@xacme.example", "From: a@acme.example", (553, "Sender domain xacme.example")),
    (Global, "a@example", "From: a@acme.example", (553, "Sender domain example")),
    (Global, "a@[127.0.0.1]", "From: a@acme.example", (553, "Sender domain [127.0.0.1]")),
    (Global, "", "From: a@evil.example", (553, "From domain evil.example")),
    (Scoped, "a@acme.example", "From: a@acme.example", OK),
    (Scoped, "", "From: a@acme.example", OK),
    (Scoped, "a@acme.org", "From: a@acme.example", (553, "Sender domain acme.org is not allowed")),
    (Scoped, "a@acme.example", "From: a@acme.org", (553, "From domain acme.org is not allowed")),
    (Scoped, "a@acme.example", "From: b@acme.org", (553, "(allowed: acme.example)")),
    (Scoped, "a@acme.example", "From: a@acme.example, b@acme.example", OK),
    (Scoped, "a@acme.example", "From: a@acme.example, b@acme.org", (553, "From domain acme.org")),
    (Scoped, "a@acme.example", "From: a@acme.example\r\nFrom: b@acme.org", (553, "From domain acme.org")),
    (Scoped, "a@acme.example", "From: a@acme.example\r\nFrom: b@acme.example", (554, "more than one From")),
    (Scoped, "a@acme.example", "From: Team: a@acme.example, b@acme.org;", (553, "From domain acme.org")),
    (Scoped, "a@acme.example", "From: Team: a@acme.example;, c@acme.example", OK),
    (Scoped, "a@acme.example", "From: (x@acme.org) a@acme.example", OK),
    (Scoped, "a@acme.example", "From: \"x@acme.org\" <a@acme.example>", OK),
    (Scoped, "a@acme.example", "From: =?utf-8?q?x=40acme.org?= <a@acme.example>", OK),
    (Scoped, "a@acme.example", "From: =?utf-8?q?x=40acme.example?=", (554, "malformed at byte")),
    (Scoped, "a@acme.example", "From: a@acme.example <b@acme.org>", (554, "malformed at byte")),
    (Scoped, "a@acme.example", "From: a@acme.example\r\n b@acme.org", (554, "malformed at byte")),
    (Scoped, "a@acme.example", "fRoM :\r\n <a@acme.org>", (553, "From domain acme.org")),
    (Scoped, "a@acme.example", "From: undisclosed:;", (554, "From field")),
    (Scoped, "a@acme.example", "Sender: a@acme.example", (554, "From field")),
    (Scoped, "a@acme.example", "From: <a@acme.example@acme.org>", (554, "malformed at byte")),
    (Scoped, "a@acme.example", "From: a@acme.example.", (554, "malformed at byte")),
    (Scoped, "a@acme.example", "From: =?utf-8?q?x=40acme.org=00?=@acme.example", (554, "malformed at byte")),
    (Scoped, "a@acme.example", "From: \"=?utf-8?q?x=40acme.org?=\"@acme.example", (554, "malformed at byte")),
    (
        Scoped,
        "a@acme.example",
        "From: X <=?utf-8?b?eEBhY21lLm9yZw==?=@acme.example>",
        (554, "malformed at byte"),
    ),
    (Unverified, "a@new.example", "From: a@new.example", (553, "it has no verified domain")),
    (Unverified, "", "From: a@new.example", (553, "it has no verified domain")),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_sends_from_its_own_verified_domains_and_no_others() {
    let app = TestApp::start().await;
    for name in ["acme.example", "acme.org", "bücher.example"] {
        app.verified(name).await;
    }
    app.unverified("new.example").await;
    let global = app.issue_for_sandbox("Global").await;
    let scoped = scoped_to(&app, "acme.example").await;
    let unverified = scoped_to(&app, "new.example").await;
    for (whose, sender, fields, (code, text)) in RULES {
        let issued = match whose {
            Global => &global,
            Scoped => &scoped,
            Unverified => &unverified,
        };
        let mut client = signed_in(&app, issued).await;
        let reply = send(&mut client, sender, fields).await;
        let told = reply.text().to_lowercase();
        assert!(reply.code == *code && told.contains(&text.to_lowercase()), "{sender}, {fields}: {reply:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_longer_than_any_may_be_is_refused_and_not_repeated() {
    let app = TestApp::start().await;
    app.verified("acme.example").await;
    let mut client = signed_in(&app, &app.issue_for_sandbox("Shop").await).await;
    let (local, domain) = ("x".repeat(65), format!("{}example", "x.".repeat(50_000)));
    for from in [format!("{local}@acme.example"), format!("a@{domain}"), format!("a@{local}.{local}.example")]
    {
        let reply = send(&mut client, "", &format!("From: {from}")).await;
        assert!((553..=554).contains(&reply.code) && reply.text().len() < 300, "{reply:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_scope_holds_for_the_next_message_of_an_open_session() {
    let app = TestApp::start().await;
    app.verified("acme.example").await;
    let shop = app.issue_for_sandbox("Shop").await;
    let mut client = signed_in(&app, &shop).await;
    assert_eq!(send(&mut client, "a@acme.example", "From: a@acme.example").await.code, 250);
    app.unverified("new.example").await;
    let draft = Draft { scope: Scope::Scoped, domains: vec!["new.example".to_owned()], ..draft("Shop") };
    let update =
        async |tx: &mut _, actor: &_, id| gatepost::model::Credential::update(tx, actor, id, draft).await;
    app.change(&shop, update).await;
    assert_eq!(send(&mut client, "a@acme.example", "From: a@acme.example").await.code, 553);
}

async fn scoped_to(app: &TestApp, domain: &str) -> Issued {
    let domains = vec![domain.to_owned()];
    app.issue_as(Draft { scope: Scope::Scoped, domains, ..draft(domain) }).await
}

fn draft(name: &str) -> Draft {
    Draft {
        name: name.to_owned(),
        mode: Mode::Sandbox,
        scope: Scope::Global,
        domains: Vec::new(),
        expires_at: None,
    }
}
