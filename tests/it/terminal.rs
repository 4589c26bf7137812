//! A terminal of 80 columns with a program at it, and somebody who reads and types.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long nothing may come before the program counts as stuck, in milliseconds.
const STUCK: u16 = 60_000;

pub struct Terminal {
    ours: File,
    program: Child,
    /// Everything that was shown so far, typed letters among it.
    shown: String,
    /// Up to where it was read.
    read: usize,
}

impl Terminal {
    pub fn start(command: Command) -> Terminal {
        Terminal::of_width(80, command)
    }

    /// One of other columns; 0 is one that does not know.
    pub fn of_width(columns: u16, mut command: Command) -> Terminal {
        let size = Winsize { ws_row: 50, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let pair = openpty(Some(&size), None).expect("a terminal");
        let side = || pair.slave.try_clone().expect("the program's side");
        let program = command.stdin(side()).stdout(side()).stderr(side()).spawn().expect("it runs");
        Terminal { ours: File::from(pair.master), program, shown: String::new(), read: 0 }
    }

    /// Reads on until the text is shown; gives what was shown before it.
    pub fn until(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.shown[self.read..].find(text) {
                let before = self.shown[self.read..self.read + at].to_owned();
                self.read += at + text.len();
                return before;
            }
            assert!(self.more(), "\"{text}\" never came; this did:\n{}", self.shown);
        }
    }

    pub fn answer(&mut self, line: &str) {
        writeln!(self.ours, "{line}").expect("typed");
    }

    /// What Ctrl-C does at a keyboard.
    pub fn interrupt(&mut self) {
        let program = Pid::from_raw(self.program.id().cast_signed());
        kill(program, Signal::SIGINT).expect("told");
    }

    /// Reads to the end; gives the exit code and everything that was shown.
    pub fn end(mut self) -> (i32, String) {
        while self.more() {}
        let ended = self.program.wait().expect("ended");
        (ended.code().unwrap_or(-1), std::mem::take(&mut self.shown))
    }

    fn more(&mut self) -> bool {
        let mut ready = [PollFd::new(self.ours.as_fd(), PollFlags::POLLIN)];
        let came = poll(&mut ready, PollTimeout::from(STUCK)).expect("polled");
        assert!(came > 0, "the program is stuck; it has shown:\n{}", self.shown);
        let mut bytes = [0; 4096];
        // The program's end closes its side, which reads as an error.
        let count = self.ours.read(&mut bytes).unwrap_or(0);
        self.shown.push_str(&String::from_utf8_lossy(&bytes[..count]).replace('\r', ""));
        count > 0
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// The longest line that was shown, in letters.
pub fn widest(shown: &str) -> usize {
    shown.lines().map(|line| line.chars().count()).max().unwrap_or(0)
}
