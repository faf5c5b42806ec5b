//! The cases, and what they amount to in a configuration.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// What kind of text a case is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// What stands between two percent signs.
    Piece,
    /// A property() of a list template.
    Property,
    Expression,
    Filter,
    Script,
    /// A built-in template's name.
    Template,
    /// A template() object without its name.
    Object,
}

/// One case.
pub struct Case {
    pub group: Group,
    pub text: String,
    /// Names it in the configuration and in the output.
    pub key: String,
    /// Its digits change from run to run.
    pub only_form: bool,
}

/// All cases.
pub fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    // First, because they show variables that other cases leave behind.
    for name in builtin_templates() {
        // Some hold the moment of reception.
        let key = format!("t{}", cases.len());
        let only_form =
            [" WallFmt", " StdDBFmt", " StdPgSQLFmt", " StdJSONFmt", " FullJSONFmt"].contains(&&*name);
        cases.push(Case { group: Group::Template, text: name, key, only_form });
    }
    for (group, file) in FILES {
        let text = read(file);
        let texts: Vec<&str> = match group {
            Group::Script => text.split("\n\n").collect(),
            _ => text.lines().collect(),
        };
        for text in texts.iter().map(|text| text.trim_end_matches('\n')) {
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let (only_form, text) = text.strip_prefix('~').map_or((false, text), |text| (true, text));
            let key = format!("{}{}", letter(group), cases.len());
            cases.push(Case { group, text: text.into(), key, only_form });
        }
    }
    cases
}

/// The messages, with `\t`, `\\` and `\xHH` decoded.
pub fn messages() -> Vec<Vec<u8>> {
    let decode = |line: &str| {
        let mut out = Vec::new();
        let mut rest = line.as_bytes();
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            match (byte, after) {
                (b'\\', [b't', ..]) => (out.push(b'\t'), rest = &after[1..]).1,
                (b'\\', [b'\\', ..]) => (out.push(b'\\'), rest = &after[1..]).1,
                (b'\\', [b'x', a, b, ..]) => {
                    let digits = String::from_utf8_lossy(&[*a, *b]).into_owned();
                    out.push(u8::from_str_radix(&digits, 16).expect("two hexadecimal digits"));
                    rest = &after[3..];
                }
                _ => out.push(byte),
            }
        }
        out
    };
    read("messages.txt").lines().map(decode).collect()
}

/// Differences that are on purpose, with their reasons.
pub fn differences() -> BTreeMap<(Group, String), String> {
    let mut listed = BTreeMap::new();
    for line in read("differences.tsv").lines().filter(|line| !line.starts_with('#')) {
        let mut cells = line.split('\t');
        let (Some(group), Some(text), Some(reason)) = (cells.next(), cells.next(), cells.next()) else {
            panic!("differences.tsv: {line:?} has not three columns");
        };
        let groups = FILES.iter().map(|(group, _)| *group).chain([Group::Template]);
        let group = groups.into_iter().find(|known| format!("{known:?}") == group);
        let group = group.unwrap_or_else(|| panic!("differences.tsv: no such group: {line:?}"));
        listed.insert((group, text.to_owned()), reason.to_owned());
    }
    listed
}

/// Words of coverage.txt that stand in no case.
pub fn uncovered(cases: &[Case]) -> Vec<String> {
    let text: String = cases.iter().map(|case| format!("\n{}\n", case.text)).collect();
    let words = |word: &str| {
        let whole = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '-' | '_'));
        text.match_indices(word).any(|(at, _)| {
            whole(text[..at].chars().next_back()) && whole(text[at + word.len()..].chars().next())
        })
    };
    let coverage = read("coverage.txt");
    let wanted = coverage.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace);
    wanted.filter(|word| !words(word)).map(str::to_owned).collect()
}

