//! The options of `module()` and `action()`, and what they come to together.

use crate::create::{Creation, Owner};
use crate::logfile::{Rotation, Writing};
use crate::pack::Packing;
use std::path::PathBuf;
use std::time::Duration;
use sysloom_sdk::{Host, Params};

/// `module(load="builtin:omfile")`: what actions get that do not say otherwise.
#[derive(Params)]
pub struct ModuleParams {
    /// Template of actions that name none.
    #[param(template)]
    pub template: Option<String>,
    /// Append LF to records that do not end in one.
    #[param(name = "addLF", default = "on")]
    pub add_lf: bool,
    /// Compressor of files with a zipLevel.
    #[param(name = "compression.driver", choices = "zlib|zstd", default = "zlib")]
    pub compression_driver: String,
    /// Threads that zstd compresses with; unset = the one that writes.
    #[param(name = "compression.zstd.workers", positive)]
    pub zstd_workers: Option<u32>,
    /// Mode of directories that are created.
    #[param(file_mode, default = "0700")]
    pub dir_create_mode: u32,
    /// Mode of files that are created.
    #[param(file_mode, default = "0644")]
    pub file_create_mode: u32,
    /// Owner of directories that are created.
    #[param(user)]
    pub dir_owner: Option<u32>,
    /// Owner of directories that are created, as a number.
    pub dir_owner_num: Option<i64>,
    /// Group of directories that are created.
    #[param(group)]
    pub dir_group: Option<u32>,
    /// Group of directories that are created, as a number.
    pub dir_group_num: Option<i64>,
    /// Owner of files that are created.
    #[param(user)]
    pub file_owner: Option<u32>,
    /// Owner of files that are created, as a number.
    pub file_owner_num: Option<i64>,
    /// Group of files that are created.
    #[param(group)]
    pub file_group: Option<u32>,
    /// Group of files that are created, as a number.
    pub file_group_num: Option<i64>,
    /// A dynafile that cannot be opened loses its message instead of suspending the action.
    #[param(name = "dynafile.doNotSuspend", default = "on")]
    pub do_not_suspend: bool,
    /// Open a file whose last path component is a symbolic link.
    #[param(default = "on")]
    pub follow_symlinks: bool,
    /// Take paths only from templates of constants and properties, not from generators and subtrees.
    #[param(name = "dynafile.restrictTemplateType", default = "off")]
    pub restrict_template: bool,
    /// Write to paths with `..` that a dynafile template rendered.
    #[param(name = "dynafile.dangerousPermitPathEscape", default = "off")]
    pub permit_escape: bool,
}

