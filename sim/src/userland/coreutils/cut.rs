//! `cut`: chosen fields or characters of each line.

use crate::userland::filter::{Filter, Flow, Made, options};
use crate::userland::{Flavour, Sys};

/// Numbers from 1 that are wanted: `1,3-5,7-`.
#[derive(Clone, Debug, Eq, PartialEq)]
struct List(Vec<(usize, usize)>);

impl List {
    fn parse(text: &str) -> Option<Self> {
        text.split(',').map(range).collect::<Option<_>>().map(Self)
    }

    fn contains(&self, number: usize) -> bool {
        self.0.iter().any(|(first, last)| (*first..=*last).contains(&number))
    }
}

fn range(text: &str) -> Option<(usize, usize)> {
    let number = |word: &str| word.parse().ok().filter(|n| *n > 0);
    match text.split_once('-') {
        None => number(text).map(|n| (n, n)),
        Some(("", "")) => None,
        Some(("", last)) => Some((1, number(last)?)),
        Some((first, "")) => Some((number(first)?, usize::MAX)),
        Some((first, last)) => Some((number(first)?, number(last)?)),
    }
}

#[derive(Clone)]
enum Unit {
    Characters,
    Fields { delimiter: u8, only_delimited: bool },
}

#[derive(Clone)]
struct Cut {
    list: List,
    unit: Unit,
}

pub(super) fn make(sys: &Sys<'_>) -> Made {
    let options = options(sys, "cut", "d:f:c:b:s", "[-sb] [-d CHAR] [-f LIST] [FILE]...")?;
    let delimiter = options.value('d').unwrap_or("\t");
    let [delimiter] = *delimiter.as_bytes() else {
        let text = "cut: the delimiter must be a single character\nTry 'cut --help' for more information.\n";
        return Err((text.to_owned(), 1));
    };
    let characters = options.value('c').or_else(|| options.value('b'));
    let Some(list) = options.value('f').or(characters).and_then(List::parse) else {
        return Err((without_list(sys.flavour()), 1));
    };
    let fields = Unit::Fields { delimiter, only_delimited: options.has('s') };
    let unit = if characters.is_some() { Unit::Characters } else { fields };
    Ok((Box::new(Cut { list, unit }), options.operands))
}

fn without_list(flavour: Flavour) -> String {
    match flavour {
        Flavour::Host => "cut: you must specify a list of bytes, characters, or fields\n\
                          Try 'cut --help' for more information.\n"
            .to_owned(),
        Flavour::Busybox => "cut: expected a list of bytes, characters, or fields\n".to_owned(),
    }
}

impl Filter for Cut {
    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> Flow {
        match self.unit {
            Unit::Characters => {
                out.extend(line.iter().zip(1..).filter(|(_, n)| self.list.contains(*n)).map(|(b, _)| b));
            }
            Unit::Fields { delimiter, only_delimited } => {
                if !line.contains(&delimiter) {
                    if only_delimited {
                        return Flow::Go;
                    }
                    out.extend_from_slice(line);
                } else {
                    let fields = line.split(|b| *b == delimiter).zip(1..);
                    let wanted: Vec<&[u8]> = fields.filter(|(_, n)| self.list.contains(*n)).map(|(f, _)| f).collect();
                    out.extend(wanted.join(&delimiter));
                }
            }
        }
        out.push(b'\n');
        Flow::Go
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::userland::filter::filtered;

    fn cut(list: &str, unit: Unit, text: &str) -> String {
        filtered(Box::new(Cut { list: List::parse(list).unwrap(), unit }), &[("-", text)]).0
    }

    #[test]
    fn fields_keep_their_order_and_undivided_lines_pass() {
        let fields = |only_delimited| Unit::Fields { delimiter: b':', only_delimited };
        assert_eq!(cut("3,1", fields(false), "a:b:c:d\nplain\n"), "a:c\nplain\n");
        assert_eq!(cut("2-", fields(true), "a:b:c\nplain\n"), "b:c\n");
        assert_eq!(cut("-2,4", Unit::Characters, "abcdef\n"), "abd\n");
    }

    #[test]
    fn lists_must_be_numbers_from_one() {
        assert_eq!(List::parse("0"), None);
        assert_eq!(List::parse("-"), None);
        assert_eq!(List::parse("1,x"), None);
    }
}
