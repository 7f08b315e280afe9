//! The gateway as a process: started on a free port, asked over sockets, stopped by a signal.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::client::{Answer, Arriving, Ask, Received};
use crate::home::Home;

/// Longest wait for the gateway to start, to refuse connections, or to end.
const PROCESS_WAIT: Duration = Duration::from_secs(20);

/// A running gateway. It is killed when it goes out of scope.
pub(crate) struct Gateway {
    /// The home it runs in.
    pub(crate) home: Home,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    received: Received,
    child: Child,
    stdout: Printed,
    stderr: Printed,
}

/// What a gateway left behind.
pub(crate) struct Ended {
    /// How the process ended.
    pub(crate) status: ExitStatus,
    /// The log file.
    pub(crate) log: String,
    /// Standard output and standard error.
    pub(crate) printed: String,
    /// Every byte that clients received.
    pub(crate) received: Vec<u8>,
}

/// What a process prints, collected by a thread.
struct Printed {
    text: Arc<Mutex<String>>,
    reader: Option<thread::JoinHandle<()>>,
}

/// A process that listens.
struct Launched {
    address: SocketAddr,
    child: Child,
    stdout: Printed,
    stderr: Printed,
}

impl Launched {
    #[track_caller]
    fn new(home: &Home, arguments: &[&str]) -> Self {
        let all = [&["gateway", "run", "--port", "0"], arguments].concat();
        let mut child = home
            .command(&all)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let (stdout, _) = Printed::of(child.stdout.take().expect("a pipe"));
        let (stderr, lines) = Printed::of(child.stderr.take().expect("a pipe"));
        Self {
            address: address(&lines, &stderr),
            child,
            stdout,
            stderr,
        }
    }
}

impl Gateway {
    /// Starts the gateway of `home` on a free port and waits until it is ready.
    #[track_caller]
    pub(crate) fn start(home: Home, arguments: &[&str]) -> Self {
        let launched = Launched::new(&home, arguments);
        let gateway = Self {
            home,
            address: launched.address,
            received: Received::default(),
            child: launched.child,
            stdout: launched.stdout,
            stderr: launched.stderr,
        };
        assert_eq!(gateway.ask(&Ask::new("GET", "/readyz")).status, 200);
        gateway
    }

    /// Stops the gateway and starts it again in the same home.
    #[track_caller]
    pub(crate) fn restart(&mut self) {
        self.terminate();
        self.start_again();
    }

    /// Kills the gateway without a word and starts it again in the same home.
    #[track_caller]
    pub(crate) fn kill_and_start(&mut self) {
        self.child.kill().expect("a child");
        self.start_again();
    }

    #[track_caller]
    fn start_again(&mut self) {
        let child = &mut self.child;
        within(|| child.try_wait().expect("a child"), "still runs");
        let launched = Launched::new(&self.home, &[]);
        self.address = launched.address;
        self.child = launched.child;
        self.stdout = launched.stdout;
        self.stderr = launched.stderr;
    }

    /// Kills the process at once and starts another one in the same home.
    #[track_caller]
    pub(crate) fn killed_and_restarted(mut self) -> Self {
        self.child.kill().expect("a child");
        self.child.wait().expect("a child");
        let home = std::mem::replace(&mut self.home, Home::new());
        Self::start(home, &[])
    }

    /// Returns the process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a request and waits for the whole answer.
    #[track_caller]
    pub(crate) fn ask(&self, ask: &Ask) -> Answer {
        self.open(ask).finish()
    }

    /// Sends a request and waits for the head of the answer.
    #[track_caller]
    pub(crate) fn open(&self, ask: &Ask) -> Arriving {
        Arriving::send(self.address, &ask.bytes(), &self.received)
    }

    /// Sends bytes and waits for the whole answer.
    #[track_caller]
    pub(crate) fn raw(&self, bytes: &[u8]) -> Answer {
        Arriving::send(self.address, bytes, &self.received).finish()
    }

    /// Opens a connection on which nothing was sent yet.
    pub(crate) fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).expect("a connection")
    }

    /// Waits for the answer on a connection of [`Self::connect`].
    #[track_caller]
    pub(crate) fn answer_on(&self, stream: TcpStream) -> Answer {
        Arriving::after(stream, &self.received).finish()
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status();
        assert!(sent.expect("`kill` runs").success());
    }

    /// Waits until new connections are refused.
    #[track_caller]
    pub(crate) fn wait_refusing(&self) {
        let refused = || {
            let error = TcpStream::connect(self.address).err()?;
            (error.kind() == std::io::ErrorKind::ConnectionRefused).then_some(())
        };
        within(refused, "still accepts connections");
    }

    /// Says whether the process has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    /// Waits for the process to end by itself.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Ended {
        let child = &mut self.child;
        let status = within(|| child.try_wait().expect("a child"), "still runs");
        let printed = self.stdout.all() + &self.stderr.all();
        let log = self.home.at(".openclaw/logs/openclaw.log");
        Ended {
            status,
            log: std::fs::read_to_string(log).expect("a log"),
            printed,
            received: self.received.lock().expect("a lock").clone(),
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// Returns the log's lines.
    #[track_caller]
    pub(crate) fn lines(&self) -> Vec<Value> {
        let lines = self.log.lines();
        lines
            .map(|line| serde_json::from_str(line).expect("a JSON line"))
            .collect()
    }

    /// Returns the log's lines about requests.
    #[track_caller]
    pub(crate) fn requests(&self) -> Vec<Value> {
        let mut lines = self.lines();
        lines.retain(|line| line["message"] == "request");
        lines
    }
}

impl Printed {
    /// Collects what comes out of `pipe`; each line is also sent to the receiver.
    fn of(pipe: impl Read + Send + 'static) -> (Self, Receiver<String>) {
        let text = Arc::new(Mutex::new(String::new()));
        let (sender, lines) = channel();
        let into = Arc::clone(&text);
        let reader = thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                into.lock().expect("a lock").extend([&line, "\n"]);
                let _ = sender.send(line);
            }
        });
        let reader = Some(reader);
        (Self { text, reader }, lines)
    }

    /// Waits for the end and returns everything.
    fn all(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader ends");
        }
        self.text.lock().expect("a lock").clone()
    }
}

#[track_caller]
fn address(lines: &Receiver<String>, stderr: &Printed) -> SocketAddr {
    let deadline = Instant::now() + PROCESS_WAIT;
    while let Ok(line) = lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        if let Some((_, rest)) = line.split_once("listening on http://") {
            let address = rest.trim_end_matches("/v1");
            return address.parse().expect("an address");
        }
    }
    panic!(
        "the gateway does not listen: {}",
        stderr.text.lock().expect("a lock")
    );
}

/// Looks again and again until there is something, with a deadline.
#[track_caller]
pub(crate) fn within<T>(mut look: impl FnMut() -> Option<T>, problem: &str) -> T {
    let deadline = Instant::now() + PROCESS_WAIT;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{problem}");
        thread::sleep(Duration::from_millis(2));
    }
}
