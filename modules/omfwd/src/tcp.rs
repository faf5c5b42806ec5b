//! One stream to one target: connected when needed, fed with the frames of a commit in few large writes.

use crate::Omfwd;
use crate::pack::{Compression, Single, Stream};
use crate::params::{Plan, Target};
use std::sync::Arc;
use std::time::{Duration, Instant};
use sysloom_sdk::frame::{push_lf, push_octet_counted};
use sysloom_sdk::{ClientStream, Complaint, Connect, WriteError, net};

pub struct Link {
    pub target: Arc<Target>,
    stream: Option<ClientStream>,
    /// Not to be tried again before.
    pub away_until: Option<Instant>,
    sent_since_connect: u64,
    failures: u32,
    /// The last message of a connection, when it may have to be repeated.
    last: Vec<u8>,
    single: Option<Single>,
    whole: Option<Stream>,
    /// The frames of the commit at hand, and where each ends.
    frames: Vec<u8>,
    ends: Vec<usize>,
    /// The frames compressed.
    packed: Vec<u8>,
}

impl Link {
    pub fn new(target: Arc<Target>, plan: &Plan) -> Self {
        Self {
            target,
            stream: None,
            away_until: None,
            sent_since_connect: 0,
            failures: 0,
            last: Vec::new(),
            single: match plan.compression {
                Compression::Single(level) => Some(Single::new(level)),
                _ => None,
            },
            whole: None,
            frames: Vec::new(),
            ends: Vec::new(),
            packed: Vec::new(),
        }
    }

    /// Connects if there is no connection, or none that is good for another commit.
    pub fn ready(&mut self, output: &Omfwd) -> Result<(), Complaint> {
        let plan = &output.plan;
        let used_up = plan.rebind > 0 && self.sent_since_connect >= plan.rebind;
        if used_up || (plan.look_first && self.stream.as_ref().is_some_and(|s| !s.alive())) {
            self.stream = None;
        }
        if self.stream.is_some() { Ok(()) } else { self.connect(output) }
    }

