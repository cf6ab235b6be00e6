//! TLS on the caller's side: versions 1.2 and 1.3, HTTP/2 and HTTP/1.1, and a certificate that can be
//! replaced while the gate runs.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tidegate_sign::sha256;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::limits::Limits;

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
    tls: TlsAcceptor,
    current: Arc<Current>,
    files: TlsFiles,
    /// What the files held when they were looked at last.
    seen: Mutex<Seen>,
    /// Room for callers that have not agreed yet.
    room: Semaphore,
    time: Duration,
    failed: AtomicU64,
    reloaded: AtomicU64,
    refused: AtomicU64,
}

/// The hashes of certificate and key, or of nothing if they could not be read.
type Seen = Option<[[u8; 32]; 2]>;

/// The certificate that is shown to the next caller.
struct Current(ArcSwap<CertifiedKey>);

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Current")
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl Acceptor {
    /// Reads certificate and key.
    pub fn load(files: TlsFiles, limits: &Limits) -> Result<Self, TlsError> {
        // Given explicitly: a process-wide default could be another one, or none.
        let provider = Arc::new(aws_lc_rs::default_provider());
        let (pems, seen) = read(&files)?;
        let key = Arc::new(certified(&files, &pems, &provider)?);
        let current = Arc::new(Current(ArcSwap::new(key)));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError(error.to_string()))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&current) as _);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self(Arc::new(Inner {
            tls: TlsAcceptor::from(Arc::new(config)),
            current,
            files,
            seen: Mutex::new(Some(seen)),
            room: Semaphore::new(limits.tls_handshakes),
            time: limits.tls_handshake,
            failed: AtomicU64::new(0),
            reloaded: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        })))
    }

    /// Comes to an agreement with a caller, in bounded time and with a bounded number at once.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let agreed = async {
            let _room = self.0.room.acquire().await.map_err(io::Error::other)?;
            self.0.tls.accept(stream).await
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
        let provider = aws_lc_rs::default_provider();
        let inner = &self.0;
        let outcome = match read(&inner.files) {
            Ok((pems, hashes)) => {
                if !inner.note(Some(hashes)) {
                    return;
                }
                certified(&inner.files, &pems, &provider)
            }
            Err(error) => {
                if !inner.note(None) {
                    return;
                }
                Err(error)
            }
        };
        let certificate = inner.files.certificate.display();
        match outcome {
            Ok(key) => {
                inner.current.0.store(Arc::new(key));
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

/// Certificate and key, as they are in their files.
type Pems = [Vec<u8>; 2];

fn read(files: &TlsFiles) -> Result<(Pems, [[u8; 32]; 2]), TlsError> {
    let read = |file: &Path| {
        std::fs::read(file).map_err(|error| TlsError(format!("{}: {error}", file.display())))
    };
    let pems = [read(&files.certificate)?, read(&files.key)?];
    let hashes = [sha256(&pems[0]), sha256(&pems[1])];
    Ok((pems, hashes))
}

fn certified(
    files: &TlsFiles,
    pems: &Pems,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsError> {
    let bad =
        |file: &Path, what: &dyn fmt::Display| TlsError(format!("{}: {what}", file.display()));
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pems[0]).collect();
    let chain = chain.map_err(|error| bad(&files.certificate, &error))?;
    if chain.is_empty() {
        return Err(bad(&files.certificate, &"there is no certificate in it"));
    }
    // What is wrong with a key is not told in detail: the text could quote it.
    let key = PrivateKeyDer::from_pem_slice(&pems[1])
        .map_err(|_| bad(&files.key, &"there is no private key in it"))?;
    CertifiedKey::from_der(chain, key, provider).map_err(|error| bad(&files.certificate, &error))
}

/// A caller's connection.
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
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
