//! `docker version`: of the client and of the engine.

use serde_json::{Value, json};

use super::command::{Arity, Command, plain};
use super::flags::{Arguments, Order};
use super::inspect::FORMAT;
use super::listing;
use super::object::{items, text};
use super::script::{Cx, Failure, Next, Outcome, Reply, request};
use crate::template::{Context, Template, TemplateError};

/// The client that these commands are.
pub(super) const CLIENT: &str = "28.2.2";
/// The newest API that it speaks.
const NEWEST_API: &str = "1.50";
/// The API that it speaks with this engine.
const API: &str = "1.41";

/// The command.
pub(super) const VERSION: Command = Command {
    usage: "[OPTIONS]",
    about: "Show the Docker version information",
    aliases: "",
    flags: &[FORMAT],
    order: Order::Mixed,
    arity: Arity::Exactly(0),
    decorate: plain,
    run,
};

fn run(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let format = listing::template(typed.text("format"));
    let json = format.is_some_and(|format| format.contains("json "));
    let broken = |why| Failure::new(format!("template parsing error: {why}")).code(64);
    let template = format.map(Template::parse).transpose().map_err(broken)?;
    let ticket = cx.open(request("GET", "/version"));
    Ok(Next::Reply(
        ticket,
        Box::new(move |reply, cx| match template {
            Some(template) => formatted(&template, json, reply, cx),
            None => told(reply, cx),
        }),
    ))
}

fn client(api: &str) -> Value {
    json!({
        "Version": CLIENT, "ApiVersion": api, "DefaultAPIVersion": NEWEST_API, "GitCommit": "e6534b4",
        "GoVersion": "go1.24.3", "Os": "linux", "Arch": "amd64", "BuildTime": "Fri May 30 12:07:14 2025",
        "Context": "default",
    })
}

fn named_as_in_go(mut all: Value) -> Value {
    for part in ["Client", "Server"] {
        if let Some(fields) = all[part].as_object_mut()
            && let Some(version) = fields.get("ApiVersion").cloned()
        {
            fields.insert("APIVersion".to_owned(), version);
        }
    }
    all
}

/// The client is told even when the engine does not answer.
fn formatted(template: &Template, json: bool, reply: Result<Reply, Failure>, cx: &mut Cx<'_>) -> Outcome {
    let server = reply.and_then(Reply::json);
    let api = if server.is_ok() { API } else { NEWEST_API };
    let all = json!({"Client": client(api), "Server": server.as_ref().map_or(&Value::Null, |server| server)});
    // Go calls this template `version`, and the version of the API by another name than JSON does.
    let failed = |why: TemplateError| {
        let text = why.to_string().replacen("template: :", "template: version:", 1);
        Failure::new(text.replacen("executing \"\" at", "executing \"version\" at", 1))
    };
    let all = if json { all } else { named_as_in_go(all) };
    let text = template.render_for(&all, Context::Row { type_name: "system.versionInfo" }).map_err(failed)?;
    cx.print_line(&text);
    server.map(|_| Next::Exit(0))
}

fn told(reply: Result<Reply, Failure>, cx: &mut Cx<'_>) -> Outcome {
    let server = reply.and_then(Reply::json);
    let client = client(API);
    let api = if server.is_ok() { format!("{API} (downgraded from {NEWEST_API})") } else { NEWEST_API.to_owned() };
    cx.print_line("Client:");
    print(
        1,
        18,
        &[
            ("Version", text(&client, "Version")),
            ("API version", &api),
            ("Go version", text(&client, "GoVersion")),
            ("Git commit", text(&client, "GitCommit")),
            ("Built", text(&client, "BuildTime")),
            ("OS/Arch", "linux/amd64"),
            ("Context", text(&client, "Context")),
        ],
        cx,
    );
    let server = server?;
    cx.print("\nServer:\n Engine:\n");
    for component in items(&server["Components"]) {
        match text(component, "Name") {
            "Engine" => engine(&component["Details"], text(component, "Version"), cx),
            name => other(name, component, cx),
        }
    }
    Ok(Next::Exit(0))
}

