"use strict";
const at = (id) => document.getElementById(id);
const token = document.body.dataset.token;
const samples = Number(document.body.dataset.samples);

async function ask(path, body) {
  const options = { method: body === undefined ? "GET" : "POST", headers: { "X-Token": token }, body };
  const reply = await fetch(path, options);
  const row = await reply.json();
  if (!reply.ok) throw new Error(row.error);
  return row;
}

function trouble(error) {
  at("trouble").textContent = error ? error.message || String(error) : "";
}

function show(row) {
  trouble(null);
  at("name").textContent = row.name;
  at("label").textContent = row.label === null ? "" : row.label;
  at("verdict").textContent = row.wanted === null ? ""
    : row.wanted === row.label ? "right" : `wrong: it is ${row.wanted}`;
  at("beside").textContent = "";
  at("warnings").replaceChildren(...row.warnings.map((text) => {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  }));
  const numbers = row.logits.map((pair) => pair[1]);
  const low = Math.min(...numbers), high = Math.max(...numbers);
  at("logits").replaceChildren(...row.logits.map(([label, value]) => {
    const line = document.createElement("div");
    const name = document.createElement("span");
    const meter = document.createElement("span");
    const bar = document.createElement("span");
    line.className = "logit";
    name.className = "value";
    name.textContent = `${label}: ${value}`;
    meter.className = "meter";
    meter.setAttribute("aria-hidden", "true");
    bar.style.width = `${100 * (value - low) / Math.max(1, high - low)}%`;
    meter.append(bar);
    line.append(name, meter);
    return line;
  }));
  at("layers").innerHTML = row.layers;
}

// Answers that are overtaken by a later question are not shown.
let asked = 0;
async function put(question) {
  const mine = ++asked;
  try {
    const row = await question();
    if (mine === asked) show(row);
  } catch (error) {
    if (mine === asked) trouble(error);
  }
}

function send(content, name) {
  const invert = at("invert").checked ? "&invert=1" : "";
  return put(() => ask(`/picture?name=${encodeURIComponent(name)}${invert}`, content));
}

function sample(step) {
  const field = at("number");
  const next = (Number(field.value) + step + samples) % samples;
  field.value = next;
  return put(() => ask(`/sample?number=${next}`));
}

function drawing(pad) {
  const pen = pad.getContext("2d");
  let drawn = false;
  const clear = () => {
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, pad.width, pad.height);
  };
  const point = (event) => {
    const box = pad.getBoundingClientRect();
    return [(event.clientX - box.left) * pad.width / box.width,
      (event.clientY - box.top) * pad.height / box.height];
  };
  Object.assign(pen, { lineWidth: 26, lineCap: "round", lineJoin: "round", strokeStyle: "#fff" });
  clear();
  pad.addEventListener("pointerdown", (event) => {
    drawn = true;
    pad.setPointerCapture(event.pointerId);
    pen.beginPath();
    pen.moveTo(...point(event));
    pen.lineTo(...point(event));
    pen.stroke();
  });
  pad.addEventListener("pointermove", (event) => {
    if (!drawn) return;
    pen.lineTo(...point(event));
    pen.stroke();
  });
  pad.addEventListener("pointerup", () => {
    drawn = false;
    pad.toBlob((content) => send(content, "drawing.png"));
  });
  at("clear").addEventListener("click", clear);
}

function files() {
  at("file").addEventListener("change", (event) => {
    const [file] = event.target.files;
    if (file) send(file, file.name);
  });
  const place = at("drop");
  place.addEventListener("dragover", (event) => {
    event.preventDefault();
    place.classList.add("over");
  });
  place.addEventListener("dragleave", () => place.classList.remove("over"));
  place.addEventListener("drop", (event) => {
    event.preventDefault();
    place.classList.remove("over");
    const [file] = event.dataTransfer.files;
    if (file) send(file, file.name);
  });
}

async function rtl() {
  const button = at("rtl");
  button.disabled = true;
  at("beside").textContent = "The RTL is at work; its first time takes a minute or two.";
  try {
    const row = await ask("/rtl", "");
    const names = Object.keys(row.differ);
    at("beside").textContent = names.length
      ? `${row.name}: the RTL differs in ${names.join(", ")}`
      : `${row.name}: the RTL says the same in all ${row.tensors} tensors that its streams carry`;
    at("layers").innerHTML = row.layers;
  } catch (error) {
    trouble(error);
    at("beside").textContent = "";
  }
  button.disabled = false;
}

async function board() {
  const row = await ask("/state");
  if (row.planning) {
    setTimeout(board, 1000);
  } else {
    at("board").textContent = row.unplanned || `A frame takes ${row.latency_cycles} cycles, `
      + `${row.latency_us} µs at about ${row.clock_mhz} MHz; one follows every `
      + `${row.interval_cycles} cycles, ${row.fps} frames a second without the serial line.`;
  }
}

if (at("pad")) drawing(at("pad"));
if (samples) {
  at("before").addEventListener("click", () => sample(-1));
  at("next").addEventListener("click", () => sample(1));
  at("number").addEventListener("change", () => sample(0));
  sample(0);
}
if (at("rtl")) at("rtl").addEventListener("click", rtl);
files();
board().catch(trouble);
