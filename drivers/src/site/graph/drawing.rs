//! A graph as a picture. Each network is a bar, and everybody on it stands below with a line up to the bar and a dot where
//! they meet, as network plans are drawn; so no line needs a way around another, and rows are all there is to lay out.
//! The LAN is on top, a frame is a host, and the numbers in a box are under the line that they belong to.

use super::{Device, Graph, What};

/// Sizes in pixels.
const CHARACTER: usize = 7;
const LINE: usize = 15;
const BAR: usize = 34;
const GAP: usize = 16;
const MARGIN: usize = 20;

const STYLE: &str = "text{font:12px monospace;fill:#222}.name{font-weight:bold}.bar{stroke:#2563eb;stroke-width:5}\
.line{stroke:#555;stroke-width:1.5}.down{stroke-dasharray:4 3}.dot{fill:#2563eb}.frame{fill:#f8fafc;stroke:#94a3b8}\
.box{fill:#fff;stroke:#475569}.host{fill:#dbeafe}.off{fill:#f1f5f9;stroke-dasharray:4 3}\
.label{paint-order:stroke;stroke:#fff;stroke-width:4px}";

/// A bar: a network, a bridge, or a link that two share.
struct Bar {
    label: String,
    /// The frame that it is in; none for one across all of them.
    frame: Option<usize>,
    /// Where it is, as far down as it is in its frame.
    y: usize,
}

/// A line from a box up to a bar, or between two bars.
struct Drop {
    bar: usize,
    other: Option<usize>,
    is_up: bool,
    device: Option<Device>,
    title: String,
    x: usize,
}

/// A box, or a place for lines between bars when it has no node.
struct Column {
    node: Option<usize>,
    drops: Vec<Drop>,
    x: usize,
    width: usize,
}

/// A host, or the part of the LAN beside hosts.
struct Frame {
    host: Option<String>,
    columns: Vec<Column>,
    x: usize,
    width: usize,
}

/// A picture under way.
struct Drawing<'g> {
    graph: &'g Graph,
    frames: Vec<Frame>,
    bars: Vec<Bar>,
    /// The bars of nodes.
    of_node: Vec<Option<usize>>,
}

/// The text of it.
pub(super) fn write(graph: &Graph) -> String {
    let mut drawing = Drawing { graph, frames: Vec::new(), bars: Vec::new(), of_node: vec![None; graph.nodes.len()] };
    drawing.place_nodes();
    (0..graph.links.len()).for_each(|link| drawing.place_link(link));
    let width = drawing.place_columns();
    let (bottom, height) = drawing.place_rows();
    drawing.text(width, bottom, height)
}

