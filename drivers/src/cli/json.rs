//! JSON as text: the engine's own bytes, laid out anew. Keys keep their order and strings their spelling, because
//! `docker inspect` prints what the engine sent. It does not check what it is given.

/// `raw` with every blank outside strings gone.
pub(super) fn compact(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    for (c, place) in letters(raw) {
        if place == Place::String || !c.is_ascii_whitespace() {
            text.push(c);
        }
    }
    text
}

/// `raw` with one thing a line, four blanks a level.
pub(super) fn indented(raw: &str) -> String {
    let compact = compact(raw);
    let mut text = String::with_capacity(compact.len() * 2);
    let mut depth = 0;
    let mut last = ' ';
    for (c, place) in letters(&compact) {
        let closes = place == Place::Between && matches!(c, '}' | ']');
        let after_opening = matches!(last, '{' | '[');
        if closes {
            depth -= 1;
        }
        if (closes && !after_opening) || (!closes && after_opening) || last == ',' {
            text.push('\n');
            text.extend(core::iter::repeat_n("    ", depth));
        }
        text.push(c);
        if place == Place::Between && c == ':' {
            text.push(' ');
        }
        if place == Place::Between && matches!(c, '{' | '[') {
            depth += 1;
        }
        last = if place == Place::Between { c } else { '"' };
    }
    text
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    String,
    Between,
}

/// The letters of a JSON text, each with whether it belongs to a string (its quotes included).
fn letters(raw: &str) -> impl Iterator<Item = (char, Place)> {
    let (mut inside, mut escaped) = (false, false);
    raw.chars().map(move |c| {
        let quote = c == '"' && !escaped;
        let place = if inside || quote { Place::String } else { Place::Between };
        escaped = inside && c == '\\' && !escaped;
        inside ^= quote;
        (c, place)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_laid_out_and_nothing_in_it_changes() {
        let raw = r#"[{"b": 1,"a":[ ],"c":{"x":null},"d":[true, "a,{\"\u003e:"]}, {}]"#;
        let expected = r#"[
    {
        "b": 1,
        "a": [],
        "c": {
            "x": null
        },
        "d": [
            true,
            "a,{\"\u003e:"
        ]
    },
    {}
]"#;
        assert_eq!(indented(raw), expected);
        assert_eq!(compact(&indented(raw)), r#"[{"b":1,"a":[],"c":{"x":null},"d":[true,"a,{\"\u003e:"]},{}]"#);
    }

    #[test]
    fn an_empty_list_stays_on_its_line() {
        assert_eq!(indented("[]"), "[]");
    }
}
