//! Template by template what `docker network inspect -f` printed of [`data`].

use super::*;

/// Compares with what was printed; the client's own types do not have `X`, so it was seen as bare JSON.
fn check(cases: &[(&str, Outcome)]) {
    for (text, outcome) in cases {
        let printed = Template::parse(text).and_then(|template| eval::run(&template, &data(), Mode::Raw));
        let printed = printed.as_deref().map_err(ToString::to_string);
        match outcome {
            Prints(expected) => assert_eq!(printed, Ok(*expected), "{text}"),
            Fails(expected) => assert_eq!(printed, Err((*expected).to_owned()), "{text}"),
        }
    }
}

#[test]
fn values_are_printed_as_go_prints_them() {
    check(&[
        (
            "{{.X.S}}|{{.X.E}}|{{.X.B}}|{{.X.Z}}|{{.X.Nil}}|{{.X.L}}|{{.X.M}}",
            Prints("hello||true|false|<no value>|[b a 3 <nil>]|map[a:map[q:<nil>] b-c:dash z:1]"),
        ),
        (
            "{{.X}}",
            Prints(
                "map[B:true Big:1e+21 E: EM:map[] Empty:[] F:1.5 H:<a href=\"x\">&'é\u{2028} L:[b a 3 <nil>] M:map[a:map[q:<nil>] b-c:dash z:1] N:5 Nil:<nil> S:hello SL:[x y] Z:false]",
            ),
        ),
    ]);
}

#[test]
fn fields_that_are_not_there() {
    check(&[
        ("{{.X.Foo}}", Fails("template: :1:4: executing \"\" at <.X.Foo>: map has no entry for key \"Foo\"")),
        ("{{.Foo.Bar}}", Fails("template: :1:6: executing \"\" at <.Foo.Bar>: map has no entry for key \"Foo\"")),
        (
            "{{.X.S.Foo}}",
            Fails("template: :1:4: executing \"\" at <.X.S.Foo>: can't evaluate field Foo in type interface {}"),
        ),
        (
            "{{.X.L.Foo}}",
            Fails("template: :1:4: executing \"\" at <.X.L.Foo>: can't evaluate field Foo in type interface {}"),
        ),
        (
            "{{.X.Nil.Foo}}",
            Fails("template: :1:4: executing \"\" at <.X.Nil.Foo>: nil pointer evaluating interface {}.Foo"),
        ),
        (
            "{{$n := .X.Nil}}{{$n.Foo}}",
            Fails("template: :1:20: executing \"\" at <$n.Foo>: nil data; no entry for key \"Foo\""),
        ),
        (
            "{{range .X.L}}{{.Foo}}{{end}}",
            Fails("template: :1:16: executing \"\" at <.Foo>: can't evaluate field Foo in type interface {}"),
        ),
    ]);
}

#[test]
fn ranges() {
    check(&[
        ("{{range $i, $e := .X.L}}{{$i}}={{$e}} {{end}}", Prints("0=b 1=a 2=3 3=<no value> ")),
        ("{{range $e := .X.SL}}{{$e}} {{end}}", Prints("x y ")),
        ("{{range .X.M}}{{.}},{{end}}", Prints("map[q:<nil>],dash,1,")),
        ("{{range $k, $v := .X.M}}{{$k}}={{$v}} {{end}}", Prints("a=map[q:<nil>] b-c=dash z=1 ")),
        ("{{range .X.Empty}}x{{else}}none{{end}}", Prints("none")),
        ("{{range .X.Nil}}x{{else}}none{{end}}", Prints("none")),
        ("{{range .X.S}}x{{end}}", Fails("template: :1:10: executing \"\" at <.X.S>: range can't iterate over hello")),
        ("{{range .X.B}}x{{end}}", Fails("template: :1:10: executing \"\" at <.X.B>: range can't iterate over true")),
        ("{{range 3}}{{.}}{{end}}", Prints("012")),
        ("{{range $i := 3}}{{$i}}{{end}}", Prints("012")),
        (
            "{{range $i, $x := .X.L}}{{if eq $i 1}}{{continue}}{{end}}{{if eq $i 3}}{{break}}{{end}}{{$x}}{{end}}",
            Prints("b3"),
        ),
    ]);
}