impl Drawing<'_> {
    fn place_nodes(&mut self) {
        for (frame, (host, members)) in self.graph.groups().into_iter().enumerate() {
            let mut columns = Vec::new();
            for at in members {
                let node = &self.graph.nodes[at];
                if node.is_segment() {
                    let about = node.about().join(" ");
                    self.of_node[at] = Some(self.bars.len());
                    let label = format!("{} {about}", node.name);
                    self.bars.push(Bar { label, frame: host.is_some().then_some(frame), y: 0 });
                } else {
                    columns.push(Column { node: Some(at), drops: Vec::new(), x: 0, width: 0 });
                }
            }
            self.frames.push(Frame { host: host.map(str::to_owned), columns, x: 0, width: 0 });
        }
    }

    /// A link is a line between a box and a bar, or two bars; two boxes get a bar of their own.
    fn place_link(&mut self, number: usize) {
        let link = &self.graph.links[number];
        let [one, two] = &link.ends;
        let said = |end: &super::End| end.device.as_ref().map_or("", |device| &device.name).to_owned();
        let title = format!("{} {} {}", link.kind, said(one), said(two));
        let drop = |bar, end: &super::End| Drop {
            bar,
            other: None,
            is_up: link.is_up,
            device: end.device.clone(),
            title: title.clone(),
            x: 0,
        };
        match (self.of_node[one.node], self.of_node[two.node]) {
            (None, Some(bar)) => self.drop_at(one.node, drop(bar, one)),
            (Some(bar), None) => self.drop_at(two.node, drop(bar, two)),
            (Some(bar), Some(other)) => {
                let frame = self.bars[bar].frame.or(self.bars[other].frame).unwrap_or_default();
                let drop = Drop { other: Some(other), device: None, ..drop(bar, one) };
                self.frames[frame].columns.push(Column { node: None, drops: vec![drop], x: 0, width: 0 });
            }
            (None, None) => {
                let frames = [one, two].map(|end| self.frame_of(end.node));
                let shared = frames[0] == frames[1] && self.frames[frames[0]].host.is_some();
                self.bars.push(Bar { label: link.kind.clone(), frame: shared.then_some(frames[0]), y: 0 });
                let bar = self.bars.len() - 1;
                self.drop_at(one.node, drop(bar, one));
                self.drop_at(two.node, drop(bar, two));
            }
        }
    }

    fn frame_of(&self, node: usize) -> usize {
        let is_in = |frame: &Frame| frame.columns.iter().any(|column| column.node == Some(node));
        self.frames.iter().position(is_in).expect("every box is in a frame")
    }

    fn drop_at(&mut self, node: usize, drop: Drop) {
        let mut columns = self.frames.iter_mut().flat_map(|frame| &mut frame.columns);
        columns.find(|column| column.node == Some(node)).expect("every box is in a frame").drops.push(drop);
    }

    /// Places everything from left to right; the width of the picture.
    fn place_columns(&mut self) -> usize {
        let mut x = MARGIN;
        for (number, frame) in self.frames.iter_mut().enumerate() {
            let labels = self.bars.iter().filter(|bar| bar.frame == Some(number)).map(|bar| wide(&bar.label));
            let title = frame.host.as_deref().map_or(0, wide);
            frame.x = x;
            let mut right = x + GAP;
            for column in &mut frame.columns {
                column.x = right;
                let mut inner = right;
                for drop in &mut column.drops {
                    let width =
                        drop.device.iter().flat_map(lines).map(|line| wide(&line)).max().unwrap_or_default() + GAP;
                    drop.x = inner + width / 2;
                    inner += width;
                }
                let text = column.node.map_or(0, |node| text_width(self.graph, node) + GAP);
                column.width = (inner - right).max(text);
                right += column.width + GAP;
            }
            frame.width = (right - x).max(labels.chain([title]).max().unwrap_or_default() + 2 * GAP);
            x += frame.width + GAP;
        }
        let lan = self.bars.iter().filter(|bar| bar.frame.is_none()).map(|bar| wide(&bar.label) + 2 * MARGIN);
        lan.chain([x + MARGIN - GAP]).max().unwrap_or_default()
    }

    /// Places everything from top to bottom: where the boxes begin, and the height of the picture.
    fn place_rows(&mut self) -> (usize, usize) {
        let mut y = MARGIN;
        for bar in self.bars.iter_mut().filter(|bar| bar.frame.is_none()) {
            y += BAR;
            bar.y = y;
        }
        let top = y + GAP + LINE;
        let mut bottom = top;
        for frame in 0..self.frames.len() {
            let mut y = top;
            for bar in self.bars.iter_mut().filter(|bar| bar.frame == Some(frame)) {
                y += BAR;
                bar.y = y;
            }
            bottom = bottom.max(y);
        }
        let bottom = bottom + 2 * GAP;
        let columns = self.frames.iter().flat_map(|frame| &frame.columns);
        let tallest = columns.map(|column| self.box_height(column)).max().unwrap_or_default();
        (bottom, bottom + tallest + GAP + MARGIN)
    }

    fn box_height(&self, column: &Column) -> usize {
        let Some(node) = column.node else { return 0 };
        let about = 1 + self.graph.nodes[node].about().len();
        (about + drop_lines(column)) * LINE + GAP
    }

    fn text(&self, width: usize, bottom: usize, height: usize) -> String {
        let mut text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\">\n<style>{STYLE}</style>\n"
        );
        let top = self.bars.iter().filter(|bar| bar.frame.is_none()).map(|bar| bar.y).max().unwrap_or(MARGIN) + GAP;
        for frame in &self.frames {
            if let Some(host) = &frame.host {
                let frame_height = height - top - MARGIN;
                text.push_str(&rect("frame", frame.x, top, frame.width, frame_height));
                text.push_str(&words("name", frame.x + GAP / 2, top + LINE, "start", host));
            }
        }
        for bar in &self.bars {
            let (left, right) = self.reach(bar, width);
            text.push_str(&line("bar", left, bar.y, right, bar.y, ""));
        }
        let columns = || self.frames.iter().flat_map(|frame| &frame.columns);
        for column in columns() {
            column.drops.iter().for_each(|drop| text.push_str(&self.drop_text(drop, bottom)));
        }
        for bar in &self.bars {
            text.push_str(&words("label", self.reach(bar, width).0, bar.y - 6, "start", &bar.label));
        }
        columns().for_each(|column| text.push_str(&self.box_text(column, bottom)));
        text + "</svg>\n"
    }

    /// From where to where a bar goes.
    fn reach(&self, bar: &Bar, width: usize) -> (usize, usize) {
        match bar.frame.map(|frame| &self.frames[frame]) {
            Some(frame) => (frame.x + GAP, frame.x + frame.width - GAP),
            None => (MARGIN, width - MARGIN),
        }
    }

    fn drop_text(&self, drop: &Drop, bottom: usize) -> String {
        let from = self.bars[drop.bar].y;
        let to = drop.other.map_or(bottom, |bar| self.bars[bar].y);
        let class = if drop.is_up { "line" } else { "line down" };
        let mut text = line(class, drop.x, from, drop.x, to, drop.title.trim_end());
        let ends = [Some(from), drop.other.map(|_| to)];
        ends.into_iter().flatten().for_each(|y| text.push_str(&dot(drop.x, y)));
        text
    }

    fn box_text(&self, column: &Column, top: usize) -> String {
        let Some(node) = column.node.map(|node| &self.graph.nodes[node]) else { return String::new() };
        let class = match node.what {
            What::Host => "box host",
            What::Container { state: "running" | "paused", .. } => "box",
            What::Container { .. } => "box off",
            What::Bridge | What::Machine | What::Namespace | What::Network { .. } => "box",
        };
        let mut text = rect(class, column.x, top, column.width, self.box_height(column));
        for drop in &column.drops {
            for (number, line) in drop.device.iter().flat_map(lines).enumerate() {
                text.push_str(&words("", drop.x, top + (number + 1) * LINE, "middle", &line));
            }
        }
        let first = top + (drop_lines(column) + 1) * LINE + GAP / 4;
        text.push_str(&words("name", column.x + GAP / 2, first, "start", &node.name));
        for (number, line) in node.about().iter().enumerate() {
            text.push_str(&words("", column.x + GAP / 2, first + (number + 1) * LINE, "start", line));
        }
        text
    }
}

