//! What CAs' responders said of peers' certificates: one store for the process, filled in the background. Nothing is
//! fetched inside a handshake: what is not known yet is unknown, and the question is on its way. Only certificates whose
//! path was found good are asked about, at the address that their CA wrote into them, so a stranger sends us nowhere.

use super::certificate::Certificate;
use super::ocsp::{self, Answer};
use aws_lc_rs::digest::{self, SHA256};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::collections::HashMap;
use std::io::Read;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

/// The store.
pub struct Answers {
    known: Mutex<HashMap<Key, Known>>,
    questions: Sender<Question>,
}

/// What is known of one certificate.
#[derive(Debug, PartialEq, Eq)]
pub enum Status {
    Good,
    /// Since when. Seconds since 1970.
    Revoked(i64),
    /// Why, in words.
    Unknown(String),
}

/// Which certificate: the digest of its issuer's certificate and its own.
type Key = [u8; 32];

#[derive(Default)]
struct Known {
    answer: Option<Answer>,
    /// Why the last question brought nothing.
    failure: Option<String>,
    failures: u32,
    on_its_way: bool,
    /// When to ask again. Seconds since 1970.
    ask_at: i64,
}

struct Question {
    key: Key,
    own: Vec<u8>,
    issuer: Vec<u8>,
    responder: String,
    asked_at: i64,
}

impl Answers {
    /// The process's store; its thread starts with the first use.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Answers> = OnceLock::new();
        SHARED.get_or_init(|| {
            let (questions, asked) = bounded(QUESTIONS);
            // Without the thread nobody receives, and every question fails at once: all stays unknown.
            drop(thread::Builder::new().name("ocsp".to_owned()).spawn(|| ask_all(asked)));
            Self { known: Mutex::default(), questions }
        })
    }

    /// What is known of `own`, by what the peer stapled or by what was fetched before. Asks in the background where
    /// nothing is known, or before what is known grows old. Never blocks.
    pub fn status(&self, own: &Certificate<'_>, issuer: &Certificate<'_>, staple: &[u8], now: i64) -> Status {
        let key = key(own, issuer);
        let stapled = (!staple.is_empty()).then(|| ocsp::read(staple, own, issuer, now));
        let mut store = self.known();
        let known = entry(&mut store, key, now);
        // The newer one counts: a peer may staple what was true before it was revoked.
        if let Some(Ok(answer)) = stapled
            && known.answer.is_none_or(|before| before.since <= answer.since)
        {
            known.answer = Some(answer);
            known.ask_at = renewal(answer, now);
        }
        if let Some(responder) = own.responder
            && !known.on_its_way
            && now >= known.ask_at
        {
            let question = Question {
                key,
                own: own.der.to_vec(),
                issuer: issuer.der.to_vec(),
                responder: responder.to_owned(),
                asked_at: now,
            };
            // A full queue: the next handshake asks again.
            known.on_its_way = self.questions.try_send(question).is_ok();
        }
        if let Some(answer) = known.answer.filter(|answer| answer.until >= now) {
            return answer.revoked.map_or(Status::Good, Status::Revoked);
        }
        Status::Unknown(match (stapled, own.responder, &known.failure) {
            (Some(Err(why)), ..) => format!("stapled by the peer: {why}"),
            (_, None, _) => {
                "it names no responder that answers over HTTP, and nothing was stapled".to_owned()
            }
            (_, Some(responder), Some(why)) => format!("{responder}: {why}"),
            (_, Some(responder), None) => format!("{responder} has been asked and has not answered yet"),
        })
    }

    /// Notes what came of a question.
    fn note(&self, question: &Question, answer: Result<Answer, String>) {
        let mut store = self.known();
        let known = entry(&mut store, question.key, question.asked_at);
        known.on_its_way = false;
        match answer {
            Ok(answer) => {
                known.ask_at = renewal(answer, question.asked_at);
                (known.answer, known.failure, known.failures) = (Some(answer), None, 0);
            }
            Err(why) => {
                let wait = (RETRY << known.failures.min(6)).min(RETRY_AT_LAST);
                known.failures += 1;
                known.failure = Some(why);
                known.ask_at = question.asked_at + wait;
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Key, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(own: &Certificate<'_>, issuer: &Certificate<'_>) -> Key {
    let mut both = digest::Context::new(&SHA256);
    both.update(issuer.der);
    both.update(own.der);
    let mut key = Key::default();
    key.copy_from_slice(both.finish().as_ref());
    key
}

/// The entry of a certificate; when there are very many, what is out of date makes room, and then anything.
fn entry(store: &mut HashMap<Key, Known>, key: Key, now: i64) -> &mut Known {
    if store.len() >= CERTIFICATES && !store.contains_key(&key) {
        store.retain(|_, known| known.on_its_way || known.answer.is_some_and(|answer| answer.until >= now));
        if store.len() >= CERTIFICATES {
            store.retain(|_, known| known.on_its_way);
        }
    }
    store.entry(key).or_default()
}

/// An answer is renewed when three quarters of its time have passed.
fn renewal(answer: Answer, now: i64) -> i64 {
    (answer.since + (answer.until - answer.since) / 4 * 3).max(now + RETRY)
}

fn ask_all(questions: Receiver<Question>) {
    for question in questions {
        let answer = fetch(&question);
        Answers::shared().note(&question, answer);
    }
}

fn fetch(question: &Question) -> Result<Answer, String> {
    let unread = |_| "the certificate cannot be read".to_owned();
    let own = Certificate::read(&question.own).map_err(unread)?;
    let issuer = Certificate::read(&question.issuer).map_err(unread)?;
    let body = ocsp::question(&own, &issuer).ok_or("there is no question about such a certificate")?;
    let reply = minreq::post(&question.responder)
        .with_header("Content-Type", "application/ocsp-request")
        .with_header("Accept", "application/ocsp-response")
        .with_body(body)
        .with_timeout(PATIENCE)
        .with_max_headers_size(HEADERS)
        .with_follow_redirects(false)
        .send_lazy()
        .map_err(|why| why.to_string())?;
    if reply.status_code != 200 {
        return Err(format!("it answers with status {} {}", reply.status_code, reply.reason_phrase));
    }
    let mut answer = Vec::new();
    reply.take(ANSWER).read_to_end(&mut answer).map_err(|why| why.to_string())?;
    ocsp::read(&answer, &own, &issuer, question.asked_at)
}

/// Questions that may wait at once.
const QUESTIONS: usize = 256;
/// Certificates that something is known of at once.
const CERTIFICATES: usize = 20_000;
/// Seconds until a question that failed is asked again, doubled each time, up to an hour.
const RETRY: i64 = 60;
const RETRY_AT_LAST: i64 = 3600;
/// Seconds that a responder may take.
const PATIENCE: u64 = 10;
/// Bytes of a reply that are read at most.
const HEADERS: usize = 8 * 1024;
const ANSWER: u64 = 64 * 1024;
