//! Images as files: saved, loaded, imported; and what else is said of a container's files.

use netyard_sim::userland::files::{Body, Entry, Stamp};

use super::*;
use crate::archive;

impl Lab {
    fn upload(&mut self, target: &str, bytes: &[u8]) -> (u16, String) {
        let exchange = self.send_bytes("POST", target, bytes.to_vec());
        (self.replies[&exchange].0, String::from_utf8_lossy(self.body(exchange)).into_owned())
    }

    fn save(&mut self, target: &str) -> Vec<u8> {
        let exchange = self.send("GET", target, &Value::Null);
        assert_eq!(self.replies[&exchange].0, 200);
        self.body(exchange).to_vec()
    }

    /// An image of busybox with one more file and one more tag.
    fn commit(&mut self) {
        assert_eq!(self.create("c1", "default", &Value::Null).0, 201);
        let exchange = self.send_bytes("PUT", "/containers/c1/archive?path=/", tree(&[("note", b"hello\n")]));
        assert_eq!(self.replies[&exchange].0, 200);
        assert_eq!(self.post("/commit?container=c1&repo=team/app&tag=1&comment=noted", &Value::Null).0, 201);
        assert_eq!(self.post("/images/team/app:1/tag?repo=team/app&tag=2", &Value::Null).0, 201);
    }

    /// A file of a container that is made of an image.
    fn file_in(&mut self, image: &str, path: &str) -> Option<Body> {
        let body = json!({ "Image": image });
        assert_eq!(self.post("/containers/create?name=look", &body).0, 201);
        let archive = self.send("GET", &format!("/containers/look/archive?path={path}"), &Value::Null);
        let found = archive::read(self.body(archive)).ok().and_then(|entries| Some(entries.first()?.body.clone()));
        assert_eq!(self.call("DELETE", "/containers/look", &Value::Null).0, 204);
        found
    }
}

fn tree(files: &[(&str, &[u8])]) -> Vec<u8> {
    let entry = |(path, bytes): &(&str, &[u8])| Entry {
        path: (*path).to_owned(),
        mode: 0o644,
        uid: 0,
        gid: 0,
        mtime: Stamp(0),
        body: Body::File(bytes.to_vec()),
    };
    archive::write("", &files.iter().map(entry).collect::<Vec<_>>())
}

#[test]
fn an_image_goes_out_and_comes_back_the_same() {
    let mut lab = Lab::new();
    lab.commit();
    let before = lab.get("/images/team/app:1/json");
    let saved = lab.save("/images/get?names=team/app");
    let entries = archive::read(&saved).expect("an archive");
    let manifest = entries.iter().find(|entry| entry.path == "manifest.json").expect("it is there");
    let Body::File(manifest) = &manifest.body else { panic!("it is a file") };
    let manifest: Value = serde_json::from_slice(manifest).expect("it is JSON");
    assert_eq!(manifest[0]["RepoTags"], json!(["team/app:1", "team/app:2"]), "a name without a tag means all");
    assert_eq!(lab.call("DELETE", "/images/team/app:1", &Value::Null).0, 200);
    assert_eq!(lab.call("DELETE", "/images/team/app:2", &Value::Null).0, 200);
    assert_eq!(lab.call("GET", "/images/team/app/json", &Value::Null).0, 404);
    let told = "{\"stream\":\"Loaded image: team/app:1\\n\"}\r\n{\"stream\":\"Loaded image: team/app:2\\n\"}\r\n";
    assert_eq!(lab.upload("/images/load?quiet=1", &saved), (200, told.to_owned()));
    let after = lab.get("/images/team/app:2/json");
    for key in ["Id", "RepoTags", "Comment", "Config", "Created"] {
        assert_eq!(after[key], before[key], "{key}");
    }
    assert_eq!(lab.file_in("team/app:1", "/note"), Some(Body::File(b"hello\n".to_vec())));
    assert_eq!(lab.post("/containers/create?name=c2", &json!({ "Image": "team/app:2", "Cmd": ["sh"] })).0, 201);
    assert_eq!(lab.post("/containers/c2/start", &Value::Null).0, 204, "its programs came back with it");
}

