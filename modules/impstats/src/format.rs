//! One object's counters as text, in each of the formats.

use std::fmt::Write;

/// How reports are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Legacy,
    Json,
    JsonElasticsearch,
    Cee,
    Prometheus,
    Zabbix,
}

/// An object and what it has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object {
    pub name: String,
    pub origin: String,
    pub counters: Vec<(String, u64)>,
}

impl Format {
    pub fn parse(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "json" => Self::Json,
            "json-elasticsearch" => Self::JsonElasticsearch,
            "cee" => Self::Cee,
            "prometheus" => Self::Prometheus,
            "zabbix" => Self::Zabbix,
            _ => Self::Legacy,
        }
    }

    /// One object. `None` for the format that makes one document of all.
    pub fn object(self, object: &Object) -> Option<String> {
        match self {
            Self::Legacy => Some(legacy(object)),
            Self::Json => Some(json(object, |name| name.into())),
            Self::JsonElasticsearch => Some(json(object, |name| name.replace('.', "!"))),
            Self::Cee => Some(format!("@cee: {}", json(object, |name| name.into()))),
            Self::Prometheus => Some(prometheus(object)),
            Self::Zabbix => None,
        }
    }
}

fn legacy(object: &Object) -> String {
    let mut out = format!("{}: origin={} ", object.name, object.origin);
    for (name, value) in &object.counters {
        // Writing to a String cannot fail.
        let _ = write!(out, "{name}={value} ");
    }
    out
}

fn json(object: &Object, rename: impl Fn(&str) -> String) -> String {
    let pair = |(name, value): &(String, u64)| format!("{}: {value}", quoted(&rename(name)));
    let counters = object.counters.iter().map(pair).collect::<Vec<_>>().join(", ");
    let (name, origin) = (quoted(&object.name), quoted(&object.origin));
    // rsyslog: these have names that somebody else chose, which must not meet ours.
    if object.origin.starts_with("dynstats") || object.origin.starts_with("percentile") {
        let values = if counters.is_empty() { "{ }".to_owned() } else { format!("{{ {counters} }}") };
        return format!("{{ \"name\": {name}, \"origin\": {origin}, \"values\": {values} }}");
    }
    let comma = if counters.is_empty() { "" } else { ", " };
    format!("{{ \"name\": {name}, \"origin\": {origin}{comma}{counters} }}")
}

fn prometheus(object: &Object) -> String {
    let mut out = String::new();
    for (name, value) in &object.counters {
        let metric = metric_of(object, name);
        let help = format!("{} {} of {}", object.origin, name, object.name).replace(['\\', '\n'], " ");
        let _ = write!(out, "# HELP {metric} {help}\n# TYPE {metric} counter\n{metric} {value}\n\n");
    }
    out.truncate(out.trim_end_matches('\n').len() + usize::from(!out.is_empty()));
    out
}

/// What Prometheus calls a counter.
pub fn metric_of(object: &Object, counter: &str) -> String {
    metric(&format!("{}_{counter}_total", object.name))
}

/// Prometheus' escaping of names: what it does not allow becomes `_HEX_`, and such a name starts with `U__`.
fn metric(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    if name.chars().all(allowed) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        return name.into();
    }
    let mut out = String::from("U__");
    for (at, c) in name.chars().enumerate() {
        match c {
            '_' => out.push_str("__"),
            c if allowed(c) && !(at == 0 && c.is_ascii_digit()) => out.push(c),
            c => {
                let _ = write!(out, "_{:X}_", u32::from(c));
            }
        }
    }
    out
}

/// All objects in one document, grouped by origin.
pub fn zabbix(objects: &[Object], time: &str) -> String {
    let mut origins: Vec<&str> = Vec::new();
    for object in objects {
        if !origins.contains(&object.origin.as_str()) {
            origins.push(&object.origin);
        }
    }
    let mut out = format!("{{ \"timedate\": {}", quoted(time));
    for origin in origins {
        let group = objects.iter().filter(|object| object.origin == origin).map(|object| {
            let counters = object.counters.iter().map(|(name, value)| format!(", {}: {value}", quoted(name)));
            format!("{{ \"name\": {}{} }}", quoted(&object.name), counters.collect::<String>())
        });
        let group = group.collect::<Vec<_>>().join(", ");
        let _ = write!(out, ", {}: [ {group} ]", quoted(origin));
    }
    out.push_str(" }");
    out
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            // rsyslog: its JSON library escapes the slash, too.
            '"' | '\\' | '/' => out.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str, origin: &str, counters: &[(&str, u64)]) -> Object {
        let counters = counters.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        Object { name: name.into(), origin: origin.into(), counters }
    }

    #[test]
    fn each_format_as_rsyslog_writes_it() {
        let queue = object("main Q", "core.queue", &[("size", 1), ("discarded.full", 0)]);
        let text = |format: &str| Format::parse(format).object(&queue).unwrap();
        assert_eq!(text("legacy"), "main Q: origin=core.queue size=1 discarded.full=0 ");
        let json = "{ \"name\": \"main Q\", \"origin\": \"core.queue\", \"size\": 1, \"discarded.full\": 0 }";
        assert_eq!(text("json"), json);
        assert_eq!(text("JSON"), json);
        assert_eq!(text("cee"), format!("@cee: {json}"));
        assert_eq!(text("json-elasticsearch"), json.replace("discarded.full", "discarded!full"));
        let bucket = object("b\"", "dynstats.bucket", &[("a.b", 3)]);
        assert_eq!(
            Format::Json.object(&bucket).unwrap(),
            "{ \"name\": \"b\\\"\", \"origin\": \"dynstats.bucket\", \"values\": { \"a.b\": 3 } }"
        );
    }

    #[test]
    fn names_are_escaped_as_rsyslogs_json_library_does() {
        let port = object("imudp(127.0.0.1/514/IPv4)", "imudp", &[("submitted", 0)]);
        assert_eq!(
            Format::Json.object(&port).unwrap(),
            "{ \"name\": \"imudp(127.0.0.1\\/514\\/IPv4)\", \"origin\": \"imudp\", \"submitted\": 0 }"
        );
        let global = object("global", "dynstats", &[]);
        let want = "{ \"name\": \"global\", \"origin\": \"dynstats\", \"values\": { } }";
        assert_eq!(Format::Json.object(&global).unwrap(), want);
    }

    #[test]
    fn prometheus_names_are_escaped_only_where_they_must_be() {
        assert_eq!(metric("imudp_submitted_total"), "imudp_submitted_total");
        assert_eq!(metric("main Q_size_total"), "U__main_20_Q__size__total");
        let plain = object("global", "dynstats", &[("ops", 2)]);
        let text = Format::Prometheus.object(&plain).unwrap();
        assert_eq!(
            text,
            "# HELP global_ops_total dynstats ops of global\n# TYPE global_ops_total counter\nglobal_ops_total 2\n"
        );
    }

    #[test]
    fn zabbix_gets_one_document() {
        let objects = [object("a", "x", &[("n", 1)]), object("c", "y", &[]), object("b", "x", &[("n", 2)])];
        assert_eq!(
            zabbix(&objects, "now"),
            "{ \"timedate\": \"now\", \"x\": [ { \"name\": \"a\", \"n\": 1 }, { \"name\": \"b\", \"n\": 2 } ], \
             \"y\": [ { \"name\": \"c\" } ] }"
        );
        assert_eq!(Format::parse("zabbix").object(&objects[0]), None);
    }
}
