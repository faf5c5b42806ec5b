//! Plugins in C, compiled against the header: one that works, and all that can be wrong with versions and entries.

use crate::engine::{Engine, text};
use crate::libraries::root;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use sysloom_abi::ABI_MINOR;
use sysloom_engine::plugin::{
    Committed, Content, HostValue, InputModule, LEAST_SIZES, LoadError, OutputModule, Plugin, Rows, spec,
};
use sysloom_tests::Dir;

/// Compiles a library.
pub fn library(dir: &Dir, name: &str, source: &str, more: &[&str]) -> PathBuf {
    let (from, to) = (dir.write(&format!("{name}.c"), source), dir.file(&format!("{name}.so")));
    let mut cc = Command::new("cc");
    cc.args(["-std=c11", "-Wall", "-Wextra", "-Werror"]);
    if !more.contains(&"-no-pie") {
        cc.args(["-shared", "-fPIC"]);
    }
    cc.arg("-I").arg(root().join("include")).arg(&from).arg("-o").arg(&to).args(more);
    let output = cc.output().expect("a C compiler");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    to
}

/// A plugin whose manifest is the usual one, with another body.
fn plugin(dir: &Dir, name: &str, body: &str, more: &[&str]) -> Result<Arc<Plugin>, LoadError> {
    let source = format!("#include \"sysloom.h\"\n{body}\n");
    let (_, loader) = Engine::new();
    loader.load(&library(dir, name, &source, more))
}

fn refused(name: &str, body: &str) -> LoadError {
    plugin(&Dir::new(), name, body, &[]).err().expect("it must not load")
}

/// A manifest with other versions.
fn with_versions(major: u16, minor: u16, least: u16) -> String {
    format!(
        "SYSLOOM_EXPORT_ __attribute__((section(\".sysloom_manifest\"))) const SysloomManifest sysloom_manifest__v = \
         {{{{'s','y','s','l','o','o','m',1}}, sizeof(SysloomManifest), {major}, {minor}, {least}, 4, 0, \
         SYSLOOM_TARGET, \"v\", \"1\", \"cc\"}};\n\
         SYSLOOM_ENTRY(v)(const SysloomHost *host) {{ (void)host; return 0; }}"
    )
}

#[test]
fn versions() {
    assert_eq!(refused("v", &with_versions(7, 0, 0)), LoadError::AbiMajor { wanted: 0, found: 7 });
    let needs = LoadError::AbiMinor { major: 0, wanted: 99, found: ABI_MINOR };
    assert_eq!(refused("v", &with_versions(0, 99, 99)), needs);
    // A newer minor that still runs on older hosts is taken as far as its entry.
    assert_eq!(refused("v", &with_versions(0, 99, 1)), LoadError::Refused);
}

/// What was built with the header of the first minor hands over tables of these sizes, however much they grow.
#[test]
fn the_least_sizes_are_those_of_the_first_minor() {
    let dir = Dir::new();
    dir.write("sysloom.h", fs::read_to_string(root().join("tests/cases/abi/sysloom-0.1.h")).unwrap());
    let sizes = LEAST_SIZES
        .iter()
        .map(|(name, size)| format!("_Static_assert(sizeof({name}) == {size}, \"{name}\");\n"));
    let file = dir.write("sizes.c", format!("#include \"sysloom.h\"\n{}", sizes.collect::<String>()));
    let cc = Command::new("cc")
        .args(["-std=c11", "-fsyntax-only", "-I"])
        .arg(dir.path())
        .arg(&file)
        .output()
        .unwrap();
    assert!(cc.status.success(), "{}", String::from_utf8_lossy(&cc.stderr));
}

/// A table as a later minor may have it, with more behind what this host knows; and one that lacks its end.
#[test]
fn a_driver_s_table_may_grow_and_not_shrink() {
    let dir = Dir::new();
    let source = fs::read_to_string(root().join("include/templates/driver-c/acme.c")).unwrap();
    let (head, tail) = source.split_once("static const SysloomIface ifaces[]").unwrap();
    let later = "typedef struct { SysloomDriverVt known; uint64_t more[4]; } Later;\nstatic Later later;\n";
    let tail = format!("static SysloomIface ifaces[]{}", tail.replace(".vt = &functions", ".vt = &later"));
    let (_, loader) = Engine::new();
    for (size, works) in
        [("sizeof(Later)", true), ("sizeof(SysloomDriverVt)", true), ("sizeof(SysloomDriverVt) - 8", false)]
    {
        let filled =
            format!("{{ later.known = functions; later.known.size = {size}; return host ? &module : 0; }}");
        let tail = tail.replace("{ return host ? &module : 0; }", &filled);
        assert!(tail.contains(&filled), "{tail}");
        let loaded = loader.load(&library(
            &dir,
            &format!("nsd_{works}{}", size.len()),
            &format!("{head}{later}{tail}"),
            &[],
        ));
        match (loaded, works) {
            (Ok(plugin), true) => assert!(plugin.driver("acme").unwrap().is_layer()),
            (Err(LoadError::Table(why)), false) => assert!(why.contains("112 bytes and not 120"), "{why}"),
            (loaded, _) => panic!("{size}: {:?}", loaded.map(|_| ())),
        }
    }
}

