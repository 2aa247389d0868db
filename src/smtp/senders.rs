//! From which domains a credential may send: asked at MAIL, and at the end of the message
//! again, for every address of the From field too.

use std::collections::BTreeSet;

use crate::app::App;
use crate::db::in_time;
use crate::gate::Grant;
use crate::model::Domain;
use crate::model::domain::{Sending, as_written};

use super::data::header::Header;
use super::data::mailbox;
use super::reply::{self, Reply};

/// So many allowed domains are named in a refusal.
const NAMED: usize = 5;

pub struct Senders<'a> {
    pub app: &'a App,
    pub grant: &'a Grant,
}

impl Senders<'_> {
    /// The return path: a mailbox as MAIL takes it, or empty, which anyone may send from.
    pub async fn check_sender(&self, address: &str) -> Result<(), Reply> {
        if address.is_empty() {
            return Ok(());
        }
        let domain = address.rsplit_once('@').map_or(address, |(_, domain)| domain);
        self.check("Sender", domain).await
    }

    /// Every address of the From field; there must be one such field (RFC 5322 section 3.6), with at least one address.
    pub async fn check_from(&self, header: &Header<'_>) -> Result<Vec<mailbox::Mailbox>, Reply> {
        let mut senders = Vec::new();
        for field in header.all("From") {
            senders.extend(mailbox::list(field.body).map_err(reply::bad_from)?);
            if senders.len() > mailbox::MOST_ADDRESSES {
                return Err(reply::MANY_SENDERS);
            }
        }
        let domains: BTreeSet<&str> = senders.iter().map(|sender| sender.domain.as_str()).collect();
        for domain in domains {
            self.check("From", domain).await?;
        }
        match header.all("From").count() {
            _ if senders.is_empty() => Err(reply::NO_FROM),
            1 => Ok(senders),
            _ => Err(reply::MANY_FROM),
        }
    }

    async fn check(&self, whose: &str, domain: &str) -> Result<(), Reply> {
        let at = self.app.clock.now();
        let who = Sending { organization: self.grant.organization, credential: self.grant.credential, at };
        let usable_instead = in_time(async {
            let mut connection = self.app.db.read().await?;
            match Domain::is_usable(&mut connection, who, domain).await? {
                true => Ok(None),
                false => Domain::usable(&mut connection, who, NAMED as i64 + 1).await.map(Some),
            }
        });
        let Some(some) = usable_instead.await.map_err(reply::internal)? else { return Ok(()) };
        let seen = as_written(domain).unwrap_or_else(|| domain.replace(|c: char| !c.is_ascii_graphic(), "?"));
        Err(reply::not_allowed(whose, &seen, &allowed(&some)))
    }
}

fn allowed(domains: &[String]) -> String {
    match domains {
        [] => "it has no verified domain".to_owned(),
        few if few.len() <= NAMED => format!("allowed: {}", few.join(", ")),
        many => format!("allowed: {}, and more", many[..NAMED].join(", ")),
    }
}
