"use strict";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 170, HEIGHT = 40, GAP_X = 60, GAP_Y = 22;
const POLL = 2000;

const $ = id => document.getElementById(id);

function parse(text) {
  let content = JSON.parse(text);
  content = content.process || content;
  const graph = content.process_graph || content;
  if (!Object.values(graph).every(node => node && typeof node.process_id === "string")) {
    throw new Error("this is no process graph: every node needs a process_id");
  }
  return graph;
}

// The nodes that a value refers to; callbacks refer to nodes of their own.
function uses(value) {
  if (!value || typeof value !== "object" || value.process_graph) return [];
  if (typeof value.from_node === "string") return [value.from_node];
  return Object.values(value).flatMap(uses);
}

function holds(value, processId) {
  if (!value || typeof value !== "object") return false;
  return value.process_id === processId || Object.values(value).some(inner => holds(inner, processId));
}

function layers(graph) {
  const depth = {};
  const visit = (name, path) => {
    if (path.includes(name)) throw new Error("the graph runs in a circle at node " + name);
    if (!(name in graph)) throw new Error("there is no node " + name);
    if (!(name in depth)) {
      const before = uses(graph[name].arguments).map(other => visit(other, [...path, name]));
      depth[name] = before.length ? 1 + Math.max(...before) : 0;
    }
    return depth[name];
  };
  Object.keys(graph).forEach(name => visit(name, []));
  return depth;
}

function element(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  if (text !== undefined) made.textContent = text;
  return made;
}

function draw(graph) {
  const depth = layers(graph), rows = {}, at = {};
  for (const name of Object.keys(graph)) {
    const column = depth[name], row = rows[column] = (rows[column] ?? -1) + 1;
    at[name] = { x: 10 + column * (WIDTH + GAP_X), y: 10 + row * (HEIGHT + GAP_Y) };
  }
  const width = 20 + (1 + Math.max(...Object.values(depth))) * (WIDTH + GAP_X);
  const height = 20 + (1 + Math.max(...Object.values(rows))) * (HEIGHT + GAP_Y);
  const picture = element("svg", { width, height, role: "img", "aria-label": "Process graph" });
  for (const [name, node] of Object.entries(graph)) {
    for (const other of new Set(uses(node.arguments))) {
      const from = at[other], to = at[name], x = from.x + WIDTH, y = from.y + HEIGHT / 2, end = to.y + HEIGHT / 2;
      picture.append(element("path", { d: `M${x} ${y} C${x + 30} ${y} ${to.x - 30} ${end} ${to.x} ${end}` }));
    }
  }
  for (const [name, node] of Object.entries(graph)) {
    const kind = (node.result ? "result " : "") + (holds(node, "run_udf") ? "udf" : "");
    const group = element("g", { transform: `translate(${at[name].x} ${at[name].y})`, class: kind });
    group.append(
      element("rect", { width: WIDTH, height: HEIGHT }),
      element("text", { x: 8, y: 17 }, node.process_id),
      element("text", { x: 8, y: 32, class: "id" }, name),
      element("title", {}, JSON.stringify(node.arguments, null, 1)?.slice(0, 2000) ?? ""),
    );
    picture.append(group);
  }
  $("drawing").replaceChildren(picture);
}

$("graph").addEventListener("input", () => {
  $("told").textContent = "";
  $("drawing").replaceChildren();
  if (!$("graph").value.trim()) return;
  try {
    draw(parse($("graph").value));
  } catch (error) {
    $("told").textContent = error.message;
  }
});

let token = null, polling = null;

async function ask(path, headers) {
  const answer = await fetch(path, { headers });
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.message);
  return content;
}

const mine = path => ask(path, { Authorization: "Bearer basic//" + token });

function row(job) {
  const made = document.createElement("tr");
  const cells = [job.title || job.id, job.status, job.progress ?? "", job.created, job.updated ?? ""];
  for (const text of cells) made.insertCell().textContent = text;
  made.cells[1].className = job.status;
  made.addEventListener("click", () => show(job.id));
  return made;
}

async function show(id) {
  const { logs } = await mine(`jobs/${encodeURIComponent(id)}/logs`);
  $("log").hidden = false;
  $("log").textContent = logs.map(line => `${line.time} ${line.level}: ${line.message}`).join("\n") || "nothing yet";
}

async function list() {
  try {
    const { jobs } = await mine("jobs?limit=100");
    $("jobs").replaceChildren(...jobs.map(row));
    $("jobs").parentElement.hidden = false;
    $("answer").textContent = jobs.length ? "" : "no jobs yet";
  } catch (error) {
    $("answer").textContent = error.message;
  }
}

$("login").addEventListener("submit", async event => {
  event.preventDefault();
  clearInterval(polling);
  const bytes = new TextEncoder().encode($("user").value + ":" + $("password").value);
  const pair = btoa(String.fromCharCode(...bytes));
  try {
    token = (await ask("credentials/basic", { Authorization: "Basic " + pair })).access_token;
    await list();
    polling = setInterval(list, POLL);
  } catch (error) {
    $("answer").textContent = error.message;
  }
});

$("address").textContent = location.origin;
