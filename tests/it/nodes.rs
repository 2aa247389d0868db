//! Several processes on the same data: what one confirms, the other honours at the very next log-in.
//!
//! On PostgreSQL they are two servers, on SQLite a server and the commands of the program.

use crate::support::{GatepostProcess, Installation, on_postgres};

struct Pair {
    username: String,
    password: String,
}

impl Pair {
    /// Out of what `gatepost credential create --json` and `rotate --json` print.
    fn printed(json: &str) -> Self {
        let object: serde_json::Value = json.parse().expect("JSON");
        let [username, password] =
            ["username", "password"].map(|key| object[key].as_str().unwrap().to_owned());
        Self { username, password }
    }
}

async fn log_in(node: &GatepostProcess, Pair { username, password }: &Pair) -> u16 {
    node.smtp().await.encrypted().await.log_in(username, password).await.code
}

#[tokio::test]
async fn what_a_command_confirms_the_running_server_honours_at_the_very_next_login() {
    let here = Installation::new().await;
    let node = GatepostProcess::start(&here).await;
    for round in 0..5 {
        let shop = Pair::printed(&here.run(&["credential", "create", "--json"]).await.stdout());
        assert_eq!(log_in(&node, &shop).await, 235, "round {round}: created");
        let fresh =
            Pair::printed(&here.run(&["credential", "rotate", &shop.username, "--json"]).await.stdout());
        assert_eq!(log_in(&node, &shop).await, 535, "round {round}: rotated away");
        assert_eq!(log_in(&node, &fresh).await, 235, "round {round}: rotated");
        here.run(&["credential", "revoke", &shop.username]).await.stdout();
        assert_eq!(log_in(&node, &fresh).await, 535, "round {round}: revoked");
        here.run(&["credential", "enable", &shop.username]).await.stdout();
        assert_eq!(log_in(&node, &fresh).await, 235, "round {round}: enabled");
        here.run(&["credential", "delete", &shop.username]).await.stdout();
        assert_eq!(log_in(&node, &fresh).await, 535, "round {round}: deleted");
    }
}

#[tokio::test]
async fn what_one_node_confirms_the_other_honours_at_the_very_next_login() {
    let here = Installation::new().await;
    let one = GatepostProcess::start(&here).await;
    // SQLite is for one server: there the same node serves both, and the test above is the one that counts.
    let two = if on_postgres() { Some(GatepostProcess::start(&here).await) } else { None };
    let other = two.as_ref().unwrap_or(&one);
    let alice = one.visitor();
    alice
        .set_up(one.setup_link.as_deref().unwrap(), "alice@acme.example", "correct horse battery staple")
        .await;
    for round in 0..5 {
        let shop = Pair::printed(&here.run(&["credential", "create", "--json"]).await.stdout());
        let id = credential_id(&here, &shop.username).await;
        let page = format!("/settings/smtp-credentials/{id}");
        assert_eq!(log_in(other, &shop).await, 235, "round {round}: the other node knows it by heart now");
        let revoked = alice.post(&format!("{page}/revoke"), &[]).await;
        assert!(revoked.status.is_redirection(), "{}", revoked.body);
        assert_eq!(log_in(other, &shop).await, 535, "round {round}: revoked");
        alice.post(&format!("{page}/enable"), &[]).await;
        assert_eq!(log_in(other, &shop).await, 235, "round {round}: enabled");
        let rotated = alice.post(&format!("{page}/rotate"), &[("grace", "now")]).await;
        assert_eq!(rotated.status, 200, "{}", rotated.body);
        assert_eq!(log_in(other, &shop).await, 535, "round {round}: rotated away");
        let fresh = Pair { password: password_in(&rotated.body), username: shop.username };
        assert_eq!(log_in(other, &fresh).await, 235, "round {round}: rotated");
        let deleted = alice.post(&format!("{page}/delete"), &[("confirmation", &fresh.username)]).await;
        assert!(deleted.status.is_redirection(), "{}", deleted.body);
        assert_eq!(log_in(other, &fresh).await, 535, "round {round}: deleted");
    }
}

async fn credential_id(here: &Installation, username: &str) -> String {
    let listed = here.run(&["credential", "list", "--search", username, "--json"]).await.stdout();
    let listed: serde_json::Value = listed.trim().parse().expect("one object");
    listed["id"].as_str().expect("an id").to_owned()
}

/// The password that a page shows once.
fn password_in(html: &str) -> String {
    let start = html.find("sk_").expect("a password");
    html[start..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}
