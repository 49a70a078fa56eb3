//! How the addresses of a container are written on its command line. What they are for is not known here.

use crate::cli::script::Failure;

/// `host:ip` or `host=ip`.
pub(super) fn host_and_address(text: &str) -> Option<(&str, &str)> {
    text.split_once(['=', ':']).filter(|(host, _)| !host.is_empty())
}

/// Reads as Go's `net.ParseMAC`: octets with colons or hyphens, or pairs of them with dots.
pub(super) fn mac(text: &str) -> Result<(), Failure> {
    let (separators, digits, counts): (&[char], usize, [usize; 3]) =
        if text.contains('.') { (&['.'], 4, [3, 4, 10]) } else { (&[':', '-'], 2, [6, 8, 20]) };
    let groups: Vec<&str> = text.split(separators).collect();
    let valid = |group: &&str| group.len() == digits && group.bytes().all(|b| b.is_ascii_hexdigit());
    if counts.contains(&groups.len()) && groups.iter().all(valid) {
        return Ok(());
    }
    Err(Failure::new(format!("{text} is not a valid mac address")))
}
