//! A layer of the driver over a pipe in memory, and at the other end either the known-good counterpart or the driver
//! itself. Bytes move only when a body moves them.

use crate::counterpart::{Config, Counterpart, NAME, Wish};
use crate::judge::{Judge, Told};
use crate::pipe::{End, pipe};
use crate::road::words;
use crate::subject::Subject;
use std::sync::Arc;
use sysloom_abi::manifest_flag;
use sysloom_engine::plugin::probe::Ground;
use sysloom_engine::plugin::{Context, Halt, Session, Side, StreamValues};
use sysloom_tests::pki::{Identity, Pki, Wish as Certificate};
use sysloom_tests::{Dir, TlsVersion};

/// Keys, certificates, and the driver's contexts for both sides.
pub struct Bench {
    pub dir: Dir,
    pub pki: Pki,
    pub server: Identity,
    pub client: Identity,
    pub server_context: Arc<Context>,
    pub client_context: Arc<Context>,
    pub judge: Arc<Judge>,
    ground: Ground,
}

/// The driver against the counterpart.
pub struct Duel {
    pub session: Session,
    pub peer: Counterpart,
    /// The counterpart's end of the pipe.
    pub far: End,
}

/// The driver against itself.
pub struct Couple {
    pub client: Session,
    pub server: Session,
    /// The client's end of the pipe.
    pub pipe: End,
}

impl Bench {
    pub fn new(subject: &Subject) -> Result<Self, String> {
        let dir = Dir::new();
        let pki = Pki::new(&dir);
        let server = pki.issue(&dir, "server", &Certificate { names: &[NAME], ..Certificate::default() });
        let client = pki.issue(
            &dir,
            "client",
            &Certificate { names: &["sender.example.net"], ..Certificate::default() },
        );
        let encrypts = subject.facts.flags & manifest_flag::ENCRYPTS != 0;
        let context = |side, own: &Identity| {
            let values = if encrypts { values(&pki, own) } else { plain_values() };
            subject.driver.context(1, side, &values).map_err(|e| format!("no context: {}", e.text))
        };
        Ok(Self {
            server_context: context(Side::Server, &server)?,
            client_context: context(Side::Client, &client)?,
            judge: Arc::clone(&subject.judge),
            ground: Ground::new(subject.host),
            dir,
            pki,
            server,
            client,
        })
    }

    /// The counterpart's certificate, when the driver is `driver`.
    pub fn wish(&self, driver: Side, version: TlsVersion) -> Wish {
        let own = if driver == Side::Server { &self.client } else { &self.server };
        Wish { version, own: Some(own.clone()), suite: None }
    }

    /// The driver's side of a duel, before the first step of its handshake.
    pub fn duel(&self, driver: Side, version: TlsVersion) -> Result<Duel, String> {
        self.duel_with(driver, &Config::against(driver, &self.wish(driver, version))?)
    }

    pub fn duel_with(&self, driver: Side, config: &Config) -> Result<Duel, String> {
        let context = if driver == Side::Server { &self.server_context } else { &self.client_context };
        self.duel_in(context, driver, config)
    }

    /// The same with a context of the body's own.
    pub fn duel_in(&self, context: &Arc<Context>, driver: Side, config: &Config) -> Result<Duel, String> {
        let (near, far) = pipe();
        near.outbound().record = Some(Vec::new());
        let session = self.session_in(context, driver, near, NAME)?;
        Ok(Duel { session, peer: Counterpart::new(config)?, far })
    }

    /// A duel whose handshakes are over.
    pub fn shaken(&self, driver: Side, version: TlsVersion) -> Result<Duel, String> {
        let mut duel = self.duel(driver, version)?;
        duel.shake().map_err(|halt| format!("the handshake: {}", words(&halt)))?;
        Ok(duel)
    }

    /// A session of the driver over one end of a pipe.
    pub fn session(&self, driver: Side, end: End, name: &str) -> Result<Session, String> {
        let context = if driver == Side::Server { &self.server_context } else { &self.client_context };
        self.session_in(context, driver, end, name)
    }

