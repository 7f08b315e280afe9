//! The binary at a pseudo-terminal: a person who reads the screen and types.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::home::Home;

/// Longest wait for something to appear, and for the end.
const WAIT: Duration = Duration::from_secs(30);

/// Width and height that show every question and a QR code.
const SIZE: Winsize = Winsize {
    ws_col: 120,
    ws_row: 60,
    ws_xpixel: 0,
    ws_ypixel: 0,
};

/// A run at a terminal. It is killed when it goes out of scope.
pub(crate) struct Terminal {
    child: Child,
    keyboard: File,
    screen: Arc<Screen>,
    reader: Option<JoinHandle<()>>,
}

/// Everything that was printed so far, and whether more can come.
#[derive(Default)]
struct Screen {
    printed: Mutex<(Vec<u8>, bool)>,
    changed: Condvar,
}

impl Terminal {
    /// Starts the binary with all three streams at a new terminal.
    pub(crate) fn start(home: &Home, arguments: &[&str]) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        tcsetwinsize(&ours, SIZE).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let theirs = OpenOptions::new()
            .read(true)
            .write(true)
            .open(name.to_str().unwrap())
            .unwrap();
        let stream = || Stdio::from(OwnedFd::from(theirs.try_clone().unwrap()));
        let child = home
            .command(arguments)
            .env("TERM", "xterm")
            .stdin(stream())
            .stdout(stream())
            .stderr(stream())
            .spawn()
            .unwrap();
        let keyboard = File::from(ours);
        let screen = Arc::new(Screen::default());
        let (mut printed, shared) = (keyboard.try_clone().unwrap(), Arc::clone(&screen));
        let reader = std::thread::spawn(move || shared.follow(&mut printed));
        Self {
            child,
            keyboard,
            screen,
            reader: Some(reader),
        }
    }

    /// Waits until the screen has shown `text`.
    #[track_caller]
    pub(crate) fn until(&self, text: &str) {
        self.until_shown(text, |shown| shown.contains(text));
    }

    /// Waits until what was shown is as wanted.
    #[track_caller]
    pub(crate) fn until_shown(&self, what: &str, is_there: impl Fn(&str) -> bool) {
        let printed = self.screen.printed.lock().unwrap();
        let is_missing = |(bytes, is_over): &mut (Vec<u8>, bool)| {
            !*is_over && !is_there(&String::from_utf8_lossy(bytes))
        };
        let waited = self
            .screen
            .changed
            .wait_timeout_while(printed, WAIT, is_missing);
        drop(waited.unwrap());
        let shown = self.shown();
        assert!(is_there(&shown), "no {what}: {shown:?}");
    }

    /// Returns everything that was shown so far.
    pub(crate) fn shown(&self) -> String {
        let printed = self.screen.printed.lock().unwrap();
        String::from_utf8_lossy(&printed.0).into_owned()
    }

    /// Types.
    pub(crate) fn enter(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
    }

    /// Waits for the end; returns the exit code and everything that was shown.
    #[track_caller]
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        self.reader.take().unwrap().join().unwrap();
        (code, self.shown())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Screen {
    /// Reads until nobody has the other side open any more, which is an error on Linux and an end elsewhere.
    fn follow(&self, printed: &mut File) {
        let mut buffer = [0; 4096];
        while let Ok(n_bytes @ 1..) = printed.read(&mut buffer) {
            let mut held = self.printed.lock().unwrap();
            held.0.extend_from_slice(&buffer[..n_bytes]);
            self.changed.notify_all();
        }
        self.printed.lock().unwrap().1 = true;
        self.changed.notify_all();
    }
}