#[test]
fn what_a_later_layer_takes_away_is_not_there() {
    let mut lab = Lab::new();
    let id = "ab".repeat(32);
    let config = json!({ "config": { "Cmd": ["sh"] }, "history": [{}, {}], "rootfs": { "diff_ids": [] } });
    let manifest =
        json!([{ "Config": format!("{id}.json"), "RepoTags": ["old:1"], "Layers": ["1/layer.tar", "2/layer.tar"] }]);
    let first = tree(&[("a", b"1"), ("d/b", b"2"), ("d/c", b"3"), ("e/f", b"4")]);
    let second = tree(&[(".wh.a", b""), ("d/.wh..wh..opq", b""), ("d/n", b"5"), ("e/.wh.f", b"")]);
    let all = tree(&[
        (&format!("{id}.json"), config.to_string().as_bytes()),
        ("1/layer.tar", &first),
        ("2/layer.tar", &second),
        ("manifest.json", manifest.to_string().as_bytes()),
    ]);
    assert_eq!(lab.upload("/images/load", &all).0, 200);
    for (path, there) in [("/a", false), ("/d/b", false), ("/d/c", false), ("/d/n", true), ("/e/f", false)] {
        assert_eq!(lab.file_in("old:1", path).is_some(), there, "{path}");
    }
    assert_eq!(lab.get("/images/old:1/json")["Id"], json!(format!("sha256:{id}")));
}

#[test]
fn a_tree_of_files_becomes_an_image() {
    let mut lab = Lab::new();
    let target = "/images/create?fromSrc=-&repo=mine&tag=1&message=hello&changes=CMD%20%5B%22x%22%5D";
    let (status, told) = lab.upload(target, &tree(&[("g/f", b"hi\n")]));
    let image = lab.get("/images/mine:1/json");
    assert_eq!((status, told), (200, format!("{{\"status\":{}}}\r\n", image["Id"])));
    assert_eq!(
        (&image["Config"]["Cmd"], &image["Size"], &image["Comment"]),
        (&json!(["x"]), &json!(3), &json!("hello"))
    );
    assert_eq!(lab.file_in("mine:1", "/g/f"), Some(Body::File(b"hi\n".to_vec())));
    assert!(lab.file_in("mine:1", "/bin/sh").is_none(), "it has what was in the archive and nothing else");
}

#[test]
fn what_is_no_image_is_refused_and_nothing_is_taken() {
    let mut lab = Lab::new();
    let before = lab.get("/images/json");
    let message = |(status, text): (u16, String)| {
        let value: Value = serde_json::from_str(&text).unwrap_or_default();
        (status, value["message"].as_str().unwrap_or_default().to_owned())
    };
    let open = |file: &str| (500, format!("open /var/lib/docker/tmp/docker-import/{file}: no such file or directory"));
    assert_eq!(message(lab.upload("/images/load", b"")), open("repositories"));
    assert_eq!(message(lab.upload("/images/load", &tree(&[("manifest.json", b"[{\"Config\":\"x\"}]")]))), open("x"));
    let eof = "Error processing tar file(exit status 1): unexpected EOF";
    assert_eq!(message(lab.upload("/images/load", b"banana\n")), (500, eof.to_owned()));
    assert_eq!(message(lab.upload("/images/create?fromSrc=-&repo=x", b"banana\n")), (500, eof.to_owned()));
    assert_eq!(message(lab.upload("/images/load", &tree(&[("manifest.json", b"banana")]))).0, 400);
    assert_eq!(
        lab.call("GET", "/images/get?names=busybox&names=nosuch", &Value::Null).1["message"],
        "No such image: nosuch"
    );
    assert_eq!(lab.get("/images/json"), before);
}

#[test]
fn a_container_is_inspected_with_its_size_and_its_ports_as_they_were_written() {
    let mut lab = Lab::new();
    let body = json!({ "Image": "busybox", "ExposedPorts": { "8080": {}, "9/udp": {} } });
    assert_eq!(lab.post("/containers/create?name=c1", &body).0, 201);
    assert_eq!(lab.get("/containers/c1/json").get("SizeRw"), None);
    let sized = lab.get("/containers/c1/json?size=1");
    assert_eq!((&sized["SizeRw"], &sized["SizeRootFs"]), (&json!(0), &json!(1_984_162)));
    assert_eq!(sized["Config"]["ExposedPorts"], json!({ "8080": {}, "9/udp": {} }));
}

#[test]
fn a_log_until_zero_is_the_whole_log() {
    let mut lab = Lab::new();
    assert_eq!(lab.post("/containers/create?name=c1", &json!({ "Image": "busybox", "Cmd": ["fail"] })).0, 201);
    assert_eq!(lab.post("/containers/c1/start", &Value::Null).0, 204);
    let log = lab.send("GET", "/containers/c1/logs?stdout=1&since=0&until=0&tail=all", &Value::Null);
    assert_eq!(lab.body(log), b"\x01\0\0\0\0\0\0\x04out\n");
}