    fn session_in(
        &self,
        context: &Arc<Context>,
        driver: Side,
        end: End,
        name: &str,
    ) -> Result<Session, String> {
        let lower = self.ground.session(Box::new(end)).map_err(|e| format!("/dev/null: {e}"))?;
        let name = if driver == Side::Client { name } else { "" };
        context.over(lower, driver, name, CONN).map_err(|e| format!("no session: {}", e.text))
    }

    /// The driver on both sides, with handshakes that are over.
    pub fn couple(&self) -> Result<Couple, String> {
        let mut couple = self.couple_to_be()?;
        couple.shake()?;
        Ok(couple)
    }

    pub fn couple_to_be(&self) -> Result<Couple, String> {
        let (one, other) = pipe();
        let client = self.session(Side::Client, one.clone(), NAME)?;
        Ok(Couple { client, server: self.session(Side::Server, other, "")?, pipe: one })
    }
}

impl Duel {
    /// Moves what is on the wire, in both directions; whether there was anything.
    pub fn pass(&mut self) -> bool {
        let out = self.far.take();
        self.peer.take(&out);
        let back = self.peer.give();
        self.far.give(&back);
        !out.is_empty() || !back.is_empty()
    }

    /// Both handshakes, until the driver's is over and the counterpart's as well, or the driver gives up.
    pub fn shake(&mut self) -> Result<(), Halt> {
        let mut still = 0;
        loop {
            let done = match self.session.handshake() {
                Ok(()) => true,
                Err(Halt::Wait { .. }) => false,
                Err(halt) => {
                    self.pass();
                    return Err(halt);
                }
            };
            let moved = self.pass();
            if done && (!self.peer.tls.is_handshaking() || self.peer.error.is_some()) {
                self.pass();
                return Ok(());
            }
            still = if moved { 0 } else { still + 1 };
            if still > STILL {
                let text = format!("it stands still; the counterpart says {:?}", self.peer.error);
                return Err(Halt::Failed(Box::new(sysloom_engine::plugin::Fault::new(text))));
            }
        }
    }

    /// Writes through the driver, and moves until the counterpart has all.
    pub fn send(&mut self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let (mut sent, mut still) = (0, 0);
        let before = self.peer.got.len();
        loop {
            let result = self.session.write(&bytes[sent..]);
            let flushed = matches!(result, Ok(0)) && sent == bytes.len();
            match result {
                Ok(n) => sent += n,
                Err(Halt::Wait { .. }) => {}
                Err(halt) => return Err(format!("write: {}", words(&halt))),
            }
            let moved = self.pass();
            if self.peer.got.len() - before >= bytes.len() && flushed {
                return Ok(self.peer.got.split_off(before));
            }
            still = if moved { 0 } else { still + 1 };
            if still > STILL || self.peer.error.is_some() {
                let got = self.peer.got.len() - before;
                let (all, error) = (bytes.len(), &self.peer.error);
                return Err(format!(
                    "{sent} of {all} bytes were taken, {got} arrive; the counterpart says {error:?}"
                ));
            }
        }
    }

    /// Writes through the counterpart, and reads through the driver, `step` bytes at a time.
    pub fn receive(&mut self, bytes: &[u8], step: usize) -> Result<Vec<u8>, String> {
        use std::io::Write;
        self.peer.tls.writer().write_all(bytes).map_err(|e| format!("the counterpart: {e}"))?;
        self.read(bytes.len(), step)
    }

    /// Reads so many bytes through the driver, moving what the counterpart has.
    pub fn read(&mut self, count: usize, step: usize) -> Result<Vec<u8>, String> {
        let (mut got, mut still) = (Vec::new(), 0);
        let mut buffer = vec![0; step];
        while got.len() < count {
            let moved = self.pass();
            match self.session.read(&mut buffer) {
                Ok(n) => {
                    got.extend_from_slice(&buffer[..n]);
                    still = 0;
                }
                Err(Halt::Wait { .. }) => still = if moved { 0 } else { still + 1 },
                Err(halt) => return Err(format!("read: {}", words(&halt))),
            }
            if still > STILL {
                return Err(format!("{} of {count} bytes are read, and nothing more comes", got.len()));
            }
        }
        Ok(got)
    }

