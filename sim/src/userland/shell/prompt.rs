//! Prompts: what a shell prints at a terminal before it waits for a line, from `PS1` and `PS2`.

use super::dialect::Dialect;
use super::variables::Variables;
use crate::userland::{Sys, accounts};

/// The version that our bash gives itself.
const BASH_VERSION: &str = "5.2";

/// What `PS1` is until somebody says otherwise.
pub(super) const fn default(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Ash => "\\w \\$ ",
        Dialect::Bash => "\\s-\\v\\$ ",
        Dialect::Dash => "# ",
    }
}

/// What `PS2` is until somebody says otherwise: for the lines of a command that is not complete.
pub(super) const CONTINUED: &str = "> ";

/// A prompt as it is shown.
pub(super) fn expand(text: &str, sys: &Sys<'_>, variables: &Variables) -> String {
    let home = variables.value("HOME").unwrap_or_default();
    let mut shown = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            shown.push(letter);
            continue;
        }
        match letters.next() {
            Some('w') => shown.push_str(&below(sys.cwd(), home)),
            Some('W') => {
                let cwd = below(sys.cwd(), home);
                let last = cwd.rsplit('/').next().filter(|last| !last.is_empty());
                shown.push_str(last.unwrap_or("/"));
            }
            Some('h') => shown.push_str(sys.hostname().split('.').next().unwrap_or_default()),
            Some('H') => shown.push_str(sys.hostname()),
            Some('u') => shown.push_str(&name(sys)),
            Some('$') => shown.push(if sys.user().is_root() { '#' } else { '$' }),
            Some('s') => shown.push_str("bash"),
            Some('v') => shown.push_str(BASH_VERSION),
            Some('n') => shown.push('\n'),
            Some('r') => shown.push('\r'),
            Some('t') => shown.push('\t'),
            Some('e') => shown.push('\u{1b}'),
            Some('a') => shown.push('\u{7}'),
            // These mark what takes no room on the screen.
            Some('[' | ']') => {}
            Some(other) => shown.push(other),
            None => shown.push('\\'),
        }
    }
    shown
}

/// What the user is called.
fn name(sys: &Sys<'_>) -> String {
    let text = sys.files().text(accounts::PASSWD);
    accounts::name_of(&text, sys.user().uid).unwrap_or("?").to_owned()
}

/// A directory as people write it: at home it begins with `~`.
fn below(cwd: &str, home: &str) -> String {
    match cwd.strip_prefix(home).filter(|_| home.len() > 1) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("~{rest}"),
        _ => cwd.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn home_is_a_tilde() {
        assert_eq!(below("/root", "/root"), "~");
        assert_eq!(below("/root/a", "/root"), "~/a");
        assert_eq!(below("/rooted", "/root"), "/rooted");
        assert_eq!(below("/", "/"), "/");
        assert_eq!(below("/tmp", ""), "/tmp");
    }
}
