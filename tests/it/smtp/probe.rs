//! The checker's client against the running door, and against servers that are none.

use std::net::SocketAddr;
use std::time::Duration;

use gatepost::config::Security;
use gatepost::secret::Password;
use gatepost::smtp::probe::{Mail, Name, Outcome, Probe, Speaker, Step, Target, Trust};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::door::{Door, base64};

async fn probe(door: &Door) -> Probe {
    Probe {
        target: Target::own(&door.app.app).await.expect("a door"),
        username: door.credential.username.clone(),
        password: Password::new(door.credential.password.as_str()),
        mail: None,
        timeout: Duration::from_secs(20),
        behalf: None,
    }
}

async fn steps(probe: &Probe) -> (bool, Vec<Step>) {
    let mut steps = Vec::new();
    let passed = probe.run(|step| steps.push(step)).await;
    (passed, steps)
}

/// The step that failed.
fn failed(steps: &[Step]) -> &Step {
    let mut failed = steps.iter().filter(|step| step.outcome == Outcome::Failed);
    let first = failed.next().expect("a step that failed");
    assert!(failed.next().is_none(), "one step fails, those after it are skipped");
    first
}

fn cause(steps: &[Step]) -> (Name, String, String) {
    let step = failed(steps);
    let advice = step.advice.clone().expect("advice");
    (step.name, advice.cause, advice.cure)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_working_credential_passes_every_step_with_its_secret_masked() {
    let door = Door::open().await;
    let probe = probe(&door).await;
    // On a task of its own, as the dashboard runs it.
    let (passed, steps) = tokio::spawn(async move { steps(&probe).await }).await.expect("no panic");
    assert!(passed);
    let names: Vec<_> = steps.iter().map(|step| step.name).collect();
    use Name::{Connect, Greeting, Hello, HelloOverTls, Login, Quit, StartTls, Tls};
    assert_eq!(names, [Connect, Greeting, Hello, StartTls, Tls, HelloOverTls, Login, Quit]);
    let transcript = format!("{steps:?}");
    assert!(!transcript.contains(&door.credential.password));
    assert!(!transcript.contains(&door.plain()));
    assert!(!transcript.contains(&base64(&door.credential.password)));
    let text = |name| {
        let step = steps.iter().find(|step| step.name == name).expect("the step");
        step.lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n")
    };
    assert!(text(Tls).contains("TLS 1.3 with TLS13_"), "{}", text(Tls));
    assert!(text(Tls).contains("Certificate for localhost, 127.0.0.1, ::1"), "{}", text(Tls));
    assert!(text(Login).contains("AUTH PLAIN ****"));
    assert!(text(Login).contains("235 2.7.0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn implicit_tls_is_checked_likewise() {
    let door = Door::open().await;
    let mut probe = probe(&door).await;
    probe.target.port = door.implicit().port();
    probe.target.security = Security::Implicit;
    let (passed, steps) = steps(&probe).await;
    assert!(passed, "{steps:?}");
    assert_eq!(steps[1].name, Name::Tls);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_begun_as_far_as_the_door_takes_it() {
    let door = Door::open().await;
    let mail = Some(Mail { sender: "alice@acme.example".into(), recipient: Some("bob@example.org".into()) });
    let (passed, told) = steps(&Probe { mail, ..probe(&door).await }).await;
    assert!(passed, "{told:?}");
    let mail = Some(Mail { sender: "alice@other.example".into(), recipient: Some("bob@example.org".into()) });
    let (passed, steps) = steps(&Probe { mail, ..probe(&door).await }).await;
    assert!(!passed);
    let (name, cause, cure) = cause(&steps);
    assert_eq!(name, Name::Sender);
    assert!(cause.contains("Sender domain other.example is not allowed"), "{cause}");
    assert!(cure.contains("verified"), "{cure}");
    assert_eq!(steps.last().map(|step| (step.name, step.outcome)), Some((Name::Quit, Outcome::Passed)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_can_not_carry_a_command_of_its_own() {
    let door = Door::open().await;
    let mail =
        Some(Mail { sender: "a@b.example>\r\nRSET\r\n<".into(), recipient: Some("bob@example.org".into()) });
    let (_, steps) = steps(&Probe { mail, ..probe(&door).await }).await;
    assert_eq!(failed(&steps).name, Name::Sender);
    let said =
        |line: &gatepost::smtp::probe::Line| line.from == Speaker::Client && line.text.contains("RSET");
    assert!(!steps.iter().flat_map(|step| &step.lines).any(said));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_login_names_the_likely_cause_and_the_cure() {
    let door = Door::open().await;
    let right = probe(&door).await;
    let wrong = "sk_00000000000000000000000000000000";
    let spaced = format!("{} ", door.credential.password);
    for (username, password, says, cures) in [
        (door.credential.username.as_str(), wrong, "don't belong together", "Search Activity for "),
        ("alice@acme.example", "correct horse", "dashboard", "smtp_"),
        ("alice", wrong, "not that of an SMTP credential", "credentials page"),
        (wrong, door.credential.username.as_str(), "stands where the username belongs", "rotate"),
        (door.credential.username.as_str(), "hunter2", "form of an SMTP password", "rotate"),
        (door.credential.username.as_str(), spaced.as_str(), "space or line break", "Copy"),
    ] {
        let probe = Probe { username: username.into(), password: Password::new(password), ..right.clone() };
        let (passed, steps) = steps(&probe).await;
        assert!(!passed);
        let (name, cause, cure) = cause(&steps);
        assert_eq!(name, Name::Login);
        assert!(cause.contains(says), "{cause}");
        assert!(cure.contains(cures), "{cure}");
        assert!(!format!("{steps:?}").contains(password), "the wrong password is masked too");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_kind_of_tls_is_recognised_both_ways() {
    let door = Door::open().await;
    let mut probe = Probe { timeout: Duration::from_secs(2), ..probe(&door).await };
    probe.target.security = Security::Implicit;
    let (_, on_starttls) = steps(&probe).await;
    assert!(cause(&on_starttls).2.contains("Choose STARTTLS"), "{on_starttls:?}");
    probe.target.security = Security::Starttls;
    probe.target.port = door.implicit().port();
    let (_, on_implicit) = steps(&probe).await;
    assert!(cause(&on_implicit).2.contains("Choose implicit TLS"), "{on_implicit:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_no_known_authority_is_told_apart_from_one_for_another_name() {
    let door = Door::open().await;
    let mut probe = probe(&door).await;
    probe.target.trust = Trust::Public;
    let (_, steps_of_stranger) = steps(&probe).await;
    let (name, cause, _) = cause(&steps_of_stranger);
    assert_eq!(name, Name::Tls);
    assert!(cause.contains("self-signed"), "{cause}");
    probe.target.trust = Trust::Anything;
    assert!(steps(&probe).await.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_does_not_exist_and_a_port_without_a_listener_are_told_apart() {
    let door = Door::open().await;
    let mut probe = probe(&door).await;
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    probe.target.port = free.port();
    let (_, nobody) = steps(&probe).await;
    assert!(cause(&nobody).1.contains("Nothing listens"), "{nobody:?}");
    probe.target.host = "no such host".into();
    let (_, nowhere) = steps(&probe).await;
    assert!(cause(&nowhere).1.contains("can't be found"), "{nowhere:?}");
}

/// A server that says `text` to whoever connects, and then nothing.
async fn server_that_says(text: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.write_all(text.as_bytes()).await.expect("said");
            open.push(stream);
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_are_no_door_of_gatepost_are_bounded_and_explained() {
    let door = Door::open().await;
    let probe = Probe { timeout: Duration::from_secs(2), ..probe(&door).await };
    let endless: &str = Box::leak("220-more\r\n".repeat(10_000).into_boxed_str());
    let wide: &str = Box::leak("2".repeat(1_000_000).into_boxed_str());
    for (text, name, says) in [
        ("HTTP/1.1 400 Bad Request\r\n\r\n", Name::Greeting, "a web server"),
        ("SSH-2.0-OpenSSH_9.9\r\n", Name::Greeting, "not an SMTP server"),
        (endless, Name::Greeting, "not an SMTP server"),
        (wide, Name::Greeting, "not an SMTP server"),
        ("421 4.7.0 Slow down\r\n", Name::Greeting, "Slow down"),
        ("220 mail.example\r\n250 mail.example\r\n", Name::StartTls, "does not offer STARTTLS"),
        ("220 mail.example\r\n", Name::Hello, "took too long"),
        ("220 a\r\n250-a\r\n250 STARTTLS\r\n220 go\r\n250 injected\r\n", Name::StartTls, "sent along"),
    ] {
        let mut probe = probe.clone();
        probe.target.port = server_that_says(text).await.port();
        let (passed, steps) = steps(&probe).await;
        assert!(!passed);
        let (failed, cause, cure) = cause(&steps);
        assert_eq!(failed, name, "{cause}");
        assert!(cause.contains(says) && !cure.is_empty(), "{cause}");
        assert!(steps.iter().map(|step| step.lines.len()).sum::<usize>() < 200);
    }
}
