//! A tap on the wire: a relay on loopback that keeps a copy of every byte that passes, in both directions.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A relay to another port. It ends with the test's process.
pub struct Tap {
    port: u16,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Tap {
    /// Relays connections to `port` on loopback.
    pub fn new(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
        let own = listener.local_addr().expect("it is bound").port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let copy = Arc::clone(&seen);
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else { continue };
                    let copy = Arc::clone(&copy);
                    thread::spawn(move || relay(from, to, &copy));
                }
            }
        });
        Self { port: own, seen }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the bytes that passed so far hold `text`.
    pub fn saw(&self, text: &[u8]) -> bool {
        let seen = self.seen.lock().expect("relays do not panic");
        seen.windows(text.len()).any(|window| window == text)
    }

    /// Bytes that passed so far.
    pub fn len(&self) -> usize {
        self.seen.lock().expect("relays do not panic").len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn relay(mut from: TcpStream, mut to: TcpStream, copy: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(n) = from.read(&mut buffer) {
        if n == 0 {
            break;
        }
        copy.lock().expect("relays do not panic").extend_from_slice(&buffer[..n]);
        if to.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
