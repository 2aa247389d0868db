//! Next hops that can't be reached, can't be trusted, or say no before a message is begun.

use std::time::Duration;

use futures_util::future::join_all;
use gatepost::config::NextHopSecurity;
use gatepost::id::CredentialId;
use gatepost::smtp::relay::{Relay, Trouble};
use rcgen::date_time_ymd;
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::{impatient, relay, relay_with, send};
use crate::support::{Act, Authority, NextHop};

/// Why no connection can be had.
async fn trouble(relay: &Relay) -> String {
    match relay.open(CredentialId::new()).await {
        Ok(_) => panic!("a connection"),
        Err(trouble) => {
            assert!(!trouble.is_after_the_dot());
            trouble.to_string()
        }
    }
}

#[tokio::test]
async fn a_port_where_nobody_listens_and_a_name_that_nobody_has_are_told_apart() {
    let hop = NextHop::plain().await;
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let nobody = relay_with(&hop, |config| config.next_hop_port = free.port());
    assert!(trouble(&nobody).await.contains("it can't be reached"));
    let nowhere = relay_with(&hop, |config| config.next_hop_host = Some("no-such-host.invalid".to_owned()));
    assert!(trouble(&nowhere).await.contains("its name can't be found"));
}

#[tokio::test]
async fn the_host_may_be_an_address() {
    let hop = NextHop::with_certificate(NextHopSecurity::Tls, |dir| {
        Authority::issuing(dir, |own| {
            own.subject_alt_names = vec![rcgen::SanType::IpAddress([127, 0, 0, 1].into())];
        })
    })
    .await;
    let relay = relay_with(&hop, |config| config.next_hop_host = Some("127.0.0.1".to_owned()));
    assert_eq!(send(&relay).await.expect("an answer").code, 250);
}

#[tokio::test]
async fn a_next_hop_that_hangs_up_says_no_or_talks_rubbish_at_any_step_gives_no_connection() {
    for (act, says) in [
        (Act::HangsUp, "hung up"),
        (Act::SaysAndHangsUp("421 4.3.2 not today"), "421 4.3.2 not today"),
        (Act::Says("554 5.7.1 not you"), "554 5.7.1 not you"),
        (Act::Says("HTTP/1.1 400 Bad Request"), "no SMTP"),
        (Act::Says("220-a\n250 b"), "no SMTP"),
    ] {
        for step in ["greeting", "EHLO", "STARTTLS", "AUTH"] {
            let hop = NextHop::starttls().await;
            hop.always(step, act.clone());
            let relay = relay_with(&hop, |config| {
                config.next_hop_username = Some("shop".to_owned());
                config.set("next_hop_password", "hunter2!").expect("a setting");
            });
            let trouble = trouble(&relay).await;
            assert!(trouble.contains(says), "{step} {act:?}: {trouble}");
            hop.is_left().await;
        }
    }
}

#[tokio::test]
async fn a_next_hop_that_is_silent_at_any_step_is_given_up_in_time() {
    let given_up = ["greeting", "EHLO", "STARTTLS", "handshake"].map(|step| async move {
        let hop = NextHop::starttls().await;
        hop.always(step, Act::Freezes);
        let begun = Instant::now();
        assert!(trouble(&impatient(&hop)).await.contains("took too long"), "{step}");
        assert!(begun.elapsed() < Duration::from_secs(15), "{step}");
    });
    join_all(given_up).await;
}

