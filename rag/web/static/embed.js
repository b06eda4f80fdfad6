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

  const WORDS = {
    en: {
      title: "Ask the documents", box: "Your question", ask: "Ask", stop: "Stop", fresh: "New", close: "Close",
      welcome: "Ask a question. Every sentence of the answer has a footnote that opens the exact passage.",
      searching: "Searching the documents …", reading: "Reading {n} passages …", stopped: "Stopped.",
      abstained: "The documents do not say.", nearest: "The nearest passages", notes: "Footnotes", note: "Footnote {n}: {title}",
      copy: "Copy", copied: "Copied", up: "Helpful", down: "Not helpful", thanks: "Thank you.", comment: "What is wrong? (optional)",
      good: "What was good about it? (optional)", send: "Send", passage: "Passage", page: "page {n}", whole: "Open the whole document",
      doubtful: "The cited words may not fully say this", busy: "Too many questions at once. Try again in {n} s.",
      failed: "Something went wrong.", who: "You are not signed in, or no longer.", offline: "The server cannot be reached.",
      gone: "The passage is not there any more.", number: "Request {id}", you: "You asked",
    },
    de: {
      title: "Die Dokumente fragen", box: "Ihre Frage", ask: "Fragen", stop: "Anhalten", fresh: "Neu", close: "Schließen",
      welcome: "Stellen Sie eine Frage. Jeder Satz der Antwort hat eine Fußnote, die die genaue Stelle öffnet.",
      searching: "Die Dokumente werden durchsucht …", reading: "{n} Stellen werden gelesen …", stopped: "Angehalten.",
      abstained: "Die Dokumente sagen dazu nichts.", nearest: "Die nächstliegenden Stellen", notes: "Fußnoten", note: "Fußnote {n}: {title}",
      copy: "Kopieren", copied: "Kopiert", up: "Hilfreich", down: "Nicht hilfreich", thanks: "Danke.", comment: "Was ist falsch? (freiwillig)",
      good: "Was war gut? (freiwillig)", send: "Senden", passage: "Stelle", page: "Seite {n}", whole: "Das ganze Dokument öffnen",
      doubtful: "Die zitierten Worte sagen das vielleicht nicht ganz", busy: "Zu viele Fragen auf einmal. Bitte in {n} s noch einmal.",
      failed: "Etwas ist schiefgegangen.", who: "Sie sind nicht oder nicht mehr angemeldet.", offline: "Der Server ist nicht erreichbar.",
      gone: "Die Stelle gibt es nicht mehr.", number: "Anfrage {id}", you: "Sie fragten",
    },
    fr: {
      title: "Interroger les documents", box: "Votre question", ask: "Demander", stop: "Arrêter", fresh: "Nouveau", close: "Fermer",
      welcome: "Posez une question. Chaque phrase de la réponse porte une note qui ouvre le passage exact.",
      searching: "Recherche dans les documents…", reading: "Lecture de {n} passages…", stopped: "Arrêté.",
      abstained: "Les documents ne le disent pas.", nearest: "Les passages les plus proches", notes: "Notes", note: "Note {n} : {title}",
      copy: "Copier", copied: "Copié", up: "Utile", down: "Pas utile", thanks: "Merci.", comment: "Qu’est-ce qui ne va pas ? (facultatif)",
      good: "Qu’est-ce qui était bien ? (facultatif)", send: "Envoyer", passage: "Passage", page: "page {n}", whole: "Ouvrir le document entier",
      doubtful: "Les mots cités ne le disent peut-être pas tout à fait", busy: "Trop de questions à la fois. Réessayez dans {n} s.",
      failed: "Une erreur s’est produite.", who: "Vous n’êtes pas connecté, ou ne l’êtes plus.", offline: "Le serveur est injoignable.",
      gone: "Le passage n’existe plus.", number: "Requête {id}", you: "Vous avez demandé",
    },
    es: {
      title: "Preguntar a los documentos", box: "Su pregunta", ask: "Preguntar", stop: "Parar", fresh: "Nueva", close: "Cerrar",
      welcome: "Haga una pregunta. Cada frase de la respuesta lleva una nota que abre el pasaje exacto.",
      searching: "Buscando en los documentos…", reading: "Leyendo {n} pasajes…", stopped: "Detenido.",
      abstained: "Los documentos no lo dicen.", nearest: "Los pasajes más cercanos", notes: "Notas", note: "Nota {n}: {title}",
      copy: "Copiar", copied: "Copiado", up: "Útil", down: "No útil", thanks: "Gracias.", comment: "¿Qué está mal? (opcional)",
      good: "¿Qué estuvo bien? (opcional)", send: "Enviar", passage: "Pasaje", page: "página {n}", whole: "Abrir el documento entero",
      doubtful: "Puede que las palabras citadas no lo digan del todo", busy: "Demasiadas preguntas a la vez. Inténtelo en {n} s.",
      failed: "Algo ha fallado.", who: "No ha iniciado sesión, o ha caducado.", offline: "No se puede llegar al servidor.",
      gone: "El pasaje ya no está.", number: "Solicitud {id}", you: "Usted preguntó",
    },
    zh: {
      title: "向文档提问", box: "您的问题", ask: "提问", stop: "停止", fresh: "新对话", close: "关闭",
      welcome: "请提问。答案的每句话都有脚注，可打开确切的原文段落。",
      searching: "正在检索文档……", reading: "正在阅读 {n} 个段落……", stopped: "已停止。",
      abstained: "文档中没有说明。", nearest: "最接近的段落", notes: "脚注", note: "脚注 {n}：{title}",
      copy: "复制", copied: "已复制", up: "有帮助", down: "没有帮助", thanks: "谢谢。", comment: "哪里不对？（可选）",
      good: "好在哪里？（可选）", send: "发送", passage: "段落", page: "第 {n} 页", whole: "打开整篇文档",
      doubtful: "所引文字可能并未完全说明这一点", busy: "同时提问过多。请在 {n} 秒后重试。",
      failed: "出错了。", who: "您尚未登录，或登录已失效。", offline: "无法连接服务器。",
      gone: "该段落已不存在。", number: "请求 {id}", you: "您的提问",
    },
  };
  const lang = (asked.get("lang") || navigator.language || "en").toLowerCase().split("-")[0];
  const words = WORDS[lang] || WORDS.en;
  const say = (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));

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
  const form = el("form", { id: "form" }, box, send, stop);
  const closer = button("×", () => tell({ footnote: "close" }), { id: "close", "aria-label": say("close"), hidden: "" });
  const header = el("header", {}, el("h1", { dir: "auto" }, title), button(say("fresh"), () => begin(), { id: "fresh" }), closer);
  const panel = el("aside", { id: "panel", role: "dialog", "aria-modal": "true", "aria-label": say("passage"), hidden: "", tabindex: "-1" });
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
    return [error.code === "internal" ? say("failed") : error.message || say("failed"), error.hint, number].filter(Boolean).join(" ");
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
      live.textContent = said(final);
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

  const said = (found) => (found.clarification ? found.clarification.question : found.abstained ? say("abstained") : found.text);

  const show = (answer, found) => {
    const parts = found.clarification ? askedBack(found.clarification) : found.abstained ? abstained(found) : written(found);
    if (found.note) parts.push(el("p", { class: "remark", dir: "auto" }, found.note));
    answer.replaceChildren(...parts, actions(found));
  };

  const askedBack = ({ question, choices }) => [
    el("p", { class: "abstained", dir: "auto" }, question),
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
    const text = el("p", { class: "text", dir: "auto" });
    for (const sentence of found.sentences) {
      if (text.childNodes.length) text.append(" ");
      const doubtful = ["partial", "unsupported"].includes(sentence.support);
      const attributes = doubtful ? { class: "doubtful", title: say("doubtful") } : {};
      text.append(el("span", attributes, sentence.text));
      for (const marker of sentence.citations) text.append(mark(byMarker.get(marker)));
    }
    const notes = found.citations.map((citation) => el("li", {}, note(citation.marker, citation, citation.quote)));
    return [text, ...(notes.length ? [el("h3", {}, say("notes")), el("ol", { class: "notes" }, ...notes)] : [])];
  };

  const mark = (citation) =>
    // The word joiner keeps a marker on the line of the word before it.
    el("sup", {}, "\u2060", button(String(citation.marker), (event) => openPassage(citation, event.currentTarget), {
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
      const rest = text.slice(end).join("");
      const cut = rest.includes("\n\n") ? rest.indexOf("\n\n") : rest.length;
      const pages = el("span", { class: "pages" }); // below the paragraph with the quote
      const where = [place.page ? say("page", { n: place.page }) : "", found.metadata.date || ""].filter(Boolean).join(" · ");
      const link = hasToken ? [] : [el("p", {}, el("a", { href: new URL(`${path}?start=${place.start}&end=${place.end}#quote`, base).href, target: "_blank", rel: "noopener" }, say("whole")))];
      body.replaceChildren(
        ...(where ? [el("p", { class: "where" }, where)] : []),
        el("p", { class: "around", dir: "auto" }, found.start > 0 ? "… " : "", text.slice(0, start).join(""), quote, rest.slice(0, cut), pages, rest.slice(cut), found.end < found.chars ? " …" : ""),
        ...link,
      );
      quote.scrollIntoView({ block: "center" });
      if (place.page && /\.pdf$/i.test(place.source || "")) drawPages(place, pages).catch(() => {}); // the words are there
    } catch (error) {
      body.replaceChildren(el("p", { class: "problem", role: "alert" }, error instanceof Trouble ? error.message : say("failed")));
    }
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
})();
