//! Judging a file before any of its code runs: is it a whole ELF library of this machine, and what does its manifest
//! say? All of it is reading; nothing is mapped or executed.

use super::error::LoadError;
use object::elf;
use object::read::elf::{ElfFile64, FileHeader, ProgramHeader};
use object::{Endianness, LittleEndian, Object, ObjectSection, ObjectSymbol};
use std::fs;
use std::mem::offset_of;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use sysloom_abi::{self as abi, Manifest};

/// What a manifest says, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The word that loads it.
    pub name: String,
    pub version: String,
    pub built_with: String,
    pub target: String,
    pub abi_major: u16,
    pub abi_minor: u16,
    pub min_host_minor: u16,
    /// Bits `1 << kind`.
    pub kinds: u16,
    /// Bits of [`abi::manifest_flag`].
    pub flags: u32,
}

impl Facts {
    /// Reads and judges a file.
    pub fn of(path: &Path) -> Result<Facts, LoadError> {
        let meta = fs::metadata(path).map_err(unreadable)?;
        if meta.is_dir() {
            return Err(LoadError::Directory);
        }
        if !meta.is_file() {
            return Err(LoadError::NotAFile);
        }
        let mode = meta.permissions().mode() & 0o7777;
        if mode & 0o022 != 0 {
            return Err(LoadError::Writable { mode });
        }
        if meta.len() == 0 {
            return Err(LoadError::Empty);
        }
        let file = fs::File::open(path).map_err(unreadable)?;
        // SAFETY: the file is only read. One that somebody cuts off meanwhile would end the process here as it would
        // inside dlopen; that is why only its owner may be able to write to it.
        let map = unsafe { memmap2::Mmap::map(&file) }.map_err(unreadable)?;
        judge(&map)
    }

    /// The symbol of the entry.
    pub fn entry(&self) -> String {
        format!("{}{}", abi::ENTRY_PREFIX, self.name.replace('-', "_"))
    }
}

fn unreadable(error: std::io::Error) -> LoadError {
    match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => LoadError::Missing,
        _ => LoadError::Unreadable(super::words(&error)),
    }
}

/// As [`Facts::of`], for the bytes of a file.
fn judge(file: &[u8]) -> Result<Facts, LoadError> {
    if file.is_empty() {
        return Err(LoadError::Empty);
    }
    if !file.starts_with(&elf::ELFMAG) {
        return Err(LoadError::NotElf);
    }
    class(file)?;
    let header = elf::FileHeader64::<Endianness>::parse(file).map_err(|_| cut_off(file, HEADER))?;
    let endian = header.endian().map_err(|e| LoadError::Damaged(e.to_string()))?;
    let machine = header.e_machine(endian);
    if machine != MACHINE {
        return Err(LoadError::Machine { wanted: machine_name(MACHINE), found: machine_name(machine) });
    }
    if header.e_type(endian) != elf::ET_DYN {
        return Err(LoadError::NotShared);
    }
    whole(header, endian, file)?;
    let library = ElfFile64::<Endianness>::parse(file).map_err(|e| LoadError::Damaged(e.to_string()))?;
    let section = library.section_by_name(abi::MANIFEST_SECTION).ok_or(LoadError::NoManifest)?;
    let bytes = section.data().map_err(|e| LoadError::Damaged(e.to_string()))?;
    let facts = read(bytes)?;
    let entry = facts.entry();
    let has_entry = library
        .dynamic_symbols()
        .any(|s| s.is_definition() && s.name_bytes().is_ok_and(|n| n == entry.as_bytes()));
    if has_entry { Ok(facts) } else { Err(LoadError::NoEntry(entry)) }
}

fn class(file: &[u8]) -> Result<(), LoadError> {
    let (Some(class), Some(order)) = (file.get(4), file.get(5)) else {
        return Err(cut_off(file, HEADER));
    };
    if *class != elf::ELFCLASS64 {
        return Err(LoadError::Class { wanted: "64-bit", found: "32-bit" });
    }
    let ours = if cfg!(target_endian = "little") { elf::ELFDATA2LSB } else { elf::ELFDATA2MSB };
    if *order != ours {
        let name = |o| if o == elf::ELFDATA2LSB { "little-endian" } else { "big-endian" };
        return Err(LoadError::Class { wanted: name(ours), found: name(*order) });
    }
    Ok(())
}

/// A file that lacks its end would kill the process inside dlopen.
fn whole(header: &elf::FileHeader64<Endianness>, endian: Endianness, file: &[u8]) -> Result<(), LoadError> {
    let table = |start: u64, entry: u16, count: u16| {
        start.saturating_add(u64::from(entry).saturating_mul(count.into()))
    };
    let segments_end = table(header.e_phoff(endian), header.e_phentsize(endian), header.e_phnum(endian));
    let sections_end = table(header.e_shoff(endian), header.e_shentsize(endian), header.e_shnum(endian));
    let mut wanted = segments_end.max(sections_end);
    if segments_end <= file.len() as u64 {
        let segments = header.program_headers(endian, file).map_err(|e| LoadError::Damaged(e.to_string()))?;
        for segment in segments.iter().filter(|s| s.p_type(endian) == elf::PT_LOAD) {
            wanted = wanted.max(segment.p_offset(endian).saturating_add(segment.p_filesz(endian)));
        }
    }
    if wanted > file.len() as u64 { Err(cut_off(file, wanted)) } else { Ok(()) }
}

