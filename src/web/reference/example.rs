//! A request as it is typed: curl with a body that the schema accepts.

use serde_json::{Map, Value, json};

use super::fields::{entries, followed, strings};

/// The command, with `$GATEPOST_API_KEY` and `$ACCOUNT_ID` for what differs between accounts.
pub fn curl(document: &Value, (path, method): (&str, &str), body: &Value, server: &str) -> String {
    let mut path = path.replace("{account_id}", "$ACCOUNT_ID");
    if let (Some(start), Some(end)) = (path.find('{'), path.find('}')) {
        let name = path[start + 1..end].to_uppercase();
        path.replace_range(start..=end, &format!("${name}"));
    }
    let mut command = String::from("curl");
    if method != "get" && (method, body.is_null()) != ("post", false) {
        command.push_str(&format!(" -X {}", method.to_uppercase()));
    }
    command.push_str(&format!(" \"{server}{path}\" \\\n  -H \"Authorization: Bearer $GATEPOST_API_KEY\""));
    if !body.is_null() {
        let body = value(document, body, 0);
        let body = serde_json::to_string(&body).unwrap_or_default().replace('\'', "'\\''");
        command.push_str(&format!(" \\\n  -H \"Content-Type: application/json\" \\\n  -d '{body}'"));
    }
    command
}

/// A value of the schema: its own example, or the plainest.
fn value(document: &Value, schema: &Value, depth: usize) -> Value {
    let schema = followed(document, schema);
    if !schema["example"].is_null() {
        return schema["example"].clone();
    }
    if let Some(first) = schema["enum"].get(0).or_else(|| schema["examples"].get(0)) {
        return first.clone();
    }
    if let Some(first) = ["allOf", "oneOf", "anyOf"].iter().find_map(|key| schema[*key].get(0)) {
        return value(document, first, depth);
    }
    let kind = strings(&schema["type"]).next();
    match kind {
        Some("object") if depth < 4 => object(document, schema, depth),
        Some("array") => json!([value(document, &schema["items"], depth + 1)]),
        Some("boolean") => json!(true),
        Some("integer" | "number") => schema["minimum"].as_i64().unwrap_or(1).into(),
        Some("string") => match schema["format"].as_str() {
            Some("date-time") => json!("2030-01-01T00:00:00Z"),
            Some("uri") => json!("https://shop.example/hook"),
            _ => json!("shop"),
        },
        _ => Value::Null,
    }
}

/// What has to be there; where nothing has to, the first of what may.
fn object(document: &Value, schema: &Value, depth: usize) -> Value {
    let required: Vec<&str> = strings(&schema["required"]).collect();
    let is_shown = |(index, (name, _)): &(usize, (&str, &Value))| match required.is_empty() {
        true => *index == 0,
        false => required.contains(name),
    };
    let shown = entries(&schema["properties"]).enumerate().filter(is_shown);
    let members: Map<_, _> =
        shown.map(|(_, (name, property))| (name.to_owned(), value(document, property, depth + 1))).collect();
    Value::Object(members)
}
