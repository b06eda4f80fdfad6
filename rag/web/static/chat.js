/* The chat page: opens footnotes in the side panel, folds the list, copies, passes on clicks.
   All text arrives as markup that the server has escaped; nothing here builds HTML from text. */
(() => {
  if (window.footnote) return;

  const NARROW = window.matchMedia("(max-width: 999px)");
  const COVERED = window.matchMedia("(max-width: 799px)");
  const page = document.documentElement;
  const find = (id) => document.getElementById(id);
  let opener = null;

  function setSide(open) {
    page.dataset.side = open ? "open" : "closed";
    find("side-toggle")?.setAttribute("aria-expanded", String(open));
  }

  /* On a narrow screen the panel lies over everything else: nothing below it takes the focus. */
  function cover() {
    const isCovered = page.dataset.panel === "open" && COVERED.matches;
    for (const id of ["top", "side", "chat"]) find(id).inert = isCovered;
  }
  COVERED.addEventListener("change", cover);

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
    cover();
    find("panel").focus({ preventScroll: true });
  }

  function closePanel() {
    if (page.dataset.panel !== "open") return;
    delete page.dataset.panel;
    find("panel").hidden = true;
    cover();
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
    else if (NARROW.matches && page.dataset.side === "open") {
      setSide(false);
      find("side-toggle").focus();
    }
  }
  document.addEventListener("keydown", onKey);

  document.addEventListener("input", (event) => {
    if (event.target.id !== "side-filter") return;
    const wanted = event.target.value.trim().toLocaleLowerCase();
    for (const item of document.querySelectorAll(".documents li")) {
      item.hidden = !item.textContent.toLocaleLowerCase().includes(wanted);
    }
  });

  /* What cannot be undone is asked for twice: the first click changes the button's words. */
  function isSure(button) {
    if (button.dataset.sure === undefined || button.dataset.words !== undefined) return true;
    button.dataset.words = button.textContent;
    button.textContent = button.dataset.sure;
    button.addEventListener("blur", () => {
      button.textContent = button.dataset.words;
      delete button.dataset.words;
    }, { once: true });
    return false;
  }

  let isOpening = false;
  let openMore = null; // the conversation whose actions were used: the list is drawn anew

  /* The list of conversations: opens, renames and deletes by number; never by its words. */
  function past(element, trigger, watch) {
    const rename = (actions) => {
      openMore = actions.dataset.id;
      trigger("edit", { id: actions.dataset.id, title: actions.querySelector("input").value });
    };
    element.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-action]");
      const actions = button?.closest(".past-actions");
      if (button?.dataset.action === "open") {
        if (NARROW.matches) setSide(false);
        if (button.hasAttribute("aria-current")) return;
        isOpening = true;
        closePanel();
        trigger("select", { id: button.dataset.id });
      } else if (button?.dataset.action === "more") {
        const more = find(button.getAttribute("aria-controls"));
        more.hidden = !more.hidden;
        button.setAttribute("aria-expanded", String(!more.hidden));
        if (!more.hidden) more.querySelector("input").select();
      } else if (button?.dataset.action === "later") {
        button.previousElementSibling.classList.add("all");
        button.previousElementSibling.querySelector(".later .past-open").focus();
        button.hidden = true; // not removed: whoever looks for it would take it for outside
      } else if (button?.dataset.action === "rename") rename(actions);
      else if (button?.dataset.action === "delete" && isSure(button)) {
        const isCurrent = actions.parentElement.querySelector(".past-open[aria-current]") !== null;
        if (isCurrent) closePanel();
        trigger(isCurrent ? "apply" : "delete", { id: actions.dataset.id });
      }
      else if (button?.dataset.action === "forget" && isSure(button)) {
        closePanel();
        trigger("clear");
      }
    });
    element.addEventListener("keydown", (event) => {
      const actions = event.target.closest(".past-actions");
      if (actions && event.key === "Escape") {
        event.stopPropagation();
        const more = actions.parentElement.querySelector(".past-more");
        more.click();
        more.focus();
      } else if (event.target.closest(".rename input") && event.key === "Enter" && !event.isComposing) rename(actions);
    });
    watch("value", () => {
      if (openMore === null) return;
      const renamed = [...element.querySelectorAll(".past-open")].find((row) => row.dataset.id === openMore);
      openMore = null;
      renamed?.closest(".past-item").classList.remove("later");
      renamed?.focus();
    });
  }

  function searchPast(element, trigger) {
    let waiting = 0;
    element.addEventListener("input", (event) => {
      if (event.target.id !== "past-search") return;
      clearTimeout(waiting);
      const words = event.target.value;
      waiting = setTimeout(() => trigger("input", { words }), 250);
    });
  }

  /* Says something to those who do not see the page, in an element that stays when others change. */
  function announce(words) {
    let place = find("announced");
    if (!place) {
      place = document.createElement("p");
      place.id = "announced";
      place.setAttribute("role", "status");
      document.body.append(place);
    }
    place.textContent = words;
  }

  /* An answer is announced whole when it is there, not word by word as it comes. */
  function announcer() {
    let wasBusy = false;
    return (turn) => {
      const answer = turn?.querySelector(".answer");
      const isBusy = answer?.getAttribute("aria-busy") === "true";
      if (isBusy && !wasBusy) announce(answer.textContent);
      else if (wasBusy && answer && !isBusy) {
        const said = answer.querySelectorAll(":scope > :is(p, .table, .notice)");
        announce([...said].map((each) => each.textContent).join(" "));
      }
      wasBusy = isBusy;
    };
  }

  function follow(element) {
    let shown = 0;
    const tell = announcer();
    return () => {
      const turns = element.querySelectorAll(".turn");
      tell(turns[turns.length - 1]);
      if (isOpening && turns.length) {
        isOpening = false;
        turns[turns.length - 1].scrollIntoView({ block: "start" });
      } else if (turns.length > shown) {
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
    if (element.closest("#past")) past(element, trigger, watch);
    if (element.closest("#past-head")) searchPast(element, trigger);
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
