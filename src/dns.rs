//! Asks the DNS. Nothing is remembered: who has just set a record and asks again gets today's answer.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError, NoRecords};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::RData;
use hickory_resolver::{Resolver, TokioResolver};

use crate::config::Config;

/// Which servers are asked, and how long they may take.
#[derive(Clone, Debug)]
pub struct Dns {
    /// Empty: the system's, read anew each time.
    servers: Vec<SocketAddr>,
    timeout: Duration,
}

/// What the DNS says of the TXT records at a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// At least one; the strings of a record are joined.
    Texts(Vec<String>),
    /// The name is there, but no TXT record.
    NoText,
    /// There is no such name.
    NoName,
    /// Nothing that says anything about the records: try again later. A sentence.
    Failed(String),
}

impl Dns {
    pub fn new(config: &Config) -> Self {
        Self { servers: config.dns_servers.clone(), timeout: config.dns_timeout }
    }

    /// The TXT records at `name`, a whole domain name. Takes at most twice as long as a server may take.
    pub async fn texts(&self, name: &str) -> Answer {
        let resolver = match self.resolver() {
            Ok(resolver) => resolver,
            Err(cause) => return Answer::Failed(format!("The DNS can’t be asked: {cause}.")),
        };
        // The final dot keeps the system's search list out of it.
        match tokio::time::timeout(2 * self.timeout, resolver.txt_lookup(format!("{name}."))).await {
            Ok(Ok(found)) => texts(found.answers().iter().map(|record| &record.data)),
            Ok(Err(NetError::Dns(DnsError::NoRecordsFound(none)))) => absence(&none),
            Ok(Err(cause)) => Answer::Failed(failure(&cause)),
            Err(_) => Answer::Failed(failure(&NetError::Timeout)),
        }
    }

    /// A new one for each question: it keeps answers, and servers that it found slow.
    fn resolver(&self) -> Result<TokioResolver, NetError> {
        let mut builder = if self.servers.is_empty() {
            TokioResolver::builder_tokio()?
        } else {
            let servers = self.servers.iter().copied().map(name_server).collect();
            let config = ResolverConfig::from_name_servers(servers);
            Resolver::builder_with_config(config, TokioRuntimeProvider::default())
        };
        let options: &mut ResolverOpts = builder.options_mut();
        options.timeout = self.timeout;
        options.attempts = 1;
        options.use_hosts_file = ResolveHosts::Never;
        // A forged answer must guess the case of each letter too.
        options.case_randomization = true;
        builder.build()
    }
}

fn name_server(address: SocketAddr) -> NameServerConfig {
    let mut server = NameServerConfig::udp_and_tcp(address.ip());
    for connection in &mut server.connections {
        let at_port: &mut ConnectionConfig = connection;
        at_port.port = address.port();
    }
    server
}

/// RFC 1035 section 3.3.14: a TXT record is one or more strings. Long values are cut into several, so they are joined.
fn texts<'a>(records: impl Iterator<Item = &'a RData>) -> Answer {
    let joined = |data: &RData| match data {
        RData::TXT(text) => Some(String::from_utf8_lossy(&text.txt_data.concat()).into_owned()),
        _ => None,
    };
    let found: Vec<String> = records.filter_map(joined).collect();
    if found.is_empty() { Answer::NoText } else { Answer::Texts(found) }
}

/// RFC 2308: an authority's “no” carries its SOA record. Name servers without one are a referral: this server won't ask for us.
fn absence(none: &NoRecords) -> Answer {
    if none.soa.is_none() && none.ns.is_some() {
        return Answer::Failed(
            "The DNS server does not answer for this domain: it refers to others.".to_owned(),
        );
    }
    match none.response_code {
        ResponseCode::NXDomain => Answer::NoName,
        _ => Answer::NoText,
    }
}

fn failure(cause: &NetError) -> String {
    match cause {
        NetError::Timeout => "No DNS server answered in time.".to_owned(),
        NetError::Dns(DnsError::ResponseCode(code)) => format!("The DNS server answered “{code}”."),
        cause => format!("The DNS can’t be asked: {cause}."),
    }
}
