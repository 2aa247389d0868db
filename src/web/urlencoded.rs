//! Query strings.

use std::fmt::Write;

/// `a=1&b=2` of the pairs whose value is not empty.
pub fn query(pairs: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        encode(&mut text, value);
    }
    text
}

/// One value, as RFC 8187 takes it too.
pub fn encoded(value: &str) -> String {
    let mut text = String::new();
    encode(&mut text, value);
    text
}

/// Percent-encodes all but what RFC 3986 section 2.3 calls unreserved.
fn encode(text: &mut String, value: &str) {
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                text.push(char::from(byte))
            }
            _ => {
                let _never_fails = write!(text, "%{byte:02X}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::query;

    #[test]
    fn what_is_empty_is_left_out_and_the_rest_escaped() {
        assert_eq!(query(&[("q", "a&b=ü"), ("status", ""), ("sort", "name")]), "q=a%26b%3D%C3%BC&sort=name");
    }
}
