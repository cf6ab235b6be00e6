//! TLS on the caller's side: versions 1.2 and 1.3, HTTP/2 and HTTP/1.1, and a certificate that can be
//! replaced while the gate runs. Between machines of one installation: 1.3 only, and both show a
//! certificate.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, DEFAULT_VERSIONS, RootCertStore, ServerConfig};
use tidegate_sign::sha256;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use crate::limits::Limits;
use crate::peer::PeerCertificate;
use crate::slots::Slots;
use crate::words::system_words;

/// Where a listener's certificate is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those that lead from it to an authority (PEM).
    pub certificate: PathBuf,
    /// Its private key (PEM).
    pub key: PathBuf,
}

/// Why a certificate cannot be used. Names the file, never what is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TlsError(String);

/// What has happened at an acceptor since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TlsCounters {
    /// Callers that came to no agreement with it.
    pub failed: u64,
    /// Certificates that took the place of the one before.
    pub reloaded: u64,
    /// Certificates that could not.
    pub refused: u64,
}

/// Makes TLS connections of accepted ones. Clones share the certificate.
#[derive(Clone)]
pub struct Acceptor(Arc<Inner>);

struct Inner {
    /// What the next caller is spoken to with.
    current: ArcSwap<ServerConfig>,
    files: Files,
    /// What the files held when they were looked at last.
    seen: Mutex<Seen>,
    /// Room for callers that have not agreed yet.
    agreeing: Slots,
    time: Duration,
    failed: AtomicU64,
    reloaded: AtomicU64,
    refused: AtomicU64,
}

/// All that an acceptor is made of.
struct Files {
    own: TlsFiles,
    /// Authorities callers must have a certificate of, if they must have one.
    callers: Option<PathBuf>,
}

/// The hashes of the files, or nothing if they could not be read.
type Seen = Option<Vec<[u8; 32]>>;

impl Acceptor {
    /// Reads certificate and key.
    pub fn load(files: TlsFiles, limits: &Limits) -> Result<Self, TlsError> {
        Self::of(Files { own: files, callers: None }, limits)
    }

    /// The same, for callers that must show a certificate of one of the authorities in `callers`, and
    /// speak HTTP/2 over TLS 1.3.
    pub fn mutual(files: TlsFiles, callers: PathBuf, limits: &Limits) -> Result<Self, TlsError> {
        Self::of(Files { own: files, callers: Some(callers) }, limits)
    }

    fn of(files: Files, limits: &Limits) -> Result<Self, TlsError> {
        let pems = files.read()?;
        let config = files.config(&pems)?;
        Ok(Self(Arc::new(Inner {
            current: ArcSwap::from_pointee(config),
            seen: Mutex::new(Some(pems.hashes())),
            files,
            agreeing: Slots::new(limits.tls_handshakes, limits.tls_handshakes),
            time: limits.tls_handshake,
            failed: AtomicU64::new(0),
            reloaded: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        })))
    }

    /// Comes to an agreement with a caller, in bounded time and with a bounded number at once. A caller
    /// counts from its whole ClientHello on; of those that count, the oldest makes room for a new one.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let agreed = async {
            let peer = stream.peer_addr()?;
            let hello =
                LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await?;
            let room = self.0.agreeing.room().await;
            let slot =
                self.0.agreeing.enter(peer.ip(), room).ok_or(io::ErrorKind::QuotaExceeded)?;
            tokio::select! {
                agreed = hello.into_stream(self.0.current.load_full()) => agreed,
                () = slot.evicted() => Err(io::ErrorKind::TimedOut.into()),
            }
        };
        let agreed = match tokio::time::timeout(self.0.time, agreed).await {
            Ok(agreed) => agreed,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        };
        if agreed.is_err() {
            self.0.failed.fetch_add(1, Ordering::Relaxed);
        }
        agreed
    }

    /// Looks whether the files have changed, and if so takes the new certificate for callers that
    /// come from now on. If it cannot be used, the old one stays; that is told once in the log.
    pub fn reload(&self) {
        let inner = &self.0;
        let outcome = match inner.files.read() {
            Ok(pems) => {
                if !inner.note(Some(pems.hashes())) {
                    return;
                }
                inner.files.config(&pems)
            }
            Err(error) => {
                if !inner.note(None) {
                    return;
                }
                Err(error)
            }
        };
        let certificate = inner.files.own.certificate.display();
        match outcome {
            Ok(config) => {
                inner.current.store(Arc::new(config));
                inner.reloaded.fetch_add(1, Ordering::Relaxed);
                tracing::info!(%certificate, "the certificate was replaced");
            }
            Err(error) => {
                inner.refused.fetch_add(1, Ordering::Relaxed);
                tracing::error!(%certificate, %error, "the old certificate stays");
            }
        }
    }

    /// What has happened so far.
    pub fn counters(&self) -> TlsCounters {
        TlsCounters {
            failed: self.0.failed.load(Ordering::Relaxed),
            reloaded: self.0.reloaded.load(Ordering::Relaxed),
            refused: self.0.refused.load(Ordering::Relaxed),
        }
    }
}

