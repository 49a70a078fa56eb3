//! `/etc/passwd` and `/etc/group`: lines of fields with colons between, of which the first is a name and the third its
//! number. Whose files they are, and what becomes of somebody whom they do not know, is the reader's.

/// Where users are.
pub const PASSWD: &str = "/etc/passwd";
/// Where groups are.
pub const GROUP: &str = "/etc/group";

fn lines(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().map(|line| line.split(':').collect())
}

/// The fields of the line with this name.
#[must_use]
pub fn named<'a>(text: &'a str, name: &str) -> Option<Vec<&'a str>> {
    lines(text).find(|fields| fields[0] == name)
}

/// The fields of the line with this number.
#[must_use]
pub fn numbered<'a>(text: &'a str, number: &str) -> Option<Vec<&'a str>> {
    lines(text).find(|fields| fields.get(2) == Some(&number))
}

/// What a number is called.
#[must_use]
pub fn name_of(text: &str, number: u32) -> Option<&str> {
    numbered(text, &number.to_string()).map(|fields| fields[0])
}

/// The numbers, as they are written, of the groups whose lines name a user.
pub fn memberships<'a>(text: &'a str, user: &str) -> impl Iterator<Item = &'a str> {
    let is_member =
        move |fields: &Vec<&str>| fields.get(3).is_some_and(|members| members.split(',').any(|m| m == user));
    lines(text).filter(is_member).map(|fields| fields[2])
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "root:x:0:\nwheel:x:10:root,nobody\nusers:x:100:nobody2\nbroken\n";

    #[test]
    fn lines_are_found_by_name_and_by_number() {
        assert_eq!(named(TEXT, "wheel").unwrap(), ["wheel", "x", "10", "root,nobody"]);
        assert_eq!(numbered(TEXT, "100").unwrap()[0], "users");
        assert_eq!((named(TEXT, "whee"), numbered(TEXT, "1"), name_of(TEXT, 0)), (None, None, Some("root")));
    }

    #[test]
    fn groups_name_their_members() {
        assert_eq!(memberships(TEXT, "nobody").collect::<Vec<_>>(), ["10"]);
    }
}