#[test]
fn conditions() {
    check(&[
        ("{{if .X.E}}a{{else if .X.B}}b{{else}}c{{end}}", Prints("b")),
        ("{{with .X.E}}a{{else with .X.S}}{{.}}{{else}}c{{end}}", Prints("hello")),
        ("{{with $x := .X.S}}{{$x}}{{.}}{{end}}", Prints("hellohello")),
        ("{{if .X.Z}}a{{end}}b", Prints("b")),
        ("{{if and .X.B .X.S}}{{and .X.B .X.S}}{{end}}", Prints("hello")),
        ("{{or .X.E .X.S}} {{or .X.E .X.Z}} {{not .X.E}} {{not .X.B}}", Prints("hello false true false")),
        (
            "{{and}}",
            Fails("template: :1:2: executing \"\" at <and>: wrong number of args for and: want at least 1 got 0"),
        ),
        ("{{not}}", Fails("template: :1:2: executing \"\" at <not>: wrong number of args for not: want 1 got 0")),
        ("{{not 1 2}}", Fails("template: :1:2: executing \"\" at <not>: wrong number of args for not: want 1 got 2")),
    ]);
}

#[test]
fn lengths_and_indexes() {
    check(&[
        ("{{len .X.S}} {{len .X.L}} {{len .X.M}} {{len .X.E}}", Prints("5 4 3 0")),
        (
            "{{len .X.Nil}}",
            Fails("template: :1:2: executing \"\" at <len .X.Nil>: error calling len: len of nil pointer"),
        ),
        ("{{len .X.B}}", Fails("template: :1:2: executing \"\" at <len .X.B>: error calling len: len of type bool")),
        ("{{len 3}}", Fails("template: :1:2: executing \"\" at <len 3>: error calling len: len of type int")),
        (
            "{{len nil}}",
            Fails(
                "template: :1:2: executing \"\" at <len nil>: error calling len: reflect: call of reflect.Value.Type on zero Value",
            ),
        ),
        (
            "{{index .X.L 0}} {{index .X.M \"b-c\"}} {{index .X.M \"nope\"}} {{index .X.S 1}}",
            Prints("b dash <no value> 101"),
        ),
        (
            "{{index .X.L 9}}",
            Fails("template: :1:2: executing \"\" at <index .X.L 9>: error calling index: index out of range: 9"),
        ),
        (
            "{{index .X.L 4}}",
            Fails(
                "template: :1:2: executing \"\" at <index .X.L 4>: error calling index: reflect: slice index out of range",
            ),
        ),
        (
            "{{index .X.L -1}}",
            Fails("template: :1:2: executing \"\" at <index .X.L -1>: error calling index: index out of range: -1"),
        ),
        (
            "{{index .X.L \"a\"}}",
            Fails(
                "template: :1:2: executing \"\" at <index .X.L \"a\">: error calling index: cannot index slice/array with type string",
            ),
        ),
        (
            "{{index .X.M 1}}",
            Fails(
                "template: :1:2: executing \"\" at <index .X.M 1>: error calling index: value has type int; should be string",
            ),
        ),
        (
            "{{index .X.M nil}}",
            Fails(
                "template: :1:2: executing \"\" at <index .X.M nil>: error calling index: value is nil; should be of type string",
            ),
        ),
        (
            "{{index .X.Nil 1}}",
            Fails("template: :1:2: executing \"\" at <index .X.Nil 1>: error calling index: index of untyped nil"),
        ),
        (
            "{{index .X.B 1}}",
            Fails(
                "template: :1:2: executing \"\" at <index .X.B 1>: error calling index: can't index item of type bool",
            ),
        ),
        (
            "{{index (index .X.M \"nope\") 0}}",
            Fails(
                "template: :1:2: executing \"\" at <index (index .X.M \"nope\") 0>: error calling index: index of untyped nil",
            ),
        ),
        ("{{index .X.M \"a\" \"q\"}}", Prints("<no value>")),
        (
            "{{index .X.M \"nope\" \"q\"}}",
            Fails(
                "template: :1:2: executing \"\" at <index .X.M \"nope\" \"q\">: error calling index: index of nil pointer",
            ),
        ),
    ]);
}

