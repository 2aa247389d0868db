//! What an API key may do, in the words of AhaSend's API v2.
//!
//! A scope has one of three forms: for everything of a kind (`domains:read`), for all domains (`smtp-credentials:read:all`), for
//! one domain (`smtp-credentials:read:{shop.example}`, the braces are part of it). `*` is for everything.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::model::domain::normalize;

/// The scope for everything.
pub const EVERYTHING: &str = "*";

/// Without a domain.
pub const PLAIN: [&str; 8] = [
    "api-keys:delete",
    "api-keys:read",
    "api-keys:write",
    "domains:read",
    "domains:write",
    "events:read",
    "smtp-credentials:verify",
    EVERYTHING,
];

/// With `:all` or a domain.
pub const BY_DOMAIN: [&str; 8] = [
    "domains:delete",
    "messages:read",
    "smtp-credentials:delete",
    "smtp-credentials:read",
    "smtp-credentials:write",
    "webhooks:delete",
    "webhooks:read",
    "webhooks:write",
];

/// One scope as it is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyScope(String);

impl KeyScope {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_everything(&self) -> bool {
        self.0 == EVERYTHING
    }

    /// The domain that it is for.
    pub fn domain(&self) -> Option<&str> {
        self.0.rsplit_once(":{").and_then(|(_, domain)| domain.strip_suffix('}'))
    }

    /// What it allows, without for which domains: `smtp-credentials:read`.
    pub fn action(&self) -> &str {
        let by_domain =
            self.0.strip_suffix(":all").or_else(|| self.0.split_once(":{").map(|(action, _)| action));
        by_domain.unwrap_or(&self.0)
    }

    /// The same for all domains, of one that names a domain.
    pub fn for_all_domains(&self) -> Option<Self> {
        self.domain().map(|_| Self(format!("{}:all", self.action())))
    }

    /// Every scope that is no domain's, in order: for people to choose from.
    pub fn all() -> impl Iterator<Item = String> {
        let by_domain = BY_DOMAIN.iter().map(|action| format!("{action}:all"));
        PLAIN.iter().map(|scope| (*scope).to_owned()).chain(by_domain)
    }
}

impl FromStr for KeyScope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if PLAIN.contains(&text) {
            return Ok(Self(text.to_owned()));
        }
        let refused = || format!("“{text}” is not a scope.");
        let action = BY_DOMAIN.iter().find_map(|action| Some((action, text.strip_prefix(action)?)));
        let (action, rest) = action.ok_or_else(refused)?;
        if rest == ":all" {
            return Ok(Self(text.to_owned()));
        }
        let domain = rest.strip_prefix(":{").and_then(|rest| rest.strip_suffix('}')).ok_or_else(refused)?;
        let domain = normalize(domain).map_err(|_| refused())?;
        Ok(Self(format!("{action}:{{{domain}}}")))
    }
}

impl fmt::Display for KeyScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

crate::db::stored_as_text!(KeyScope);

/// What a key may do.
#[derive(Clone, Debug, Default)]
pub struct KeyScopes(BTreeSet<KeyScope>);

impl KeyScopes {
    pub fn new(scopes: impl IntoIterator<Item = KeyScope>) -> Self {
        Self(scopes.into_iter().collect())
    }

    /// Whether nothing in `scope` goes beyond it.
    pub fn include(&self, scope: &KeyScope) -> bool {
        let wider = scope.for_all_domains();
        self.holds(scope.as_str()) || wider.is_some_and(|wider| self.holds(wider.as_str()))
    }

    fn holds(&self, scope: &str) -> bool {
        self.0.iter().any(|held| held.is_everything() || held.as_str() == scope)
    }

    /// Whether it allows an action that is no domain's, such as `domains:read`.
    pub fn allow(&self, action: &str) -> bool {
        self.holds(action)
    }

    /// For which domains it allows an action, such as `smtp-credentials:read`.
    pub fn reach(&self, action: &str) -> Reach {
        if self.holds(&format!("{action}:all")) {
            return Reach::All;
        }
        let of_action = |scope: &&KeyScope| {
            scope.as_str().strip_prefix(action).is_some_and(|rest| rest.starts_with(":{"))
        };
        let domains = self.0.iter().filter(of_action).filter_map(KeyScope::domain);
        Reach::Only(domains.map(str::to_owned).collect())
    }
}

