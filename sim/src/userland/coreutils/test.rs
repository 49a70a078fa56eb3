//! `test` and `[`: whether an expression about strings, numbers or files holds.

use crate::userland::files::{View, normalise};
use crate::userland::{Flavour, Sys};

/// Exit code 0 when it holds, 1 when not, 2 when it makes no sense.
pub(super) fn run(sys: &mut Sys<'_>) -> i32 {
    let name = sys.argv().first().map_or("test", |n| n.rsplit('/').next().unwrap_or("test")).to_owned();
    let mut words: Vec<String> = sys.argv().iter().skip(1).cloned().collect();
    let closed = name != "[" || words.pop().is_some_and(|word| word == "]");
    let outcome = if closed {
        Expression { words: &words, at: 0, files: sys.files(), cwd: sys.cwd() }.whole()
    } else {
        Err(if sys.flavour() == Flavour::Host { "missing ']'" } else { "missing ]" }.to_owned())
    };
    match outcome {
        Ok(holds) => i32::from(!holds),
        Err(said) => {
            sys.eprint(format!("{name}: {said}\n"));
            2
        }
    }
}

/// An expression that is being read.
struct Expression<'a> {
    words: &'a [String],
    at: usize,
    files: View<'a>,
    cwd: &'a str,
}

type Truth = Result<bool, String>;

impl<'a> Expression<'a> {
    fn whole(mut self) -> Truth {
        if self.words.is_empty() {
            return Ok(false);
        }
        let value = self.or()?;
        match self.words.get(self.at) {
            Some(word) => Err(format!("{word}: unexpected operator")),
            None => Ok(value),
        }
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.words.get(self.at).is_some_and(|w| w == word);
        self.at += usize::from(found);
        found
    }

    fn or(&mut self) -> Truth {
        let mut value = self.and()?;
        while self.take("-o") {
            value |= self.and()?;
        }
        Ok(value)
    }

    fn and(&mut self) -> Truth {
        let mut value = self.primary()?;
        while self.take("-a") {
            value &= self.primary()?;
        }
        Ok(value)
    }

    fn primary(&mut self) -> Truth {
        let words = self.words;
        let rest: Vec<&'a str> = words[self.at.min(words.len())..].iter().map(String::as_str).collect();
        if let [left, operator, right, ..] = rest.as_slice()
            && let Some(value) = compare(left, operator, right)
        {
            self.at += 3;
            return value;
        }
        match rest.as_slice() {
            ["!", _, ..] => {
                self.at += 1;
                self.primary().map(|value| !value)
            }
            ["(", _, ..] => {
                self.at += 1;
                let value = self.or()?;
                if self.take(")") { Ok(value) } else { Err("closing paren expected".to_owned()) }
            }
            [operator, operand, ..] if operator.len() == 2 && operator.starts_with('-') => {
                self.at += 2;
                self.about(operator, operand)
            }
            [word, ..] => {
                self.at += 1;
                Ok(!word.is_empty())
            }
            [] => Err("argument expected".to_owned()),
        }
    }

    /// Whether one word or the file of that name is what the operator says.
    fn about(&self, operator: &str, operand: &str) -> Truth {
        let path = normalise(self.cwd, operand);
        let stat = self.files.stat(&path).ok();
        Ok(match operator {
            "-n" => !operand.is_empty(),
            "-z" => operand.is_empty(),
            "-e" | "-r" | "-w" => stat.is_some(),
            "-d" => stat.is_some_and(|stat| stat.is_directory()),
            "-f" => stat.is_some_and(|stat| stat.is_file()),
            "-x" => stat.is_some_and(|stat| stat.is_directory() || stat.mode & 0o111 != 0),
            "-s" => stat.is_some_and(|stat| stat.size > 0),
            "-L" | "-h" => self.files.target(&path).is_some(),
            "-t" => false,
            _ => return Err(format!("{operator}: unknown operand")),
        })
    }
}

/// What an operator between two words says; none when it is no operator.
fn compare(left: &str, operator: &str, right: &str) -> Option<Truth> {
    let numbers = |holds: fn(&i64, &i64) -> bool| {
        let number = |word: &str| word.trim().parse::<i64>().map_err(|_| format!("{word}: bad number"));
        number(left).and_then(|a| number(right).map(|b| holds(&a, &b)))
    };
    Some(match operator {
        "=" | "==" => Ok(left == right),
        "!=" => Ok(left != right),
        "<" => Ok(left < right),
        ">" => Ok(left > right),
        "-eq" => numbers(i64::eq),
        "-ne" => numbers(i64::ne),
        "-lt" => numbers(i64::lt),
        "-le" => numbers(i64::le),
        "-gt" => numbers(i64::gt),
        "-ge" => numbers(i64::ge),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::userland::Files;

    fn holds(line: &str) -> Truth {
        let mut files = Files::default();
        files.make_directory("/etc");
        files.write("/etc/hosts", "x").unwrap();
        let words: Vec<String> = line.split_whitespace().map(|w| w.replace("''", "")).collect();
        Expression { words: &words, at: 0, files: files.view(), cwd: "/etc" }.whole()
    }

    #[test]
    fn strings_numbers_and_files() {
        assert_eq!(holds("a = a -a 2 -lt 10"), Ok(true));
        assert_eq!(holds("! -z '' -o x != x"), Ok(false));
        assert_eq!(holds("( -f hosts -a -d /etc ) -a ! -e /nosuch"), Ok(true));
        assert_eq!(holds(""), Ok(false));
        assert_eq!(holds("-n"), Ok(true));
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(holds("a -eq 1"), Err("a: bad number".to_owned()));
        assert_eq!(holds("a b"), Err("b: unexpected operator".to_owned()));
        assert_eq!(holds("( a"), Err("closing paren expected".to_owned()));
    }
}
