//! What `static/` holds, in the binary, under an address that changes with its content: browsers keep it for ever.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};
use sha2::{Digest, Sha256};

use crate::secret::hex;

#[derive(RustEmbed)]
#[folder = "static/"]
struct Static;

/// `/assets/` and the first 12 hexadecimal digits of the SHA-256 of all files.
static BASE: LazyLock<String> = LazyLock::new(|| {
    let mut all = Sha256::new();
    for name in Static::iter() {
        all.update(name.as_bytes());
        all.update(Static::get(&name).map_or([0; 32], |file| file.metadata.sha256_hash()));
    }
    format!("/assets/{}", hex(&all.finalize()[..6]))
});

/// The address of a file in `static/`.
pub fn url(name: &str) -> String {
    format!("{}/{name}", *BASE)
}

/// The address of the sprite: each symbol is a fragment of it.
pub fn icons() -> &'static str {
    static ICONS: LazyLock<String> = LazyLock::new(|| url("icons.svg"));
    &ICONS
}

/// `GET /assets/{version}/{name}`: an old version answers with the file of today, but is not kept.
pub async fn serve(Path((version, name)): Path<(String, String)>) -> Response {
    let Some(EmbeddedFile { data, metadata }) = Static::get(&name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let keep = match BASE.ends_with(&format!("/{version}")) {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    let kind = metadata.mimetype().to_owned();
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, keep.to_owned())], data).into_response()
}