#[test]
fn slices() {
    check(&[
        ("{{slice .X.S 1 3}} {{slice .X.S 2}} {{slice .X.L 1}} {{slice .X.S}}", Prints("el llo [a 3 <nil>] hello")),
        (
            "{{slice .X.S 3 1}}",
            Fails(
                "template: :1:2: executing \"\" at <slice .X.S 3 1>: error calling slice: invalid slice index: 3 > 1",
            ),
        ),
        (
            "{{slice .X.S 9}}",
            Fails("template: :1:2: executing \"\" at <slice .X.S 9>: error calling slice: index out of range: 9"),
        ),
        (
            "{{slice .X.M 1}}",
            Fails(
                "template: :1:2: executing \"\" at <slice .X.M 1>: error calling slice: can't slice item of type map[string]interface {}",
            ),
        ),
        (
            "{{slice .X.S 1 2 3}}",
            Fails(
                "template: :1:2: executing \"\" at <slice .X.S 1 2 3>: error calling slice: cannot 3-index slice a string",
            ),
        ),
        (
            "{{slice .X.Nil 1}}",
            Fails("template: :1:2: executing \"\" at <slice .X.Nil 1>: error calling slice: slice of untyped nil"),
        ),
        (
            "{{slice .X.L 1 2 3 4}}",
            Fails(
                "template: :1:2: executing \"\" at <slice .X.L 1 2 3 4>: error calling slice: too many slice indexes: 4",
            ),
        ),
    ]);
}

#[test]
fn printing_functions() {
    check(&[
        ("{{print 1 2 \"a\" \"b\" 3 4}}", Prints("1 2ab3 4")),
        ("{{print .X.S .X.B}} {{print nil}} {{print .X.Nil}} {{print}}", Prints("hellotrue <nil> <nil> ")),
        ("{{println 1 \"a\" true}}x", Prints("1 a true\nx")),
        (
            "{{printf \"%s %d %v %q %x %5d|%-5s|%05d %.2f %t %%\" \"a\" 3 .X.M \"q\\\"\" \"hi\" 7 \"ab\" 42 1.239 true}}",
            Prints("a 3 map[a:map[q:<nil>] b-c:dash z:1] \"q\\\"\" 6869     7|ab   |00042 1.24 true %"),
        ),
        (
            "{{printf \"%d\" \"x\"}} {{printf \"%s\" 5}} {{printf \"%d\"}} {{printf \"x\" 1 \"y\"}} {{printf \"%z\" 1}} {{printf \"%\"}} {{printf \"%!\"}}",
            Prints(
                "%!d(string=x) %!s(int=5) %!d(MISSING) x%!(EXTRA int=1, string=y) %!z(int=1) %!(NOVERB) %!!(MISSING)",
            ),
        ),
        (
            "{{printf \"%v %v %T %T %T %T\" nil .X.Nil .X.S 1 1.5 .X.L}}",
            Prints("<nil> <nil> string int float64 []interface {}"),
        ),
        ("{{printf \"%+v %#v %#v\" .X.M \"s\" 12}}", Prints("map[a:map[q:<nil>] b-c:dash z:1] \"s\" 12")),
        (
            "{{printf \"%6.2f|%-8q|%8s|%+d|%x|%X|%o|%b|%c|%U\" 3.14159 \"a\" \"b\" 5 255 255 8 5 65 65}}",
            Prints("  3.14|\"a\"     |       b|+5|ff|FF|10|101|A|U+0041"),
        ),
        ("{{printf \"%*d|%.3s|%s|%v\" 5 42 \"abcdef\" .X.SL .X.SL}}", Prints("   42|abc|[x y]|[x y]")),
        ("{{printf 5}}", Fails("template: :1:9: executing \"\" at <5>: expected string; found 5")),
        (
            "{{printf}}",
            Fails("template: :1:2: executing \"\" at <printf>: wrong number of args for printf: want at least 1 got 0"),
        ),
    ]);
}

