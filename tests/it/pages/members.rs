//! Members: invited, joined, made owners, removed.

use std::time::Duration;

use gatepost::model::Member;
use gatepost::model::member::Role;

use super::HOME;
use crate::support::{ALICE, Answer, Browser, TestApp, Visitor, eventually};

const MEMBERS: &str = "/settings/members";
const BOB: (&str, &str) = ("bob@acme.example", "staple battery horse correct");
const CAROL: (&str, &str) = ("carol@acme.example", "a third person comes along");

async fn members(app: &TestApp) -> Vec<Member> {
    let organization = app.operator().await.organization;
    Member::all(&mut app.app.db.read().await.unwrap(), organization).await.unwrap()
}

async fn id_of(app: &TestApp, email: &str) -> String {
    members(app).await.iter().find(|member| member.email == email).expect("a member").id.to_string()
}

/// The path of the link that the answer shows.
fn link(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("cache-control"), "no-store");
    let (_, rest) = answer.body.split_once("/join?token=").expect("a link");
    format!("/join?token={}", &rest[..43])
}

async fn invited(owner: &Visitor, email: &str, role: &str) -> String {
    link(&owner.post(MEMBERS, &[("email", email), ("role", role)]).await)
}

async fn joins(visitor: &Visitor, link: &str, password: &str) -> Answer {
    let (_, token) = link.split_once("token=").unwrap();
    visitor.post("/join", &[("token", token), ("password", password)]).await
}

/// Somebody new, logged in.
async fn joined(app: &TestApp, owner: &Visitor, (email, password): (&str, &str), role: &str) -> Visitor {
    let newcomer = app.visitor();
    let answer = joins(&newcomer, &invited(owner, email, role).await, password).await;
    assert_eq!((answer.status.as_u16(), answer.location()), (303, "/"), "{}", answer.body);
    newcomer
}

#[tokio::test]
async fn alice_invites_bob_who_joins_and_she_makes_him_an_owner_and_removes_him() {
    let app = TestApp::start().await;
    let mut alice = app.alice_at_a_desk().await;
    alice.goto(HOME).await;
    alice.click("Members").await;
    alice.is_at(MEMBERS).await;
    alice.sees("you").await;
    alice.inspect("members-alone").await;
    alice.click("Invite member").await;
    alice.sees("You get a link").await;
    assert_eq!(alice.focused().await, "E-mail");
    alice.fill("E-mail", ALICE.0).await;
    alice.click("Create link").await;
    alice.sees("alice@acme.example is a member already.").await;
    alice.inspect("member-refused").await;
    alice.fill("E-mail", BOB.0).await;
    alice.click("Create link").await;
    alice.sees("Copy the link for bob@acme.example").await;
    alice.inspect("member-link").await;
    let link = alice.value_of("Link").await;
    let path = link.strip_prefix(&app.url).expect("a link to here").to_owned();
    alice.click("Done").await;
    alice.sees("invited by alice@acme.example").await;
    eventually("closing leaves no trace of it", async || {
        let page = alice.evaluate("document.documentElement.outerHTML").await?.to_string();
        (!page.contains(&path)).then_some(())
    })
    .await;
    alice.inspect("members-invited").await;

    let mut bob = Browser::open(&app.url).await;
    bob.goto(&path).await;
    bob.sees("Join Acme GmbH").await;
    bob.sees("alice@acme.example invited you as a member").await;
    assert_eq!(bob.value_of("E-mail").await, BOB.0);
    bob.inspect("join").await;
    bob.fill("Password", "too short").await;
    bob.click("Join and log in").await;
    bob.sees("Use at least 12 characters").await;
    bob.inspect("join-refused").await;
    bob.fill("Password", BOB.1).await;
    bob.click("Join and log in").await;
    bob.is_at(HOME).await;
    bob.goto(MEMBERS).await;
    bob.sees("Owners invite and remove members.").await;
    bob.sees_no("Invite member").await;
    bob.inspect("members-as-member").await;

    alice.goto(MEMBERS).await;
    alice.click("Actions for bob@acme.example").await;
    alice.inspect("members-menu").await;
    alice.click("Make owner").await;
    alice.sees("bob@acme.example is an owner now.").await;
    bob.goto(MEMBERS).await;
    bob.sees("Invite member").await;
    alice.goto(MEMBERS).await;
    alice.click("Actions for bob@acme.example").await;
    alice.click("Remove").await;
    alice.sees("1 open session of theirs ends at once").await;
    alice.inspect("member-remove").await;
    alice.click("Remove member").await;
    alice.sees("bob@acme.example is removed.").await;
    bob.goto(MEMBERS).await;
    bob.sees("Log in").await;
    assert_eq!(bob.path().await, format!("/login?next={}", MEMBERS.replace('/', "%2F")));
    assert_eq!(app.visitor().log_in(BOB.0, BOB.1).await.status, 422);
    alice.goto("/activity").await;
    for line in
        ["Invited bob@acme.example", "Changed role of bob@acme.example", "Removed member bob@acme.example"]
    {
        alice.sees(line).await;
    }
    bob.close().await;
    alice.close().await;
}