    /// Reads until the driver says something else than bytes or WOULD_BLOCK; what it read before.
    pub fn read_end(&mut self) -> Result<(Vec<u8>, Halt), String> {
        let (mut got, mut still) = (Vec::new(), 0);
        let mut buffer = vec![0; 4096];
        loop {
            let moved = self.pass();
            match self.session.read(&mut buffer) {
                Ok(n) => got.extend_from_slice(&buffer[..n]),
                Err(Halt::Wait { .. }) => still = if moved { 0 } else { still + 1 },
                Err(halt) => return Ok((got, halt)),
            }
            if still > STILL {
                return Err(format!(
                    "read says WOULD_BLOCK for ever after {} bytes, though it is over",
                    got.len()
                ));
            }
        }
    }

    /// Says our end; then the transport's.
    pub fn shutdown(&mut self) -> Result<(), String> {
        for _ in 0..STILL {
            let result = self.session.shutdown();
            self.pass();
            match result {
                Ok(()) => return Ok(()),
                Err(Halt::Wait { .. }) => {}
                Err(halt) => return Err(format!("shutdown: {}", words(&halt))),
            }
        }
        Err("shutdown says WOULD_BLOCK for ever".to_owned())
    }

    /// What the driver tells of the peer.
    pub fn told(&mut self) -> Result<Told, String> {
        self.session
            .with_peer(|peer| Told::of(CONN, peer))
            .ok_or_else(|| "it tells nothing of the peer".to_owned())
    }

    /// Everything that the driver has put on the wire.
    pub fn wire(&self) -> Vec<u8> {
        self.far.inbound().record.clone().unwrap_or_default()
    }
}

impl Couple {
    pub fn shake(&mut self) -> Result<(), String> {
        let (mut done, mut rounds) = ([false, false], 0);
        while done != [true, true] {
            for (i, session) in [&mut self.client, &mut self.server].into_iter().enumerate() {
                match session.handshake() {
                    Ok(()) => done[i] = true,
                    Err(Halt::Wait { .. }) => {}
                    Err(halt) => return Err(format!("the handshake: {}", words(&halt))),
                }
            }
            rounds += 1;
            if rounds > MOST_ROUNDS {
                return Err("two sessions of the driver do not get through their handshake".to_owned());
            }
        }
        Ok(())
    }
}

/// Carries bytes from one session to another.
pub fn carry(from: &mut Session, to: &mut Session, bytes: &[u8], step: usize) -> Result<Vec<u8>, String> {
    let (mut sent, mut got, mut still) = (0, Vec::new(), 0);
    let mut buffer = vec![0; step];
    while got.len() < bytes.len() {
        let before = (sent, got.len());
        match from.write(&bytes[sent..]) {
            Ok(n) => sent += n,
            Err(Halt::Wait { .. }) => {}
            Err(halt) => return Err(format!("write: {}", words(&halt))),
        }
        match to.read(&mut buffer) {
            Ok(n) => got.extend_from_slice(&buffer[..n]),
            Err(Halt::Wait { .. }) => {}
            Err(halt) => return Err(format!("read: {}", words(&halt))),
        }
        still = if before == (sent, got.len()) { still + 1 } else { 0 };
        if still > MOST_ROUNDS {
            return Err(format!("{sent} bytes were taken, {} arrive, and nothing moves", got.len()));
        }
    }
    Ok(got)
}

/// A driver's parameters for TLS that asks for certificates and judges nobody itself.
pub fn values(pki: &Pki, own: &Identity) -> StreamValues {
    let text = |path: &std::path::Path| Some(path.display().to_string());
    StreamValues {
        mode: 1,
        auth_mode: "x509/certvalid".to_owned(),
        ca_file: text(&pki.file()),
        cert_file: text(&own.cert),
        key_file: text(&own.key),
        ..StreamValues::default()
    }
}

fn plain_values() -> StreamValues {
    StreamValues { auth_mode: "anon".to_owned(), ..StreamValues::default() }
}

/// The host's number for every stream here.
pub const CONN: u64 = 4711;
/// Calls in vain after which nothing will move.
const STILL: u32 = 20;
/// The same for pipes that give a byte at a time to calls of which half are in vain.
const MOST_ROUNDS: u32 = 60_000;
