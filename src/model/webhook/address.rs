//! Where webhooks may go: to the Internet, and to the networks that the operator allows. Nobody may have Gatepost ask what
//! only this machine or its neighbours can reach.
//!
//! The rule holds for addresses, not for names: what a name leads to is looked up at each try, every address of it is
//! checked, and exactly those that were checked are connected to. A URL is refused early where its host is an address, or
//! says that it is local.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Url;

use crate::network::Network;

/// The longest URL, in bytes.
pub const MAX_URL: usize = 2_000;

/// Networks that may be reached although they are not of the Internet.
#[derive(Clone, Debug, Default)]
pub struct AllowedNetworks(Vec<Network>);

/// What was refused, as a sentence for the webhook's owner. (Not which address a name leads to: that may be nobody's business.)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreachable {
    host: String,
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = &self.host;
        write!(
            f,
            "{host} is not on the Internet: a private, local or reserved address. The operator can allow its network \
             (webhook_allowed_networks)."
        )
    }
}

impl std::error::Error for Unreachable {}

impl AllowedNetworks {
    /// `allowed`: beside the Internet.
    pub fn new(allowed: &[Network]) -> Self {
        Self(allowed.to_vec())
    }

    /// Whether a connection to it may be made.
    pub fn includes(&self, address: IpAddr) -> bool {
        is_public(address) || self.0.iter().any(|network| network.contains(address))
    }

    /// What a name leads to, if all of it may be reached.
    ///
    /// # Errors
    /// [`Unreachable`] on the first address that may not be.
    pub fn check_all(&self, host: &str, addresses: &[IpAddr]) -> Result<(), Unreachable> {
        match addresses.iter().all(|address| self.includes(*address)) {
            true => Ok(()),
            false => Err(Unreachable { host: host.to_owned() }),
        }
    }

    /// A URL as a person typed it, in its normal form.
    ///
    /// # Errors
    /// A sentence: what is wrong with it.
    pub fn parse(&self, text: &str) -> Result<Url, String> {
        let form = "Enter a whole address, such as https://hooks.example.com/gatepost.";
        let mut url = Url::parse(text.trim()).map_err(|_| form.to_owned())?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err(form.to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("Leave out username and password: each request is signed instead.".to_owned());
        }
        if url.port() == Some(0) {
            return Err("There is no port 0.".to_owned());
        }
        url.set_fragment(None);
        if url.as_str().len() > MAX_URL {
            return Err(format!("Use at most {MAX_URL} characters."));
        }
        self.check_host(&url).map_err(|refusal| refusal.to_string())?;
        Ok(url)
    }

    /// Refuses a host that is an address out of reach, or that means this machine. Other names tell nothing before they are
    /// looked up.
    pub fn check_host(&self, url: &Url) -> Result<(), Unreachable> {
        let host = url.host_str().unwrap_or_default();
        match literal(host) {
            Some(address) => self.check_all(host, &[address]),
            None if is_this_machine(host) => self.check_all(host, &[Ipv4Addr::LOCALHOST.into()]),
            None => Ok(()),
        }
    }
}

/// The address that a URL's host is, if it is one. (The URL's own parser has turned `127.1` and `0x7f000001` into `127.0.0.1`.)
fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// RFC 6761 section 6.3.
fn is_this_machine(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

/// Whether an address is of the Internet: unicast, and in no block that IANA's special-purpose registries set aside. IPv6 that
/// carries an IPv4 address counts as that.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match carried(address) {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(address),
        },
    }
}

/// Network and length of what is not for everybody: <https://www.iana.org/assignments/iana-ipv4-special-registry>.
const NOT_PUBLIC_V4: [(Ipv4Addr, u32); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),          // this network
    (Ipv4Addr::new(10, 0, 0, 0), 8),         // private (RFC 1918)
    (Ipv4Addr::new(100, 64, 0, 0), 10),      // carrier-grade NAT (RFC 6598)
    (Ipv4Addr::new(127, 0, 0, 0), 8),        // loopback
    (Ipv4Addr::new(169, 254, 0, 0), 16),     // link-local: there the clouds keep their secrets
    (Ipv4Addr::new(172, 16, 0, 0), 12),      // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),       // protocols (RFC 6890)
    (Ipv4Addr::new(192, 0, 2, 0), 24),       // documentation
    (Ipv4Addr::new(192, 88, 99, 0), 24),     // 6to4 relays (RFC 7526)
    (Ipv4Addr::new(192, 168, 0, 0), 16),     // private
    (Ipv4Addr::new(198, 18, 0, 0), 15),      // benchmarks (RFC 2544)
    (Ipv4Addr::new(198, 51, 100, 0), 24),    // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),     // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4),        // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4),        // reserved
    (Ipv4Addr::new(255, 255, 255, 255), 32), // broadcast
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    let is_in =
        |(network, length): (Ipv4Addr, u32)| (address.to_bits() ^ network.to_bits()) >> (32 - length) == 0;
    !NOT_PUBLIC_V4.into_iter().any(is_in)
}

/// Within 2000::/3, the only part that is given out: <https://www.iana.org/assignments/iana-ipv6-special-registry>.
const NOT_PUBLIC_V6: [(Ipv6Addr, u32); 3] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocols: Teredo, benchmarks, ORCHID
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation (RFC 9637)
];

fn is_public_v6(address: Ipv6Addr) -> bool {
    let is_in =
        |(network, length): (Ipv6Addr, u32)| (address.to_bits() ^ network.to_bits()) >> (128 - length) == 0;
    let is_given_out = is_in((Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3));
    is_given_out && !NOT_PUBLIC_V6.into_iter().any(is_in)
}

