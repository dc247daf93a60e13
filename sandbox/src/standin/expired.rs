//! A site whose certificate has expired. Whoever looks at certificates goes no further than that.

use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::Context;
use jiff::{SignedDuration, Timestamp, tz::Offset};
use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

const VALID: SignedDuration = SignedDuration::from_hours(90 * 24);
const EXPIRED: SignedDuration = SignedDuration::from_hours(2 * 24);

/// Its address, and what serves it for as long as it is polled.
pub(super) async fn serve() -> anyhow::Result<(String, impl Future<Output = ()>)> {
    let acceptor = acceptor()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("cannot listen on loopback")?;
    let url = format!("https://{}", listener.local_addr()?);
    let serving = async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            connections.spawn(async move {
                // Refused by the caller, and closed either way.
                let _ = acceptor.accept(stream).await;
            });
            while connections.try_join_next().is_some() {}
        }
    };
    Ok((url, serving))
}

fn acceptor() -> anyhow::Result<TlsAcceptor> {
    let day = |ago: SignedDuration| {
        let date = Offset::UTC.to_datetime(Timestamp::now() - ago).date();
        let part = |number: i8| u8::try_from(number).unwrap_or(1);
        rcgen::date_time_ymd(date.year().into(), part(date.month()), part(date.day()))
    };
    let mut certificate = CertificateParams::new(vec![Ipv4Addr::LOCALHOST.to_string()])?;
    (certificate.not_before, certificate.not_after) = (day(EXPIRED + VALID), day(EXPIRED));
    let key = KeyPair::generate()?;
    let certificate = certificate.self_signed(&key)?;
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
