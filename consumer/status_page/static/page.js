// Shows what /events says, once a second. Everything is text or SVG of our own; nothing is asked of anybody else.
//
//   message -> state, alarms | funnel | plots | limits | partitions | match keys | notes | refusals
//
// Rows keep their elements from one message to the next, so that a focus or a selection stays where it is.

const SPAN_S = 900;
const SPAN_LEAST_S = 60;
const AGAIN_MS = 5000;
const SILENT_MS_MAX = 5000;
const GONE_MS = 20000;
const SVG = "http://www.w3.org/2000/svg";
const KINDS = { running: "good", throttled: "left", starting: "left", draining: "left", misconfigured: "bad", paused: "bad" };
const PLOTS = [
  ["consumed", 1, "Consumed", "/s"],
  ["accepted", 2, "Accepted by Meta", "/s"],
  ["filtered", 3, "Filtered", "/s"],
  ["dead", 4, "Dead letters", "/s"],
  ["requests", 5, "Requests", "/s"],
  ["lag", 6, "Behind", " records"],
];

const byId = (id) => document.getElementById(id);
let points = [];
let last = null;

// Text

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A word of ours or a name of Meta's, which may be broken after an underscore and before a capital. */
function writeWord(element, word) {
  if (element.textContent === word) return;
  element.replaceChildren(...word.split(/(?<=_)|(?<=[a-z])(?=[A-Z])/).flatMap((part, at) => (at ? [make("wbr"), part] : [part])));
}

function number(n) {
  return Math.round(n).toLocaleString("en-GB");
}

