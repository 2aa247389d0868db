//! A next hop that no connection can be had to, or none that is safe.

use std::time::Duration;

use gatepost::config::{Config, NextHopSecurity};
use rcgen::date_time_ymd;
use tokio::net::TcpListener;

use super::{SENDER, Shop, letter, send};
use crate::support::{Act, Authority, NextHop};

/// MAIL is answered 451 4.4.1: it passes.
async fn is_unreachable(shop: &Shop) {
    begins_nothing(shop, "4.4.1 ").await;
}

/// … 451 4.3.5: the operator has to do something.
async fn is_unusable(shop: &Shop) {
    begins_nothing(shop, "4.3.5 ").await;
}

async fn begins_nothing(shop: &Shop, status: &str) {
    let mut client = shop.client().await;
    let answer = client.command(&format!("MAIL FROM:<{SENDER}>")).await;
    assert_eq!((answer.code, answer.text().starts_with(status)), (451, true), "{status}: {answer:?}");
    assert!(shop.log().await.is_empty());
}

fn signing_in(config: &mut Config) {
    config.next_hop_username = Some("gatepost".to_owned());
    config.set("next_hop_password", "hunter2!").expect("a setting");
}

#[tokio::test]
async fn without_a_next_hop_production_mail_is_refused_for_now() {
    let shop = Shop::configured(|_| ()).await;
    let answer = send(&mut shop.client().await, &letter()).await;
    assert_eq!((answer.code, answer.text().starts_with("4.3.5 ")), (451, true), "{answer:?}");
    assert!(shop.log().await.is_empty());
}

#[tokio::test]
async fn a_next_hop_that_does_not_listen_is_a_failure_for_now() {
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let hop = NextHop::plain().await;
    is_unreachable(&Shop::with(&hop, |config| config.next_hop_port = free.port()).await).await;
}

#[tokio::test]
async fn a_next_hop_that_lies_about_starttls_gets_no_mail_and_no_password() {
    for (step, act, status) in [
        ("EHLO", Act::Says("250-hop.example\n250 AUTH PLAIN LOGIN"), "4.3.5 "),
        ("STARTTLS", Act::Says("454 4.7.0 not now"), "4.4.1 "),
        ("STARTTLS", Act::Says("220 2.0.0 go\n250-hop.example\n250 AUTH PLAIN"), "4.4.1 "),
        ("handshake", Act::Writes(b"250 2.0.0 no TLS here\r\n"), "4.4.1 "),
    ] {
        let hop = NextHop::starttls().await;
        hop.always(step, act);
        let shop = Shop::with(&hop, signing_in);
        begins_nothing(&shop.await, status).await;
        hop.is_left().await;
        let heard = hop.connection();
        assert!(heard.verbs().iter().all(|verb| ["EHLO", "STARTTLS"].contains(verb)), "{heard:?}");
    }
}

#[tokio::test]
async fn a_next_hop_with_an_expired_or_a_wrong_certificate_gets_no_mail() {
    let expired =
        |dir: &std::path::Path| Authority::issuing(dir, |own| own.not_after = date_time_ymd(2020, 1, 1));
    let foreign = |dir: &std::path::Path| {
        Authority::issuing(dir, |own| {
            own.subject_alt_names =
                vec![rcgen::SanType::DnsName("elsewhere.example".try_into().expect("a name"))];
        })
    };
    for hop in [
        NextHop::with_certificate(NextHopSecurity::Starttls, expired).await,
        NextHop::with_certificate(NextHopSecurity::Tls, foreign).await,
    ] {
        is_unusable(&Shop::before(&hop).await).await;
        assert!(!hop.connection().verbs().contains(&"MAIL"));
    }
}

#[tokio::test]
async fn a_next_hop_that_does_not_let_gatepost_in_is_for_its_operator_to_mend() {
    let hop = NextHop::tls().await;
    hop.always("AUTH", Act::Says("535 5.7.8 wrong"));
    let shop = Shop::with(&hop, signing_in);
    is_unusable(&shop.await).await;
}

#[tokio::test]
async fn a_next_hop_that_can_not_decide_on_the_log_in_now_is_a_failure_for_now() {
    let hop = NextHop::tls().await;
    hop.always("AUTH", Act::Says("454 4.7.0 later"));
    let shop = Shop::with(&hop, signing_in);
    is_unreachable(&shop.await).await;
}

#[tokio::test]
async fn one_credential_that_holds_connections_leaves_one_for_the_others() {
    let hop = NextHop::plain().await;
    let shop = Shop::with(&hop, |config| {
        config.next_hop_max_connections = 2;
        config.next_hop_connect_timeout = Duration::from_secs(2);
    })
    .await;
    let mut holding = shop.client().await;
    holding.expect(250, &format!("MAIL FROM:<{SENDER}>")).await;
    begins_nothing(&shop, "4.3.2 ").await;
    let other = shop.app.issue("Other").await;
    let mut client = shop.app.smtp().await;
    assert_eq!(client.log_in(&other.username, &other.password).await.code, 235);
    assert_eq!(send(&mut client, &letter()).await.code, 250);
}

#[tokio::test]
async fn when_all_connections_are_in_use_the_next_message_waits_and_then_is_refused_for_now() {
    let hop = NextHop::plain().await;
    let shop = Shop::with(&hop, |config| {
        config.next_hop_max_connections = 1;
        config.next_hop_connect_timeout = Duration::from_secs(2);
    })
    .await;
    let mut first = shop.client().await;
    first.expect(250, &format!("MAIL FROM:<{SENDER}>")).await;
    begins_nothing(&shop, "4.3.2 ").await;
    first.expect(250, "RSET").await;
    assert_eq!(send(&mut shop.client().await, &letter()).await.code, 250);
    assert_eq!(hop.open_connections(), 1);
}

#[tokio::test]
async fn a_kept_connection_that_the_next_hop_has_closed_costs_the_client_nothing() {
    let hop = NextHop::starttls().await;
    let shop = Shop::before(&hop).await;
    let mut client = shop.client().await;
    for _ in 0..3 {
        hop.once("end", Act::SaysAndHangsUp("250 2.0.0 taken\n421 4.4.2 idle for too long"));
        assert_eq!(send(&mut client, &letter()).await.code, 250);
    }
    assert_eq!(hop.connections().len(), 3);
}
