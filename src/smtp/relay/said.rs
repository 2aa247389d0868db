//! What the next hop said: an answer, be it yes or no, fit to be repeated to the sender.

use crate::smtp::client::Reply;

/// Most bytes of text that are repeated; with code and status a line of a reply (RFC 5321 section 4.5.3.1.5).
const MOST_TEXT: usize = 480;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// 2xx, 4xx or 5xx.
    pub code: u16,
    /// The enhanced status code (RFC 2034) that the text began with, such as `5.1.1`; its class is the code's.
    pub status: Option<String>,
    /// Its lines, joined: printable ASCII.
    pub text: String,
}

impl Said {
    pub fn is_yes(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// The next hop closes the connection (RFC 5321 section 3.8).
    pub fn is_goodbye(&self) -> bool {
        self.code == 421
    }

    /// `2xx`, `4xx` or `5xx`.
    pub fn class(&self) -> &'static str {
        match self.code {
            200..300 => "2xx",
            400..500 => "4xx",
            _ => "5xx",
        }
    }

    /// `None` for 3xx, which asks for more and answers nothing.
    pub(super) fn heard(reply: &Reply) -> Option<Self> {
        if (300..400).contains(&reply.code) {
            return None;
        }
        let status = reply.lines.first().and_then(|line| status(line, reply.code)).map(str::to_owned);
        let bare = |line: &String| match &status {
            Some(status) => line.strip_prefix(status.as_str()).unwrap_or(line).trim().to_owned(),
            None => line.trim().to_owned(),
        };
        let text = reply.lines.iter().map(bare).collect::<Vec<_>>().join(" ");
        let mut text = text.replace(|c: char| !(c.is_ascii_graphic() || c == ' '), "?");
        text.truncate(MOST_TEXT);
        Some(Said { code: reply.code, status, text })
    }
}

/// The status that a line begins with (RFC 2034 section 4): class, subject, detail.
fn status(line: &str, code: u16) -> Option<&str> {
    let word = line.split(' ').next()?;
    let mut parts = word.split('.');
    let class = parts.next()?;
    let is_number =
        |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let fits = class == (code / 100).to_string() && parts.clone().count() == 2 && parts.all(is_number);
    fits.then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(code: u16, lines: &[&str]) -> Said {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        Said::heard(&Reply { code, lines }).unwrap()
    }

    #[test]
    fn the_status_is_told_from_the_text_and_lines_are_joined() {
        let said = heard(550, &["5.1.1 No such user:", "5.1.1 bob"]);
        assert_eq!(
            (said.code, said.status.as_deref(), said.text.as_str()),
            (550, Some("5.1.1"), "No such user: bob")
        );
        for (line, code) in
            [("2.0.0 ok", 550), ("5.1 no", 550), ("5.1.1234 no", 550), ("5.x.1 no", 550), ("", 250)]
        {
            assert_eq!(heard(code, &[line]).status, None, "{line}");
        }
        assert_eq!(
            heard(250, &["2.1.5"]),
            Said { code: 250, status: Some("2.1.5".into()), text: String::new() }
        );
    }

    #[test]
    fn what_can_not_be_repeated_is_replaced_and_cut_off() {
        assert_eq!(heard(554, &["n\u{e9}\u{fffd}\u{7f}n"]).text, "n???n");
        assert_eq!(heard(554, &["x"; 400]).text.len(), MOST_TEXT);
        assert_eq!(Said::heard(&Reply { code: 354, lines: vec!["go on".into()] }), None);
    }
}