#[tokio::test]
async fn a_link_works_once_for_seven_days_and_until_it_is_replaced_or_taken_back() {
    let app = TestApp::start().await;
    let alice = app.alice().await;
    let (old, new) =
        (invited(&alice, BOB.0, "member").await, invited(&alice, " BOB@acme.example ", "owner").await);
    assert_eq!(app.visitor().get(&old).await.status, 404, "it is replaced");
    assert_eq!(joins(&app.visitor(), &old, BOB.1).await.status, 404);
    let (first, second) = (app.visitor(), app.visitor());
    let (one, other) = tokio::join!(joins(&first, &new, BOB.1), joins(&second, &new, CAROL.1));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 404], "{one:?} {other:?}");
    let gone = app.visitor().get(&new).await;
    assert!(gone.status == 404 && gone.body.contains("This invitation works no more"), "{}", gone.body);
    assert_eq!(members(&app).await.len(), 2);
    assert!(members(&app).await.iter().all(|member| member.role == Role::Owner));

    let taken_back = invited(&alice, CAROL.0, "member").await;
    let page = alice.page(MEMBERS).await;
    let (_, rest) = page.split_once(&format!("{MEMBERS}/invitations/")).expect("the invitation");
    let cancel = format!("{MEMBERS}/invitations/{}/cancel", &rest[..36]);
    assert_eq!(alice.post(&cancel, &[]).await.status, 303);
    assert_eq!(app.visitor().get(&taken_back).await.status, 404);
    assert_eq!(alice.post(&cancel, &[]).await.status, 404);

    let aged = invited(&alice, CAROL.0, "member").await;
    assert_eq!(app.visitor().get(&aged).await.status, 200);
    app.clock.advance(Duration::from_secs(7 * 86_400));
    assert_eq!(app.visitor().get(&aged).await.status, 404);
    assert_eq!(joins(&app.visitor(), &aged, CAROL.1).await.status, 404);
}

#[tokio::test]
async fn only_an_owner_sees_to_members() {
    let app = TestApp::start().await;
    let alice = app.alice().await;
    let bob = joined(&app, &alice, BOB, "member").await;
    let (alices, bobs) = (id_of(&app, ALICE.0).await, id_of(&app, BOB.0).await);
    invited(&alice, CAROL.0, "member").await;
    let page = bob.page(MEMBERS).await;
    assert!(page.contains(CAROL.0) && !page.contains("<form method=\"post\" action=\"/settings"), "{page}");
    let (_, rest) = page.split_once("invitation-").expect("the invitation");
    let cancel = format!("invitations/{}/cancel", &rest[..36]);
    for (step, form) in [
        ("", &[("email", "eve@acme.example"), ("role", "owner")][..]),
        (&*format!("{bobs}/role"), &[("role", "owner")]),
        (&format!("{alices}/role"), &[("role", "member")]),
        (&format!("{alices}/remove"), &[]),
        (&cancel, &[]),
    ] {
        let refused = bob.post(format!("{MEMBERS}/{step}").trim_end_matches('/'), form).await;
        assert!(refused.status == 403 && refused.body.contains("Only an owner"), "{step}: {}", refused.body);
    }
    assert_eq!(alice.page(MEMBERS).await.matches("Owner</td>").count(), 1);
    // She can't leave nobody in charge, not even as two do it at once.
    for step in ["role", "remove"] {
        let alone = alice.post(&format!("{MEMBERS}/{alices}/{step}"), &[("role", "member")]).await;
        assert!(alone.status == 409 && alone.body.contains("is the only owner"), "{}", alone.body);
    }
    assert_eq!(alice.post(&format!("{MEMBERS}/{bobs}/role"), &[("role", "owner")]).await.status, 303);
    let (by_alice, by_bob) = (format!("{MEMBERS}/{bobs}/role"), format!("{MEMBERS}/{alices}/remove"));
    let form = [("role", "member")];
    let (one, other) = tokio::join!(alice.post(&by_alice, &form), bob.post(&by_bob, &form));
    // Whoever comes second is no owner any more, or even no member.
    assert_eq!(
        [&one, &other].iter().filter(|answer| answer.location() == MEMBERS).count(),
        1,
        "{one:?} {other:?}"
    );
    assert_eq!(members(&app).await.iter().filter(|member| member.role == Role::Owner).count(), 1);
}

#[tokio::test]
async fn who_is_removed_is_out_at_once_and_may_be_invited_again() {
    let app = TestApp::start().await;
    let alice = app.alice().await;
    let bob = joined(&app, &alice, BOB, "member").await;
    let shop = bob
        .post("/settings/smtp-credentials", &[("name", "Shop"), ("mode", "production"), ("scope", "global")]);
    assert_eq!(shop.await.status, 200);
    let remove = format!("{MEMBERS}/{}/remove", id_of(&app, BOB.0).await);
    assert_eq!(alice.post(&remove, &[]).await.status, 303);
    assert_eq!(bob.get(HOME).await.location(), format!("/login?next={}", HOME.replace('/', "%2F")));
    assert_eq!(app.visitor().log_in(BOB.0, BOB.1).await.status, 422);
    assert!(alice.page(HOME).await.contains("Shop"), "what he made stays");
    assert!(alice.page("/activity").await.contains(BOB.0), "and so does what he did");
    assert_eq!(alice.post(&remove, &[]).await.status, 404);
    joined(&app, &alice, BOB, "member").await;
    assert_eq!(members(&app).await.len(), 2);
}
