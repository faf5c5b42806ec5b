//! A world for tests: files in memory or below a directory, modules from tables in this file or from a list of
//! parameters that lies outside the repository.
#![allow(dead_code, reason = "every test file uses its own part")]

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use sysloom_config::catalogue::{FunctionSpec, Kinds, Legacy, LegacyKind, ModuleSpec, Param, Type};
use sysloom_config::diagnostic::{first_line, render};
use sysloom_config::{Environment, Loaded, Span};

#[derive(Default)]
pub struct World {
    pub files: HashMap<PathBuf, Vec<u8>>,
    pub modules: HashMap<String, Arc<ModuleSpec>>,
    pub variables: HashMap<String, String>,
    /// Also read files of the machine.
    pub real_files: bool,
    /// Every user and group exists.
    pub all_accounts: bool,
}

impl Environment for World {
    fn read(&mut self, path: &Path) -> io::Result<Vec<u8>> {
        match self.files.get(path) {
            Some(bytes) => Ok(bytes.clone()),
            None if self.real_files => std::fs::read(path),
            None => Err(io::Error::new(io::ErrorKind::NotFound, "No such file or directory")),
        }
    }

    fn list(&mut self, directory: &Path) -> io::Result<Vec<(PathBuf, bool)>> {
        let mut entries: Vec<(PathBuf, bool)> = Vec::new();
        for file in self.files.keys() {
            if let Ok(rest) = file.strip_prefix(directory) {
                let mut parts = rest.components();
                if let Some(first) = parts.next() {
                    let entry = (directory.join(first), parts.next().is_some());
                    if !entries.contains(&entry) {
                        entries.push(entry);
                    }
                }
            }
        }
        entries.sort();
        Ok(entries)
    }

    fn is_directory(&mut self, path: &Path) -> bool {
        !self.files.contains_key(path) && self.files.keys().any(|f| f.starts_with(path))
    }

    fn accessible(&mut self, path: &Path) -> bool {
        self.real_files || self.files.contains_key(path) || self.is_directory(path)
    }

