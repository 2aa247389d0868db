//! The door's certificate: made where there is none, read again when it changes, complained about when it is broken.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use gatepost::clock::Clock;
use gatepost::config::Config;
use gatepost::tls::Tls;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::CertificateDer;

use super::door::Door;
use super::wire::Wire;

/// Writes a new certificate for localhost; returns it.
fn write_pair(directory: &Path) -> CertificateDer<'static> {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
    let certificate = params.self_signed(&key).expect("a certificate");
    fs::write(directory.join("key.pem"), key.serialize_pem()).expect("written");
    fs::write(directory.join("chain.pem"), certificate.pem()).expect("written");
    certificate.der().clone()
}

fn paths(directory: &Path) -> [String; 2] {
    ["chain.pem", "key.pem"].map(|name| directory.join(name).to_string_lossy().into_owned())
}

async fn try_tls(door: &Door, trusted: &CertificateDer<'static>) -> std::io::Result<()> {
    let mut wire = Wire::connect(door.implicit()).await;
    wire.try_tls(trusted).await
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_1_2_and_1_3_are_both_spoken() {
    let door = Door::open().await;
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut wire = Wire::connect(door.implicit()).await;
        wire.try_tls_of(&[version], &door.certificate().await).await.expect("a handshake");
        wire.hears("220 *").await;
        wire.asks("QUIT", "221 *").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_shown_at_the_next_handshake() {
    let directory = tempfile::tempdir().expect("a directory");
    let old = write_pair(directory.path());
    let [chain, key] = paths(directory.path());
    let door = Door::open_with(&[("tls_cert", &chain), ("tls_key", &key)]).await;
    let mut before = door.sign_in().await;
    try_tls(&door, &old).await.expect("the old one");
    let new = write_pair(directory.path());
    try_tls(&door, &new).await.expect("the new one");
    try_tls(&door, &old).await.expect_err("not the old one");
    before.asks("NOOP", "250 *").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_new_certificate_leaves_the_old_one_in_force_until_it_is_mended() {
    let directory = tempfile::tempdir().expect("a directory");
    let old = write_pair(directory.path());
    let [chain, key] = paths(directory.path());
    let door = Door::open_with(&[("tls_cert", &chain), ("tls_key", &key)]).await;
    fs::write(&key, "half a k").expect("written");
    try_tls(&door, &old).await.expect("the old one");
    fs::remove_file(&chain).expect("removed");
    try_tls(&door, &old).await.expect("the old one");
    let new = write_pair(directory.path());
    try_tls(&door, &new).await.expect("the new one");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_the_files_is_one_sentence_that_names_them() {
    let directory = tempfile::tempdir().expect("a directory");
    write_pair(directory.path());
    let [chain, key] = paths(directory.path());
    let complaint = |chain: &str, key: &str| {
        let mut config = Config { data_dir: directory.path().to_owned(), ..Config::default() };
        config.set("tls_cert", chain).expect("a setting");
        config.set("tls_key", key).expect("a setting");
        Tls::open(&config, &Clock::default()).expect_err("a complaint").to_string()
    };
    let missing = directory.path().join("missing.pem").to_string_lossy().into_owned();
    let other = directory.path().join("other.pem").to_string_lossy().into_owned();
    assert!(complaint(&missing, &key).contains(&missing));
    assert!(complaint(&key, &key).contains("holds no certificate"), "{}", complaint(&key, &key));
    assert!(complaint(&chain, &chain).contains("holds no private key"));
    fs::write(&other, "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n").expect("written");
    assert!(complaint(&other, &key).contains("not valid PEM"), "{}", complaint(&other, &key));
    fs::write(&other, KeyPair::generate().expect("a key").serialize_pem()).expect("written");
    let mismatch = complaint(&chain, &other);
    assert!(mismatch.contains("does not belong") && mismatch.contains(&chain) && mismatch.contains(&other));
    fs::write(&other, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")
        .expect("written");
    assert!(complaint(&chain, &other).contains("is encrypted"));
}

#[tokio::test]
async fn the_self_signed_certificate_is_kept_private_kept_across_starts_and_renewed_before_its_end() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = Config { data_dir: directory.path().to_owned(), ..Config::default() };
    let clock = Clock::default();
    let first = Tls::open(&config, &clock).expect("TLS");
    let path = directory.path().join("smtp-self-signed.pem");
    assert_eq!(fs::metadata(&path).expect("the file").permissions().mode() & 0o777, 0o600);
    let kept = Tls::open(&config, &clock).expect("TLS").certificate().await;
    assert_eq!(first.certificate().await, kept, "the same after a restart");
    clock.advance(Duration::from_secs(334 * 86_400));
    assert_eq!(first.certificate().await, kept, "still good for a month");
    clock.advance(Duration::from_secs(2 * 86_400));
    let renewed = first.certificate().await;
    assert_ne!(renewed, kept, "renewed while the door is open");
    assert_eq!(Tls::open(&config, &clock).expect("TLS").certificate().await, renewed);
    let renamed = Config { smtp_host: "mail.acme.example".to_owned(), ..config };
    assert_ne!(
        Tls::open(&renamed, &clock).expect("TLS").certificate().await,
        renewed,
        "made anew for another name"
    );
}
