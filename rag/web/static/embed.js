/* The conversation inside the widget. All that documents and answers say is set as text, never as
   markup; nothing is stored; whoever frames the page is heard only from the origins it names. */
(() => {
  "use strict";

  const html = document.documentElement;
  const asked = new URLSearchParams(location.search);
  const origins = (html.dataset.origins || "").split(" ").filter(Boolean);
  const base = new URL(".", location.href);
  const framed = window.parent !== window;
  const AROUND_CHARS = 600;
  const TURNS_KEPT = 10;

  /* -- words ------------------------------------------------------------------------------- */

  const WORDS = window.footnoteWords; // embed-words.js
  const lang = (asked.get("lang") || navigator.language || "en").toLowerCase().split("-")[0];
  const words = WORDS[lang] || WORDS.en;
  const say = (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
  /* The server's words are English: ours where we have some of the kind, those otherwise. */
  const sayOr = (kind, theirs, values) => (Object.hasOwn(words, kind) ? say(kind, values) : theirs);

  html.lang = WORDS[lang] ? lang : "en";
  if (["rtl", "ltr"].includes(asked.get("dir"))) html.dir = asked.get("dir");
  if (["light", "dark"].includes(asked.get("theme"))) html.dataset.theme = asked.get("theme");
  if (/^#[0-9a-f]{6}$/i.test(asked.get("accent") || "")) html.style.setProperty("--accent", asked.get("accent"));

  /* -- markup ------------------------------------------------------------------------------ */

  const el = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
      else if (value !== undefined) made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  };
  const button = (text, onclick, attributes = {}) => el("button", { type: "button", onclick, ...attributes }, text);

  const title = (asked.get("title") || say("title")).slice(0, 80);
  document.title = title;
  const log = el("main", { id: "log", "aria-label": title });
  const live = el("p", { class: "unseen", role: "status", "aria-live": "polite" });
  const box = el("textarea", { id: "box", rows: "1", maxlength: "2000", dir: "auto", placeholder: say("box"), "aria-label": say("box"), autocomplete: "off" });
  const send = el("button", { type: "submit", id: "ask" }, say("ask"));
  const stop = button(say("stop"), () => running && running.abort(), { id: "stop", hidden: "" });
  const form = el("form", { id: "form", "aria-label": say("ask") }, box, send, stop);
  const closer = button("×", () => tell({ footnote: "close" }), { id: "close", "aria-label": say("close"), hidden: "" });
  const header = el("header", {}, el("h1", { dir: "auto" }, title), button(say("fresh"), () => restart(), { id: "fresh" }), closer);
  const panel = el("div", { id: "panel", role: "dialog", "aria-modal": "true", "aria-label": say("passage"), hidden: "", tabindex: "-1" });
  const whole = el("div", { id: "whole" }, header, log, form);
  document.body.append(whole, panel, live);

  /* -- the page around this one ------------------------------------------------------------ */

  let parentOrigin = "";
  let hasToken = false;
  let token = "";
  let tokenNumber = 0;
  const waiting = new Map();

  const tell = (data) => parentOrigin && window.parent.postMessage(data, parentOrigin);

  window.addEventListener("message", (event) => {
    if (!framed || event.source !== window.parent || !origins.includes(event.origin)) return;
    const data = event.data || {};
    if (data.footnote === "hello") {
      parentOrigin = event.origin;
      hasToken = data.hasToken === true;
      closer.hidden = false;
      tell({ footnote: "ready" });
    } else if (data.footnote === "focus") focusOn(data.end);
    else if (data.footnote === "token" && waiting.has(data.id)) {
      waiting.get(data.id)(typeof data.token === "string" ? data.token.slice(0, 4096) : "");
      waiting.delete(data.id);
    }
  });

  const newToken = () =>
    new Promise((resolve) => {
      tokenNumber += 1;
      waiting.set(tokenNumber, resolve);
      tell({ footnote: "token", id: tokenNumber });
      setTimeout(resolve, 10000, "");
    });

  const focusable = () => [...(panel.hidden ? whole : panel).querySelectorAll("button, a[href], textarea, input")].filter((found) => !found.disabled && found.offsetParent !== null);

  const focusOn = (end) => {
    if (end === "box" && panel.hidden) return box.focus();
    const found = focusable();
    if (found.length) found[end === "last" ? found.length - 1 : 0].focus();
  };

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      if (!panel.hidden) closePanel();
      else tell({ footnote: "close" });
    } else if (event.key === "Tab" && !panel.hidden) {
      const found = focusable();
      const at = found.indexOf(document.activeElement);
      const next = event.shiftKey ? (at > 0 ? at - 1 : found.length - 1) : (at + 1) % found.length;
      event.preventDefault();
      if (found.length) found[next].focus();
    }
  });

  /* -- the server -------------------------------------------------------------------------- */

  class Trouble extends Error {}

  const call = async (path, init = {}, again = true) => {
    if (hasToken && !token) token = await newToken();
    const headers = { ...init.headers };
    if (token) headers.Authorization = `Bearer ${token}`;
    if (init.body) headers["Content-Type"] = "application/json";
    let response;
    try {
      response = await fetch(new URL(path, base), { ...init, headers });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Trouble(say("offline"));
    }
    if (response.status === 401 && hasToken && again) {
      token = "";
      return call(path, init, false);
    }
    if (!response.ok) throw await troubleOf(response);
    return response;
  };

  const troubleOf = async (response) => {
    if (response.status === 401 || response.status === 403) return new Trouble(say("who"));
    if (response.status === 429 || response.status === 503)
      return new Trouble(say("busy", { n: response.headers.get("Retry-After") || 5 }));
    let error = {};
    try {
      error = (await response.json()).error || {};
    } catch {
      error = {}; // a proxy's page
    }
    return new Trouble(wordsOf(error));
  };

  const wordsOf = (error) => {
    const number = error.request_id ? say("number", { id: error.request_id }) : "";
    const isOurs = error.code === "internal" || Object.hasOwn(words, error.code);
    const found = isOurs ? [sayOr(error.code, say("failed"))] : [error.message || say("failed"), error.hint];
    return [...found, number].filter(Boolean).join(" ");
  };

  async function* events(response) {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const fields = Object.fromEntries(block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]));
        if (fields.event) yield { name: fields.event, data: JSON.parse(fields.data) };
      }
    }
  }

  /* -- a conversation ---------------------------------------------------------------------- */

  let history = [];
  let running = null;

  const begin = () => {
    if (running) running.abort();
    history = [];
    log.replaceChildren(el("p", { class: "welcome" }, say("welcome")));
  };

  const restart = () => {
    begin();
    box.focus();
  };

  const busy = (is) => {
    send.hidden = is;
    stop.hidden = !is;
    if (document.activeElement === document.body) box.focus();
  };

  const ask = async (question) => {
    const controller = new AbortController();
    running = controller;
    busy(true);
    const answer = el("div", { class: "answer" }, el("p", { class: "waiting" }, say("searching")));
    const turn = el("article", {}, el("h2", { dir: "auto" }, el("span", { class: "unseen" }, `${say("you")}: `), question), answer);
    if (!history.length) log.replaceChildren();
    log.append(turn);
    turn.scrollIntoView({ block: "start" });
    let partial = "";
    try {
      const body = JSON.stringify({ question, history: history.slice(-TURNS_KEPT) });
      const response = await call("api/v1/chat", { method: "POST", body, signal: controller.signal, headers: { Accept: "text/event-stream" } });
      let final = null;
      for await (const { name, data } of events(response)) {
        if (name === "found") answer.replaceChildren(el("p", { class: "waiting" }, say("reading", { n: data.hits.length })));
        else if (name === "delta") {
          partial += data.text;
          answer.replaceChildren(el("p", { class: "partial", dir: "auto" }, partial));
        } else if (name === "error") throw new Trouble(wordsOf(data.error));
        else if (name === "answer") final = data;
      }
      if (!final) throw new Trouble(say("failed"));
      show(answer, final);
      history.push({ question, answer: said(final) });
      live.textContent = [said(final), told(final)].filter(Boolean).join(" ");
    } catch (error) {
      const stopped = error.name === "AbortError";
      if (!stopped && !(error instanceof Trouble)) console.error(error);
      const problem = stopped ? say("stopped") : error instanceof Trouble ? error.message : say("failed");
      const begun = partial ? [el("p", { dir: "auto" }, partial)] : [];
      answer.replaceChildren(...begun, el("p", { class: stopped ? "stopped" : "problem", role: "alert" }, problem));
    } finally {
      if (running === controller) {
        running = null;
        busy(false);
      }
    }
  };

  const said = (found) => (found.clarification ? asking(found.clarification) : found.abstained ? say("abstained") : found.text);
  const asking = ({ question }) => sayOr("which", question);
  const told = (found) => found.note && sayOr(found.note_kind, found.note, found.note_values);

  const show = (answer, found) => {
    const about = (kind, text) => el("p", { class: kind, dir: "auto" }, text);
    const isOther = found.query && found.query.trim() !== found.question.trim();
    answer.replaceChildren(
      ...(isOther ? [about("searched", say("searched", found))] : []),
      ...(found.note ? [about("remark", told(found))] : []),
      ...(found.clarification ? askedBack(found.clarification) : found.abstained ? abstained(found) : written(found)),
      actions(found),
    );
  };

  const askedBack = ({ question, choices }) => [
    el("p", { class: "abstained", dir: "auto" }, asking({ question })),
    el("ul", { class: "choices" }, ...choices.map((choice) => el("li", {}, button(choice.label, () => running || ask(choice.question), { dir: "auto" })))),
  ];

  const abstained = (found) => [
    el("p", { class: "abstained" }, say("abstained")),
    ...(found.hits.length
      ? [el("h3", {}, say("nearest")), el("ol", { class: "notes plain" }, ...found.hits.slice(0, 3).map((hit) => el("li", {}, note("", hit, hit.text))))]
      : []),
  ];

  const written = (found) => {
    const byMarker = new Map(found.citations.map((citation) => [citation.marker, citation]));
    const notes = found.citations.map((citation) => el("li", {}, note(citation.marker, citation, citation.quote)));
    return [
      el("div", { class: "text" }, ...blocks(found.sentences).map((block) => (block.columns > 1 ? table(block, byMarker) : paragraph(block, byMarker)))),
      ...(notes.length ? [el("h3", {}, say("notes")), el("ol", { class: "notes" }, ...notes)] : []),
    ];
  };

  /* Paragraphs, and tables: the rows of one follow each other, each a line with as many cells. */
  const cellsOf = (sentence) => (sentence ? sentence.text.split(" | ") : []);
  const blocks = (sentences) => {
    const found = [];
    sentences.forEach((sentence, i) => {
      const last = found.at(-1);
      const columns = cellsOf(sentence).length;
      const next = sentences[i + 1];
      if (last && columns > 1 && last.columns === columns && sentence.break_before) last.sentences.push(sentence);
      else if (columns > 1 && next && next.break_before && cellsOf(next).length === columns) found.push({ columns, sentences: [sentence] });
      else if (last && last.columns === 1 && !sentence.break_before) last.sentences.push(sentence);
      else found.push({ columns: 1, sentences: [sentence] });
    });
    return found;
  };

  const paragraph = ({ sentences }, byMarker) => {
    const text = el("p", { dir: "auto" });
    for (const sentence of sentences) text.append(text.childNodes.length ? " " : "", spoken(sentence, sentence.text, byMarker), ...doubts(sentence));
    return text;
  };

  const table = ({ sentences }, byMarker) =>
    el("div", { class: "table" }, el("table", { dir: "auto" }, ...sentences.map((sentence, row) => {
      const cells = cellsOf(sentence).map((cell, i, all) => el(row ? "td" : "th", row ? {} : { scope: "col" }, spoken(sentence, cell, i === all.length - 1 && byMarker)));
      cells.at(-1).append(...doubts(sentence));
      return el("tr", {}, ...cells);
    })));

  const isDoubtful = (sentence) => ["partial", "unsupported"].includes(sentence.support);
  const spoken = (sentence, text, byMarker) => {
    // Buttons may begin a line of their own; the end of the last word is tied to them.
    const end = byMarker ? text.slice(text.search(/\S{0,8}$/)) : "";
    const markers = byMarker ? sentence.citations.map((marker) => mark(byMarker.get(marker))) : [];
    const attributes = isDoubtful(sentence) ? { class: "doubtful", title: say("doubtful") } : {};
    return el("span", attributes, text.slice(0, text.length - end.length), el("span", { class: "tied" }, end, ...markers));
  };

  /* What the check has found of a sentence. */
  const doubts = (sentence) =>
    [isDoubtful(sentence) && sentence.support, sentence.moved && "moved"].filter(Boolean).flatMap((doubt) => [" ", el("span", { class: "doubt" }, say(doubt))]);

  const mark = (citation) =>
    el("sup", {}, button(String(citation.marker), (event) => openPassage(citation, event.currentTarget), {
      class: "marker",
      "aria-label": say("note", { n: citation.marker, title: citation.title }),
    }));

  const note = (marker, place, quote) =>
    button("", (event) => openPassage(place, event.currentTarget), { class: "note" }).appendChild(
      el("span", {}, el("b", { dir: "auto" }, [marker && `${marker} `, place.title, place.page ? ` · ${say("page", { n: place.page })}` : ""].join("")),
        el("span", { class: "quote", dir: "auto" }, shorten(quote))),
    ).parentNode;

  const shorten = (text) => {
    const line = text.replace(/\s+/g, " ").trim();
    return line.length > 220 ? `${line.slice(0, 219)}…` : line;
  };

  const actions = (found) => {
    const copy = button(say("copy"), async () => {
      await copyText(plain(found));
      copy.textContent = say("copied");
      live.textContent = say("copied");
    });
    const below = el("div", { class: "below" });
    const thumbs = ["up", "down"].map((rating) => button(say(rating), () => rate(rating), { "aria-pressed": "false", "data-rating": rating }));
    const rate = async (rating, comment = "") => {
      const body = JSON.stringify({ answer_id: found.answer_id, rating, comment });
      try {
        await call("api/v1/feedback", { method: "POST", body });
      } catch (error) {
        below.replaceChildren(el("p", { class: "problem", role: "alert" }, error instanceof Trouble ? error.message : say("failed")));
        return;
      }
      for (const thumb of thumbs) thumb.setAttribute("aria-pressed", String(thumb.dataset.rating === rating));
      const asks = say(rating === "down" ? "comment" : "good");
      const field = el("input", { type: "text", maxlength: "2000", dir: "auto", placeholder: asks, "aria-label": asks, autocomplete: "off" });
      const comments = el("form", { class: "comment", onsubmit: (event) => {
        event.preventDefault();
        if (field.value.trim()) rate(rating, field.value.trim());
      } }, field, el("button", { type: "submit" }, say("send")));
      below.replaceChildren(comment ? el("p", { class: "thanks", role: "status" }, say("thanks")) : comments);
      below.scrollIntoView({ block: "nearest" });
    };
    const row = found.abstained ? thumbs : [copy, ...thumbs];
    return el("div", { class: "foot" }, el("div", { class: "actions" }, ...row), below);
  };

  const plain = (found) => [found.text, ...found.citations.map((c) => `[${c.marker}] ${c.title}: “${c.quote.replace(/\s+/g, " ")}”`)].join("\n\n");

  const copyText = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Frames need their page's leave for the clipboard; the old way does not.
      const area = el("textarea", { class: "unseen" });
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  };

  /* -- the passage ------------------------------------------------------------------------- */

  let opener = null;

  const openPassage = async (place, from) => {
    opener = from;
    const body = el("div", { class: "passage" }, el("p", { class: "waiting" }, "…"));
    panel.replaceChildren(el("div", { class: "bar" }, el("h2", { dir: "auto" }, place.title), button("×", () => closePanel(), { "aria-label": say("close") })), body);
    panel.hidden = false;
    whole.inert = true;
    panel.focus();
    const path = `documents/${encodeURIComponent(place.doc_id)}`;
    const first = Math.max(0, place.start - AROUND_CHARS);
    try {
      const response = await call(`api/v1/${path}?start=${first}&end=${place.end + AROUND_CHARS}`);
      const found = await response.json();
      if (!panel.contains(body)) return;
      if (found.end < place.end) throw new Trouble(say("gone"));
      // The server counts characters, JavaScript counts halves of them.
      const text = [...found.text];
      const [start, end] = [place.start - found.start, place.end - found.start];
      const quote = el("mark", {}, text.slice(start, end).join(""));
      const paragraph = text.slice(end).join("").indexOf("\n\n");
      const cut = paragraph < 0 ? text.length : end + [...text.slice(end).join("").slice(0, paragraph)].length;
      const kept = /\t|  /.test(found.text) ? " aligned" : ""; // spaces that may align something
      const pages = el("span", { class: "pages" }); // below the paragraph with the quote
      const where = [place.page ? say("page", { n: place.page }) : "", found.metadata.date || ""].filter(Boolean).join(" · ");
      const link = hasToken ? [] : [el("p", {}, el("a", { href: new URL(`${path}?start=${place.start}&end=${place.end}#quote`, base).href, target: "_blank", rel: "noopener" }, say("whole")))];
      body.replaceChildren(
        ...(where ? [el("p", { class: "where" }, where)] : []),
        el("p", { class: `around${kept}`, dir: "auto" }, found.start > 0 ? "… " : "", ...withHeadings(found, text, 0, start), quote, ...withHeadings(found, text, end, cut), pages, ...withHeadings(found, text, cut, text.length), found.end < found.chars ? " …" : ""),
        ...link,
      );
      quote.scrollIntoView({ block: "center" });
      if (place.page && /\.pdf$/i.test(place.source || "")) drawPages(place, pages).catch(() => {}); // the words are there
    } catch (error) {
      body.replaceChildren(el("p", { class: "problem", role: "alert" }, error instanceof Trouble ? error.message : say("failed")));
    }
  };

  /* A stretch of a document's characters, its headings in bold. */
  const withHeadings = (found, text, from, to) => {
    const pieces = [];
    for (const section of found.sections) {
      const at = section.start - found.start;
      if (at < from || at >= to) continue;
      const line = text.indexOf("\n", at);
      const end = line < 0 || line > to ? to : line;
      pieces.push(text.slice(from, at).join(""), el("b", {}, text.slice(at, end).join("").replace(/^#+ /, "")));
      from = end;
    }
    return [...pieces, text.slice(from, to).join("")];
  };

  /* The part of each page with the quote: drawn, since a picture's own request would lack the token. */
  const drawPages = async (place, into) => {
    const query = `pages=true&start=${place.start}&end=${place.end}`;
    const { pages = [] } = await (await call(`api/v1/passages/${encodeURIComponent(place.passage_id)}?${query}`)).json();
    for (const page of pages || []) {
      const picture = await createImageBitmap(await (await call(page.picture)).blob());
      if (!panel.contains(into)) return;
      const canvas = el("canvas", { class: "page", role: "img", "aria-label": say("page", { n: page.page }) });
      const edge = (choose, at) => choose(...page.boxes.map((box) => box[at]));
      const [left, right] = [Math.max(0, edge(Math.min, 0) - 18), Math.min(page.width, Math.max(edge(Math.max, 2) + 18, edge(Math.min, 0) + 312))];
      const [top, bottom] = [Math.max(0, edge(Math.min, 1) - 54), Math.min(page.height, edge(Math.max, 3) + 54)];
      const scale = picture.width / page.width;
      canvas.width = (right - left) * scale;
      canvas.height = (bottom - top) * scale;
      const paper = canvas.getContext("2d");
      paper.drawImage(picture, -left * scale, -top * scale);
      paper.globalCompositeOperation = "multiply";
      paper.fillStyle = "#ffe680";
      for (const [x1, y1, x2, y2] of page.boxes) paper.fillRect((x1 - left - 1) * scale, (y1 - top - 1) * scale, (x2 - x1 + 2) * scale, (y2 - y1 + 2) * scale);
      into.append(canvas);
    }
  };

  const closePanel = () => {
    panel.hidden = true;
    whole.inert = false;
    panel.replaceChildren();
    if (opener) opener.focus();
  };

  /* -- the box ----------------------------------------------------------------------------- */

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const question = box.value.trim();
    if (!question || running) return;
    box.value = "";
    ask(question);
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });

  begin();
  if (!framed) box.focus(); // a page around us says when; a frame that loads takes no focus from it
})();
