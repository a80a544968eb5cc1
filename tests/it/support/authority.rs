//! A certificate authority of the tests' own, and the certificates it issues.

use rcgen::BasicConstraints;
use rcgen::Certificate;
use rcgen::CertificateParams;
use rcgen::CertifiedIssuer;
use rcgen::IsCa;
use rcgen::KeyPair;
use rcgen::date_time_ymd;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;

/// An authority that nobody trusts who was not told to.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key.
pub(crate) struct Identity {
    cert: Certificate,
    key: KeyPair,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = of(&[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, key());
        Self(issuer.expect("a certificate"))
    }

    /// A certificate for these names and addresses.
    pub(crate) fn issue(&self, names: &[&str]) -> Identity {
        self.sign(&of(names))
    }

    /// The same, whose time is over.
    pub(crate) fn issue_expired(&self, names: &[&str]) -> Identity {
        let mut params = of(names);
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(2020, 1, 1);
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Identity {
        let key = key();
        let cert = params.signed_by(&key, &self.0).expect("a certificate");
        Identity { cert, key }
    }

    /// Its own certificate.
    pub(crate) fn der(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// Its own certificate as text.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }
}

impl Identity {
    /// A certificate for these names and addresses that no authority vouches for.
    pub(crate) fn self_signed(names: &[&str]) -> Self {
        let key = key();
        let cert = of(names).self_signed(&key).expect("a certificate");
        Self { cert, key }
    }

    /// The certificate.
    pub(crate) fn der(&self) -> CertificateDer<'static> {
        self.cert.der().clone()
    }

    /// Its key.
    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key.serialize_der()).expect("a key")
    }

    /// Both as text.
    pub(crate) fn pem(&self) -> (String, String) {
        (self.cert.pem(), self.key.serialize_pem())
    }
}

fn of(names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    CertificateParams::new(names).expect("names")
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}
