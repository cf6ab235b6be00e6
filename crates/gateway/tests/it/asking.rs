//! Proxies that ask: the same call, told in every way there is.

use std::net::SocketAddr;

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tidegate_gateway::{Gate, Limits, serve};
use tokio::net::{TcpListener, TcpStream};

use crate::world::{Answer, exchange};

/// The check services of a gate, on free ports.
pub struct Services {
    pub http: SocketAddr,
    pub grpc: SocketAddr,
}

impl Services {
    pub async fn of(gate: &Gate) -> Self {
        let (http, grpc) = (listener().await, listener().await);
        let services = Self { http: http.local_addr().unwrap(), grpc: grpc.local_addr().unwrap() };
        let (forward_auth, ext_authz) = (gate.forward_auth(), gate.ext_authz());
        tokio::spawn(async move {
            serve(http, |_| forward_auth.clone(), &Limits::default(), std::future::pending()).await
        });
        tokio::spawn(async move {
            serve(grpc, |_| ext_authz.clone(), &Limits::default(), std::future::pending()).await
        });
        services
    }

    /// Asks over HTTP.
    pub async fn ask(&self, call: &Raw, way: Way, with_body: bool) -> Answer {
        exchange(self.http, &call.told(way, with_body)).await
    }

    /// Asks over gRPC, with the headers as a list of bytes.
    pub async fn check(&self, call: &Raw, with_body: bool) -> Result<CheckResponse, i32> {
        check(self.grpc, &call.message(with_body, true)).await
    }

