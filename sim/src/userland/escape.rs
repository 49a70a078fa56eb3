//! What a letter behind a backslash stands for in C, and so in `echo -e`, `printf`, `$'…'` and awk. What else each of them
//! knows is its own.

/// The character that a letter stands for; none when it is for itself.
#[must_use]
pub const fn meaning(letter: char) -> Option<char> {
    Some(match letter {
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        '\\' => '\\',
        _ => return None,
    })
}