    fn var(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn user(&mut self, name: &str) -> Option<u32> {
        (self.all_accounts || name == "syslog").then_some(104)
    }

    fn group(&mut self, name: &str) -> Option<u32> {
        (self.all_accounts || name == "adm").then_some(4)
    }

    fn load_module(&mut self, name: &str, _at: Span) -> Result<Arc<ModuleSpec>, String> {
        let bare = name.rsplit('/').next().unwrap_or(name).trim_end_matches(".so").to_ascii_lowercase();
        self.modules
            .get(&bare)
            .cloned()
            .ok_or_else(|| format!("trying to load module /lib/{bare}.so: no such file"))
    }

    fn known_modules(&mut self) -> Vec<String> {
        self.modules.keys().cloned().collect()
    }
}

/// What the daemon prints for a load.
pub fn stderr(loaded: &Loaded) -> String {
    let mut out = String::new();
    for d in &loaded.diagnostics {
        out.push_str(&first_line(d, &loaded.sources));
        if d.code != 0 {
            out.push_str(&format!(" [{}]", d.code));
        }
        out.push('\n');
        out.push_str(&render(d, &loaded.sources, false));
    }
    out
}

/// A world with one file and a handful of modules.
pub fn small(text: &str) -> World {
    let mut world = World::default();
    world.files.insert(PathBuf::from("t.conf"), text.as_bytes().to_vec());
    for spec in small_modules() {
        world.modules.insert(spec.name.clone(), Arc::new(spec));
    }
    world
}

/// Loads `t.conf` of a world.
pub fn load(world: &mut World) -> Loaded {
    sysloom_config::load(Path::new("t.conf"), world)
}

fn param(name: &str, ty: Type) -> Param {
    Param::new(name, ty)
}

fn legacy(mut p: Param, name: &str, kind: LegacyKind) -> Param {
    p.legacy.push(Legacy::new(name, kind));
    p
}

fn with_default(mut p: Param, default: &str) -> Param {
    p.default = Some(default.into());
    p
}

fn small_modules() -> Vec<ModuleSpec> {
    use LegacyKind::{Module, Pending, Sticky, Trigger};
    let file_default = legacy(
        with_default(param("template", Type::Template), "RSYSLOG_FileFormat"),
        "ActionFileDefaultTemplate",
        Module,
    );
    let omfile = ModuleSpec {
        name: "omfile".into(),
        kinds: Kinds::OUTPUT,
        builtin: true,
        module_params: vec![file_default, param("fileCreateMode", Type::FileMode)],
        instance_params: vec![
            param("file", Type::Path),
            param("dynaFile", Type::Template),
            param("template", Type::Template),
            legacy(with_default(param("fileCreateMode", Type::FileMode), "0644"), "FileCreateMode", Sticky),
            legacy(param("fileOwner", Type::Uid), "FileOwner", Sticky),
            legacy(with_default(param("sync", Type::Binary), "off"), "ActionFileEnableSync", Sticky),
            param("rotation.sizeLimit", Type::Size),
            param("rotation.sizeLimitCommand", Type::String),
            param("rotation.sizeLimitCommandPassFileName", Type::Binary),
            param("zipLevel", Type::Int),
        ],
        ..ModuleSpec::default()
    };
    let mut framing = param("tcp_framing", Type::Word);
    framing.choices = vec!["traditional".into(), "octet-counted".into()];
    let omfwd = ModuleSpec {
        name: "omfwd".into(),
        kinds: Kinds::OUTPUT,
        builtin: true,
        module_params: vec![param("template", Type::Template)],
        instance_params: vec![
            param("target", Type::Array),
            with_default(param("port", Type::Array), "514"),
            with_default(param("protocol", Type::Word), "udp"),
            framing,
            param("compression.mode", Type::Word),
            param("zipLevel", Type::Int),
            param("template", Type::Template),
        ],
        default_template: Some("RSYSLOG_TraditionalForwardFormat".into()),
        uses_streams: true,
        stream_legacy: Some("ActionSend".into()),
        ..ModuleSpec::default()
    };
    let ompipe = ModuleSpec {
        name: "ompipe".into(),
        kinds: Kinds::OUTPUT,
        builtin: true,
        instance_params: vec![param("pipe", Type::Path), param("template", Type::Template)],
        default_template: Some("RSYSLOG_FileFormat".into()),
        ..ModuleSpec::default()
    };
    let omusrmsg = ModuleSpec {
        name: "omusrmsg".into(),
        kinds: Kinds::OUTPUT,
        builtin: true,
        instance_params: vec![param("users", Type::String), param("template", Type::Template)],
        default_template: Some(" StdUsrMsgFmt".into()),
        action_param: Some("users".into()),
        ..ModuleSpec::default()
    };
    let omprog = ModuleSpec {
        name: "omprog".into(),
        kinds: Kinds::OUTPUT,
        instance_params: vec![legacy(
            Param { required: true, ..param("binary", Type::String) },
            "ActionOMProgBinary",
            Pending,
        )],
        default_template: Some("RSYSLOG_FileFormat".into()),
        ..ModuleSpec::default()
    };
    let imtcp = ModuleSpec {
        name: "imtcp".into(),
        kinds: Kinds::INPUT,
        module_params: vec![
            legacy(
                with_default(param("maxSessions", Type::PositiveInt), "200"),
                "InputTCPMaxSessions",
                Module,
            ),
            legacy(param("keepAlive", Type::Binary), "InputTCPServerKeepAlive", Module),
        ],
        instance_params: vec![
            legacy(
                Param { required: true, ..with_default(param("port", Type::String), "10514") },
                "InputTCPServerRun",
                Trigger,
            ),
            legacy(param("name", Type::String), "InputTCPServerInputName", Pending),
            Param { obsolete: true, ..param("oldStyle", Type::Binary) },
            legacy(param("ruleset", Type::Ruleset), "InputTCPServerBindRuleset", Sticky),
        ],
        uses_streams: true,
        stream_legacy: Some("InputTCPServer".into()),
        ..ModuleSpec::default()
    };
    let mut omit = param("sysSock.use", Type::Binary);
    omit.legacy.push(Legacy { inverted: true, ..Legacy::new("OmitLocalLogging", Module) });
    let imuxsock = ModuleSpec {
        name: "imuxsock".into(),
        kinds: Kinds::INPUT,
        module_params: vec![omit],
        instance_params: vec![legacy(param("socket", Type::String), "AddUnixListenSocket", Trigger)],
        ..ModuleSpec::default()
    };
    let fmhash = ModuleSpec {
        name: "fmhash".into(),
        kinds: Kinds::FUNCTION,
        functions: vec![FunctionSpec { name: "hash32".into(), min_args: 1, max_args: 2 }],
        ..ModuleSpec::default()
    };
    vec![omfile, omfwd, ompipe, omusrmsg, omprog, imtcp, imuxsock, fmhash]
}

/// All modules of a list of parameters: tab-separated object, scope, name, aliases, legacy, type, ...
pub fn listed(tsv: &str) -> HashMap<String, Arc<ModuleSpec>> {
    let mut specs: HashMap<String, ModuleSpec> = HashMap::new();
    for line in tsv.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [object, scope, name, aliases, directives, ty, default, ..] = cells.as_slice() else { continue };
        if !matches!(*scope, "module" | "instance" | "action" | "input" | "parser") || object.contains(' ') {
            continue;
        }
        let spec = specs.entry((*object).to_string()).or_insert_with(|| ModuleSpec {
            name: (*object).to_string(),
            kinds: kinds(object),
            builtin: matches!(*object, "omfile" | "omfwd" | "ompipe" | "omusrmsg"),
            uses_streams: matches!(*object, "imtcp" | "omfwd"),
            ..ModuleSpec::default()
        });
        let streams = sysloom_config::catalogue::streams();
        if spec.uses_streams && streams.iter().any(|p| p.answers_to(name)) {
            continue;
        }
        let mut p = param(name, type_of(ty));
        p.aliases = aliases.split(' ').filter(|a| *a != "-" && !a.is_empty()).map(String::from).collect();
        p.required = *default == "required";
        let instance = *scope != "module";
        for directive in directives.split_whitespace().filter_map(|d| d.strip_prefix('$')) {
            let kind = match directive {
                _ if !instance => LegacyKind::Module,
                d if d.ends_with("ServerRun") || d == "AddUnixListenSocket" => LegacyKind::Trigger,
                d if d.starts_with("InputFile") => LegacyKind::Pending,
                _ => LegacyKind::Sticky,
            };
            p.legacy.push(Legacy::new(directive, kind));
        }
        if instance && *object == "imfile" && *name == "file" {
            p.legacy.push(Legacy::new("InputRunFileMonitor", LegacyKind::Run));
        }
        if object.starts_with("pm") {
            spec.parser_name = Some(format!("rsyslog.{object}"));
        }
        p.obsolete = *object == "imfile" && name.eq_ignore_ascii_case("stateFile");
        if *object == "omusrmsg" && *name == "users" {
            spec.action_param = Some("users".into());
        }
        let list = if instance { &mut spec.instance_params } else { &mut spec.module_params };
        list.push(p);
    }
    for (name, legacy) in [("imtcp", "InputTCPServer"), ("omfwd", "ActionSend")] {
        if let Some(spec) = specs.get_mut(name) {
            spec.stream_legacy = Some(legacy.into());
        }
    }
    specs.into_iter().map(|(name, spec)| (name, Arc::new(spec))).collect()
}

fn kinds(name: &str) -> Kinds {
    match name.get(..2) {
        Some("im") => Kinds::INPUT,
        Some("om") => Kinds::OUTPUT,
        Some("mm") => Kinds::MODIFY,
        Some("pm") => Kinds::PARSER,
        _ => Kinds::FUNCTION,
    }
}

fn type_of(name: &str) -> Type {
    match name {
        "binary" => Type::Binary,
        "int" => Type::Int,
        "positive int" => Type::PositiveInt,
        "non-negative int" => Type::NonNegInt,
        "size" => Type::Size,
        "array" => Type::Array,
        "word" => Type::Word,
        "octal mode" => Type::FileMode,
        "user name" => Type::Uid,
        "group name" => Type::Gid,
        "severity" => Type::Severity,
        "facility" => Type::Facility,
        "char" => Type::Char,
        _ => Type::String,
    }
}