#[test]
fn comparisons() {
    check(&[
        (
            "{{eq 1 1}} {{eq \"a\" \"b\"}} {{eq \"a\" \"b\" \"a\"}} {{eq 1 1.0}}",
            Fails("template: :1:47: executing \"\" at <eq 1 1.0>: error calling eq: incompatible types for comparison"),
        ),
        ("{{eq .X.S \"hello\"}} {{eq .X.Nil nil}} {{ne .X.S \"a\"}} {{eq .X.B true}}", Prints("true true true true")),
        (
            "{{eq .X.S 1}}",
            Fails("template: :1:2: executing \"\" at <eq .X.S 1>: error calling eq: incompatible types for comparison"),
        ),
        (
            "{{eq .X.M .X.M}}",
            Fails(
                "template: :1:2: executing \"\" at <eq .X.M .X.M>: error calling eq: non-comparable type map[a:map[q:<nil>] b-c:dash z:1]: map[string]interface {}",
            ),
        ),
        (
            "{{eq .X.L 1}}",
            Fails("template: :1:2: executing \"\" at <eq .X.L 1>: error calling eq: incompatible types for comparison"),
        ),
        ("{{eq .X.Nil \"a\"}}", Prints("false")),
        (
            "{{eq 1}}",
            Fails("template: :1:2: executing \"\" at <eq 1>: error calling eq: missing argument for comparison"),
        ),
        (
            "{{lt 1 2}} {{le 2 2}} {{gt 1 2}} {{ge 2 2}} {{lt \"a\" \"b\"}} {{lt 1.5 2.5}}",
            Prints("true true false true true true"),
        ),
        (
            "{{lt 1 \"a\"}}",
            Fails(
                "template: :1:2: executing \"\" at <lt 1 \"a\">: error calling lt: incompatible types for comparison",
            ),
        ),
        (
            "{{lt true false}}",
            Fails("template: :1:2: executing \"\" at <lt true false>: error calling lt: invalid type for comparison"),
        ),
        (
            "{{lt .X.M 1}}",
            Fails("template: :1:2: executing \"\" at <lt .X.M 1>: error calling lt: invalid type for comparison"),
        ),
        ("{{lt 1}}", Fails("template: :1:2: executing \"\" at <lt>: wrong number of args for lt: want 2 got 1")),
    ]);
}

#[test]
fn escapes() {
    check(&[
        (
            "{{html .X.H}} {{html .X.Nil}} {{html \"a\" 1}}",
            Prints("&lt;a href=&#34;x&#34;&gt;&amp;&#39;é\u{2028} &lt;no value&gt; a1"),
        ),
        ("{{js .X.H}}", Prints("\\u003Ca href\\u003D\\\"x\\\"\\u003E\\u0026\\'é\\u2028")),
        ("{{js \"=&'\\n\"}}", Prints("\\u003D\\u0026\\'\\u000A")),
        ("{{urlquery \"a b&c/é~\"}}", Prints("a+b%26c%2F%C3%A9~")),
    ]);
}

