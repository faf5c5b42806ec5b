//! From the word in a configuration to the file that it means.

use std::path::{Path, PathBuf};

/// The directories of the module path, in order.
#[derive(Clone, Debug, Default)]
pub struct Search {
    pub directories: Vec<PathBuf>,
    /// The daemon's own, where what rsyslog has built in is found whatever module path is given, and drivers as well.
    pub own: Vec<PathBuf>,
}

impl Search {
    /// Directories joined by colons, as rsyslog's `-M` and `RSYSLOG_MODDIR` have them.
    pub fn from_path(path: &str) -> Self {
        let directories = path.split(':').filter(|d| !d.is_empty()).map(PathBuf::from).collect();
        Self { directories, own: Vec::new() }
    }

    /// Files that `module(load="NAME")` may mean, the likeliest first.
    pub fn module(&self, name: &str) -> Vec<PathBuf> {
        if is_path(name) {
            return at_path(name);
        }
        let stem = name.strip_suffix(".so").unwrap_or(name);
        let mut files = self.in_directories(&[stem.to_owned()]);
        // A driver may be loaded like a module, under any of its spellings.
        for prefix in ["lmnsd_", "nsd_"] {
            if let Some(driver) = stem.strip_prefix(prefix) {
                files.extend(self.driver(driver));
            }
        }
        let lower = stem.to_ascii_lowercase();
        if lower != stem {
            files.extend(self.in_directories(&[lower]));
        }
        unique(files)
    }

    /// Files that an output may be in which rsyslog has without loading anything.
    pub fn builtin(&self, name: &str) -> Vec<PathBuf> {
        self.with_own(|search| search.module(name))
    }

    /// Files that the driver NAME may be in. An alias means another driver only where no file has its own name.
    pub fn driver(&self, name: &str) -> Vec<PathBuf> {
        if is_path(name) {
            return at_path(name);
        }
        let stem = driver_stem(name);
        let spellings = |stem: &str| [format!("nsd_{stem}"), format!("lmnsd_{stem}")];
        let mut files = self.in_directories(&spellings(stem));
        if let Some((_, other)) = ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(stem)) {
            files.extend(self.in_directories(&spellings(other)));
        }
        unique(files)
    }

    /// As [`Search::driver`]; the daemon's own drivers are found whatever module path is given.
    pub fn any_driver(&self, name: &str) -> Vec<PathBuf> {
        self.with_own(|search| search.driver(name))
    }

    /// The words that mean the drivers which there are files of.
    pub fn drivers(&self) -> Vec<String> {
        let files = self.directories.iter().chain(&self.own).filter_map(|folder| folder.read_dir().ok());
        let names = files.flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let drivers = names.filter_map(|name| {
            let name = name.strip_suffix(".so")?;
            let name = name.strip_prefix("lib").unwrap_or(name);
            name.strip_prefix("nsd_").or_else(|| name.strip_prefix("lmnsd_")).map(str::to_owned)
        });
        drivers.chain(ALIASES.iter().map(|(alias, _)| (*alias).to_owned())).collect()
    }

    /// What is found in the module path, and then in the daemon's own directories.
    fn with_own(&self, find: impl Fn(&Self) -> Vec<PathBuf>) -> Vec<PathBuf> {
        let own = Self { directories: self.own.clone(), own: Vec::new() };
        unique([find(self), find(&own)].concat())
    }

    fn in_directories(&self, stems: &[String]) -> Vec<PathBuf> {
        let files = self.directories.iter().flat_map(|directory| {
            stems
                .iter()
                .flat_map(move |stem| [directory.join(format!("{stem}.so")), in_build_tree(directory, stem)])
        });
        files.collect()
    }
}

/// What may be done about a driver for which there is no file.
pub fn advice(name: &str) -> Option<&'static str> {
    let stem = driver_stem(name);
    APART.iter().find(|(driver, _)| driver.eq_ignore_ascii_case(stem)).map(|(_, advice)| *advice)
}

/// A driver's name without what its file's name has before and behind it.
fn driver_stem(name: &str) -> &str {
    let stem = name.strip_suffix(".so").unwrap_or(name);
    stem.strip_prefix("lmnsd_").or(stem.strip_prefix("nsd_")).unwrap_or(stem)
}

