//! Users: who a process is, and what that lets it do with what belongs to somebody. Names of users are in files; here are
//! numbers.

use super::files::Stat;

/// Who a process is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct User {
    /// The user.
    pub uid: u32,
    /// The group that what it makes belongs to.
    pub gid: u32,
    /// The groups that it is in as well.
    pub groups: Vec<u32>,
}

/// What somebody wants of a file or directory, as the bit that allows it to others.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Want {
    /// Its bytes or names.
    Read = 4,
    /// To change it.
    Write = 2,
    /// To walk through it, or to run it.
    Search = 1,
}

impl User {
    /// Who may do everything.
    pub const ROOT: Self = Self { uid: 0, gid: 0, groups: Vec::new() };

    /// Whether it may do everything.
    #[must_use]
    pub const fn is_root(&self) -> bool {
        self.uid == 0
    }

    /// Whether it is in a group.
    #[must_use]
    pub fn is_in(&self, group: u32) -> bool {
        self.gid == group || self.groups.contains(&group)
    }

    /// Whether it may do what it wants with something that belongs to `owner`, a user and a group, and has these
    /// permissions.
    #[must_use]
    pub fn may(&self, want: Want, (uid, gid): (u32, u32), mode: u32) -> bool {
        let shift = match () {
            () if self.is_root() => return true,
            () if self.uid == uid => 6,
            () if self.is_in(gid) => 3,
            () => 0,
        };
        mode >> shift & want as u32 != 0
    }

    /// The same of what `stat` told.
    #[must_use]
    pub fn may_with(&self, want: Want, stat: &Stat) -> bool {
        self.may(want, (stat.uid, stat.gid), stat.mode)
    }

    /// Whether it may change whose something is and who may what with it.
    #[must_use]
    pub const fn owns(&self, uid: u32) -> bool {
        self.is_root() || self.uid == uid
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_class_that_fits_decides() {
        let user = User { uid: 5, gid: 50, groups: vec![60] };
        assert!(user.may(Want::Write, (5, 0), 0o200) && !user.may(Want::Write, (5, 0), 0o022), "the owner");
        assert!(user.may(Want::Read, (0, 60), 0o040) && !user.may(Want::Read, (0, 50), 0o004), "a group");
        assert!(user.may(Want::Search, (0, 0), 0o001) && !user.may(Want::Search, (0, 0), 0o770), "others");
        assert!(User::ROOT.may(Want::Write, (5, 5), 0));
        assert!(user.owns(5) && !user.owns(0) && User::ROOT.owns(5));
    }
}
