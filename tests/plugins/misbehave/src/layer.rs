//! A layer that hands bytes through and panics in the function that its priority string names.

use sysloom_sdk::{
    Complaint, Host, Layer, LayerSession, Lower, PeerFacts, Role, Stop, Stream, StreamSettings, Want,
};

pub struct Misbehave {
    panic: String,
}

pub struct Session {
    panic: String,
    lower: Lower,
}

impl Layer for Misbehave {
    const NAME: &'static str = "misbehave";
    const ENCRYPTS: bool = false;
    type Session = Session;

    fn new(_: Role, settings: &StreamSettings<'_>, _: Host) -> Result<Self, Complaint> {
        let panic = settings.priority.unwrap_or_default().to_owned();
        check(&panic, "context");
        Ok(Self { panic })
    }

    fn session(&self, lower: Lower, _: bool, _: &str, _: u64) -> Result<Session, Complaint> {
        check(&self.panic, "session");
        Ok(Session { panic: self.panic.clone(), lower })
    }
}

impl Stream for Session {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Stop> {
        check(&self.panic, "read");
        self.lower.read(buf)
    }

    fn write(&mut self, buf: &[u8]) -> Result<usize, Stop> {
        check(&self.panic, "write");
        self.lower.write(buf)
    }

    fn shutdown(&mut self) -> Result<(), Stop> {
        check(&self.panic, "shutdown");
        Ok(())
    }
}

impl LayerSession for Session {
    fn handshake(&mut self) -> Result<(), Stop> {
        check(&self.panic, "handshake");
        if self.panic == "wait" {
            return Err(Stop::Wait(Want::BOTH));
        }
        Ok(())
    }

    fn peer(&self) -> PeerFacts<'_> {
        check(&self.panic, "peer");
        PeerFacts { protocol: "none", chain: vec![b"one", b"two"], ..PeerFacts::default() }
    }
}

fn check(panic: &str, function: &str) {
    assert!(panic != function, "told to, in {function}");
}