#[test]
fn docker_functions() {
    check(&[
        (
            "{{.X.S | upper | lower | title}} {{title \"foo-bar baz_q o'neil 3d\"}}",
            Prints("Hello Foo-Bar Baz_q O'Neil 3d"),
        ),
        (
            "{{upper .X.B}}",
            Fails("template: :1:10: executing \"\" at <.X.B>: wrong type for value; expected string; got bool"),
        ),
        ("{{upper 5}}", Fails("template: :1:8: executing \"\" at <5>: expected string; found 5")),
        (
            "{{upper .X.Nil}}",
            Fails(
                "template: :1:10: executing \"\" at <.X.Nil>: wrong type for value; expected string; got interface {}",
            ),
        ),
        ("{{upper nil}}", Fails("template: :1:8: executing \"\" at <nil>: cannot assign nil to string")),
        ("{{upper}}", Fails("template: :1:2: executing \"\" at <upper>: wrong number of args for upper: want 1 got 0")),
        (
            "{{upper \"a\" \"b\"}}",
            Fails("template: :1:2: executing \"\" at <upper>: wrong number of args for upper: want 1 got 2"),
        ),
        (
            "{{\"a\" | upper \"b\"}}",
            Fails("template: :1:8: executing \"\" at <upper>: wrong number of args for upper: want 1 got 2"),
        ),
        (
            "{{split \"a,b,c\" \",\"}} {{json (split \"a,b,c\" \",\")}} {{join (split \"a,b\" \",\") \"-\"}}",
            Prints("[a b c] [\"a\",\"b\",\"c\"] a-b"),
        ),
        (
            "{{join .X.S \"-\"}}",
            Fails("template: :1:9: executing \"\" at <.X.S>: wrong type for value; expected []string; got string"),
        ),
        (
            "{{join .X.L \"-\"}}",
            Fails(
                "template: :1:9: executing \"\" at <.X.L>: wrong type for value; expected []string; got []interface {}",
            ),
        ),
        ("{{pad \"x\" 2 3}}|{{pad \"\" 2 3}}|{{truncate \"hello\" 3}}|{{truncate \"hi\" 9}}", Prints("  x   ||hel|hi")),
        ("{{pad \"x\" \"a\" 1}}", Fails("template: :1:10: executing \"\" at <\"a\">: expected integer; found \"a\"")),
        (
            "{{pad \"x\" -1 1}}",
            Fails(
                "template: :1:2: executing \"\" at <pad \"x\" -1 1>: error calling pad: strings: negative Repeat count",
            ),
        ),
        (
            "{{truncate \"hello\" -1}}",
            Fails(
                "template: :1:2: executing \"\" at <truncate \"hello\" -1>: error calling truncate: runtime error: slice bounds out of range [:-1]",
            ),
        ),
        ("{{truncate \"hello\" 1.5}}", Fails("template: :1:19: executing \"\" at <1.5>: expected integer; found 1.5")),
        ("{{truncate .X.S 2.0}}", Prints("he")),
        (
            "{{json .X.Nil}} {{json .X.S}} {{json 3}} {{json 1.5}} {{json .X.Big}} {{json \"\\u0001\\b\\f\\u007f\"}}",
            Prints("null \"hello\" 3 1.5 1e+21 \"\\u0001\\b\\f\u{7f}\""),
        ),
    ]);
}

#[test]
fn arguments_where_none_belong() {
    check(&[
        ("{{.X.S 1}}", Fails("template: :1:4: executing \"\" at <.X.S>: S is not a method but has arguments")),
        ("{{.X.M.a 1}}", Fails("template: :1:4: executing \"\" at <.X.M.a>: a is not a method but has arguments")),
        ("{{1 | .X.S}}", Fails("template: :1:8: executing \"\" at <.X.S>: S is not a method but has arguments")),
        ("{{\"a\" 1}}", Fails("template: :1:2: executing \"\" at <\"a\">: can't give argument to non-function \"a\"")),
        ("{{nil}}", Fails("template: :1:2: executing \"\" at <nil>: nil is not a command")),
    ]);
}

