//! What the tests share: a pipe in memory with bad habits, a daemon that notes what it is asked, and a small PKI.

use crate::driver::{Below, Context, Daemon, Session, Wishes};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PKCS_ECDSA_P256_SHA256,
};
use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use sysloom_sdk::{Complaint, LayerSession, Level, PeerFacts, Role, Stop, Stream, Want};
use tempfile::TempDir;

/// One end of a pipe.
pub struct End {
    inbound: Arc<Mutex<Channel>>,
    outbound: Arc<Mutex<Channel>>,
    /// Bytes per call.
    pub chunk: usize,
    /// Every second call would block.
    pub stutters: bool,
    calls: usize,
}

#[derive(Default)]
struct Channel {
    bytes: VecDeque<u8>,
    ended: bool,
    room: Option<usize>,
    writes: usize,
}

/// What the daemon was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    pub conn: u64,
    pub certificates: usize,
    pub resumed: bool,
    pub server: bool,
    pub server_name: String,
    pub protocol: String,
    pub staple: Vec<u8>,
}

/// A daemon for tests.
#[derive(Debug, Default)]
pub struct Judge {
    pub questions: Mutex<Vec<Question>>,
    pub lines: Mutex<Vec<(Level, String)>>,
    /// Says whom to refuse.
    pub refuse: Mutex<Option<Refuse>>,
}

/// Files of a CA, a server and a client.
pub struct Pki {
    pub dir: TempDir,
}

/// Says what is wrong with a peer, if anything.
pub type Refuse = fn(&Question) -> Option<Complaint>;

pub type TestSession = Session<End>;

/// Two connected ends.
pub fn pipe() -> (End, End) {
    let (a, b) = (Arc::<Mutex<Channel>>::default(), Arc::<Mutex<Channel>>::default());
    let end = |inbound: &Arc<_>, outbound: &Arc<_>| End {
        inbound: Arc::clone(inbound),
        outbound: Arc::clone(outbound),
        chunk: usize::MAX,
        stutters: false,
        calls: 0,
    };
    (end(&a, &b), end(&b, &a))
}

impl End {
    /// Sends no more.
    pub fn hang_up(&self) {
        self.outbound.lock().unwrap().ended = true;
    }

    /// Takes so many bytes before it blocks.
    pub fn limit(&self, room: Option<usize>) {
        self.outbound.lock().unwrap().room = room;
    }

    /// How often this end was written to with success.
    pub fn writes(&self) -> usize {
        self.outbound.lock().unwrap().writes
    }

    /// The other view of the same pipe, to look on and to interfere.
    pub fn twin(&self) -> End {
        End {
            inbound: self.inbound.clone(),
            outbound: self.outbound.clone(),
            chunk: usize::MAX,
            stutters: false,
            calls: 0,
        }
    }

    /// Everything that waits to be read, and the storage that it is in.
    pub fn drain(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.inbound.lock().unwrap().bytes).into()
    }

    fn blocks(&mut self) -> bool {
        self.calls += 1;
        self.stutters && self.calls % 2 == 1
    }
}

impl Below for End {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Stop> {
        if self.blocks() {
            return Err(Stop::Wait(Want::READ));
        }
        let mut channel = self.inbound.lock().unwrap();
        let n = channel.bytes.len().min(buf.len()).min(self.chunk);
        if n == 0 {
            return Err(if channel.ended { Stop::Closed } else { Stop::Wait(Want::READ) });
        }
        for (slot, byte) in buf.iter_mut().zip(channel.bytes.drain(..n)) {
            *slot = byte;
        }
        Ok(n)
    }

    fn write(&mut self, buf: &[u8]) -> Result<usize, Stop> {
        if buf.is_empty() {
            return Ok(0);
        }
        if self.blocks() {
            return Err(Stop::Wait(Want::WRITE));
        }
        let mut channel = self.outbound.lock().unwrap();
        let room = channel.room.map_or(usize::MAX, |room| room.saturating_sub(channel.bytes.len()));
        let n = buf.len().min(self.chunk).min(room);
        if n == 0 {
            return Err(Stop::Wait(Want::WRITE));
        }
        channel.bytes.extend(&buf[..n]);
        channel.writes += 1;
        Ok(n)
    }
}

impl Daemon for Judge {
    fn verdict(&self, conn: u64, peer: &PeerFacts<'_>) -> Result<(), Complaint> {
        let question = Question {
            conn,
            certificates: peer.chain.len(),
            resumed: peer.resumed,
            server: peer.server,
            server_name: peer.server_name.to_owned(),
            protocol: peer.protocol.to_owned(),
            staple: peer.staple.to_vec(),
        };
        self.questions.lock().unwrap().push(question.clone());
        let refuse = *self.refuse.lock().unwrap();
        refuse.and_then(|refuse| refuse(&question)).map_or(Ok(()), Err)
    }

    fn log(&self, level: Level, text: &str) {
        self.lines.lock().unwrap().push((level, text.to_owned()));
    }

    fn enabled(&self, _: Level) -> bool {
        true
    }
}

impl Judge {
    pub fn asked(&self) -> Vec<Question> {
        std::mem::take(&mut *self.questions.lock().unwrap())
    }

    pub fn refuse(&self, whom: Refuse) {
        *self.refuse.lock().unwrap() = Some(whom);
    }
}

