//! Whom to believe that a page is who it says: the public certificate authorities, as a browser does.
//!
//! AWS's own endpoints need fewer, see [`crate::aws`].

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

/// The certificate authorities that Mozilla trusts.
pub fn public_roots() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

/// Trusts the public authorities and those of `bundle`, as PEM. Anything in it that is not a certificate is skipped.
pub(crate) fn client(bundle: &[u8]) -> Result<ClientConfig, rustls::Error> {
    let mut roots = public_roots();
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(bundle).flatten());
    Ok(ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_of_acm_and_of_others_are_believed() {
        let roots = public_roots().roots;
        for name in ["Amazon Root CA 1", "ISRG Root X1", "DigiCert Global Root G2"] {
            let is_known = roots
                .iter()
                .any(|root| root.subject.windows(name.len()).any(|window| window == name.as_bytes()));
            assert!(is_known, "{name}");
        }
    }

    #[test]
    fn a_bundle_that_is_no_certificate_adds_nothing_and_ends_nothing() {
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\nand so on";
        assert!(client(broken.as_bytes()).is_ok());
    }
}
