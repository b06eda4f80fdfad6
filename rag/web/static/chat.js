/* The chat page: opens footnotes in the side panel, folds the list, copies, passes on clicks.
   All text arrives as markup that the server has escaped; nothing here builds HTML from text. */
(() => {
  if (window.footnote) return;

  const NARROW = window.matchMedia("(max-width: 999px)");
  const page = document.documentElement;
  const find = (id) => document.getElementById(id);
  let opener = null;

  function setSide(open) {
    page.dataset.side = open ? "open" : "closed";
    find("side-toggle")?.setAttribute("aria-expanded", String(open));
  }

  function openPanel(link) {
    const url = new URL(link.href);
    url.searchParams.set("view", "panel");
    const frame = find("panel-frame");
    // A fresh load each time: a change of fragment alone would not scroll back to the quote.
    frame.contentWindow.location.replace(url.href);
    opener = link;
    find("panel").hidden = false;
    page.dataset.panel = "open";
    if (NARROW.matches) setSide(false);
    showCurrent(link.getAttribute("href"));
    find("panel").focus({ preventScroll: true });
  }

  function closePanel() {
    if (page.dataset.panel !== "open") return;
    delete page.dataset.panel;
    find("panel").hidden = true;
    showCurrent(null);
    opener?.focus();
  }

  function showCurrent(href) {
    for (const link of document.querySelectorAll("a[data-panel]")) {
      if (href !== null && link.getAttribute("href") === href) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }

  async function copy(button) {
    const text = button.dataset.copy;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Without HTTPS, browsers offer only the old way.
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-panel]");
    const asksForTab = event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0;
    if (link && !asksForTab) {
      event.preventDefault();
      openPanel(link);
      return;
    }
    const button = event.target.closest("button");
    if (button?.id === "side-toggle") setSide(page.dataset.side !== "open");
    else if (button?.id === "panel-close") closePanel();
    else if (button?.dataset.copy !== undefined) copy(button);
    else if (NARROW.matches && page.dataset.side === "open" && !event.target.closest("#side")) setSide(false);
  });

  function onKey(event) {
    if (event.key !== "Escape") return;
    if (page.dataset.panel === "open") closePanel();
    else if (NARROW.matches) setSide(false);
  }
  document.addEventListener("keydown", onKey);

  document.addEventListener("input", (event) => {
    if (event.target.id !== "side-filter") return;
    const wanted = event.target.value.trim().toLocaleLowerCase();
    for (const item of document.querySelectorAll(".documents li")) {
      item.hidden = !item.textContent.toLocaleLowerCase().includes(wanted);
    }
  });

  function follow(element) {
    let shown = 0;
    return () => {
      const turns = element.querySelectorAll(".turn");
      if (turns.length > shown) {
        const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
        turns[turns.length - 1].scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
      }
      shown = turns.length;
      if (page.dataset.panel === "open" && opener) showCurrent(opener.getAttribute("href"));
    };
  }

  /* Called once for each HTML component of the page. */
  function bind(element, trigger, watch) {
    const sendComment = (button) => {
      const comment = button.parentElement.querySelector("input").value;
      trigger("submit", { turn: Number(button.dataset.turn), comment });
    };
    const searchAgain = (button) => {
      const query = button.parentElement.querySelector("input").value.trim();
      if (query) trigger("retry", { query, choice: -1 });
    };
    element.addEventListener("keydown", (event) => {
      // The Enter that ends a composition (Chinese, Japanese, ...) sends nothing.
      if (event.key !== "Enter" || event.isComposing) return;
      const button = event.target.closest(".comment input")?.parentElement.querySelector("button");
      if (button && !button.disabled) sendComment(button);
      const search = event.target.closest(".search-again")?.querySelector("button");
      if (search) searchAgain(search);
    });
    element.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-action]");
      if (button?.dataset.action === "example") trigger("example_select", { index: Number(button.dataset.index) });
      else if (button?.dataset.action === "retry") trigger("retry", { query: "", choice: -1 });
      else if (button?.dataset.action === "choose") trigger("retry", { query: "", choice: Number(button.dataset.index) });
      else if (button?.dataset.action === "search") searchAgain(button);
      else if (button?.dataset.action === "rate") {
        trigger("like", { turn: Number(button.dataset.turn), rating: button.dataset.rating });
      } else if (button?.dataset.action === "comment") sendComment(button);
      else if (button?.dataset.action === "clear") {
        closePanel();
        if (NARROW.matches) setSide(false);
        trigger("clear");
      }
    });
    if (element.closest("#conversation")) watch("value", follow(element));
    const frame = element.querySelector("#panel-frame");
    frame?.addEventListener("load", () => {
      // The panel's page is ours and has no scripts; Escape must close it from inside, too.
      frame.contentDocument?.addEventListener("keydown", onKey);
    });
    if (page.dataset.side === undefined) setSide(!NARROW.matches);
    else find("side-toggle")?.setAttribute("aria-expanded", String(page.dataset.side === "open"));
  }

  window.footnote = { bind };
})();
