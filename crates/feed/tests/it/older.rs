//! Ends of the feed as they were before there were ranges of formats: what they sent, and what they refused.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::net::{TcpListener, TcpStream};

/// A question of format 2.
#[derive(Clone, PartialEq, Message)]
struct Poll {
    #[prost(uint32, tag = "1")]
    format: u32,
    #[prost(uint64, tag = "2")]
    number: u64,
    #[prost(string, tag = "3")]
    id: String,
    #[prost(string, tag = "4")]
    name: String,
    #[prost(string, tag = "5")]
    boot: String,
    #[prost(string, tag = "6")]
    version: String,
    #[prost(uint64, tag = "7")]
    lease_ms: u64,
    #[prost(string, tag = "8")]
    epoch: String,
    #[prost(uint64, optional, tag = "9")]
    enforced: Option<u64>,
    #[prost(uint64, tag = "10")]
    since: u64,
    #[prost(uint64, tag = "11")]
    wait_ms: u64,
    #[prost(sint64, tag = "12")]
    wall_ms: i64,
    #[prost(string, tag = "20")]
    stamp: String,
    #[prost(string, tag = "21")]
    enforced_stamp: String,
}

/// What a control side of format 2 said of a question: why it was refused.
fn refusal(question: &[u8]) -> Option<String> {
    let poll = Poll::decode(question).unwrap();
    if poll.format != 2 {
        let format = poll.format;
        return Some(format!("it speaks format {format} of the feed, and here it is format 2"));
    }
    let is_whole = poll.encoded_len() == question.len();
    (!is_whole).then(|| "there is something in it that is not known here: a field".to_owned())
}

/// Asks a node over HTTP/2, without a token.
pub async fn ask(node: SocketAddr, question: Bytes) -> Response<Incoming> {
    let stream = TcpStream::connect(node).await.unwrap();
    send(stream, Request::post("http://node/feed").body(Full::from(question)).unwrap()).await
}

async fn send(stream: TcpStream, request: Request<Full<Bytes>>) -> Response<Incoming> {
    let executor = TokioExecutor::new();
    let handshake = hyper::client::conn::http2::handshake(executor, TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    sender.send_request(request).await.unwrap()
}

/// A node in front of another one, which refuses what one of format 2 refused.
pub struct Older {
    pub address: SocketAddr,
    /// The formats of the questions that came.
    pub asked: Arc<Mutex<Vec<u32>>>,
    /// It knows ranges, and has no format in common with whoever asks.
    pub is_far: Arc<AtomicBool>,
}

impl Older {
    pub async fn before(node: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<u32>>>::default();
        let is_far = Arc::<AtomicBool>::default();
        let of_all = (Arc::clone(&asked), Arc::clone(&is_far));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (asked, is_far) = of_all.clone();
                let service = service_fn(move |request| {
                    passed(node, request, Arc::clone(&asked), is_far.load(Ordering::SeqCst))
                });
                let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, asked, is_far }
    }
}

async fn passed(
    node: SocketAddr,
    request: Request<Incoming>,
    asked: Arc<Mutex<Vec<u32>>>,
    is_far: bool,
) -> Result<Response<Either<Incoming, Full<Bytes>>>, std::convert::Infallible> {
    let (head, body) = request.into_parts();
    let question = body.collect().await.unwrap().to_bytes();
    asked.lock().unwrap().push(Poll::decode(&question[..]).unwrap().format);
    let refused = |status, text| {
        let mut answer = Response::new(Either::Right(Full::from(text)));
        *answer.status_mut() = status;
        Ok(answer)
    };
    if is_far {
        return refused(StatusCode::NOT_ACCEPTABLE, "no common format".to_owned());
    }
    if let Some(why) = refusal(&question) {
        return refused(StatusCode::BAD_REQUEST, format!("the question is refused: {why}"));
    }
    let stream = TcpStream::connect(node).await.unwrap();
    let answer = send(stream, Request::from_parts(head, Full::from(question))).await;
    Ok(answer.map(Either::Left))
}
