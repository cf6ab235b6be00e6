//! Starting the binary, waiting for it, talking to it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tempfile::TempDir;
use tidegate_sign::{Payload, Secret, SignedRequest, Target, sign};

/// How long anything may take before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Where Debian has the library that shifts a program's clock.
pub const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

/// A pause between two looks at something that others have to do: a loop without one takes their processor.
pub fn pause() {
    std::thread::park_timeout(Duration::from_millis(10));
}

/// The binary.
pub const BINARY: &str = env!("CARGO_BIN_EXE_tidegate");

/// Variables under which no two programs want one address.
pub const ANYWHERE: [(&str, &str); 3] = [
    ("TIDEGATE_CONTROL_ADDR", "127.0.0.1:0"),
    ("TIDEGATE_GATEWAY_ADDR", "127.0.0.1:0"),
    ("TIDEGATE_FEED_ADDR", "127.0.0.1:0"),
];

/// The binary with these words, and without the variables of whoever runs the tests.
pub fn tidegate(words: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(words);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TIDEGATE_") {
            command.env_remove(name);
        }
    }
    command
}

/// What a command printed, and how it ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Runs a command to its end.
pub fn run(words: &[&str]) -> Ran {
    tidegate(words).stdin(Stdio::null()).output().unwrap().into()
}

/// Runs a command that must succeed, and tells what it printed.
pub fn done(words: &[&str]) -> String {
    let ran = run(words);
    assert_eq!(ran.code, Some(0), "{words:?}: {ran:?}");
    ran.out
}

/// A data folder that goes with the test.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A file in it, written.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The data folder below it.
    pub fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    /// The data folder below it, as a word.
    pub fn word(&self) -> String {
        self.data().to_str().unwrap().to_owned()
    }

    /// Runs a command on it.
    pub fn run(&self, words: &[&str]) -> Ran {
        run(&[words, &["--data-dir", &self.word()]].concat())
    }

    /// Runs a command on it that must succeed.
    pub fn done(&self, words: &[&str]) -> String {
        done(&[words, &["--data-dir", &self.word()]].concat())
    }

    /// A JSON file of the data folder.
    pub fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.data().join(name)).unwrap()).unwrap()
    }
}

/// A running server. Killed when it is dropped.
pub struct Server {
    process: Process,
    /// What it printed before `ready`.
    pub greeting: Vec<String>,
    pub control: String,
    pub gateway: String,
}

impl Server {
    /// Starts `tidegate dev` on a folder, and waits for `ready`.
    pub fn dev(folder: &Folder, words: &[&str]) -> Self {
        Self::dev_logging_to(Stdio::piped(), folder, words)
    }

    /// The same, with another stderr; nothing is kept of it.
    pub fn dev_logging_to(stderr: impl Into<Stdio>, folder: &Folder, words: &[&str]) -> Self {
        let fixed = ["--control-addr", "127.0.0.1:0", "--gateway-addr", "127.0.0.1:0"];
        let data = folder.word();
        let all = [&["dev", "--data-dir", &data], &fixed[..], words].concat();
        let process = spawn_logging_to(stderr.into(), &mut tidegate(&all));
        let mut greeting = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        loop {
            match next(&process.lines, deadline) {
                Some(line) if line == "ready" => break,
                Some(line) => greeting.push(line),
                None => panic!("it ended before it was ready; it said {greeting:?}"),
            }
        }
        Self::told(process, folder, greeting)
    }

    /// Starts `tidegate serve` on a folder, and waits until both addresses are ready.
    pub fn serve(folder: &Folder) -> Self {
        Self::serve_with(folder, &[])
    }

    /// The same, with these variables. An address with TLS is not waited for.
    pub fn serve_with(folder: &Folder, variables: &[(&str, &str)]) -> Self {
        let server = Self::start(&["serve"], folder, variables);
        for origin in [&server.control, &server.gateway] {
            server.wait_for(origin);
        }
        server
    }