fn engine(details: &Value, version: &str, cx: &mut Cx<'_>) {
    let api = format!("{} (minimum version {})", text(details, "ApiVersion"), text(details, "MinAPIVersion"));
    let place = format!("{}/{}", text(details, "Os"), text(details, "Arch"));
    print(
        2,
        17,
        &[
            ("Version", version),
            ("API version", &api),
            ("Go version", text(details, "GoVersion")),
            ("Git commit", text(details, "GitCommit")),
            ("Built", &built(text(details, "BuildTime"))),
            ("OS/Arch", &place),
            ("Experimental", text(details, "Experimental")),
        ],
        cx,
    );
}

fn other(name: &str, component: &Value, cx: &mut Cx<'_>) {
    cx.print_line(&format!(" {name}:"));
    print(
        2,
        17,
        &[("Version", text(component, "Version")), ("GitCommit", text(&component["Details"], "GitCommit"))],
        cx,
    );
}

fn print(indent: usize, width: usize, lines: &[(&str, &str)], cx: &mut Cx<'_>) {
    for (name, value) in lines {
        let name = format!("{name}:");
        cx.print_line(&format!("{:indent$}{name:width$} {value}", ""));
    }
}

/// `2026-05-07T21:09:36.000000000+00:00` as `Thu May  7 21:09:36 2026`; other text as it is.
fn built(text: &str) -> String {
    parse_built(text).unwrap_or_else(|| text.to_owned())
}

fn parse_built(text: &str) -> Option<String> {
    let (date, clock) = text.split_once('T')?;
    let mut parts = date.split('-');
    let (year, month, day) =
        (parts.next()?.parse().ok()?, parts.next()?.parse::<u8>().ok()?, parts.next()?.parse().ok()?);
    let month = time::Month::try_from(month).ok()?;
    let date = time::Date::from_calendar_date(year, month, day).ok()?;
    let (weekday, month) = (date.weekday().to_string(), month.to_string());
    Some(format!("{} {} {day:2} {} {year}", &weekday[..3], &month[..3], clock.get(..8)?))
}

#[cfg(test)]
mod tests {
    use crate::cli::play::Play;

    /// What engine 20.10.24 answered, without what is not shown.
    const ANSWER: &str = r#"{"Platform":{"Name":""},"Components":[
        {"Name":"Engine","Version":"20.10.24+dfsg1","Details":{"ApiVersion":"1.41","Arch":"amd64",
         "BuildTime":"2026-05-07T21:09:36.000000000+00:00","Experimental":"false","GitCommit":"5d6db84",
         "GoVersion":"go1.19.8","MinAPIVersion":"1.12","Os":"linux"}},
        {"Name":"containerd","Version":"1.6.20~ds1","Details":{"GitCommit":"1.6.20~ds1-1+deb12u3"}},
        {"Name":"docker-init","Version":"0.19.0","Details":{"GitCommit":""}}],"Version":"20.10.24+dfsg1"}"#;

    const CLIENT: &str = "Client:
 Version:           28.2.2
 API version:       1.41 (downgraded from 1.50)
 Go version:        go1.24.3
 Git commit:        e6534b4
 Built:             Fri May 30 12:07:14 2025
 OS/Arch:           linux/amd64
 Context:           default
";

    const SERVER: &str = "
Server:
 Engine:
  Version:          20.10.24+dfsg1
  API version:      1.41 (minimum version 1.12)
  Go version:       go1.19.8
  Git commit:       5d6db84
  Built:            Thu May  7 21:09:36 2026
  OS/Arch:          linux/amd64
  Experimental:     false
 containerd:
  Version:          1.6.20~ds1
  GitCommit:        1.6.20~ds1-1+deb12u3
 docker-init:
  Version:          0.19.0
";

    #[test]
    fn both_are_told() {
        let mut play = Play::new("docker version");
        play.answer(0, 200, ANSWER);
        let no_commit = "  GitCommit:        \n";
        assert_eq!(play.stdout(), format!("{CLIENT}{SERVER}{no_commit}"));
    }

    #[test]
    fn without_an_engine_the_client_is_told() {
        let mut play = Play::new("docker version");
        play.vanish(0);
        assert_eq!(play.stdout(), CLIENT.replace("1.41 (downgraded from 1.50)", "1.50"));
        assert!(play.stderr().starts_with("Cannot connect to the Docker daemon at unix:///var/run/docker.sock."));
    }

    #[test]
    fn a_template_sees_both() {
        let mut play = Play::new("docker version -f '{{.Server.Version}} {{.Client.Version}}'");
        play.answer(0, 200, ANSWER);
        assert_eq!(play.stdout(), "20.10.24+dfsg1 28.2.2\n");
    }
}
