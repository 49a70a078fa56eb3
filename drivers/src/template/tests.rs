//! What the docker client 28.2.2 (Go 1.24) printed for these templates, asked of an engine that served such data.

mod recorded;

use serde_json::json;

use super::*;

/// What a template comes to.
#[derive(Clone, Copy)]
enum Outcome {
    Prints(&'static str),
    Fails(&'static str),
}

use Outcome::{Fails, Prints};

fn data() -> Value {
    json!({
        "Name": "net",
        "X": {
            "S": "hello", "E": "", "N": 5, "F": 1.5, "B": true, "Z": false, "Nil": null,
            "L": ["b", "a", 3, null], "M": {"z": 1, "a": {"q": null}, "b-c": "dash"},
            "H": "<a href=\"x\">&'é\u{2028}", "SL": ["x", "y"], "Big": 1e21, "Empty": [], "EM": {},
        },
    })
}

#[test]
fn a_list_of_strings_can_be_joined() {
    let template = Template::parse("{{join .X.SL \"-\"}}").expect("it is well-formed");
    assert_eq!(template.render(&data()).as_deref(), Ok("x-y"));
}

#[test]
fn a_line_break_moves_the_place_of_an_error() {
    let message = |text| {
        Template::parse(text).map_or_else(|e| e.to_string(), |t| t.render(&data()).unwrap_or_else(|e| e.to_string()))
    };
    assert_eq!(message("a\n {{.X.No}}"), "template: :2:5: executing \"\" at <.X.No>: map has no entry for key \"No\"");
    assert_eq!(message("a\n{{.X.S\n"), "template: :3: unclosed action started at :2");
    assert_eq!(message("{{.X.S\n\"a}}"), "template: :2: unterminated quoted string in action started at :1");
}

fn network() -> Value {
    json!({
        "Name": "net", "Scope": "local", "Internal": false, "Options": {}, "Labels": {"k": "v", "a": "<b>&"}, "Containers": {},
        "IPAM": {"Driver": "default", "Config": [{"Subnet": "172.25.0.0/16"}]},
    })
}

/// The client knows these fields.
#[test]
fn a_map_may_lack_an_entry_where_a_struct_may_not() {
    for (text, outcome) in [
        ("{{.Labels.nope}}|", Prints("<no value>|")),
        ("{{.Labels.nope.x}}|", Prints("<no value>|")),
        ("{{.Containers.nope}}|", Prints("<no value>|")),
        ("{{index .Labels \"nope\"}}|{{index .Labels \"nope\" | upper}}|", Prints("||")),
        ("{{if .Labels.nope}}a{{else}}b{{end}}", Prints("b")),
        ("{{if eq .Labels.nope \"x\"}}a{{else}}b{{end}}", Prints("b")),
        ("{{json .Labels}} {{.Labels}}", Prints("{\"k\":\"v\",\"a\":\"<b>&\"} map[a:<b>& k:v]")),
        ("{{(index .IPAM.Config 0).Subnet}}", Prints("172.25.0.0/16")),
        (
            "{{.Labels.nope | upper}}",
            Fails("template: :1:9: executing \"\" at <.Labels.nope>: map has no entry for key \"nope\""),
        ),
        ("{{.IPAM.Nope}}", Fails("template: :1:7: executing \"\" at <.IPAM.Nope>: map has no entry for key \"Nope\"")),
        (
            "{{range .IPAM.Config}}{{.Nope}}{{end}}",
            Fails("template: :1:24: executing \"\" at <.Nope>: map has no entry for key \"Nope\""),
        ),
    ] {
        let printed = Template::parse(text).and_then(|template| template.render(&network())).map_err(|e| e.to_string());
        match outcome {
            Prints(expected) => assert_eq!(printed.as_deref(), Ok(expected), "{text}"),
            Fails(expected) => assert_eq!(printed, Err(expected.to_owned()), "{text}"),
        }
    }
}

#[test]
fn rows_and_headers_of_a_table() {
    let row = json!({"Names": "c1", "Image": "busybox", "ID": "abcabcabcabc"});
    let headers = json!({"Names": "NAMES", "Image": "IMAGE", "ID": "CONTAINER ID"});
    let context = Context::Row { type_name: "*formatter.ContainerContext" };
    let print = |text, data, context| {
        Template::parse(text).and_then(|t| t.render_for(data, context)).map_err(|e| e.to_string())
    };
    let table = "{{.Names | upper}}\t{{upper .Image}}\t{{truncate .ID 3}}\t{{pad .Names 1 2}}";
    assert_eq!(print(table, &row, context).as_deref(), Ok("C1\tBUSYBOX\tabc\t c1  "));
    assert_eq!(print(table, &headers, Context::Header).as_deref(), Ok("NAMES\tIMAGE\tCONTAINER ID\t NAMES  "));
    let foo = "template: :1:2: executing \"\" at <.Foo>: can't evaluate field Foo in type *formatter.ContainerContext";
    assert_eq!(print("{{.Foo}}", &row, context), Err(foo.to_owned()));
    let deep = "template: :1:8: executing \"\" at <.Names.Foo>: can't evaluate field Foo in type string";
    assert_eq!(print("{{.Names.Foo}}", &row, context), Err(deep.to_owned()));
    assert_eq!(print("{{.Foo}}", &headers, Context::Header).as_deref(), Ok("<no value>"));
}

/// Templates of the recordings (01, 03, 09).
#[test]
fn what_the_walkthrough_asks() {
    let container = json!({
        "Name": "/u1",
        "State": {"Status": "running", "Pid": 4711},
        "HostConfig": {"NetworkMode": "unet", "PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}},
        "NetworkSettings": {"Networks": {
            "unet": {"IPAddress": "172.25.0.2", "MacAddress": "02:42:ac:19:00:02"},
            "bridge": {"IPAddress": "172.17.0.2", "MacAddress": "02:42:ac:11:00:02"},
        }},
    });
    for (text, expected) in [
        (
            "{{.Name}} {{range $k,$v := .NetworkSettings.Networks}}{{$k}}={{$v.IPAddress}} {{$v.MacAddress}} {{end}}",
            "/u1 bridge=172.17.0.2 02:42:ac:11:00:02 unet=172.25.0.2 02:42:ac:19:00:02 ",
        ),
        ("{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}", "172.17.0.2 172.25.0.2 "),
        ("{{.NetworkSettings.Networks.unet.IPAddress}} {{.State.Pid}}", "172.25.0.2 4711"),
        (
            "{{json .HostConfig.PortBindings}} {{.HostConfig.NetworkMode}}",
            "{\"80/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"8080\"}]} unet",
        ),
        ("{{(index (index .HostConfig.PortBindings \"80/tcp\") 0).HostPort}}", "8080"),
        ("{{.State.Status}} {{json .NetworkSettings.Networks.unet.IPAddress}}", "running \"172.25.0.2\""),
    ] {
        let printed = Template::parse(text).and_then(|template| template.render(&container));
        assert_eq!(printed.as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn depth_is_limited() {
    let error =
        |text: &str| Template::parse(text).and_then(|t| t.render(&data())).expect_err("it is too deep").to_string();
    let endless = "{{define \"a\"}}{{template \"a\"}}{{end}}{{template \"a\"}}";
    assert!(error(endless).ends_with("exceeded maximum template depth (100000)"));
    assert!(error(&"{{if 1}}".repeat(5000)).ends_with("max expression depth exceeded"));
    assert!(error(&format!("{{{{{}", "(".repeat(5000))).ends_with("max expression depth exceeded"));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[{}$. |()a-z\"'0-9:=,-]{0,40}", words in "(\\{\\{(if|range|with|end|else|\\.X|\\$x := \\.X\\.L|\\$x|printf \"%5d\" 3|index \\.X\\.L 1|slice \\.X\\.S 1|break|define \"a\"|template \"a\"| \\.X\\.M)\\}\\}){0,8}") {
        for text in [text, words] {
            let _ = Template::parse(&text).and_then(|template| template.render(&data()));
        }
    }
}
