//! `omgelf`: an output that speaks GELF, JSON objects that end in a NUL byte, over whatever stream the action names.
//!
//! It needs no template: it reads the properties of each message. A connection that the peer has closed is replaced
//! before anything is written; one that breaks gives back the records that were not wholly written.
#![forbid(unsafe_code)]

mod gelf;

use std::time::Duration;
use sysloom_sdk::{
    ClientStream, Commit, Complaint, Connect, Counter, Host, Outcome, Output, Params, Records, Worker,
    WriteError, plugin,
};

/// Options of `action(type="omgelf" ...)`.
#[derive(Params)]
pub struct Settings {
    /// The host to send to.
    #[param(required)]
    target: String,
    /// Its port.
    #[param(name = "port", default = "12201")]
    port: String,
    /// Seconds for connecting, and for writing.
    #[param(name = "timeout", default = "10", min = 1, max = 600)]
    timeout: u16,
}

/// One action.
pub struct Omgelf {
    settings: Settings,
    host: Host,
    sent: Counter,
}

impl Output for Omgelf {
    const NAME: &'static str = "omgelf";
    const STREAMS: bool = true;
    const NO_TEMPLATE: bool = true;
    type Module = ();
    type Settings = Settings;
    type Worker = Sender;

    fn new(_: &(), settings: Settings, host: Host) -> Result<Self, Complaint> {
        if settings.target.is_empty() {
            return Err(Complaint::new("a host must have a name").param("target"));
        }
        Ok(Self { settings, host, sent: host.counter("sent") })
    }
}

impl Omgelf {
    fn limit(&self) -> Duration {
        Duration::from_secs(self.settings.timeout.into())
    }

    fn connect(&self) -> Result<ClientStream, Complaint> {
        let Settings { target, port, .. } = &self.settings;
        self.host.connect(&Connect { host: target, port, timeout: self.limit(), ..Connect::default() })
    }
}

/// What one committing thread sends with.
#[derive(Default)]
pub struct Sender {
    stream: Option<ClientStream>,
    /// The objects of a commit, and where each ends.
    block: Vec<u8>,
    ends: Vec<usize>,
    property: Vec<u8>,
}

impl Worker<Omgelf> for Sender {
    fn new(_: &Omgelf) -> Result<Self, Complaint> {
        Ok(Self::default())
    }

    fn commit(&mut self, output: &Omgelf, records: &Records<'_>) -> Commit {
        self.block.clear();
        self.ends.clear();
        for row in 0..records.len() {
            gelf::object(&mut self.block, |name, out| records.property(row, name, out), &mut self.property);
            self.ends.push(self.block.len());
        }
        for last in [false, true] {
            let mut stream = match self.stream.take().map_or_else(|| output.connect(), Ok) {
                Ok(stream) => stream,
                Err(why) => return Commit::Suspended(why),
            };
            let (written, why) = match stream.write_all(&self.block, output.limit()) {
                Ok(()) => {
                    self.stream = Some(stream);
                    output.sent.add(records.len() as u64);
                    return Commit::Done;
                }
                // It had ended before this commit began: a new one may be well.
                Err(WriteError::Closed) if !last => continue,
                Err(e @ WriteError::Closed) => (0, Complaint::new(e.to_string())),
                Err(WriteError::TimedOut { written }) => (written, Complaint::new("the peer is too slow")),
                Err(WriteError::Failed { written, why }) => (written, why),
            };
            let outcome = |end: &usize| if *end <= written { Outcome::Done } else { Outcome::Retry };
            let outcomes: Vec<Outcome> = self.ends.iter().map(outcome).collect();
            output.sent.add(outcomes.iter().filter(|o| **o == Outcome::Done).count() as u64);
            return Commit::Each(outcomes, why);
        }
        Commit::Suspended(Complaint::new("the peer closes every connection at once"))
    }

    fn resume(&mut self, output: &Omgelf) -> Result<(), Complaint> {
        self.stream = Some(output.connect()?);
        Ok(())
    }
}

plugin! { name: "omgelf", outputs: [Omgelf] }

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;
    use sysloom_sdk::testing::{Rows, TestHost, settings};

    #[test]
    fn each_message_is_an_object() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let host = TestHost::new();
        host.property(0, "hostname", "alpha");
        host.property(0, "msg", " say \"hi\"\n");
        host.property(0, "syslogseverity", "3");
        let words = [("target", "127.0.0.1"), ("port", port.as_str())];
        let output = Omgelf::new(&(), settings(&words).unwrap(), host.host()).unwrap();
        let mut sender = Sender::new(&output).unwrap();
        let done = Rows::new([""]).lend(&host, |records| sender.commit(&output, records));
        assert!(matches!(done, Commit::Done), "{done:?}");
        let mut got = Vec::new();
        BufReader::new(listener.accept().unwrap().0).read_until(0, &mut got).unwrap();
        let wanted =
            "{\"version\":\"1.1\",\"host\":\"alpha\",\"short_message\":\"say \\\"hi\\\"\",\"level\":3}\0";
        assert_eq!(String::from_utf8(got).unwrap(), wanted);
        assert_eq!(host.count("sent"), 1);
    }

    #[test]
    fn a_peer_that_is_away_suspends_and_nameless_targets_are_refused() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
        let host = TestHost::new();
        let words = [("target", "127.0.0.1"), ("port", port.as_str())];
        let output = Omgelf::new(&(), settings(&words).unwrap(), host.host()).unwrap();
        let mut sender = Sender::new(&output).unwrap();
        let away = Rows::new([""]).lend(&host, |records| sender.commit(&output, records));
        assert!(matches!(away, Commit::Suspended(_)), "{away:?}");
        assert!(sender.resume(&output).is_err());
        let nameless = Omgelf::new(&(), settings(&[("target", "")]).unwrap(), host.host());
        assert_eq!(nameless.err().unwrap().param, Some("target"));
    }
}
