//! The gateway's end: a source that asks the nodes of the control side over a network.
//!
//! It stays with a node that answers. When one does not, the next is asked at once; a node that failed is
//! left alone for a while, longer each time, as long as there is another. An answer counts only when it
//! has come whole and comes from a node that can prove that it is current. One of another history counts only
//! when no other node has what the gateway knows.

mod node;
mod url;

use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tidegate_gateway::{Answer, Batch, Poll, Source, SourceError};
use tokio::time::timeout;

pub(crate) use self::node::Node;
use self::node::NodeError;
pub use self::url::{BadUrl, ControlUrl};
use crate::counters::count;
use crate::format::Formats;
use crate::limits::GOODBYE;
use crate::peers::PeerFiles;
use crate::poll::{Me, Question};
use crate::time::ControlTime;
use crate::token::FeedToken;

/// How the control side is reached.
#[derive(Debug, Clone)]
pub struct Remote {
    /// Who asks.
    pub me: Me,
    /// The nodes of the control side.
    pub nodes: Vec<ControlUrl>,
    /// The certificates, if there is a node that is reached over TLS.
    pub files: Option<PeerFiles>,
    /// The token. Over plain HTTP no answer counts without it; over TLS it is needed in addition if it is
    /// there.
    pub token: Option<FeedToken>,
    /// How long a node may be silent when it should speak.
    pub patience: Duration,
}

/// The control side, over a network.
pub struct RemoteSource {
    me: Me,
    nodes: Vec<Node>,
    /// The node that is asked first.
    first: AtomicUsize,
    number: AtomicU64,
    /// What was asked last and answered.
    last: Mutex<Option<Poll>>,
    time: Arc<ControlTime>,
}

impl fmt::Debug for RemoteSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteSource").field("me", &self.me).finish_non_exhaustive()
    }
}

impl RemoteSource {
    /// A source that learns the time along with what is true.
    #[must_use]
    pub fn new(remote: Remote, time: Arc<ControlTime>) -> Self {
        let Remote { me, nodes, files, token, patience } = remote;
        let node = |url| Node::new(url, files.clone(), token.clone(), patience);
        Self {
            me,
            nodes: nodes.into_iter().map(node).collect(),
            first: AtomicUsize::new(0),
            number: AtomicU64::new(0),
            last: Mutex::new(None),
            time,
        }
    }

    /// What time it is at the control side.
    #[must_use]
    pub fn time(&self) -> &Arc<ControlTime> {
        &self.time
    }

    /// Says goodbye: this gateway decides nothing from now on, and asks no more. So nobody awaits the end of
    /// its lease. Whether it is heard or not, this ends in bounded time.
    pub async fn leave(&self) {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let first = self.nodes.get(self.first.load(Ordering::Relaxed));
        let (Some(poll), Some(node)) = (last, first) else { return };
        let question = Question {
            formats: Formats::HERE,
            number: self.number.fetch_add(1, Ordering::Relaxed),
            me: Me { lease: Duration::ZERO, ..self.me.clone() },
            wall: self.time.own(),
            poll: Poll { wait: Duration::ZERO, ..poll },
        };
        match timeout(GOODBYE, node.ask(&question)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::warn!(node = node.address(), %error, "the goodbye is not heard: the lease is awaited");
            }
            Err(_) => {
                tracing::warn!(
                    node = node.address(),
                    "no answer to the goodbye: the lease may be awaited"
                );
            }
        }
    }

    /// All nodes, and which of them is asked first.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = (&Node, bool)> {
        let first = self.first.load(Ordering::Relaxed);
        self.nodes.iter().enumerate().map(move |(index, node)| (node, index == first))
    }

    /// The nodes in the order they are asked in: those that failed lately only if there is no other.
    fn order(&self) -> Vec<usize> {
        let (first, count) = (self.first.load(Ordering::Relaxed), self.nodes.len());
        let all = || (0..count).map(|step| (first + step) % count);
        let rested = |index: &usize| self.nodes.get(*index).is_some_and(Node::is_rested);
        let order: Vec<usize> = all().filter(rested).collect();
        if order.is_empty() { all().collect() } else { order }
    }

    async fn ask(&self, node: &Node, poll: Poll) -> Result<Answer, NodeError> {
        let question = Question {
            formats: Formats::HERE,
            number: self.number.fetch_add(1, Ordering::Relaxed),
            me: self.me.clone(),
            wall: self.time.own(),
            poll,
        };
        let answered = node.ask(&question).await?;
        let (told, batch) = (answered.answered.told, answered.answered.batch);
        let poll = &question.poll;
        let is_whole = told.since == 0;
        if !is_whole && told.since != poll.since {
            return Err(NodeError::Elsewhere);
        }
        if is_whole && told.epoch == poll.epoch && told.head < poll.since {
            return Err(NodeError::Behind);
        }
        if is_whole || poll.is_continued_by(&batch) {
            self.time.heard(answered.sent, answered.came, &told);
            let next = Poll {
                since: told.head,
                stamp: told.stamp.clone(),
                epoch: told.epoch.clone(),
                ..poll.clone()
            };
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(next);
        }
        Ok(Answer { batch, since: told.since, asked: answered.sent, age: told.age })
    }
}

#[async_trait]
impl Source for RemoteSource {
    async fn changes(&self, since: u64) -> Result<Batch, SourceError> {
        let poll = Poll { since, ..Poll::default() };
        Ok(self.poll(&poll).await?.batch)
    }

    /// Polls wait by themselves.
    async fn bell(&self, _: u64) {
        std::future::pending().await
    }

    async fn poll(&self, poll: &Poll) -> Result<Answer, SourceError> {
        let mut poll = poll.clone();
        let (mut failures, mut other) = (Vec::new(), None);
        for index in self.order() {
            let Some(node) = self.nodes.get(index) else { continue };
            let attempt = Attempt { node, is_over: false };
            match self.ask(node, poll.clone()).await {
                Ok(answer) if answer.since > 0 && !poll.is_continued_by(&answer.batch) => {
                    attempt.succeeded();
                    tracing::warn!(
                        node = node.address(),
                        known = poll.since,
                        head = answer.batch.head,
                        "a node of the control side has another history than is known here"
                    );
                    other.get_or_insert(answer);
                }
                Ok(answer) => {
                    attempt.succeeded();
                    if self.first.swap(index, Ordering::Relaxed) != index {
                        tracing::info!(node = node.address(), "another node of the control side");
                    }
                    return Ok(answer);
                }
                Err(error) => failures.push(format!("{}: {error}", node.address())),
            }
            // The next one is asked what is true now.
            poll.wait = Duration::ZERO;
        }
        // Nobody has what is known here, so it is as they say.
        other.ok_or_else(|| SourceError(failures.join("; ")))
    }
}

/// A question to a node. If it is dropped without an answer, the node has failed: a follower that waited
/// long enough must not begin with the same one again.
struct Attempt<'a> {
    node: &'a Node,
    is_over: bool,
}

impl Attempt<'_> {
    fn succeeded(mut self) {
        self.is_over = true;
        count(&self.node.counters().answered, 1);
        self.node.succeeded();
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            count(&self.node.counters().failed, 1);
            self.node.failed();
        }
    }
}