/// For which domains something is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    All,
    /// For none when it is empty.
    Only(BTreeSet<String>),
}

impl Reach {
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Only(domains) if domains.is_empty())
    }

    /// What a list is bounded to; none: nothing.
    pub fn within(self) -> Option<Vec<String>> {
        match self {
            Self::All => None,
            Self::Only(domains) => Some(domains.into_iter().collect()),
        }
    }

    /// Whether something that is for these domains lies within it; what is for none of them, or for all, lies within all only.
    pub fn covers<'a>(&self, domains: impl IntoIterator<Item = &'a String>) -> bool {
        match self {
            Self::All => true,
            Self::Only(allowed) => {
                let mut domains = domains.into_iter().peekable();
                domains.peek().is_some() && domains.all(|domain| allowed.contains(domain))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(texts: &[&str]) -> KeyScopes {
        KeyScopes::new(texts.iter().map(|text| text.parse().unwrap()))
    }

    #[test]
    fn a_scope_is_one_that_there_is() {
        for text in KeyScope::all() {
            assert_eq!(text.parse::<KeyScope>().map(|scope| scope.to_string()), Ok(text));
        }
        let scope: KeyScope = "smtp-credentials:read:{Bücher.Example.}".parse().unwrap();
        assert_eq!(scope.to_string(), "smtp-credentials:read:{xn--bcher-kva.example}");
        assert_eq!(scope.domain(), Some("xn--bcher-kva.example"));
        for text in [
            "",
            "smtp-credentials",
            "smtp-credentials:read",
            "smtp-credentials:read:a.example",
            "domains:read:all",
            "domains:read:{a.example}",
            "smtp-credentials:read:{}",
            "smtp-credentials:read:{a b}",
            "accounts:read",
        ] {
            assert!(text.parse::<KeyScope>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_scope_goes_beyond_what_does_not_include_it() {
        let includes = |held: &str, scope: &str| scopes(&[held]).include(&scope.parse().unwrap());
        for scope in ["*", "events:read", "webhooks:read:all", "webhooks:read:{a.example}"] {
            assert!(includes("*", scope) && includes(scope, scope), "{scope}");
        }
        assert!(includes("webhooks:read:all", "webhooks:read:{a.example}"));
        for (held, scope) in [
            ("webhooks:read:all", "*"),
            ("webhooks:read:all", "webhooks:write:{a.example}"),
            ("webhooks:read:{a.example}", "webhooks:read:all"),
            ("webhooks:read:{a.example}", "webhooks:read:{b.example}"),
            ("domains:read", "domains:write"),
            ("domains:read", "domains:delete:{a.example}"),
        ] {
            assert!(!includes(held, scope), "{held} {scope}");
        }
    }

    #[test]
    fn an_action_is_a_scope_without_its_domains() {
        let action = |scope: &str| scope.parse::<KeyScope>().unwrap().action().to_owned();
        assert_eq!(action("webhooks:read:all"), "webhooks:read");
        assert_eq!(action("webhooks:read:{a.example}"), "webhooks:read");
        assert_eq!((&*action("domains:read"), &*action("*")), ("domains:read", "*"));
    }

    #[test]
    fn all_swallows_the_domains_and_a_star_everything() {
        let read = "smtp-credentials:read";
        assert_eq!(scopes(&["*"]).reach(read), Reach::All);
        assert!(scopes(&["*"]).allow("events:read"));
        let both = scopes(&["smtp-credentials:read:all", "smtp-credentials:read:{a.example}"]);
        assert_eq!(both.reach(read), Reach::All);
        let one = scopes(&["smtp-credentials:read:{a.example}", "smtp-credentials:write:{b.example}"]);
        assert!(one.reach(read).covers(&["a.example".to_owned()]));
        assert!(!one.reach(read).covers(&["a.example".to_owned(), "b.example".to_owned()]));
        assert!(!one.reach(read).covers(&[]), "a global credential is for all domains");
        assert!(one.reach("smtp-credentials:delete").is_empty() && !one.allow("domains:read"));
    }
}
