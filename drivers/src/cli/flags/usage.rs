//! The list of flags in a help text: two columns, folded at the width of the terminal the way pflag folds them. It
//! decides no words.

use super::{Flag, Takes};

/// The columns that are used of a terminal's eighty.
const WIDTH: usize = 79;
/// How far a line may run past the fold when the rest of the text fits.
const SLOP: usize = 5;
/// The narrowest second column that is still folded where it stands.
const NARROW: usize = 24;
/// Where the second column begins when it would be too narrow.
const INDENT: usize = 16;

/// The lines of help for `flags`, by name, each with its line end.
pub(in super::super) fn list(flags: &[Flag]) -> String {
    let mut shown: Vec<(String, &Flag)> = flags.iter().filter(|f| f.is_shown()).map(|f| (left(f), f)).collect();
    shown.sort_by_key(|(_, flag)| flag.name);
    let longest = shown.iter().map(|(left, _)| left.len()).max().unwrap_or(0);
    shown.iter().map(|(left, flag)| format!("{left:longest$}   {}\n", folded(longest + 3, &right(flag)))).collect()
}

fn left(flag: &Flag) -> String {
    let short = flag.short.map_or_else(|| "    ".to_owned(), |short| format!("-{short}, "));
    let label = if flag.label.is_empty() { String::new() } else { format!(" {}", flag.label) };
    format!("  {short}--{}{label}", flag.name)
}

fn right(flag: &Flag) -> String {
    match flag.default {
        "" => flag.usage.to_owned(),
        default if flag.takes == Takes::Last && flag.label == "string" => {
            format!("{} (default \"{default}\")", flag.usage)
        }
        default => format!("{} (default {default})", flag.usage),
    }
}

/// `text` folded so that it stands in a column which begins after `indent` letters.
fn folded(indent: usize, text: &str) -> String {
    let (indent, first) = if WIDTH - indent < NARROW { (INDENT, line_end(INDENT)) } else { (indent, String::new()) };
    let width = WIDTH - indent - SLOP;
    let mut folded = first;
    let mut rest = text;
    loop {
        let (line, after) = fold(width, rest);
        folded.push_str(&line.replace('\n', &line_end(indent)));
        if after.is_empty() {
            return folded;
        }
        folded.push_str(&line_end(indent));
        rest = after;
    }
}

fn line_end(indent: usize) -> String {
    format!("\n{:indent$}", "")
}

/// The first line of `text` and what comes after it.
fn fold(width: usize, text: &str) -> (&str, &str) {
    if width + SLOP > text.len() {
        return (text, "");
    }
    let head = &text[..width];
    let Some(blank) = head.rfind([' ', '\t', '\n']).filter(|at| *at > 0) else { return (text, "") };
    let at = head.rfind('\n').filter(|at| *at > 0).unwrap_or(blank);
    (&text[..at], &text[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_column_is_folded_as_the_real_help_folds_it() {
        let flags = [
            Flag::text("config-from", "The network from which to copy the configuration"),
            Flag::text("driver", "Driver to manage the Network").short('d').default("bridge"),
            Flag::map("ipam-opt", "Set IPAM driver specific options"),
            Flag::strings("subnet", "Subnet in CIDR format that represents a network segment"),
        ];
        let expected = "      --config-from string   The network from which to copy the configuration
  -d, --driver string        Driver to manage the Network (default \"bridge\")
      --ipam-opt map         Set IPAM driver specific options (default map[])
      --subnet strings       Subnet in CIDR format that represents a
                             network segment
";
        assert_eq!(list(&flags), expected);
    }

    #[test]
    fn line_ends_in_the_text_are_kept() {
        let flags = [Flag::text("format", "First line:\n'json':             Print in JSON format\nLast").short('f')];
        let expected = "  -f, --format string   First line:
                        'json':             Print in JSON format
                        Last
";
        assert_eq!(list(&flags), expected);
    }
}
