//! Commands on the local database, and on a server: the same commands, the same words, the same exit codes.

use crate::support::{Finished, GatepostProcess, Installation, finish};

/// `@1` stands for the username of the first credential that was created, `%1` for the first id that stood on a line of its own.
const COMMANDS: &[&[&str]] = &[
    &["domain", "add", "Shop.Example"],
    &["domain", "add", "bücher.example", "--json"],
    &["domain", "add", "shop.example"],
    &["domain", "add", "no domain"],
    &["domain", "list"],
    &["domain", "list", "--json"],
    &["domain", "show", "BÜCHER.example"],
    &["domain", "show", "other.example"],
    &["domain", "verify", "other.example"],
    &["credential", "create", "--name", "Shop"],
    &["credential", "create", "--name", "Shop"],
    &["credential", "create", "--name", "Test", "--mode", "sandbox", "--domain", "shop.example", "--env"],
    &["credential", "create", "--name", "Third", "--expires", "2099-01-01T00:00:00Z", "--json"],
    &["credential", "create", "--expires", "2020-01-01T00:00:00Z"],
    &["credential", "create", "--domain", "unknown.example"],
    &["credential", "create", "--mode", "nonsense"],
    &["credential", "create", "--env", "--json"],
    &["credential", "list"],
    &["credential", "list", "--json"],
    &["credential", "list", "--search", "SHO"],
    &["credential", "list", "--mode", "sandbox", "--status", "active"],
    &["credential", "list", "--status", "revoked"],
    &["credential", "list", "--unused-for", "0"],
    &["credential", "show", "@1"],
    &["credential", "show", "@2", "--json"],
    &["credential", "show", "smtp_nobody"],
    &["credential", "show", "00000000-0000-7000-8000-000000000000"],
    &["credential", "edit", "@1", "--name", "Store", "--expires", "2099-01-01T00:00:00Z"],
    &["credential", "edit", "@1", "--name", "Test"],
    &["credential", "edit", "@1"],
    &["credential", "edit", "@1", "--domain", "shop.example", "--mode", "sandbox", "--json"],
    &["credential", "edit", "@1", "--global", "--expires", "never"],
    &["credential", "rotate", "@1", "--grace", "1h"],
    &["credential", "show", "@1"],
    &["credential", "end-grace", "@1"],
    &["credential", "rotate", "@1", "--env"],
    &["credential", "rotate", "@1", "--grace", "90m"],
    &["credential", "rotate", "@1", "--grace", "7d", "--json"],
    &["credential", "rotate", "@1", "--grace", "8d"],
    &["credential", "rotate", "@1", "--grace", "soon"],
    &["credential", "revoke", "@1"],
    &["credential", "rotate", "@1", "--grace", "1h"],
    &["credential", "list", "--status", "revoked"],
    &["credential", "enable", "@1", "--json"],
    &["domain", "remove", "shop.example"],
    &["domain", "remove", "shop.example", "--force"],
    &["credential", "list"],
    &["credential", "delete", "@1"],
    &["credential", "delete", "@1"],
    &["api-key", "create", "--label", "Shop", "--scope", "domains:read", "--allow", "192.0.2.0/24"],
    &["api-key", "create", "--label", "Json", "--scope", "*", "--json"],
    &["api-key", "create", "--label", "No", "--scope", "everything"],
    &["api-key", "edit", "gp-pk-of-nobody", "--label", "x"],
    &["api-key", "delete", "gp-pk-of-nobody"],
    &["webhook", "create", "https://hooks.example/all", "--name", "All"],
    &[
        "webhook",
        "create",
        "https://hooks.example/one",
        "--name",
        "One",
        "--event",
        "message.bounced",
        "--json",
    ],
    &["webhook", "create", "ftp://hooks.example/", "--name", "Bad"],
    &["webhook", "create", "https://hooks.example/shop", "--name", "Shop", "--domain", "bücher.example"],
    &["webhook", "list"],
    &["webhook", "show", "%1"],
    &["webhook", "show", "%2", "--json"],
    &["webhook", "show", "%2"],
    &["webhook", "show", "00000000-0000-7000-8000-000000000000"],
    &["webhook", "edit", "%1"],
    &[
        "webhook",
        "edit",
        "%1",
        "--name",
        "Renamed",
        "--event",
        "message.failed",
        "--event",
        "credential.revoked",
    ],
    &["webhook", "show", "%1"],
    &["webhook", "edit", "%1", "--domain", "bücher.example", "--url", "https://hooks.example/new", "--json"],
    &["webhook", "show", "%1"],
    &["webhook", "edit", "%1", "--global"],
    &["webhook", "edit", "%1", "--global", "--domain", "bücher.example"],
    &["webhook", "edit", "%1", "--url", "ftp://hooks.example/"],
    &["webhook", "edit", "%1", "--domain", "unknown.example"],
    &["webhook", "disable", "%1"],
    &["webhook", "show", "%1"],
    &["webhook", "enable", "%1", "--json"],
    &["webhook", "enable", "00000000-0000-7000-8000-000000000000"],
    &["webhook", "list"],
    &["webhook", "delete", "%1"],
    &["webhook", "show", "%1"],
    &["webhook", "delete", "00000000-0000-7000-8000-000000000000"],
    &["message", "list"],
    &["message", "list", "--json", "--outcome", "bounced"],
    &["message", "source", "00000000-0000-7000-8000-000000000000"],
    &["message", "show", "00000000-0000-7000-8000-000000000000"],
    &["event", "list", "--action", "webhook.rotated"],
    &["event", "list", "--action", "webhook.rotated", "--json"],
    &["event", "list", "--limit", "0"],
    &["event", "list", "--action", "nonsense"],
    &["denial", "list"],
    &["denial", "list", "--json", "--credential", "00000000-0000-7000-8000-000000000000"],
    &["denial", "list", "--reference", "no reference"],
];

