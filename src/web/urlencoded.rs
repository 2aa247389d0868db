//! Query strings.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but what RFC 3986 section 2.3 calls unreserved.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// `a=1&b=2` of the pairs whose value is not empty.
pub fn query(pairs: &[(&str, &str)]) -> String {
    let pairs = pairs.iter().filter(|(_, value)| !value.is_empty());
    pairs.map(|(name, value)| format!("{name}={}", encoded(value))).collect::<Vec<_>>().join("&")
}

/// One value, as RFC 8187 takes it too.
pub fn encoded(value: &str) -> String {
    utf8_percent_encode(value, ESCAPED).to_string()
}

#[cfg(test)]
mod tests {
    use super::query;

    #[test]
    fn what_is_empty_is_left_out_and_the_rest_escaped() {
        assert_eq!(query(&[("q", "a&b=ü"), ("status", ""), ("sort", "name")]), "q=a%26b%3D%C3%BC&sort=name");
    }
}
