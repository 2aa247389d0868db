//! What no attribute of a field says: rules over several fields of a body, and what a text may be.

use std::iter;

use serde_json::Value;
use utoipa::openapi::schema::{AllOf, AnyOfBuilder, Array, ArrayBuilder, ArrayItems, Components, SchemaType};
use utoipa::openapi::{KnownFormat, Object, ObjectBuilder, OneOfBuilder, RefOr, Schema, SchemaFormat, Type};

use crate::model::api_key::scope::{BY_DOMAIN, PLAIN};

/// What [`is_deceptive`](crate::model::name::is_deceptive) finds.
const DECEPTIVE: &str = r"\u0000-\u001f\u007f-\u009f\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff";

/// `http` or `https`, without username and password.
const URL: &str = r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s/?#@]+([/?#].*)?$";

/// Adds it to the schemas that the handlers brought.
pub fn add(components: &mut Components) {
    let (maybe, line) =
        (format!("^[^{DECEPTIVE}]*$"), format!("^[^{DECEPTIVE}]*[^{DECEPTIVE}\\s][^{DECEPTIVE}]*$"));
    for schema in ["CreateCredential", "UpdateCredential"] {
        field(components, schema, "name", &maybe);
        field(components, schema, "domains", &domain());
    }
    for schema in ["CreateWebhook", "UpdateWebhook"] {
        field(components, schema, "name", &line);
        field(components, schema, "url", URL);
        field(components, schema, "domains", &domain());
    }
    for schema in ["CreateCredential", "CreateWebhook"] {
        false_when_left_out(components, schema);
    }
    field(components, "VerifyCredential", "from", &sender());
    for schema in ["CreateAPIKeyRequest", "UpdateAPIKeyRequest"] {
        field(components, schema, "label", &line);
        field(components, schema, "scopes", &scope());
        field(components, schema, "ip_allow_list", &network());
        once_each(components, schema, "scopes");
    }
    address(components, "VerifyCredential", "client");
    both(components, "CreateCredential", vec![global_or_scoped(Type::Array.into())]);
    let maybe_null = SchemaType::from_iter([Type::Array, Type::Null]);
    both(components, "CreateWebhook", vec![global_or_scoped(maybe_null)]);
}

/// A scope of an API key, as it is written.
fn scope() -> String {
    let plain = PLAIN.map(|scope| scope.replace('*', "\\*")).join("|");
    format!("^({plain}|({}):(all|\\{{[^{{}}]+\\}}))$", BY_DOMAIN.join("|"))
}

/// A domain's name in A-labels or U-labels, of two labels at least.
fn domain() -> String {
    format!("^{}$", name())
}

fn name() -> String {
    let (inner, end) = (r"[0-9A-Za-z\u0080-\uffff-]*", r"[0-9A-Za-z\u0080-\uffff]");
    let label = format!("{end}({inner}{end})?");
    format!(r"({label}\.)+{label}\.?")
}

/// An address, or a domain's name.
fn sender() -> String {
    let atom = r#"[^\s\u0000-\u001f\u007f()<>\[\]:;@\\,"]+"#;
    format!("^(({atom}|\"[^\\u0000-\\u001f\\u007f]+\")@)?{}$", name())
}

/// A network, or a single address: of IPv4 to its last bit, of IPv6 by its letters.
fn network() -> String {
    let byte = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
    let four = format!(r"{byte}(\.{byte}){{3}}(/(3[0-2]|[12][0-9]|[1-9]))?");
    let six = "[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(/(12[0-8]|1[01][0-9]|[1-9][0-9]|[1-9]))?";
    format!("^({four}|{six})$")
}

/// `none`: what `domains` may be of something global, beside an empty array.
fn global_or_scoped(none: SchemaType) -> Schema {
    let none = names().schema_type(none).max_items(Some(0));
    let global = ObjectBuilder::new().property("scope", word("global")).property("domains", none);
    let scoped = ObjectBuilder::new().property("scope", word("scoped"));
    let scoped = scoped.property("domains", names().min_items(Some(1))).required("domains");
    OneOfBuilder::new().item(global).item(scoped).build().into()
}

fn word(word: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some([Value::from(word)]))
}

fn names() -> ArrayBuilder {
    ArrayBuilder::new().items(ObjectBuilder::new().schema_type(Type::String))
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

/// What is chosen by true or false is false when it is left out, but for what says otherwise.
fn false_when_left_out(components: &mut Components, schema: &str) {
    let Some(RefOr::T(Schema::Object(Object { properties, .. }))) = components.schemas.get_mut(schema) else {
        return;
    };
    for property in properties.values_mut() {
        if let RefOr::T(Schema::Object(choice)) = property
            && choice.schema_type == Type::Boolean.into()
        {
            choice.default.get_or_insert(Value::Bool(false));
        }
    }
}

/// An IP address of either kind, or nothing.
fn address(components: &mut Components, schema: &str, field: &str) {
    let Some(RefOr::T(Schema::Object(Object { properties, .. }))) = components.schemas.get_mut(schema) else {
        return;
    };
    if let Some(RefOr::T(Schema::Object(text))) = properties.get(field) {
        let of = |format| {
            ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(format)))
        };
        let either = AnyOfBuilder::new().item(of(KnownFormat::Ipv4)).item(of(KnownFormat::Ipv6));
        let maybe = either.item(ObjectBuilder::new().schema_type(Type::Null));
        let described = maybe.description(text.description.clone()).build();
        properties.insert(field.to_owned(), RefOr::T(Schema::AnyOf(described)));
    }
}

/// Nothing is twice in this list.
fn once_each(components: &mut Components, schema: &str, field: &str) {
    if let Some(RefOr::T(Schema::Object(object))) = components.schemas.get_mut(schema)
        && let Some(RefOr::T(Schema::Array(list))) = object.properties.get_mut(field)
    {
        list.unique_items = true;
    }
}

/// The schema of this name, and these too.
fn both(components: &mut Components, name: &str, rules: Vec<Schema>) {
    if let Some(schema) = components.schemas.get_mut(name) {
        let mut all = AllOf::new();
        if let RefOr::T(Schema::Object(object)) = schema {
            (all.description, all.example) = (object.description.take(), object.example.take());
        }
        all.items = iter::once(schema.clone()).chain(rules.into_iter().map(RefOr::T)).collect();
        *schema = RefOr::T(Schema::AllOf(all));
    }
}
