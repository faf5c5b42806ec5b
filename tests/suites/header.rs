//! The C header is made from include/abi and checked in; sizes and offsets stay what they were, in Rust and in C.
//!
//! After a change of the ABI, `SYSLOOM_BLESS=1 cargo test -p sysloom-tests --test header` writes both anew; the diff
//! then shows what plugins built before will not agree with.

use cbindgen::{Builder, Config, ItemType, Language};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use sysloom_abi as abi;
use sysloom_tests::Dir;

#[test]
fn the_header_is_that_of_the_abi() {
    same(&root().join("include/sysloom.h"), &header());
}

#[test]
fn sizes_and_offsets_are_what_they_were() {
    same(&root().join("tests/cases/abi/layout.txt"), &layout());
}

#[test]
fn every_field_of_the_abi_is_in_the_golden_file() {
    let layout = layout();
    for (name, fields) in structs() {
        let known: Vec<&str> = layout
            .lines()
            .filter_map(|l| l.split(' ').next()?.strip_prefix(&name)?.strip_prefix('.'))
            .collect();
        assert_eq!(known, fields, "fields of {name}");
    }
}

#[test]
fn a_c_compiler_agrees_on_sizes_and_offsets() {
    let dir = Dir::new();
    let mut source = String::from("#include <stddef.h>\n#include \"sysloom.h\"\n");
    let golden = fs::read_to_string(root().join("tests/cases/abi/layout.txt")).unwrap();
    for line in golden.lines() {
        let (place, number) = line.split_once(' ').unwrap();
        let what = match place.split_once('.') {
            // A word of C's own gets an underscore from cbindgen.
            Some((ty, "default")) => format!("offsetof(Sysloom{ty}, default_)"),
            Some((ty, field)) => format!("offsetof(Sysloom{ty}, {field})"),
            None => format!("sizeof(Sysloom{place})"),
        };
        writeln!(source, "_Static_assert({what} == {number}, \"{place}\");").unwrap();
    }
    for (language, extension) in [("c11", "c"), ("c++17", "cc")] {
        let source = match extension {
            "cc" => source.replace("_Static_assert", "static_assert"),
            _ => source.clone(),
        };
        let file = dir.write(&format!("layout.{extension}"), source);
        let output = Command::new("cc")
            .args(["-fsyntax-only", "-Wall", "-Wextra", "-Werror", &format!("-std={language}"), "-I"])
            .arg(root().join("include"))
            .arg(&file)
            .output()
            .expect("a C compiler");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Compares with the file, or writes it when told to.
fn same(file: &Path, text: &str) {
    if std::env::var_os("SYSLOOM_BLESS").is_some() {
        return fs::write(file, text).unwrap();
    }
    let found = fs::read_to_string(file).unwrap_or_default();
    let place = found.lines().zip(text.lines()).position(|(a, b)| a != b);
    assert!(
        found == text,
        "{} is not up to date (first difference in line {:?}); see the head of {}",
        file.display(),
        place.map(|p| p + 1),
        file!()
    );
}

fn sources() -> Vec<(PathBuf, String)> {
    let read = |name| {
        let path = root().join("include/abi/src").join(format!("{name}.rs"));
        let text = fs::read_to_string(&path).unwrap();
        (path, text)
    };
    ["lib", "basic", "manifest", "host", "input", "output", "message", "function", "driver"].map(read).into()
}

fn header() -> String {
    let mut config = Config {
        language: Language::C,
        cpp_compat: true,
        documentation: true,
        include_guard: Some("SYSLOOM_H".to_owned()),
        line_length: 110,
        no_includes: true,
        sys_includes: vec!["stddef.h".to_owned(), "stdint.h".to_owned()],
        header: Some(HEAD.trim().to_owned()),
        after_includes: Some(constants()),
        trailer: Some(MACROS.trim().to_owned()),
        ..Config::default()
    };
    config.export.prefix = Some("Sysloom".to_owned());
    config.export.item_types = vec![ItemType::Structs, ItemType::Typedefs, ItemType::OpaqueItems];
    let names = structs().into_iter().map(|(name, _)| name);
    config.export.include = names.chain(["Entry".to_owned()]).collect();
    let mut builder = Builder::new().with_config(config);
    for (path, _) in sources().into_iter().skip(1) {
        builder = builder.with_src(path);
    }
    let mut bytes = Vec::new();
    builder.generate().expect("cbindgen understands the ABI").write(&mut bytes);
    // Links of rustdoc mean nothing in C.
    String::from_utf8(bytes)
        .unwrap()
        .replace("[`super::", "`")
        .replace("[`crate::", "`")
        .replace("[`", "`")
        .replace("`]", "`")
        .replace("uintptr_t", "size_t")
}

/// The constants by the names of their modules, which cbindgen leaves out.
fn constants() -> String {
    let mut out = String::from("\ntypedef struct SysloomTypeLayout SysloomTypeLayout;\n");
    for (_, text) in sources() {
        let (mut module, mut docs) = (String::new(), Vec::new());
        for line in text.lines().map(str::trim) {
            if let Some(doc) = line.strip_prefix("/// ") {
                docs.push(doc.to_owned());
                continue;
            }
            if let Some(name) = line.strip_prefix("pub mod ").and_then(|l| l.strip_suffix(" {")) {
                module = format!("{}_", name.to_uppercase());
                writeln!(out, "\n/* {} */", docs.join(" ")).unwrap();
            } else if line == "}" {
                module.clear();
            } else if let Some((name, value)) = constant(line) {
                for doc in docs.iter().filter(|_| !module.is_empty()) {
                    writeln!(out, "/* {doc} */").unwrap();
                }
                writeln!(out, "#define SYSLOOM_{module}{name} {value}").unwrap();
            }
            docs.clear();
        }
    }
    out
}

/// Name and value of a number or a byte string.
fn constant(line: &str) -> Option<(&str, String)> {
    let (name, rest) = line.strip_prefix("pub const ")?.split_once(": ")?;
    let (ty, value) = rest.strip_suffix(';')?.split_once(" = ")?;
    let value = value.trim_start_matches('*');
    let value = match ty {
        _ if value.starts_with("b\"") => value[1..].replace("\\x01", "\\001"),
        "&str" => value.to_owned(),
        "u16" | "u32" | "usize" => value.to_owned(),
        "i64" | "i32" if value.starts_with('-') => format!("({value})"),
        "i64" | "i32" => value.to_owned(),
        _ => return None,
    };
    let plain = value.starts_with(['"', '(']) || value.chars().all(|c| c.is_ascii_digit());
    plain.then_some((name, value))
}

/// The structs that cross, with their fields in order.
fn structs() -> Vec<(String, Vec<String>)> {
    let mut all = Vec::new();
    for (_, text) in sources().into_iter().skip(1) {
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let Some(name) = line.strip_prefix("pub struct ").and_then(|l| l.strip_suffix(" {")) else {
                continue;
            };
            let body = lines.by_ref().take_while(|l| *l != "}");
            let field = |l: &str| Some(l.strip_prefix("    pub ")?.split_once(':')?.0.to_owned());
            all.push((name.to_owned(), body.filter_map(field).collect()));
        }
    }
    all
}

macro_rules! layouts {
    ($($ty:ident { $($field:ident)* })*) => {{
        let mut out = String::new();
        $(
            writeln!(out, "{} {}", stringify!($ty), size_of::<abi::$ty>()).unwrap();
            $(
                let offset = std::mem::offset_of!(abi::$ty, $field);
                writeln!(out, "{}.{} {offset}", stringify!($ty), stringify!($field)).unwrap();
            )*
        )*
        out
    }};
}

/// One line a struct and one a field: size or offset.
fn layout() -> String {
    layouts! {
        Bytes { ptr len }
        Span { off len }
        Complaint { param code len cap text }
        Param { size ty flags reserved name aliases default choices legacy help min max }
        Value { origin ty i s list n_list }
        Manifest {
            magic size abi_major abi_minor min_host_minor kinds flags target name version built_with
        }
        Module { size abi_major abi_minor ifaces n_ifaces layout layout_tag shutdown }
        Iface {
            size kind flags reserved name vt module_params n_module_params instance_params n_instance_params
            stream_legacy default_template
        }
        Kv { key value }
        Host {
            size abi_minor h log_level log counter peer_intern submit stream_listen stream_reply
            stream_connect stream_write stream_alive stream_close verdict message_property counter_of stats_walk
            control setting submit_to property message_get message_set message_unset
        }
        Stat { size reserved origin object name value }
        StatsVisitor { size reserved ctx visit }
        Frame { off len peer flags received_ns }
        InputVt { size reserved module_new module_free instance_new activate run hup instance_free stats }
        StreamCb { size reserved open data close }
        ListenSpec {
            size max_sessions backlog max_reads threads keep_alive keep_alive_probes keep_alive_time
            keep_alive_interval flags address port port_file name allowed
        }
        Records { size n_cols n_rows block cells messages }
        OutputVt {
            size reserved module_new module_free instance_new activate worker_new worker_free commit resume
            hup instance_free
        }
        ConnectSpec {
            size timeout_ms keep_alive keep_alive_probes keep_alive_time keep_alive_interval user_timeout_ms
            reserved host port local device
        }
        Sink { size reserved ctx write }
        ParserVt {
            size reserved parser_name module_new module_free instance_new parse hup instance_free
        }
        ModifyVt {
            size reserved module_new module_free instance_new worker_new worker_free modify hup instance_free
        }
        StrgenVt { size reserved module_new generate module_free }
        FunctionVt { size reserved module_new module_free functions n_functions }
        Function { size reserved name min_args max_args call_new call call_free }
        Argument { ty reserved number text }
        Answer { size ty number out script_error }
        Lower { stream read write fd }
        ListenAt { size family backlog reserved address port }
        Listening { size port listener fds n_fds reserved }
        ConnectTo { size family timeout_ms reserved host port local device }
        Connected { size fd session peer peer_len peer_port }
        Peer { size resumed server reserved chain n_chain staple server_name protocol cipher group }
        DriverVt {
            size reserved context context_free listen accept unlisten connect session handshake read write
            shutdown peer reason free
        }
    }
}

const HEAD: &str = "
/*
 * The plugin ABI of sysloom for C: what a module, a driver and the daemon agree on.
 *
 * Made from include/abi by a test of tests/suites/header.rs; not to be edited. include/README.md says how to write a
 * plugin, and what the versions mean. Rules that hold for every type and function:
 * - Bytes are borrowed for the call unless a field says otherwise; who allocates frees.
 * - A struct starts with its `size`; a reader uses only the fields that the writer's size covers.
 * - Every callback returns; no exception and no longjmp leaves it.
 */";

const MACROS: &str = r#"
#ifndef SYSLOOM_MACROS_H
#define SYSLOOM_MACROS_H

/* The target that is compiled for; the daemon refuses a plugin of another one. */
#if defined(__x86_64__)
#define SYSLOOM_ARCH_ "x86_64"
#elif defined(__aarch64__)
#define SYSLOOM_ARCH_ "aarch64"
#elif defined(__riscv)
#define SYSLOOM_ARCH_ "riscv64"
#elif defined(__s390x__)
#define SYSLOOM_ARCH_ "s390x"
#else
#define SYSLOOM_ARCH_ "other"
#endif
#if defined(__GLIBC__)
#define SYSLOOM_TARGET SYSLOOM_ARCH_ "-linux-gnu"
#else
#define SYSLOOM_TARGET SYSLOOM_ARCH_ "-linux-musl"
#endif

#if defined(__cplusplus)
#define SYSLOOM_EXPORT_ extern "C" __attribute__((visibility("default"), used))
#else
#define SYSLOOM_EXPORT_ __attribute__((visibility("default"), used))
#endif

/* A text constant as borrowed bytes. */
#define SYSLOOM_BYTES(literal) {(const uint8_t *)(literal), sizeof(literal) - 1}
/* No text at all, which differs from an empty one where a default is meant. */
#define SYSLOOM_NONE {0, 0}

/* The manifest: SYSLOOM_MANIFEST(imfoo, "1.0.0", 1 << SYSLOOM_KIND_INPUT, 0); once in a plugin. */
#define SYSLOOM_MANIFEST(plugin, version_text, kinds_bits, flags_bits)                        \
  SYSLOOM_EXPORT_ __attribute__((section(".sysloom_manifest")))                               \
  const SysloomManifest sysloom_manifest__##plugin = {                                        \
    {'s', 'y', 's', 'l', 'o', 'o', 'm', 1},                                                   \
    (uint32_t)sizeof(SysloomManifest), SYSLOOM_ABI_MAJOR, SYSLOOM_ABI_MINOR, 1,               \
    (uint16_t)(kinds_bits), (flags_bits), SYSLOOM_TARGET, #plugin, version_text, __VERSION__}

/* The entry: SYSLOOM_ENTRY(imfoo)(const SysloomHost *host) { ...; return &module; } */
#define SYSLOOM_ENTRY(plugin) SYSLOOM_EXPORT_ const SysloomModule *sysloom_entry__##plugin

/* What the entry returns: static const SysloomModule module = SYSLOOM_MODULE(ifaces, 1, 0); */
#define SYSLOOM_MODULE(interfaces, count, shutdown_function)                                  \
  {(uint32_t)sizeof(SysloomModule), SYSLOOM_ABI_MAJOR, SYSLOOM_ABI_MINOR, (interfaces),       \
   (count), 0, {0}, (shutdown_function)}

#endif  /* SYSLOOM_MACROS_H */
"#;