/// The fields up to `min_host_minor` are where they are in every version of the ABI.
fn read(bytes: &[u8]) -> Result<Facts, LoadError> {
    if bytes.get(..8) != Some(&abi::MANIFEST_MAGIC[..]) {
        return Err(LoadError::BadManifest("it does not start with the magic bytes"));
    }
    let short = LoadError::BadManifest("it is too short");
    let size = u32_at(bytes, offset_of!(Manifest, size)).ok_or(short.clone())? as usize;
    let (Some(abi_major), Some(abi_minor), Some(min_host_minor)) = (
        u16_at(bytes, offset_of!(Manifest, abi_major)),
        u16_at(bytes, offset_of!(Manifest, abi_minor)),
        u16_at(bytes, offset_of!(Manifest, min_host_minor)),
    ) else {
        return Err(short);
    };
    if abi_major != abi::ABI_MAJOR {
        return Err(LoadError::AbiMajor { wanted: abi::ABI_MAJOR, found: abi_major });
    }
    if min_host_minor > abi::ABI_MINOR {
        let found = abi::ABI_MINOR;
        return Err(LoadError::AbiMinor { major: abi_major, wanted: min_host_minor, found });
    }
    if size < size_of::<Manifest>() || bytes.len() < size_of::<Manifest>() {
        return Err(short);
    }
    let text = |offset: usize, len: usize| {
        let bytes = bytes.get(offset..offset + len).unwrap_or_default();
        let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
        String::from_utf8_lossy(&bytes[..end]).into_owned()
    };
    let facts = Facts {
        name: text(offset_of!(Manifest, name), 32),
        version: text(offset_of!(Manifest, version), 24),
        built_with: text(offset_of!(Manifest, built_with), 64),
        target: text(offset_of!(Manifest, target), 32),
        abi_major,
        abi_minor,
        min_host_minor,
        kinds: u16_at(bytes, offset_of!(Manifest, kinds)).unwrap_or(0),
        flags: u32_at(bytes, offset_of!(Manifest, flags)).unwrap_or(0),
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if facts.name.is_empty() || !facts.name.chars().all(fits) {
        return Err(LoadError::BadManifest("its name is empty or has characters that no name has"));
    }
    if facts.target != abi::TARGET {
        return Err(LoadError::Machine { wanted: abi::TARGET.to_owned(), found: facts.target });
    }
    Ok(facts)
}

fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes.get(offset..offset + 2)?.try_into().ok().map(u16::from_ne_bytes)
}

fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..offset + 4)?.try_into().ok().map(u32::from_ne_bytes)
}

fn cut_off(file: &[u8], wanted: u64) -> LoadError {
    LoadError::Truncated { wanted, found: file.len() as u64 }
}

fn machine_name(machine: u16) -> String {
    match machine {
        elf::EM_X86_64 => "x86_64".to_owned(),
        elf::EM_AARCH64 => "aarch64".to_owned(),
        elf::EM_RISCV => "riscv".to_owned(),
        elf::EM_S390 => "s390".to_owned(),
        elf::EM_386 => "x86".to_owned(),
        elf::EM_ARM => "arm".to_owned(),
        elf::EM_PPC64 => "ppc64".to_owned(),
        other => format!("machine number {other}"),
    }
}

const MACHINE: u16 = if cfg!(target_arch = "x86_64") {
    elf::EM_X86_64
} else if cfg!(target_arch = "aarch64") {
    elf::EM_AARCH64
} else if cfg!(target_arch = "riscv64") {
    elf::EM_RISCV
} else if cfg!(target_arch = "s390x") {
    elf::EM_S390
} else {
    elf::EM_NONE
};
/// Bytes of a 64-bit ELF header.
const HEADER: u64 = size_of::<elf::FileHeader64<LittleEndian>>() as u64;

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Vec<u8> {
        let mut bytes = vec![0; size_of::<Manifest>()];
        let mut put = |offset: usize, with: &[u8]| bytes[offset..offset + with.len()].copy_from_slice(with);
        put(0, &abi::MANIFEST_MAGIC);
        put(offset_of!(Manifest, size), &(size_of::<Manifest>() as u32).to_ne_bytes());
        put(offset_of!(Manifest, abi_minor), &abi::ABI_MINOR.to_ne_bytes());
        put(offset_of!(Manifest, min_host_minor), &1_u16.to_ne_bytes());
        put(offset_of!(Manifest, target), abi::TARGET.as_bytes());
        put(offset_of!(Manifest, name), b"im-x");
        bytes
    }

    #[test]
    fn a_manifest_is_read() {
        let facts = read(&manifest()).unwrap();
        assert_eq!((facts.name.as_str(), facts.entry().as_str()), ("im-x", "sysloom_entry__im_x"));
    }

    #[test]
    fn versions_are_judged_before_the_size() {
        let mut bytes = manifest();
        bytes.truncate(18);
        bytes[offset_of!(Manifest, abi_major)] = 7;
        assert_eq!(read(&bytes), Err(LoadError::AbiMajor { wanted: abi::ABI_MAJOR, found: 7 }));
        let mut bytes = manifest();
        bytes[offset_of!(Manifest, min_host_minor)] = 99;
        let wanted = LoadError::AbiMinor { major: abi::ABI_MAJOR, wanted: 99, found: abi::ABI_MINOR };
        assert_eq!(read(&bytes), Err(wanted));
    }

    #[test]
    fn no_cut_panics() {
        let bytes = manifest();
        for len in 0..bytes.len() {
            assert!(read(&bytes[..len]).is_err());
        }
    }

    #[test]
    fn a_bad_name_is_refused() {
        let mut bytes = manifest();
        bytes[offset_of!(Manifest, name)] = b'/';
        assert!(matches!(read(&bytes), Err(LoadError::BadManifest(_))));
    }
}