#[test]
fn literals() {
    check(&[
        (
            "{{true}} {{1}} {{1.5}} {{1e3}} {{0x1F}} {{'a'}} {{\"s\"}} {{`raw\\n`}} {{1_000}} {{0b11}} {{0o17}} {{017}} {{-5}} {{+5}}",
            Prints("true 1 1.5 1000 31 97 s raw\\n 1000 3 15 15 -5 5"),
        ),
        (
            "{{1.0}} {{1e21}} {{1e20}} {{0.00001}} {{123456789.0}} {{1e-7}}",
            Prints("1 1e+21 1e+20 1e-05 1.23456789e+08 1e-07"),
        ),
        ("{{99999999999999999999}}", Fails("template: :1: integer overflow: \"99999999999999999999\"")),
        ("{{1x}}", Fails("template: :1: bad number syntax: \"1x\"")),
        ("{{0x}}", Fails("template: :1: illegal number syntax: \"0x\"")),
        ("{{\"abc}}", Fails("template: :1: unterminated quoted string")),
        ("{{\"a\\qb\"}}", Fails("template: :1: invalid syntax")),
        ("{{`abc}}", Fails("template: :1: unterminated raw quoted string")),
        ("{{'ab'}}", Fails("template: :1: malformed character constant: 'ab'")),
        ("{{'a}}", Fails("template: :1: unterminated character constant")),
        ("{{''}}", Fails("template: :1: invalid syntax")),
    ]);
}

#[test]
fn broken_actions() {
    check(&[
        ("{{.X.S", Fails("template: :1: unclosed action")),
        ("{{.X.S }", Fails("template: :1: unexpected \"}\" in operand")),
        ("{{.X.S}", Fails("template: :1: bad character U+007D '}'")),
        ("{{}}", Fails("template: :1: missing value for command")),
        ("{{ }}", Fails("template: :1: missing value for command")),
        ("{{end}}", Fails("template: :1: unexpected {{end}}")),
        ("{{else}}", Fails("template: :1: unexpected {{else}}")),
        ("{{if .X.B}}", Fails("template: :1: unexpected EOF")),
        ("{{if}}x{{end}}", Fails("template: :1: missing value for if")),
        ("{{if .X.B}}a{{else}}b{{else}}c{{end}}", Fails("template: :1: expected end; found {{else}}")),
        ("{{range .X.L}}a{{else if .X}}b{{end}}", Fails("template: :1: unexpected <if> in input")),
    ]);
}

#[test]
fn names_that_are_not_known() {
    check(&[
        ("{{foo}}", Fails("template: :1: function \"foo\" not defined")),
        ("{{.X.M.b-c}}", Fails("template: :1: bad character U+002D '-'")),
        ("{{my-net}}", Fails("template: :1: bad character U+002D '-'")),
    ]);
}

#[test]
fn variables() {
    check(&[
        ("{{$x}}", Fails("template: :1: undefined variable \"$x\"")),
        ("{{$x := 1}}{{$x}}{{$x = 2}}{{$x}}", Prints("12")),
        ("{{$x = 2}}", Fails("template: :1:7: executing \"\" at <2>: undefined variable: $x")),
        ("{{$x, $y := .X}}", Fails("template: :1: too many declarations in command")),
        ("{{range $x, $y, $z := .X.L}}{{end}}", Fails("template: :1: too many declarations in range")),
        ("{{range $x, 1 := .X.L}}{{end}}", Fails("template: :1: range can only initialize variables")),
        ("{{if $x := .X.S}}{{$x}}{{end}}{{$x}}", Fails("template: :1: undefined variable \"$x\"")),
        ("{{$x := 1}}{{if .X.B}}{{$x = 5}}{{$y := 2}}{{end}}{{$x}}", Prints("5")),
    ]);
}

#[test]
fn loop_control_and_parentheses() {
    check(&[
        ("{{break}}", Fails("template: :1: {{break}} outside {{range}}")),
        ("{{continue}}", Fails("template: :1: {{continue}} outside {{range}}")),
        ("{{break 1}}", Fails("template: :1: unexpected \"1\" in {{break}}")),
        (
            "{{(.X.S)}} {{(index .X.L 0)}} {{(.X.M).a.q}} {{(.X.M).nope}}",
            Fails("template: :1:50: executing \"\" at <.X.M>: map has no entry for key \"nope\""),
        ),
        ("{{(.X.S}}", Fails("template: :1: unclosed left paren")),
        ("{{.X.S)}}", Fails("template: :1: unexpected right paren")),
        ("{{()}}", Fails("template: :1: missing value for parenthesized pipeline")),
    ]);
}