/// `action(type="omfile")`.
#[derive(Params)]
pub struct ActionParams {
    /// The file to write.
    pub file: Option<PathBuf>,
    /// The template whose text is the path of the file.
    #[param(template)]
    pub dyna_file: Option<String>,
    /// Template of the records.
    #[param(template, legacy = "ActionFileDefaultTemplate:sticky")]
    pub template: Option<String>,
    /// Append LF to records that do not end in one.
    #[param(name = "addLF")]
    pub add_lf: Option<bool>,
    /// Dynafiles that are kept open.
    #[param(min = 1, max = 1000, default = "10", legacy = "DynaFileCacheSize:sticky")]
    #[param(name = "dynaFileCacheSize")]
    pub cache_size: u32,
    /// Compress with gzip, or what compression.driver says, at this level; 0 = do not.
    #[param(min = 0, max = 9, default = "0", legacy = "OMFileZipLevel:sticky")]
    pub zip_level: u32,
    /// Seconds between writes of the background writer.
    #[param(positive, default = "1", legacy = "OMFileFlushInterval:sticky")]
    pub flush_interval: u32,
    /// Write buffered records in the background too (with flushOnTXEnd off).
    #[param(default = "off", legacy = "OMFileASyncWriting:sticky")]
    pub async_writing: bool,
    /// End the compressed stream at each write, so that a crash costs nothing written before.
    #[param(default = "off")]
    pub very_robust_zip: bool,
    /// Write at the end of each batch; off: when the buffer is full or the file is closed.
    #[param(name = "flushOnTXEnd", default = "on", legacy = "OMFileFlushOnTXEnd:sticky")]
    pub flush_on_tx_end: bool,
    /// Bytes of the buffer that flushOnTXEnd off uses.
    #[param(name = "ioBufferSize", size, default = "4k", legacy = "OMFileIOBufferSize:sticky")]
    pub io_buffer_size: u64,
    /// Owner of directories that are created.
    #[param(user, legacy = "DirOwner:sticky")]
    pub dir_owner: Option<u32>,
    /// Owner of directories that are created, as a number.
    #[param(legacy = "DirOwnerNum:sticky")]
    pub dir_owner_num: Option<i64>,
    /// Group of directories that are created.
    #[param(group, legacy = "DirGroup:sticky")]
    pub dir_group: Option<u32>,
    /// Group of directories that are created, as a number.
    #[param(legacy = "DirGroupNum:sticky")]
    pub dir_group_num: Option<i64>,
    /// Owner of files that are created.
    #[param(user, legacy = "FileOwner:sticky")]
    pub file_owner: Option<u32>,
    /// Owner of files that are created, as a number.
    #[param(legacy = "FileOwnerNum:sticky")]
    pub file_owner_num: Option<i64>,
    /// Group of files that are created.
    #[param(group, legacy = "FileGroup:sticky")]
    pub file_group: Option<u32>,
    /// Group of files that are created, as a number.
    #[param(legacy = "FileGroupNum:sticky")]
    pub file_group_num: Option<i64>,
    /// Mode of directories that are created.
    #[param(file_mode, legacy = "DirCreateMode:sticky")]
    pub dir_create_mode: Option<u32>,
    /// Mode of files that are created.
    #[param(file_mode, legacy = "FileCreateMode:sticky")]
    pub file_create_mode: Option<u32>,
    /// Do not write to a file whose owner cannot be set.
    #[param(name = "failOnChownFailure", default = "on", legacy = "FailOnCHOwnFailure:sticky")]
    pub fail_on_chown: bool,
    /// Create missing directories.
    #[param(default = "on", legacy = "CreateDirs:sticky")]
    pub create_dirs: bool,
    /// Have the system write to the disk after each batch.
    #[param(default = "off", legacy = "ActionFileEnableSync:sticky")]
    pub sync: bool,
    /// Open a file whose last path component is a symbolic link.
    pub follow_symlinks: Option<bool>,
    /// Minutes after which an idle file is closed; 0 = never. Default 0 for a file, 10 for dynafiles.
    #[param(non_negative)]
    pub close_timeout: Option<u32>,
    /// Run the command when the file has this size; 0 = never.
    #[param(name = "rotation.sizeLimit", size, default = "0")]
    pub size_limit: u64,
    /// The command: a program and, after a blank, one argument.
    #[param(name = "rotation.sizeLimitCommand")]
    pub size_limit_command: Option<String>,
    /// Pass the file's name to the command as last argument.
    #[param(name = "rotation.sizeLimitCommandPassFileName", default = "on")]
    pub pass_file_name: bool,
    /// Write to paths with `..` that the template rendered.
    #[param(name = "dynafile.dangerousPermitPathEscape")]
    pub permit_escape: Option<bool>,
}

impl ActionParams {
    pub fn creation(&self, module: &ModuleParams, host: Host) -> Creation {
        let id = |name: Option<u32>, num: Option<i64>| name.or(num.and_then(|n| u32::try_from(n).ok()));
        let file = (self.file_owner, self.file_owner_num, self.file_group, self.file_group_num);
        let dir = (self.dir_owner, self.dir_owner_num, self.dir_group, self.dir_group_num);
        Creation {
            host,
            file_mode: self.file_create_mode.unwrap_or(module.file_create_mode),
            dir_mode: self.dir_create_mode.unwrap_or(module.dir_create_mode),
            file_owner: Owner {
                uid: id(file.0, file.1).or(id(module.file_owner, module.file_owner_num)),
                gid: id(file.2, file.3).or(id(module.file_group, module.file_group_num)),
            },
            dir_owner: Owner {
                uid: id(dir.0, dir.1).or(id(module.dir_owner, module.dir_owner_num)),
                gid: id(dir.2, dir.3).or(id(module.dir_group, module.dir_group_num)),
            },
            create_dirs: self.create_dirs,
            fail_on_chown: self.fail_on_chown,
            follow_symlinks: self.follow_symlinks.unwrap_or(module.follow_symlinks),
        }
    }

    pub fn writing(&self, module: &ModuleParams) -> Writing {
        Writing {
            add_lf: self.add_lf.unwrap_or(module.add_lf),
            packing: match (self.zip_level, module.compression_driver.to_ascii_lowercase().as_str()) {
                (0, _) => None,
                (level, "zstd") => Some(Packing::Zstd(level, module.zstd_workers.unwrap_or(0))),
                (level, _) => Some(Packing::Gzip(level)),
            },
            robust_zip: self.very_robust_zip,
            at_commit: self.flush_on_tx_end,
            buffer: usize::try_from(self.io_buffer_size).unwrap_or(usize::MAX).clamp(1, MAX_BUFFER),
            background: self.async_writing.then(|| Duration::from_secs(u64::from(self.flush_interval))),
            sync: self.sync,
            rotation: (self.size_limit > 0).then(|| Rotation {
                limit: self.size_limit,
                command: self.size_limit_command.clone().unwrap_or_default(),
                pass_name: self.pass_file_name,
            }),
        }
    }
}

/// Larger write buffers than this gain nothing.
const MAX_BUFFER: usize = 64 << 20;
