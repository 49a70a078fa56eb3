//! Programs that count and calculate: `seq` and `expr`.

use super::pattern::{Limits, Pattern, Syntax};
use crate::userland::options::{Options, Order, usage};
use crate::userland::{Flavour, Sys};

const SEQ: &str = "[-w] [-s SEP] [FIRST [INC]] LAST\n\nPrint numbers from FIRST to LAST, in steps of INC.\n\
                   FIRST, INC default to 1.\n\n\t-w\tPad to last with leading zeros\n\t-s SEP\tString separator";

/// `seq [-w] [-s SEP] [FIRST [INC]] LAST`
pub(super) fn seq(sys: &mut Sys<'_>) -> i32 {
    let (flavour, synopsis) = (sys.flavour(), SEQ);
    let negative =
        |word: &String| word.starts_with('-') && word[1..].starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let (numbers, words): (Vec<String>, Vec<String>) = sys.argv().iter().cloned().partition(negative);
    let options = match Options::parse(&words, "ws:", Order::Anywhere) {
        Ok(options) => options,
        Err(error) => {
            sys.eprint(error.text("seq", synopsis, flavour));
            return 1;
        }
    };
    let operands: Vec<String> =
        sys.argv().iter().skip(1).filter(|w| numbers.contains(w) || options.operands.contains(w)).cloned().collect();
    if operands.is_empty() {
        let said = if flavour == Flavour::Host { "seq: missing operand\n" } else { "" };
        sys.eprint(said.to_owned() + &usage("seq", synopsis, flavour));
        return 1;
    }
    match sequence(&operands) {
        Ok(numbers) => {
            let width = if options.has('w') { numbers.iter().map(String::len).max().unwrap_or(0) } else { 0 };
            let padded: Vec<String> = numbers.iter().map(|n| format!("{n:0>width$}")).collect();
            let end = if padded.is_empty() { "" } else { "\n" };
            sys.print(padded.join(options.value('s').unwrap_or("\n")) + end);
            0
        }
        Err(word) => {
            sys.eprint(match flavour {
                Flavour::Host => format!("seq: invalid floating point argument: '{word}'\n"),
                Flavour::Busybox => usage("seq", synopsis, flavour),
            });
            1
        }
    }
}

/// The numbers from the first to the last, with as many digits behind the point as the words have; or the word that is
/// no number.
fn sequence(words: &[String]) -> Result<Vec<String>, String> {
    let digits = words.iter().map(|w| w.split_once('.').map_or(0, |(_, fraction)| fraction.len())).max().unwrap_or(0);
    let mut values = Vec::new();
    for word in words {
        values.push(word.parse::<f64>().map_err(|_| word.clone())?);
    }
    let (first, step, last) = match values.as_slice() {
        [last] => (1.0, 1.0, *last),
        [first, last] => (*first, 1.0, *last),
        [first, step, last, ..] => (*first, *step, *last),
        [] => return Ok(Vec::new()),
    };
    if step == 0.0 {
        return Err(words[1].clone());
    }
    let number = |at: u32| f64::from(at).mul_add(step, first);
    let within = |value: &f64| if step > 0.0 { *value <= last + 1e-9 } else { *value >= last - 1e-9 };
    Ok((0..).map(number).take_while(within).map(|value| format!("{value:.digits$}")).collect())
}

/// `expr ARG…`: exit code 1 when the result is empty or 0, 2 when it cannot be calculated.
pub(super) fn expr(sys: &mut Sys<'_>) -> i32 {
    let words: Vec<String> = sys.argv().iter().skip(1).cloned().collect();
    let mut expression = Expression { words: &words, at: 0 };
    let outcome = expression.or().and_then(|value| match words.get(expression.at) {
        Some(word) => Err(format!("syntax error: unexpected argument '{word}'")),
        None => Ok(value),
    });
    match outcome {
        Ok(value) => {
            let status = i32::from(value.is_empty() || value == "0");
            sys.print(value + "\n");
            status
        }
        Err(said) if words.is_empty() => {
            let text = match sys.flavour() {
                Flavour::Host => format!("expr: {said}\n{}", usage("expr", "", Flavour::Host)),
                Flavour::Busybox => "expr: too few arguments\n".to_owned(),
            };
            sys.eprint(text);
            2
        }
        Err(said) => {
            // busybox does not say what is wrong with the syntax.
            let brief = said.starts_with("syntax error") && sys.flavour() == Flavour::Busybox;
            sys.eprint(format!("expr: {}\n", if brief { "syntax error" } else { &said }));
            2
        }
    }
}

/// An expression that is being read, by falling precedence: `|`, `&`, comparisons, sums, products, `:`.
struct Expression<'a> {
    words: &'a [String],
    at: usize,
}

type Value = Result<String, String>;