#[test]
fn odd_operands() {
    check(&[
        ("{{.X.S | }}", Prints("hello")),
        ("{{| .X.S}}", Fails("template: :1: unexpected \"|\" in command")),
        ("{{.X.S | 5}}", Fails("template: :1: non executable command in pipeline stage 2")),
        ("{{.X.S || .X.E}}", Fails("template: :1: unexpected \"|\" in command")),
        ("{{.X.S.}}", Fails("template: :1: unexpected <.> in operand")),
        ("{{.}}{{.X.S.1}}", Fails("template: :1: unexpected \".1\" in operand")),
        ("{{..X}}", Fails("template: :1: unexpected . after term \".\"")),
        ("{{1.X}}", Fails("template: :1: bad number syntax: \"1.X\"")),
        ("{{\"a\".X}}", Fails("template: :1: unexpected . after term \"\\\"a\\\"\"")),
        ("{{true.X}}", Fails("template: :1: unexpected . after term \"true\"")),
        ("{{nil.X}}", Fails("template: :1: unexpected . after term \"nil\"")),
        ("{{:}}", Fails("template: :1: expected :=")),
        ("{{:=}}", Fails("template: :1: unexpected \":=\" in command")),
        ("{{.X := 1}}", Fails("template: :1: unexpected \":=\" in operand")),
        ("{{.X.S , 1}}", Fails("template: :1: unexpected \",\" in operand")),
        ("{{.X.S é}}", Fails("template: :1: function \"é\" not defined")),
        ("{{.X.S #}}", Fails("template: :1: unexpected \"#\" in operand")),
        ("{{\\}}", Fails("template: :1: unexpected \"\\\\\" in command")),
    ]);
}

#[test]
fn trimming_and_comments() {
    check(&[
        ("a {{- .X.S -}} b", Prints("ahellob")),
        ("a {{- \" x \" -}} b {{/* c */}} d {{- /* c */ -}} e", Prints("a x b  de")),
        ("{{/* unclosed", Fails("template: :1: unclosed comment")),
        ("{{/* c */ x}}", Fails("template: :1: comment ends before closing delimiter")),
        ("{{-3}} {{- 3 }}", Prints("-33")),
    ]);
}

#[test]
fn definitions() {
    check(&[
        ("{{define \"T\"}}<{{.}}>{{end}}{{template \"T\" .X.S}}{{template \"T\"}}", Prints("<hello><<no value>>")),
        ("{{block \"B\" .X.S}}[{{.}}]{{end}}", Prints("[hello]")),
        (
            "{{template \"nope\"}}",
            Fails("template: :1:11: executing \"\" at <{{template \"nope\"}}>: template \"nope\" not defined"),
        ),
        ("{{template nope}}", Fails("template: :1: unexpected \"nope\" in template clause")),
        ("{{template \"T\" .X.S", Fails("template: :1: unclosed action")),
        (
            "{{define \"A\"}}{{.Foo}}{{end}}{{template \"A\" .X}}",
            Fails("template: :1:16: executing \"A\" at <.Foo>: map has no entry for key \"Foo\""),
        ),
        (
            "{{define \"A\"}}x{{end}}{{define \"A\"}}y{{end}}",
            Fails("template: :1: template: multiple definition of template \"A\""),
        ),
        ("{{define \"A\"}}x", Fails("template: :1: unexpected EOF")),
        ("{{define A}}x{{end}}", Fails("template: :1: unexpected \"A\" in define clause")),
        ("{{define \"A\"}}x{{else}}y{{end}}", Fails("template: :1: unexpected {{else}} in define clause")),
        ("{{if .X.B}}{{define \"A\"}}{{end}}{{end}}", Fails("template: :1: unexpected <define> in command")),
        ("{{define \"A\"}}{{$.S}}{{end}}{{template \"A\" .X}}", Prints("hello")),
    ]);
}

