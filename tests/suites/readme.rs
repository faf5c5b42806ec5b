//! What the README and the samples show is what works: every configuration in them is checked by the daemon.

use std::path::{Path, PathBuf};
use std::process::Command;
use sysloom_tests::{Dir, check};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ stands in the workspace").to_path_buf()
}

/// A directory with the files that the configurations name.
fn with_certificates() -> Dir {
    let dir = Dir::new();
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "9",
        ])
        .args(["-subj", "/CN=collector.example.net", "-addext", "subjectAltName=DNS:collector.example.net"])
        .arg("-keyout")
        .arg(dir.file("key.pem"))
        .arg("-out")
        .arg(dir.file("cert.pem"))
        .output()
        .expect("openssl is installed");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::copy(dir.file("cert.pem"), dir.file("ca.pem")).unwrap();
    dir
}

fn is_clean(dir: &Dir, what: &str, config: &str) {
    let got = check(dir, &config.replace("/etc/sysloom/tls", "{dir}").replace("/etc/sysloom", "{dir}"));
    assert_eq!(got.code, 0, "{what}:\n{}", got.stderr);
}

#[test]
fn the_configurations_of_the_readme_are_right() {
    let dir = with_certificates();
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let mut blocks = vec![String::new()];
    for line in readme.lines() {
        let last = blocks.last_mut().expect("there is one");
        match line.strip_prefix("    ") {
            Some(code) => last.push_str(&format!("{code}\n")),
            // Blank lines stand inside blocks, too.
            None if line.is_empty() && !last.is_empty() => last.push('\n'),
            None if !last.is_empty() => blocks.push(String::new()),
            None => {}
        }
    }
    let configs: Vec<&String> = blocks.iter().filter(|block| block.contains("*.*")).collect();
    assert!(configs.len() >= 2, "{} configurations", configs.len());
    for config in configs {
        is_clean(&dir, "README.md", config);
    }
    let ci = std::fs::read_to_string(root().join(".ci/run")).unwrap();
    for command in ["cargo run --release -- quickstart", "cargo test"] {
        assert!(blocks.iter().any(|block| block.lines().any(|line| line == command)), "{command}");
        assert!(ci.lines().any(|line| line.starts_with(command)), "{command} in .ci/run");
    }
}

/// `cargo run` finds one program, and `cargo test` all tests.
#[test]
fn plain_commands_mean_everything() {
    let workspace = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let list = |name: &str| -> Vec<String> {
        let begin = workspace.find(&format!("\n{name} = [")).expect(name);
        let text = &workspace[begin..];
        let text = &text[..text.find(']').expect("a list ends")];
        text.split('"').skip(1).step_by(2).map(str::to_owned).collect()
    };
    let defaults = list("default-members");
    let (mut programs, mut others) = (Vec::new(), 0);
    for member in list("members") {
        let folder = root().join(&member);
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let is_program = manifest.contains("[[bin]]") || folder.join("src/main.rs").is_file();
        if defaults.contains(&member) {
            programs.extend(is_program.then_some(member));
            continue;
        }
        others += 1;
        // Its tests are run by the suite of its name, where OpenSSL is there.
        if member == "drivers/ossl" {
            continue;
        }
        for file in sources(&folder) {
            let text = std::fs::read_to_string(&file).unwrap();
            assert!(!text.lines().any(|line| line.trim() == "#[test]"), "{} is not run", file.display());
        }
    }
    assert_eq!(programs, ["core/daemon"]);
    assert!(others > 2, "{others} members beside the default ones");
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|word| word == "rs") {
            files.push(path);
        }
    }
    files
}

#[test]
fn the_samples_are_right() {
    let dir = with_certificates();
    let mut seen = 0;
    for entry in std::fs::read_dir(root().join("config/samples")).unwrap().flatten() {
        let file = entry.path();
        if file.extension().is_none_or(|word| word != "conf") {
            continue;
        }
        seen += 1;
        is_clean(&dir, &file.display().to_string(), &std::fs::read_to_string(&file).unwrap());
    }
    assert!(seen >= 5, "{seen} samples");
}
