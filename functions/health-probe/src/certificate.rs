//! The server certificate's last day, noted even if the certificate is refused.

use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, SignatureScheme};
use shared::probe::{Certificate, State};

const SECONDS_PER_DAY: i64 = 86_400;

/// Verifies as `inner` does and notes the leaf's `notAfter` first: an expired certificate refuses the
/// connection, and then a person needs to know how long ago it expired.
#[derive(Debug)]
pub struct NotingVerifier {
    pub inner: Arc<WebPkiServerVerifier>,
    pub not_after: Arc<OnceLock<Timestamp>>,
}

impl ServerCertVerifier for NotingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(not_after) = not_after(end_entity) {
            self.not_after.get_or_init(|| not_after);
        }
        self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// A certificate's last moment, if these bytes are one.
pub fn not_after(certificate: &[u8]) -> Option<Timestamp> {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()
}

/// Why a certificate was refused, in plain words.
pub fn refusal(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "it is not valid yet",
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another host name"
        }
        // rustls has one error for both.
        CertificateError::UnknownIssuer => {
            "its issuer is not a public certificate authority, or the chain is not sent whole"
        }
        CertificateError::Revoked => "it was revoked",
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "it is not meant for a server"
        }
        _ => "it is not acceptable",
    }
}

/// What helps against that.
pub fn remedy(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "Renew or replace the certificate on the load balancer or distribution (ACM: see why its validation failed)"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "Give the load balancer or distribution a certificate for this host name, or correct the name's DNS record"
        }
        CertificateError::UnknownIssuer => {
            "Check that the certificate comes with its intermediate certificates (one that was imported into ACM needs its \
             chain) and is a public certificate authority's"
        }
        _ => "Check the certificate on the load balancer or distribution, and replace it",
    }
}

/// When a certificate's last day becomes a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub warn_days: i64,
    pub critical_days: i64,
}

/// The certificate as the report shows it.
pub fn shown(not_after: Timestamp, now: Timestamp, limits: Limits) -> Certificate {
    let days_left = (not_after.as_second() - now.as_second()).div_euclid(SECONDS_PER_DAY);
    let state = match days_left {
        ..0 => State::Expired,
        days if days <= limits.critical_days => State::Critical,
        days if days <= limits.warn_days => State::Warning,
        _ => State::Ok,
    };
    Certificate { days_left, not_after, state }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(not_after: &str, days_left: i64, state: State) {
        let not_after: Timestamp = not_after.parse().unwrap();
        let now = "2026-01-31T12:00:00Z".parse().unwrap();
        let limits = Limits { warn_days: 21, critical_days: 7 };
        assert_eq!(shown(not_after, now, limits), Certificate { days_left, not_after, state });
    }

    #[test]
    fn the_limits_belong_to_the_worse_state() {
        check("2026-03-31T12:00:00Z", 59, State::Ok);
        check("2026-02-22T12:00:00Z", 22, State::Ok);
        check("2026-02-21T12:00:00Z", 21, State::Warning);
        check("2026-02-08T12:00:00Z", 8, State::Warning);
        check("2026-02-07T12:00:00Z", 7, State::Critical);
        check("2026-01-31T12:00:01Z", 0, State::Critical);
    }

    #[test]
    fn an_expired_certificate_has_negative_days() {
        check("2026-01-31T11:59:59Z", -1, State::Expired);
        check("2026-01-21T12:00:00Z", -10, State::Expired);
    }

    #[test]
    fn bytes_that_are_no_certificate_have_no_last_day() {
        assert_eq!(not_after(b"not a certificate"), None);
    }
}
