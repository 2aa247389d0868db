//! What a schema says, as lines that people read: name, kind, whether it has to be there.

use serde_json::Value;

use super::Prose;

/// How deep objects in objects are followed.
const DEEPEST: usize = 4;

/// One field of a body, or one parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// `pagination.has_more`, `data[].id`.
    pub name: String,
    /// `path`, `query`, `header`; empty in a body.
    pub place: String,
    /// `string (uuid)`, `global or scoped`, `integer, 1 to 100`.
    pub kind: String,
    pub is_required: bool,
    pub description: Prose,
}

/// Reads schemas of a document.
pub struct Fields<'a> {
    document: &'a Value,
    found: Vec<Field>,
}

impl<'a> Fields<'a> {
    pub fn new(document: &'a Value) -> Self {
        Self { document, found: Vec::new() }
    }

    pub fn of_parameters(mut self, parameters: &Value) -> Vec<Field> {
        for parameter in parameters.as_array().into_iter().flatten() {
            let parameter = followed(self.document, parameter);
            self.found.push(Field {
                name: text(parameter, "name"),
                place: text(parameter, "in"),
                kind: kind(self.document, &parameter["schema"]),
                is_required: parameter["required"] == true,
                description: Prose::of(&text(parameter, "description")),
            });
        }
        self.found
    }

    pub fn of_body(mut self, schema: &Value) -> Vec<Field> {
        self.read(schema, "", 0);
        self.found
    }

    fn read(&mut self, schema: &Value, prefix: &str, depth: usize) {
        let schema = followed(self.document, schema);
        let required: Vec<&str> = strings(&schema["required"]).collect();
        for (name, property) in entries(&schema["properties"]) {
            let name = format!("{prefix}{name}");
            if self.found.iter().any(|field| field.name == name) {
                continue;
            }
            let is_required = required.iter().any(|required| name.ends_with(required));
            let description = text(property, "description");
            let description = match description.as_str() {
                "" => text(followed(self.document, property), "description"),
                _ => description,
            };
            self.found.push(Field {
                kind: kind(self.document, property),
                place: String::new(),
                is_required: is_required && required.contains(&name.trim_start_matches(prefix)),
                description: Prose::of(&description),
                name: name.clone(),
            });
            if depth < DEEPEST {
                self.read_inner(property, &name, depth + 1);
            }
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            // Its first part; further ones only bound what that one has.
            self.read(part, prefix, depth);
        }
    }

    fn read_inner(&mut self, property: &Value, name: &str, depth: usize) {
        let inner = without_null(self.document, property);
        match inner["type"].as_str() {
            Some("array") => self.read(&inner["items"], &format!("{name}[]."), depth),
            _ => self.read(inner, &format!("{name}."), depth),
        }
    }
}

/// What a value of this schema is.
fn kind(document: &Value, schema: &Value) -> String {
    let nullable = is_nullable(schema);
    let schema = without_null(document, schema);
    let mut words = match &schema["enum"] {
        Value::Array(choices) => choice(choices),
        _ => plain(document, schema),
    };
    for (key, before) in [("minLength", "at least"), ("maxLength", "at most")] {
        if let Some(bound) = schema[key].as_u64() {
            words.push_str(&format!(
                ", {before} {bound} {}",
                if bound == 1 { "character" } else { "characters" }
            ));
        }
    }
    words.push_str(&match (schema["minimum"].as_i64(), schema["maximum"].as_i64()) {
        (Some(least), Some(most)) => format!(", {least} to {most}"),
        (Some(least), None) => format!(", at least {least}"),
        (None, Some(most)) => format!(", at most {most}"),
        (None, None) => String::new(),
    });
    if let Some(most) = schema["maxItems"].as_u64() {
        words.push_str(&format!(", at most {most}"));
    }
    if nullable {
        words.push_str(" or null");
    }
    match &schema["default"] {
        Value::Null => {}
        Value::String(default) => words.push_str(&format!("; {default} when left out")),
        default => words.push_str(&format!("; {default} when left out")),
    }
    words
}

fn plain(document: &Value, schema: &Value) -> String {
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
        kind => kind.as_str(),
    };
    match (kind, schema["format"].as_str()) {
        (Some("array"), _) => match schema["items"]["$ref"].is_null() {
            true => format!("array of {}", self::kind(document, &schema["items"])),
            false if followed(document, &schema["items"])["enum"].is_array() => {
                format!("array of {}", self::kind(document, &schema["items"]))
            }
            false => "array".to_owned(),
        },
        (Some("string"), Some("date-time")) => "time (RFC 3339)".to_owned(),
        (Some("string"), Some(format)) => format!("string ({format})"),
        (Some(kind), _) => kind.to_owned(),
        (None, _) if schema["properties"].is_object() || schema["allOf"].is_array() => "object".to_owned(),
        (None, _) => "any".to_owned(),
    }
}

/// `active, revoked or expired`.
fn choice(choices: &[Value]) -> String {
    let words = choices.iter().filter(|choice| !choice.is_null());
    let words: Vec<String> =
        words.map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned)).collect();
    match words.split_last() {
        Some((last, [])) => format!("always {last}"),
        Some((last, before)) => format!("{} or {last}", before.join(", ")),
        None => String::new(),
    }
}

fn is_nullable(schema: &Value) -> bool {
    let is_null = |schema: &Value| schema["type"] == "null";
    strings(&schema["type"]).any(|kind| kind == "null")
        || ["oneOf", "anyOf"]
            .iter()
            .any(|key| schema[*key].as_array().is_some_and(|all| all.iter().any(is_null)))
}

/// What it is where it is not null.
fn without_null<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let choices = ["oneOf", "anyOf"].iter().filter_map(|key| schema[*key].as_array());
    let other = choices.flatten().find(|choice| choice["type"] != "null");
    followed(document, other.unwrap_or(schema))
}

/// What a reference leads to, or the value itself.
pub fn followed<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let target = value["$ref"].as_str().and_then(|reference| document.pointer(reference.strip_prefix('#')?));
    target.unwrap_or(value)
}

pub fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

pub fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

/// Those in an array; and one that stands alone.
pub fn strings(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().chain(value.is_string().then_some(value)).filter_map(Value::as_str)
}
