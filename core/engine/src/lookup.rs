//! Lookup tables: files of keys and values, read once and again on demand.
//!
//! A worker's lookup takes the table that is there; a reload reads the file in a thread of its own and puts the new
//! table in its place, so that messages never wait for a file.

use crate::filter::Regex;
use crate::script::json::{Json, Object};
use crate::script::{Value, parse};
use slog::{Logger, error, info};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use sysloom_config::plan::RegexKind;

/// A table as the configuration names it.
pub struct Table {
    name: String,
    file: PathBuf,
    /// Whether HUP reloads it.
    on_hup: bool,
    content: RwLock<Arc<Content>>,
    reloading: AtomicBool,
    log: Logger,
}

/// What a table's file says.
#[derive(Default)]
pub struct Content {
    nomatch: Vec<u8>,
    keys: Keys,
}

#[derive(Default)]
enum Keys {
    /// Every key has the value of `nomatch`.
    #[default]
    None,
    Text(HashMap<Vec<u8>, Arc<[u8]>>),
    /// Consecutive numbers from the first one.
    Array(i64, Vec<Arc<[u8]>>),
    /// The largest index that is not above the key counts. Sorted.
    Sparse(Vec<(i64, Arc<[u8]>)>),
    /// The first that matches counts.
    Regex(Vec<(Regex, Arc<[u8]>)>),
}

/// What is wrong with a table's file.
#[derive(Debug, thiserror::Error)]
pub enum BadTable {
    #[error("lookup table file '{0}' could not be opened: {why}", why = words(.1))]
    Unreadable(PathBuf, std::io::Error),
    #[error("lookup table file '{0}' json parsing error")]
    NotJson(PathBuf),
    #[error("lookup table file '{0}': {1}")]
    Invalid(PathBuf, &'static str),
    #[error("lookup table file '{0}': regular expression {1}: {2}")]
    Regex(PathBuf, String, crate::filter::BadRegex),
}

impl BadTable {
    /// rsyslog's code.
    pub fn code(&self) -> i32 {
        match self {
            Self::Unreadable(..) => 2040,
            Self::NotJson(_) => 2303,
            Self::Invalid(..) => 2218,
            Self::Regex(..) => 2207,
        }
    }
}

/// The system's words alone, without the number that Rust adds.
fn words(error: &std::io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => nix::errno::Errno::from_raw(number).desc().into(),
        None => error.to_string(),
    }
}

impl Table {
    /// A table and what its first load came to: if that failed, every lookup gives nothing.
    pub fn new(name: &str, file: &str, on_hup: bool, log: Logger) -> (Arc<Self>, Result<(), BadTable>) {
        let file = PathBuf::from(file);
        let (content, result) = match Content::load(&file) {
            Ok(content) => (content, Ok(())),
            Err(bad) => (Content::default(), Err(bad)),
        };
        let content = RwLock::new(Arc::new(content));
        let table = Self { name: name.into(), file, on_hup, content, reloading: AtomicBool::new(false), log };
        (Arc::new(table), result)
    }

    /// The value of a key.
    pub fn find<'a>(&self, key: &Value<'_>) -> Value<'a> {
        let content = Arc::clone(&self.content.read().unwrap_or_else(PoisonError::into_inner));
        Value::text(content.find(key).to_vec())
    }

    /// Reads the file again, in a thread of its own. If that fails, the old table stays, or every key yields the stub.
    pub fn reload(self: &Arc<Self>, stub: Option<&str>) {
        // rsyslog: a reload that is asked for while one is under way is none.
        if self.reloading.swap(true, Ordering::AcqRel) {
            return;
        }
        let (table, stub) = (Arc::clone(self), stub.map(str::to_owned));
        let run = move || {
            table.reload_now(stub.as_deref());
            table.reloading.store(false, Ordering::Release);
        };
        if std::thread::Builder::new().name("lookup".into()).spawn(run).is_err() {
            self.reloading.store(false, Ordering::Release);
        }
    }

    /// The daemon was told to read its files anew.
    pub fn hup(self: &Arc<Self>) {
        if self.on_hup {
            self.reload(None);
        }
    }

    fn reload_now(&self, stub: Option<&str>) {
        let (name, file) = (&self.name, self.file.display());
        let content = match (Content::load(&self.file), stub) {
            (Ok(content), _) => {
                info!(self.log, "lookup table '{name}' reloaded from file '{file}'");
                content
            }
            (Err(bad), stub) => {
                error!(self.log, "{bad}"; "code" => bad.code());
                error!(self.log, "lookup table '{name}' could not be reloaded from file '{file}'"; "code" => 2175);
                let Some(stub) = stub else { return };
                error!(self.log, "stubbing lookup table '{name}' with value '{stub}'"; "code" => 0);
                error!(self.log, "lookup table '{name}' stubbed with value '{stub}'"; "code" => 0);
                Content { nomatch: stub.as_bytes().to_vec(), keys: Keys::None }
            }
        };
        *self.content.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(content);
    }
}

impl Content {
    fn load(file: &Path) -> Result<Self, BadTable> {
        let text = std::fs::read(file).map_err(|e| BadTable::Unreadable(file.into(), e))?;
        let Some(Json::Object(root)) = parse::parse(&text) else {
            return Err(BadTable::NotJson(file.into()));
        };
        Self::read(&root).map_err(|bad| bad.at(file))
    }