    /// Starts a server of any kind on a folder, and waits until it listens.
    pub fn start(words: &[&str], folder: &Folder, variables: &[(&str, &str)]) -> Self {
        let mut command = tidegate(words);
        command
            .env("TIDEGATE_DATA_DIR", folder.data())
            .env("TIDEGATE_CONTROL_ADDR", "127.0.0.1:0")
            .env("TIDEGATE_GATEWAY_ADDR", "127.0.0.1:0")
            // Backends of tests are on this machine.
            .env("TIDEGATE_BACKEND_NETWORKS", "127.0.0.0/8,::1")
            .envs(variables.iter().copied());
        let path = folder.data().join("server.json");
        let _ = std::fs::remove_file(&path);
        let process = spawn(&mut command);
        let deadline = Instant::now() + PATIENCE;
        let pause = Duration::from_millis(5);
        while !path.exists() {
            let ended = process.lines.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected);
            assert!(!ended && Instant::now() < deadline, "it does not start");
        }
        Self::told(process, folder, Vec::new())
    }

    /// Waits until an address is ready, unless it has TLS.
    pub fn wait_for(&self, origin: &str) {
        let (http, deadline) = (Http::new(), Instant::now() + PATIENCE);
        while origin.starts_with("http:") && http.get(&format!("{origin}/readyz")).status != 200 {
            assert!(Instant::now() < deadline, "{origin} does not become ready");
            pause();
        }
    }

    /// A server that has told where it listens.
    fn told(process: Process, folder: &Folder, greeting: Vec<String>) -> Self {
        let told = folder.json("server.json");
        let address = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
        let (control, gateway) = (address("control"), address("gateway"));
        Self { process, greeting, control, gateway }
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        let pid = self.process.child.id().to_string();
        let sent = Command::new("kill").args([name, &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// SIGSTOP; waits until it stands still, which the sending of the signal does not.
    #[cfg(target_os = "linux")]
    pub fn freeze(&self) {
        self.signal("-STOP");
        let stat = format!("/proc/{}/stat", self.process.child.id());
        let deadline = Instant::now() + PATIENCE;
        while !std::fs::read_to_string(&stat).unwrap().contains(") T ") {
            assert!(Instant::now() < deadline, "it does not stop");
            self.moment();
        }
    }

    /// Lets others work for a moment.
    pub fn moment(&self) {
        let _ = self.process.lines.recv_timeout(Duration::from_millis(5));
    }

    /// Waits until it has logged this: what it has written is read by another thread.
    pub fn logs(&self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.log().contains(text) {
            assert!(Instant::now() < deadline, "`{text}` is not in the log:\n{}", self.log());
            self.moment();
        }
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.process.log.lock().unwrap().clone()
    }

    /// SIGTERM; waits for the end.
    pub fn stop(mut self) -> ExitStatus {
        self.signal("-TERM");
        // Its stdout closes when it ends.
        let deadline = Instant::now() + PATIENCE;
        while next(&self.process.lines, deadline).is_some() {}
        self.process.child.wait().unwrap()
    }

    /// The same; tells what it has logged, all of it.
    pub fn stopped(self) -> String {
        let log = Arc::clone(&self.process.log);
        assert!(self.stop().success());
        let deadline = Instant::now() + PATIENCE;
        // The last line may still be in the pipe.
        while !log.lock().unwrap().contains("stopped") {
            assert!(Instant::now() < deadline, "it does not say that it stopped");
            pause();
        }
        let log = log.lock().unwrap();
        log.clone()
    }

    /// SIGKILL; waits for the end.
    pub fn kill(mut self) {
        self.process.kill();
    }
}

/// A process whose lines can be waited for. Killed when it is dropped; its log shows if a test fails.
pub struct Process {
    pub child: Child,
    pub lines: Receiver<String>,
    log: Arc<Mutex<String>>,
}

impl Process {
    /// SIGKILL; waits for the end.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the log of the process:\n{}", self.log.lock().unwrap());
        }
    }
}

/// Starts a process whose lines can be waited for.
pub fn spawn(command: &mut Command) -> Process {
    spawn_logging_to(Stdio::piped(), command)
}

fn spawn_logging_to(stderr: Stdio, command: &mut Command) -> Process {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr);
    let mut child = command.spawn().unwrap();
    // Or the command would keep a pipe open that only the process is to write to.
    command.stderr(Stdio::null());
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let stderr = child.stderr.take();
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in stdout.lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    let log = Arc::<Mutex<String>>::default();
    let kept = Arc::clone(&log);
    // Read to its end, so that a full pipe never stops the process.
    std::thread::spawn(move || {
        let stderr = stderr.into_iter().flat_map(|stderr| BufReader::new(stderr).lines());
        for line in stderr.map_while(Result::ok) {
            let mut log = kept.lock().unwrap();
            log.push_str(&line);
            log.push('\n');
        }
    });
    Process { child, lines, log }
}

/// The next line; none at the end of the output.
pub fn next(lines: &Receiver<String>, deadline: Instant) -> Option<String> {
    let left = deadline.saturating_duration_since(Instant::now());
    match lines.recv_timeout(left) {
        Ok(line) => Some(line),
        Err(RecvTimeoutError::Disconnected) => None,
        Err(RecvTimeoutError::Timeout) => panic!("waited in vain for a line"),
    }
}

