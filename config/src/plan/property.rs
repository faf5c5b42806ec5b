//! Properties of a message and of the system, and paths into its JSON variables.

/// Which of the three variable trees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JsonRoot {
    /// `$!`: travels with the message.
    Message,
    /// `$.`: travels with the message, but is no part of it.
    Local,
    /// `$/`: one for the process.
    Global,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    Key(String),
    /// `[n]`
    Index(usize),
}

/// `$!a!b[2]`; no steps means the whole tree. Scripts keep the case of names, templates have them in lower case
/// unless case matters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JsonPath {
    pub root: JsonRoot,
    pub steps: Vec<Step>,
}

/// What a template piece, filter or expression can read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PropertyRef {
    Named(Property),
    Json(JsonPath),
}

impl PropertyRef {
    /// Looks a name up as templates and filters write it: without regard to case; system properties and variables
    /// begin with `$`. `case_sensitive` says whether variable names keep their case.
    pub fn find(name: &str, case_sensitive: bool) -> Option<PropertyRef> {
        if let Some(path) = JsonPath::parse(name, case_sensitive) {
            return Some(match () {
                () if name.eq_ignore_ascii_case("$!all-json") => PropertyRef::Named(Property::AllJson),
                () if name.eq_ignore_ascii_case("$!all-json-plain") => {
                    PropertyRef::Named(Property::AllJsonPlain)
                }
                () => PropertyRef::Json(path),
            });
        }
        let (_, property) = NAMES.iter().find(|(n, _)| n.eq_ignore_ascii_case(name))?;
        Some(PropertyRef::Named(*property))
    }
}

impl JsonPath {
    /// Reads `$!a!b`, `$.a`, `$/a`, `$!`; none when the text is no such path.
    pub fn parse(name: &str, case_sensitive: bool) -> Option<JsonPath> {
        let mut rest = name.strip_prefix('$')?.chars();
        let root = match rest.next()? {
            '!' => JsonRoot::Message,
            '.' => JsonRoot::Local,
            '/' => JsonRoot::Global,
            _ => return None,
        };
        let mut steps = Vec::new();
        for level in rest.as_str().split('!').filter(|level| !level.is_empty()) {
            let (key, indexes) = split_indexes(level);
            if !key.is_empty() {
                steps.push(Step::Key(if case_sensitive {
                    key.to_string()
                } else {
                    key.to_ascii_lowercase()
                }));
            }
            steps.extend(indexes.into_iter().map(Step::Index));
        }
        Some(JsonPath { root, steps })
    }
}

/// All names of properties, for suggestions.
pub(crate) fn property_names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(name, _)| *name)
}

/// Splits `name[1][2]`; brackets that hold no number stay part of the name.
fn split_indexes(level: &str) -> (&str, Vec<usize>) {
    let mut key = level;
    let mut indexes = Vec::new();
    while let Some((before, inside)) = key.strip_suffix(']').and_then(|k| k.rsplit_once('[')) {
        let Ok(index) = inside.parse() else { break };
        indexes.insert(0, index);
        key = before;
    }
    (key, indexes)
}

macro_rules! properties {
    ($($(#[$doc:meta])* $variant:ident = $($name:literal)|+;)*) => {
        /// A property with a fixed meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Property { $($(#[$doc])* $variant,)* }

        impl Property {
            /// The documented name; system properties begin with `$`.
            pub fn name(self) -> &'static str {
                match self { $(Property::$variant => [$($name),+][0],)* }
            }
        }

        /// All names, aliases included.
        const NAMES: &[(&str, Property)] = &[$($(($name, Property::$variant),)+)*];
    };
}

properties! {
    Msg = "msg";
    Rawmsg = "rawmsg";
    RawmsgAfterPri = "rawmsg-after-pri";
    Hostname = "hostname" | "source";
    Syslogtag = "syslogtag";
    Programname = "programname";
    Pri = "pri";
    PriText = "pri-text";
    Iut = "iut";
    Syslogfacility = "syslogfacility";
    SyslogfacilityText = "syslogfacility-text";
    Syslogseverity = "syslogseverity" | "syslogpriority";
    SyslogseverityText = "syslogseverity-text" | "syslogpriority-text";
    Timereported = "timereported" | "timestamp";
    Timegenerated = "timegenerated" | "timereceived";
    ProtocolVersion = "protocol-version";
    AppName = "app-name";
    Procid = "procid";
    Msgid = "msgid";
    StructuredData = "structured-data";
    Inputname = "inputname";
    Fromhost = "fromhost";
    FromhostIp = "fromhost-ip";
    FromhostPort = "fromhost-port";
    Jsonmesg = "jsonmesg";
    Uuid = "uuid";
    Parsesuccess = "parsesuccess";
    /// The whole `$!` tree, with blanks.
    AllJson = "$!all-json";
    /// The whole `$!` tree, without blanks.
    AllJsonPlain = "$!all-json-plain";
    Now = "$now";
    Year = "$year";
    Month = "$month";
    Day = "$day";
    Hour = "$hour";
    Hhour = "$hhour";
    Qhour = "$qhour";
    Minute = "$minute";
    Wday = "$wday";
    NowUtc = "$now-utc";
    YearUtc = "$year-utc";
    MonthUtc = "$month-utc";
    DayUtc = "$day-utc";
    HourUtc = "$hour-utc";
    HhourUtc = "$hhour-utc";
    QhourUtc = "$qhour-utc";
    MinuteUtc = "$minute-utc";
    WdayUtc = "$wday-utc";
    NowUnixtimestamp = "$now-unixtimestamp";
    Myhostname = "$myhostname";
    Bom = "$bom";
    Uptime = "$uptime";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_paths() {
        let named = |p| Some(PropertyRef::Named(p));
        assert_eq!(PropertyRef::find("SYSLOGPRIORITY-text", false), named(Property::SyslogseverityText));
        assert_eq!(PropertyRef::find("$!all-json", false), named(Property::AllJson));
        assert_eq!(PropertyRef::find("$nonsense", false), None);
        let path = JsonPath::parse("$.A!b[2]", false).unwrap();
        assert_eq!(path.root, JsonRoot::Local);
        assert_eq!(path.steps, [Step::Key("a".into()), Step::Key("b".into()), Step::Index(2)]);
        assert_eq!(JsonPath::parse("$!", false).unwrap().steps, []);
    }
}
