//! The names of capabilities (capabilities(7)). What one of them allows is not known here.

use crate::error::Error;

/// All there are, without `CAP_`.
const NAMES: [&str; 41] = [
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "BPF",
    "CHECKPOINT_RESTORE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "PERFMON",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "WAKE_ALARM",
];

/// Refuses what is no capability; `field` is where it was written.
///
/// # Errors
/// `BadParameter` with the first one that there is not.
pub(super) fn check(list: &Option<Vec<String>>, field: &str) -> Result<(), Error> {
    for typed in list.iter().flatten() {
        let upper = typed.to_uppercase();
        let name = upper.strip_prefix("CAP_").unwrap_or(&upper);
        if upper != "ALL" && !NAMES.contains(&name) {
            return Err(Error::BadParameter(format!("invalid {field}: unknown capability: \"CAP_{name}\"")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capability_is_known_by_its_name_however_it_is_written() {
        let said = |name: &str| check(&Some(vec![name.to_owned()]), "CapAdd").map_err(|error| error.to_string());
        for known in ["NET_ADMIN", "cap_net_admin", "all", "CAP_BPF"] {
            assert_eq!(said(known), Ok(()), "{known}");
        }
        assert_eq!(said("foo"), Err("invalid CapAdd: unknown capability: \"CAP_FOO\"".to_owned()));
        assert_eq!(check(&None, "CapDrop"), Ok(()));
    }
}
