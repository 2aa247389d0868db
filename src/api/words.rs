//! Words of the model in bodies and queries, each with all that there are as its schema.

use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

/// Makes a type of bodies and queries from one of the model's words.
macro_rules! words_of {
    ($($(#[$doc:meta])* $name:ident($of:ty)),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $of);

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.0.as_str())
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $crate::api::words::one_of(<$of>::ALL.iter().map(|word| word.as_str())).into()
            }
        }

        impl utoipa::ToSchema for $name {}
    )+};
}
pub(super) use words_of;

/// A text that is one of these.
pub fn one_of(words: impl Iterator<Item = &'static str>) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build()
}