function rate(n) {
  return n >= 100 || n === 0 ? number(n) : n.toLocaleString("en-GB", { maximumSignificantDigits: 2 });
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function bytes(n) {
  const units = ["B", "kB", "MB", "GB"];
  let at = 0;
  while (n >= 1000 && at < units.length - 1) [n, at] = [n / 1000, at + 1];
  return `${n >= 100 || at === 0 ? Math.round(n) : n.toFixed(1)} ${units[at]}`;
}

function share(part, whole) {
  if (!whole || !part) return whole ? "0 %" : "";
  const percent = (100 * part) / whole;
  if (percent < 1) return "< 1 %";
  return `${percent > 99 && part < whole ? 99 : Math.round(percent)} %`;
}

function seconds(s) {
  if (s < 90) return `${Math.max(0, Math.round(s))} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  return s < 172800 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86400)} days`;
}

// Elements

function hide(element, isHidden) {
  if (element.hidden !== isHidden) element.hidden = isHidden;
}

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function draw(name, attributes = {}) {
  const element = document.createElementNS(SVG, name);
  return set(element, attributes);
}

function set(element, attributes) {
  for (const [key, value] of Object.entries(attributes)) {
    if (element.getAttribute(key) !== String(value)) element.setAttribute(key, value);
  }
  return element;
}

/** Make a table's body show these rows: [key, cells, class]. The first cell is the row's header. */
function rows(body, wanted) {
  const known = new Map([...body.children].map((row) => [row.dataset.key, row]));
  wanted.forEach(([key, cells, kind], index) => {
    const row = known.get(key) ?? make("tr", { "data-key": key });
    known.delete(key);
    if (row.className !== (kind ?? "")) row.className = kind ?? "";
    cells.forEach((cell, place) => fill(row, place, cell));
    while (row.children.length > cells.length) row.lastChild.remove();
    if (body.children[index] !== row) body.insertBefore(row, body.children[index] ?? null);
  });
  for (const row of known.values()) row.remove();
}

/** One cell: a text, or {text, word, link, kind, full}. */
function fill(row, place, given) {
  const cell = typeof given === "object" ? given : { text: given };
  let element = row.children[place];
  if (!element) {
    element = place ? make("td") : make("th", { scope: "row" });
    row.append(element);
  }
  if (element.className !== (cell.kind ?? "")) element.className = cell.kind ?? "";
  if (cell.full !== undefined) return meter(element, cell.full);
  if (!cell.link) return cell.word ? writeWord(element, cell.text) : write(element, cell.text);
  const link = element.querySelector("a") ?? element.appendChild(make("a"));
  set(link, { href: cell.link });
  return writeWord(link, cell.text);
}

function meter(element, full) {
  const svg = element.querySelector("svg") ?? element.appendChild(draw("svg", { "aria-hidden": "true" }));
  if (!svg.firstChild) {
    svg.append(draw("rect", { width: "100%", height: "100%", rx: 3 }), draw("rect", { height: "100%", rx: 3 }));
  }
  set(svg, { class: full >= 0.9 ? "meter full" : "meter" });
  set(svg.lastChild, { width: `${(100 * Math.min(1, full)).toFixed(1)}%` });
}

/** Show a table, or the sentence that says why there is nothing in it. */
function orEmpty(name, isEmpty) {
  hide(byId(name), isEmpty);
  hide(byId(name).closest(".scroll"), isEmpty);
  const sentence = byId(`${name}-empty`);
  if (sentence) hide(sentence, !isEmpty);
}

// Sections

function showProcess(process, refusals, now) {
  const state = byId("state");
  write(state, process.state);
  set(state, { "data-kind": KINDS[process.state] ?? "left", href: `#state-${process.state}` });
  write(byId("state-says"), process.state_says);
  const topics = process.topics.join(", ");
  const group = `\u2068${process.group}\u2069`; // any text: one that runs from right to left turns nothing else round
  write(byId("about"), `This process: ${topics} as ${group}, to pixel ${process.pixel} at ${process.sends_to}`);
  write(byId("started"), `, ${seconds(now - process.started_s)} ago`);
  document.title = `${process.state} · capi-consumer`;
  alarm(alarms(process, refusals).join(" "));
}

/** What somebody must look at. It is read out when it changes: nothing in it counts seconds. */
function alarms(process, refusals) {
  const said = [];
  if (process.state === "misconfigured") {
    const refused = refusals.find(({ kind }) => kind === "misconfigured");
    if (refused) said.push(`${capital(refused.says)}${refused.code === null ? "" : ` (${refused.code})`}.`);
  }
  if (KINDS[process.state] === "bad") said.push(process.state_to_do);
  if (process.letters_held) said.push(`The flood brake holds ${number(process.letters_held)} dead letters back.`);
  if (process.throttled_s && process.state !== "throttled") said.push("Meta asks to wait.");
  for (const reason of process.filter_alarm) said.push(`More than half of the last 1,000 records are filtered: ${reason}.`);
  return said;
}

function alarm(text) {
  hide(byId("alarm"), !text);
  write(byId("alarm"), text);
}

function showFunnel(funnel) {
  const sum = (counted) => counted.reduce((total, [, n]) => total + n, 0);
  const whole = funnel.consumed;
  const row = (key, name, n, kind, link) => [
    key,
    [{ text: name, link }, { text: number(n), kind: "number" }, { text: share(n, whole), kind: "number" }],
    kind,
  ];
  const branch = (name, counted, kind) => [
    row(kind, name, sum(counted), `head ${kind}`),
    ...counted.map(([reason, n]) => row(`${kind}:${reason}`, reason, n, `sub ${kind}`, `#reason-${reason}`)),
  ];
  rows(byId("ends").tBodies[0], [
    row("consumed", "Consumed", whole, "head consumed"),
    row("accepted", "Accepted by Meta", funnel.accepted, "head accepted"),
    row("way", "Under way", funnel.in_flight, "head way"),
    ...(funnel.given_up ? [row("given", "Given up, to come again", funnel.given_up, "head way")] : []),
    ...branch("Filtered", funnel.filtered, "filtered"),
    ...branch("Dead letters", funnel.dead_letters, "dead"),
  ]);
  const unconfirmed = byId("unconfirmed");
  hide(unconfirmed, whole > 0 && !funnel.unconfirmed);
  write(
    unconfirmed,
    whole ? `${number(funnel.unconfirmed)} accepted events are missing in Meta's own count.` : "No event has come yet: nothing has been published to the topics, or it was consumed by another process.",
  );
  drawFlow(funnel);
}

/** Bands from one bar at the left to the rows of the table; a number above 0 is never thinner than a line. */
function drawFlow(funnel) {
  const svg = byId("flow");
  const box = svg.getBoundingClientRect();
  const middle = (key) => {
    const at = document.querySelector(`#ends [data-key="${CSS.escape(key)}"]`).getBoundingClientRect();
    return [at.top + at.height / 2 - box.top, at.height];
  };
  const leaves = [
    ["accepted", funnel.accepted, "accepted"],
    ["way", funnel.in_flight, "way"],
    ["given", funnel.given_up, "way"],
    ...funnel.filtered.map(([reason, n]) => [`filtered:${reason}`, n, "filtered"]),
    ...funnel.dead_letters.map(([reason, n]) => [`dead:${reason}`, n, "dead"]),
  ].filter(([, n]) => n > 0);
  const total = leaves.reduce((sum, [, n]) => sum + n, 0);
  svg.replaceChildren();
  if (!total) return;
  const fits = Math.min(...leaves.map(([key, n]) => (0.86 * middle(key)[1] * total) / n));
  const thick = (n) => Math.max(1.5, (fits * n) / total);
  const [first] = middle(leaves[0][0]);
  const height = leaves.reduce((sum, [, n]) => sum + thick(n), 0);
  const left = 10;
  let from = Math.max(0, first - thick(leaves[0][1]) / 2);
  svg.append(draw("rect", { class: "source", x: 0, y: from, width: 6, height, rx: 2 }));
  for (const [key, n, kind] of leaves) {
    const width = thick(n);
    const to = middle(key)[0] - width / 2;
    const bend = (left + box.width) / 2;
    const path =
      `M6 ${from} L${left} ${from} C${bend} ${from} ${bend} ${to} ${box.width} ${to} l0 ${width} ` +
      `C${bend} ${to + width} ${bend} ${from + width} ${left} ${from + width} L6 ${from + width} Z`;
    svg.append(draw("path", { class: `band ${kind}`, d: path }));
    from += width;
  }
}

function showPlots(told, now) {
  points = told.is_first ? told.points : points.concat(told.points);
  points = points.filter(([at]) => at > now - SPAN_S);
  const span = Math.min(SPAN_S, Math.max(SPAN_LEAST_S, points.length ? now - points[0][0] : 0));
  for (const [name, place, title, unit] of PLOTS) showPlot(name, place, title, unit, now, span);
}

/** One plot, from `span` seconds ago until now: a process that has just begun has no 15 minutes yet. */
function showPlot(name, place, title, unit, now, span) {
  let figure = byId(`plot-${name}`);
  if (!figure) {
    const value = make("b");
    figure = make("figure", { id: `plot-${name}` }, make("figcaption", {}, make("span", {}, title), value));
    const svg = draw("svg", { viewBox: "0 0 300 60", preserveAspectRatio: "none", role: "img" });
    svg.append(draw("path", { class: "area" }), draw("path", { class: "axis", d: "M0 59.5H300" }), draw("path", { class: "line" }));
    figure.append(svg, make("p", {}, make("span"), make("span"), make("span")));
    byId("plots").append(figure);
  }
  const known = points.filter((point) => point[place] !== null).map((point) => [point[0], point[place]]);
  const most = known.reduce((top, [, n]) => Math.max(top, n), 0);
  const latest = known.length ? known.at(-1)[1] : null;
  const x = (at) => (300 * (1 - (now - at) / span)).toFixed(2);
  const y = (n) => (59 - (most ? (54 * n) / most : 0)).toFixed(2);
  const line = known.map(([at, n], index) => `${index ? "L" : "M"}${x(at)} ${y(n)}`).join("");
  set(figure.querySelector(".line"), { d: line });
  set(figure.querySelector(".area"), { d: known.length ? `${line}L${x(known.at(-1)[0])} 59L${x(known[0][0])} 59Z` : "" });
  const text = latest === null ? "–" : `${rate(latest)}${unit}`;
  write(figure.querySelector("b"), text);
  set(figure.querySelector("svg"), { "aria-label": `${title}: ${latest === null ? "not known yet" : `now ${text}, peak ${rate(most)}${unit}`} in the last ${seconds(span)}` });
  const [from, top, to] = figure.querySelector("p").children;
  write(from, `−${seconds(span)}`);
  write(top, known.length ? `peak ${rate(most)}` : "nothing yet");
  write(to, "now");
}

function showLimits(limits) {
  const row = (name, [now, most], as) => [
    name,
    [name, { text: as(now), kind: "number" }, { text: as(most), kind: "number" }, { full: most ? now / most : 0 }],
  ];
  rows(byId("limits").tBodies[0], [
    row("Events in flight", limits.events, number),
    row("Bytes in flight", limits.bytes, bytes),
    row("Requests at Meta", limits.requests, number),
    row("Requests allowed at once", limits.concurrency, number),
  ]);
  hide(byId("held"), !limits.held);
  write(byId("held"), `${number(limits.held)} of the events wait for the browser's copy.`);
}

function showPartitions(partitions) {
  const { owned, stopped, behind, lag, not_shown: more } = partitions;
  const known = lag.length ? ` ${number(behind)} records behind, as of ${seconds(partitions.lag_known_ago_s)} ago.` : "";
  const still = stopped ? ` ${number(stopped)} stand still: their committed offset is gone.` : "";
  const ours = owned === 1 ? "1 partition is" : `${number(owned)} partitions are`;
  write(byId("owned"), owned ? `${ours} this process's.${known}${still}` : "No partition is this process's: the group has handed it none yet, or others have them all.");
  orEmpty("partitions", !lag.length);
  hide(byId("more"), !more);
  write(byId("more"), `These ${number(lag.length)} are the furthest behind; ${number(more)} more are not shown.`);
  rows(
    byId("partitions").tBodies[0],
    lag.map(([topic, place, records]) => [
      `${topic}/${place}`,
      [topic, { text: String(place), kind: "number" }, { text: number(records), kind: "number" }],
    ]),
  );
}

function showMatchKeys({ keys, rows: names }) {
  orEmpty("match", !names.length);
  const head = byId("match").tHead;
  const wanted = ["event name", "accepted", ...keys].join("|");
  if (head.dataset.keys !== wanted) {
    head.dataset.keys = wanted;
    const cells = keys.map(() => make("th", { scope: "col", class: "key code" }));
    cells.forEach((cell, at) => writeWord(cell, keys[at]));
    head.replaceChildren(
      make("tr", {}, make("th", { scope: "col" }, "event name"), make("th", { scope: "col", class: "number" }, "accepted"), ...cells),
    );
  }
  const accepted = names.reduce((sum, [, n]) => sum + n, 0);
  const carried = Object.fromEntries(keys.map((key) => [key, names.reduce((sum, [, , by]) => sum + (by[key] ?? 0), 0)]));
  const cell = (n, whole) => ({
    text: share(n, whole).replace(" %", ""),
    kind: `number s${n ? Math.min(4, 1 + Math.floor((3.999 * n) / whole)) : 0}`,
  });
  const row = (key, name, whole, by, kind) => [
    key,
    [{ text: name, word: true }, { text: number(whole), kind: "number" }, ...keys.map((each) => cell(by[each] ?? 0, whole))],
    kind,
  ];
  const all = names.length ? [row("all", "all", accepted, carried, "all")] : [];
  rows(byId("match").tBodies[0], [...all, ...names.map(([name, n, by]) => row(`name:${name}`, name, n, by))]);
}

function showNotes(notes) {
  orEmpty("notes", !notes.length);
  rows(
    byId("notes").tBodies[0],
    notes.map(([field, note, n]) => [
      `${field}/${note}`,
      [{ text: field, kind: "code" }, { text: note, link: `#note-${note}` }, { text: number(n), kind: "number" }],
    ]),
  );
}

function showRefusals(refusals, now) {
  orEmpty("refusals", !refusals.length);
  rows(
    byId("refusals").tBodies[0],
    refusals.map(({ kind, code, subcode, says, answers, at_s, fbtrace_id }) => [
      `${kind}/${code}/${subcode}/${says}`,
      [
        {
          text: code === null ? kind : subcode === null ? `${code}` : `${code} / ${subcode}`,
          link: [`#code-${code}-${subcode}`, `#code-${code}`].find((place) => byId(place.slice(1))),
        },
        `${says} (${kind})`,
        { text: number(answers), kind: "number" },
        `${seconds(now - at_s)} ago`,
        { text: fbtrace_id ?? "none", kind: "code" },
      ],
    ]),
  );
}

// What comes in

function show(told) {
  // Of another version than the one that brought this script: its messages may be others too.
  if (last && last.process.version !== told.process.version) return location.reload();
  last = told;
  showProcess(told.process, told.refusals, told.now_s);
  showFunnel(told.funnel);
  showPlots(told.plots, told.now_s);
  showLimits(told.limits);
  showPartitions(told.partitions);
  showMatchKeys(told.match_keys);
  showNotes(told.notes);
  showRefusals(told.refusals, told.now_s);
}

/** A connection that breaks says so; one behind a forwarded port that is gone, or to a process that hangs, does not. */
function listen() {
  const events = new EventSource("events");
  let heardAt = performance.now();
  const watch = setInterval(() => {
    const silent = performance.now() - heardAt;
    if (silent > SILENT_MS_MAX) sayUnheard("no answer", "the process does not answer");
    if (silent > GONE_MS) again(0);
  }, 1000);
  const again = (in_ms) => {
    clearInterval(watch);
    events.close();
    setTimeout(listen, in_ms);
  };
  events.onmessage = (message) => {
    heardAt = performance.now();
    show(JSON.parse(message.data));
  };
  events.addEventListener("full", ({ data: most }) => {
    sayUnheard("too many pages", `${most} pages of this process are open already: close one, and this one begins`);
    again(AGAIN_MS);
  });
  events.onerror = () => {
    sayUnheard("no answer", "the process does not answer");
    if (events.readyState === EventSource.CLOSED) again(AGAIN_MS); // turned away, not cut off
  };
}

/** Why no numbers come. */
function sayUnheard(word, why) {
  write(byId("state"), word);
  set(byId("state"), { "data-kind": "bad", href: "#meanings" });
  write(byId("state-says"), last ? `${why}; the numbers are the last ones that came` : why);
}

new ResizeObserver(() => last && drawFlow(last.funnel)).observe(byId("ends"));
listen();
