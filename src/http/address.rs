//! From where a request comes: the peer's address, or what a trusted proxy says of it.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;

use crate::app::App;
use crate::network::Network;

/// The client's address. IPv4 addresses that came over an IPv6 socket are IPv4 addresses.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(pub IpAddr);

impl FromRequestParts<App> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
        let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)).to_canonical();
        let trusted = &app.config.trusted_proxies;
        Ok(Self(client(peer, &parts.headers, trusted)))
    }
}

/// The last address in `X-Forwarded-For` that is not a trusted proxy's own: everything before it a client can make up.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(peer) {
        return peer;
    }
    let hops = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = hops.flat_map(|value| value.split(',')).map(str::trim).collect();
    let mut last = peer;
    for hop in hops.iter().rev() {
        let Ok(address) = hop.parse::<IpAddr>() else { return last };
        last = address.to_canonical();
        if !is_trusted(last) {
            return last;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", axum::http::HeaderValue::from_static(value));
        }
        let address = |text: &str| text.parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        client(
            address(peer),
            &headers,
            &["10.0.0.1", "::ffff:10.0.0.2", "10.1.0.0/16"].map(|text| text.parse().unwrap()),
        )
        .to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        assert_eq!(seen("203.0.113.7", &["198.51.100.9"]), "203.0.113.7");
        assert_eq!(seen("10.0.0.1", &["198.51.100.9"]), "198.51.100.9");
        assert_eq!(seen("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn what_a_client_put_before_it_is_not_believed() {
        assert_eq!(seen("10.0.0.1", &["1.1.1.1, 198.51.100.9", "10.0.0.2"]), "198.51.100.9");
        assert_eq!(seen("10.0.0.1", &["1.1.1.1, rubbish"]), "10.0.0.1");
        assert_eq!(seen("10.1.2.3", &["1.1.1.1, 198.51.100.9, 10.1.9.9", "10.0.0.2"]), "198.51.100.9");
    }
}
