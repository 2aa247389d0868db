//! What the API says of a field is said of the option or argument that it came from.

use anyhow::anyhow;

/// The API's name of a field, and the command line's own: `("unused_for_days", "--unused-for")`.
pub type Name = (&'static str, &'static str);

/// Puts the command line's own names into what the API refused.
pub fn in_own_words<T>(outcome: anyhow::Result<T>, names: &[Name]) -> anyhow::Result<T> {
    outcome.map_err(|error| {
        // Behind a context stands what no option is to blame for.
        let text = error.to_string();
        let own = renamed(&text, names);
        if error.chain().count() > 1 || own == text { error } else { anyhow!(own) }
    })
}

/// A field is named by `invalid FIELD`, by `FIELD must …`, or by `FIELD: …` where a sentence begins. What is quoted stays.
fn renamed(text: &str, names: &[Name]) -> String {
    let own = |field: &str| names.iter().find(|(one, _)| *one == field).map(|(_, own)| *own);
    if let Some(own) = text.strip_prefix("invalid ").and_then(own) {
        return format!("invalid {own}");
    }
    if let Some((field, rest)) = text.split_once(" must ")
        && let Some(own) = own(field)
    {
        return format!("{own} must {rest}");
    }
    let (mut quoted, mut begins, mut said) = (false, true, String::new());
    for word in text.split_inclusive(' ') {
        match word.strip_suffix(": ").and_then(own).filter(|_| begins && !quoted) {
            Some(own) => said.push_str(&format!("{own}: ")),
            None => said.push_str(word),
        }
        quoted = word.rfind(['“', '”']).map_or(quoted, |at| word[at..].starts_with('“'));
        begins = word.trim_end().ends_with('.');
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_as_options_are_and_nothing_else_is_touched() {
        let names = [("name", "--name"), ("domains", "--domain"), ("message_id", "<ID>")];
        for (of_api, own) in [
            (
                "name: There is one. domains: x.example is none.",
                "--name: There is one. --domain: x.example is none.",
            ),
            ("invalid message_id", "invalid <ID>"),
            ("name must be short", "--name must be short"),
            ("name: “a. domains: b” is taken.", "--name: “a. domains: b” is taken."),
            ("this name: no", "this name: no"),
            ("domains not found", "domains not found"),
        ] {
            assert_eq!(renamed(of_api, &names), own);
        }
    }

    #[test]
    fn what_stands_behind_a_context_stays_as_it_is() {
        use anyhow::Context;
        let refused: anyhow::Result<()> = Err(anyhow!("name: no")).context("name: not told");
        let said = in_own_words(refused, &[("name", "--name")]).unwrap_err();
        assert_eq!(format!("{said:#}"), "name: not told: name: no");
    }
}
