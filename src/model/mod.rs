//! The nouns: one a file, with its type, its rules and its SQL. Knows no HTTP, no SMTP and no HTML.
//!
//! A function that changes something takes the transaction and the [`Actor`], and writes its [`Event`] in that same transaction.

pub mod actor;
pub mod api_key;
pub mod credential;
pub mod credits;
pub mod denial;
pub mod domain;
pub mod event;
pub mod idempotency;
pub mod invitation;
pub mod login;
pub mod member;
pub mod message;
pub mod name;
pub mod organization;
pub mod page;
pub mod session;
pub mod setup_link;
pub mod usage;
pub mod webhook;

pub use actor::Actor;
pub use api_key::ApiKey;
pub use credential::Credential;
pub use credits::Credits;
pub use denial::Denial;
pub use domain::Domain;
pub use event::Event;
pub use invitation::Invitation;
pub use login::Login;
pub use member::Member;
pub use message::Message;
pub use organization::Organization;
pub use page::{Page, Turn};
pub use session::Session;
pub use setup_link::SetupLink;
pub use usage::Usage;
pub use webhook::Webhook;

use crate::db::Tx;
use crate::error::Result;
use crate::id::OrganizationId;

/// Holds a row until the transaction ends: whoever else wants to change it waits, so what is read of it from now on stays true.
/// PostgreSQL needs it; SQLite has one writer anyway.
async fn hold(tx: &mut Tx, table: &str, organization: OrganizationId, id: String) -> Result<()> {
    let sql = format!("UPDATE {table} SET id = id WHERE organization = $1 AND id = $2");
    sqlx::query(sqlx::AssertSqlSafe(sql)).bind(organization).bind(id).execute(&mut **tx).await?;
    Ok(())
}

/// An enum with one word for each variant: printed, parsed, stored and sent as that word.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant),+
        }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(format!("“{text}” is none of {}", [$($word),+].join(", "))),
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                std::borrow::Cow::<str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }

        crate::db::stored_as_text!($name);
    };
}
use words;
