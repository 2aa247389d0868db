//! How a program asks the API.

/// Asks with the key that stands in the environment as `GATEPOST_API_KEY`. `address`: the whole one; it needs no quotes.
pub fn curl(address: &str) -> String {
    format!("curl -H \"Authorization: Bearer $GATEPOST_API_KEY\" \\\n  {address}")
}