/// An answer.
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {:?}", self.body))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// A user or an app who signs.
#[derive(Clone)]
pub struct Keys {
    pub access: String,
    pub secret: String,
}

/// A client of its own, so that no test waits for another's connection.
pub struct Http {
    runtime: tokio::runtime::Runtime,
    client: HttpClient,
}

#[derive(Clone)]
pub struct HttpClient(Client<HttpConnector, Full<Bytes>>);

impl Http {
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        Self { runtime, client: HttpClient::new() }
    }

    pub fn get(&self, address: &str) -> Reply {
        self.send(Method::GET, address, &[], None, None)
    }

    pub fn send(
        &self,
        method: Method,
        address: &str,
        headers: &[(&'static str, &str)],
        body: Option<&Value>,
        keys: Option<&Keys>,
    ) -> Reply {
        let sent = self.client.send(method, address, headers, body, keys);
        self.runtime.block_on(sent).unwrap()
    }

    pub fn spawn<F>(&self, future: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.runtime.spawn(future)
    }

    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }
}

impl HttpClient {
    pub fn new() -> Self {
        Self(Client::builder(TokioExecutor::new()).build(HttpConnector::new()))
    }

    /// Sends a request, signed if there are keys; an error when the connection broke.
    pub async fn send(
        &self,
        method: Method,
        address: &str,
        headers: &[(&'static str, &str)],
        body: Option<&Value>,
        keys: Option<&Keys>,
    ) -> Result<Reply, String> {
        let body = body.map(ToString::to_string).unwrap_or_default();
        let uri: http::Uri = address.parse().unwrap();
        let mut sent = HeaderMap::new();
        for (name, value) in headers {
            sent.insert(*name, HeaderValue::from_str(value).unwrap());
        }
        if let Some(keys) = keys {
            let authority = uri.authority().unwrap().as_str();
            sent.insert("host", HeaderValue::from_str(authority).unwrap());
            let target = Target::parse(uri.path_and_query().unwrap().as_str()).unwrap();
            let request = SignedRequest {
                method: method.as_str(),
                target: &target,
                headers: &sent,
                host: None,
            };
            let secret = Secret::new(keys.secret.as_str());
            let payload = Payload::Bytes(body.as_bytes());
            let added = sign(&request, payload, &keys.access, &secret, unix_now()).unwrap();
            sent.extend(added);
        }
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = sent;
        let answer = self.0.request(request).await.map_err(|error| error.to_string())?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
        Ok(Reply { status: parts.status.as_u16(), headers: parts.headers, body })
    }
}

/// The time of day, by the machine's own tool: a test is no place for a clock of its own.
pub fn unix_now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// A world with one reviewer, one owner and an admin, without passwords, for quick starts.
pub const WORLD: &str = "
projects:
  - id: p1
    name: region-1
    domain: {id: d1, name: acme}
    users:
      - {name: rita, access_key: RITAKEY, secret_key: rita-secret}
      - {name: olaf, access_key: OLAFKEY, secret_key: olaf-secret}
      - {name: ada, access_key: ADAKEY, secret_key: ada-secret}
    instances:
      - {id: g1, name: gate-one}
    workspaces:
      - id: w1
        name: sales
        members:
          - {user: rita, role: developer, reviewer: true}
          - {user: olaf, role: developer}
          - {user: ada, role: admin}
";

pub fn keys(name: &str) -> Keys {
    Keys { access: format!("{}KEY", name.to_uppercase()), secret: format!("{name}-secret") }
}

/// A definition of an API whose backend is at `host`.
pub fn definition(name: &str, host: &str) -> Value {
    serde_json::json!({
        "name": name, "api_type": "API_SPECIFIC_TYPE_REGISTER", "auth_type": "APP",
        "manager": "rita", "path": format!("/{name}"), "protocol": "PROTOCOL_TYPE_HTTP",
        "request_type": "REQUEST_TYPE_GET",
        "backend_config": {
            "type": "REQUEST_TYPE_GET", "protocol": "PROTOCOL_TYPE_HTTP", "host": host,
            "timeout": 2000, "path": "/"
        }
    })
}

/// A small source of numbers that are the same every time.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

pub fn is_ok(status: u16) -> bool {
    StatusCode::from_u16(status).is_ok_and(|status| status.is_success())
}

/// Are the tests run by the superuser, who may look at everything?
#[cfg(unix)]
pub fn is_root() -> bool {
    let asked = Command::new("id").arg("-u").output().unwrap();
    asked.stdout == b"0\n"
}

/// The rights of a file or folder.
#[cfg(unix)]
pub fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().unwrap().permissions().mode() & 0o777
}