impl Pki {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::default();
        // No two CAs of the same name: a client would take the one for the other.
        params.distinguished_name.push(DnType::CommonName, dir.path().to_string_lossy().into_owned());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let ca = CertifiedIssuer::self_signed(params, key).unwrap();
        fs::write(dir.path().join("ca.pem"), ca.pem()).unwrap();
        for name in ["server", "client"] {
            let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
            let params = CertificateParams::new([format!("{name}.example.net")]).unwrap();
            let certificate = params.signed_by(&key, &ca).unwrap();
            fs::write(dir.path().join(format!("{name}.pem")), certificate.pem() + &ca.pem()).unwrap();
            write_key(&dir.path().join(format!("{name}-key.pem")), &key.serialize_pem());
        }
        Self { dir }
    }

    pub fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    /// A context of this side with its own certificate.
    pub fn context(&self, role: Role, auth_mode: &str, priority: &str, daemon: &Arc<dyn Daemon>) -> Context {
        let name = if role == Role::Server { "server" } else { "client" };
        let (ca, cert, key) =
            (self.path("ca.pem"), self.path(&format!("{name}.pem")), self.path(&format!("{name}-key.pem")));
        let wishes = Wishes {
            auth_mode,
            ca_file: Some(&ca),
            cert_file: Some(&cert),
            key_file: Some(&key),
            priority: Some(priority),
            ..Wishes::default()
        };
        Context::new(role, &wishes, daemon).unwrap()
    }
}

pub fn write_key(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Two contexts and their daemons.
pub struct Pair {
    pub server: Context,
    pub client: Context,
    pub server_judge: Arc<Judge>,
    pub client_judge: Arc<Judge>,
}

impl Pair {
    /// Both sides with certificates.
    pub fn new(pki: &Pki, auth_mode: &str, priority: &str) -> Self {
        let (server_judge, client_judge) = (Arc::new(Judge::default()), Arc::new(Judge::default()));
        let as_daemon = |j: &Arc<Judge>| -> Arc<dyn Daemon> { j.clone() };
        Self {
            server: pki.context(Role::Server, auth_mode, priority, &as_daemon(&server_judge)),
            client: pki.context(Role::Client, auth_mode, priority, &as_daemon(&client_judge)),
            server_judge,
            client_judge,
        }
    }

    /// A server with a certificate, and a client without.
    pub fn bare_client(pki: &Pki, auth_mode: &str, priority: &str) -> Self {
        let mut pair = Self::new(pki, auth_mode, priority);
        let wishes = Wishes { auth_mode, priority: Some(priority), ..Wishes::default() };
        let daemon: Arc<dyn Daemon> = pair.client_judge.clone();
        pair.client = Context::new(Role::Client, &wishes, &daemon).unwrap();
        pair
    }

    /// Two sessions over `ends`; 7 is the server's connection, 8 the client's.
    pub fn sessions(&self, ends: (End, End)) -> (TestSession, TestSession) {
        let server = Session::new(&self.server, self.server_judge.clone(), ends.0, true, "", 7).unwrap();
        let name = "server.example.net";
        let client = Session::new(&self.client, self.client_judge.clone(), ends.1, false, name, 8).unwrap();
        (server, client)
    }

    /// Two sessions that have shaken hands.
    pub fn connected(&self) -> (TestSession, TestSession) {
        let (mut server, mut client) = self.sessions(pipe());
        let (a, b) = shake(&mut server, &mut client);
        a.unwrap();
        b.unwrap();
        (server, client)
    }
}

/// Drives both handshakes until both are over.
pub fn shake(a: &mut TestSession, b: &mut TestSession) -> (Result<(), Stop>, Result<(), Stop>) {
    let (mut first, mut second) = (None, None);
    for _ in 0..200_000 {
        if first.is_none() {
            first = over(a.handshake());
        }
        if second.is_none() {
            second = over(b.handshake());
        }
        if first.is_some() && second.is_some() {
            break;
        }
    }
    (first.expect("the first side waits for ever"), second.expect("the second side waits for ever"))
}

/// Reads until the stream would block; how it stopped stands beside the bytes.
pub fn read_all(session: &mut TestSession) -> (Vec<u8>, Stop) {
    let (mut all, mut buf) = (Vec::new(), vec![0; 64 << 10]);
    loop {
        match session.read(&mut buf) {
            Ok(n) => all.extend_from_slice(&buf[..n]),
            Err(stop) => return (all, stop),
        }
    }
}

/// Moves all of `bytes` from one session to the other.
pub fn carry(from: &mut TestSession, to: &mut TestSession, bytes: &[u8]) -> Vec<u8> {
    let (mut sent, mut got) = (0, Vec::new());
    for _ in 0..1_000_000 {
        match from.write(&bytes[sent..]) {
            Ok(n) => sent += n,
            Err(Stop::Wait(_)) => {}
            Err(stop) => panic!("{stop:?}"),
        }
        let mut buf = vec![0; 32 << 10];
        match to.read(&mut buf) {
            Ok(n) => got.extend_from_slice(&buf[..n]),
            Err(Stop::Wait(_)) => {}
            Err(stop) => panic!("{stop:?}"),
        }
        if got.len() >= bytes.len() {
            return got;
        }
    }
    panic!("{} of {} bytes sent, {} received", sent, bytes.len(), got.len());
}

/// The complaint of a session that was refused or failed.
pub fn why(stop: Stop) -> Complaint {
    match stop {
        Stop::Refused(why) | Stop::TimedOut(why) | Stop::Failed(why) => why,
        other => panic!("{other:?}"),
    }
}

/// The number of the alert that a complaint tells of.
pub fn alert(why: &Complaint) -> Option<i32> {
    why.text.split_once("(TLS alert ")?.1.split_once(',')?.0.parse().ok()
}

fn over(result: Result<(), Stop>) -> Option<Result<(), Stop>> {
    match result {
        Err(Stop::Wait(_)) => None,
        result => Some(result),
    }
}
