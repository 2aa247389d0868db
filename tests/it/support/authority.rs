//! A certificate authority, and a certificate of it for `localhost`: what a client trusts when it trusts a bought certificate.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};

/// Files in PEM.
pub struct Authority {
    /// The authority's own certificate, for clients to trust.
    pub root: PathBuf,
    /// What a door is to show.
    pub chain: PathBuf,
    pub key: PathBuf,
}

impl Authority {
    pub fn new(dir: &Path) -> Self {
        Self::issuing(dir, |_| ())
    }

    /// `change`: another certificate than the usual one.
    pub fn issuing(dir: &Path, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut root = CertificateParams::new(Vec::new()).expect("no names");
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        root.distinguished_name.push(rcgen::DnType::CommonName, "Authority of the tests");
        let root_key = KeyPair::generate().expect("a key");
        let root_certificate = root.self_signed(&root_key).expect("a certificate");
        let mut own = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        own.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        own.use_authority_key_identifier_extension = true;
        change(&mut own);
        let own_key = KeyPair::generate().expect("a key");
        let certificate = own.signed_by(&own_key, &Issuer::new(root, root_key)).expect("a certificate");
        let write = |name: &str, pem: String| {
            let path = dir.join(name);
            std::fs::write(&path, pem).expect("a file");
            path
        };
        Self {
            root: write("authority.pem", root_certificate.pem()),
            chain: write("chain.pem", certificate.pem()),
            key: write("key.pem", own_key.serialize_pem()),
        }
    }
}
