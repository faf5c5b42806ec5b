//! The configuration: no text panics, hangs, or takes memory out of proportion; every complaint can be rendered.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use sysloom_config::catalogue::{Kinds, ModuleSpec, Param, Type};
use sysloom_config::diagnostic::{first_line, render};
use sysloom_config::{Environment, Span};

pub fn seeds() -> Vec<Vec<u8>> {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/samples");
    let files = std::fs::read_dir(samples).into_iter().flatten().flatten();
    let mut seeds: Vec<Vec<u8>> = files.filter_map(|file| std::fs::read(file.path()).ok()).collect();
    seeds.extend(LINES.iter().map(|line| line.as_bytes().to_vec()));
    seeds
}

pub fn run(input: &[u8]) {
    let start = Instant::now();
    for name in ["fuzz.conf", "fuzz.yaml"] {
        let mut world = World(input);
        let loaded = sysloom_config::load(Path::new(name), &mut world);
        let mut said = HashSet::new();
        for complaint in loaded.diagnostics.iter().take(20) {
            said.insert(first_line(complaint, &loaded.sources));
            let block = render(complaint, &loaded.sources, false);
            assert!(block.contains(complaint.slug), "a complaint without its name:\n{block}");
        }
        assert!(
            loaded.diagnostics.len() <= 100 + input.len(),
            "{} complaints about {} bytes",
            loaded.diagnostics.len(),
            input.len()
        );
    }
    assert!(start.elapsed() < Duration::from_secs(10), "it took {:?}", start.elapsed());
}

/// One file, no directories, and a module of every name.
struct World<'a>(&'a [u8]);

impl Environment for World<'_> {
    fn read(&mut self, path: &Path) -> io::Result<Vec<u8>> {
        match path.to_str() {
            Some("fuzz.conf" | "fuzz.yaml") => Ok(self.0.to_vec()),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn list(&mut self, _: &Path) -> io::Result<Vec<(PathBuf, bool)>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn is_directory(&mut self, _: &Path) -> bool {
        false
    }

    fn accessible(&mut self, _: &Path) -> bool {
        false
    }

    fn load_module(&mut self, name: &str, _: Span) -> Result<Arc<ModuleSpec>, String> {
        if name.len() > 20 {
            return Err("no such file".into());
        }
        let kinds = if name.starts_with("im") { Kinds::INPUT } else { Kinds::OUTPUT };
        let params =
            [("file", Type::String), ("target", Type::Array), ("port", Type::Word), ("size", Type::Size)];
        let params: Vec<Param> = params.into_iter().map(|(name, ty)| Param::new(name, ty)).collect();
        Ok(Arc::new(ModuleSpec {
            name: name.to_owned(),
            kinds,
            builtin: name.starts_with("om"),
            instance_params: params,
            uses_streams: name.ends_with("tcp"),
            ..ModuleSpec::default()
        }))
    }
}

const LINES: &[&str] = &[
    "*.*;mail.none;auth,authpriv.=!err -/var/log/x;RSYSLOG_FileFormat\n& stop\n",
    ":msg, !contains, \"a\\\"b\" @@(o,z9)[::1]:514;t\n",
    "$template t,\"%msg:R,ERE,1,FIELD:(a|b)--end:json% %timereported:::date-rfc3339,date-utc%\\n\"\n*.* ?t;t\n",
    "if ($msg contains_i [\"a\", 'b'] and not ($!x == 0x1f)) or re_match($.y, \"^a\") then { set $!a!b = 1 + 2 * 3 & \"x\"; } else stop\n",
    "template(name=\"l\" type=\"list\") { property(name=\"msg\" position.from=\"1\" position.to=\"$\") constant(value=\"\\n\") }\n",
    "ruleset(name=\"r\") { foreach ($.i in $!list) do { call r unset $.i; } action(type=\"omfile\" file=`echo $HOME`) }\n",
    "version: 2\nrulesets:\n  - name: r\n    statements:\n      - {if: '$msg == \"x\"', then: [{stop: true}]}\n",
    "include(file=\"/etc/x/*.conf\" mode=\"optional\")\n!prog\n+host\n*.* \\\n  |/pipe # comment \\\n next\n",
];
