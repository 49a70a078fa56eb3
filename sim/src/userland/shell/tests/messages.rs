//! What the shells say when something is wrong, word for word, as busybox 1.35, dash 0.5.12 and bash 5.2 said it.

use super::world::{Outcome, World, run};
use crate::userland::Flavour;

/// A script and what ash, dash and bash print and exit with.
type Row = (&'static str, [(&'static str, i32); 3]);

#[rustfmt::skip]
const TABLE: &[Row] = &[
    (
        r#"echo "a  b" 'c $x' d\ e "f\"g\$h\\i\n""#,
        [("a  b c $x d e f\"g$h\\i\\n\n", 0), ("a  b c $x d e f\"g$h\\i\n\n", 0), ("a  b c $x d e f\"g$h\\i\\n\n", 0)],
    ),
    (
        r#"echo 'a\b c\d' | { read x; echo "$x"; }; echo 'a\b' | { read -r x; echo "$x"; }"#,
        [("ab cd\na\\b\n", 0), ("a cd\na\n", 0), ("ab cd\na\\b\n", 0)],
    ),
    (
        "shift; echo $?; set -- 1 2 3; shift; echo $*; shift 2; echo $#",
        [("1\n2 3\n0\n", 0), ("sh: 1: shift: can't shift that many\n", 2), ("1\n2 3\n0\n", 0)],
    ),
    (
        "readonly r=1; echo $r; (r=2); echo $?",
        [("1\nsh: r: is read only\n2\n", 0), ("1\nsh: 1: r: is read only\n2\n", 0), ("1\nbash: line 1: r: readonly variable\n1\n", 0)],
    ),
    (
        "set -u; echo ${x-ok}; (echo $x); echo $?",
        [("ok\nsh: x: parameter not set\n2\n", 0), ("ok\nsh: 1: x: parameter not set\n2\n", 0), ("ok\nbash: line 1: x: unbound variable\n1\n", 0)],
    ),
    (
        "(echo ${x?gone}); echo $?; (echo ${x:?}); echo $?",
        [("sh: x: gone\n2\nsh: x: parameter not set or null\n2\n", 0), ("sh: 1: x: gone\n2\nsh: 1: x: parameter not set or null\n2\n", 0), ("bash: line 1: x: gone\n1\nbash: line 1: x: parameter null or not set\n1\n", 0)],
    ),
    (
        "nosuch; echo $?; nosuch 2>/dev/null; echo $?; /nope/x; echo $?; /etc; echo $?",
        [("sh: nosuch: not found\n127\n127\nsh: /nope/x: not found\n127\nsh: /etc: Permission denied\n126\n", 0), ("sh: 1: nosuch: not found\n127\n127\nsh: 1: /nope/x: not found\n127\nsh: 1: /etc: Permission denied\n126\n", 0), ("bash: line 1: nosuch: command not found\n127\n127\nbash: line 1: /nope/x: No such file or directory\n127\nbash: line 1: /etc: Is a directory\n126\n", 0)],
    ),
    (
        "cat < /nope; echo $?; echo x > /nope/y; echo $?; { echo no; } < /nope; echo $?",
        [("sh: can't open /nope: no such file\n1\nsh: can't create /nope/y: nonexistent directory\n1\nsh: can't open /nope: no such file\n1\n", 0), ("sh: 1: cannot open /nope: No such file\n2\nsh: 1: cannot create /nope/y: Directory nonexistent\n2\nsh: 1: cannot open /nope: No such file\n2\n", 0), ("bash: line 1: /nope: No such file or directory\n1\nbash: line 1: /nope/y: No such file or directory\n1\nbash: line 1: /nope: No such file or directory\n1\n", 0)],
    ),
    (
        "echo a ; ; echo b",
        [("sh: syntax error: unexpected \";\"\n", 2), ("sh: 1: Syntax error: \";\" unexpected\n", 2), ("bash: -c: line 1: syntax error near unexpected token `;'\nbash: -c: line 1: `echo a ; ; echo b'\n", 2)],
    ),
    (
        "echo )",
        [("sh: syntax error: unexpected \")\"\n", 2), ("sh: 1: Syntax error: \")\" unexpected\n", 2), ("bash: -c: line 1: syntax error near unexpected token `)'\nbash: -c: line 1: `echo )'\n", 2)],
    ),
    (
        "if true; then",
        [("sh: syntax error: unexpected end of file (expecting \"fi\")\n", 2), ("sh: 1: Syntax error: end of file unexpected (expecting \"fi\")\n", 2), ("bash: -c: line 2: syntax error: unexpected end of file\n", 2)],
    ),
    (
        r#"echo "abc"#,
        [("sh: syntax error: unterminated quoted string\n", 2), ("sh: 1: Syntax error: Unterminated quoted string\n", 2), ("bash: -c: line 1: unexpected EOF while looking for matching `\"'\n", 2)],
    ),
    (
        "echo $((1/0)); echo same",
        [("sh: divide by zero\n", 2), ("sh: 1: arithmetic expression: division by zero: \"1/0\"\n", 2), ("bash: line 1: 1/0: division by 0 (error token is \"0\")\n", 1)],
    ),
    (
        "echo $((1+)); echo same",
        [("sh: arithmetic syntax error\n", 2), ("sh: 1: arithmetic expression: expecting primary: \"1+\"\n", 2), ("bash: line 1: 1+: syntax error: operand expected (error token is \"+\")\n", 1)],
    ),
    (
        "shift 5; echo after",
        [("after\n", 0), ("sh: 1: shift: can't shift that many\n", 2), ("after\n", 0)],
    ),
    (
        "cd /nope; echo $?",
        [("sh: cd: line 0: can't cd to /nope: No such file or directory\n2\n", 0), ("sh: 1: cd: can't cd to /nope\n2\n", 0), ("bash: line 1: cd: /nope: No such file or directory\n1\n", 0)],
    ),
    (
        "export 1a=2; echo $?",
        [("sh: export: line 0: 1a: bad variable name\n", 2), ("sh: 1: export: 1a: bad variable name\n", 2), ("bash: line 1: export: `1a=2': not a valid identifier\n1\n", 0)],
    ),
    (
        "unset a-b; echo $?",
        [("sh: unset: line 0: a-b: bad variable name\n", 2), ("sh: 1: unset: a-b: bad variable name\n", 2), ("0\n", 0)],
    ),
    (
        "x=3; local y; echo $?",
        [("sh: local: line 0: not in a function\n", 2), ("sh: 1: local: not in a function\n", 2), ("bash: line 1: local: can only be used in a function\n1\n", 0)],
    ),
    (
        "[ 1 -eq a ]; echo $?; [ 1 -eq 1; echo $?",
        [("sh: a: bad number\n2\nsh: missing ]\n2\n", 0), ("sh: 1: [: Illegal number: a\n2\nsh: 1: [: missing ]\n2\n", 0), ("bash: line 1: [: a: integer expression expected\n2\nbash: line 1: [: missing `]'\n2\n", 0)],
    ),
    (
        "exit abc",
        [("sh: exit: line 0: Illegal number: abc\n", 2), ("sh: 1: exit: Illegal number: abc\n", 2), ("bash: line 1: exit: abc: numeric argument required\n", 2)],
    ),
    (
        "exec nosuch; echo no",
        [("sh: exec: line 0: nosuch: not found\n", 127), ("sh: 1: exec: nosuch: not found\n", 127), ("bash: line 1: exec: nosuch: not found\n", 127)],
    ),
    (
        ". /nope; echo no",
        [("sh: .: line 0: can't open '/nope': No such file or directory\n", 2), ("sh: 1: .: cannot open /nope: No such file\n", 2), ("bash: line 1: /nope: No such file or directory\nno\n", 0)],
    ),
    (
        "readonly a=1; a=2; echo no",
        [("sh: a: is read only\n", 2), ("sh: 1: a: is read only\n", 2), ("bash: line 1: a: readonly variable\n", 1)],
    ),
    (
        "kill %3; echo $?; wait %3; echo $?; kill 99999; echo $?; kill -FOO 1; echo $?",
        [("sh: kill: line 0: %3: no such job\n2\nsh: wait: line 0: %3: no such job\n2\nsh: can't kill pid 99999: No such process\n1\nsh: bad signal name 'FOO'\n1\n", 0), ("sh: 1: kill: No such job: %3\n2\nsh: 1: wait: No such job: %3\n2\nsh: 1: kill: No such process\n\n1\nsh: 1: kill: Illegal option -F\n2\n", 0), ("bash: line 1: kill: %3: no such job\n1\nbash: line 1: wait: %3: no such job\n127\nbash: line 1: kill: (99999) - No such process\n1\nbash: line 1: kill: FOO: invalid signal specification\n1\n", 0)],
    ),
    (
        r#"set -x; a=1; echo "a b" $a > /dev/null; b='x y'; set +x"#,
        [("+ a=1\n+ echo 'a b' 1\n+ b='x y'\n+ set +x\n", 0), ("+ a=1\n+ echo a b 1\n+ b=x y\n+ set +x\n", 0), ("+ a=1\n+ echo 'a b' 1\n+ b='x y'\n+ set +x\n", 0)],
    ),
    (
        "echo ${x!}; echo a",
        [("sh: syntax error: bad substitution\n", 2), ("sh: 1: Bad substitution\n", 2), ("bash: line 1: ${x!}: bad substitution\n", 1)],
    ),
    (
        "while true; done",
        [("sh: syntax error: unexpected \"done\" (expecting \"do\")\n", 2), ("sh: 1: Syntax error: \"done\" unexpected (expecting \"do\")\n", 2), ("bash: -c: line 1: syntax error near unexpected token `done'\nbash: -c: line 1: `while true; done'\n", 2)],
    ),
    (
        "for i in a b; echo $i; done",
        [("sh: syntax error: unexpected word (expecting \"do\")\n", 2), ("sh: 1: Syntax error: word unexpected (expecting \"do\")\n", 2), ("bash: -c: line 1: syntax error near unexpected token `echo'\nbash: -c: line 1: `for i in a b; echo $i; done'\n", 2)],
    ),
    (
        "fi",
        [("sh: syntax error: unexpected \"fi\"\n", 2), ("sh: 1: Syntax error: \"fi\" unexpected\n", 2), ("bash: -c: line 1: syntax error near unexpected token `fi'\nbash: -c: line 1: `fi'\n", 2)],
    ),
    (
        r#"eval "echo )"; echo after"#,
        [("sh: eval: line 0: syntax error: unexpected \")\"\n", 2), ("sh: 1: eval: Syntax error: \")\" unexpected\n", 2), ("bash: eval: line 1: syntax error near unexpected token `)'\nbash: eval: line 1: `echo )'\nafter\n", 0)],
    ),
    (
        "sh nope.sh; echo $?",
        [("sh: can't open 'nope.sh': No such file or directory\n2\n", 0), ("sh: 0: cannot open nope.sh: No such file\n2\n", 0), ("sh: 0: cannot open nope.sh: No such file\n2\n", 0)],
    ),
    (
        "trap x FOO; echo $?",
        [("sh: trap: line 0: FOO: invalid signal specification\n1\n", 0), ("trap: FOO: bad trap\n1\n", 0), ("bash: line 1: trap: FOO: invalid signal specification\n1\n", 0)],
    ),
    (
        "true
cd /nope
nosuch
echo x > /nope/y",
        [("sh: cd: line 1: can't cd to /nope: No such file or directory\nsh: nosuch: not found\nsh: can't create /nope/y: nonexistent directory\n", 1), ("sh: 2: cd: can't cd to /nope\nsh: 3: nosuch: not found\nsh: 4: cannot create /nope/y: Directory nonexistent\n", 2), ("bash: line 2: cd: /nope: No such file or directory\nbash: line 3: nosuch: command not found\nbash: line 4: /nope/y: No such file or directory\n", 1)],
    ),
    (
        "if true; then fi",
        [("sh: syntax error: unexpected \"fi\"\n", 2), ("sh: 1: Syntax error: \"fi\" unexpected\n", 2), ("bash: -c: line 1: syntax error near unexpected token `fi'\nbash: -c: line 1: `if true; then fi'\n", 2)],
    ),
    (
        "if true; fi",
        [("sh: syntax error: unexpected \"fi\" (expecting \"then\")\n", 2), ("sh: 1: Syntax error: \"fi\" unexpected (expecting \"then\")\n", 2), ("bash: -c: line 1: syntax error near unexpected token `fi'\nbash: -c: line 1: `if true; fi'\n", 2)],
    ),
    (
        "{ echo a",
        [("sh: syntax error: unexpected end of file (expecting \"}\")\n", 2), ("sh: 1: Syntax error: end of file unexpected (expecting \"}\")\n", 2), ("bash: -c: line 2: syntax error: unexpected end of file\n", 2)],
    ),
    (
        "(echo a",
        [("sh: syntax error: unexpected end of file (expecting \")\")\n", 2), ("sh: 1: Syntax error: end of file unexpected (expecting \")\")\n", 2), ("bash: -c: line 2: syntax error: unexpected end of file\n", 2)],
    ),
    (
        "echo a | fi",
        [("sh: syntax error: unexpected \"fi\"\n", 2), ("sh: 1: Syntax error: \"fi\" unexpected\n", 2), ("bash: -c: line 1: syntax error near unexpected token `fi'\nbash: -c: line 1: `echo a | fi'\n", 2)],
    ),
    (
        "case a in a) echo b",
        [("sh: syntax error: unexpected end of file (expecting \";;\")\n", 2), ("sh: 1: Syntax error: end of file unexpected (expecting \";;\")\n", 2), ("bash: -c: line 2: syntax error: unexpected end of file\n", 2)],
    ),
    (
        "echo `echo a",
        [("sh: syntax error: EOF in backquote substitution\n", 2), ("sh: 1: Syntax error: EOF in backquote substitution\n", 2), ("bash: -c: line 1: unexpected EOF while looking for matching ``'\n", 2)],
    ),
    (
        "echo ${a",
        [("sh: syntax error: missing '}'\n", 2), ("sh: 1: Syntax error: Missing '}'\n", 2), ("bash: -c: line 1: unexpected EOF while looking for matching `}'\n", 2)],
    ),
    (
        "a |",
        [("sh: syntax error: unexpected end of file\n", 2), ("sh: 1: Syntax error: end of file unexpected\n", 2), ("bash: -c: line 2: syntax error: unexpected end of file\n", 2)],
    ),
    (
        "| a",
        [("sh: syntax error: unexpected \"|\"\n", 2), ("sh: 1: Syntax error: \"|\" unexpected\n", 2), ("bash: -c: line 1: syntax error near unexpected token `|'\nbash: -c: line 1: `| a'\n", 2)],
    ),
    (
        "echo a; done",
        [("sh: syntax error: unexpected \"done\"\n", 2), ("sh: 1: Syntax error: \"done\" unexpected\n", 2), ("bash: -c: line 1: syntax error near unexpected token `done'\nbash: -c: line 1: `echo a; done'\n", 2)],
    ),
    (
        "for i in 1; do echo $i; done; }",
        [("sh: syntax error: unexpected \"}\"\n", 2), ("sh: 1: Syntax error: \"}\" unexpected\n", 2), ("bash: -c: line 1: syntax error near unexpected token `}'\nbash: -c: line 1: `for i in 1; do echo $i; done; }'\n", 2)],
    ),
    (
        "x=1
echo $(( x",
        [("sh: syntax error: missing '))'\n", 2), ("sh: 2: Syntax error: Missing '))'\n", 2), ("bash: -c: line 2: unexpected EOF while looking for matching `)'\n", 2)],
    ),
];

#[test]
fn each_shell_complains_in_its_own_words() {
    let shells = [(Flavour::Busybox, "sh"), (Flavour::Host, "sh"), (Flavour::Host, "bash")];
    for (script, expected) in TABLE {
        for ((flavour, shell), (output, status)) in shells.into_iter().zip(expected) {
            let said = run(flavour, &[shell, "-c", script]);
            let expected = Outcome { output: (*output).to_owned(), status: *status };
            assert_eq!(said, expected, "{flavour:?} {shell} -c {script:?}");
        }
    }
}

#[test]
fn a_script_in_a_file_is_named_with_its_line() {
    for (flavour, shell, expected) in [
        (Flavour::Busybox, "sh", "/tmp/s: line 2: nosuch: not found\n"),
        (Flavour::Host, "sh", "/tmp/s: 2: nosuch: not found\n"),
        (Flavour::Host, "bash", "/tmp/s: line 2: nosuch: command not found\n"),
    ] {
        let text = format!("printf ':\\nnosuch\\n' > /tmp/s; {shell} /tmp/s");
        assert_eq!(run(flavour, &[shell, "-c", &text]).output, expected);
    }
}

#[test]
fn a_shell_that_cannot_begin_says_why() {
    let said = |flavour, argv: &[&str]| run(flavour, argv);
    let outcome = |output: &str, status| Outcome { output: output.to_owned(), status };
    let expected = outcome("sh: can't open 'nope.sh': No such file or directory\n", 2);
    assert_eq!(said(Flavour::Busybox, &["sh", "nope.sh"]), expected);
    assert_eq!(said(Flavour::Host, &["sh", "nope.sh"]), outcome("sh: 0: cannot open nope.sh: No such file\n", 2));
    assert_eq!(said(Flavour::Host, &["bash", "nope.sh"]), outcome("bash: nope.sh: No such file or directory\n", 127));
    assert_eq!(said(Flavour::Host, &["bash", "-c"]), outcome("bash: -c: option requires an argument\n", 2));
}

#[test]
fn a_shell_that_may_have_no_more_processes_says_so_and_ends() {
    let unable = "Resource temporarily unavailable";
    let cannot = [
        (Flavour::Busybox, "sh", format!("sh: can't fork: {unable}\n"), 2),
        (Flavour::Host, "sh", "sh: 1: Cannot fork\n".to_owned(), 2),
        (Flavour::Host, "bash", format!("bash: fork: {unable}\n"), 254),
    ];
    for (flavour, shell, text, status) in cannot {
        for script in ["linger & linger & linger; echo on", "linger | linger | linger; :", "linger & linger & (:); :"] {
            let mut world = World::new(flavour, &[shell, "-c", script]);
            world.limit(3);
            assert_eq!(world.outcome(), Outcome { output: text.clone(), status }, "{shell} -c {script:?}");
        }
        let mut world = World::new(flavour, &[shell, "-c", "f() { (f); }; f"]);
        world.limit(50);
        assert_eq!(world.outcome(), Outcome { output: text, status }, "what forks without end ends");
    }
}
