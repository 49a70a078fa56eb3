//! `POST /containers/{name}/attach` and `resize`: the terminal of a container's main process.

use netyard_sim::world::World;

use super::console::Viewer;
use super::keys::DetachKeys;
use super::{Call, Engine, Output, Reply};
use crate::container::State;
use crate::error::Error;

impl Engine {
    /// `POST /containers/{name}/attach`. A container that was not started yet is watched from its first byte.
    pub(super) fn container_attach(&mut self, world: &World, name: &str, call: &Call<'_>) -> Result<Reply, Error> {
        let query = &call.target.query;
        let container = self.find_container(name)?;
        if matches!(container.state, State::Paused(_)) {
            let text = format!("Container {name} is paused, unpause the container before attach.");
            return Err(Error::BadParameter(text));
        }
        if matches!(container.state, State::Restarting(_)) {
            let text = format!("container {name} is restarting, wait until the container is running before attach");
            return Err(Error::BadParameter(text));
        }
        let keys = Some(DetachKeys::parse(query.text("detachKeys"))?);
        let (id, tty, exchange) = (container.id, container.config.tty, call.exchange);
        let (stdout, stderr) = (query.flag("stdout"), query.flag("stderr"));
        self.head_of_stream(call);
        self.tell_container(world, id, "attach", &[]);
        if query.flag("logs") {
            let bytes = self.whole_log(id, stdout, stderr);
            if !bytes.is_empty() {
                self.outbox.push_back(Output::Body { exchange, bytes });
            }
        }
        if query.flag("stream") {
            let run = self.runs.get_mut(&id).expect("every container has a run");
            run.console.attach(Viewer { exchange, stdin: query.flag("stdin"), stdout, stderr, raw: tty, keys });
        } else {
            self.outbox.push_back(Output::End { exchange });
        }
        Ok(Reply::Later)
    }

    /// `POST /containers/{name}/resize`: the size of its terminal.
    pub(super) fn container_resize(&mut self, world: &mut World, name: &str, call: &Call<'_>) -> Result<Reply, Error> {
        let container = self.find_container(name)?;
        if !container.is_running() {
            return Err(Error::ContainerNotRunning(container.id));
        }
        let id = container.id;
        let size = |key: &str| call.target.query.text(key).unwrap_or_default().to_owned();
        self.runs[&id].console.resize(world, size_of_terminal(call));
        self.tell_container(world, id, "resize", &[("height", size("h")), ("width", size("w"))]);
        Ok(Reply::Empty(200))
    }
}

/// The rows and columns that a client asks for; zero is what nobody knows.
pub(super) fn size_of_terminal(call: &Call<'_>) -> (u16, u16) {
    let size = |key: &str| call.target.query.text(key).and_then(|text| text.parse().ok()).unwrap_or_default();
    (size("h"), size("w"))
}
