//! Who a message is from: what webhooks and API keys that are for some domains only are told of it.

use crate::model::domain::normalize;

/// The return path; where that is empty the addresses of the From header.
pub(super) fn addresses<'a>(return_path: &'a str, header_from: &'a str) -> impl Iterator<Item = &'a str> {
    let senders = if return_path.is_empty() { header_from } else { return_path };
    senders.split(", ")
}

/// Their domains, as domains are kept.
pub(super) fn domains(return_path: &str, header_from: &str) -> Vec<String> {
    let domains = addresses(return_path, header_from).filter_map(|address| address.rsplit_once('@'));
    domains.filter_map(|(_, domain)| normalize(domain).ok()).collect()
}

/// The one domain that all of them are of; empty where there is no such.
pub(super) fn domain(return_path: &str, header_from: &str) -> String {
    let mut domains = domains(return_path, header_from);
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
        for (return_path, header_from, of) in [
            ("shop@a.example", "shop@b.example", "a.example"),
            ("\"x@y\"@Bücher.Example", "", "xn--bcher-kva.example"),
            ("", "one@a.example, two@A.example", "a.example"),
            ("", "one@a.example, two@b.example", ""),
            ("", "one@a.example, two@b.example, three@a.example", ""),
            ("", "", ""),
        ] {
            assert_eq!(domain(return_path, header_from), of, "{return_path} {header_from}");
        }
    }
}
