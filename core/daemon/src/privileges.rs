//! Giving up what only root may do: another root directory, another user.

use nix::unistd::{Gid, Uid, User, chdir, chroot, initgroups, setgid, setgroups, setuid};
use std::ffi::CString;
use std::path::{Path, PathBuf};
use sysloom_config::plan::Values;

/// Whom the process runs as once everything is bound.
pub struct Privileges {
    user: Option<Uid>,
    group: Option<Gid>,
    keep_supplemental: bool,
}

/// The daemon must not run with more rights than it was told to keep.
#[derive(Debug, thiserror::Error)]
pub enum PrivilegeError {
    #[error("cannot change the root directory to '{dir}': {1}", dir = .0.display())]
    Root(PathBuf, #[source] nix::Error),
    #[error("cannot drop privileges: cannot change {0}: {1}")]
    Change(&'static str, #[source] nix::Error),
    #[error("cannot drop privileges: root's can be had back")]
    Back,
}

/// `-T`
pub fn change_root(directory: &Path) -> Result<(), PrivilegeError> {
    let failed = |e| PrivilegeError::Root(directory.into(), e);
    chroot(directory).map_err(failed)?;
    chdir("/").map_err(failed)
}

impl Privileges {
    /// What `global(privdrop.*)` asks for; `None` = nothing.
    pub fn new(globals: &Values) -> Option<Self> {
        let id = |name: &str, number: &str| {
            let wanted = [name, number].into_iter().find_map(|p| globals.written(p).and(globals.int(p)));
            wanted.and_then(|id| u32::try_from(id).ok())
        };
        let user = id("privdrop.user.name", "privdrop.user.id").map(Uid::from_raw);
        let group = id("privdrop.group.name", "privdrop.group.id").map(Gid::from_raw);
        let keep_supplemental = globals.bool("privdrop.group.keepSupplemental").unwrap_or(false);
        (user.is_some() || group.is_some()).then_some(Self { user, group, keep_supplemental })
    }

    /// Drops them, groups first; `say` hears what was done.
    pub fn drop(&self, say: impl Fn(&str)) -> Result<(), PrivilegeError> {
        if let Some(group) = self.group {
            if !self.keep_supplemental {
                setgroups(&[]).map_err(|e| PrivilegeError::Change("the supplementary groups", e))?;
            }
            setgid(group).map_err(|e| PrivilegeError::Change("the group", e))?;
            say(&format!("rsyslogd's groupid changed to {group}"));
        }
        let Some(user) = self.user else { return Ok(()) };
        if !self.keep_supplemental {
            self.groups_of(user)?;
        }
        setuid(user).map_err(|e| PrivilegeError::Change("the user", e))?;
        if !user.is_root() && setuid(Uid::from_raw(0)).is_ok() {
            return Err(PrivilegeError::Back);
        }
        say(&format!("rsyslogd's userid changed to {user}"));
        Ok(())
    }

    /// The groups that the user is in; a user without an account is in none.
    fn groups_of(&self, user: Uid) -> Result<(), PrivilegeError> {
        let failed = |e| PrivilegeError::Change("the supplementary groups", e);
        match User::from_uid(user).ok().flatten() {
            Some(account) => {
                let name = CString::new(account.name).map_err(|_| failed(nix::Error::EINVAL))?;
                initgroups(&name, self.group.unwrap_or(account.gid)).map_err(failed)
            }
            None => setgroups(&[]).map_err(failed),
        }
    }
}