/// The configuration of all cases, but for its input and the place of its output.
pub fn configuration(cases: &[Case]) -> String {
    let (mut templates, mut body) = (String::new(), String::new());
    for case in cases {
        let (key, text) = (&case.key, &case.text);
        match case.group {
            Group::Piece => {
                let text = text.replace('\\', "\\\\").replace('"', "\\\"");
                line(
                    &mut templates,
                    &format!("template(name=\"{key}\" type=\"string\" string=\"%{text}%\")"),
                );
                emit(&mut body, key, &format!("exec_template(\"{key}\")"));
            }
            Group::Property => {
                line(
                    &mut templates,
                    &format!("template(name=\"{key}\" type=\"list\") {{ property({text}) }}"),
                );
                emit(&mut body, key, &format!("exec_template(\"{key}\")"));
            }
            Group::Object => {
                line(&mut templates, &format!("template(name=\"{key}\" {text}"));
                emit(&mut body, key, &format!("exec_template(\"{key}\")"));
            }
            Group::Template => emit(&mut body, key, &format!("exec_template(\"{text}\")")),
            Group::Expression => emit(&mut body, key, text),
            Group::Filter => {
                line(&mut body, &format!("set $.n = \"{key}\"; set $.t = \"passed\";"));
                line(&mut body, &format!("{text} {{\ncall emit\n}}"));
            }
            Group::Script => {
                line(&mut body, &format!("unset $!s; unset $.s;\n{text}"));
                emit(&mut body, key, "exec_template(\"shown\")");
            }
        }
    }
    format!("{HEAD}{templates}{RULESETS}{SETUP}{body}{FOOT}")
}

fn emit(body: &mut String, key: &str, value: &str) {
    line(body, &format!("set $.n = \"{key}\"; unset $.t; set $.t = {value};\ncall emit"));
}

fn line(out: &mut String, text: &str) {
    writeln!(out, "{text}").expect("a String takes everything");
}

fn letter(group: Group) -> char {
    format!("{group:?}").to_ascii_lowercase().chars().next().unwrap_or('x')
}

/// The names of the templates that a configuration has before it says anything.
fn builtin_templates() -> Vec<String> {
    let nothing = sysloom_config::load(Path::new("/dev/null"), &mut sysloom_config::System);
    let has_this = |name: &String| !SINCE_8_2302.contains(&&**name);
    nothing.plan.templates.into_iter().map(|template| template.name).filter(has_this).collect()
}

fn read(name: &str) -> String {
    let file: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/language").join(name);
    std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

const FILES: [(Group, &str); 6] = [
    (Group::Object, "objects.txt"),
    (Group::Piece, "pieces.txt"),
    (Group::Property, "properties.txt"),
    (Group::Expression, "expressions.txt"),
    (Group::Filter, "filters.txt"),
    (Group::Script, "scripts.txt"),
];

/// Built-in templates that rsyslog 8.2302 lacks, or has only with the module that uses them.
const SINCE_8_2302: [&str; 2] = ["RSYSLOG_PerSourceKey", " StdOmSenderTrack-senderid"];

const HEAD: &str = r#"
$ModLoad fmhash
$EscapeControlCharactersOnReceive off
main_queue(queue.type="linkedlist" queue.workerThreads="1")
lookup_table(name="strings" file="{dir}/strings.json")
lookup_table(name="array" file="{dir}/array.json")
lookup_table(name="sparse" file="{dir}/sparse.json")
dyn_stats(name="bucket")
template(name="emitted" type="string" string="[[%$.n%|%$.m%|%$.t%|]]\n")
template(name="msgonly" type="string" string="<%msg%>")
template(name="shown" type="string" string="%$!s% / %$.s%")
"#;

const RULESETS: &str = r#"
ruleset(name="emit") { action(type="omfile" file="{out}" template="emitted") }
ruleset(name="helper") { set $!s!helped = "yes"; set $.s = "helped"; }
"#;

/// The variables that cases read. The message's number keeps the results of messages apart.
const SETUP: &str = r#"
set $/n = $/n + 1;
set $.m = $/n;
set $/glob = "global";
set $.loc = "local";
set $.key = "str";
set $.r = parse_json("{\"num\":5,\"obj\":{\"k\":1},\"arr\":[1,\"x\"],\"tru\":true,\"fal\":false,\"dbl\":2.50,\"nul\":null,\"str\":\"text\",\"Mixed\":{\"Case\":1},\"ctl\":\"a\\tb\\u0001  c\\u007fd\\n\",\"path\":\"../a/b\",\"dots\":\"..\",\"slash\":\"/\",\"dot\":\".\",\"dotdot\":\"..\",\"lf\":\"x\\n\",\"lflf\":\"x\\n\\n\",\"utf\":\"\\u00e9\",\"esc\":\"a\\\\\\\"b\\\\n\\\\x\\\\u0041\",\"csv\":\"a,,b,c\",\"zero\":\"0\",\"zeros\":\"000\",\"numtext\":\"12\",\"blanknum\":\" 7 \",\"neg\":\"-5\",\"nest\":[{\"name\":\"p\",\"list\":[1,2]},{\"name\":\"q\",\"list\":[]}]}", "\$!");
"#;

const FOOT: &str = r#"
set $.n = "end"; set $.t = "";
call emit
"#;
