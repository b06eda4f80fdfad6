/* Footnote in a page of yours: a bubble that opens /embed in a frame. No dependency, nothing inline.
   <script src="https://ask.corp/widget.js" data-embed="handbook" defer></script> */
(() => {
  "use strict";

  const script = document.currentScript;
  const base = new URL(".", script ? script.src : location.href);
  const LABELS = {
    en: ["Ask the documents", "The assistant could not be opened here.", "Open it in a new tab"],
    de: ["Die Dokumente fragen", "Der Assistent ließ sich hier nicht öffnen.", "In neuem Tab öffnen"],
    fr: ["Interroger les documents", "L’assistant n’a pas pu s’ouvrir ici.", "L’ouvrir dans un nouvel onglet"],
    es: ["Preguntar a los documentos", "No se pudo abrir el asistente aquí.", "Abrirlo en otra pestaña"],
    zh: ["向文档提问", "无法在此处打开助手。", "在新标签页中打开"],
  };
  const READY_MS = 10000;
  const STYLE = `
    :host { all: initial !important; display: block !important; position: fixed !important;
      inset-block-end: 20px !important; inset-inline: auto 20px !important;
      z-index: 2147483000 !important; font: 16px/1.4 system-ui, sans-serif !important; }
    :host([data-side="left"]) { inset-inline: 20px auto !important; }
    .bubble { all: unset; box-sizing: border-box; display: grid; place-items: center;
      inline-size: 56px; block-size: 56px; border-radius: 50%;
      border: 1px solid transparent; cursor: pointer; color: #fff;
      background: var(--footnote-accent, #1f4e8c); box-shadow: 0 2px 12px rgb(0 0 0 / .3); }
    .bubble:focus-visible { outline: 3px solid #fff; box-shadow: 0 0 0 6px #1a73e8; }
    .bubble svg { inline-size: 26px; block-size: 26px; fill: none; stroke: currentColor;
      stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
    .panel { position: absolute; inset-block-end: 68px; inset-inline-end: 0; box-sizing: border-box;
      inline-size: min(420px, calc(100vw - 40px)); block-size: min(640px, calc(100vh - 108px));
      border: 1px solid rgb(128 128 128 / .4); border-radius: 12px; overflow: hidden;
      background: Canvas padding-box; color: CanvasText; box-shadow: 0 8px 40px rgb(0 0 0 / .3); }
    :host([data-side="left"]) .panel { inset-inline: 0 auto; }
    .panel[hidden] { display: none; }
    iframe { display: block; inline-size: 100%; block-size: 100%; border: 0; }
    .lost { margin: 0; padding: 24px; }
    .lost[hidden], iframe[hidden] { display: none; }
    .lost a { color: LinkText; }
    @media (max-width: 480px) {
      .panel { position: fixed; inset: 0; inline-size: 100%; block-size: 100%; border: 0;
        border-radius: 0; }
      :host([data-side="left"]) .panel { inset-inline: 0; }
      .panel:not([hidden]) + .bubble { display: none; }
    }
    @media print { :host { display: none !important; } }`;
  const SVG = "http://www.w3.org/2000/svg";

  const element = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };

  const icon = () => {
    const svg = document.createElementNS(SVG, "svg");
    const path = document.createElementNS(SVG, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", "M4 5h16v11H9l-5 4zM8 9h8M8 12h5");
    svg.append(path);
    return svg;
  };

  /* Options: embed, label, lang, dir, theme ("light", "dark"), accent ("#rrggbb"), side ("left"),
     open, and token: a function that returns (a promise of) a token saying who asks. */
  function init(options) {
    const key = `${options.embed || ""}/${options.side || "right"}`;
    const present = instances.find((instance) => instance.key === key);
    if (present) return present;

    const page = document.documentElement;
    const lang = (options.lang || page.lang || navigator.language || "en").toLowerCase();
    const [label, lost, link] = LABELS[lang.split("-")[0]] || LABELS.en;
    const title = options.label || label;
    const url = new URL("embed", base);
    const settings = { c: options.embed, lang, dir: options.dir || page.dir, theme: options.theme };
    for (const [name, value] of Object.entries({ ...settings, accent: options.accent, title }))
      if (value) url.searchParams.set(name, value);

    const host = element("div", { "data-footnote": options.embed || "" });
    if (options.side === "left") host.dataset.side = "left";
    if (options.dir || page.dir) host.dir = options.dir || page.dir;
    if (/^#[0-9a-f]{6}$/i.test(options.accent || ""))
      host.style.setProperty("--footnote-accent", options.accent);
    const root = host.attachShadow({ mode: "closed" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];

    const bubble = element(
      "button",
      { class: "bubble", type: "button", "aria-label": title, "aria-haspopup": "dialog", "aria-expanded": "false" },
      icon(),
    );
    const before = element("span", { tabindex: "0" });
    const after = element("span", { tabindex: "0" });
    const elsewhere = element("a", { href: url.href, target: "_blank", rel: "noopener" }, link);
    const message = element("p", { class: "lost", role: "status", hidden: "" }, `${lost} `, elsewhere);
    const panel = element(
      "div",
      { class: "panel", role: "dialog", "aria-modal": "true", "aria-label": title, hidden: "" },
      before, message, after,
    );
    root.append(panel, bubble);

    let frame = null;
    let isReady = false;
    let timer = 0;

    // To our own origin only: what is said here is for nobody else.
    const say = (data) => frame && frame.contentWindow && frame.contentWindow.postMessage(data, base.origin);

    const load = () => {
      frame = element("iframe", { title, allow: "clipboard-write", src: url.href });
      frame.addEventListener("load", () => say({ footnote: "hello", hasToken: typeof options.token === "function" }));
      after.before(frame);
      timer = setTimeout(() => {
        if (isReady) return;
        frame.hidden = true;
        message.hidden = false;
        elsewhere.focus();
      }, READY_MS);
    };

    const focusInside = (end) => {
      if (!isReady) return;
      frame.focus();
      say({ footnote: "focus", end });
    };

    const open = () => {
      panel.hidden = false;
      bubble.setAttribute("aria-expanded", "true");
      if (frame) focusInside("box");
      else load();
    };

    const close = () => {
      panel.hidden = true;
      bubble.setAttribute("aria-expanded", "false");
      bubble.focus();
    };

    const giveToken = async (id) => {
      let token = "";
      try {
        token = String(await options.token());
      } catch {
        token = ""; // the frame says that nobody is known
      }
      say({ footnote: "token", id, token });
    };

    const onMessage = (event) => {
      if (!frame || event.source !== frame.contentWindow || event.origin !== base.origin) return;
      const { footnote, id } = event.data || {};
      if (footnote === "ready") {
        isReady = true;
        clearTimeout(timer);
        if (!panel.hidden) focusInside("box");
      } else if (footnote === "close") close();
      else if (footnote === "token" && typeof options.token === "function" && Number.isInteger(id)) giveToken(id);
    };

    const onKey = (event) => {
      if (event.key === "Escape" && !panel.hidden) close();
    };

    bubble.addEventListener("click", () => (panel.hidden ? open() : close()));
    before.addEventListener("focus", () => focusInside("last"));
    after.addEventListener("focus", () => focusInside("first"));
    root.addEventListener("keydown", onKey);
    window.addEventListener("message", onMessage);
    // Beside the body, so that a page that swaps its body for another keeps the conversation.
    page.append(host);

    const instance = {
      key,
      open,
      close,
      destroy() {
        clearTimeout(timer);
        window.removeEventListener("message", onMessage);
        host.remove();
        instances.splice(instances.indexOf(instance), 1);
      },
    };
    instances.push(instance);
    if (options.open === true || options.open === "true") open();
    return instance;
  }

  const widget = (window.FootnoteWidget = window.FootnoteWidget || {
    instances: [],
    init,
    destroy() {
      for (const instance of [...this.instances]) instance.destroy();
    },
  });
  const instances = widget.instances;
  if (script && script.dataset.embed !== undefined) init({ ...script.dataset });
})();