    fn read(root: &Object) -> Result<Self, Flaw> {
        let text = |value: &Json| {
            let mut out = Vec::new();
            value.write_value(&mut out);
            out
        };
        let member = |name: &str| root.find(name.as_bytes(), true);
        if member("version").is_some_and(|v| !matches!(v, Json::Int(1))) {
            return Err(Flaw::Words("its version is not 1"));
        }
        let nomatch = member("nomatch").map(text).unwrap_or_default();
        let Some(Json::Array(rows)) = member("table") else { return Err(Flaw::Words("it has no `table`")) };
        let mut cells = Vec::new();
        for row in rows {
            let Json::Object(row) = row else { return Err(Flaw::Words("a row is no object")) };
            let key = row.find(b"index", true).or_else(|| row.find(b"regex", true));
            let value = row.find(b"value", true).or_else(|| row.find(b"tag", true));
            let (Some(key), Some(value)) = (key, value) else {
                return Err(Flaw::Words("a row lacks `index` or `value`"));
            };
            cells.push((key, Arc::<[u8]>::from(text(value))));
        }
        let number = |key: &Json| match Value::from_json(Some(key)).number() {
            (n, true) if n >= 0 => Ok(n),
            _ => Err(Flaw::Words("an index is no number")),
        };
        let kind = member("type").map(text).unwrap_or_else(|| b"string".to_vec());
        let keys = match kind.as_slice() {
            b"string" => Keys::Text(cells.into_iter().map(|(key, value)| (text(key), value)).collect()),
            b"array" => {
                let mut numbered = Vec::new();
                for (key, value) in cells {
                    numbered.push((number(key)?, value));
                }
                numbered.sort_by_key(|(n, _)| *n);
                let first = numbered.first().map_or(0, |(n, _)| *n);
                if numbered.iter().zip(first..).any(|((n, _), wanted)| *n != wanted) {
                    return Err(Flaw::Words("the indexes of an array table have gaps"));
                }
                Keys::Array(first, numbered.into_iter().map(|(_, value)| value).collect())
            }
            b"sparseArray" => {
                let mut numbered = Vec::new();
                for (key, value) in cells {
                    numbered.push((number(key)?, value));
                }
                numbered.sort_by_key(|(n, _)| *n);
                Keys::Sparse(numbered)
            }
            b"regex" => {
                let mut rows = Vec::new();
                for (key, value) in cells {
                    let expression = text(key);
                    let regex = Regex::new(&expression, RegexKind::Extended, false)
                        .map_err(|bad| Flaw::Regex(String::from_utf8_lossy(&expression).into_owned(), bad))?;
                    rows.push((regex, value));
                }
                Keys::Regex(rows)
            }
            _ => return Err(Flaw::Words("its type is not string, array, sparseArray or regex")),
        };
        Ok(Self { nomatch, keys })
    }

    fn find(&self, key: &Value<'_>) -> &[u8] {
        let found = match &self.keys {
            Keys::None => None,
            Keys::Text(map) => map.get(&*key.shown()).map(|v| &**v),
            Keys::Array(first, values) => {
                let at = usize::try_from(key.number().0.wrapping_sub(*first));
                at.ok().and_then(|at| values.get(at)).map(|v| &**v)
            }
            Keys::Sparse(rows) => {
                let key = key.number().0;
                let after = rows.partition_point(|(index, _)| *index <= key);
                after.checked_sub(1).and_then(|at| rows.get(at)).map(|(_, v)| &**v)
            }
            Keys::Regex(rows) => {
                let key = key.shown();
                rows.iter().find(|(regex, _)| regex.is_match(&key)).map(|(_, v)| &**v)
            }
        };
        found.unwrap_or(&self.nomatch)
    }
}

/// What is wrong, before the file is named.
enum Flaw {
    Words(&'static str),
    Regex(String, crate::filter::BadRegex),
}

impl Flaw {
    fn at(self, file: &Path) -> BadTable {
        match self {
            Self::Words(words) => BadTable::Invalid(file.into(), words),
            Self::Regex(expression, bad) => BadTable::Regex(file.into(), expression, bad),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(text: &str) -> Option<Content> {
        match parse::parse(text.as_bytes())? {
            Json::Object(root) => Content::read(&root).ok(),
            _ => None,
        }
    }

    #[test]
    fn keys_of_every_type() {
        let rows = r#"{"index":"1","value":"one"},{"index":2,"value":"two"}"#;
        let of = |kind: &str, rows: &str| {
            content(&format!(r#"{{"version":1,"nomatch":"none","type":"{kind}","table":[{rows}]}}"#)).unwrap()
        };
        let find = |table: &Content, key: &str| {
            String::from_utf8(table.find(&Value::text(key.as_bytes())).to_vec()).unwrap()
        };
        let string = of("string", rows);
        assert_eq!([find(&string, "1"), find(&string, "2"), find(&string, "01")], ["one", "two", "none"]);
        let array = of("array", rows);
        assert_eq!([find(&array, "01"), find(&array, "2"), find(&array, "3")], ["one", "two", "none"]);
        let sparse = of("sparseArray", r#"{"index":10,"value":"ten"},{"index":2,"value":"two"}"#);
        let found = ["1", "2", "9", "10", "99"].map(|key| find(&sparse, key));
        assert_eq!(found, ["none", "two", "two", "ten", "ten"]);
        let regex = of("regex", r#"{"regex":"^a","tag":"A"},{"regex":"b","tag":"B"}"#);
        assert_eq!(["ab", "cb", "c"].map(|key| find(&regex, key)), ["A", "B", "none"]);
        assert!(
            content(r#"{"type":"array","table":[{"index":1,"value":""},{"index":3,"value":""}]}"#).is_none()
        );
        assert!(content(r#"{"type":"nope","table":[]}"#).is_none());
        assert!(content(r#"{"type":"string"}"#).is_none());
    }
}
