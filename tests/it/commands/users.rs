//! `gatepost user …`: the members, from the machine itself.

use crate::support::{GatepostProcess, Installation, Visitor};

const PHRASE: &str = "correct horse battery staple";

#[tokio::test]
async fn the_first_user_from_the_command_line_is_the_owner_and_a_new_password_ends_the_old_one() {
    let here = Installation::new().await;
    let created = here.run_with_input(&["user", "create", "Alice@Acme.example"], PHRASE).await.stdout();
    assert!(created.contains("alice@acme.example") && created.contains("owner"), "{created}");
    let weak = here.run_with_input(&["user", "create", "bob@acme.example"], "short").await.complaint();
    assert!(weak.contains("password") && !weak.contains("short"), "{weak}");
    here.run_with_input(&["user", "create", "bob@acme.example"], &format!("{PHRASE}\n")).await.stdout();
    let list = here.run(&["user", "list"]).await.stdout();
    assert!(list.contains("alice@acme.example") && list.contains("bob@acme.example"), "{list}");
    let set =
        here.run_with_input(&["user", "set-password", "bob@acme.example"], "another long pass phrase").await;
    assert!(set.stdout().contains("bob@acme.example"));
    let nobody =
        here.run_with_input(&["user", "set-password", "carol@acme.example"], PHRASE).await.complaint();
    assert!(nobody.contains("not found"), "{nobody}");
}

#[tokio::test]
async fn an_operator_invites_makes_an_owner_and_removes() {
    let here = Installation::new().await;
    let server = GatepostProcess::start(&here).await;
    here.run_with_input(&["user", "create", "alice@acme.example"], PHRASE).await.stdout();
    let link = here.run(&["user", "invite", "bob@acme.example", "--role", "owner"]).await.stdout();
    let token = link.trim().split_once("/join?token=").expect("a link").1;
    let bob = Visitor::new(&server.url);
    let joined = bob.post("/join", &[("token", token), ("password", PHRASE)]).await;
    assert_eq!(joined.status, 303, "{}", joined.body);
    let list = here.run(&["user", "list"]).await.stdout();
    assert_eq!(list.matches("owner").count(), 2, "{list}");
    let again = here.run(&["user", "invite", "Bob@acme.example"]).await.complaint();
    assert!(again.contains("bob@acme.example is a member already."), "{again}");
    let said = here.run(&["user", "set-role", "alice@acme.example", "member"]).await.stdout();
    assert_eq!(said.trim(), "alice@acme.example is a member now.");
    let last = here.run(&["user", "remove", "bob@acme.example"]).await.complaint();
    assert!(last.contains("bob@acme.example is the only owner."), "{last}");
    here.run(&["user", "set-role", "alice@acme.example", "owner"]).await.stdout();
    here.run(&["user", "remove", "bob@acme.example"]).await.stdout();
    assert_eq!(bob.get("/settings/members").await.status, 303, "his session has ended");
    let nobody = here.run(&["user", "remove", "bob@acme.example"]).await.complaint();
    assert!(nobody.contains("member not found"), "{nobody}");
    let role = here.run(&["user", "set-role", "alice@acme.example", "admin"]).await;
    assert_eq!(role.code, Some(2), "{role:?}");
    assert!(server.stop().await.success());
}
