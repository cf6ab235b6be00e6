//! A way to a PostgreSQL server that understands its messages, and breaks at one of them.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

/// What happens at a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// The connection is cut before the message passes.
    Before,
    /// The connection is cut after the message has passed.
    After,
    /// Nothing passes from the message on, and nobody is told.
    Silence,
}

/// At which messages the way breaks.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// At which message of all connections, counted from 1.
    pub at: u64,
    /// Only messages of a client that hold this are counted.
    pub holding: Option<&'static str>,
    /// How.
    pub how: Break,
    /// No new connection is let through until the fault is over.
    pub stays: bool,
}

#[derive(Default)]
struct Shared {
    plan: Mutex<Option<Plan>>,
    messages: AtomicU64,
    broken: watch::Sender<u64>,
}

/// A socket that leads to a server.
pub struct Relay {
    folder: TempDir,
    shared: Arc<Shared>,
}

impl Relay {
    /// Leads to the server whose socket is in this folder.
    pub fn new(server: PathBuf) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
        let shared = Arc::<Shared>::default();
        let relay = Self { folder, shared: Arc::clone(&shared) };
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                if shared.refuses() {
                    continue;
                }
                let Ok(server) = UnixStream::connect(server.join(".s.PGSQL.5432")).await else {
                    continue;
                };
                tokio::spawn(lead(client, server, Arc::clone(&shared)));
            }
        });
        relay
    }

    /// The URL of a database behind it.
    pub fn url(&self, database: &str) -> String {
        let folder = self.folder.path().display();
        format!("postgres://tidegate@localhost/{database}?host={folder}&sslmode=disable")
    }

    /// Counts messages from now on, and breaks as planned.
    pub fn arm(&self, plan: Plan) {
        self.shared.messages.store(0, Ordering::SeqCst);
        self.shared.broken.send_replace(0);
        *self.shared.plan.lock().unwrap() = Some(plan);
    }

    /// Whether it broke since it was armed.
    pub fn is_broken(&self) -> bool {
        *self.shared.broken.borrow() > 0
    }

    /// Returns once it has broken.
    pub async fn broken(&self) {
        let _ = self.shared.broken.subscribe().wait_for(|broken| *broken > 0).await;
    }

    /// Lets everything pass, but through connections that fell silent; whether it broke.
    pub fn disarm(&self) -> bool {
        *self.shared.plan.lock().unwrap() = None;
        self.is_broken()
    }
}

impl Shared {
    fn refuses(&self) -> bool {
        let stays = self.plan.lock().unwrap().is_some_and(|plan| plan.stays);
        stays && *self.broken.borrow() > 0
    }

    /// What happens at a message.
    fn at(&self, message: &[u8], of_client: bool) -> Option<Break> {
        let plan = (*self.plan.lock().unwrap())?;
        let holds = |text: &str| message.windows(text.len()).any(|part| part == text.as_bytes());
        if plan.holding.is_some_and(|text| !of_client || !holds(text)) {
            return None;
        }
        let number = self.messages.fetch_add(1, Ordering::SeqCst) + 1;
        (number == plan.at).then(|| {
            self.broken.send_modify(|broken| *broken += 1);
            plan.how
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Whole,
    Cut,
    Silent,
}

async fn lead(client: UnixStream, server: UnixStream, shared: Arc<Shared>) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let (state, seen) = watch::channel(State::Whole);
    let state = Arc::new(state);
    tokio::join!(
        pass(from_client, to_server, true, Arc::clone(&shared), Arc::clone(&state), seen.clone()),
        pass(from_server, to_client, false, shared, state, seen),
    );
}

/// Passes messages on until an end, a cut, or the other half's.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    of_client: bool,
    shared: Arc<Shared>,
    state: Arc<watch::Sender<State>>,
    mut seen: watch::Receiver<State>,
) {
    // The first message of a client has no type.
    let mut head = if of_client { 0 } else { 1 };
    loop {
        let message = tokio::select! {
            message = read(&mut from, head) => message,
            _ = seen.wait_for(|state| *state == State::Cut) => None,
        };
        head = 1;
        let Some(message) = message else {
            state.send_if_modified(|state| {
                let ends = *state == State::Whole;
                if ends {
                    *state = State::Cut;
                }
                ends
            });
            // Who is silent says no good-bye either: the sockets are kept.
            let _ = seen.wait_for(|state| *state == State::Cut).await;
            return;
        };
        let now = *seen.borrow();
        match now {
            State::Whole => {}
            State::Silent => continue,
            State::Cut => return,
        }
        let how = shared.at(&message, of_client);
        match how {
            Some(Break::Before) => drop(state.send(State::Cut)),
            Some(Break::Silence) => drop(state.send(State::Silent)),
            Some(Break::After) | None => {
                if to.write_all(&message).await.is_err() {
                    let _ = state.send(State::Cut);
                }
                if how.is_some() {
                    let _ = state.send(State::Cut);
                }
            }
        }
    }
}

async fn read(from: &mut OwnedReadHalf, head: usize) -> Option<Vec<u8>> {
    let mut message = vec![0; head + 4];
    from.read_exact(&mut message).await.ok()?;
    let length = u32::from_be_bytes(message[head..].try_into().unwrap());
    message.resize(head + usize::try_from(length).unwrap(), 0);
    from.read_exact(&mut message[head + 4..]).await.ok()?;
    Some(message)
}
