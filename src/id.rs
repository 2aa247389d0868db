//! Identifiers: UUID v7 (RFC 9562), one type for each noun, so that none is taken for another.

/// Makes a newtype of [`uuid::Uuid`] that is printed, parsed and stored as hyphenated lower-case text.
macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(uuid::Uuid);

        impl $name {
            /// A new one, greater than every one made before it by this process.
            #[expect(clippy::disallowed_methods, reason = "this is the one place")]
            #[expect(clippy::new_without_default, reason = "no two are alike: there is no default")]
            pub fn new() -> Self {
                Self(uuid::Uuid::now_v7())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl $name {
            pub const fn uuid(self) -> uuid::Uuid {
                self.0
            }
        }

        crate::db::stored_as_text!($name);
    )+};
}

id! {
    OrganizationId,
    MemberId,
    SessionId,
    InvitationId,
    CredentialId,
    /// Names one password of a credential: changes with each rotation, never the password itself.
    PasswordId,
    DomainId,
    EventId,
    DenialId,
    LoginId,
    /// A message that went through the SMTP door.
    MessageId,
    WebhookId,
    /// One report to one webhook: `webhook-id`, unchanged on a retry.
    DeliveryId,
    CreditHoldId,
    ApiKeyId,
    ApiKeyScopeId,
    /// Follows one HTTP request through the logs.
    RequestId,
}
