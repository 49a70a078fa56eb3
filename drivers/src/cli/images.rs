//! `docker images`: the list of images.

use serde_json::{Value, json};

use super::command::{Arity, Command, plain};
use super::flags::{Arguments, Flag, Needs, Order};
use super::human;
use super::listing::{FORMAT, Kind};
use super::object::{items, short_id, text};
use super::query::{filters, one, query};
use super::script::{Cx, Next, Outcome, call, request};

/// The command.
pub(super) const IMAGES: Command = Command {
    usage: "[OPTIONS] [REPOSITORY[:TAG]]",
    about: "List images",
    aliases: "docker image ls, docker image list, docker images",
    flags: &[
        Flag::switch("all", "Show all images (default hides intermediate images)").short('a'),
        Flag::switch("digests", "Show digests"),
        Flag::filter("Filter output based on conditions provided").short('f'),
        FORMAT,
        Flag::switch("no-trunc", "Don't truncate output"),
        Flag::switch("quiet", "Only show image IDs").short('q'),
        Flag::switch("tree", "List multi-platform images as a tree (EXPERIMENTAL)").needs(Needs::Api("1.47")),
    ],
    order: Order::Mixed,
    arity: Arity::AtMost(1),
    decorate: plain,
    run,
};

const KIND: Kind = Kind {
    type_name: "*formatter.imageContext",
    headers: &[
        ("ID", "IMAGE ID"),
        ("Repository", "REPOSITORY"),
        ("Tag", "TAG"),
        ("Digest", "DIGEST"),
        ("CreatedSince", "CREATED"),
        ("CreatedAt", "CREATED AT"),
        ("Size", "SIZE"),
        ("Containers", "CONTAINERS"),
        ("VirtualSize", "SIZE"),
        ("SharedSize", "SHARED SIZE"),
        ("UniqueSize", "UNIQUE SIZE"),
    ],
    default: "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}",
    quiet: "{{.ID}}",
    raw: "repository: {{.Repository}}\ntag: {{.Tag}}\nimage_id: {{.ID}}\ncreated_at: {{.CreatedAt}}\nvirtual_size: {{.Size}}\n",
};

const WITH_DIGEST: Kind =
    Kind { default: "table {{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}", ..KIND };

fn run(typed: &Arguments, cx: &mut Cx<'_>) -> Outcome {
    let kind = if typed.is_on("digests") { WITH_DIGEST } else { KIND };
    let format = kind.format(typed.text("format"), typed.is_on("quiet"))?;
    let mut conditions = typed.list("filter").to_vec();
    conditions.extend(typed.rest.first().map(|name| format!("reference={name}")));
    let query = query(&[("all", one(typed.is_on("all"))), ("filters", filters(&conditions))]);
    let whole = typed.is_on("no-trunc");
    call(cx, request("GET", &format!("/images/json{query}")), move |reply, cx| {
        let images = reply.json()?;
        let now = cx.place.seconds();
        let rows: Vec<Value> = items(&images).iter().flat_map(|image| rows(image, whole, now)).collect();
        kind.print(&format, &rows, cx)?;
        Ok(Next::Exit(0))
    })
}

/// A row for each tag; one for an image without.
fn rows(image: &Value, whole: bool, now: u64) -> Vec<Value> {
    let tags: Vec<&str> = items(&image["RepoTags"]).iter().filter_map(Value::as_str).collect();
    let tags = if tags.is_empty() { vec!["<none>:<none>"] } else { tags };
    tags.into_iter().map(|tag| row(image, tag, whole, now)).collect()
}

fn row(image: &Value, name: &str, whole: bool, now: u64) -> Value {
    let (repository, tag) = name.rsplit_once(':').unwrap_or((name, "<none>"));
    let id = text(image, "Id");
    let created = image["Created"].as_i64().unwrap_or_default();
    let age = now.saturating_sub(u64::try_from(created).unwrap_or_default());
    let size = image["Size"].as_u64().unwrap_or_default();
    json!({
        "Containers": "N/A",
        "CreatedAt": human::moment(i128::from(created) * 1_000_000_000),
        "CreatedSince": format!("{} ago", human::duration(age)),
        "Digest": digest(image, repository),
        "ID": if whole { id } else { short_id(id) },
        "Repository": repository,
        "SharedSize": "N/A",
        "Size": human::size(size, 3),
        "Tag": tag,
        "UniqueSize": "N/A",
        "VirtualSize": human::size(size, 4),
    })
}

fn digest<'a>(image: &'a Value, repository: &str) -> &'a str {
    let digests = items(&image["RepoDigests"]).iter().filter_map(Value::as_str);
    let mut pairs = digests.filter_map(|digest| digest.split_once('@'));
    pairs.find(|(name, _)| *name == repository).map_or("<none>", |(_, digest)| digest)
}

#[cfg(test)]
mod tests {
    use crate::cli::play::Play;

    /// What engine 20.10.24 listed.
    const LISTED: &str = r#"[{"Containers":-1,"Created":1795241557,
        "Id":"sha256:128d2871ac47abd950698ad61d36cf8319861c8103c6f33ae2e1bae86267e787","Labels":null,"ParentId":"",
        "RepoDigests":null,"RepoTags":["busybox:latest"],"SharedSize":-1,"Size":1984162,"VirtualSize":1984162}]"#;

    fn shown(line: &str) -> String {
        let mut play = Play::new(line);
        play.answer(0, 200, LISTED);
        play.stdout().to_owned()
    }

    #[test]
    fn the_default_table() {
        let expected = "REPOSITORY   TAG       IMAGE ID       CREATED          SIZE
busybox      latest    128d2871ac47   55 minutes ago   1.98MB
";
        assert_eq!(shown("docker images"), expected);
        let expected = "REPOSITORY   TAG       DIGEST    IMAGE ID       CREATED          SIZE
busybox      latest    <none>    128d2871ac47   55 minutes ago   1.98MB
";
        assert_eq!(shown("docker images --digests"), expected);
    }

    #[test]
    fn ids_alone_are_short_unless_they_shall_be_whole() {
        assert_eq!(shown("docker images -q"), "128d2871ac47\n");
        let id = "sha256:128d2871ac47abd950698ad61d36cf8319861c8103c6f33ae2e1bae86267e787";
        assert_eq!(shown("docker image ls -q --no-trunc"), format!("{id}\n"));
    }

    #[test]
    fn a_name_is_a_condition() {
        let filters = "%7B%22reference%22%3A%7B%22busybox%22%3Atrue%7D%7D";
        assert_eq!(
            Play::new("docker images busybox").requests(),
            [format!("GET /v1.41/images/json?filters={filters}")]
        );
    }
}