/// The driver of the templates, whose manifest says something else than its table.
#[test]
fn a_driver_is_what_its_manifest_says() {
    let dir = Dir::new();
    let source = fs::read_to_string(root().join("include/templates/driver-c/acme.c")).unwrap();
    let (_, loader) = Engine::new();
    for (flags, wrong) in [("LAYER", None), ("TRANSPORT", Some("a transport")), ("ENCRYPTS", Some("a layer"))]
    {
        let other = format!("1 << SYSLOOM_KIND_DRIVER, SYSLOOM_MANIFEST_FLAG_{flags})");
        let source = source.replace("1 << SYSLOOM_KIND_DRIVER, SYSLOOM_MANIFEST_FLAG_LAYER)", &other);
        assert!(source.contains(&other));
        let loaded = loader.load(&library(&dir, &format!("nsd_{flags}"), &source, &[]));
        match (loaded, wrong) {
            (Ok(plugin), None) => assert!(plugin.driver("acme").unwrap().is_layer()),
            (Err(LoadError::Table(why)), Some(wrong)) => assert!(why.contains(wrong), "{why}"),
            (loaded, _) => panic!("{flags}: {:?}", loaded.map(|_| ())),
        }
    }
}

#[test]
fn no_code_runs_before_the_manifest_is_judged() {
    let dir = Dir::new();
    let body = format!(
        "#include <stdlib.h>\n__attribute__((constructor)) static void run(void) {{ abort(); }}\n{}",
        with_versions(7, 0, 0)
    );
    assert!(matches!(plugin(&dir, "v", &body, &[]), Err(LoadError::AbiMajor { .. })));
}

#[test]
fn entries() {
    let manifest = "SYSLOOM_MANIFEST(x, \"1\", 1 << SYSLOOM_KIND_INPUT, 0);";
    assert_eq!(refused("x", manifest), LoadError::NoEntry("sysloom_entry__x".to_owned()));
    let undefined = format!(
        "{manifest}\nconst SysloomModule *nowhere(void);\n\
         SYSLOOM_ENTRY(x)(const SysloomHost *host) {{ (void)host; return nowhere(); }}"
    );
    let LoadError::Linker(words) = refused("x", &undefined) else { panic!("{}", refused("x", &undefined)) };
    assert!(words.contains("undefined symbol: nowhere"), "{words}");
    let tables = [
        ("SYSLOOM_MODULE(0, 0, 0)", "0 interfaces"),
        ("{8, SYSLOOM_ABI_MAJOR, SYSLOOM_ABI_MINOR, 0, 0, 0, {0}, 0}", "the module has 8 bytes"),
        ("{sizeof(SysloomModule), 3, 1, 0, 0, 0, {0}, 0}", "versions"),
        ("SYSLOOM_MODULE(0, 1, 0)", "wrong size"),
        ("SYSLOOM_MODULE(&unnamed, 1, 0)", "no name"),
        ("SYSLOOM_MODULE(&idle, 1, 0)", "functions of idle"),
        ("SYSLOOM_MODULE(&other, 1, 0)", "not those that the manifest announces"),
    ];
    for (module, words) in tables {
        let iface = |kind: &str, name: &str| {
            format!(
                "{{sizeof(SysloomIface), {kind}, 0, 0, {name}, 0, 0, 0, 0, 0, SYSLOOM_NONE, SYSLOOM_NONE}}"
            )
        };
        let body = format!(
            "{manifest}\nextern const SysloomIface unnamed, idle, other;\n\
             const SysloomIface unnamed = {};\nconst SysloomIface idle = {};\nconst SysloomIface other = {};\n\
             static const SysloomModule module = {module};\n\
             SYSLOOM_ENTRY(x)(const SysloomHost *host) {{ (void)host; return &module; }}",
            iface("SYSLOOM_KIND_INPUT", "SYSLOOM_NONE"),
            iface("SYSLOOM_KIND_INPUT", "SYSLOOM_BYTES(\"idle\")"),
            iface("SYSLOOM_KIND_PROVIDER", "SYSLOOM_BYTES(\"other\")"),
        );
        let LoadError::Table(said) = refused("x", &body) else { panic!("{module}: {}", refused("x", &body)) };
        assert!(said.contains(words), "{module}: {said}");
    }
}

