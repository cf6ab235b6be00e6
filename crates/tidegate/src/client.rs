//! A small HTTP client: for the commands, which sign, and for asking whether a server is ready.

use std::time::Duration;

use anyhow::{Context, anyhow};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tidegate_sign::{Payload, Secret, SignedRequest, Target, X_AUTHORIZATION, sign};

use crate::clock::wall;
use crate::exit::{Misused, misused};
use crate::trouble::unreached;

/// How long a call may take.
const TIMEOUT: Duration = Duration::from_secs(120);

/// The largest answer that is taken.
const LARGEST: usize = 64 * 1024 * 1024;

/// Sends requests.
pub struct Client(Pool<HttpsConnector<HttpConnector>, Full<Bytes>>);

/// A request to send.
pub struct Outgoing {
    /// The method.
    pub method: Method,
    /// The whole address: `http://host:port/path?query`.
    pub address: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// How long the answer may take.
    pub patience: Duration,
}

/// Who signs a request.
pub struct Signer<'a> {
    /// The key that names him.
    pub key: &'a str,
    /// What he signs with.
    pub secret: &'a Secret,
    /// Does he call as an app? Apps send the signature twice, for a front gateway may eat the first.
    pub as_app: bool,
}

/// An answer, all of it.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Outgoing {
    /// A request without headers and body.
    pub fn new(method: Method, address: String) -> Self {
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        Self { method, address, headers, body, patience: TIMEOUT }
    }

    /// With an answer that may take so much longer than usual.
    #[must_use]
    pub fn patient(mut self, longer: Duration) -> Self {
        self.patience = self.patience.saturating_add(longer);
        self
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(mut self, body: &serde_json::Value) -> Self {
        self.body = Bytes::from(body.to_string());
        let json = HeaderValue::from_static("application/json;charset=utf-8");
        self.headers.insert(CONTENT_TYPE, json);
        self
    }

    /// With one more header.
    pub fn header(mut self, name: &'static str, value: &str) -> anyhow::Result<Self> {
        let value = HeaderValue::from_str(value).map_err(|_| {
            Misused(format!("the header {name} cannot be sent: it has a control character"))
        })?;
        self.headers.insert(HeaderName::from_static(name), value);
        Ok(self)
    }

    /// The address, taken apart.
    fn uri(&self) -> anyhow::Result<Uri> {
        let address = &self.address;
        if address.contains('#') {
            misused!("`{address}` has a `#`, which no server gets to see; write it as %23");
        }
        let uri: Option<Uri> = address.parse().ok();
        let is_whole = |uri: &Uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.host().is_some_and(|host| !host.is_empty())
        };
        // Of an address that was put together only its beginning is whoever gave it's.
        let (given, _) = address.split_once("/v1/").unwrap_or((address, ""));
        match uri.filter(is_whole) {
            Some(uri) => Ok(uri),
            None => {
                misused!("`{given}` is no address; write http://HOST:PORT or https://HOST:PORT")
            }
        }
    }

    /// Signed, with the present time.
    pub fn signed(mut self, signer: &Signer<'_>) -> anyhow::Result<Self> {
        let uri = self.uri()?;
        let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
        self.headers.insert(HOST, HeaderValue::from_str(&authority)?);
        let path_and_query = uri.path_and_query().map_or("/", |pq| pq.as_str());
        let target = Target::parse(path_and_query)
            .map_err(|error| Misused(format!("this address cannot be signed: {error}")))?;
        // What is sent is what is signed, spelled the same way.
        let origin = format!("{}://{authority}", uri.scheme_str().unwrap_or("http"));
        self.address = format!("{origin}{}", target.path_and_query());
        let request = SignedRequest {
            method: self.method.as_str(),
            target: &target,
            headers: &self.headers,
            host: None,
        };
        let seconds = wall().as_ms().div_euclid(1_000);
        let payload = Payload::Bytes(&self.body);
        let added = sign(&request, payload, signer.key, signer.secret, seconds)
            .map_err(|error| Misused(format!("this request cannot be signed: {error}")))?;
        for (name, value) in added {
            if let Some(name) = name {
                if signer.as_app && name == http::header::AUTHORIZATION {
                    self.headers.insert(X_AUTHORIZATION, value.clone());
                }
                self.headers.insert(name, value);
            }
        }
        Ok(self)
    }
}

impl Client {
    /// A client for an endpoint. Only an https one needs to know whom to trust.
    pub fn for_endpoint(endpoint: &str) -> anyhow::Result<Self> {
        let builder = HttpsConnectorBuilder::new();
        let builder = if endpoint.starts_with("https:") {
            builder
                .with_native_roots()
                .context("this machine has no list of trusted authorities")?
        } else {
            let nobody = rustls::RootCertStore::empty();
            let config = rustls::ClientConfig::builder()
                .with_root_certificates(nobody)
                .with_no_client_auth();
            builder.with_tls_config(config)
        };
        let connector = builder.https_or_http().enable_http1().build();
        Ok(Self(Pool::builder(TokioExecutor::new()).build(connector)))
    }

    /// Sends a request and waits for the whole answer.
    pub async fn send(&self, outgoing: Outgoing) -> anyhow::Result<Answer> {
        let (uri, patience) = (outgoing.uri()?, outgoing.patience);
        let origin = match uri.authority() {
            Some(authority) => authority.to_string(),
            None => misused!("`{uri}` is no address"),
        };
        let mut request = Request::new(Full::new(outgoing.body));
        *request.method_mut() = outgoing.method;
        *request.uri_mut() = uri;
        *request.headers_mut() = outgoing.headers;
        let answer = async {
            let response = self
                .0
                .request(request)
                .await
                .map_err(|error| anyhow!("cannot reach {origin}: {}", unreached(&error)))?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, LARGEST).collect().await.map_err(|error| {
                anyhow!("the answer of {origin} broke off: {}", unreached(error.as_ref()))
            })?;
            Ok(Answer { status: parts.status, headers: parts.headers, body: body.to_bytes() })
        };
        tokio::time::timeout(patience, answer).await.map_err(|_| {
            anyhow!(
                "{origin} did not answer within {} s; is it the right port, and TLS (https://) or not?",
                patience.as_secs()
            )
        })?
    }
}

impl Answer {
    /// The value of a header, if it is there and plain text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}
