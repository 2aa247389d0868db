//! Whom a message is from: what webhooks and API keys that are for some domains only are told of it.

use crate::model::domain::normalize;

/// The domains of addresses, as domains are kept.
pub(super) fn domains(senders: &[String]) -> Vec<String> {
    let domains = senders.iter().filter_map(|address| address.rsplit_once('@'));
    domains.filter_map(|(_, domain)| normalize(domain).ok()).collect()
}

/// The one domain that all of them are of; empty where there is no such.
pub(super) fn domain(senders: &[String]) -> String {
    let mut domains = domains(senders);
    domains.dedup();
    match domains.len() {
        1 => domains.remove(0),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::domain;

    #[test]
    fn a_message_is_of_one_domain_or_of_none() {
        for (senders, of) in [
            (&["shop@a.example"][..], "a.example"),
            (&["\"x@y\"@Bücher.Example"], "xn--bcher-kva.example"),
            (&["\"x@y.example, z\"@a.example"], "a.example"),
            (&["one@a.example", "two@A.example"], "a.example"),
            (&["one@a.example", "two@b.example"], ""),
            (&["one@a.example", "two@b.example", "three@a.example"], ""),
            (&[], ""),
        ] {
            let senders: Vec<String> = senders.iter().map(|sender| (*sender).to_owned()).collect();
            assert_eq!(domain(&senders), of, "{senders:?}");
        }
    }
}