    /// Sends the messages; `Err` says how many are wholly written.
    pub fn send<'m>(
        &mut self,
        output: &Omfwd,
        messages: impl Iterator<Item = &'m [u8]>,
    ) -> Result<(), (usize, Complaint)> {
        let plan = &output.plan;
        self.frame(plan, messages);
        let total = self.ends.len();
        let mut done = 0;
        let mut again = false;
        while done < total {
            if self.stream.is_none() {
                self.connect(output).map_err(|why| (done, why))?;
            }
            let (until, end) = self.chunk(done, plan.max_write);
            match self.write(output, done, until, end) {
                Ok(()) => {
                    (done, again) = (until, false);
                }
                // The peer has closed the connection while it was idle: nothing of this is lost.
                Err(WriteError::Closed) if !again => {
                    (self.stream, again) = (None, true);
                }
                Err(e) => {
                    self.stream = None;
                    let written = match &e {
                        WriteError::Closed => 0,
                        WriteError::TimedOut { written } | WriteError::Failed { written, .. } => *written,
                    };
                    done = self.whole_after(done, written);
                    return Err((done, self.complaint("error sending to", &e.to_string())));
                }
            }
        }
        self.sent_since_connect += total as u64;
        self.target.messages.add(total as u64);
        if plan.resend_last && total > 0 {
            let start = self.ends.iter().rev().nth(1).copied().unwrap_or(0);
            self.last.clear();
            self.last.extend_from_slice(self.frames.get(start..).unwrap_or_default());
        }
        Ok(())
    }

    fn connect(&mut self, output: &Omfwd) -> Result<(), Complaint> {
        let plan = &output.plan;
        let target = Arc::clone(&self.target);
        let Target { host, port, connects, .. } = &*target;
        let to = Connect {
            host,
            port,
            local: "",
            device: &plan.device,
            timeout: CONNECT_TIMEOUT,
            keep_alive: plan.keep_alive,
            user_timeout: plan.user_timeout,
        };
        match net::within(&plan.namespace, || output.host.connect(&to)).and_then(|made| made) {
            Ok(stream) => self.stream = Some(stream),
            Err(e) => {
                // The host may have named the target already.
                let named = format!("cannot connect to {host}:{port}: ");
                let cause = e.text.strip_prefix(&named).unwrap_or(&e.text);
                let complaint = self.complaint("cannot connect to", cause);
                self.failures += 1;
                // An empty text is not logged.
                let silent = plan.skip > 1 && self.failures % plan.skip != 1;
                let text = if silent { String::new() } else { complaint.text };
                return Err(Complaint {
                    text,
                    code: if e.code > 0 { e.code } else { complaint.code },
                    param: None,
                });
            }
        }
        connects.add(1);
        (self.sent_since_connect, self.failures, self.away_until) = (0, 0, None);
        self.whole = Stream::new(plan.compression).map_err(|e| {
            self.stream = None;
            self.complaint("cannot compress for", &e.to_string())
        })?;
        if !self.last.is_empty() {
            let last = std::mem::take(&mut self.last);
            let result = self.put(&last, true);
            self.last = last;
            if let Err(e) = result {
                self.stream = None;
                return Err(self.complaint("error sending to", &e.to_string()));
            }
        }
        Ok(())
    }

    fn frame<'m>(&mut self, plan: &Plan, messages: impl Iterator<Item = &'m [u8]>) {
        self.frames.clear();
        self.ends.clear();
        for message in messages {
            let (message, compressed) = match &mut self.single {
                Some(single) => single.pack(message),
                None => (message, false),
            };
            // rsyslog: compressed bytes may hold the delimiter, so they are always counted.
            if plan.octet_counted || compressed {
                push_octet_counted(&mut self.frames, message);
            } else {
                push_lf(&mut self.frames, message, plan.delimiter);
            }
            self.ends.push(self.frames.len());
        }
    }

    /// The messages from `first` on that go into one write: the index after the last, and where it ends.
    fn chunk(&self, first: usize, max: usize) -> (usize, usize) {
        let start = self.start_of(first);
        let end_of = |index: usize| self.ends.get(index).copied().unwrap_or(self.frames.len());
        let mut until = first + 1;
        while until < self.ends.len() && end_of(until) - start <= max {
            until += 1;
        }
        (until, end_of(until - 1))
    }

    fn write(&mut self, output: &Omfwd, first: usize, until: usize, end: usize) -> Result<(), WriteError> {
        let start = self.start_of(first);
        let frames = std::mem::take(&mut self.frames);
        let last = until == self.ends.len() && output.plan.flush_stream;
        let result = self.put(frames.get(start..end).unwrap_or_default(), last);
        self.frames = frames;
        result
    }

    fn put(&mut self, bytes: &[u8], flush: bool) -> Result<(), WriteError> {
        let bytes = match &mut self.whole {
            None => bytes,
            Some(whole) => {
                self.packed.clear();
                whole.push(bytes, flush, &mut self.packed);
                &self.packed
            }
        };
        if bytes.is_empty() {
            return Ok(());
        }
        let Some(stream) = &mut self.stream else { return Err(WriteError::Closed) };
        let result = stream.write_all(bytes, WRITE_TIMEOUT);
        match &result {
            Ok(()) => self.target.bytes.add(bytes.len() as u64),
            // Where a compressed stream broke says nothing about messages.
            Err(WriteError::TimedOut { .. }) if self.whole.is_some() => {
                return Err(WriteError::TimedOut { written: 0 });
            }
            Err(WriteError::Failed { why, .. }) if self.whole.is_some() => {
                return Err(WriteError::Failed { written: 0, why: why.clone() });
            }
            Err(_) => {}
        }
        result
    }

    fn start_of(&self, index: usize) -> usize {
        index.checked_sub(1).and_then(|before| self.ends.get(before).copied()).unwrap_or(0)
    }

    /// How many messages are whole when `written` bytes from message `first` on were taken.
    fn whole_after(&self, first: usize, written: usize) -> usize {
        let until = self.start_of(first) + written;
        self.ends.partition_point(|end| *end <= until).max(first)
    }

    fn complaint(&self, what: &str, cause: &str) -> Complaint {
        let Target { host, port, .. } = &*self.target;
        let code = if what == "cannot connect to" { CODE_CONNECT } else { CODE_SEND };
        Complaint::new(format!("{what} {host}:{port}: {cause}")).code(code)
    }
}

/// A peer that takes nothing for so long is as good as away.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// rsyslog's codes.
const CODE_CONNECT: i32 = 2027;
const CODE_SEND: i32 = 2023;