/// Somewhere commands act, and the usernames and ids that they were told.
struct Place {
    here: Installation,
    variables: Vec<(&'static str, String)>,
    usernames: Vec<String>,
    ids: Vec<String>,
}

impl Place {
    fn new(here: Installation, variables: Vec<(&'static str, String)>) -> Self {
        Self { here, variables, usernames: Vec::new(), ids: Vec::new() }
    }

    async fn run(&mut self, command: &[&str]) -> Finished {
        let nth = |told: &[String], number: &str| told[number.parse::<usize>().unwrap() - 1].clone();
        let named = |word: &&str| match word.split_at_checked(1) {
            Some(("@", number)) => nth(&self.usernames, number),
            Some(("%", number)) => nth(&self.ids, number),
            _ => (*word).to_owned(),
        };
        let words: Vec<String> = command.iter().map(named).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut command = self.here.command(&words);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let finished = finish(command, "").await;
        for word in words_of(&finished.stdout).filter(|word| word.starts_with("smtp_")) {
            if word.len() == 21 && !self.usernames.iter().any(|known| known == word) {
                self.usernames.push(word.to_owned());
            }
        }
        let ids = finished.stdout.lines().filter_map(|line| line.strip_prefix("id "));
        for id in ids.map(str::trim) {
            if !self.ids.iter().any(|known| known == id) {
                self.ids.push(id.to_owned());
            }
        }
        finished
    }
}

fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && !"_-:+/".contains(c))
}

/// Without what differs from one run to another: ids, times, secrets.
fn masked(text: &str) -> String {
    let mut masked = text.to_owned();
    for word in words_of(text) {
        let is_random = ["smtp_", "sk_", "gp-sk-", "gp-pk-", "gp-whsec-", "whsec_"]
            .iter()
            .any(|prefix| word.strip_prefix(prefix).is_some_and(|rest| rest.len() >= 16));
        let is_time = word.parse::<gatepost::clock::Timestamp>().is_ok() && !word.starts_with("2099");
        let last = word.rsplit('=').next().unwrap_or(word);
        if is_random || is_time || last.parse::<uuid::Uuid>().is_ok() {
            masked = masked.replace(word, &"#".repeat(word.len()));
        }
    }
    masked
}

#[tokio::test]
async fn every_command_says_the_same_here_and_on_a_server() {
    let here = Installation::new().await;
    here.run(&["migrate"]).await.stdout();
    let mut local = Place::new(here, Vec::new());
    let elsewhere = Installation::new().await;
    let server = GatepostProcess::start(&elsewhere).await;
    let key = elsewhere.run(&["api-key", "create", "--label", "Commands", "--scope", "*"]).await.stdout();
    // Nothing that is the server's own is at hand: neither its data directory nor its database.
    let (far, variables) = (
        Installation::new().await,
        vec![("GATEPOST_SERVER", server.url.clone()), ("GATEPOST_API_KEY", key.trim().to_owned())],
    );
    let mut remote = Place::new(far, variables);
    let mut codes = [0; 3];
    for command in COMMANDS {
        let (here, there) = (local.run(command).await, remote.run(command).await);
        let shown = |done: &Finished| (done.code, masked(&done.stdout), masked(&done.stderr));
        assert_eq!(shown(&here), shown(&there), "{command:?}\n{here:?}\n{there:?}");
        codes[usize::try_from(here.code.unwrap()).unwrap()] += 1;
        assert!(!here.stderr.contains("sk_"), "{here:?}");
    }
    assert_eq!(codes.iter().sum::<usize>(), COMMANDS.len());
    assert!(codes[0] >= 30 && codes[1] >= 12 && codes[2] >= 4, "done, refused, misused: {codes:?}");
    assert!(!remote.here.dir().join("gatepost.db").exists(), "no local database is made");
    assert!(server.stop().await.success());
}
