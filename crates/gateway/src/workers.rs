//! The threads that answer calls. Each has a runtime, an accept loop and connections to the backends
//! of its own, so that a call is handled from its first byte to its last without waking another
//! thread: on a proxy's path, waking costs more than checking.

use std::io;
use std::num::NonZeroUsize;
use std::thread;

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use crate::caller::Caller;
use crate::server::{Speaks, Terms, serve_within};

/// The threads. They end when this is dropped, whatever runs on them.
pub struct Workers(Vec<Worker>);

struct Worker {
    runtime: Handle,
    /// Dropping it ends the thread.
    _end: oneshot::Sender<()>,
}

impl Workers {
    /// Starts `count` threads.
    pub fn start(count: NonZeroUsize) -> io::Result<Self> {
        (0..count.get()).map(Worker::start).collect::<io::Result<_>>().map(Self)
    }

    /// Serves `listener` on all threads until `stopped` turns true, as [`serve_tls`](crate::serve_tls) does.
    /// `service` makes for a thread what makes the services of its connections. Tells how many
    /// connections were cut off.
    ///
    /// All threads wait at one socket, and who is free takes the next connection. So no connection
    /// waits behind a busy thread, and none is lost when a thread ends.
    pub async fn serve<S: Speaks, F: Fn(Caller) -> S + Send + 'static>(
        &self,
        listener: TcpListener,
        service: impl Fn() -> F,
        terms: &Terms,
        stopped: watch::Receiver<bool>,
    ) -> io::Result<usize> {
        let listener = listener.into_std()?;
        let mut threads = JoinSet::new();
        for worker in &self.0 {
            let (listener, service) = (listener.try_clone()?, service());
            let (terms, stopped) = (terms.clone(), stopped.clone());
            let serving = async move {
                let listener = TcpListener::from_std(listener)?;
                Ok(serve_within(listener, service, &terms, until(stopped)).await)
            };
            threads.spawn_on(serving, &worker.runtime);
        }
        drop(listener);
        let mut cut = 0;
        while let Some(ended) = threads.join_next().await {
            cut += ended.unwrap_or_else(|error| Err(io::Error::other(error)))?;
        }
        Ok(cut)
    }
}

impl Worker {
    fn start(number: usize) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel();
        thread::Builder::new().name(format!("gate-{number}")).spawn(move || {
            // Either way it is over.
            let _ = runtime.block_on(ended);
            runtime.shutdown_background();
        })?;
        Ok(Self { runtime: handle, _end: end })
    }
}

/// Ends when `stopped` is true, or nobody is left who could say so.
async fn until(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
