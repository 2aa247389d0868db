//! What serde found wrong with a value, as a sentence that names the field. It repeats none of what serde calls by its type or
//! by its content: a field may hold a secret.

/// `path`: where in the body or query it is; `.` for the whole. `cause`: in serde's words, without the place in the text.
pub fn of(path: &str, cause: &str) -> String {
    let (field, why) = match Cause::of(cause) {
        Cause::Missing(field) => (within(path, field), "This field is required.".to_owned()),
        Cause::Twice(field) => (within(path, field), "This field is there twice.".to_owned()),
        Cause::Unknown(field, known) => (within(path, field), there_are(known)),
        Cause::Kind(expected) => (path.to_owned(), expected_kind(expected).to_owned()),
        Cause::Own(sentence) => (path.to_owned(), format!("{}.", sentence.trim_end_matches('.'))),
    };
    if field == "." { why } else { format!("{field}: {why}") }
}

/// What serde says, taken apart.
enum Cause<'a> {
    Missing(&'a str),
    Twice(&'a str),
    /// With the names of those that there are, each between backticks.
    Unknown(&'a str, &'a str),
    /// What it should have been.
    Kind(&'a str),
    /// What a type of Gatepost's says of itself.
    Own(&'a str),
}

impl<'a> Cause<'a> {
    fn of(cause: &'a str) -> Self {
        let field = |start: &str| cause.strip_prefix(start)?.strip_prefix('`')?.split_once('`');
        if let Some((name, _)) = field("missing field ") {
            return Self::Missing(name);
        }
        if let Some((name, _)) = field("duplicate field ") {
            return Self::Twice(name);
        }
        if let Some((name, known)) = field("unknown field ") {
            return Self::Unknown(name, known);
        }
        let is_of_serde = ["invalid type: ", "invalid value: ", "invalid length "];
        if is_of_serde.iter().any(|start| cause.starts_with(start)) {
            return Self::Kind(cause.rsplit_once("expected ").map_or("", |(_, expected)| expected));
        }
        // What is said of texts in a query that are to be something else.
        match cause {
            "provided string was not `true` or `false`" => Self::Kind("a boolean"),
            _ if cause.contains("digit found in string") => Self::Kind("u64"),
            _ if cause.starts_with("number too ") || cause.starts_with("cannot parse integer") => {
                Self::Kind("u64")
            }
            _ => Self::Own(cause),
        }
    }
}

/// The path of a field of what is at `path`, which may end with it already.
fn within(path: &str, field: &str) -> String {
    match path {
        "." => field.to_owned(),
        _ if path == field || path.ends_with(&format!(".{field}")) => path.to_owned(),
        _ => format!("{path}.{field}"),
    }
}

fn there_are(known: &str) -> String {
    let names: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
    match names.split_last() {
        None => "There is no such field here.".to_owned(),
        Some((only, [])) => format!("There is no such field here, only {only}."),
        Some((last, before)) => {
            format!("There is no such field here; there are {} and {last}.", before.join(", "))
        }
    }
}

fn expected_kind(expected: &str) -> &'static str {
    match expected {
        "a string" | "a borrowed string" => "This must be a text.",
        "a boolean" => "This must be true or false.",
        "a sequence" => "This must be a list.",
        "u8" | "u16" | "u32" | "u64" | "i8" | "i16" | "i32" | "i64" => "This must be a whole number.",
        _ if expected == "a map" || expected.starts_with("struct ") => "This must be an object.",
        _ => "This is of another kind than it must be.",
    }
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn what_serde_says_is_said_in_a_sentence_that_names_the_field() {
        for (path, cause, said) in [
            (".", "missing field `name`", "name: This field is required."),
            ("rules[0]", "missing field `name`", "rules[0].name: This field is required."),
            (".", "duplicate field `name`", "name: This field is there twice."),
            ("limit", "duplicate field `limit`", "limit: This field is there twice."),
            (
                "colour",
                "unknown field `colour`, expected one of `name`, `scope`, `domains`",
                "colour: There is no such field here; there are name, scope and domains.",
            ),
            ("x", "unknown field `x`, expected `name`", "x: There is no such field here, only name."),
            ("x", "unknown field `x`, there are no fields", "x: There is no such field here."),
            (
                "password",
                "invalid type: integer `12345`, expected a string",
                "password: This must be a text.",
            ),
            (
                "name",
                "invalid type: string \"a, expected b\", expected a boolean",
                "name: This must be true or false.",
            ),
            ("domains", "invalid type: null, expected a sequence", "domains: This must be a list."),
            ("days", "invalid value: integer `-1`, expected u64", "days: This must be a whole number."),
            ("days", "invalid digit found in string", "days: This must be a whole number."),
            ("sandbox", "provided string was not `true` or `false`", "sandbox: This must be true or false."),
            ("scope", "“some” is none of global, scoped", "scope: “some” is none of global, scoped."),
            (".", "something else.", "something else."),
            ("x", "invalid type: map, expected a duck", "x: This is of another kind than it must be."),
        ] {
            assert_eq!(of(path, cause), said);
        }
    }
}
