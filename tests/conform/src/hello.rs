//! ClientHello, read from what a driver sends, and written for versions that no library offers any more.

use crate::duel::Bench;
use crate::pipe::pipe;
use sysloom_engine::plugin::{Halt, Side};

/// What a client offers.
#[derive(Debug, Default)]
pub struct Hello {
    pub versions: Vec<u16>,
    pub suites: Vec<u16>,
    pub server_name: Option<String>,
}

impl Hello {
    /// The driver's, when it shall ask for `name`.
    pub fn of(bench: &Bench, name: &str) -> Result<Self, String> {
        let (near, far) = pipe();
        let mut session = bench.session(Side::Client, near, name)?;
        match session.handshake() {
            Err(Halt::Wait { .. }) => {}
            other => return Err(format!("the first step of a client's handshake says {other:?}")),
        }
        let records = far.take();
        // The hello may be spread over records.
        let (mut message, mut rest) = (Vec::new(), records.as_slice());
        while let [22, _, _, high, low, more @ ..] = rest {
            let len = usize::from(u16::from_be_bytes([*high, *low]));
            message.extend_from_slice(more.get(..len).ok_or("the ClientHello's record is cut off")?);
            rest = &more[len..];
        }
        Self::read(&message).ok_or_else(|| "what a client sends first is no ClientHello".to_owned())
    }

    // RFC 8446 4.1.2.
    fn read(message: &[u8]) -> Option<Self> {
        let mut body = Reader(message);
        if body.take(1)? != [1] {
            return None;
        }
        body.take(3)?;
        let mut hello = Self { versions: vec![body.number()?], ..Self::default() };
        body.take(32)?;
        let session = body.take(1)?[0];
        body.take(session.into())?;
        let mut suites = Reader(body.vector()?);
        while let Some(suite) = suites.number() {
            hello.suites.push(suite);
        }
        let compressions = body.take(1)?[0];
        body.take(compressions.into())?;
        let mut extensions = Reader(body.vector().unwrap_or_default());
        while let Some(kind) = extensions.number() {
            let mut content = Reader(extensions.vector()?);
            match kind {
                SERVER_NAME => {
                    let mut list = Reader(content.vector()?);
                    list.take(1)?;
                    hello.server_name = Some(String::from_utf8_lossy(list.vector()?).into_owned());
                }
                SUPPORTED_VERSIONS => {
                    content.take(1)?;
                    while let Some(version) = content.number() {
                        // RFC 8701: numbers that mean nothing.
                        if version & 0x0f0f != 0x0a0a {
                            hello.versions.push(version);
                        }
                    }
                }
                _ => {}
            }
        }
        Some(hello)
    }
}

/// The ClientHello of a client that knows nothing newer than `version`.
pub fn old_hello(version: [u8; 2]) -> Vec<u8> {
    let mut body = version.to_vec();
    body.extend([7; 32]);
    body.push(0);
    // TLS_RSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA.
    body.extend([0, 6, 0, 0x2f, 0xc0, 0x13, 0xc0, 0x09]);
    body.extend([1, 0]);
    // supported_groups: secp256r1; ec_point_formats: uncompressed; signature_algorithms: ecdsa_secp256r1_sha256, since a
    // server may look for those before it looks at the version.
    let extensions = [0, 10, 0, 4, 0, 2, 0, 23, 0, 11, 0, 2, 1, 0, 0, 13, 0, 4, 0, 2, 4, 3];
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    let mut message = vec![1, 0];
    message.extend((body.len() as u16).to_be_bytes());
    message.extend(body);
    let mut record = vec![22, version[0], version[1]];
    record.extend((message.len() as u16).to_be_bytes());
    record.extend(message);
    record
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u16> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    /// What stands behind a length of two bytes.
    fn vector(&mut self) -> Option<&'a [u8]> {
        let len = self.number()?;
        self.take(len.into())
    }
}

const SERVER_NAME: u16 = 0;
const SUPPORTED_VERSIONS: u16 = 43;
