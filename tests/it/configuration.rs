//! Settings and commands: where settings come from, what is refused, how it starts and ends.

use crate::support::{Finished, GatepostProcess, Installation, Visitor, eventually, finish, on_postgres};

const PHRASE: &str = "correct horse battery staple";

/// The value that `gatepost config` prints for a setting.
fn printed(config: &str, name: &str) -> String {
    let table: toml::Table = config.parse().expect("gatepost config prints TOML");
    table[name].as_str().expect("text").to_owned()
}

#[tokio::test]
async fn a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default() {
    let here = Installation::new().await;
    let smtp_host = async |flag: &[&str], variable: Option<&str>| {
        let mut command = here.command(&[&["config"], flag].concat());
        command.envs(variable.map(|value| ("GATEPOST_SMTP_HOST", value)));
        printed(&finish(command, "").await.stdout(), "smtp_host")
    };
    assert_eq!(smtp_host(&[], None).await, "localhost");
    std::fs::write(here.dir().join("gatepost.toml"), "smtp_host = 'file.example'\n").unwrap();
    assert_eq!(smtp_host(&[], None).await, "file.example");
    assert_eq!(smtp_host(&[], Some("variable.example")).await, "variable.example");
    assert_eq!(smtp_host(&["--smtp-host", "flag.example"], Some("variable.example")).await, "flag.example");
}

#[tokio::test]
async fn an_empty_variable_is_none_that_names_a_database_or_a_file() {
    let here = Installation::new().await;
    let file = here.dir().join("named.toml");
    std::fs::write(&file, "database_url = 'postgres://db.example/gatepost'\n").unwrap();
    let mut command = here.command(&["config", "--config", file.to_str().unwrap()]);
    command.env("DATABASE_URL", "").env_remove("GATEPOST_DATABASE_URL");
    let config = finish(command, "").await.stdout();
    assert_eq!(printed(&config, "database_url"), "postgres://db.example/gatepost");
    let mut command = here.command(&["config"]);
    command.env("GATEPOST_CONFIG", "");
    assert_eq!(printed(&finish(command, "").await.stdout(), "smtp_host"), "localhost");
}

#[tokio::test]
async fn what_gatepost_config_prints_is_a_file_that_says_the_same() {
    let here = Installation::new().await;
    let listeners = "127.0.0.1:2587=starttls,[::1]:2465=implicit";
    let flags = [
        "--smtp-listen",
        listeners,
        "--smtp-idle-timeout",
        "90s",
        "--trusted-proxies",
        "192.0.2.1,2001:db8::1",
    ];
    let first = here.run(&[&["config"], &flags[..]].concat()).await.stdout();
    assert_eq!(printed(&first, "smtp_listen"), listeners);
    let file = here.dir().join("printed.toml");
    std::fs::write(&file, &first).unwrap();
    let again = here.run(&["config", "--config", file.to_str().unwrap()]).await.stdout();
    if !on_postgres() {
        assert_eq!(first, again);
    }
    assert_eq!(printed(&again, "smtp_idle_timeout"), "90s");
}

#[tokio::test]
async fn an_unknown_setting_is_refused_by_name_wherever_it_stands() {
    let here = Installation::new().await;
    let file = here.dir().join("typo.toml");
    std::fs::write(&file, "smpt_host = 'mail.example'\n").unwrap();
    let from_file = here.run(&["config", "--config", file.to_str().unwrap()]).await.complaint();
    assert!(from_file.contains("smpt_host") && from_file.contains("typo.toml"), "{from_file}");

    let mut command = here.command(&["config"]);
    command.env("GATEPOST_SMPT_HOST", "mail.example");
    let from_environment = finish(command, "").await.complaint();
    assert!(from_environment.contains("GATEPOST_SMPT_HOST"), "{from_environment}");

    let from_flag = here.run(&["config", "--smpt-host", "mail.example"]).await;
    assert_eq!(from_flag.code, Some(2));
    assert!(from_flag.stderr.contains("--smpt-host"), "{}", from_flag.stderr);
}

