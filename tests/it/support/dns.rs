//! A DNS server on loopback whose records a test sets and takes away.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use hickory_server::Server;
use hickory_server::net::runtime::Time;
use hickory_server::proto::op::{Metadata, ResponseCode};
use hickory_server::proto::rr::rdata::{CNAME, NS, SOA, TXT};
use hickory_server::proto::rr::{Name, RData, Record};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use tokio::net::{TcpListener, UdpSocket};

/// It ends with the test.
pub struct TestDns {
    pub address: SocketAddr,
    zone: Arc<Mutex<Zone>>,
    _server: Server<Handler>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    #[default]
    Answers,
    /// Names other servers instead of an answer.
    Refers,
    /// SERVFAIL to everything.
    Fails,
    /// No answer to anything.
    IsSilent,
}

#[derive(Default)]
struct Zone {
    /// The TXT records at each name, each of one or more strings.
    records: BTreeMap<String, Vec<Vec<String>>>,
    aliases: BTreeMap<String, String>,
    mood: Mood,
    /// The names of all questions, each in the letters in which it was asked.
    asked: BTreeSet<String>,
}

struct Handler(Arc<Mutex<Zone>>);

impl TestDns {
    /// By UDP and TCP at the same port, as a DNS server is.
    pub async fn start() -> Self {
        let zone = Arc::<Mutex<Zone>>::default();
        let mut server = Server::new(Handler(zone.clone()));
        let (udp, tcp) = sockets().await;
        let address = udp.local_addr().expect("an address");
        server.register_socket(udp);
        server.register_listener(tcp, Duration::from_secs(5), 64 * 1024);
        Self { address, zone, _server: server }
    }

    /// One more TXT record at a name, of these strings.
    pub fn add(&self, name: &str, strings: &[&str]) {
        let strings = strings.iter().map(ToString::to_string).collect();
        self.zone().records.entry(name.to_owned()).or_default().push(strings);
    }

    /// A name without a TXT record.
    pub fn add_name(&self, name: &str) {
        self.zone().records.entry(name.to_owned()).or_default();
    }

    /// A name that leads to another one.
    pub fn add_alias(&self, name: &str, target: &str) {
        self.zone().aliases.insert(name.to_owned(), target.to_owned());
    }

    /// Everything at a name goes.
    pub fn take_away(&self, name: &str) {
        self.zone().records.remove(name).expect("it is there");
    }

    pub fn set_mood(&self, mood: Mood) {
        self.zone().mood = mood;
    }

    /// How many look-ups there were. Each chooses anew which letters are capitals; a question that it repeats, because the answer
    /// is slow, has the same.
    pub fn asked(&self) -> usize {
        self.zone().asked.len()
    }

    fn zone(&self) -> MutexGuard<'_, Zone> {
        locked(&self.zone)
    }
}

fn locked(zone: &Mutex<Zone>) -> MutexGuard<'_, Zone> {
    zone.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn sockets() -> (UdpSocket, TcpListener) {
    for _ in 0..20 {
        let udp = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().expect("an address")).await {
            return (udp, tcp);
        }
    }
    panic!("no port is free for both UDP and TCP");
}

/// What is said to one question.
struct Said {
    code: ResponseCode,
    answers: Vec<Record>,
    authorities: Vec<Record>,
}

impl Zone {
    /// None: no answer at all.
    fn answer(&mut self, name: &Name) -> Option<Said> {
        self.asked.insert(name.to_ascii());
        let record = |name: &Name, data| Record::from_rdata(name.clone(), 3_600, data);
        let root = Name::root();
        let soa = record(&root, RData::SOA(SOA::new(root.clone(), root.clone(), 1, 60, 60, 60, 60)));
        let no = |code| Some(Said { code, answers: Vec::new(), authorities: vec![soa.clone()] });
        let yes = |answers| Some(Said { code: ResponseCode::NoError, answers, authorities: Vec::new() });
        match self.mood {
            Mood::IsSilent => return None,
            Mood::Fails => return no(ResponseCode::ServFail),
            Mood::Refers => {
                let others = Name::from_ascii("ns.elsewhere.example.").expect("a name");
                let authorities = vec![record(&root, RData::NS(NS(others)))];
                return Some(Said { code: ResponseCode::NoError, answers: Vec::new(), authorities });
            }
            Mood::Answers => {}
        }
        let asked = name.to_ascii().to_lowercase();
        let asked = asked.trim_end_matches('.');
        if let Some(target) = self.aliases.get(asked) {
            let target = Name::from_ascii(format!("{target}.")).expect("a name");
            return yes(vec![record(name, RData::CNAME(CNAME(target)))]);
        }
        match self.records.get(asked) {
            None => no(ResponseCode::NXDomain),
            Some(records) if records.is_empty() => no(ResponseCode::NoError),
            Some(records) => {
                let text = |strings: &Vec<String>| record(name, RData::TXT(TXT::new(strings.clone())));
                yes(records.iter().map(text).collect())
            }
        }
    }
}

#[async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        mut response: R,
    ) -> ResponseInfo {
        let name = request.request_info().expect("a question").query.original().name().clone();
        let mut metadata = Metadata::response_from_request(&request.metadata);
        let said = locked(&self.0).answer(&name);
        let Some(Said { code, answers, authorities }) = said else {
            return nothing(metadata);
        };
        metadata.response_code = code;
        metadata.authoritative = true;
        let message = MessageResponseBuilder::from_message_request(request);
        let message = message.build(metadata, &answers, &authorities, [], []);
        match response.send_response(message).await {
            Ok(sent) => sent,
            Err(_) => nothing(metadata),
        }
    }
}

fn nothing(metadata: Metadata) -> ResponseInfo {
    hickory_server::proto::op::Header { metadata, counts: Default::default() }.into()
}
