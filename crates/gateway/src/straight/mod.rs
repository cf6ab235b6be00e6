//! Plain calls, straight from the caller to the backend and back: one task for a caller's connection, no
//! channel, one write for a request and one for an answer.
//!
//! ```text
//! head    which calls go straight
//! call    one call: verdict, body, backend, answer
//! answer  what is written to the caller
//! caller  the caller's end: reading, waiting, writing, each in bounded time
//! timer   what bounds it
//! ```
//!
//! Hyper stays for everything else. A call of any other kind, a backend that is reached in another way: the
//! connection is handed over with all bytes that were not answered yet, and stays with hyper. So what is odd
//! has one reader, and the straight way never answers it.

mod answer;
mod call;
mod caller;
mod head;
mod timer;

use std::sync::Arc;

use http::{Request, Version};
use tokio::sync::watch;
use tokio::time::Instant;

use self::answer::Said;
use self::call::After;
use self::caller::{Caller, Cut};
use self::head::{Head, NoHead};
use crate::account::Watch;
use crate::denial::Denial;
use crate::denial_response::refuse;
use crate::limits::Limits;
use crate::rewound::Rewound;
use crate::screen::may_end;
use crate::state::Server;
use crate::tls::Stream;

/// Answers plain calls. Tells what is left for hyper; nothing when the connection is over.
pub(crate) async fn converse(
    server: &Arc<Server>,
    stream: Stream,
    stopped: watch::Receiver<()>,
) -> Option<Rewound> {
    let limits = &server.gate.limits;
    let mut caller = Caller::new(stream, stopped, Instant::now() + limits.header_read);
    loop {
        let head = match next(&mut caller, limits).await {
            Ok(head) => head,
            Err(Next::Odd) => return Some(caller.rewound(&[])),
            Err(Next::None(Cut::Gone)) => return None,
            Err(Next::None(Cut::Late | Cut::Ended | Cut::Stopped)) => break,
        };
        match call::answer(server, &mut caller, &head).await {
            After::Next => caller.tidy(),
            After::Close => break,
            After::Gone => return None,
            After::Hyper => return Some(caller.rewound(&head.bytes)),
        }
    }
    caller.close(Instant::now() + limits.tls_handshake).await;
    None
}

/// The answer to a call whose head cannot be read, counted as a denied one.
pub(crate) fn refused(server: &Arc<Server>, denial: &Denial) -> Vec<u8> {
    let (parts, ()) = Request::new(()).into_parts();
    let mut watch = Watch::begin(Arc::clone(server), &parts);
    (watch.account.method, watch.account.version) = (None, None);
    let answer = refuse(denial, &watch.account.ids.request, Version::HTTP_11);
    watch.answered(&parts, Some(denial.reason), answer.status());
    let id = &watch.account.ids.request;
    let said = Said { gate: &server.gate, id, revision: None, keeps: false };
    let out = answer::own(&answer, &said);
    watch.sent(answer.body().len() as u64);
    watch.ended(None);
    out
}

/// Why there is no next call here.
enum Next {
    /// It is for hyper.
    Odd,
    /// None comes.
    None(Cut),
}

/// The head of the next call.
async fn next(caller: &mut Caller, limits: &Limits) -> Result<Head, Next> {
    let mut until = None;
    loop {
        match head::take(&mut caller.inbox, limits) {
            Ok(head) => return Ok(head),
            Err(NoHead::Odd) => return Err(Next::Odd),
            Err(NoHead::Part) => {}
        }
        loop {
            let seen = caller.inbox.len();
            if seen >= limits.head_bytes {
                return Err(Next::Odd);
            }
            let until = *until.get_or_insert_with(|| Instant::now() + limits.header_read);
            caller.read(until, seen == 0).await.map_err(Next::None)?;
            if seen == 0 || may_end(&caller.inbox, seen) {
                break;
            }
        }
    }
}
