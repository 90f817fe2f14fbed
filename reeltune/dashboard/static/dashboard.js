// Pages work without this: it signs in by a link, keeps pages live, draws charts, sends actions.
import { drawCharts } from "./chart.js";

const token = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

async function send(method, url, body) {
  const answer = await fetch(url, {
    method,
    headers: { "content-type": "application/json", "x-csrf-token": token() },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(found.detail ?? `the service answered ${answer.status}`);
  return found;
}

function signInByLink() {
  const form = document.getElementById("sign-in");
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!form || !given) return;
  history.replaceState(null, "", location.pathname + location.search); // not kept in the history
  form.elements.token.value = given;
  form.submit();
}

function offerSignOut() {
  const button = document.querySelector("button.out");
  if (!button) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await send("DELETE", "/api/session").catch(() => {});
    location.href = "/sign-in";
  });
}

function values(form) {
  const found = {};
  for (const field of form.querySelectorAll("[name]")) {
    if (field.value !== "") found[field.name] = field.type === "number" ? Number(field.value) : field.value;
  }
  return found;
}

function offerActions() {
  for (const form of document.querySelectorAll("form.act")) {
    const said = form.querySelector("output");
    const button = form.querySelector("button");
    const typed = form.querySelector(".confirm");
    const isConfirmed = () => !typed || typed.value.trim() === form.dataset.confirm;
    if (typed) {
      button.disabled = true;
      typed.addEventListener("input", () => { button.disabled = !isConfirmed(); });
    }
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (!isConfirmed() || form.dataset.busy) return;
      form.dataset.busy = "yes";
      button.disabled = true;
      said.className = "";
      said.textContent = "At work …";
      try {
        const found = await send("POST", form.dataset.url, values(form));
        said.className = "good";
        said.textContent = found.message ?? "Done.";
        if (form.dataset.after === "href" && found.href) location.href = found.href;
        else setTimeout(() => location.reload(), 400);
      } catch (error) {
        said.className = "bad";
        said.textContent = error.message;
        button.disabled = false;
      }
      delete form.dataset.busy;
    });
  }
}

function element(kind, text, name) {
  const made = document.createElement(kind);
  made.textContent = text;
  if (name) made.className = name;
  return made;
}

function showTiles(tiles) {
  const list = document.querySelector("header .tiles");
  if (!list) return;
  list.replaceChildren(...tiles.map(([label, value, note]) => {
    const box = element("div", "");
    box.append(element("dt", label), element("dd", value));
    if (note) box.append(element("dd", note, "note"));
    return box;
  }));
}

function showVerdict(message) {
  const line = document.querySelector("header .verdict");
  if (!line || !message.verdict) return;
  const sign = element("span", "", "sign");
  sign.setAttribute("aria-hidden", "true");
  line.className = `verdict ${message.tone}`;
  line.replaceChildren(sign, message.verdict);
}

function openTables(box) {
  return [...box.querySelectorAll("details[open]")].map((each) => each.closest("figure")?.id);
}

function show(message) {
  const box = document.getElementById("live");
  if (!box) return;
  if (box.dataset.state && message.state !== box.dataset.state) {
    location.reload(); // other actions are possible now
    return;
  }
  const open = new Set(openTables(box));
  const parsed = new DOMParser().parseFromString(message.html, "text/html");
  box.replaceChildren(...parsed.body.childNodes);
  for (const each of box.querySelectorAll("figure details")) {
    each.open = open.has(each.closest("figure").id);
  }
  showTiles(message.tiles);
  showVerdict(message);
  document.dispatchEvent(new CustomEvent("live", { detail: message }));
}

async function loadLater() {
  for (const box of document.querySelectorAll("[data-load]")) {
    const answer = await fetch(box.dataset.load).catch(() => null);
    if (!answer?.ok) continue; // the full report has it, and says what is wrong
    const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
    box.replaceChildren(...parsed.body.childNodes);
    box.dataset.loaded = "yes";
  }
}

function watch() {
  const topic = document.body.dataset.live;
  const state = document.getElementById("link-state");
  if (!topic) return;
  const query = `?topic=${encodeURIComponent(topic)}`;
  let polling = 0;
  let last = "";
  const take = (text) => {
    if (text !== last) show(JSON.parse(text));
    last = text;
  };
  const poll = async () => {
    try {
      const answer = await fetch(`/live/state${query}`);
      if (answer.ok) take(await answer.text());
      state.textContent = answer.ok ? "Live, every 5 s." : "Not live: sign in again.";
    } catch {
      state.textContent = "Not live: the service does not answer.";
    }
  };
  const fallBack = () => {
    if (!polling) polling = setInterval(poll, 5000);
    poll();
  };
  if (!("EventSource" in window)) return fallBack();
  const source = new EventSource(`/live${query}`);
  source.onopen = () => { state.textContent = "Live."; clearInterval(polling); polling = 0; };
  source.onmessage = (event) => take(event.data);
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) fallBack();
    else state.textContent = "Not live: connecting again.";
  };
  addEventListener("pagehide", () => source.close());
}

signInByLink();
offerSignOut();
offerActions();
drawCharts();
watch();
loadLater();
