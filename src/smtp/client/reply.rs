//! A server's reply (RFC 5321 section 4.2).

use std::fmt;

use super::Trouble;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub code: u16,
    /// Its lines, without codes.
    pub lines: Vec<String>,
}

impl Reply {
    pub fn text(&self) -> String {
        self.lines.join(" ")
    }

    /// # Errors
    /// [`Trouble::Refused`] when it has another code.
    pub fn must_be(self, code: u16) -> Result<Self, Trouble> {
        if self.code == code { Ok(self) } else { Err(Trouble::Refused(self)) }
    }

    /// The arguments of a keyword among the lines of a reply to EHLO.
    pub fn keyword(&self, keyword: &str) -> Option<&str> {
        self.lines.iter().skip(1).find_map(|line| {
            let (name, arguments) = line.split_once(' ').unwrap_or((line, ""));
            name.eq_ignore_ascii_case(keyword).then_some(arguments)
        })
    }
}

/// For a line in a log: code and the start of the text.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text();
        write!(f, "{} {}", self.code, &text[..text.floor_char_boundary(300)])
    }
}

/// Cuts one line: code, whether it is the last, text.
pub fn cut(line: &str) -> Option<(u16, bool, &str)> {
    let (code, rest) = line.split_at_checked(3)?;
    let is_number = code.bytes().all(|byte| byte.is_ascii_digit());
    let code = code.parse().ok().filter(|code| is_number && (200..600).contains(code))?;
    match rest.split_at_checked(1) {
        None => Some((code, true, "")),
        Some((" ", text)) => Some((code, true, text)),
        Some(("-", text)) => Some((code, false, text)),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_cut_into_code_and_text() {
        assert_eq!(cut("250 2.0.0 OK"), Some((250, true, "2.0.0 OK")));
        assert_eq!(cut("250-mail"), Some((250, false, "mail")));
        assert_eq!(cut("250"), Some((250, true, "")));
        for garbled in ["", "25", "250x", "+25 no", "HTTP/1.1 400", "099 no", "600 no", "2é0 no"] {
            assert_eq!(cut(garbled), None, "{garbled}");
        }
    }

    #[test]
    fn keywords_of_ehlo_know_no_case_and_are_not_looked_for_in_the_servers_name() {
        let lines = ["SIZE 1", "size 20000000", "8BITMIME"].map(str::to_owned).to_vec();
        let reply = Reply { code: 250, lines };
        assert_eq!(reply.keyword("SIZE"), Some("20000000"));
        assert_eq!(reply.keyword("8bitmime"), Some(""));
        assert_eq!(reply.keyword("8BIT"), None);
    }
}