/// rsyslog: what begins so is no name, and the module path does not apply.
fn is_path(name: &str) -> bool {
    name.starts_with('/') || name.starts_with('.')
}

fn at_path(name: &str) -> Vec<PathBuf> {
    let stem = name.strip_suffix(".so").unwrap_or(name);
    let path = Path::new(stem);
    let mut files = vec![PathBuf::from(format!("{stem}.so"))];
    if let (Some(directory), Some(file)) = (path.parent(), path.file_name().and_then(|f| f.to_str())) {
        files.push(in_build_tree(directory, file));
    }
    files.push(PathBuf::from(name));
    unique(files)
}

/// A build tree's name of a library; `sub/NAME` keeps its directory.
fn in_build_tree(directory: &Path, stem: &str) -> PathBuf {
    let (sub, file) = stem.rsplit_once('/').unwrap_or(("", stem));
    let prefix = if file.starts_with("lib") { "" } else { "lib" };
    directory.join(sub).join(format!("{prefix}{file}.so"))
}

fn unique(files: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut kept: Vec<PathBuf> = Vec::with_capacity(files.len());
    for file in files {
        if !kept.contains(&file) {
            kept.push(file);
        }
    }
    kept
}

/// Drivers that stand in for one of rsyslog's.
const ALIASES: [(&str, &str); 1] = [("gtls", "rustls")];

/// Drivers of this tree that are not built with the daemon.
const APART: [(&str, &str); 1] = [(
    "ossl",
    "it is built apart, with OpenSSL's headers and pkg-config: cargo build --release -p sysloom-nsd-ossl",
)];

#[cfg(test)]
mod tests {
    use super::*;

    fn names(files: Vec<PathBuf>) -> Vec<String> {
        files.into_iter().map(|f| f.display().to_string()).collect()
    }

    fn search() -> Search {
        Search::from_path("/a::/b")
    }

    #[test]
    fn a_name_is_looked_for_in_every_directory() {
        let wanted = ["/a/imtcp.so", "/a/libimtcp.so", "/b/imtcp.so", "/b/libimtcp.so"];
        assert_eq!(names(search().module("imtcp")), wanted);
        assert_eq!(names(search().module("imtcp.so")), wanted);
    }

    #[test]
    fn what_is_built_in_and_drivers_are_found_in_the_daemon_s_own_directories_as_well() {
        let search = Search { own: vec!["/own".into(), "/b".into()], ..search() };
        let last = |files| names(files).pop();
        assert_eq!(names(search.builtin("omfile"))[4..], ["/own/omfile.so", "/own/libomfile.so"]);
        assert_eq!(last(search.any_driver("ptcp")).as_deref(), Some("/own/liblmnsd_ptcp.so"));
        assert_eq!(last(search.module("imtcp")).as_deref(), Some("/b/libimtcp.so"));
    }

    #[test]
    fn names_do_not_mind_case() {
        assert_eq!(names(Search::from_path("/a").module("ImTcp")).last().unwrap(), "/a/libimtcp.so");
    }

    #[test]
    fn a_path_is_taken_as_it_is() {
        let wanted = ["../p/imtcp.so", "../p/libimtcp.so", "../p/imtcp"];
        assert_eq!(names(search().module("../p/imtcp")), wanted);
        assert_eq!(names(search().driver("/x/nsd_acme.so")), ["/x/nsd_acme.so", "/x/libnsd_acme.so"]);
    }

    #[test]
    fn a_driver_has_three_spellings() {
        let search = Search::from_path("/a");
        let wanted = ["/a/nsd_foo.so", "/a/libnsd_foo.so", "/a/lmnsd_foo.so", "/a/liblmnsd_foo.so"];
        assert_eq!(names(search.driver("foo")), wanted);
        assert_eq!(names(search.driver("lmnsd_foo")), wanted);
        assert!(names(search.module("lmnsd_foo")).contains(&"/a/nsd_foo.so".to_owned()));
    }

    #[test]
    fn an_alias_comes_after_the_real_one() {
        let files = names(search().driver("gtls"));
        let at = |file: &str| files.iter().position(|f| f == file).unwrap();
        assert!(at("/b/lmnsd_gtls.so") < at("/a/nsd_rustls.so"));
    }
}