    /// Asks over gRPC, with the headers as a map of texts.
    pub async fn check_map(&self, call: &Raw, with_body: bool) -> Result<CheckResponse, i32> {
        check(self.grpc, &call.message(with_body, false)).await
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// How a proxy tells of a call over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Check,
    AuthRequest,
    Envoy,
}

impl Way {
    pub const ALL: [Self; 3] = [Self::Check, Self::AuthRequest, Self::Envoy];
}

/// A call in its parts.
#[derive(Debug, Clone)]
pub struct Raw {
    pub method: String,
    pub target: String,
    pub host: String,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

impl Raw {
    /// Takes a call apart as it went over the wire.
    pub fn of(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
        let mut lines = bytes[..end]
            .split(|b| *b == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let first = std::str::from_utf8(lines.next().unwrap()).unwrap();
        let mut words = first.split(' ');
        let mut raw = Self {
            method: words.next().unwrap().to_owned(),
            target: words.next().unwrap().to_owned(),
            host: String::new(),
            headers: Vec::new(),
            body: bytes[end + 4..].to_vec(),
        };
        for line in lines {
            let colon = line.iter().position(|b| *b == b':').unwrap();
            let name = std::str::from_utf8(&line[..colon]).unwrap().to_lowercase();
            let value = line[colon + 1..].trim_ascii().to_vec();
            match name.as_str() {
                "host" => raw.host = String::from_utf8(value).unwrap(),
                "content-length" => {}
                _ => raw.headers.push((name, value)),
            }
        }
        raw
    }

    /// The request by which a proxy asks.
    fn told(&self, way: Way, with_body: bool) -> Vec<u8> {
        let (method, target, host) = (&self.method, &self.target, &self.host);
        let mut head = match way {
            Way::Check => format!(
                "GET /check HTTP/1.1\r\nhost: gate.internal\r\nx-forwarded-method: {method}\r\n\
                 x-forwarded-uri: {target}\r\nx-forwarded-host: {host}\r\n"
            ),
            Way::AuthRequest => format!(
                "GET /auth-request HTTP/1.0\r\nhost: {host}\r\nx-original-method: {method}\r\n\
                 x-original-uri: {target}\r\n"
            ),
            Way::Envoy => format!("{method} /envoy{target} HTTP/1.1\r\nhost: {host}\r\n"),
        }
        .into_bytes();
        for (name, value) in &self.headers {
            head.extend_from_slice(name.as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(value);
            head.extend_from_slice(b"\r\n");
        }
        let length = self.body.len();
        if with_body && length > 0 {
            head.extend_from_slice(format!("content-length: {length}\r\n").as_bytes());
        } else {
            head.extend_from_slice(format!("x-original-content-length: {length}\r\n").as_bytes());
        }
        head.extend_from_slice(b"\r\n");
        if with_body {
            head.extend_from_slice(&self.body);
        }
        head
    }

    pub fn message(&self, with_body: bool, is_raw: bool) -> CheckRequest {
        let mut http = HttpRequest {
            method: self.method.clone(),
            path: self.target.clone(),
            host: self.host.clone(),
            ..HttpRequest::default()
        };
        let own = [
            (":method", self.method.clone()),
            (":path", self.target.clone()),
            (":authority", self.host.clone()),
            (":scheme", "http".to_owned()),
            ("content-length", self.body.len().to_string()),
        ];
        let own = own.into_iter().map(|(name, value)| (name.to_owned(), value.into_bytes()));
        let all = self.headers.iter().cloned().chain(own);
        if is_raw {
            let entry = |(key, value): (String, Vec<u8>)| HeaderValueMessage {
                key,
                value: String::new(),
                raw_value: value,
            };
            http.header_map = Some(HeaderMapMessage { headers: all.map(entry).collect() });
        } else {
            http.headers =
                all.map(|(name, value)| (name, String::from_utf8(value).unwrap())).collect();
        }
        if with_body {
            http.raw_body = self.body.clone();
        }
        CheckRequest {
            attributes: Some(Attributes { request: Some(AttributeRequest { http: Some(http) }) }),
        }
    }
}

/// One call of gRPC: a message, or the code of the error.
async fn check(address: SocketAddr, message: &CheckRequest) -> Result<CheckResponse, i32> {
    let (headers, body) = grpc(address, CHECK, framed(&message.encode_to_vec())).await;
    match headers.get("grpc-status").map(|code| code.to_str().unwrap()) {
        Some("0") => Ok(CheckResponse::decode(&body[5..]).unwrap()),
        code => Err(code.expect("every answer has one").parse().unwrap()),
    }
}

/// The path of the one call there is.
pub const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// A message with its prefix.
pub fn framed(message: &[u8]) -> Bytes {
    let mut framed = BytesMut::new();
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap());
    framed.extend_from_slice(message);
    framed.freeze()
}

/// Headers and trailers together, and the body.
pub async fn grpc(address: SocketAddr, path: &str, body: Bytes) -> (HeaderMap, Bytes) {
    let request = Request::post(format!("http://{address}{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Full::new(body))
        .unwrap();
    send(address, request).await
}

/// The same, of any request.
pub async fn send<B>(address: SocketAddr, request: Request<B>) -> (HeaderMap, Bytes)
where
    B: Body<Data = Bytes, Error: std::error::Error + Send + Sync> + Send + Unpin + 'static,
{
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
    assert_eq!(parts.status, 200);
    let body = body.collect().await.unwrap();
    let mut headers = parts.headers;
    headers.extend(body.trailers().cloned().unwrap_or_default());
    (headers, body.to_bytes())
}

/// The headers of a list of options. Each replaces what is there.
pub fn set(options: &[HeaderOption]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for option in options {
        assert_eq!(option.append_action, 2);
        let header = option.header.as_ref().unwrap();
        let name = HeaderName::from_bytes(header.key.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_str(&header.value).unwrap());
    }
    headers
}

// The messages, written down a second time from their definition.

#[derive(Clone, PartialEq, Message)]
pub struct CheckRequest {
    #[prost(message, optional, tag = "1")]
    pub attributes: Option<Attributes>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Attributes {
    #[prost(message, optional, tag = "4")]
    pub request: Option<AttributeRequest>,
}

#[derive(Clone, PartialEq, Message)]
pub struct AttributeRequest {
    #[prost(message, optional, tag = "2")]
    pub http: Option<HttpRequest>,
}

#[derive(Clone, PartialEq, Message)]
pub struct HttpRequest {
    #[prost(string, tag = "2")]
    pub method: String,
    #[prost(map = "string, string", tag = "3")]
    pub headers: std::collections::HashMap<String, String>,
    #[prost(string, tag = "4")]
    pub path: String,
    #[prost(string, tag = "5")]
    pub host: String,
    #[prost(bytes = "vec", tag = "12")]
    pub raw_body: Vec<u8>,
    #[prost(message, optional, tag = "13")]
    pub header_map: Option<HeaderMapMessage>,
}

#[derive(Clone, PartialEq, Message)]
pub struct HeaderMapMessage {
    #[prost(message, repeated, tag = "1")]
    pub headers: Vec<HeaderValueMessage>,
}

#[derive(Clone, PartialEq, Message)]
pub struct HeaderValueMessage {
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(string, tag = "2")]
    pub value: String,
    #[prost(bytes = "vec", tag = "3")]
    pub raw_value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub struct CheckResponse {
    #[prost(message, optional, tag = "1")]
    pub status: Option<RpcStatus>,
    #[prost(message, optional, tag = "2")]
    pub denied: Option<Denied>,
    #[prost(message, optional, tag = "3")]
    pub ok: Option<Allowed>,
}

impl CheckResponse {
    /// The reason of a denial; none for a call that may go on.
    pub fn reason(&self) -> Option<String> {
        let code = self.status.as_ref().unwrap().code;
        match (&self.denied, &self.ok) {
            (Some(denied), None) => {
                let status = denied.status.as_ref().unwrap().code;
                assert!(matches!((code, status), (16, 401) | (7, 403)), "{self:?}");
                let reason = set(&denied.headers)["x-tidegate-reason"].to_str().unwrap().to_owned();
                Some(reason)
            }
            (None, Some(_)) => {
                assert_eq!(code, 0);
                None
            }
            _ => panic!("{self:?}"),
        }
    }
}

#[derive(Clone, PartialEq, Message)]
pub struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub code: i32,
}

#[derive(Clone, PartialEq, Message)]
pub struct Denied {
    #[prost(message, optional, tag = "1")]
    pub status: Option<HttpStatus>,
    #[prost(message, repeated, tag = "2")]
    pub headers: Vec<HeaderOption>,
    #[prost(string, tag = "3")]
    pub body: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct HttpStatus {
    #[prost(int32, tag = "1")]
    pub code: i32,
}

#[derive(Clone, PartialEq, Message)]
pub struct Allowed {
    #[prost(message, repeated, tag = "2")]
    pub headers: Vec<HeaderOption>,
    #[prost(string, repeated, tag = "5")]
    pub headers_to_remove: Vec<String>,
    #[prost(message, repeated, tag = "6")]
    pub response_headers_to_add: Vec<HeaderOption>,
}

#[derive(Clone, PartialEq, Message)]
pub struct HeaderOption {
    #[prost(message, optional, tag = "1")]
    pub header: Option<HeaderValueMessage>,
    #[prost(int32, tag = "3")]
    pub append_action: i32,
}