impl Expression<'_> {
    /// Takes the next word when it is one of `operators`.
    fn operator(&mut self, operators: &[&'static str]) -> Option<&'static str> {
        let word = self.words.get(self.at)?;
        let found = operators.iter().find(|o| *o == word)?;
        self.at += 1;
        Some(found)
    }

    fn or(&mut self) -> Value {
        let mut left = self.and()?;
        while self.operator(&["|"]).is_some() {
            let right = self.and()?;
            left = if is_true(&left) { left } else { right };
        }
        Ok(left)
    }

    fn and(&mut self) -> Value {
        let mut left = self.comparison()?;
        while self.operator(&["&"]).is_some() {
            let right = self.comparison()?;
            left = if is_true(&left) && is_true(&right) { left } else { "0".to_owned() };
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Value {
        let mut left = self.sum()?;
        while let Some(operator) = self.operator(&["=", "==", "!=", "<", "<=", ">", ">="]) {
            let right = self.sum()?;
            let order = match (left.parse::<i64>(), right.parse::<i64>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                _ => left.cmp(&right),
            };
            let holds = match operator {
                "=" | "==" => order.is_eq(),
                "!=" => order.is_ne(),
                "<" => order.is_lt(),
                "<=" => order.is_le(),
                ">" => order.is_gt(),
                _ => order.is_ge(),
            };
            left = u8::from(holds).to_string();
        }
        Ok(left)
    }

    fn sum(&mut self) -> Value {
        let mut left = self.product()?;
        while let Some(operator) = self.operator(&["+", "-"]) {
            let right = self.product()?;
            left = calculate(&left, operator, &right)?;
        }
        Ok(left)
    }

    fn product(&mut self) -> Value {
        let mut left = self.matching()?;
        while let Some(operator) = self.operator(&["*", "/", "%"]) {
            let right = self.matching()?;
            left = calculate(&left, operator, &right)?;
        }
        Ok(left)
    }

    fn matching(&mut self) -> Value {
        let mut left = self.word()?;
        while self.operator(&[":"]).is_some() {
            let pattern = self.word()?;
            left = matched(&left, &pattern)?;
        }
        Ok(left)
    }

    fn word(&mut self) -> Value {
        if self.operator(&["("]).is_some() {
            let inner = self.or()?;
            return self.operator(&[")"]).map(|_| inner).ok_or_else(|| "syntax error: expecting ')'".to_owned());
        }
        if self.operator(&["length"]).is_some() {
            return self.word().map(|word| word.chars().count().to_string());
        }
        let missing = match self.words.last() {
            Some(last) => format!("syntax error: missing argument after '{last}'"),
            None => "missing operand".to_owned(),
        };
        let word = self.words.get(self.at).cloned().ok_or(missing)?;
        self.at += 1;
        Ok(word)
    }
}

fn is_true(value: &str) -> bool {
    !value.is_empty() && value != "0"
}

fn calculate(left: &str, operator: &str, right: &str) -> Value {
    let number = |word: &str| word.parse::<i64>().map_err(|_| "non-integer argument".to_owned());
    let (a, b) = (number(left)?, number(right)?);
    let result = match operator {
        "+" => a.checked_add(b),
        "-" => a.checked_sub(b),
        "*" => a.checked_mul(b),
        _ if b == 0 => return Err("division by zero".to_owned()),
        "/" => a.checked_div(b),
        _ => a.checked_rem(b),
    };
    result.map(|n| n.to_string()).ok_or_else(|| "Numerical result out of range".to_owned())
}

/// The first group of a match at the beginning, or its length.
fn matched(text: &str, pattern: &str) -> Value {
    let anchored = format!("^{}", pattern.trim_start_matches('^'));
    let compiled = Pattern::new(&[&anchored], Syntax::Basic, Limits::default());
    let compiled = compiled.ok_or_else(|| "Invalid regular expression".to_owned())?;
    let groups = compiled.regex().captures_len() > 1;
    let found = compiled.regex().captures(text);
    Ok(match (found, groups) {
        (Some(found), true) => found.get(1).map_or("", |m| m.as_str()).to_owned(),
        (Some(found), false) => found.get(0).map_or(0, |m| m.as_str().chars().count()).to_string(),
        (None, true) => String::new(),
        (None, false) => "0".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    fn value(line: &str) -> Value {
        Expression { words: &words(line), at: 0 }.or()
    }

    #[test]
    fn sequences_go_up_down_and_by_fractions() {
        assert_eq!(sequence(&words("3")).unwrap(), ["1", "2", "3"]);
        assert_eq!(sequence(&words("3 -1 1")).unwrap(), ["3", "2", "1"]);
        assert_eq!(sequence(&words("0 0.5 1")).unwrap(), ["0.0", "0.5", "1.0"]);
        assert_eq!(sequence(&words("5 1")).unwrap(), Vec::<String>::new());
        assert_eq!(sequence(&words("x")), Err("x".to_owned()));
    }

    #[test]
    fn expressions_follow_precedence() {
        assert_eq!(value("1 + 2 * 3").as_deref(), Ok("7"));
        assert_eq!(value("( 1 + 2 ) * 3").as_deref(), Ok("9"));
        assert_eq!(value("10 > 9").as_deref(), Ok("1"));
        assert_eq!(value("1 / 0"), Err("division by zero".to_owned()));
        assert_eq!(value("0 | x").as_deref(), Ok("x"));
        assert_eq!(value("length abc").as_deref(), Ok("3"));
    }

    #[test]
    fn patterns_match_at_the_beginning() {
        assert_eq!(value(r"eth14 : eth\([0-9]*\)").as_deref(), Ok("14"));
        assert_eq!(value("eth14 : e.*1").as_deref(), Ok("4"));
        assert_eq!(value("eth14 : x").as_deref(), Ok("0"));
    }
}