/// The IPv4 address to which this IPv6 address leads: mapped (RFC 4291), translated (RFC 6052, only its well-known prefix) and
/// 6to4 (RFC 3056).
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(of(high, low)),
        [0x2002, high, low, ..] => Some(of(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap_or_else(|_| panic!("{text} is no address"))
    }

    const NOT_OF_THE_INTERNET: &str = "
        0.0.0.0 0.1.2.3 10.0.0.0 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 169.254.0.1
        169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.170 192.0.2.1 192.88.99.1 192.168.0.1
        192.168.255.255 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.7 224.0.0.1 239.255.255.250 240.0.0.1
        255.255.255.255 :: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1
        64:ff9b::127.0.0.1 64:ff9b::10.1.2.3 64:ff9b:1::1 64:ff9b:1::8.8.8.8 100::1 100:0:0:1::1 2001::1
        2001:0:4136:e378::1 2001:2::1 2001:10::1 2001:20::1 2001:1ff:ffff::1 2001:db8::1 2002:7f00:1::1
        2002:a00:1::1 2002:c0a8:101:: 2002:a9fe:a9fe::1 3fff::1 3fff:fff:ffff::1 4000::1 5f00::1 fc00::1
        fd12:3456::1 fe80::1 febf::1 fec0::1 ff02::1 ff0e::1";

    /// Many of them right beside what is not.
    const OF_THE_INTERNET: &str = "
        1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1 169.253.255.255
        169.255.0.1 172.15.255.255 172.32.0.1 192.0.1.1 192.167.255.255 192.169.0.1 198.17.255.255 198.20.0.1
        223.255.255.255 ::ffff:8.8.8.8 64:ff9b::8.8.8.8 2001:200::1 2001:4860:4860::8888 2001:db7:ffff::1
        2002:808:808::1 2400:cb00::1 2606:4700::1111 2a00:1450::1 3ffe::1 3fff:1000::1";

    /// None of these is a whole address of the Internet by HTTP.
    const REFUSED: &str = "
        hooks.example.com /path ftp://a.example/ file:///etc/passwd gopher://a.example javascript:alert(1) https://
        http:/// https://user@a.example/ https://u:p@a.example/ http://:80/ http://a.example:0/
        http://a.example:99999/ http://127.0.0.1/ http://127.1/ http://2130706433/ http://0x7f000001/
        http://0177.0.0.1/ http://0/ http://127.0.0.1.:80/ http://①②⑦.0.0.1/ http://[::1]/
        http://[::ffff:127.0.0.1]/ http://[::ffff:7f00:1]/ http://[fe80::1%25eth0]/ http://[64:ff9b::7f00:1]/
        http://169.254.169.254/latest/meta-data/ http://10.0.0.1:8080/ http://localhost/ http://LOCALHOST./
        http://a.localhost/ https://192.168.1.1/x https://[fd00::1]/";

    #[test]
    fn only_addresses_of_the_internet_are_public() {
        for text in NOT_OF_THE_INTERNET.split_whitespace() {
            assert!(!is_public(address(text)), "{text}");
        }
        for text in OF_THE_INTERNET.split_whitespace() {
            assert!(is_public(address(text)), "{text}");
        }
    }

    #[test]
    fn every_address_of_a_name_is_checked() {
        let reach = AllowedNetworks::default();
        let public = address("8.8.8.8");
        assert_eq!(reach.check_all("a.example", &[public]), Ok(()));
        for hidden in ["127.0.0.1", "::1", "10.0.0.1", "::ffff:10.0.0.1"] {
            assert!(reach.check_all("a.example", &[public, address(hidden)]).is_err(), "{hidden}");
        }
    }

    #[test]
    fn what_the_operator_allows_can_be_reached_and_nothing_beside_it() {
        let allowed: Vec<Network> = ["10.1.0.0/16", "::1"].iter().map(|text| text.parse().unwrap()).collect();
        let reach = AllowedNetworks::new(&allowed);
        for (text, reachable) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("::1", true),
            ("10.2.0.1", false),
            ("127.0.0.1", false),
        ] {
            assert_eq!(reach.includes(address(text)), reachable, "{text}");
        }
        // What a translator makes of it is not what the operator allowed.
        assert!(!reach.includes(address("64:ff9b::10.1.2.3")));
    }

    #[test]
    fn a_url_that_can_not_lead_to_the_internet_is_refused_at_once() {
        let reach = AllowedNetworks::default();
        for text in REFUSED.split_whitespace().chain(["", " "]) {
            assert!(reach.parse(text).is_err(), "{text}");
        }
        for (text, kept) in [
            (" https://Hooks.Example/A?b=c#d ", "https://hooks.example/A?b=c"),
            ("http://bücher.example:8080", "http://xn--bcher-kva.example:8080/"),
            ("https://8.8.8.8/", "https://8.8.8.8/"),
            ("https://[2606:4700::1111]:8443/", "https://[2606:4700::1111]:8443/"),
        ] {
            assert_eq!(reach.parse(text).map(|url| url.to_string()).as_deref(), Ok(kept), "{text}");
        }
    }

    #[test]
    fn localhost_is_allowed_with_its_address() {
        let loopback = AllowedNetworks::new(&["127.0.0.0/8".parse().unwrap()]);
        assert!(loopback.parse("http://localhost:8080/").is_ok());
        assert!(loopback.parse("http://127.0.0.1:8080/").is_ok());
        assert!(loopback.parse("http://[::1]:8080/").is_err());
    }
}
