//! `acme`: a netstream layer that passes everything on and counts it. `streamDriver.name="acme"` puts it over plain TCP.
#![forbid(unsafe_code)]

use sysloom_sdk::{
    Complaint, Counter, Host, Layer, LayerSession, Lower, PeerFacts, Role, Stop, Stream, StreamSettings,
    plugin,
};

/// What the sessions of one listener or action share.
pub struct Driver {
    read: Counter,
    written: Counter,
}

/// One stream.
pub struct Session {
    lower: Lower,
    read: Counter,
    written: Counter,
}

impl Layer for Driver {
    const NAME: &'static str = "acme";
    // Say true only if nobody on the way can read what is sent: mode 1 then takes this driver.
    const ENCRYPTS: bool = false;
    type Session = Session;

    fn new(_: Role, _: &StreamSettings<'_>, host: Host) -> Result<Self, Complaint> {
        Ok(Self { read: host.counter("acme.read"), written: host.counter("acme.written") })
    }

    fn session(&self, lower: Lower, _: bool, _: &str, _: u64) -> Result<Session, Complaint> {
        Ok(Session { lower, read: self.read, written: self.written })
    }
}

impl Stream for Session {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Stop> {
        let n = self.lower.read(buf)?;
        self.read.add(n as u64);
        Ok(n)
    }

    // An empty `buf` flushes: what is held back must go down then.
    fn write(&mut self, buf: &[u8]) -> Result<usize, Stop> {
        let n = self.lower.write(buf)?;
        self.written.add(n as u64);
        Ok(n)
    }

    fn shutdown(&mut self) -> Result<(), Stop> {
        Ok(())
    }
}

impl LayerSession for Session {
    fn handshake(&mut self) -> Result<(), Stop> {
        Ok(())
    }

    fn peer(&self) -> PeerFacts<'_> {
        PeerFacts::default()
    }
}

plugin! { name: "acme", layers: [Driver] }

#[cfg(test)]
mod tests {
    use super::*;
    use sysloom_sdk::testing::{TestHost, stream_settings, wire};

    #[test]
    fn bytes_pass_and_are_counted() {
        let (host, (lower, mut far)) = (TestHost::new(), wire());
        let driver = stream_settings(&[], |s| Driver::new(Role::Client, s, host.host())).unwrap();
        let mut session = driver.session(lower, false, "", 1).unwrap();
        assert_eq!(session.write(b"ab").unwrap(), 2);
        assert_eq!(far.take(), b"ab");
        far.give(b"c");
        assert_eq!(session.read(&mut [0; 8]).unwrap(), 1);
        assert!(matches!(session.read(&mut [0; 8]), Err(Stop::Wait(want)) if want.read));
        assert_eq!((host.count("acme.read"), host.count("acme.written")), (1, 2));
    }
}
