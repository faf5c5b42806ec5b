//! `sysloomd new driver|module NAME [--c]`: writes a project that builds, tests itself and can be loaded. The files are
//! those of include/templates, where their word for the name is `acme`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What is written: a file's name and its text.
type Files = &'static [(&'static str, &'static str)];

/// Does what the words after `new` say.
pub fn new(words: &[String]) -> ExitCode {
    let c = words.iter().any(|word| word == "--c");
    let rest: Vec<&str> = words.iter().map(String::as_str).filter(|word| *word != "--c").collect();
    let (files, name) = match (rest.as_slice(), c) {
        (["driver", name], false) => (DRIVER, *name),
        (["driver", name], true) => (DRIVER_C, *name),
        (["module", name], false) => (MODULE, *name),
        (["module", name], true) => (MODULE_C, *name),
        _ => return failed(USAGE),
    };
    if !is_name(name) {
        return failed(&format!(
            "'{name}' is no name: small letters, digits and _, a letter first, at most 24"
        ));
    }
    if name.starts_with("im") && rest.first() == Some(&"module") {
        return failed("new writes outputs (om...); include/README.md has an input to begin with");
    }
    let tree = tree();
    for (file, text) in files {
        let path = Path::new(name).join(file.replace("acme", name));
        if let Err(e) = write(&path, &fill(text, name, tree.as_deref())) {
            return failed(&format!("cannot write {}: {e}", path.display()));
        }
        println!("wrote {}", path.display());
    }
    let build = if c { "make test && make" } else { "cargo test && cargo build --release" };
    println!("\nNext:\n  cd {name} && {build}\n  sysloomd -N1 -f {name}.conf");
    ExitCode::SUCCESS
}

fn failed(why: &str) -> ExitCode {
    eprintln!("sysloomd: {why}");
    ExitCode::FAILURE
}

fn is_name(name: &str) -> bool {
    let rest = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    name.len() <= 24 && name.bytes().all(rest) && name.starts_with(|c: char| c.is_ascii_lowercase())
}

/// The tree that this daemon was built in, if it still lies there.
fn tree() -> Option<PathBuf> {
    let exe = std::env::current_exe().ok()?.canonicalize().ok()?;
    exe.ancestors().find(|dir| dir.join("include/sdk/Cargo.toml").is_file()).map(Path::to_path_buf)
}

fn fill(text: &str, name: &str, tree: Option<&Path>) -> String {
    let sdk = match tree {
        Some(tree) => format!("path = {:?}", tree.join("include/sdk")),
        None => format!("version = \"{}\"", env!("CARGO_PKG_VERSION")),
    };
    // The name first: the tree's own path may hold the word.
    text.replace("acme", name).replace("path = \"../../sdk\"", &sdk)
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    // What is there already is somebody's work.
    std::io::Write::write_all(&mut std::fs::File::create_new(path)?, text.as_bytes())
}

const USAGE: &str = "new driver|module NAME [--c] writes a project for a netstream driver or an output";

macro_rules! template {
    ($kind:literal: $($file:literal)*) => {
        &[$(($file, include_str!(concat!("../../../include/templates/", $kind, "/", $file)))),*]
    };
    ($kind:literal with header: $($file:literal)*) => {
        &[
            ("sysloom.h", include_str!("../../../include/sysloom.h")),
            $(($file, include_str!(concat!("../../../include/templates/", $kind, "/", $file)))),*
        ]
    };
}

const DRIVER: Files = template!("driver": "Cargo.toml" "src/lib.rs" "acme.conf");
const MODULE: Files = template!("module": "Cargo.toml" "src/lib.rs" "acme.conf");
const DRIVER_C: Files = template!("driver-c" with header: "Makefile" "acme.c" "test.c" "acme.conf");
const MODULE_C: Files = template!("module-c" with header: "Makefile" "acme.c" "test.c" "acme.conf");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_the_sdk_are_filled_in() {
        assert!(is_name("om_2") && !is_name("") && !is_name("2om") && !is_name("../x") && !is_name("Om"));
        let text = "name = \"acme\"\nsdk = { path = \"../../sdk\" }";
        assert!(
            fill(text, "omx", None).ends_with(&format!("{{ version = \"{}\" }}", env!("CARGO_PKG_VERSION")))
        );
        let got = fill(text, "omx", Some(Path::new("/t/acme")));
        assert_eq!(got, "name = \"omx\"\nsdk = { path = \"/t/acme/include/sdk\" }");
    }
}