#[test]
fn a_missing_dependency() {
    let dir = Dir::new();
    library(&dir, "libgone", "int gone(void) { return 1; }", &["-Wl,-soname,libgone.so"]);
    let body = "int gone(void);\nSYSLOOM_MANIFEST(x, \"1\", 1 << SYSLOOM_KIND_INPUT, 0);\n\
                SYSLOOM_ENTRY(x)(const SysloomHost *host) { (void)host; return (void)gone(), (const SysloomModule *)0; }";
    let at = format!("-L{}", dir.path().display());
    fs::copy(dir.file("libgone.so"), dir.file("kept")).unwrap();
    let loaded = plugin(&dir, "x", body, &[&at, "-lgone"]);
    let Err(LoadError::Linker(words)) = loaded else { panic!("{:?}", loaded.err()) };
    assert!(words.contains("libgone.so") && words.contains("cannot open"), "{words}");
}

/// An input and an output in C.
const ECHO: &str = r#"
#include "sysloom.h"
#include <stdlib.h>
#include <string.h>

static const SysloomParam params[] = {
  {sizeof(SysloomParam), SYSLOOM_PARAM_TYPE_STRING, SYSLOOM_PARAM_FLAG_REQUIRED, 0, SYSLOOM_BYTES("text"),
   SYSLOOM_BYTES("words|what"), SYSLOOM_NONE, SYSLOOM_NONE, SYSLOOM_BYTES("EchoText:trigger"),
   SYSLOOM_BYTES("What to say."), 0, 0},
  {sizeof(SysloomParam), SYSLOOM_PARAM_TYPE_POSITIVE, 0, 0, SYSLOOM_BYTES("times"), SYSLOOM_NONE,
   SYSLOOM_BYTES("2"), SYSLOOM_NONE, SYSLOOM_NONE, SYSLOOM_NONE, 1, 5},
};

struct echo { const SysloomHost *host; uint64_t me; int64_t times; size_t len; uint8_t text[64]; };

static void complain(SysloomComplaint *why, int32_t param, const char *text) {
  why->param = param;
  why->len = strlen(text) < why->cap ? (uint32_t)strlen(text) : why->cap;
  memcpy(why->text, text, why->len);
}

static SysloomOpaque instance_new(SysloomOpaque module, const SysloomHost *host, uint64_t me,
                                  const SysloomValue *values, size_t n_values, SysloomComplaint *why) {
  if (module || n_values != 2 || values[0].s.len > 64) {
    complain(why, 0, "too long");
    return 0;
  }
  struct echo *echo = malloc(sizeof *echo);
  *echo = (struct echo){host, me, values[1].origin == SYSLOOM_ORIGIN_UNSET ? 1 : values[1].i, values[0].s.len, {0}};
  memcpy(echo->text, values[0].s.ptr, echo->len);
  return echo;
}

static int64_t activate(SysloomOpaque instance, SysloomComplaint *why) {
  const struct echo *echo = instance;
  for (int64_t i = 0; i < echo->times; i++) {
    SysloomFrame frame = {0, (uint32_t)echo->len, 0, 0, 0};
    SysloomBytes block = {echo->text, echo->len};
    if (echo->host->submit(echo->host->h, echo->me, block, &frame, 1, SYSLOOM_SUBMIT_FLAG_FLUSH) != 1) {
      complain(why, -1, "not taken");
      return SYSLOOM_STATUS_FAILED;
    }
  }
  return SYSLOOM_STATUS_OK;
}

static SysloomOpaque worker_new(SysloomOpaque instance, SysloomComplaint *why) { (void)why; return instance; }
static void worker_free(SysloomOpaque worker) { (void)worker; }

static int64_t commit(SysloomOpaque worker, const SysloomRecords *records, int32_t *results, SysloomComplaint *why) {
  const struct echo *echo = worker;
  (void)why;
  for (size_t i = 0; i < records->n_rows; i++) {
    SysloomSpan cell = records->cells[i * records->n_cols];
    SysloomBytes text = {records->block.ptr + cell.off, cell.len};
    SysloomKv pair = {SYSLOOM_BYTES("row"), SYSLOOM_BYTES("one")};
    echo->host->log(echo->host->h, echo->me, SYSLOOM_LOG_LEVEL_INFO, 0, text, &pair, 1);
    results[i] = i == 0 ? SYSLOOM_RESULT_OK : SYSLOOM_RESULT_REJECT;
  }
  return records->n_rows > 1 ? SYSLOOM_STATUS_PARTLY : SYSLOOM_STATUS_OK;
}