#[tokio::test]
async fn nothing_is_ever_said_in_clear_to_a_next_hop_that_lies_about_starttls() {
    for (step, act, says) in [
        ("EHLO", Act::Says("250-hop.example\n250 AUTH PLAIN"), "offers no STARTTLS"),
        ("STARTTLS", Act::Says("454 4.7.0 not now"), "454 4.7.0 not now"),
        ("STARTTLS", Act::Says("250 2.0.0 as you like"), "250 2.0.0 as you like"),
        ("STARTTLS", Act::Says("220 2.0.0 go\n250 2.0.0 injected"), "sent along"),
        // With the answer or after it.
        ("handshake", Act::Writes(b"250 2.0.0 no TLS here\r\n"), ""),
        ("handshake", Act::HangsUp, "handshake failed"),
    ] {
        let hop = NextHop::starttls().await;
        hop.always(step, act.clone());
        let relay = relay_with(&hop, |config| {
            config.next_hop_username = Some("shop".to_owned());
            config.set("next_hop_password", "hunter2!").expect("a setting");
        });
        let trouble = trouble(&relay).await;
        assert!(trouble.contains(says), "{act:?}: {trouble}");
        hop.is_left().await;
        let verbs = hop.connection().verbs().join(" ");
        assert!(["EHLO", "EHLO STARTTLS"].contains(&verbs.as_str()), "{verbs}");
    }
}

#[tokio::test]
async fn what_was_offered_in_clear_counts_for_nothing_after_starttls() {
    let hop = NextHop::starttls().await;
    hop.once("EHLO", Act::Says("250-hop.example\n250-STARTTLS\n250-8BITMIME\n250-SMTPUTF8\n250 SIZE 1"));
    hop.offers(&["SIZE 0"]);
    let transfer = relay(&hop).open(CredentialId::new()).await.expect("a connection");
    let offers = transfer.offers();
    assert!(!offers.eight_bit && !offers.smtputf8 && offers.takes_size);
    assert_eq!(offers.size, None, "0 means no limit");
}

#[tokio::test]
async fn a_certificate_that_is_expired_or_for_another_name_or_of_a_stranger_is_not_trusted() {
    let expired =
        |dir: &std::path::Path| Authority::issuing(dir, |own| own.not_after = date_time_ymd(2020, 1, 1));
    let foreign = |dir: &std::path::Path| {
        Authority::issuing(dir, |own| {
            own.subject_alt_names =
                vec![rcgen::SanType::DnsName("elsewhere.example".try_into().expect("a name"))];
        })
    };
    for security in [NextHopSecurity::Starttls, NextHopSecurity::Tls] {
        for (hop, knows, says) in [
            (NextHop::with_certificate(security, expired).await, true, "expired"),
            (NextHop::with_certificate(security, foreign).await, true, "not valid for name"),
            (NextHop::with_certificate(security, Authority::new).await, false, "UnknownIssuer"),
        ] {
            let relay = relay_with(&hop, |config| {
                if !knows {
                    config.next_hop_ca = None;
                }
            });
            let trouble = trouble(&relay).await;
            assert!(trouble.contains("certificate can't be trusted") && trouble.contains(says), "{trouble}");
            let anyone = relay_with(&hop, |config| config.next_hop_verify = false);
            assert_eq!(send(&anyone).await.expect("an answer").code, 250);
        }
    }
}

#[tokio::test]
async fn a_refused_login_is_told_without_the_password() {
    let hop = NextHop::tls().await;
    hop.always("AUTH", Act::Says("535 5.7.8 shop with hunter2! or AHNob3AAaHVudGVyMiE= is wrong"));
    let relay = relay_with(&hop, |config| {
        config.next_hop_username = Some("shop".to_owned());
        config.set("next_hop_password", "hunter2!").expect("a setting");
    });
    let refused = relay.open(CredentialId::new()).await.err().expect("no connection");
    let told = format!("{refused} {refused:?} {relay:?}");
    assert!(told.contains("535"), "{told}");
    assert!(!told.contains("hunter2!") && !told.contains("AHNob3AAaHVudGVyMiE="), "{told}");
    hop.offers(&["AUTH CRAM-MD5 XOAUTH2"]);
    assert!(trouble(&relay).await.contains("neither AUTH PLAIN nor LOGIN"));
}

#[tokio::test]
async fn a_closed_way_gives_no_connection() {
    let hop = NextHop::plain().await;
    let relay = relay(&hop);
    relay.close().await;
    assert!(matches!(relay.open(CredentialId::new()).await, Err(Trouble::Closed)));
    assert!(hop.connections().is_empty());
}
