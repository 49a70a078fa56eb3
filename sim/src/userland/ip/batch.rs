//! `ip -batch FILE`: command lines one after the other, without `ip` in front. A line that fails is the last unless `-force`
//! says otherwise.

use std::collections::VecDeque;

use super::{Error, Object, Outcome, Refusal, Words, parse, run};
use crate::userland::exec::{Gather, Next};
use crate::userland::{Flavour, Sys};

/// Reads the lines, and carries them out.
pub(super) fn start(sys: &mut Sys<'_>, file: &str) -> Next {
    if file == "-" {
        return Next::Own(Box::new(Gather::new(|sys, text| carry_out(sys, "-", text))));
    }
    let read = sys.files().read(&sys.absolute(file)).map(|text| String::from_utf8_lossy(&text).into_owned());
    match read {
        Ok(text) => Next::Exit(carry_out(sys, file, &text)),
        Err(errno) => {
            sys.eprint(format!("Cannot open file \"{file}\" for reading: {errno}\n"));
            Next::Exit(1)
        }
    }
}

/// The words of a line; quotes hold what is between them together.
fn words(line: &str) -> VecDeque<String> {
    let (mut all, mut word, mut quote) = (VecDeque::new(), None::<String>, None);
    for letter in line.chars() {
        match (quote, letter) {
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (Some(open), letter) if open == letter => quote = None,
            (None, letter) if letter.is_whitespace() => all.extend(word.take()),
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    all.extend(word);
    all
}

fn carry_out(sys: &mut Sys<'_>, file: &str, text: &str) -> i32 {
    let argv = Words(sys.argv().iter().skip(1).cloned().collect());
    let Ok((_, outer, _)) = parse(argv, Flavour::Host) else { return 1 };
    let mut status = 0;
    for (at, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default();
        let line = Words(words(line));
        if line.0.is_empty() {
            continue;
        }
        let (object, outcome) = match parse(line, Flavour::Host) {
            Ok((object, mut options, words)) => {
                options.netns = options.netns.or_else(|| outer.netns.clone());
                options.json |= outer.json;
                (object, run(sys, object, &options, words))
            }
            Err(error) => (Object::Link, Err(error)),
        };
        let failed = match outcome {
            Ok(Outcome::Text(text)) => {
                sys.print(text);
                None
            }
            // Nothing goes on as something else here.
            Ok(Outcome::Own(_) | Outcome::Exec(_)) => Some(Error::from(Refusal::NotSupported)),
            Err(error) => Some(error),
        };
        let Some(error) = failed else { continue };
        sys.eprint(error.text(Flavour::Host, object));
        sys.eprint(format!("Command failed {file}:{}\n", at + 1));
        status = 1;
        if !outer.force {
            break;
        }
    }
    status
}