impl Inner {
    /// Takes note of what the files hold. Is it something else than at the last look?
    fn note(&self, seen: Seen) -> bool {
        let mut last = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = *last != seen;
        *last = seen;
        is_new
    }
}

/// The files as they are.
struct Pems {
    certificate: Vec<u8>,
    key: Vec<u8>,
    callers: Option<Vec<u8>>,
}

impl Pems {
    fn hashes(&self) -> Vec<[u8; 32]> {
        let all = [Some(&self.certificate), Some(&self.key), self.callers.as_ref()];
        all.into_iter().flatten().map(|pem| sha256(pem)).collect()
    }
}

impl Files {
    fn read(&self) -> Result<Pems, TlsError> {
        let read = |file: &Path| {
            let read = std::fs::read(file);
            read.map_err(|error| {
                TlsError(format!("{} cannot be read: {}", file.display(), system_words(&error)))
            })
        };
        Ok(Pems {
            certificate: read(&self.own.certificate)?,
            key: read(&self.own.key)?,
            callers: self.callers.as_deref().map(read).transpose()?,
        })
    }

    fn config(&self, pems: &Pems) -> Result<ServerConfig, TlsError> {
        // Given explicitly: a process-wide default could be another one, or none.
        let provider = Arc::new(aws_lc_rs::default_provider());
        let is_mutual = self.callers.is_some();
        let versions = if is_mutual { &[&rustls::version::TLS13] } else { DEFAULT_VERSIONS };
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .map_err(|error| TlsError(error.to_string()))?;
        let builder = match self.callers.as_deref().zip(pems.callers.as_deref()) {
            Some((file, pem)) => {
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(roots(file, pem)?.into(), provider);
                let verifier = verifier.build();
                let verifier = verifier.map_err(|_| bad(file, "there is no authority in it"))?;
                builder.with_client_cert_verifier(verifier)
            }
            None => builder.with_no_client_auth(),
        };
        let (chain, key) = own(&self.own, pems)?;
        let mut config =
            builder.with_single_cert(chain, key).map_err(|error| unusable(&self.own, &error))?;
        config.alpn_protocols.push(b"h2".to_vec());
        if !is_mutual {
            config.alpn_protocols.push(b"http/1.1".to_vec());
        }
        Ok(config)
    }
}

fn bad(file: &Path, what: &str) -> TlsError {
    TlsError(format!("{}: {what}", file.display()))
}

/// Why a certificate and a key cannot be used together, in one sentence.
fn unusable(files: &TlsFiles, error: &rustls::Error) -> TlsError {
    let (certificate, key) = (files.certificate.display(), files.key.display());
    match error {
        rustls::Error::InconsistentKeys(_) => {
            TlsError(format!("{key} is not the key of the certificate in {certificate}"))
        }
        rustls::Error::InvalidCertificate(_) => bad(&files.certificate, "there is no certificate"),
        // A key of a kind that is not known.
        _ => bad(&files.key, "its private key cannot be used"),
    }
}

fn roots(file: &Path, pem: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file, pem)? {
        let added = roots.add(certificate);
        added.map_err(|_| bad(file, "a certificate in it cannot be used as an authority"))?;
    }
    Ok(roots)
}

fn certificates(file: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found.map_err(|_| bad(file, "it is not PEM"))? {
        none if none.is_empty() => Err(bad(file, "there is no certificate in it")),
        found => Ok(found),
    }
}

/// A certificate with those that lead from it to an authority, and its key.
type Own = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn own(files: &TlsFiles, pems: &Pems) -> Result<Own, TlsError> {
    let chain = certificates(&files.certificate, &pems.certificate)?;
    // What is wrong with a key is not told in detail: the text could quote it.
    let key = PrivateKeyDer::from_pem_slice(&pems.key)
        .map_err(|_| bad(&files.key, "there is no private key in it"))?;
    Ok((chain, key))
}

/// What a caller of [`Acceptor::mutual`] speaks with: it shows the certificate of `files`, and believes
/// the authorities in `authorities` and no others. Reads the files.
pub fn mutual_client(files: &TlsFiles, authorities: &Path) -> Result<ClientConfig, TlsError> {
    let read = Files { own: files.clone(), callers: Some(authorities.to_owned()) };
    let pems = read.read()?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| TlsError(error.to_string()))?
        .with_root_certificates(roots(authorities, pems.callers.as_deref().unwrap_or_default())?);
    let (chain, key) = own(files, &pems)?;
    let mut config =
        builder.with_client_auth_cert(chain, key).map_err(|error| unusable(files, &error))?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    // Every connection looks at certificates anew.
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// A caller's connection.
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// The certificate the caller has shown; none if it has shown none.
    pub(crate) fn peer_certificate(&self) -> Option<PeerCertificate> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(stream) => {
                let own = stream.get_ref().1.peer_certificates()?.first()?;
                Some(PeerCertificate::new(own.clone().into_owned()))
            }
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
