//! No secret reaches a log line, whatever the client does with it.

use super::door::{base64, plain};
use super::wire::Wire;
use crate::support::{GatepostProcess, Installation};

async fn create(installation: &Installation) -> (String, String) {
    let created = installation.run(&["credential", "create", "--json"]).await.stdout();
    let created: serde_json::Value = serde_json::from_str(&created).expect("JSON");
    let text = |name: &str| created[name].as_str().expect("text").to_owned();
    (text("username"), text("password"))
}

#[tokio::test]
async fn no_password_and_no_base64_of_it_is_ever_logged() {
    let installation = Installation::new().await;
    let (username, password) = create(&installation).await;
    let gatepost = GatepostProcess::start(&installation).await;
    let (message, encoded) = (plain("", &username, &password), base64(&password));

    let mut clear = Wire::connect(gatepost.door.address).await;
    clear.hears("220 *").await;
    clear.asks(&format!("AUTH PLAIN {message}"), "538 *").await;
    clear.sends(format!("EHLO {password}\0\r\n").as_bytes()).await;
    clear.hears("500 *").await;

    let mut wire = Wire::connect(gatepost.door.address).await;
    wire.hears("220 *").await;
    wire.asks("EHLO client.example", "250-*").await;
    wire.asks("STARTTLS", "220 *").await;
    wire.start_tls(gatepost.door.certificate.as_ref().expect("its own")).await;
    wire.asks("EHLO client.example", "250-*").await;
    wire.asks(&format!("AUTH PLAIN {message} x"), "501 *").await;
    wire.asks(&format!("AUTH {encoded}"), "504 *").await;
    wire.asks(&encoded, "500 *").await;
    wire.asks(&password, "500 *").await;
    wire.asks(&format!("AUTH LOGIN {encoded}"), "334 *").await;
    wire.asks(&encoded, "535 *").await;
    wire.asks(&format!("AUTH PLAIN {}", plain(&password, &username, &password)), "535 *").await;
    wire.asks(&format!("AUTH PLAIN {message}"), "235 *").await;
    wire.asks("QUIT", "221 *").await;

    let log = gatepost.log();
    assert!(
        log.contains("verb=\"AUTH\"") && log.contains("code=235"),
        "commands are logged at this level:\n{log}"
    );
    for secret in [&password, &encoded, &message, &message.replace('=', "")] {
        assert!(!log.contains(secret.as_str()), "a secret is in the log");
    }
    assert!(gatepost.stop().await.success());
}