/// What is to be read of a device, line by line.
fn lines(device: &Device) -> Vec<String> {
    core::iter::once(device.name.clone()).chain(device.addresses.iter().cloned()).collect()
}

/// How many lines the lines of a box need under them.
fn drop_lines(column: &Column) -> usize {
    column.drops.iter().map(|drop| drop.device.iter().flat_map(lines).count()).max().unwrap_or_default()
}

fn text_width(graph: &Graph, node: usize) -> usize {
    let node = &graph.nodes[node];
    node.about().iter().chain([&node.name]).map(|line| wide(line)).max().unwrap_or_default()
}

fn wide(text: &str) -> usize {
    // A little more than seven pixels each.
    text.chars().count() * CHARACTER * 21 / 20
}

fn rect(class: &str, x: usize, y: usize, width: usize, height: usize) -> String {
    format!("<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"4\"/>\n")
}

fn line(class: &str, x1: usize, y1: usize, x2: usize, y2: usize, title: &str) -> String {
    let coordinates = format!("x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"");
    match title {
        "" => format!("<line class=\"{class}\" {coordinates}/>\n"),
        _ => format!("<line class=\"{class}\" {coordinates}><title>{}</title></line>\n", escaped(title)),
    }
}

fn dot(x: usize, y: usize) -> String {
    format!("<circle class=\"dot\" cx=\"{x}\" cy=\"{y}\" r=\"4\"/>\n")
}

fn words(class: &str, x: usize, y: usize, anchor: &str, text: &str) -> String {
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    format!("<text{class} x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{}</text>\n", escaped(text))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