#[test]
fn all_together() {
    check(&[
        ("{{$.X.S}} {{with .X.M}}{{$.X.S}}{{end}}", Prints("hello hello")),
        ("{{range $k, $v := .X.M}}{{$.X.S}}{{end}}", Prints("hellohellohello")),
        ("{{printf \"%s-%s\" .X.S \"x\" | printf \"%s!\"}}", Prints("hello-x!")),
        ("{{.X.S | printf \"%s\"}}", Prints("hello")),
        (
            "{{template \"T\" 1 2}}",
            Fails("template: :1:11: executing \"\" at <{{template \"T\" 1 2}}>: template \"T\" not defined"),
        ),
        (
            "{{.X.S \"a\"}}{{.X.S}}",
            Fails("template: :1:4: executing \"\" at <.X.S>: S is not a method but has arguments"),
        ),
        (
            "{{with .X}}{{.S}}{{.nope}}{{end}}",
            Fails("template: :1:19: executing \"\" at <.nope>: map has no entry for key \"nope\""),
        ),
        ("{{index .X.M \"a\" | json}}", Prints("{\"q\":null}")),
        ("{{len (index .X.L)}}", Prints("4")),
        ("{{ .X.S}} {{.X.S }}\t{{ .X.S\t}}", Prints("hello hello\thello")),
        ("{{print (len .X.S) \" \" .X.S}}", Prints("5 hello")),
        (
            "{{printf \"%v\" .X.L}} {{print .X.L}} {{print .X.M}} {{println .X.M}}",
            Prints("[b a 3 <nil>] [b a 3 <nil>] map[a:map[q:<nil>] b-c:dash z:1] map[a:map[q:<nil>] b-c:dash z:1]\n"),
        ),
        (
            "{{ge .X.S \"a\"}} {{lt .X.S 1}}",
            Fails(
                "template: :1:18: executing \"\" at <lt .X.S 1>: error calling lt: incompatible types for comparison",
            ),
        ),
        ("{{.X.SL}} {{.X.Empty}} {{.X.EM}} {{.X.F}} {{.X.Big}}", Prints("[x y] [] map[] 1.5 1e+21")),
        ("{{\"quoted \\\"x\\\" \\t tab \\u00e9 \\x41 \\101\"}}", Prints("quoted \"x\" \t tab é A A")),
        ("{{printf \"%q\" 'x'}} {{'\\n'}} {{'\\''}} {{\"\\'\"}}", Fails("template: :1: invalid syntax")),
        ("{{if not .X.E}}{{if eq (len .X.SL) 2}}two{{end}}{{end}}", Prints("two")),
        ("{{index .X.SL 0 | printf \"%s|%s\" \"a\"}}", Prints("a|x")),
        ("{{print 1.0 2.5 true \"x\" true 5}}", Prints("1 2.5 truextrue 5")),
        ("{{and .X.E .Foo}}|{{or .X.S .Foo}}", Prints("|hello")),
        ("{{and .X.S .Foo}}", Fails("template: :1:11: executing \"\" at <.Foo>: map has no entry for key \"Foo\"")),
        ("{{.X.S | and true}}", Prints("hello")),
        ("{{html \"<'\\\"&>\" | print}}", Prints("&lt;&#39;&#34;&amp;&gt;")),
        ("{{json}}", Fails("template: :1:2: executing \"\" at <json>: wrong number of args for json: want 1 got 0")),
        (
            "{{json 1 2}}",
            Fails("template: :1:2: executing \"\" at <json>: wrong number of args for json: want 1 got 2"),
        ),
        ("{{json .}}{{.Foo}}", Fails("template: :1:12: executing \"\" at <.Foo>: map has no entry for key \"Foo\"")),
    ]);
}