#[tokio::test]
async fn a_value_that_a_setting_does_not_take_is_refused_with_what_it_takes() {
    let here = Installation::new().await;
    for (flag, value, said) in [
        ("--http-listen", "8080", "127.0.0.1:8080"),
        ("--smtp-listen", "127.0.0.1:25=tls", "starttls"),
        ("--smtp-listen", "", "smtp_listen"),
        ("--public-url", "gatepost.example", "https://"),
        ("--log-format", "xml", "json"),
        ("--smtp-idle-timeout", "60", "60"),
        ("--smtp-max-connections", "0", "above 0"),
        ("--tls-cert", "/nowhere/cert.pem", "tls_key"),
        ("--smtp-host", "mail.example.com:587", "without a port"),
        ("--smtp-host", "mail.example.com\r\n250 evil", "smtp_host: “mail.example.com\\r\\n250 evil”"),
    ] {
        let complaint = here.run(&["config", flag, value]).await.complaint();
        assert!(complaint.contains(said), "{flag} {value}: {complaint}");
    }
    for level in ["warning", "info,inof"] {
        let complaint = here.run(&["serve", "--log-level", level]).await.complaint();
        assert!(complaint.contains("is none of off, error, warn"), "{level}: {complaint}");
    }
}

#[tokio::test]
async fn gatepost_config_shows_the_database_without_its_password() {
    let here = Installation::new().await;
    let secret = "s3cr3t/with@signs";
    let url = format!("postgres://gatepost:{secret}@db.example:5432/gatepost?sslmode=require");
    let shown = here.run(&["config", "--database-url", &url]).await.stdout();
    assert!(!shown.contains("s3cr3t") && !shown.contains("signs"), "{shown}");
    let masked = "postgres://gatepost:****@db.example:5432/gatepost?sslmode=require";
    assert_eq!(printed(&shown, "database_url"), masked);
}

#[tokio::test]
async fn plain_database_url_is_read_and_gatepost_database_url_beats_it() {
    let here = Installation::new().await;
    let database = async |variables: &[(&str, &str)]| {
        let mut command = here.command(&["config"]);
        command.env_remove("DATABASE_URL").envs(variables.iter().copied());
        printed(&finish(command, "").await.stdout(), "database_url")
    };
    let plain = ("DATABASE_URL", "sqlite:///srv/plain.db");
    assert_eq!(database(&[plain]).await, plain.1);
    let ours = ("GATEPOST_DATABASE_URL", "sqlite:///srv/ours.db");
    assert_eq!(database(&[plain, ours]).await, ours.1);
}

#[tokio::test]
async fn a_port_that_is_taken_is_one_sentence() {
    let here = Installation::new().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (setting, other) in [("http-listen", "smtp-listen"), ("smtp-listen", "http-listen")] {
        let (setting, other) = (format!("--{setting}"), format!("--{other}"));
        let complaint = here.run(&["serve", &setting, &address, &other, "127.0.0.1:0"]).await.complaint();
        let name = setting.trim_start_matches("--").replace('-', "_");
        assert!(complaint.contains(&name) && complaint.contains(&address), "{complaint}");
    }
}

async fn serve(here: &Installation, flags: &[&str]) -> Finished {
    let ports = ["serve", "--http-listen", "127.0.0.1:0", "--smtp-listen", "127.0.0.1:0"];
    here.run(&[&ports[..], flags].concat()).await
}

