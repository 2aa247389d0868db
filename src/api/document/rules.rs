//! What no attribute of a field says: rules over several fields of a body, and what a text may be.

use serde_json::Value;
use utoipa::openapi::schema::{AllOf, Array, ArrayBuilder, ArrayItems, Components};
use utoipa::openapi::{Object, ObjectBuilder, OneOfBuilder, RefOr, Schema, Type};

use crate::model::api_key::scope::{BY_DOMAIN, PLAIN};

/// What [`is_deceptive`](crate::model::credential::is_deceptive) finds.
const DECEPTIVE: &str = r"\u0000-\u001f\u007f-\u009f\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff";

/// Adds it to the schemas that the handlers brought.
pub fn add(components: &mut Components) {
    let (maybe, line) =
        (format!("^[^{DECEPTIVE}]*$"), format!("^[^{DECEPTIVE}]*[^{DECEPTIVE}\\s][^{DECEPTIVE}]*$"));
    for schema in ["CreateCredential", "UpdateCredential"] {
        field(components, schema, "name", &maybe);
    }
    for schema in ["CreateAPIKeyRequest", "UpdateAPIKeyRequest"] {
        field(components, schema, "label", &line);
        field(components, schema, "scopes", &scope());
    }
    both(components, "CreateCredential", global_or_scoped());
}

/// A scope of an API key, as it is written.
fn scope() -> String {
    let plain = PLAIN.map(|scope| scope.replace('*', "\\*")).join("|");
    format!("^({plain}|({}):(all|\\{{[^{{}}]+\\}}))$", BY_DOMAIN.join("|"))
}

fn global_or_scoped() -> Schema {
    let global =
        ObjectBuilder::new().property("scope", word("global")).property("domains", names(0, Some(0)));
    let scoped = ObjectBuilder::new().property("scope", word("scoped")).property("domains", names(1, None));
    OneOfBuilder::new().item(global).item(scoped.required("domains")).build().into()
}

fn word(word: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some([Value::from(word)]))
}

fn names(least: usize, most: Option<usize>) -> ArrayBuilder {
    let name = ObjectBuilder::new().schema_type(Type::String);
    ArrayBuilder::new().items(name).min_items(Some(least)).max_items(most)
}

/// The text of a field, or each in its array, is like this.
fn field(components: &mut Components, schema: &str, field: &str, pattern: &str) {
    let Some(RefOr::T(Schema::Object(Object { properties, .. }))) = components.schemas.get_mut(schema) else {
        return;
    };
    match properties.get_mut(field) {
        Some(RefOr::T(Schema::Object(text))) => text.pattern = Some(pattern.to_owned()),
        Some(RefOr::T(Schema::Array(Array { items: ArrayItems::RefOrSchema(item), .. }))) => {
            if let RefOr::T(Schema::Object(text)) = &mut **item {
                text.pattern = Some(pattern.to_owned());
            }
        }
        _ => {}
    }
}

/// The schema of this name, and this too.
fn both(components: &mut Components, name: &str, rule: Schema) {
    if let Some(schema) = components.schemas.get_mut(name) {
        let mut all = AllOf::new();
        if let RefOr::T(Schema::Object(object)) = schema {
            all.description = object.description.take();
        }
        all.items = vec![schema.clone(), RefOr::T(rule)];
        *schema = RefOr::T(Schema::AllOf(all));
    }
}
