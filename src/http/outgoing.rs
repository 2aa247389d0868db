//! Requests that go out: to webhooks' endpoints, and from the command line to a server's API.

use std::fmt::Display;
use std::sync::Arc;

use reqwest::{Client, ClientBuilder};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};

use crate::error::{Error, Result};

pub const USER_AGENT: &str = concat!("Gatepost/", env!("CARGO_PKG_VERSION"));

/// A client that believes the certificates that this machine believes; where the machine knows no authorities, those of the web.
///
/// # Errors
/// [`Error::Setup`] when TLS can't be set up.
pub fn client(builder: impl Fn() -> ClientBuilder) -> Result<Client> {
    if let Ok(client) = builder().build() {
        return Ok(client);
    }
    let refused = |cause: &dyn Display| Error::setup(format!("TLS can't be set up: {cause}"));
    let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|cause| refused(&cause))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    builder().tls_backend_preconfigured(tls).build().map_err(|cause| refused(&cause))
}

/// The innermost cause of what went wrong: the one that says most.
pub fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
