//! The folder of one quick start: two configurations, their certificates, the collector's file and the client's socket.

use super::certificates::{CLIENT, COLLECTOR};
use super::{Failed, LOOPBACK};
use std::fs::{DirBuilder, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A new directory that only its owner can enter. It stays: what is in it is meant to be read.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Result<Self, Failed> {
        let mut number = std::process::id();
        loop {
            let path = std::env::temp_dir().join(format!("sysloom-quickstart-{number}"));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) if path.join(SOCKET).as_os_str().len() > LONGEST => return Err(Failed::Long(path)),
                Ok(()) => return Ok(Self(path)),
                // Somebody else's, or left by a process of the same number.
                Err(e) if e.kind() == ErrorKind::AlreadyExists => number = number.wrapping_add(1),
                Err(e) => return Err(Failed::Write(path, e)),
            }
        }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn socket(&self) -> PathBuf {
        self.file(SOCKET)
    }

    /// Writes a file that was not there, for its owner alone.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf, Failed> {
        let path = self.file(name);
        let file = File::options().write(true).create_new(true).mode(0o600).open(&path);
        match file.and_then(|mut file| file.write_all(text.as_bytes())) {
            Ok(()) => Ok(path),
            Err(e) => Err(Failed::Write(path, e)),
        }
    }

    /// The collector's configuration.
    pub fn collector(&self, port: u16) -> String {
        let (tls, arrived) = (self.tls("collector"), self.quoted(ARRIVED));
        format!(
            "# The collector: takes syslog over TLS from a client that it knows by the name in its certificate.\n\
             {tls}\
             module(load=\"imtcp\" streamDriver.mode=\"1\" streamDriver.authMode=\"x509/name\" permittedPeer=\"{CLIENT}\")\n\
             input(type=\"imtcp\" address=\"{LOOPBACK}\" port=\"{port}\")\n\
             \n\
             action(type=\"omfile\" file={arrived})\n"
        )
    }

    /// The client's configuration.
    pub fn client(&self, port: u16) -> String {
        let (tls, socket) = (self.tls("client"), self.quoted(SOCKET));
        format!(
            "# The client: sends what is written to its local socket to a collector whose name it checks, over TLS.\n\
             {tls}\
             module(load=\"imuxsock\" sysSock.name={socket})\n\
             \n\
             action(\n    \
             type=\"omfwd\" target=\"{LOOPBACK}\" port=\"{port}\" protocol=\"tcp\" tcp_framing=\"octet-counted\"\n    \
             streamDriver.name=\"rustls\" streamDriver.mode=\"1\" streamDriver.authMode=\"x509/name\"\n    \
             permittedPeer=\"{COLLECTOR}\" action.resumeRetryCount=\"-1\"\n)\n"
        )
    }

    fn tls(&self, side: &str) -> String {
        let (ca, cert) = (self.quoted("ca.pem"), self.quoted(&format!("{side}.pem")));
        let key = self.quoted(&format!("{side}-key.pem"));
        format!(
            "global(\n    \
             abortOnUncleanConfig=\"on\"\n    \
             defaultNetstreamDriver=\"rustls\"\n    \
             defaultNetstreamDriverCAFile={ca}\n    \
             defaultNetstreamDriverCertFile={cert}\n    \
             defaultNetstreamDriverKeyFile={key}\n)\n"
        )
    }

    /// A file's path as a string of the configuration.
    fn quoted(&self, name: &str) -> String {
        let mut out = String::from("\"");
        for letter in self.file(name).to_string_lossy().chars() {
            if matches!(letter, '"' | '\\') {
                out.push('\\');
            }
            out.push(letter);
        }
        out.push('"');
        out
    }
}

/// The lines of the collector's file, as they come.
pub struct Arrivals {
    path: PathBuf,
    /// Where the first line begins that was not given yet.
    at: u64,
}

impl Arrivals {
    pub fn new(folder: &Folder) -> Self {
        Self { path: folder.file(ARRIVED), at: 0 }
    }

    /// The whole lines since the last call.
    pub fn next(&mut self) -> Result<Vec<String>, Failed> {
        let bytes = match read_from(&self.path, self.at) {
            Ok(bytes) => bytes,
            // The collector makes it with the first message.
            Err(e) if e.kind() == ErrorKind::NotFound => Vec::new(),
            Err(e) => return Err(Failed::Read(self.path.clone(), e)),
        };
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        self.at += whole as u64;
        Ok(String::from_utf8_lossy(&bytes[..whole]).lines().map(str::to_owned).collect())
    }
}

fn read_from(path: &Path, at: u64) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The collector's file.
const ARRIVED: &str = "collector.log";
/// The client's socket.
const SOCKET: &str = "log";
/// What fits into a socket's address.
const LONGEST: usize = 107;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_given_once_and_whole() {
        let folder = Folder::new().unwrap();
        let mut arrivals = Arrivals::new(&folder);
        assert!(arrivals.next().unwrap().is_empty());
        let file = folder.write(ARRIVED, "one\ntw").unwrap();
        assert_eq!(arrivals.next().unwrap(), ["one"]);
        File::options().append(true).open(file).unwrap().write_all(b"o\nthree\n").unwrap();
        assert_eq!(arrivals.next().unwrap(), ["two", "three"]);
        assert!(folder.write(ARRIVED, "").is_err(), "a file that is there is not written over");
        std::fs::remove_dir_all(folder.0).unwrap();
    }

    #[test]
    fn a_path_stays_one_string() {
        let folder = Folder(PathBuf::from("/tmp/a \"b\" $c\\"));
        assert_eq!(folder.quoted("x"), r#""/tmp/a \"b\" $c\\/x""#);
    }
}
