//! The language: scripts with what dash 0.5.12 and busybox 1.35's ash printed (standard output and error together) and
//! exited with. Both agree on every row; where they do not, `messages` has the script.

use super::world::{Outcome, run};
use crate::userland::Flavour;

/// A script, what it prints and its exit code.
type Row = (&'static str, &'static str, i32);

#[rustfmt::skip]
const TABLE: &[Row] = &[
    ("echo hello world", "hello world\n", 0),
    (r#"x=1; echo $x "${x}2" '$x' ${x}3"#, "1 12 $x 13\n", 0),
    (
        r#"x="a b  c"; for i in $x; do echo "<$i>"; done; for i in "$x"; do echo "<$i>"; done"#,
        "<a>\n<b>\n<c>\n<a b  c>\n",
        0,
    ),
    (r#"IFS=:; x=a:b::c; set -- $x; echo $#; for i; do echo "[$i]"; done"#, "4\n[a]\n[b]\n[]\n[c]\n", 0),
    (
        r#"IFS=', '; x='a , b,c,,d '; set -- $x; echo $#; for i; do echo "[$i]"; done"#,
        "5\n[a]\n[b]\n[c]\n[]\n[d]\n",
        0,
    ),
    (
        r#"set -- a "b c" d; for i in "$@"; do echo "<$i>"; done; for i in $*; do echo "<$i>"; done; echo "$*"; IFS=-; echo "$*""#,
        "<a>\n<b c>\n<d>\n<a>\n<b>\n<c>\n<d>\na b c d\na-b c-d\n",
        0,
    ),
    (r#"set --; for i in "$@"; do echo no; done; echo "x$@y" $#"#, "xy 0\n", 0),
    (
        r#"echo ${x:-default} ${x-unset} "${x:=assigned}" $x ${x:+alt} ${y:+alt}end ${#x}"#,
        "default unset assigned assigned alt end 8\n",
        0,
    ),
    ("x=; echo ${x-a} ${x:-b} [${x:+c}] [${x+d}]", "b [] [d]\n", 0),
    (
        "f=/usr/local/lib/x.tar.gz; echo ${f##*/} ${f#*/} ${f%.*} ${f%%.*} ${f%/*}",
        "x.tar.gz usr/local/lib/x.tar.gz /usr/local/lib/x.tar /usr/local/lib/x /usr/local/lib\n",
        0,
    ),
    (r#"x='a*b'; echo "${x#a\*}" "${x#'a*'}" ${x#a?}"#, "b b b\n", 0),
    (r#"x=abc; echo "${x:-"q r"}" "${y:-"q  r"}" ${y:-'s  t'} "${y:-'u v'}""#, "abc q  r s  t 'u v'\n", 0),
    (
        "echo $((1+2*3)) $(( (1+2)*3 )) $((7/2)) $((7%3)) $((-7/2)) $((1<<4)) $((5&3|8)) $((!0)) $((~5)) $((3>2?10:20))",
        "7 9 3 1 -3 16 9 1 -6 10\n",
        0,
    ),
    (
        "x=5; echo $((x+1)) $((x*=2)) $x $((x==10&&1)) $((0x1f)) $((010)) $((1<=2)) $((2!=2))",
        "6 10 10 1 31 8 1 0\n",
        0,
    ),
    (r#"echo $(echo a; echo b) "$(echo a; echo b)" `echo c`"#, "a b a\nb c\n", 0),
    (r#"echo "$(printf 'x\n\n\n')|""#, "x|\n", 0),
    (r"echo `echo \`echo nested\`` $(echo $(echo deep))", "nested deep\n", 0),
    ("x=$(false); echo $?; x=$(exit 3) ; echo $?; echo $(exit 4) $?", "1\n3\n0\n", 0),
    (
        "if true; then echo yes; else echo no; fi; if false; then echo yes; elif true; then echo elif; else echo no; fi",
        "yes\nelif\n",
        0,
    ),
    ("if false; then echo x; fi; echo $?", "0\n", 0),
    (
        "i=0; while [ $i -lt 3 ]; do echo $i; i=$((i+1)); done; until [ $i -eq 0 ]; do i=$((i-1)); done; echo end $i",
        "0\n1\n2\nend 0\n",
        0,
    ),
    ("for i in 1 2 3 4 5; do [ $i = 2 ] && continue; [ $i = 4 ] && break; echo $i; done", "1\n3\n", 0),
    ("for i in 1 2; do for j in a b c; do [ $j = b ] && continue 2; echo $i$j; done; done", "1a\n2a\n", 0),
    ("for i in 1 2; do for j in a b; do echo $i$j; break 2; done; done; echo out", "1a\nout\n", 0),
    (
        "while true; do break; done; echo $?; while false; do :; done; echo $?; for i in 1; do false; done; echo $?",
        "0\n0\n1\n",
        0,
    ),
    (
        "case abc in a*) echo a;; *) echo other;; esac; case x in a|x) echo two;; esac; case q in a) echo;; esac; echo $?",
        "a\ntwo\n0\n",
        0,
    ),
    (
        r#"case "a*" in "a*") echo literal;; esac; case ab in "a*") echo no;; a?) echo yes;; esac; case '[' in [[]) echo br;; esac"#,
        "literal\nyes\nbr\n",
        0,
    ),
    (
        r#"case foo in (foo) echo paren;; esac; x='*'; case abc in $x) echo pat;; esac; case abc in "$x") echo no;; *) echo quoted;; esac"#,
        "paren\npat\nquoted\n",
        0,
    ),
    (r#"f() { echo "f $1 $#"; return 3; }; f a b; echo $?; set -- z; f q; echo $1"#, "f a 2\n3\nf q 1\nz\n", 0),
    (r#"f() { local x=2; echo $x; g; }; g() { echo "g $x"; x=5; }; x=1; f; echo $x"#, "2\ng 2\n1\n", 0),
    (
        "fact() { if [ $1 -le 1 ]; then echo 1; else echo $(( $1 * $(fact $(($1-1))) )); fi; }; fact 6",
        "720\n",
        0,
    ),
    ("f() { return; }; false; f; echo $?", "1\n", 0),
    (
        "true && echo a || echo b; false && echo a || echo b; ! true; echo $?; ! false; echo $?",
        "a\nb\n1\n0\n",
        0,
    ),
    ("false || false || echo c; true && false; echo $?", "c\n1\n", 0),
    ("{ echo a; echo b; } | cat; (echo c; exit 4); echo $?", "a\nb\nc\n4\n", 0),
    ("x=1; (x=2; echo $x); echo $x; { x=3; }; echo $x", "2\n1\n3\n", 0),
    ("echo one > f; echo two >> f; cat f; cat < f; echo three > f; cat f", "one\ntwo\none\ntwo\nthree\n", 0),
    ("echo err >&2; echo out 2>&1; { echo a; echo b >&2; } 2>/dev/null", "err\nout\na\n", 0),
    ("echo hidden > /dev/null; (echo x; echo y >&2) > f 2>&1; cat f", "x\ny\n", 0),
    (
        r#"cat <<EOF
hello $((1+1)) $(echo sub) "q" 'r' \$x \\ `echo bq`
EOF"#,
        "hello 2 sub \"q\" 'r' $x \\ bq\n",
        0,
    ),
    (
        r"cat <<'EOF'
raw $x $(echo no) \$
EOF",
        "raw $x $(echo no) \\$\n",
        0,
    ),
    (
        "cat <<-EOF\n\ttabs\tstay inside\n\tEOF\necho after",
        "tabs\tstay inside\nafter\n",
        0,
    ),
    (
        "cat <<A; cat <<B
first
A
second
B",
        "first\nsecond\n",
        0,
    ),
    (
        r#"while read a b; do echo "$b-$a"; done <<E
1 2 3
4 5
6
E"#,
        "2 3-1\n5-4\n-6\n",
        0,
    ),
    (r#"printf 'a b\nc\n' | while read x; do echo "[$x]"; done; echo "x=$x""#, "[a b]\n[c]\nx=\n", 0),
    (
        r#"IFS=: read a b c <<E
1:2:3:4
E
echo "$a|$b|$c""#,
        "1|2|3:4\n",
        0,
    ),
    (r#"read x < /dev/null; echo $? "[$x]""#, "1 []\n", 0),
    ("x=5 env_x=1; x=6 eval 'echo $x'; echo $x", "6\n6\n", 0),
    (r#"foo=bar; unset foo; echo "[$foo]" ${foo-unset}"#, "[] unset\n", 0),
    (
        "export A=1 B; B=2; C=3; (echo $A $B $C); sh -c 'echo $A $B [$C]'; D=4 sh -c 'echo $D'; echo [$D]",
        "1 2 3\n1 2 []\n4\n[]\n",
        0,
    ),
    (
        r#"eval 'x=1; echo $x'; eval "echo 'a b'"; cmd='echo hi'; $cmd; eval "$cmd" there"#,
        "1\na b\nhi\nhi there\n",
        0,
    ),
    ("set -e; false || true; if false; then :; fi; ! true; echo still; false; echo never", "still\n", 1),
    (r#"set -e; f() { false; echo "in f"; }; f && echo ok; (false; echo no); echo never"#, "in f\nok\n", 1),
    ("set -e; x=$(false); echo never", "", 1),
    ("trap 'echo bye' EXIT; echo hi; exit 3", "hi\nbye\n", 3),
    ("trap 'echo bye' 0; false", "bye\n", 1),
    ("trap 'echo got' USR1; kill -USR1 $$; echo after", "got\nafter\n", 0),
    ("trap '' TERM; kill $$; echo alive; trap - TERM; trap", "alive\n", 0),
    ("(trap 'echo sub' EXIT; echo in); echo out", "in\nsub\nout\n", 0),
    ("echo a; exit; echo b", "a\n", 0),
    ("exit 300", "", 44),
    ("kill -TERM $$; echo no", "", 143),
    ("sh -c 'kill -TERM $$'; echo $?", "Terminated\n143\n", 0),
    ("sh -c 'exit 7'; echo $?; false; echo $? $?", "7\n1 1\n", 0),
    ("echo $0 $1 $# $@", "sh 0\n", 0),
    ("set -- a b c d e f g h i j k; echo $10 ${10} ${11} $#", "a0 j k 11\n", 0),
    (r#"echo ~ ~/x "~" a~ ~root x=~"#, "/root /root/x ~ a~ /root x=~\n", 0),
    ("cd /; pwd; cd /tmp; cd - ; echo $PWD $OLDPWD; cd; pwd", "/\n/\n/ /tmp\n/root\n", 0),
    (
        r#"cd /etc && echo hostn*; echo "host*" 'host*' nosuch*; cd /; echo e?c/hostn*; echo /etc/host[n]*"#,
        "hostname\nhost* host* nosuch*\netc/hostname\n/etc/hostname\n",
        0,
    ),
    ("set -f; echo /etc/host*", "/etc/host*\n", 0),
    (
        "touch() { : > $1; }; touch a1; touch a2; touch .h; touch b; echo *; echo a[0-9] [!a]* .h*; echo ?",
        "a1 a2 b\na1 a2 b .h\nb\n",
        0,
    ),
    (
        r#"[ -f /etc/hosts ] && echo f; [ -d /etc ] && echo d; [ -e /nope ] || echo none; [ a = a -a b != c ] && echo and; [ ! x = y ] && echo not; [ "" ] || echo empty; [ x ] && echo full"#,
        "f\nd\nnone\nand\nnot\nempty\nfull\n",
        0,
    ),
    (
        r#"[ 3 -gt 2 ] && [ 2 -ge 2 ] && [ 1 -lt 2 ] && [ 1 -le 1 ] && [ 1 -ne 2 ] && [ 1 -eq 1 ]; echo $?; test -z "" && test -n x; echo $?; [ \( a = b \) -o c = c ]; echo $?"#,
        "0\n0\n0\n",
        0,
    ),
    (
        r#"test; echo $?; test a = b; echo $?; test "!" ; echo $?; test -n; echo $?; [ -z ]; echo $?; test ! -f /nope; echo $?"#,
        "1\n1\n0\n0\n0\n0\n",
        0,
    ),
    (
        r#"printf '%s-%s\n' a b c; printf '%d %05d %x %o %c|%5s|%-5s|\n' 42 42 255 8 xyz ab cd; printf '%%\t%s\n'; printf 'no newline'; echo; printf '%b' 'a\tb\n'; printf '%.2s|%5.1f\n' abcdef 3.14159; printf '%d\n' 0x10 010 "'A" -5"#,
        "a-b\nc-\n42 00042 ff 10 x|   ab|cd   |\n%\t\nno newline\na\tb\nab|  3.1\n16\n8\n65\n-5\n",
        0,
    ),
    ("echo -n a; echo b; echo -- x", "ab\n-- x\n", 0),
    (":; echo $?; true; echo $?; false; echo $?", "0\n0\n1\n", 0),
    ("x=a; case $x in a) echo 1 ;; esac; if [ $x ]; then echo t; fi", "1\nt\n", 0),
    (
        "a=1
b=2 # comment
# another
echo $a$b#c",
        "12#c\n",
        0,
    ),
    (
        r#"echo a \
b; echo 'multi
line' "also
multi""#,
        "a b\nmulti\nline also\nmulti\n",
        0,
    ),
    (
        "if true
then
  for i in 1 2
  do
    echo $i
  done
fi",
        "1\n2\n",
        0,
    ),
    (
        "f()
{
  echo body
}
f",
        "body\n",
        0,
    ),
    ("f() ( echo sub; x=2 ); x=1; f; echo $x", "sub\n1\n", 0),
    ("f() { echo $1; } > out; f a; cat out", "a\n", 0),
    (
        "for i in 1 2; do echo $i; done > f; cat f; if true; then echo c; fi >> f; cat f | cat",
        "1\n2\n1\n2\nc\n",
        0,
    ),
    ("exec > f; echo hidden; exec >&2; cat f", "hidden\n", 0),
    ("exec 3> f; echo three >&3; exec 3>&-; cat f; { echo x >&4; } 4>g; cat g", "three\nx\n", 0),
    ("sh -c 'echo $0 $1' name arg; sh -c 'echo $#' a b c", "name arg\n2\n", 0),
    ("echo 'echo script $1 $#' > s; sh s x y; . ./s; echo done", "script x 2\nscript 0\ndone\n", 0),
    ("echo 'return 5; echo no' > s; . ./s; echo $?", "5\n", 0),
    (r#"echo "$#" "$?""#, "0 0\n", 0),
    (
        "type cd echo if nosuch :; command -v cd; command -v nosuch; echo $?",
        "cd is a shell builtin\necho is a shell builtin\nif is a shell keyword\nnosuch: not found\n: is a special shell builtin\ncd\n127\n",
        0,
    ),
    ("command echo hi; command true; echo $?", "hi\n0\n", 0),
    ("echo hi | cat | cat | cat; echo a | (read x; echo got $x)", "hi\ngot a\n", 0),
    ("false | true; echo $?; true | false; echo $?; ! true | false; echo $?", "0\n1\n0\n", 0),
    (
        "echo $(( 1 + $(echo 2) )) $((`echo 3`*2)); x=2; echo $(($x+1)) $((${x}+1)) $(( ${#x} ))",
        "3 6\n3 3 1\n",
        0,
    ),
    (
        r#"x='a  b'; y=$x; echo "$y"; z="$x"'  c'; echo "$z"; w=$(echo "$x"); echo "$w""#,
        "a  b\na  b  c\na  b\n",
        0,
    ),
    (r#"a= b= ; echo "[$a$b]"; a=$(printf 'x y'); set -- $a; echo $#"#, "[]\n2\n", 0),
    ("x=1; x=$((x+1)) y=$x; echo $x $y", "2 2\n", 0),
    ("times | cat | { read a b; echo ok; }; umask 022; umask", "ok\n0022\n", 0),
    (
        r#"while getopts ab:c o -a -b val -cx y; do echo "$o $OPTARG"; done 2>&1; echo $OPTIND"#,
        "a \nb val\nc \nIllegal option -x\n? \n5\n",
        0,
    ),
    (
        r#"getopts x o -y; echo $? $o; OPTIND=1; while getopts :p: o -p; do echo "$o:$OPTARG"; done"#,
        "Illegal option -y\n0 ?\n::p\n",
        0,
    ),
    ("kill -l 9; kill -l 143", "KILL\nTERM\n", 0),
    ("echo a & wait; echo b; (exit 5) & wait $!; echo $?", "a\nb\n5\n", 0),
    ("wait 12345; echo $?; { exit 3; } & p=$!; wait $p; echo $?; wait", "127\n3\n", 0),
    ("x=abcdef; echo ${#x}; echo ${x%d*}${x#*c}", "6\nabcdef\n", 0),
    ("echo {a,b} {1..3} x{,y}z", "{a,b} {1..3} x{,y}z\n", 0),
    (r#"echo "a`echo b`c" "$(echo "in \"q\" $(echo 'x y')")""#, "abc in \"q\" x y\n", 0),
    (r#"echo ${x:-$(echo sub)} ${x:-`echo bq`} "${x:-$((2+3))}" ${x:-a}${x:-b}"#, "sub bq 5 ab\n", 0),
    (r#"x='$y'; y=1; echo $x; eval echo $x; eval "z$y=q"; echo $z1"#, "$y\n1\nq\n", 0),
    ("set a b; echo $1 $2; set -- -x; echo $1; set x y z; echo $#", "a b\n-x\n3\n", 0),
    (r#"f() { echo "$@"; }; f "a b" c; f; f ''"#, "a b c\n\n\n", 0),
    ("n=0; f() { n=$((n+1)); [ $n -lt 5 ] && f; echo $n; }; f | cat", "5\n5\n5\n5\n5\n", 0),
    ("if ! false; then echo neg; fi; while ! true; do echo no; done; until true; do echo no; done", "neg\n", 0),
    ("x=1 y=2; echo $x$y; x=a; x=$x$x$x; echo $x", "12\naaa\n", 0),
    (r#"echo "${x}" "${x:-}" '' "" | cat"#, "   \n", 0),
    (r#"false; echo "$?"; (exit 9) || echo $?"#, "1\n9\n", 0),
    ("break; echo $?; continue; echo $?", "0\n0\n", 0),
    ("for f in; do echo no; done; echo $?; for f in a; do :; done", "0\n", 0),
    ("{ echo a; } && { echo b; }; { false; } || echo c", "a\nb\nc\n", 0),
    ("unset -f nof; echo ok", "ok\n", 0),
    (r#"x=`printf '%s\n' "a" 'b'`; echo "$x"; echo $x"#, "a\nb\na b\n", 0),
    ("echo a;echo b;echo c&&echo d||echo e", "a\nb\nc\nd\n", 0),
    (
        r#"y=$(cat <<E
in $((3*3))
E
); echo "$y""#,
        "in 9\n",
        0,
    ),
    ("return 3; echo z", "", 3),
    ("sh -c 'kill -9 $$'; echo $?", "Killed\n137\n", 0),
    (r#"echo hi > 'a b'; cat 'a b'; cat "a "b"#, "hi\nhi\n", 0),
    ("a=1; a=2 : ; echo $a; f() { :; }; a=3 f; echo $a; a=4 true; echo $a", "2\n2\n2\n", 0),
    (r#"printf '%s\n' "$(printf 'a\nb')" $(printf 'a\nb')"#, "a\nb\na\nb\n", 0),
    ("x=/a/b/c; echo ${x%/*} ${x##*/}; IFS=/; echo $x; set -- $x; echo $#", "/a/b c\n a b c\n4\n", 0),
    ("case x in fi) echo;; esac; echo then fi done; { :; }; echo }", "then fi done\n}\n", 0),
    ("f() { echo a; return 4; }; f && echo no; echo $?", "a\n4\n", 0),
    ("a=1 b=$a sh -c 'echo $a $b'; a=2 exec sh -c 'echo $a'", "1 1\n2\n", 0),
    ("true; true | exit 5; echo $?; (exit 6) | cat; echo $?", "5\n0\n", 0),
    ("kill $$; echo no", "", 143),
    ("trap 'echo T' TERM; kill $$; kill -0 $$; echo $?", "T\n0\n", 0),
    (r#"x=$(trap 'echo E' EXIT; echo a); echo "$x""#, "a\nE\n", 0),
    ("f() { trap 'echo bye' EXIT; }; f; echo end", "end\nbye\n", 0),
    ("set -e; trap 'echo E $?' EXIT; false", "E 1\n", 1),
    ("while :; do while :; do break 2; done; done; echo ok", "ok\n", 0),
    ("case $(echo x y) in 'x y') echo one;; esac; case a in [!b]) echo nb;; esac", "one\nnb\n", 0),
    ("echo a#b '#' # c", "a#b #\n", 0),
    ("! { false; }; echo $?; if { true; false; }; then echo; else echo e; fi", "0\ne\n", 0),
    ("f() { cat; }; echo piped | f; f < /etc/hostname > /dev/null; echo x | { f; }", "piped\nx\n", 0),
    (r#"x=abc; case $x in *b*) echo has;; esac; [ "${x#*b}" != "$x" ] && echo has"#, "has\nhas\n", 0),
    (r#"printf '%s\n' ${undefined} "${undefined}" x"#, "\nx\n", 0),
    (
        r#"a=$(echo "x
y"); echo "$a" | while read l; do echo "-$l"; done"#,
        "-x\n-y\n",
        0,
    ),
    ("i=0; while :; do i=$((i+1)); case $i in 3) continue;; 5) break;; esac; echo $i; done", "1\n2\n4\n", 0),
    (r#"eval "f() { echo made; }"; f; eval 'for i in 1 2; do' 'echo $i; done'"#, "made\n1\n2\n", 0),
    (": $((x=5)) ${y:=6}; echo $x $y", "5 6\n", 0),
    (
        r#"echo "${x:-a b}" ${x:-a b} "${x:-$(echo 'c  d')}"; set -- ${x:-a b} "${x:-c d}"; echo $#"#,
        "a b a b c  d\n3\n",
        0,
    ),
    (
        r#"set -- 'a b' c; for x in "${@}"; do echo "$x"; done; echo "${#}" "${#1}" ${@:-none}; set --; echo ${@:-none}"#,
        "a b\nc\n2 3 a b c\nnone\n",
        0,
    ),
    (
        r#"echo $$ | { read a; [ "$a" = $$ ] && echo same; }; (echo $$) | { read a; [ "$a" = $$ ] && echo same; }"#,
        "same\nsame\n",
        0,
    ),
    ("x=1; { x=2; } > /dev/null; echo $x; x=3 | cat; echo $x; echo 4 | read x; echo $x", "2\n2\n2\n", 0),
    (r#"unset x; echo ${x+set}; x=; echo ${x+set}; echo ${#x}; echo "${x:+no}""#, "\nset\n0\n\n", 0),
    (r#"f() { echo $#; }; f "" ''; f $x; f "$x" $x; f "$@""#, "2\n0\n1\n0\n", 0),
    (
        r#"cat <<E
$(cat <<F
inner
F
)
a\
b
"${x:-d q}"
E"#,
        "inner\nab\n\"d q\"\n",
        0,
    ),
    (
        "true &&
echo cont; false ||
  echo cont2
echo a |
  cat",
        "cont\ncont2\na\n",
        0,
    ),
];

#[test]
fn scripts_do_what_they_do_in_real_shells() {
    for flavour in [Flavour::Busybox, Flavour::Host] {
        for (script, output, status) in TABLE {
            let expected = Outcome { output: (*output).to_owned(), status: *status };
            assert_eq!(run(flavour, &["sh", "-c", script]), expected, "{flavour:?}: {script}");
        }
    }
}

#[test]
fn a_script_read_from_input_does_the_same() {
    for (script, output, status) in TABLE.iter().filter(|(script, ..)| !script.contains("read")) {
        let mut world = super::world::World::new(Flavour::Busybox, &["sh"]);
        world.type_in(&format!("{script}\n"));
        world.hang_up();
        let ended = world.settle().1.map(crate::userland::Status::code);
        let output = output.replace("line 0", "line 1");
        assert_eq!((world.output(), ended), (output, Some(*status)), "{script}");
    }
}
