//! Names that people give to things: one line, and what it looks like.

/// Characters of a name at most.
pub const MAX_CHARACTERS: usize = 255;

/// Why this is no name, in a sentence. Whether there must be one is another matter.
pub fn refusal(name: &str) -> Option<String> {
    if name.chars().count() > MAX_CHARACTERS {
        return Some(format!("Use at most {MAX_CHARACTERS} characters."));
    }
    let deceives = is_deceptive(name);
    deceives.then(|| "A name is one line of text, without characters that can’t be seen.".to_owned())
}

/// Whether something in it is not seen, or turns the text around it: with it one name could pass for another, or for none. The
/// joiners U+200C and U+200D, which scripts and emoji need, are not among them.
pub fn is_deceptive(name: &str) -> bool {
    name.chars().any(is_deceptive_character)
}

pub fn is_deceptive_character(c: char) -> bool {
    let hides = matches!(c, '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    hides || c.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_it_looks_like() {
        for name in ["", "Größe 商店", "👩\u{200d}💻", "<b>"] {
            assert_eq!(refusal(name), None, "{name:?}");
        }
        for name in ["a\nb", "\0", "\u{200b}", "\u{202e}abc", "Shop\u{feff}", &"x".repeat(256)] {
            assert!(refusal(name).is_some(), "{name:?}");
        }
    }
}
