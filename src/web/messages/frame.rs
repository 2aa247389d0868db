//! The HTML of a message, as the document of a locked frame. What it may do is limited by the frame and by the policy that the
//! answer carries ([`crate::http::requests::Policy::Foreign`]), not by what is taken out of it; but for what no policy covers.

use std::collections::HashMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;

/// Links open in a new tab. It stands first: of several, browsers follow the first.
const HEAD: &str = "<base target=\"_blank\">";
/// `<link rel=preconnect>` tells another server that somebody reads this, under any policy; an `<iframe srcdoc>` may hold one.
/// As elements that no browser knows they do nothing.
const UNCOVERED: [&str; 2] = ["link", "iframe"];
/// Bytes of pictures that are put into one document, before Base64.
const MOST_IMAGES: usize = 10_000_000;
/// Only what every browser shows as a picture and as nothing else.
const IMAGES: [&str; 6] = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"];

/// A part of the message that its HTML may show by `cid:`.
#[derive(Debug)]
pub struct Image<'a> {
    /// Its Content-ID, without angle brackets.
    pub id: &'a str,
    pub kind: String,
    pub bytes: &'a [u8],
}

/// The document.
pub fn document(html: &str, images: &[Image<'_>]) -> String {
    let html = covered(html);
    let (doctype, rest) = after_doctype(&html);
    format!("{doctype}{HEAD}{}", with_images(rest, images))
}

/// Without what no policy covers.
fn covered(html: &str) -> String {
    let mut covered = String::with_capacity(html.len());
    for (number, piece) in html.split('<').enumerate() {
        if number > 0 {
            covered.push('<');
        }
        if number > 0 && UNCOVERED.iter().any(|name| begins_with(piece, name)) {
            covered.push_str("x-");
        }
        covered.push_str(piece);
    }
    covered
}

/// With the pictures that it shows by `cid:` in place of their names.
fn with_images(html: &str, images: &[Image<'_>]) -> String {
    let by_id: HashMap<&str, &Image<'_>> = images.iter().map(|image| (image.id, image)).collect();
    let (mut document, mut rest, mut left) = (String::with_capacity(html.len()), html, MOST_IMAGES);
    while let Some(at) = find(rest, "cid:") {
        let (before, after) = rest.split_at(at);
        document.push_str(before);
        let end = after.find(['"', '\'', ')', '>', ' ', '\t', '\r', '\n']).unwrap_or(after.len());
        let (reference, behind) = after.split_at(end);
        // RFC 2392 encodes what may not stand in an address.
        let id = percent_decode_str(reference.get("cid:".len()..).unwrap_or_default()).decode_utf8_lossy();
        let image = by_id.get(id.as_ref()).filter(|image| {
            image.bytes.len() <= left && before.ends_with(['"', '\'', '(', '=']) && image.is_safe()
        });
        match image {
            Some(Image { kind, bytes, .. }) => {
                left -= bytes.len();
                document.push_str(&format!("data:{kind};base64,"));
                BASE64_STANDARD.encode_string(bytes, &mut document);
            }
            None => document.push_str(reference),
        }
        rest = behind;
    }
    document + rest
}

impl Image<'_> {
    fn is_safe(&self) -> bool {
        IMAGES.contains(&self.kind.as_str())
    }
}

/// Whether it asks for pictures from elsewhere. A guess: it decides about an offer, and about nothing else.
pub fn has_remote_images(html: &str) -> bool {
    let lower = html.to_ascii_lowercase();
    ["src=", "srcset=", "background=", "url("].iter().any(|mark| {
        lower.match_indices(mark).any(|(at, _)| {
            let value = lower.get(at + mark.len()..).unwrap_or_default().trim_start_matches(['"', '\'', ' ']);
            value.starts_with("https:") || value.starts_with("//")
        })
    })
}

/// The doctype must stay the first thing in a document.
fn after_doctype(html: &str) -> (&str, &str) {
    let blank = html.len() - html.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).len();
    let is_there = begins_with(html.get(blank..).unwrap_or_default(), "<!doctype");
    let end = if is_there { html.find('>').map_or(0, |at| at + 1) } else { 0 };
    html.split_at(end)
}

/// Whether it begins with `wanted` (ASCII), in any case.
fn begins_with(text: &str, wanted: &str) -> bool {
    text.as_bytes().get(..wanted.len()).is_some_and(|it| it.eq_ignore_ascii_case(wanted.as_bytes()))
}

/// Where `wanted` (ASCII) begins, in any case.
fn find(text: &str, wanted: &str) -> Option<usize> {
    text.as_bytes().windows(wanted.len()).position(|window| window.eq_ignore_ascii_case(wanted.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGO: Image<'_> = Image { id: "logo@x", kind: String::new(), bytes: b"abc" };

    fn shown(html: &str, kind: &str) -> String {
        document(html, &[Image { kind: kind.to_owned(), ..LOGO }])
    }

    #[test]
    fn links_open_in_a_new_tab_and_the_doctype_stays_first() {
        assert_eq!(shown("<p>a</p>", ""), "<base target=\"_blank\"><p>a</p>");
        let with = shown("\n<!DOCTYPE html><base target=\"_top\">a", "");
        assert_eq!(with, "\n<!DOCTYPE html><base target=\"_blank\"><base target=\"_top\">a");
    }

    #[test]
    fn a_picture_of_the_message_is_put_into_it() {
        for html in ["<img src=\"cid:logo@x\">", "<img src=\"CID:logo%40x\">"] {
            assert_eq!(shown(html, "image/png"), format!("{HEAD}<img src=\"data:image/png;base64,YWJj\">"));
        }
        let css = shown("<p style=\"background:url(cid:logo@x)\">", "image/gif");
        assert!(css.contains("url(data:image/gif;base64,YWJj)"), "{css}");
    }

    #[test]
    fn what_is_no_picture_or_not_there_stays_as_it_was() {
        let html = "<img src=\"cid:logo@x\"> cid:logo@x <img src='cid:other'>";
        assert_eq!(shown(html, "text/html"), format!("{HEAD}{html}"));
        let unquoted = shown("acid:logo@x", "image/png");
        assert_eq!(unquoted, format!("{HEAD}acid:logo@x"));
    }

    #[test]
    fn what_no_policy_covers_is_taken_out() {
        let html =
            "<LINK rel=preconnect href=https://a><p><iframe srcdoc='&lt;link rel=preconnect&gt;'></iframe>";
        let tame = "<x-LINK rel=preconnect href=https://a><p><x-iframe srcdoc='&lt;link rel=preconnect&gt;'></iframe>";
        assert_eq!(shown(html, ""), format!("{HEAD}{tame}"));
    }

    proptest::proptest! {
        #[test]
        fn whatever_it_is_nothing_of_that_is_left(parts in proptest::collection::vec("(?i)<|link|iframe|cid:|[ -~é<]{0,8}", 0..40)) {
            let document = shown(&parts.concat(), "image/png").to_ascii_lowercase();
            proptest::prop_assert!(!document.contains("<link") && !document.contains("<iframe"), "{document}");
        }
    }

    #[test]
    fn pictures_from_elsewhere_are_noticed() {
        for html in [
            "<IMG SRC=\"https://a/b\">",
            "<td background=//a/b>",
            "<p style='background: url( \"https://a\")'>",
        ] {
            assert!(has_remote_images(html), "{html}");
        }
        assert!(!has_remote_images(
            "<a href=\"https://a/b\">https://a</a><img src=\"data:image/png;base64,\">"
        ));
    }
}
