//! `/images`: the known images; there is no registry to pull others from.

use netyard_sim::time::Instant;
use netyard_sim::world::World;
use serde_json::{Value, json};

use super::start::RESOLV;
use super::{Call, Engine, Reply};
use crate::date;
use crate::error::Error;
use crate::image::{IMAGES, Image};
use crate::sandbox::resolv;

impl Engine {
    /// `GET /images/json`.
    pub(super) fn images(&self) -> Reply {
        let created = self.epoch.unix_nanos(Instant::ZERO) / 1_000_000_000;
        let image = |image: &Image| {
            json!({
                "Containers": -1, "Created": created, "Id": image.digest(), "Labels": null, "ParentId": "",
                "RepoDigests": null, "RepoTags": [image.tag()], "SharedSize": -1, "Size": image.size,
                "VirtualSize": image.size,
            })
        };
        Reply::ok(&IMAGES.iter().map(image).collect::<Vec<_>>())
    }

    /// `GET /images/{name}/json`.
    pub(super) fn image_inspect(&self, name: &str) -> Result<Reply, Error> {
        let image = Image::find(name).ok_or_else(|| Error::ImageInspectUnknown(name.to_owned()))?;
        Ok(Reply::ok(&json!({
            "Id": image.digest(), "RepoTags": [image.tag()], "RepoDigests": [], "Parent": "",
            "Comment": "Imported from -", "Created": date::rfc3339(self.epoch, Instant::ZERO), "Container": "",
            "ContainerConfig": config(&Value::Null, &Value::Null), "DockerVersion": super::system::VERSION, "Author": "",
            "Config": config(&json!(image.command), &exposed(image)), "Architecture": "amd64", "Os": "linux",
            "Size": image.size, "VirtualSize": image.size,
            "GraphDriver": { "Data": {
                "MergedDir": format!("/var/lib/docker/overlay2/{}/merged", image.id()),
                "UpperDir": format!("/var/lib/docker/overlay2/{}/diff", image.id()),
                "WorkDir": format!("/var/lib/docker/overlay2/{}/work", image.id()),
            }, "Name": "overlay2" },
            "RootFS": { "Type": "layers", "Layers": [image.digest()] },
            "Metadata": { "LastTagTime": date::NEVER },
        })))
    }

    /// `POST /images/create`: a known image is up to date; others would need a registry.
    pub(super) fn image_create(&self, world: &World, call: &Call<'_>) -> Result<Reply, Error> {
        let query = &call.target.query;
        let name = query.text("fromImage").unwrap_or_default();
        let reference = match query.text("tag") {
            Some(tag) if !name.contains('@') => format!("{name}:{tag}"),
            _ => name.to_owned(),
        };
        let Some(image) = Image::find(&reference) else {
            let host = world.processes.context(self.host.context).files.text(RESOLV);
            let server = resolv::servers(&host).first().map(ToString::to_string);
            return Err(Error::RegistryUnreachable(server.unwrap_or_else(|| "[::1]".to_owned())));
        };
        let lines = [
            json!({ "status": format!("Pulling from library/{}", image.name), "id": "latest" }),
            json!({ "status": format!("Digest: {}", image.digest()) }),
            json!({ "status": format!("Status: Image is up to date for {}", image.tag()) }),
        ];
        Ok(Reply::Json(200, lines.map(|line| format!("{line}\r\n")).concat()))
    }
}

fn exposed(image: &Image) -> Value {
    if image.exposed.is_empty() {
        return Value::Null;
    }
    image.exposed.iter().map(|port| ((*port).to_owned(), json!({}))).collect::<serde_json::Map<_, _>>().into()
}

/// The configuration in an image; the key of the exposed ports is there only when there are some.
fn config(command: &Value, exposed: &Value) -> Value {
    let mut config = json!({
        "Hostname": "", "Domainname": "", "User": "", "AttachStdin": false, "AttachStdout": false,
        "AttachStderr": false, "ExposedPorts": exposed, "Tty": false, "OpenStdin": false, "StdinOnce": false,
        "Env": null, "Cmd": command, "Image": "", "Volumes": null, "WorkingDir": "", "Entrypoint": null,
        "OnBuild": null, "Labels": null,
    });
    if let Some(fields) = config.as_object_mut()
        && fields.get("ExposedPorts").is_some_and(Value::is_null)
    {
        fields.shift_remove("ExposedPorts");
    }
    config
}