static int64_t resume(SysloomOpaque worker, SysloomComplaint *why) {
  (void)worker;
  complain(why, -1, "still away");
  return SYSLOOM_STATUS_SUSPENDED;
}

static const SysloomInputVt input = {
  .size = sizeof(SysloomInputVt), .instance_new = instance_new, .activate = activate, .instance_free = free};
static const SysloomOutputVt output = {
  .size = sizeof(SysloomOutputVt), .instance_new = instance_new, .worker_new = worker_new,
  .worker_free = worker_free, .commit = commit, .resume = resume, .instance_free = free};

static const SysloomIface ifaces[] = {
  {.size = sizeof(SysloomIface), .kind = SYSLOOM_KIND_INPUT, .name = SYSLOOM_BYTES("echo"), .vt = &input,
   .instance_params = params, .n_instance_params = 2},
  {.size = sizeof(SysloomIface), .kind = SYSLOOM_KIND_OUTPUT, .name = SYSLOOM_BYTES("echo"), .vt = &output,
   .instance_params = params, .n_instance_params = 2},
};

static const SysloomModule module = SYSLOOM_MODULE(ifaces, 2, 0);
SYSLOOM_MANIFEST(echo, "1.0.0", 1 << SYSLOOM_KIND_INPUT | 1 << SYSLOOM_KIND_OUTPUT, 0);
SYSLOOM_ENTRY(echo)(const SysloomHost *host) { return host->size >= sizeof(SysloomHost) ? &module : 0; }
"#;

#[test]
fn an_input_and_an_output_in_c() {
    let dir = Dir::new();
    let (engine, loader) = Engine::searching(dir.path());
    library(&dir, "echo", ECHO, &[]);
    let plugin = loader.module("echo").unwrap();
    assert_eq!((plugin.facts().version.as_str(), plugin.facts().flags), ("1.0.0", 0));
    let known = spec(&plugin.ifaces()[0]);
    assert_eq!(known.instance_params[0].aliases, ["words", "what"]);
    assert_eq!(known.instance_params[1].default.as_deref(), Some("2"));
    assert_eq!(known.instance_params[0].default, None);

    let said = [HostValue::configured(text("hello")), HostValue::configured(Content::Number(3))];
    let module = InputModule::new(&plugin, "echo", 0, &[]).unwrap();
    let instance = module.instance(31, &said).unwrap();
    assert!(!instance.wants_thread());
    instance.activate().unwrap();
    assert_eq!(engine.messages(), vec![(31, "hello".to_owned()); 3]);
    let long = [HostValue::configured(Content::Text("x".repeat(65)))];
    let fault = module.instance(32, &long).err().unwrap();
    assert_eq!((fault.param, fault.text.as_str()), (Some(0), "too long"));

    let module = OutputModule::new(&plugin, "echo", 0, &[]).unwrap();
    let mut worker = module.instance(33, &said).unwrap().worker().unwrap();
    let span = |off, len| sysloom_abi::Span { off, len };
    let rows = Rows { columns: 1, block: b"onetwo", cells: &[span(0, 3), span(3, 3)], messages: &[1, 2] };
    let mut results = Vec::new();
    assert!(matches!(worker.commit(rows, &mut results), Committed::Partly(_)));
    assert_eq!(results, [sysloom_abi::result::OK, sysloom_abi::result::REJECT]);
    assert_eq!(engine.lines(), ["33/6/0: one row=one", "33/6/0: two row=one"]);
    assert_eq!(worker.resume().unwrap_err().text, "still away");
}

#[test]
fn the_example_of_the_manual_in_c() {
    let manual = fs::read_to_string(root().join("include/README.md")).unwrap();
    let example =
        manual.split("```c\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example in C");
    let dir = Dir::new();
    let (engine, loader) = Engine::searching(dir.path());
    library(&dir, "omcount", example, &[]);
    let plugin = loader.module("omcount").unwrap();
    let module = OutputModule::new(&plugin, "omcount", 0, &[]).unwrap();
    let mut worker = module.instance(40, &[]).unwrap().worker().unwrap();
    let rows = Rows { columns: 0, block: b"", cells: &[], messages: &[1, 2, 3] };
    assert_eq!(worker.commit(rows, &mut Vec::new()), Committed::Done);
    assert_eq!(engine.value(40, "seen"), 3);
}