#[tokio::test]
async fn a_certificate_that_cant_be_read_is_one_sentence_that_names_the_file() {
    let here = Installation::new().await;
    let (cert, key) = (here.dir().join("cert.pem"), here.dir().join("key.pem"));
    let flags = ["--tls-cert", cert.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let missing = serve(&here, &flags).await.complaint();
    assert!(missing.contains("cert.pem"), "{missing}");
    std::fs::write(&cert, "no certificate").unwrap();
    let empty = serve(&here, &flags).await.complaint();
    assert!(empty.contains("cert.pem"), "{empty}");
}

#[tokio::test]
async fn a_password_for_the_next_hop_is_never_to_be_sent_in_clear() {
    let here = Installation::new().await;
    let flags =
        ["--next-hop-host", "localhost", "--next-hop-security", "none", "--next-hop-username", "shop"];
    let complaint =
        serve(&here, &[&flags[..], &["--next-hop-password", "secret-word"]].concat()).await.complaint();
    assert!(complaint.contains("next_hop_security: with none"), "{complaint}");
    assert!(!complaint.contains("secret-word"), "{complaint}");
}

#[tokio::test]
async fn a_wrong_database_is_one_sentence_without_its_password() {
    let here = Installation::new().await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for url in [
        format!("postgres://gatepost:s3cr3t@{free}/gatepost"),
        "mysql://gatepost:s3cr3t@localhost/gatepost".to_owned(),
        "sqlite:///nowhere/at/all/gatepost.db".to_owned(),
        "postgres://gatepost:s3cr3t@localhost:port/gatepost".to_owned(),
    ] {
        let complaint = serve(&here, &["--database-url", &url]).await.complaint();
        assert!(complaint.contains("database"), "{url}: {complaint}");
        assert!(!complaint.contains("s3cr3t"), "{complaint}");
    }
    let junk = here.dir().join("junk.db");
    std::fs::write(
        &junk,
        "no database at all, but some text that is longer than a header of SQLite's".repeat(9),
    )
    .unwrap();
    let url = format!("sqlite://{}", junk.display());
    let complaint = serve(&here, &["--database-url", &url]).await.complaint();
    assert!(complaint.contains("file is not a database"), "{complaint}");
}

#[tokio::test]
async fn credentials_live_from_creation_to_deletion_on_the_command_line_while_the_server_runs() {
    let here = Installation::new().await;
    let server = GatepostProcess::start(&here).await;
    here.run(&["domain", "add", "Shop.Example"]).await.stdout();
    let created = here
        .run(&[
            "credential",
            "create",
            "--name",
            "Shop",
            "--mode",
            "sandbox",
            "--domain",
            "shop.example",
            "--json",
        ])
        .await
        .stdout();
    let created: serde_json::Value = created.parse().unwrap();
    let [username, password] = ["username", "password"].map(|key| created[key].as_str().unwrap().to_owned());
    assert_eq!((created["mode"].as_str(), created["scope"].as_str()), (Some("sandbox"), Some("scoped")));
    assert_eq!(created["domains"], serde_json::json!(["shop.example"]));
    assert_eq!(log_in(&server, &username, &password).await, 235);

    let rotated = here.run(&["credential", "rotate", &username, "--grace", "1h", "--env"]).await.stdout();
    let fresh = rotated.lines().find_map(|line| line.strip_prefix("SMTP_PASSWORD=")).unwrap();
    assert!(rotated.contains(&format!("SMTP_USERNAME={username}\n")), "{rotated}");
    assert_eq!(log_in(&server, &username, fresh).await, 235);
    assert_eq!(log_in(&server, &username, &password).await, 235, "the old one, in its grace");

    for (command, code) in [("revoke", 535), ("enable", 235), ("delete", 535)] {
        let said = here.run(&["credential", command, &username]).await.stdout();
        assert!(said.contains(&username), "{said}");
        assert_eq!(log_in(&server, &username, fresh).await, code, "{command}");
    }
    let gone = here.run(&["credential", "revoke", &username]).await.complaint();
    assert!(gone.contains("not found"), "{gone}");
    assert!(server.stop().await.success());
}

async fn log_in(server: &GatepostProcess, username: &str, password: &str) -> u16 {
    server.smtp().await.encrypted().await.log_in(username, password).await.code
}

#[tokio::test]
async fn a_list_shows_what_there_is_to_people_and_to_programs() {
    let here = Installation::new().await;
    for name in ["Shop", "Newsletter"] {
        let plain = here.run(&["credential", "create", "--name", name]).await.stdout();
        assert!(plain.starts_with("username  smtp_") && plain.contains("\npassword  sk_"), "{plain}");
    }
    let taken = here.run(&["credential", "create", "--name", "shop"]).await;
    assert_eq!(taken.code, Some(0), "names differ in case: {taken:?}");
    let table = here.run(&["credential", "list"]).await.stdout();
    assert!(table.lines().next().is_some_and(|head| head.starts_with("NAME")), "{table}");
    assert_eq!(table.lines().count(), 4);
    let json = here.run(&["credential", "list", "--search", "NEWS", "--json"]).await.stdout();
    let found: serde_json::Value = json.trim().parse().unwrap();
    assert_eq!(found["name"], "Newsletter");
    assert_eq!(found.get("password"), None);
    let again = here.run(&["credential", "create", "--name", "Shop"]).await.complaint();
    assert!(again.contains("name"), "{again}");
}

#[tokio::test]
async fn a_command_that_makes_a_new_database_says_so() {
    let here = Installation::new().await;
    let first = here.run(&["credential", "list"]).await;
    let second = here.run(&["credential", "list"]).await;
    assert_eq!((first.code, second.code), (Some(0), Some(0)), "{first:?} {second:?}");
    assert_eq!(first.stderr.contains("gatepost.db is new"), !on_postgres(), "{first:?}");
    assert_eq!(second.stderr, "");
}

#[tokio::test]
async fn domains_are_added_listed_and_removed_on_the_command_line() {
    let here = Installation::new().await;
    here.run(&["domain", "add", "bücher.example"]).await.stdout();
    assert!(here.run(&["domain", "list"]).await.stdout().contains("xn--bcher-kva.example"));
    here.run(&["credential", "create", "--domain", "bücher.example"]).await.stdout();
    let in_use = here.run(&["domain", "remove", "bücher.example"]).await.complaint();
    assert!(in_use.contains("scoped"), "{in_use}");
    here.run(&["domain", "add", "unused.example"]).await.stdout();
    here.run(&["domain", "remove", "unused.example"]).await.stdout();
    assert!(!here.run(&["domain", "list"]).await.stdout().contains("unused"));
    let unknown = here.run(&["credential", "create", "--domain", "unknown.example"]).await.complaint();
    assert!(unknown.contains("unknown.example"), "{unknown}");
}

#[tokio::test]
async fn gatepost_check_logs_in_for_real_and_never_shows_the_password() {
    let here = Installation::new().await;
    let server = GatepostProcess::start(&here).await;
    let created = here.run(&["credential", "create", "--env"]).await.stdout();
    let [username, password] = ["SMTP_USERNAME=", "SMTP_PASSWORD="]
        .map(|key| created.lines().find_map(|line| line.strip_prefix(key)).unwrap().to_owned());
    let port = server.door.address.port().to_string();
    let arguments = ["check", &username, "--host", "127.0.0.1", "--port", &port, "--insecure"];
    let good = here.run_with_input(&arguments, &password).await;
    assert!(!format!("{good:?}").contains(&password));
    assert!(good.stdout().contains("235"));
    let wrong = password.replace("sk_", "sk_x")[..password.len()].to_owned();
    let bad = here.run_with_input(&arguments, &wrong).await;
    assert_eq!(bad.code, Some(1), "{bad:?}");
    assert!(bad.stdout.contains("535") && !bad.stdout.contains(&wrong), "{}", bad.stdout);
}

#[tokio::test]
async fn help_and_completions_name_every_command() {
    let here = Installation::new().await;
    let help = here.run(&["--help"]).await.stdout();
    let script = here.run(&["completions", "bash"]).await.stdout();
    for command in
        ["serve", "credential", "api-key", "domain", "user", "check", "config", "migrate", "completions"]
    {
        assert!(help.contains(&format!("\n  {command} ")), "{command}: {help}");
        assert!(script.contains(command), "{command}");
    }
    here.run(&["migrate"]).await.stdout();
}

#[tokio::test]
async fn a_second_start_on_the_same_data_finds_everything_as_it_was() {
    let here = Installation::new().await;
    let first = GatepostProcess::start(&here).await;
    let alice = first.visitor();
    let link = first.setup_link.as_deref().expect("there is no owner yet").to_owned();
    alice.set_up(&link, "alice@acme.example", PHRASE).await;
    let created = here.run(&["credential", "create", "--name", "Shop", "--json"]).await.stdout();
    let created: serde_json::Value = created.parse().unwrap();
    let [username, password] = ["username", "password"].map(|key| created[key].as_str().unwrap());
    assert_eq!(log_in(&first, username, password).await, 235);
    assert!(first.stop().await.success());

    let second = GatepostProcess::start(&here).await;
    assert_eq!(second.setup_link, None, "there is an owner");
    assert_eq!(log_in(&second, username, password).await, 235);
    let alice = second.visitor();
    assert_eq!(alice.log_in("alice@acme.example", PHRASE).await.status, 303);
    let list = here.run(&["credential", "list", "--json"]).await.stdout();
    let listed: serde_json::Value = list.trim().parse().unwrap();
    assert!(
        listed["last_used_at"].is_string(),
        "the first process wrote its log-in down as it ended: {list}"
    );
}

#[tokio::test]
async fn sigterm_refuses_new_clients_lets_open_sessions_know_and_ends_well() {
    let here = Installation::new().await;
    let server = GatepostProcess::start(&here).await;
    let mut session = server.smtp().await.encrypted().await;
    let (door, url) = (server.door.address, server.url.clone());
    server.terminate();
    eventually("no new connections are taken", async || {
        tokio::net::TcpStream::connect(door).await.is_err().then_some(())
    })
    .await;
    let told = session.reply().await;
    assert_eq!(told.code, 421, "{told:?}");
    assert!(session.is_over().await);
    assert_eq!(server.ended().await.code(), Some(0));
    let visitor = Visitor::new(&url);
    assert!(visitor.try_send(visitor.request(reqwest::Method::GET, "/healthz")).await.is_err());
}

#[tokio::test]
async fn what_is_logged_of_a_request_carries_the_id_that_its_answer_names() {
    let here = Installation::new().await;
    let server =
        GatepostProcess::start_with(&here, |command| command.env("GATEPOST_LOG_FORMAT", "json")).await;
    let answer = server.visitor().get("/login").await;
    let id = answer.header("x-request-id");
    let lines = eventually("it is logged", async || {
        let log = server.log();
        let lines: Vec<serde_json::Value> = log.lines().filter_map(|line| line.parse().ok()).collect();
        lines.iter().any(|line| line["message"] == "answered").then_some(lines)
    })
    .await;
    let ours =
        lines.iter().filter(|line| line["target"].as_str().is_some_and(|target| target.contains("http")));
    for line in ours.filter(|line| line["span"]["path"] == "/login") {
        assert_eq!(line["span"]["id"], id, "{line}");
    }
    assert!(lines.iter().any(|line| line["span"]["id"] == id), "{lines:?}");
}

#[tokio::test]
async fn probes_and_metrics_answer_without_a_login() {
    let here = Installation::new().await;
    let server = GatepostProcess::start(&here).await;
    let monitor = server.visitor();
    assert_eq!(monitor.page("/healthz").await, "ok\n");
    assert_eq!(monitor.page("/readyz").await, "ready\n");
    log_in(&server, "smtp_nobody", "sk_nothing").await;
    let metrics = monitor.page("/metrics").await;
    assert!(
        metrics.contains(r#"gatepost_gate_decisions_total{decision="unknown_username",door="smtp"} 1"#),
        "{metrics}"
    );
}

#[tokio::test]
async fn log_lines_are_json_when_they_are_asked_to_be() {
    let here = Installation::new().await;
    let server =
        GatepostProcess::start_with(&here, |command| command.env("GATEPOST_LOG_FORMAT", "json")).await;
    server.visitor().page("/healthz").await;
    server.terminate();
    let log = here.dir().join("log");
    assert!(server.ended().await.success());
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.lines().count() > 1);
    for line in log.lines() {
        let entry: serde_json::Value = line.parse().unwrap_or_else(|_| panic!("not JSON: {line}"));
        assert!(entry["level"].is_string() && entry["timestamp"].is_string(), "{line}");
    }
}
